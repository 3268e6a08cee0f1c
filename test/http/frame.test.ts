import { describe, expect, test } from 'bun:test';
import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import pino from 'pino';
import { type Config, loadConfig } from '../../src/config.ts';
import { answers } from '../../src/http/answers.ts';
import { errors } from '../../src/http/errors.ts';
import { addressGroup, createPeer, type SocketContext } from '../../src/http/frame.ts';
import type { FailureCode } from '../../src/kernel/errors.ts';
import { bodyBytesMax } from '../../src/kernel/limits.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { testHost } from '../support/app-support.ts';
import { raw } from '../support/raw-support.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

const json = { 'content-type': 'application/json' };

/** Holds a failure against the one envelope, and gives its body. */
const failure = async (response: Response, status: number, code: FailureCode, more: string[] = []) => {
	const text = await response.text();
	expect([response.status, text]).toEqual([status, text]);
	expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
	const body = JSON.parse(text);
	expect(body.code).toBe(code);
	expect(Object.keys(body).sort()).toEqual(['success', 'message', 'code', 'requestId', ...more].sort());
	expect(body.success).toBe(false);
	expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/);
	expect(response.headers.get('x-request-id')).toBe(body.requestId);
	expect(response.headers.get('x-content-type-options')).toBe('nosniff');
	// no trace of how the server is made
	expect(text).not.toMatch(/\bat .*\(|node_modules|\.ts\b|sqlite|select |insert /i);
	return body as { message: string; errors?: { path: string; message: string }[] };
};
const dataOf = async (response: Response) => (await response.json()) as { data?: Record<string, string> };
const post = (
	app: TestApp,
	body: string | Uint8Array<ArrayBuffer>,
	headers: Record<string, string> = json,
	path = '/api/v1/users',
) => app.fetch(path, { method: 'POST', headers, body });

describe('the envelope of failures', () => {
	test('an unknown path is 404 route_not_found, inside the API and outside', async () => {
		using app = await createTestApp();
		for (const path of [
			'/nothing',
			'/api',
			'/api/v1',
			'/api/v1/nothing',
			'/api/v2/users',
			'/API/V1/users',
			'//',
			'/%00',
		])
			await failure(await app.fetch(path), 404, 'route_not_found');
	});
	test('a known path by another method is 405 and says in Allow what is known', async () => {
		using app = await createTestApp();
		const allow = async (method: string, path: string) => {
			const response = await app.fetch(path, { method });
			await failure(response, 405, 'method_not_allowed');
			return response.headers.get('allow');
		};
		expect(await allow('GET', '/api/v1/users')).toBe('POST');
		expect(await allow('DELETE', '/api/v1/users/me/password')).toBe('POST');
		expect(await allow('PUT', '/api/v1/users/me')).toBe('DELETE, GET, HEAD, PATCH');
		expect(await allow('POST', '/healthz')).toBe('GET, HEAD');
		expect(await allow('OPTIONS', '/api/v1/p2p/conversations')).toBe('GET, HEAD, POST');
		expect(await allow('DELETE', '/api/v1/p2p/conversations/conv_1/messages')).toBe('GET, HEAD, POST');
	});
	test('HEAD answers as GET does, without a body', async () => {
		using app = await createTestApp();
		const head = (path: string, headers = {}) => app.fetch(path, { method: 'HEAD', headers });
		const found = await head('/healthz');
		expect([found.status, await found.text()]).toEqual([200, '']);
		expect((await head('/nothing')).status).toBe(404);
		expect((await head('/api/v1/users/me')).status).toBe(401);
		expect((await head('/api/v1/users/me', app.credentials('alice'))).status).toBe(200);
	});
	test('a path with a slash at its end, or with an odd escape, is no way around the guard', async () => {
		using app = await createTestApp();
		for (const path of [
			'/api/v1/users/me/',
			'/api/v1//users/me',
			'/api/v1/users/%6de',
			'/api/v1/users/me%2f',
			'/api/v1/./users/me',
		])
			expect([path, (await app.fetch(path)).status === 401 || (await app.fetch(path)).status === 404]).toEqual([
				path,
				true,
			]);
		const broken = await app.fetch('/api/v1/users/%E0%A4%A', { headers: app.credentials('alice') });
		expect([400, 404]).toContain(broken.status);
	});
	test('every answer has security headers', async () => {
		using app = await createTestApp();
		for (const path of ['/healthz', '/nothing', '/api/v1/users/me']) {
			const { headers } = await app.fetch(path);
			expect(headers.get('x-content-type-options')).toBe('nosniff');
			expect(headers.get('x-frame-options')).toBe('DENY');
			expect(headers.get('referrer-policy')).toBe('no-referrer');
			expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
			expect(headers.get('cache-control')).toBe('no-store');
			expect(headers.get('x-powered-by')).toBeNull();
		}
	});
	test('each request has an id of its own; one that a client sends is not taken over', async () => {
		using app = await createTestApp();
		const ids = new Set<string | null>();
		for (let i = 0; i < 5; i++)
			ids.add((await app.fetch('/healthz', { headers: { 'x-request-id': 'mine' } })).headers.get('x-request-id'));
		expect(ids.size).toBe(5);
		expect(ids.has('mine')).toBe(false);
	});
	test('what breaks inside is a 500 that says nothing of it', async () => {
		const secret = 'no such table: users';
		const app = new Elysia()
			.use(errors({ log: silentLog, allowedMethods: () => [] }))
			.onRequest(({ set }) => {
				set.headers['x-request-id'] = crypto.randomUUID();
				set.headers['x-content-type-options'] = 'nosniff';
			})
			.get('/throws', () => {
				throw new Error(secret);
			})
			.get('/rejects', () => Promise.reject(new TypeError(secret)))
			.get('/odd', () => {
				throw 'a text';
			});
		for (const path of ['/throws', '/rejects', '/odd'])
			await failure(await app.handle(new Request(`http://${testHost}${path}`)), 500, 'internal_error');
	});
});

