import { describe, expect, test } from 'bun:test';
import { second } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { messageTextMax, reactionsPerMessageMax } from '../../../src/kernel/limits.ts';
import type { UserPrincipal } from '../../../src/kernel/principal.ts';
import { type Flag, flags } from '../../../src/kernel/roles.ts';
import type { Message } from '../../../src/modules/messaging/messaging.schema.ts';
import type { UserChanges } from '../../../src/modules/users/users.steps.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

const sendTo = (t: TestApp, as: As, id: string, body: object) =>
	t.call<Message>({ as, method: 'POST', path: `/p2p/conversations/${id}/messages`, body });
const messagePath = (id: string, message: Message | { id: string }) =>
	`/p2p/conversations/${id}/messages/${message.id}`;
const text = (words: string) => ({ content: { text: words } });
const react = (t: TestApp, as: As, id: string, message: { id: string }, emoji: string, method = 'PUT') =>
	t.call<Message>({ as, method, path: `${messagePath(id, message)}/reactions/${encodeURIComponent(emoji)}` });

describe('sending', () => {
	test('stores the message as the next of its conversation, and records it by reference', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		t.advance(second);
		const { data } = await t.scenario<Message>({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body: text('How are you?'),
			expect: {
				status: 201,
				body: {
					success: true,
					data: {
						conversationId: id,
						senderId: t.person('alice').id,
						seq: 1,
						kind: 'text',
						content: { text: 'How are you?' },
						isRead: false,
						replyTo: null,
						reactions: [],
						clientMessageId: null,
						metadata: null,
						editedAt: null,
						deletedAt: null,
						createdAt: '2026-03-01T12:00:01.000Z',
					},
				},
				events: [
					{ type: 'message.created', site: 'site.com', conversation: id, userA: 'alice', userB: 'bob', detail: null },
				],
			},
		});
		expect(t.eventsAfter(t.newestEvent() - 1)[0]?.message).toBe(data.id);
		expect((await t.messages('bob', id)).data).toEqual([data]);
		const seen = await t.see('bob', id);
		expect(seen).toMatchObject({
			messageCount: 1,
			unreadCountP1: 0,
			unreadCountP2: 1,
			unreadCount: 1,
			lastMessage: data,
			lastMessageAt: data.createdAt,
		});
	});
	test('numbers without a gap, also 50 at once from both sides', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await Promise.all(Array.from({ length: 50 }, (_, i) => t.send(i % 3 ? 'alice' : 'bob', id, `${i}`)));
		const { data, total } = await t.messages('bob', id, '?limit=100');
		expect(data.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
		expect(total).toBe(50);
		expect((await t.see('alice', id)).messageCount).toBe(50);
		expect(t.rows('select messages as n from site_days where site = ?', t.home.pk)).toEqual([{ n: 50 }]);
	});
	test('refused ones leave no gap', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const replies = await Promise.all(
			Array.from({ length: 30 }, (_, i) =>
				sendTo(t, 'alice', id, i % 2 ? text(`${i}`) : { ...text('x'), replyTo: 'msg_nowhere' }),
			),
		);
		expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, (_, i) => (i % 2 ? 201 : 422)));
		expect((await t.messages('bob', id)).data.map(({ seq }) => seq)).toEqual(
			Array.from({ length: 15 }, (_, i) => i + 1),
		);
	});
	test('reads everything before, for the sender', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.send('alice', id);
		await t.send('alice', id);
		await t.send('bob', id);
		expect((await t.messages('alice', id)).data.map(({ isRead }) => isRead)).toEqual([true, true, false]);
		expect((await t.see('bob', id)).unreadCount).toBe(0);
	});
	test('takes texts of 1 to 10 000 characters after trimming, counted as people count', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		for (const good of [
			'x',
			'  x  ',
			'x'.repeat(messageTextMax),
			'😀'.repeat(messageTextMax),
			` ${'y'.repeat(messageTextMax)}\n`,
			'a\nb\tc',
			'<script>alert(1)</script>',
			'পরীক্ষা',
			'\u202ex',
			'__proto__',
		])
			expect((await t.send('alice', id, good)).content).toEqual({ text: good.trim() });
		const before = t.snapshot();
		for (const bad of ['', '   ', '\n\t', '\u00a0', 'x'.repeat(messageTextMax + 1), '😀'.repeat(messageTextMax + 1)]) {
			const { status } = await sendTo(t, 'alice', id, text(bad));
			expect([bad.length, [400, 422].includes(status)]).toEqual([bad.length, true]);
		}
		for (const body of [
			{},
			{ content: {} },
			{ content: { text: 1 } },
			{ content: 'x' },
			{ text: 'x' },
			{ content: { text: null } },
		])
			expect((await sendTo(t, 'alice', id, body)).body.code).toBe('invalid_request');
		for (const code of ['\\u0000', '\\ud83d', '\\ude00\\ud83d']) {
			const response = await t.fetch(`/api/v1/p2p/conversations/${id}/messages`, {
				method: 'POST',
				headers: { ...t.credentials('alice'), 'content-type': 'application/json' },
				body: `{"content":{"text":"a${code}b"}}`,
			});
			expect([code, response.status]).toEqual([code, 400]);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('takes the largest text with every character escaped', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const response = await t.fetch(`/api/v1/p2p/conversations/${id}/messages`, {
			method: 'POST',
			headers: { ...t.credentials('alice'), 'content-type': 'application/json' },
			body: `{"content":{"text":"${'\\u00e9'.repeat(messageTextMax)}"}}`,
		});
		expect(response.status).toBe(201);
	});
	test('takes metadata of at most 20 keys and 2 KB, and gives it back', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const metadata = { order: 7, paid: true, note: 'über' };
		expect((await t.send('alice', id, 'x', { metadata })).metadata).toEqual(metadata);
		expect((await t.messages('bob', id)).data[0]?.metadata).toEqual(metadata);
		const before = t.snapshot();
		for (const bad of [
			Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, i])),
			{ a: 'x'.repeat(2_048) },
			{ a: null },
			{ a: {} },
		])
			expect((await sendTo(t, 'alice', id, { ...text('x'), metadata: bad })).body.code).toBe('invalid_request');
		expect(t.snapshot()).toBe(before);
	});
	test('answers a message of the same conversation that is still there, else 422', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const elsewhere = await t.send('carol', await t.conversation('carol', 'bob'));
		const first = await t.send('alice', id);
		expect((await t.send('bob', id, 'yes', { replyTo: first.id })).replyTo).toBe(first.id);
		expect((await t.messages('alice', id)).data[1]?.replyTo).toBe(first.id);
		await t.ok({ as: 'alice', method: 'DELETE', path: messagePath(id, first) });
		const before = t.snapshot();
		for (const replyTo of [elsewhere.id, first.id, 'msg_00000000000000000000000000', id])
			expect((await sendTo(t, 'bob', id, { ...text('x'), replyTo })).body.code).toBe('reply_to_invalid');
		expect(t.snapshot()).toBe(before);
	});
});

