import { describe, expect, test } from 'bun:test';
import { minute } from '../../../src/kernel/clock.ts';
import type { AuditPage } from '../../../src/modules/audit/audit.schema.ts';
import type { KeyList, NewKey, SiteView } from '../../../src/modules/sites/sites.schema.ts';
import { widgetSettingsDefault } from '../../../src/modules/sites/widget.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

const site = (t: TestApp, as: string) => t.call<SiteView>({ as, path: '/admin/site' });
const set = (t: TestApp, as: string, body: object) =>
	t.call<SiteView>({ as, method: 'PATCH', path: '/admin/site', body });
const keys = (t: TestApp, as = 'superadmin') => t.ok<KeyList>({ as, path: '/admin/keys' });
const makeKey = (t: TestApp, body: object, as = 'superadmin') =>
	t.call<NewKey>({ as, method: 'POST', path: '/admin/keys', body });
const newest = async (t: TestApp, as = 'superadmin') =>
	(await t.ok<AuditPage>({ as, path: '/admin/audit?limit=1' })).data[0];
const withKey = (t: TestApp, key: string, path: string, more: Record<string, string> = {}) =>
	t.call({ as: 'nobody', path, headers: { 'x-api-key': key, ...more } });
const page = (origin: string) => ({ origin, 'sec-fetch-site': 'cross-site' });

describe('the settings of a site', () => {
	test('are for admins and the site’s server; each sees its own site’s', async () => {
		using t = await createTestApp();
		for (const as of ['alice', 'staff', 'moderator']) {
			const before = t.snapshot();
			expect([(await site(t, as)).body.code, (await set(t, as, { autoCloseDays: 9 })).body.code]).toEqual([
				'forbidden',
				'forbidden',
			]);
			expect(t.snapshot()).toBe(before);
		}
		for (const [i, as] of ['admin', 'superadmin', 'server'].entries()) {
			expect((await set(t, as, { autoCloseDays: 20 + i })).body.data).toMatchObject({ autoCloseDays: 20 + i });
			expect((await site(t, as)).body.data).toEqual({
				id: expect.stringMatching(/^site_/),
				resourceId: 'site.com',
				signup: 'open',
				origins: null,
				directory: 'exact',
				autoCloseDays: 20 + i,
				widget: widgetSettingsDefault,
				publishableKey: t.home.publishableKey,
				createdAt: '2026-03-01T12:00:00.000Z',
			});
		}
		expect((await site(t, 'other.admin')).body.data).toMatchObject({ resourceId: 'other.org', autoCloseDays: 7 });
		expect(JSON.stringify((await site(t, 'superadmin')).body)).not.toContain('ids_');
	});
	test('change by what is named; the rest stays, and the record says what it was', async () => {
		using t = await createTestApp();
		const origins = ['https://www.site.com', 'https://*.shop.com'];
		expect((await set(t, 'admin', { origins, signup: 'signed' })).body.data).toMatchObject({
			origins,
			signup: 'signed',
			directory: 'exact',
		});
		expect((await set(t, 'admin', { directory: 'search' })).body.data).toMatchObject({ origins, signup: 'signed' });
		expect((await set(t, 'admin', { origins: null })).body.data).toMatchObject({ origins: null, directory: 'search' });
		expect(await newest(t)).toMatchObject({
			actor: t.person('admin').id,
			action: 'site.update',
			target: '',
			changes: [{ field: 'origins', before: JSON.stringify(origins), after: 'null', erased: false }],
		});
	});
	test('refuse what they do not know, and nothing is other than before', async () => {
		using t = await createTestApp();
		const before = t.snapshot();
		for (const body of [
			{ signup: 'closed' },
			{ signup: null },
			{ origins: 'https://site.com' },
			{ origins: ['site.com'] },
			{ origins: ['https://site.com/path'] },
			{ origins: ['https://*'] },
			{ origins: ['https://a.*.com'] },
			{ origins: ['ftp://site.com'] },
			{ origins: ['null'] },
			{ origins: ['https://user@site.com'] },
			{ origins: ['https://good.com', ''] },
			{ origins: [7] },
			{ directory: 'all' },
			{ autoCloseDays: 0 },
			{ autoCloseDays: 366 },
			{ autoCloseDays: 1.5 },
			{ autoCloseDays: '7' },
			{ signup: 'server', autoCloseDays: -1 },
		]) {
			const { status, body: answer } = await set(t, 'superadmin', body);
			expect([body, status, answer.code] as unknown).toEqual([body, 400, 'invalid_request']);
		}
		for (const body of [{}, { resourceId: 'evil.com' }, { identitySecret: 'x' }])
			expect([400, 422]).toContain((await set(t, 'superadmin', body)).status);
		expect(t.snapshot()).toBe(before);
	});
	test('act at once: who makes users, which pages may call, who finds whom', async () => {
		using t = await createTestApp();
		let n = 0;
		const signUp = async (): Promise<string | number> =>
			(await t.call({ as: 'key', method: 'POST', path: '/users', body: { username: `visitor${n++}` } })).body.code ??
			201;
		const from = async (origin: string) =>
			(await withKey(t, t.home.publishableKey, '/users/me', page(origin))).body.code;
		const lookup = async () => (await t.call({ as: 'alice', path: '/users/lookup?username=bob' })).status;
		expect([await signUp(), await from('https://shop.com'), await lookup()]).toEqual([201, 'origin_not_allowed', 200]);
		await set(t, 'admin', { signup: 'server', origins: ['https://shop.com'], directory: 'off' });
		expect([await signUp(), await from('https://shop.com'), await lookup()]).toEqual([
			'signup_closed',
			'token_required',
			403,
		]);
		expect(await from('https://site.com')).toBe('origin_not_allowed');
		await set(t, 'server', { signup: 'signed', origins: [], directory: 'exact' });
		expect([await signUp(), await from('https://shop.com'), await lookup()]).toEqual([
			'signup_signed',
			'origin_not_allowed',
			200,
		]);
		await set(t, 'admin', { signup: 'open', origins: null });
		expect([await signUp(), await from('https://www.site.com')]).toEqual([201, 'token_required']);
	});
	test('set by many at once are all on the record, each from what the one before left', async () => {
		using t = await createTestApp();
		await Promise.all(Array.from({ length: 30 }, (_, i) => set(t, 'admin', { autoCloseDays: 100 + i })));
		const { data } = await t.ok<AuditPage>({ as: 'admin', path: '/admin/audit?limit=30&action=site.update' });
		const steps = data.toReversed().map(({ changes }) => changes[0]);
		expect(steps.length).toBe(30);
		for (const [i, step] of steps.entries()) expect(step?.before).toBe(i === 0 ? '7' : (steps[i - 1]?.after ?? ''));
		expect(String((await site(t, 'admin')).body.data.autoCloseDays)).toBe(steps.at(-1)?.after ?? '');
	});
});

