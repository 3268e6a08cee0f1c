import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationId, migrations } from '../../src/db/migrate.ts';
import { DataError, dataFile, lockFolder, openStore, prepareFolder } from '../../src/db/open.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { endedTokens } from '../../src/modules/users/users.tables.ts';
import { fingerprint, tempFolder } from '../support/db-support.ts';

const open = (folder: string, busyMs?: number) => openStore({ folder, clock: () => 1_000, log: silentLog, busyMs });
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const source = (path: string) => JSON.stringify(join(import.meta.dir, '../../src', path));

/** Runs a program of its own until it has printed a line, then kills it as `kill -9` does. */
const runAndKill = async (code: string, whileRunning: () => void = () => undefined) => {
	const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe', stderr: 'inherit' });
	try {
		const { value } = await child.stdout.getReader().read();
		expect(new TextDecoder().decode(value)).toBe('ready\n');
		whileRunning();
	} finally {
		child.kill('SIGKILL');
		await child.exited;
	}
};

/** What a refused start says: one line, and nothing in the folder is other than before. */
const refusal = (folder: string, start: () => unknown): string => {
	const before = fingerprint(folder);
	let message = '';
	try {
		start();
	} catch (error) {
		expect(error).toBeInstanceOf(DataError);
		message = (error as Error).message;
	}
	expect(message).not.toBe('');
	expect(message).not.toContain('\n');
	expect(fingerprint(folder)).toEqual(before);
	return message;
};

describe('a new data folder', () => {
	test('is 0700 and every file in it 0600, whatever the umask', () => {
		using parent = tempFolder();
		const folder = join(parent.path, 'deep', 'data');
		const umask = process.umask(0);
		try {
			prepareFolder(folder);
			const unlock = lockFolder(folder);
			const store = open(folder);
			store.db.$client.run("INSERT INTO ended_tokens VALUES ('a', 1)");
			const names = readdirSync(folder);
			expect(names).toEqual(expect.arrayContaining(['lock.db', 'parley.db', 'parley.db-shm', 'parley.db-wal']));
			expect(names.filter((name) => mode(join(folder, name)) !== '600')).toEqual([]);
			expect(mode(folder)).toBe('700');
			store.close();
			unlock();
		} finally {
			process.umask(umask);
		}
	});

	test('that was open to others is closed to them', () => {
		using folder = tempFolder();
		chmodSync(folder.path, 0o755);
		prepareFolder(folder.path);
		expect(mode(folder.path)).toBe('700');
		expect(readdirSync(folder.path)).toEqual([]);
	});

	test('gets a database with our mark in its header', () => {
		using folder = tempFolder();
		open(folder.path).close();
		expect(readFileSync(dataFile(folder.path)).readUInt32BE(68)).toBe(applicationId);
	});

	test('may hold an empty file: it is used as a new one', () => {
		using folder = tempFolder();
		writeFileSync(dataFile(folder.path), '');
		open(folder.path).close();
	});

	test('whose first start was killed half way starts again', () => {
		using folder = tempFolder();
		const file = dataFile(folder.path);
		open(folder.path).close();
		// note: as SQLite leaves them: the first pages, and a journal that says that the file was empty
		truncateSync(file, 4096);
		const journal = Buffer.alloc(512);
		journal.write('d9d505f920a163d7', 'hex');
		journal.writeUInt32BE(512, 20); // sector
		journal.writeUInt32BE(4096, 24); // page
		writeFileSync(`${file}-journal`, journal);
		const store = open(folder.path);
		expect(store.db.$client.query('SELECT count(*) FROM schema_migrations').values()).toEqual([[migrations.length]]);
		store.close();
	});
});

