import type { StoredEvent } from '../kernel/events.ts';

/** Values for a prepared statement's placeholders, by name. */
export type Params = Record<string, unknown>;

/** What a write did: rows changed, and the integer key of the row it inserted. */
export interface Changes {
	changes: number;
	lastInsertRowid: number;
}

type Verb = 'get' | 'all' | 'run';
type Query = { [V in Verb]?: (params?: Params) => unknown };

/**
 * Statement is one SQL statement on its way to the store. It does nothing until it is yielded from a step:
 * `const row = yield* tx.get(query, { id })`.
 */
export class Statement<R> {
	constructor(
		private readonly query: Query,
		private readonly verb: Verb,
		private readonly params: Params | undefined,
	) {}

	/** For the store only. */
	execute(): R {
		return this.query[this.verb]?.(this.params) as R;
	}

	*[Symbol.iterator](): Generator<Statement<unknown>, R, R> {
		return yield this;
	}
}

/**
 * Steps is a piece of a transaction: a generator that yields statements and nothing else. It cannot wait for
 * anything but the database, so a transaction never stays open over a turn of the event loop.
 */
// biome-ignore lint/suspicious/noExplicitAny: what comes back from a yield has the type of the statement yielded, which TypeScript can only say per `yield*`
export type Steps<T> = Generator<Statement<unknown>, T, any>;

/** Tx is what steps are given: ways to name statements, the time, and the events of this job. */
export class Tx {
	/** The events recorded so far; they are published after the COMMIT. */
	readonly recorded: StoredEvent[] = [];
	private made = 0;
	private finished = 0;

	constructor(
		/** Milliseconds; one time for the whole job. */
		readonly now: number,
		/** Whether it may write. */
		private readonly writes = true,
	) {}

	/** get reads one row, or undefined. */
	get<R>(query: { get(params?: Params): R }, params?: Params): Statement<R> {
		return this.statement(query, 'get', params);
	}

	/** all reads every row: for lists with a limit. */
	all<R>(query: { all(params?: Params): R }, params?: Params): Statement<R> {
		return this.statement(query, 'all', params);
	}

	/** run writes, and tells how many rows changed. */
	run(query: { run(params?: Params): unknown }, params?: Params): Statement<Changes> {
		// note: a write inside a read would be committed, but neither grouped nor published
		if (!this.writes) throw new Error('a read was given a statement that writes: use atomic');
		return this.statement(query, 'run', params);
	}

	private statement<R>(query: Query, verb: Verb, params: Params | undefined): Statement<R> {
		this.made++;
		return new Statement<R>(query, verb, params);
	}

	/** For the store and `step` only: how many statements and steps were made, and how many came to an end. */
	begin(): void {
		this.made++;
	}
	finish(): void {
		this.finished++;
	}

	/** A statement or step that was made but never yielded did nothing, in silence: that is a mistake in the code. */
	assertAllYielded(): void {
		if (this.made !== this.finished)
			throw new Error(
				`${this.made - this.finished} statement(s) or step(s) were made but not yielded: a yield* is missing`,
			);
	}
}

const counting = process.env.NODE_ENV !== 'production';

/** step makes a piece of a transaction. In development and tests it is counted, so that a forgotten `yield*` is found. */
export const step = <A extends unknown[], T>(
	body: (tx: Tx, ...args: A) => Steps<T>,
): ((tx: Tx, ...args: A) => Steps<T>) => {
	if (!counting) return body;
	return (tx, ...args) => {
		tx.begin();
		return (function* (): Steps<T> {
			try {
				return yield* body(tx, ...args);
			} finally {
				tx.finish();
			}
		})();
	};
};
