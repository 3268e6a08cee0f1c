import {
	and,
	asc,
	count,
	desc,
	eq,
	getTableColumns,
	inArray,
	isNotNull,
	isNull,
	lte,
	max,
	ne,
	notInArray,
	or,
	type SQL,
	sql,
} from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { newId } from '../../kernel/ids.ts';
import { changeTicketsMax, forgetTicketsMax, searchMatchesMax, searchUsersMax } from '../../kernel/limits.ts';
import type { EventSteps } from '../events/events.steps.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { conversations, isAmong, isIn, messages } from '../messaging/messaging.tables.ts';
import type { SearchSteps } from '../messaging/search.steps.ts';
import type { UserSteps } from '../users/users.steps.ts';
import { users as userRows } from '../users/users.tables.ts';
import { moderationCategory, type TicketPriority, type TicketStatus } from './tickets.schema.ts';
import { ticketHistory, tickets, ticketTags, ticketTallies } from './tickets.tables.ts';
import { type Part, workflow } from './tickets.workflow.ts';

export type TicketRow = typeof tickets.$inferSelect;
/** A ticket with its conversation. */
export interface TicketEntry {
	row: ConversationRow;
	ticket: TicketRow;
}

/** What can be changed on a ticket. */
export interface TicketChanges {
	subject?: string | undefined;
	status?: TicketStatus | undefined;
	priority?: TicketPriority | undefined;
	category?: string | null | undefined;
	assignee?: { pk: number; id: string } | null | undefined;
	tags?: string[] | undefined;
}

/** Who looks, as far as lists of the desk ask. `pk` null: the site's server. */
export interface DeskViewer {
	pk: number | null;
	moderates: boolean;
}

const firstNumber = 1001;
const statusWords: Record<TicketStatus, string> = {
	open: 'open',
	in_progress: 'in progress',
	waiting: 'waiting',
	resolved: 'resolved',
	closed: 'closed',
};
const orders = {
	'-updatedAt': [desc(conversations.lastActivityAt), desc(conversations.pk)],
	createdAt: [asc(tickets.number)],
	'-createdAt': [desc(tickets.number)],
	'-priority': [
		sql`case ${tickets.priority} when 'high' then 0 when 'medium' then 1 else 2 end`,
		desc(conversations.lastActivityAt),
	],
	waitingSince: [sql`${tickets.waitingSince} is null`, asc(tickets.waitingSince), asc(tickets.number)],
} as const;
export type TicketOrder = keyof typeof orders;

