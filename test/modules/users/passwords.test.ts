import { describe, expect, test } from 'bun:test';
import { hour, minute } from '../../../src/kernel/clock.ts';
import type { FailureCode } from '../../../src/kernel/errors.ts';
import { checkPassword } from '../../../src/modules/users/passwords.service.ts';
import type { AccessLink, ChatToken, DeskLogin, User } from '../../../src/modules/users/users.schema.ts';
import { createTestApp, type Reply, type TestApp } from '../../support/test-app.ts';

const password = 'correct horse battery';
const other = 'staple battery horse';
const login = (t: TestApp, body: object = {}) =>
	t.call<DeskLogin>({
		as: 'nobody',
		method: 'POST',
		path: '/auth/login',
		body: { resourceId: 'site.com', email: 'sara@site.com', password, ...body },
	});
const access = (t: TestApp, accessToken: string, body: object = {}) =>
	t.call<DeskLogin>({ as: 'nobody', method: 'POST', path: '/auth/access', body: { accessToken, password, ...body } });
const codeOf = ({ status, body }: Reply<unknown>): [number, FailureCode | undefined] => [status, body.code];
const withPassword = async (t: TestApp) => {
	await t.services.passwords.setByOperator(t.person('superadmin').id, password, 'sara@site.com');
	await t.renew('superadmin');
};
const linkFor = async (t: TestApp, name: string, as = 'superadmin') =>
	(await t.ok<AccessLink>({ as, method: 'POST', path: `/admin/users/${t.person(name).id}/access-link` })).accessToken;

describe('signing in', () => {
	test('gives a token that works, with the site’s publishable key', async () => {
		using t = await createTestApp();
		await withPassword(t);
		const { status, body } = await login(t, { resourceId: 'SITE.com', email: 'Sara@Site.com' });
		expect(status).toBe(200);
		expect(body.data).toMatchObject({
			publishableKey: t.home.publishableKey,
			user: { username: 'sara', role: 'superadmin' },
		});
		const headers = { authorization: `Bearer ${body.data.chatToken}` };
		expect((await t.call({ as: 'key', path: '/users/me', headers })).status).toBe(200);
	});
	test('is refused in the same words, whatever is wrong', async () => {
		using t = await createTestApp();
		await withPassword(t);
		const texts = new Set<string>();
		const before = t.snapshot();
		for (const wrong of [
			{ password: 'wrong' },
			{ email: 'nobody@site.com' },
			{ resourceId: 'nowhere.test' },
			{ resourceId: 'other.org' },
			{ password: `${password} ` },
			{ password: password.toUpperCase() },
		]) {
			const reply = await login(t, wrong);
			expect(codeOf(reply)).toEqual([401, 'invalid_credentials']);
			texts.add(JSON.stringify({ ...reply.body, requestId: '' }));
		}
		expect(texts.size).toBe(1);
		expect(t.snapshot()).toBe(before);
	});
	test('tells a suspended user so, once the password is right', async () => {
		using t = await createTestApp();
		await withPassword(t);
		await t.change('superadmin', { suspendedAt: t.clock() });
		expect(codeOf(await login(t))).toEqual([403, 'user_suspended']);
		expect(codeOf(await login(t, { password: 'wrong' }))).toEqual([401, 'invalid_credentials']);
	});
	test('is over for an erased user', async () => {
		using t = await createTestApp();
		await withPassword(t);
		await t.add('second', { role: 'superadmin' });
		await t.ok({ as: 'superadmin', method: 'DELETE', path: '/users/me' });
		expect(codeOf(await login(t))).toEqual([401, 'invalid_credentials']);
	});
	test('50 at once: two hashes run, twenty wait, the rest is told to come back', async () => {
		using t = await createTestApp();
		const replies = await Promise.all(Array.from({ length: 50 }, () => login(t)));
		expect(replies.filter(({ status }) => status === 401).length).toBe(22);
		const busy = replies.filter(({ status }) => status === 503);
		expect(busy.length).toBe(28);
		expect(busy[0]?.headers.get('retry-after')).toBe('2');
		expect(busy[0]?.body.code).toBe('overloaded');
	}, 20_000);
	test('after five wrong tries for one account the next must wait; another account need not', async () => {
		using t = await createTestApp({ limits: 'on' });
		await withPassword(t);
		for (let i = 0; i < 5; i++)
			expect(codeOf(await login(t, { password: 'wrong' }))).toEqual([401, 'invalid_credentials']);
		// even the right password, in any spelling of the account
		const refused = await login(t);
		expect(codeOf(refused)).toEqual([429, 'rate_limited']);
		expect(codeOf(await login(t, { email: 'SARA@site.com '.trim() }))).toEqual([429, 'rate_limited']);
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
		expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(4);
		expect(refused.headers.get('ratelimit-policy')).toBe('5;w=900');
		expect(codeOf(await login(t, { email: 'other@site.com' }))).toEqual([401, 'invalid_credentials']);
	});
	test('a success forgives the wrong tries before it', async () => {
		using t = await createTestApp({ limits: 'on' });
		await withPassword(t);
		for (let round = 0; round < 2; round++) {
			for (let i = 0; i < 4; i++) await login(t, { password: 'wrong' });
			expect((await login(t)).status).toBe(200);
		}
	});
});

