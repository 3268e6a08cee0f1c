import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day, hour, minute } from '../../../src/kernel/clock.ts';
import type { Flag, Role } from '../../../src/kernel/roles.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import type { UserExport } from '../../../src/modules/users/erasure.schema.ts';
import type { AccessLink, DeskUser, DeskUserPage, User } from '../../../src/modules/users/users.schema.ts';
import { seeded } from '../../support/random.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

// passwords are hashed as slowly as they are in earnest
setDefaultTimeout(30_000);

const list = (t: TestApp, as: string, query = '') => t.ok<DeskUserPage>({ as, path: `/admin/users${query}` });
const at = (t: TestApp, name: string, rest = '') => `/admin/users/${t.person(name).id}${rest}`;
const patch = (t: TestApp, as: string, name: string, body: object) =>
	t.call<DeskUser>({ as, method: 'PATCH', path: at(t, name), body });
const must = async (t: TestApp, as: string, name: string, body: object) => {
	const reply = await patch(t, as, name, body);
	if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
	return reply.body.data;
};
const password = 'correct horse battery';
/** Gives one of the team a password by an access link, and signs them in with it. */
const signIn = async (t: TestApp, name: string) => {
	const { accessToken } = await t.ok<AccessLink>({
		as: 'superadmin',
		method: 'POST',
		path: at(t, name, '/access-link'),
		body: {},
	});
	const email = `${name}@mail.test`;
	await t.ok({ as: 'nobody', method: 'POST', path: '/auth/access', body: { accessToken, email, password } });
	await t.renew(name);
	return { resourceId: t.person(name).site.resourceId, email, password };
};
const login = (t: TestApp, body: object) => t.call({ as: 'nobody', method: 'POST', path: '/auth/login', body });

