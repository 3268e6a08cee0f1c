import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { second } from '../../../src/kernel/clock.ts';
import { categoryMax, messageTextMax, subjectMax } from '../../../src/kernel/limits.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import { createTestApp } from '../../support/test-app.ts';
import { change, note, openTicket, page, say, seeTicket, ticketIn, tryChange, tryOpen } from './tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

describe('opening a ticket', () => {
	test('takes the ticket of the first documentation as it stands there', async () => {
		using t = await createTestApp();
		const before = t.newestEvent();
		const response = await t.fetch('/api/v1/support/tickets', {
			method: 'POST',
			headers: { ...t.credentials('alice'), 'content-type': 'application/json' },
			body: `{
  "subject": "My payment is not working",
  "priority": "high",
  "category": "billing",
  "initialMessage": "Need help..."
}`,
		});
		const { success, data } = (await response.json()) as { success: boolean; data: Ticket };
		const alice = t.person('alice');
		expect([response.status, success]).toEqual([201, true]);
		expect(data.id).toMatch(/^ticket_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
		const at = '2026-03-01T12:00:00.000Z';
		const shown = {
			id: data.id,
			number: 1001,
			subject: 'My payment is not working',
			status: 'open',
			priority: 'high',
			category: 'billing',
			requesterId: alice.id,
			assigneeId: null,
			messageCount: 1,
			unreadCount: 0,
			lastMessage: {
				id: data.lastMessage?.id,
				conversationId: data.id,
				senderId: alice.id,
				seq: 1,
				kind: 'text',
				content: { text: 'Need help...' },
				isRead: false,
				replyTo: null,
				reactions: [],
				clientMessageId: null,
				metadata: null,
				editedAt: null,
				deletedAt: null,
				createdAt: at,
			},
			lastMessageAt: at,
			firstResponseAt: null,
			resolvedAt: null,
			closedAt: null,
			rating: null,
			followsTicketId: null,
			metadata: null,
			createdAt: at,
			updatedAt: at,
		};
		// note: all of it: what is the desk's alone is not there for the requester
		expect(data as object).toEqual(shown);
		expect((await seeTicket(t, 'alice', data.id)) as object).toEqual(shown);
		expect((await seeTicket(t, 'staff', data.id)) as object).toMatchObject({
			...shown,
			unreadCount: 1,
			tags: [],
			version: 1,
			waitingSince: at,
			requester: { id: alice.id, username: 'alice' },
			assignee: null,
			sourceMessageId: null,
			sourceConversationId: null,
		});
		expect((await page(t, 'alice', data.id)).data as object[]).toEqual([shown.lastMessage]);
		const events = t.rows('select type, user_a, user_b, desk from events where id > ? order by id', before);
		for (const event of events) expect(event).toMatchObject({ user_a: alice.pk, user_b: null, desk: 1 });
		expect(events.map(({ type }) => type)).toEqual(['ticket.created', 'message.created']);
	});
	test('without priority and category is of medium priority and of none; what is given is shown', async () => {
		using t = await createTestApp();
		expect(await openTicket(t, 'alice')).toMatchObject({ priority: 'medium', category: null, metadata: null });
		const metadata = { order: 7, paid: true, shop: 'über' };
		const made = await openTicket(t, 'alice', { priority: 'low', category: '  gift   cards ', metadata });
		expect(made).toMatchObject({ priority: 'low', category: 'gift cards', metadata });
		expect(await seeTicket(t, 'staff', made.id)).toMatchObject({ metadata });
	});
	test('is for whoever is signed in; the site’s server opens in a user’s name', async () => {
		using t = await createTestApp();
		expect((await tryOpen(t, 'nobody')).status).toBe(401);
		expect((await tryOpen(t, 'key')).status).toBe(401);
		expect((await tryOpen(t, 'server')).body.code).toBe('user_token_required');
		const made = await tryOpen(t, 'server', {}, { 'x-act-as': t.person('bob').id });
		expect([made.status, made.body.data.requesterId]).toEqual([201, t.person('bob').id]);
		await t.change('staff', { permissions: { canSendMessage: false } });
		expect((await tryOpen(t, 'staff')).body.code).toBe('permission_missing');
	});
	test('shows it to its requester and the desk, and is nothing to anybody else', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		for (const as of ['alice', 'staff', 'moderator', 'admin', 'superadmin'])
			expect((await t.call({ as, path: `/support/tickets/${id}` })).status).toBe(200);
		for (const as of ['bob', 'other.alice', 'other.superadmin'])
			for (const path of ['', '/messages']) {
				const reply = await t.call({ as, path: `/support/tickets/${id}${path}` });
				expect([as, path, reply.status, reply.body.code]).toEqual([as, path, 404, 'not_found']);
			}
	});
	test('takes a subject of 1 to 200 characters on one line, a text of 1 to 10 000, a category of at most 64', async () => {
		using t = await createTestApp();
		for (const [given, stored] of [
			['x', 'x'],
			['s'.repeat(subjectMax), 's'.repeat(subjectMax)],
			['😀'.repeat(subjectMax), '😀'.repeat(subjectMax)],
			['  two\n lines\t ', 'two lines'],
			['<script>alert(1)</script>', '<script>alert(1)</script>'],
		] as const)
			expect((await openTicket(t, 'alice', { subject: given })).subject).toBe(stored);
		for (const initialMessage of ['x', 'm'.repeat(messageTextMax), '😀'.repeat(messageTextMax), 'a\nb'])
			expect((await openTicket(t, 'alice', { initialMessage })).lastMessage?.content).toEqual({ text: initialMessage });
		for (const category of ['c', 'c'.repeat(categoryMax), '😀'.repeat(categoryMax)])
			expect((await openTicket(t, 'alice', { category })).category).toBe(category);

		const before = t.snapshot();
		const bad: object[] = [
			...['', '   ', '\u200b', 's'.repeat(subjectMax + 1), '😀'.repeat(subjectMax + 1), 'a\u0007b', null, 7].map(
				(subject) => ({ subject }),
			),
			...['', '  \n', 'm'.repeat(messageTextMax + 1), '\u2800', null, {}].map((initialMessage) => ({ initialMessage })),
			...['', ' ', 'c'.repeat(categoryMax + 1), '😀'.repeat(categoryMax + 1), 'a\u0000b', 7, {}].map((category) => ({
				category,
			})),
			...['urgent', 'High', '', null, 1].map((priority) => ({ priority })),
			...[
				Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, i])),
				{ a: 'x'.repeat(2_048) },
				{ a: null },
				{ a: { b: 1 } },
				[],
				'text',
			].map((metadata) => ({ metadata })),
		];
		for (const more of bad) {
			const { status, body } = await tryOpen(t, 'alice', more);
			expect([more, [400, 422].includes(status), body.code]).toEqual([
				more,
				true,
				body.code === 'message_text_invalid' ? 'message_text_invalid' : 'invalid_request',
			]);
		}
		for (const body of [{}, { subject: 'x' }, { initialMessage: 'x' }, [], null])
			expect((await t.call({ as: 'alice', method: 'POST', path: '/support/tickets', body })).status).toBe(400);
		expect(t.snapshot()).toBe(before);
	});
});

