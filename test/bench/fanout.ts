// What it costs to keep many people told: the compiled server against the least that can be done on the same machine, in one
// run and interleaved.
//
//   bun test/bench/fanout.ts [--quick] [--parts live,idle,resume] [--beside FILE]
//
// The numbers are reported, not judged by an exit code: it is 1 only when a message was lost, doubled or out of order.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Crowd, makeCrowd, makeMissed, numberOf } from './crowd.ts';
import type { Connected, Order, Sent } from './listeners.ts';
import { cpuSeconds, machineLine, median, residentMegabytes } from './measure.ts';
import { freePort, launch, launchParley, nodeStack, stop } from './servers.ts';

const usage = `What it costs to keep many people told. Prints two Markdown tables.
  --quick          fewer sockets, messages and rounds
  --parts LIST     of live,idle,resume; default all
  --servers LIST   of parley,publish,insert,ws for the live part; default all
  --sockets N      of the desk in the live part, and that come back; default 1000
  --idle N         sockets of the idle part, default 10000
  --missed N       messages that each socket that comes back has missed, default 500
  --posts N        messages of one live run, default 200
  --rounds N       runs of each server in each case, default 5 (coming back 3, idle 2)
  --binary FILE    default dist/parley
  --beside FILE    another build of it, to be compared with
  --scratch DIR    where the databases are made (a real disk); default the system's temporary folder`;

const { values: flags } = parseArgs({
	options: {
		help: { type: 'boolean', default: false },
		quick: { type: 'boolean', default: false },
		parts: { type: 'string', default: 'live,idle,resume' },
		servers: { type: 'string', default: 'parley,publish,insert,ws' },
		sockets: { type: 'string' },
		idle: { type: 'string' },
		missed: { type: 'string' },
		posts: { type: 'string' },
		rounds: { type: 'string' },
		binary: { type: 'string', default: resolve(import.meta.dir, '../../dist/parley') },
		beside: { type: 'string' },
		scratch: { type: 'string', default: os.tmpdir() },
	},
});
if (flags.help) {
	process.stdout.write(`${usage}\n`);
	process.exit(0);
}
const wholeNumber = (text: string) => {
	const number = Number(text);
	if (!Number.isInteger(number) || number < 1) throw new Error(`not a whole number: ${text}\n${usage}`);
	return number;
};
const setting = (given: string | undefined, usual: number, quick: number) =>
	wholeNumber(given ?? String(flags.quick ? quick : usual));

/** A user may have so many sockets. */
const perUser = 10;
const socketCount = setting(flags.sockets, 1_000, 200);
const idleCount = setting(flags.idle, 10_000, 2_000);
const missedEach = setting(flags.missed, 500, 100);
const posts = setting(flags.posts, 200, 50);
const rounds = setting(flags.rounds, 5, 2);
const parts = flags.parts.split(',');
const kinds = flags.servers.split(',');
const binary = resolve(flags.binary);
const builds: [name: string, file: string][] = [['Parley', binary]];
if (flags.beside !== undefined) builds.push(['Parley, beside', resolve(flags.beside)]);
for (const [, file] of builds)
	if (!existsSync(file)) throw new Error(`${file} is not there: make it with \`bun run build\``);
if (kinds.includes('ws') && !(Bun.which('node') && Bun.which('npm')))
	throw new Error('ws needs node and npm; leave it out with --servers parley,publish,insert');

// note: all clients come from this machine, and a server counts strangers by address: they say through a proxy where they are
process.env.PARLEY_TRUSTED_PROXIES = '127.0.0.1';