describe('the desk’s list of users', () => {
	test('is what a plain filter gives, newest first, to the last page', async () => {
		using t = await createTestApp();
		const random = seeded(5);
		interface Known {
			id: string;
			username: string;
			email: string | null;
			displayName: string | null;
			externalId: string | null;
			role: Role;
			until: number | null;
		}
		const all: Known[] = t
			.rows<{ id: string; username: string; role: Role }>(
				'select id, username, role from users where site = ? order by pk',
				t.home.pk,
			)
			.map((row) => ({ ...row, email: null, displayName: null, externalId: null, until: null }));
		for (let i = 0; i < 90; i++) {
			const known = {
				username: `${random.pick(['anna', 'Anton', 'berta'])}${i}`,
				email: random.chance(0.5) ? `mail${i}@${random.pick(['one', 'two'])}.test` : null,
				displayName: random.chance(0.5) ? `${random.pick(['Zoe', 'Zora'])} ${i}` : null,
				externalId: random.chance(0.3) ? `ext-${i}` : null,
				role: random.chance(0.2) ? ('staff' as const) : ('user' as const),
			};
			const body = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null));
			const { id } = await t.ok<User>({ as: 'server', method: 'POST', path: '/users', body });
			let until: number | null = null;
			if (random.chance(0.3)) {
				until = random.chance(0.5) ? Number.POSITIVE_INFINITY : t.clock() + hour * (1 + random.below(3));
				const end = Number.isFinite(until) ? { until: new Date(until).toISOString() } : {};
				await t.ok({ as: 'server', method: 'PATCH', path: `/admin/users/${id}`, body: { suspended: true, ...end } });
			}
			all.push({ id, ...known, until });
		}
		const erased = all.splice(20, 3);
		for (const { id } of erased) await t.ok({ as: 'server', method: 'DELETE', path: `/admin/users/${id}` });
		t.advance(2 * hour);
		const suspended = (k: Known) => k.until !== null && k.until > t.clock();
		const starts = (k: Known, q: string) =>
			[k.username, k.email, k.displayName].some((text) => text?.toLowerCase().startsWith(q.toLowerCase())) ||
			k.id === q ||
			k.externalId === q;
		const newest = all.toReversed();
		const { id } = newest[30] as Known;
		const ofExternal = newest.find(({ externalId }) => externalId !== null) as Known;
		const ofStaff = newest.find((k) => k.externalId !== null && k.role === 'staff' && k.until === null) as Known;
		const cases: [Record<string, string>, (k: Known) => boolean][] = [
			[{}, () => true],
			[{ role: 'user' }, (k) => k.role === 'user'],
			[{ role: 'staff' }, (k) => k.role === 'staff'],
			[{ role: 'superadmin' }, (k) => k.role === 'superadmin'],
			[{ status: 'active' }, (k) => !suspended(k)],
			[{ status: 'suspended' }, suspended],
			[{ status: 'suspended', role: 'staff' }, (k) => suspended(k) && k.role === 'staff'],
			[{ externalId: ofExternal.externalId ?? '' }, (k) => k.id === ofExternal.id],
			[{ externalId: 'ext-' }, () => false],
			...[
				'anna',
				'ANTON',
				'berta1',
				'mail',
				'mail3',
				'zo',
				'zoe',
				'x',
				'%',
				'_',
				'@',
				id,
				ofExternal.externalId ?? '',
			].map((q): [Record<string, string>, (k: Known) => boolean] => [{ q }, (k) => starts(k, q)]),
			[{ q: 'anna', status: 'suspended' }, (k) => starts(k, 'anna') && suspended(k)],
			[
				{ q: ofStaff.externalId ?? '', role: 'staff', status: 'active', externalId: ofStaff.externalId ?? '' },
				(k) => k.id === ofStaff.id,
			],
			[{ q: 'nobody', role: 'staff', status: 'active', externalId: ofStaff.externalId ?? '' }, () => false],
		];
		for (const [query, filter] of cases) {
			const expected = newest.filter(filter).map((k) => k.id);
			const found: string[] = [];
			for (let page = 1; page === 1 || page <= Math.ceil(expected.length / 13); page++) {
				const asked = new URLSearchParams({ ...query, page: String(page), limit: '13' });
				const { data, total } = await list(t, 'staff', `?${asked}`);
				expect([query, total]).toEqual([query, expected.length]);
				found.push(...data.map((row) => row.id));
			}
			expect([query, found]).toEqual([query, expected]);
		}
	});
	test('is for the team and the site’s server, of their own site, with what the desk needs and no secret', async () => {
		using t = await createTestApp();
		await signIn(t, 'staff');
		expect(await t.refused({ as: 'alice', path: '/admin/users' })).toEqual([403, 'forbidden']);
		expect(await t.refused({ as: 'alice', path: at(t, 'bob') })).toEqual([403, 'forbidden']);
		expect(await t.refused({ as: 'other.admin', path: at(t, 'bob') })).toEqual([404, 'not_found']);
		expect((await list(t, 'other.admin', '?limit=100')).data.map(({ resourceId }) => resourceId)).toEqual(
			Array<string>(7).fill('other.org'),
		);
		for (const as of ['staff', 'superadmin', 'server']) {
			const page = await list(t, as, '?role=staff');
			const one = await t.ok<DeskUser>({ as, path: at(t, 'staff') });
			expect(page.data).toEqual([one]);
			expect(Object.keys(one).sort()).toEqual(
				[
					...['id', 'username', 'displayName', 'email', 'avatarUrl', 'role', 'resourceId', 'permissions', 'externalId'],
					...['verified', 'metadata', 'settings', 'suspended', 'suspendedUntil', 'createdAt', 'updatedAt'],
					...['suspendedReason', 'lastSeenAt'],
				].sort(),
			);
			expect(JSON.stringify(one)).not.toContain('argon2');
		}
	});
});

