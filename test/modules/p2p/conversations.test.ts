import { describe, expect, test } from 'bun:test';
import { minute, second } from '../../../src/kernel/clock.ts';
import type { Conversation, ConversationPage, UnreadTotal } from '../../../src/modules/messaging/messaging.schema.ts';
import { seeded } from '../../support/random.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

const start = (t: TestApp, as: As, body: object, headers: Record<string, string> = {}) =>
	t.call<Conversation>({ as, method: 'POST', path: '/p2p/conversations', body, headers });
const list = (t: TestApp, as: As, query = '') => t.ok<ConversationPage>({ as, path: `/p2p/conversations${query}` });

describe('starting a conversation', () => {
	test('is 201 the first time, then 200 with the same, from either side', async () => {
		using t = await createTestApp();
		const [alice, bob] = [t.person('alice'), t.person('bob')];
		const made = await t.scenario<Conversation>({
			as: 'alice',
			method: 'POST',
			path: '/p2p/conversations',
			body: { otherParticipantId: bob.id },
			expect: {
				status: 201,
				body: {
					data: {
						type: 'p2p',
						participantOne: alice.id,
						participantTwo: bob.id,
						status: 'active',
						messageCount: 0,
						unreadCountP1: 0,
						unreadCountP2: 0,
						unreadCount: 0,
						lastMessage: null,
						lastMessageAt: null,
						metadata: null,
						createdAt: '2026-03-01T12:00:00.000Z',
					},
				},
				events: [
					{ type: 'conversation.created', site: 'site.com', userA: 'alice', userB: 'bob', message: null, detail: null },
				],
			},
		});
		expect(made.data.participants.map(({ username }) => username)).toEqual(['alice', 'bob']);
		const before = t.snapshot();
		const again = await start(t, 'alice', { otherParticipantId: bob.id });
		expect([again.status, again.body.data]).toEqual([200, made.data]);
		const back = await start(t, 'bob', { otherParticipantId: alice.id });
		expect([back.status, back.body.data]).toEqual([200, made.data]);
		expect(t.snapshot()).toBe(before);
	});
	test('50 at once from both sides make one', async () => {
		using t = await createTestApp();
		const ids = { alice: t.person('alice').id, bob: t.person('bob').id };
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				i % 2 ? start(t, 'alice', { otherParticipantId: ids.bob }) : start(t, 'bob', { otherParticipantId: ids.alice }),
			),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ status }) => status === 200).length).toBe(49);
		expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
		expect(t.rows('select count(*) as n from conversations')).toEqual([{ n: 1 }]);
		expect(t.rows('select p2p_conversations as n from site_days where site = ?', t.home.pk)).toEqual([{ n: 1 }]);
	});
	test('names the other by the site’s own id, too, but not by both', async () => {
		using t = await createTestApp();
		await t.change('bob', { externalId: 'u-7' });
		const made = await start(t, 'alice', { otherExternalId: 'u-7' });
		expect([made.status, made.body.data.participantTwo]).toEqual([201, t.person('bob').id]);
		for (const body of [{}, { otherExternalId: 'u-7', otherParticipantId: t.person('bob').id }])
			expect((await start(t, 'alice', body)).body.code).toBe('invalid_request');
		for (const otherExternalId of ['u-8', ''])
			expect([400, 404]).toContain((await start(t, 'alice', { otherExternalId })).status);
	});
	test('with oneself is 422', async () => {
		using t = await createTestApp();
		expect((await start(t, 'alice', { otherParticipantId: t.person('alice').id })).body.code).toBe(
			'conversation_with_self',
		);
	});
	test('is done by the site’s server for two users, or as one of them', async () => {
		using t = await createTestApp();
		const [participantOne, participantTwo] = [t.person('alice').id, t.person('bob').id];
		expect((await start(t, 'server', { otherParticipantId: participantTwo })).body.code).toBe('invalid_request');
		expect((await start(t, 'server', { participantOne })).body.code).toBe('invalid_request');
		expect((await start(t, 'server', { participantOne, participantTwo: participantOne })).body.code).toBe(
			'conversation_with_self',
		);
		expect((await start(t, 'server', { participantOne, participantTwo: t.person('other.bob').id })).status).toBe(404);
		const made = await start(t, 'server', { participantOne, participantTwo });
		expect([made.status, made.body.data.participantOne]).toEqual([201, participantOne]);
		const acted = await start(t, 'server', { otherParticipantId: participantOne }, { 'x-act-as': participantTwo });
		expect([acted.status, acted.body.data.id]).toEqual([200, made.body.data.id]);
	});
	test('a user cannot name two others', async () => {
		using t = await createTestApp();
		const body = { participantOne: t.person('bob').id, participantTwo: t.person('carol').id };
		expect((await start(t, 'alice', body)).body.code).toBe('invalid_request');
		// and what they name beside is not looked at
		const made = await start(t, 'alice', { ...body, otherParticipantId: t.person('bob').id });
		expect([made.body.data.participantOne, made.body.data.participantTwo]).toEqual([
			t.person('alice').id,
			t.person('bob').id,
		]);
	});
	test('with somebody who may not receive is 403; what is there already can be had', async () => {
		using t = await createTestApp();
		const otherParticipantId = t.person('staff').id;
		await t.conversation('bob', 'staff');
		await t.change('staff', { permissions: { canReceiveMessage: false } });
		expect((await start(t, 'alice', { otherParticipantId })).body.code).toBe('recipient_unavailable');
		expect((await start(t, 'bob', { otherParticipantId })).status).toBe(200);
		// one who may not receive may still write first
		expect((await start(t, 'staff', { otherParticipantId: t.person('alice').id })).status).toBe(201);
	});
});

