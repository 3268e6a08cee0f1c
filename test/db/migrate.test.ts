import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { migrate, migrations, pendingMigrations, SchemaError } from '../../src/db/migrate.ts';
import type { Migration } from '../../src/db/migrations.ts';
import { DataError, dataFile, openStore } from '../../src/db/open.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { tempFolder } from '../support/db-support.ts';

const migration = (tag: string, ...statements: string[]): Migration => {
	const sql = statements.join(';--> statement-breakpoint\n');
	return { tag, sql, hash: new Bun.CryptoHasher('sha256').update(sql).digest('hex') };
};
const first = migration(
	'0000_first',
	'CREATE TABLE parents (pk INTEGER PRIMARY KEY, name TEXT) STRICT',
	'CREATE TABLE children (pk INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents ON DELETE CASCADE) STRICT',
	"INSERT INTO parents VALUES (1, 'p')",
	'INSERT INTO children VALUES (1, 1), (2, 1)',
);
/** As drizzle-kit writes the change of a column: a new table, a copy, a drop and a rename. */
const rebuild = migration(
	'0001_rebuild',
	'PRAGMA foreign_keys=OFF',
	"CREATE TABLE __new_parents (pk INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '') STRICT",
	'INSERT INTO __new_parents SELECT pk, name FROM parents',
	'DROP TABLE parents',
	'ALTER TABLE __new_parents RENAME TO parents',
	'PRAGMA foreign_keys=ON',
);
const broken = migration('0001_broken', 'CREATE TABLE more (a INTEGER) STRICT', 'CREATE TABEL typo (a INTEGER)');
const orphaning = migration('0001_orphaning', 'DELETE FROM parents');

const memory = (known: Migration[]) => {
	const sqlite = new Database(':memory:');
	sqlite.run('PRAGMA foreign_keys = ON');
	migrate(sqlite, 1, known);
	return sqlite;
};
const values = (sqlite: Database, sql: string) => sqlite.query(sql).values();
const open = (folder: string, known: Migration[]) =>
	openStore({ folder, clock: () => Date.UTC(2026, 1, 22), log: silentLog, known });
const hashOf = (file: string) => new Bun.CryptoHasher('sha256').update(readFileSync(file)).digest('hex');
const backups = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('before-migration'));

describe('the migrations of this program', () => {
	test('are what stands in drizzle/, in the order of its journal', () => {
		const folder = join(import.meta.dir, '../../drizzle');
		const tags = readdirSync(folder)
			.filter((name) => name.endsWith('.sql'))
			.sort()
			.map((name) => name.slice(0, -4));
		expect(migrations.map(({ tag }) => tag)).toEqual(tags);
		for (const { tag, hash } of migrations) expect(hashOf(join(folder, `${tag}.sql`))).toBe(hash);
	});

	test('are recorded with the hash of their text and the time', () => {
		const sqlite = memory([first]);
		expect(values(sqlite, 'SELECT position, tag, hash, applied_at FROM schema_migrations')).toEqual([
			[0, '0000_first', first.hash, 1],
		]);
		expect(pendingMigrations(sqlite, [first])).toEqual([]);
	});
});

describe('a migration', () => {
	test('that rebuilds a table keeps the children that would be deleted with their parent', () => {
		const sqlite = memory([first]);
		migrate(sqlite, 2, [first, rebuild]);
		expect(values(sqlite, 'SELECT pk FROM children')).toEqual([[1], [2]]);
		sqlite.run('DELETE FROM parents');
		expect(values(sqlite, 'SELECT pk FROM children')).toEqual([]);
	});

	test('that would break references is undone', () => {
		const sqlite = memory([first]);
		expect(() => migrate(sqlite, 2, [first, orphaning])).toThrow(SchemaError);
		expect(values(sqlite, 'SELECT pk FROM parents')).toEqual([[1]]);
		expect(pendingMigrations(sqlite, [first, orphaning])).toEqual([orphaning]);
	});

	test('that fails undoes those before it too, and foreign keys are enforced again', () => {
		const sqlite = memory([first]);
		expect(() => migrate(sqlite, 2, [first, rebuild, broken])).toThrow(/TABEL/);
		expect(sqlite.inTransaction).toBe(false);
		expect(pendingMigrations(sqlite, [first, rebuild])).toEqual([rebuild]);
		expect(values(sqlite, "SELECT name FROM sqlite_master WHERE name = 'more'")).toEqual([]);
		expect(() => sqlite.run('INSERT INTO children VALUES (9, 404)')).toThrow(/FOREIGN KEY/);
	});

	test('that was edited after it ran is refused', () => {
		const edited = migration('0000_first', 'CREATE TABLE parents (pk INTEGER PRIMARY KEY) STRICT');
		expect(() => pendingMigrations(memory([first]), [edited, rebuild])).toThrow(
			/another form of the migration 0000_first/,
		);
	});

	test('that this program does not know is refused as a newer schema', () => {
		expect(() => pendingMigrations(memory([first, rebuild]), [first])).toThrow(/newer version/);
	});
});

describe('a data file', () => {
	test('is copied before it is migrated: the copy is the whole of it as it was, for its owner only', () => {
		using folder = tempFolder();
		const old = open(folder.path, [first]);
		old.db.$client.run("UPDATE parents SET name = 'before'");
		old.close();
		const store = open(folder.path, [first, rebuild]);
		store.db.$client.run("UPDATE parents SET name = 'after'");
		store.close();

		const [copy = ''] = backups(folder.path);
		expect(statSync(join(folder.path, copy)).mode & 0o777).toBe(0o600);
		const restored = join(folder.path, 'restored');
		mkdirSync(restored);
		copyFileSync(join(folder.path, copy), dataFile(restored));
		const back = open(restored, [first]);
		expect(back.db.$client.query('SELECT name FROM parents').values()).toEqual([['before']]);
		back.close();
	});

	test('that is new or up to date is not copied', () => {
		using folder = tempFolder();
		open(folder.path, [first]).close();
		open(folder.path, [first]).close();
		expect(backups(folder.path)).toEqual([]);
	});

	for (const [name, bad] of Object.entries({
		'a migration that fails': broken,
		'one that breaks references': orphaning,
	}))
		test(`stays as it was, byte for byte, under ${name}, with one line and no copy left; a right one then works`, () => {
			using folder = tempFolder();
			const file = dataFile(folder.path);
			open(folder.path, [first]).close();
			// note: a restored backup is not yet in the mode of a write-ahead log: turning it on would change the file
			const restored = new Database(file);
			restored.run('PRAGMA journal_mode = DELETE');
			restored.close();
			const before = hashOf(file);
			let error: unknown;
			try {
				open(folder.path, [first, bad]);
			} catch (e) {
				error = e;
			}
			expect(error).toBeInstanceOf(DataError);
			expect((error as Error).message).not.toContain('\n');
			expect(hashOf(file)).toBe(before);
			expect(backups(folder.path)).toEqual([]);
			open(folder.path, [first, rebuild]).close();
		});
});
