import { afterEach } from 'bun:test';
import { second } from '../../src/kernel/clock.ts';
import type { ServerEvent, ServerFrame, TransientEvent } from '../../src/realtime/realtime.schema.ts';
import { type Person, signJwt, type TestApp } from './test-app.ts';

/** What a test's socket is told: frames, events, and how it ended. */
export type Heard = ServerFrame | ServerEvent | TransientEvent | { type: 'end'; code: number; reason: string };
type HeardType = Heard['type'];

export interface TestSocket {
	/** Everything heard so far, in order. */
	readonly heard: readonly Heard[];
	/** say sends a frame; text as it is. */
	say(frame: object | string): void;
	/** next waits for what comes after everything taken before; of a type, what is passed over on the way is gone. */
	next<T extends HeardType = HeardType>(type?: T): Promise<Extract<Heard, { type: T }>>;
	/** ended waits for the end. */
	ended(): Promise<{ code: number; reason: string }>;
	/** quiet makes sure that everything said to it so far has arrived, by a ping, and gives what has not been taken yet. */
	quiet(): Promise<Heard[]>;
	close(): void;
}

/** How long a frame may take before its test fails. note: what a server lets pass before it acts is longer than a test may last */
const waitMs = 4_500;
const open = new Set<WebSocket>();
afterEach(() => {
	for (const ws of open) ws.close();
	open.clear();
});

/** openSocket connects to a server's live connection. Nothing is said for it: `signIn` does. */
export const openSocket = async (
	url: string,
	{ headers = {}, waitMs: most = waitMs }: { headers?: Record<string, string>; waitMs?: number } = {},
): Promise<TestSocket> => {
	// note: headers are Bun's own addition to the browser's constructor
	const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/realtime`, { headers } as unknown as string[]);
	open.add(ws);
	const heard: Heard[] = [];
	let taken = 0;
	let wake: (() => void)[] = [];
	const hear = (frame: Heard) => {
		heard.push(frame);
		for (const resolve of wake) resolve();
		wake = [];
	};
	ws.onmessage = ({ data }) => hear(JSON.parse(String(data)));
	ws.onclose = ({ code, reason }) => {
		open.delete(ws);
		hear({ type: 'end', code, reason });
	};
	await new Promise<void>((resolve, reject) => {
		ws.onopen = () => resolve();
		ws.onerror = () => reject(new Error('the socket was refused'));
	});
	const more = () =>
		new Promise<void>((resolve, reject) => {
			const timer = setTimeout(
				() => reject(new Error(`nothing more was heard; so far: ${heard.map(({ type }) => type).join(' ')}`)),
				most,
			);
			wake.push(() => {
				clearTimeout(timer);
				resolve();
			});
		});
	const next = async <T extends HeardType>(type?: T) => {
		for (;;) {
			while (taken < heard.length) {
				const frame = heard[taken++] as Heard;
				if (type === undefined || frame.type === type) return frame as Extract<Heard, { type: T }>;
				if (frame.type === 'end') throw new Error(`the socket ended with ${frame.code} ${frame.reason} before ${type}`);
			}
			await more();
		}
	};
	let pings = 0;
	return {
		heard,
		say: (frame) => ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
		next,
		ended: async () => {
			const { code, reason } = await next('end');
			return { code, reason };
		},
		quiet: async () => {
			const from = taken;
			const ref = `quiet-${++pings}`;
			ws.send(JSON.stringify({ type: 'ping', ref }));
			for (;;) {
				const pong = await next('pong');
				if (pong.ref === ref) break;
			}
			return heard.slice(from, taken - 1);
		},
		close: () => ws.close(),
	};
};

interface SignedIn {
	token: string;
	site: { publishableKey: string };
}
/** authOf is the first frame of somebody. */
export const authOf = ({ token, site }: SignedIn, since?: string) => ({
	type: 'auth',
	token,
	apiKey: site.publishableKey,
	...(since !== undefined && { since }),
});
/** signIn connects as a person and waits until nothing is missing; with `since` it does not wait. */
export const signIn = async (
	url: string,
	who: SignedIn,
	since?: string,
	options?: Parameters<typeof openSocket>[1],
): Promise<TestSocket> => {
	const socket = await openSocket(url, options);
	socket.say(authOf(who, since));
	if (since === undefined) {
		await socket.next('ready');
		await socket.next('caught_up');
	}
	return socket;
};

/** tokenOf is a chat token as the server makes it, good for a minute, with claims of its own; the server has not seen it yet. */
export const tokenOf = (
	t: TestApp,
	{ id, site }: Person,
	claims: object = {},
	secret = t.config.tokenSecret ?? '',
): string => {
	const iat = Math.floor(t.clock() / second);
	const [row] = t.rows<{ ver: number }>('select ver from users where id = ?', id);
	const usual = { iss: site.resourceId, aud: site.resourceId, sub: id, jti: crypto.randomUUID(), ver: row?.ver };
	return signJwt({ ...usual, iat, exp: iat + 60, auth_time: iat, ...claims }, secret);
};
