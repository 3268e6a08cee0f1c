import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from 'bun:test';
import { join } from 'node:path';
import { type Statement, type Steps, step, type Tx } from '../../src/db/step.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { StoredEvent } from '../../src/kernel/events.ts';
import { batchJobsMax, busyMsMax, gatherTurnsMax, queueJobsMax } from '../../src/kernel/limits.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { atomicRig, codeOf, commitsInLog, type Prepared, sqliteError, tempFolder } from '../support/db-support.ts';

const isUnique = (error: unknown): boolean => (error as { code?: string }).code === 'SQLITE_CONSTRAINT_UNIQUE';

// note: without this a busy machine would end a batch by its 5 ms where a test is about something else
beforeEach(() => {
	spyOn(performance, 'now').mockReturnValue(0);
});
afterEach(() => mock.restore());

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Time that passes only when a timer is waited for: two seconds of waiting take no time, and the delays can be read. */
const virtualTime = (onDelay: (now: number) => void = () => undefined) => {
	let now = 0;
	const delays: number[] = [];
	spyOn(performance, 'now').mockImplementation(() => now);
	spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, ms: number) => {
		delays.push(ms);
		now += ms;
		onDelay(now);
		setImmediate(callback);
	}) as unknown as typeof setTimeout);
	return {
		delays,
		advance: (ms: number) => {
			now += ms;
		},
	};
};

/** A second connection that holds the write lock, as another process does. */
const holdLock = (file: string) => {
	const other = new Database(file);
	other.run('BEGIN IMMEDIATE');
	return { release: () => other.close() };
};

describe('group commit', () => {
	test('the writes of one turn of the event loop share one commit', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const before = commitsInLog(file);
		const ids = await Promise.all(numbers(100).map((i) => rig.put(`n${i}`)));
		expect(ids).toEqual(numbers(100).map((i) => i + 1));
		expect(commitsInLog(file) - before).toBe(1);
		expect(rig.published).toHaveLength(1);
		await rig.put('next turn');
		expect(commitsInLog(file) - before).toBe(2);
	});

	test('a batch waits for another turn as long as each brings more writes, and at most four', async () => {
		const rig = atomicRig();
		const writes: Promise<number>[] = [];
		for (let i = 0; i < 12; i++) {
			writes.push(rig.put(`n${i}`));
			await turn();
		}
		await Promise.all(writes);
		expect(rig.published[0]).toHaveLength(1 + gatherTurnsMax);
		expect(rig.published.length).toBeLessThan(4);
	});

	test('a lone write waits for no more than one empty turn, and a full batch for none', async () => {
		const rig = atomicRig();
		const lone = rig.put('lone');
		await turn();
		expect(rig.waiting).toBe(1);
		await turn();
		expect(rig.waiting).toBe(0);
		await lone;
		virtualTime();
		const full = numbers(batchJobsMax).map((i) => rig.put(`n${i}`));
		await turn();
		expect(rig.waiting).toBe(0);
		await Promise.all(full);
	});

	test('no savepoint is made and no job runs twice while no job throws', async () => {
		const rig = atomicRig();
		let runs = 0;
		await Promise.all(
			numbers(3).map((i) =>
				rig.atomic(function* (tx) {
					runs++;
					yield* tx.run(rig.insert, { name: `n${i}`, note: null });
				}),
			),
		);
		expect(rig.statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
		expect(runs).toBe(3);
	});

	test('a write is answered after its commit: another connection sees the row by then, and not before', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const other = new Database(file, { readonly: true });
		const seen = () => other.query('SELECT count(*) FROM items').values()[0]?.[0];
		const during = await rig.atomic(function* (tx) {
			yield* tx.run(rig.insert, { name: 'a', note: null });
			return seen();
		});
		expect({ during, after: seen() }).toEqual({ during: 0, after: 1 });
		other.close();
	});

	test('nothing reads a row before it is on disk', async () => {
		const rig = atomicRig();
		const count = rig.prepare('SELECT count(*) AS n FROM items');
		const read = () =>
			rig.read(function* (tx) {
				return yield* tx.get(count);
			}).n;
		const done = rig.put('a');
		expect(read()).toBe(0);
		await done;
		expect(read()).toBe(1);
	});

	test('jobs run in the order in which they were asked for', async () => {
		const rig = atomicRig();
		const answered: number[] = [];
		await Promise.all(
			numbers(20).map(async (i) => {
				const failing = i % 3 === 1 ? { fail: new Error('no') } : {};
				await rig.put(`n${i}`, failing).catch(() => undefined);
				answered.push(i);
			}),
		);
		expect(answered).toEqual(numbers(20));
		expect(rig.names()).toEqual(
			numbers(20)
				.filter((i) => i % 3 !== 1)
				.map((i) => `n${i}`),
		);
	});
});

