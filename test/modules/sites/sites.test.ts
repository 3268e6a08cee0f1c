import { expect, test } from 'bun:test';
import { minute } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { createTestApp } from '../../support/test-app.ts';

const codeOf = async (promise: Promise<unknown>) => {
	try {
		await promise;
		return 'done';
	} catch (error) {
		return error instanceof AppError ? error.code : String(error);
	}
};

test('a secret key is stored as its hash only; a publishable one can be shown again', async () => {
	using t = await createTestApp();
	const everything = JSON.stringify(t.rows('select * from api_keys'));
	expect(everything).not.toContain(t.home.secretKey);
	expect(everything).toContain(t.home.publishableKey);
	const shown = t.services.sites.keys('site.com').map(({ kind, key }) => [kind, key]);
	expect(shown).toEqual([
		['publishable', t.home.publishableKey],
		['secret', `sk_…${t.home.secretKey.slice(-4)}`],
	]);
});

test('a revoked key ends at once, and no other with it', async () => {
	using t = await createTestApp();
	const { key, id } = await t.services.sites.createKey('site.com', { kind: 'secret', label: 'second' });
	const ask = (secret: string) =>
		t.refused({ as: 'nobody', path: `/users/${t.person('alice').id}`, headers: { 'x-api-key': secret } });
	expect(
		(await t.call({ as: 'nobody', path: `/users/${t.person('alice').id}`, headers: { 'x-api-key': key } })).status,
	).toBe(200);
	await t.services.sites.revokeKey('site.com', id);
	expect(await ask(key)).toEqual([401, 'invalid_key']);
	expect((await t.call({ as: 'server', path: `/users/${t.person('alice').id}` })).status).toBe(200);
	expect(await codeOf(t.services.sites.revokeKey('site.com', id))).toBe('not_found');
	expect(await codeOf(t.services.sites.revokeKey('other.org', id))).toBe('not_found');
});

test('the last use of a secret key is noted, at most once a minute', async () => {
	using t = await createTestApp();
	const lastUse = () => t.services.sites.keys('site.com').find(({ kind }) => kind === 'secret')?.lastUsedAt;
	const use = async () => {
		await t.call({ as: 'server', path: `/users/${t.person('alice').id}` });
		await t.written();
	};
	t.advance(minute - 1);
	await use();
	expect(lastUse()).toBe('2026-03-01T12:00:00.000Z');
	t.advance(1);
	await use();
	expect(lastUse()).toBe('2026-03-01T12:01:00.000Z');
});

test('a site is made once, 50 at a time', async () => {
	using t = await createTestApp();
	const codes = await Promise.all(
		Array.from({ length: 50 }, () => codeOf(t.services.sites.add({ resourceId: 'New.test' }))),
	);
	expect(codes.filter((code) => code === 'done').length).toBe(1);
	expect(codes.filter((code) => code === 'site_exists').length).toBe(49);
	expect(t.services.sites.byResource('new.test')?.resourceId).toBe('new.test');
});

test('a site with users cannot be removed; an empty one goes with its keys and links', async () => {
	using t = await createTestApp();
	const before = t.snapshot();
	expect(await codeOf(t.services.sites.remove('site.com'))).toBe('invalid_request');
	expect(t.snapshot()).toBe(before);
	const { publishableKey } = await t.services.sites.add({ resourceId: 'empty.test' });
	await t.services.sites.setupLink('empty.test');
	await t.services.sites.remove('empty.test');
	expect(t.services.sites.byKey(publishableKey)).toBeUndefined();
	expect(t.rows('select * from one_time_links')).toEqual([]);
});

test('settings that were changed hold on the next call', async () => {
	using t = await createTestApp();
	const create = () => t.call({ as: 'key', method: 'POST', path: '/users', body: { username: 'ann' } });
	await t.services.sites.set('site.com', { signup: 'server' });
	expect((await create()).body.code).toBe('signup_closed');
	await t.services.sites.set('site.com', { signup: 'open' });
	expect((await create()).status).toBe(201);
	const wrong = async () => t.services.sites.set('site.com', { origins: ['https://site.com/path'] });
	expect(await codeOf(wrong())).toBe('invalid_request');
});