describe('the list of conversations', () => {
	test('has the caller’s own, newest activity first, in pages as the first documentation shows them', async () => {
		using t = await createTestApp();
		const names = ['bob', 'carol', 'staff', 'admin', 'moderator'];
		const ids: string[] = [];
		for (const name of names) {
			t.advance(second);
			ids.push(await t.conversation('alice', name));
		}
		await t.conversation('bob', 'carol');
		t.advance(second);
		await t.send('alice', ids[1] ?? '');
		const order = [ids[1], ids[4], ids[3], ids[2], ids[0]];
		const all = await list(t, 'alice');
		expect(all).toMatchObject({ total: 5, page: 1, limit: 20, totalPages: 1 });
		expect(all.data.map(({ id }) => id)).toEqual(order as string[]);
		for (const [page, from, to] of [
			[1, 0, 2],
			[2, 2, 4],
			[3, 4, 5],
			[4, 5, 5],
		] as const) {
			const found = await list(t, 'alice', `?limit=2&page=${page}`);
			expect(found).toMatchObject({ total: 5, page, limit: 2, totalPages: 3 });
			expect(found.data.map(({ id }) => id)).toEqual(order.slice(from, to) as string[]);
		}
		expect(await list(t, 'superadmin')).toEqual({ data: [], total: 0, page: 1, limit: 20, totalPages: 0 });
	});
	test('shows each side its own unread count and status, and both the same counters', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.send('alice', id);
		await t.send('alice', id);
		const [a] = (await list(t, 'alice')).data;
		const [b] = (await list(t, 'bob')).data;
		for (const each of [a, b])
			expect(each).toMatchObject({ messageCount: 2, unreadCountP1: 0, unreadCountP2: 2, lastMessage: { seq: 2 } });
		expect([a?.unreadCount, b?.unreadCount]).toEqual([0, 2]);
	});
	test('is held to status and unread as asked, compared with a plain filter over random ones', async () => {
		using t = await createTestApp();
		const random = seeded(7);
		const names = Array.from({ length: 12 }, (_, i) => `friend${i}`);
		for (const name of names) await t.add(name);
		const made: { id: string; archived: boolean; unread: number; at: number }[] = [];
		for (const name of names) {
			t.advance(minute);
			const id = random.chance(0.5) ? await t.conversation('alice', name) : await t.conversation(name, 'alice');
			const unread = random.below(3);
			for (let i = 0; i < unread; i++) await t.send(name, id);
			const archived = random.chance(0.4);
			if (archived) await t.ok({ as: 'alice', method: 'POST', path: `/p2p/conversations/${id}/archive` });
			if (random.chance(0.4)) await t.ok({ as: name, method: 'POST', path: `/p2p/conversations/${id}/archive` });
			made.push({ id, archived, unread, at: t.clock() });
		}
		const expected = (status: string, unread: boolean) =>
			made
				.filter(
					(each) => (status === 'all' || each.archived === (status === 'archived')) && (!unread || each.unread > 0),
				)
				.sort((a, b) => b.at - a.at)
				.map(({ id }) => id);
		for (const status of ['active', 'archived', 'all'])
			for (const unread of [true, false]) {
				const found = await list(t, 'alice', `?status=${status}&unread=${unread}&limit=100`);
				expect([status, unread, found.data.map(({ id }) => id)]).toEqual([status, unread, expected(status, unread)]);
				expect(found.total).toBe(found.data.length);
			}
		const unread = await t.ok<UnreadTotal>({ as: 'alice', path: '/p2p/unread-count' });
		expect(unread.total).toBe(made.reduce((sum, each) => sum + each.unread, 0));
		expect(unread.conversations).toEqual(
			expected('all', true).map((id) => ({ id, unreadCount: made.find((each) => each.id === id)?.unread ?? 0 })),
		);
		expect(unread.hasMore).toBe(false);
	});
	test('the unread count lists at most 100, and counts them all', async () => {
		using t = await createTestApp();
		for (let i = 0; i < 102; i++) {
			await t.add(`friend${i}`);
			await t.send(`friend${i}`, await t.conversation(`friend${i}`, 'alice'));
		}
		const unread = await t.ok<UnreadTotal>({ as: 'alice', path: '/p2p/unread-count' });
		expect([unread.total, unread.conversations.length, unread.hasMore]).toEqual([102, 100, true]);
	});
});

