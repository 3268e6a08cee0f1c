import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createServices } from '../../src/services.ts';
import { tempFolder } from '../support/db-support.ts';
import { createTestApp } from '../support/test-app.ts';

/** What an attack once got through with, each under the guarantee it broke. */

const open = async (t: Awaited<ReturnType<typeof createTestApp>>) =>
	(
		await t.ok<{ id: string }>({
			as: 'alice',
			method: 'POST',
			path: '/p2p/conversations',
			body: { otherParticipantId: t.person('bob').id },
		})
	).id;

describe('names', () => {
	const signUp = async (username: string, displayName?: string): Promise<string> => {
		using t = await createTestApp();
		const body = { resourceId: 'site.com', username, displayName };
		return (await t.call({ as: 'nobody', method: 'POST', path: '/users', body })).body.code ?? 'made';
	};
	test.each(['Ali', 'Modesta', 'Robot', 'Helpa'])('%s is nobody’s but their own', async (name) => {
		expect(await signUp(name)).toBe('made');
	});
	test.each(['Support!', '[Support]', 'Admin|Support', 'ᴀᴅᴍɪɴ', 'Sսpport', 'sara!', 'Śara'])(
		'%s passes for the team and is refused',
		async (name) => {
			expect(await signUp('visitor', name)).toBe('name_reserved');
		},
	);
	test('an identity token vouches for its sub, not for the name that a page puts beside it', async () => {
		using t = await createTestApp();
		const body = { username: 'Support Team', identityToken: t.identityToken('customer-1') };
		expect((await t.call({ as: 'key', method: 'POST', path: '/users', body })).body.code).toBe('name_reserved');
	});
});

describe('rank', () => {
	test('a flag one lacks cannot be granted by leaving it unsaid', async () => {
		using t = await createTestApp();
		await t.change('admin', { permissions: { canDeleteMessage: false } });
		const make = (permissions?: object) =>
			t.call({
				as: 'admin',
				method: 'POST',
				path: '/users',
				body: { username: 'max', role: 'moderator', permissions },
			});
		expect((await make()).body.code).toBe('permission_missing');
		expect((await make({ canDeleteMessage: false })).status).toBe(201);
	});
	test('a secret key does not reach a password in a superadmin’s name', async () => {
		using t = await createTestApp();
		const answer = await t.call({
			as: 'server',
			method: 'POST',
			path: `/admin/users/${t.person('admin').id}/access-link`,
			headers: { 'x-act-as': t.person('superadmin').id },
		});
		expect(answer.body.code).toBe('forbidden');
	});
});

describe('pages of other sites', () => {
	test.each(['/auth/login', '/auth/setup', '/auth/access'])('cannot call %s', async (path) => {
		using t = await createTestApp();
		const body = {
			resourceId: 'site.com',
			email: 'a@b.c',
			password: 'correct horse battery',
			username: 'x',
			setupToken: 'setup_x',
			accessToken: 'access_x',
		};
		const from = (origin: string) => t.call({ as: 'nobody', method: 'POST', path, body, headers: { origin } });
		expect((await from('https://evil.example')).body.code).toBe('origin_not_allowed');
	});
	test('sign in to their own site only', async () => {
		using t = await createTestApp();
		const body = { resourceId: 'site.com', email: 'a@b.c', password: 'wrong password' };
		const login = (headers: Record<string, string>) =>
			t.call({ as: 'nobody', method: 'POST', path: '/auth/login', body, headers });
		expect((await login({ origin: 'https://other.org' })).body.code).toBe('origin_not_allowed');
		expect((await login({ 'x-api-key': t.person('other.alice').site.publishableKey })).body.code).toBe('wrong_site');
		expect((await login({ origin: 'https://site.com' })).body.code).toBe('invalid_credentials');
	});
	test.each(['ftp://chat.test', 'https://a:b@chat.test', 'https://chat.test/path'])(
		'%s is not our own origin',
		async (origin) => {
			using t = await createTestApp();
			expect((await t.call({ as: 'alice', path: '/users/me', headers: { origin } })).body.code).toBe(
				'origin_not_allowed',
			);
		},
	);
});

