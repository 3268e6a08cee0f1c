import { Database } from 'bun:sqlite';
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { closeSync, fsyncSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type Client, client, serve, unlimited } from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';

setDefaultTimeout(30_000);

/** Whether this machine lets us make a file system of our own (Linux with user namespaces). */
const canMount =
	process.platform === 'linux' &&
	Bun.which('unshare') !== null &&
	Bun.spawnSync(['unshare', '-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).exitCode === 0;

/** Runs a program inside a file system of its own, mounted on `folder` with these options. */
const runOn = (folder: string, options: string, ...command: string[]) => {
	const script = `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`;
	const child = Bun.spawnSync(['unshare', '-rm', 'sh', '-c', script, folder, process.execPath, ...command]);
	return { exitCode: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
};

const mountReason = canMount
	? ''
	: ' (skipped: no mount of our own here; it needs Linux with unshare and user namespaces)';

describe.skipIf(!canMount)(`a disk${mountReason}`, () => {
	test('that is full answers 507, loses nothing acknowledged, and is written again without a restart when there is room', () => {
		using folder = tempFolder();
		const { stdout, stderr } = runOn(folder.path, 'size=2m', join(import.meta.dir, 'disk.child.ts'), folder.path);
		expect(stderr).toBe('');
		expect(JSON.parse(stdout)).toEqual({
			failures: [
				['storage_full', 507],
				['storage_full', 507],
			],
			readable: true,
			lost: 0,
			invented: 0,
			check: 'ok',
			some: true,
		});
	});

	for (const [name, options, says] of [
		['that is read-only is refused at the start in one line', 'ro', /^DataError: the data folder .* \(EROFS\)\. .*$/m],
		[
			'that is full at the start is refused in one line',
			'size=64k',
			/^DataError: cannot open .* full \(SQLITE_FULL\)\.$/m,
		],
	] as const)
		test(name, () => {
			using folder = tempFolder();
			const code = `
				import { openStore } from ${JSON.stringify(join(import.meta.dir, '../../src/db/open.ts'))};
				import { silentLog } from ${JSON.stringify(join(import.meta.dir, '../../src/kernel/log.ts'))};
				try {
					openStore({ folder: ${JSON.stringify(folder.path)}, clock: Date.now, log: silentLog });
				} catch (error) {
					console.log(error.constructor.name + ': ' + error.message);
				}
			`;
			const { stdout } = runOn(folder.path, options, '-e', code);
			expect(stdout).toMatch(says);
			expect(stdout.trim()).not.toContain('\n');
		});
});

/** Two users with a conversation on a server; what they send is kept in a list. */
const chatOn = async (
	ask: Client,
	{ publishableKey: key, secretKey }: { publishableKey: string; secretKey: string },
) => {
	const people: { id: string; token: string }[] = [];
	for (const username of ['alice', 'bob']) {
		const { id } = (await ask('/users', { key: secretKey, body: { username } })).body.data;
		const minted = await ask('/users/chat-token', { key: secretKey, body: { userId: id } });
		people.push({ id, token: minted.body.data.chatToken });
	}
	const [alice, bob] = people as [(typeof people)[0], (typeof people)[0]];
	const started = await ask('/p2p/conversations', { key, token: alice.token, body: { otherParticipantId: bob.id } });
	const path = `/p2p/conversations/${started.body.data.id}`;
	// note: a user's first call of all is a write too, it closes the claim
	expect((await ask(path, { key, token: bob.token })).status).toBe(200);
	const acknowledged: { id: string; seq: number; clientMessageId: string }[] = [];
	let n = 0;
	const draft = () => ({ content: { text: `${n++} ${'x'.repeat(2_000)}` }, clientMessageId: crypto.randomUUID() });
	const send = async (to: Client, body = draft()): Promise<Answer> => {
		const answer = await to(`${path}/messages`, { key, token: alice.token, body });
		if (answer.status === 201)
			acknowledged.push({
				id: answer.body.data.id,
				seq: answer.body.data.seq,
				clientMessageId: body.clientMessageId,
			});
		return answer;
	};
	return {
		draft,
		send,
		/** A call as bob, who reads. */
		ask: (to: Client, call: string, body?: unknown) =>
			to(`${path}${call}`, { key, token: bob.token, ...(body !== undefined && { body }) }),
		secretKey,
		acknowledged,
		/** Everything that was answered 201 is there once, in its place, and nothing else. */
		verify: async (to: Client) => {
			const found: { id: string; seq: number; clientMessageId: string }[] = [];
			for (let query = 'limit=100'; ; query = `limit=100&before=${found[0]?.id}`) {
				const { status, body } = await to(`${path}/messages?${query}`, { key, token: bob.token });
				expect(status).toBe(200);
				found.unshift(...body.data.data);
				if (!body.data.hasMoreBefore) break;
			}
			expect(found.map(({ id, seq, clientMessageId }) => ({ id, seq, clientMessageId }))).toEqual(acknowledged);
			expect(found.map(({ seq }) => seq)).toEqual(found.map((_, i) => i + 1));
			expect((await to(path, { key, token: bob.token })).body.data.messageCount).toBe(found.length);
		},
	};
};
type Chat = Awaited<ReturnType<typeof chatOn>>;

const isFailure = (answer: Answer, status: number, code: string) => {
	expect(answer.body).toEqual({
		success: false,
		message: expect.any(String),
		code,
		requestId: answer.headers.get('x-request-id'),
	});
	expect(answer.status).toBe(status);
	if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
};

/** While nothing can be written: every write is refused in the same way, and everything can be read. */
const readOnly = async (chat: Chat, ask: Client, status: number, code: string) => {
	const refused = chat.draft();
	for (let i = 0; i < 3; i++) isFailure(await chat.send(ask, refused), status, code);
	// what is a page or two may still find room
	const small = [
		await chat.ask(ask, '/read', {}),
		await ask('/users', { key: chat.secretKey, body: { username: 'carol' } }),
	];
	for (const answer of small) if (![200, 201].includes(answer.status)) isFailure(answer, status, code);
	await chat.verify(ask);
	return refused;
};
describe.skipIf(!canMount)(`a server whose disk is full${mountReason}`, () => {
	/** A file system of a few megabytes that outlives the servers on it, as long as the block. */
	const smallDisk = async (folder: string) => {
		const script = 'mount -t tmpfs -o size=12m tmpfs "$0" && echo ready && exec sleep 60';
		const holder = Bun.spawn(['unshare', '-rm', 'sh', '-c', script, folder], { stdout: 'pipe' });
		for await (const _ of holder.stdout) break;
		const ballast = `/proc/${holder.pid}/root${folder}/ballast`;
		return {
			within: [
				'nsenter',
				'-t',
				String(holder.pid),
				'-U',
				'-m',
				'--preserve-credentials',
				'sh',
				'-c',
				'cd "$0" && exec "$@"',
				folder,
			],
			/** Fills it up to some room. */
			fill: (roomBytes: number) => {
				const fd = openSync(ballast, 'w');
				const piece = Buffer.alloc(64 * 1024);
				try {
					for (;;) writeSync(fd, piece);
				} catch (error) {
					if ((error as { code?: string }).code !== 'ENOSPC') throw error;
				} finally {
					fsyncSync(fd);
					closeSync(fd);
				}
				truncateSync(ballast, statSync(ballast).size - roomBytes);
			},
			empty: () => rmSync(ballast),
			[Symbol.asyncDispose]: async () => {
				holder.kill('SIGKILL');
				await holder.exited;
			},
		};
	};

	test('answers 507 to writes and goes on reading; with room again it writes without a restart; nothing acknowledged is lost, also by kill -9', async () => {
		using folder = tempFolder();
		await using disk = await smallDisk(folder.path);
		await using server = await serve(folder.path, unlimited, disk.within);
		const site = server.firstStart;
		if (!site) throw new Error('no first start');
		let ask = client(server.url);
		const chat = await chatOn(ask, site);
		for (let round = 0; round < 2; round++) {
			for (let i = 0; i < 5; i++) expect((await chat.send(ask)).status).toBe(201);
			disk.fill(64 * 1024);
			// the log of writes grows into what room there is
			let last = await chat.send(ask);
			for (let i = 0; i < 500 && last.status === 201; i++) last = await chat.send(ask);
			isFailure(last, 507, 'storage_full');
			const refused = await readOnly(chat, ask, 507, 'storage_full');
			// many at once are no different
			const all = await Promise.all(Array.from({ length: 20 }, () => chat.send(ask)));
			for (const answer of all) isFailure(answer, 507, 'storage_full');
			disk.empty();
			// nothing of it was stored, so the repeat is the first
			expect((await chat.send(ask, refused)).status).toBe(201);
			expect((await chat.send(ask, refused)).status).toBe(200);
			await chat.verify(ask);
		}

		disk.fill(64 * 1024);
		while ((await chat.send(ask)).status === 201);
		await server.kill();
		disk.empty();
		await using next = await serve(folder.path, unlimited, disk.within);
		ask = client(next.url);
		await chat.verify(ask);
		expect((await chat.send(ask)).status).toBe(201);
		expect(await next.stop()).toBe(0);
	});
});

/**
 * note: a mounted file system cannot be made read-only under a server that has its files open (EBUSY), and rights do not
 * bind root. What can be taken away from a running process is the right to write to files at all: RLIMIT_FSIZE.
 */
const canLimit = process.platform === 'linux' && Bun.which('prlimit') !== null;
const limitReason = canLimit ? '' : ' (skipped: no prlimit on this machine)';

test.skipIf(!canLimit)(
	`a server whose disk refuses to write answers 503 with Retry-After and goes on reading, and writes again as soon as it can${limitReason}`,
	async () => {
		using folder = tempFolder();
		// the signal that comes with the refusal is for programs that do not look at what a write answers
		await using server = await serve(folder.path, unlimited, ['sh', '-c', 'trap "" XFSZ; exec "$@"', 'sh']);
		if (!server.firstStart) throw new Error('no first start');
		const ask = client(server.url);
		const chat = await chatOn(ask, server.firstStart);
		const limit = (bytes: string) =>
			expect(Bun.spawnSync(['prlimit', '--pid', String(server.pid), `--fsize=${bytes}:unlimited`]).exitCode).toBe(0);
		for (let round = 0; round < 2; round++) {
			for (let i = 0; i < 5; i++) expect((await chat.send(ask)).status).toBe(201);
			limit('0');
			const refused = await readOnly(chat, ask, 503, 'storage_unavailable');
			limit('unlimited');
			expect((await chat.send(ask, refused)).status).toBe(201);
			expect((await chat.send(ask, refused)).status).toBe(200);
			await chat.verify(ask);
		}
		expect(await server.stop()).toBe(0);
	},
);

test('a write lock held by another process: for a second writes wait and reads do not; for longer 503 with Retry-After, then all is well again', async () => {
	using folder = tempFolder();
	await using server = await serve(folder.path, unlimited);
	if (!server.firstStart) throw new Error('no first start');
	const ask = client(server.url);
	const chat = await chatOn(ask, server.firstStart);
	// this process is another one than the server
	using other = new Database(join(folder.path, 'data', 'parley.db'));
	// the server may be taking up texts for its search at the moment this one asks for the lock
	other.run('PRAGMA busy_timeout = 2000');
	const timed = async <T>(promise: Promise<T>) => {
		const started = performance.now();
		const value = await promise;
		return { value, ms: performance.now() - started };
	};

	other.run('BEGIN IMMEDIATE');
	const waiting = Promise.all(Array.from({ length: 5 }, () => timed(chat.send(ask))));
	const reading = await timed(chat.ask(ask, ''));
	expect(reading.value.status).toBe(200);
	expect(reading.ms).toBeLessThan(500);
	await Bun.sleep(1_000);
	other.run('ROLLBACK');
	for (const { value, ms } of await waiting) {
		expect(value.status).toBe(201);
		expect(ms).toBeGreaterThan(900);
	}
	// answered in the order of their seq, as it happens: the list is compared in order
	chat.acknowledged.sort((a, b) => a.seq - b.seq);
	await chat.verify(ask);

	other.run('BEGIN IMMEDIATE');
	const refused = chat.draft();
	const tooLong = await timed(chat.send(ask, refused));
	isFailure(tooLong.value, 503, 'storage_unavailable');
	expect(tooLong.ms).toBeGreaterThan(1_500);
	expect(tooLong.ms).toBeLessThan(4_000);
	await chat.verify(ask);
	other.run('ROLLBACK');
	expect((await chat.send(ask, refused)).status).toBe(201);
	await chat.verify(ask);
	expect(await server.stop()).toBe(0);
});
