import { expect, test } from 'bun:test';
import { day } from '../../src/kernel/clock.ts';
import { type Call, createTestApp, type TestApp } from '../support/test-app.ts';
import { type ActOnUser, above, actsOnUsers, makers, notToTheLast, type Permission, type Rank } from './policy.ts';

const ranks: Rank[] = ['user', 'staff', 'moderator', 'admin', 'superadmin'];
type Who = Rank | 'server';
const whos: Who[] = [...ranks, 'server'];
const asOf = (who: Who): string => (who === 'user' ? 'alice' : who);
const permissions: Permission[] = [
	'canSendMessage',
	'canReceiveMessage',
	'canDeleteMessage',
	'canEditMessage',
	'canArchiveConversation',
];

interface Row {
	role: string;
	permissions: string | null;
	suspended_at: number | null;
	ver: number;
	erased_at: number | null;
	links: number;
}
const rowOf = (t: TestApp, id: string) =>
	t.rows<Row>(
		`select role, permissions, suspended_at, ver, erased_at,
			(select count(*) from one_time_links l where l.user = u.pk) as links
		from users u where id = ?`,
		id,
	)[0] as Row;

const patch = (body: object) => (id: string) => ({ method: 'PATCH', path: `/admin/users/${id}`, body });
const become =
	(role: Rank) =>
	({ role: now }: Row) =>
		now === role;
/** How each act is done, and by what one sees that it was. */
const doing: Record<ActOnUser, { call: (id: string) => Omit<Call, 'as'>; isDone: (row: Row) => boolean }> = {
	suspend: { call: patch({ suspended: true }), isDone: (row) => row.suspended_at !== null },
	'lift a suspension': { call: patch({ suspended: false }), isDone: (row) => row.suspended_at === null },
	'set the permissions': {
		call: patch({ permissions: { canSendMessage: false } }),
		// of a user they are accepted without effect
		isDone: (row) => row.role === 'user' || row.permissions === '{"canSendMessage":false}',
	},
	'make user': { call: patch({ role: 'user' }), isDone: become('user') },
	'make staff': { call: patch({ role: 'staff' }), isDone: become('staff') },
	'make moderator': { call: patch({ role: 'moderator' }), isDone: become('moderator') },
	'make admin': { call: patch({ role: 'admin' }), isDone: become('admin') },
	'make superadmin': { call: patch({ role: 'superadmin' }), isDone: become('superadmin') },
	'end the tokens': {
		call: (id) => ({ method: 'POST', path: `/admin/users/${id}/revoke-tokens` }),
		isDone: (row) => row.ver === 2,
	},
	'give a link to a password': {
		call: (id) => ({ method: 'POST', path: `/admin/users/${id}/access-link` }),
		isDone: (row) => row.links === 1,
	},
	erase: { call: (id) => ({ method: 'DELETE', path: `/admin/users/${id}` }), isDone: (row) => row.erased_at !== null },
	export: { call: (id) => ({ path: `/admin/users/${id}/export` }), isDone: () => true },
};
const names = Object.keys(doing) as ActOnUser[];
const grantOf = (act: ActOnUser) => ranks.find((rank) => act === `make ${rank}`);

/** What comes of it, by the tables of policy.ts. */
const verdict = (who: Who, act: ActOnUser, target: Rank | 'self'): [number, string | undefined] => {
	if (!(actsOnUsers[act] as readonly Who[]).includes(who)) return [403, 'forbidden'];
	if (target === 'self' || !above[who].includes(target)) return [403, 'rank_too_low'];
	const grant = grantOf(act);
	if (grant && !above[who].includes(grant)) return [403, 'rank_too_low'];
	if (act === 'give a link to a password') return target === 'user' ? [422, 'desk_only'] : [201, undefined];
	return [200, undefined];
};

test('the table has every act that is tried here, and no other', () => {
	expect(Object.keys(actsOnUsers).sort()).toEqual([...names].sort());
});

