import { describe, expect, test } from 'bun:test';
import { day, hour, minute, second } from '../../../src/kernel/clock.ts';
import type { FailureCode } from '../../../src/kernel/errors.ts';
import type { ChatToken, User } from '../../../src/modules/users/users.schema.ts';
import { type As, type Call, createTestApp, signJwt, type TestApp } from '../../support/test-app.ts';

const mint = (t: TestApp, as: As, body: object, headers: Record<string, string> = {}) =>
	t.call<ChatToken>({ as, method: 'POST', path: '/users/chat-token', body, headers });
/** The status of a mint, and the code of its refusal. */
const outcome = async (...args: Parameters<typeof mint>): Promise<[number, FailureCode | undefined]> => {
	const { status, body } = await mint(...args);
	return [status, body.code];
};
const granted: [number, undefined] = [200, undefined];
const proof: [number, FailureCode] = [401, 'identity_proof_required'];
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
/** What a call of this token's user is answered. */
const me = async (t: TestApp, token: string): Promise<[number, FailureCode | undefined]> => {
	const { status, body } = await t.call({ as: 'key', path: '/users/me', headers: bearer(token) });
	return [status, body.code];
};

describe('a chat token', () => {
	test('is a JWT by HS256 for 30 days that names site, user and version, and no role', async () => {
		using t = await createTestApp();
		const { id } = await t.visitor('vic', { used: false });
		const { body } = await mint(t, 'key', { userId: id });
		expect(body.data).toEqual({
			chatToken: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]{43}$/),
			expiresAt: '2026-03-31T12:00:00.000Z',
			user: { id, username: 'vic', role: 'user' },
		});
		const claims = claimsOf(body.data.chatToken);
		expect(Object.keys(claims).sort()).toEqual(['aud', 'auth_time', 'exp', 'iat', 'iss', 'jti', 'sub', 'ver']);
		expect(claims).toMatchObject({ iss: 'site.com', aud: 'site.com', sub: id, auth_time: t.clock() / second });
		expect(claims.exp).toBe((t.clock() + 30 * day) / second);
		expect(JSON.parse(Buffer.from(body.data.chatToken.split('.')[0] ?? '', 'base64url').toString()).alg).toBe('HS256');
	});
	test('ends after 30 days', async () => {
		using t = await createTestApp();
		const { token } = t.person('alice');
		t.advance(30 * day - second);
		expect(await me(t, token)).toEqual([200, undefined]);
		t.advance(second);
		expect(await me(t, token)).toEqual([401, 'token_expired']);
	});
	test('of another algorithm, secret, form or claim is invalid_token', async () => {
		using t = await createTestApp();
		const { token } = t.person('alice');
		const claims = claimsOf(token);
		const secret = t.config.tokenSecret ?? '';
		const good = (more: object = {}, key = secret, header = { alg: 'HS256', typ: 'JWT' }) =>
			signJwt({ ...claims, ...more }, key, header);
		expect(await me(t, good())).toEqual([200, undefined]);
		const [head = '', body = '', signature = ''] = token.split('.');
		const none = Buffer.from('{"alg":"none"}').toString('base64url');
		const without = (name: string) => good({ [name]: undefined });
		const wrong = [
			good({}, 'another secret that is long enough, too'),
			good({}, secret, { alg: 'HS384', typ: 'JWT' }),
			good({}, secret, { alg: 'HS512', typ: 'JWT' }),
			good({}, secret, { alg: 'none', typ: 'JWT' }),
			`${none}.${body}.`,
			`${none}.${body}.${signature}`,
			`${head}.${body}.`,
			`${head}.${body}`,
			`${token}=`,
			`${token}.x`,
			`${head}.${body}.${signature}A`,
			`${head}.${Buffer.from(JSON.stringify({ ...claims, sub: t.person('superadmin').id })).toString('base64url')}.${signature}`,
			...['exp', 'iat', 'sub', 'jti', 'ver', 'aud', 'iss', 'auth_time'].map(without),
			good({ ver: '1' }),
			good({ exp: '99999999999' }),
			good({ aud: ['site.com'] }),
			good({ iss: 'other.org' }),
			good({ sub: 'user_nobody' }),
			// an identity token is none
			t.identityToken('u-1'),
			'eyJ.eyJ.eyJ',
			'x',
			'a'.repeat(5_000),
		];
		const before = t.snapshot();
		for (const [i, each] of wrong.entries()) expect([i, ...(await me(t, each))]).toEqual([i, 401, 'invalid_token']);
		expect(t.snapshot()).toBe(before);
	});
	test('signed with the secret before the current one stays good', async () => {
		const previous = 'the secret before the current one, long enough';
		using t = await createTestApp({ tokenSecretPrevious: previous });
		expect(await me(t, signJwt(claimsOf(t.person('alice').token), previous))).toEqual([200, undefined]);
	});
	test('says nothing of the role: it is read from the user, and acts on the next call', async () => {
		using t = await createTestApp();
		const bob = t.person('bob').id;
		const suspend: Call = { as: 'alice', method: 'PATCH', path: `/admin/users/${bob}`, body: { suspended: true } };
		expect(await t.refused(suspend)).toEqual([403, 'forbidden']);
		await t.change('alice', { role: 'moderator' });
		expect((await t.call(suspend)).status).toBe(200);
		await t.change('alice', { role: 'user' });
		expect(await t.refused(suspend)).toEqual([403, 'forbidden']);
	});
});