describe('a password', () => {
	test('of fewer than 10 characters, common, of few letters, or made of one’s names is refused', () => {
		const weak = (text: string, own: (string | null)[] = ['sara_connor', 'sara.connor@site.com', null]) => {
			try {
				checkPassword(text, own);
				return false;
			} catch {
				return true;
			}
		};
		for (const text of [
			'',
			'short',
			'123456789',
			'aaaaaaaaaaaa',
			'abababababab',
			'sara_connor',
			'SARA_CONNOR',
			'sara_connor1',
			'sara_connor2026!',
			'sara.connor@site.com',
			'1234567890',
			'password123',
			'Password123',
			'qwertyuiop',
			`${'x'.repeat(7)}abc\ud800`,
			'ab1!'.repeat(65),
		])
			expect([text, weak(text)]).toEqual([text, true]);
		for (const text of [
			password,
			other,
			'পাসওয়ার্ড দীর্ঘ',
			'🐴🔋📎✅🌍🎈🍎🚲🎹🧊',
			'ab1!'.repeat(64),
			'sara_connor and her horse',
		])
			expect([text, weak(text)]).toEqual([text, false]);
	});
	test('is stored as Argon2id, and nowhere in clear', async () => {
		using t = await createTestApp();
		await withPassword(t);
		const everything = JSON.stringify([t.rows('select * from users'), t.rows('select * from events')]);
		expect(everything).toContain('$argon2id$');
		expect(everything).not.toContain(password);
	});
	test('is changed with the current one: every token ends, the answer has a new one', async () => {
		using t = await createTestApp();
		await withPassword(t);
		const change = (body: object) =>
			t.call<DeskLogin>({ as: 'superadmin', method: 'POST', path: '/users/me/password', body });
		expect(codeOf(await change({ currentPassword: 'wrong', newPassword: other }))).toEqual([
			401,
			'invalid_credentials',
		]);
		expect(codeOf(await change({ currentPassword: password, newPassword: 'sara@site.com' }))).toEqual([
			422,
			'password_weak',
		]);
		const reply = await change({ currentPassword: password, newPassword: other });
		expect(reply.status).toBe(200);
		expect(await t.refused({ as: 'superadmin', path: '/users/me' })).toEqual([401, 'token_revoked']);
		t.person('superadmin').token = reply.body.data.chatToken;
		expect((await t.call({ as: 'superadmin', path: '/users/me' })).status).toBe(200);
		expect(codeOf(await login(t))).toEqual([401, 'invalid_credentials']);
		expect((await login(t, { password: other })).status).toBe(200);
	});
	test('cannot be changed where there is none', async () => {
		using t = await createTestApp();
		const body = { currentPassword: password, newPassword: other };
		expect(await t.refused({ as: 'staff', method: 'POST', path: '/users/me/password', body })).toEqual([
			422,
			'password_not_set',
		]);
	});
	test('holds its email: it can be neither emptied nor shared with another who signs in', async () => {
		using t = await createTestApp();
		await withPassword(t);
		await t.services.passwords.setByOperator(t.person('admin').id, password, 'adam@site.com');
		await t.renew('admin');
		const patch = (email: string | null) =>
			t.refused({ as: 'admin', method: 'PATCH', path: '/users/me', body: { email } });
		expect(await patch(null)).toEqual([422, 'email_required']);
		expect(await patch('SARA@site.com')).toEqual([409, 'email_taken']);
		// whoever has no password may write any address, and comes in by none
		await t.ok({ as: 'staff', method: 'PATCH', path: '/users/me', body: { email: 'sara@site.com' } });
		expect((await login(t)).body.data.user.username).toBe('sara');
	});
});

