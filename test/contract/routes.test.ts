import { afterAll, describe, expect, spyOn, test } from 'bun:test';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { day } from '../../src/kernel/clock.ts';
import type { FailureCode } from '../../src/kernel/errors.ts';
import { type Capability, capabilities, type Flag, flags, type Role, roles, ruleOf } from '../../src/kernel/roles.ts';
import { appInMemory } from '../support/app-support.ts';
import { callOf, calls, type Kind, type RouteCall, routeOf } from '../support/calls.ts';
import { nothing } from '../support/populated.ts';
import { type Call, createTestApp, type TestApp } from '../support/test-app.ts';
import { createWorlds } from '../support/worlds.ts';

interface Route {
	method: string;
	path: string;
	hooks: {
		detail?: {
			hide?: boolean;
			summary?: string;
			'x-permission'?: string;
			'x-server'?: boolean;
			'x-answers'?: Record<string, TSchema>;
		};
		/** Where Elysia keeps the schemas that macros bind. */
		standaloneValidator?: { response?: Record<string, TSchema> }[];
	};
}

/** Every call of the API that anybody may make. */
const open = [
	'POST /users',
	'POST /users/chat-token',
	'POST /auth/login',
	'POST /auth/setup',
	'POST /auth/access',
	'GET /widget-config',
];
/** What answers with a socket: who calls is said in its first frame. */
const upgraded = ['GET /realtime'];
/** Every other one, with a call of it that goes well. A route that is not there fails the test. */
const guarded = new Map(
	Object.entries(calls).filter(([name]) => ![...open, ...upgraded].includes(name) && routeOf(name) === name),
);

// Elysia only warns when it cannot make what strips a schema's values, and falls back to what refuses instead of stripping
const warnings: unknown[] = [];
const warned = spyOn(console, 'warn').mockImplementation((...words: unknown[]) => void warnings.push(words));
const shown = spyOn(console, 'dir').mockImplementation(() => undefined);
afterAll(() => {
	warned.mockRestore();
	shown.mockRestore();
});

using server = appInMemory();
const routes = (server.app.routes as unknown as Route[]).map((route) => ({
	...route,
	name: `${route.method} ${route.path.replace('/api/v1', '').replaceAll(/:(\w+)/g, '{$1}')}`,
	permission: route.hooks.detail?.['x-permission'] ?? '',
	answers: route.hooks.detail?.['x-answers'] ?? {},
}));
const ofApi = routes.filter(({ path }) => path.startsWith('/api/'));

describe('the table of routes', () => {
	test('every route says who may call it: a capability, or that it is public', () => {
		const known = [...Object.keys(capabilities), 'public'];
		expect(routes.filter(({ permission }) => !known.includes(permission)).map(({ name }) => name)).toEqual([]);
	});
	test('every route of the API is tried here, and nothing is tried that is not there', () => {
		const tried = [...guarded.keys(), ...open, ...upgraded].sort();
		expect(tried).toEqual(ofApi.map(({ name }) => name).sort());
		const isOpen = ofApi.filter(({ permission }) => permission === 'public').map(({ name }) => name);
		expect(isOpen.sort()).toEqual([...open, ...upgraded].sort());
	});
	test('outside the API nothing is guarded, and nothing is more than a page, a file or a state', () => {
		const outside = routes.filter(({ path }) => !path.startsWith('/api/'));
		expect(outside.filter(({ permission }) => permission !== 'public')).toEqual([]);
		expect(outside.filter(({ method }) => method !== 'GET')).toEqual([]);
	});
	test('every route of the API has a summary, and a schema for its success', () => {
		for (const { name, hooks, answers } of ofApi) {
			expect([name, (hooks.detail?.summary ?? '').length > 5]).toEqual([name, true]);
			const statuses = Object.keys(answers);
			if (upgraded.includes(name)) continue;
			expect([name, statuses.length > 0 && statuses.every((s) => ['200', '201'].includes(s))]).toEqual([name, true]);
			// what is bound to the route, in its envelope, is what strips and checks
			const bound = Object.assign({}, ...(hooks.standaloneValidator ?? []).map(({ response }) => response));
			for (const status of statuses) expect([name, bound[status]?.properties.data]).toEqual([name, answers[status]]);
			expect([name, Object.keys(bound)]).toEqual([name, statuses]);
		}
	});
	test('every capability is asked for by a route, or reserved for an act without one', () => {
		const asked = new Set(routes.map(({ permission }) => permission));
		// judged inside POST /users and POST /users/chat-token, which are public, and PATCH /admin/users/{id}, which suspends too
		const inside = ['token.mint', 'user.create', 'desk.create', 'user.manage'];
		expect(
			Object.keys(capabilities)
				.filter((name) => !asked.has(name))
				.sort(),
		).toEqual(inside.sort());
	});
});