describe('a clientMessageId', () => {
	test('used again gives 200 and the stored message, and nothing happens', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const body = { ...text('once'), clientMessageId: 'c-1', metadata: { a: 1 } };
		const first = await sendTo(t, 'alice', id, body);
		expect([first.status, first.body.data.clientMessageId]).toEqual([201, 'c-1']);
		const before = t.snapshot();
		t.advance(second);
		await t.scenario({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body,
			expect: { status: 200, body: { data: first.body.data }, events: [] },
		});
		expect(await sendTo(t, 'alice', id, { ...body, ...text('  once ') })).toMatchObject({ status: 200 });
		expect(t.snapshot()).toBe(before);
	});
	test('with other content is 409', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const { id: replyTo } = await t.send('bob', id);
		await t.send('alice', id, 'once', { clientMessageId: 'c-1' });
		const before = t.snapshot();
		for (const other of [text('twice'), { ...text('once'), replyTo }, { ...text('once'), metadata: { a: 1 } }]) {
			const { status, body } = await sendTo(t, 'alice', id, { ...other, clientMessageId: 'c-1' });
			expect([status, body.code]).toEqual([409, 'client_message_id_reused']);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('is the sender’s and the conversation’s own', async () => {
		using t = await createTestApp();
		const [one, two] = [await t.conversation('alice', 'bob'), await t.conversation('alice', 'carol')];
		for (const [from, id] of [
			['alice', one],
			['bob', one],
			['alice', two],
			['carol', two],
		] as const)
			expect((await sendTo(t, from, id, { ...text(from), clientMessageId: 'c-1' })).status).toBe(201);
	});
	test('50 at once store one', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const replies = await Promise.all(
			Array.from({ length: 50 }, () => sendTo(t, 'alice', id, { ...text('once'), clientMessageId: 'c-1' })),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ status }) => status === 200).length).toBe(49);
		expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
		expect(await t.see('bob', id)).toMatchObject({ messageCount: 1, unreadCount: 1 });
	});
	test('of an edited message still answers what is stored; of a deleted one its tombstone', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const body = { ...text('once'), clientMessageId: 'c-1' };
		const message = await t.send('alice', id, 'once', { clientMessageId: 'c-1' });
		await t.ok({ as: 'alice', method: 'PATCH', path: messagePath(id, message), body: text('edited') });
		expect((await sendTo(t, 'alice', id, body)).body.data.content).toEqual({ text: 'edited' });
		await t.ok({ as: 'alice', method: 'DELETE', path: messagePath(id, message) });
		const again = await sendTo(t, 'alice', id, body);
		expect([again.status, again.body.data.content]).toEqual([200, {}]);
	});
	test('answers 200 also when one could no longer send it: what was accepted stays accepted', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const body = { ...text('once'), clientMessageId: 'c-1' };
		const message = await t.send('alice', id, 'once', { clientMessageId: 'c-1' });
		await t.ok({ as: 'bob', method: 'POST', path: `/users/me/blocks/${t.person('alice').id}` });
		const before = t.snapshot();
		const again = await sendTo(t, 'alice', id, body);
		expect([again.status, again.body.data.id]).toEqual([200, message.id]);
		expect((await sendTo(t, 'alice', id, { ...body, ...text('other') })).body.code).toBe('client_message_id_reused');
		expect((await sendTo(t, 'alice', id, { ...body, clientMessageId: 'c-2' })).body.code).toBe('blocked');
		expect(t.snapshot()).toBe(before);
	});
	test('is 1 to 64 visible ASCII characters', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		for (const clientMessageId of ['', 'a b', 'ü', 'x'.repeat(65), '\u0001', 7])
			expect((await sendTo(t, 'alice', id, { ...text('x'), clientMessageId })).body.code).toBe('invalid_request');
		for (const clientMessageId of ['x'.repeat(64), crypto.randomUUID(), '!"#$%&()~'])
			expect((await sendTo(t, 'alice', id, { ...text('x'), clientMessageId })).status).toBe(201);
	});
});