/** ticketSteps: rows of tickets, their tags, history and tallies. */
export const ticketSteps = (
	db: Db,
	{
		events,
		users,
		messaging,
		search,
	}: { events: EventSteps; users: UserSteps; messaging: MessagingSteps; search: SearchSteps },
) => {
	const p = sql.placeholder;
	const ofSite = prepared(
		db
			.select({ row: getTableColumns(conversations), ticket: getTableColumns(tickets) })
			.from(conversations)
			.innerJoin(tickets, eq(tickets.conversation, conversations.pk))
			.where(and(eq(conversations.site, held('site')), eq(conversations.id, held('id')))),
	);
	const byConversation = prepared(
		db
			.select()
			.from(tickets)
			.where(and(eq(tickets.site, p('site')), eq(tickets.conversation, p('conversation')))),
	);
	const newestNumber = prepared(
		db
			.select({ number: max(tickets.number) })
			.from(tickets)
			.where(eq(tickets.site, held('site'))),
	);
	const byNumber = prepared(
		db
			.select({ pk: tickets.conversation })
			.from(tickets)
			.where(and(eq(tickets.site, p('site')), eq(tickets.number, p('number')))),
	);
	const tallied = (n: 1 | -1) =>
		prepared(
			db
				.insert(ticketTallies)
				.values({ site: p('site'), status: p('status'), priority: p('priority'), assigned: sql`${p('assigned')}`, n })
				.onConflictDoUpdate({
					target: [ticketTallies.site, ticketTallies.status, ticketTallies.priority, ticketTallies.assigned],
					set: { n: sql`${ticketTallies.n} + ${sql.raw(String(n))}` },
				}),
		);
	const tallyUp = tallied(1);
	const tallyDown = tallied(-1);

	const tallyKey = ({ row, ticket }: TicketEntry) => ({
		site: row.site,
		status: row.status,
		priority: ticket.priority,
		assigned: Number(ticket.assignee !== null),
	});
	const retally = step(function* (tx, before: TicketEntry, after: TicketEntry) {
		const [from, to] = [tallyKey(before), tallyKey(after)];
		if (JSON.stringify(from) === JSON.stringify(to)) return;
		yield* tx.run(tallyDown, from);
		yield* tx.run(tallyUp, to);
	});
	const updateTicket = step(function* (tx, ticket: TicketRow, changes: Partial<TicketRow>) {
		yield* tx.run(
			db
				.update(tickets)
				.set(changes)
				.where(and(eq(tickets.site, ticket.site), eq(tickets.conversation, ticket.conversation))),
		);
		return { ...ticket, ...changes };
	});
	const note = step(function* (
		tx,
		ticket: TicketRow,
		actor: string,
		field: string,
		before: string | null,
		after: string | null,
	) {
		const row = { ticket: ticket.conversation, actor, field, before, after, at: tx.now };
		yield* tx.run(db.insert(ticketHistory).values(row));
	});
	const tagsOf = step(function* (tx, pks: number[]) {
		if (pks.length === 0) return [];
		return yield* tx.all(
			db
				.select({ ticket: ticketTags.ticket, tag: ticketTags.tag })
				.from(ticketTags)
				.where(inArray(ticketTags.ticket, pks))
				.orderBy(asc(ticketTags.tag)),
		);
	});
	const setTags = step(function* (tx, row: ConversationRow, tags: string[]) {
		yield* tx.run(db.delete(ticketTags).where(eq(ticketTags.ticket, row.pk)));
		const rows = tags.map((tag) => ({ ticket: row.pk, site: row.site, tag }));
		if (rows.length > 0) yield* tx.run(db.insert(ticketTags).values(rows));
	});
	const userIdOf = step(function* (tx, pk: number | null) {
		if (pk === null) return null;
		return (yield* tx.get(db.select({ id: userRows.id }).from(userRows).where(eq(userRows.pk, pk))))?.id ?? null;
	});
	/** tell records an event of a ticket. `hidden`: what its requester must not notice. */
	const tell = step(function* (tx, row: ConversationRow, type: 'ticket.created' | 'ticket.updated', hidden?: boolean) {
		const { site, pk: conversation, participantOne: requester } = row;
		yield* events.record(tx, { site, type, conversation }, { in: 'ticket', requester, hidden: hidden ?? false });
	});
	/** What follows from where a ticket now stands. */
	const stamps = (ticket: TicketRow, status: TicketStatus, by: Part | null, now: number): Partial<TicketRow> => {
		if (status === 'resolved') return { resolvedAt: now, waitingSince: null };
		// closing what was not resolved resolves it too
		if (status === 'closed') return { resolvedAt: ticket.resolvedAt ?? now, closedAt: now, waitingSince: null };
		// now the team waits for the requester, and not the other way round
		if (status === 'waiting') return { resolvedAt: null, waitingSince: null };
		return { resolvedAt: null, ...(by === 'requester' && { waitingSince: ticket.waitingSince ?? now }) };
	};

	/**
	 * change writes what differs: a row of history for each field, a system message for the status, tallies, stamps, version and
	 * event. Returns the ticket as it then is, and what was changed. `by`: whose act it is, null the server's own. What may be
	 * changed is judged before.
	 */
	const change = step(function* (tx, entry: TicketEntry, actor: string, by: Part | null, changes: TicketChanges) {
		let { row, ticket } = entry;
		const changed: Record<string, { before: string | null; after: string | null }> = {};
		const next: Partial<TicketRow> = {};
		const { subject, status, priority, category, assignee, tags } = changes;
		if (subject !== undefined && subject !== ticket.subject) {
			changed.subject = { before: ticket.subject, after: subject };
			next.subject = subject;
			yield* search.setSubject(tx, row, ticket.subject, subject);
		}
		if (priority !== undefined && priority !== ticket.priority) {
			changed.priority = { before: ticket.priority, after: priority };
			next.priority = priority;
		}
		if (category !== undefined && category !== ticket.category) {
			changed.category = { before: ticket.category, after: category };
			next.category = category;
		}
		if (assignee !== undefined && (assignee?.pk ?? null) !== ticket.assignee) {
			changed.assigneeId = { before: yield* userIdOf(tx, ticket.assignee), after: assignee?.id ?? null };
			next.assignee = assignee?.pk ?? null;
		}
		const from = row.status as TicketStatus;
		if (status !== undefined && status !== from) {
			changed.status = { before: from, after: status };
			Object.assign(next, stamps(ticket, status, by, tx.now));
			row = yield* messaging.moveTo(tx, row, status);
			const text = `The ticket is now ${statusWords[status]}.`;
			row = yield* messaging.announce(tx, row, newId('msg'), text, { action: 'status', from, to: status });
		}
		// what follows is for the desk alone, and does not show in what the requester sees
		const seen = Object.keys(changed).length > 0;
		if (tags !== undefined) {
			const before = (yield* tagsOf(tx, [row.pk])).map(({ tag }) => tag);
			const after = [...new Set(tags)].sort();
			if (before.join('\n') !== after.join('\n')) {
				changed.tags = { before: before.join(', ') || null, after: after.join(', ') || null };
				yield* setTags(tx, row, after);
			}
		}
		if (Object.keys(changed).length === 0) return { ...entry, changed };
		for (const [field, { before, after }] of Object.entries(changed))
			yield* note(tx, ticket, actor, field, before, after);
		ticket = yield* updateTicket(tx, ticket, {
			...next,
			...(seen && { updatedAt: tx.now }),
			version: ticket.version + 1,
		});
		yield* retally(tx, entry, { row, ticket });
		yield* tell(tx, row, 'ticket.updated', !seen);
		return { row, ticket, changed };
	});

	/** Reports are for moderators, and never for whom they are about. note: few, so they are read once and then left out */
	const hidden = ({ pk, moderates }: DeskViewer, site: number) =>
		db
			.select({ pk: tickets.conversation })
			.from(tickets)
			.where(
				and(
					eq(tickets.site, site),
					// note: written out, or the index on it is of no use
					sql`${tickets.category} = 'moderation'`,
					moderates ? eq(tickets.reported, pk ?? 0) : undefined,
				),
			);
	const visible = (site: number, viewer: DeskViewer) => notInArray(conversations.pk, hidden(viewer, site));
	const tallies = step(function* (tx, site: number) {
		return yield* tx.all(db.select().from(ticketTallies).where(eq(ticketTallies.site, site)));
	});
	/** Counts what the desk is shown in some statuses, from counters: all there are, without the few that are hidden. */
	const shown = step(function* (tx, site: number, viewer: DeskViewer, statuses: readonly ConversationRow['status'][]) {
		const all = (yield* tallies(tx, site))
			.filter(({ status }) => statuses.includes(status))
			.reduce((sum, { n }) => sum + n, statuses.includes('active') ? yield* messaging.chats(tx, site) : 0);
		const left = db
			.select({ n: count() })
			.from(conversations)
			.where(and(inArray(conversations.pk, hidden(viewer, site)), isIn(statuses)));
		return all - ((yield* tx.get(left))?.n ?? 0);
	});
	/** What somebody may not take care of any more: all of it once they left the team, reports once they do not moderate. */
	const isLost = (site: number, user: number | undefined) =>
		and(
			user === undefined ? isNotNull(tickets.assignee) : eq(tickets.assignee, user),
			eq(tickets.site, site),
			ne(conversations.status, 'closed'),
			or(
				eq(userRows.role, 'user'),
				isNotNull(userRows.erasedAt),
				and(eq(userRows.role, 'staff'), eq(tickets.category, moderationCategory)),
			),
		);

	return {
		find: step(function* (tx, site: number, id: string) {
			return yield* tx.get(ofSite, { site, id });
		}),
		/** ofRow is the ticket of a conversation. */
		ofRow: step(function* (tx, row: ConversationRow) {
			return yield* tx.get(byConversation, { site: row.site, conversation: row.pk });
		}),
		/** withTickets gives the tickets of conversations, in their order. */
		withTickets: step(function* (tx, rows: ConversationRow[]) {
			if (rows.length === 0) return [] as TicketEntry[];
			const found = yield* tx.all(
				db
					.select()
					.from(tickets)
					.where(
						inArray(
							tickets.conversation,
							rows.map((row) => row.pk),
						),
					),
			);
			const byPk: Record<number, TicketRow> = {};
			for (const ticket of found) byPk[ticket.conversation] = ticket;
			return rows.flatMap((row): TicketEntry[] => {
				const ticket = byPk[row.pk];
				return ticket ? [{ row, ticket }] : [];
			});
		}),
		/** insert makes a ticket of a new conversation, under the site's next number. */
		insert: step(function* (
			tx,
			row: ConversationRow,
			made: Pick<TicketRow, 'subject' | 'priority' | 'category'> &
				Partial<Pick<TicketRow, 'follows' | 'source' | 'reported'>>,
		) {
			const number = ((yield* tx.get(newestNumber, { site: row.site }))?.number ?? firstNumber - 1) + 1;
			const { pk: conversation, site } = row;
			const now = tx.now;
			const ticket = yield* tx.get(
				db
					.insert(tickets)
					.values({ ...made, conversation, site, number, openedAt: now, updatedAt: now, waitingSince: now })
					.returning(),
			);
			yield* tx.run(tallyUp, tallyKey({ row, ticket }));
			yield* search.setSubject(tx, row, null, ticket.subject);
			yield* tell(tx, row, 'ticket.created');
			return { row, ticket };
		}),
		change,
		/** replied is what a stored reply brings about: stamps, and a move by itself. */
		replied: step(function* (tx, { row, ticket }: TicketEntry, actor: string, part: Part) {
			const stamped: Partial<TicketRow> =
				part === 'requester'
					? ticket.waitingSince === null
						? { waitingSince: tx.now }
						: {}
					: {
							...(ticket.waitingSince !== null && { waitingSince: null }),
							...(ticket.firstResponseAt === null && { firstResponseAt: tx.now }),
						};
			const now = Object.keys(stamped).length > 0 ? yield* updateTicket(tx, ticket, stamped) : ticket;
			const status = workflow[row.status as TicketStatus].onReply[part];
			if (status) yield* change(tx, { row, ticket: now }, actor, part, { status });
		}),
		/** rate sets the requester's rating; where the score is another, a system message tells it. */
		rate: step(function* (tx, entry: TicketEntry, actor: string, score: number, comment: string | null) {
			const before = entry.ticket.rating;
			let { row } = entry;
			if (score !== before) {
				yield* note(tx, entry.ticket, actor, 'rating', before === null ? null : String(before), String(score));
				const text = `The ticket was rated ${score} of 5.`;
				row = yield* messaging.announce(tx, row, newId('msg'), text, { action: 'rating', score });
			}
			const ticket = yield* updateTicket(tx, entry.ticket, {
				rating: score,
				ratingComment: comment,
				ratedAt: tx.now,
				updatedAt: tx.now,
				version: entry.ticket.version + 1,
			});
			yield* tell(tx, row, 'ticket.updated');
			return { row, ticket };
		}),
		history: step(function* (tx, ticket: number) {
			return yield* tx.all(
				db.select().from(ticketHistory).where(eq(ticketHistory.ticket, ticket)).orderBy(asc(ticketHistory.pk)),
			);
		}),
		tagsOf,
		/** publicIds are the ids of what tickets refer to: the ticket followed, and the message it was made of. */
		publicIds: step(function* (tx, entries: TicketEntry[]) {
			const follows = entries.flatMap(({ ticket }) => (ticket.follows === null ? [] : [ticket.follows]));
			const sources = entries.flatMap(({ ticket }) => (ticket.source === null ? [] : [ticket.source]));
			const followed =
				follows.length === 0
					? []
					: yield* tx.all(
							db
								.select({ pk: conversations.pk, id: conversations.id })
								.from(conversations)
								.where(inArray(conversations.pk, follows)),
						);
			const made =
				sources.length === 0
					? []
					: yield* tx.all(
							db
								.select({ pk: messages.pk, message: messages.id, conversation: conversations.id })
								.from(messages)
								.innerJoin(conversations, eq(conversations.pk, messages.conversation))
								.where(inArray(messages.pk, sources)),
						);
			return {
				follows: new Map(followed.map(({ pk, id }) => [pk, id])),
				sources: new Map(made.map(({ pk, ...ids }) => [pk, ids])),
			};
		}),
		/** assignees are the rows of those who take care of tickets. */
		assignees: step(function* (tx, entries: TicketEntry[]) {
			const pks = [...new Set(entries.flatMap(({ ticket }) => (ticket.assignee === null ? [] : [ticket.assignee])))];
			if (pks.length === 0) return [];
			return yield* tx.all(db.select().from(userRows).where(inArray(userRows.pk, pks)));
		}),
		findBySource: step(function* (tx, source: number) {
			return yield* tx.get(
				db
					.select({ row: conversations, ticket: tickets })
					.from(tickets)
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(eq(tickets.source, source)),
			);
		}),

		/**
		 * matching gives the conversations that a search box means, by integer key: those in which the words stand, those of
		 * people with such a name, and the ticket of that number.
		 */
		matching: step(function* (tx, site: number, viewer: number | null, types: ConversationRow['type'][], q: string) {
			const people = (yield* users.match(tx, site, q, searchUsersMax)).map(({ pk }) => pk);
			const theirs = yield* messaging.keysOf(tx, site, people, searchMatchesMax);
			const number = /^#?(\d{1,12})$/.exec(q.trim())?.[1];
			const numbered = number && (yield* tx.get(byNumber, { site, number: Number(number) }));
			const found = yield* search.find(tx, site, viewer, types, q);
			return [...found, ...theirs, ...(numbered ? [numbered.pk] : [])];
		}),

		/** visibleTo is the condition under which the desk's lists show a conversation. */
		visibleTo: visible,
		shown,
		/** deskList is a page of a site's tickets for the desk, and how many there are. */
		deskList: step(function* (
			tx,
			site: number,
			viewer: DeskViewer,
			query: {
				statuses: readonly TicketStatus[];
				priority?: TicketPriority | undefined;
				category?: string | undefined;
				/** null: nobody. */
				assignee?: number | null | undefined;
				tag?: string | undefined;
				/** Only these, by integer key. */
				among?: number[] | undefined;
				order: TicketOrder;
				limit: number;
				offset: number;
			},
		) {
			const { statuses, priority, category, assignee, tag, among, order, limit, offset } = query;
			const ofTicket = and(
				priority === undefined ? undefined : eq(tickets.priority, priority),
				category === undefined ? undefined : eq(tickets.category, category),
				assignee === undefined
					? undefined
					: assignee === null
						? isNull(tickets.assignee)
						: eq(tickets.assignee, assignee),
			);
			const ofConversation: (SQL | undefined)[] = [
				visible(site, viewer),
				tag === undefined
					? undefined
					: and(
							inArray(
								conversations.pk,
								db
									.select({ pk: ticketTags.ticket })
									.from(ticketTags)
									.where(and(eq(ticketTags.site, site), eq(ticketTags.tag, tag))),
							),
							// the tags of one's own ticket are the others'
							ne(conversations.participantOne, viewer.pk ?? 0),
						),
			];
			if (order === '-updatedAt' && typeof assignee !== 'number') {
				const matches =
					ofTicket &&
					sql`exists (select 1 from ${tickets} where ${tickets.conversation} = ${conversations.pk} and ${ofTicket})`;
				const only = and(...ofConversation, matches);
				const plain = !ofTicket && tag === undefined && among === undefined;
				const known = plain ? yield* shown(tx, site, viewer, statuses) : undefined;
				return yield* messaging.byActivity(tx, site, { statuses, only, among, known, limit, offset });
			}
			// where to begin: at the few that are named, at one user's, at all in the order of their numbers, or at some statuses
			const beginning = among
				? isAmong(among, site, statuses)
				: typeof assignee === 'number'
					? and(sql`+${tickets.site} = ${site}`, isIn(statuses))
					: statuses.includes('closed')
						? and(eq(tickets.site, site), isIn(statuses))
						: and(eq(conversations.site, site), inArray(conversations.status, [...statuses]));
			const where = and(beginning, ...ofConversation, ofTicket);
			const rows = yield* tx.all(
				db
					.select(getTableColumns(conversations))
					.from(conversations)
					.innerJoin(tickets, eq(tickets.conversation, conversations.pk))
					.where(where)
					.orderBy(...orders[order])
					.limit(limit)
					.offset(offset),
			);
			if (!ofTicket && tag === undefined && among === undefined)
				return { rows, total: yield* shown(tx, site, viewer, statuses) };
			const counted = db.select({ n: count() }).from(conversations);
			const total = (yield* tx.get(
				ofTicket || among
					? counted.innerJoin(tickets, eq(tickets.conversation, conversations.pk)).where(where)
					: // every conversation in such a status is a ticket, and the index of statuses is enough to count them
						counted.where(
							and(eq(conversations.site, site), inArray(conversations.status, [...statuses]), ...ofConversation),
						),
			))?.n;
			return { rows, total: total ?? 0 };
		}),
		/** assignedTo is a page of the tickets that somebody takes care of, newest activity first. */
		assignedTo: step(function* (
			tx,
			site: number,
			viewer: DeskViewer & { pk: number },
			query: { status?: TicketStatus | undefined; limit: number; offset: number },
		) {
			const where = and(
				eq(tickets.assignee, viewer.pk),
				eq(tickets.site, site),
				query.status === undefined ? undefined : eq(conversations.status, query.status),
				visible(site, viewer),
			);
			const rows = yield* tx.all(
				db
					.select({ row: conversations, ticket: tickets })
					.from(tickets)
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(where)
					.orderBy(desc(conversations.lastActivityAt), desc(conversations.pk))
					.limit(query.limit)
					.offset(query.offset),
			);
			const total = (yield* tx.get(
				db
					.select({ n: count() })
					.from(tickets)
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(where),
			))?.n;
			return { rows, total: total ?? 0 };
		}),
		/** unreadForDesk lists the tickets with something unread that concern a desk user: their own, and nobody's. */
		unreadForDesk: step(function* (tx, site: number, viewer: DeskViewer & { pk: number }, limit: number) {
			const where = and(
				eq(conversations.site, site),
				// note: written out, or the index on it is of no use
				sql`${conversations.type} = 'support' and ${conversations.unreadTwo} > 0`,
				ne(conversations.participantOne, viewer.pk),
				or(isNull(tickets.assignee), eq(tickets.assignee, viewer.pk)),
				visible(site, viewer),
			);
			const rows = yield* tx.all(
				db
					.select({ id: conversations.id, unreadCount: conversations.unreadTwo })
					.from(conversations)
					.innerJoin(tickets, eq(tickets.conversation, conversations.pk))
					.where(where)
					.orderBy(desc(conversations.lastActivityAt))
					.limit(limit),
			);
			const sums = yield* tx.get(
				db
					.select({ total: sql<number>`coalesce(sum(${conversations.unreadTwo}), 0)`, n: count() })
					.from(conversations)
					.innerJoin(tickets, eq(tickets.conversation, conversations.pk))
					.where(where),
			);
			return { rows, total: sums?.total ?? 0, count: sums?.n ?? 0 };
		}),

		/** tallies are the numbers of a site's tickets by status, priority and whether somebody takes care of them. */
		tallies,
		/** toClose are resolved tickets of a site that nothing has happened to since a time. */
		toClose: step(function* (tx, site: number, before: number) {
			return yield* tx.all(
				db
					.select({ row: conversations, ticket: tickets })
					.from(tickets)
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(
						and(
							eq(tickets.site, site),
							lte(tickets.resolvedAt, before),
							// note: written out, or the index on it is of no use
							sql`${tickets.resolvedAt} is not null and ${tickets.closedAt} is null`,
						),
					)
					.limit(changeTicketsMax),
			);
		}),
		/** leavers are users who still have tickets that they may not take care of any more; `user`: only this one. */
		leavers: step(function* (tx, site: number, user?: number) {
			const rows = yield* tx.all(
				db
					.selectDistinct({ pk: userRows.pk })
					.from(tickets)
					.innerJoin(userRows, eq(userRows.pk, tickets.assignee))
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(isLost(site, user))
					.limit(changeTicketsMax),
			);
			return rows.map(({ pk }) => pk);
		}),
		/** unassign takes a user off tickets that they may not take care of any more, a piece at a time, and returns how many. */
		unassign: step(function* (tx, site: number, user: number, actor: string) {
			const found = yield* tx.all(
				db
					.select({ row: conversations, ticket: tickets })
					.from(tickets)
					.innerJoin(userRows, eq(userRows.pk, tickets.assignee))
					.innerJoin(conversations, eq(conversations.pk, tickets.conversation))
					.where(isLost(site, user))
					.limit(changeTicketsMax),
			);
			for (const entry of found) yield* change(tx, entry, actor, null, { assignee: null });
			return found.length;
		}),
		/** hides: whether a conversation is a report about somebody. */
		hides: step(function* (tx, row: ConversationRow, viewer: number) {
			if (row.type !== 'support') return false;
			const about = and(eq(tickets.conversation, row.pk), eq(tickets.site, row.site), eq(tickets.reported, viewer));
			return (yield* tx.get(db.select({ pk: tickets.conversation }).from(tickets).where(about))) !== undefined;
		}),
		/** describe is what of a ticket its requester has said beside the messages. */
		describe: step(function* (tx, row: ConversationRow) {
			const { number, subject, category, rating, ratingComment } = getTableColumns(tickets);
			return (
				(yield* tx.get(
					db
						.select({ number, subject, category, rating, ratingComment })
						.from(tickets)
						.where(and(eq(tickets.site, row.site), eq(tickets.conversation, row.pk))),
				)) ?? null
			);
		}),
		/** forget empties what a user has written about their own tickets beside messages: subjects, comments, and their history. A piece at a time. */
		forget: step(function* (tx, site: number, user: number) {
			const own = yield* tx.all(
				db
					.select({ row: conversations, ticket: tickets })
					.from(conversations)
					.innerJoin(tickets, eq(tickets.conversation, conversations.pk))
					.where(
						and(
							eq(conversations.participantOne, user),
							eq(conversations.site, site),
							// every ticket has one until it is forgotten
							isNotNull(tickets.subject),
						),
					)
					.limit(forgetTicketsMax),
			);
			for (const { row, ticket } of own) {
				yield* search.setSubject(tx, row, ticket.subject, null);
				// the category of a report is the server's own word, and keeps it from whom it is about
				const category = ticket.category === moderationCategory ? ticket.category : null;
				yield* updateTicket(tx, ticket, { subject: null, category, ratingComment: null });
				yield* messaging.forgetMetadata(tx, row);
				yield* tx.run(
					db
						.update(ticketHistory)
						.set({ before: null, after: null })
						.where(and(eq(ticketHistory.ticket, row.pk), inArray(ticketHistory.field, ['subject', 'category']))),
				);
				yield* tell(tx, row, 'ticket.updated', true);
			}
			return own.length;
		}),
	};
};
export type TicketSteps = ReturnType<typeof ticketSteps>;
