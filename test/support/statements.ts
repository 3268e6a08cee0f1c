import { Database } from 'bun:sqlite';
import { readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { Glob } from 'bun';
import { Statement, Tx } from '../../src/db/step.ts';

const source = join(import.meta.dir, '../../src');
const golden = join(import.meta.dir, '../contract/plans.golden.txt');

/** A place in src as `file:line:column`; the file under src. */
export type Place = string;

/** What stands between whoever asks for a statement and the engine. */
const isBetween = (file: string) =>
	file.includes(`${sep}node_modules${sep}`) || file === import.meta.path || file.startsWith(join(source, 'db') + sep);

/**
 * The place in a module from which the call came whose trace this is; null for a test, and for the store that is opened: what
 * it asks for itself reads no rows of ours.
 */
const placeOf = (trace: Error): Place | null => {
	for (const [, file = '', line, column] of (trace.stack ?? '').matchAll(/(?:\(|at )(\/.+?):(\d+):(\d+)\)?$/gm))
		if (!isBetween(file))
			return file.startsWith(join(source, 'modules') + sep) ? `${relative(source, file)}:${line}:${column}` : null;
	return null;
};

/** What reads or writes rows; the rest (BEGIN, PRAGMA …) has no plan. */
const hasPlan = (sql: string) => /^\s*(?:select|insert|replace|update|delete|with|values)\b/i.test(sql);

/**
 * recordStatements notes, until it is disposed of, every statement that src has the engine prepare, and where in src it is
 * asked for. `places: 'first'` notes one place of each, which is cheap enough for a run of all tests.
 */
export const recordStatements = ({ places }: { places: 'first' | 'all' }) => {
	/** Each statement with the places that asked for it. */
	const statements = new Map<string, Set<Place>>();
	/** Those prepared once, to be run again and again. */
	const kept = new Set<string>();
	/** Every place that yielded a statement which was then run. */
	const ran = new Set<Place>();
	/** note: an error works out its stack when it is asked for it, which most of these never are */
	const traces = new WeakMap<object, Error>();
	let running: Error | null = null;

	const patches: [object, string, unknown][] = [];
	const patch = <A extends unknown[], R>(
		target: object,
		name: string,
		wrap: (original: (this: unknown, ...args: A) => R) => (this: unknown, ...args: A) => R,
	) => {
		const methods = target as Record<string, (this: unknown, ...args: A) => R>;
		const original = methods[name];
		if (!original) throw new Error(`there is no ${name} to record`);
		patches.push([target, name, original]);
		methods[name] = wrap(original);
	};

	for (const verb of ['get', 'all', 'run'])
		patch<unknown[], object>(Tx.prototype, verb, (original) => {
			return function (...args) {
				const made = original.apply(this, args);
				traces.set(made, new Error());
				return made;
			};
		});
	patch(Statement.prototype, 'execute', (original) => {
		return function (...args) {
			const outer = running;
			running = traces.get(this as object) ?? null;
			try {
				const place = places === 'all' && running && placeOf(running);
				if (place) ran.add(place);
				return original.apply(this, args);
			} finally {
				running = outer;
			}
		};
	});
	patch<[string, ...unknown[]], unknown>(Database.prototype, 'prepare', (original) => {
		return function (sql, ...more) {
			const known = statements.get(sql);
			if (hasPlan(sql) && (!known || places === 'all')) {
				const place = placeOf(running ?? new Error());
				if (place) statements.set(sql, (known ?? new Set()).add(place));
				if (place && !running) kept.add(sql);
			}
			return original.call(this, sql, ...more);
		};
	});

	return {
		statements,
		kept,
		ran,
		[Symbol.dispose]: () => {
			for (const [target, name, original] of patches.reverse()) (target as Record<string, unknown>)[name] = original;
		},
	};
};

/** The code of a file of src with its comments blanked out, so that every place stays where it is. */
const codeOf = (file: string): string =>
	readFileSync(join(source, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, (comment) =>
		comment.replaceAll(/[^\n]/g, ' '),
	);

/** yields lists every place in the code that yields a statement: `tx.get(…)`, `tx.all(…)`, `tx.run(…)`. */
export const yields = (): Place[] =>
	[...new Glob('**/*.ts').scanSync(source)]
		.filter((file) => !file.startsWith('db/'))
		.sort()
		.flatMap((file) => yieldsIn(codeOf(file)).map((at) => `${file}:${at}`));

/** Each as `line:column` of the verb, as a trace has it. */
export const yieldsIn = (code: string): string[] =>
	[...code.matchAll(/\btx\s*\.\s*(get|all|run)\s*[(<]/dg)].map(({ indices }) => {
		const before = code.slice(0, indices?.[1]?.[0]).split('\n');
		return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
	});

/** nameOf is what a place is called: the file, and the step or the prepared statement in it. Lines would not outlive an edit. */
export const nameOf = (place: Place): string => {
	const [file = '', line] = place.split(':');
	const above = readFileSync(join(source, file), 'utf8').split('\n').slice(0, Number(line));
	const named = above.map((text) => /^(?:\t?(?:export )?const (\w+) =|\t\t(\w+): step\()/.exec(text));
	const [, held, step] = named.findLast((found) => found !== null) ?? [];
	return `${basename(file)} ${held ?? step ?? ''}`.trim();
};

/** Cuts a statement before each of its clauses, not inside brackets or quotes. */
const clausesOf = (sql: string): string[] => {
	const clause =
		/ (?:(?<!^delete )from|(?:(?:inner|left|cross) )?join|(?<=^update .*)set|where|group by|having|order by|limit|values|on conflict|returning|union(?: all)?)\b/y;
	const cuts: number[] = [];
	let depth = 0;
	let quote = '';
	for (let i = 0; i < sql.length; i++) {
		const char = sql[i] ?? '';
		if (quote) {
			if (char === quote) quote = '';
		} else if (char === "'" || char === '"') quote = char;
		else if (char === '(') depth++;
		else if (char === ')') depth--;
		else if (char === ' ' && depth === 0) {
			clause.lastIndex = i;
			if (!clause.test(sql)) continue;
			cuts.push(i);
			i = clause.lastIndex - 1;
		}
	}
	return [0, ...cuts].map((start, i) => sql.slice(start, cuts[i]).trim());
};

/** Lists whose length depends on the values, at the length of two: still a statement that the engine understands. */
const settled = (sql: string): string =>
	sql
		.replaceAll(/\s+/g, ' ')
		.replaceAll(/\bin \(\?(?:, \?)*\)/g, 'in (?, ?)')
		.replaceAll(/(\((?:[^()]|\([^()]*\))*\))(?: or \1)+/g, '$1 or $1')
		.replaceAll(/\b(select .+?) union all \1(?: union all \1)*(?= (?:order by|limit) |\)|$)/g, '$1 union all $1');

const columns = /((?:"\w+"\.)?"\w+")(?:, (?:"\w+"\.)?"\w+"){2,}/g;

/** The text of a statement for a reader: a line a clause, without what no plan depends on, such as long lists of columns. */
const textOf = (sql: string): string[] =>
	clausesOf(sql).map((clause) => {
		const text = /^(?:(?:union(?: all)? )?select|returning)\b/.test(clause)
			? clause.replaceAll(columns, '$1, …')
			: /^set\b/.test(clause)
				? clause.replaceAll(/"\w+" = \?(?:, "\w+" = \?)*/g, '…').replaceAll(/…(?:, …)+/g, '…')
				: /^values\b/.test(clause) && !/\bselect\b/.test(clause)
					? 'values (…)'
					: clause.replace(/^(insert into "\w+") \(.*\)$/, '$1 (…)').replace(/^(limit \?) offset \?$/, '$1');
		return text.replaceAll(/"(\w+)"/g, '$1');
	});

interface PlanRow {
	id: number;
	parent: number;
	detail: string;
}

/**
 * The engine's plan of a statement, a line for each step, indented by what it is part of. Subqueries that read nothing
 * are left out: every bound value of a join is one.
 */
export const planOf = (sqlite: Database, sql: string): string[] => {
	const statement = sqlite.prepare(`explain query plan ${sql}`);
	try {
		const all = statement.all() as PlanRow[];
		const reads = all.filter(({ detail }) => !/^SCAN (?:CONSTANT ROW|\d+-ROW VALUES CLAUSE)$/.test(detail));
		const rows = reads.filter(
			({ id, detail }) => !detail.startsWith('SCALAR SUBQUERY') || reads.some(({ parent }) => parent === id),
		);
		const depths = new Map<number, number>();
		return rows.map(({ id, parent, detail }) => {
			const depth = (depths.get(parent) ?? -1) + 1;
			depths.set(id, depth);
			return `${'  '.repeat(depth)}${detail.replace(/((?:LIST|SCALAR|REUSE) SUBQUERY) \d+$/, '$1')}`;
		});
	} finally {
		statement.finalize();
	}
};

/** The best of many runs of a statement, in milliseconds; never twice the same value in a row. */
const costOf = (sqlite: Database, sql: string): number => {
	const statement = sqlite.prepare(sql);
	try {
		const params = [...sql.matchAll(/\?/g)].length;
		const times = Array.from({ length: 20 }, (_, i) => {
			const start = performance.now();
			for (let run = 0; run < 50; run++) statement.values(...new Array(params).fill(-1 - run - i));
			return performance.now() - start;
		});
		return Math.min(...times) / 50;
	} finally {
		statement.finalize();
	}
};

/**
 * preparedAnew lists the queries that SQLite prepares anew at every run, because of a parameter that it looks into for its
 * plan: they take many times as long as with every parameter held back in a subquery.
 */
export const preparedAnew = (sqlite: Database, queries: Iterable<string>): string[] =>
	[...queries].filter((sql) => {
		if (!/^select\b.*\?/.test(sql)) return false;
		return costOf(sqlite, sql) > 3 * costOf(sqlite, sql.replaceAll(/(?<!\(select )\?/g, '(select ?)'));
	});

/** A statement that a trigger runs, which the plan of what sets it off does not show. */
const triggered = (sqlite: Database): [sql: string, name: string][] =>
	(sqlite.query("select name, sql from sqlite_master where type = 'trigger'").all() as { name: string; sql: string }[])
		.flatMap(({ name, sql }) => {
			const body = /\bbegin\b([\s\S]*)\bend\b/i.exec(sql)?.[1] ?? '';
			const statements = body.split(';').map((each) => each.trim().replaceAll(/\s+/g, ' '));
			return statements
				.filter((each) => each !== '')
				.map((each): [string, string] => [each.replaceAll(/[`"]?\b(?:new|old)\b[`"]?\.[`"]?\w+[`"]?/gi, '?'), name]);
		})
		.filter(([sql]) => hasPlan(sql));

/** A statement as the golden file has it. */
export interface Planned {
	/** Who asks for it, by name. */
	names: string[];
	text: string[];
	plan: string[];
	/** One of the statements it stands for. */
	sql: string;
}

const bodyOf = ({ text, plan }: Pick<Planned, 'text' | 'plan'>): string =>
	[...text.map((line) => `\t${line}`), ...plan.map((line) => `=>\t${line}`)].join('\n');

/** planned brings statements together that differ in nothing but the values, sorted by name. */
export const planned = (sqlite: Database, statements: Map<string, Set<Place>>): Planned[] => {
	const found = new Map<string, Planned>();
	const all = [
		...[...statements].map(([sql, places]): [string, string[]] => [sql, [...places].map(nameOf)]),
		...triggered(sqlite).map(([sql, name]): [string, string[]] => [sql, [`trigger ${name}`]]),
	];
	for (const [original, names] of all) {
		const sql = settled(original);
		const made = { names, text: textOf(sql), plan: planOf(sqlite, sql), sql };
		const known = found.get(bodyOf(made));
		if (known) known.names = [...new Set([...known.names, ...names])];
		else found.set(bodyOf(made), made);
	}
	for (const each of found.values()) each.names.sort();
	const order = (each: Planned) => `${each.names.join()}\n${bodyOf(each)}`;
	return [...found.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
};

const header = `# How SQLite finds the rows of every statement of the server. A line "=>" is a step of its plan; without one it looks for
# nothing. Written by: UPDATE_PLANS=1 bun test test/contract/plans.test.ts`;

export const goldenOf = (entries: Planned[]): string =>
	`${[header, ...entries.map((each) => `${each.names.join(', ')}\n${bodyOf(each)}`)].join('\n\n')}\n`;

export const readGolden = (): Promise<string> => Bun.file(golden).text();
export const writeGolden = (text: string): Promise<number> => Bun.write(golden, text);

/**
 * missingFrom lists what the golden file does not have: statements of which a step is none of those that it has under their
 * name. A list with many filters is driven with each of them, not with all in every combination.
 */
export const missingFrom = (text: string, entries: Planned[]): Planned[] => {
	const known = new Map<string, Set<string>>();
	for (const entry of text.trimEnd().split('\n\n')) {
		const [names = '', ...lines] = entry.split('\n');
		const steps = lines.flatMap((line) => /^=>\s+(.*)$/.exec(line)?.[1] ?? []);
		for (const name of names.split(', ')) known.set(name, (known.get(name) ?? new Set()).union(new Set(steps)));
	}
	return entries.filter(
		({ names, plan }) => !names.some((name) => plan.every((step) => known.get(name)?.has(step.trim()) ?? false)),
	);
};

/** tablesOf lists the tables of a database. */
export const tablesOf = (sqlite: Database): Set<string> =>
	new Set(
		(sqlite.query("select name from sqlite_master where type = 'table'").values() as string[][]).map(
			([name]) => name ?? '',
		),
	);

/** The index that a line of a plan goes through; empty without one. */
const indexOf = (line: string): string => /\bINDEX (\w+)/.exec(line)?.[1] ?? '';

/**
 * readWhole lists the tables of which a plan reads every row, or every row of a site, which on a server of one site is the
 * same: by a scan, also of an index alone, by an index made for this one run, and by a search with no more than the site.
 * A name that is neither a table nor made by the statement itself is listed too. `few`: indexes that hold few rows however
 * many the table has, so that a look through all of one is none through the table.
 */
export const readWhole = (
	{ plan, sql }: Pick<Planned, 'plan' | 'sql'>,
	tables: Set<string>,
	few: Record<string, string> = {},
): string[] => {
	const lines = plan.map((line) => line.trim());
	const own = new Set(lines.flatMap((line) => /^(?:CO-ROUTINE|MATERIALIZE) (\S+)$/.exec(line)?.[1] ?? []));
	/** An alias is shown instead of its table. */
	const tableOf = (shown: string): string | undefined => {
		if (tables.has(shown) || own.has(shown)) return shown;
		const pairs = sql.matchAll(new RegExp(`"?(\\w+)"? (?:as )?"?${RegExp.escape(shown)}\\b`, 'gi'));
		return [...pairs].map(([, table = '']) => table).find((table) => tables.has(table) || own.has(table));
	};
	return lines.flatMap((line) => {
		const [, verb, shown = '', way = ''] = /^(SCAN|SEARCH) (\S+) ?(.*)$/.exec(line) ?? [];
		const isWhole = verb === 'SCAN' ? !/^VIRTUAL TABLE INDEX \d+:./.test(way) : /\bAUTOMATIC\b|\(site=\?\)$/.test(way);
		if (!isWhole || indexOf(line) in few) return [];
		const table = tableOf(shown);
		// what is virtual and no table of ours is a function: json_each, pragma_…
		if ((!table && way.startsWith('VIRTUAL TABLE')) || own.has(table ?? '')) return [];
		return [table ?? shown];
	});
};