describe('editing', () => {
	test('changes one’s own text, says when, and keeps the earlier one for the desk', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id, 'frist', { metadata: { a: 1 } });
		t.advance(second);
		await t.scenario({
			as: 'alice',
			method: 'PATCH',
			path: messagePath(id, message),
			body: text(' first '),
			expect: {
				status: 200,
				body: { data: { ...message, content: { text: 'first' }, editedAt: '2026-03-01T12:00:01.000Z' } },
				events: [
					{
						type: 'message.updated',
						conversation: id,
						message: message.id,
						userA: 'alice',
						userB: 'bob',
						detail: null,
					},
				],
			},
		});
		expect(t.rows('select text, replaced_at from message_edits')).toEqual([{ text: 'frist', replaced_at: t.clock() }]);
		expect((await t.messages('bob', id)).data[0]).toMatchObject({
			content: { text: 'first' },
			metadata: { a: 1 },
			seq: 1,
		});
		// the same text again is no edit
		await t.scenario({
			as: 'alice',
			method: 'PATCH',
			path: messagePath(id, message),
			body: text('first'),
			expect: { status: 200, events: [] },
		});
		// nor does an edit make anything unread
		expect((await t.see('bob', id)).unreadCount).toBe(1);
	});
	test('others’ is 403, for moderators too; a deleted one 422', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'moderator');
		const message = await t.send('alice', id);
		expect(
			await t.refused({ as: 'moderator', method: 'PATCH', path: messagePath(id, message), body: text('x') }),
		).toEqual([403, 'forbidden']);
		await t.ok({ as: 'alice', method: 'DELETE', path: messagePath(id, message) });
		expect(await t.refused({ as: 'alice', method: 'PATCH', path: messagePath(id, message), body: text('x') })).toEqual([
			422,
			'message_deleted',
		]);
	});
	test('is held to the limits of sending', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		for (const bad of ['', '  ', 'x'.repeat(messageTextMax + 1)]) {
			const [status] = await t.refused({
				as: 'alice',
				method: 'PATCH',
				path: messagePath(id, message),
				body: text(bad),
			});
			expect([400, 422]).toContain(status);
		}
	});
});