describe('a job that throws', () => {
	test('leaves nothing behind, and the others of its batch are stored with ids without a gap', async () => {
		const rig = atomicRig();
		const results = await Promise.allSettled([
			rig.put('a'),
			rig.put('b', { fail: new AppError('forbidden') }),
			rig.put('c'),
			rig.put('d', { fail: new Error('bug') }),
			rig.put('e'),
		]);
		expect(
			results.map((r) => (r.status === 'fulfilled' ? r.value : String(r.reason.code ?? r.reason.message))),
		).toEqual([1, 'forbidden', 2, 'bug', 3]);
		expect(rig.names()).toEqual(['a', 'c', 'e']);
		expect(rig.published.map((batch) => batch.map(({ id }) => id))).toEqual([[1, 2, 3]]);
	});

	test('makes its batch run once more with a savepoint around each job and still one commit', async () => {
		const rig = atomicRig();
		await Promise.allSettled([rig.put('a'), rig.put('b', { fail: new Error('no') }), rig.put('c')]);
		expect(rig.statements).toEqual([
			'BEGIN IMMEDIATE',
			'ROLLBACK',
			'BEGIN IMMEDIATE',
			...['SAVEPOINT job', 'RELEASE job'],
			...['SAVEPOINT job', 'ROLLBACK TO job', 'RELEASE job'],
			...['SAVEPOINT job', 'RELEASE job'],
			'COMMIT',
		]);
		rig.statements.length = 0;
		await rig.put('d');
		expect(rig.statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
	});

	test('makes no job run more than twice', async () => {
		const rig = atomicRig();
		const runs = numbers(300).map(() => 0);
		await Promise.allSettled(
			runs.map((_, i) =>
				rig.atomic(function* (tx) {
					runs[i] = (runs[i] ?? 0) + 1;
					yield* tx.run(rig.insert, { name: `n${i}`, note: null });
					if (i % 7 === 3) throw new Error('no');
				}),
			),
		);
		expect(Math.max(...runs)).toBe(2);
		expect(rig.names()).toHaveLength(numbers(300).filter((i) => i % 7 !== 3).length);
	});

	test('makes no job run a third time, however long the second run takes', async () => {
		const { advance } = virtualTime();
		const rig = atomicRig();
		const runs = [0, 0, 0, 0];
		await Promise.allSettled(
			runs.map((_, i) =>
				rig.atomic(function* (tx) {
					runs[i] = (runs[i] ?? 0) + 1;
					if (runs[i] === 2) advance(10);
					yield* tx.run(rig.insert, { name: `n${i}`, note: null });
					if (i === 3) throw new Error('no');
				}),
			),
		);
		expect(runs).toEqual([2, 2, 2, 2]);
	});

	test('does not make others pay: a turn full of jobs that throw still takes one commit', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		virtualTime();
		const rig = atomicRig({ file });
		const before = commitsInLog(file);
		await Promise.allSettled(numbers(200).map((i) => rig.put(`n${i}`, i % 2 ? { fail: new Error('no') } : {})));
		expect(rig.names()).toHaveLength(100);
		expect(commitsInLog(file) - before).toBe(1);
	});

	test('for a reason that has gone on the second run is stored', async () => {
		const rig = atomicRig();
		let runs = 0;
		const flaky = rig.atomic(function* (tx) {
			yield* tx.run(rig.insert, { name: 'once', note: null });
			if (runs++ === 0) throw new Error('first run');
		});
		await Promise.all([flaky, rig.put('other')]);
		expect(rig.names()).toEqual(['once', 'other']);
	});
});

