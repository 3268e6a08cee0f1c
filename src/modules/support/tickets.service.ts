import type { Store } from '../../db/open.ts';
import { type Steps, step, type Tx } from '../../db/step.ts';
import { day, hour, iso, second } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { categoryMax, ratingCommentMax, subjectMax, tagMax, unreadListMax } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/log.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import { actorOf, type Principal, systemActor, type UserPrincipal } from '../../kernel/principal.ts';
import { atLeast, isDesk, type Role } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { EventLog } from '../events/events.service.ts';
import type { View } from '../events/feed.ts';
import type { Signals } from '../events/signals.ts';
import { lookUp, messageOfEvent, readStateOf } from '../messaging/messaging.feed.ts';
import type { UnreadTotal } from '../messaging/messaging.schema.ts';
import { createThreadService, type Meeting, type ThreadPolicy } from '../messaging/messaging.service.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { cleanLine, cleanText } from '../messaging/messaging.text.ts';
import type { SiteService } from '../sites/sites.service.ts';
import { skeletonOf } from '../users/names.ts';
import { canReceive, isSuspended } from '../users/users.access.ts';
import type { UserSteps } from '../users/users.steps.ts';
import type { Standing } from '../users/users.tables.ts';
import { deskOf, partOf } from './tickets.access.ts';
import {
	type BulkOutcome,
	type BulkTickets,
	type DeskTicketQuery,
	type EventTicket,
	moderationCategory,
	type OpenTicket,
	type RateTicket,
	type Ticket,
	type TicketHistory,
	type TicketPage,
	type TicketQuery,
	type TicketStatus,
	type UpdateTicket,
} from './tickets.schema.ts';
import type { DeskViewer, TicketChanges, TicketEntry, TicketSteps } from './tickets.steps.ts';
import { ticketView } from './tickets.view.ts';
import { judgeMove, type Part, unsolved } from './tickets.workflow.ts';

const everyStatus = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const satisfies TicketStatus[];

/** Who acts on tickets, as the rules look at them. */
interface Who {
	/** null: the site's server, at the rank of a superadmin. */
	pk: number | null;
	role: Role;
	actor: string;
}
const whoOf = (p: Principal, now?: Standing): Who => ({
	pk: p.kind === 'user' ? p.pk : null,
	role: now?.role ?? (p.kind === 'user' ? p.role : 'superadmin'),
	actor: actorOf(p),
});
const viewerOf = ({ pk, role }: Pick<Who, 'pk' | 'role'>): DeskViewer => ({
	pk,
	moderates: atLeast(role, 'moderator'),
});

