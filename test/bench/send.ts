// What a send costs: the compiled server against three baselines, in one run and interleaved, on this machine.
//
//   bun test/bench/send.ts [--quick] [--stored 1000000] [--servers parley,raw,turn,node] [--parts send,list,start]
//
// The numbers are reported, not judged by an exit code: it is 1 only when a server failed to do what was asked of it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Generator, type LoadRun, load, type Plan } from './load.ts';
import { isMemory, machineLine, median, residentMegabytes } from './measure.ts';
import { addSite, type Kind, launchParley, probeList, probeSend, type Server, start } from './servers.ts';

const usage = `What a send costs, beside three baselines. Prints one Markdown table.
  --quick               one round of 2 s on 64 connections
  --connections LIST    default 32,64,256
  --conversations LIST  default 100,10000
  --seconds N           length of one run, default 3
  --rounds N            runs of each server in each case, default 5
  --servers LIST        of parley,raw,turn,node; default all
  --parts LIST          of send,list,start; default all
  --stored N            also: the rate with N messages stored against the rate of an empty store
  --generator wrk|own   default wrk where it is installed
  --binary FILE         default dist/parley
  --scratch DIR         where the databases are made (a real disk); default the system's temporary folder`;

const { values: flags } = parseArgs({
	options: {
		help: { type: 'boolean', default: false },
		quick: { type: 'boolean', default: false },
		connections: { type: 'string' },
		conversations: { type: 'string', default: '100,10000' },
		seconds: { type: 'string' },
		rounds: { type: 'string' },
		servers: { type: 'string', default: 'parley,raw,turn,node' },
		parts: { type: 'string', default: 'send,list,start' },
		stored: { type: 'string', default: '0' },
		generator: { type: 'string', default: Bun.which('wrk') ? 'wrk' : 'own' },
		binary: { type: 'string', default: resolve(import.meta.dir, '../../dist/parley') },
		scratch: { type: 'string', default: os.tmpdir() },
	},
});
if (flags.help) {
	process.stdout.write(`${usage}\n`);
	process.exit(0);
}

const wholeNumber = (text: string) => {
	const number = Number(text);
	if (!Number.isInteger(number) || number < 0) throw new Error(`not a whole number: ${text}\n${usage}`);
	return number;
};
const list = (text: string) => text.split(',').filter(Boolean);
const oneOf =
	<T extends string>(...allowed: T[]) =>
	(text: string) => {
		const found = allowed.find((word) => word === text);
		if (!found) throw new Error(`not one of ${allowed.join(', ')}: ${text}\n${usage}`);
		return found;
	};

const connectionCounts = list(flags.connections ?? (flags.quick ? '64' : '32,64,256')).map(wholeNumber);
const conversationCounts = list(flags.conversations).map(wholeNumber);
const seconds = wholeNumber(flags.seconds ?? (flags.quick ? '2' : '3'));
const rounds = wholeNumber(flags.rounds ?? (flags.quick ? '1' : '5'));
const kinds: Kind[] = list(flags.servers).map(oneOf('parley', 'raw', 'turn', 'node'));
const parts = list(flags.parts).map(oneOf('send', 'list', 'start'));
const storedGoal = wholeNumber(flags.stored);
const generator: Generator = oneOf('wrk', 'own')(flags.generator);
const binary = resolve(flags.binary);
const withParley = kinds.includes('parley');
if (withParley && !existsSync(binary)) throw new Error(`${binary} is not there: make it with \`bun run build\``);
if (kinds.includes('node') && parts.includes('send') && !(Bun.which('node') && Bun.which('npm'))) {
	throw new Error('baseline (c) needs node and npm; leave it out with --servers parley,raw,turn');
}

/** pageSize of the listing that is measured. */
const pageSize = 50;
const warmUpSeconds = 1;
const middleConnections = connectionCounts[Math.floor((connectionCounts.length - 1) / 2)] ?? 64;
const largestConversations = Math.max(...conversationCounts);

