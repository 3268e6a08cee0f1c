import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { iso, isoOrNull } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { searchMatchesMax } from '../../kernel/limits.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import { actorOf, type Principal } from '../../kernel/principal.ts';
import { atLeast, type Role } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { MessagePage, MessageQuery } from '../messaging/messaging.schema.ts';
import type { ThreadService } from '../messaging/messaging.service.ts';
import { sideOf } from '../messaging/messaging.sides.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { messageView } from '../messaging/messaging.view.ts';
import { partOf } from '../support/tickets.access.ts';
import type { DeskViewer, TicketSteps } from '../support/tickets.steps.ts';
import type { UserSteps } from '../users/users.steps.ts';
import { profileOf } from '../users/users.view.ts';
import type { DeskConversation, DeskConversationPage, DeskConversationQuery } from './inbox.schema.ts';

const ticketStatuses = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const;
const statusesOf = ({ type, status }: DeskConversationQuery): ConversationRow['status'][] => {
	const ofType: ConversationRow['status'][] =
		type === 'p2p' ? ['active'] : type === 'support' ? [...ticketStatuses] : ['active', ...ticketStatuses];
	return status === undefined ? ofType : ofType.filter((each) => each === status);
};

interface Who extends DeskViewer {
	role: Role;
}
const whoOf = (p: Principal): Who => {
	const role = p.kind === 'user' ? p.role : 'superadmin';
	return { pk: p.kind === 'user' ? p.pk : null, role, moderates: atLeast(role, 'moderator') };
};

