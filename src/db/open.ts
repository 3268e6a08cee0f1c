import { Database } from 'bun:sqlite';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/bun-sqlite';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import { type Atomic, type Committed, createAtomic } from './atomic.ts';
import { migrate, pendingMigrations, SchemaError } from './migrate.ts';

/** Drizzle on the open database: for building statements, never for running them. */
export type Db = ReturnType<typeof connect>;
const connect = (sqlite: Database) => drizzle(sqlite, { casing: 'snake_case' });

export interface Store extends Atomic {
	db: Db;
	/** foreignCommit is true once after another process has changed the file. */
	foreignCommit(): boolean;
	/** probe asks the file itself whether it can be read. */
	probe(): boolean;
	/** close writes the log back into the file and lets go of it. */
	close(): void;
}

/** DataError is a data folder that cannot be used; the message is one line for the operator. */
export class DataError extends Error {}

/** "Parl" in the file's header tells our files from other SQLite files (https://www.sqlite.org/fileformat2.html, offset 68). */
const applicationId = 0x5061726c;
const headerBytes = 100;
/** Files up to this size are checked whole at start; reading them takes less than a tenth of a second. */
const quickCheckBytesMax = 32 * 1024 * 1024;

export const dataFile = (folder: string): string => join(folder, 'parley.db');

/** prepareFolder makes the folder for its owner only. Throws DataError when it cannot be written. */
export const prepareFolder = (folder: string): void => {
	try {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		chmodSync(folder, 0o700);
		const probe = join(folder, '.write-probe');
		writeFileSync(probe, '', { mode: 0o600 });
		Bun.file(probe).delete().catch(() => undefined);
	} catch (error) {
		throw new DataError(`the data folder ${folder} cannot be written (${(error as { code?: string }).code ?? 'unknown'}). Choose another with --data, or give this user the right to it.`);
	}
};

/** lockFolder holds the folder for this server until the process ends, however it ends. Throws DataError when another has it. */
export const lockFolder = (folder: string): (() => void) => {
	const file = join(folder, 'lock.db');
	const lock = new Database(file, { create: true });
	chmodSync(file, 0o600);
	try {
		lock.run('BEGIN EXCLUSIVE');
	} catch {
		lock.close();
		throw new DataError(`another parley serves the data folder ${folder}. Stop it first, or choose another folder with --data.`);
	}
	return () => lock.close();
};