describe('archiving', () => {
	const archive = (t: TestApp, as: As, id: string, how = 'archive') =>
		t.ok<Conversation>({ as, method: 'POST', path: `/p2p/conversations/${id}/${how}` });
	test('is for the caller only', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.scenario({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/archive`,
			expect: {
				status: 200,
				body: { data: { id, status: 'archived' } },
				events: [{ type: 'conversation.updated', conversation: id, userA: 'alice', userB: null }],
			},
		});
		expect((await t.see('bob', id)).status).toBe('active');
		// again changes nothing
		await t.scenario({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/archive`,
			expect: { status: 200, events: [] },
		});
		expect((await archive(t, 'bob', id)).status).toBe('archived');
		expect((await archive(t, 'alice', id, 'unarchive')).status).toBe('active');
		expect((await t.see('bob', id)).status).toBe('archived');
	});
	test('ends with a new message, for both, whoever sent it', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		for (const from of ['alice', 'bob']) {
			for (const as of ['alice', 'bob']) await archive(t, as, id);
			await t.send(from, id);
			for (const as of ['alice', 'bob']) expect((await t.see(as, id)).status).toBe('active');
		}
	});
	test('does not end with what is no new message', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const { id: message } = await t.send('alice', id, 'hi', { clientMessageId: 'c-1' });
		await archive(t, 'bob', id);
		const path = `/p2p/conversations/${id}`;
		await t.ok({
			as: 'alice',
			method: 'PATCH',
			path: `${path}/messages/${message}`,
			body: { content: { text: 'ho' } },
		});
		await t.ok({ as: 'alice', method: 'PUT', path: `${path}/messages/${message}/reactions/👍` });
		await t.ok({ as: 'bob', method: 'POST', path: `${path}/read`, body: {} });
		await t.send('alice', id, 'hi', { clientMessageId: 'c-1' });
		await t.ok({ as: 'alice', method: 'DELETE', path: `${path}/messages/${message}` });
		expect((await t.see('bob', id)).status).toBe('archived');
	});
});

describe('an unverified user', () => {
	test('has at most 20 unanswered conversations; an answer makes room', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		const ids: string[] = [];
		for (let i = 0; i < 21; i++) await t.add(`friend${i}`);
		for (let i = 0; i < 20; i++) ids.push(await t.conversation('vic', `friend${i}`));
		const more = { otherParticipantId: t.person('friend20').id };
		const refused = await start(t, 'vic', more);
		expect([refused.status, refused.body.code]).toEqual([429, 'conversations_unanswered']);
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		// what is there already can be had
		expect((await start(t, 'vic', { otherParticipantId: t.person('friend0').id })).status).toBe(200);
		await t.send('vic', ids[0] ?? '');
		expect((await start(t, 'vic', more)).status).toBe(429);
		await t.send('friend0', ids[0] ?? '');
		expect((await start(t, 'vic', more)).status).toBe(201);
	});
	test('writes at most 20 messages before the other replies; a repeat is no new one', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		const id = await t.conversation('vic', 'bob');
		for (let i = 0; i < 20; i++) await t.send('vic', id, `${i}`, { clientMessageId: `c-${i}` });
		const send = (clientMessageId: string, text: string) =>
			t.call({
				as: 'vic',
				method: 'POST',
				path: `/p2p/conversations/${id}/messages`,
				body: { content: { text }, clientMessageId },
			});
		const before = t.snapshot();
		const refused = await send('c-20', '20');
		expect([refused.status, refused.body.code]).toEqual([429, 'reply_awaited']);
		expect((await send('c-19', '19')).status).toBe(200);
		expect(t.snapshot()).toBe(before);
		// a deleted one was written all the same
		const { data } = await t.messages('vic', id);
		await t.ok({ as: 'vic', method: 'DELETE', path: `/p2p/conversations/${id}/messages/${data[0]?.id}` });
		expect((await send('c-20', '20')).status).toBe(429);
		await t.send('bob', id);
		for (let i = 20; i < 45; i++) expect((await send(`c-${i}`, `${i}`)).status).toBe(201);
	});
	test('is held to these as the second of the two, too', async () => {
		using t = await createTestApp({ unverifiedMessages: 2 });
		await t.visitor('vic');
		const id = await t.conversation('alice', 'vic');
		await t.send('vic', id);
		await t.send('vic', id);
		const body = { content: { text: 'x' } };
		expect(await t.refused({ as: 'vic', method: 'POST', path: `/p2p/conversations/${id}/messages`, body })).toEqual([
			429,
			'reply_awaited',
		]);
	});
	test('alone is held to these: a verified one is not', async () => {
		using t = await createTestApp({ unverifiedMessages: 1, unverifiedConversations: 1 });
		const id = await t.conversation('alice', 'bob');
		for (let i = 0; i < 5; i++) await t.send('alice', id);
		await t.conversation('alice', 'carol');
	});
});
