import { Database } from 'bun:sqlite';
import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { tempFolder } from '../support/db-support.ts';
import { json, live, parley, within } from './cli-support.ts';

setDefaultTimeout(30_000);

interface User {
	id: string;
	username: string;
	role: string;
	resourceId: string;
	email: string | null;
}

test('a site added while the server runs can be used within a second, and its revoked key cannot', async () => {
	await using server = await live();
	const site = await json(['site', 'add', 'Site.com'], server.in);
	expect(site).toEqual({
		id: expect.stringMatching(/^site_/),
		resourceId: 'site.com',
		publishableKey: expect.stringMatching(/^pk_.{43}$/),
		secretKey: expect.stringMatching(/^sk_.{43}$/),
		identitySecret: expect.stringMatching(/^ids_.{43}$/),
	});
	let n = 0;
	const create = (key: string | undefined) => async () =>
		(
			await server.api('/users', {
				method: 'POST',
				'x-api-key': key ?? '',
				body: { username: `u${n++}`, role: 'staff' },
			})
		).status;
	const is = (wanted: number) => (status: number) => status === wanted;
	expect(await within(1_000, create(site.secretKey), is(201))).toBe(201);

	const key = await json(['key', 'create', 'site.com', '--label', 'billing'], server.in);
	expect(key).toMatchObject({ kind: 'secret', label: 'billing', resourceId: 'site.com' });
	expect(await within(1_000, create(key.key), is(201))).toBe(201);
	expect(await json(['key', 'revoke', 'site.com', key.id ?? ''], server.in)).toMatchObject({ id: key.id });
	expect(await within(1_000, create(key.key), is(401))).toBe(401);
	expect(await create(site.secretKey)()).toBe(201);

	const listed = await json<Record<string, string | null>[]>(['key', 'list', 'site.com'], server.in);
	expect(listed.map(({ label, kind, revokedAt }) => [label, kind, revokedAt !== null])).toEqual([
		['default', 'publishable', false],
		['default', 'secret', false],
		['billing', 'secret', true],
	]);
	expect(JSON.stringify(listed)).not.toContain(key.key);
	const again = await parley(['key', 'revoke', 'site.com', key.id ?? ''], server.in);
	expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('no live key with this id')]);
});

test('settings of a site act on the running server within a second', async () => {
	await using server = await live();
	let n = 0;
	const signUp = (origin?: string) => async () => {
		const response = await server.api('/users', {
			method: 'POST',
			body: { resourceId: 'localhost', username: `u${n++}` },
			...(origin && { origin }),
		});
		return response.ok ? 'ok' : ((await response.json()) as { code: string }).code;
	};
	const is = (wanted: string) => (code: string) => code === wanted;
	expect(await signUp('https://www.site.com')()).toBe('origin_not_allowed');
	const origins = ['--origin', 'https://www.site.com', '--origin', 'https://*.site.org'];
	expect(await json<object>(['site', 'set', 'localhost', ...origins], server.in)).toMatchObject({
		origins: ['https://www.site.com', 'https://*.site.org'],
		signup: 'open',
		directory: 'exact',
	});
	expect(await within(1_000, signUp('https://www.site.com'), is('ok'))).toBe('ok');
	await json(['site', 'set', 'localhost', '--default-origins', '--signup', 'server', '--directory', 'off'], server.in);
	expect(await within(1_000, signUp(), is('signup_closed'))).toBe('signup_closed');
	expect(await json<object[]>(['site', 'list'], server.in)).toMatchObject([
		{
			resourceId: 'localhost',
			signup: 'server',
			directory: 'off',
			origins: null,
			publishableKey: server.first.publishableKey,
		},
	]);

	const rotated = await json(['site', 'set', 'localhost', '--rotate-identity-secret'], server.in);
	expect(rotated.identitySecret).toMatch(/^ids_.{43}$/);
	expect(rotated.identitySecret).not.toBe(server.first.identitySecret);
});