describe('deleting', () => {
	test('leaves a tombstone: no text, no metadata, no reactions, no earlier texts', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id, 'Xone', { metadata: { a: 'Xmeta' } });
		await t.ok({ as: 'alice', method: 'PATCH', path: messagePath(id, message), body: text('Xtwo') });
		await react(t, 'bob', id, message, '👍');
		t.advance(second);
		const remove = { as: 'alice', method: 'DELETE', path: messagePath(id, message) };
		await t.scenario({
			...remove,
			expect: {
				status: 200,
				body: {
					data: {
						id: message.id,
						seq: 1,
						content: {},
						metadata: null,
						reactions: [],
						deletedAt: '2026-03-01T12:00:01.000Z',
					},
				},
				events: [{ type: 'message.deleted', conversation: id, message: message.id }],
			},
		});
		const everything = JSON.stringify(
			['messages', 'message_edits', 'reactions', 'events'].map((table) => t.rows(`select * from ${table}`)),
		);
		expect(everything).not.toMatch(/Xone|Xtwo|Xmeta|👍/);
		t.advance(second);
		await t.scenario({
			...remove,
			expect: { status: 200, body: { data: { deletedAt: '2026-03-01T12:00:01.000Z' } }, events: [] },
		});
		expect(await t.see('bob', id)).toMatchObject({ messageCount: 1, unreadCount: 0, lastMessage: { content: {} } });
	});
	test('is for the sender, and for moderators and above', async () => {
		for (const [as, may] of [
			['staff', false],
			['moderator', true],
			['admin', true],
			['superadmin', true],
		] as const) {
			using t = await createTestApp();
			const id = await t.conversation('alice', as);
			const message = await t.send('alice', id);
			const { status, body } = await t.call({ as, method: 'DELETE', path: messagePath(id, message) });
			expect([as, status, body.code]).toEqual([as, may ? 200 : 403, may ? undefined : 'forbidden'] as unknown as [
				typeof as,
				number,
				'forbidden',
			]);
		}
	});
	test('by a user of the other’s message is 403', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		expect(await t.refused({ as: 'bob', method: 'DELETE', path: messagePath(id, message) })).toEqual([
			403,
			'forbidden',
		]);
	});
});

