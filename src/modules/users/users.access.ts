import { iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal, UserPrincipal } from '../../kernel/principal.ts';
import { atLeast, type Capability, effectiveFlags, ruleOf } from '../../kernel/roles.ts';

import type { Standing } from './users.tables.ts';

/** Pure rules: may this principal, at all? */

/** isSuspended: a suspension ends by itself at `suspendedUntil`. */
export const isSuspended = (
	user: { suspendedAt: number | null; suspendedUntil: number | null },
	now: number,
): boolean => user.suspendedAt !== null && (user.suspendedUntil === null || user.suspendedUntil > now);

/** judgeStanding throws user_suspended, with the end where there is one. */
export const judgeStanding = (
	user: { suspendedAt: number | null; suspendedUntil: number | null },
	now: number,
): void => {
	if (isSuspended(user, now))
		throw new AppError('user_suspended', {
			extra: { until: user.suspendedUntil === null ? null : iso(user.suspendedUntil) },
		});
};

/** judgeCapability is the first gate: role and flags. Throws user_token_required, forbidden or permission_missing. */
export const judgeCapability = (p: Principal, capability: Capability): void => {
	const rule = ruleOf(capability);
	if (p.kind === 'server') {
		if (!rule.server)
			throw atLeastDesk(rule.least)
				? new AppError('forbidden', {
						message: 'A secret key may not do this: it needs a person of the team, signed in.',
					})
				: new AppError('user_token_required');
		return;
	}
	if (!atLeast(p.role, rule.least))
		throw new AppError('forbidden', { message: `This needs the role ${rule.least} or above.` });
	for (const flag of rule.flags ?? [])
		if (!p.flags[flag])
			throw new AppError('permission_missing', {
				message: `This user lacks the permission ${flag}. An admin can give it.`,
			});
};

/** canReceive: whether messages may be sent to a user at all. */
export const canReceive = (user: Standing): boolean =>
	user.erasedAt === null && effectiveFlags(user.role, user.permissions).canReceiveMessage;

/** asNow is a principal with the role and flags that its user has now. */
export const asNow = <P extends Principal>(p: P, now: Standing): P => ({
	...p,
	role: now.role,
	flags: effectiveFlags(now.role, now.permissions),
});

/**
 * judgeUser measures a principal against its user as they are now: the guard's view may be older. Throws invalid_token,
 * token_revoked, user_suspended, forbidden, permission_missing.
 */
export function judgeUser(
	p: UserPrincipal,
	now: Standing | undefined,
	capability: Capability,
	time: number,
): asserts now is Standing {
	if (!now || now.erasedAt !== null) throw new AppError('invalid_token');
	if (p.session && now.ver !== p.session.ver) throw new AppError('token_revoked');
	judgeStanding(now, time);
	judgeCapability(asNow(p, now), capability);
}

const atLeastDesk = (least: string): boolean => least !== 'user';