test('a superadmin made at the command line gets a token and a password that the API accepts', async () => {
	await using server = await live();
	const key = server.first.publishableKey;
	const root = await json<User>(
		['user', 'create', '--username', 'root', '--role', 'superadmin', '--email', 'root@site.com', '--external-id', '7'],
		server.in,
	);
	const { chatToken } = await json(['user', 'token', root.id], server.in);
	const me = () => server.api('/users/me', { 'x-api-key': key, authorization: `Bearer ${chatToken}` });
	const answer = await me();
	expect(answer.status).toBe(200);
	expect(((await answer.json()) as { data: User }).data).toEqual(root);
	expect(root).toMatchObject({
		role: 'superadmin',
		resourceId: 'localhost',
		externalId: '7',
		verified: true,
	} as object);

	const login = async (password: string) =>
		(
			await server.api('/auth/login', {
				method: 'POST',
				body: { resourceId: 'localhost', email: 'root@site.com', password },
			})
		).status;
	const piped = await parley(['user', 'passwd', root.id, '--json'], { ...server.in, stdin: 'a fine long one\nrest' });
	expect([piped.exitCode, JSON.parse(piped.stdout)]).toEqual([0, { id: root.id, email: 'root@site.com' }]);
	expect(await login('a fine long one')).toBe(200);
	// a new password ends every token, on the running server too
	expect(
		await within(
			1_000,
			async () => (await me()).status,
			(status) => status === 401,
		),
	).toBe(401);

	const generated = await json(['user', 'passwd', root.id, '--generate', '--email', 'root@site.com'], server.in);
	expect(generated.password).toHaveLength(24);
	expect(await login(generated.password ?? '')).toBe(200);
	expect(await login('a fine long one')).toBe(401);

	for (const [args, stdin, says] of [
		[['user', 'passwd', root.id], 'short', 'at least 10 characters'],
		[['user', 'passwd', root.id], '', 'no password came'],
		[['user', 'passwd', 'user_none'], 'a fine long one', 'no user with this id'],
		[['user', 'token', 'user_none'], '', 'no user with this id'],
		[['user', 'create', '--username', 'root'], '', 'taken'],
		[['user', 'create', '--username', 'other', '--external-id', '7'], '', 'external id'],
		[['user', 'create', '--username', 'a\u200bb'], '', 'without control or invisible'],
	] as const) {
		const { exitCode, stdout, stderr } = await parley([...args], { ...server.in, stdin });
		expect([args, exitCode, stdout, stderr.trimEnd().split('\n').length]).toEqual([args, 1, '', 1]);
		expect(stderr).toContain(says);
	}
	expect(await login(generated.password ?? '')).toBe(200);
});

test('a password typed at a terminal is not shown, and must be typed twice alike', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'site.com'], { cwd });
	const root = await json<User>(['user', 'create', '--username', 'root', '--role', 'staff', '--email', 'a@b.c'], {
		cwd,
	});
	const type = async (first: string, second: string) => {
		let shown = '';
		const answers = [first, second];
		const child = Bun.spawn([process.execPath, join(import.meta.dir, '../../src/main.ts'), 'user', 'passwd', root.id], {
			cwd,
			terminal: {
				data: (terminal, bytes) => {
					shown += new TextDecoder().decode(bytes);
					if (/(?:New password|Again): $/.test(shown)) terminal.write(`${answers.shift()}\r`);
				},
			},
		});
		const exitCode = await child.exited;
		child.terminal?.close();
		return { exitCode, shown };
	};
	const good = await type('a fine lonx\x7fg one', 'a fine long one');
	expect(good.shown).toContain('The password of a@b.c is set.');
	expect(good.shown).not.toContain('fine');
	expect(good.exitCode).toBe(0);
	const bad = await type('a fine long one', 'another long one');
	expect([bad.exitCode, bad.shown]).toEqual([1, expect.stringContaining('the two passwords differ')]);
	expect((await type('\x03', '')).exitCode).toBe(1);
});

test('users are listed in parts', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'site.com'], { cwd });
	for (const username of ['a', 'b', 'c']) await json(['user', 'create', '--username', username], { cwd });
	const first = await json<User[]>(['user', 'list', '--limit', '2'], { cwd });
	expect(first.map((user) => user.username)).toEqual(['a', 'b']);
	const rest = await json<User[]>(['user', 'list', '--site', 'site.com', '--after', first[1]?.id ?? ''], { cwd });
	expect(rest.map((user) => user.username)).toEqual(['c']);
	const text = await parley(['user', 'list', '--limit', '2'], { cwd });
	expect(text.stdout.split('\n')[0]).toMatch(/^ID +USERNAME +ROLE +EMAIL +CREATED$/);
	expect(text.stderr).toBe(`More: --after ${first[1]?.id}\n`);
});