describe('statements', () => {
	test('a failed statement can be caught in a step, and the job goes on', async () => {
		const rig = atomicRig();
		await rig.put('a');
		const outcome = await rig.atomic(function* (tx) {
			try {
				yield* tx.run(rig.insert, { name: 'a', note: null });
			} catch (error) {
				if (!isUnique(error)) throw error;
				yield* tx.run(rig.insert, { name: 'a-2', note: null });
				return 'renamed';
			}
		});
		expect(outcome).toBe('renamed');
		expect(rig.names()).toEqual(['a', 'a-2']);
		expect(rig.statements.filter((sql) => sql.startsWith('SAVEPOINT'))).toEqual([]);
	});

	test('only the conflict of a unique index is taken for one', async () => {
		const rig = atomicRig();
		const wrongType = rig.prepare('INSERT INTO items (id) VALUES ($id)');
		const caught = await rig.atomic(function* (tx) {
			try {
				yield* tx.run(wrongType, { id: 'text' });
			} catch (error) {
				return isUnique(error);
			}
		});
		expect(caught).toBe(false);
	});

	test('a failed statement that is not caught fails its job alone', async () => {
		const rig = atomicRig();
		const results = await Promise.allSettled([rig.put('a'), rig.put('a'), rig.put('b')]);
		expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
		expect(rig.names()).toEqual(['a', 'b']);
	});

	test('tx.now is one time for the whole job', async () => {
		let time = 0;
		const rig = atomicRig({ clock: () => ++time });
		const [first, second] = await Promise.all(
			numbers(2).map(() =>
				rig.atomic(function* (tx) {
					const begun = tx.now;
					yield* tx.run(rig.insert, { name: null, note: null });
					return [begun, tx.now];
				}),
			),
		);
		expect([first, second]).toEqual([
			[1, 1],
			[2, 2],
		]);
	});

	const wrong: Record<string, (tx: Tx, insert: Prepared) => Steps<unknown>> = {
		'a statement without yield*': function* (tx, insert) {
			tx.run(insert, { name: 'a', note: null });
		},
		'a step without yield*': function* (tx, insert) {
			yield* tx.run(insert, { name: 'a', note: null });
			step(function* () {})(tx);
		},
		'a step that forgets a statement': function* (tx, insert) {
			yield* step(function* (inner) {
				yield* inner.run(insert, { name: 'a', note: null });
				inner.run(insert, { name: 'b', note: null });
			})(tx);
		},
		'a query yielded bare': function* (_tx, insert) {
			yield insert as unknown as Statement<unknown>;
		},
		'a promise yielded': function* (tx, insert) {
			yield* tx.run(insert, { name: 'a', note: null });
			try {
				yield Promise.resolve() as unknown as Statement<unknown>;
			} catch {
				// a step cannot take this for a failed statement
			}
		},
	};
	for (const [name, make] of Object.entries(wrong))
		test(`${name} fails the job and stores nothing`, async () => {
			const rig = atomicRig();
			expect(await codeOf(rig.atomic((tx) => make(tx, rig.insert)))).toMatch(/yield/);
			expect(rig.names()).toEqual([]);
			await rig.put('next');
			expect(rig.names()).toEqual(['next']);
		});

	test('an async function cannot be a job', async () => {
		const rig = atomicRig();
		// @ts-expect-error a promise is no list of statements
		const job = rig.atomic(async (tx: Tx) => {
			tx.run(rig.insert, { name: 'a', note: null });
		});
		expect(await codeOf(job)).toMatch(/never async/);
		// @ts-expect-error nor is an asynchronous generator
		const generator = rig.atomic(async function* (tx: Tx) {
			yield tx.run(rig.insert, { name: 'a', note: null });
		});
		expect(await codeOf(generator)).toMatch(/something else than a statement/);
		expect(rig.names()).toEqual([]);
	});
});

