import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** readFiles is called at build time, as a macro: the pages become part of the program, from source as in the binary. */
export const readFiles = (): Record<string, string> => {
	const folder = join(import.meta.dir, 'browser');
	return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
};

/** bundleClient is called at build time, as a macro: the client as one module for browsers. */
export const bundleClient = (): string => {
	// note: as a process of its own, because Bun.build within a macro waits for itself for ever
	const { exitCode, stdout, stderr } = Bun.spawnSync([
		process.execPath,
		'build',
		'--minify',
		'--target=browser',
		'--format=esm',
		join(import.meta.dir, '../client/client.ts'),
	]);
	if (exitCode !== 0) throw new Error(`the client cannot be built: ${stderr}`);
	return stdout.toString();
};
