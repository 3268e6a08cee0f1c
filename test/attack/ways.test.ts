/**
 * The five ways to a chat token, each tried by everybody whom it is not for. In process, because some of it takes months.
 * Whoever is refused hears the same, whether the id exists or not.
 */
import { describe, expect, test } from 'bun:test';
import type { Ask } from '../blackbox/program-support.ts';
import { day, hour, type InProcess, inProcess, minute, outline } from './attack-support.ts';

const refused = 'identity_proof_required';
const nobody = 'user_01kj3zq0x5e6s8r1n6a2c4v7wd';

/** A visitor who has claimed and made a first call. */
const settled = async (at: InProcess, body: object = {}) => {
	const { id } = await at.visitor(body);
	const chatToken = await at.token(id);
	expect(await at.call(chatToken)).toBe('in');
	return { id, chatToken };
};
const vouched = async (at: InProcess, body: object = {}) => {
	const { id } = await at.vouched(body);
	return { id, chatToken: await at.token(id, { key: at.site.secretKey }) };
};
const admin = (at: InProcess, id: string, path: string, body?: unknown) =>
	at.data(`/admin/users/${id}${path}`, { key: at.site.secretKey, method: body ? 'PATCH' : 'POST', body });

describe('(a) the secret key', () => {
	test('of the user’s site gives a token for anybody there, and for nobody of another site', async () => {
		using at = await inProcess();
		const staff = await vouched(at, { role: 'staff' });
		const { id } = await settled(at);
		for (const known of [staff.id, id]) {
			expect(await at.mint(known, { key: at.site.secretKey })).toBe('token');
			expect(await at.mint(known, { key: at.other.secretKey })).toBe(refused);
		}
		expect(await at.mint(nobody, { key: at.site.secretKey })).toBe(refused);
	});
	test('is taken from no page, and not when it is altered, cut short or a publishable one', async () => {
		using at = await inProcess();
		const { id } = await settled(at);
		const key = at.site.secretKey;
		const tries: [string, Ask][] = [
			[refused, { key: at.site.publishableKey }],
			[refused, { key: at.other.publishableKey }],
			['invalid_key', { key: `${key}x` }],
			['invalid_key', { key: key.slice(0, -1) }],
			['invalid_key', { key: key.toLowerCase() }],
			['invalid_key', { key: key.replace('sk_', 'pk_') }],
			['invalid_key', { key: '' }],
			['invalid_key', { key: `${key}, ${at.site.publishableKey}` }],
			['invalid_key', { key: "' or 1=1 --" }],
			['secret_key_in_page', { key, headers: { origin: 'https://site.com' } }],
			['secret_key_in_page', { key, headers: { origin: 'https://evil.com' } }],
			['secret_key_in_page', { key, headers: { origin: 'null' } }],
			['secret_key_in_page', { key, headers: { 'sec-fetch-site': 'cross-site' } }],
			['secret_key_in_page', { key, headers: { 'sec-fetch-site': 'same-site' } }],
			['secret_key_in_page', { key, headers: { 'sec-fetch-site': 'something new' } }],
			['token', { key, headers: { origin: at.origin, 'sec-fetch-site': 'same-origin' } }],
			['token', { key, headers: { 'sec-fetch-site': 'none' } }],
		];
		for (const [outcome, ask] of tries) expect({ ask, outcome: await at.mint(id, ask) }).toEqual({ ask, outcome });
	});
	test('that was revoked is no key any more', async () => {
		using at = await inProcess();
		const { id } = await settled(at);
		const made = await at.services.sites.createKey('site.com', { kind: 'secret', label: 'lost' });
		expect(await at.mint(id, { key: made.key })).toBe('token');
		await at.services.sites.revokeKey('site.com', made.id);
		expect(await at.mint(id, { key: made.key })).toBe('invalid_key');
	});
	test('gives nothing for who is suspended or has deleted themselves', async () => {
		using at = await inProcess();
		const one = await settled(at);
		const two = await settled(at);
		await admin(at, one.id, '', { suspended: true });
		await at.data('/users/me', { method: 'DELETE', key: at.site.publishableKey, token: two.chatToken });
		expect(await at.mint(one.id, { key: at.site.secretKey })).toBe('user_suspended');
		expect(await at.mint(two.id, { key: at.site.secretKey })).toBe(refused);
	});
});

