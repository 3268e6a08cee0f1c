import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { minute, second } from '../../../src/kernel/clock.ts';
import type { Message, MessagePage } from '../../../src/modules/messaging/messaging.schema.ts';
import { seeded } from '../../support/random.ts';
import { type Call, createTestApp, type TestApp } from '../../support/test-app.ts';
import {
	change,
	note,
	openTicket,
	page,
	pathOf,
	say,
	seeTicket,
	ticketIn,
	trySay,
	words,
} from '../support/tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

const emoji = encodeURIComponent('👍');
const desk = ['staff', 'moderator', 'admin', 'superadmin'] as const;

/** An answer to the last byte, without what is the request’s own: its id. */
const answer = async (t: TestApp, { as, method = 'GET', path, body, headers = {} }: Call): Promise<string> => {
	const response = await t.fetch(`/api/v1${path}`, {
		method,
		headers: {
			...t.credentials(as),
			...(body !== undefined && { 'content-type': 'application/json' }),
			...headers,
		},
		...(body !== undefined && { body: JSON.stringify(body) }),
	});
	const shown = [...response.headers].filter(([name]) => name !== 'x-request-id').sort();
	const text = (await response.text()).replace(/"requestId":"[^"]*"/, '"requestId":""');
	return `${response.status} ${JSON.stringify(shown)} ${text}`;
};

/** Everything that can be done with notes, by everybody of the desk: about twenty of them. Gives their ids. */
const whisper = async (t: TestApp, id: string, message: string): Promise<string[]> => {
	const notes: Message[] = [];
	for (let i = 0; i < 20; i++) {
		const before = notes.at(-1)?.id;
		const more = i % 3 === 0 ? { replyTo: message } : i % 3 === 1 && before ? { replyTo: before } : {};
		const named = i % 4 === 0 ? { clientMessageId: `c-${i}-${notes.length}-${crypto.randomUUID()}` } : {};
		notes.push(await note(t, desk[i % 4] ?? '', id, `Xamong us ${i}`, { ...more, ...named, metadata: { i } }));
	}
	const path = (i: number, rest = '') => pathOf(id, `/messages/${notes[i]?.id}${rest}`);
	await t.ok({ as: 'staff', method: 'PATCH', path: path(0), body: words('Xedited') });
	await t.ok({ as: 'moderator', method: 'DELETE', path: path(1) });
	await t.ok({ as: 'superadmin', method: 'DELETE', path: path(2) });
	await t.ok({ as: 'admin', method: 'PUT', path: path(3, `/reactions/${emoji}`) });
	await t.ok({ as: 'staff', method: 'PUT', path: path(3, `/reactions/${emoji}`) });
	await t.ok({ as: 'staff', method: 'DELETE', path: path(3, `/reactions/${emoji}`) });
	return notes.map((made) => made.id);
};

/** The calls of a requester about one ticket that change nothing. */
const looks = (id: string, messages: string[], others: string[]): string[] => [
	pathOf(id),
	pathOf(id, '/history'),
	...['', '?limit=1', '?status=open', '?status=in_progress', '?status=waiting', '?page=2', '?mine=assigned'].map(
		(query) => `/support/tickets${query}`,
	),
	...[1, 2, 3, 5, 20, 100].flatMap((limit) => [
		...[1, 2, 3, 9].map((n) => pathOf(id, `/messages?limit=${limit}&page=${n}`)),
		...['before', 'after', 'around'].flatMap((cursor) =>
			messages.map((message) => pathOf(id, `/messages?limit=${limit}&${cursor}=${message}`)),
		),
		pathOf(id, `/messages?limit=${limit}&around=first_unread`),
	]),
	'/support/unread-count',
	'/p2p/unread-count',
	'/p2p/conversations?status=all',
	`/p2p/conversations/${id}`,
	`/p2p/conversations/${id}/messages`,
	`/admin/conversations/${id}`,
	`/admin/conversations/${id}/messages`,
	'/users/me',
	'/users/me/export',
	...others.map((user) => `/users/${user}`),
];

