import { describe, expect, test } from 'bun:test';
import pino from 'pino';
import { day, minute, second } from '../../src/kernel/clock.ts';
import { connectionsPerUserMax, firstFrameBytesMax, strangersPerAddressMax } from '../../src/kernel/limits.ts';
import { bareSocket, wire } from '../support/bare-socket.ts';
import { authOf, openSocket, signIn, tokenOf } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** Who may connect, and how somebody is told that they may not. */

/** answer is what a first frame is answered by: `[the error's code, the close code]`, the error before the end. */
const answer = async (url: string, frame: object | string, headers: Record<string, string> = {}) => {
	const socket = await openSocket(url, { headers });
	socket.say(frame);
	const first = await socket.next();
	if (first.type === 'end') return [null, first.code];
	if (first.type !== 'error') return [first.type];
	const { code } = await socket.ended();
	return [first.code, code];
};
const onlineOf = (t: TestApp, name: string) =>
	t.services.users.presenceOf(t.person(name).site.pk, t.person(name).pk).online;
/** emptied waits until the server has heard of every end: those who were cut off are noticed a moment later. */
const emptied = async (t: TestApp) => {
	for (let i = 0; i < 2_000 && t.services.realtime.connections.all.size > 0; i++) await Bun.sleep(1);
	expect(t.services.realtime.connections.all.size).toBe(0);
};
describe('the first frame', () => {
	test('must be there within five seconds: 4408', async () => {
		using t = await createTestApp();
		const socket = await openSocket(t.listen().url, { waitMs: 12_000 });
		const begun = performance.now();
		expect(await socket.next()).toEqual({ type: 'end', code: 4408, reason: 'too_late' });
		expect(performance.now() - begun).toBeGreaterThan(4_500);
	}, 15_000);
	test('may have 4 KB and no byte more: 1009', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const auth = JSON.stringify(authOf(t.person('alice')));
		expect(await answer(url, auth.padEnd(firstFrameBytesMax))).toEqual(['ready']);
		expect(await answer(url, auth.padEnd(firstFrameBytesMax + 1))).toEqual([null, 1009]);
		expect(await answer(url, `"${'é'.repeat(firstFrameBytesMax / 2)}"`)).toEqual([null, 1009]);
	});
	test('must be auth: 4401 for anything else', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const id = await t.conversation('alice', 'bob');
		const message = { type: 'message', conversationId: id, content: { text: 'x' }, clientMessageId: '1' };
		for (const frame of [{ type: 'ping' }, { type: 'watch', conversationId: id }, message])
			expect(await answer(url, frame)).toEqual(['sign_in_first', 4401]);
		for (const frame of [{ type: 'auth' }, { type: 'hello' }, {}, [], 'null', '"auth"', '1'])
			expect(await answer(url, frame)).toEqual(['invalid_frame', 4401]);
		for (const frame of ['', 'auth', '{"type":"auth"', '{} {}'])
			expect(await answer(url, frame)).toEqual(['invalid_json', 4401]);
	});
	test('of binary is not read: 1003', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port);
		socket.say(JSON.stringify(authOf(t.person('alice'))), { opcode: 2 });
		expect(await socket.closed()).toBe(1003);
	});
	test('has no second one before ready: 4401, and nobody is signed in', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port);
		// note: who was here before is known again in no time; a new token takes a moment
		const auth = wire(JSON.stringify(authOf({ ...t.person('alice'), token: tokenOf(t, t.person('alice')) })));
		socket.write(Buffer.concat([auth, wire(JSON.stringify({ type: 'ping' }))]));
		expect(await socket.json()).toMatchObject({ type: 'error', code: 'sign_in_first' });
		expect(await socket.closed()).toBe(4401);
		await socket.gone();
		await t.written();
		expect([t.services.realtime.connections.all.size, onlineOf(t, 'alice')]).toEqual([0, false]);
	});
	test('comes once: a second auth is refused, and the connection stays who it is', async () => {
		using t = await createTestApp();
		const socket = await signIn(t.listen().url, t.person('alice'));
		socket.say(authOf(t.person('bob')));
		expect(await socket.next()).toMatchObject({ type: 'error', code: 'invalid_frame' });
		expect(await socket.quiet()).toEqual([]);
		expect([onlineOf(t, 'alice'), onlineOf(t, 'bob')]).toEqual([true, false]);
	});
});

