import { expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { minute } from '../../src/kernel/clock.ts';
import type { EventType } from '../../src/kernel/events.ts';
import { atLeast, isDesk, type Role } from '../../src/kernel/roles.ts';
import type { Connection } from '../../src/realtime/connections.ts';
import type { EventPage } from '../../src/realtime/realtime.schema.ts';
import { createTestApp, type TestApp, type TestSite } from '../support/test-app.ts';

/**
 * Random worlds against an oracle. What is done goes through the API, with everybody connected; who should have heard of it
 * is worked out here from plain rows by the words of the contract, without the columns and functions that decide it in the
 * server.
 */

setDefaultTimeout(240_000);

/** Who is there when a world begins; those of the second site are `other.`. */
const cast = {
	alice: 'user',
	bob: 'user',
	carol: 'user',
	staff: 'staff',
	moderator: 'moderator',
	admin: 'admin',
	superadmin: 'superadmin',
	'other.alice': 'user',
	'other.bob': 'user',
	'other.staff': 'staff',
	'other.moderator': 'moderator',
} as const satisfies Record<string, Role>;
const everybody = Object.keys(cast);

// ---- what is done

const actKinds = [
	'start',
	'send',
	'send',
	'edit',
	'delete',
	'delete',
	'delete',
	'deleteAny',
	'react',
	'read',
	'unread',
	'archive',
	'block',
	'block',
	'unblock',
	'open',
	'open',
	'reply',
	'reply',
	'note',
	'note',
	'status',
	'tags',
	'change',
	'assign',
	'rate',
	'deskRead',
	'deskUnread',
	'reportMessage',
	'reportUser',
	'decide',
	'ticketOf',
	'role',
	'role',
	'role',
	'role',
	'role',
	'rename',
	'suspend',
	'restore',
	'erase',
	'leave',
	'comeBack',
	'comeBack',
] as const;
type ActKind = (typeof actKinds)[number];
/** An act names what it is about by numbers, which are taken modulo what there is when it is its turn. */
interface Act {
	kind: ActKind;
	who: number;
	a: number;
	b: number;
}
/** note: without a leaning to small numbers, or it would mostly be the first of everything */
const small = fc.noBias(fc.nat({ max: 1_000 }));
const act: fc.Arbitrary<Act> = fc.record({ kind: fc.constantFrom(...actKinds), who: small, a: small, b: small });

/** Words by whose standing in an answer it is known what has leaked. */
const words = { home: 'Xhome', abroad: 'Xabroad', note: 'Xnote', tag: 'Xtag' };

// ---- the oracle

/** The rows of some sites as they are, as plain SQL tells them. */
const factsOf = (t: TestApp, one: number, two: number) => ({
	users: new Map(
		t
			.rows<{ pk: number; site: number; role: Role; gone: number }>(
				'select pk, site, role, (suspended_at is not null or erased_at is not null) as gone from users where site in (?, ?)',
				one,
				two,
			)
			.map((user) => [user.pk, user]),
	),
	blocks: new Set(
		t
			.rows<{ a: number; b: number }>('select blocker as a, blocked as b from blocks where site in (?, ?)', one, two)
			.map(({ a, b }) => `${a}:${b}`),
	),
	/** What of a conversation each side can notice. */
	conversations: new Map(
		t
			.rows<{
				pk: number;
				id: string;
				type: string;
				one: number;
				two: number | null;
				reported: number | null;
				isReport: number;
				seen: string;
				looks: string;
			}>(
				`select c.pk, c.id, c.type, c.participant_one as one, c.participant_two as two, t.reported,
					coalesce(t.category = 'moderation', 0) as isReport, c.seen_seq_one || ':' || c.seen_seq_two as seen,
					json_array(t.subject, c.status, t.priority, t.category, t.assignee, t.rating, t.rating_comment, t.rated_at) as looks
				from conversations c left join tickets t on t.conversation = c.pk where c.site in (?, ?)`,
				one,
				two,
			)
			.map((row) => [row.pk, row]),
	),
});
type Facts = ReturnType<typeof factsOf>;

/** An event as far as it says what happened: without the columns that say for whom. */
interface Happened {
	id: number;
	site: number;
	type: EventType;
	conversation: number | null;
	message: number | null;
	noteSeq: number | null;
}
const happenedAfter = (t: TestApp, id: number): Happened[] =>
	t.rows<Happened>(
		`select e.id, e.site, e.type, e.conversation, e.message, m.note_seq as noteSeq
		from events e left join messages m on m.pk = e.message where e.id > ? order by e.id`,
		id,
	);

/** Who may hear of an event, asked with the roles of the moment in which it is told. */
type Verdict = (user: number, now: Facts) => boolean;
const nobody: Verdict = () => false;

/** verdictOf says who may hear of something that `actor` brought about. */
const verdictOf = (event: Happened, actor: number, about: number | null, before: Facts, after: Facts): Verdict => {
	const only =
		(...named: (number | null)[]): Verdict =>
		(user) =>
			named.includes(user);
	if (event.type === 'user.blocked') return only(actor);
	// what happens to an account is for its own user
	if (event.type === 'user.updated') return only(about ?? actor);
	if (event.conversation === null) return nobody;
	const row = after.conversations.get(event.conversation);
	const was = before.conversations.get(event.conversation);
	if (!row) throw new Error('an event of no conversation');
	const receipt = was !== undefined && was.seen !== row.seen;

	if (row.type === 'p2p') {
		const { one, two } = row;
		if (event.type === 'conversation.updated') return only(actor);
		if (event.type === 'conversation.read') return receipt ? only(one, two) : only(actor);
		// a blocked pair hears nothing of one another: what one of them does is told to them alone
		const blocked = before.blocks.has(`${one}:${two}`) || before.blocks.has(`${two}:${one}`);
		const isOneOfThem = actor === one || actor === two;
		return blocked && isOneOfThem ? only(actor) : only(one, two);
	}

	/** The team: not the requester on their own ticket; of a report from moderators up, and never whom it is about. */
	const team: Verdict = (user, now) => {
		const found = now.users.get(user);
		if (!found || found.site !== event.site || user === row.one || user === row.reported) return false;
		return row.isReport ? atLeast(found.role, 'moderator') : isDesk(found.role);
	};
	/** A report as such is for moderators up who list it, and whoever of them has made it lists it too. */
	if (event.type === 'report.updated')
		return (user, now) => {
			const found = now.users.get(user);
			return found?.site === event.site && user !== row.reported && atLeast(found.role, 'moderator');
		};
	const both: Verdict = (user, now) => user === row.one || team(user, now);
	if (event.message !== null) return (event.noteSeq ?? 0) > 0 ? team : both;
	if (event.type === 'conversation.read') {
		if (receipt) return both;
		return actor === row.one ? only(row.one) : team;
	}
	if (event.type === 'ticket.updated') return was?.looks === row.looks ? team : both;
	return both;
};

// ---- the world

/** What somebody has heard: enough to compare, and the text to search for what must not be in it. */
interface Heard {
	id: number;
	type: string;
	json: string;
}
const heardOf = (json: string): Heard => {
	const { id, type } = JSON.parse(json);
	return { id: Number(String(id).split('.')[1]), type, json };
};
const brief = ({ id, type }: { id: number; type: string }) => `${id} ${type}`;

/** Somebody who is connected as sockets and streams are. `byTopic`: told by topics, as sockets are. */
const createListener = (t: TestApp, topics: Map<string, Set<Connection>>, name: string, byTopic: boolean) => {
	const person = t.person(name);
	const { connections } = t.services.realtime;
	const heard: Heard[] = [];
	const expected: { id: number; type: string }[] = [];
	/** What happened while they were away: judged when they come back. */
	const missed: { event: Happened; verdict: Verdict }[] = [];
	let connection: Connection | null = null;
	let place = 0;
	let isReading = false;
	const hear = (json: string) => heard.push(heardOf(json));

	const connect = async (since: number): Promise<void> => {
		const principal = await t.services.tokens.authenticate(person.site, person.token);
		let ended = false;
		const made: Connection = {
			principal,
			apiKey: person.site.publishableKey,
			origin: null,
			isPresence: true,
			watched: null,
			topics: byTopic
				? {
						join: (topic) => topics.set(topic, (topics.get(topic) ?? new Set()).add(made)),
						leave: (topic) => topics.get(topic)?.delete(made),
					}
				: null,
			position: since,
			get site() {
				return made.principal.site;
			},
			get pk() {
				return made.principal.pk;
			},
			get role() {
				return made.principal.role;
			},
			get ended() {
				return ended;
			},
			take: ({ json }) => {
				hear(json);
				// a slow reader has enough now and then, and asks for the rest
				return heard.length % 5 !== 0;
			},
			rested: (why) => {
				if (why === 'full') queueMicrotask(() => t.services.feed.read(made));
				else if (why === 'caught_up') {
					connections.goLive(made);
					isReading = false;
				} else throw new Error(`reading rested: ${why}`);
			},
			deliver: ({ json }) => hear(json),
			tell: () => undefined,
			close: () => {
				ended = true;
				connection = null;
				isReading = false;
				place = t.services.eventLog.lastId;
			},
		};
		connections.enter(made);
		connection = made;
		hearing.set(made, hear);
		isReading = true;
		t.services.feed.read(made);
	};
	return {
		name,
		person,
		heard,
		expected,
		missed,
		get isReading() {
			return isReading;
		},
		get isHere() {
			return connection !== null;
		},
		connect,
		comeBack: () => connect(place),
		awayFrom: (id: number) => {
			place = id;
		},
		leave: () => {
			if (!connection) return;
			place = t.services.eventLog.lastId;
			connections.leave(connection);
			connection = null;
		},
	};
};
const hearing = new WeakMap<Connection, (json: string) => void>();

const turns = async (n: number) => {
	for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

const emoji = encodeURIComponent('👍');
const statuses = ['open', 'in_progress', 'waiting', 'resolved', 'closed'];

/**
 * settle makes two new sites with their people. note: worlds share one server and its log, because a new server would make
 * each of its routes anew
 */
let worlds = 0;
const settle = async (t: TestApp) => {
	const siteOf = async (resourceId: string): Promise<TestSite> => ({
		...(await t.services.sites.add({ resourceId })),
		pk: t.services.sites.need(resourceId).pk,
	});
	worlds++;
	const home = await siteOf(`home${worlds}.com`);
	const other = await siteOf(`other${worlds}.org`);
	await Promise.all(
		Object.entries(cast).map(([name, role]) => {
			const abroad = name.startsWith('other.');
			return t.add(name, { role, username: `the ${name.replace('other.', '')}`, site: abroad ? other : home });
		}),
	);
	return { home, other };
};

/** Acts that change who may hear: nobody may be between two states when they happen. */
const changesRights = new Set<ActKind>(['role', 'suspend', 'restore', 'erase']);

/** `here`: who is connected from the start, by bits; the others may come later. `limit`: how much a page holds. */
const play = async (t: TestApp, acts: Act[], here: number, limit: number): Promise<void> => {
	const { home, other } = await settle(t);
	const facts = () => factsOf(t, home.pk, other.pk);
	const topics = new Map<string, Set<Connection>>();
	t.services.realtime.publishBy((topic, json) => {
		for (const connection of topics.get(topic) ?? []) hearing.get(connection)?.(json);
	});
	for (const [one, two] of [
		['alice', 'bob'],
		['alice', 'staff'],
		['moderator', 'carol'],
		['other.alice', 'other.bob'],
	] as const) {
		const id = await t.conversation(one, two);
		const mark = one.startsWith('other.') ? words.abroad : words.home;
		await t.send(one, id, `${mark} begins`);
		await t.send(two, id, `${mark} answers`);
	}
	for (const as of ['alice', 'staff', 'moderator', 'other.alice']) {
		const mark = as.startsWith('other.') ? words.abroad : words.home;
		await t.ok({ as, method: 'POST', path: '/support/tickets', body: { subject: mark, initialMessage: mark } });
	}
	const beginning = t.services.eventLog.lastId;
	const listeners = everybody.map((name, i) => createListener(t, topics, name, i % 2 === 0));
	for (const [i, listener] of listeners.entries())
		if (here & (1 << i)) await listener.connect(beginning);
		else listener.awayFrom(beginning);
	/** Waits until everybody who is here has caught up. */
	const settled = async () => {
		while (listeners.some(({ isReading }) => isReading)) await turns(1);
	};
	await settled();

	/** The whole history, for those who come back from the start. */
	const history: { event: Happened; verdict: Verdict }[] = [];
	const of = <T>(items: readonly T[], n: number): T | undefined => items[n % Math.max(1, items.length)];
	const rowsOf = (sql: string, site: number) => t.rows<{ pk: number; id: string }>(sql, site);

	const nameOf = (pk: number | undefined): string | undefined => everybody.find((name) => t.person(name).pk === pk);

	/** Whose act it is: mostly somebody who may, or little would happen; else anybody, also of the other site. */
	const actorOf = ({ kind, who, a }: Act): string => {
		const anybody = of(everybody, who) ?? 'alice';
		if (who % 5 === 0) return anybody;
		const { site } = t.person(anybody);
		const staff = t.rows<{ pk: number }>("select pk from users where site = ? and role <> 'user'", site.pk);
		const deskUser = nameOf(of(staff, who)?.pk) ?? anybody;
		if (['role', 'suspend', 'restore', 'decide'].includes(kind)) return site === home ? 'superadmin' : anybody;
		if (kind === 'erase') return who % 3 === 0 ? anybody : 'superadmin';
		if (['note', 'tags', 'change', 'assign', 'deskRead', 'deskUnread', 'ticketOf', 'deleteAny'].includes(kind))
			return deskUser;
		if (['reply', 'status', 'rate'].includes(kind)) {
			const tickets = t.rows<{ one: number }>(
				"select participant_one as one from conversations where type = 'support' and site = ?",
				site.pk,
			);
			const requester = nameOf(of(tickets, a)?.one) ?? anybody;
			return kind === 'rate' || who % 2 === 0 ? requester : deskUser;
		}
		return anybody;
	};

	/** Does it; gives whose account it was about, where that is another's. */
	const perform = async ({ kind, a, b }: Act, name: string): Promise<number | null> => {
		const { site, pk } = t.person(name);
		const isHome = site === home;
		const mates = everybody.filter((other) => t.person(other).site === site && other !== name);
		const mate = t.person(of(mates, a) ?? 'bob');
		/** Mostly somebody they talk with. */
		const partners = t.rows<{ pk: number }>(
			`select iif(participant_one = ?1, participant_two, participant_one) as pk from conversations
				where type = 'p2p' and ?1 in (participant_one, participant_two)`,
			pk,
		);
		const partner = (b % 4 && partners.length > 0 && t.people.get(nameOf(of(partners, a)?.pk) ?? '')) || mate;
		const mark = isHome ? words.home : words.abroad;
		const chats = rowsOf(
			`select pk, id from conversations where type = 'p2p' and site = ? and ${pk} in (participant_one, participant_two)`,
			site.pk,
		);
		const tickets = rowsOf("select pk, id from conversations where type = 'support' and site = ?", site.pk);
		const chat = of(chats, a);
		const ticket = of(tickets, a);
		// a conversation of either kind, and a message in it
		const isChat = chat !== undefined && (ticket === undefined || b % 2 === 0);
		const place = isChat ? chat : ticket;
		const base = place && (isChat ? `/p2p/conversations/${place.id}` : `/support/tickets/${place.id}`);
		const message = place && of(rowsOf('select pk, id from messages where conversation = ?', place.pk), b >> 1);
		const own =
			place && of(rowsOf(`select pk, id from messages where sender = ${pk} and conversation = ?`, place.pk), b);
		const call = (method: string, path: string, body?: object) =>
			t.call({ as: name, method, path, ...(body && { body }) });
		const content = (text: string) => ({ content: { text: `${mark} ${text}` } });
		// the clock moves, so that sessions, receipts and stamps differ
		if (b % 7 === 0) t.advance(minute);

		switch (kind) {
			case 'start':
				await call('POST', '/p2p/conversations', { otherParticipantId: mate.id });
				return null;
			case 'send':
				if (chat) await call('POST', `/p2p/conversations/${chat.id}/messages`, content(`says ${a}`));
				return null;
			case 'edit':
				if (base && own) await call('PATCH', `${base}/messages/${own.id}`, content(`edits ${a} ${b}`));
				return null;
			case 'delete':
				if (base && own) await call('DELETE', `${base}/messages/${own.id}`);
				return null;
			case 'deleteAny': {
				// also of chats that they are no part of
				const any = of(
					t.rows<{ id: string; place: string; type: string }>(
						`select m.id, c.id as place, c.type from messages m join conversations c on c.pk = m.conversation where c.site = ?`,
						site.pk,
					),
					a,
				);
				if (any)
					await call(
						'DELETE',
						`/${any.type === 'p2p' ? 'p2p/conversations' : 'support/tickets'}/${any.place}/messages/${any.id}`,
					);
				return null;
			}
			case 'react':
				if (base && message) await call(b % 3 ? 'PUT' : 'DELETE', `${base}/messages/${message.id}/reactions/${emoji}`);
				return null;
			case 'read':
				if (base) await call('POST', `${base}/read`, b % 3 === 0 && message ? { messageId: message.id } : {});
				return null;
			case 'unread':
				if (base && message) await call('POST', `${base}/unread`, { messageId: message.id });
				return null;
			case 'archive':
				if (chat) await call('POST', `/p2p/conversations/${chat.id}/${b % 2 ? 'archive' : 'unarchive'}`);
				return null;
			case 'block':
				await call('POST', `/users/me/blocks/${partner.id}`);
				return null;
			case 'unblock':
				await call('DELETE', `/users/me/blocks/${partner.id}`);
				return null;
			case 'open':
				await call('POST', '/support/tickets', { subject: `${mark} asks`, initialMessage: `${mark} asks ${a}` });
				return null;
			case 'reply':
				if (ticket) await call('POST', `/support/tickets/${ticket.id}/messages`, content(`replies ${a}`));
				return null;
			case 'note':
				if (ticket)
					await call('POST', `/support/tickets/${ticket.id}/messages`, {
						...content(`${words.note} ${b}`),
						kind: 'note',
					});
				return null;
			case 'status':
				if (ticket) await call('PATCH', `/support/tickets/${ticket.id}`, { status: of(statuses, b) });
				return null;
			case 'tags':
				if (ticket) await call('PATCH', `/support/tickets/${ticket.id}`, { tags: [`${words.tag}${b % 3}`] });
				return null;
			case 'change':
				if (ticket)
					await call('PATCH', `/support/tickets/${ticket.id}`, {
						priority: of(['low', 'medium', 'high'], b),
						tags: [`${words.tag}${b % 2}`],
					});
				return null;
			case 'assign':
				if (ticket) await call('PATCH', `/support/tickets/${ticket.id}`, { assigneeId: mate.id });
				return null;
			case 'rate':
				if (ticket)
					await call('POST', `/support/tickets/${ticket.id}/rating`, {
						score: 1 + (b % 5),
						comment: `${mark} ${b % 2}`,
					});
				return null;
			case 'deskRead':
				if (ticket) await call('POST', `/support/tickets/${ticket.id}/read`, {});
				return null;
			case 'deskUnread': {
				const first = ticket && of(rowsOf('select pk, id from messages where conversation = ?', ticket.pk), b);
				if (ticket && first) await call('POST', `/support/tickets/${ticket.id}/unread`, { messageId: first.id });
				return null;
			}
			case 'reportMessage':
				if (base && message) await call('POST', `${base}/messages/${message.id}/report`, { reason: `${mark} insult` });
				return null;
			case 'reportUser':
				await call('POST', `/users/${partner.id}/report`, { reason: `${mark} rude` });
				return null;
			case 'decide': {
				const report = of(t.rows<{ id: string }>('select id from reports where site = ?', site.pk), a);
				if (report) await call('POST', `/admin/reports/${report.id}`, { status: b % 2 ? 'upheld' : 'dismissed' });
				return null;
			}
			case 'ticketOf': {
				const any = of(rowsOf('select pk, id from messages where site = ?', site.pk), a);
				if (any) await call('POST', `/admin/messages/${any.id}/ticket`, {});
				return null;
			}
			case 'role': {
				// mostly of somebody of the desk, who then leaves it or comes back
				const desk = mates.filter((other) => !other.includes('super') && cast[other as keyof typeof cast] !== 'user');
				const target = a % 3 === 0 ? mate : t.person(of(desk, a) ?? 'bob');
				const role = of(['user', 'staff', 'user', 'moderator', 'admin'], b);
				await call('PATCH', `/admin/users/${target.id}`, { role });
				return target.pk;
			}
			case 'rename':
				await call('PATCH', '/users/me', { displayName: `Name ${a}` });
				return null;
			case 'suspend':
				await call('PATCH', `/admin/users/${mate.id}`, { suspended: true });
				return mate.pk;
			case 'restore':
				await call('PATCH', `/admin/users/${mate.id}`, { suspended: false });
				return mate.pk;
			case 'erase':
				await call('DELETE', b % 2 ? '/users/me' : `/admin/users/${mate.id}`);
				return b % 2 ? null : mate.pk;
			default:
				return null;
		}
	};

	/** What an act has brought about is expected of whoever is here, and noted for whoever is not. */
	let before = facts();
	const expectIt = (from: number, kind: ActKind, actor: number, about: number | null): void => {
		if (t.newestEvent() === from) return;
		const after = facts();
		// an erasure takes words away in nobody's name, and the user's blocks before
		const by = kind === 'erase' ? 0 : actor;
		for (const event of happenedAfter(t, from)) {
			const verdict = verdictOf(event, by, about, before, after);
			history.push({ event, verdict });
			for (const listener of listeners)
				if (!listener.isHere) listener.missed.push({ event, verdict });
				else if (verdict(listener.person.pk, after)) listener.expected.push(event);
		}
		before = after;
	};
	const returning = (listener: (typeof listeners)[number]) => {
		const now = facts();
		for (const { event, verdict } of listener.missed.splice(0))
			if (verdict(listener.person.pk, now)) listener.expected.push(event);
	};

	let onTheirWay: Promise<unknown>[] = [];
	for (const made of acts) {
		const listener = listeners[made.a % listeners.length];
		if (made.kind === 'leave') {
			// whoever is still reading would not know how far they got
			await settled();
			listener?.leave();
			continue;
		}
		if (made.kind === 'comeBack') {
			if (!listener || listener.isHere || facts().users.get(listener.person.pk)?.gone) continue;
			returning(listener);
			// not waited for: what comes next happens while they catch up
			onTheirWay.push(listener.comeBack());
			if (made.b % 2) await turns(made.b % 3);
			continue;
		}
		if (changesRights.has(made.kind)) {
			await Promise.all(onTheirWay);
			onTheirWay = [];
			await settled();
		}
		await Promise.all(onTheirWay);
		const from = t.newestEvent();
		const actor = actorOf(made);
		const about = await perform(made, actor);
		// what follows by itself, like tickets taken from whoever has left the team
		for (let i = 0; i < 3; i++) await t.written();
		expectIt(from, made.kind, t.person(actor).pk, about);
	}
	await Promise.all(onTheirWay);
	await settled();

	// live, with those who went away and came back: each event once, in order, nobody else's
	for (const { name, heard, expected } of listeners)
		expect({ name, heard: heard.map(brief) }).toEqual({ name, heard: expected.map(brief) });

	const now = facts();
	const start = t.services.eventLog.cursor(beginning);
	const requested = t.rows<{ pk: number; id: string; one: number; reported: number | null }>(
		`select c.pk, c.id, c.participant_one as one, t.reported from conversations c join tickets t on t.conversation = c.pk where c.site in (?, ?)`,
		home.pk,
		other.pk,
	);
	for (const { name, person, heard } of listeners) {
		const told = [...heard];
		if (!now.users.get(person.pk)?.gone) {
			// on resume from the start: by pages, and nothing is lost between two
			const resumed: Heard[] = [];
			let since = start;
			for (let more = true; more; ) {
				const page = await t.ok<EventPage>({ as: name, path: `/events?limit=${limit}&since=${since}` });
				expect({ reset: page.reset, full: page.data.length <= limit }).toEqual({ reset: false, full: true });
				resumed.push(...page.data.map((event) => heardOf(JSON.stringify(event))));
				since = page.cursor;
				more = page.hasMore;
			}
			const due = history.filter(({ verdict }) => verdict(person.pk, now)).map(({ event }) => brief(event));
			expect({ name, resumed: resumed.map(brief) }).toEqual({ name, resumed: due });
			told.push(...resumed);
		}
		// what was in it
		const site = person.site === home ? words.abroad : words.home;
		for (const { json } of told) {
			expect(json).not.toContain(site);
			const { conversationId } = JSON.parse(json);
			const ticket = requested.find(({ id }) => id === conversationId);
			if (ticket?.one === person.pk && !json.includes('"type":"report.updated"'))
				for (const secret of [words.note, words.tag, '"tags"', '"version"', '"earlierTexts"', '"unreadCountP2"'])
					expect(json).not.toContain(secret);
			// the reported never hears of it
			expect(ticket?.reported === person.pk).toBe(false);
		}
	}
	counted.acts += acts.length;
	counted.events += history.length;
	for (const { event } of history) counted.types.add(event.type);
};
const counted = { acts: 0, events: 0, types: new Set<string>() };

/** Runs of another size or beginning: `AUDIENCE_RUNS=1000 AUDIENCE_SEED=7 bun test audience-property`. */
const numRuns = Number(process.env.AUDIENCE_RUNS ?? 100);
const usualSeed = 20_260_301;
const seed = Number(process.env.AUDIENCE_SEED ?? usualSeed);

test('whatever happens, each event goes to exactly those who may read it, live and on resume, once and in order', async () => {
	using t = await createTestApp();
	const { connections } = t.services.realtime;
	await fc.assert(
		fc.asyncProperty(
			fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }),
			fc.nat({ max: 2 ** everybody.length - 1 }),
			fc.integer({ min: 5, max: 50 }),
			async (acts, here, limit) => {
				try {
					await play(t, acts, here, limit);
				} finally {
					for (const connection of [...connections.all]) connections.leave(connection);
				}
			},
		),
		{ seed, numRuns, endOnFailure: false },
	);
	// the worlds were worth it: much has happened in them, and of every kind
	if (numRuns === 100 && seed === usualSeed) {
		expect(counted.events).toBeGreaterThan(numRuns * 10);
		expect([...counted.types].sort()).toEqual([
			'conversation.created',
			'conversation.read',
			'conversation.updated',
			'message.created',
			'message.deleted',
			'message.reaction',
			'message.updated',
			'report.updated',
			'ticket.created',
			'ticket.updated',
			'user.blocked',
			'user.deleted',
			'user.revoked',
			'user.updated',
		]);
	}
});