describe('notes are unnoticeable', () => {
	test('to every look of the requester: the same to the last byte, before and after twenty of them', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice', { subject: 'One' });
		await openTicket(t, 'alice', { subject: 'Two' });
		for (const [i, from] of ['staff', 'alice', 'alice', 'moderator', 'staff'].entries()) {
			t.advance(minute);
			await say(t, from, id, `said ${i}`);
		}
		const { data } = await page(t, 'alice', id);
		const messages = data.map((message) => message.id);
		await t.ok({ as: 'alice', method: 'POST', path: pathOf(id, '/unread'), body: { messageId: messages[4] } });
		const others = desk.map((as) => t.person(as).id);
		const look = async () => {
			const seen: Record<string, string> = {};
			for (const path of looks(id, messages, others)) seen[path] = await answer(t, { as: 'alice', path });
			return seen;
		};
		// the first look is noted as having been there
		await look();
		await t.written();
		const before = await look();
		const notes = await whisper(t, id, messages[3] ?? '');
		expect(notes.length).toBe(20);
		expect(await look()).toEqual(before);
		expect(JSON.stringify(before)).not.toMatch(/Xamong|Xedited/);
		// the desk has them all
		expect((await page(t, 'staff', id)).total).toBe(data.length + 20);
	});

	/**
	 * A requester’s whole story: what they do and see, with notes or without. The clock is the same in both, so are the times;
	 * ids are told by the order in which they first appear.
	 */
	const story = async (noted: boolean) => {
		using t = await createTestApp({ unverifiedConversations: 4 });
		await t.visitor('vic');
		const told: string[] = [];
		const notes: string[] = [];
		const ask = async (path: string, method = 'GET', body?: unknown, as = 'vic') => {
			const text = await answer(t, { as, path, method, body });
			told.push(`${method} ${path} ${text}`);
			return text;
		};
		const among = async (id: string, message: string) => {
			if (noted) notes.push(...(await whisper(t, id, message)));
		};
		const others = desk.map((as) => t.person(as).id);
		const everything = async (id: string) => {
			// the newest page tells which messages there are
			const { data } = await page(t, 'vic', id);
			for (const path of looks(
				id,
				data.map((message) => message.id),
				others,
			))
				await ask(path);
			return data;
		};
		const post = (body: object) =>
			ask('/support/tickets', 'POST', { subject: 'Help', initialMessage: 'hello', ...body });
		await post({ priority: 'high' });
		await post({ subject: 'Another' });
		const [second, first] = (await t.ok<{ data: { id: string }[] }>({ as: 'vic', path: '/support/tickets' })).data;
		const [id, quiet] = [first?.id ?? '', second?.id ?? ''];
		let data = (await page(t, 'vic', id)).data;
		// nobody of the desk has said anything yet
		await among(id, data[0]?.id ?? '');
		await among(quiet, (await page(t, 'vic', quiet)).data[0]?.id ?? '');
		await everything(id);
		for (const user of others) await ask(`/users/${user}/report`, 'POST', { reason: 'rude' });
		await post({ subject: 'Third' });
		t.advance(minute);
		await ask(pathOf(id, '/messages'), 'POST', { ...words('and more'), clientMessageId: 'c-0', metadata: { a: 1 } });
		await ask(pathOf(id, '/messages'), 'POST', { ...words('and more'), clientMessageId: 'c-0', metadata: { a: 1 } });
		await ask(pathOf(id, '/messages'), 'POST', { ...words('other'), clientMessageId: 'c-0' });
		await ask(pathOf(id, '/messages'), 'POST', { ...words('mine?'), kind: 'note' });
		await among(id, data[0]?.id ?? '');
		data = await everything(id);
		t.advance(minute);
		await say(t, 'staff', id, 'an answer');
		await say(t, 'staff', id, 'and its end');
		await among(id, data[0]?.id ?? '');
		data = await everything(id);
		const [mine, own, , answered] = data.map((message) => message.id);
		for (const body of [{ messageId: mine }, { messageId: answered }, {}]) {
			await ask(pathOf(id, '/unread'), 'POST', { messageId: answered });
			await ask(pathOf(id, '/read'), 'POST', body);
			await among(id, mine ?? '');
		}
		await ask(pathOf(id, '/messages'), 'POST', { ...words('thanks'), replyTo: answered });
		await ask(pathOf(id, `/messages/${own}`), 'PATCH', words('changed'));
		await ask(pathOf(id, `/messages/${answered}/reactions/${emoji}`), 'PUT');
		await among(id, answered ?? '');
		await ask(pathOf(id, `/messages/${own}`), 'DELETE');
		await ask(pathOf(id, `/messages/${answered}`), 'PATCH', words('x'));
		await ask(pathOf(id, `/messages/${answered}`), 'DELETE');
		t.advance(minute);
		await change(t, 'staff', id, { status: 'waiting', assigneeId: t.person('staff').id });
		await among(id, mine ?? '');
		await everything(id);
		await ask(pathOf(id), 'PATCH', { status: 'open' });
		await change(t, 'staff', id, { status: 'resolved' });
		await among(id, mine ?? '');
		await ask(pathOf(id, '/rating'), 'POST', { score: 3, comment: 'so so' });
		await ask(pathOf(id, `/messages/${answered}/report`), 'POST', { reason: 'rude' });
		for (const user of others) await ask(`/users/${user}/report`, 'POST', { reason: 'rude' });
		await ask(pathOf(id), 'PATCH', { status: 'closed' });
		await everything(id);
		await ask(pathOf(id, '/messages'), 'POST', words('too late'));
		await post({ followsTicketId: id });
		await everything(quiet);
		// what the site’s server sees of them is the requester’s export too
		await ask(`/admin/users/${t.person('vic').id}/export`, 'GET', undefined, 'superadmin');
		await ask('/users/me', 'DELETE');
		const order = new Map<string, string>();
		const plain = told.map((line) =>
			line.replaceAll(/\b(?:user|conv|ticket|msg|report|site)_[0-7][0-9a-z]{25}/g, (found) => {
				if (!order.has(found)) order.set(found, `${found.split('_')[0]}#${order.size}`);
				return order.get(found) ?? '';
			}),
		);
		return { plain, notes, raw: told.join('\n') };
	};
	test('to all that a requester does and is told, compared with the same story without any', async () => {
		const [without, with_] = [await story(false), await story(true)];
		expect(with_.notes.length).toBeGreaterThan(150);
		for (const id of with_.notes) expect(with_.raw.includes(id)).toBe(false);
		expect(with_.raw).not.toMatch(/Xamong|Xedited|noteSeq|earlierTexts/);
		expect(without.plain.length).toBeGreaterThan(500);
		for (const [i, line] of without.plain.entries()) expect(with_.plain[i] ?? '').toBe(line);
		expect(with_.plain.length).toBe(without.plain.length);
	});
	test('by their id: wherever an id can stand, a note’s is answered as one that nobody has', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const { id: theirs } = await say(t, 'staff', id);
		const [live = '', deleted = ''] = await whisper(t, id, theirs);
		const unknown = 'msg_01kj3zr4c8f2t9v5m1q7w3y6xb';
		const chat = await t.conversation('alice', 'staff');
		const uses = (message: string): Call[] => {
			const at = (rest: string) => pathOf(id, `/messages/${message}${rest}`);
			return [
				{ as: 'alice', method: 'POST', path: pathOf(id, '/messages'), body: { ...words('x'), replyTo: message } },
				{
					as: 'alice',
					method: 'POST',
					path: pathOf(id, '/messages'),
					body: { ...words('x'), replyTo: message, kind: 'note' },
				},
				...['before', 'after', 'around'].map((cursor) => ({
					as: 'alice',
					path: pathOf(id, `/messages?${cursor}=${message}`),
				})),
				{ as: 'alice', method: 'POST', path: pathOf(id, '/read'), body: { messageId: message } },
				{ as: 'alice', method: 'POST', path: pathOf(id, '/unread'), body: { messageId: message } },
				{ as: 'alice', method: 'PATCH', path: at(''), body: words('x') },
				{ as: 'alice', method: 'PATCH', path: at(''), body: words(' ') },
				{ as: 'alice', method: 'DELETE', path: at('') },
				...['PUT', 'DELETE'].flatMap((method) => [
					{ as: 'alice', method, path: at(`/reactions/${emoji}`) },
					{ as: 'alice', method, path: at('/reactions/x') },
				]),
				{ as: 'alice', method: 'POST', path: at('/report'), body: { reason: 'x' } },
				{
					as: 'alice',
					method: 'POST',
					path: `/p2p/conversations/${id}/messages/${message}/report`,
					body: { reason: 'x' },
				},
				{ as: 'alice', method: 'PATCH', path: `/p2p/conversations/${chat}/messages/${message}`, body: words('x') },
				{ as: 'alice', path: pathOf(message) },
				{
					as: 'alice',
					method: 'POST',
					path: '/support/tickets',
					body: { subject: 'x', initialMessage: 'x', followsTicketId: message },
				},
				{ as: 'alice', method: 'POST', path: `/admin/messages/${message}/ticket`, body: {} },
				{ as: 'alice', path: `/users/${message}` },
			];
		};
		for (const found of [live, deleted]) {
			for (const state of ['open', 'closed'] as const) {
				if (state === 'closed' && found === deleted) await change(t, 'staff', id, { status: 'closed' });
				const before = t.snapshot();
				const [ofNote, ofNone] = [uses(found), uses(unknown)];
				for (const [i, made] of ofNote.entries()) {
					const expected = await answer(t, ofNone[i] as Call);
					expect(Number(expected.slice(0, 3))).toBeGreaterThanOrEqual(400);
					expect([made.method, made.path, await answer(t, made)]).toEqual([made.method, made.path, expected]);
				}
				expect(t.snapshot()).toBe(before);
			}
		}
	});
	test('to somebody who is no part of the ticket, and to the team of another site, there is nothing at all', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const { id: among } = await note(t, 'staff', id);
		for (const as of ['bob', 'other.alice', 'other.superadmin'])
			for (const made of [
				{ as, path: pathOf(id, `/messages?around=${among}`) },
				{ as, method: 'PATCH', path: pathOf(id, `/messages/${among}`), body: words('x') },
				{ as, method: 'POST', path: pathOf(id, '/messages'), body: { ...words('x'), kind: 'note' } },
			])
				expect(await t.refused(made)).toEqual([404, 'not_found']);
	});
	test('in the log of events, where all that becomes of them is for the desk alone', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const { id: theirs } = await say(t, 'staff', id);
		const before = t.newestEvent();
		const notes = await whisper(t, id, theirs);
		const events = t.rows(
			'select e.type, user_a, user_b, desk, m.id from events e left join messages m on m.pk = e.message where e.id > ? order by e.id',
			before,
		);
		expect(events.map(({ type }) => type)).toEqual([
			...notes.map(() => 'message.created'),
			'message.updated',
			'message.deleted',
			'message.deleted',
			'message.reaction',
			'message.reaction',
			'message.reaction',
		]);
		for (const event of events) {
			expect(notes).toContain(String(event.id));
			expect(event).toMatchObject({ user_a: null, user_b: null, desk: 1 });
		}
		// a reply is for both
		await say(t, 'staff', id);
		expect(t.eventsAfter(t.newestEvent() - 1)).toMatchObject([{ type: 'message.created', userA: 'alice' }]);
	});
	test('in counters, times and tallies, which stay as they are', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		await say(t, 'staff', id);
		await say(t, 'alice', id);
		const state = () => [
			t.rows('select * from conversations').map(({ last_note_seq: _, ...rest }) => rest),
			t.rows('select * from tickets'),
			t.rows('select * from ticket_tallies'),
			t.rows('select * from ticket_history'),
			t.rows('select messages, tickets from site_days'),
		];
		const before = state();
		t.advance(minute);
		await whisper(t, id, (await page(t, 'alice', id)).data[1]?.id ?? '');
		expect(state()).toEqual(before);
		expect((await t.ok<{ messages: { total: number } }>({ as: 'staff', path: '/admin/stats' })).messages.total).toBe(3);
	});
});