describe('key and token', () => {
	test('that are good: ready says who one is', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		for (const name of ['alice', 'staff', 'other.alice']) {
			const { id, username, role } = t.person(name);
			const socket = await openSocket(url);
			socket.say(authOf(t.person(name)));
			expect((await socket.next('ready')).user).toEqual({ id, username, role });
		}
	});
	test('that are not good: 4401, and an error that says why', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const { token, site } = t.person('alice');
		const auth = (changes: object) => ({ type: 'auth', token, apiKey: site.publishableKey, ...changes });
		const [head, claims, signature = ''] = token.split('.');
		const flipped = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
		const cases: [object, string][] = [
			[{ apiKey: 'pk_unknown' }, 'invalid_key'],
			[{ apiKey: token.slice(0, 128) }, 'invalid_key'],
			[{ apiKey: t.other.publishableKey }, 'wrong_site'],
			[{ token: t.person('other.alice').token }, 'wrong_site'],
			[{ token: 'x' }, 'invalid_token'],
			[{ token: site.publishableKey }, 'invalid_token'],
			[{ token: flipped }, 'invalid_token'],
			[{ token: `Bearer ${token}` }, 'invalid_token'],
			[{ token: tokenOf(t, t.person('alice'), {}, 'another secret of another server, as long') }, 'invalid_token'],
			[{ token: tokenOf(t, t.person('alice'), { sub: 'user_01kj3ztb1b2c3d4e5f6g7h8jkm' }) }, 'invalid_token'],
			[{ token: tokenOf(t, t.person('alice'), { exp: Math.floor(t.clock() / second) }) }, 'token_expired'],
			[{ token: tokenOf(t, t.person('alice'), { ver: 7 }) }, 'token_revoked'],
		];
		for (const [changes, code] of cases) expect([code, await answer(url, auth(changes))]).toEqual([code, [code, 4401]]);
		expect(await answer(url, auth({}))).toEqual(['ready']);
	});
	test('the token has expired, or was revoked: 4401', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		await t.ok({ as: 'alice', method: 'POST', path: '/users/me/logout' });
		expect(await answer(url, authOf(t.person('alice')))).toEqual(['token_revoked', 4401]);
		await t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${t.person('bob').id}/revoke-tokens` });
		expect(await answer(url, authOf(t.person('bob')))).toEqual(['token_revoked', 4401]);
		t.advance(31 * day);
		expect(await answer(url, authOf(t.person('carol')))).toEqual(['token_expired', 4401]);
	});
	test('the key was revoked: 4401', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const { id, key } = await t.services.sites.createKey('site.com', { kind: 'publishable', label: 'shop' });
		const auth = { ...authOf(t.person('alice')), apiKey: key };
		expect(await answer(url, auth)).toEqual(['ready']);
		await t.services.sites.revokeKey('site.com', id);
		expect(await answer(url, auth)).toEqual(['invalid_key', 4401]);
	});
	test('of somebody suspended: 4403, until the suspension ends', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const until = new Date(t.clock() + 5 * minute).toISOString();
		const { id } = t.person('alice');
		await t.ok({ as: 'moderator', method: 'PATCH', path: `/admin/users/${id}`, body: { suspended: true, until } });
		expect(await answer(url, authOf(t.person('alice')))).toEqual(['user_suspended', 4403]);
		t.advance(6 * minute);
		expect((await answer(url, { ...authOf(t.person('alice')), token: await t.renew('alice') }))[0]).toBe('ready');
	});
	test('a secret key signs in from a server, and never from a page', async () => {
		using t = await createTestApp();
		const { url, port } = t.listen();
		const auth = { ...authOf(t.person('alice')), apiKey: t.home.secretKey };
		expect(await answer(url, auth)).toEqual(['ready']);
		for (const origin of ['https://site.com', 'https://evil.example', 'null'])
			expect([origin, await answer(url, auth, { origin })]).toEqual([origin, ['secret_key_in_page', 4401]]);
		expect(await answer(url, auth, { origin: `http://127.0.0.1:${port}` })).toEqual(['ready']);
	});
	test('in the address are not taken, nor in the headers', async () => {
		using t = await createTestApp();
		const { token, site } = t.person('alice');
		const query = `token=${token}&apiKey=${site.publishableKey}`;
		const fields = { authorization: `Bearer ${token}`, 'x-api-key': site.publishableKey };
		const socket = await bareSocket(t.listen().port, { path: `/api/v1/realtime?${query}`, fields });
		socket.say(JSON.stringify({ type: 'ping' }));
		expect(await socket.json()).toMatchObject({ type: 'error', code: 'sign_in_first' });
		expect(await socket.closed()).toBe(4401);
	});
	test('stand in no line of the log, whatever is done with them', async () => {
		const lines: string[] = [];
		const log = pino({ base: null, level: 'trace' }, { write: (line: string) => void lines.push(line) });
		using t = await createTestApp({ accessLog: 'on' }, { log });
		const { url, port } = t.listen();
		const { token, site } = t.person('alice');
		const socket = await signIn(url, t.person('alice'));
		await answer(url, { ...authOf(t.person('alice')), apiKey: t.home.secretKey }, { origin: 'https://evil.example' });
		await answer(url, { type: 'auth', token: 'token-secret', apiKey: 'key-secret' });
		await answer(url, '{"type":"auth","token":"token-secret');
		const bare = await bareSocket(port, { path: `/api/v1/realtime?token=${token}` });
		bare.say(JSON.stringify({ type: 'ping' }));
		await bare.closed();
		await t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${t.person('alice').id}/revoke-tokens` });
		await socket.ended();
		await fetch(`${url}/health`);
		while (!lines.some((line) => line.includes('/health'))) await Bun.sleep(1);
		expect(lines.filter((line) => line.includes('/api/v1/realtime')).length).toBeGreaterThanOrEqual(5);
		const written = lines.join('\n');
		for (const secret of [token, token.split('.')[2] ?? token, site.publishableKey, t.home.secretKey, '-secret'])
			expect(written).not.toContain(secret);
	});
});

describe('the page', () => {
	test('of a foreign origin is let in to say who it is, and then refused: 4403', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		for (const origin of ['https://evil.example', 'https://site.com.evil.example', 'https://other.org', 'null', 'x'])
			expect([origin, await answer(url, authOf(t.person('alice')), { origin })]).toEqual([
				origin,
				['origin_not_allowed', 4403],
			]);
	});
	test('of the site, of its subdomains, of the server itself, or none at all, signs in', async () => {
		using t = await createTestApp();
		const { url, port } = t.listen();
		for (const origin of ['https://site.com', 'https://www.site.com', `http://127.0.0.1:${port}`])
			expect([origin, await answer(url, authOf(t.person('alice')), { origin })]).toEqual([origin, ['ready']]);
		expect(await answer(url, authOf(t.person('alice')))).toEqual(['ready']);
	});
});

