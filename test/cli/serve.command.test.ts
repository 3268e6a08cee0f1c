import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { tempFolder } from '../support/db-support.ts';
import { json, live, parley, type Started, saidLines, serve } from './cli-support.ts';

setDefaultTimeout(30_000);
const ready = 'Stop with Ctrl-C.';

test('a first start prints a site whose keys work, and a setup link that works once', async () => {
	using folder = tempFolder();
	await using running = await serve(folder.path, [], ready);
	const find = (form: RegExp) => form.exec(running.printed)?.[1] ?? '';
	const url = find(/is running at (\S+)\n/);
	const publishable = find(/Publishable key +(pk_\S+)/);
	const secret = find(/Secret key +(sk_\S+)/);
	expect(running.printed).toMatch(/Site +localhost\n/);
	expect(running.printed).toMatch(/Identity secret +ids_\S{43}\n/);
	expect(running.printed).toContain(`${url}/swagger`);

	const headers = { 'content-type': 'application/json' };
	const create = (key: string, body: object) =>
		fetch(`${url}/api/v1/users`, {
			method: 'POST',
			headers: { ...headers, 'x-api-key': key },
			body: JSON.stringify(body),
		});
	expect((await create(publishable, { username: 'visitor' })).status).toBe(201);
	expect((await create(publishable, { username: 'boss', role: 'staff' })).status).toBe(403);
	expect((await create(secret, { username: 'boss', role: 'staff' })).status).toBe(201);

	const [, address, setupToken] = /(http\S+)\/setup#(setup_\S+)/.exec(running.printed) ?? [];
	expect(address).toBe(url);
	const body = JSON.stringify({
		setupToken,
		resourceId: 'localhost',
		username: 'root',
		email: 'root@site.com',
		password: 'a fine long one',
	});
	const setUp = () => fetch(`${url}/api/v1/auth/setup`, { method: 'POST', headers, body });
	expect((await setUp()).status).toBe(201);
	expect((await setUp()).status).toBe(401);
});

test('later starts show no secret, and say which site has no superadmin', async () => {
	using folder = tempFolder();
	{
		await using first = await serve(folder.path, ['--json'], '\n');
		const { firstStart } = JSON.parse(first.printed) as Started;
		expect(firstStart).toMatchObject({ resourceId: 'localhost' });
		first.child.kill('SIGTERM');
		expect(await first.child.exited).toBe(0);
	}
	{
		await using second = await serve(folder.path, [], ready);
		expect(second.printed).not.toMatch(/sk_|ids_|setup_/);
		expect(second.printed).toContain('localhost has no superadmin yet');
		const root = await json<{ id: string }>(['user', 'create', '--username', 'root', '--role', 'superadmin'], {
			cwd: folder.path,
		});
		expect(root.id).toStartWith('user_');
		second.child.kill('SIGINT');
		expect(await second.child.exited).toBe(0);
	}
	await using third = await serve(folder.path, ['--json'], '\n');
	expect(JSON.parse(third.printed)).toEqual({ url: expect.any(String), pid: third.child.pid, firstStart: null });
	third.child.kill('SIGTERM');
	await third.child.exited;
	await using fourth = await serve(folder.path, [], ready);
	expect(fourth.printed).not.toContain('no superadmin');
});

test('a site that was added before the first start is the only one', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'site.com'], { cwd });
	await using running = await serve(cwd, ['--json'], '\n');
	expect(JSON.parse(running.printed).firstStart).toBeNull();
	expect((await json<{ resourceId: string }[]>(['site', 'list'], { cwd })).map((site) => site.resourceId)).toEqual([
		'site.com',
	]);
});

test('listening beyond this machine is said aloud, on this machine not', async () => {
	using folder = tempFolder();
	for (const [host, said] of [
		['0.0.0.0', [expect.stringContaining('anyone who reaches this machine')]],
		['127.0.0.1', []],
	] as const) {
		await using running = await serve(folder.path, ['--json', '--host', host], '\n');
		expect(JSON.parse(running.printed).url).toStartWith('http://127.0.0.1:');
		running.child.kill('SIGTERM');
		await running.child.exited;
		expect(saidLines(await running.stderr)).toEqual([...said]);
	}
});