describe('(b) one’s own token', () => {
	test('gives a new one to its user, not to a peer, and not with the key of another site', async () => {
		using at = await inProcess();
		const one = await settled(at);
		const peer = await settled(at);
		expect(await at.mint(one.id, { token: one.chatToken })).toBe('token');
		expect(await at.mint(one.id, { token: one.chatToken, key: at.site.publishableKey })).toBe('token');
		expect(await at.mint(one.id, { token: one.chatToken, key: at.other.publishableKey })).toBe(refused);
		expect(await at.mint(one.id, { token: peer.chatToken })).toBe(refused);
		expect(await at.mint(one.id, { token: peer.chatToken, key: at.site.publishableKey })).toBe(refused);
	});
	test('does not after logout, after its tokens were revoked, and after a password was set', async () => {
		using at = await inProcess();
		const left = await settled(at);
		await at.data('/users/me/logout', { method: 'POST', key: at.site.publishableKey, token: left.chatToken });
		expect([await at.mint(left.id, { token: left.chatToken }), await at.call(left.chatToken)]).toEqual([
			refused,
			'token_revoked',
		]);
		const revoked = await settled(at);
		await admin(at, revoked.id, '/revoke-tokens');
		expect([await at.mint(revoked.id, { token: revoked.chatToken }), await at.call(revoked.chatToken)]).toEqual([
			refused,
			'token_revoked',
		]);
		const desk = await vouched(at, { role: 'staff', email: 'staff@site.com' });
		await at.services.passwords.setByOperator(desk.id, 'a fine long one', null);
		expect([await at.mint(desk.id, { token: desk.chatToken }), await at.call(desk.chatToken)]).toEqual([
			refused,
			'token_revoked',
		]);
	});
	test('does not while its user is suspended, and does again afterwards', async () => {
		using at = await inProcess();
		const one = await settled(at);
		const peer = await settled(at);
		await admin(at, one.id, '', { suspended: true, until: new Date(at.now + hour).toISOString() });
		expect([await at.mint(one.id, { token: one.chatToken }), await at.call(one.chatToken)]).toEqual([
			'user_suspended',
			'user_suspended',
		]);
		// that somebody is suspended is nobody else's to know
		expect(await at.mint(one.id)).toBe(refused);
		expect(await at.mint(one.id, { token: peer.chatToken })).toBe(refused);
		at.move(hour + 1_000);
		expect([await at.mint(one.id, { token: one.chatToken }), await at.call(one.chatToken)]).toEqual(['token', 'in']);
	});
	test('does not when its user is gone, and the same name again is somebody else', async () => {
		using at = await inProcess();
		const one = await settled(at, { username: 'phoenix' });
		await at.data('/users/me', { method: 'DELETE', key: at.site.publishableKey, token: one.chatToken });
		const next = await at.visitor({ username: 'phoenix' });
		expect(await at.mint(one.id, { token: one.chatToken })).toBe(refused);
		await at.token(next.id).then((chatToken) => at.call(chatToken));
		expect(await at.mint(next.id, { token: one.chatToken })).toBe(refused);
	});

	test('of an unverified user renews until 60 days past its end, and no later', async () => {
		using at = await inProcess();
		const one = await settled(at);
		at.move(30 * day);
		expect(await at.call(one.chatToken)).toBe('token_expired');
		at.move(60 * day - minute);
		expect(await at.mint(one.id, { token: one.chatToken })).toBe('token');
		at.move(2 * minute);
		expect(await at.mint(one.id, { token: one.chatToken })).toBe(refused);
	});
	test.each([
		['user', 90],
		['staff', 30],
		['superadmin', 30],
	] as const)(
		'of a verified %s renews only while it is valid, and within %d days of the last real proof',
		async (role, days) => {
			using at = await inProcess();
			const one = await vouched(at, { role });
			let { chatToken } = one;
			const renew = async () =>
				(await at.data('/users/chat-token', { token: chatToken, body: { userId: one.id } })).chatToken;
			// each renewal within 30 days, so that the token is always valid: what ends is the proof
			for (let age = 0; age + 29 < days; age += 29) {
				at.move(29 * day);
				chatToken = await renew();
				expect(await at.call(chatToken)).toBe('in');
			}
			at.move((days % 29) * day - minute);
			chatToken = await renew();
			at.move(2 * minute);
			expect(await at.call(chatToken)).toBe('in');
			expect(await at.mint(one.id, { token: chatToken })).toBe(refused);
			// a real proof begins anew
			chatToken = await at.token(one.id, { key: at.site.secretKey });
			at.move(29 * day);
			expect(await at.mint(one.id, { token: chatToken })).toBe('token');
		},
	);
	test.each(['user', 'staff'] as const)('of a verified %s does not once it has expired', async (role) => {
		using at = await inProcess();
		const one = await vouched(at, { role });
		at.move(30 * day - minute);
		expect(await at.mint(one.id, { token: one.chatToken })).toBe('token');
		at.move(2 * minute);
		expect(await at.mint(one.id, { token: one.chatToken })).toBe(refused);
	});
	test.each(['signed', 'server'] as const)('of an unverified user does not on a site that is %s', async (signup) => {
		using at = await inProcess();
		const one = await settled(at);
		const two = await vouched(at);
		await at.setSite({ signup });
		expect(await at.mint(one.id, { token: one.chatToken })).toBe(refused);
		expect(await at.call(one.chatToken)).toBe('in');
		expect(await at.mint(two.id, { token: two.chatToken })).toBe('token');
	});
});

