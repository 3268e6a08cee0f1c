import type { Database, SQLiteError } from 'bun:sqlite';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { StoredEvent } from '../kernel/events.ts';
import { batchJobsMax, batchMsMax, busyMsMax, gatherTurnsMax, queueJobsMax } from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import { Statement, type Steps, Tx } from './step.ts';

interface Job {
	make: (tx: Tx) => Steps<unknown>;
	resolve: (value: unknown) => void;
	reject: (error: unknown) => void;
}

/** What became of one job of a batch, told to its caller after the COMMIT. */
type Outcome = { value: unknown } | { error: unknown };

/** Committed is called after each COMMIT with the batch's events in the order of their ids, before any caller is answered. */
export type Committed = (events: StoredEvent[]) => void;

export interface Atomic {
	/**
	 * atomic runs one job in a transaction and answers after it is on disk. Writes asked for in one turn of the event
	 * loop share one transaction and one sync. The job may run twice, so it touches nothing outside `tx`.
	 * Throws what the job throws; AppError storage_full, storage_unavailable or overloaded when the store cannot write.
	 */
	atomic<T>(make: (tx: Tx) => Steps<T>): Promise<T>;
	/**
	 * read runs steps that only read, now, on one consistent state. It never waits for a write of this process or
	 * another. Throws what the steps throw; AppError storage_unavailable when the file cannot be read.
	 */
	read<T>(make: (tx: Tx) => Steps<T>): T;
	/** drain resolves when no write is waiting. After it, new writes are refused with shutting_down. */
	drain(): Promise<void>;
	/** How many jobs wait. */
	readonly waiting: number;
}

/** Batch is what has been done since BEGIN, in the order of the queue. */
interface Batch {
	/** How many jobs were taken up, the one that threw included. */
	taken: number;
	outcomes: Outcome[];
	events: StoredEvent[];
}
const emptyBatch = (): Batch => ({ taken: 0, outcomes: [], events: [] });

const drive = <T>(steps: Steps<T>, tx: Tx): T => {
	// note: an async function would run on after the COMMIT, and an async generator answers each step with a promise
	if (typeof steps?.next !== 'function')
		throw new Error('a job must be a generator, function* (tx) {...}, never async');
	let next = steps.next();
	while (!next.done) {
		const statement: unknown = next.value;
		if (!(statement instanceof Statement)) throw new Error('a step yielded something else than a statement of its tx');
		let result: unknown;
		try {
			result = statement.execute();
		} catch (error) {
			tx.finish();
			// note: a failing disk is not the step's to catch; a failing statement (a unique index, say) is
			if (isStorageError(error)) throw error;
			next = steps.throw(error);
			continue;
		}
		tx.finish();
		next = steps.next(result);
	}
	return next.value;
};

const storageCodes = [
	'SQLITE_FULL',
	'SQLITE_IOERR',
	'SQLITE_READONLY',
	'SQLITE_CORRUPT',
	'SQLITE_NOTADB',
	'SQLITE_CANTOPEN',
	'SQLITE_NOMEM',
	'SQLITE_BUSY',
	'SQLITE_LOCKED',
];
/** sqliteCode finds SQLite's name of a failure in an error or its causes; empty when it has none. */
export const sqliteCode = (error: unknown): string => {
	// note: Drizzle wraps the driver's error
	for (let e = error; e instanceof Error; e = e.cause)
		if (typeof (e as SQLiteError).code === 'string' && (e as SQLiteError).code?.startsWith('SQLITE_'))
			return (e as SQLiteError).code ?? '';
	return '';
};
const isStorageError = (error: unknown): boolean => {
	const code = sqliteCode(error);
	return storageCodes.some((known) => code.startsWith(known));
};
/** isBusy: another process holds the write lock. */
export const isBusy = (error: unknown): boolean => sqliteCode(error).startsWith('SQLITE_BUSY');

const storageFailure = (cause: unknown): AppError =>
	sqliteCode(cause).startsWith('SQLITE_FULL')
		? new AppError('storage_full', { cause })
		: new AppError('storage_unavailable', { cause, retryAfterSeconds: 1 });

/** How soon BEGIN is tried again while another process writes: most commands on a live server take a few milliseconds. */
const busyDelayMsMin = 5;
const busyDelayMsMax = 50;

