import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { atLeast, effectiveFlags, type Flag, type Flags, isDesk, type Role, rank, ruleOf } from '../../kernel/roles.ts';
import { isSuspended } from './users.access.ts';
import type { Standing } from './users.tables.ts';

/** What the rank rule looks at: the user acted on, and what would become of them. */
export interface Act {
	/** null: the user does not exist yet. */
	target: { pk: number; role: Role } | null;
	/** The role granted, if any. */
	role?: Role | undefined;
	/** The flags set, if any. */
	permissions?: Partial<Flags> | undefined;
}

/** outranks: whether one may act on the other by their roles alone. */
export const outranks = (mine: Role, other: Role): boolean => rank(other) < rank(mine) || mine === 'superadmin';

/** mayInvite: whether who made an access link could still make it. */
export const mayInvite = (maker: Standing | undefined, user: { role: Role }, now: number): boolean =>
	maker !== undefined &&
	maker.erasedAt === null &&
	!isSuspended(maker, now) &&
	atLeast(maker.role, ruleOf('user.invite').least) &&
	outranks(maker.role, user.role);

/**
 * judgeRank is the one rule of rank, for every way to a user: nobody acts on their own rank or above, grants a role at or
 * above their own, or a flag they lack, or changes themselves; superadmin on superadmin excepted. A server principal
 * stands at the rank of a superadmin. Throws forbidden or rank_too_low.
 */
export const judgeRank = (p: Principal, act: Act): void => {
	const mine: Role = p.kind === 'server' ? 'superadmin' : p.role;
	if (!isDesk(mine)) throw new AppError('forbidden');
	const below = (role: Role) => outranks(mine, role);
	if (act.target) {
		if (p.kind === 'user' && p.pk === act.target.pk)
			throw new AppError('rank_too_low', { message: 'You cannot change your own role, permissions or suspension.' });
		if (!below(act.target.role)) throw new AppError('rank_too_low');
	}
	if (act.role && !below(act.role)) throw new AppError('rank_too_low');
	// a role of the desk brings every flag that is not switched off
	const granted = act.role && isDesk(act.role) ? effectiveFlags(act.role, act.permissions ?? null) : act.permissions;
	if (p.kind === 'user' && granted)
		for (const [flag, on] of Object.entries(granted) as [Flag, boolean][])
			if (on && !p.flags[flag])
				throw new AppError('permission_missing', {
					message: `You cannot grant ${flag}: you do not have it yourself. Switch it off for the new user.`,
				});
};
