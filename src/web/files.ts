import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** readFiles is called at build time, as a macro: the pages become part of the program, from source as in the binary. */
export const readFiles = (): Record<string, string> => {
	const folder = join(import.meta.dir, 'browser');
	return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
};
