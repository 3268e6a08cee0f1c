// What the desk's calls cost in a large store: the compiled server over HTTP and the services in process, each beside the same
// in a small store, in one run and interleaved.
//
//   bun test/bench/stats.ts [--quick] [--keep DIR] [--only WORD] [--statements 1]
//
// The numbers are reported, not judged by an exit code: it is 1 only when a store is not as it should be or a call fails.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/config.ts';
import { dataFile } from '../../src/db/open.ts';
import { iso } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { UserPrincipal } from '../../src/kernel/principal.ts';
import { siteSettingsDefault } from '../../src/modules/sites/sites.schema.ts';
import { createServices, type Services } from '../../src/services.ts';
import { commonWord, fill, rareWord, type Size, tagOf } from './fill.ts';
import { machineLine, median } from './measure.ts';
import { addSite, launchParley } from './servers.ts';
import { planOf, timeStatements } from './timing.ts';
import { bruteStats, faultsOf } from './verify.ts';

const usage = `What the desk's calls cost in a large store. Prints one Markdown table.
  --quick               a tenth of the store, and fewer calls
  --messages N          default 1000000
  --conversations N     default a tenth of the messages
  --calls N             calls of each kind in each variant, default 200
  --only WORD           only the calls with this word in their name
  --statements MS       also: the statements of each call that took so long, with their plans
  --keep DIR            where the stores are kept, and found again by the next run with the same numbers
  --binary FILE         default dist/parley
  --scratch DIR         where the stores are made otherwise; default the system's temporary folder`;

const { values: flags } = parseArgs({
	options: {
		help: { type: 'boolean', default: false },
		quick: { type: 'boolean', default: false },
		messages: { type: 'string' },
		conversations: { type: 'string' },
		calls: { type: 'string' },
		only: { type: 'string', default: '' },
		statements: { type: 'string' },
		keep: { type: 'string' },
		binary: { type: 'string', default: resolve(import.meta.dir, '../../dist/parley') },
		scratch: { type: 'string', default: os.tmpdir() },
	},
});
if (flags.help) {
	process.stdout.write(`${usage}\n`);
	process.exit(0);
}
const number = (text: string) => {
	const value = Number(text);
	if (!(value >= 0)) throw new Error(`not a number: ${text}\n${usage}`);
	return value;
};
const messages = number(flags.messages ?? (flags.quick ? '100000' : '1000000'));
const conversations = number(flags.conversations ?? String(messages / 10));
const calls = number(flags.calls ?? (flags.quick ? '60' : '200'));
const binary = resolve(flags.binary);
if (!existsSync(binary)) throw new Error(`${binary} is not there: make it with \`bun run build\``);

const { autoCloseDays } = siteSettingsDefault;
const sizes: Record<'large' | 'small', Size> = {
	large: { conversations, messages, users: conversations / 5, days: 60, moderation: 200, autoCloseDays },
	// note: enough for a full page of everything, so that what differs is the store and not the page
	small: { conversations: 500, messages: 1_000, users: 1_000, days: 60, moderation: 2, autoCloseDays },
};

/** targetMs of the numbers and lists of the desk. */
const targetMs = 10;

