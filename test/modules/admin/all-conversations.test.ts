import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day, hour, minute } from '../../../src/kernel/clock.ts';
import type { DeskConversation, DeskConversationPage } from '../../../src/modules/admin/inbox.schema.ts';
import type { Message, MessagePage } from '../../../src/modules/messaging/messaging.schema.ts';
import type { ReportReceipt } from '../../../src/modules/moderation/reports.schema.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import { seeded } from '../../support/random.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(60_000);

const list = (t: TestApp, as: string, query = '') =>
	t.ok<DeskConversationPage>({ as, path: `/admin/conversations${query}` });
const idsOf = async (t: TestApp, as: string, query = '') => (await list(t, as, query)).data.map(({ id }) => id);

/** A conversation as the test remembers it. */
interface Known {
	id: string;
	type: 'p2p' | 'support';
	status: string;
	people: string[];
	words: Set<string>;
	number: number | null;
	moderation: boolean;
	reported: string | null;
	at: number;
	/** The order in which conversations were made. */
	nth: number;
}
const vocabulary = ['walrus', 'narwhal', 'dugong', 'manatee', 'beluga', 'orca'];

/** 300 conversations, more than half of them within few minutes of each other, and many in one. */
const fill = async (t: TestApp, seed: number): Promise<Known[]> => {
	const random = seeded(seed);
	const people: string[] = [];
	for (let i = 0; i < 30; i++) people.push((await t.add(`person${String(i).padStart(2, '0')}`)).username);
	const all: Known[] = [];
	const pairs = new Set<string>();
	const words = () => random.pick(vocabulary);
	while (all.length < 300) {
		const burst = all.length >= 100 && all.length < 220;
		t.advance(burst ? random.below(300) : random.chance(0.7) ? random.below(900) : random.below(3 * hour));
		const kind = random.below(10);
		const one = random.pick(people);
		const known = { status: 'active', words: new Set<string>(), number: null, moderation: false, reported: null };
		if (kind < 4) {
			const two = random.pick(people);
			const pair = [one, two].sort().join();
			if (one === two || pairs.has(pair)) continue;
			pairs.add(pair);
			const id = await t.conversation(one, two);
			all.push({ ...known, id, type: 'p2p', people: [one, two], at: t.clock(), nth: all.length });
			const [last] = all.slice(-1);
			if (last && random.chance(0.8)) {
				const word = words();
				await t.send(one, id, `a ${word} swims`);
				last.words.add(word);
			}
		} else if (kind < 8) {
			const word = words();
			const body = { subject: `About a ${word}`, initialMessage: 'hi' };
			const { id, number } = await t.ok<Ticket>({ as: one, method: 'POST', path: '/support/tickets', body });
			const entry = { ...known, id, number, type: 'support' as const, status: 'open', people: [one], at: t.clock() };
			all.push({ ...entry, words: new Set([word, 'about', 'hi']), nth: all.length });
			const [last] = all.slice(-1);
			if (last && random.chance(0.6)) {
				t.advance(random.below(1_000));
				const status = random.pick(['in_progress', 'waiting', 'resolved', 'closed']);
				await t.ok({ as: 'staff', method: 'PATCH', path: `/support/tickets/${id}`, body: { status } });
				last.status = status;
				last.at = t.clock();
			}
		} else {
			// something more happens in one that is there, or it is reported
			const chosen = all.length > 0 ? random.pick(all) : undefined;
			if (!chosen || chosen.moderation || chosen.status === 'closed') continue;
			const from = chosen.people[0] ?? '';
			const root = chosen.type === 'p2p' ? '/p2p/conversations' : '/support/tickets';
			const word = words();
			const body = { content: { text: `one more ${word}` } };
			const path = `${root}/${chosen.id}/messages`;
			const sent = await t.ok<Message>({ as: from, method: 'POST', path, body });
			chosen.words.add(word);
			chosen.at = t.clock();
			if (['waiting', 'resolved'].includes(chosen.status)) chosen.status = 'open';
			const by = chosen.people[1];
			if (by === undefined || !random.chance(0.2)) continue;
			const made = await t.call<ReportReceipt>({
				as: by,
				method: 'POST',
				path: `${path}/${sent.id}/report`,
				body: { reason: 'beluga' },
			});
			if (made.status !== 201) continue;
			const id = made.body.data.ticketId;
			const [ticket] = t.rows<{ number: number }>(
				'select number from tickets join conversations on pk = conversation where id = ?',
				id,
			);
			all.push({
				...known,
				id,
				type: 'support',
				status: 'open',
				people: [by],
				words: new Set(['beluga', ...chosen.words]),
				number: ticket?.number ?? 0,
				moderation: true,
				reported: from,
				at: t.clock(),
				nth: all.length,
			});
		}
	}
	return all;
};