const scratch = mkdtempSync(join(resolve(flags.scratch), 'parley-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
if (isMemory(scratch)) process.stderr.write('note: the scratch folder is in memory, so a sync costs nothing here\n');

const say = (text: string) => process.stderr.write(`${text}\n`);
let folders = 0;
const newFolder = (name: string) => join(scratch, `${++folders}-${name}`);

// ---- Cases: one line of the table each

interface Case {
	what: string;
	connections: number;
	server: Server['kind'];
	name: string;
	runs: LoadRun[];
}

const cases: Case[] = [];
const caseOf = (what: string, connections: number, server: Kind, name: string) => {
	const known = cases.find((c) => c.what === what && c.connections === connections && c.name === name);
	if (known) return known;
	const made: Case = { what, connections, server, name, runs: [] };
	cases.push(made);
	return made;
};
const rate = (found: Case | undefined) => (found ? median(found.runs.map((run) => run.perSecond)) : Number.NaN);

/** settle writes out what the run before left in the page cache, so that no server pays for another one's pages. */
const settle = async () => {
	Bun.spawnSync(['sync']);
	await Bun.sleep(100);
};

/** sendLoad sends for some seconds and holds the number of answers against the number of rows the server has gained. */
const sendLoad = async (server: Server, connections: number, duration: number) => {
	const before = await server.stored();
	await settle();
	const run = await load({
		generator,
		method: 'POST',
		plan: server.plan,
		planFile: join(scratch, 'plan.txt'),
		server,
		connections,
		seconds: duration,
	});
	await Bun.sleep(200);
	const gained = (await server.stored()) - before;
	// The requests in flight at the end are stored but no longer counted by the generator: one a connection at most.
	if (gained < run.requests || gained > run.requests + connections) {
		throw new Error(`${server.name} answered ${run.requests} sends and stored ${gained}`);
	}
	return run;
};

const number = (value: number, digits = 0) =>
	Number.isFinite(value)
		? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).replaceAll(',', ' ')
		: '–';

const tell = (what: string, name: string, run: LoadRun, note = '') =>
	say(`${what} · ${name}: ${number(run.perSecond)}/s${note ? ` · ${note}` : ''}`);

/** rotated puts another server first in each round, so that none has always the same one before it. */
const rotated = <T>(items: readonly T[], by: number) => items.map((_, i) => items[(i + by) % items.length] as T);

const startAll = async (wanted: readonly Kind[], conversations: number) => {
	const servers: Server[] = [];
	for (const kind of wanted) servers.push(await start(kind, binary, newFolder(kind), conversations));
	return servers;
};
const stopAll = (servers: readonly Server[]) => Promise.all(servers.map((server) => server.stop()));

const measureSending = async (conversations: number, connections: number) => {
	const what = `send, ${number(conversations)} conversations`;
	const servers = await startAll(kinds, conversations);
	for (const server of servers) {
		await probeSend(server);
		await sendLoad(server, connections, warmUpSeconds);
	}
	for (let round = 0; round < rounds; round++) {
		for (const server of rotated(servers, round)) {
			const run = await sendLoad(server, connections, seconds);
			caseOf(what, connections, server.kind, server.name).runs.push(run);
			tell(`${what}, ${connections} connections`, server.name, run, await server.note());
		}
	}
	await stopAll(servers);
};

const measureListing = async () => {
	const conversations = Math.min(...conversationCounts);
	const what = `list the last ${pageSize}, ${number(conversations)} conversations`;
	const listed = (path: string) => `${path}?limit=${pageSize}`;
	const servers = await startAll(withParley ? ['parley', 'list'] : ['list'], conversations);
	for (const server of servers) {
		// Twice the page for each conversation on average; the probe then sees that none has less than a page.
		while ((await server.stored()) < conversations * pageSize * 2) {
			await sendLoad(server, middleConnections, warmUpSeconds);
		}
		await probeList(server, listed, pageSize);
		caseOf(what, middleConnections, server.kind, server.name);
	}
	for (let round = 0; round <= rounds; round++) {
		for (const server of rotated(servers, round)) {
			await settle();
			const targets = server.plan.targets.map((target) => ({ ...target, path: listed(target.path) }));
			const plan: Plan = { key: server.plan.key, targets };
			const planFile = join(scratch, 'plan.txt');
			// Round 0 is the warm-up.
			const duration = round === 0 ? warmUpSeconds : seconds;
			const common = { generator, plan, planFile, server, connections: middleConnections, seconds: duration };
			const run = await load({ ...common, method: 'GET' });
			if (round === 0) continue;
			caseOf(what, middleConnections, server.kind, server.name).runs.push(run);
			tell(what, server.name, run);
		}
	}
	await stopAll(servers);
};

/** fillMinutesMax bounds the filling of the store, which goes through the API like every other send. */
const fillMinutesMax = 15;
const storedName = `Parley, ${number(storedGoal)} stored`;
const emptyName = 'Parley, empty';
const storedWhat = `send, ${number(largestConversations)} conversations, stored or empty`;

const measureStored = async () => {
	const full = await start('parley', binary, newFolder('stored'), largestConversations);
	const startedAt = performance.now();
	for (let stored = 0; stored < storedGoal; stored = await full.stored()) {
		say(`filling: ${number(stored)} of ${number(storedGoal)}`);
		if (performance.now() - startedAt > fillMinutesMax * 60_000) throw new Error('filling took too long');
		await sendLoad(full, 64, 10);
	}
	for (let round = 0; round < rounds; round++) {
		// An empty store does not stay empty under load: a new one each round, equally warm.
		const empty = await start('parley', binary, newFolder('empty'), largestConversations);
		await sendLoad(empty, middleConnections, warmUpSeconds);
		const both = [
			{ server: full, name: storedName },
			{ server: empty, name: emptyName },
		];
		for (const { server, name } of rotated(both, round)) {
			const run = await sendLoad(server, middleConnections, seconds);
			caseOf(storedWhat, middleConnections, 'parley', name).runs.push(run);
			tell(storedWhat, name, run);
		}
		await empty.stop();
	}
	say(`resident with ${number(await full.stored())} stored, after load: ${number(residentMegabytes(full.pid))} MB`);
	await full.stop();
};

interface Starts {
	firstMs: number;
	laterMs: number;
	residentMb: number;
}

/** idleMs before the resident memory of a server nobody has called is read: time enough to finish starting. */
const idleMs = 3_000;

const measureStarts = async (): Promise<Starts> => {
	const firstMs: number[] = [];
	const laterMs: number[] = [];
	for (let i = 0; i < 5; i++) {
		const server = await launchParley(binary, newFolder('start'));
		firstMs.push(server.startMs);
		await server.stop();
	}
	const folder = newFolder('start-again');
	addSite(binary, folder);
	for (let i = 0; i < 9; i++) {
		const server = await launchParley(binary, folder);
		laterMs.push(server.startMs);
		await server.stop();
	}
	const server = await launchParley(binary, folder);
	await Bun.sleep(idleMs);
	const residentMb = residentMegabytes(server.pid);
	await server.stop();
	return { firstMs: median(firstMs), laterMs: median(laterMs), residentMb };
};

// ---- The report

const table = () => {
	const head = ['case', 'connections', 'server', 'per second (lowest – highest)', '× (a)', '× (c)'];
	head.push('CPU µs', 'KB written', 'p50 ms', 'p99 ms');
	const lines = cases.map((c) => {
		const beside = (kind: Kind) =>
			cases.find((o) => o.what === c.what && o.connections === c.connections && o.server === kind);
		const mid = (pick: (run: LoadRun) => number) => median(c.runs.map(pick));
		const rates = c.runs.map((run) => run.perSecond);
		const spread = `${number(Math.min(...rates))} – ${number(Math.max(...rates))}`;
		const compared = c.server === 'list' || beside('list') ? beside('list') : beside('raw');
		return [
			c.what,
			String(c.connections),
			c.name,
			`**${number(rate(c))}** (${spread})`,
			number(rate(c) / rate(compared), 2),
			number(rate(c) / rate(beside('node')), 2),
			number(
				mid((run) => run.cpuMicrosPerRequest),
				1,
			),
			number(mid((run) => run.writtenBytesPerRequest) / 1024, 1),
			number(
				mid((run) => run.p50Ms),
				2,
			),
			number(
				mid((run) => run.p99Ms),
				2,
			),
		];
	});
	const right = ['---', '--:', '---', ...head.slice(3).map(() => '--:')];
	return [head, right, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

const verdict = (met: boolean) => (met ? 'met' : 'MISSED');

/** ratios of Parley to a baseline over all cases that have both. */
const ratios = (kind: Kind) =>
	cases
		.filter((c) => c.server === 'parley')
		.flatMap((c) => {
			const other = cases.find((o) => o.what === c.what && o.connections === c.connections && o.server === kind);
			return other ? [rate(c) / rate(other)] : [];
		});

const targetOfRatio = (what: string, found: number[], least: number, wish = '') => {
	if (found.length === 0) return [];
	const [low, high] = [Math.min(...found), Math.max(...found)];
	const measured = found.length === 1 ? number(low, 2) : `${number(low, 2)} – ${number(high, 2)}`;
	return [`- ${what} ≥ ${least.toFixed(1)}${wish}: ${measured}, ${verdict(low >= least)}`];
};

const targets = (starts: Starts | undefined) => {
	const byName = (name: string) => cases.filter((c) => c.name === name);
	const kept = byName(storedName).map((c) => rate(c) / rate(byName(emptyName)[0]));
	const lines = [
		...targetOfRatio('sending × (a)', ratios('raw'), 1, ' (wanted: 1.2)'),
		...targetOfRatio('sending × (c)', ratios('node'), 2),
		...targetOfRatio(`listing the last ${pageSize} × raw`, ratios('list'), 0.7),
		...targetOfRatio(`sending with ${number(storedGoal)} stored × empty`, kept, 0.9),
	];
	if (!starts) return lines;
	const slowest = Math.max(starts.firstMs, starts.laterMs);
	const both = `${number(starts.firstMs)} ms on an empty folder, ${number(starts.laterMs)} ms later`;
	lines.push(`- start to first answer < 300 ms: ${both}, ${verdict(slowest < 300)}`);
	lines.push(`- resident memory idle < 100 MB: ${number(starts.residentMb)} MB, ${verdict(starts.residentMb < 100)}`);
	return lines;
};

const legend = [
	`Medians of ${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s, servers interleaved, all on one machine with the load.`,
	'× (a), × (c): rate over that baseline in the same case (listing: over the raw one).',
	'CPU: user and system time of the server a request. KB written: pages sent towards the disk a message',
	'(write_bytes in /proc/<pid>/io), KB of 1024. Parley and (c) sync the disk before every answer, (a) and (b) do not.',
].join(' ');

const main = async () => {
	const machine = machineLine(scratch, generator);
	say(machine);
	const starts = withParley && parts.includes('start') ? await measureStarts() : undefined;
	if (parts.includes('send')) {
		for (const conversations of conversationCounts) {
			for (const connections of connectionCounts) await measureSending(conversations, connections);
		}
	}
	if (parts.includes('list')) await measureListing();
	if (withParley && storedGoal > 0) await measureStored();
	process.stdout.write(`${[table(), legend, targets(starts).join('\n'), machine].filter(Boolean).join('\n\n')}\n`);
};

main().then(
	() => process.exit(0),
	(error: unknown) => {
		say(error instanceof Error ? (error.stack ?? error.message) : String(error));
		process.exit(1);
	},
);