describe('what a route answers', () => {
	const app = new Elysia({ normalize: true })
		.use(errors({ log: silentLog, allowedMethods: () => [] }))
		.onRequest(({ set }) => {
			set.headers['x-request-id'] = crypto.randomUUID();
			set.headers['x-content-type-options'] = 'nosniff';
		})
		.use(answers)
		.get('/more', () => ({ id: 'a', passwordHash: 'secret' }), { ok: t.Object({ id: t.String() }) })
		.post('/more', () => ({ id: 'a', passwordHash: 'secret' }), { created: t.Object({ id: t.String() }) })
		.get('/wrong', () => ({ id: 1, hidden: 'secret' }) as object, { ok: t.Object({ id: t.String() }) });
	const fetch = (path: string, method = 'GET') => app.handle(new Request(`http://${testHost}${path}`, { method }));
	test('is stripped of what its schema does not name', async () => {
		expect(await (await fetch('/more')).json()).toEqual({ success: true, data: { id: 'a' } });
		const created = await fetch('/more', 'POST');
		expect([created.status, await created.json()]).toEqual([201, { success: true, data: { id: 'a' } }]);
	});
	test('is a 500 that shows nothing of it when it breaks its schema', async () => {
		const response = await fetch('/wrong');
		expect(await response.clone().text()).not.toContain('secret');
		await failure(response, 500, 'internal_error');
	});
});