describe('a storage error', () => {
	/** A statement that meets a failing disk. */
	const failing = (code: string) => ({
		run: () => {
			throw sqliteError(code);
		},
	});

	for (const [code, failure] of Object.entries({
		SQLITE_FULL: 'storage_full',
		SQLITE_IOERR_WRITE: 'storage_unavailable',
		SQLITE_READONLY_DBMOVED: 'storage_unavailable',
		SQLITE_CORRUPT: 'storage_unavailable',
		SQLITE_NOMEM: 'storage_unavailable',
	}))
		test(`${code} cannot be caught in a step and fails the whole batch without a second run`, async () => {
			const rig = atomicRig();
			let runs = 0;
			const first = rig.put('a');
			const failed = rig.atomic(function* (tx) {
				runs++;
				try {
					yield* tx.run(failing(code));
				} catch {
					return 'caught';
				}
			});
			expect(await Promise.all([codeOf(first), codeOf(failed)])).toEqual([failure, failure]);
			expect(runs).toBe(1);
			expect(rig.statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK']);
			expect(rig.names()).toEqual([]);
			expect(rig.published).toEqual([]);
			await rig.put('after');
			expect(rig.names()).toEqual(['after']);
		});

	test('does not touch the jobs that had not begun: they run after it', async () => {
		const rig = atomicRig();
		const failed = codeOf(
			rig.atomic(function* (tx) {
				yield* tx.run(failing('SQLITE_IOERR'));
			}),
		);
		const next = rig.put('next');
		expect(await failed).toBe('storage_unavailable');
		expect(await next).toBe(1);
	});

	test('in the second run fails the whole batch, and no job runs a third time', async () => {
		const rig = atomicRig();
		let runs = 0;
		const first = rig.put('a');
		const flaky = rig.atomic(function* (tx) {
			runs++;
			yield* tx.run(rig.insert, { name: 'x', note: null });
			if (runs === 1) throw new Error('first run');
			yield* tx.run(failing('SQLITE_FULL'));
		});
		expect(await Promise.all([codeOf(first), codeOf(flaky)])).toEqual(['storage_full', 'storage_full']);
		expect(runs).toBe(2);
		expect(rig.names()).toEqual([]);
		expect(await rig.put('after')).toBe(1);
	});

	test('a full file answers storage_full to all of the batch, and writing goes on when there is room', async () => {
		using folder = tempFolder();
		const rig = atomicRig({ file: join(folder.path, 'a.db') });
		await rig.put('before');
		const pages = Number(rig.sqlite.query('PRAGMA page_count').values()[0]?.[0]);
		rig.sqlite.run(`PRAGMA max_page_count = ${pages + 1}`);
		const note = 'x'.repeat(100_000);
		const failures = await Promise.all([codeOf(rig.put('small')), codeOf(rig.put('large', { note }))]);
		expect(failures).toEqual(['storage_full', 'storage_full']);
		expect(rig.names()).toEqual(['before']);
		rig.sqlite.run('PRAGMA max_page_count = 100000');
		await rig.put('large', { note });
		expect(rig.names()).toEqual(['before', 'large']);
	});

	test('a file that cannot be written answers storage_unavailable with Retry-After, and writing goes on when it can', async () => {
		const rig = atomicRig();
		rig.sqlite.run('PRAGMA query_only = ON');
		const failed = rig.put('a').catch((error: AppError) => error);
		expect(await failed).toMatchObject({ code: 'storage_unavailable', status: 503, details: { retryAfterSeconds: 1 } });
		rig.sqlite.run('PRAGMA query_only = OFF');
		expect(await rig.put('b')).toBe(1);
	});

	test('any error of COMMIT fails the whole batch without a second run', async () => {
		const rig = atomicRig();
		rig.sqlite.run('CREATE TABLE parts (item INTEGER REFERENCES items DEFERRABLE INITIALLY DEFERRED) STRICT');
		const orphan = rig.prepare('INSERT INTO parts VALUES (404)');
		let runs = 0;
		const failed = rig.atomic(function* (tx) {
			runs++;
			yield* tx.run(orphan);
		});
		const codes = await Promise.all([codeOf(rig.put('a')), codeOf(failed), codeOf(rig.put('b'))]);
		expect(codes).toEqual(['storage_unavailable', 'storage_unavailable', 'storage_unavailable']);
		expect(runs).toBe(1);
		expect(rig.sqlite.inTransaction).toBe(false);
		expect(rig.names()).toEqual([]);
		expect(await rig.put('after')).toBe(1);
	});

	test('of COMMIT by a failing disk is followed by ROLLBACK, and the next batch begins afresh', async () => {
		const rig = atomicRig();
		rig.faults.set('COMMIT', [sqliteError('SQLITE_IOERR_FSYNC')]);
		expect(await codeOf(rig.put('a'))).toBe('storage_unavailable');
		expect(rig.statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK']);
		expect(await rig.put('b')).toBe(1);
	});

	test('tells the caller that the outcome is unknown, and the log why', async () => {
		const logged: unknown[] = [];
		const log = Object.assign(Object.create(silentLog), { error: (entry: unknown) => logged.push(entry) });
		const rig = atomicRig({ log });
		const cause = sqliteError('SQLITE_IOERR_FSYNC');
		rig.faults.set('COMMIT', [cause]);
		const error = await rig.put('a').catch((e: AppError) => e);
		expect(error).toBeInstanceOf(AppError);
		expect((error as AppError).message).toMatch(/outcome is unknown.*same clientMessageId/);
		expect((error as AppError).message).not.toMatch(/injected|SQLITE/);
		expect(logged).toEqual([{ err: cause, jobs: 1 }]);
	});
});

describe('another process that writes', () => {
	test('makes writes wait without holding up the event loop, and they succeed when it is done', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const lock = holdLock(file);
		const done = rig.put('a');
		let answered = false;
		done.then(() => {
			answered = true;
		});
		// 300 ms as the other process counts them: the loop must turn all the while
		let turns = 0;
		const until = Date.now() + 300;
		while (Date.now() < until) {
			await turn();
			turns++;
		}
		expect(answered).toBe(false);
		expect(turns).toBeGreaterThan(100);
		lock.release();
		expect(await done).toBe(1);
	});

	test('is looked at again after 5 ms, then less and less often up to every 50 ms', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const lock = holdLock(file);
		const { delays } = virtualTime((now) => {
			if (now >= 200) lock.release();
		});
		const ids = await Promise.all([rig.put('a'), rig.put('b')]);
		expect(delays).toEqual([5, 10, 20, 40, 50, 50, 50]);
		expect(ids).toEqual([1, 2]);
		expect(rig.published).toHaveLength(1);
	});

	test('for more than two seconds makes all that wait fail with 503 and Retry-After; the next write is stored', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const lock = holdLock(file);
		const { delays } = virtualTime();
		const first = rig.put('a').catch((error) => error);
		await turn();
		const second = rig.put('b').catch((error) => error);
		for (const error of [await first, await second])
			expect(error).toMatchObject({ code: 'storage_unavailable', status: 503, details: { retryAfterSeconds: 1 } });
		const waited = delays.reduce((sum, ms) => sum + ms, 0);
		expect(waited).toBeGreaterThan(busyMsMax);
		expect(waited).toBeLessThan(busyMsMax + 100);
		expect(rig.waiting).toBe(0);
		lock.release();
		expect(await rig.put('c')).toBe(1);
	});

	test('between the rollback and the second run leaves the batch queued, and still no job runs more than twice', async () => {
		const rig = atomicRig();
		virtualTime();
		rig.faults.set('BEGIN IMMEDIATE', [null, sqliteError('SQLITE_BUSY'), sqliteError('SQLITE_BUSY')]);
		const runs = [0, 0];
		const jobs = runs.map((_, i) =>
			rig.atomic(function* (tx) {
				runs[i] = (runs[i] ?? 0) + 1;
				yield* tx.run(rig.insert, { name: `n${i}`, note: null });
				if (i === 1) throw new AppError('forbidden');
			}),
		);
		const [first, second] = await Promise.all([
			codeOf(jobs[0] as Promise<unknown>),
			codeOf(jobs[1] as Promise<unknown>),
		]);
		expect([first, second]).toEqual(['no failure', 'forbidden']);
		expect(runs).toEqual([2, 2]);
		expect(rig.names()).toEqual(['n0']);
	});

	test('does not hold up reads', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		await rig.put('a');
		const lock = holdLock(file);
		const count = rig.prepare('SELECT count(*) AS n FROM items');
		const row = rig.read(function* (tx) {
			return yield* tx.get(count);
		});
		expect(row.n).toBe(1);
		lock.release();
	});
});