describe('the category of reports', () => {
	const disguises = [
		'moderation',
		'Moderation',
		'MODERATION',
		' moderation ',
		'Moderation\t',
		'moderation\u00a0',
		'ｍｏｄｅｒａｔｉｏｎ',
		'𝐦𝐨𝐝𝐞𝐫𝐚𝐭𝐢𝐨𝐧',
		'ⓜⓞⓓⓔⓡⓐⓣⓘⓞⓝ',
		'moderation\u200b',
		'mode\u00adration',
		'\u2060moderation',
		'm\u043eder\u0430ti\u043en',
		'mode ration',
		'm0deration',
		'moderation\ufe0f',
		'mo\u0308deration',
	];
	test('cannot be set, however it is written: by opening, by a change, by many at once', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const before = t.snapshot();
		for (const category of disguises) {
			const tried = [
				await tryOpen(t, 'alice', { category }),
				await tryOpen(t, 'superadmin', { category }),
				await tryChange(t, 'superadmin', id, { category }),
				await t.call({
					as: 'superadmin',
					method: 'POST',
					path: '/admin/tickets/bulk',
					body: { ids: [id], changes: { category } },
				}),
			];
			for (const { status, body } of tried)
				expect([category, status, body.code]).toEqual([category, 422, 'category_reserved']);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('is no reason to refuse words that only hold it', async () => {
		using t = await createTestApp();
		for (const category of ['content moderation', 'moderations', 'moderator', 'mode', 'বিলিং'])
			expect((await openTicket(t, 'alice', { category })).category).toBe(category);
	});
});

describe('the number of a ticket', () => {
	test('counts 1001, 1002 … on each site: 50 at once on two sites, those refused leave no gap', async () => {
		using t = await createTestApp();
		const refused = { followsTicketId: 'ticket_00000000000000000000000000' };
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => [
				tryOpen(t, ['alice', 'bob', 'staff'][i % 3] ?? '', { subject: `${i}` }),
				tryOpen(t, 'alice', refused),
				tryOpen(t, 'other.alice', { subject: `${i}` }),
			]).flat(),
		);
		const made = replies.filter(({ status }) => status === 201).map(({ body }) => body.data);
		expect(replies.filter(({ body }) => body.code === 'follow_up_invalid').length).toBe(50);
		const home = (await t.ok<{ data: Ticket[] }>({ as: 'staff', path: '/admin/tickets?limit=100&sort=createdAt' }))
			.data;
		const other = (
			await t.ok<{ data: Ticket[] }>({ as: 'other.staff', path: '/admin/tickets?limit=100&sort=createdAt' })
		).data;
		for (const list of [home, other])
			expect(list.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, i) => 1001 + i));
		expect(made.map(({ id, number }) => `${id} ${number}`).sort()).toEqual(
			[...home, ...other].map(({ id, number }) => `${id} ${number}`).sort(),
		);
		expect((await openTicket(t, 'alice')).number).toBe(1051);
	});
});