for (const who of whos)
	test(`a ${who} does to users of every role, and to themselves, what the table of ranks says, and nothing else`, async () => {
		using t = await createTestApp();
		let n = 0;
		for (const target of [...ranks, 'self'] as const)
			for (const act of names) {
				if (target === 'self' && who === 'server') continue;
				const name = `target ${n++}`;
				const { id } = target === 'self' ? t.person(asOf(who)) : await t.add(name, { role: target });
				if (act === 'lift a suspension' && target !== 'self') await t.change(name, { suspendedAt: t.clock() });
				await t.written();
				const before = t.snapshot();
				const what = `${who}: ${act}, on ${target}`;
				const { status, body } = await t.call({ as: asOf(who), ...doing[act].call(id) });
				const [expected, code] = verdict(who, act, target);
				expect({ what, status, code: body.code as string | undefined }).toEqual({ what, status: expected, code });
				if (expected >= 300) expect({ what, state: t.snapshot() }).toEqual({ what, state: before });
				else expect({ what, done: doing[act].isDone(rowOf(t, id)) }).toEqual({ what, done: true });
				// whoever acts leaves their name
				if (expected < 300) {
					const [entry] = t.rows<{ actor: string; target: string }>(
						'select actor, target from audit_log order by pk desc limit 1',
					);
					const actor = who === 'server' ? 'key:default' : t.person(asOf(who)).id;
					expect({ what, ...entry }).toEqual({ what, actor, target: id });
				}
			}
	});

test('everybody makes new users of the roles that the table of ranks gives them, and of no other', async () => {
	using t = await createTestApp();
	for (const who of ['nobody', 'key', ...whos] as const)
		for (const role of ranks) {
			const before = t.snapshot();
			const username = `made ${whos.indexOf(who as Who)}${who.length}${ranks.indexOf(role)}`;
			const body = { username, role, resourceId: 'site.com' };
			const may = role === 'user' || (makers.includes(who as Who) && above[who as Who].includes(role)) ? 201 : 403;
			const code = may === 201 ? undefined : makers.includes(who as Who) ? 'rank_too_low' : 'forbidden';
			const as = who === 'nobody' || who === 'key' ? who : asOf(who);
			const reply = await t.call<{ role: string }>({ as, method: 'POST', path: '/users', body });
			const got = { who, role, status: reply.status, code: reply.body.code as string | undefined };
			expect(got).toEqual({ who, role, status: may, code });
			if (may === 201) expect(reply.body.data.role).toBe(role);
			else expect(t.snapshot()).toBe(before);
		}
});

test('the last superadmin who is let in keeps the role and is let in, whoever asks', async () => {
	/** Each makes the second superadmin one who does not count. */
	const others: Record<string, (t: TestApp) => Promise<unknown>> = {
		'is not there': async () => {},
		'is suspended': async (t) => {
			await t.add('second', { role: 'superadmin' });
			await t.change('second', { suspendedAt: t.clock() });
		},
		'is erased': async (t) => {
			const { id } = await t.add('second', { role: 'superadmin' });
			await t.ok({ as: 'server', method: 'DELETE', path: `/admin/users/${id}` });
		},
		'is of another site': (t) => t.add('other.second', { role: 'superadmin', site: t.other }),
	};
	for (const [why, prepare] of Object.entries(others)) {
		using t = await createTestApp();
		await prepare(t);
		await t.written();
		const { id } = t.person('superadmin');
		for (const act of names) {
			if (act === 'give a link to a password') continue;
			const before = t.snapshot();
			const what = `${act}, where the other ${why}`;
			const { status, body } = await t.call({ as: 'server', ...doing[act].call(id) });
			const kept = notToTheLast.includes(act);
			expect({ what, status, code: body.code as string | undefined }).toEqual({
				what,
				status: kept ? 409 : 200,
				code: kept ? 'last_superadmin' : undefined,
			});
			if (kept) expect({ what, state: t.snapshot() }).toEqual({ what, state: before });
		}
		await t.renew('superadmin');
		const leaving = { as: 'superadmin', method: 'DELETE', path: '/users/me' };
		expect([why, ...(await t.refused(leaving))]).toEqual([why, 409, 'last_superadmin']);
	}
});

test('whose suspension is over counts as a superadmin again', async () => {
	using t = await createTestApp();
	await t.add('second', { role: 'superadmin' });
	await t.change('second', { suspendedAt: t.clock(), suspendedUntil: t.clock() + day });
	const demote = { as: 'server', ...doing['make admin'].call(t.person('superadmin').id) };
	expect(await t.refused(demote)).toEqual([409, 'last_superadmin']);
	t.advance(day + 1);
	await t.ok(demote);
});

