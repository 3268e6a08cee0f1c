/**
 * `bun run build [target …]`: makes the one-file program, and the client as a file of its own with its types. Without a target for this machine, as dist/parley; with the
 * name of one (linux-x64 linux-arm64 darwin-x64 darwin-arm64 windows-x64) as dist/parley-<target>. For another machine
 * Bun downloads its own program of that kind first.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { typesOfClient } from './declarations.ts';
import { bundleClient } from './web/files.ts';

const root = join(import.meta.dir, '..');
const targets = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64'] as const;
type Target = (typeof targets)[number];
const isTarget = (name: string): name is Target => targets.some((target) => target === name);

/** build compiles for one target, null for this machine. Returns what went wrong in one line, or null. */
const build = (target: Target | null): string | null => {
	const windows = target === null ? process.platform === 'win32' : target.startsWith('windows');
	const outfile = join(root, 'dist', `parley${target ? `-${target}` : ''}${windows ? '.exe' : ''}`);
	const { exitCode, stderr } = Bun.spawnSync(
		[
			process.execPath,
			'build',
			'--compile',
			...(target ? [`--target=bun-${target}`] : []),
			// note: neither identifiers nor whitespace: Elysia makes code from the text of functions, and finds the end of a
			// method's parameters by the line break behind it
			'--minify-syntax',
			'--define=process.env.NODE_ENV="production"',
			// the folder it is started in belongs to somebody else: its .env and bunfig.toml are not ours to obey
			'--no-compile-autoload-dotenv',
			'--no-compile-autoload-bunfig',
			// starts in half the time. As a module, so that what a file knows of itself stays true
			'--bytecode',
			'--format=esm',
			// inside the program: a stack in the log names our own lines
			'--sourcemap=inline',
			`--outfile=${outfile}`,
			join(root, 'src/main.ts'),
		],
		{ cwd: root, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
	);
	rmSync(`${outfile}.map`, { force: true });
	if (exitCode === 0) {
		console.log(`${outfile}  ${Math.round(statSync(outfile).size / 1024 / 1024)} MB`);
		return null;
	}
	const said = stderr.toString().trim();
	// note: Bun fetches its program for another machine from its own site or the package registry
	if (target && /download|extract|fetch|network|connect|resolve host|404/i.test(said))
		return `${target}: Bun ${Bun.version} for it could not be downloaded: ${said.split('\n').at(-1)}`;
	return `${target ?? 'this machine'}: ${said}`;
};

interface Package {
	name: string;
	version: string;
	license?: string;
	dependencies?: Record<string, string>;
	peerDependencies?: Record<string, string>;
}

/** writeNotices puts the licences of all that is compiled in beside the program, as those licences ask for. */
const writeNotices = (): void => {
	const read = (folder: string): Package => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
	const found = new Map<string, string>();
	const visit = ({ dependencies, peerDependencies }: Package) => {
		for (const name of Object.keys({ ...dependencies, ...peerDependencies }).sort()) {
			const folder = join(root, 'node_modules', name);
			if (found.has(name) || !existsSync(folder)) continue;
			const used = read(folder);
			const texts = readdirSync(folder)
				.filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
				.map((file) => readFileSync(join(folder, file), 'utf8').trim());
			found.set(name, [`${used.name} ${used.version} (${used.license ?? 'see below'})`, ...texts].join('\n\n'));
			visit(used);
		}
	};
	visit(read(root));
	const head = 'Parley is made with Bun (https://bun.sh/docs/project/license) and the packages below.';
	const line = `\n\n${'-'.repeat(80)}\n\n`;
	writeFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), `${[head, ...found.values()].join(line)}\n`);
};

/** writeClient puts the client beside the program, with its types, for those who bundle it themselves. */
const writeClient = (): void => {
	writeFileSync(join(root, 'dist/client.js'), bundleClient());
	writeFileSync(join(root, 'dist/client.d.ts'), typesOfClient(root, join(root, 'dist/.types')));
};

const main = (names: string[]): number => {
	const unknown = names.find((name) => !isTarget(name));
	if (unknown !== undefined) {
		console.error(`build: there is no target ${unknown}. There are ${targets.join(', ')}; none means this machine.`);
		return 2;
	}
	mkdirSync(join(root, 'dist'), { recursive: true });
	writeNotices();
	writeClient();
	const wanted: (Target | null)[] = names.length === 0 ? [null] : names.filter(isTarget);
	let failed = false;
	for (const target of wanted) {
		const problem = build(target);
		if (problem === null) continue;
		failed = true;
		console.error(`build: ${problem}`);
	}
	return failed ? 1 : 0;
};

process.exitCode = main(process.argv.slice(2));