describe('an open database', () => {
	test('has only STRICT tables', () => {
		const store = open(':memory:');
		const loose = store.db.$client
			.query(
				"SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0",
			)
			.all();
		expect(loose).toEqual([]);
		expect(() => store.db.$client.run("INSERT INTO ended_tokens VALUES ('jti', 'tomorrow')")).toThrow(
			/cannot store TEXT/,
		);
	});

	test('syncs at every commit, enforces foreign keys and never waits inside a statement', () => {
		using folder = tempFolder();
		open(folder.path).close();
		const store = open(folder.path);
		const pragma = (name: string) => store.db.$client.query(`PRAGMA ${name}`).values()[0]?.[0];
		const names = ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'trusted_schema', 'cell_size_check'];
		expect(Object.fromEntries(names.map((name) => [name, pragma(name)]))).toEqual({
			journal_mode: 'wal',
			synchronous: 2,
			foreign_keys: 1,
			busy_timeout: 0,
			trusted_schema: 0,
			cell_size_check: 1,
		});
		expect(pragma('journal_size_limit')).toBe(64 * 1024 * 1024);
		expect(() => store.db.$client.run("INSERT INTO site_days (site, day) VALUES (404, '2026-02-22')")).toThrow(
			/FOREIGN KEY/,
		);
		store.close();
	});

	test('of a command waits for the server as long as it is told', () => {
		using folder = tempFolder();
		const store = open(folder.path, 1_500);
		expect(store.db.$client.query('PRAGMA busy_timeout').values()).toEqual([[1_500]]);
		store.close();
	});

	test('notices once what another process has committed, and never its own commits', async () => {
		using folder = tempFolder();
		const store = open(folder.path);
		const insert = store.db.$client.prepare("INSERT INTO ended_tokens VALUES ('own', 1)");
		await store.atomic(function* (tx) {
			yield* tx.run(insert as unknown as { run(): unknown });
		});
		expect(store.foreignCommit()).toBe(false);
		const other = new Database(dataFile(folder.path));
		other.run("INSERT INTO ended_tokens VALUES ('foreign', 1)");
		other.close();
		expect([store.foreignCommit(), store.foreignCommit()]).toEqual([true, false]);
		store.close();
	});

	test('answers a probe', () => {
		expect(open(':memory:').probe()).toBe(true);
	});

	test('leaves the whole of its data in one file when it is closed, and lets go of it', () => {
		using folder = tempFolder();
		const store = open(folder.path);
		const held = store.db.select().from(endedTokens).prepare();
		store.db.$client.run("INSERT INTO ended_tokens VALUES ('a', 1)");
		store.close();
		expect(() => held.all()).toThrow();
		expect(readdirSync(folder.path)).toEqual(['parley.db']);
		const other = new Database(dataFile(folder.path));
		other.run('PRAGMA journal_mode = DELETE');
		other.run('BEGIN EXCLUSIVE');
		expect(other.query('SELECT jti FROM ended_tokens').values()).toEqual([['a']]);
		other.close();
	});

	test('has after kill -9 all that was acknowledged', async () => {
		using folder = tempFolder();
		await runAndKill(`
			import { openStore } from ${source('db/open.ts')};
			import { silentLog } from ${source('kernel/log.ts')};
			const store = openStore({ folder: ${JSON.stringify(folder.path)}, clock: Date.now, log: silentLog });
			const insert = store.db.$client.prepare("INSERT INTO ended_tokens VALUES ('acknowledged', 1)");
			await store.atomic(function* (tx) { yield* tx.run(insert); });
			console.log('ready');
			setInterval(() => {}, 1000);
		`);
		expect(statSync(`${dataFile(folder.path)}-wal`).size).toBeGreaterThan(0);
		const store = open(folder.path);
		expect(store.db.$client.query('SELECT jti FROM ended_tokens').values()).toEqual([['acknowledged']]);
		store.close();
	});
});