describe('the upgrade', () => {
	test('a call without it is 426, and says what to do', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const response = await fetch(`${url}/api/v1/realtime`);
		expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
		expect(((await response.json()) as { code: string }).code).toBe('upgrade_required');
		expect((await fetch(`${url}/api/v1/realtime`, { method: 'POST' })).status).toBe(405);
	});
	test('that fails is not counted as a connection of its address', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		for (const field of ['sec-websocket-version', 'sec-websocket-key', 'upgrade'])
			for (let i = 0; i <= strangersPerAddressMax; i++) {
				const socket = await bareSocket(port, { fields: { [field]: field === 'upgrade' ? 'h2c' : null } });
				expect(socket.status).toBe(426);
			}
		expect((await bareSocket(port)).status).toBe(101);
	});
});

describe('too many', () => {
	test('the eleventh connection of a user is 4429; the ten stay, and one that goes makes room', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const sockets = await Promise.all(
			Array.from({ length: connectionsPerUserMax }, () => signIn(url, t.person('alice'))),
		);
		expect(await answer(url, authOf(t.person('alice')))).toEqual(['too_many_connections', 4429]);
		expect(await answer(url, authOf(t.person('bob')))).toEqual(['ready']);
		for (const socket of sockets) expect(await socket.quiet()).toEqual([]);
		sockets[0]?.close();
		await sockets[0]?.ended();
		expect(await answer(url, authOf(t.person('alice')))).toEqual(['ready']);
	});
	test('the twenty-first of one address that has not signed in is 429 before the upgrade', async () => {
		using t = await createTestApp();
		const { url, port } = t.listen();
		const signedIn = await Promise.all(['alice', 'bob', 'carol'].map((name) => signIn(url, t.person(name))));
		const strangers = await Promise.all(Array.from({ length: strangersPerAddressMax }, () => bareSocket(port)));
		expect(strangers.map(({ status }) => status)).toEqual(strangers.map(() => 101));
		const next = await bareSocket(port);
		expect(next.status).toBe(429);
		expect(next.head.toLowerCase()).toMatch(/\r\nretry-after: \d+/);
		for (const socket of signedIn) expect(await socket.quiet()).toEqual([]);
		// whoever signs in is no stranger any more, and whoever goes is none either; each makes room for one
		await strangers[0]?.signIn(t.person('alice'));
		expect((await bareSocket(port)).status).toBe(101);
		expect((await bareSocket(port)).status).toBe(429);
		strangers[1]?.say(JSON.stringify({ type: 'ping' }));
		expect(await strangers[1]?.closed()).toBe(4401);
		expect((await bareSocket(port)).status).toBe(101);
		expect((await bareSocket(port)).status).toBe(429);
	});
});

