import type { Database } from 'bun:sqlite';
import { readMigrations } from './migrations.ts' with { type: 'macro' };
import type { Migration } from './migrations.ts';

/** What this program brings with it, oldest first. */
export const migrations: Migration[] = readMigrations();

/** "Parl" in the file's header tells our files from other SQLite files (https://www.sqlite.org/fileformat2.html, offset 68). */
export const applicationId = 0x5061726c;

/** SchemaError is a data file this program must not touch; the message is for the operator. */
export class SchemaError extends Error {}

/** appliedMigrations lists what a data file has had, oldest first; empty for a new file. */
const appliedMigrations = (sqlite: Database): { tag: string; hash: string }[] =>
	sqlite.query("select name from sqlite_master where type = 'table' and name = 'schema_migrations'").get() === null
		? []
		: (sqlite.query('select tag, hash from schema_migrations order by position').all() as {
				tag: string;
				hash: string;
			}[]);

/**
 * pendingMigrations compares a data file with this program.
 * Throws SchemaError when the file is newer, or was made by a migration that reads differently here.
 */
export const pendingMigrations = (sqlite: Database, known: Migration[] = migrations): Migration[] => {
	const applied = appliedMigrations(sqlite);
	if (applied.length > known.length)
		throw new SchemaError(
			`the data is of a newer version of parley (${applied.at(-1)?.tag}, this one knows up to ${known.at(-1)?.tag}). Use the newer program, or restore a backup.`,
		);
	for (const [i, { tag, hash }] of applied.entries())
		if (known[i]?.tag !== tag || known[i]?.hash !== hash)
			throw new SchemaError(
				`the data was made with another form of the migration ${tag}. Use the program that made it, or restore a backup.`,
			);
	return known.slice(applied.length);
};

/**
 * migrate brings a data file up to this program's schema, all pending migrations in one transaction.
 * The caller has made a backup. Foreign keys are off meanwhile, because a table rebuild would otherwise delete the
 * children; they are checked before the commit.
 */
export const migrate = (sqlite: Database, now: number, known: Migration[] = migrations): void => {
	sqlite.run('PRAGMA foreign_keys = OFF');
	try {
		sqlite.run('BEGIN IMMEDIATE');
		// note: read under the lock, or two first starts at once would both make the tables
		const pending = pendingMigrations(sqlite, known);
		// note: in the same transaction as the first table, so that a file is either empty or known as ours
		sqlite.run(`PRAGMA application_id = ${applicationId}`);
		sqlite.run(
			'CREATE TABLE IF NOT EXISTS schema_migrations (position INTEGER PRIMARY KEY, tag TEXT NOT NULL, hash TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
		);
		const done = known.length - pending.length;
		for (const [i, { tag, sql, hash }] of pending.entries()) {
			for (const statement of sql.split('--> statement-breakpoint')) if (statement.trim()) sqlite.run(statement);
			sqlite
				.query('insert into schema_migrations (position, tag, hash, applied_at) values (?, ?, ?, ?)')
				.run(done + i, tag, hash, now);
		}
		const broken = sqlite.query('PRAGMA foreign_key_check').all();
		if (broken.length > 0)
			throw new SchemaError(`a migration would break ${broken.length} references; nothing was changed.`);
		sqlite.run('COMMIT');
	} catch (error) {
		if (sqlite.inTransaction) sqlite.run('ROLLBACK');
		throw error;
	} finally {
		sqlite.run('PRAGMA foreign_keys = ON');
	}
};