const scratch = mkdtempSync(join(resolve(flags.scratch), 'parley-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const say = (text: string) => process.stderr.write(`${text}\n`);
const number = (value: number, digits = 0) =>
	Number.isFinite(value)
		? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).replaceAll(',', ' ')
		: '–';
const percentile = (values: number[], share: number) =>
	values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
/** rotated puts another one first in each round, so that none has always the same one before it. */
const rotated = <T>(items: readonly T[], by: number) => items.map((_, i) => items[(i + by) % items.length] as T);
let folders = 0;
const newFolder = (name: string) => {
	const folder = join(scratch, `${++folders}-${name}`);
	mkdirSync(folder, { recursive: true });
	return folder;
};

// ---- The clients, in processes of their own

const listening = new Set<{ kill(): void }>();
process.on('exit', () => {
	for (const child of listening) child.kill();
});
/** openFiles a process may have here: each socket is one. */
const openFiles = Number(Bun.spawnSync(['sh', '-c', 'ulimit -Hn']).stdout.toString()) || Number.POSITIVE_INFINITY;

const startListeners = () => {
	let answered: (report: unknown) => void = () => undefined;
	let failed: (error: Error) => void = () => undefined;
	const script = join(import.meta.dir, 'listeners.ts');
	const child = Bun.spawn(['sh', '-c', 'ulimit -n $(ulimit -Hn); exec "$0" "$1"', process.execPath, script], {
		stdio: ['ignore', 'inherit', 'inherit'],
		ipc: (report) => answered(report),
		onExit: () => failed(new Error('the clients have ended')),
	});
	listening.add(child);
	const ask = async <R extends { faults: string[] }>(order: Order): Promise<R> => {
		const report = await new Promise<R | { failed: string }>((resolve, reject) => {
			answered = resolve as (report: unknown) => void;
			failed = reject;
			child.send(order);
		});
		if ('failed' in report) throw new Error(report.failed);
		if (report.faults.length > 0) throw new Error(report.faults.join('\n'));
		return report;
	};
	return {
		connect: (order: Omit<Extract<Order, { do: 'connect' }>, 'do'>) => ask<Connected>({ do: 'connect', ...order }),
		send: (order: Omit<Extract<Order, { do: 'send' }>, 'do'>) => ask<Sent>({ do: 'send', ...order }),
		stop: async () => {
			child.kill();
			await child.exited;
			listening.delete(child);
		},
	};
};
type Listeners = ReturnType<typeof startListeners>;

const realtimePath = '/api/v1/realtime';
const authOf = ({ key }: Crowd, token: string, since?: string) =>
	JSON.stringify({ type: 'auth', token, apiKey: key, ...(since !== undefined && { since }) });
/** socketsOf spreads sockets over people, as many to each. */
const socketsOf = <P>(people: P[], n: number): P[] =>
	Array.from({ length: n }, (_, i) => people[i % people.length] as P);
/** How many connect at once where nothing is measured by it. */
const connectingAtOnce = 100;

// ---- The servers

interface Listened {
	name: string;
	pid: number;
	port: number;
	livePath: string;
	/** The first frames of so many clients. */
	firsts: (n: number) => string[];
	post: { path: string; headers: Record<string, string> };
	stop: () => Promise<void>;
}

const json = { 'content-type': 'application/json' };

const startOurs = async (name: string, file: string, crowd: Crowd, folder: string): Promise<Listened> => {
	const server = await launchParley(file, folder);
	return {
		name,
		...server,
		livePath: realtimePath,
		firsts: (n) => socketsOf(crowd.staff, n).map(({ token }) => authOf(crowd, token)),
		post: {
			path: `/api/v1/support/tickets/${crowd.ticket}/messages`,
			headers: { ...json, 'x-api-key': crowd.key, authorization: `Bearer ${crowd.requester.token}` },
		},
	};
};

/** An event of a ticket's message as Parley sends it to the desk: what the baselines send has as many bytes. */
const sampleEvent = JSON.stringify({
	id: '3f9a1c5e7b20.1042.mlx3k9w0',
	type: 'message.created',
	createdAt: '2026-02-22T10:00:00.000Z',
	conversationId: 'ticket_01h455vb4pex5vsknk084sn02q',
	data: {
		id: 'msg_01h455vb4pex5vsknk084sn02q',
		conversationId: 'ticket_01h455vb4pex5vsknk084sn02q',
		senderId: 'user_01h455vb4pex5vsknk084sn02q',
		seq: 1042,
		kind: 'text',
		content: { text: '$text' },
		isRead: false,
		replyTo: null,
		reactions: [],
		clientMessageId: '019c8f52-6a3b-7000-8000-2b8f4a1c9d10',
		metadata: null,
		editedAt: null,
		deletedAt: null,
		createdAt: '2026-02-22T10:00:00.000Z',
		messageCount: 1042,
		unreadCountP2: 1042,
	},
});

const baselines: Record<string, string> = {
	publish: 'Bun, server.publish',
	insert: 'Bun, synced insert and server.publish',
	ws: 'Node, ws',
};
const startBaseline = async (kind: string): Promise<Listened> => {
	const name = baselines[kind];
	if (!name) throw new Error(`no such server: ${kind}\n${usage}`);
	const [folder, port] = [newFolder(kind), freePort()];
	const common = ['--port', String(port), '--event', sampleEvent];
	const bun = [process.execPath, join(import.meta.dir, 'baseline-publish.ts'), '--mode', kind, '--data', folder];
	const command = kind === 'ws' ? ['node', join(await nodeStack(), 'fanout.mjs')] : bun;
	const { child } = await launch(name, [...command, ...common], folder, port);
	return {
		name,
		pid: child.pid,
		port,
		livePath: '/live',
		firsts: (n) => Array<string>(n).fill('{"type":"auth"}'),
		post: { path: '/messages', headers: json },
		stop: () => stop(child),
	};
};

const copyOf = async (crowd: Crowd, name: string) => {
	const folder = newFolder(name);
	Bun.spawnSync(['cp', '-a', `${crowd.folder}/.`, folder]);
	return folder;
};

// ---- One message to many

interface LiveRun extends Sent {
	cpuMicros: number;
}
interface LiveCase {
	inFlight: number;
	name: string;
	runs: LiveRun[];
}
const inFlights = [1, 16];
const liveCases: LiveCase[] = [];
const liveCase = (inFlight: number, name: string) => {
	const known = liveCases.find((c) => c.inFlight === inFlight && c.name === name);
	if (known) return known;
	const made: LiveCase = { inFlight, name, runs: [] };
	liveCases.push(made);
	return made;
};

const measureLive = async (crowd: Crowd) => {
	const servers: { server: Listened; listeners: Listeners }[] = [];
	const begin = async (server: Listened) => {
		const listeners = startListeners();
		const { port, livePath: path } = server;
		await listeners.connect({ port, path, firsts: server.firsts(socketCount), atOnce: connectingAtOnce, missed: null });
		servers.push({ server, listeners });
	};
	for (const kind of kinds) {
		if (kind !== 'parley') await begin(await startBaseline(kind));
		else
			for (const [name, file] of builds) await begin(await startOurs(name, file, crowd, await copyOf(crowd, 'live')));
	}
	for (let round = 0; round <= rounds; round++)
		for (const inFlight of inFlights)
			for (const { server, listeners } of rotated(servers, round)) {
				const { pid, port, post, name } = server;
				const before = cpuSeconds(pid);
				const sent = await listeners.send({ port, ...post, posts, inFlight });
				const cpuMicros = ((cpuSeconds(pid) - before) * 1e6) / sent.deliveries;
				if (sent.deliveries !== posts * socketCount) throw new Error(`${name}: ${sent.deliveries} deliveries`);
				// round 0 is the warm-up
				if (round > 0) liveCase(inFlight, name).runs.push({ ...sent, cpuMicros });
				const rate = number(sent.deliveries / sent.seconds);
				const late = `p99 ${number(percentile(sent.latenciesMs, 0.99), 1)} ms`;
				say(`live, ${inFlight} at once · ${name}: ${rate}/s, ${late}, ${number(sent.bytes)} bytes a delivery`);
				if (sent.others > 0) say(`  and ${sent.others} other events`);
			}
	const sizes = liveCases.flatMap((c) => c.runs.map((run) => run.bytes));
	// what is compared are deliveries, so they must be alike
	if (Math.max(...sizes) > 1.05 * Math.min(...sizes)) throw new Error(`deliveries of ${sizes.join(', ')} bytes`);
	for (const { server, listeners } of servers) {
		await listeners.stop();
		await server.stop();
	}
};
const liveRate = (c: LiveCase) => median(c.runs.map((run) => run.deliveries / run.seconds));

// ---- Many who are only there

const idlePerProcess = 5_000;
/** How long the memory of a server is left alone before it is read: its garbage is collected meanwhile. */
const settleMs = 15_000;
const idleKilobytes = new Map<string, number[]>();

const measureIdle = async (crowd: Crowd) => {
	if (openFiles < idleCount + 500)
		throw new Error(`${idleCount} sockets need as many open files: ulimit -Hn is ${openFiles}`);
	const first = Math.ceil(idleCount / 10);
	const connectAll = async (server: Listened, firsts: string[], clients: Listeners[]) => {
		for (let from = 0; from < firsts.length; from += idlePerProcess) {
			const listeners = startListeners();
			clients.push(listeners);
			const piece = firsts.slice(from, from + idlePerProcess);
			const { port, livePath: path } = server;
			await listeners.connect({ port, path, firsts: piece, atOnce: connectingAtOnce, missed: null });
		}
	};
	const one = async (server: Listened, firsts: string[]) => {
		const clients: Listeners[] = [];
		await Bun.sleep(settleMs / 3);
		const none = residentMegabytes(server.pid);
		await connectAll(server, firsts.slice(0, first), clients);
		await Bun.sleep(settleMs);
		const some = residentMegabytes(server.pid);
		await connectAll(server, firsts.slice(first), clients);
		await Bun.sleep(settleMs);
		const all = residentMegabytes(server.pid);
		// note: from none on, so that what the server needs to handle any at all is counted too
		const kilobytes = ((all - none) * 1024) / firsts.length;
		const later = ((all - some) * 1024) / (firsts.length - first);
		const sizes = [none, some, all].map((megabytes) => `${number(megabytes)} MB`).join(', ');
		say(
			`idle · ${server.name}: ${sizes} with 0, ${number(first)}, ${number(firsts.length)}: ${number(kilobytes, 1)} KB a socket, of the later ones ${number(later, 1)}`,
		);
		idleKilobytes.set(server.name, [...(idleKilobytes.get(server.name) ?? []), kilobytes]);
		for (const listeners of clients) await listeners.stop();
		await server.stop();
	};
	for (let round = 0; round < Math.min(rounds, 2); round++) {
		const raw = await startBaseline('publish');
		await one(raw, raw.firsts(idleCount));
		for (const [name, file] of builds) {
			const firsts = socketsOf(crowd.users, idleCount).map(({ token }) => authOf(crowd, token));
			await one(await startOurs(name, file, crowd, await copyOf(crowd, 'idle')), firsts);
		}
	}
};

// ---- Many who come back at once

interface Resume {
	what: string;
	name: string;
	ms: number[];
	/** What the server worked for it. */
	cpuSeconds: number[];
	/** Of another caller meanwhile. */
	healthMs: number[];
	megabytes: number[];
}
const resumes: Resume[] = [];
const healthEveryMs = 5;

/** watchHealth asks whether the server is there, all the time, until it is told to stop. */
const watchHealth = (port: number) => {
	const took: number[] = [];
	let watching = true;
	const ended = (async () => {
		while (watching) {
			const startedAt = performance.now();
			await (await fetch(`http://127.0.0.1:${port}/healthz`)).arrayBuffer();
			took.push(performance.now() - startedAt);
			await Bun.sleep(healthEveryMs);
		}
	})();
	return async () => {
		watching = false;
		await ended;
		return took;
	};
};

const measureResume = async (small: Crowd) => {
	const startedAt = performance.now();
	const { crowd, beforePairs, beforeTicket } = await makeMissed(small, newFolder('missed'), missedEach);
	const { length: pairs } = crowd.conversations;
	say(`${number((pairs + 1) * missedEach)} messages made in ${number((performance.now() - startedAt) / 1000, 1)} s`);
	const cases = [
		{
			what: `${number(pairs * 2)} users, each with ${number(missedEach)} events of their own`,
			firsts: crowd.users.map(({ token }) => authOf(crowd, token, beforePairs)),
			from: crowd.users.map((_, i) => numberOf(Math.floor(i / 2), 0, missedEach)),
		},
		{
			what: `${number(socketCount)} sockets of the desk, all with the same ${number(missedEach)}`,
			firsts: socketsOf(crowd.staff, socketCount).map(({ token }) => authOf(crowd, token, beforeTicket)),
			from: Array<number>(socketCount).fill(0),
		},
	];
	for (let round = 0; round < Math.min(rounds, 3); round++)
		for (const { what, firsts, from } of cases)
			for (const [name, file] of rotated(builds, round)) {
				const server = await startOurs(name, file, crowd, crowd.folder);
				const listeners = startListeners();
				const { port } = server;
				const health = watchHealth(port);
				await Bun.sleep(300);
				const order = { port, path: realtimePath, firsts, atOnce: firsts.length };
				const before = cpuSeconds(server.pid);
				const done = await listeners.connect({ ...order, missed: { messages: missedEach, from } });
				const worked = cpuSeconds(server.pid) - before;
				const healthMs = await health();
				const megabytes = residentMegabytes(server.pid);
				const known = resumes.find((r) => r.what === what && r.name === name);
				const kept: Resume = known ?? { what, name, ms: [], cpuSeconds: [], healthMs: [], megabytes: [] };
				if (!known) resumes.push(kept);
				kept.ms.push(done.ms);
				kept.cpuSeconds.push(worked);
				kept.healthMs.push(...healthMs);
				kept.megabytes.push(megabytes);
				const stalls = `healthz p99 ${number(percentile(healthMs, 0.99), 1)} ms, longest ${number(Math.max(...healthMs), 1)}`;
				const volume = `${number(done.frames)} frames, ${number(done.bytes / 2 ** 20)} MB`;
				say(
					`${what} · ${name}: ${number(done.ms)} ms, ${number(worked, 1)} s of CPU, ${volume}, ${stalls}, ${number(megabytes)} MB resident`,
				);
				await listeners.stop();
				await server.stop();
			}
};

// ---- The report

const table = (head: string[], left: number, lines: string[][]) =>
	[head, head.map((_, i) => (i < left ? '---' : '--:')), ...lines]
		.map((cells) => `| ${cells.join(' | ')} |`)
		.join('\n');
const verdict = (met: boolean) => (met ? 'met' : 'MISSED');

const liveReport = () => {
	if (liveCases.length === 0) return [];
	// note: round by round, so that what else the machine did at the time slows both
	const beside = (c: LiveCase, name: string | undefined) => {
		const other = liveCases.find((o) => o.inFlight === c.inFlight && o.name === name);
		const rate = (run: LiveRun | undefined) => (run ? run.deliveries / run.seconds : Number.NaN);
		return other ? median(c.runs.map((run, round) => rate(run) / rate(other.runs[round]))) : Number.NaN;
	};
	const ratios = (name: string | undefined) =>
		liveCases
			.filter((c) => c.name === 'Parley')
			.map((c) => beside(c, name))
			.filter(Number.isFinite);
	const lines = liveCases.map((c) => {
		const rates = c.runs.map((run) => run.deliveries / run.seconds);
		const latencies = c.runs.flatMap((run) => run.latenciesMs);
		return [
			String(c.inFlight),
			c.name,
			`**${number(liveRate(c))}** (${number(Math.min(...rates))} – ${number(Math.max(...rates))})`,
			number(beside(c, baselines.publish), 2),
			number(beside(c, baselines.insert), 2),
			number(beside(c, baselines.ws), 2),
			number(median(c.runs.map((run) => run.cpuMicros)), 2),
			number(percentile(latencies, 0.5), 1),
			number(percentile(latencies, 0.99), 1),
		];
	});
	const head = [
		'messages at once',
		'server',
		'deliveries per second (lowest – highest)',
		'× publish',
		'× insert',
		'× ws',
	];
	head.push('CPU µs', 'p50 ms', 'p99 ms');
	const targets = [baselines.publish, baselines.insert].flatMap((name) => {
		const found = ratios(name);
		if (found.length === 0) return [];
		const shown = found.map((ratio) => number(ratio, 2)).join(' and ');
		return [`- deliveries × ${name} ≥ 0.7: ${shown}, ${verdict(Math.min(...found) >= 0.7)}`];
	});
	const legend = `One message to ${number(socketCount)} sockets, ${number(posts)} messages a run, medians of ${rounds} rounds, servers interleaved. CPU: of the server, a delivery. × : of each round, the median. p50, p99: from the POST to the last of its deliveries.`;
	return [table(head, 2, lines), legend, targets.join('\n')];
};

const idleReport = () => {
	if (idleKilobytes.size === 0) return [];
	const raw = median(idleKilobytes.get(baselines.publish ?? '') ?? []);
	return [...idleKilobytes]
		.filter(([name]) => name !== baselines.publish)
		.map(([name, found]) => {
			const above = median(found) - raw;
			const both = `${number(median(found), 1)} KB, ${number(raw, 1)} KB of a bare server`;
			return `- ${name}, resident memory an idle socket ≤ 12 KB above a bare server (${number(idleCount)} sockets): ${both}, ${number(above, 1)} above, ${verdict(above <= 12)}`;
		});
};

const resumeReport = () => {
	if (resumes.length === 0) return [];
	const lines = resumes.map((r) => [
		r.what,
		r.name,
		`**${number(median(r.ms))}** (${number(Math.min(...r.ms))} – ${number(Math.max(...r.ms))})`,
		number(median(r.cpuSeconds), 1),
		number(percentile(r.healthMs, 0.5), 1),
		number(percentile(r.healthMs, 0.99), 1),
		number(Math.max(...r.healthMs), 1),
		number(Math.max(...r.megabytes)),
	]);
	const head = [
		'who comes back at once',
		'server',
		'ms until the last has caught up',
		'its CPU s',
		'another caller: p50 ms',
		'p99',
		'longest',
	];
	head.push('resident MB after');
	const targets = resumes
		.filter(({ name }) => name === 'Parley')
		.map((r) => `- ${r.what}, < 5 s: ${number(median(r.ms) / 1000, 2)} s, ${verdict(median(r.ms) < 5_000)}`);
	return [table(head, 2, lines), targets.join('\n')];
};

const main = async () => {
	const machine = machineLine(scratch, 'own')
		.split(' · ')
		.filter((part) => !part.startsWith('load by'))
		.join(' · ');
	say(machine);
	const pairs = Math.ceil(Math.max(socketCount / 2, idleCount / perUser / 2));
	const crowd = await makeCrowd(binary, newFolder('crowd'), { pairs, staff: Math.ceil(socketCount / perUser) });
	if (parts.includes('live')) await measureLive(crowd);
	if (parts.includes('idle')) await measureIdle(crowd);
	if (parts.includes('resume')) await measureResume(crowd);
	const report = [...liveReport(), idleReport().join('\n'), ...resumeReport(), machine];
	process.stdout.write(`${report.filter(Boolean).join('\n\n')}\n`);
};

main().then(
	() => process.exit(0),
	(error: unknown) => {
		say(error instanceof Error ? (error.stack ?? error.message) : String(error));
		process.exit(1);
	},
);