/** createTicketService: tickets from opening to closing, for requesters and the desk. */
export const createTicketService = ({
	store,
	sites,
	users,
	messaging,
	catchUp,
	tickets,
	audit,
	signals,
	eventLog,
	log,
	openUnanswered,
}: {
	store: Store;
	sites: SiteService;
	users: UserSteps;
	messaging: MessagingSteps;
	/** Brings the index up to now, before it is asked. */
	catchUp: () => Promise<void>;
	tickets: TicketSteps;
	audit: AuditSteps;
	signals: Signals;
	eventLog: EventLog;
	log: Logger;
	/** How many tickets an unverified user may have that nobody has answered yet. */
	openUnanswered: number;
}) => {
	/** The ticket of this id, and as who it is met; not_found where it is not theirs to see. */
	const need = step(function* (tx, site: number, id: string, who: Pick<Who, 'pk' | 'role'>) {
		const entry = yield* tickets.find(tx, site, id);
		const part = entry && partOf(who, entry.row, entry.ticket);
		if (!entry || !part) throw new AppError('not_found');
		return { ...entry, part };
	});

	/** Tickets as they are met; `viewer`: whose reactions are `mine`. */
	const viewAs = step(function* (tx, entries: TicketEntry[], met: (entry: TicketEntry) => Part, viewer: number | null) {
		const rows = entries.map(({ row }) => row);
		const people = yield* messaging.participants(tx, rows);
		for (const user of yield* tickets.assignees(tx, entries)) people.set(user.pk, user);
		const last = yield* messaging.lastMessages(tx, rows);
		const reactions = yield* messaging.reactionsOf(tx, [...last.values()], viewer ?? 0);
		const byMessage = Map.groupBy(reactions, (reaction) => reaction.message);
		const tags = Map.groupBy(
			yield* tickets.tagsOf(
				tx,
				rows.map((row) => row.pk),
			),
			({ ticket }) => ticket,
		);
		const { follows, sources } = yield* tickets.publicIds(tx, entries);
		return entries.map((entry): Ticket => {
			const { row, ticket } = entry;
			const message = last.get(row.pk);
			return ticketView(entry, met(entry), {
				people,
				last: message,
				lastReactions: byMessage.get(message?.pk ?? 0) ?? [],
				tags: (tags.get(row.pk) ?? []).map(({ tag }) => tag),
				follows: follows.get(ticket.follows ?? 0) ?? null,
				source: sources.get(ticket.source ?? 0) ?? null,
			});
		});
	});
	const view = step(function* (tx, entries: TicketEntry[], who: Pick<Who, 'pk' | 'role'>) {
		return yield* viewAs(tx, entries, ({ row, ticket }) => partOf(who, row, ticket) ?? 'requester', who.pk);
	});
	const viewOne = step(function* (tx, entry: TicketEntry, who: Pick<Who, 'pk' | 'role'>) {
		const [shown] = yield* view(tx, [entry], who);
		return shown as Ticket;
	});

	const see: ThreadPolicy['see'] = step(function* (tx, p: UserPrincipal, id: string) {
		const { row, part } = yield* need(tx, p.site, id, p);
		return part === 'requester' ? { row, side: 1, desk: false } : { row, side: 2, desk: true };
	});
	const policy: ThreadPolicy = {
		see,
		meet: step(function* (tx, p, id, capability) {
			const me = yield* users.allowed(tx, p, capability);
			if (!me) throw new AppError('user_token_required');
			const { row, ticket, part } = yield* need(tx, p.site, id, me);
			const requester = part === 'desk' ? yield* users.standing(tx, p.site, row.participantOne) : me;
			const refusal: Meeting['refusal'] = (act) => {
				if (act === 'unread') return null;
				if (row.status === 'closed') return new AppError('ticket_closed');
				const unheard = act === 'send' && part === 'desk' && !(requester && canReceive(requester));
				return unheard ? new AppError('recipient_unavailable') : null;
			};
			return {
				row,
				side: part === 'requester' ? 1 : 2,
				desk: part === 'desk',
				me,
				silent: false,
				refusal,
				follow: (tx: Tx, now: ConversationRow): Steps<void> =>
					tickets.replied(tx, { row: now, ticket }, actorOf(p), part),
			};
		}),
	};

	const cleanCategory = (category: string | null | undefined): string | null => {
		if (category === null || category === undefined) return null;
		const clean = cleanLine(category, 'category', categoryMax);
		// by what the eye keeps: who may not set it could otherwise pass a ticket off as a report
		if (skeletonOf(clean) === skeletonOf(moderationCategory)) throw new AppError('category_reserved');
		return clean;
	};

	/** Opens a ticket with its first message. Whether it may be is judged before. */
	const open = step(function* (
		tx,
		site: number,
		requester: { pk: number; id: string },
		made: {
			id: string;
			subject: string;
			priority?: Ticket['priority'] | undefined;
			category: string | null;
			metadata?: OpenTicket['metadata'];
			follows?: number | undefined;
			source?: number | undefined;
			reported?: number | undefined;
			message: { id: string; text: string };
		},
	) {
		const { id, subject, priority = 'medium', category, metadata = null, message } = made;
		const row = yield* messaging.start(tx, site, {
			id,
			type: 'support',
			status: 'open',
			participantOne: requester.pk,
			participantTwo: null,
			metadata,
		});
		const { follows = null, source = null, reported = null } = made;
		yield* tickets.insert(tx, row, { subject, priority, category, follows, source, reported });
		yield* messaging.append(
			tx,
			row,
			{ ...requester, side: 1 },
			{ ...message, kind: 'text', replyTo: null, clientMessageId: null, clientDigest: null, metadata: null },
		);
		const entry = yield* tickets.find(tx, site, id);
		if (!entry) throw new Error('a ticket was opened that is not there');
		return entry;
	});

	/** Who may take care of a ticket: an active user of the team who may see it. */
	const assigneeOf = step(function* (tx, { row, ticket }: TicketEntry, id: string) {
		const user = yield* users.find(tx, row.site, id);
		if (!user || !isDesk(user.role) || isSuspended(user, tx.now) || partOf(user, row, ticket) !== 'desk')
			throw new AppError('assignee_invalid');
		return { pk: user.pk, id: user.id };
	});

	/** What is asked for, checked for its form. */
	const checked = (body: UpdateTicket) => ({
		...body,
		...(body.subject !== undefined && { subject: cleanLine(body.subject, 'subject', subjectMax) }),
		...(body.category !== undefined && { category: cleanCategory(body.category) }),
		...(body.tags !== undefined && { tags: body.tags.map((tag) => cleanLine(tag, 'tags', tagMax)) }),
	});
	const nothing = (body: UpdateTicket) => Object.values(body).every((value) => value === undefined);

	/** The one way of changing a ticket by hand, for PATCH and bulk: judged by the table of moves, and audited for the desk. */
	const apply = step(function* (tx, entry: TicketEntry & { part: Part }, who: Who, body: ReturnType<typeof checked>) {
		const { row, ticket, part } = entry;
		const { assigneeId, ...plain } = body;
		if (
			part === 'requester' &&
			Object.entries(body).some(([field, value]) => field !== 'status' && value !== undefined)
		)
			throw new AppError('forbidden', {
				message: 'A requester can change the status alone: close it, or open it again.',
			});
		if (body.status !== undefined) judgeMove(row.status as TicketStatus, body.status, part);
		if (body.category !== undefined && ticket.category === moderationCategory) throw new AppError('category_reserved');
		const changes: TicketChanges = {
			...plain,
			...(assigneeId !== undefined && {
				assignee: assigneeId === null ? null : yield* assigneeOf(tx, entry, assigneeId),
			}),
		};
		const after = yield* tickets.change(tx, entry, who.actor, part, changes);
		if (part === 'desk' && Object.keys(after.changed).length > 0)
			yield* audit.record(tx, row.site, who.actor, 'ticket.update', row.id, {
				subject: row.participantOne,
				changes: after.changed,
			});
		return after;
	});

	/** Whoever has left the team takes care of no ticket any more. */
	const unassign = async (site: number, user: number): Promise<void> => {
		while ((await store.atomic((tx) => tickets.unassign(tx, site, user, systemActor))) > 0);
	};
	eventLog.onCommitted((batch) => {
		for (const { type, site, userA } of batch) {
			if (userA === undefined || !['user.updated', 'user.revoked', 'user.deleted'].includes(type)) continue;
			if (store.read((tx) => tickets.leavers(tx, site, userA)).length === 0) continue;
			// note: what fails here, or is cut off by a crash, the recurring job does
			unassign(site, userA).catch((error) => log.error({ err: error }, 'taking somebody off their tickets failed'));
		}
	});

	const find = lookUp(messaging);
	/** shown shows the events of tickets: to their requester as everybody sees it, to the desk with what is for it alone. */
	const shown: View = function* (tx, event, kept) {
		const row = yield* find.row(tx, event, kept);
		const ticket = row && (yield* tickets.ofRow(tx, row));
		const facts = event.message === undefined ? null : yield* find.message(tx, event, kept);
		if (!ticket || (event.message !== undefined && !facts)) return null;
		const counts = { requester: { unreadCountP1: row.unreadOne }, desk: { unreadCountP2: row.unreadTwo } };
		const dataFor = function* (part: Part): Steps<object> {
			if (facts) return messageOfEvent(row, facts, counts[part], part === 'desk');
			if (event.type === 'conversation.read') return readStateOf(row, counts[part]);
			const [view] = yield* viewAs(tx, [{ row, ticket }], () => part, null);
			const { unreadCount: _, lastMessage: __, ...told } = view as Ticket;
			return told satisfies EventTicket;
		};
		return {
			conversationId: row.id,
			own: event.userA === undefined ? null : yield* dataFor('requester'),
			desk: event.desk ? { data: yield* dataFor('desk'), ...deskOf(row, ticket) } : null,
		};
	};

	return {
		shown,
		threads: createThreadService({ store, messaging, audit, signals, policy }),
		see,
		steps: { open, need, viewOne },

		/** open makes a ticket with its first message. */
		open: (p: UserPrincipal, body: OpenTicket): Promise<Ticket> => {
			const id = newId('ticket');
			const subject = cleanLine(body.subject, 'subject', subjectMax);
			const category = cleanCategory(body.category);
			const message = { id: newId('msg'), text: cleanText(body.initialMessage) };
			return store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'ticket.open');
				if (!me) throw new AppError('user_token_required');
				if (!me.verified && (yield* messaging.unanswered(tx, p.site, 'support', me.pk)) >= openUnanswered)
					throw new AppError('conversations_unanswered', { retryAfterSeconds: hour / second });
				let follows: number | undefined;
				if (body.followsTicketId !== undefined) {
					const earlier = yield* tickets.find(tx, p.site, body.followsTicketId);
					// a report is not gone on with, or the new ticket would tell the whole team of it
					const isReport = earlier?.ticket.category === moderationCategory;
					if (!earlier || isReport || earlier.row.participantOne !== me.pk || earlier.row.status !== 'closed')
						throw new AppError('follow_up_invalid');
					follows = earlier.row.pk;
				}
				const { priority, metadata } = body;
				const entry = yield* open(tx, p.site, me, { id, subject, priority, category, metadata, follows, message });
				return yield* viewOne(tx, entry, me);
			});
		},

		/** list is the caller's own tickets, or for the desk those assigned to them. */
		list: (p: UserPrincipal, query: TicketQuery): TicketPage => {
			const asked = paging(query);
			const { limit, offset } = asked;
			if (query.mine === 'assigned' && !isDesk(p.role))
				throw new AppError('forbidden', { message: 'Tickets are assigned to the team only.' });
			return store.read(function* (tx) {
				if (query.mine === 'assigned') {
					const viewer = { pk: p.pk, moderates: viewerOf(p).moderates };
					const found = yield* tickets.assignedTo(tx, p.site, viewer, { status: query.status, limit, offset });
					return pageOf(yield* view(tx, found.rows, p), found.total, asked);
				}
				const { rows, total } = yield* messaging.list(tx, p.site, {
					type: 'support',
					status: query.status,
					user: p.pk,
					archived: null,
					unread: false,
					limit,
					offset,
				});
				return pageOf(yield* view(tx, yield* tickets.withTickets(tx, rows), p), total, asked);
			});
		},

		get: (p: UserPrincipal, id: string): Ticket =>
			store.read(function* (tx) {
				return yield* viewOne(tx, yield* need(tx, p.site, id, p), p);
			}),

		/** update changes a ticket by hand. `expected`: the version of an If-Match; another one is version_stale. */
		update: (p: UserPrincipal, id: string, body: UpdateTicket, expected: number | null): Promise<Ticket> => {
			if (nothing(body)) throw new AppError('nothing_to_change');
			const changes = checked(body);
			return store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'ticket.update');
				const who = whoOf(p, me);
				const entry = yield* need(tx, p.site, id, who);
				// the version is the desk's: to its requester it would tell of changes that they do not see
				if (entry.part === 'desk' && expected !== null && expected !== entry.ticket.version)
					throw new AppError('version_stale');
				return yield* viewOne(tx, yield* apply(tx, entry, who, changes), who);
			});
		},

		/** bulk changes many tickets alike: each that can be is changed, and each that cannot is told why. */
		bulk: (p: Principal, body: BulkTickets): Promise<BulkOutcome> => {
			if (nothing(body.changes)) throw new AppError('nothing_to_change');
			const changes = checked(body.changes);
			return store.atomic(function* (tx) {
				const who = whoOf(p, yield* users.allowed(tx, p, 'desk.tickets'));
				const results: BulkOutcome['results'] = [];
				for (const id of body.ids) {
					try {
						// note: everything is judged before the first write, so a refusal leaves nothing half done
						yield* apply(tx, yield* need(tx, p.site, id, who), who, changes);
						results.push({ id, ok: true });
					} catch (error) {
						if (!(error instanceof AppError)) throw error;
						results.push({ id, ok: false, code: error.code, message: error.message });
					}
				}
				return { changed: new Set(results.filter(({ ok }) => ok).map(({ id }) => id)).size, results };
			});
		},

		/** rate is the requester's word on a ticket that is resolved or closed; a second one replaces the first. */
		rate: (p: UserPrincipal, id: string, body: RateTicket): Promise<Ticket> => {
			const comment = body.comment?.trim() ? cleanLine(body.comment, 'comment', ratingCommentMax, true) : null;
			return store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'ticket.rate');
				const who = whoOf(p, me);
				const entry = yield* need(tx, p.site, id, who);
				if (entry.part !== 'requester')
					throw new AppError('forbidden', { message: 'A ticket is rated by whoever opened it.' });
				if (entry.row.status !== 'resolved' && entry.row.status !== 'closed') throw new AppError('ticket_unresolved');
				const { ticket } = entry;
				const same = ticket.rating === body.score && ticket.ratingComment === comment;
				return yield* viewOne(tx, same ? entry : yield* tickets.rate(tx, entry, who.actor, body.score, comment), who);
			});
		},

		/** history is every change of a ticket, for the desk. */
		history: (p: UserPrincipal, id: string): TicketHistory =>
			store.read(function* (tx) {
				const { row, part } = yield* need(tx, p.site, id, p);
				if (part !== 'desk')
					throw new AppError('forbidden', { message: 'On a ticket of your own you are not its desk.' });
				const data = yield* tickets.history(tx, row.pk);
				return {
					data: data.map(({ actor, field, before, after, at }) => ({ at: iso(at), actor, field, before, after })),
				};
			}),

		/** unreadCount: of the caller's own tickets; for the desk, of those assigned to them and to nobody. */
		unreadCount: (p: UserPrincipal): UnreadTotal =>
			store.read(function* (tx) {
				if (isDesk(p.role)) {
					const viewer = { pk: p.pk, moderates: viewerOf(p).moderates };
					const { rows, total, count } = yield* tickets.unreadForDesk(tx, p.site, viewer, unreadListMax);
					return { total, conversations: rows, hasMore: count > rows.length };
				}
				return yield* messaging.unread(tx, p.site, 'support', p.pk, unreadListMax);
			}),

		/** deskList is a page of all tickets, for the desk. */
		deskList: async (p: Principal, query: DeskTicketQuery): Promise<TicketPage> => {
			if (query.q !== undefined) await catchUp();
			const asked = paging(query);
			const { limit, offset } = asked;
			const who = whoOf(p);
			return store.read(function* (tx) {
				const assignee =
					query.unassigned === true
						? null
						: query.assignee === undefined
							? undefined
							: query.assignee === 'me'
								? (who.pk ?? 0)
								: ((yield* users.find(tx, p.site, query.assignee))?.pk ?? 0);
				const { status } = query;
				const { rows, total } = yield* tickets.deskList(tx, p.site, viewerOf(who), {
					statuses: status === undefined ? everyStatus : status === 'unsolved' ? unsolved : [status],
					priority: query.priority,
					category: query.category,
					assignee,
					tag: query.tag,
					among: query.q === undefined ? undefined : yield* tickets.matching(tx, p.site, who.pk, ['support'], query.q),
					order: query.sort ?? '-updatedAt',
					limit,
					offset,
				});
				return pageOf(yield* view(tx, yield* tickets.withTickets(tx, rows), who), total, asked);
			});
		},

		/** unassignLeavers takes whoever has left the team off their tickets, where that was cut off. */
		unassignLeavers: async (): Promise<void> => {
			for (const { pk: site } of sites.list())
				for (const user of store.read((tx) => tickets.leavers(tx, site))) await unassign(site, user);
		},

		/** closeQuiet closes the tickets that have been resolved for the site's autoCloseDays, a piece at a time. Resolves with how many. */
		closeQuiet: async (): Promise<number> => {
			let closed = 0;
			for (const site of sites.list())
				for (;;) {
					const n = await store.atomic(function* (tx) {
						const due = yield* tickets.toClose(tx, site.pk, tx.now - site.settings.autoCloseDays * day);
						for (const entry of due) yield* tickets.change(tx, entry, systemActor, null, { status: 'closed' });
						return due.length;
					});
					closed += n;
					if (n === 0) break;
				}
			return closed;
		},
	};
};
export type TicketService = ReturnType<typeof createTicketService>;
