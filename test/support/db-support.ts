import { Database, type Statement } from 'bun:sqlite';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Committed, createAtomic } from '../../src/db/atomic.ts';
import type { Params } from '../../src/db/step.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { StoredEvent } from '../../src/kernel/events.ts';
import { type Logger, silentLog } from '../../src/kernel/log.ts';

/** A folder of its own for one test: `using folder = tempFolder()` removes it at the end of the block. */
export const tempFolder = () => {
	const path = mkdtempSync(join(tmpdir(), 'parley-test-'));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

/** The SHA-256 of every file of a folder by name, to tell whether a refused start touched one. */
export const fingerprint = (folder: string): Record<string, string> =>
	Object.fromEntries(
		readdirSync(folder)
			.sort()
			.map((name) => [name, new Bun.CryptoHasher('sha256').update(readFileSync(join(folder, name))).digest('hex')]),
	);

/** How many COMMITs are in a write-ahead log (https://www.sqlite.org/fileformat2.html#walformat, 4.1 and 4.2). */
export const commitsInLog = (file: string): number => {
	const log = readFileSync(`${file}-wal`);
	if (log.length < 32) return 0;
	const frameBytes = 24 + log.readUInt32BE(8);
	const salt = log.readBigUInt64BE(16);
	let commits = 0;
	for (let at = 32; at + frameBytes <= log.length && log.readBigUInt64BE(at + 8) === salt; at += frameBytes)
		if (log.readUInt32BE(at + 4) !== 0) commits++;
	return commits;
};

type Row = Record<string, string | number | null>;
/** A prepared statement as steps take it, without Drizzle. */
export interface Prepared {
	get(params?: Params): Row;
	all(params?: Params): Row[];
	run(params?: Params): unknown;
}

/** A failure as the engine reports it. */
export const sqliteError = (code: string): Error => Object.assign(new Error(`injected ${code}`), { code });

/** codeOf waits for a failure and says its code. */
export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
	try {
		await promise;
	} catch (error) {
		return error instanceof AppError ? error.code : String(error);
	}
	return 'no failure';
};

/**
 * atomicRig is the write path on a small table, in memory or in a file, without the rest of the server.
 * `statements` lists what controlled the transactions (BEGIN, COMMIT, SAVEPOINT …); `faults` makes the next such
 * statement of a name fail.
 */
export const atomicRig = (options: { file?: string; clock?: Clock; committed?: Committed; log?: Logger } = {}) => {
	const sqlite = new Database(options.file ?? ':memory:', { create: true, strict: true });
	sqlite.run('PRAGMA journal_mode = WAL');
	sqlite.run('PRAGMA foreign_keys = ON');
	sqlite.run('CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, note TEXT) STRICT');
	const statements: string[] = [];
	const faults = new Map<string, (Error | null)[]>();
	const controlled = new Proxy(sqlite, {
		get: (target, key) => {
			const value = Reflect.get(target, key, target);
			if (key !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
			return (sql: string): Statement => {
				const statement = target.prepare(sql);
				return Object.assign(Object.create(statement), {
					run: () => {
						statements.push(sql);
						const fault = faults.get(sql)?.shift();
						if (fault) throw fault;
						return statement.run();
					},
				});
			};
		},
	});
	const published: StoredEvent[][] = [];
	const store = createAtomic({
		sqlite: controlled,
		clock: options.clock ?? (() => 1_000),
		log: options.log ?? silentLog,
		committed:
			options.committed ??
			((events) => {
				published.push(events);
			}),
	});
	const prepare = (sql: string) => sqlite.prepare(sql) as unknown as Prepared;
	const insert = prepare('INSERT INTO items (name, note) VALUES ($name, $note)');
	const names = sqlite.prepare('SELECT name FROM items ORDER BY id');
	/** Inserts a row and records an event with the row's id: then throws, if asked to. */
	const put = (name: string, { note = '', fail }: { note?: string; fail?: Error } = {}) =>
		store.atomic(function* (tx) {
			const { lastInsertRowid: id } = yield* tx.run(insert, { name, note });
			tx.recorded.push({ id, site: 1, type: 'site.updated', createdAt: tx.now });
			if (fail) throw fail;
			return id;
		});
	return {
		...store,
		sqlite,
		statements,
		faults,
		published,
		prepare,
		insert,
		put,
		/** What is stored, seen from the same connection. */
		names: () => names.values().map(([name]) => name),
		get waiting() {
			return store.waiting;
		},
	};
};