describe('(c) the identity token', () => {
	const mint = async (
		at: InProcess,
		identityToken: string,
		more: object = {},
		ask: Ask = {},
	): Promise<{ user?: string; token?: string; code?: string }> => {
		const { status, body } = await at.ask('/users/chat-token', { ...ask, body: { identityToken, ...more } });
		return status === 200 ? { user: body.data.user.id, token: body.data.chatToken } : { code: body.code };
	};
	test('gives a token for the user whose external id it names, and for nobody else', async () => {
		using at = await inProcess();
		const one = await vouched(at, { externalId: '1' });
		const two = await vouched(at, { externalId: '2' });
		expect(await mint(at, at.identityToken('1'))).toMatchObject({ user: one.id });
		expect(await mint(at, at.identityToken('1'), { userId: one.id })).toMatchObject({ user: one.id });
		expect(await mint(at, at.identityToken('1'), { userId: two.id })).toEqual({ code: refused });
		expect(await mint(at, at.identityToken('1'), { userId: nobody })).toEqual({ code: refused });
		const made = await mint(at, at.identityToken(one.id));
		expect(made.user).toMatch(/^user_/);
		expect(made.user).not.toBe(one.id);
	});
	test('gives none for the desk, the suspended and the deleted', async () => {
		using at = await inProcess();
		const desk = await vouched(at, { role: 'admin', externalId: '1' });
		const suspended = await vouched(at, { externalId: '2' });
		const gone = await vouched(at, { externalId: '3' });
		await admin(at, suspended.id, '', { suspended: true });
		await at.data('/users/me', { method: 'DELETE', key: at.site.publishableKey, token: gone.chatToken });
		expect(await mint(at, at.identityToken('1'))).toEqual({ code: refused });
		expect(await mint(at, at.identityToken('1'), { userId: desk.id })).toEqual({ code: refused });
		expect(await mint(at, at.identityToken('2'))).toEqual({ code: 'user_suspended' });
		const anew = await mint(at, at.identityToken('3'));
		expect(anew.user).toMatch(/^user_/);
		expect(anew.user).not.toBe(gone.id);
	});
	test('is taken from pages of its own site only', async () => {
		using at = await inProcess();
		await vouched(at, { externalId: '1' });
		const from = (origin: string) => mint(at, at.identityToken('1'), {}, { headers: { origin } });
		expect(await from('https://evil.com')).toEqual({ code: 'origin_not_allowed' });
		expect(await from('https://site.com.evil.com')).toEqual({ code: 'origin_not_allowed' });
		expect(await from('https://evilsite.com')).toEqual({ code: 'origin_not_allowed' });
		expect(await from('null')).toEqual({ code: 'origin_not_allowed' });
		expect(await from('https://www.site.com')).toMatchObject({ user: expect.any(String) });
	});
	test('lets nobody who is suspended change their profile', async () => {
		using at = await inProcess();
		const one = await vouched(at, { externalId: '1' });
		await admin(at, one.id, '', { suspended: true });
		const identityToken = at.identityToken('1');
		const body = { resourceId: 'site.com', username: 'another', displayName: 'Another', identityToken };
		expect((await at.ask('/users', { body })).body.code).toBe('user_suspended');
		const { body: seen } = await at.ask(`/users/${one.id}`, { key: at.site.secretKey });
		expect(seen.data.displayName).toBeNull();
	});
	test('changes nothing about the desk', async () => {
		using at = await inProcess();
		const one = await vouched(at, { role: 'admin', externalId: '1', email: 'admin@site.com', username: 'boss of all' });
		const before = (await at.ask('/users/me', { key: at.site.publishableKey, token: one.chatToken })).body.data;
		const identityToken = at.identityToken('1');
		const body = { resourceId: 'site.com', username: 'another', email: 'evil@evil.com', identityToken };
		const answer = await at.ask('/users', { body });
		expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
		expect((await at.ask('/users/me', { key: at.site.publishableKey, token: one.chatToken })).body.data).toEqual(
			before,
		);
	});
	test('does not let its user write what is the site’s: metadata', async () => {
		using at = await inProcess();
		const one = await vouched(at, { externalId: '1', metadata: { plan: 'free' } });
		const identityToken = at.identityToken('1');
		const body = { resourceId: 'site.com', username: 'one', metadata: { plan: 'gold' }, identityToken };
		expect((await at.ask('/users', { body })).body.code).toBe('forbidden');
		const me = await at.ask('/users/me', { key: at.site.publishableKey, token: one.chatToken });
		expect(me.body.data.metadata).toEqual({ plan: 'free' });
	});
});