describe('limits', () => {
	test('a batch ends at 256 jobs, and the event loop turns before the next', async () => {
		virtualTime();
		const order: (number | string)[] = [];
		const rig = atomicRig({
			committed: (events) => {
				order.push(events.length);
				setImmediate(() => order.push('turn'));
			},
		});
		await Promise.all(numbers(2 * batchJobsMax + 88).map((i) => rig.put(`n${i}`)));
		expect(order).toEqual([256, 'turn', 256, 'turn', 88]);
	});

	test('a batch ends after 5 ms', async () => {
		const { advance } = virtualTime();
		const rig = atomicRig();
		const slow = (name: string) =>
			rig.atomic(function* (tx) {
				advance(2);
				const { lastInsertRowid: id } = yield* tx.run(rig.insert, { name, note: null });
				tx.recorded.push({ id, site: 1, type: 'site.updated', createdAt: tx.now });
			});
		await Promise.all(numbers(7).map((i) => slow(`n${i}`)));
		expect(rig.published.map((batch) => batch.length)).toEqual([3, 3, 1]);
	});

	test('a second run ends at 256 jobs and after 5 ms as well', async () => {
		const { advance } = virtualTime();
		const rig = atomicRig();
		const fail = new Error('no');
		const many = [rig.put('bad', { fail }), ...numbers(300).map((i) => rig.put(`n${i}`))];
		await Promise.allSettled(many);
		expect(rig.published.map((batch) => batch.length)).toEqual([255, 45]);
		rig.published.length = 0;
		const slow = numbers(6).map((i) =>
			rig.atomic(function* (tx) {
				advance(2);
				const { lastInsertRowid: id } = yield* tx.run(rig.insert, { name: `slow${i}`, note: null });
				tx.recorded.push({ id, site: 1, type: 'site.updated', createdAt: tx.now });
				if (i === 0) throw fail;
			}),
		);
		await Promise.allSettled(slow);
		expect(rig.published.map((batch) => batch.length)).toEqual([2, 3]);
	});

	test('beyond 10 000 waiting jobs a write is refused with overloaded and Retry-After, and those waiting are done', async () => {
		const rig = atomicRig();
		const jobs = numbers(queueJobsMax).map(() => rig.atomic(function* () {}));
		expect(rig.waiting).toBe(10_000);
		const refused = rig.put('late').catch((error) => error);
		expect(await refused).toMatchObject({ code: 'overloaded', status: 503, details: { retryAfterSeconds: 1 } });
		await Promise.all(jobs);
		expect(rig.waiting).toBe(0);
		expect(await rig.put('later')).toBe(1);
	});
});

