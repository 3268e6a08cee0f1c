import { createServer } from 'node:net';
import { program, unlimited } from '../blackbox/program-support.ts';

/** A server that starts again and again on the same port, and readers of its events by a stream. */

/** The environment without settings of the machine that runs the tests. */
const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));

/** freePort is one that nobody listens on. */
export const freePort = (): Promise<number> =>
	new Promise((resolve, reject) => {
		const server = createServer();
		server.on('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
		});
	});

/** serveAgain starts the program on a folder and a port, and waits until it listens. Ends with its block. */
export const serveAgain = async (cwd: string, port: number) => {
	const child = Bun.spawn([program(), 'serve', '--port', String(port), '--json'], {
		cwd,
		env: { ...plainEnv, ...unlimited, PARLEY_LOG_LEVEL: 'warn' },
		stdin: 'ignore',
		stdout: 'pipe',
		stderr: 'pipe',
	});
	const stderr = child.stderr.text();
	const decoder = new TextDecoder();
	let printed = '';
	for await (const chunk of child.stdout) {
		printed += decoder.decode(chunk, { stream: true });
		if (printed.includes('\n')) break;
	}
	if (!printed.includes('\n')) throw new Error(`the server did not start: ${await stderr}`);
	return {
		/** Its log; only after it has ended. */
		stderr,
		/** end ends it: by SIGKILL with no chance to do anything more, by SIGTERM in order. Resolves with its exit code. */
		end: async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number> => {
			child.kill(signal);
			return await child.exited;
		},
		[Symbol.asyncDispose]: async () => {
			child.kill('SIGKILL');
			await child.exited;
		},
	};
};
export type Serving = Awaited<ReturnType<typeof serveAgain>>;

/** What a stream has said: one event of the format (HTML Living Standard, section 9.2.6). */
export interface Said {
	type: string;
	id: string;
	// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
	data: any;
}

/** How soon a stream is opened again. */
const againMsMax = 400;

/** readStream reads events by a stream that it opens again behind the last one, until `close`. */
export const readStream = (url: string, key: string, token: string, hear: (said: Said) => void) => {
	const ending = new AbortController();
	let lastId = '';
	const read = async () => {
		const response = await fetch(`${url}/api/v1/events`, {
			headers: {
				'x-api-key': key,
				authorization: `Bearer ${token}`,
				accept: 'text/event-stream',
				...(lastId && { 'last-event-id': lastId }),
			},
			signal: ending.signal,
		});
		if (!response.ok || !response.body) throw new Error(`the stream was refused: ${response.status}`);
		const decoder = new TextDecoder();
		let text = '';
		for await (const chunk of response.body) {
			text += decoder.decode(chunk, { stream: true });
			// what is not ended by an empty line has not been said
			const blocks = text.split('\n\n');
			text = blocks.pop() ?? '';
			for (const block of blocks) {
				const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
				if (fields.id !== undefined) lastId = fields.id;
				if (fields.data !== undefined)
					hear({ type: fields.event ?? 'message', id: lastId, data: JSON.parse(fields.data) });
			}
		}
	};
	const done = (async () => {
		while (!ending.signal.aborted) {
			await read().catch(() => undefined);
			if (!ending.signal.aborted) await Bun.sleep(Math.random() * againMsMax);
		}
	})();
	return {
		close: async () => {
			ending.abort();
			await done;
		},
	};
};