describe('limits', () => {
	test('sign-ups that fail close a site to nobody', async () => {
		using t = await createTestApp({ limits: 'on', signupsPerSiteHour: 3, signupsPerMinute: 100 });
		const signUp = (username: string) =>
			t.call({ as: 'nobody', method: 'POST', path: '/users', body: { resourceId: 'site.com', username } });
		for (let i = 0; i < 5; i++) expect((await signUp('alice')).status).toBe(409);
		for (let i = 0; i < 3; i++) expect((await signUp(`guest-${i}`)).status).toBe(201);
		expect((await signUp('guest-3')).status).toBe(429);
		const vouched = { username: 'known', identityToken: t.identityToken('customer-2') };
		expect((await t.call({ as: 'key', method: 'POST', path: '/users', body: vouched })).status).toBe(201);
	});
});

describe('messages', () => {
	test('a repeat is 200 also when what it answered is gone meanwhile', async () => {
		using t = await createTestApp();
		const id = await open(t);
		const first = await t.ok<{ id: string }>({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body: { content: { text: 'one' } },
		});
		const reply = {
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body: { content: { text: 'two' }, replyTo: first.id, clientMessageId: 'two' },
		};
		expect((await t.call(reply)).status).toBe(201);
		await t.ok({ as: 'alice', method: 'DELETE', path: `/p2p/conversations/${id}/messages/${first.id}` });
		expect((await t.call(reply)).status).toBe(200);
	});
	test.each(['\u200b', '\u2060\u3164', '\u0007', '\u202e', '\u0301'])(
		'%j says nothing and is refused',
		async (text) => {
			using t = await createTestApp();
			const id = await open(t);
			const answer = await t.call({
				as: 'alice',
				method: 'POST',
				path: `/p2p/conversations/${id}/messages`,
				body: { content: { text } },
			});
			expect(answer.body.code).toBe('message_text_invalid');
		},
	);
	test('an emoji is one reaction, with its variation selector or without', async () => {
		using t = await createTestApp();
		const id = await open(t);
		const { id: message } = await t.ok<{ id: string }>({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body: { content: { text: 'x' } },
		});
		const react = (as: string, emoji: string) =>
			t.ok<{ reactions: unknown[] }>({
				as,
				method: 'PUT',
				path: `/p2p/conversations/${id}/messages/${message}/reactions/${encodeURIComponent(emoji)}`,
			});
		await react('alice', '❤');
		expect((await react('bob', '❤️')).reactions).toEqual([{ emoji: '❤️', count: 2, mine: true }]);
	});
});

describe('erasure', () => {
	test('leaves no word in the data folder, free space and log included', async () => {
		using folder = tempFolder();
		const config = { ...loadConfig({ data: folder.path }, {}), limits: 'off' as const };
		const services = createServices({ config, clock: Date.now, log: silentLog, publicUrl: () => '' });
		await services.sites.add({ resourceId: 'site.com' });
		const site = services.sites.need('site.com');
		const made = async (username: string) => {
			const user = await services.users.createByOperator('site.com', {
				username,
				role: 'user',
				email: `${username}@canary.test`,
				externalId: `${username}-canary`,
			});
			return services.tokens.authenticate(site, (await services.tokens.mintByOperator(user.id)).chatToken);
		};
		const [anna, ben] = [await made('canaryanna'), await made('ben')];
		await services.users.updateMe(anna, { displayName: 'Canary Name' });
		const { data: chat } = await services.p2p.start(anna, { otherParticipantId: ben.id });
		for (let i = 0; i < 40; i++) {
			const sent = await services.p2p.threads.send(anna, chat.id, {
				content: { text: `canary text ${i} ${'x'.repeat(100)}` },
				clientMessageId: `canary-${i}`,
				metadata: { note: 'canary' },
			});
			await services.p2p.threads.edit(anna, chat.id, sent.data.id, { content: { text: `canary edit ${i}` } });
		}
		await services.erasure.eraseMe(anna);
		const holding = () =>
			readdirSync(folder.path).filter((name) =>
				/canary/i.test(
					readFileSync(join(folder.path, name), 'latin1')
						.replaceAll('ben@canary.test', '')
						.replaceAll('ben-canary', ''),
				),
			);
		expect(holding()).toEqual([]);
		services.store.close();
		expect(holding()).toEqual([]);
	});
	test('is not undone by the site’s server making the same name again', async () => {
		using t = await createTestApp();
		const { id } = await t.ok<{ id: string }>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: { username: 'gone' },
		});
		await t.ok({ as: 'server', method: 'DELETE', path: '/users/me', headers: { 'x-act-as': id } });
		const row = t.sqlite.query('select username from users where id = ?').get(id) as { username: string };
		const again = await t.call<{ id: string }>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: { username: row.username, displayName: 'Back' },
		});
		expect(again.body.data?.id).not.toBe(id);
	});
});
