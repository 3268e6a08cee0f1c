import { iso, isoOrNull } from '../../kernel/clock.ts';
import { sideState } from '../messaging/messaging.sides.ts';
import type { MessageEntry, ReactionCount } from '../messaging/messaging.steps.ts';
import { messageView } from '../messaging/messaging.view.ts';
import type { users } from '../users/users.tables.ts';
import { profileOf } from '../users/users.view.ts';
import type { Ticket } from './tickets.schema.ts';
import type { TicketEntry } from './tickets.steps.ts';
import type { Part } from './tickets.workflow.ts';

/** What a ticket's view needs beside its rows. */
export interface TicketContext {
	people: Map<number, typeof users.$inferSelect>;
	last: MessageEntry | undefined;
	lastReactions: ReactionCount[];
	tags: string[];
	follows: string | null;
	source: { message: string; conversation: string } | null;
}

/** ticketView is a ticket as its requester, or as the desk sees it. */
export const ticketView = (
	{ row, ticket }: TicketEntry,
	part: Part,
	{ people, last, lastReactions, tags, follows, source }: TicketContext,
): Ticket => {
	const requester = people.get(row.participantOne);
	const assignee = ticket.assignee === null ? undefined : people.get(ticket.assignee);
	return {
		id: row.id,
		number: ticket.number,
		subject: ticket.subject,
		status: row.status as Ticket['status'],
		priority: ticket.priority,
		category: ticket.category,
		requesterId: requester?.id ?? '',
		assigneeId: assignee?.id ?? null,
		messageCount: row.messageCount,
		unreadCount: row[sideState[part === 'requester' ? 1 : 2].unread],
		lastMessage: last ? messageView(row, last, lastReactions) : null,
		lastMessageAt: last ? iso(last.createdAt) : null,
		firstResponseAt: isoOrNull(ticket.firstResponseAt),
		resolvedAt: isoOrNull(ticket.resolvedAt),
		closedAt: isoOrNull(ticket.closedAt),
		rating:
			ticket.rating === null || ticket.ratedAt === null
				? null
				: { score: ticket.rating, comment: ticket.ratingComment, ratedAt: iso(ticket.ratedAt) },
		followsTicketId: follows,
		metadata: row.metadata,
		createdAt: iso(ticket.openedAt),
		// note: not a column of its own: a message need not write the ticket's row, and a note changes neither
		updatedAt: iso(Math.max(ticket.updatedAt, row.lastActivityAt)),
		...(part === 'desk' && {
			tags,
			version: ticket.version,
			waitingSince: isoOrNull(ticket.waitingSince),
			...(requester && { requester: profileOf(requester) }),
			assignee: assignee ? profileOf(assignee) : null,
			sourceMessageId: source?.message ?? null,
			sourceConversationId: source?.conversation ?? null,
		}),
	};
};
