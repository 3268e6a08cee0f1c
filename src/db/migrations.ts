import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Migration {
	/** The file's name without `.sql`, `0000_first`. */
	tag: string;
	sql: string;
	/** SHA-256 of the text: an edited migration is refused. */
	hash: string;
}

/**
 * readMigrations is called at build time, as a macro: the SQL of `drizzle/` becomes part of the program, from source as
 * in the binary.
 */
export const readMigrations = (): Migration[] => {
	const folder = join(import.meta.dir, '../../drizzle');
	const journal: { entries: { tag: string }[] } = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8'));
	return journal.entries.map(({ tag }) => {
		const sql = readFileSync(join(folder, `${tag}.sql`), 'utf8');
		return { tag, sql, hash: new Bun.CryptoHasher('sha256').update(sql).digest('hex') };
	});
};