describe('(a) the site’s server', () => {
	test('gets a token for any user of its site, desk included', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		for (const name of ['alice', 'superadmin', 'vic'])
			expect(await outcome(t, 'server', { userId: t.person(name).id })).toEqual(granted);
	});
	test('gets none for users of another site, unknown ones, or with a revoked key', async () => {
		using t = await createTestApp();
		expect(await outcome(t, 'server', { userId: t.person('other.alice').id })).toEqual(proof);
		expect(await outcome(t, 'server', { userId: 'user_00000000000000000000000000' })).toEqual(proof);
		const secret = t.services.sites.keys('site.com').find(({ kind }) => kind === 'secret');
		await t.services.sites.revokeKey('site.com', secret?.id ?? '');
		expect(await outcome(t, 'server', { userId: t.person('alice').id })).toEqual([401, 'invalid_key']);
	});
});

describe('(b) the user’s own token', () => {
	const renew = (t: TestApp, name: string, token = t.person(name).token) =>
		mint(t, 'key', { userId: t.person(name).id }, bearer(token));
	const renewal = async (t: TestApp, name: string, token?: string): Promise<[number, FailureCode | undefined]> => {
		const { status, body } = await renew(t, name, token);
		return [status, body.code];
	};
	test('of an unverified user renews up to 60 days past its end', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		t.advance(30 * day + 60 * day);
		expect(await renewal(t, 'vic')).toEqual(granted);
		t.advance(second);
		expect(await renewal(t, 'vic')).toEqual(proof);
	});
	test('of an unverified user renews in mode open only', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		for (const [signup, expected] of [
			['signed', proof],
			['server', proof],
			['open', granted],
		] as const) {
			await t.services.sites.set('site.com', { signup });
			expect(await renewal(t, 'vic')).toEqual(expected);
		}
	});
	test('of a verified user renews while it is valid, and within 90 days of the last real proof', async () => {
		using t = await createTestApp();
		const first = t.person('alice').token;
		let token = first;
		for (let i = 0; i < 3; i++) {
			t.advance(29 * day);
			const { body } = await renew(t, 'alice', token);
			token = body.data.chatToken;
			// the time of proof is carried over, or a stolen token could be kept alive for ever
			expect(claimsOf(token).auth_time).toBe(claimsOf(first).auth_time);
		}
		t.advance(3 * day);
		expect(await renewal(t, 'alice', token)).toEqual(granted);
		t.advance(second);
		expect(await renewal(t, 'alice', token)).toEqual(proof);
		expect((await me(t, token))[0]).toBe(200);
	});
	test('that has expired does not renew a verified user', async () => {
		using t = await createTestApp();
		t.advance(30 * day);
		expect(await renewal(t, 'alice')).toEqual(proof);
	});
	test('of a desk user renews within 30 days of the last real proof', async () => {
		using t = await createTestApp();
		t.advance(15 * day);
		const { body } = await renew(t, 'staff');
		t.advance(15 * day);
		expect(await renewal(t, 'staff', body.data.chatToken)).toEqual(granted);
		t.advance(second);
		expect(await renewal(t, 'staff', body.data.chatToken)).toEqual(proof);
	});
	test('of somebody else, another version, a revoked or suspended or erased user gives none', async () => {
		using t = await createTestApp();
		expect(await renewal(t, 'bob', t.person('alice').token)).toEqual(proof);
		expect(await renewal(t, 'alice', t.person('other.alice').token)).toEqual(proof);
		const { token } = t.person('alice');
		await t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${t.person('alice').id}/revoke-tokens` });
		expect(await renewal(t, 'alice', token)).toEqual(proof);
		await t.change('bob', { suspendedAt: t.clock() });
		expect(await renewal(t, 'bob')).toEqual([403, 'user_suspended']);
		await t.ok({ as: 'carol', method: 'DELETE', path: '/users/me' });
		expect(await renewal(t, 'carol')).toEqual(proof);
	});
	test('that was logged out gives none', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		await t.ok({ as: 'vic', method: 'POST', path: '/users/me/logout' });
		expect(await renewal(t, 'vic')).toEqual(proof);
	});
});

describe('(c) an identity token', () => {
	test('gives a token to the user whose externalId is its sub, and makes them the first time, verified, of role user', async () => {
		using t = await createTestApp();
		const reply = await t.scenario<ChatToken>({
			as: 'key',
			method: 'POST',
			path: '/users/chat-token',
			body: { identityToken: t.identityToken('u-1', { role: 'superadmin', username: 'root', ver: 7 }) },
			expect: { status: 200, body: { data: { user: { username: 'u-1', role: 'user' } } }, events: ['user.created'] },
		});
		const again = await mint(t, 'nobody', { identityToken: t.identityToken('u-1') });
		expect(again.body.data.user).toEqual(reply.data.user);
		const user = await t.call<User>({ as: 'key', path: '/users/me', headers: bearer(reply.data.chatToken) });
		expect(user.body.data).toMatchObject({ externalId: 'u-1', verified: true, role: 'user' });
	});
	test('50 at once for a new sub make one user', async () => {
		using t = await createTestApp();
		const body = { identityToken: t.identityToken('u-1') };
		const replies = await Promise.all(Array.from({ length: 50 }, () => mint(t, 'key', body)));
		expect(new Set(replies.map(({ body }) => body.data.user.id)).size).toBe(1);
	});
	test('of a sub that is no username, or one that is held, makes another name', async () => {
		using t = await createTestApp();
		const name = async (sub: string) =>
			(await mint(t, 'key', { identityToken: t.identityToken(sub) })).body.data.user.username;
		expect(await name('a/b')).toMatch(/^user-\w{4}$/);
		expect(await name('alice')).toMatch(/^alice-\w{4}$/);
		await t.visitor('vic');
		expect(await name('vic')).toBe('vic');
		expect((await t.ok<User>({ as: 'vic', path: '/users/me' })).username).toMatch(/^vic-\w{4}$/);
	});
	test('never mints for the desk, nor for a userId that is not its own', async () => {
		using t = await createTestApp();
		await t.ok({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: { username: 'stu', role: 'staff', externalId: 'u-9' },
		});
		expect(await outcome(t, 'key', { identityToken: t.identityToken('u-9') })).toEqual(proof);
		expect(
			await outcome(t, 'key', { identityToken: t.identityToken(t.person('alice').id), userId: t.person('alice').id }),
		).toEqual(proof);
		expect(await outcome(t, 'key', { identityToken: t.identityToken('u-1'), userId: t.person('alice').id })).toEqual(
			proof,
		);
		// a refused one leaves nobody behind
		expect(t.rows("select * from users where external_id = 'u-1'")).toEqual([]);
	});
	test('must be signed by the site’s identity secret, by HS256, for this site, for an hour at most, and now', async () => {
		using t = await createTestApp();
		const now = t.clock() / second;
		const ok = (claims: object) => t.identityToken('u-1', claims);
		for (const good of [
			{},
			{ iat: now - 3_600, exp: now },
			{ iat: now - 3_660, exp: now - 60 },
			{ iat: now + 60, exp: now + 100 },
			{ iat: now, exp: now + 3_600 },
			{ nbf: now + 60 },
		])
			expect([good, ...(await outcome(t, 'key', { identityToken: ok(good) }))]).toEqual([good, ...granted]);
		const before = t.snapshot();
		for (const bad of [
			{ exp: now - 61, iat: now - 600 },
			{ iat: now + 61, exp: now + 100 },
			{ iat: now, exp: now + 3_601 },
			{ exp: undefined },
			{ iat: undefined },
			{ iat: now, exp: now },
			{ exp: String(now + 60) },
			{ aud: 'site.com' },
			{ aud: undefined },
			{ aud: ['chat-identity'] },
			{ iss: 'nowhere.test' },
			{ iss: undefined },
			{ sub: '' },
			{ sub: ' ' },
			{ sub: 7 },
			{ sub: undefined },
			{ sub: 'x'.repeat(129) },
			{ sub: 'a\u0000b' },
			{ nbf: now + 61 },
			{ nbf: 'x' },
		])
			expect([bad, ...(await outcome(t, 'key', { identityToken: ok(bad) }))]).toEqual([
				bad,
				401,
				'invalid_identity_token',
			]);
		const claims = { sub: 'u-2', iss: 'site.com', aud: 'chat-identity', iat: now, exp: now + 60 };
		for (const identityToken of [
			signJwt(claims, t.other.identitySecret),
			signJwt(claims, t.home.secretKey),
			signJwt(claims, t.config.tokenSecret ?? ''),
			signJwt(claims, t.home.identitySecret, { alg: 'HS512', typ: 'JWT' }),
			signJwt(claims, t.home.identitySecret, { alg: 'none', typ: 'JWT' }),
			signJwt({ ...claims, iss: 'other.org' }, t.home.identitySecret),
			t.person('alice').token,
			'x',
			'a.b.c',
		]) {
			const [status, code] = await outcome(t, 'nobody', { identityToken });
			expect([identityToken.slice(0, 9), status, code]).toEqual([
				identityToken.slice(0, 9),
				401,
				'invalid_identity_token',
			]);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('of another site than the key’s is wrong_site', async () => {
		using t = await createTestApp();
		expect(await outcome(t, 'key', { identityToken: t.identityToken('u-1', {}, t.other) })).toEqual([
			401,
			'wrong_site',
		]);
	});
	test('ends when the identity secret is changed', async () => {
		using t = await createTestApp();
		const identityToken = t.identityToken('u-1');
		await t.services.sites.rotateIdentitySecret('site.com');
		expect(await outcome(t, 'key', { identityToken })).toEqual([401, 'invalid_identity_token']);
	});
	test('gives none to a suspended user', async () => {
		using t = await createTestApp();
		await t.change('alice', { externalId: 'u-1', suspendedAt: t.clock() });
		expect(await outcome(t, 'key', { identityToken: t.identityToken('u-1') })).toEqual([403, 'user_suspended']);
	});
});

describe('(d) the claim', () => {
	const userOf = async (t: TestApp, username: string) =>
		(await t.ok<User>({ as: 'key', method: 'POST', path: '/users', body: { username } })).id;
	test('is the flow of the first page: create, get a token, call', async () => {
		using t = await createTestApp();
		const userId = await userOf(t, 'john_doe');
		const reply = await t.scenario<ChatToken>({
			as: 'nobody',
			method: 'POST',
			path: '/users/chat-token',
			body: { userId },
			expect: { status: 200, events: ['user.revoked'] },
		});
		expect(await me(t, reply.data.chatToken)).toEqual([200, undefined]);
	});
	test('each claim ends the token of the one before', async () => {
		using t = await createTestApp();
		const userId = await userOf(t, 'vic');
		const first = (await mint(t, 'nobody', { userId })).body.data.chatToken;
		const second = (await mint(t, 'nobody', { userId })).body.data.chatToken;
		expect(await me(t, first)).toEqual([401, 'token_revoked']);
		expect(await me(t, second)).toEqual([200, undefined]);
	});
	test('is over after an hour', async () => {
		using t = await createTestApp();
		const userId = await userOf(t, 'vic');
		t.advance(hour - 1);
		expect(await outcome(t, 'nobody', { userId })).toEqual(granted);
		t.advance(1);
		expect(await outcome(t, 'nobody', { userId })).toEqual(proof);
	});
	test('is over for ever with the first authenticated call, also with one that is refused', async () => {
		using t = await createTestApp();
		const userId = await userOf(t, 'vic');
		const { chatToken } = (await mint(t, 'nobody', { userId })).body.data;
		const reply = await t.call({ as: 'key', path: '/p2p/conversations/conv_unknown', headers: bearer(chatToken) });
		expect(reply.status).toBe(404);
		expect(await outcome(t, 'nobody', { userId })).toEqual(proof);
		// renewing counts as a call, too
		const other = await userOf(t, 'vera');
		const token = (await mint(t, 'nobody', { userId: other })).body.data.chatToken;
		expect(await outcome(t, 'key', { userId: other }, bearer(token))).toEqual(granted);
		expect(await outcome(t, 'nobody', { userId: other })).toEqual(proof);
	});
	test('50 first calls and 50 claims at once leave one token that works', async () => {
		using t = await createTestApp();
		const userId = await userOf(t, 'vic');
		const tokens = await Promise.all(
			Array.from({ length: 50 }, async () => (await mint(t, 'nobody', { userId })).body.data.chatToken),
		);
		const answers = await Promise.all(tokens.map((token) => me(t, token)));
		expect(answers.filter(([status]) => status === 200).length).toBe(1);
		expect(answers.filter(([, code]) => code === 'token_revoked').length).toBe(49);
	});
	test('and a first call at once: one of them wins, never both', async () => {
		using t = await createTestApp();
		const wins = { claim: 0, call: 0 };
		for (let i = 0; i < 40; i++) {
			const userId = await userOf(t, `v${i}`);
			const { chatToken } = (await mint(t, 'nobody', { userId })).body.data;
			const wait = async (turns: number) => {
				for (let n = 0; n < turns; n++) await null;
			};
			// a turn more or less decides which of them reads and which of them writes first
			const [called, claimed] = await Promise.all([
				wait(i % 20).then(() => me(t, chatToken)),
				wait(20 - (i % 20)).then(() => outcome(t, 'nobody', { userId })),
			]);
			expect([i, called[0], claimed[0]].slice(1).sort()).toEqual([200, 401]);
			wins[called[0] === 200 ? 'call' : 'claim']++;
		}
		expect(wins.claim + wins.call).toBe(40);
	});
	test('is not for verified users, the desk, or other modes than open', async () => {
		using t = await createTestApp();
		await t.ok({ as: 'server', method: 'POST', path: '/users', body: { username: 'vera' } });
		const [{ id } = { id: '' }] = t.rows<{ id: string }>("select id from users where username = 'vera'");
		expect(await outcome(t, 'nobody', { userId: id })).toEqual(proof);
		const made = await t.ok<User>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: { username: 'stu', role: 'staff' },
		});
		expect(await outcome(t, 'nobody', { userId: made.id })).toEqual(proof);
		const visitor = await userOf(t, 'vic');
		for (const signup of ['signed', 'server'] as const) {
			await t.services.sites.set('site.com', { signup });
			expect(await outcome(t, 'nobody', { userId: visitor })).toEqual(proof);
		}
	});
	test('is refused in the same words for whoever is not to be claimed, known or not, and changes nothing', async () => {
		using t = await createTestApp();
		const texts = new Set<string>();
		const before = t.snapshot();
		for (const userId of [
			t.person('alice').id,
			t.person('superadmin').id,
			t.person('other.bob').id,
			'user_00000000000000000000000000',
			'x',
		]) {
			const { status, body } = await mint(t, 'key', { userId });
			expect(status).toBe(401);
			texts.add(JSON.stringify({ ...body, requestId: '' }));
		}
		expect(texts.size).toBe(1);
		expect(t.snapshot()).toBe(before);
	});
	test('is refused to a suspended visitor in those words, too', async () => {
		using t = await createTestApp();
		await t.visitor('vic', { used: false });
		await t.change('vic', { suspendedAt: t.clock() });
		expect(await outcome(t, 'nobody', { userId: t.person('vic').id })).toEqual(proof);
	});
});

describe('the end of a token', () => {
	test('logout ends this one, and no other of the user', async () => {
		using t = await createTestApp();
		const one = t.person('alice').token;
		const two = await t.renew('alice');
		const body = { as: 'key', method: 'POST', path: '/users/me/logout', headers: bearer(one) };
		await t.scenario({
			...body,
			expect: { status: 200, body: { data: { done: true } }, events: [{ type: 'user.revoked', userA: 'alice' }] },
		});
		expect(await me(t, one)).toEqual([401, 'token_revoked']);
		expect(await me(t, two)).toEqual([200, undefined]);
		expect(await t.refused(body)).toEqual([401, 'token_revoked']);
		// it is forgotten when it would have ended anyway
		t.advance(31 * day);
		await t.services.users.purge();
		expect(t.rows('select * from ended_tokens')).toEqual([]);
	});
	test('the server that acts as a user has no token to end', async () => {
		using t = await createTestApp();
		const headers = { 'x-act-as': t.person('alice').id };
		expect(await t.refused({ as: 'server', method: 'POST', path: '/users/me/logout', headers })).toEqual([
			401,
			'user_token_required',
		]);
	});
	test('revoke-tokens ends all of them', async () => {
		using t = await createTestApp();
		const tokens = [t.person('alice').token, await t.renew('alice'), await t.renew('alice')];
		await t.scenario({
			as: 'admin',
			method: 'POST',
			path: `/admin/users/${t.person('alice').id}/revoke-tokens`,
			expect: { status: 200, events: [{ type: 'user.revoked', userA: 'alice' }] },
		});
		for (const token of tokens) expect(await me(t, token)).toEqual([401, 'token_revoked']);
		await t.renew('alice');
		expect(await me(t, t.person('alice').token)).toEqual([200, undefined]);
	});
});

describe('suspension', () => {
	const suspend = (t: TestApp, as: As, name: string, body: object) =>
		t.call<User>({ as, method: 'PATCH', path: `/admin/users/${t.person(name).id}`, body });
	test('acts on the next call, says until when, and ends by itself', async () => {
		using t = await createTestApp();
		const until = new Date(t.clock() + hour).toISOString();
		const { body } = await suspend(t, 'moderator', 'alice', { suspended: true, until, reason: 'spam' });
		expect(body.data).toMatchObject({ suspended: true, suspendedUntil: until });
		// the reason is for the desk: it is in no answer to a user
		const reply = await t.call({ as: 'alice', path: '/users/me' });
		expect([reply.status, reply.body.code]).toEqual([403, 'user_suspended']);
		expect(reply.body as object).toMatchObject({ until });
		expect(JSON.stringify(reply.body)).not.toContain('spam');
		t.advance(hour - 1);
		expect(await t.refused({ as: 'alice', path: '/users/me' })).toEqual([403, 'user_suspended']);
		t.advance(1);
		expect((await t.ok<User>({ as: 'alice', path: '/users/me' })).suspended).toBe(false);
	});
	test('without an end lasts until it is taken back', async () => {
		using t = await createTestApp();
		await suspend(t, 'moderator', 'alice', { suspended: true });
		t.advance(20 * day);
		const reply = await t.call({ as: 'alice', path: '/users/me' });
		expect(reply.body as object).toMatchObject({ code: 'user_suspended', until: null });
		await t.scenario({
			as: 'moderator',
			method: 'PATCH',
			path: `/admin/users/${t.person('alice').id}`,
			body: { suspended: false },
			expect: { status: 200, events: [{ type: 'user.updated', userA: 'alice' }] },
		});
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(200);
	});
	test('that would be over already, or ends at no time, is refused', async () => {
		using t = await createTestApp();
		for (const until of [new Date(t.clock()).toISOString(), '2020-01-01T00:00:00Z', 'tomorrow', '', 7])
			expect((await suspend(t, 'moderator', 'alice', { suspended: true, until })).body.code).toBe('invalid_request');
		expect((await t.call({ as: 'alice', path: '/users/me' })).status).toBe(200);
	});
	test('the site’s server may act as nobody who is suspended', async () => {
		using t = await createTestApp();
		await suspend(t, 'server', 'alice', { suspended: true });
		expect(await t.refused({ as: 'server', path: '/users/me', headers: { 'x-act-as': t.person('alice').id } })).toEqual(
			[403, 'user_suspended'],
		);
	});
	test('reaches nobody of one’s own rank or above, and never the last superadmin', async () => {
		using t = await createTestApp();
		for (const name of ['moderator', 'admin', 'superadmin'])
			expect((await suspend(t, 'moderator', name, { suspended: true })).body.code).toBe('rank_too_low');
		expect((await suspend(t, 'superadmin', 'superadmin', { suspended: true })).body.code).toBe('rank_too_low');
		expect((await suspend(t, 'server', 'superadmin', { suspended: true })).body.code).toBe('last_superadmin');
		await t.add('second', { role: 'superadmin' });
		expect((await suspend(t, 'second', 'superadmin', { suspended: true })).status).toBe(200);
		expect((await suspend(t, 'server', 'second', { suspended: true })).body.code).toBe('last_superadmin');
		// a suspension that ends makes an active one again
		t.advance(minute);
		await suspend(t, 'server', 'superadmin', { suspended: false });
		expect((await suspend(t, 'server', 'second', { suspended: true })).status).toBe(200);
	});
	test('50 at once of two superadmins leave one of them active', async () => {
		using t = await createTestApp();
		await t.add('second', { role: 'superadmin' });
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => suspend(t, 'server', i % 2 ? 'superadmin' : 'second', { suspended: true })),
		);
		expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 409]));
		expect(
			t.rows(
				"select count(*) as n from users where site = ? and role = 'superadmin' and suspended_at is null",
				t.home.pk,
			),
		).toEqual([{ n: 1 }]);
	});
});