describe('(d) the claim', () => {
	test('is for a new user until the first call: the newest token works, earlier ones do not', async () => {
		using at = await inProcess();
		const { id } = await at.visitor();
		const first = await at.token(id);
		const second = await at.token(id);
		expect(await at.call(first)).toBe('token_revoked');
		expect(await at.call(second)).toBe('in');
		expect(await at.mint(id)).toBe(refused);
		expect(await at.mint(id, { token: first })).toBe(refused);
		expect(await at.mint(id, { token: second })).toBe('token');
	});
	test('is closed by renewing too', async () => {
		using at = await inProcess();
		const { id } = await at.visitor();
		const chatToken = await at.token(id);
		expect(await at.mint(id, { token: chatToken })).toBe('token');
		expect(await at.mint(id)).toBe(refused);
	});
	test('ends an hour after the user was made, to the second', async () => {
		using at = await inProcess();
		const early = await at.visitor();
		const late = await at.visitor();
		at.move(hour - 1_000);
		expect(await at.mint(early.id)).toBe('token');
		at.move(1_000);
		expect(await at.mint(late.id)).toBe(refused);
		expect(await at.mint(early.id)).toBe(refused);
	});
	test.each(['signed', 'server'] as const)('is not to be had on a site that is %s', async (signup) => {
		using at = await inProcess();
		const { id } = await at.visitor();
		await at.setSite({ signup });
		expect(await at.mint(id)).toBe(refused);
		await at.setSite({ signup: 'open' });
		expect(await at.mint(id)).toBe('token');
	});
	test.each(['user', 'staff', 'moderator', 'admin', 'superadmin'] as const)(
		'is not for a %s whom the site made',
		async (role) => {
			using at = await inProcess();
			const { id } = await at.vouched({ role });
			expect(await at.mint(id)).toBe(refused);
			expect(await at.mint(id, { key: at.site.publishableKey })).toBe(refused);
		},
	);
	test('is not for who came with an identity token, was suspended, or is of another site than the key', async () => {
		using at = await inProcess();
		const signed = await at.create({}, { resourceId: 'site.com', identityToken: at.identityToken('1') });
		expect(await at.mint(signed.id)).toBe(refused);
		const { id } = await at.visitor();
		expect(await at.mint(id, { key: at.other.publishableKey })).toBe(refused);
		expect(await at.mint(id, { key: at.other.secretKey })).toBe(refused);
		await admin(at, id, '', { suspended: true });
		expect(await at.mint(id)).toBe(refused);
		await admin(at, id, '', { suspended: false });
		expect(await at.mint(id)).toBe('token');
	});
	test('is closed by a server that acts as the user too: others may have learnt the id from what it did', async () => {
		using at = await inProcess();
		const { id } = await at.visitor();
		const me = await at.ask('/users/me', { key: at.site.secretKey, headers: { 'x-act-as': id } });
		expect(me.status).toBe(200);
		expect(await at.mint(id)).toBe(refused);
	});
});

