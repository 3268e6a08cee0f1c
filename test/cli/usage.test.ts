import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { version } from '../../package.json';
import { createProgram } from '../../src/cli/program.ts';
import { settings } from '../../src/config.ts';
import { tempFolder } from '../support/db-support.ts';
import { json, parley } from './cli-support.ts';

setDefaultTimeout(30_000);

test('a wrong command line is one line that helps, and exit code 2', async () => {
	using folder = tempFolder();
	const cases: [args: string[], says: string][] = [
		[['sit'], 'Did you mean site?'],
		[['site'], 'needs one of: add, list, set, remove'],
		[['site', 'ad'], 'Did you mean add?'],
		[['site', 'add'], "missing required argument 'resourceId'"],
		[['site', 'add', 'a.com', 'b.com'], 'too many arguments'],
		[['site', 'add', 'a.com', '--signup', 'closed'], 'Allowed choices are open, signed, server'],
		[['site', 'set', 'a.com'], 'nothing to set'],
		[['site', 'set', 'a.com', '--origin', 'https://a.com', '--default-origins'], 'cannot be used with'],
		[['serve', '--prot', '80'], 'Did you mean --port?'],
		[['serve', '--port', '65536'], 'a whole number from 0 to 65535'],
		[['serve', '--port'], 'argument missing'],
		[['user', 'create'], "'--username <name>' not specified"],
		[['user', 'create', '--username', 'a', '--role', 'king'], 'Allowed choices are user, staff'],
		[['user', 'create', '--username', 'a', '--email', 'nowhere'], 'an address like'],
		[['user', 'list', '--limit', '0'], 'from 1 to 1000'],
		[['user', 'passwd', 'user_x', 'the password'], 'too many arguments'],
		[['key', 'create', 'a.com', '--label', 'x', '--secret'], 'unknown option'],
	];
	await Promise.all(
		cases.map(async ([args, says]) => {
			const { exitCode, stdout, stderr } = await parley(args, { cwd: folder.path });
			expect([args, exitCode, stdout, stderr.trimEnd().split('\n').length]).toEqual([args, 2, '', 1]);
			expect(stderr).toStartWith('parley: ');
			expect(stderr).toContain(says);
		}),
	);
	expect(existsSync(join(folder.path, 'data'))).toBe(false);
});

test('every command that does something has examples in its help, with flags that it has', () => {
	const program = createProgram();
	const leaves = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : command));
	expect(leaves.length).toBeGreaterThan(14);
	for (const leaf of leaves) {
		let text = '';
		leaf.configureOutput({ writeOut: (part) => (text += part) });
		leaf.outputHelp();
		const [, examples = ''] = text.split('\nExamples:\n');
		const lines = examples.trim().split('\n');
		expect([leaf.name(), lines.length > 0 && examples !== '']).toEqual([leaf.name(), true]);
		const path = leaf.parent === program ? leaf.name() : `${leaf.parent?.name()} ${leaf.name()}`;
		for (const line of lines) {
			expect(line).toContain(`parley ${path}`);
			const [, flags = ''] = line.split(path);
			for (const [flag] of flags.matchAll(/--[a-z-]+/g))
				expect(leaf.options.map((option) => option.long)).toContain(flag);
		}
	}
});

test('help goes to standard output with exit code 0, also when nothing was asked', async () => {
	using folder = tempFolder();
	const [bare, asked] = await Promise.all([[], ['--help']].map((args) => parley(args, { cwd: folder.path })));
	expect(bare).toEqual(asked as typeof bare);
	expect(bare?.exitCode).toBe(0);
	for (const name of ['serve', 'site', 'key', 'user', 'setup-link', 'config', 'openapi', 'version'])
		expect(bare?.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test('config lists every setting, never a secret, and what is wrong with the environment', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	const secret = 'a secret of more than thirty-two bytes';
	const env = { PARLEY_TOKEN_SECRET: secret, PARLEY_PORT: '8080' };
	const text = await parley(['config'], { cwd, env });
	expect(text.exitCode).toBe(0);
	for (const setting of Object.values(settings)) {
		expect(text.stdout).toContain(setting.env);
		expect(text.stdout).toContain(setting.meaning);
	}
	expect(text.stdout).toMatch(/PARLEY_PORT\n.*\n.*default: 4777 {3}here: 8080 {3}from the environment/);
	expect(text.stdout).not.toContain(secret);

	const list = await json<Record<string, unknown>[]>(['config', '--data', 'x'], { cwd, env });
	expect(list).toHaveLength(Object.keys(settings).length);
	const of = (name: string) => list.find((item) => item.name === name);
	expect(of('port')).toMatchObject({ value: 8080, source: 'environment', default: '4777' });
	expect(of('data')).toMatchObject({ value: join(cwd, 'x'), source: 'command line' });
	expect(of('tokenSecret')).toMatchObject({ value: null, secret: true });
	expect(JSON.stringify(list)).not.toContain(secret);

	const wrong = await parley(['config'], { cwd, env: { PARLEY_PROT: '1', PARLEY_LIMITS: 'maybe' } });
	expect(wrong.exitCode).toBe(1);
	expect(wrong.stdout).toContain('PARLEY_LIMITS');
	expect(wrong.stderr).toBe('parley: unknown setting PARLEY_PROT. PARLEY_LIMITS ("maybe") must be one of on, off.\n');
});

test('version is that of package.json', async () => {
	using folder = tempFolder();
	expect(await json(['version'], { cwd: folder.path })).toMatchObject({ version });
	expect((await parley(['--version'], { cwd: folder.path })).stdout).toBe(`${version}\n`);
});

test('openapi prints the whole document that the server serves, and leaves nothing behind', async () => {
	using folder = tempFolder();
	const document = await json<{ openapi: string; paths: object }>(['openapi'], { cwd: folder.path });
	expect(document.openapi).toMatch(/^3\./);
	expect(Object.keys(document.paths)).toContain('/api/v1/users/chat-token');
	expect([...new Bun.Glob('**').scanSync({ cwd: folder.path, onlyFiles: false })]).toEqual([]);
});

test('a command loads what it needs only when it runs: parsing a command line brings no server along', async () => {
	const transpiler = new Bun.Transpiler({ loader: 'ts' });
	const seen = new Set<string>();
	const packages = new Set<string>();
	const follow = async (file: string): Promise<void> => {
		if (seen.has(file)) return;
		seen.add(file);
		if (!file.endsWith('.ts')) return;
		for (const { path, kind } of transpiler.scanImports(await Bun.file(file).text())) {
			if (kind !== 'import-statement') continue;
			if (path.startsWith('.')) await follow(join(dirname(file), path));
			else packages.add(path);
		}
	};
	await follow(join(import.meta.dir, '../../src/main.ts'));
	expect(seen.size).toBeGreaterThan(10);
	expect([...packages].filter((name) => !name.startsWith('node:')).sort()).toEqual(['commander', 'typeid-js']);
});