const newestFirst = (a: Known, b: Known) => b.at - a.at || b.nth - a.nth;

describe('the desk’s list of all conversations', () => {
	test('is what a plain filter gives, to the last page, whatever is asked for', async () => {
		using t = await createTestApp();
		const all = await fill(t, 11);
		const shown = all.toSorted(newestFirst);
		const times = shown.map(({ at }) => at);
		expect(all.filter(({ moderation }) => moderation).length).toBeGreaterThan(3);
		// many stand in one minute, and their order is to the millisecond
		const perMinute = Map.groupBy(times, (at) => Math.floor(at / minute));
		expect(perMinute.size).toBeLessThan(times.length / 2);
		expect(Math.max(...[...perMinute.values()].map((each) => each.length))).toBeGreaterThan(64);

		const inMinute = (at: number) => Math.floor(at / minute);
		const some = shown[40]?.at ?? 0;
		const other = shown[200]?.at ?? 0;
		const queries: [query: Record<string, string>, filter: (k: Known) => boolean][] = [[{}, () => true]];
		for (const type of ['p2p', 'support']) queries.push([{ type }, (k) => k.type === type]);
		for (const status of ['active', 'open', 'in_progress', 'waiting', 'resolved', 'closed']) {
			queries.push([{ status }, (k) => k.status === status]);
			for (const type of ['p2p', 'support'])
				queries.push([{ type, status }, (k) => k.type === type && k.status === status]);
		}
		const from = new Date(other).toISOString();
		const to = new Date(some).toISOString();
		queries.push(
			[{ from }, (k) => inMinute(k.at) >= inMinute(other)],
			[{ to }, (k) => inMinute(k.at) <= inMinute(some)],
			[
				{ from, to, type: 'support' },
				(k) => k.type === 'support' && inMinute(k.at) >= inMinute(other) && inMinute(k.at) <= inMinute(some),
			],
			[{ from: to, to: from }, () => false],
		);
		for (const word of [...vocabulary, 'nothing']) {
			queries.push([{ q: word }, (k) => k.words.has(word)]);
			queries.push([{ q: word, status: 'open' }, (k) => k.words.has(word) && k.status === 'open']);
			queries.push([{ q: word, type: 'p2p' }, (k) => k.words.has(word) && k.type === 'p2p']);
		}
		for (const name of ['person03', 'person1', 'PERSON2']) {
			const named = (k: Known) => k.people.some((person) => person.startsWith(name.toLowerCase()));
			queries.push([{ q: name }, named], [{ q: name, type: 'support' }, (k) => named(k) && k.type === 'support']);
		}
		const { number } = all.find((k) => k.number !== null && !k.moderation) as Known;
		queries.push(
			[{ q: `#${number}` }, (k) => k.number === number],
			[{ q: String(number) }, (k) => k.number === number],
		);
		for (const name of ['person05', 'person17']) {
			const userId = t.person(name).id;
			queries.push([{ userId }, (k) => k.people.includes(name)]);
			queries.push([
				{ userId, type: 'p2p', q: 'orca' },
				(k) => k.people.includes(name) && k.type === 'p2p' && k.words.has('orca'),
			]);
		}
		for (const as of ['staff', 'moderator', 'admin', 'server'])
			for (const [query, filter] of queries) {
				const desk = as === 'staff' || as === 'moderator';
				if (desk && query.userId) continue;
				const visible = (k: Known) =>
					(as !== 'staff' || !k.moderation) && (!desk || query.q === undefined || k.type === 'support');
				const expected = shown.filter((k) => filter(k) && visible(k)).map(({ id }) => id);
				const found: string[] = [];
				for (let page = 1; page <= 50; page++) {
					const asked = new URLSearchParams({ ...query, page: String(page), limit: '37' });
					const { data, total, totalPages } = await list(t, as, `?${asked}`);
					expect([as, query, total, totalPages]).toEqual([as, query, expected.length, Math.ceil(expected.length / 37)]);
					found.push(...data.map(({ id }) => id));
					if (page >= totalPages) break;
				}
				expect([as, query, found]).toEqual([as, query, expected]);
			}
	});
	test('has every page right, at any size of page', async () => {
		using t = await createTestApp();
		const all = await fill(t, 12);
		const expected = all.toSorted(newestFirst).map(({ id }) => id);
		for (const limit of [1, 7, 20, 100]) {
			const found: string[] = [];
			const pages = Math.ceil(expected.length / limit);
			for (let page = 1; page <= pages; page++)
				found.push(...(await idsOf(t, 'admin', `?limit=${limit}&page=${page}`)));
			expect([limit, found]).toEqual([limit, expected]);
			expect(await idsOf(t, 'admin', `?limit=${limit}&page=${pages + 1}`)).toEqual([]);
		}
	});
	test('shows those about oneself to nobody of the team', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'moderator');
		const { id } = await t.send('moderator', chat);
		const path = `/p2p/conversations/${chat}/messages/${id}/report`;
		const made = await t.ok<ReportReceipt>({ as: 'alice', method: 'POST', path, body: { reason: 'rude' } });
		expect(await idsOf(t, 'moderator')).toEqual([chat]);
		expect(await idsOf(t, 'staff')).toEqual([chat]);
		expect(await idsOf(t, 'admin')).toEqual([made.ticketId, chat]);
	});
	test('has rows of chats without words, and of tickets with what the desk works by', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		t.advance(1);
		await t.send('alice', chat, 'a secret');
		t.advance(1);
		const body = { subject: 'Help', priority: 'high', category: 'billing', initialMessage: 'hi' };
		const ticket = await t.ok<Ticket>({ as: 'carol', method: 'POST', path: '/support/tickets', body });
		const path = `/support/tickets/${ticket.id}`;
		const assigneeId = t.person('staff').id;
		await t.ok({ as: 'staff', method: 'PATCH', path, body: { assigneeId } });
		const { data } = await list(t, 'staff');
		const profile = (name: string) => ({
			id: t.person(name).id,
			username: name,
			displayName: null,
			avatarUrl: null,
			role: 'user',
			verified: true,
		});
		expect(data[1] as object).toEqual({
			id: chat,
			type: 'p2p',
			status: 'active',
			messageCount: 1,
			lastMessageAt: '2026-03-01T12:00:00.001Z',
			participants: [profile('alice'), profile('bob')],
			createdAt: '2026-03-01T12:00:00.000Z',
		} as object);
		expect(data[0] as object).toEqual({
			id: ticket.id,
			type: 'support',
			status: 'open',
			messageCount: 1,
			lastMessageAt: '2026-03-01T12:00:00.002Z',
			participants: [profile('carol')],
			createdAt: '2026-03-01T12:00:00.002Z',
			number: 1001,
			subject: 'Help',
			priority: 'high',
			category: 'billing',
			assigneeId,
			unreadCount: 1,
			waitingSince: '2026-03-01T12:00:00.002Z',
			lastMessage: expect.objectContaining({ content: { text: 'hi' }, seq: 1 }),
		} as object);
	});
	test('a note moves nothing in it', async () => {
		using t = await createTestApp();
		const body = { subject: 'Help', initialMessage: 'hi' };
		const one = await t.ok<Ticket>({ as: 'alice', method: 'POST', path: '/support/tickets', body });
		t.advance(day);
		const two = await t.ok<Ticket>({ as: 'bob', method: 'POST', path: '/support/tickets', body });
		t.advance(day);
		const note = { kind: 'note', content: { text: 'hm' } };
		await t.ok({ as: 'staff', method: 'POST', path: `/support/tickets/${one.id}/messages`, body: note });
		expect(await idsOf(t, 'staff')).toEqual([two.id, one.id]);
		expect((await list(t, 'staff')).data[1]?.lastMessageAt).toBe('2026-03-01T12:00:00.000Z');
	});
	test('has nothing of another site, and finds nobody’s there', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'walrus');
		expect((await list(t, 'other.admin', '?q=walrus')).total).toBe(0);
		expect((await list(t, 'other.admin')).total).toBe(0);
		const foreign = { as: 'other.admin', path: `/admin/conversations?userId=${t.person('alice').id}` };
		expect(await t.refused(foreign)).toEqual([404, 'not_found']);
	});
	test('refuses what it does not know', async () => {
		using t = await createTestApp();
		for (const query of [
			'type=chat',
			'status=archived',
			'from=yesterday',
			'to=1',
			'q=',
			'limit=101',
			'page=0',
			`q=${'x'.repeat(129)}`,
		])
			expect([query, ...(await t.refused({ as: 'admin', path: `/admin/conversations?${query}` }))]).toEqual([
				query,
				400,
				'invalid_request',
			]);
		expect(await t.refused({ as: 'alice', path: '/admin/conversations' })).toEqual([403, 'forbidden']);
	});
	test('finds what has just been written, changed or taken away', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id } = await t.send('alice', chat, 'walrus');
		const at = `/p2p/conversations/${chat}/messages/${id}`;
		expect(await idsOf(t, 'admin', '?q=walrus')).toEqual([chat]);
		await t.ok({ as: 'alice', method: 'PATCH', path: at, body: { content: { text: 'narwhal' } } });
		expect(await idsOf(t, 'admin', '?q=walrus')).toEqual([]);
		expect(await idsOf(t, 'admin', '?q=narwhal')).toEqual([chat]);
		await t.ok({ as: 'alice', method: 'DELETE', path: at });
		expect(await idsOf(t, 'admin', '?q=narwhal')).toEqual([]);
	});
});

