import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Glob } from 'bun';

const source = join(import.meta.dir, '../../src');
// note: `.ts` read as `.tsx` stumbles over generic arrow functions
const transpilers = { ts: new Bun.Transpiler({ loader: 'ts' }), tsx: new Bun.Transpiler({ loader: 'tsx' }) };
/** The code without comments and types. A macro is left a plain import: from here the transpiler would not find its file. */
const bare = (file: string, code: string): string =>
	transpilers[file.endsWith('.tsx') ? 'tsx' : 'ts'].transformSync(code.replaceAll(" with { type: 'macro' }", ''));

/** What only steps may say: a query is built in `*.steps.ts`, from `db` and tables, and nowhere else. */
const builds =
	/\bdb\s*\.\s*(?:select|selectDistinct|insert|update|delete|with|\$with|query|run|get|all|values|execute|transaction|batch|\$client)\b|\.prepare\(|bun:sqlite/;
/** A query that stands alone, or is yielded or returned by itself: it compiles and does nothing. */
const alone =
	/(?:^|[;{}]|\byield\*?|\bawait)\s*db\s*\.\s*(?:select|selectDistinct|insert|update|delete|with|run|get|all|values)\b/g;
/** A query that is run where it stands instead of being yielded. */
const runs = /([\w$\])]+)\s*\.\s*(?:(?:get|all|run|execute|iterate)\(|values\(\))/g;
/** A statement, or a step of this tx, that is made but not yielded. Handing one on is `=> step(tx)`. */
const unyielded = /(?<!yield\* |=> |function\*? ?|[\w$.])(?:tx\.(?:get|all|run)\(|[\w$]+(?:\.[\w$]+)*\(tx[,)])/g;

/** A map, which has a `get` of its own. */
const ofMaps = /\bconst (\w+) = new Map\b/g;

/** What is wrong with the code of a file outside `db/`; each finding is the place itself. */
const findings = (file: string, code: string): string[] => {
	const text = bare(file, code);
	const around = (at: number) => `${file}: ${text.slice(Math.max(0, at - 30), at + 50).replaceAll(/\s+/g, ' ')}`;
	const found: string[] = [];
	for (const { index } of text.matchAll(alone)) found.push(around(index));
	for (const { index } of text.matchAll(unyielded)) found.push(around(index));
	if (file.endsWith('.steps.ts')) {
		const maps = [...text.matchAll(ofMaps)].map(([, name]) => name);
		for (const { index, 1: receiver } of text.matchAll(runs))
			if (receiver !== 'tx' && !maps.includes(receiver)) found.push(around(index));
	} else {
		const at = text.search(builds);
		if (at >= 0) found.push(around(at));
	}
	return found;
};

test('outside db/ no query is run where it stands, and no statement or step is forgotten', async () => {
	const found: string[] = [];
	for await (const file of new Glob('**/*.{ts,tsx}').scan(source)) {
		if (file.startsWith('db/')) continue;
		found.push(...findings(file, await Bun.file(join(source, file)).text()));
	}
	expect(found).toEqual([]);
});

const steps = (body: string) => `const x = step(function* (tx, id: number) {\n${body}\n});`;
for (const [name, file, code] of [
	['a bare builder', 'a.steps.ts', steps('db.insert(users).values({ id });')],
	[
		'a bare builder over lines',
		'a.steps.ts',
		steps('const a = 1;\n\tdb\n\t\t.delete(users)\n\t\t.where(eq(users.id, id));'),
	],
	['a builder yielded by itself', 'a.steps.ts', steps('yield db.delete(users);')],
	['a builder awaited', 'a.service.ts', 'const f = async () => { await db.delete(users); };'],
	['a query run by get', 'a.steps.ts', steps('return db.select().from(users).get();')],
	['a prepared query run by all', 'a.steps.ts', steps('return byId.all({ id });')],
	['a prepared query run beside a map', 'a.steps.ts', steps('const known = new Map();\nreturn byId.get({ id });')],
	['a statement without yield*', 'a.steps.ts', steps('tx.run(insert, { id });')],
	['a statement without yield* in a condition', 'a.steps.ts', steps('if (tx.get(byId, { id })) return 1;')],
	['a step without yield*', 'a.service.ts', 'store.atomic(function* (tx) { users.rename(tx, id); });'],
	['a returned step without yield*', 'a.service.ts', 'store.atomic(function* (tx) { return users.find(tx, id); });'],
	['a query built in a service', 'a.service.ts', 'const q = store.db.select().from(users).prepare();'],
	['the engine in a route', 'a.routes.ts', "store.db.$client.run('VACUUM');"],
] as const)
	test(`the scan finds ${name}`, () => {
		expect(findings(file, code)).not.toEqual([]);
	});

test('the scan passes what the house does', () => {
	const good = `
		// db.insert(users) in a comment is no statement
		export const userSteps = (db: Db) => {
			const byId = db.select().from(users).prepare();
			const base = () => db.select().from(users);
			return {
				find: step(function* (tx, id: number) {
					const row = yield* tx.get(byId, { id });
					if (!(yield* tx.get(byId, { id }))) return null;
					yield* tx.run(db.update(users).set({ id }).where(exists(db.select().from(users))));
					const names = new Map<number, string>([[id, 'a']]);
					if (names.get(id)) return [];
					return yield* tx.all(base());
				}),
			};
		};
	`;
	expect(findings('a.steps.ts', good)).toEqual([]);
	const service = `
		const known = new Map<string, User>();
		export const f = (tx: Tx) => users.find(tx, 1);
		export const g = () => store.atomic((tx) => users.find(tx, known.get('a')));
		export const h = () => store.atomic(function* (tx) { return (yield* users.find(tx, 1)) ?? null; });
	`;
	expect(findings('a.service.ts', service)).toEqual([]);
});
