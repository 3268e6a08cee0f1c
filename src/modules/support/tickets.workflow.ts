import { AppError } from '../../kernel/errors.ts';
import type { TicketStatus } from './tickets.schema.ts';

/** Pure: how a ticket moves. */

/** How somebody meets a ticket: as who asked, or as one of the team. */
export type Part = 'requester' | 'desk';

interface Moves {
	/** Where each may move it by hand. */
	requester: readonly TicketStatus[];
	desk: readonly TicketStatus[];
	/** Where a reply moves it by itself. */
	onReply: Partial<Record<Part, TicketStatus>>;
	/** Where it goes when nothing happens for the site's autoCloseDays. */
	afterQuiet?: TicketStatus;
}

/** The one table of moves. What is not here is refused; staying is no move. */
export const workflow: Record<TicketStatus, Moves> = {
	open: {
		requester: ['closed'],
		desk: ['in_progress', 'waiting', 'resolved', 'closed'],
		onReply: { desk: 'in_progress' },
	},
	in_progress: { requester: ['closed'], desk: ['open', 'waiting', 'resolved', 'closed'], onReply: {} },
	waiting: {
		requester: ['open', 'closed'],
		desk: ['open', 'in_progress', 'resolved', 'closed'],
		onReply: { requester: 'open' },
	},
	resolved: {
		requester: ['open', 'closed'],
		desk: ['open', 'closed'],
		onReply: { requester: 'open' },
		afterQuiet: 'closed',
	},
	closed: { requester: [], desk: [], onReply: {} },
};

/** The statuses of work that is not done. */
export const unsolved = ['open', 'in_progress', 'waiting'] as const satisfies TicketStatus[];

/** judgeMove throws invalid_transition, which names the moves there are, unless the move is in the table. */
export const judgeMove = (from: TicketStatus, to: TicketStatus, part: Part): void => {
	const allowed = workflow[from][part];
	if (from === to || allowed.includes(to)) return;
	throw new AppError('invalid_transition', {
		message:
			allowed.length === 0
				? `This ticket is ${from} and stays so. Open a new one that follows it.`
				: `From ${from} this ticket can go to: ${allowed.join(', ')}.`,
		extra: { allowed },
	});
};