describe('a note', () => {
	test('carries the seq it follows and a number of its own, and is marked as one for the desk', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const first = await note(t, 'staff', id, 'first', { metadata: { a: 1 } });
		expect(first).toMatchObject({
			conversationId: id,
			senderId: t.person('staff').id,
			kind: 'note',
			seq: 1,
			noteSeq: 1,
			content: { text: 'first' },
			isRead: false,
			metadata: { a: 1 },
			isEvidence: false,
		});
		await say(t, 'alice', id);
		expect(await note(t, 'admin', id, 'second', { replyTo: first.id })).toMatchObject({
			seq: 2,
			noteSeq: 2,
			replyTo: first.id,
		});
		expect((await say(t, 'alice', id)).seq).toBe(3);
		const { data, total } = await page(t, 'moderator', id);
		expect([total, data.map(({ seq, noteSeq = 0 }) => `${seq}.${noteSeq}`)]).toEqual([
			5,
			['1.0', '1.1', '2.0', '2.2', '3.0'],
		]);
		expect(await seeTicket(t, 'staff', id)).toMatchObject({ messageCount: 3, lastMessage: { seq: 3, kind: 'text' } });
		// marking a note as read or unread means the message that it follows
		const at = (rest: string, messageId: string) =>
			t.ok({ as: 'staff', method: 'POST', path: pathOf(id, rest), body: { messageId } });
		expect(await at('/read', first.id)).toEqual({ unreadCount: 2 });
		expect(await at('/read', data[4]?.id ?? '')).toEqual({ unreadCount: 0 });
		expect(await at('/unread', first.id)).toEqual({ unreadCount: 2 });
	});
	test('cannot be quoted by what the requester sees; a note may quote either', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const among = await note(t, 'staff', id);
		const before = t.snapshot();
		for (const as of desk)
			expect((await trySay(t, as, id, 'x', { replyTo: among.id })).body.code).toBe('reply_to_invalid');
		expect(t.snapshot()).toBe(before);
		const { id: theirs } = await say(t, 'alice', id);
		for (const replyTo of [among.id, theirs])
			expect((await note(t, 'staff', id, 'x', { replyTo })).replyTo).toBe(replyTo);
	});
	test('is edited by who wrote it and deleted by them or a moderator; what it said before stays with the desk', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const { id: among } = await note(t, 'staff', id, 'before');
		const path = pathOf(id, `/messages/${among}`);
		for (const as of ['admin', 'superadmin'])
			expect(await t.refused({ as, method: 'PATCH', path, body: words('x') })).toEqual([403, 'forbidden']);
		await t.add('second', { role: 'staff' });
		expect(await t.refused({ as: 'second', method: 'DELETE', path })).toEqual([403, 'forbidden']);
		expect(await t.ok<Message>({ as: 'staff', method: 'PATCH', path, body: words('after') })).toMatchObject({
			kind: 'note',
			noteSeq: 1,
			content: { text: 'after' },
			earlierTexts: [{ text: 'before' }],
		});
		expect(await t.ok<Message>({ as: 'moderator', method: 'DELETE', path })).toMatchObject({ content: {}, noteSeq: 1 });
		expect((await page(t, 'staff', id)).data[1]).toMatchObject({
			kind: 'note',
			content: {},
			earlierTexts: [{ text: null }],
		});
	});
	test('is for tickets: in a chat of two users there is none, and the flags hold', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('staff', 'alice');
		const made = await t.send('staff', chat, 'x', { kind: 'note' });
		expect([made.kind, made.seq]).toEqual(['text', 1]);
		const { id } = await openTicket(t, 'alice');
		for (const kind of ['system', 'Note', null, 1])
			expect((await trySay(t, 'staff', id, 'x', { kind })).body.code).toBe('invalid_request');
		await t.change('staff', { permissions: { canSendMessage: false } });
		expect((await trySay(t, 'staff', id, 'x', { kind: 'note' })).body.code).toBe('permission_missing');
		// whoever cannot receive messages can be talked about all the same
		await t.change('alice', { erasedAt: t.clock() });
		expect((await trySay(t, 'admin', id, 'x')).body.code).toBe('recipient_unavailable');
		expect((await trySay(t, 'admin', id, 'x', { kind: 'note' })).status).toBe(201);
	});
	test('of somebody who was erased is emptied, and still nobody’s but the desk’s', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		await note(t, 'staff', id, 'Xsecret');
		const shown = await answer(t, { as: 'alice', path: pathOf(id, '/messages') });
		const before = t.newestEvent();
		await t.ok({ as: 'superadmin', method: 'DELETE', path: `/admin/users/${t.person('staff').id}` });
		expect((await page(t, 'admin', id)).data[1]).toMatchObject({ kind: 'note', content: {} });
		expect(await answer(t, { as: 'alice', path: pathOf(id, '/messages') })).toBe(shown);
		for (const event of t.rows("select type, user_a, desk from events where id > ? and type like 'message%'", before))
			expect(event).toEqual({ type: 'message.deleted', user_a: null, desk: 1 });
	});
});