describe('(e) the device', () => {
	const secure = { publicUrl: 'https://chat.test' };
	const own = { origin: 'https://chat.test' };
	/** Made in a browser on the server's own pages; already called, so that the claim is closed. */
	const inBrowser = async (at: InProcess, headers: Record<string, string> = own) => {
		const username = `visitor ${Math.random()}`;
		const answer = await at.ask('/users', { headers, body: { resourceId: 'site.com', username } });
		const { id } = answer.body.data;
		await at.call(await at.token(id));
		const setCookie = answer.headers.get('set-cookie');
		return { id, setCookie, cookie: setCookie?.split(';')[0] ?? '' };
	};
	test('that made a user gets a token again; another does not, nor one without the cookie', async () => {
		using at = await inProcess(secure);
		const one = await inBrowser(at);
		const two = await inBrowser(at);
		expect(one.setCookie).toMatch(
			/^__Host-parley-device=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
		);
		expect(one.cookie).not.toBe(two.cookie);
		const from = (cookie: string, headers: Record<string, string> = own) =>
			at.mint(one.id, { headers: { ...headers, cookie } });
		expect(await from(one.cookie)).toBe('token');
		expect(await from(`other=1; ${one.cookie}; more=2`)).toBe('token');
		for (const cookie of [
			'',
			two.cookie,
			one.cookie.slice(0, -1),
			`${one.cookie}x`,
			one.cookie.replace('__Host-', ''),
			one.cookie.replace('__Host-', '__host-'),
			`${two.cookie}; ${one.cookie}`,
			'__Host-parley-device=',
			`__Host-parley-device=${new Bun.CryptoHasher('sha256').update(one.cookie.split('=')[1] ?? '').digest('hex')}`,
		])
			expect({ cookie, outcome: await from(cookie) }).toEqual({ cookie, outcome: refused });
		expect(await at.mint(two.id, { headers: { ...own, cookie: one.cookie } })).toBe(refused);
	});
	test('counts on the server’s own pages only', async () => {
		using at = await inProcess(secure);
		const { id, cookie } = await inBrowser(at);
		for (const [origin, outcome] of [
			['https://site.com', refused],
			['http://chat.test', 'origin_not_allowed'],
			['https://chat.test:8443', 'origin_not_allowed'],
			['https://www.chat.test', 'origin_not_allowed'],
			['https://evil.com', 'origin_not_allowed'],
			['null', 'origin_not_allowed'],
		] as const)
			expect({ origin, outcome: await at.mint(id, { headers: { origin, cookie } }) }).toEqual({ origin, outcome });
		expect(await at.mint(id, { headers: { cookie } })).toBe(refused);
	});
	test('is not told apart over plain http, nor by a header that anybody can send', async () => {
		using at = await inProcess();
		const plain = { origin: at.origin };
		const spoken = { ...plain, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' };
		for (const headers of [plain, spoken, { ...spoken, forwarded: 'proto=https' }]) {
			const { id, setCookie } = await inBrowser(at, headers);
			expect(setCookie).toBeNull();
			const cookie = `__Host-parley-device=${'A'.repeat(43)}`;
			expect(await at.mint(id, { headers: { ...headers, cookie } })).toBe(refused);
		}
	});
	test('is for unverified users of an open site', async () => {
		using at = await inProcess(secure);
		const { id, cookie } = await inBrowser(at);
		const headers = { ...own, cookie };
		const vouchedFor = await at.ask('/users', { key: at.site.secretKey, headers, body: { username: 'vouched for' } });
		expect(vouchedFor.headers.get('set-cookie')).toBeNull();
		expect(await at.mint(vouchedFor.body.data.id, { headers })).toBe(refused);
		const desk = await at.vouched({ role: 'staff' });
		expect(await at.mint(desk.id, { headers })).toBe(refused);
		for (const signup of ['signed', 'server'] as const) {
			await at.setSite({ signup });
			expect(await at.mint(id, { headers })).toBe(refused);
		}
		await at.setSite({ signup: 'open' });
		await admin(at, id, '', { suspended: true });
		expect(await at.mint(id, { headers })).toBe(refused);
		await admin(at, id, '', { suspended: false });
		expect(await at.mint(id, { headers })).toBe('token');
		const chatToken = await at.token(id, { headers });
		await at.data('/users/me', { method: 'DELETE', key: at.site.publishableKey, token: chatToken });
		expect(await at.mint(id, { headers })).toBe(refused);
	});
	test('is not given to a page of another origin', async () => {
		using at = await inProcess(secure);
		for (const headers of [{ origin: 'https://site.com' }, {} as Record<string, string>])
			expect((await inBrowser(at, headers)).setCookie).toBeNull();
	});
});

describe('whoever is refused hears the same', () => {
	/** One of every kind whom a stranger might ask for. */
	const people = async (at: InProcess): Promise<Record<string, string>> => {
		const suspended = await settled(at);
		await admin(at, suspended.id, '', { suspended: true });
		const erased = await settled(at);
		await at.data('/users/me', { method: 'DELETE', key: at.site.publishableKey, token: erased.chatToken });
		const late = await at.visitor();
		at.move(hour);
		return {
			'a visitor': (await settled(at)).id,
			'a visitor who never came': late.id,
			'a vouched user': (await vouched(at)).id,
			'a superadmin': (await vouched(at, { role: 'superadmin' })).id,
			'somebody suspended': suspended.id,
			'somebody deleted': erased.id,
			'somebody of the other site': (await at.create({ key: at.other.secretKey })).id,
		};
	};
	const peers = async (at: InProcess): Promise<Record<string, Ask>> => {
		const peer = await settled(at);
		return {
			'with nothing': {},
			'with the publishable key': { key: at.site.publishableKey },
			'with a peer’s token': { token: peer.chatToken },
			'with a peer’s token and key': { key: at.site.publishableKey, token: peer.chatToken },
			'with a token that is none': { token: 'a.b.c' },
			'with a cookie': { headers: { cookie: `__Host-parley-device=${'A'.repeat(43)}` } },
			'from a page of the site': { headers: { origin: 'https://site.com' } },
			'from a page of the other site': { headers: { origin: 'https://other.com' } },
			'from a page of neither': { headers: { origin: 'https://evil.com' } },
			'from our own page': { headers: { origin: at.origin } },
			'with an identity token of somebody': { body: at.identityToken('somebody') },
		};
	};
	test('for every kind of user and for none, however they ask', async () => {
		using at = await inProcess();
		const known = await people(at);
		for (const [manner, { body: identityToken, ...ask }] of Object.entries(await peers(at))) {
			const answer = async (userId: string) =>
				outline(
					await at.ask('/users/chat-token', { ...ask, body: { userId, ...(identityToken ? { identityToken } : {}) } }),
				);
			const expected = await answer(nobody);
			expect(expected.status).toBe(manner === 'from a page of neither' ? 403 : 401);
			for (const [who, id] of Object.entries(known))
				expect({ manner, who, ...(await answer(id)) }).toEqual({ manner, who, ...expected });
			for (const text of ['x', 'user_', `${nobody}'`, '../users', known['a visitor']?.toUpperCase() ?? ''])
				expect({ manner, id: text, ...(await answer(text)) }).toEqual({ manner, id: text, ...expected });
		}
	});
	test('to the keys of the other site', async () => {
		using at = await inProcess();
		const known = await people(at);
		for (const key of [at.other.publishableKey, at.other.secretKey]) {
			const answer = async (userId: string) => outline(await at.ask('/users/chat-token', { key, body: { userId } }));
			const expected = await answer(nobody);
			for (const [who, id] of Object.entries(known))
				if (who !== 'somebody of the other site') expect({ who, ...(await answer(id)) }).toEqual({ who, ...expected });
		}
	});
	test('signing in: for a wrong password, an unknown address and an unknown site', async () => {
		using at = await inProcess();
		const { id } = await at.vouched({ role: 'admin', email: 'admin@site.com' });
		await at.services.passwords.setByOperator(id, 'a fine long one', null);
		const login = async (resourceId: string, email: string, password: string) =>
			outline(await at.ask('/auth/login', { body: { resourceId, email, password } }));
		const expected = await login('site.com', 'admin@site.com', 'a wrong long one');
		expect(expected.status).toBe(401);
		expect(await login('site.com', 'nobody@site.com', 'a fine long one')).toEqual(expected);
		expect(await login('nowhere.com', 'admin@site.com', 'a fine long one')).toEqual(expected);
		expect(await login('other.com', 'admin@site.com', 'a fine long one')).toEqual(expected);
	});
});