describe('committed events', () => {
	test('are published after the commit, in the order of their ids, before anybody is answered', async () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const other = () => new Database(file, { readonly: true });
		const order: string[] = [];
		const rig = atomicRig({
			file,
			committed: (events: StoredEvent[]) => {
				const reader = other();
				const stored = reader.query('SELECT count(*) FROM items').values()[0]?.[0];
				reader.close();
				order.push(`published ${events.map(({ id }) => id)} of ${stored} stored`);
			},
		});
		await Promise.all(['a', 'b', 'c'].map((name) => rig.put(name).then((id) => order.push(`answered ${id}`))));
		expect(order).toEqual(['published 1,2,3 of 3 stored', 'answered 1', 'answered 2', 'answered 3']);
	});

	test('a listener that throws is logged; the writers are answered and later batches published', async () => {
		const published: number[] = [];
		const logged: unknown[] = [];
		const log = Object.assign(Object.create(silentLog), { error: (entry: unknown) => logged.push(entry) });
		const bug = new Error('listener');
		const rig = atomicRig({
			log,
			committed: (events) => {
				if (events[0]?.id === 1) throw bug;
				published.push(...events.map(({ id }) => id));
			},
		});
		expect(await rig.put('a')).toBe(1);
		expect(await rig.put('b')).toBe(2);
		expect(published).toEqual([2]);
		expect(logged).toEqual([{ err: bug }]);
	});

	test('a listener may ask for a write: it goes into a batch of its own', async () => {
		let follow: Promise<number> | undefined;
		const rig = atomicRig({
			committed: (events) => {
				if (events[0]?.id === 1) follow = rig.put('b');
			},
		});
		await rig.put('a');
		expect(await follow).toBe(2);
	});
});

