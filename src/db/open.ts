import { Database, type Statement } from 'bun:sqlite';
import {
	chmodSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readSync,
	rmSync,
	statSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/bun-sqlite';
import type { Clock } from '../kernel/clock.ts';
import { busyMsMax } from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import { type Atomic, type Committed, createAtomic, isBusy, sqliteCode } from './atomic.ts';
import { applicationId, migrate, migrations, pendingMigrations, SchemaError } from './migrate.ts';
import type { Migration } from './migrations.ts';

/** Drizzle on the open database: for building statements, never for running them. */
export type Db = ReturnType<typeof connect>;
const connect = (sqlite: Database) => drizzle(sqlite, { casing: 'snake_case' });

export interface Store extends Atomic {
	db: Db;
	/** foreignCommit is true once after another process has changed the file. */
	foreignCommit(): boolean;
	/**
	 * writeBack moves the log into the file, so that what was overwritten there is nowhere any more. false where that has to
	 * wait for another process.
	 */
	writeBack(): boolean;
	/** explain is the engine's plan of a statement, a line for each step, for tests. */
	explain(statement: string): string[];
	/** probe asks the file itself whether it can be read. */
	probe(): boolean;
	/** close lets go of the file; `writeBack` first moves the log into it, which a command beside a busy server leaves to the server. */
	close(writeBack?: boolean): void;
}

/** DataError is a data folder that cannot be used; the message is one line for the operator. */
export class DataError extends Error {}

const headerBytes = 100;
/** Files up to this size are checked whole at start; reading them takes less than a tenth of a second. */
const quickCheckBytesMax = 32 * 1024 * 1024;

export const dataFile = (folder: string): string => join(folder, 'parley.db');

/** The name of what went wrong, for the operator: `EACCES`, `SQLITE_FULL`. */
const codeOf = (error: unknown): string => sqliteCode(error) || (error as { code?: string }).code || 'unknown';

/**
 * prepareFolder makes the folder for its owner only. Throws DataError when it cannot be written, or when it holds
 * another program's data: its rights then stay as they were.
 */
export const prepareFolder = (folder: string): void => {
	inspect(dataFile(folder));
	try {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		chmodSync(folder, 0o700);
		// note: a name of this process's own, because a command may look at the same moment
		const probe = join(folder, `.write-probe-${process.pid}`);
		writeFileSync(probe, '', { mode: 0o600 });
		unlinkSync(probe);
	} catch (error) {
		throw new DataError(
			`the data folder ${folder} cannot be written (${codeOf(error)}). Choose another with --data, or give this user the right to it.`,
		);
	}
};

/** The locks of this process. note: a connection that nobody refers to any more is collected, and its lock is gone. */
const locks = new Set<Database>();

/** lockFolder holds the folder for this server until the process ends, however it ends. Throws DataError when another has it. */
export const lockFolder = (folder: string): (() => void) => {
	const file = join(folder, 'lock.db');
	let lock: Database | undefined;
	try {
		lock = new Database(file, { create: true });
		chmodSync(file, 0o600);
		// note: a lock of the operating system, gone with the process even after kill -9; a file with a pid is not
		lock.run('BEGIN EXCLUSIVE');
	} catch (error) {
		lock?.close();
		throw new DataError(
			isBusy(error)
				? `another parley serves the data folder ${folder}. Stop it first, or choose another folder with --data.`
				: `the lock ${file} cannot be taken (${codeOf(error)}). If no parley runs, delete that file.`,
		);
	}
	const held = lock;
	locks.add(held);
	return () => {
		locks.delete(held);
		held.close();
	};
};

const isEmpty = (file: string): boolean => !existsSync(file) || statSync(file).size === 0;

/**
 * inspect reads the header of an existing file without opening it as a database, so that a wrong one stays as it is.
 * note: only before the database is open: closing any handle of a file drops the locks the process has on it.
 */
const inspect = (file: string): void => {
	const header = Buffer.alloc(headerBytes);
	let read: number;
	try {
		if (isEmpty(file)) return;
		const fd = openSync(file, 'r');
		try {
			read = readSync(fd, header, 0, headerBytes, 0);
		} finally {
			closeSync(fd);
		}
	} catch (error) {
		throw new DataError(`the data file ${file} cannot be read (${codeOf(error)}). Give this user the right to it.`);
	}
	const damaged = new DataError(`the data file ${file} is damaged or no database at all. Restore a backup.`);
	if (read < headerBytes || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw damaged;
	if (header.readUInt32BE(68) !== applicationId)
		throw new DataError(`the data file ${file} belongs to another program. Choose another folder with --data.`);
};

/** checkReadable opens an existing file for reading only, to refuse a damaged or newer one before anything is written. */
const checkReadable = (file: string, known: Migration[]): void => {
	// note: a journal is left by a first start that was killed; it must be rolled back, which a reader cannot
	if (isEmpty(file) || existsSync(`${file}-journal`)) return;
	let sqlite: Database | undefined;
	try {
		sqlite = new Database(file, { readonly: true });
		sqlite.run(`PRAGMA busy_timeout = ${busyMsMax}`);
		pendingMigrations(sqlite, known);
		if (statSync(file).size <= quickCheckBytesMax) {
			const [row] = sqlite.query('PRAGMA quick_check(1)').values();
			if (row?.[0] !== 'ok') throw new Error(String(row?.[0]));
		}
	} catch (error) {
		if (error instanceof SchemaError) throw new DataError(`cannot use ${file}: ${error.message}`);
		if (isBusy(error)) throw new DataError(`the data file ${file} is in use by another command. Try again.`);
		throw new DataError(`the data file ${file} is damaged. Restore a backup.`);
	} finally {
		sqlite?.close();
	}
};

/** requireSqlite refuses an engine with known faults: macOS builds of Bun load the system's library. */
const requireSqlite = (sqlite: Database): void => {
	const version = String(sqlite.query('select sqlite_version()').values()[0]?.[0]);
	if (Bun.semver.order(version, '3.51.3') < 0)
		throw new DataError(`SQLite ${version} on this machine can damage data; 3.51.3 or later is needed.`);
	if (sqlite.query("select 1 from pragma_module_list where name = 'fts5'").get() === null)
		throw new DataError(`SQLite ${version} on this machine has no full-text search (FTS5).`);
};

/** The settings of a connection that write nothing. */
const configure = (sqlite: Database): void => {
	// note: first, so that what follows waits for a command on the same file; nobody is served yet who would be kept waiting
	sqlite.run(`PRAGMA busy_timeout = ${busyMsMax}`);
	// note: before the first commit. FULL syncs the log at every commit; with NORMAL a power cut loses acknowledged messages
	sqlite.run('PRAGMA synchronous = FULL');
	if (process.platform === 'darwin') {
		sqlite.run('PRAGMA fullfsync = ON');
		sqlite.run('PRAGMA checkpoint_fullfsync = ON');
	}
	// what is erased is overwritten, not only let go of
	sqlite.run('PRAGMA secure_delete = ON');
	sqlite.run('PRAGMA foreign_keys = ON');
	sqlite.run('PRAGMA trusted_schema = OFF');
	sqlite.run('PRAGMA cell_size_check = ON');
	sqlite.run('PRAGMA temp_store = MEMORY');
	sqlite.run('PRAGMA cache_size = -32768'); // KiB
};

/** The write-ahead log. It changes the file's header, so it comes after the migrations: one that fails changes nothing. */
const useLog = (sqlite: Database): void => {
	const mode = String(sqlite.query('PRAGMA journal_mode = WAL').values()[0]?.[0]);
	if (mode !== 'wal' && mode !== 'memory')
		throw new DataError('the data folder is on a file system that cannot hold the database. Use a local disk.');
	sqlite.run('PRAGMA wal_autocheckpoint = 4000'); // pages of 4 KiB: a larger log is written back less often
	sqlite.run('PRAGMA journal_size_limit = 67108864'); // bytes: the log shrinks again after a long reader
};

/** How long opening waits for another process that is at the file, say at the very first start. */
const openBusyMs = 5_000;

/**
 * openStore opens (and if need be makes and migrates) the database of a data folder, or one in memory for `:memory:`.
 * `busyMs`: how long a statement waits for another process; 0 on the server, which waits by timer instead.
 * `locked`: the caller holds the folder's lock, so no server of another version is at work in it.
 * `known`: the migrations to bring the file up to, for tests.
 * Throws DataError with one line for the operator; the file is then untouched.
 */
export const openStore = (options: {
	folder: string;
	clock: Clock;
	log: Logger;
	busyMs?: number;
	locked?: boolean;
	committed?: Committed;
	known?: Migration[];
}): Store => {
	const { folder, clock, locked = false, known = migrations } = options;
	const memory = folder === ':memory:';
	const file = memory ? folder : dataFile(folder);
	if (!memory) {
		prepareFolder(folder);
		checkReadable(file, known);
	}
	let sqlite: Database | undefined;
	try {
		sqlite = new Database(file, { create: true, strict: true });
		if (!memory) chmodSync(file, 0o600);
		requireSqlite(sqlite);
		configure(sqlite);
		sqlite.run(`PRAGMA busy_timeout = ${openBusyMs}`);
		upgrade(sqlite, memory ? null : folder, clock(), known, locked);
		useLog(sqlite);
		sqlite.run(`PRAGMA busy_timeout = ${options.busyMs ?? 0}`);
		return storeOf(sqlite, memory, options);
	} catch (error) {
		sqlite?.close();
		if (error instanceof DataError) throw error;
		if (error instanceof SchemaError) throw new DataError(`cannot use ${file}: ${error.message}`);
		throw new DataError(`cannot open ${file}: ${String((error as Error).message).split('\n')[0]} (${codeOf(error)}).`);
	}
};

/**
 * endStatementsOnClose returns a function that ends every statement still alive: bun:sqlite keeps a closed file open,
 * and locked, as long as one of them lives, and those of Drizzle live as long as the steps that hold them.
 */
const endStatementsOnClose = (sqlite: Database): (() => void) => {
	const live = new Set<WeakRef<Statement>>();
	const collected = new FinalizationRegistry<WeakRef<Statement>>((ref) => live.delete(ref));
	const prepare = sqlite.prepare.bind(sqlite);
	sqlite.prepare = ((...args: Parameters<typeof prepare>) => {
		const statement = prepare(...args);
		const ref = new WeakRef<Statement>(statement as Statement);
		live.add(ref);
		collected.register(statement, ref);
		return statement;
	}) as typeof sqlite.prepare;
	return () => {
		for (const ref of live) ref.deref()?.finalize();
	};
};

/**
 * upgrade migrates a file, with a backup first unless it is new or in memory. One that holds data is migrated under the
 * folder's lock only: a command of a newer version must not change the tables under a server that runs.
 */
const upgrade = (sqlite: Database, folder: string | null, now: number, known: Migration[], locked: boolean): void => {
	if (pendingMigrations(sqlite, known).length === 0) return;
	const isNew = sqlite.query("select 1 from sqlite_master where name = 'schema_migrations'").get() === null;
	if (folder === null || isNew) {
		migrate(sqlite, now, known);
		return;
	}
	const unlock = locked ? () => undefined : lockFolder(folder);
	const copy = backupBeforeMigration(sqlite, folder, now);
	try {
		migrate(sqlite, now, known);
	} catch (error) {
		// note: the file is as it was, and a server that is started again and again must not fill the disk with copies
		unlinkSync(copy);
		throw error;
	} finally {
		unlock();
	}
};

const storeOf = (
	sqlite: Database,
	memory: boolean,
	{ clock, log, committed = () => undefined }: { clock: Clock; log: Logger; committed?: Committed },
): Store => {
	const endStatements = endStatementsOnClose(sqlite);
	const atomic = createAtomic({ sqlite, clock, log, committed });
	const dataVersion = sqlite.prepare('PRAGMA data_version');
	const readVersion = () => Number(dataVersion.values()[0]?.[0]);
	let seenVersion = readVersion();
	const one = sqlite.prepare('select 1 from sqlite_master limit 1');
	const writeBack = () => {
		if (memory) return true;
		try {
			// note: a reader in another process is no error here but a number in the answer
			const done = Number(sqlite.query('PRAGMA wal_checkpoint(TRUNCATE)').values()[0]?.[0]) === 0;
			if (!done) log.warn('the write-ahead log could not be written back: another process is reading the file');
			return done;
		} catch (error) {
			// note: nothing is lost: the next start reads the log
			log.warn({ err: error }, 'the write-ahead log could not be written back');
			return false;
		}
	};

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
		explain: (statement) =>
			(sqlite.query(`explain query plan ${statement}`).all() as { detail: string }[]).map(({ detail }) => detail),
		probe: () => {
			try {
				one.values();
				return true;
			} catch {
				return false;
			}
		},
		writeBack,
		close: (back = true) => {
			if (back) writeBack();
			endStatements();
			sqlite.close();
		},
	};
};

/** backupBeforeMigration writes a whole copy beside the file and returns its path: a migration can be taken back. */
const backupBeforeMigration = (sqlite: Database, folder: string, now: number): string => {
	const copy = join(folder, `before-migration-${new Date(now).toISOString().replaceAll(':', '-')}.db`);
	try {
		sqlite.query('VACUUM INTO ?').run(copy);
		chmodSync(copy, 0o600);
	} catch (error) {
		rmSync(copy, { force: true });
		throw error;
	}
	return copy;
};