test('whatever keeps a server from starting is one line, and exit code 1', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	mkdirSync(join(cwd, 'damaged'));
	writeFileSync(join(cwd, 'damaged', 'parley.db'), 'no database '.repeat(100));
	writeFileSync(join(cwd, 'file'), '');
	writeFileSync(join(cwd, 'no.pem'), 'no certificate');
	await using running = await serve(cwd, ['--json'], '\n');
	const { url } = JSON.parse(running.printed) as Started;
	const { port } = new URL(url);
	let n = 0;
	const fresh = () => ['--port', '0', '--data', `fresh${n++}`];
	const cases: [args: string[], env: Record<string, string>, says: RegExp][] = [
		[['--port', '0'], {}, /another parley serves the data folder/],
		[['--data', 'other', '--port', port], {}, new RegExp(`port ${port} is in use`)],
		[['--data', 'damaged'], {}, /damaged/],
		[['--data', 'file'], {}, /cannot be written/],
		[['--host', '192.0.2.1', ...fresh()], {}, /192\.0\.2\.1 is no address of this machine/],
		[fresh(), { PARLEY_DAAT: 'x' }, /unknown setting PARLEY_DAAT/],
		[['--data', 'port'], { PARLEY_PORT: 'many' }, /PARLEY_PORT \("many"\) must be a whole number/],
		[[...fresh(), '--tls-cert', 'no.pem'], {}, /go together/],
		[[...fresh(), '--tls-cert', 'none.pem', '--tls-key', 'none.pem'], {}, /none\.pem cannot be read/],
		[[...fresh(), '--tls-cert', 'no.pem', '--tls-key', 'no.pem'], {}, /no certificate with its key/],
		[fresh(), { PARLEY_TOKEN_SECRET: 'much too short' }, /at least 32 bytes/],
	];
	await Promise.all(
		cases.map(async ([args, env, says]) => {
			const { exitCode, stdout, stderr } = await parley(['serve', ...args], { cwd, env });
			expect({ args, exitCode, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
				args,
				exitCode: 1,
				stdout: '',
				lines: 1,
			});
			expect(stderr).toMatch(says);
			expect(stderr).toStartWith('parley: ');
			expect(stderr).not.toContain('much too short');
		}),
	);
	expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('a folder is free again at once after its server was killed', async () => {
	using folder = tempFolder();
	for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
		await using running = await serve(folder.path, ['--json'], '\n');
		running.child.kill(signal);
		await running.child.exited;
	}
});

test('SIGTERM answers what is in flight, takes nothing new, and exits 0', async () => {
	await using server = await live();
	const login = () =>
		server
			.api('/auth/login', { method: 'POST', body: { resourceId: 'localhost', email: 'a@b.c', password: 'wrong' } })
			.then((response) => response.status);
	// note: two passwords are hashed at a time, so when the first is answered the last have not begun
	const all = Array.from({ length: 8 }, login);
	expect(await Promise.race(all)).toBe(401);
	server.child.kill('SIGTERM');
	expect(await Promise.all(all)).toEqual(Array(8).fill(401));
	expect(await server.child.exited).toBe(0);
	expect(login()).rejects.toThrow();
	expect(existsSync(join(server.folder, 'data', 'parley.db-wal'))).toBe(false);
});

test('a second signal ends a server that waits for a slow client', async () => {
	await using server = await live();
	const { hostname, port } = new URL(server.started.url);
	const socket = connect(Number(port), hostname);
	socket.on('error', () => undefined);
	socket.write(
		'POST /api/v1/users HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
	);
	// answered after the unfinished request was taken up
	await Bun.sleep(100);
	expect((await fetch(`${server.started.url}/healthz`)).status).toBe(200);
	server.child.kill('SIGTERM');
	const early = await Promise.race([server.child.exited, Bun.sleep(500).then(() => 'waiting')]);
	expect(early).toBe('waiting');
	const asked = performance.now();
	server.child.kill('SIGTERM');
	expect(await server.child.exited).toBe(143);
	expect(performance.now() - asked).toBeLessThan(2_000);
	socket.destroy();
});