describe('reactions', () => {
	test('are counted by emoji in the order they came, and tell which are mine', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		const set = { as: 'bob', method: 'PUT', path: `${messagePath(id, message)}/reactions/${encodeURIComponent('🎉')}` };
		const event = { type: 'message.reaction', conversation: id, message: message.id, detail: null } as const;
		await t.scenario({
			...set,
			expect: { status: 200, body: { data: { reactions: [{ emoji: '🎉', count: 1, mine: true }] } }, events: [event] },
		});
		await t.scenario({ ...set, expect: { status: 200, events: [] } });
		t.advance(1);
		await react(t, 'alice', id, message, '👍');
		await react(t, 'alice', id, message, '🎉');
		const seen = async (as: As) => (await t.messages(as, id)).data[0]?.reactions;
		expect(await seen('alice')).toEqual([
			{ emoji: '🎉', count: 2, mine: true },
			{ emoji: '👍', count: 1, mine: true },
		]);
		expect(await seen('bob')).toEqual([
			{ emoji: '🎉', count: 2, mine: true },
			{ emoji: '👍', count: 1, mine: false },
		]);
		expect((await t.see('bob', id)).lastMessage?.reactions).toEqual([
			{ emoji: '🎉', count: 2, mine: true },
			{ emoji: '👍', count: 1, mine: false },
		]);
		await t.scenario({
			...set,
			method: 'DELETE',
			expect: {
				status: 200,
				body: {
					data: {
						reactions: [
							{ emoji: '🎉', count: 1, mine: false },
							{ emoji: '👍', count: 1, mine: false },
						],
					},
				},
				events: [event],
			},
		});
		await t.scenario({ ...set, method: 'DELETE', expect: { status: 200, events: [] } });
		for (const emoji of ['🎉', '👍']) await react(t, 'alice', id, message, emoji, 'DELETE');
		expect(await seen('alice')).toEqual([]);
		// they mark nothing as unread, and read nothing
		expect((await t.see('bob', id)).unreadCount).toBe(1);
	});
	test('are one emoji each, as Unicode lists them', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		for (const emoji of ['👍', '❤️', '❤', '👩‍👩‍👧‍👦', '🇧🇩', '1️⃣', '👍🏽', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'])
			expect([emoji, (await react(t, 'bob', id, message, emoji)).status]).toEqual([emoji, 200]);
		const before = t.snapshot();
		for (const bad of [
			'a',
			'1',
			'👍👍',
			'ok',
			'<b>',
			'👍 ',
			'🇧',
			'\u200d',
			'\ufe0f',
			'::smile::',
			'%',
			'👍'.repeat(20),
		])
			for (const method of ['PUT', 'DELETE']) {
				const { status } = await react(t, 'bob', id, message, bad, method);
				expect([bad, [400, 422].includes(status)]).toEqual([bad, true]);
			}
		expect(t.snapshot()).toBe(before);
	});
	test('are of at most 20 kinds on a message; those there may still be joined', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		const emojis = Array.from({ length: reactionsPerMessageMax + 1 }, (_, i) => String.fromCodePoint(0x1f600 + i));
		for (const emoji of emojis.slice(0, -1)) expect((await react(t, 'bob', id, message, emoji)).status).toBe(200);
		expect((await react(t, 'bob', id, message, emojis.at(-1) ?? '')).body.code).toBe('reaction_invalid');
		expect((await react(t, 'alice', id, message, emojis[3] ?? '')).status).toBe(200);
		await react(t, 'bob', id, message, emojis[0] ?? '', 'DELETE');
		expect((await react(t, 'alice', id, message, emojis.at(-1) ?? '')).status).toBe(200);
	});
	test('are not for deleted messages', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		await t.ok({ as: 'alice', method: 'DELETE', path: messagePath(id, message) });
		expect((await react(t, 'bob', id, message, '👍')).body.code).toBe('message_deleted');
	});
	test('50 at once of one user and emoji are one', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const message = await t.send('alice', id);
		await Promise.all(Array.from({ length: 50 }, () => react(t, 'bob', id, message, '👍')));
		expect((await t.messages('bob', id)).data[0]?.reactions).toEqual([{ emoji: '👍', count: 1, mine: true }]);
		expect(t.rows("select count(*) as n from events where type = 'message.reaction'")).toEqual([{ n: 1 }]);
	});
});