describe('a suspension', () => {
	test('acts on the next call, with its reason for the desk and its end; then it is over by itself', async () => {
		using t = await createTestApp();
		const until = new Date(t.clock() + 2 * hour).toISOString();
		const made = await must(t, 'moderator', 'alice', { suspended: true, reason: 'spam', until });
		expect(made).toMatchObject({ suspended: true, suspendedUntil: until, suspendedReason: 'spam' });
		const refused = await t.call({ as: 'alice', path: '/users/me' });
		expect([refused.status, refused.body.code, (refused.body as { until?: string }).until]).toEqual([
			403,
			'user_suspended',
			until,
		]);
		expect(JSON.stringify(refused.body)).not.toContain('spam');
		t.advance(2 * hour - 1);
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(403);
		t.advance(1);
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(200);
		expect(await t.ok<DeskUser>({ as: 'staff', path: at(t, 'alice') })).toMatchObject({
			suspended: false,
			suspendedUntil: null,
			suspendedReason: null,
		});
	});
	test('without an end is lifted by hand; a second one replaces the first', async () => {
		using t = await createTestApp();
		await must(t, 'moderator', 'alice', { suspended: true, reason: 'spam', until: '2026-03-02T00:00:00.000Z' });
		expect(await must(t, 'moderator', 'alice', { suspended: true })).toMatchObject({
			suspended: true,
			suspendedUntil: null,
			suspendedReason: null,
		});
		t.advance(10 * day);
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(403);
		await must(t, 'moderator', 'alice', { suspended: false });
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(200);
	});
	test('is refused in the past, without a change, by and on whom rank forbids; then nothing is other than before', async () => {
		using t = await createTestApp();
		await t.add('mo', { role: 'moderator' });
		await t.written();
		const before = t.snapshot();
		for (const [as, name, body, expected] of [
			['moderator', 'alice', { suspended: true, until: '2026-03-01T12:00:00.000Z' }, [400, 'invalid_request']],
			['moderator', 'alice', { suspended: true, until: 'tomorrow' }, [400, 'invalid_request']],
			['moderator', 'alice', { suspended: true, reason: 'x'.repeat(501) }, [400, 'invalid_request']],
			['moderator', 'alice', { suspended: 'yes' }, [400, 'invalid_request']],
			['moderator', 'alice', {}, [422, 'nothing_to_change']],
			['moderator', 'alice', { reason: 'spam' }, [422, 'nothing_to_change']],
			['staff', 'alice', { suspended: true }, [403, 'forbidden']],
			['alice', 'bob', { suspended: true }, [403, 'forbidden']],
			['moderator', 'moderator', { suspended: true }, [403, 'rank_too_low']],
			['moderator', 'mo', { suspended: true }, [403, 'rank_too_low']],
			['moderator', 'admin', { suspended: true }, [403, 'rank_too_low']],
			['admin', 'superadmin', { suspended: true }, [403, 'rank_too_low']],
			['superadmin', 'superadmin', { suspended: true }, [403, 'rank_too_low']],
			['server', 'superadmin', { suspended: true }, [409, 'last_superadmin']],
			['moderator', 'alice', { suspended: true, role: 'staff' }, [403, 'forbidden']],
			['moderator', 'staff', { permissions: {} }, [403, 'forbidden']],
			['moderator', 'other.alice', { suspended: true }, [404, 'not_found']],
		] as const) {
			const { status, body: answer } = await patch(t, as, name, body);
			expect([as, name, body, status, answer.code] as unknown).toEqual([as, name, body, ...expected]);
		}
		expect(t.snapshot()).toBe(before);
	});
});