describe('an access link', () => {
	test('sets a password, signs in, and ends every token of the user; once', async () => {
		using t = await createTestApp();
		const { body } = await t.call<AccessLink>({
			as: 'admin',
			method: 'POST',
			path: `/admin/users/${t.person('staff').id}/access-link`,
		});
		const { accessToken, url, expiresAt } = body.data;
		expect(url).toBe(`http://chat.test/access#${accessToken}`);
		expect(expiresAt).toBe(new Date(t.clock() + 72 * hour).toISOString());
		// what is stored is its hash
		expect(JSON.stringify(t.rows('select * from one_time_links'))).not.toContain(accessToken);
		expect(codeOf(await access(t, accessToken))).toEqual([422, 'email_required']);
		const used = await access(t, accessToken, { email: 'stan@site.com' });
		expect(used.status).toBe(200);
		expect(await t.refused({ as: 'staff', path: '/users/me' })).toEqual([401, 'token_revoked']);
		expect((await login(t, { email: 'stan@site.com' })).status).toBe(200);
		expect(codeOf(await access(t, accessToken, { email: 'stan@site.com' }))).toEqual([401, 'invalid_link']);
	});
	test('50 uses at once: one succeeds', async () => {
		using t = await createTestApp();
		const accessToken = await linkFor(t, 'staff');
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				access(t, accessToken, { email: 'stan@site.com', password: `${password} ${i}` }),
			),
		);
		expect(replies.filter(({ status }) => status === 200).length).toBe(1);
		expect(replies.every(({ status }) => [200, 401, 503].includes(status))).toBe(true);
		const won = replies.findIndex(({ status }) => status === 200);
		expect((await login(t, { email: 'stan@site.com', password: `${password} ${won}` })).status).toBe(200);
		expect(t.rows<{ ver: number }>('select ver from users where id = ?', t.person('staff').id)[0]?.ver).toBe(2);
	}, 20_000);
	test('ends after 72 hours, and with the next one', async () => {
		using t = await createTestApp();
		const first = await linkFor(t, 'staff');
		const second = await linkFor(t, 'staff');
		const body = { email: 'stan@site.com' };
		expect(codeOf(await access(t, first, body))).toEqual([401, 'invalid_link']);
		t.advance(72 * hour);
		expect(codeOf(await access(t, second, body))).toEqual([401, 'invalid_link']);
		expect(codeOf(await access(t, 'access_nonsense', body))).toEqual([401, 'invalid_link']);
	});
	test('survives a try that is refused for another reason', async () => {
		using t = await createTestApp();
		await withPassword(t);
		const accessToken = await linkFor(t, 'staff');
		expect(codeOf(await access(t, accessToken, { email: 'sara@site.com' }))).toEqual([409, 'email_taken']);
		expect(codeOf(await access(t, accessToken, { email: 'stan@site.com', password: 'stan@site.com' }))).toEqual([
			422,
			'password_weak',
		]);
		expect((await access(t, accessToken, { email: 'stan@site.com' })).status).toBe(200);
	});
	test('is for the desk, below one’s own rank, and never made by a secret key', async () => {
		using t = await createTestApp();
		const make = (as: string, name: string) =>
			t.refused({ as, method: 'POST', path: `/admin/users/${t.person(name).id}/access-link` });
		expect(await make('admin', 'alice')).toEqual([422, 'desk_only']);
		expect(await make('admin', 'admin')).toEqual([403, 'rank_too_low']);
		expect(await make('admin', 'superadmin')).toEqual([403, 'rank_too_low']);
		expect(await make('moderator', 'staff')).toEqual([403, 'forbidden']);
		expect(await make('server', 'staff')).toEqual([403, 'forbidden']);
	});
	test('is worth nothing once the user is no more of the desk, suspended or gone', async () => {
		using t = await createTestApp();
		const body = { email: 'stan@site.com' };
		const accessToken = await linkFor(t, 'staff');
		await t.change('staff', { role: 'user' });
		expect(codeOf(await access(t, accessToken, body))).toEqual([401, 'invalid_link']);
		await t.change('staff', { role: 'staff', suspendedAt: t.clock() });
		expect(codeOf(await access(t, accessToken, body))).toEqual([403, 'user_suspended']);
		await t.change('staff', { suspendedAt: null });
		await t.ok({ as: 'staff', method: 'DELETE', path: '/users/me' });
		expect(codeOf(await access(t, accessToken, body))).toEqual([401, 'invalid_link']);
	});
});

