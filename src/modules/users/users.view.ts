import { iso, isoOrNull } from '../../kernel/clock.ts';
import { effectiveFlags } from '../../kernel/roles.ts';
import { isSuspended } from './users.access.ts';
import type { DeskUser, Profile, User } from './users.schema.ts';
import type { UserRow } from './users.steps.ts';

/** Pure: rows as the API shows them. */

/** userView is a user as they see themselves, and as the site's server and desk see them. */
export const userView = (row: UserRow, resourceId: string, now: number): User => {
	const suspended = isSuspended(row, now);
	return {
		id: row.id,
		username: row.username,
		displayName: row.displayName,
		email: row.email,
		avatarUrl: row.avatarUrl,
		role: row.role,
		resourceId,
		permissions: effectiveFlags(row.role, row.permissions),
		externalId: row.externalId,
		verified: row.verified,
		metadata: row.metadata,
		settings: row.settings,
		suspended,
		suspendedUntil: suspended ? isoOrNull(row.suspendedUntil) : null,
		createdAt: iso(row.createdAt),
		updatedAt: iso(row.updatedAt),
	};
};

/** profileOf is what any user of the site may know of another. */
export const profileOf = (
	row: Pick<UserRow, 'id' | 'username' | 'displayName' | 'avatarUrl' | 'role' | 'verified'>,
): Profile => ({
	id: row.id,
	username: row.username.includes('@') ? null : row.username,
	displayName: row.displayName,
	avatarUrl: row.avatarUrl,
	role: row.role,
	verified: row.verified,
});

/** deskUserView is a user as the desk sees them. */
export const deskUserView = (row: UserRow, resourceId: string, now: number): DeskUser => ({
	...userView(row, resourceId, now),
	suspendedReason: isSuspended(row, now) ? row.suspendedReason : null,
	lastSeenAt: isoOrNull(row.lastSeenAt),
});