/** createAtomic makes the one write path of a database. See Atomic. */
export const createAtomic = ({
	sqlite,
	clock,
	log,
	committed,
}: {
	sqlite: Database;
	clock: Clock;
	log: Logger;
	committed: Committed;
}): Atomic => {
	const begin = sqlite.prepare('BEGIN IMMEDIATE');
	const beginRead = sqlite.prepare('BEGIN');
	const commit = sqlite.prepare('COMMIT');
	const rollback = sqlite.prepare('ROLLBACK');
	const savepoint = sqlite.prepare('SAVEPOINT job');
	const release = sqlite.prepare('RELEASE job');
	const rollbackTo = sqlite.prepare('ROLLBACK TO job');

	let queue: Job[] = [];
	let scheduled = false;
	let closing = false;
	let drained: (() => void)[] = [];
	/** When the write lock was first found taken; null while it is free. */
	let busySince: number | null = null;
	let busyDelay = 0;
	/** Of the batch that is gathering: how many writes the last turn left, and how many turns it has waited. */
	let gathered = 0;
	let turns = 0;
	/** How many jobs at the head of the queue have run once and were undone: they run a second and last time, apart. */
	let again = 0;

	const run = (job: Job, tx: Tx): unknown => {
		const value = drive(job.make(tx), tx);
		tx.assertAllYielded();
		return value;
	};

	const undo = () => {
		// note: after a failed COMMIT the transaction may or may not still be open
		if (sqlite.inTransaction) rollback.run();
	};

	const schedule = () => {
		if (scheduled || queue.length === 0) return;
		scheduled = true;
		if (busyDelay > 0) setTimeout(flush, busyDelay);
		else setImmediate(gather);
	};

	/**
	 * A sync costs the same for one write as for a hundred, so a batch waits for another turn of the event loop as long as
	 * each turn brings more writes, and at most a few. A lone writer waits for one empty turn: microseconds.
	 */
	const gather = () => {
		if (queue.length > gathered && queue.length < batchJobsMax && turns < gatherTurnsMax) {
			gathered = queue.length;
			turns++;
			setImmediate(gather);
			return;
		}
		gathered = 0;
		turns = 0;
		flush();
	};

	/** The happy path: no savepoint, so the first job that throws spoils the batch, and its error comes out. */
	const attempt = (batch: Batch): void => {
		const started = performance.now();
		for (const job of queue) {
			const tx = new Tx(clock());
			batch.taken++;
			batch.outcomes.push({ value: run(job, tx) });
			for (const event of tx.recorded) batch.events.push(event);
			if (batch.taken >= batchJobsMax || performance.now() - started > batchMsMax) return;
		}
	};

	/**
	 * The second run of a batch in which a job threw: each job in a savepoint of its own, still one COMMIT. It takes up
	 * the jobs behind the failed one too: were the batch to end there, a caller who only sends jobs that throw could
	 * make everybody else pay for a sync each.
	 */
	const attemptApart = (batch: Batch): void => {
		const started = performance.now();
		for (const job of queue) {
			const tx = new Tx(clock());
			batch.taken++;
			savepoint.run();
			try {
				batch.outcomes.push({ value: run(job, tx) });
				for (const event of tx.recorded) batch.events.push(event);
			} catch (error) {
				if (isStorageError(error)) throw error;
				rollbackTo.run();
				batch.outcomes.push({ error });
			}
			release.run();
			// note: whoever has run once is not put back, or it could run a third time
			if (batch.taken < again) continue;
			if (batch.taken >= batchJobsMax || performance.now() - started > batchMsMax) return;
		}
	};

	/** lock begins the transaction; false when that failed, and what is to be done about it is done. */
	const lock = (): boolean => {
		try {
			begin.run();
		} catch (error) {
			onBeginFailed(error);
			return false;
		}
		busySince = null;
		busyDelay = 0;
		return true;
	};

	const flush = (): void => {
		scheduled = false;
		if (!lock()) return;
		let batch = emptyBatch();
		try {
			if (again === 0)
				try {
					attempt(batch);
				} catch (error) {
					if (isStorageError(error)) throw error;
					again = batch.taken;
					undo();
					batch = emptyBatch();
					// note: another process may take the lock here; the timer then comes back to this batch
					if (!lock()) return;
				}
			if (again > 0) attemptApart(batch);
			commit.run();
		} catch (error) {
			failBatch(Math.max(again, batch.taken), error);
			return;
		}
		again = 0;
		const jobs = queue.slice(0, batch.taken);
		queue = queue.slice(batch.taken);
		try {
			committed(batch.events);
		} catch (error) {
			// note: the rows are on disk, so their writers must hear so whatever a listener does
			log.error({ err: error }, 'a listener failed after the commit');
		}
		for (const [i, job] of jobs.entries()) {
			const outcome = batch.outcomes[i];
			if (outcome && 'value' in outcome) job.resolve(outcome.value);
			else job.reject(outcome?.error);
		}
		next();
	};

	const next = () => {
		if (queue.length > 0) schedule();
		else {
			for (const done of drained) done();
			drained = [];
		}
	};

	/** Storage failed: no job of the batch is run again, because nobody knows what reached the disk. */
	const failBatch = (count: number, cause: unknown) => {
		try {
			undo();
		} catch (error) {
			log.error({ err: error }, 'rollback failed');
		}
		log.error({ err: cause, jobs: count }, 'a write batch failed');
		again = 0;
		const jobs = queue.slice(0, count);
		queue = queue.slice(count);
		for (const job of jobs) job.reject(storageFailure(cause));
		next();
	};

	/** Nothing was done yet: while another process writes the batch stays queued, and only time decides. */
	const onBeginFailed = (error: unknown) => {
		const now = performance.now();
		busySince ??= now;
		if (isBusy(error) && now - busySince <= busyMsMax) {
			busyDelay = Math.min(busyDelayMsMax, Math.max(busyDelayMsMin, busyDelay * 2));
			schedule();
			return;
		}
		busySince = null;
		busyDelay = 0;
		failBatch(queue.length, error);
	};

	return {
		atomic: <T>(make: (tx: Tx) => Steps<T>) =>
			new Promise<T>((resolve, reject) => {
				if (closing) throw new AppError('shutting_down', { retryAfterSeconds: 2 });
				if (queue.length >= queueJobsMax) throw new AppError('overloaded', { retryAfterSeconds: 1 });
				queue.push({ make, resolve: resolve as (value: unknown) => void, reject });
				schedule();
			}),
		read: (make) => {
			try {
				beginRead.run();
			} catch (cause) {
				throw isStorageError(cause) ? storageFailure(cause) : cause;
			}
			try {
				const tx = new Tx(clock(), false);
				const value = drive(make(tx), tx);
				tx.assertAllYielded();
				commit.run();
				return value;
			} catch (error) {
				undo();
				throw isStorageError(error) ? storageFailure(error) : error;
			}
		},
		drain: () => {
			closing = true;
			return queue.length === 0 ? Promise.resolve() : new Promise((resolve) => drained.push(resolve));
		},
		get waiting() {
			return queue.length;
		},
	};
};