/** createInboxService: every conversation of a site, for the desk. What two users write is opened one by one, and audited. */
export const createInboxService = ({
	store,
	users,
	messaging,
	catchUp,
	tickets,
	audit,
	threads,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
	/** Brings the index up to now, before it is asked. */
	catchUp: () => Promise<void>;
	tickets: TicketSteps;
	audit: AuditSteps;
	/** Reads the messages of any conversation. */
	threads: Pick<ThreadService, 'page'>;
}) => {
	/** `opened`: with the newest message of chats of two users too. */
	const view = step(function* (tx, rows: ConversationRow[], viewer: number, opened: boolean) {
		const people = yield* messaging.participants(tx, rows);
		const entries = yield* tickets.withTickets(
			tx,
			rows.filter(({ type }) => type === 'support'),
		);
		const assignees = new Map((yield* tickets.assignees(tx, entries)).map((user) => [user.pk, user.id]));
		const byPk = new Map(entries.map(({ row, ticket }) => [row.pk, ticket]));
		const last = yield* messaging.lastMessages(tx, opened ? rows : entries.map(({ row }) => row));
		const reactions = yield* messaging.reactionsOf(tx, [...last.values()], viewer);
		return rows.map((row): DeskConversation => {
			const ticket = byPk.get(row.pk);
			const message = last.get(row.pk);
			const sides = [row.participantOne, row.participantTwo].flatMap((pk) => {
				const user = pk === null ? undefined : people.get(pk);
				return user ? [profileOf(user)] : [];
			});
			return {
				id: row.id,
				type: row.type,
				status: row.status,
				messageCount: row.messageCount,
				lastMessageAt: row.lastSeq === 0 ? null : iso(row.lastActivityAt),
				participants: sides,
				createdAt: iso(row.createdAt),
				...(ticket && {
					number: ticket.number,
					subject: ticket.subject,
					priority: ticket.priority,
					category: ticket.category,
					assigneeId: assignees.get(ticket.assignee ?? 0) ?? null,
					unreadCount: row.unreadTwo,
					waitingSince: isoOrNull(ticket.waitingSince),
				}),
				...((ticket !== undefined || opened) && {
					lastMessage: message
						? messageView(
								row,
								message,
								reactions.filter((reaction) => reaction.message === message.pk),
							)
						: null,
				}),
			};
		});
	});

	const listed = step(function* (tx, p: Principal, query: DeskConversationQuery, among: number[] | undefined) {
		const asked = paging(query);
		const { limit, offset } = asked;
		const who = whoOf(p);
		const statuses = statusesOf(query);
		const plain = query.from === undefined && query.to === undefined && among === undefined;
		const found =
			statuses.length === 0 || among?.length === 0
				? { rows: [], total: 0 }
				: yield* messaging.byActivity(tx, p.site, {
						statuses,
						from: query.from === undefined ? undefined : Date.parse(query.from),
						to: query.to === undefined ? undefined : Date.parse(query.to),
						only: tickets.visibleTo(p.site, who),
						among,
						known: plain ? yield* tickets.shown(tx, p.site, who, statuses) : undefined,
						limit,
						offset,
					});
		return pageOf(yield* view(tx, found.rows, who.pk ?? 0, false), found.total, asked);
	});

	/** A conversation that the desk may open, and whether that is an intrusion: a chat of two users that the caller is no part of. */
	const open = step(function* (tx, p: Principal, id: string) {
		const who = whoOf(p);
		const row = yield* messaging.find(tx, p.site, id);
		if (!row) throw new AppError('not_found');
		if (row.type === 'p2p') {
			const takesPart = who.pk !== null && (row.participantOne === who.pk || row.participantTwo === who.pk);
			return { row, desk: !takesPart, intrudes: !takesPart };
		}
		const entry = yield* tickets.find(tx, p.site, id);
		const part = entry && partOf(who, entry.row, entry.ticket);
		if (!part) throw new AppError('not_found');
		return { row, desk: part === 'desk', intrudes: false };
	});
	return {
		/** list is a page of all conversations. Searches of what users write to each other, and of one user's, are audited. */
		list: async (p: Principal, query: DeskConversationQuery): Promise<DeskConversationPage> => {
			const admin = atLeast(whoOf(p).role, 'admin');
			if (query.userId !== undefined && !admin)
				throw new AppError('forbidden', { message: 'All conversations of one user are for admins.' });
			if (query.q === undefined && query.userId === undefined)
				return store.read((tx) => listed(tx, p, query, undefined));
			if (query.q !== undefined) await catchUp();
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, admin ? 'desk.privacy' : 'desk.conversations');
				let among: number[] | undefined;
				if (query.userId !== undefined) {
					const user = yield* users.need(tx, p.site, query.userId);
					among = yield* messaging.keysOf(tx, p.site, [user.pk], searchMatchesMax);
					yield* audit.record(tx, p.site, actorOf(p), 'user.conversations', user.id);
				}
				// who may not search what users write to each other searches the tickets
				const types = (['p2p', 'support'] as const).filter(
					(type) => (query.type === undefined || query.type === type) && (type === 'support' || admin),
				);
				if (query.q !== undefined) {
					const found = new Set(yield* tickets.matching(tx, p.site, whoOf(p).pk, types, query.q));
					among = types.length === 0 ? [] : (among?.filter((pk) => found.has(pk)) ?? [...found]);
					if (types.includes('p2p'))
						yield* audit.record(tx, p.site, actorOf(p), 'conversations.search', '', {
							changes: { q: { after: query.q } },
						});
				}
				const [only] = types;
				return yield* listed(tx, p, { ...query, ...(types.length === 1 && only && { type: only }) }, among);
			});
		},

		/** ofUser is a page of one user's conversations; audited. */
		ofUser: (p: Principal, id: string, query: DeskConversationQuery): Promise<DeskConversationPage> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'desk.privacy');
				const user = yield* users.need(tx, p.site, id);
				const among = yield* messaging.keysOf(tx, p.site, [user.pk], searchMatchesMax);
				yield* audit.recordHourly(tx, p.site, actorOf(p), 'user.conversations', user.id);
				return yield* listed(tx, p, query, among);
			}),

		/** get opens a conversation. */
		get: (p: Principal, id: string): Promise<DeskConversation> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'desk.conversations');
				const { row, intrudes } = yield* open(tx, p, id);
				if (intrudes) yield* audit.recordHourly(tx, p.site, actorOf(p), 'conversation.read', row.id);
				const [shown] = yield* view(tx, [row], whoOf(p).pk ?? 0, true);
				return shown as DeskConversation;
			}),

		/** messages reads on in a conversation: with notes in tickets, and with the earlier texts of what was edited. */
		messages: (p: Principal, id: string, query: MessageQuery): Promise<MessagePage> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'desk.conversations');
				const { row, desk, intrudes } = yield* open(tx, p, id);
				if (intrudes) yield* audit.recordHourly(tx, p.site, actorOf(p), 'conversation.read', row.id);
				const viewer = whoOf(p).pk ?? 0;
				return yield* threads.page(tx, { row, side: desk ? 2 : sideOf(row, viewer), desk }, query, viewer);
			}),
	};
};
export type InboxService = ReturnType<typeof createInboxService>;