describe('a setup link', () => {
	const setup = (t: TestApp, setupToken: string, body: object = {}) =>
		t.call<DeskLogin>({
			as: 'nobody',
			method: 'POST',
			path: '/auth/setup',
			body: { setupToken, resourceId: 'new.test', username: 'root', email: 'root@new.test', password, ...body },
		});
	const fresh = async (t: TestApp) => {
		await t.services.sites.add({ resourceId: 'default.test' });
		return (await t.services.sites.setupLink('default.test')).setupToken;
	};
	test('names a site that is empty, and makes its first superadmin', async () => {
		using t = await createTestApp();
		const setupToken = await fresh(t);
		const { status, body } = await setup(t, setupToken);
		expect([status, body.data.user.role]).toEqual([201, 'superadmin']);
		expect(t.services.sites.byResource('new.test')).toBeDefined();
		expect(t.services.sites.byResource('default.test')).toBeUndefined();
		const headers = { 'x-api-key': body.data.publishableKey, authorization: `Bearer ${body.data.chatToken}` };
		const me = await t.call<User>({ as: 'nobody', path: '/users/me', headers });
		expect(me.body.data).toMatchObject({ username: 'root', resourceId: 'new.test', verified: true });
		expect((await login(t, { resourceId: 'new.test', email: 'root@new.test' })).status).toBe(200);
	});
	test('50 uses at once: one superadmin', async () => {
		using t = await createTestApp();
		const setupToken = await fresh(t);
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => setup(t, setupToken, { username: `root${i}`, email: `root${i}@new.test` })),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.every(({ status }) => [201, 401, 503].includes(status))).toBe(true);
		expect(t.rows("select count(*) as n from users where role = 'superadmin' and site > ?", t.other.pk)).toEqual([
			{ n: 1 },
		]);
	}, 20_000);
	test('ends after 30 minutes', async () => {
		using t = await createTestApp();
		const setupToken = await fresh(t);
		t.advance(30 * minute);
		expect(codeOf(await setup(t, setupToken))).toEqual([401, 'invalid_link']);
	});
	test('neither renames a site with users nor takes another’s name, and can be used after such a try', async () => {
		using t = await createTestApp();
		const { setupToken } = await t.services.sites.setupLink('site.com');
		expect(codeOf(await setup(t, setupToken))).toEqual([400, 'invalid_request']);
		const empty = await fresh(t);
		expect(codeOf(await setup(t, empty, { resourceId: 'other.org' }))).toEqual([409, 'site_exists']);
		expect(codeOf(await setup(t, empty, { password: 'root@new.test' }))).toEqual([422, 'password_weak']);
		expect(codeOf(await setup(t, empty, { resourceId: 'not a host' }))).toEqual([400, 'invalid_request']);
		expect((await setup(t, empty)).status).toBe(201);
		expect((await setup(t, setupToken, { resourceId: 'site.com' })).status).toBe(201);
	});
	test('an access link is no setup link, nor the other way round', async () => {
		using t = await createTestApp();
		const setupToken = await fresh(t);
		const accessToken = await linkFor(t, 'staff');
		expect(codeOf(await setup(t, accessToken))).toEqual([401, 'invalid_link']);
		expect(codeOf(await access(t, setupToken, { email: 'x@site.com' }))).toEqual([401, 'invalid_link']);
	});
});

test('a token by login proves anew: the desk renews it for 30 days more', async () => {
	using t = await createTestApp();
	await withPassword(t);
	t.advance(20 * 24 * hour);
	const { chatToken } = (await login(t)).body.data;
	t.advance(29 * 24 * hour);
	const renewed = await t.call<ChatToken>({
		as: 'key',
		method: 'POST',
		path: '/users/chat-token',
		body: { userId: t.person('superadmin').id },
		headers: { authorization: `Bearer ${chatToken}` },
	});
	expect(renewed.status).toBe(200);
});
