// The servers under test. Each is a process of its own on 127.0.0.1 over an empty folder, and says where its messages
// go (the plan) and how many it holds, so that a run can be checked against what was truly stored.
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { messageText, type Plan } from './load.ts';

export type Kind = 'parley' | 'raw' | 'turn' | 'node' | 'list';

export interface Server {
	kind: Kind;
	name: string;
	pid: number;
	port: number;
	plan: Plan;
	/** stored: how many messages the server itself says it holds. */
	stored: () => Promise<number>;
	/** note: something worth saying about the run, for the log. */
	note: () => Promise<string>;
	stop: () => Promise<void>;
}

const names: Record<Kind, string> = {
	parley: 'Parley',
	raw: '(a) Bun.serve + bun:sqlite, unsynced',
	turn: '(b) as (a), one commit a turn',
	node: '(c) Fastify + better-sqlite3, synced',
	list: 'Bun.serve + bun:sqlite',
};

interface Child {
	pid: number;
	exitCode: number | null;
	kill: (signal: 'SIGTERM' | 'SIGKILL') => void;
	exited: Promise<number>;
}

const children = new Set<Child>();
process.on('exit', () => {
	for (const child of children) child.kill('SIGKILL');
});

const stopMs = 10_000;
/** stop ends a server, and kills it when it does not end. */
export const stop = async (child: Child) => {
	child.kill('SIGTERM');
	const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
	await child.exited;
	clearTimeout(timer);
	children.delete(child);
};

export const freePort = () => {
	const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } });
	const { port } = probe;
	probe.stop(true);
	return port;
};