describe('an unverified user', () => {
	const refused = async (t: Awaited<ReturnType<typeof createTestApp>>) => {
		const before = t.snapshot();
		const { status, body, headers } = await tryOpen(t, 'vic');
		expect([status, body.code]).toEqual([429, 'conversations_unanswered']);
		expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
		expect(t.snapshot()).toBe(before);
	};
	test('has only so many unanswered tickets; a reply or the end of one makes room, a note does not', async () => {
		using t = await createTestApp({ unverifiedConversations: 3 });
		await t.visitor('vic');
		const ids: string[] = [];
		for (let i = 0; i < 3; i++) ids.push((await openTicket(t, 'vic')).id);
		await refused(t);
		await note(t, 'staff', ids[0] ?? '');
		await change(t, 'staff', ids[0] ?? '', { status: 'in_progress', assigneeId: t.person('staff').id });
		await refused(t);
		await say(t, 'vic', ids[0] ?? '');
		await refused(t);
		await say(t, 'staff', ids[0] ?? '');
		expect((await tryOpen(t, 'vic')).status).toBe(201);
		await refused(t);
		await change(t, 'staff', ids[1] ?? '', { status: 'closed' });
		expect((await tryOpen(t, 'vic')).status).toBe(201);
		await refused(t);
	});
	test('is held to it 30 at once, too, and apart from chats', async () => {
		using t = await createTestApp({ unverifiedConversations: 3 });
		await t.visitor('vic');
		for (const name of ['alice', 'bob', 'carol']) await t.conversation('vic', name);
		const replies = await Promise.all(Array.from({ length: 30 }, () => tryOpen(t, 'vic')));
		expect(replies.filter(({ status }) => status === 201).length).toBe(3);
		expect(replies.filter(({ body }) => body.code === 'conversations_unanswered').length).toBe(27);
	});
	test('alone is held to it: a verified one is not, nor is the desk', async () => {
		using t = await createTestApp({ unverifiedConversations: 1 });
		for (const as of ['alice', 'staff']) for (let i = 0; i < 4; i++) await openTicket(t, as);
	});
});

describe('the requester’s list', () => {
	test('has their own tickets alone, newest activity first, by status as asked', async () => {
		using t = await createTestApp();
		const mine: string[] = [];
		for (const status of ['open', 'closed', 'waiting', 'open', 'resolved'] as const) {
			t.advance(second);
			mine.push((await ticketIn(t, status)).id);
		}
		await openTicket(t, 'bob');
		t.advance(second);
		await say(t, 'alice', mine[0] ?? '');
		const list = async (query: string) => {
			const found = await t.ok<{ data: Ticket[]; total: number }>({ as: 'alice', path: `/support/tickets${query}` });
			return [found.total, ...found.data.map(({ id }) => mine.indexOf(id))];
		};
		expect(await list('')).toEqual([5, 0, 4, 3, 2, 1]);
		expect(await list('?limit=2&page=2')).toEqual([5, 3, 2]);
		expect(await list('?status=open')).toEqual([2, 0, 3]);
		expect(await list('?status=in_progress')).toEqual([0]);
		expect(await list('?mine=requested&status=closed')).toEqual([1, 1]);
		expect(await t.refused({ as: 'alice', path: '/support/tickets?mine=assigned' })).toEqual([403, 'forbidden']);
		// one of the team sees what they opened themselves
		const own = (await openTicket(t, 'staff')).id;
		const found = await t.ok<{ data: Ticket[] }>({ as: 'staff', path: '/support/tickets' });
		expect(found.data.map(({ id }) => id)).toEqual([own]);
		expect(found.data[0]?.version).toBeUndefined();
	});
});