/** inspect reads the header of an existing file without opening it as a database, so that a wrong one stays as it is. */
const inspect = (file: string): void => {
	if (!existsSync(file) || statSync(file).size === 0) return;
	const header = Buffer.alloc(headerBytes);
	const fd = openSync(file, 'r');
	const read = readSync(fd, header, 0, headerBytes, 0);
	closeSync(fd);
	const damaged = new DataError(`the data file ${file} is damaged or no database at all. Restore a backup.`);
	if (read < headerBytes || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw damaged;
	const id = header.readUInt32BE(68);
	// note: 0 while the first migration is only in the write-ahead log beside the file
	if (id !== applicationId && !(id === 0 && existsSync(`${file}-wal`)))
		throw new DataError(`the data file ${file} belongs to another program. Choose another folder with --data.`);
	const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
	const pages = header.readUInt32BE(28);
	if (!existsSync(`${file}-wal`) && statSync(file).size < pages * pageBytes) throw damaged;
};

/** checkReadable opens an existing file for reading only, to refuse a damaged or newer one before anything is written. */
const checkReadable = (file: string): void => {
	if (!existsSync(file) || statSync(file).size === 0) return;
	const sqlite = new Database(file, { readonly: true });
	try {
		pendingMigrations(sqlite);
		if (statSync(file).size <= quickCheckBytesMax) {
			const [row] = sqlite.query('PRAGMA quick_check(1)').values();
			if (row?.[0] !== 'ok') throw new Error(String(row?.[0]));
		}
	} catch (error) {
		if (error instanceof SchemaError) throw new DataError(`cannot use ${file}: ${error.message}`);
		throw new DataError(`the data file ${file} is damaged. Restore a backup.`);
	} finally {
		sqlite.close();
	}
};

/** requireSqlite refuses an engine with known faults: macOS builds of Bun load the system's library. */
const requireSqlite = (sqlite: Database): void => {
	const version = String(sqlite.query('select sqlite_version()').values()[0]?.[0]);
	if (Bun.semver.order(version, '3.51.3') < 0)
		throw new DataError(`SQLite ${version} on this machine can damage data; 3.51.3 or later is needed.`);
};

const pragmas = (sqlite: Database, busyMs: number): void => {
	// note: before the first table is made, or it has no effect
	if (sqlite.query('PRAGMA page_count').values()[0]?.[0] === 0) sqlite.run(`PRAGMA application_id = ${applicationId}`);
	sqlite.run(`PRAGMA busy_timeout = ${busyMs}`);
	sqlite.run('PRAGMA journal_mode = WAL');
	// note: FULL syncs the log at every commit; with NORMAL a power cut loses acknowledged messages
	sqlite.run('PRAGMA synchronous = FULL');
	if (process.platform === 'darwin') {
		sqlite.run('PRAGMA fullfsync = ON');
		sqlite.run('PRAGMA checkpoint_fullfsync = ON');
	}
	sqlite.run('PRAGMA foreign_keys = ON');
	sqlite.run('PRAGMA trusted_schema = OFF');
	sqlite.run('PRAGMA cell_size_check = ON');
	sqlite.run('PRAGMA temp_store = MEMORY');
	sqlite.run('PRAGMA cache_size = -32768'); // KiB
	sqlite.run('PRAGMA wal_autocheckpoint = 4000'); // pages of 4 KiB: a larger log is written back less often
	sqlite.run('PRAGMA journal_size_limit = 67108864'); // bytes: the log shrinks again after a long reader
};

/**
 * openStore opens (and if need be makes and migrates) the database of a data folder, or one in memory for `:memory:`.
 * `busyMs`: how long a statement waits for another process; 0 on the server, which waits by timer instead.
 * Throws DataError with one line for the operator; the file is then untouched.
 */
export const openStore = (options: {
	folder: string;
	clock: Clock;
	log: Logger;
	busyMs?: number;
	committed?: Committed;
}): Store => {
	const { folder, clock, log } = options;
	const memory = folder === ':memory:';
	const file = memory ? folder : dataFile(folder);
	if (!memory) {
		prepareFolder(folder);
		inspect(file);
		checkReadable(file);
	}
	const sqlite = new Database(file, { create: true, strict: true });
	try {
		requireSqlite(sqlite);
		if (!memory) chmodSync(file, 0o600);
		pragmas(sqlite, options.busyMs ?? 0);
		const pending = pendingMigrations(sqlite);
		const isNew = sqlite.query("select 1 from sqlite_master where name = 'schema_migrations'").get() === null;
		if (pending.length > 0 && !isNew && !memory) backupBeforeMigration(sqlite, folder, clock());
		migrate(sqlite, clock());
	} catch (error) {
		sqlite.close();
		if (error instanceof SchemaError) throw new DataError(`cannot use ${file}: ${error.message}`);
		throw error;
	}

	const atomic = createAtomic({ sqlite, clock, log, committed: options.committed ?? (() => undefined) });
	const dataVersion = sqlite.prepare('PRAGMA data_version');
	const readVersion = () => Number(dataVersion.values()[0]?.[0]);
	let seenVersion = readVersion();
	const one = sqlite.prepare('select 1 from sqlite_master limit 1');

	return {
		...atomic,
		get waiting() {
			return atomic.waiting;
		},
		db: connect(sqlite),
		foreignCommit: () => {
			const version = readVersion();
			if (version === seenVersion) return false;
			seenVersion = version;
			return true;
		},
		probe: () => {
			try {
				one.values();
				return true;
			} catch {
				return false;
			}
		},
		close: () => {
			if (!memory) sqlite.run('PRAGMA wal_checkpoint(TRUNCATE)');
			sqlite.close();
		},
	};
};

/** backupBeforeMigration writes a whole copy beside the file: a migration that goes wrong can be taken back. */
const backupBeforeMigration = (sqlite: Database, folder: string, now: number): void => {
	const copy = join(folder, `before-migration-${new Date(now).toISOString().replaceAll(':', '-')}.db`);
	sqlite.query('VACUUM INTO ?').run(copy);
	chmodSync(copy, 0o600);
};