const readyMs = 15_000;
/** launch starts a server and waits until it answers. startMs: to its first answer. */
export const launch = async (name: string, command: string[], folder: string, port: number) => {
	mkdirSync(folder, { recursive: true });
	const logFile = `${folder}.log`;
	const log = openSync(logFile, 'a');
	const startedAt = performance.now();
	const child = Bun.spawn(command, {
		env: {
			...process.env,
			NODE_ENV: 'production',
			PARLEY_HOST: '127.0.0.1',
			PARLEY_LIMITS: 'off',
			PARLEY_ACCESS_LOG: 'off',
		},
		stdin: 'ignore',
		stdout: log,
		stderr: log,
	});
	closeSync(log);
	children.add(child);
	while (performance.now() - startedAt < readyMs && child.exitCode === null) {
		const up = await fetch(`http://127.0.0.1:${port}/readyz`).then(
			async (response) => {
				await response.arrayBuffer();
				return response.ok;
			},
			() => false,
		);
		if (up) return { child, startMs: performance.now() - startedAt };
		await Bun.sleep(1);
	}
	await stop(child);
	throw new Error(`${name} did not come up: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
};

// ---- Baselines

const token = (claims: Record<string, unknown>, secret: Buffer) => {
	const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
	return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};

/** opaqueId has the length of a TypeID, so that all servers read and store the same number of bytes. */
const opaqueId = (prefix: string) => `${prefix}_${randomBytes(13).toString('hex')}`;

const messagesPath = (conversation: string) => `/api/v1/p2p/conversations/${conversation}/messages`;

const startBaseline = async (kind: Kind, folder: string, conversations: number): Promise<Server> => {
	const secret = randomBytes(32);
	const iat = Math.floor(Date.now() / 1000);
	const day = 24 * 60 * 60;
	const who = { iss: 'bench.local', aud: 'bench.local', sub: opaqueId('user'), jti: opaqueId('jti') };
	const bearer = token({ ...who, iat, exp: iat + 30 * day, auth_time: iat, ver: 1 }, secret);
	const key = `pk_${randomBytes(16).toString('hex')}`;
	const ids = Array.from({ length: conversations }, () => opaqueId('conv'));
	const port = freePort();
	const common = ['--port', String(port), '--data', folder];
	mkdirSync(folder, { recursive: true });
	let command = [process.execPath, join(import.meta.dir, 'baseline-raw.ts'), ...common, '--mode', kind];
	command.push('--token', bearer);
	if (kind === 'raw') command[command.indexOf('--mode') + 1] = 'each';
	if (kind === 'node') {
		const idFile = join(folder, 'conversations.txt');
		writeFileSync(idFile, ids.join('\n'));
		command = ['node', join(await nodeStack(), 'server.mjs'), ...common, '--secret', secret.toString('hex')];
		command.push('--key', key, '--conversations', idFile);
	}
	const { child } = await launch(names[kind], command, folder, port);
	const count = async () =>
		(await (await fetch(`http://127.0.0.1:${port}/count`)).json()) as { count: number; commits?: number };
	return {
		kind,
		name: names[kind],
		pid: child.pid,
		port,
		plan: { key, targets: ids.map((id) => ({ path: messagesPath(id), token: bearer })) },
		stored: async () => (await count()).count,
		note: async () => {
			const { count: rows, commits } = await count();
			return commits ? `${(rows / commits).toFixed(1)} messages a commit` : '';
		},
		stop: () => stop(child),
	};
};

/** nodeStack installs what runs on Node beside the system's temporary files, once for each set of versions; gives its folder. */
export const nodeStack = async () => {
	const source = join(import.meta.dir, 'baseline-node');
	const manifest = readFileSync(join(source, 'package.json'), 'utf8');
	const abi = Bun.spawnSync(['node', '-p', 'process.version']).stdout.toString().trim();
	const folder = join(os.tmpdir(), `parley-bench-stack-${Bun.hash(manifest + abi).toString(36)}`);
	const done = join(folder, 'installed');
	if (!existsSync(done)) {
		process.stderr.write('installing the Node stack (once; may compile better-sqlite3 for a minute or two) …\n');
		rmSync(folder, { recursive: true, force: true });
		mkdirSync(folder, { recursive: true });
		cpSync(join(source, 'package.json'), join(folder, 'package.json'));
		const install = Bun.spawn(['npm', 'install', '--no-audit', '--no-fund', '--no-package-lock'], {
			cwd: folder,
			stdout: 'pipe',
			stderr: 'pipe',
			timeout: 10 * 60 * 1000,
		});
		const said = (await Promise.all([install.stdout.text(), install.stderr.text()])).join('');
		const loads = ['node', '--input-type=module', '-e', "new (await import('better-sqlite3')).default(':memory:')"];
		if ((await install.exited) !== 0 || !Bun.spawnSync(loads, { cwd: folder }).success) {
			throw new Error(`the Node stack could not be installed in ${folder}:\n${said.slice(-2000)}`);
		}
		writeFileSync(done, abi);
	}
	// Copied each time: node looks for packages beside the script it runs.
	for (const script of ['server.mjs', 'fanout.mjs']) cpSync(join(source, script), join(folder, script));
	return folder;
};

// ---- Parley

interface Envelope<T> {
	success: boolean;
	message?: string;
	data: T;
}

/** caller speaks JSON to one server and fails on any answer that is not a success. */
const caller = (port: number) => {
	const call = async <T>(method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: unknown) => {
		const response = await fetch(`http://127.0.0.1:${port}${path}`, {
			method,
			headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const answer = (await response.json()) as Envelope<T>;
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.message}`);
		return { status: response.status, data: answer.data };
	};
	return call;
};

/** inTurn runs one job for each item, so many at a time, and keeps the order of the results. */
const inTurn = async <A, B>(items: readonly A[], atOnce: number, job: (item: A, index: number) => Promise<B>) => {
	const results: B[] = [];
	const left = items.entries();
	const worker = async () => {
		for (const [index, item] of left) results[index] = await job(item, index);
	};
	await Promise.all(Array.from({ length: atOnce }, worker));
	return results;
};

/** shuffled in a fixed order (mulberry32), so that neighbours in the rotation are not neighbours in the database. */
const shuffled = <T>(items: readonly T[]) => {
	let state = 0x9e3779b9;
	const random = () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return items
		.map((item) => ({ item, place: random() }))
		.sort((a, b) => a.place - b.place)
		.map(({ item }) => item);
};

/** launchParley starts the compiled binary on a folder; its data may be there already. startMs: to the first answer. */
export const launchParley = async (binary: string, folder: string) => {
	const port = freePort();
	const command = [binary, 'serve', '--port', String(port), '--data', folder];
	const { child, startMs } = await launch(names.parley, command, folder, port);
	return { port, pid: child.pid, startMs, stop: () => stop(child) };
};

export const addSite = (binary: string, folder: string) => {
	mkdirSync(folder, { recursive: true });
	const run = Bun.spawnSync([binary, 'site', 'add', 'bench.local', '--json', '--data', folder]);
	if (!run.success) throw new Error(`site add failed: ${run.stdout}${run.stderr}`);
	return JSON.parse(run.stdout.toString()) as { publishableKey: string; secretKey: string };
};

/** startParley makes as few users as pair up to the wanted number of conversations; the first of a pair sends. */
const startParley = async (binary: string, folder: string, conversations: number): Promise<Server> => {
	const site = addSite(binary, folder);
	const { port, pid, stop: stopServer } = await launchParley(binary, folder);
	const call = caller(port);
	const trusted = { 'x-api-key': site.secretKey };
	const people = Math.ceil((1 + Math.sqrt(1 + 8 * conversations)) / 2);
	const users = await inTurn(Array.from({ length: people }), 16, async (_, i) => {
		const name = { resourceId: 'bench.local', username: `bench-${i + 1}` };
		const { data: user } = await call<{ id: string }>('POST', '/api/v1/users', trusted, name);
		const proof = { userId: user.id };
		const minted = await call<{ chatToken: string }>('POST', '/api/v1/users/chat-token', trusted, proof);
		return { id: user.id, token: minted.data.chatToken };
	});
	const pairs = users.flatMap((one, i) => users.slice(i + 1).map((two) => ({ one, two }))).slice(0, conversations);
	const targets = await inTurn(pairs, 32, async ({ one, two }) => {
		const pair = { participantOne: one.id, participantTwo: two.id };
		const { data } = await call<{ id: string }>('POST', '/api/v1/p2p/conversations', trusted, pair);
		return { path: messagesPath(data.id), token: one.token };
	});

	/** stored adds up the message counts of all conversations; each shows in the lists of both of its people. */
	const stored = async () => {
		const counts = new Map<string, number>();
		await inTurn(users, 8, async (user) => {
			const headers = { 'x-api-key': site.publishableKey, authorization: `Bearer ${user.token}` };
			for (let page = 1, pages = 1; page <= pages; page++) {
				const path = `/api/v1/p2p/conversations?status=all&limit=100&page=${page}`;
				type Page = { data: { id: string; messageCount: number }[]; totalPages: number };
				const { data } = await call<Page>('GET', path, headers);
				for (const { id, messageCount } of data.data) counts.set(id, messageCount);
				pages = data.totalPages;
			}
		});
		if (counts.size !== pairs.length) throw new Error(`${counts.size} of ${pairs.length} conversations are listed`);
		return counts.values().reduce((sum, count) => sum + count, 0);
	};

	return {
		kind: 'parley',
		name: names.parley,
		pid,
		port,
		plan: { key: site.publishableKey, targets: shuffled(targets) },
		stored,
		note: async () => '',
		stop: stopServer,
	};
};

export const start = (kind: Kind, binary: string, folder: string, conversations: number) =>
	kind === 'parley' ? startParley(binary, folder, conversations) : startBaseline(kind, folder, conversations);

/** probeSend sends by hand what the load will send, and sees that the answer says so; twice where repeats are known. */
export const probeSend = async ({ kind, name, port, plan }: Server) => {
	const target = plan.targets[0];
	if (!target) throw new Error('a plan without conversations');
	const call = caller(port);
	const headers = { 'x-api-key': plan.key, authorization: `Bearer ${target.token}` };
	const body = { content: { text: messageText }, clientMessageId: Bun.randomUUIDv7() };
	const send = () => call<{ id: string; content: { text: string } }>('POST', target.path, headers, body);
	const first = await send();
	if (first.status !== 201 || first.data.content.text !== messageText)
		throw new Error(`${name}: a send was not stored`);
	if (kind !== 'parley' && kind !== 'node') return;
	const again = await send();
	if (again.status !== 200 || again.data.id !== first.data.id) throw new Error(`${name}: a repeat was stored twice`);
};

/** probeList sees that every conversation has a full page of newest messages to list. */
export const probeList = async ({ name, port, plan }: Server, path: (conversation: string) => string, page: number) => {
	const call = caller(port);
	await inTurn(plan.targets, 8, async (target) => {
		const headers = { 'x-api-key': plan.key, authorization: `Bearer ${target.token}` };
		const { data } = await call<{ data: unknown[] }>('GET', path(target.path), headers);
		if (data.data.length !== page) throw new Error(`${name}: ${data.data.length} of ${page} messages listed`);
	});
};
