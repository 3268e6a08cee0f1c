import { join } from 'node:path';
import { tempFolder } from '../support/db-support.ts';

const main = join(import.meta.dir, '../../src/main.ts');
/** The environment without settings of the machine that runs the tests. */
const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));

export interface Ended {
	exitCode: number;
	stdout: string;
	stderr: string;
}
interface Options {
	cwd: string;
	env?: Record<string, string>;
	stdin?: string;
}

export const spawn = (args: string[], { cwd, env = {}, stdin }: Options) =>
	Bun.spawn([process.execPath, main, ...args], {
		cwd,
		env: { ...plainEnv, ...env },
		stdin: stdin === undefined ? 'ignore' : new TextEncoder().encode(stdin),
		stdout: 'pipe',
		stderr: 'pipe',
	});

/** note: not the stream's own `text()`, which is Bun's alone: tests that look into pages know the browser's types */
const textOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> => new Response(stream).text();

/** parley runs a command to its end. */
export const parley = async (args: string[], options: Options): Promise<Ended> => {
	const child = spawn(args, options);
	const [stdout, stderr, exitCode] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]);
	return { exitCode, stdout, stderr };
};

/** json runs a command that must succeed, with --json, and returns what it printed: one line. */
export const json = async <T = Record<string, string>>(args: string[], options: Options): Promise<T> => {
	const { exitCode, stdout, stderr } = await parley([...args, '--json'], options);
	if (exitCode !== 0 || stderr !== '') throw new Error(`parley ${args.join(' ')}: ${exitCode} ${stderr}`);
	const lines = stdout.trimEnd().split('\n');
	if (lines.length !== 1) throw new Error(`parley ${args.join(' ')} printed ${lines.length} lines`);
	return JSON.parse(stdout);
};

/** The lines of a failure that are no log lines of the server. */
export const saidLines = (stderr: string): string[] =>
	stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));

/** serve starts a server in a folder, on a free port, and waits until what it prints holds `until`. */
export const serve = async (cwd: string, args: string[], until: string, env: Record<string, string> = {}) => {
	const child = spawn(['serve', '--port', '0', ...args], { cwd, env: { PARLEY_LIMITS: 'off', ...env } });
	const stderr = textOf(child.stderr);
	const decoder = new TextDecoder();
	let printed = '';
	for await (const chunk of child.stdout) {
		printed += decoder.decode(chunk, { stream: true });
		if (printed.includes(until)) break;
	}
	if (!printed.includes(until)) throw new Error(`the server did not start: ${await stderr}`);
	return {
		child,
		printed,
		/** Only after it has ended. */
		stderr,
		[Symbol.asyncDispose]: async () => {
			child.kill('SIGKILL');
			await child.exited;
		},
	};
};

export interface Started {
	url: string;
	pid: number;
	firstStart: Record<string, string> | null;
}

/** A server with a folder of its own; `in` runs commands on that folder. */
export const live = async (args: string[] = []) => {
	const folder = tempFolder();
	const running = await serve(folder.path, ['--json', ...args], '\n');
	const started: Started = JSON.parse(running.printed);
	const api = (
		path: string,
		{ method = 'GET', body, ...headers }: Record<string, unknown> & { method?: string } = {},
	) =>
		fetch(`${started.url}/api/v1${path}`, {
			method,
			headers: {
				...(headers as Record<string, string>),
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	return {
		...running,
		started,
		first: started.firstStart ?? {},
		folder: folder.path,
		api,
		in: { cwd: folder.path },
		[Symbol.asyncDispose]: async () => {
			await running[Symbol.asyncDispose]();
			folder[Symbol.dispose]();
		},
	};
};

/** within asks again until the answer is as wanted, at most for a second; resolves with the last answer. */
export const within = async <T>(ms: number, ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> => {
	const end = performance.now() + ms;
	for (;;) {
		const answer = await ask();
		if (wanted(answer) || performance.now() > end) return answer;
		await Bun.sleep(20);
	}
};