describe('bodies', () => {
	test('what is no JSON is 400 invalid_json', async () => {
		using app = await createTestApp();
		const before = app.snapshot();
		for (const body of ['{', 'null x', '{"a":1,}', "{'a':1}", 'undefined', '\ufeff{}', '{"a":"\u0001"}'])
			await failure(await post(app, body), 400, 'invalid_json');
		expect(app.snapshot()).toBe(before);
	});
	test('bytes that are no UTF-8 are 400 invalid_json', async () => {
		using app = await createTestApp();
		for (const bytes of [
			[0x22, 0xff, 0x22],
			[0x22, 0xc0, 0xaf, 0x22],
			[0x22, 0xed, 0xa0, 0x80, 0x22],
			[0x22, 0xf8, 0x88, 0x80, 0x80, 0x80, 0x22],
		])
			await failure(await post(app, new Uint8Array(bytes)), 400, 'invalid_json');
	});
	test('JSON that is no object, or a body that is empty, is 400 with the fields named', async () => {
		using app = await createTestApp();
		for (const body of ['null', '1', '"text"', '[]', '[{"username":"x"}]', 'true', '{}', ''])
			await failure(await post(app, body), 400, 'invalid_request', ['errors']);
	});
	test('a wrong field is 400, by its path, and the value it had is not said', async () => {
		using app = await createTestApp();
		const value = 'Xq7-the-value-Xq7';
		const wrong = async (body: object) => {
			const { errors: found = [], ...rest } = await failure(
				await post(app, JSON.stringify(body)),
				400,
				'invalid_request',
				['errors'],
			);
			expect(JSON.stringify({ found, rest })).not.toContain('Xq7');
			return found.map(({ path }) => path);
		};
		expect(await wrong({ username: 7 })).toEqual(['username']);
		expect(await wrong({ username: 'x', role: value })).toEqual(['role']);
		expect(await wrong({ username: 'x', email: value })).toEqual(['email']);
		expect(await wrong({ username: 'x', permissions: { canSendMessage: value } })).toEqual(['permissions']);
		expect(await wrong({ username: 'x', metadata: { deep: { [value]: value } } })).toEqual(['metadata']);
		expect(await wrong({ username: value.repeat(100) })).toEqual(['username']);
		expect(await wrong({ username: { toString: value } })).toEqual(['body']);
		const query = await app.fetch(`/api/v1/p2p/conversations?limit=${value}`, { headers: app.credentials('alice') });
		const { errors: found } = await failure(query.clone() as Response, 400, 'invalid_request', ['errors']);
		expect(found?.map(({ path }) => path)).toEqual(['limit']);
		expect(await query.text()).not.toContain('Xq7');
	});
	test('numbers of a query are held to their bounds', async () => {
		using app = await createTestApp();
		for (const query of [
			'limit=0',
			'limit=101',
			'limit=1.5',
			'limit=',
			'limit=1e9',
			'page=0',
			'page=-1',
			'page=100001',
			'status=x',
			'unread=x',
			'limit=NaN',
		])
			await failure(
				await app.fetch(`/api/v1/p2p/conversations?${query}`, { headers: app.credentials('alice') }),
				400,
				'invalid_request',
				['errors'],
			);
		for (const query of ['limit=1', 'limit=100', 'page=100000', 'status=all', 'unread=true', 'unread=false', 'other=1'])
			expect(
				(await app.fetch(`/api/v1/p2p/conversations?${query}`, { headers: app.credentials('alice') })).status,
			).toBe(200);
	});
	test('a field that is not known is left out, whatever it is called', async () => {
		using app = await createTestApp();
		const before = app.rows('select * from users where id = ?', app.person('alice').id)[0];
		const body =
			'{"displayName":"Al","role":"superadmin","verified":false,"ver":9,"passwordHash":"x","site":2,"pk":1,"id":"user_x","usernameKey":"bob","firstCallAt":null,"erasedAt":1,"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}}}';
		const response = await app.fetch('/api/v1/users/me', {
			method: 'PATCH',
			headers: { ...json, ...app.credentials('alice') },
			body,
		});
		expect(response.status).toBe(200);
		const after = app.rows('select * from users where id = ?', app.person('alice').id)[0];
		expect(after).toEqual({ ...before, display_name: 'Al', display_skeleton: 'al' });
		expect(({} as { role?: string }).role).toBeUndefined();
	});
	test('keys like __proto__ poison nothing', async () => {
		using app = await createTestApp();
		for (const [i, metadata] of [
			'{"__proto__":"x"}',
			'{"constructor":"x"}',
			'{"__proto__":{"a":1}}',
			'{"prototype":"y","toString":"z"}',
		].entries()) {
			const response = await post(
				app,
				`{"resourceId":"site.com","username":"user-${i}","metadata":${metadata},"__proto__":{"role":"admin"}}`,
			);
			expect([201, 400]).toContain(response.status);
			const { data } = await dataOf(response);
			if (data) expect(data.role).toBe('user');
		}
		expect(({} as { a?: number; role?: string }).a).toBeUndefined();
		expect(({} as { a?: number; role?: string }).role).toBeUndefined();
	});
	test('a deeply nested body is refused like any other wrong one', async () => {
		using app = await createTestApp();
		const deep = (n: number, inner: string) => `${'['.repeat(n)}${inner}${']'.repeat(n)}`;
		const deepObject = (n: number) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`;
		for (const inner of ['', '"\\u0041"'])
			for (const n of [100, 5_000, 30_000]) {
				await failure(await post(app, `{"username":${deep(n, inner)}}`), 400, 'invalid_request', ['errors']);
				await failure(await post(app, deep(n, inner)), 400, 'invalid_request', ['errors']);
			}
		await failure(await post(app, `{"username":"x","metadata":${deepObject(9_000)}}`), 400, 'invalid_request', [
			'errors',
		]);
		// an unknown field is left out, as deep as it is, without a failure of ours
		const ignored = await post(app, `{"resourceId":"site.com","username":"deep","x":${deep(30_000, '"\\u0041"')}}`);
		expect([201, 400]).toContain(ignored.status);
	});
	test('text with NUL or a lone surrogate is refused wherever it stands', async () => {
		using app = await createTestApp();
		const before = app.snapshot();
		for (const code of ['\\u0000', '\\ud800', '\\udc00', '\\udc00\\ud800'])
			for (const body of [
				`{"resourceId":"site.com","username":"a${code}b"}`,
				`{"resourceId":"site.com","username":"x","metadata":{"k${code}":"v"}}`,
				`{"resourceId":"site.com","username":"x","metadata":{"k":"v${code}"}}`,
				`{"resourceId":"site.com","username":"x","email":"a${code}@b.c"}`,
			])
				await failure(await post(app, body), 400, 'invalid_request', ['errors']);
		expect(app.snapshot()).toBe(before);
		const pair = await post(app, '{"resourceId":"site.com","username":"x","displayName":"\\ud83d\\ude00"}');
		expect((await dataOf(pair)).data?.displayName).toBe('😀');
	});
	test('numbers without an end are refused', async () => {
		using app = await createTestApp();
		const body = '{"resourceId":"site.com","username":"x","metadata":{"a":1e999}}';
		await failure(await post(app, body), 400, 'invalid_request', ['errors']);
	});
	test('only JSON is taken: other types, and none, are 415', async () => {
		using app = await createTestApp();
		const before = app.snapshot();
		const body = JSON.stringify({ resourceId: 'site.com', username: 'mallory' });
		const others = [
			'application/x-www-form-urlencoded',
			'text/plain',
			'text/plain;charset=UTF-8',
			'multipart/form-data; boundary=x',
			'application/jsonx',
			'text/json-ish, application/json',
			'',
		];
		for (const type of others)
			await failure(await post(app, body, { 'content-type': type }), 415, 'unsupported_media_type');
		await failure(await post(app, new TextEncoder().encode(body), {}), 415, 'unsupported_media_type');
		expect(app.snapshot()).toBe(before);
		const good = ['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/a.b+json'];
		for (const [i, type] of good.entries())
			expect((await post(app, body.replace('mallory', `m${i}`), { 'content-type': type })).status).toBe(201);
	});
	test('a body over 64 KB is 413: by its length, and in chunks without one', async () => {
		using app = await createTestApp();
		const { port } = app.listen();
		const head = [
			'POST /api/v1/users HTTP/1.1',
			`host: 127.0.0.1:${port}`,
			'content-type: application/json',
			'connection: close',
		];
		const fits = `{"username":"${'x'.repeat(bodyBytesMax - 15)}"}`;
		expect(fits.length).toBe(bodyBytesMax);
		const sized = (body: string) => raw(port, [...head, `content-length: ${body.length}`], body);
		const chunked = (body: string) => {
			const parts = body.match(/.{1,8000}/gs) ?? [];
			return raw(
				port,
				[...head, 'transfer-encoding: chunked'],
				`${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`,
			);
		};
		for (const reply of [
			await sized(`${fits} `),
			await chunked(`${fits} `),
			await sized(fits + ' '.repeat(1_000_000)),
		]) {
			expect([reply.status, JSON.parse(reply.body).code]).toEqual([413, 'body_too_large']);
			expect(reply.headers['x-request-id']).toBe(JSON.parse(reply.body).requestId);
		}
		for (const reply of [await sized(fits), await chunked(fits)])
			expect([reply.status, JSON.parse(reply.body).code]).toEqual([400, 'invalid_request']);
	});
});

describe('pages of other origins (CORS)', () => {
	const preflight = (app: TestApp, origin: string, more: Record<string, string> = {}) =>
		app.fetch('/api/v1/p2p/conversations', {
			method: 'OPTIONS',
			headers: {
				origin,
				'access-control-request-method': 'POST',
				'access-control-request-headers': 'authorization, content-type, x-api-key',
				...more,
			},
		});
	const me = (app: TestApp, origin: string, as = 'alice') =>
		app.fetch('/api/v1/users/me', { headers: { ...app.credentials(as), origin } });

	test('a preflight is granted to our own origin and to those of any site', async () => {
		using app = await createTestApp();
		for (const origin of [
			`http://${testHost}`,
			'https://site.com',
			'http://site.com',
			'https://www.site.com',
			'https://a.b.site.com',
			'https://other.org',
		]) {
			const response = await preflight(app, origin);
			expect([origin, response.status, await response.text()]).toEqual([origin, 204, '']);
			expect(response.headers.get('access-control-allow-origin')).toBe(origin);
			expect(response.headers.get('access-control-allow-credentials')).toBeNull();
			expect(response.headers.get('vary')).toContain('Origin');
			for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
				expect(response.headers.get('access-control-allow-methods')).toContain(method);
			for (const header of ['authorization', 'content-type', 'x-api-key'])
				expect(response.headers.get('access-control-allow-headers')).toContain(header);
			expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
		}
	});
	const foreign = [
		'null',
		'https://evil.test',
		'https://site.com.evil.test',
		'https://evilsite.com',
		'https://site.com:8443',
		'http://localhost:3000',
		'file://',
		'https://site.com/',
		'https://SITE.com',
		'chrome-extension://abc',
		'https://site.com@evil.test',
		'',
		'*',
	];
	test('a preflight of any other is refused, and so is its call, without a CORS header', async () => {
		using app = await createTestApp();
		for (const origin of foreign) {
			const asked = await preflight(app, origin);
			await failure(asked, 403, 'origin_not_allowed');
			expect([origin, asked.headers.get('access-control-allow-origin')]).toEqual([origin, null]);
			const called = await me(app, origin);
			const { message } = await failure(called, 403, 'origin_not_allowed');
			expect(message).toContain('parley site set');
			expect([origin, called.headers.get('access-control-allow-origin')]).toEqual([origin, null]);
		}
	});
	test('a call needs our own origin or one of the site its key names', async () => {
		using app = await createTestApp();
		for (const origin of [`http://${testHost}`, 'https://site.com', 'https://www.site.com', 'http://site.com']) {
			const response = await me(app, origin);
			expect([origin, response.status]).toEqual([origin, 200]);
			expect(response.headers.get('access-control-allow-origin')).toBe(origin);
			expect(response.headers.get('access-control-allow-credentials')).toBeNull();
			const exposed = response.headers.get('access-control-expose-headers');
			for (const header of ['x-request-id', 'retry-after', 'ratelimit']) expect(exposed).toContain(header);
		}
		// another site's page has had its preflight, and gets no further
		const response = await me(app, 'https://other.org');
		await failure(response, 403, 'origin_not_allowed');
		expect(response.headers.get('access-control-allow-origin')).toBe('https://other.org');
	});
	test('without a key the site that the body names decides', async () => {
		using app = await createTestApp();
		const create = (origin: string, username: string) =>
			post(app, JSON.stringify({ resourceId: 'site.com', username }), { ...json, origin });
		await failure(await create('https://other.org', 'one'), 403, 'origin_not_allowed');
		await failure(await create('https://evil.test', 'two'), 403, 'origin_not_allowed');
		const made = await create('https://site.com', 'three');
		expect(made.status).toBe(201);
		const body = JSON.stringify({ userId: (await dataOf(made)).data?.id });
		const before = app.snapshot();
		await failure(
			await post(app, body, { ...json, origin: 'https://other.org' }, '/api/v1/users/chat-token'),
			// note: as for an id that never was, because a user id is no secret that an Origin header may find out
			401,
			'identity_proof_required',
		);
		expect(app.snapshot()).toBe(before);
		expect((await post(app, body, { ...json, origin: 'https://site.com' }, '/api/v1/users/chat-token')).status).toBe(
			200,
		);
	});
	test('a site of localhost is called from any port of this machine, by all its names', async () => {
		using app = await createTestApp();
		const { publishableKey } = await app.services.sites.add({ resourceId: 'localhost' });
		const create = (origin: string, username: string) =>
			post(app, JSON.stringify({ username }), { ...json, origin, 'x-api-key': publishableKey });
		const own = [
			'http://localhost',
			'http://localhost:3000',
			'https://localhost:8443',
			'http://127.0.0.1:5173',
			'http://[::1]:80'.replace(':80', ':81'),
			'http://app.localhost:3000',
		];
		for (const [i, origin] of own.entries())
			expect([origin, (await create(origin, `u${i}`)).status]).toEqual([origin, 201]);
		for (const origin of ['http://localhost.evil.test', 'http://127.0.0.2:80', 'http://evil.test', 'null'])
			await failure(await create(origin, 'x'), 403, 'origin_not_allowed');
	});
	test('a site with origins of its own is called from those only', async () => {
		using app = await createTestApp();
		await app.services.sites.set('site.com', { origins: ['https://www.site.com', 'https://*.site.net'] });
		for (const origin of ['https://www.site.com', 'https://a.site.net'])
			expect((await me(app, origin)).status).toBe(200);
		for (const origin of [
			'https://site.com',
			'http://www.site.com',
			'https://site.net',
			'http://a.site.net',
			'https://evilsite.net',
		])
			await failure(await me(app, origin), 403, 'origin_not_allowed');
	});
	test('with a public address only that is our own origin, whatever the Host says', async () => {
		using app = await createTestApp({ publicUrl: 'https://talk.test' });
		expect((await me(app, 'https://talk.test')).status).toBe(200);
		await failure(await me(app, `http://${testHost}`), 403, 'origin_not_allowed');
		await failure(await me(app, 'http://talk.test'), 403, 'origin_not_allowed');
	});
	test('a secret key is refused from a page, and taken from a server', async () => {
		using app = await createTestApp();
		const path = `/api/v1/users/${app.person('alice').id}`;
		const key = { 'x-api-key': app.home.secretKey };
		for (const headers of [
			{ origin: 'https://site.com' },
			{ origin: 'null' },
			{ 'sec-fetch-site': 'cross-site' },
			{ 'sec-fetch-site': 'same-site' },
			{ 'sec-fetch-site': '' },
		] as Record<string, string>[])
			await failure(await app.fetch(path, { headers: { ...key, ...headers } }), 401, 'secret_key_in_page');
		for (const headers of [
			{},
			{ 'sec-fetch-site': 'none' },
			{ 'sec-fetch-site': 'same-origin' },
			{ origin: `http://${testHost}` },
		] as Record<string, string>[])
			expect((await app.fetch(path, { headers: { ...key, ...headers } })).status).toBe(200);
	});
});

