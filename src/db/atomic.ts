import type { Database, SQLiteError } from 'bun:sqlite';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { StoredEvent } from '../kernel/events.ts';
import { batchJobsMax, batchMsMax, busyMsMax, queueJobsMax } from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import { type Statement, type Steps, Tx } from './step.ts';

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
	/** read runs steps that only read, now, on one consistent state. */
	read<T>(make: (tx: Tx) => Steps<T>): T;
	/** drain resolves when no write is waiting. After it, new writes are refused with shutting_down. */
	drain(): Promise<void>;
	/** How many jobs wait. */
	readonly waiting: number;
}

const drive = <T>(steps: Steps<T>, tx: Tx): T => {
	let next = steps.next();
	while (!next.done) {
		const statement: Statement<unknown> = next.value;
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

const storageCodes = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_CANTOPEN', 'SQLITE_NOMEM', 'SQLITE_BUSY', 'SQLITE_LOCKED'];
const sqliteCode = (error: unknown): string => {
	// note: Drizzle wraps the driver's error
	for (let e = error; e instanceof Error; e = e.cause)
		if (typeof (e as SQLiteError).code === 'string' && (e as SQLiteError).code?.startsWith('SQLITE_')) return (e as SQLiteError).code ?? '';
	return '';
};
const isStorageError = (error: unknown): boolean => {
	const code = sqliteCode(error);
	return storageCodes.some((known) => code.startsWith(known));
};
const isBusy = (error: unknown): boolean => sqliteCode(error).startsWith('SQLITE_BUSY');

/** isUniqueConflict tells the violation of a unique index from other failures. */
export const isUniqueConflict = (error: unknown): boolean => {
	const code = sqliteCode(error);
	return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
};

const storageFailure = (cause: unknown): AppError =>
	sqliteCode(cause).startsWith('SQLITE_FULL')
		? new AppError('storage_full', { cause })
		: new AppError('storage_unavailable', { cause, retryAfterSeconds: 1 });

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
		else setImmediate(flush);
	};

	/** The happy path: no savepoint. Throws the first job's error, with the count of jobs it had taken up. */
	const attempt = (outcomes: Outcome[], events: StoredEvent[]): void => {
		const started = performance.now();
		for (const job of queue) {
			const tx = new Tx(clock());
			outcomes.push({ value: run(job, tx) });
			for (const event of tx.recorded) events.push(event);
			if (outcomes.length === batchJobsMax || performance.now() - started > batchMsMax) break;
		}
	};

	/** The second run of a batch in which a job threw: each job in a savepoint of its own, still one COMMIT. */
	const attemptApart = (jobs: Job[], outcomes: Outcome[], events: StoredEvent[]): void => {
		for (const job of jobs) {
			const tx = new Tx(clock());
			savepoint.run();
			try {
				outcomes.push({ value: run(job, tx) });
				for (const event of tx.recorded) events.push(event);
			} catch (error) {
				if (isStorageError(error)) throw error;
				rollbackTo.run();
				outcomes.push({ error });
			}
			release.run();
		}
	};

	const flush = (): void => {
		scheduled = false;
		try {
			begin.run();
		} catch (error) {
			onBeginFailed(error);
			return;
		}
		busySince = null;
		busyDelay = 0;

		let outcomes: Outcome[] = [];
		let events: StoredEvent[] = [];
		let taken = 0;
		try {
			try {
				attempt(outcomes, events);
				taken = outcomes.length;
			} catch (error) {
				taken = outcomes.length + 1;
				if (isStorageError(error)) throw error;
				undo();
				outcomes = [];
				events = [];
				begin.run();
				attemptApart(queue.slice(0, taken), outcomes, events);
			}
			commit.run();
		} catch (error) {
			failBatch(taken || outcomes.length || 1, error);
			return;
		}
		const jobs = queue.slice(0, taken);
		queue = queue.slice(taken);
		try {
			committed(events);
		} catch (error) {
			// note: the rows are on disk, so their writers must hear so whatever a listener does
			log.error({ err: error }, 'a listener failed after the commit');
		}
		for (const [i, job] of jobs.entries()) {
			const outcome = outcomes[i];
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
		const jobs = queue.slice(0, count);
		queue = queue.slice(count);
		for (const job of jobs) job.reject(storageFailure(cause));
		next();
	};

	const onBeginFailed = (error: unknown) => {
		if (!isBusy(error)) {
			failBatch(Math.min(queue.length, batchJobsMax), error);
			return;
		}
		const now = performance.now();
		busySince ??= now;
		if (now - busySince > busyMsMax) {
			busySince = null;
			busyDelay = 0;
			failBatch(queue.length, error);
			return;
		}
		busyDelay = Math.min(50, Math.max(5, busyDelay * 2));
		schedule();
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
				throw storageFailure(cause);
			}
			try {
				const tx = new Tx(clock());
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