const origin = 'https://site.com';

/** Fires a call that must be refused: the code, the envelope exact, and nothing changed in the database. */
const refuse = async (t: TestApp, call: Call, status: number, code: FailureCode, more: string[] = []) => {
	const before = t.snapshot();
	const fromServer = call.as === 'server' || call.headers?.['x-api-key']?.startsWith('sk_');
	const headers = { ...(!fromServer && { origin }), ...call.headers };
	const reply = await t.call({ ...call, headers });
	const what = `${call.method} ${call.path} as ${call.as}`;
	expect([what, reply.status, reply.body.code]).toEqual([what, status, code]);
	expect(Object.keys(reply.body).sort()).toEqual(['success', 'message', 'code', 'requestId', ...more].sort());
	expect(reply.body.success).toBe(false);
	expect(reply.body.message.length).toBeGreaterThan(10);
	expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
	expect(reply.body.requestId).toBe(reply.headers.get('x-request-id') ?? '');
	expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
	if (headers.origin === origin) {
		expect(reply.headers.get('access-control-allow-origin')).toBe(origin);
		expect(reply.headers.get('access-control-expose-headers')).toContain('x-request-id');
		expect(reply.headers.get('vary')).toContain('Origin');
	}
	expect([what, t.snapshot()]).toEqual([what, before]);
};

const worldFor = createWorlds();
/** The rows of alice, whose counterpart is bob; bob's rows beside her; and those of another site. */
const settle = async ({ prepare, on = 'bob' }: RouteCall) => {
	const { t, undo } = await worldFor(prepare);
	const { own, peers } = t.settled;
	const { id: user, username } = t.person(on);
	const olga = t.person('other.dora');
	const abroad = { ...t.abroad.own, user: olga.id, username: olga.username };
	return { t, [Symbol.asyncDispose]: undo, own: { ...own, user, username }, others: peers, foreign: abroad };
};

for (const route of ofApi.filter(({ name }) => guarded.has(name))) {
	const { name, permission, answers, method } = route;
	const known = guarded.get(name) ?? {};
	const { as = 'alice', params = {}, refers } = known;

	describe(name, () => {
		test('needs a key, and a token of the same site that is still good', async () => {
			await using world = await settle(known);
			const { t, own } = world;
			const call = callOf(name, own);
			const token = `Bearer ${t.person(as).token}`;
			const key = t.home.publishableKey;
			const as401 = (headers: Record<string, string>, code: FailureCode) =>
				refuse(t, { as: 'nobody', ...call, headers }, 401, code);
			await as401({}, 'key_required');
			await as401({ authorization: token }, 'key_required');
			await as401({ 'x-api-key': 'pk_unknown', authorization: token }, 'invalid_key');
			await as401({ 'x-api-key': key }, 'token_required');
			await as401({ 'x-api-key': key, authorization: 'Bearer nonsense' }, 'invalid_token');
			await as401({ 'x-api-key': key, authorization: `Basic ${t.person(as).token}` }, 'invalid_token');
			await as401({ 'x-api-key': key, authorization: `Bearer ${t.person(`other.${as}`).token}` }, 'wrong_site');
			await as401(
				{ 'x-api-key': t.other.publishableKey, authorization: token, origin: 'https://other.org' },
				'wrong_site',
			);
			// a page must not hold a secret key, whatever else it sends
			await as401({ 'x-api-key': t.home.secretKey, authorization: token, origin }, 'secret_key_in_page');
			await as401(
				{ 'x-api-key': t.home.secretKey, authorization: token, 'sec-fetch-site': 'cross-site' },
				'secret_key_in_page',
			);
			await refuse(t, { as, ...call, headers: { origin: 'https://evil.test' } }, 403, 'origin_not_allowed');
			// who is not known is told so before what is wrong with the call
			if (method !== 'GET') await refuse(t, { as: 'nobody', ...call, body: { wrong: [1] } }, 401, 'key_required');

			await t.change(as, { suspendedAt: t.clock() });
			await refuse(t, { as, ...call }, 403, 'user_suspended', ['until']);
			await t.change(as, { suspendedAt: null, ver: 99 });
			await refuse(t, { as, ...call }, 401, 'token_revoked');
			t.advance(31 * day);
			await refuse(t, { as, ...call }, 401, 'token_expired');
		});

		test('is refused to whoever lacks the role or the permission', async () => {
			await using world = await settle(known);
			const { t, own } = world;
			const call = callOf(name, own);
			const rule = ruleOf(permission as Capability);
			const below: Role[] = roles.slice(0, roles.indexOf(rule.least));
			for (const role of below) await refuse(t, { as: role === 'user' ? 'alice' : role, ...call }, 403, 'forbidden');
			for (const flag of rule.flags ?? []) {
				const off = Object.fromEntries(flags.map((each: Flag) => [each, each !== flag]));
				await t.change('staff', { permissions: off });
				await refuse(t, { as: 'staff', ...call }, 403, 'permission_missing');
			}
			if (!route.hooks.detail?.['x-server']) {
				const [status, code] =
					rule.least === 'user' ? ([401, 'user_token_required'] as const) : ([403, 'forbidden'] as const);
				await refuse(t, { as: 'server', ...call }, status, code);
			}
			for (const nobody of [t.person('other.bob').id, 'user_00000000000000000000000000', 'external:nobody'])
				await refuse(t, { as: 'server', ...call, headers: { 'x-act-as': nobody } }, 404, 'not_found');
		});

		test('does not find rows of another site, of others, or none at all', async () => {
			await using world = await settle(known);
			const { t, own, others, foreign } = world;
			const kinds = new Set(Object.values(params).filter((kind) => !kind.startsWith('"')) as Kind[]);
			// what a requester may not see the desk may: who sees what of one site is in matrix.test.ts
			for (const kind of kinds)
				for (const source of [foreign, nothing, ...(as === 'alice' && kind !== 'user' ? [others] : [])])
					await refuse(t, { as, ...callOf(name, { ...own, [kind]: source[kind] }, { named: own }) }, 404, 'not_found');
			if (refers) {
				await refuse(t, { as, ...callOf(name, own, { named: foreign }) }, 404, 'not_found');
				await refuse(t, { as, ...callOf(name, own, { named: nothing }) }, 404, 'not_found');
			}
		});

		test('answers as its schema says, with nothing more', async () => {
			await using world = await settle(known);
			const { t, own } = world;
			const { status, body, headers } = await t.call({ as, ...callOf(name, own), headers: { origin } });
			const schema = answers[String(status)];
			expect([status, schema !== undefined]).toEqual([status, true]);
			expect(Object.keys(body)).toEqual(['success', 'data']);
			if (!schema) return;
			expect([...Value.Errors(schema, body.data)]).toEqual([]);
			expect(Value.Clean(schema, structuredClone(body.data))).toEqual(body.data);
			expect(headers.get('access-control-allow-origin')).toBe(origin);
			expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
		});
	});
}