describe('pages of the desk, with the notes among the messages', () => {
	/** Every cursor form over one conversation, compared with the plain list. */
	const walk = async (t: TestApp, id: string, limits: number[], sample: (all: string[]) => string[]) => {
		const read = (query: string): Promise<MessagePage> =>
			t.ok<MessagePage>({ as: 'staff', path: pathOf(id, `/messages${query}`) });
		const ids = ({ data }: MessagePage) => data.map((message) => message.id);
		const all = t
			.rows<{ id: string }>(
				'select id from messages where conversation = (select pk from conversations where id = ?) order by seq, note_seq',
				id,
			)
			.map((row) => row.id);
		for (const limit of limits) {
			const pages = Math.ceil(all.length / limit);
			const paged: string[] = [];
			for (let n = 1; n <= pages; n++) {
				const found = await read(`?limit=${limit}&page=${n}`);
				expect(found).toMatchObject({
					total: all.length,
					page: n,
					limit,
					totalPages: pages,
					hasMoreBefore: n < pages,
					hasMoreAfter: n > 1,
				});
				expect(found.data.length).toBe(n < pages ? limit : all.length - limit * (pages - 1));
				paged.unshift(...ids(found));
			}
			expect(paged).toEqual(all);
			expect(await read(`?limit=${limit}&page=${pages + 1}`)).toMatchObject({
				data: [],
				hasMoreBefore: false,
				hasMoreAfter: true,
			});

			const ahead = [all[0] ?? ''];
			for (let more = true; more; ) {
				const found = await read(`?limit=${limit}&after=${ahead.at(-1)}`);
				expect(found).toMatchObject({ page: null, totalPages: null, total: all.length, hasMoreBefore: true });
				expect(found.data.length).toBe(Math.min(limit, all.length - ahead.length));
				ahead.push(...ids(found));
				more = found.hasMoreAfter;
			}
			expect(ahead).toEqual(all);
			const back = [all.at(-1) ?? ''];
			for (let more = true; more; ) {
				const found = await read(`?limit=${limit}&before=${back[0]}`);
				expect(found).toMatchObject({ page: null, totalPages: null, total: all.length, hasMoreAfter: true });
				expect(found.data.length).toBe(Math.min(limit, all.length - back.length));
				back.unshift(...ids(found));
				more = found.hasMoreBefore;
			}
			expect(back).toEqual(all);
			for (const middle of sample(all)) {
				const found = await read(`?limit=${limit}&around=${middle}`);
				const start = all.indexOf(ids(found)[0] ?? '');
				const shown = all.slice(start, start + found.data.length);
				const where = `limit ${limit} around ${all.indexOf(middle)}`;
				expect([where, ids(found)]).toEqual([where, shown]);
				expect([where, shown.includes(middle), shown.length]).toEqual([where, true, Math.min(limit, all.length)]);
				expect([where, found.hasMoreBefore, found.hasMoreAfter]).toEqual([
					where,
					start > 0,
					start + shown.length < all.length,
				]);
			}
		}
		return all;
	};

	test('walk every message and note exactly once, in order, by every cursor form and size', async () => {
		using t = await createTestApp();
		for (const seed of [1, 2, 3]) {
			const random = seeded(seed);
			const { id } = await openTicket(t, 'alice');
			for (let i = 0; i < 24; i++)
				if (random.chance(0.55)) await note(t, random.pick(desk), id, `n${i}`);
				else if (random.chance(0.15))
					await change(t, 'staff', id, { status: random.pick(['waiting', 'open'] as const) });
				else await say(t, random.pick(['alice', 'staff']), id, `m${i}`);
			await walk(t, id, [1, 2, 3, 7, 25, 100], (all) => all);
		}
	});
	test('begin with notes at the very end, or hold nothing but one message and them', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		for (let i = 0; i < 5; i++) await note(t, 'staff', id);
		await walk(t, id, [1, 2, 3, 5, 6, 7], (all) => all);
	});
	test('hold their bounds with 300 notes behind one message', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		await say(t, 'alice', id);
		for (let i = 0; i < 300; i++) await note(t, desk[i % 4] ?? '', id, `n${i}`);
		await say(t, 'alice', id);
		await say(t, 'alice', id);
		const all = await walk(t, id, [3, 20, 100], (ids) =>
			[0, 1, 2, 3, 150, 299, 300, 301, 302, 303].map((i) => ids[i] ?? ''),
		);
		expect(all.length).toBe(304);
		expect((await page(t, 'alice', id)).data.length).toBe(4);
	});
	test('around the first unread begin where the desk has not read, notes or not', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'in_progress');
		await say(t, 'staff', id);
		for (let i = 0; i < 4; i++) await note(t, 'staff', id);
		const { id: first } = await say(t, 'alice', id, 'first unread');
		await note(t, 'staff', id);
		await say(t, 'alice', id);
		const found = await page(t, 'staff', id, '?limit=3&around=first_unread');
		expect(found.data.map((message) => message.id)[1]).toBe(first);
		expect([found.data.length, found.hasMoreBefore, found.hasMoreAfter]).toEqual([3, true, true]);
	});
	test('refuse a cursor of another conversation, and two ways at once', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const elsewhere = await note(t, 'staff', (await openTicket(t, 'bob')).id);
		for (const cursor of ['before', 'after', 'around'])
			for (const message of [elsewhere.id, 'msg_01kj3zr4c8f2t9v5m1q7w3y6xb', 'x'])
				expect(await t.refused({ as: 'staff', path: pathOf(id, `/messages?${cursor}=${message}`) })).toEqual([
					422,
					'cursor_invalid',
				]);
		const { id: among } = await note(t, 'staff', id);
		for (const query of [`?before=${among}&after=${among}`, `?around=${among}&page=2`, '?limit=0', '?limit=101'])
			expect(await t.refused({ as: 'staff', path: pathOf(id, `/messages${query}`) })).toEqual([400, 'invalid_request']);
	});
});

