import { beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApiDocument } from '../../src/http/docs.ts';
import { appInMemory } from '../support/app-support.ts';
import { tempFolder } from '../support/db-support.ts';

/**
 * The two linters that others judge the document with. They are hundreds of packages, and so no dependency of the
 * project: the first run fetches them into the machine's folder for temporary files, later runs find them there.
 */
const linters = ['@redocly/cli@2.77.0', '@stoplight/spectral-cli@6.16.3'];
const folder = join(tmpdir(), `parley-linters-${Bun.hash(linters.join()).toString(36)}`);
const minutes = 60_000;

const run = async (args: string[], cwd: string) => {
	const child = Bun.spawn([process.execPath, ...args], {
		cwd,
		env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
		stdin: 'ignore',
		stdout: 'pipe',
		stderr: 'pipe',
	});
	const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
	return { stdout, stderr, exitCode };
};

const install = async (): Promise<void> => {
	if (existsSync(folder)) return;
	const made = mkdtempSync(`${folder}-`);
	writeFileSync(join(made, 'package.json'), '{}');
	const { exitCode, stderr } = await run(['add', '--exact', ...linters], made);
	if (exitCode !== 0) throw new Error(`the linters could not be fetched: ${stderr}`);
	try {
		// only a whole folder gets the name that later runs look for
		renameSync(made, folder);
	} catch (error) {
		rmSync(made, { recursive: true, force: true });
		if (!existsSync(folder)) throw error;
	}
};
beforeAll(install, 5 * minutes);

/** Each problem as its rule and its place. */
const lint = {
	redocly: async (file: string, cwd: string): Promise<string[]> => {
		const script = join(folder, 'node_modules/@redocly/cli/bin/cli.js');
		const { stdout, stderr } = await run(
			['--bun', script, 'lint', '--extends', 'recommended-strict', '--format', 'json', file],
			cwd,
		);
		if (!stdout.startsWith('{')) throw new Error(`redocly: ${stderr}`);
		const { problems } = JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) as {
			problems: { ruleId: string; location: { pointer: string }[] }[];
		};
		return problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`);
	},
	spectral: async (file: string, cwd: string): Promise<string[]> => {
		writeFileSync(join(cwd, 'ruleset.yaml'), "extends: ['spectral:oas']\n");
		const script = join(folder, 'node_modules/@stoplight/spectral-cli/dist/index.js');
		const { stdout, stderr } = await run(
			['--bun', script, 'lint', '--format', 'json', '--quiet', '--ruleset', 'ruleset.yaml', file],
			cwd,
		);
		if (!stdout.startsWith('[')) throw new Error(`spectral: ${stderr}`);
		const problems = JSON.parse(stdout.slice(0, stdout.lastIndexOf(']') + 1)) as { code: string; path: string[] }[];
		return problems.map(({ code, path }) => `${code} #/${path.map((part) => part.replaceAll('/', '~1')).join('/')}`);
	},
};
/** OpenAPI has no words for a WebSocket: its one success is 101, and what a client says there is named by an extension. */
const unsayable: Record<keyof typeof lint, string[]> = {
	redocly: [
		'operation-2xx-response #/paths/~1api~1v1~1realtime/get/responses',
		'no-unused-components #/components/schemas/ClientFrame',
	],
	spectral: ['operation-success-response #/paths/~1api~1v1~1realtime/get/responses'],
};

using server = appInMemory();
const document = await openApiDocument(server.app.routes, { url: 'https://chat.acme.test', resourceId: 'acme.test' });

for (const name of ['redocly', 'spectral'] as const) {
	const problemsOf = lint[name];
	test(
		`${name} has nothing to say about the document, not even a warning, but that a WebSocket is in it`,
		async () => {
			using folder = tempFolder();
			writeFileSync(join(folder.path, 'openapi.json'), JSON.stringify(document));
			expect(await problemsOf('openapi.json', folder.path)).toEqual(unsayable[name]);
		},
		2 * minutes,
	);

	test(
		`${name} would say so if an answer were missing`,
		async () => {
			using folder = tempFolder();
			const broken = structuredClone(document);
			for (const operation of Object.values(broken.paths['/api/v1/users'] ?? {})) delete operation.responses;
			writeFileSync(join(folder.path, 'openapi.json'), JSON.stringify(broken));
			const more = (await problemsOf('openapi.json', folder.path)).filter((found) => !unsayable[name].includes(found));
			expect(more).not.toEqual([]);
		},
		2 * minutes,
	);
}