const scratch = mkdtempSync(join(resolve(flags.scratch), 'parley-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const say = (text: string) => process.stderr.write(`${text}\n`);
const shown = (value: number, digits = 0) =>
	value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).replaceAll(',', ' ');
const timing = flags.statements === undefined ? null : timeStatements();

// ---- The stores

const openServices = (folder: string, clock = Date.now) =>
	createServices({
		config: { ...loadConfig({}, {}), data: folder },
		clock,
		log: silentLog,
		publicUrl: () => 'http://bench.local',
		busyMs: 2_000,
	});

/** check throws unless the store says of itself what its rows say. */
const check = ({ store, stats, audit }: Services, principal: UserPrincipal, now: number) => {
	const sqlite = store.db.$client;
	const [said, counted] = [stats.get(principal), bruteStats(sqlite, principal.site, now)];
	if (!Bun.deepEquals(said, counted, true))
		throw new Error(`/admin/stats says ${JSON.stringify(said)}\nand the rows say ${JSON.stringify(counted)}`);
	const faults = faultsOf(sqlite);
	const { broken } = audit.verify(principal.site);
	if (broken) faults.push(`the audit: ${broken.id} ${broken.reason}`);
	if (faults.length > 0) throw new Error(`the store is not as the server leaves it:\n${faults.join('\n')}`);
};

const memberOf = async ({ store, sites, tokens }: Services, where: string) => {
	const [site] = sites.list();
	const user = store.db.$client.query<{ id: string }, []>(`select id from users where ${where} limit 1`).get();
	if (!site || !user) throw new Error(`there is no user with ${where}`);
	const { chatToken } = await tokens.mintByOperator(user.id);
	return { token: chatToken, principal: await tokens.authenticate(site, chatToken) };
};
type Member = Awaited<ReturnType<typeof memberOf>>;

const catchUp = async ({ store, search }: Services) => {
	const indexed = () => store.db.$client.query<{ n: number }, []>('select max(up_to) n from text_index').get()?.n;
	for (let before: number | undefined = -1; before !== indexed(); ) {
		before = indexed();
		await search.catchUp();
	}
};

const checkFolder = async (folder: string) => {
	const now = Date.now();
	const services = openServices(folder, () => now);
	await catchUp(services);
	check(services, (await memberOf(services, "role = 'admin'")).principal, now);
	await services.store.drain();
	services.store.close();
};

/** makeStore fills a folder, unless it is there already, and gives the site's publishable key. */
const makeStore = async (name: 'large' | 'small'): Promise<{ folder: string; key: string }> => {
	const size = sizes[name];
	const base = flags.keep === undefined ? scratch : resolve(flags.keep);
	const folder = join(base, `${name}-${size.messages}-${size.conversations}`);
	const done = `${folder}.key`;
	if (existsSync(done)) return { folder, key: readFileSync(done, 'utf8') };
	mkdirSync(base, { recursive: true });
	rmSync(folder, { recursive: true, force: true });
	const { publishableKey } = addSite(binary, folder);
	const startedAt = performance.now();
	const now = Date.now();
	const services = openServices(folder, () => now);
	const { store, sites } = services;
	fill(store.db, sites.list()[0]?.pk ?? 0, size, now);
	await catchUp(services);
	await store.drain();
	store.close();
	const filled = performance.now();
	await checkFolder(folder);
	const seconds = (ms: number) => (ms / 1000).toFixed(1);
	const megabytes = Math.round(statSync(dataFile(folder)).size / 2 ** 20);
	say(
		`${name}: ${shown(size.messages)} messages, ${shown(size.conversations)} conversations, ${megabytes} MB, filled in ${seconds(filled - startedAt)} s, checked in ${seconds(performance.now() - filled)} s`,
	);
	writeFileSync(done, publishableKey);
	return { folder, key: publishableKey };
};

/** Some conversations that somebody writes in, each with who does. */
const writersOf = async (services: Services, type: 'p2p' | 'support') => {
	const found = services.store.db.$client
		.query<{ id: string; one: number }, []>(
			`select id, participant_one one from conversations where type = '${type}' and status in ('active', 'open', 'in_progress')
			order by pk * 7919 % 100003 limit 50`,
		)
		.all();
	const writers = [];
	for (const { id, one } of found) writers.push({ id, ...(await memberOf(services, `pk = ${one}`)) });
	return writers;
};

/**
 * openStore opens a store twice, each on a copy of its own: served by the binary, and in this process. note: on one file each
 * would drop its page cache at every write of the other
 */
const openStore = async (name: 'large' | 'small') => {
	const { folder: original, key } = await makeStore(name);
	const [served, own] = ['served', 'own'].map((use) => {
		const folder = join(scratch, `${name}-${use}`);
		cpSync(original, folder, { recursive: true });
		return folder;
	}) as [string, string];
	const services = openServices(own);
	const rows = <R>(text: string) => services.store.db.$client.query<R, []>(text).all();
	const server = await launchParley(binary, served);
	const last = rows<{ at: number }>('select max(last_activity_at) at from conversations')[0]?.at ?? 0;
	return {
		name,
		key,
		folders: [served, own],
		services,
		server,
		admin: await memberOf(services, "role = 'admin'"),
		staff: await memberOf(services, "role = 'staff'"),
		assignee: rows<{ id: string }>("select id from users where role = 'staff' order by pk desc limit 1")[0]?.id ?? '',
		week: { from: iso(last - 21 * 86_400_000), to: iso(last - 14 * 86_400_000) },
		bulk: rows<{ id: string }>(
			`select id from conversations c join tickets t on t.conversation = c.pk
			where coalesce(category, '') <> 'moderation' order by c.pk * 7919 % 100003 limit 100`,
		).map(({ id }) => id),
		p2p: await writersOf(services, 'p2p'),
		support: await writersOf(services, 'support'),
	};
};
type Place = Awaited<ReturnType<typeof openStore>>;

// ---- The calls

type Query = Record<string, string | number | boolean>;
interface Call {
	what: string;
	/** Whether it is held to the target. */
	held: boolean;
	http: (place: Place, round: number) => Promise<unknown>;
	inProcess: (place: Place, round: number) => unknown;
}

const request = async ({ server, key }: Place, { token }: Member, path: string, body?: object) => {
	const headers: Record<string, string> = { 'x-api-key': key, authorization: `Bearer ${token}` };
	if (body) headers['content-type'] = 'application/json';
	const response = await fetch(`http://127.0.0.1:${server.port}/api/v1${path}`, {
		headers,
		...(body && { method: 'POST', body: JSON.stringify(body) }),
	});
	const text = await response.text();
	if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
	return text;
};
const params = (query: Query) =>
	`?${new URLSearchParams(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])))}`;
const nameOf = (query: Query) =>
	Object.entries(query)
		.map(([name, value]) => (name === 'from' ? 'from, to: a week' : name === 'to' ? '' : `${name}=${value}`))
		.filter(Boolean)
		.join(', ');

/** lists are calls that read a page, in the store of which they are asked. */
const lists = (
	path: string,
	viewer: 'admin' | 'staff',
	held: boolean,
	service: (services: Services, principal: UserPrincipal, query: never) => unknown,
	...queries: (Query | ((place: Place) => Query))[]
): Call[] =>
	queries.map((asked) => {
		const query = (place: Place) => (typeof asked === 'function' ? asked(place) : asked);
		const named = typeof asked === 'function' ? asked({ assignee: 'one', week: { from: '', to: '' } } as Place) : asked;
		return {
			what: `GET ${path} ${nameOf(named)}`.trim(),
			held,
			http: (place) => request(place, place[viewer], path + params(query(place))),
			inProcess: (place) => service(place.services, place[viewer].principal, query(place) as never),
		};
	});

const conversationList = (s: Services, p: UserPrincipal, q: never) => s.inbox.list(p, q);
const ticketList = (s: Services, p: UserPrincipal, q: never) => s.tickets.deskList(p, q);
const userList = (s: Services, p: UserPrincipal, q: never) => s.users.deskPage(p, q);

const reads: Call[] = [
	...lists('/admin/stats', 'admin', true, (s, p) => s.stats.get(p), {}),
	...lists(
		'/admin/conversations',
		'admin',
		true,
		conversationList,
		{},
		{ limit: 100 },
		{ page: 500 },
		{ page: 500, limit: 100 },
		{ type: 'p2p' },
		{ type: 'support' },
		{ type: 'support', page: 500 },
		{ status: 'open' },
		{ status: 'closed', page: 500 },
		({ week }) => week,
	),
	...lists(
		'/admin/conversations',
		'admin',
		false,
		conversationList,
		{ q: commonWord },
		{ q: rareWord },
		{ q: 'visitor-1' },
	),
	...lists(
		'/admin/tickets',
		'staff',
		false,
		ticketList,
		{},
		{ page: 500 },
		{ status: 'unsolved' },
		{ sort: 'waitingSince' },
		{ status: 'unsolved', sort: 'waitingSince' },
		{ sort: '-priority' },
		{ status: 'unsolved', sort: '-priority' },
		{ sort: '-createdAt' },
		({ assignee }) => ({ assignee }),
		{ unassigned: true },
		{ tag: tagOf(0) },
		{ tag: tagOf(30) },
		{ q: commonWord },
		{ q: rareWord },
	),
	...lists('/admin/users', 'admin', false, userList, {}, { page: 500 }, { q: 'visitor-1' }, { q: 'nobody' }),
];

const sends = (what: string, path: string, of: 'p2p' | 'support'): Call => {
	const body = () => ({
		content: { text: `${commonWord} look at this once more` },
		clientMessageId: Bun.randomUUIDv7(),
	});
	const pick = (place: Place, round: number) => {
		const { [of]: writers } = place;
		return writers[round % writers.length] as (typeof writers)[number];
	};
	return {
		what,
		held: false,
		http: (place, round) => {
			const writer = pick(place, round);
			return request(place, writer, path.replace(':id', writer.id), body());
		},
		inProcess: (place, round) => {
			const { id, principal } = pick(place, round);
			const { p2p, tickets } = place.services;
			return (of === 'p2p' ? p2p : tickets).threads.send(principal, id, body());
		},
	};
};
/** How often each store was changed in bulk: every change must be one. */
const changedTimes = new Map<string, number>();
const bulkBody = ({ name, bulk }: Place) => {
	const times = (changedTimes.get(name) ?? Math.floor(Math.random() * 3)) + 1;
	changedTimes.set(name, times);
	return { ids: bulk, changes: { priority: (['low', 'medium', 'high'] as const)[times % 3] } };
};
const writes: Call[] = [
	sends('POST a message in a chat', '/p2p/conversations/:id/messages', 'p2p'),
	sends('POST a message in a ticket', '/support/tickets/:id/messages', 'support'),
	{
		what: 'POST /admin/tickets/bulk, priority of 100',
		held: false,
		http: (place) => request(place, place.staff, '/admin/tickets/bulk', bulkBody(place)),
		inProcess: (place) => place.services.tickets.bulk(place.staff.principal, bulkBody(place)),
	},
];

// ---- Measuring

const percentile = (values: number[], share: number) =>
	values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

interface Variant {
	way: 'http' | 'inProcess';
	place: Place;
}
interface Sample {
	ms: number;
	/** What the server's own thread worked for it; of calls in process not known. */
	cpuMs: number;
}
const samples = new Map<Call, Map<Variant, Sample[]>>();

/** threadMs: how long a process's first thread has been on a processor (proc(5): schedstat), which no neighbour lengthens. */
const threadMs = (pid: number) => {
	try {
		return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
	} catch {
		return Number.NaN;
	}
};

/** measure makes the calls in turn: one of each kind in each variant, then the next round. */
const measure = async (wanted: Call[], variants: Variant[], rounds: number) => {
	// the first rounds are for the caches and the compiler
	const warmUp = Math.ceil(rounds / 10);
	for (let round = -warmUp; round < rounds; round++) {
		for (const call of wanted)
			for (let i = 0; i < variants.length; i++) {
				const variant = variants[(i + round + warmUp) % variants.length] as Variant;
				const { pid } = variant.place.server;
				const cpuBefore = threadMs(pid);
				const startedAt = performance.now();
				await call[variant.way](variant.place, round + warmUp);
				const ms = performance.now() - startedAt;
				const cpuMs = threadMs(pid) - cpuBefore;
				if (round < 0) continue;
				const known = samples.get(call) ?? new Map<Variant, Sample[]>();
				samples.set(call, known);
				const list = known.get(variant) ?? [];
				known.set(variant, list);
				list.push({ ms, cpuMs });
			}
	}
};

const tellStatements = async (call: Call, place: Place, least: number) => {
	if (!timing) return;
	await call.inProcess(place, 0);
	const found = await timing.during(() => call.inProcess(place, 0));
	const all = found.reduce((sum, { ms }) => sum + ms, 0);
	say(`\n${call.what}: ${found.length} statements, ${all.toFixed(2)} ms`);
	for (const { text, runs, ms } of found.filter((statement) => statement.ms >= least)) {
		say(`  ${ms.toFixed(2)} ms in ${runs}: ${text}`);
		if (/^\s*(?:select|insert|update|delete|with)\b/i.test(text))
			for (const line of planOf(place.services.store.db.$client, text)) say(`      ${line}`);
	}
};

const main = async () => {
	const machine = machineLine(scratch, 'own')
		.split(' · ')
		.filter((part) => !part.startsWith('load by'))
		.join(' · ');
	say(machine);
	const large = await openStore('large');
	const small = await openStore('small');
	const variants: Variant[] = [large, small].flatMap((place) => [
		{ way: 'http' as const, place },
		{ way: 'inProcess' as const, place },
	]);
	const chosen = (from: Call[]) => from.filter(({ what }) => what.includes(flags.only));
	const calling = [...chosen(reads), ...chosen(writes)];
	if (timing) for (const call of calling) await tellStatements(call, large, number(flags.statements ?? '1'));
	await measure(chosen(reads), variants, calls);
	await measure(chosen(writes), variants, Math.ceil(calls / 3));

	const head = [
		'ms a call',
		'HTTP: median',
		'p99',
		'its CPU',
		'small store',
		'in process: median',
		'p99',
		'small store',
	];
	const of = (call: Call, way: Variant['way'], place: Place, what: keyof Sample = 'ms') => {
		const variant = variants.find((each) => each.way === way && each.place === place) as Variant;
		return (samples.get(call)?.get(variant) ?? []).map((sample) => sample[what]);
	};
	const lines = calling.map((call) => [
		call.what,
		`**${shown(median(of(call, 'http', large)), 2)}**`,
		shown(percentile(of(call, 'http', large), 0.99), 2),
		shown(median(of(call, 'http', large, 'cpuMs')), 2),
		shown(median(of(call, 'http', small)), 2),
		shown(median(of(call, 'inProcess', large)), 2),
		shown(percentile(of(call, 'inProcess', large), 0.99), 2),
		shown(median(of(call, 'inProcess', small)), 2),
	]);
	const rows = [head, ['---', ...head.slice(1).map(() => '--:')], ...lines];
	const verdicts = calling
		.filter(({ held }) => held)
		.map((call) => {
			const took = median(of(call, 'http', large));
			return `- ${call.what} < ${targetMs} ms: ${shown(took, 2)} ms, ${took < targetMs ? 'met' : 'MISSED'}`;
		});
	const others = calling.filter((call) => !call.held && median(of(call, 'http', large)) >= targetMs);
	if (others.length > 0)
		verdicts.push(`- at ${targetMs} ms or more, without a target: ${others.map(({ what }) => what).join('; ')}`);
	const legend = [
		`${shown(messages)} messages in ${shown(conversations)} conversations, half of them tickets; the small store has ${shown(sizes.small.messages)} in ${shown(sizes.small.conversations)},`,
		`so there page 500 is empty. ${calls} calls of each kind (writing: ${Math.ceil(calls / 3)}), one after another, all variants in turn, on one machine.`,
		'CPU: the time of the server’s own thread, which other work on the machine does not lengthen as it does the median.',
	].join(' ');
	process.stdout.write(
		`${[rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n'), legend, verdicts.join('\n'), machine].join('\n\n')}\n`,
	);
	for (const { name, folders, server, services } of [large, small]) {
		await server.stop();
		await services.store.drain();
		services.store.close();
		// what was written meanwhile must have left the numbers true
		for (const folder of folders) await checkFolder(folder);
		say(`${name}: after all calls the numbers still agree with the rows`);
	}
};

main().then(
	() => process.exit(0),
	(error: unknown) => {
		for (let e = error; e instanceof Error; e = e.cause) say(e.stack ?? e.message);
		process.exit(1);
	},
);