describe('permissions', () => {
	/** One act of a desk user for each thing a flag can forbid; each of them goes well with all five on. */
	const acts = {
		start: (t: TestApp) =>
			t.call({
				as: 'staff',
				method: 'POST',
				path: '/p2p/conversations',
				body: { otherParticipantId: t.person('carol').id },
			}),
		send: (t: TestApp, id: string) => sendTo(t, 'staff', id, text('x')),
		edit: (t: TestApp, id: string, own: Message) =>
			t.call({ as: 'staff', method: 'PATCH', path: messagePath(id, own), body: text('y') }),
		react: (t: TestApp, id: string, _: Message, theirs: Message) => react(t, 'staff', id, theirs, '👍'),
		unreact: (t: TestApp, id: string, _: Message, theirs: Message) => react(t, 'staff', id, theirs, '👍', 'DELETE'),
		archive: (t: TestApp, id: string) =>
			t.call({ as: 'staff', method: 'POST', path: `/p2p/conversations/${id}/archive` }),
		unarchive: (t: TestApp, id: string) =>
			t.call({ as: 'staff', method: 'POST', path: `/p2p/conversations/${id}/unarchive` }),
		read: (t: TestApp, id: string) =>
			t.call({ as: 'staff', method: 'POST', path: `/p2p/conversations/${id}/read`, body: {} }),
		list: (t: TestApp, id: string) => t.call({ as: 'staff', path: `/p2p/conversations/${id}/messages` }),
		remove: (t: TestApp, id: string, own: Message) =>
			t.call({ as: 'staff', method: 'DELETE', path: messagePath(id, own) }),
		receive: (t: TestApp, id: string) => sendTo(t, 'alice', id, text('x')),
		beStarted: (t: TestApp) =>
			t.call({
				as: 'bob',
				method: 'POST',
				path: '/p2p/conversations',
				body: { otherParticipantId: t.person('staff').id },
			}),
	} satisfies Record<
		string,
		(t: TestApp, id: string, own: Message, theirs: Message) => Promise<{ status: number; body: { code: string } }>
	>;
	const forbidden: Record<Flag, Partial<Record<keyof typeof acts, string>>> = {
		canSendMessage: {
			start: 'permission_missing',
			send: 'permission_missing',
			edit: 'permission_missing',
			react: 'permission_missing',
			unreact: 'permission_missing',
		},
		canReceiveMessage: { receive: 'recipient_unavailable', beStarted: 'recipient_unavailable' },
		canDeleteMessage: { remove: 'permission_missing' },
		canEditMessage: { edit: 'permission_missing' },
		canArchiveConversation: { archive: 'permission_missing', unarchive: 'permission_missing' },
	};
	for (const flag of [...flags, null])
		test(flag ? `${flag} off forbids exactly what it names, on the next call` : 'all on forbid nothing', async () => {
			using t = await createTestApp();
			const id = await t.conversation('staff', 'alice');
			const own = await t.send('staff', id);
			const theirs = await t.send('alice', id);
			if (flag) await t.change('staff', { permissions: { [flag]: false } });
			for (const [name, act] of Object.entries(acts) as [keyof typeof acts, (typeof acts)['edit']][]) {
				const { status, body } = await (
					act as (...args: unknown[]) => Promise<{ status: number; body: { code?: string } }>
				)(t, id, own, theirs);
				const code = flag ? forbidden[flag][name] : undefined;
				expect([flag, name, status < 300 ? undefined : status, body.code]).toEqual([
					flag,
					name,
					code ? 403 : undefined,
					code,
				]);
			}
		});
});

