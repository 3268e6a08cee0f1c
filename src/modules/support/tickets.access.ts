import { atLeast, isDesk, type Role } from '../../kernel/roles.ts';
import { moderationCategory } from './tickets.schema.ts';
import type { Part } from './tickets.workflow.ts';

/** Pure: who meets a ticket how. */

interface Viewer {
	/** null: the site's server. */
	pk: number | null;
	role: Role;
}

/**
 * partOf: on their own ticket everybody is the requester, the team too; any other is the desk's. Reports are for moderators
 * and up, and never for whom they are about. null: not theirs to see.
 */
export const partOf = (
	{ pk, role }: Viewer,
	row: { participantOne: number },
	ticket: { category: string | null; reported: number | null },
): Part | null => {
	if (row.participantOne === pk) return 'requester';
	if (!isDesk(role) || (pk !== null && ticket.reported === pk)) return null;
	return ticket.category !== moderationCategory || atLeast(role, 'moderator') ? 'desk' : null;
};

/** deskOf says the same of all of the desk at once: the least role that may see a ticket, and who of it may not. */
export const deskOf = (
	row: { participantOne: number },
	ticket: { category: string | null; reported: number | null },
): { least: Role; except: number[] } => ({
	least: ticket.category === moderationCategory ? 'moderator' : 'staff',
	except: ticket.reported === null ? [row.participantOne] : [row.participantOne, ticket.reported],
});