test('of two superadmins who put each other down at the same time one stays', async () => {
	for (const act of notToTheLast) {
		using t = await createTestApp();
		const { id } = await t.add('second', { role: 'superadmin' });
		const first = t.person('superadmin').id;
		const replies = await Promise.all([
			t.call({ as: 'superadmin', ...doing[act].call(id) }),
			t.call({ as: 'second', ...doing[act].call(first) }),
			t.call({ as: 'server', ...doing[act].call(first) }),
			t.call({ as: 'server', ...doing[act].call(id) }),
		]);
		expect([act, replies.some(({ status }) => status === 200)]).toEqual([act, true]);
		const left = t.rows<{ n: number }>(
			"select count(*) as n from users where site = ? and role = 'superadmin' and suspended_at is null and erased_at is null",
			t.home.pk,
		);
		expect([act, left[0]?.n]).toEqual([act, 1]);
	}
});

test('who acts in a name by a secret key has that name’s rank, but neither passwords nor keys', async () => {
	using t = await createTestApp();
	const acting = (name: string) => ({ as: 'server', headers: { 'x-act-as': t.person(name).id } });
	const staff = t.person('staff').id;
	expect(await t.refused({ ...acting('moderator'), ...doing['make user'].call(staff) })).toEqual([403, 'forbidden']);
	expect(await t.refused({ ...acting('admin'), ...doing['make admin'].call(staff) })).toEqual([403, 'rank_too_low']);
	for (const call of [
		doing['give a link to a password'].call(staff),
		{ path: '/admin/keys' },
		{ method: 'POST', path: '/admin/keys', body: { kind: 'secret', label: 'another' } },
	])
		expect(await t.refused({ ...acting('superadmin'), ...call })).toEqual([403, 'forbidden']);
	await t.ok({ ...acting('admin'), ...doing.suspend.call(staff) });
});

test('nobody gives a permission that they lack: not by name, not by leaving it out, not by a role', async () => {
	for (const flag of permissions) {
		using t = await createTestApp();
		const other: Permission = flag === 'canEditMessage' ? 'canSendMessage' : 'canEditMessage';
		await t.change('admin', { permissions: { [flag]: false } });
		await t.add('without', { role: 'staff' });
		await t.change('without', { permissions: { [flag]: false } });
		const [has, lacks, plain] = ['staff', 'without', 'alice'].map((name) => t.person(name).id) as [
			string,
			string,
			string,
		];
		const set = (id: string, body: object): Call => ({ as: 'admin', ...patch(body)(id) });
		const make = (more: object): Call => ({
			as: 'admin',
			method: 'POST',
			path: '/users',
			body: { username: `made ${Math.random()}`, role: 'staff', ...more },
		});
		const before = t.snapshot();
		for (const call of [
			set(has, { permissions: { [flag]: true } }),
			set(lacks, { permissions: { [flag]: true } }),
			set(lacks, { permissions: { [other]: false } }),
			set(lacks, { permissions: {} }),
			set(lacks, { role: 'moderator', permissions: {} }),
			set(plain, { role: 'staff' }),
			set(plain, { role: 'staff', permissions: { [other]: false } }),
			make({}),
			make({ permissions: { [flag]: true } }),
			make({ permissions: { [other]: false } }),
		]) {
			const what = `${flag}: ${JSON.stringify(call.body)}`;
			expect([what, ...(await t.refused(call))]).toEqual([what, 403, 'permission_missing']);
			expect([what, t.snapshot()]).toEqual([what, before]);
		}
		// what was there already is not given, and what is taken away neither
		await t.ok(set(has, { permissions: { [other]: false } }));
		await t.ok(set(lacks, { permissions: { [flag]: false } }));
		await t.ok(set(lacks, { role: 'moderator' }));
		await t.ok(set(plain, { role: 'staff', permissions: { [flag]: false } }));
		await t.ok(make({ permissions: { [flag]: false } }));
		await t.ok({ ...set(lacks, { permissions: {} }), as: 'server' });
	}
});
