import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day, hour, minute, second, utcDay } from '../../../src/kernel/clock.ts';
import type { Stats } from '../../../src/modules/admin/stats.schema.ts';
import type { Message } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import type { Random } from '../../support/random.ts';
import { seeded } from '../../support/random.ts';
import { signIn } from '../../support/socket.ts';
import { createTestApp, type TestApp, type TestSite } from '../../support/test-app.ts';

setDefaultTimeout(120_000);

interface Rows {
	users: { created_at: number; erased_at: number | null; last_seen_at: number | null }[];
	conversations: {
		pk: number;
		type: 'p2p' | 'support';
		status: string;
		participant_one: number;
		read_seq_two: number;
		created_at: number;
	}[];
	messages: {
		conversation: number;
		kind: string;
		note_seq: number;
		seq: number;
		sender: number | null;
		deleted_at: number | null;
		created_at: number;
	}[];
	tickets: {
		conversation: number;
		priority: 'low' | 'medium' | 'high';
		assignee: number | null;
		opened_at: number;
		first_response_at: number | null;
		resolved_at: number | null;
		rating: number | null;
	}[];
}

/** The lower of the two in the middle, in seconds. */
const median = (times: number[]): number | null => {
	const sorted = times.toSorted((a, b) => a - b);
	const middle = sorted[Math.floor((sorted.length - 1) / 2)];
	return middle === undefined ? null : Math.round(middle / second);
};

/** Every number, counted over every row. */
const counted = (t: TestApp, site: TestSite): Stats => {
	const of = <K extends keyof Rows>(table: K) =>
		t.rows(`select * from ${table} where site = ?`, site.pk) as unknown as Rows[K];
	const now = t.clock();
	const [users, conversations, tickets] = [of('users'), of('conversations'), of('tickets')];
	const seen = of('messages').filter(({ note_seq }) => note_seq === 0);
	const texts = seen.filter(({ kind }) => kind === 'text');
	const there = users.filter(({ erased_at }) => erased_at === null);
	const chats = conversations.filter(({ type }) => type === 'p2p');
	const opened = conversations.filter(({ type }) => type === 'support');
	const byPk = new Map(conversations.map((row) => [row.pk, row]));
	const statusOf = ({ conversation }: { conversation: number }) => byPk.get(conversation)?.status ?? '';
	const inStatus = (status: string) => tickets.filter((ticket) => statusOf(ticket) === status).length;
	const undone = tickets.filter((ticket) => ['open', 'in_progress', 'waiting'].includes(statusOf(ticket)));
	const ofPriority = (priority: string) => undone.filter((ticket) => ticket.priority === priority).length;
	const on = (rows: { created_at: number }[], date: string) =>
		rows.filter(({ created_at }) => utcDay(created_at) === date).length;
	const since = (at: number, ms: number) => Math.floor(at / minute) >= Math.floor((now - ms) / minute);
	const lastActivity = new Map(conversations.map(({ pk, created_at }) => [pk, created_at]));
	for (const { conversation, created_at } of seen)
		lastActivity.set(conversation, Math.max(created_at, lastActivity.get(conversation) ?? 0));
	const rated = tickets.flatMap(({ rating }) => (rating === null ? [] : [rating]));
	const week = new Set(Array.from({ length: 7 }, (_, i) => utcDay(now - i * day)));
	return {
		totalConversations: conversations.length,
		unreadCount: texts.filter(({ conversation, seq, sender, deleted_at }) => {
			const row = byPk.get(conversation);
			return row?.type === 'support' && sender === row.participant_one && deleted_at === null && seq > row.read_seq_two;
		}).length,
		conversations: {
			total: conversations.length,
			p2p: chats.length,
			support: opened.length,
			active: [...lastActivity.values()].filter((at) => since(at, day)).length,
		},
		messages: {
			total: texts.length,
			today: on(texts, utcDay(now)),
			last7Days: texts.filter(({ created_at }) => week.has(utcDay(created_at))).length,
		},
		users: {
			total: there.length,
			active24h: users.filter(({ last_seen_at }) => last_seen_at !== null && last_seen_at >= now - day).length,
			// nobody is connected here
			online: 0,
		},
		tickets: {
			open: inStatus('open'),
			inProgress: inStatus('in_progress'),
			waiting: inStatus('waiting'),
			resolved: inStatus('resolved'),
			closed: inStatus('closed'),
			unassigned: undone.filter(({ assignee }) => assignee === null).length,
			byPriority: { low: ofPriority('low'), medium: ofPriority('medium'), high: ofPriority('high') },
		},
		medianFirstResponseSeconds: median(
			tickets.flatMap(({ first_response_at, opened_at }) =>
				first_response_at === null ? [] : [first_response_at - opened_at],
			),
		),
		medianResolutionSeconds: median(
			tickets.flatMap(({ resolved_at, opened_at }) => (resolved_at === null ? [] : [resolved_at - opened_at])),
		),
		rating: {
			average: rated.length === 0 ? null : rated.reduce((sum, score) => sum + score, 0) / rated.length,
			count: rated.length,
		},
		series: Array.from({ length: 30 }, (_, i) => {
			const date = utcDay(now - (29 - i) * day);
			return {
				date,
				messages: on(texts, date),
				conversations: on(chats, date),
				tickets: on(
					tickets.map(({ opened_at }) => ({ created_at: opened_at })),
					date,
				),
				users: on(there, date),
			};
		}),
	};
};