describe('a change of role', () => {
	test('acts on the next call, both ways', async () => {
		using t = await createTestApp();
		const stats = async () => (await t.call({ as: 'alice', path: '/admin/stats' })).status;
		expect(await stats()).toBe(403);
		await must(t, 'admin', 'alice', { role: 'staff' });
		expect(await stats()).toBe(200);
		await must(t, 'admin', 'alice', { role: 'user' });
		expect(await stats()).toBe(403);
	});
	test('to the team vouches for who it is', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		expect(await must(t, 'admin', 'vic', { role: 'staff' })).toMatchObject({ role: 'staff', verified: true });
		// and is no claim any more that could be made again
		expect(
			(await t.call({ as: 'key', method: 'POST', path: '/users/chat-token', body: { userId: t.person('vic').id } }))
				.status,
		).toBe(401);
	});
	test('out of the team takes permissions, password and tickets; back in it they are not there again', async () => {
		using t = await createTestApp();
		const account = await signIn(t, 'staff');
		expect((await login(t, account)).status).toBe(200);
		await must(t, 'admin', 'staff', { permissions: { canEditMessage: false } });
		const ticket = await t.ok<Ticket>({
			as: 'alice',
			method: 'POST',
			path: '/support/tickets',
			body: { subject: 'Help', initialMessage: 'hi' },
		});
		const path = `/support/tickets/${ticket.id}`;
		const assign = () => t.ok({ as: 'admin', method: 'PATCH', path, body: { assigneeId: t.person('staff').id } });
		await assign();
		const link = await t.ok<AccessLink>({
			as: 'admin',
			method: 'POST',
			path: at(t, 'staff', '/access-link'),
			body: {},
		});
		expect(await must(t, 'admin', 'staff', { role: 'user' })).toMatchObject({
			role: 'user',
			permissions: { canEditMessage: true },
		});
		await t.written();
		expect((await login(t, account)).status).toBe(401);
		const access = { accessToken: link.accessToken, email: account.email, password };
		expect((await t.call({ as: 'nobody', method: 'POST', path: '/auth/access', body: access })).status).toBe(401);
		expect((await t.ok<Ticket>({ as: 'admin', path })).assigneeId).toBeNull();
		expect(await must(t, 'admin', 'staff', { role: 'staff' })).toMatchObject({ permissions: { canEditMessage: true } });
		expect((await login(t, account)).status).toBe(401);
		// also when they are suspended in the same breath
		await assign();
		await must(t, 'admin', 'staff', { role: 'user', suspended: true });
		await t.written();
		expect((await t.ok<Ticket>({ as: 'admin', path })).assigneeId).toBeNull();
	});
	test('follows rank: nobody makes or unmakes their own rank or above, nor gives what they lack', async () => {
		using t = await createTestApp();
		await t.add('second', { role: 'admin' });
		await t.written();
		const before = t.snapshot();
		for (const [as, name, body, code] of [
			['staff', 'alice', { role: 'staff' }, 'forbidden'],
			['moderator', 'alice', { role: 'staff' }, 'forbidden'],
			['admin', 'alice', { role: 'admin' }, 'rank_too_low'],
			['admin', 'alice', { role: 'superadmin' }, 'rank_too_low'],
			['admin', 'second', { role: 'user' }, 'rank_too_low'],
			['admin', 'superadmin', { role: 'user' }, 'rank_too_low'],
			['admin', 'admin', { role: 'superadmin' }, 'rank_too_low'],
			['admin', 'admin', { permissions: { canEditMessage: false } }, 'rank_too_low'],
			['superadmin', 'superadmin', { role: 'admin' }, 'rank_too_low'],
			['server', 'superadmin', { role: 'admin' }, 'last_superadmin'],
		] as const) {
			const { body: answer } = await patch(t, as, name, body);
			expect([as, name, answer.code] as unknown).toEqual([as, name, code]);
		}
		expect(t.snapshot()).toBe(before);
		for (const flag of ['canSendMessage', 'canDeleteMessage'] as Flag[]) {
			await must(t, 'superadmin', 'admin', { permissions: { [flag]: false } });
			expect((await patch(t, 'admin', 'alice', { role: 'staff' })).body.code).toBe('permission_missing');
			expect((await patch(t, 'admin', 'staff', { permissions: { [flag]: true } })).body.code).toBe(
				'permission_missing',
			);
			// what one lacks one may still withhold
			await must(t, 'admin', 'staff', { permissions: { [flag]: false } });
			await must(t, 'admin', 'alice', { role: 'staff', permissions: { [flag]: false } });
			await must(t, 'superadmin', 'admin', { permissions: {} });
			await must(t, 'superadmin', 'alice', { role: 'user' });
		}
	});
	test('sets permissions as a whole, and for a user without effect', async () => {
		using t = await createTestApp();
		const off = (user: DeskUser) => Object.entries(user.permissions).flatMap(([flag, on]) => (on ? [] : [flag]));
		expect(off(await must(t, 'admin', 'staff', { permissions: { canEditMessage: false } }))).toEqual([
			'canEditMessage',
		]);
		expect(off(await must(t, 'admin', 'staff', { permissions: { canSendMessage: false } }))).toEqual([
			'canSendMessage',
		]);
		expect(off(await must(t, 'admin', 'staff', { role: 'moderator' }))).toEqual(['canSendMessage']);
		expect(off(await must(t, 'admin', 'alice', { permissions: { canSendMessage: false } }))).toEqual([]);
		await t.conversation('alice', 'bob');
	});
});

