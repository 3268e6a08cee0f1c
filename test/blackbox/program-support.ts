import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The compiled program, and a client that knows nothing of its source. */

const file = join(import.meta.dir, '../../dist', process.platform === 'win32' ? 'parley.exe' : 'parley');
/** program is the path of the compiled program. A test without it would test nothing, so its absence is a failure. */
export const program = (): string => {
	if (!existsSync(file)) throw new Error('dist/parley is missing. Make it with: bun run build');
	return file;
};

/** The environment without settings of the machine that runs the tests. */
const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));

/** note: not the stream's own `text()`, which is Bun's alone: tests that look into pages know the browser's types */
const textOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> => new Response(stream).text();

/** command runs a command of the program to its end in a folder, and returns what it printed with --json. */
export const command = async <T = Record<string, string>>(cwd: string, ...args: string[]): Promise<T> => {
	const child = Bun.spawn([program(), ...args, '--json'], { cwd, env: plainEnv, stdout: 'pipe', stderr: 'pipe' });
	const [stdout, stderr, exitCode] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]);
	if (exitCode !== 0) throw new Error(`parley ${args.join(' ')}: ${exitCode} ${stderr}`);
	return JSON.parse(stdout);
};

/** What "site add" prints. */
export interface NewSite {
	id: string;
	resourceId: string;
	publishableKey: string;
	secretKey: string;
	identitySecret: string;
}
export const addSite = (cwd: string, resourceId: string, ...args: string[]): Promise<NewSite> =>
	command<NewSite>(cwd, 'site', 'add', resourceId, ...args);

/** Rates are tested elsewhere; here they would only slow down what is. */
export const unlimited = {
	PARLEY_LIMITS: 'off',
	PARLEY_UNVERIFIED_MESSAGES: '1000000',
	PARLEY_UNVERIFIED_CONVERSATIONS: '1000000',
	PARLEY_ACCESS_LOG: 'off',
};

/** launch starts the program in a folder, on a free port. `within`: a command that the program is run by (`unshare …`). */
export const launch = (cwd: string, env: Record<string, string> = {}, within: string[] = []) =>
	Bun.spawn([...within, program(), 'serve', '--port', '0', '--json'], {
		cwd,
		env: { ...plainEnv, ...env },
		stdin: 'ignore',
		stdout: 'pipe',
		stderr: 'pipe',
	});

/** serve is launch, and waits until it listens. The server ends with its block. */
export const serve = async (cwd: string, env: Record<string, string> = {}, within: string[] = []) => {
	const child = launch(cwd, env, within);
	const stderr = textOf(child.stderr);
	const decoder = new TextDecoder();
	let printed = '';
	for await (const chunk of child.stdout) {
		printed += decoder.decode(chunk, { stream: true });
		if (printed.includes('\n')) break;
	}
	if (!printed.includes('\n')) throw new Error(`the server did not start: ${await stderr}`);
	const { url, pid, firstStart } = JSON.parse(printed) as {
		url: string;
		pid: number;
		firstStart: (NewSite & { setupToken: string; setupUrl: string }) | null;
	};
	return {
		child,
		url,
		pid,
		firstStart,
		/** Its log; only after it has ended. */
		stderr,
		/** kill ends it with no chance to do anything more. */
		kill: async () => {
			child.kill('SIGKILL');
			await child.exited;
		},
		/** stop lets it end in order, and tells how it did. */
		stop: async () => {
			child.kill('SIGTERM');
			return await child.exited;
		},
		[Symbol.asyncDispose]: async () => {
			child.kill('SIGKILL');
			await child.exited;
		},
	};
};

// biome-ignore lint/suspicious/noExplicitAny: what comes back is what is tested
export type Json = any;
export interface Answer {
	status: number;
	body: Json;
	/** The body as it came. */
	text: string;
	headers: Headers;
}
export interface Ask {
	method?: string;
	key?: string;
	token?: string;
	/** Sent as JSON; a string goes as it is. */
	body?: unknown;
	headers?: Record<string, string>;
}
export type Client = (path: string, ask?: Ask) => Promise<Answer>;

/** clientOf asks the API of a server: `path` behind /api/v1; POST when there is a body. */
export const clientOf =
	(send: (path: string, init: RequestInit & { headers: Record<string, string> }) => Promise<Response>): Client =>
	async (path, { method, key, token, body, headers } = {}) => {
		const response = await send(`/api/v1${path}`, {
			method: method ?? (body === undefined ? 'GET' : 'POST'),
			headers: {
				...(key !== undefined && { 'x-api-key': key }),
				...(token !== undefined && { authorization: `Bearer ${token}` }),
				...(body !== undefined && { 'content-type': 'application/json' }),
				...headers,
			},
			...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
		});
		const text = await response.text();
		let parsed: Json = null;
		try {
			parsed = JSON.parse(text);
		} catch {
			// what is no JSON is for the test to notice
		}
		return { status: response.status, body: parsed, text, headers: response.headers };
	};
/** client asks the API of a server at an address. */
export const client = (url: string): Client => clientOf((path, init) => fetch(url + path, init));
