import { afterEach, setDefaultTimeout, spyOn } from 'bun:test';
import { connect, createServer, type Socket } from 'node:net';
import {
	type Client,
	type ClientOptions,
	createClient,
	type Happening,
	type Payload,
	type State,
} from '../../src/client/client.ts';
import type { TestApp } from '../support/test-app.ts';

/** How long something may take before its test fails. */
const waitMs = 8_000;
// note: what the client itself waits between two tries is part of what is tested
setDefaultTimeout(2 * waitMs);

const clients = new Set<Client>();
afterEach(() => {
	for (const made of clients) made.close();
	clients.clear();
});

/** clientAt makes a client that ends with its test. */
export const clientAt = (url: string, options: Omit<ClientOptions, 'url'>): Client => {
	const made = createClient({ url, ...options });
	clients.add(made);
	return made;
};
/** clientOf is the client of somebody who is there from the start. */
export const clientOf = (
	t: TestApp,
	url: string,
	name: string,
	options: Partial<Omit<ClientOptions, 'url'>> = {},
): Client => {
	const { token, site } = t.person(name);
	return clientAt(url, { apiKey: site.publishableKey, token, ...options });
};

/** within fails where something takes too long. */
export const within = <T>(promise: Promise<T>, what: string): Promise<T> => {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), waitMs);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
/** until waits for something that says of itself when it has changed. */
const until = <T extends Happening>(client: Client, type: T, isIt: (payload: Payload<T>) => boolean, what: string) => {
	let off = () => {};
	const found = new Promise<Payload<T>>((resolve) => {
		off = client.on(type, (payload) => {
			if (isIt(payload)) resolve(payload);
		});
	});
	return within(found, what).finally(off);
};
/** become waits for a state, unless it is the one. */
export const become = async (client: Client, state: State): Promise<void> => {
	if (client.state !== state) await until(client, 'state', (now) => now === state, `to be ${state}`);
};
/** next is the next happening of a kind. */
export const next = <T extends Happening>(
	client: Client,
	type: T,
	isIt: (payload: Payload<T>) => boolean = () => true,
) => until(client, type, isIt, type);
/** live connects, and waits until nothing is missing. */
export const live = async (client: Client): Promise<Client> => {
	client.connect();
	await become(client, 'live');
	return client;
};
/** eventually waits for what nobody tells of. */
export const eventually = async (isSo: () => boolean, what: string): Promise<void> => {
	const end = performance.now() + waitMs;
	while (!isSo()) {
		if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
		await Bun.sleep(5);
	}
};
/** online is what a browser says when there is a line again: whoever waits for one tries at once. */
export const online = (): void => {
	(globalThis as unknown as EventTarget).dispatchEvent(new Event('online'));
};
/** unhurried makes pauses between two tries longer than any test: they are a part of chance. Ends with its block. */
export const unhurried = () => {
	const chance = spyOn(Math, 'random').mockReturnValue(1_000);
	return { [Symbol.dispose]: () => chance.mockRestore() };
};
/** texts gathers the texts of new messages as they are told. */
export const texts = (client: Client): string[] => {
	const told: string[] = [];
	client.on('message.created', ({ data }) => told.push(String(data.content.text)));
	return told;
};

/** Pass hands a request on to the server. */
export type Pass = () => Promise<Response>;
/**
 * front stands before a server and does with each request what it is told: hand it on, or answer in its place. It knows no
 * WebSocket. Ends with its block.
 */
export const front = (url: string, handle: (request: Request, pass: Pass) => Response | Promise<Response>) => {
	const requests: { method: string; path: string; body: string; headers: Headers }[] = [];
	const server = Bun.serve({
		port: 0,
		hostname: '127.0.0.1',
		idleTimeout: 60,
		fetch: async (request) => {
			const { pathname, search } = new URL(request.url);
			const { method, headers } = request;
			const body = await request.text();
			requests.push({ method, path: pathname.replace('/api/v1', ''), body, headers });
			const kept = new Headers(headers);
			for (const name of ['host', 'connection', 'upgrade', 'accept-encoding']) kept.delete(name);
			return handle(request, () => fetch(url + pathname + search, { method, headers: kept, ...(body && { body }) }));
		},
	});
	return {
		url: `http://127.0.0.1:${server.port}`,
		requests,
		[Symbol.dispose]: () => {
			server.stop(true);
		},
	};
};
/** refusal is an answer as the API gives it. */
export const refusal = (status: number, code: string, headers: Record<string, string> = {}): Response =>
	Response.json({ success: false, code, message: code, requestId: 'r' }, { status, headers });

/** line is a connection to a server that can be cut, or swallow everything. Ends with its block. */
export const line = async (url: string) => {
	const { port, hostname } = new URL(url);
	const ends = new Set<Socket>();
	let swallows = false;
	let closed = false;
	let made = 0;
	const paths: string[] = [];
	const server = createServer((near) => {
		made++;
		near.once('data', (chunk) => paths.push(chunk.toString().split(' ')[1] ?? ''));
		if (closed) {
			near.on('error', () => undefined);
			near.once('data', () => near.destroy());
			return;
		}
		const far = connect(Number(port), hostname);
		for (const [from, to] of [
			[near, far],
			[far, near],
		] as const) {
			ends.add(from);
			from.on('data', (chunk) => {
				if (!swallows) to.write(chunk);
			});
			from.on('error', () => undefined);
			from.on('close', () => {
				ends.delete(from);
				to.destroy();
			});
		}
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the line has no port');
	const cut = () => {
		for (const end of ends) end.destroy();
	};
	return {
		url: `http://127.0.0.1:${address.port}`,
		/** What each connection asked for first. */
		paths,
		/** How many connections were made. */
		get made() {
			return made;
		},
		/** cut ends what is open; whoever comes back gets through, unless `closed`. */
		cut,
		close: (is: boolean) => {
			closed = is;
			if (is) cut();
		},
		/** swallow keeps connections open, and passes nothing on. */
		swallow: (does: boolean) => {
			swallows = does;
		},
		[Symbol.dispose]: () => {
			cut();
			server.close();
		},
	};
};

/** hastened makes pauses of ten seconds and more pass at once, for what waits that long. Ends with its block. */
export const hastened = () => {
	const real = globalThis.setTimeout;
	globalThis.setTimeout = ((run: () => void, ms = 0) => real(run, ms >= 10_000 ? 100 : ms)) as typeof setTimeout;
	return {
		[Symbol.dispose]: () => {
			globalThis.setTimeout = real;
		},
	};
};