describe('a conversation opened by the desk', () => {
	test('in which one takes part is read as by the part one has', async () => {
		using t = await createTestApp();
		// once as who was written to, once as who began
		for (const [one, two] of [
			['alice', 'staff'],
			['moderator', 'bob'],
		] as const) {
			const desk = one === 'moderator' ? one : two;
			const other = one === 'moderator' ? two : one;
			const chat = await t.conversation(one, two);
			const messages: string[] = [];
			for (let i = 0; i < 6; i++) messages.push((await t.send(other, chat, `${i}`)).id);
			const read = { messageId: messages[3] };
			await t.ok({ as: desk, method: 'POST', path: `/p2p/conversations/${chat}/read`, body: read });
			const query = '?around=first_unread&limit=1';
			const own = await t.messages(desk, chat, query);
			const page = await t.ok<MessagePage>({ as: desk, path: `/admin/conversations/${chat}/messages${query}` });
			expect(own.data.map(({ seq }) => seq)).toEqual([5]);
			expect(page).toEqual(own);
		}
	});
	test('is the row of the list, with the newest message', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'walrus');
		const [row] = (await list(t, 'staff')).data;
		const opened = await t.ok<DeskConversation>({ as: 'staff', path: `/admin/conversations/${chat}` });
		expect(opened).toMatchObject({ ...row, lastMessage: { content: { text: 'walrus' } } });
		expect(await t.refused({ as: 'staff', path: '/admin/conversations/conv_unknown' })).toEqual([404, 'not_found']);
	});
});