const stats = (t: TestApp, site: TestSite) =>
	t.ok<Stats>({ as: 'nobody', path: '/admin/stats', headers: { 'x-api-key': site.secretKey } });

/** A site's people and what they have done so far, as far as something more can be done with it. */
interface World {
	site: TestSite;
	prefix: string;
	names: string[];
	desk: string[];
	chats: { id: string; one: string; two: string; messages: string[] }[];
	tickets: { id: string; by: string; messages: string[] }[];
}

/** One thing that somebody does; what cannot be done is refused, and counts for nothing. */
const act = async (t: TestApp, w: World, random: Random, turn: number): Promise<void> => {
	const secret = { 'x-api-key': w.site.secretKey };
	const server = (method: string, path: string, body?: object) =>
		t.call<{ id: string }>({ as: 'nobody', method, path, body, headers: secret });
	const by = <T = { id: string }>(as: string, method: string, path: string, body?: object) =>
		t.call<T>({ as, method, path, body });
	const some = <T>(items: T[]): T | undefined => (items.length === 0 ? undefined : random.pick(items));
	const ticket = some(w.tickets);
	const chat = some(w.chats);
	const person = random.pick(w.names);
	const clerk = random.pick(w.desk);
	const text = { content: { text: `turn ${turn}` } };
	const idOf = (name: string) => t.person(name).id;
	const kind = random.below(100);
	if (kind < 6) {
		const name = `${w.prefix}u${turn}`;
		await t.add(name, { site: w.site });
		w.names.push(name);
	} else if (kind < 8) await server('POST', '/users', { username: `${w.prefix}never${turn}` });
	else if (kind < 10) {
		// a visitor of whom some come and some do not
		const made = await t.call<{ id: string }>({
			as: 'nobody',
			method: 'POST',
			path: '/users',
			body: { username: `${w.prefix}v${turn}` },
			headers: { 'x-api-key': w.site.publishableKey },
		});
		if (random.chance(0.3)) await server('DELETE', `/admin/users/${made.body.data.id}`);
	} else if (kind < 16) {
		const other = random.pick(w.names);
		const { status, body } = await by(person, 'POST', '/p2p/conversations', { otherParticipantId: idOf(other) });
		if (status === 201) w.chats.push({ id: body.data.id, one: person, two: other, messages: [] });
	} else if (kind < 36 && chat) {
		const sent = await by(
			random.chance(0.5) ? chat.one : chat.two,
			'POST',
			`/p2p/conversations/${chat.id}/messages`,
			text,
		);
		if (sent.status === 201) chat.messages.push(sent.body.data.id);
	} else if (kind < 44) {
		const priority = random.pick(['low', 'medium', 'high']);
		const made = await by(person, 'POST', '/support/tickets', { subject: 'Help', priority, initialMessage: 'hi' });
		if (made.status === 201) w.tickets.push({ id: made.body.data.id, by: person, messages: [] });
	} else if (kind < 56 && ticket) {
		const as = random.chance(0.5) ? ticket.by : clerk;
		const note = as === clerk && random.chance(0.3) ? { kind: 'note' } : {};
		const sent = await by(as, 'POST', `/support/tickets/${ticket.id}/messages`, { ...text, ...note });
		if (sent.status === 201) ticket.messages.push(sent.body.data.id);
	} else if (kind < 66 && ticket) {
		const status = random.pick(['open', 'in_progress', 'waiting', 'resolved', 'resolved', 'closed']);
		await by(random.chance(0.1) ? ticket.by : clerk, 'PATCH', `/support/tickets/${ticket.id}`, { status });
	} else if (kind < 72 && ticket) {
		const assigneeId = random.chance(0.3) ? null : idOf(random.pick(w.desk));
		await by(clerk, 'PATCH', `/support/tickets/${ticket.id}`, { assigneeId });
	} else if (kind < 75 && ticket)
		await by(clerk, 'PATCH', `/support/tickets/${ticket.id}`, { priority: random.pick(['low', 'medium', 'high']) });
	else if (kind < 79 && ticket)
		await by(ticket.by, 'POST', `/support/tickets/${ticket.id}/rating`, { score: 1 + random.below(5) });
	else if (kind < 82 && ticket) await by(clerk, 'POST', `/support/tickets/${ticket.id}/read`, {});
	else if (kind < 84 && ticket) {
		const messageId = some(ticket.messages);
		if (messageId) await by(clerk, 'POST', `/support/tickets/${ticket.id}/unread`, { messageId });
	} else if (kind < 87 && ticket) {
		const message = some(ticket.messages);
		const as = random.pick([ticket.by, clerk]);
		if (message) await by(as, 'DELETE', `/support/tickets/${ticket.id}/messages/${message}`);
	} else if (kind < 90 && chat) {
		const message = some(chat.messages);
		const path = `/p2p/conversations/${chat.id}/messages/${message}`;
		if (message && random.chance(0.5)) await by(chat.one, 'DELETE', path);
		else if (message) await by(chat.one, 'PATCH', path, { content: { text: 'changed' } });
	} else if (kind < 92 && chat) {
		const message = some(chat.messages);
		const path = `/p2p/conversations/${chat.id}/messages/${message}/report`;
		const made = message && (await by<{ ticketId: string }>(chat.two, 'POST', path, { reason: 'rude' }));
		if (made && made.status === 201) w.tickets.push({ id: made.body.data.ticketId, by: chat.two, messages: [] });
	} else if (kind < 94 && chat) {
		const message = some(chat.messages);
		if (message) await server('POST', `/admin/messages/${message}/ticket`, {});
	} else if (kind < 95 && w.names.length > 8) {
		await server('DELETE', `/admin/users/${idOf(person)}`);
		w.names = w.names.filter((name) => name !== person);
	} else if (kind < 96) {
		const name = `${w.prefix}d${turn}`;
		await t.add(name, { site: w.site, role: 'staff' });
		w.desk.push(name);
	} else if (kind < 97 && w.desk.length > 3) {
		const gone = w.desk.splice(random.below(w.desk.length), 1)[0] ?? '';
		if (random.chance(0.5)) await server('DELETE', `/admin/users/${idOf(gone)}`);
		else
			await server('PATCH', `/admin/users/${idOf(gone)}`, {
				role: 'user',
				...(random.chance(0.5) && { suspended: true }),
			});
	} else if (kind < 98) await t.services.users.purge();
	else if (kind < 99) await t.services.tickets.closeQuiet();
	else await by(person, 'GET', '/users/me');
};