describe('a clientMessageId in a ticket', () => {
	for (const kind of ['text', 'note'] as const) {
		test(`of a ${kind} used again gives 200 and the stored one, and nothing happens`, async () => {
			using t = await createTestApp();
			const { id } = await ticketIn(t, 'waiting');
			const more = { kind, clientMessageId: 'c-1', metadata: { b: 2, a: 1 } };
			const first = await trySay(t, 'staff', id, 'once', more);
			expect([first.status, first.body.data.kind]).toEqual([201, kind]);
			const before = t.snapshot();
			t.advance(second);
			const again = await trySay(t, 'staff', id, ' once ', { ...more, metadata: { a: 1, b: 2 } });
			expect([again.status, again.body.data]).toEqual([200, first.body.data]);
			for (const other of [
				{ ...more, metadata: { a: 1 } },
				{ kind, clientMessageId: 'c-1' },
			])
				expect((await trySay(t, 'staff', id, 'once', other)).body.code).toBe('client_message_id_reused');
			expect((await trySay(t, 'staff', id, 'twice', more)).body.code).toBe('client_message_id_reused');
			expect(t.snapshot()).toBe(before);
			// another of the team has ids of their own
			expect((await trySay(t, 'admin', id, 'once', more)).status).toBe(201);
		});
		test(`of a ${kind} 50 at once stores one`, async () => {
			using t = await createTestApp();
			const { id } = await openTicket(t, 'alice');
			const replies = await Promise.all(
				Array.from({ length: 50 }, () => trySay(t, 'staff', id, 'once', { kind, clientMessageId: 'c-1' })),
			);
			expect(replies.filter(({ status }) => status === 201).length).toBe(1);
			expect(replies.filter(({ status }) => status === 200).length).toBe(49);
			expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
			const { data } = await page(t, 'staff', id);
			expect(data.filter((message) => message.clientMessageId === 'c-1').length).toBe(1);
			// one reply moves the ticket once
			expect(data.filter((message) => message.kind === 'system').length).toBe(kind === 'text' ? 1 : 0);
		});
		test(`of a ${kind} cannot be used for the other kind, also 50 at once`, async () => {
			using t = await createTestApp();
			const { id } = await openTicket(t, 'alice');
			const other = kind === 'text' ? 'note' : 'text';
			await say(t, 'staff', id, 'once', { kind, clientMessageId: 'c-1' });
			const before = t.snapshot();
			const reply = await trySay(t, 'staff', id, 'once', { kind: other, clientMessageId: 'c-1' });
			expect([reply.status, reply.body.code]).toEqual([409, 'client_message_id_reused']);
			expect(t.snapshot()).toBe(before);
			const replies = await Promise.all(
				Array.from({ length: 50 }, (_, i) =>
					trySay(t, 'staff', id, 'both', { kind: i % 2 ? kind : other, clientMessageId: 'c-2' }),
				),
			);
			const count = (status: number) => replies.filter((reply) => reply.status === status).length;
			expect([count(201), count(200), count(409)]).toEqual([1, 24, 25]);
		});
	}
	test('of an edited one gives what is stored, of a deleted one its tombstone', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		for (const kind of ['text', 'note'] as const) {
			const more = { kind, clientMessageId: `c-${kind}` };
			const made = await say(t, 'staff', id, 'once', more);
			const path = pathOf(id, `/messages/${made.id}`);
			await t.ok({ as: 'staff', method: 'PATCH', path, body: words('edited') });
			expect((await trySay(t, 'staff', id, 'once', more)).body.data.content).toEqual({ text: 'edited' });
			await t.ok({ as: 'staff', method: 'DELETE', path });
			const again = await trySay(t, 'staff', id, 'once', more);
			expect([again.status, again.body.data.content]).toEqual([200, {}]);
		}
	});
});
