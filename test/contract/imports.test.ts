import { expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { Glob } from 'bun';

const root = join(import.meta.dir, '../..');
const source = join(root, 'src');
// note: `.ts` read as `.tsx` stumbles over generic arrow functions
const transpilers = { ts: new Bun.Transpiler({ loader: 'ts' }), tsx: new Bun.Transpiler({ loader: 'tsx' }) };

interface File {
	path: string;
	/** What it needs to run: files of ours as paths under src, packages by name. Type-only imports are dropped. */
	values: string[];
	/** Everything it names, type-only imports included. */
	names: string[];
	code: string;
}

const resolve = (from: string, specifier: string): string =>
	specifier.startsWith('.') ? relative(source, join(source, dirname(from), specifier)) : specifier;

const read = (path: string, code: string): File => {
	const scanned = transpilers[path.endsWith('.tsx') ? 'tsx' : 'ts'].scanImports(code).map((found) => found.path);
	const written = [...code.matchAll(/^\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'/gm)].map(
		([, found]) => found ?? '',
	);
	return {
		path,
		code,
		values: scanned.map((found) => resolve(path, found)),
		names: [...new Set([...scanned, ...written])].map((found) => resolve(path, found)),
	};
};

const files = await Promise.all(
	[...new Glob('**/*.{ts,tsx}').scanSync(source)]
		.sort()
		.map(async (path) => read(path, await Bun.file(join(source, path)).text())),
);

const isOurs = (path: string) => /\.(?:tsx?|css|html|svg|json|sql|js)$/.test(path) || path.startsWith('..');
const roleOf = (path: string): string => basename(path).split('.').slice(1, -1).join('.');
const moduleOf = (path: string): string | undefined => /^modules\/([^/]+)\//.exec(path)?.[1];
/** What runs in the browser; the files directly in web/ serve it. */
const isWeb = (path: string) => /^web\/[^/]+\//.test(path);
const pageOf = (path: string): string | undefined => /^web\/([^/]+)\//.exec(path)?.[1];

/** Modules in storeys: what one needs at runtime or by type stands on its own storey or below. */
const storeys: Record<string, number> = {
	events: 0,
	audit: 1,
	sites: 1,
	users: 1,
	messaging: 1,
	files: 2,
	p2p: 2,
	support: 2,
	moderation: 3,
	webhooks: 3,
	admin: 4,
};

const storeyOf = (path: string): number => storeys[moduleOf(path) ?? ''] ?? Number.POSITIVE_INFINITY;

/** A row of the table: the files it speaks of, and what they may not import. */
interface Rule {
	name: string;
	of: (path: string) => boolean;
	/** Judged on what is needed at runtime, or on type-only imports too. */
	types?: true;
	allow: (target: string, from: string) => boolean;
}

const hasRole = (...roles: string[]) => {
	return (path: string) => moduleOf(path) !== undefined && roles.includes(roleOf(path).split('.').at(-1) ?? '');
};
/** A file of a module without a role that binds it to a layer: names, ranks, sides; and schemas and judges. */
const isPure = (path: string) =>
	moduleOf(path) !== undefined && !hasRole('tables', 'steps', 'service', 'routes')(path) && !path.endsWith('.tsx');
const isElysia = (target: string) =>
	target === 'elysia' || target.startsWith('@elysiajs/') || target.startsWith('elysia/');
const under = (target: string, ...folders: string[]) => folders.some((folder) => target.startsWith(`${folder}/`));

const rules: Rule[] = [
	{
		name: 'kernel imports nothing of ours',
		of: (path) => under(path, 'kernel'),
		types: true,
		allow: (target) => !isOurs(target) || under(target, 'kernel'),
	},
	{
		name: 'kernel, db and modules below the routes know no Elysia',
		of: (path) => under(path, 'kernel', 'db') || hasRole('steps', 'tables', 'service')(path) || isPure(path),
		types: true,
		allow: (target) => !isElysia(target),
	},
	{
		name: 'db imports kernel',
		of: (path) => under(path, 'db'),
		types: true,
		allow: (target) => !isOurs(target) || under(target, 'kernel', 'db'),
	},
	{
		name: 'tables import kernel and tables',
		of: hasRole('tables'),
		allow: (target) => !isOurs(target) || under(target, 'kernel') || hasRole('tables')(target),
	},
	{
		name: 'steps import kernel, db/step, db/prepared, db/fulltext, tables, and what is pure in their own module',
		of: hasRole('steps'),
		allow: (target, from) =>
			!isOurs(target) ||
			under(target, 'kernel') ||
			['db/step.ts', 'db/prepared.ts', 'db/atomic.ts', 'db/fulltext.ts'].includes(target) ||
			hasRole('tables')(target) ||
			(isPure(target) && moduleOf(target) === moduleOf(from)),
	},
	{
		name: 'services import no HTTP, no tables, no steps, and services by type only, but for engines of a storey below',
		of: hasRole('service'),
		allow: (target, from) =>
			!isOurs(target) ||
			under(target, 'kernel') ||
			['db/step.ts', 'db/atomic.ts'].includes(target) ||
			isPure(target) ||
			(hasRole('service')(target) && (moduleOf(target) === moduleOf(from) || storeyOf(target) < storeyOf(from))),
	},
	{
		name: 'services do not even name HTTP, routes or sockets',
		of: hasRole('service'),
		types: true,
		allow: (target) => !under(target, 'http', 'realtime', 'web', 'cli') && !hasRole('routes')(target),
	},
	{
		name: 'pure files of a module import kernel and pure files',
		of: isPure,
		allow: (target) => !isOurs(target) || under(target, 'kernel') || isPure(target),
	},
	{
		name: 'routes never touch db, steps or tables, and have services by closure',
		of: (path) => hasRole('routes')(path) || under(path, 'realtime'),
		allow: (target) => !under(target, 'db', 'cli') && !hasRole('steps', 'tables', 'service')(target),
	},
	{
		name: 'realtime runs on kernel and on what is pure in the modules; services and the plugins of http come to it by type',
		of: (path) => under(path, 'realtime'),
		allow: (target) => !isOurs(target) || under(target, 'kernel', 'realtime') || isPure(target),
	},
	{
		name: 'realtime names no rows, no engine and no page',
		of: (path) => under(path, 'realtime'),
		types: true,
		allow: (target) => !under(target, 'db', 'cli', 'web', 'client') && !hasRole('steps', 'tables')(target),
	},
	{
		name: 'real time is above the modules, which tell it by events and signals: none of them names it',
		of: (path) => under(path, 'kernel', 'db', 'modules'),
		types: true,
		allow: (target) => !under(target, 'realtime'),
	},
	{
		name: 'http is of no module and never touches db',
		of: (path) => under(path, 'http'),
		allow: (target) =>
			(!under(target, 'db', 'cli', 'realtime') || target === 'realtime/realtime.schema.ts') &&
			!hasRole('steps', 'tables', 'routes', 'service')(target),
	},
	{
		name: 'pages and the client take types from schemas only',
		of: (path) => isWeb(path) || under(path, 'client'),
		types: true,
		allow: (target) =>
			!isOurs(target) ||
			under(target, 'web', 'client', 'kernel') ||
			hasRole('schema')(target) ||
			/\.schema\.ts$/.test(target),
	},
	{
		name: 'pages and the client run on their own',
		of: (path) => isWeb(path) || under(path, 'client'),
		allow: (target) => !isOurs(target) || under(target, 'web', 'client', 'kernel'),
	},
	{
		name: 'a page names no other page: what two of them need is in web/common',
		of: isWeb,
		types: true,
		allow: (target, from) => !isWeb(target) || pageOf(target) === 'common' || pageOf(target) === pageOf(from),
	},
	{
		name: 'what pages share is of no page and knows no server',
		of: (path) => under(path, 'web/common'),
		types: true,
		allow: (target) => !isOurs(target) || under(target, 'web/common', 'kernel') || hasRole('schema')(target),
	},
	{
		name: 'the client is of no page',
		of: (path) => under(path, 'client'),
		types: true,
		allow: (target) => !under(target, 'web'),
	},
	{
		name: 'up by event only: a module names no module above it',
		of: (path) => moduleOf(path) !== undefined,
		types: true,
		allow: (target, from) => moduleOf(target) === undefined || storeyOf(target) <= storeyOf(from),
	},
	{
		name: 'only the composition root and the commands stand above the modules',
		of: (path) => under(path, 'kernel', 'db', 'modules', 'http', 'realtime'),
		types: true,
		allow: (target) => !['main.ts', 'app.ts', 'services.ts'].includes(target) && !under(target, 'cli'),
	},
];

const breaches = (rule: Rule, { path, values, names }: File): string[] =>
	(rule.types ? names : values).filter((target) => !rule.allow(target, path)).map((target) => `${path} -> ${target}`);

for (const rule of rules)
	test(rule.name, () => {
		expect(files.filter(({ path }) => rule.of(path)).flatMap((file) => breaches(rule, file))).toEqual([]);
	});

test('every module has a storey', () => {
	const folder = join(source, 'modules');
	const names = existsSync(folder) ? readdirSync(folder) : [];
	expect(names.filter((name) => storeys[name] === undefined)).toEqual([]);
});

test('no file needs itself to run', () => {
	const needs = new Map(files.map(({ path, values }) => [path, values]));
	const done = new Set<string>();
	const circle = (path: string, trail: string[]): string[] | null => {
		if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
		if (done.has(path)) return null;
		for (const target of needs.get(path) ?? []) {
			const found = circle(target, [...trail, path]);
			if (found) return found;
		}
		done.add(path);
		return null;
	};
	expect(files.map(({ path }) => circle(path, [])).find((found) => found !== null) ?? null).toBeNull();
});

test('a file of a module or a test is found by its name alone, and no file is called index', () => {
	const seen = new Map<string, string>();
	const wrong: string[] = [];
	for (const folder of ['src', 'test'])
		for (const path of [...new Glob('**/*.{ts,tsx}').scanSync(join(root, folder))].sort()) {
			const name = basename(path);
			if (/^index\./.test(name)) wrong.push(`${folder}/${path}`);
			// note: kernel/errors.ts and http/errors.ts are told apart by their folders; so are the entries of pages
			if (moduleOf(path) === undefined && roleOf(path) === '') continue;
			const other = seen.get(name);
			if (other) wrong.push(`${folder}/${path} and ${other}`);
			seen.set(name, `${folder}/${path}`);
		}
	expect(wrong).toEqual([]);
});

test('config.ts is the only reader of the environment, but for the build constant NODE_ENV', () => {
	const readers = files.filter(({ path, code }) => {
		const read = code.matchAll(/\b(?:process|Bun|import\.meta)\.env\b(?:\.(\w+))?/g);
		return [...read].some(
			([, name]) => !(['db/step.ts', 'build.ts', 'web/files.ts'].includes(path) && name === 'NODE_ENV'),
		);
	});
	expect(readers.map(({ path }) => path).filter((path) => path !== 'config.ts')).toEqual([]);
});

/** Ways to the server, and to whatever else, that a script of a page has without importing anything. */
const wires = /\b(?:fetch\(|new (?:WebSocket|XMLHttpRequest|EventSource)\b|sendBeacon\()/g;
test('the client is the only way from a page to the server', () => {
	const around = files
		.filter(({ path }) => isWeb(path))
		.flatMap(({ path, code }) => [...code.matchAll(wires)].map(([wire]) => `${path}: ${wire}`));
	// what the widget asks of the page that it is on, who is here, is no call of ours
	expect(around).toEqual(['web/widget/widget.tsx: fetch(']);
});

test('no page makes elements of text', () => {
	const makers = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(/;
	expect(files.filter(({ path, code }) => isWeb(path) && makers.test(code)).map(({ path }) => path)).toEqual([]);
});

for (const [path, specifier, kind] of [
	['kernel/a.ts', '../db/open.ts', 'type '],
	['db/a.ts', '../modules/users/users.tables.ts', ''],
	['modules/users/users.steps.ts', '../sites/sites.steps.ts', ''],
	['modules/users/users.steps.ts', './users.service.ts', ''],
	['modules/users/users.service.ts', '../sites/sites.service.ts', ''],
	['modules/users/users.service.ts', './users.tables.ts', ''],
	['modules/users/users.service.ts', '../../http/errors.ts', 'type '],
	['modules/users/users.service.ts', 'elysia', ''],
	['modules/users/users.access.ts', './users.steps.ts', ''],
	['modules/users/users.routes.ts', '../../db/open.ts', ''],
	['modules/users/users.routes.ts', './users.steps.ts', ''],
	['modules/messaging/messaging.steps.ts', '../support/tickets.steps.ts', 'type '],
	['modules/users/users.access.ts', 'elysia', 'type '],
	['modules/users/users.feed.ts', './users.service.ts', ''],
	['modules/users/users.feed.ts', './users.steps.ts', ''],
	['modules/users/users.feed.ts', '../../db/open.ts', ''],
	['modules/users/users.feed.ts', '../../realtime/connections.ts', 'type '],
	['modules/events/events.service.ts', '../../realtime/fanout.ts', 'type '],
	['realtime/a.ts', '../db/open.ts', 'type '],
	['realtime/a.ts', '../modules/users/users.service.ts', ''],
	['realtime/a.ts', '../modules/users/users.steps.ts', 'type '],
	['realtime/a.ts', '../modules/users/users.tables.ts', 'type '],
	['realtime/a.ts', '../http/guard.ts', ''],
	['realtime/a.ts', '../services.ts', 'type '],
	['realtime/a.ts', '../web/pages.ts', ''],
	['http/a.ts', '../realtime/connections.ts', ''],
	['http/a.ts', '../db/open.ts', ''],
	['client/client.ts', '../modules/users/users.service.ts', 'type '],
	['client/client.ts', '../modules/users/users.schema.ts', ''],
	['web/widget/a.tsx', '../../db/open.ts', 'type '],
	['web/widget/a.tsx', '../admin/parts.tsx', ''],
	['web/admin/a.tsx', '../widget/store.ts', 'type '],
	['web/common/a.tsx', '../widget/store.ts', 'type '],
	['web/common/a.tsx', '../../client/client.ts', ''],
	['client/client.ts', '../web/common/contrast.ts', ''],
] as const)
	test(`the table refuses ${kind}${specifier} in ${path}`, () => {
		const file = read(path, `import ${kind}{ a } from '${specifier}';\nconsole.log(a);`);
		expect(rules.filter((rule) => rule.of(path)).flatMap((rule) => breaches(rule, file))).not.toEqual([]);
	});

for (const [path, specifier, kind] of [
	['realtime/a.ts', '../modules/users/users.access.ts', ''],
	['realtime/a.ts', '../modules/users/users.service.ts', 'type '],
	['realtime/a.ts', '../http/guard.ts', 'type '],
	['modules/users/users.feed.ts', '../events/feed.ts', ''],
	['modules/users/users.feed.ts', './users.steps.ts', 'type '],
	['http/a.ts', '../realtime/realtime.schema.ts', ''],
] as const)
	test(`the table passes ${kind}${specifier} in ${path}`, () => {
		const file = read(path, `import ${kind}{ a } from '${specifier}';\nconsole.log(a);`);
		expect(rules.filter((rule) => rule.of(path)).flatMap((rule) => breaches(rule, file))).toEqual([]);
	});