describe('every number', () => {
	for (const seed of [1, 2])
		test(`is what counting every row gives, on both sites, along a random history of 45 days (${seed})`, async () => {
			using t = await createTestApp();
			const random = seeded(seed);
			const worlds = [t.home, t.other].map((site, i): World => {
				const prefix = i === 0 ? '' : 'other.';
				const names = ['alice', 'bob', 'carol'].map((name) => prefix + name);
				const desk = ['staff', 'moderator', 'admin'].map((name) => prefix + name);
				return { site, prefix, names, desk, chats: [], tickets: [] };
			});
			let renewed = t.clock();
			let turns = 0;
			const end = t.clock() + 45 * day;
			while (t.clock() < end) {
				if (t.clock() - renewed > 20 * day) {
					renewed = t.clock();
					for (const { names, desk } of worlds) for (const name of [...names, ...desk]) await t.renew(name);
				}
				await act(t, random.pick(worlds), random, turns);
				turns++;
				// by bursts and pauses, and on the hour of midnight too
				const pause = random.below(20);
				t.advance(pause < 14 ? random.below(90_000) : pause < 19 ? random.below(2 * hour) : random.below(10 * hour));
				if (turns % 120 === 0) {
					await t.written();
					for (const { site } of worlds) expect(await stats(t, site)).toEqual(counted(t, site));
				}
			}
			await t.services.users.purge();
			await t.services.tickets.closeQuiet();
			await t.written();
			expect(turns).toBeGreaterThan(1_000);
			for (const { site } of worlds) {
				const found = await stats(t, site);
				expect(found).toEqual(counted(t, site));
				// the history had something of everything
				for (const n of [
					found.unreadCount,
					found.messages.last7Days,
					found.tickets.resolved + found.tickets.closed,
					found.tickets.unassigned,
					found.medianFirstResponseSeconds,
					found.medianResolutionSeconds,
					found.rating.count,
				])
					expect(n).toBeGreaterThan(0);
			}
			expect(t.rows('select count(*) as n from users where erased_at is not null')[0]?.n).toBeGreaterThan(3);
		});
	test('of a site without anything is zero or null, with 30 days to show', async () => {
		using t = await createTestApp();
		const found = await stats(t, t.home);
		expect(found).toEqual(counted(t, t.home));
		expect(found).toMatchObject({
			totalConversations: 0,
			unreadCount: 0,
			messages: { total: 0, today: 0, last7Days: 0 },
			medianFirstResponseSeconds: null,
			medianResolutionSeconds: null,
			rating: { average: null, count: 0 },
		});
		expect(found.series.map(({ date }) => date)).toEqual(
			Array.from({ length: 30 }, (_, i) => utcDay(t.clock() - (29 - i) * day)),
		);
	});
	test('of those who are here are the users who are connected, each once', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		for (const name of ['alice', 'alice', 'staff', 'other.bob']) await signIn(url, t.person(name));
		expect([(await stats(t, t.home)).users.online, (await stats(t, t.other)).users.online]).toEqual([2, 1]);
	});
	test('is for the whole desk and the site’s server, and nobody else', async () => {
		using t = await createTestApp();
		for (const as of ['staff', 'moderator', 'admin', 'superadmin', 'server'])
			expect((await t.call({ as, path: '/admin/stats' })).status).toBe(200);
		expect(await t.refused({ as: 'alice', path: '/admin/stats' })).toEqual([403, 'forbidden']);
		expect(await t.refused({ as: 'key', path: '/admin/stats' })).toEqual([401, 'token_required']);
	});
});