describe('the last active superadmin', () => {
	test('stays, of two who act on each other at once, whichever way', async () => {
		for (const [one, two] of [
			[{ role: 'admin' }, { role: 'admin' }],
			[{ suspended: true }, { suspended: true }],
			[{ role: 'user' }, { suspended: true }],
			['erase', 'erase'],
			['erase', { suspended: true }],
			['erase', 'leave'],
			['leave', 'leave'],
		] as const) {
			using t = await createTestApp();
			await t.add('second', { role: 'superadmin' });
			const act = (as: string, name: string, how: typeof one | typeof two) =>
				how === 'leave'
					? t.call({ as, method: 'DELETE', path: '/users/me' })
					: how === 'erase'
						? t.call({ as, method: 'DELETE', path: at(t, name) })
						: patch(t, as, name, how);
			const replies = await Promise.all([act('superadmin', 'second', one), act('second', 'superadmin', two)]);
			expect([one, two, replies.filter(({ status }) => status === 200).length] as unknown).toEqual([one, two, 1]);
			const left = t.rows(
				"select pk from users where role = 'superadmin' and site = ? and erased_at is null and suspended_at is null",
				t.home.pk,
			);
			expect([one, two, left.length] as unknown).toEqual([one, two, 1]);
		}
	});
	test('may change again once another is there, and one who is suspended does not count until that ends', async () => {
		using t = await createTestApp();
		await t.add('second', { role: 'superadmin' });
		const until = new Date(t.clock() + hour).toISOString();
		await must(t, 'superadmin', 'second', { suspended: true, until });
		expect((await patch(t, 'server', 'superadmin', { role: 'user' })).body.code).toBe('last_superadmin');
		t.advance(hour + 1);
		await must(t, 'server', 'superadmin', { role: 'user' });
		expect((await patch(t, 'server', 'second', { role: 'user' })).body.code).toBe('last_superadmin');
		// permissions alone take nobody away
		await must(t, 'server', 'second', { permissions: { canEditMessage: false } });
		// one of another site is no help
		expect((await patch(t, 'server', 'second', { suspended: true })).body.code).toBe('last_superadmin');
	});
});

describe('logging out everywhere', () => {
	test('ends every token at the next call, and nobody else’s', async () => {
		using t = await createTestApp();
		expect(await t.ok({ as: 'admin', method: 'POST', path: at(t, 'alice', '/revoke-tokens'), body: {} })).toEqual({
			done: true,
		});
		expect(await t.refused({ as: 'alice', path: '/users/me' })).toEqual([401, 'token_revoked']);
		expect((await t.call({ as: 'bob', path: '/users/me' })).status).toBe(200);
		await t.renew('alice');
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(200);
		expect(await t.refused({ as: 'admin', method: 'POST', path: at(t, 'superadmin', '/revoke-tokens') })).toEqual([
			403,
			'rank_too_low',
		]);
	});
});

describe('an export', () => {
	test('has everything of a user and nothing of others, for themselves and the desk alike', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'mine');
		await t.send('bob', chat, 'not mine');
		const body = { subject: 'Help', category: 'billing', initialMessage: 'please', metadata: { order: 7 } };
		const ticket = await t.ok<Ticket>({ as: 'alice', method: 'POST', path: '/support/tickets', body });
		const path = `/support/tickets/${ticket.id}`;
		for (const kind of ['text', 'note'])
			await t.ok({
				as: 'staff',
				method: 'POST',
				path: `${path}/messages`,
				body: { kind, content: { text: `a ${kind}` } },
			});
		await t.ok({ as: 'staff', method: 'PATCH', path, body: { status: 'resolved' } });
		await t.ok({ as: 'alice', method: 'POST', path: `${path}/rating`, body: { score: 4, comment: 'well done' } });
		await t.conversation('bob', 'carol');
		const own = await t.ok<UserExport>({ as: 'alice', path: '/users/me/export' });
		expect(own.user).toMatchObject({ id: t.person('alice').id, username: 'alice' });
		expect(own.conversations.map(({ id, messages }) => [id, messages.map(({ content }) => content.text)])).toEqual([
			[chat, ['mine']],
			[ticket.id, ['please']],
		]);
		expect(own.conversations[1]?.ticket).toMatchObject({
			number: 1001,
			subject: 'Help',
			category: 'billing',
			rating: 4,
			ratingComment: 'well done',
		});
		expect(JSON.stringify(own)).not.toContain('not mine');
		t.advance(minute);
		for (const as of ['admin', 'server'])
			expect(await t.ok<UserExport>({ as, path: at(t, 'alice', '/export') })).toEqual(own);
		const staffs = await t.ok<UserExport>({ as: 'staff', path: '/users/me/export' });
		expect(staffs.conversations.map(({ id, messages }) => [id, messages.map(({ content }) => content.text)])).toEqual([
			[ticket.id, ['a text']],
		]);
	});
});
