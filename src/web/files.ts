import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** readFiles is called at build time, as a macro: the pages become part of the program, from source as in the binary. */
export const readFiles = (): Record<string, string> => {
	const folder = join(import.meta.dir, 'browser');
	return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
};

/** A script for browsers, made of its modules. */
const bundle = (entry: string, format: 'esm' | 'iife', defined: Record<string, string> = {}): string => {
	// note: as a process of its own, because Bun.build within a macro waits for itself for ever
	const { exitCode, stdout, stderr } = Bun.spawnSync([
		process.execPath,
		'build',
		'--minify',
		'--target=browser',
		`--format=${format}`,
		'--define=process.env.NODE_ENV="production"',
		// a classic script has no import.meta
		...(format === 'iife' ? ['--define=import.meta.url=location.href'] : []),
		...Object.entries(defined).map(([name, value]) => `--define=${name}=${JSON.stringify(value)}`),
		join(import.meta.dir, entry),
	]);
	if (exitCode !== 0) throw new Error(`${entry} cannot be built: ${stderr}`);
	return stdout.toString();
};

/**
 * The widget's style without comments and white space. note: not by Bun, which writes out every logical property for each
 * direction of writing.
 */
const widgetStyle = (): string =>
	readFileSync(join(import.meta.dir, 'widget/style.css'), 'utf8')
		.replaceAll(/\/\*[\s\S]*?\*\//g, '')
		.replaceAll(/\s+/g, ' ')
		.replaceAll(/ ?([{};,>]) ?/g, '$1')
		.replaceAll(': ', ':')
		.replaceAll(';}', '}')
		.trim();

/** bundleClient and bundleWidget are called at build time, as macros. */
export const bundleClient = (): string => bundle('../client/client.ts', 'esm');
export const bundleWidget = (): string => bundle('widget/widget.tsx', 'iife', { widgetStyle: widgetStyle() });

/** bundleAdmin is called at build time, as a macro: the admin page, its script and its style. */
export const bundleAdmin = (): Record<string, string> => ({
	'admin.html': readFileSync(join(import.meta.dir, 'admin/admin.html'), 'utf8'),
	'admin.js': bundle('admin/admin.tsx', 'esm'),
	'admin.css': bundle('admin/admin.css', 'esm'),
});