describe('the time to a first response and to a resolution', () => {
	const open = (t: TestApp) =>
		t.ok<Ticket>({
			as: 'alice',
			method: 'POST',
			path: '/support/tickets',
			body: { subject: 'Help', initialMessage: 'hi' },
		});
	test('begins with the ticket: a note is no response, and reopening takes a resolution back', async () => {
		using t = await createTestApp();
		const times = async () => {
			const found = await stats(t, t.home);
			return [found.medianFirstResponseSeconds, found.medianResolutionSeconds];
		};
		const { id } = await open(t);
		const path = `/support/tickets/${id}`;
		const write = (as: string, kind: string) =>
			t.ok<Message>({ as, method: 'POST', path: `${path}/messages`, body: { kind, content: { text: 'x' } } });
		const move = (status: string) => t.ok({ as: 'staff', method: 'PATCH', path, body: { status } });
		t.advance(10 * second);
		await write('staff', 'note');
		await write('alice', 'text');
		expect(await times()).toEqual([null, null]);
		t.advance(20 * second);
		await write('staff', 'text');
		t.advance(20 * second);
		await write('staff', 'text');
		expect(await times()).toEqual([30, null]);
		await move('resolved');
		expect(await times()).toEqual([30, 50]);
		await write('alice', 'text');
		expect(await times()).toEqual([30, null]);
		t.advance(10 * second);
		await move('closed');
		expect(await times()).toEqual([30, 60]);
		// of two, the lower
		const another = await open(t);
		t.advance(second);
		await t.ok({ as: 'staff', method: 'PATCH', path: `/support/tickets/${another.id}`, body: { status: 'resolved' } });
		expect(await times()).toEqual([30, 1]);
	});
});