describe('what a write depends on is read again in its transaction', () => {
	/** Every write of a user, called with a principal that is older than what happened to the user. */
	const writes = (t: TestApp, p: UserPrincipal, id: string, message: string) => {
		const { p2p, blocks, users, erasure, tokens } = t.services;
		const bob = t.person('carol').id;
		return {
			start: () => p2p.start(p, { otherParticipantId: bob }),
			send: () => p2p.threads.send(p, id, text('x')),
			edit: () => p2p.threads.edit(p, id, message, text('y')),
			remove: () => p2p.threads.remove(p, id, message),
			read: () => p2p.threads.read(p, id, {}),
			unread: () => p2p.threads.unread(p, id, { messageId: message }),
			react: () => p2p.threads.react(p, id, message, '👍', true),
			archive: () => p2p.archive(p, id, true),
			block: () => blocks.block(p, bob),
			unblock: () => blocks.unblock(p, bob),
			updateMe: () => users.updateMe(p, { displayName: 'x' }),
			suspend: () => users.deskUpdate(p, bob, { suspended: true }),
			revoke: () => users.revokeTokens(p, bob),
			eraseMe: () => erasure.eraseMe(p),
			accessLink: () => t.services.passwords.accessLink(p, t.person('staff').id),
			logout: () => tokens.logout(p),
		};
	};
	const codeOf = async (act: () => Promise<unknown>) => {
		try {
			await act();
			return 'done';
		} catch (error) {
			return error instanceof AppError ? error.code : String(error);
		}
	};
	const changes: Record<string, [UserChanges, string]> = {
		'a token that was revoked': [{ ver: 9 }, 'token_revoked'],
		'a suspension': [{ suspendedAt: 1 }, 'user_suspended'],
		'an erasure': [{ erasedAt: 1 }, 'invalid_token'],
	};
	for (const [what, [change, code]] of Object.entries(changes))
		test(`${what} stops every write that was on its way`, async () => {
			using t = await createTestApp();
			const id = await t.conversation('admin', 'alice');
			const { id: message } = await t.send('admin', id);
			const p = await t.services.tokens.authenticate(t.home, t.person('admin').token);
			await t.change('admin', change);
			const before = t.snapshot();
			for (const [name, act] of Object.entries(writes(t, p, id, message))) {
				// to end one's own token is never too late
				if (name !== 'logout') expect([name, await codeOf(act)]).toEqual([name, code]);
			}
			expect(t.snapshot()).toBe(before);
		});
	test('a demotion, too, where the role counts', async () => {
		using t = await createTestApp();
		const id = await t.conversation('admin', 'alice');
		const theirs = await t.send('alice', id);
		const p = await t.services.tokens.authenticate(t.home, t.person('admin').token);
		await t.change('admin', { role: 'staff' });
		const before = t.snapshot();
		const all = writes(t, p, id, theirs.id);
		for (const name of ['remove', 'suspend', 'revoke', 'accessLink'] as const)
			expect([name, await codeOf(all[name])]).toEqual([name, 'forbidden']);
		expect(t.snapshot()).toBe(before);
	});
	test('and a key that was revoked', async () => {
		using t = await createTestApp();
		const key = t.services.sites.byKey(t.home.secretKey);
		const p = { kind: 'server', site: t.home.pk, resourceId: 'site.com', key: key?.pk ?? 0, keyLabel: '' } as const;
		const secret = t.services.sites.keys('site.com').find(({ kind }) => kind === 'secret');
		await t.services.sites.revokeKey('site.com', secret?.id ?? '');
		const before = t.snapshot();
		const [participantOne, participantTwo] = [t.person('alice').id, t.person('bob').id];
		for (const act of [
			() => t.services.users.deskUpdate(p, participantOne, { suspended: true }),
			() => t.services.users.revokeTokens(p, participantOne),
			() => t.services.p2p.start(p, { participantOne, participantTwo }),
			() =>
				t.services.users.create(
					{ site: t.home, principal: p, bearer: null, origin: null, device: null },
					{ username: 'x' },
					null,
				),
			() =>
				t.services.tokens.mint(
					{ site: t.home, principal: p, bearer: null, origin: null, device: null },
					{ userId: participantOne },
				),
		])
			expect(await codeOf(act)).toBe('invalid_key');
		expect(t.snapshot()).toBe(before);
	});
});
