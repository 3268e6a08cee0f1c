/**
 * `bun run db:generate`: writes the next migration from the tables, then makes its new tables STRICT, which
 * drizzle-kit cannot: a column then refuses a value of another type.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dir, '../../drizzle');
const before = new Set(readdirSync(folder));
const { exitCode } = Bun.spawnSync(['bunx', 'drizzle-kit', 'generate', ...process.argv.slice(2)], {
	stdio: ['inherit', 'inherit', 'inherit'],
	cwd: join(folder, '..'),
});
if (exitCode !== 0) process.exit(exitCode);
for (const name of readdirSync(folder).filter((file) => file.endsWith('.sql') && !before.has(file))) {
	const file = join(folder, name);
	const strict = readFileSync(file, 'utf8').replaceAll(/(CREATE TABLE [^;]*\n\));/g, '$1 STRICT;');
	writeFileSync(file, strict);
}
