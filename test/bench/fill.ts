// Fills a data folder with the past of a busy site: the rows are written straight through SQL, as the server would have left
// them. What happens is played in order of time, so rows lie in the file as they would after months; `verify.ts` checks the end.
import { getTableColumns, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../src/db/open.ts';
import { prepared } from '../../src/db/prepared.ts';
import { type Statement, type Steps, Tx } from '../../src/db/step.ts';
import { day, hour, iso, minute, utcDay } from '../../src/kernel/clock.ts';
import type { EventType } from '../../src/kernel/events.ts';
import { newId } from '../../src/kernel/ids.ts';
import { evidenceNeighbours } from '../../src/kernel/limits.ts';
import { systemActor } from '../../src/kernel/principal.ts';
import type { Role } from '../../src/kernel/roles.ts';
import { chainHash, newSalt, saltedHash } from '../../src/modules/audit/audit.chain.ts';
import { auditLog, auditValues } from '../../src/modules/audit/audit.tables.ts';
import { events } from '../../src/modules/events/events.tables.ts';
import { sideState } from '../../src/modules/messaging/messaging.sides.ts';
import { conversations, conversationWriters, messages } from '../../src/modules/messaging/messaging.tables.ts';
import { digestOf } from '../../src/modules/messaging/messaging.text.ts';
import { searchSteps } from '../../src/modules/messaging/search.steps.ts';
import { reports } from '../../src/modules/moderation/reports.tables.ts';
import { siteDays } from '../../src/modules/sites/sites.tables.ts';
import type { TicketPriority, TicketStatus } from '../../src/modules/support/tickets.schema.ts';
import { ticketHistory, tickets, ticketTags, ticketTallies } from '../../src/modules/support/tickets.tables.ts';
import { type Part, workflow } from '../../src/modules/support/tickets.workflow.ts';
import { emailKeyOf, foldName, skeletonOf } from '../../src/modules/users/names.ts';
import { users } from '../../src/modules/users/users.tables.ts';

export interface Size {
	conversations: number;
	/** Texts: the system messages and notes of tickets come on top. */
	messages: number;
	users: number;
	days: number;
	moderation: number;
	/** How long the site keeps resolved tickets open. */
	autoCloseDays: number;
}

/** A word that stands in most messages, and one that stands in five. */
export const commonWord = 'please';
export const rareWord = 'zugzwang';
export const tagOf = (i: number) => `topic-${i}`;
const rareMessages = 5;
const tagKinds = 40;
const team: readonly Role[] = [
	'superadmin',
	'admin',
	'admin',
	...Array.from({ length: 4 }, (): Role => 'moderator'),
	...Array.from({ length: 13 }, (): Role => 'staff'),
];

/** Columns as SQLite keeps them: every one of a table must be named, so that a new column is not forgotten here. */
type Raw<T extends SQLiteTable> = Record<keyof T['$inferSelect'], string | number | null>;

const inserter = <T extends SQLiteTable>(db: Db, table: T) => {
	// note: through sql``, because the values come as SQLite keeps them and need no encoding
	const values = Object.fromEntries(
		Object.keys(getTableColumns(table)).map((name) => [name, sql`${sql.placeholder(name)}`]),
	);
	const insert = prepared(db.insert(table).values(values as never));
	return (row: Raw<T>): number => (insert.run(row) as unknown as { lastInsertRowid: number }).lastInsertRowid;
};

/** drive runs steps in the transaction that is open. */
const drive = <R>(steps: Steps<R>): R => {
	let next = steps.next();
	while (!next.done) next = steps.next((next.value as Statement<unknown>).execute());
	return next.value;
};

// ---- Chance, the same in each run

let state = 0;
const random = () => {
	state = (state + 0x6d2b79f5) | 0;
	let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
	mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
	return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};
const below = (n: number) => Math.floor(random() * n);
const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T;
const chance = (share: number) => random() < share;
/** Small numbers often, large ones seldom: the n-th about 1/n as often as the first (Zipf). */
const zipf = (n: number) => Math.floor((n + 1) ** random()) - 1;
const exponential = (mean: number) => -Math.log(1 - random()) * mean;

const syllables = 'ba de fi go ku la me ni po ru sa te vi zo'.split(' ');
const words = [
	commonWord,
	...'the and order not to my is help have it a with you for can payment thanks on hello when'.split(' '),
	...Array.from({ length: 4_000 }, (_, i) =>
		[i % 14, Math.floor(i / 14) % 14, Math.floor(i / 196) % 14, Math.floor(i / 2_744)]
			.map((at) => syllables[at])
			.join(''),
	),
];
const sentence = (least: number, most: number) => {
	let text = words[zipf(words.length)] as string;
	for (let more = least - 1 + below(most - least + 1); more > 0; more--) text += ` ${words[zipf(words.length)]}`;
	return text;
};

// ---- What is going to happen

const acts = ['text', 'assign', 'tag', 'note', 'status', 'rate', 'read'] as const;
type Act = (typeof acts)[number];

const priorities: readonly TicketPriority[] = ['medium', 'medium', 'medium', 'low', 'low', 'high'];
const ticketStatuses: readonly TicketStatus[] = ['open', 'in_progress', 'waiting', 'resolved', 'closed'];
const wordsOfStatus = (status: TicketStatus) => status.replace('_', ' ');
const categories = ['billing', 'delivery', 'account', 'returns', null] as const;

interface User {
	pk: number;
	id: string;
	username: string;
	role: Role;
	createdAt: number;
	firstCallAt: number | null;
	lastSeenAt: number | null;
}
interface Ticket {
	row: Raw<typeof tickets>;
	priority: TicketPriority;
	tags: string[];
}
interface Conversation {
	row: Raw<typeof conversations>;
	status: TicketStatus | 'active';
	one: User;
	two: User | null;
	lastSeq: number;
	lastNoteSeq: number;
	ticket: Ticket | null;
}

/** Acts in columns of numbers: there are more than a million, to be sorted by time. */
const createPlan = (most: number) => {
	const at = new Float64Array(most);
	const conversation = new Int32Array(most);
	const act = new Uint8Array(most);
	const detail = new Int8Array(most);
	let n = 0;
	return {
		add: (when: number, of: number, what: Act, how = 0) => {
			at[n] = Math.floor(when);
			conversation[n] = of;
			act[n] = acts.indexOf(what);
			detail[n++] = how;
		},
		inOrder: function* () {
			const order = Uint32Array.from({ length: n }, (_, i) => i).sort(
				(a, b) => (at[a] as number) - (at[b] as number) || a - b,
			);
			for (const i of order)
				yield {
					at: at[i] as number,
					of: conversation[i] as number,
					act: acts[act[i] as number] as Act,
					how: detail[i] as number,
				};
		},
	};
};
type Plan = ReturnType<typeof createPlan>;

/** planTicket writes the story of one ticket: who says what when, and where it ends. */
const planTicket = (plan: Plan, of: number, times: number[], now: number, autoCloseMs: number) => {
	const last = times.at(-1) as number;
	const first = times[0] as number;
	const roll = random();
	const goal: TicketStatus =
		roll < 0.72 ? 'closed' : roll < 0.8 ? 'resolved' : roll < 0.86 ? 'waiting' : roll < 0.93 ? 'in_progress' : 'open';
	const unanswered = goal === 'open' && chance(0.7);
	const bounces = goal === 'open' && !unanswered && times.length > 2;
	/** A time after another, and before now. */
	const soon = (after: number, mean: number) => {
		const at = after + 1 + exponential(mean);
		return at < now ? at : after + (now - after) * random();
	};
	let side = 1;
	times.forEach((at, i) => {
		if (unanswered || i === 0) side = 1;
		else if (bounces && i >= times.length - 2) side = i === times.length - 2 ? 2 : 1;
		else side = i === 1 || chance(0.6) ? 3 - side : side;
		plan.add(at, of, 'text', side);
		if (bounces && i === times.length - 2)
			plan.add(at + (last - at) * 0.5, of, 'status', ticketStatuses.indexOf('waiting'));
	});
	if (chance(unanswered ? 0.3 : 0.85)) plan.add(soon(first, 10 * minute), of, 'assign');
	if (chance(0.5)) plan.add(soon(first, 10 * minute), of, 'tag');
	if (chance(0.15)) plan.add(soon(first, hour), of, 'note');
	// the desk reads nearly all, requesters most
	if (chance(side === 1 ? 0.95 : 0.8)) plan.add(soon(last, 2 * hour), of, 'read', 3 - side);
	if (goal === 'open') return;
	const moved = soon(last, 3 * hour);
	if (goal === 'waiting' || goal === 'in_progress') {
		plan.add(moved, of, 'status', ticketStatuses.indexOf(goal));
		return;
	}
	plan.add(moved, of, 'status', ticketStatuses.indexOf('resolved'));
	const rated = chance(0.4) ? soon(moved, hour) : undefined;
	if (rated !== undefined) plan.add(rated, of, 'rate', 1 + Math.floor(5 * Math.sqrt(random())));
	// note: what is resolved for long the server closes by itself, so it cannot stay resolved
	const closes = moved + autoCloseMs;
	if (closes <= now) plan.add(closes, of, 'status', -1);
	else if (goal === 'closed') plan.add(soon(rated ?? moved, 3 * hour), of, 'status', ticketStatuses.indexOf('closed'));
};

/** fill writes the past of a site up to now. The folder's server must not be running. */
export const fill = (db: Db, site: number, size: Size, now: number) => {
	state = 1;
	const sqlite = db.$client;
	const since = now - size.days * day;
	const into = {
		users: inserter(db, users),
		conversations: inserter(db, conversations),
		messages: inserter(db, messages),
		writers: prepared(
			db
				.insert(conversationWriters)
				.values({ user: sql`${sql.placeholder('user')}`, conversation: sql`${sql.placeholder('conversation')}` })
				.onConflictDoNothing(),
		),
		events: inserter(db, events),
		tickets: inserter(db, tickets),
		tags: inserter(db, ticketTags),
		history: inserter(db, ticketHistory),
		tallies: inserter(db, ticketTallies),
		days: inserter(db, siteDays),
		reports: inserter(db, reports),
		audit: inserter(db, auditLog),
		auditValues: inserter(db, auditValues),
	};
	const search = searchSteps(db);

	// ---- People

	const people = Array.from({ length: size.users }, (_, i): User => {
		const role = team[i] ?? 'user';
		// a quarter is there from the start, the others come day by day
		const createdAt = i < size.users / 4 ? since : since + ((now - since) * i) / size.users;
		return {
			pk: i + 1,
			id: newId('user'),
			username: `${role === 'user' ? 'visitor' : role}-${i + 1}`,
			role,
			createdAt: Math.floor(createdAt),
			firstCallAt: null,
			lastSeenAt: null,
		};
	});
	const desk = people.filter(({ role }) => role !== 'user');
	const moderators = desk.filter(({ role }) => role !== 'staff');
	const staff = desk.filter(({ role }) => role === 'staff');
	/** Somebody who is no member of the team and was there at a time. */
	const visitor = (at: number) => {
		const known = Math.max(Math.ceil(size.users / 4), Math.floor((size.users * (at - since)) / (now - since)));
		return people[desk.length + below(Math.min(known, size.users) - desk.length)] as User;
	};

	// ---- What each act writes

	const dayRows = new Map<string, Raw<typeof siteDays>>();
	const count = (at: number, column: 'messages' | 'p2pConversations' | 'tickets' | 'users') => {
		const date = utcDay(at);
		const known = dayRows.get(date);
		const row = known ?? { pk: null, site, day: date, messages: 0, p2pConversations: 0, tickets: 0, users: 0 };
		if (!known) dayRows.set(date, row);
		row[column] = Number(row[column]) + 1;
	};
	const event = (at: number, type: EventType, c: Conversation | null, more: Partial<Raw<typeof events>> = {}) => {
		into.events({
			id: null,
			site,
			type,
			conversation: c ? (c.row.pk as number) : null,
			message: null,
			userA: c ? c.one.pk : null,
			userB: c?.two ? c.two.pk : null,
			desk: c?.ticket ? 1 : null,
			detail: null,
			createdAt: at,
			...more,
		});
	};
	let auditSeq = 0;
	let auditHead = '';
	const audit = (
		at: number,
		actor: User,
		action: string,
		target: string,
		subject: User | null,
		changes: Record<string, [string | null, string | null]>,
	) => {
		const values = Object.entries(changes).map(([field, [before, after]]) => ({
			field,
			salt: newSalt(),
			before,
			after,
		}));
		const entry = {
			seq: ++auditSeq,
			actor: actor.id,
			action,
			target,
			fields: Object.fromEntries(
				values.map(({ field, salt, before, after }) => [
					field,
					[saltedHash(salt, before), saltedHash(salt, after)] as [string | null, string | null],
				]),
			),
			at,
			previous: auditHead,
		};
		auditHead = chainHash(site, entry);
		const pk = into.audit({ ...entry, pk: null, site, fields: JSON.stringify(entry.fields), hash: auditHead });
		for (const value of values) into.auditValues({ ...value, entry: pk, subject: subject?.pk ?? null });
	};
	const tallies = new Map<string, Raw<typeof ticketTallies>>();
	const tally = (c: Conversation, n: 1 | -1) => {
		const key = {
			status: c.status,
			priority: c.ticket?.priority as string,
			assigned: Number(c.ticket?.row.assignee !== null),
		};
		const known = tallies.get(JSON.stringify(key));
		const row = known ?? { site, ...key, n: 0 };
		if (!known) tallies.set(JSON.stringify(key), row);
		row.n = Number(row.n) + n;
	};
	const seen = (user: User, at: number) => {
		user.firstCallAt ??= at;
		user.lastSeenAt = at;
	};
	const history = (
		at: number,
		c: Conversation,
		actor: string,
		field: string,
		before: string | null,
		after: string | null,
	) => {
		into.history({ pk: null, ticket: c.row.pk, actor, field, before, after, at });
	};
	const plainMessage = {
		pk: null,
		site,
		noteSeq: 0,
		replyTo: null,
		clientMessageId: null,
		clientDigest: null,
		metadata: null,
		reacted: 0,
		evidenceOf: null,
		editedAt: null,
		deletedAt: null,
	};
	const active = (c: Conversation, at: number) => {
		c.row.lastActivityAt = at;
		c.row.activeMinute = Math.floor(at / minute);
	};
	const announce = (at: number, c: Conversation, text: string, metadata: object) => {
		const pk = into.messages({
			...plainMessage,
			id: newId('msg'),
			conversation: c.row.pk,
			seq: ++c.lastSeq,
			sender: null,
			kind: 'system',
			text,
			metadata: JSON.stringify(metadata),
			createdAt: at,
		});
		active(c, at);
		event(at, 'message.created', c, { message: pk });
	};
	/** A change of a ticket; `seen`: one that its requester sees. */
	const changed = (at: number, c: Conversation, visible: boolean) => {
		const { row } = c.ticket as Ticket;
		row.version = Number(row.version) + 1;
		if (visible) row.updatedAt = at;
		event(at, 'ticket.updated', c, visible ? {} : { userA: null });
	};
	const move = (at: number, c: Conversation, actor: string, by: Part | null, to: TicketStatus) => {
		const { row } = c.ticket as Ticket;
		const from = c.status as TicketStatus;
		history(at, c, actor, 'status', from, to);
		if (to === 'resolved') Object.assign(row, { resolvedAt: at, waitingSince: null });
		else if (to === 'closed')
			Object.assign(row, { resolvedAt: row.resolvedAt ?? at, closedAt: at, waitingSince: null });
		else Object.assign(row, { resolvedAt: null }, by === 'requester' && { waitingSince: row.waitingSince ?? at });
		tally(c, -1);
		c.status = to;
		tally(c, 1);
		announce(at, c, `The ticket is now ${wordsOfStatus(to)}.`, { action: 'status', from, to });
		changed(at, c, true);
	};
	let rareLeft = rareMessages;
	const say = (at: number, c: Conversation, sender: User, side: 1 | 2) => {
		let text = sentence(5, 18);
		if (c.ticket && rareLeft > 0 && chance(100 / size.messages)) {
			text = `${text} ${rareWord}`;
			rareLeft--;
		}
		const seq = ++c.lastSeq;
		const own = chance(0.8);
		const pk = into.messages({
			...plainMessage,
			id: newId('msg'),
			conversation: c.row.pk,
			seq,
			sender: sender.pk,
			kind: 'text',
			text,
			clientMessageId: own ? Bun.randomUUIDv7('hex', at) : null,
			clientDigest: own ? digestOf('text', text, undefined, undefined) : null,
			createdAt: at,
		});
		const [mine, theirs] = [sideState[side], sideState[side === 1 ? 2 : 1]];
		const { row } = c;
		row.messageCount = Number(row.messageCount) + 1;
		row[mine.sent] = Number(row[mine.sent]) + 1;
		row[mine.seenSeq] = seq;
		row[mine.readSeq] = seq;
		row[mine.unread] = 0;
		row[theirs.unread] = Number(row[theirs.unread]) + 1;
		active(c, at);
		count(at, 'messages');
		if (c.ticket && side === 2) into.writers.run({ user: sender.pk, conversation: row.pk });
		event(at, 'message.created', c, { message: pk });
		seen(sender, at);
	};

	// ---- Conversations

	let started = 0;
	let ticketNumber = 1000;
	/** Chats with something in them, which reports can be about. */
	const chats: Conversation[] = [];
	const pairs = new Set<number>();
	const start = (at: number, isTicket: boolean): Conversation => {
		let [one, two] = [visitor(at), visitor(at)];
		const pairOf = () => Math.min(one.pk, two.pk) * 2 ** 24 + Math.max(one.pk, two.pk);
		if (!isTicket) {
			while (one === two || pairs.has(pairOf())) [one, two] = [visitor(at), visitor(at)];
			pairs.add(pairOf());
		}
		const c: Conversation = {
			row: {
				pk: ++started,
				id: newId(isTicket ? 'ticket' : 'conv'),
				site,
				type: isTicket ? 'support' : 'p2p',
				status: '',
				participantOne: one.pk,
				participantTwo: isTicket ? null : two.pk,
				lastSeq: 0,
				lastNoteSeq: 0,
				messageCount: 0,
				sentOne: 0,
				sentTwo: 0,
				seenSeqOne: 0,
				seenSeqTwo: 0,
				readSeqOne: 0,
				readSeqTwo: 0,
				unreadOne: 0,
				unreadTwo: 0,
				archivedOne: 0,
				archivedTwo: 0,
				metadata: null,
				createdAt: at,
				lastActivityAt: at,
				activeMinute: Math.floor(at / minute),
			},
			status: isTicket ? 'open' : 'active',
			one,
			two: isTicket ? null : two,
			lastSeq: 0,
			lastNoteSeq: 0,
			ticket: null,
		};
		count(at, isTicket ? 'tickets' : 'p2pConversations');
		event(at, 'conversation.created', c, isTicket ? { desk: 1 } : {});
		return c;
	};
	const open = (c: Conversation, at: number, subject: string, category: string | null, reported: User | null) => {
		const priority = reported ? 'medium' : oneOf(priorities);
		c.ticket = {
			priority,
			tags: [],
			row: {
				conversation: c.row.pk,
				site,
				number: ++ticketNumber,
				subject,
				priority,
				category,
				assignee: null,
				follows: null,
				source: null,
				reported: reported?.pk ?? null,
				version: 1,
				openedAt: at,
				updatedAt: at,
				waitingSince: at,
				firstResponseAt: null,
				resolvedAt: null,
				closedAt: null,
				rating: null,
				ratingComment: null,
				ratedAt: null,
			},
		};
		tally(c, 1);
		drive(search.setSubject(new Tx(at), { site, type: 'support', pk: c.row.pk as number }, null, subject));
		event(at, 'ticket.created', c);
	};
	const around = sqlite.prepare<
		{ pk: number; id: string; seq: number; sender: number; text: string; createdAt: number },
		[number, number, number]
	>(
		'select pk, id, seq, sender, text, created_at createdAt from messages where conversation = ? and seq > ? and seq <= ? order by seq',
	);
	/** A report of a chat's newest message: its ticket, the evidence as notes, and the report. */
	const report = (c: Conversation, chat: Conversation, at: number, reported: User) => {
		const evidence = around.all(Number(chat.row.pk), chat.lastSeq - 1 - evidenceNeighbours, chat.lastSeq);
		for (const kept of evidence) {
			const metadata = {
				conversationId: chat.row.id,
				messageId: kept.id,
				messageSeq: kept.seq,
				sentAt: iso(kept.createdAt),
				reported: kept === evidence.at(-1),
			};
			const pk = into.messages({
				...plainMessage,
				id: newId('msg'),
				conversation: c.row.pk,
				seq: c.lastSeq,
				noteSeq: ++c.lastNoteSeq,
				sender: kept.sender,
				kind: 'note',
				text: kept.text,
				metadata: JSON.stringify(metadata),
				evidenceOf: kept.pk,
				createdAt: at,
			});
			if (kept.sender !== c.one.pk) into.writers.run({ user: kept.sender, conversation: c.row.pk });
			event(at, 'message.created', c, { message: pk, userA: null });
		}
		const id = newId('report');
		const decided = chance(0.6);
		const judge = oneOf(moderators);
		const decidedAt = at + (now - at) * random() * 0.1;
		into.reports({
			pk: null,
			id,
			site,
			ticket: c.row.pk,
			reporter: c.one.pk,
			reported: reported.pk,
			message: evidence.at(-1)?.pk ?? null,
			status: decided ? (chance(0.5) ? 'upheld' : 'dismissed') : 'open',
			decidedBy: decided ? judge.id : null,
			decidedAt: decided ? Math.floor(decidedAt) : null,
			createdAt: at,
		});
		event(at, 'report.updated', c, { userA: null });
	};

	// ---- The plan: every conversation has at least one message, and some have many

	const starts = Float64Array.from({ length: size.conversations }, () => since + random() * (now - since)).sort();
	const texts = new Int32Array(size.conversations).fill(1);
	for (let left = size.messages - size.conversations; left > 0; left--) {
		const busy = Math.floor(size.conversations * random() ** 2);
		// note: spread by a multiplier without common factors, or the busy ones would all be the oldest
		const at = Math.floor(busy * 7_919 + 13) % size.conversations;
		texts[at] = (texts[at] as number) + 1;
	}
	const isTicket = Uint8Array.from({ length: size.conversations }, () => Number(chance(0.5)));
	const moderation = new Set<number>();
	while (moderation.size < size.moderation) {
		const i = Math.floor(size.conversations * (0.1 + 0.9 * random()));
		if (isTicket[i]) moderation.add(i);
	}
	const plan = createPlan(size.messages + size.conversations * 8);
	for (let i = 0; i < size.conversations; i++) {
		const begin = starts[i] as number;
		const life = Math.min(now - begin, exponential(2 * day));
		const times = Array.from({ length: texts[i] as number }, (_, k) => (k === 0 ? begin : begin + life * random()));
		times.sort((a, b) => a - b);
		if (isTicket[i]) planTicket(plan, i, times, now, size.autoCloseDays * day);
		else {
			let side = 1;
			for (const [k, at] of times.entries()) {
				if (k > 0 && chance(0.6)) side = 3 - side;
				plan.add(at, i, 'text', side);
			}
			const last = times.at(-1) as number;
			if (chance(0.8)) plan.add(last + (now - last) * random() * 0.2, i, 'read', 3 - side);
		}
	}

	// ---- And so it happens

	const all: Conversation[] = [];
	const play: Record<Act, (at: number, c: Conversation, how: number) => void> = {
		text: (at, c, how) => {
			const answering = c.ticket?.row.category === 'moderation' ? moderators : staff;
			const sender = how === 1 ? c.one : (c.two ?? people[Number(c.ticket?.row.assignee) - 1] ?? oneOf(answering));
			say(at, c, sender, how === 1 ? 1 : 2);
			if (!c.ticket) {
				if (c.lastSeq === 1) chats.push(c);
				return;
			}
			const { row } = c.ticket;
			const part = how === 1 ? 'requester' : 'desk';
			if (part === 'requester') row.waitingSince ??= at;
			else {
				row.waitingSince = null;
				row.firstResponseAt ??= at;
			}
			const to = workflow[c.status as TicketStatus].onReply[part];
			if (to) move(at, c, sender.id, part, to);
		},
		assign: (at, c) => {
			const { row } = c.ticket as Ticket;
			const who = oneOf(row.category === 'moderation' ? moderators : staff);
			const by = oneOf(staff);
			history(at, c, by.id, 'assigneeId', null, who.id);
			tally(c, -1);
			row.assignee = who.pk;
			tally(c, 1);
			changed(at, c, true);
			audit(at, by, 'ticket.update', String(c.row.id), c.one, { assigneeId: [null, who.id] });
		},
		tag: (at, c) => {
			const tags = [...new Set(Array.from({ length: 1 + below(3) }, () => tagOf(zipf(tagKinds))))].sort();
			const by = oneOf(staff);
			history(at, c, by.id, 'tags', null, tags.join(', '));
			for (const tag of tags) into.tags({ ticket: c.row.pk, site, tag });
			changed(at, c, false);
			audit(at, by, 'ticket.update', String(c.row.id), c.one, { tags: [null, tags.join(', ')] });
		},
		note: (at, c) => {
			const by = oneOf(staff);
			const pk = into.messages({
				...plainMessage,
				id: newId('msg'),
				conversation: c.row.pk,
				seq: c.lastSeq,
				noteSeq: ++c.lastNoteSeq,
				sender: by.pk,
				kind: 'note',
				text: sentence(3, 12),
				createdAt: at,
			});
			into.writers.run({ user: by.pk, conversation: c.row.pk });
			event(at, 'message.created', c, { message: pk, userA: null });
		},
		status: (at, c, how) => {
			const to = ticketStatuses[how] ?? 'closed';
			if (to === c.status) return;
			if (how < 0) move(at, c, systemActor, null, to);
			else if (to === 'closed' && chance(0.5)) move(at, c, c.one.id, 'requester', to);
			else {
				const by = oneOf(staff);
				const from = c.status;
				move(at, c, by.id, 'desk', to);
				audit(at, by, 'ticket.update', String(c.row.id), c.one, { status: [from, to] });
			}
		},
		rate: (at, c, score) => {
			const { row } = c.ticket as Ticket;
			history(at, c, c.one.id, 'rating', null, String(score));
			announce(at, c, `The ticket was rated ${score} of 5.`, { action: 'rating', score });
			Object.assign(row, { rating: score, ratingComment: chance(0.3) ? sentence(3, 10) : null, ratedAt: at });
			changed(at, c, true);
			seen(c.one, at);
		},
		read: (at, c, how) => {
			const own = sideState[how === 1 ? 1 : 2];
			c.row[own.seenSeq] = c.lastSeq;
			c.row[own.readSeq] = c.lastSeq;
			c.row[own.unread] = 0;
			event(at, 'conversation.read', c);
			const reader = how === 1 ? c.one : c.two;
			if (reader) seen(reader, at);
		},
	};

	sqlite.run('PRAGMA foreign_keys = OFF');
	sqlite.run('PRAGMA synchronous = OFF');
	sqlite.run('PRAGMA cache_size = -524288'); // KiB
	sqlite.run('BEGIN IMMEDIATE');
	let born = 0;
	let done = 0;
	for (const { at, of, act, how } of plan.inOrder()) {
		for (; born < people.length && (people[born] as User).createdAt <= at; born++) {
			const { pk, createdAt } = people[born] as User;
			count(createdAt, 'users');
			event(createdAt, 'user.created', null, { userA: pk });
		}
		let c = all[of];
		if (!c) {
			c = start(at, isTicket[of] === 1);
			all[of] = c;
			const chat = moderation.has(of) ? oneOf(chats) : undefined;
			if (chat) {
				const sender = around.all(Number(chat.row.pk), chat.lastSeq - 1, chat.lastSeq)[0]?.sender;
				const reported = sender === chat.one.pk ? chat.one : (chat.two as User);
				c.one = reported === chat.one ? (chat.two as User) : chat.one;
				c.row.participantOne = c.one.pk;
				open(c, at, 'Report of a message', 'moderation', reported);
				play.text(at, c, how);
				report(c, chat, at, reported);
				continue;
			}
			if (isTicket[of]) open(c, at, sentence(2, 8), oneOf(categories), null);
		}
		play[act](at, c, how);
		if (++done % 200_000 === 0) {
			sqlite.run('COMMIT');
			sqlite.run('BEGIN IMMEDIATE');
		}
	}
	for (; born < people.length; born++) {
		const { pk, createdAt } = people[born] as User;
		count(createdAt, 'users');
		event(createdAt, 'user.created', null, { userA: pk });
	}
	for (const user of people) {
		const { pk, id, username, role, createdAt, firstCallAt, lastSeenAt } = user;
		const isDesk = role !== 'user';
		const displayName = isDesk || chance(0.5) ? `${oneOf(words)} ${oneOf(words)} ${pk}` : null;
		const email = chance(0.7) ? `${username}@mail.example` : null;
		into.users({
			pk,
			id,
			site,
			username,
			usernameKey: foldName(username),
			usernameSkeleton: skeletonOf(username),
			displayName,
			displaySkeleton: displayName && skeletonOf(displayName),
			email,
			emailKey: email && emailKeyOf(email),
			avatarUrl: null,
			role,
			permissions: null,
			externalId: !isDesk && chance(0.5) ? `customer-${pk}` : null,
			metadata: null,
			settings: null,
			verified: 1,
			madeByServer: 0,
			ver: 1,
			firstCallAt,
			deviceHash: null,
			passwordHash: null,
			lastSeenAt,
			suspendedAt: null,
			suspendedUntil: null,
			suspendedReason: null,
			erasedAt: null,
			erasurePending: 0,
			createdAt,
			updatedAt: createdAt,
		});
	}
	// in order of their keys, as they were made
	for (const c of all.toSorted((a, b) => Number(a.row.pk) - Number(b.row.pk))) {
		const { lastSeq, lastNoteSeq, status } = c;
		into.conversations({ ...c.row, lastSeq, lastNoteSeq, status });
		if (c.ticket) into.tickets(c.ticket.row);
	}
	for (const row of tallies.values()) into.tallies(row);
	for (const row of dayRows.values()) into.days(row);
	sqlite.run('COMMIT');
	sqlite.run('PRAGMA foreign_keys = ON');
	return { people, conversations: all };
};