describe('the Host header', () => {
	const ask = (port: number, target: string, host: string | null, more: string[] = []) =>
		raw(port, [`GET ${target} HTTP/1.1`, ...(host === null ? [] : [`host: ${host}`]), ...more, 'connection: close']);
	test('one that is no host name is 400, over a real connection', async () => {
		using app = await createTestApp();
		const { port } = app.listen();
		for (const host of [
			'a b.test',
			'a/b.test',
			'site.com/x',
			'-',
			'.',
			'site.com:',
			'site.com:99999999',
			'a@b.test',
			'a?b.test',
			'a#b.test',
			'[::1',
			'ü.test',
			'"x"x',
			'a\\b.test',
			'a,b.test',
			'%61.test',
		]) {
			const { status } = await ask(port, '/healthz', host);
			expect([host, status]).toEqual([host, 400]);
		}
		for (const host of [
			'localhost',
			`127.0.0.1:${port}`,
			'[::1]:80',
			'chat.site.com',
			'CHAT.site.com:443',
			'under_score.test',
		])
			expect([host, (await ask(port, '/healthz', host)).status]).toEqual([host, 200]);
	});
	test('a short one does not make another path of a request', async () => {
		using app = await createTestApp();
		const { port } = app.listen();
		for (const host of ['x', 'ab', 'x:1', '']) {
			for (const target of [
				'/public/healthz',
				'/x/healthz',
				'/publi/api/v1/users/me',
				'/public/swagger/json',
				'/healthz',
			]) {
				const { status, body } = await ask(port, target, host);
				expect([host, target, status]).toEqual([host, target, 400]);
				if (body) expect(JSON.parse(body).code).toBe('invalid_host');
			}
		}
	});
	test('none at all is 400', async () => {
		using app = await createTestApp();
		const { port } = app.listen();
		expect((await ask(port, '/healthz', null)).status).toBe(400);
		const old = await raw(port, ['GET /healthz HTTP/1.0']);
		expect(old.status).toBe(400);
	});
	test('two of them, or a target that names another host, reach no other path', async () => {
		using app = await createTestApp();
		const { port } = app.listen();
		const twice = await raw(port, ['GET /healthz HTTP/1.1', 'host: chat.test', 'host: evil.test', 'connection: close']);
		expect([twice.status, JSON.parse(twice.body).code]).toEqual([400, 'invalid_host']);
		const answered = {
			'http://chat.test/healthz': 200,
			'http://x/healthz': 200,
			'HTTP://a.b/healthz': 200,
			'http://chat.test@evil/healthz': 200,
			'http://x/public/healthz': 404,
			'http://h/abcdefgh/healthz': 404,
			'//evil.test/healthz': 404,
			healthz: 400,
			'*': 400,
		};
		for (const [target, status] of Object.entries(answered))
			expect([target, (await ask(port, target, 'chat.test')).status]).toEqual([target, status]);
	});
	test('is held to the list of allowed ones, with or without a port', async () => {
		using app = await createTestApp({ allowedHosts: ['chat.site.com', 'localhost:4777'] });
		const { port } = app.listen();
		for (const host of ['chat.site.com', 'CHAT.site.com', 'chat.site.com:8443', 'localhost:4777'])
			expect([host, (await ask(port, '/healthz', host)).status]).toEqual([host, 200]);
		for (const host of [
			'evil.test',
			'localhost',
			'localhost:1',
			'chat.site.com.evil.test',
			'chat.site.com.',
			`127.0.0.1:${port}`,
		]) {
			const { status, body } = await ask(port, '/healthz', host);
			expect([host, status, JSON.parse(body).code]).toEqual([host, 403, 'host_not_allowed']);
		}
		const named = await ask(port, 'http://chat.site.com/healthz', 'evil.test');
		expect([0, 400, 403]).toContain(named.status);
	});
});

