import { describe, expect, test } from 'bun:test';
import { AppError } from '../../../src/kernel/errors.ts';
import type { Principal, ServerPrincipal, UserPrincipal } from '../../../src/kernel/principal.ts';
import {
	type Capability,
	capabilities,
	effectiveFlags,
	type Flags,
	flags,
	type Role,
	roles,
	ruleOf,
} from '../../../src/kernel/roles.ts';
import { type Act, judgeRank } from '../../../src/modules/users/rank.ts';
import { isSuspended, judgeCapability } from '../../../src/modules/users/users.access.ts';

const server: ServerPrincipal = { kind: 'server', site: 1, resourceId: 'site.com', key: 1, keyLabel: 'default' };
const user = (role: Role, overrides: Partial<Flags> | null = null, pk = 1): UserPrincipal => ({
	kind: 'user',
	site: 1,
	resourceId: 'site.com',
	pk,
	id: 'user_1',
	username: 'me',
	role,
	flags: effectiveFlags(role, overrides),
	verified: true,
	session: null,
});
const codeOf = (act: () => void): string => {
	try {
		act();
		return 'yes';
	} catch (error) {
		return error instanceof AppError ? error.code : String(error);
	}
};
const judged = (p: Principal, act: Act) => codeOf(() => judgeRank(p, act));

/** Whom each role may act on and what it may grant: the same matrix, written out. `x` forbidden to act at all, `.` rank_too_low, `y` yes. */
const matrix: Record<Role | 'server', string> = {
	//              user staff moderator admin superadmin
	user: /*      */ 'xxxxx',
	staff: /*     */ 'y....',
	moderator: /* */ 'yy...',
	admin: /*     */ 'yyy..',
	superadmin: /**/ 'yyyyy',
	server: /*    */ 'yyyyy',
};
const meaning: Record<string, string> = { x: 'forbidden', '.': 'rank_too_low', y: 'yes' };

describe('the rule of rank', () => {
	for (const [who, row] of Object.entries(matrix))
		test(`${who} acts on, and grants, exactly what stands below`, () => {
			const p = who === 'server' ? server : user(who as Role);
			for (const [i, role] of roles.entries()) {
				const expected = meaning[row[i] ?? ''] ?? '';
				expect([who, 'on', role, judged(p, { target: { pk: 2, role } })]).toEqual([who, 'on', role, expected]);
				expect([who, 'grants', role, judged(p, { target: null, role })]).toEqual([who, 'grants', role, expected]);
				// the lesser of both counts
				if (who !== 'user') expect(judged(p, { target: { pk: 2, role: 'user' }, role })).toBe(expected);
			}
		});
	test('nobody acts on themselves, the highest included', () => {
		for (const role of roles.slice(1))
			expect([role, judged(user(role), { target: { pk: 1, role } })]).toEqual([role, 'rank_too_low']);
	});
	test('nobody grants a flag they lack; taking one away needs none', () => {
		for (const flag of flags) {
			const p = user('admin', { [flag]: false });
			expect(judged(p, { target: { pk: 2, role: 'staff' }, permissions: { [flag]: true } })).toBe('permission_missing');
			expect(judged(p, { target: { pk: 2, role: 'staff' }, permissions: { [flag]: false } })).toBe('yes');
			expect(judged(user('admin'), { target: null, role: 'staff', permissions: { [flag]: true } })).toBe('yes');
		}
	});
});

describe('capabilities', () => {
	test('a role has one if it reaches the least, for every role and capability', () => {
		for (const name of Object.keys(capabilities) as Capability[])
			for (const role of roles) {
				const may = roles.indexOf(role) >= roles.indexOf(ruleOf(name).least);
				expect([name, role, codeOf(() => judgeCapability(user(role), name))]).toEqual([
					name,
					role,
					may ? 'yes' : 'forbidden',
				]);
			}
	});
	test('each flag that is off takes away what needs it and nothing else', () => {
		for (const flag of flags)
			for (const name of Object.keys(capabilities) as Capability[]) {
				const needed = ruleOf(name).flags?.includes(flag);
				const code = codeOf(() => judgeCapability(user('superadmin', { [flag]: false }), name));
				expect([flag, name, code]).toEqual([flag, name, needed ? 'permission_missing' : 'yes']);
			}
	});
	test('a secret key alone has only those marked for it', () => {
		for (const name of Object.keys(capabilities) as Capability[]) {
			const rule = ruleOf(name);
			const expected = rule.server ? 'yes' : rule.least === 'user' ? 'user_token_required' : 'forbidden';
			expect([name, codeOf(() => judgeCapability(server, name))]).toEqual([name, expected]);
		}
	});
	test('a user has all five flags, whatever is stored; the desk has what is not switched off', () => {
		const off = Object.fromEntries(flags.map((flag) => [flag, false]));
		expect(Object.values(effectiveFlags('user', off)).every(Boolean)).toBe(true);
		for (const role of roles.slice(1)) expect(Object.values(effectiveFlags(role, off)).some(Boolean)).toBe(false);
		expect(effectiveFlags('staff', { canEditMessage: false })).toMatchObject({
			canEditMessage: false,
			canSendMessage: true,
		});
		expect(effectiveFlags('staff', null)).toEqual(effectiveFlags('user', null));
	});
});

test('a suspension holds from its start until its end, which is no longer in it', () => {
	expect(isSuspended({ suspendedAt: null, suspendedUntil: null }, 5)).toBe(false);
	expect(isSuspended({ suspendedAt: 1, suspendedUntil: null }, 5)).toBe(true);
	expect(isSuspended({ suspendedAt: 1, suspendedUntil: 6 }, 5)).toBe(true);
	expect(isSuspended({ suspendedAt: 1, suspendedUntil: 5 }, 5)).toBe(false);
});