describe('the keys of a site', () => {
	test('are for superadmins who have signed in: no key makes or ends keys, in whosever name', async () => {
		using t = await createTestApp();
		const { id } = (await keys(t)).data[0] ?? { id: '' };
		const before = t.snapshot();
		const sara = { 'x-api-key': t.home.secretKey, 'x-act-as': t.person('superadmin').id };
		const callers: [string, Record<string, string>, number][] = [
			['alice', {}, 403],
			['staff', {}, 403],
			['moderator', {}, 403],
			['admin', {}, 403],
			['server', {}, 403],
			['nobody', sara, 403],
			['nobody', { 'x-api-key': t.home.publishableKey }, 401],
			['nobody', {}, 401],
		];
		for (const [as, headers, expected] of callers)
			for (const [method, path, body] of [
				['GET', '/admin/keys', undefined],
				['POST', '/admin/keys', { kind: 'secret', label: 'mine' }],
				['DELETE', `/admin/keys/${id}`, undefined],
			] as const) {
				const { status } = await t.call({ as, method, path, body, headers });
				expect([as, headers, method, status] as unknown).toEqual([as, headers, method, expected]);
			}
		expect(await t.refused({ as: 'other.superadmin', method: 'DELETE', path: `/admin/keys/${id}` })).toEqual([
			404,
			'not_found',
		]);
		expect((await keys(t, 'other.superadmin')).data.map((key) => key.id)).not.toContain(id);
		expect(t.snapshot()).toBe(before);
		// the same by a person’s own token beside a secret key is a person’s own act
		const own = { 'x-api-key': t.home.secretKey, authorization: `Bearer ${t.person('superadmin').token}` };
		expect((await t.call({ as: 'nobody', path: '/admin/keys', headers: own })).status).toBe(200);
	});
	test('are shown whole once; later a secret one by its end alone, and nowhere in the database', async () => {
		using t = await createTestApp();
		const { status, body } = await makeKey(t, { kind: 'secret', label: ' shop ' });
		expect([status, body.data]).toEqual([
			201,
			{ id: expect.stringMatching(/^key_/), kind: 'secret', label: 'shop', key: expect.stringMatching(/^sk_.{43}$/) },
		]);
		const { key, id } = body.data;
		expect((await withKey(t, key, '/admin/stats')).status).toBe(200);
		await t.written();
		t.advance(minute);
		const listed = await keys(t);
		expect(listed.data.find((each) => each.id === id)).toEqual({
			id,
			kind: 'secret',
			label: 'shop',
			key: `sk_…${key.slice(-4)}`,
			createdAt: '2026-03-01T12:00:00.000Z',
			lastUsedAt: '2026-03-01T12:00:00.000Z',
			revokedAt: null,
		});
		for (const secret of [key, t.home.secretKey]) expect(JSON.stringify(listed)).not.toContain(secret);
		const tables = t.rows<{ name: string }>(
			"select name from sqlite_master where type = 'table' and name not like 'texts%'",
		);
		for (const { name } of tables) expect(JSON.stringify(t.rows(`select * from "${name}"`))).not.toContain(key);
		expect(await newest(t)).toMatchObject({
			actor: t.person('superadmin').id,
			action: 'key.create',
			target: id,
			changes: [
				{ field: 'kind', before: null, after: 'secret' },
				{ field: 'label', before: null, after: 'shop' },
			],
		});
	});
	test('end at once when revoked, alone, in another’s name and beside a token; once', async () => {
		using t = await createTestApp();
		const secret = (await makeKey(t, { kind: 'secret', label: 'shop' })).body.data;
		const publishable = (await makeKey(t, { kind: 'publishable', label: 'blog' })).body.data;
		const alice = { authorization: `Bearer ${t.person('alice').token}` };
		const uses = async () => [
			(await withKey(t, secret.key, '/admin/stats')).status,
			(await withKey(t, secret.key, '/users/me', { 'x-act-as': t.person('alice').id })).status,
			(await withKey(t, publishable.key, '/users/me', alice)).status,
		];
		expect(await uses()).toEqual([200, 200, 200]);
		const revoke = (id: string) => t.call({ as: 'superadmin', method: 'DELETE', path: `/admin/keys/${id}` });
		expect((await revoke(secret.id)).body.data).toMatchObject({ id: secret.id, revokedAt: '2026-03-01T12:00:00.000Z' });
		expect(await uses()).toEqual([401, 401, 200]);
		await revoke(publishable.id);
		expect(await uses()).toEqual([401, 401, 401]);
		expect(await newest(t)).toMatchObject({ action: 'key.revoke', target: publishable.id });
		for (const id of [secret.id, publishable.id, 'key_unknown']) expect((await revoke(id)).status).toBe(404);
		// the others go on, and the site shows a key that is alive
		expect((await t.call({ as: 'server', path: '/admin/stats' })).status).toBe(200);
		expect((await site(t, 'admin')).body.data.publishableKey).toBe(t.home.publishableKey);
	});
	test('of a call under way do not outlive its revocation', async () => {
		using t = await createTestApp();
		const { id, key } = (await makeKey(t, { kind: 'secret', label: 'shop' })).body.data;
		// the revocation is asked for first, and the key was good when the other calls came in
		const [revoked, ...others] = await Promise.all([
			t.call({ as: 'superadmin', method: 'DELETE', path: `/admin/keys/${id}` }),
			...Array.from({ length: 20 }, (_, i) =>
				t.call({
					as: 'nobody',
					method: 'PATCH',
					path: '/admin/site',
					body: { autoCloseDays: 50 + i },
					headers: { 'x-api-key': key },
				}),
			),
		]);
		expect(revoked.status).toBe(200);
		const acts = t.rows<{ action: string }>('select action from audit_log where site = ? order by seq', t.home.pk);
		const end = acts.findIndex(({ action }) => action === 'key.revoke');
		expect(acts.slice(end + 1)).toEqual([]);
		expect(others.every(({ status }) => status === 200 || status === 401)).toBe(true);
	});
	test('have a visible label and a kind', async () => {
		using t = await createTestApp();
		const before = t.snapshot();
		for (const body of [
			{ kind: 'secret' },
			{ label: 'x' },
			{ kind: 'private', label: 'x' },
			{ kind: 'secret', label: '' },
			{ kind: 'secret', label: '   ' },
			{ kind: 'secret', label: 'a\nb' },
			{ kind: 'secret', label: 'x'.repeat(65) },
		])
			expect([body, (await makeKey(t, body)).status] as unknown).toEqual([body, 400]);
		expect(t.snapshot()).toBe(before);
	});
});