for (const name of upgraded)
	describe(name, () => {
		test('is refused without an upgrade, with a false key, or from a foreign page, and changes nothing', async () => {
			using t = await createTestApp();
			const [method = '', path = ''] = name.split(' ');
			const call = { method, path };
			for (const as of ['nobody', 'key', 'server', 'alice', 'staff'])
				await refuse(t, { as, ...call }, 426, 'upgrade_required');
			await refuse(t, { as: 'nobody', ...call, headers: { upgrade: 'h2c' } }, 426, 'upgrade_required');
			await refuse(t, { as: 'nobody', ...call, headers: { 'x-api-key': 'pk_unknown' } }, 401, 'invalid_key');
			await refuse(t, { as: 'key', ...call, headers: { origin: 'https://evil.test' } }, 403, 'origin_not_allowed');
			const inPage = { 'x-api-key': t.home.secretKey, origin };
			await refuse(t, { as: 'nobody', ...call, headers: inPage }, 401, 'secret_key_in_page');
		});
	});

for (const name of open)
	describe(name, () => {
		test('refuses a call without fields, with a false key, or from a foreign page, and changes nothing', async () => {
			using t = await createTestApp();
			const [method = '', path = ''] = name.split(' ');
			const call = { method, path, ...(method === 'POST' && { body: {} }) };
			if (method === 'POST') await refuse(t, { as: 'nobody', ...call }, 400, 'invalid_request', ['errors']);
			else await refuse(t, { as: 'nobody', ...call }, 401, 'key_required');
			await refuse(t, { as: 'nobody', ...call, headers: { 'x-api-key': 'pk_unknown' } }, 401, 'invalid_key');
			await refuse(t, { as: 'key', ...call, headers: { origin: 'https://evil.test' } }, 403, 'origin_not_allowed');
			const inPage = { 'x-api-key': t.home.secretKey, origin };
			await refuse(t, { as: 'nobody', ...call, headers: inPage }, 401, 'secret_key_in_page');
		});
	});

test('every schema that was tried here strips what it does not name', () => {
	expect(warnings).toEqual([]);
});