describe('where a request comes from', () => {
	const configOf = (settings: Partial<Config>): Config => ({ ...loadConfig({}, {}), ...settings });
	const context = (address: string, headers: Record<string, string> = {}): SocketContext => ({
		request: new Request('http://chat.test/', { headers }),
		server: { requestIP: () => ({ address }) },
	});
	const proxied = createPeer(configOf({ trustedProxies: ['10.0.0.0/8', '::1'] }));
	const from = (address: string, forwarded?: string) =>
		proxied.address(context(address, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }));

	test('X-Forwarded-For counts from trusted proxies only', () => {
		const bare = createPeer(configOf({}));
		expect(bare.address(context('203.0.113.9', { 'x-forwarded-for': '1.2.3.4' }))).toBe('203.0.113.9');
		expect(from('203.0.113.9', '1.2.3.4')).toBe('203.0.113.9');
		expect(from('10.1.2.3', '1.2.3.4')).toBe('1.2.3.4');
		expect(from('::ffff:10.1.2.3', '1.2.3.4')).toBe('1.2.3.4');
		expect(from('::1', '1.2.3.4')).toBe('1.2.3.4');
	});
	test('it is read from right to left, up to the first address that is no proxy of ours', () => {
		expect(from('10.1.2.3', '9.9.9.9, 1.2.3.4')).toBe('1.2.3.4');
		expect(from('10.1.2.3', '9.9.9.9, 1.2.3.4, 10.0.0.7')).toBe('1.2.3.4');
		expect(from('10.1.2.3', '9.9.9.9, nonsense, 10.0.0.7')).toBe('10.0.0.7');
		expect(from('10.1.2.3', '9.9.9.9, 1.2.3.4:5678')).toBe('10.1.2.3');
		expect(from('10.1.2.3', '')).toBe('10.1.2.3');
		expect(from('10.1.2.3')).toBe('10.1.2.3');
		expect(from('10.1.2.3', '10.0.0.1, 10.0.0.2')).toBe('10.0.0.1');
	});
	test('an IPv6 customer is one by their /64', () => {
		expect(addressGroup('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
		expect(addressGroup('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
		expect(addressGroup('2001:0DB8:0001:0002::9')).toBe('2001:db8:1:2::/64');
		expect(addressGroup('2001:db8::9')).toBe('2001:db8:0:0::/64');
		expect(addressGroup('::1')).toBe('0:0:0:0::/64');
		expect(addressGroup('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
		expect(addressGroup('::ffff:1.2.3.4')).toBe('1.2.3.4');
		expect(addressGroup('1.2.3.4')).toBe('1.2.3.4');
		expect(from('::1', '2001:db8:1:2:aaaa::1')).toBe('2001:db8:1:2::/64');
		expect(addressGroup('::ffff:102:304')).toBe(addressGroup('::ffff:102:304'));
	});
	test('https is what we speak, what a trusted proxy says, or what the public address says', () => {
		const https = { 'x-forwarded-proto': 'https' };
		expect(createPeer(configOf({})).secure(context('1.2.3.4', https))).toBe(false);
		expect(proxied.secure(context('1.2.3.4', https))).toBe(false);
		expect(proxied.secure(context('10.1.2.3', https))).toBe(true);
		expect(proxied.secure(context('10.1.2.3', { 'x-forwarded-proto': 'https, http' }))).toBe(false);
		expect(proxied.secure(context('10.1.2.3'))).toBe(false);
		expect(createPeer(configOf({ publicUrl: 'https://chat.test' })).secure(context('1.2.3.4'))).toBe(true);
		expect(createPeer(configOf({ tlsCert: 'x', tlsKey: 'y' })).secure(context('1.2.3.4'))).toBe(true);
	});
	test('over a real connection each client behind a trusted proxy is counted by itself', async () => {
		const signups = async (trustedProxies: string[]) => {
			using app = await createTestApp({ limits: 'on', signupsPerMinute: 1, trustedProxies });
			const { url } = app.listen();
			const statuses: number[] = [];
			for (const [i, address] of ['203.0.113.1', '203.0.113.2', '203.0.113.1'].entries()) {
				const response = await fetch(`${url}/api/v1/users`, {
					method: 'POST',
					headers: { ...json, 'x-forwarded-for': `198.51.100.${i}, ${address}` },
					body: JSON.stringify({ resourceId: 'site.com', username: `u${i}` }),
				});
				statuses.push(response.status);
			}
			return statuses;
		};
		expect(await signups(['127.0.0.1'])).toEqual([201, 201, 429]);
		expect(await signups([])).toEqual([201, 429, 429]);
	});
});

describe('the device cookie', () => {
	const create = (app: TestApp, headers: Record<string, string>, username = 'dana') =>
		post(app, JSON.stringify({ resourceId: 'site.com', username }), { ...json, ...headers });
	const own = { origin: 'https://chat.test' };
	test('is set on our own origin over https, for an unverified user, and kept from scripts and other sites', async () => {
		using app = await createTestApp({ publicUrl: 'https://chat.test' });
		const response = await create(app, own);
		const cookie = response.headers.get('set-cookie') ?? '';
		expect(cookie).toMatch(/^__Host-parley-device=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
		const value = cookie.split(';')[0]?.split('=')[1] ?? '';
		// what is stored is its hash
		expect(JSON.stringify(app.rows('select * from users'))).not.toContain(value);
	});
	test('is not set on http, from a page of the site, or without a page', async () => {
		using https = await createTestApp({ publicUrl: 'https://chat.test' });
		expect((await create(https, { origin: 'https://site.com' })).headers.get('set-cookie')).toBeNull();
		expect((await create(https, {}, 'dora')).headers.get('set-cookie')).toBeNull();
		using http = await createTestApp();
		expect((await create(http, { origin: `http://${testHost}` })).headers.get('set-cookie')).toBeNull();
	});
	test('mints again for the user that was made with it, past the claim; another browser cannot', async () => {
		using app = await createTestApp({ publicUrl: 'https://chat.test' });
		const made = await create(app, own);
		const cookie = made.headers.get('set-cookie')?.split(';')[0] ?? '';
		const id = (await dataOf(made)).data?.id;
		const mint = (headers: Record<string, string>) =>
			post(app, JSON.stringify({ userId: id }), { ...json, ...headers }, '/api/v1/users/chat-token');
		const chatToken = (await dataOf(await mint({ ...own, cookie }))).data?.chatToken;
		const used = await app.fetch('/api/v1/users/me', {
			headers: { 'x-api-key': app.home.publishableKey, authorization: `Bearer ${chatToken}` },
		});
		expect(used.status).toBe(200);
		expect((await mint({ ...own, cookie: `a=b; ${cookie}` })).status).toBe(200);
		await failure(await mint(own), 401, 'identity_proof_required');
		await failure(
			await mint({ ...own, cookie: `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}` }),
			401,
			'identity_proof_required',
		);
		// from a page of the site the cookie is not looked at
		await failure(await mint({ origin: 'https://site.com', cookie }), 401, 'identity_proof_required');
		await failure(await mint({ cookie }), 401, 'identity_proof_required');
	});
});

describe('the access log', () => {
	test('has a line for each request, and never a key, a token or a query', async () => {
		const lines: string[] = [];
		const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
		using app = await createTestApp({ accessLog: 'on' }, { log });
		const { url } = app.listen();
		const conversation = await app.conversation('alice', 'bob');
		await Bun.sleep(20);
		lines.length = 0;
		const alice = app.credentials('alice');
		const calls: [string, RequestInit][] = [
			['/api/v1/users/me?token=query-secret', { headers: alice }],
			[`/api/v1/p2p/conversations/${conversation}/messages?around=query-secret`, { headers: alice }],
			['/api/v1/users/me?query-secret', { headers: { ...alice, authorization: 'Bearer wrong-secret' } }],
			['/nothing?query-secret=1', { headers: { cookie: 'session=cookie-secret' } }],
			[
				'/api/v1/users',
				{ method: 'POST', headers: { ...json, ...alice }, body: '{"username":"body-secret","password":1}' },
			],
			[
				'/api/v1/users',
				{ method: 'POST', headers: { ...json, 'x-api-key': app.home.secretKey }, body: '{"body-secret' },
			],
			[
				'/api/v1/auth/login',
				{ method: 'POST', headers: json, body: '{"resourceId":"site.com","email":"a@b.c","password":"body-secret"}' },
			],
		];
		const ids: (string | null)[] = [];
		for (const [path, init] of calls) ids.push((await fetch(`${url}${path}`, init)).headers.get('x-request-id'));
		await Bun.sleep(20);
		const entries = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
		expect(entries.map(({ requestId }) => requestId)).toEqual(ids);
		expect(entries.map(({ status }) => status)).toEqual([200, 422, 401, 404, 201, 400, 401]);
		expect(entries[0]).toMatchObject({ method: 'GET', path: '/api/v1/users/me', route: '/api/v1/users/me' });
		const all = lines.join('');
		for (const secret of [
			'query-secret',
			'wrong-secret',
			'cookie-secret',
			'body-secret',
			app.home.secretKey,
			app.home.publishableKey,
			app.person('alice').token,
		])
			expect(all).not.toContain(secret);
	});
});