describe('nothing is left behind', () => {
	test('of 200 connections that came and went in every way', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		const names = ['alice', 'bob', 'carol', 'staff', 'moderator'];
		const id = await t.conversation('alice', 'bob');
		const bye = wire(Buffer.of(3, 232), { opcode: 8 });
		const comeAndGo = async (name: string, way: number) => {
			const socket = await bareSocket(port);
			expect(socket.status).toBe(101);
			// a token that the server has not read yet: signing in takes a moment
			const who = { ...t.person(name), token: tokenOf(t, t.person(name)) };
			const auth = wire(JSON.stringify(authOf(who)));
			const gone: (() => unknown)[] = [
				// before a word
				() => socket.cut(),
				() => socket.write(bye),
				// in the middle of signing in
				() => socket.write(auth) && socket.cut(),
				() => socket.write(Buffer.concat([auth, bye])),
				() => socket.write(Buffer.concat([auth, wire('{"type":"ping"}')])),
				() => socket.write(Buffer.concat([auth, auth])),
				// while it is live and looks at something
				async () => {
					await socket.signIn(who);
					socket.say(JSON.stringify({ type: 'watch', conversationId: id, ref: 'w' }));
					await socket.json();
					socket.cut();
				},
				async () => {
					await socket.signIn(who);
					socket.write(Buffer.concat([wire(JSON.stringify({ type: 'watch', conversationId: id })), bye]));
				},
			];
			await gone[way]?.();
			await socket.gone();
		};
		for (let round = 0; round < 40; round++) await Promise.all(names.map((name) => comeAndGo(name, round % 8)));
		await emptied(t);
		expect(names.map((name) => onlineOf(t, name))).toEqual(names.map(() => false));
		expect(t.services.realtime.connections.liveOfDesk(t.home.pk).size).toBe(0);
		// nor is anybody counted as a stranger who has gone
		const strangers = await Promise.all(Array.from({ length: strangersPerAddressMax }, () => bareSocket(port)));
		expect(strangers.map(({ status }) => status)).toEqual(strangers.map(() => 101));
	});
	test('of polls and streams whose reader went away at any moment', async () => {
		using t = await createTestApp();
		const { connections } = t.services.realtime;
		const since = t.services.eventLog.cursor();
		await t.send('alice', await t.conversation('alice', 'carol'));
		const turns = async (n: number) => {
			for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
		};
		for (const accept of ['application/json', 'text/event-stream'])
			for (let i = 0; i < 20; i++) {
				const reader = new AbortController();
				const headers = { ...t.credentials('bob'), accept };
				const asked = t.fetch(`/api/v1/events?since=${since}&wait=25`, { headers, signal: reader.signal });
				await turns(i % 10);
				reader.abort();
				await turns(20);
				expect([accept, i, connections.all.size]).toEqual([accept, i, 0]);
				await asked;
			}
		expect(onlineOf(t, 'bob')).toBe(false);
	});
});