test('a setup link leads to the running server, ends the earlier one, and is for the only site', async () => {
	await using server = await live();
	const link = await json(['setup-link'], server.in);
	expect(link.setupUrl).toBe(`${server.started.url}/setup#${link.setupToken}`);
	const setUp = async (setupToken: string | undefined) =>
		(
			await server.api('/auth/setup', {
				method: 'POST',
				body: {
					setupToken,
					resourceId: 'localhost',
					username: `root${Math.random()}`,
					email: `root${Math.random()}@site.com`,
					password: 'a fine long one',
				},
			})
		).status;
	expect(await setUp(server.first.setupToken)).toBe(401);
	expect(await setUp(link.setupToken)).toBe(201);
	expect(await setUp(link.setupToken)).toBe(401);

	await json(['site', 'add', 'site.com'], server.in);
	const unclear = await parley(['setup-link'], server.in);
	expect([unclear.exitCode, unclear.stderr]).toEqual([
		2,
		'parley: name the site with --site: there are localhost, site.com.\n',
	]);
	expect((await json(['setup-link', '--site', 'site.com'], server.in)).resourceId).toBe('site.com');

	server.child.kill('SIGTERM');
	await server.child.exited;
	const { setupUrl } = await json(['setup-link', '--site', 'site.com'], {
		...server.in,
		env: { PARLEY_PUBLIC_URL: 'https://chat.site.com' },
	});
	expect(setupUrl).toStartWith('https://chat.site.com/setup#setup_');
});

test('a site is removed only while it has no users', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'empty.com'], { cwd });
	await json(['site', 'add', 'site.com'], { cwd });
	await json(['user', 'create', '--site', 'site.com', '--username', 'a'], { cwd });
	const refused = await parley(['site', 'remove', 'site.com'], { cwd });
	expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('has users')]);
	expect(await json<object>(['site', 'remove', 'empty.com'], { cwd })).toEqual({
		resourceId: 'empty.com',
		removed: true,
	});
	expect((await parley(['site', 'remove', 'empty.com'], { cwd })).exitCode).toBe(1);
	const left = await json<{ resourceId: string }[]>(['site', 'list'], { cwd });
	expect(left.map((site) => site.resourceId)).toEqual(['site.com']);
});

test('commands beside a server that writes all the time: nothing of either is lost', async () => {
	await using server = await live();
	let writing = true;
	const answers: number[] = [];
	const load = (async () => {
		for (let n = 0; writing; n++) {
			const body = { username: `visitor${n}`, resourceId: 'localhost' };
			answers.push((await server.api('/users', { method: 'POST', body })).status);
		}
	})();
	for (const n of [1, 2, 3, 4]) await json(['site', 'add', `s${n}.com`], server.in);
	writing = false;
	await load;
	expect(answers.length).toBeGreaterThan(10);
	expect(new Set(answers)).toEqual(new Set([201]));
	expect(await json<object[]>(['site', 'list'], server.in)).toHaveLength(5);
});

test('a command waits for somebody who holds the data for seconds', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'a.com'], { cwd });
	using other = new Database(join(cwd, 'data', 'parley.db'));
	other.run('BEGIN IMMEDIATE');
	const waiting = parley(['site', 'add', 'b.com'], { cwd });
	await Bun.sleep(3_500);
	other.run('COMMIT');
	expect(await waiting).toMatchObject({ exitCode: 0, stderr: '' });
});

test('a command on a folder without data says so, and makes nothing', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	for (const args of [['site', 'list'], ['key', 'list', 'site.com'], ['user', 'list'], ['setup-link']]) {
		const { exitCode, stderr } = await parley([...args, '--data', 'nowhere'], { cwd });
		expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^parley: there is no data in .*nowhere yet\..*\n$/)]);
	}
	expect([...new Bun.Glob('**').scanSync({ cwd, onlyFiles: false })]).toEqual([]);
});