describe('drain', () => {
	test('resolves when all that waited is stored and answered, and refuses new writes with shutting_down', async () => {
		const rig = atomicRig();
		const order: string[] = [];
		const writes = numbers(600).map((i) => rig.put(`n${i}`).then(() => order.push('answered')));
		const drained = rig.drain().then(() => order.push('drained'));
		const late = rig.put('late').catch((error) => error);
		expect(await late).toMatchObject({ code: 'shutting_down', status: 503, details: { retryAfterSeconds: 2 } });
		await Promise.all([...writes, drained]);
		expect(order.indexOf('drained')).toBe(600);
		expect(rig.names()).toHaveLength(600);
	});

	test('resolves at once when nothing waits', async () => {
		await atomicRig().drain();
	});

	test('resolves although the last batch failed', async () => {
		const rig = atomicRig();
		rig.faults.set('COMMIT', [sqliteError('SQLITE_FULL')]);
		const failed = codeOf(rig.put('a'));
		await rig.drain();
		expect(await failed).toBe('storage_full');
	});
});

describe('read', () => {
	test('cannot write', () => {
		const rig = atomicRig();
		const write = () =>
			rig.read(function* (tx) {
				yield* tx.run(rig.insert, { name: 'a', note: null });
			});
		expect(write).toThrow(/use atomic/);
		expect(rig.names()).toEqual([]);
		expect(rig.sqlite.inTransaction).toBe(false);
	});

	test('is one consistent state, whatever another process commits meanwhile', () => {
		using folder = tempFolder();
		const file = join(folder.path, 'a.db');
		const rig = atomicRig({ file });
		const other = new Database(file);
		const count = rig.prepare('SELECT count(*) AS n FROM items');
		const counts = rig.read(function* (tx) {
			const before = yield* tx.get(count);
			other.run("INSERT INTO items (name) VALUES ('foreign')");
			const after = yield* tx.get(count);
			return [before.n, after.n];
		});
		expect(counts).toEqual([0, 0]);
		expect(rig.names()).toEqual(['foreign']);
		other.close();
	});

	test('finds a forgotten yield*', () => {
		const rig = atomicRig();
		const query = rig.prepare('SELECT 1');
		const forgetful = () =>
			rig.read(function* (tx) {
				tx.get(query);
			});
		expect(forgetful).toThrow(/yield\*/);
	});

	test('of a file that cannot be read answers storage_unavailable, and works when it can', () => {
		const rig = atomicRig();
		rig.faults.set('BEGIN', [sqliteError('SQLITE_IOERR_READ')]);
		const read = () => rig.read(function* () {});
		expect(read).toThrow(expect.objectContaining({ code: 'storage_unavailable' }));
		read();
	});

	test('inside a job is a mistake that fails the job, not the batch', async () => {
		const rig = atomicRig();
		const nested = rig.atomic(function* () {
			rig.read(function* () {});
		});
		const results = await Promise.allSettled([rig.put('a'), nested, rig.put('b')]);
		expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
		expect(rig.names()).toEqual(['a', 'b']);
	});
});