describe('refused in one line, and left as it is:', () => {
	const cases: Record<string, { make: (file: string) => void; says: RegExp }> = {
		'a text file': { make: (file) => writeFileSync(file, 'hello, '.repeat(1_000)), says: /damaged or no database/ },
		'a file of a few bytes': {
			make: (file) => writeFileSync(file, 'SQLite format 3\0'),
			says: /damaged or no database/,
		},
		'a directory in its place': {
			make: (file) => mkdirSync(join(file, 'x'), { recursive: true }),
			says: /cannot be read/,
		},
		'a truncated file': {
			make: (file) => {
				open(join(file, '..')).close();
				truncateSync(file, Math.floor(statSync(file).size / 2));
			},
			says: /damaged.*Restore a backup/,
		},
		'a truncated file that is too large to be read whole at every start': {
			make: (file) => {
				const store = open(join(file, '..'));
				store.db.$client.run('CREATE TABLE large (data BLOB) STRICT');
				store.db.$client.run('INSERT INTO large VALUES (zeroblob(40000000))');
				store.close();
				truncateSync(file, statSync(file).size - 4096);
			},
			says: /damaged.*Restore a backup/,
		},
		'a file with one damaged page': {
			make: (file) => {
				const store = open(join(file, '..'));
				store.db.$client.run('CREATE TABLE filled (data BLOB) STRICT');
				store.db.$client.run("INSERT INTO filled SELECT zeroblob(1000) FROM json_each('[1,2,3,4,5,6,7,8,9,10]')");
				store.close();
				const bytes = readFileSync(file);
				bytes.fill(0xff, bytes.length - 4096);
				writeFileSync(file, bytes);
			},
			says: /damaged.*Restore a backup/,
		},
		'the database of another program': {
			make: (file) => {
				const other = new Database(file, { create: true });
				other.run('CREATE TABLE bookmarks (url TEXT)');
				other.close();
			},
			says: /belongs to another program/,
		},
		'a newer database': {
			make: (file) => {
				const store = open(join(file, '..'));
				store.db.$client.run(`INSERT INTO schema_migrations VALUES (${migrations.length}, '9999_future', 'x', 1)`);
				store.close();
			},
			says: /newer version of parley \(9999_future/,
		},
		'a database made by an edited migration': {
			make: (file) => {
				const store = open(join(file, '..'));
				store.db.$client.run("UPDATE schema_migrations SET hash = 'edited' WHERE position = 0");
				store.close();
			},
			says: /another form of the migration 0000_/,
		},
	};
	for (const [name, { make, says }] of Object.entries(cases))
		test(name, () => {
			using folder = tempFolder();
			const file = dataFile(folder.path);
			make(file);
			const bytes = statSync(file).isFile() ? readFileSync(file) : null;
			let message = '';
			try {
				open(folder.path);
			} catch (error) {
				expect(error).toBeInstanceOf(DataError);
				message = (error as Error).message;
			}
			expect(message).toMatch(says);
			expect(message).not.toContain('\n');
			if (bytes) expect(readFileSync(file).equals(bytes)).toBe(true);
		});

	test('the live database of another program with its write-ahead log, and the rights of its folder', () => {
		using folder = tempFolder();
		chmodSync(folder.path, 0o750);
		const other = new Database(dataFile(folder.path), { create: true });
		other.run('PRAGMA journal_mode = WAL');
		other.run('CREATE TABLE bookmarks (url TEXT)');
		expect(refusal(folder.path, () => open(folder.path))).toMatch(/belongs to another program/);
		expect(mode(folder.path)).toBe('750');
		other.close();
	});

	test('a folder that cannot be written', () => {
		using parent = tempFolder();
		writeFileSync(join(parent.path, 'file'), '');
		const message = refusal(parent.path, () => open(join(parent.path, 'file', 'data')));
		expect(message).toMatch(/cannot be (written|read) \(ENOTDIR\)/);
	});

	const isRoot = process.getuid?.() === 0;
	const rightReason = isRoot ? ' (skipped: root may write everywhere)' : '';
	test.skipIf(isRoot)(`a folder without the right to write${rightReason}`, () => {
		using parent = tempFolder();
		chmodSync(parent.path, 0o500);
		expect(() => open(join(parent.path, 'data'))).toThrow(/cannot be written \(EACCES\)/);
		chmodSync(parent.path, 0o700);
	});
});

describe('the lock of the folder', () => {
	test('keeps a second server out, in one line and with nothing touched', () => {
		using folder = tempFolder();
		const unlock = lockFolder(folder.path);
		expect(refusal(folder.path, () => lockFolder(folder.path))).toMatch(/another parley serves/);
		unlock();
	});

	test('is given back when it is released', () => {
		using folder = tempFolder();
		lockFolder(folder.path)();
		lockFolder(folder.path)();
	});

	test('is held although nobody keeps what gives it back', async () => {
		using folder = tempFolder();
		lockFolder(folder.path);
		for (let i = 0; i < 3; i++) {
			await new Promise((resolve) => setImmediate(resolve));
			Bun.gc(true);
		}
		expect(() => lockFolder(folder.path)).toThrow(/another parley serves/);
	});

	test('holds against another process, and is free at once when that is killed with kill -9', async () => {
		using folder = tempFolder();
		await runAndKill(
			`
			import { lockFolder } from ${source('db/open.ts')};
			lockFolder(${JSON.stringify(folder.path)});
			Bun.gc(true);
			console.log('ready');
			setInterval(() => {}, 1000);
		`,
			() => expect(() => lockFolder(folder.path)).toThrow(/another parley serves/),
		);
		lockFolder(folder.path)();
	});

	test('does not keep a command out of the database', () => {
		using folder = tempFolder();
		const unlock = lockFolder(folder.path);
		const server = open(folder.path);
		open(folder.path, 1_000).close();
		server.close();
		unlock();
	});

	test('says so when its file is no lock of ours', () => {
		using folder = tempFolder();
		writeFileSync(join(folder.path, 'lock.db'), 'hello, '.repeat(1_000));
		expect(refusal(folder.path, () => lockFolder(folder.path))).toMatch(/cannot be taken \(SQLITE_NOTADB\)/);
	});
});
