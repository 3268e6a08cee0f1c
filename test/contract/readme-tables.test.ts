import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { dependencies, devDependencies } from '../../package.json';
import { settings } from '../../src/config.ts';

const readme = await Bun.file(join(import.meta.dir, '../../README.md')).text();

const table = [
	'| variable | default | meaning |',
	'| --- | --- | --- |',
	...Object.values(settings).map(
		({ env, default: standard, meaning }) =>
			`| \`${env}\` | ${standard === '' ? '' : `\`${standard}\``} | ${meaning} |`,
	),
].join('\n');

test('the README’s table of settings is the schema’s, word for word', () => {
	const written = readme.split('<!-- settings -->\n')[1]?.split('\n<!-- /settings -->')[0];
	expect(written).toBe(table);
});

test('every dependency is in the README, with what it is for', () => {
	const section = readme.split('## Dependencies, and why')[1]?.split('\n## ')[0] ?? '';
	const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
		(name) => !section.includes(`\`${name}\``),
	);
	expect(missing).toEqual([]);
});
