import { afterEach } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Server, ServerWebSocket } from 'bun';
import type { TestApp } from './test-app.ts';

/** A frame as it comes over the wire (RFC 6455, section 5.2). */
export interface WireFrame {
	fin: boolean;
	opcode: number;
	payload: Buffer;
}
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a frame is sent: all that a client may get wrong, too. */
export interface FrameForm {
	fin?: boolean;
	/** The three reserved bits, 0-7. */
	rsv?: number;
	opcode?: number;
	masked?: boolean;
	/** Bytes of the length's field, where it is not the shortest one. */
	lengthBytes?: 0 | 2 | 8;
	/** The length that is named, where it is not that of the payload. */
	length?: number;
}

/** wire is a client's frame in bytes. */
export const wire = (
	payload: string | Uint8Array,
	{ fin = true, rsv = 0, opcode = opcodes.text, masked = true, lengthBytes, length }: FrameForm = {},
): Buffer => {
	const data = Buffer.from(payload as Uint8Array);
	const named = length ?? data.length;
	const field = lengthBytes ?? (named < 126 ? 0 : named < 65_536 ? 2 : 8);
	const head = Buffer.alloc(2 + field);
	head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
	head[1] = (masked ? 0x80 : 0) | (field === 0 ? named : field === 2 ? 126 : 127);
	if (field === 2) head.writeUInt16BE(named, 2);
	if (field === 8) head.writeBigUInt64BE(BigInt(named), 2);
	if (!masked) return Buffer.concat([head, data]);
	const mask = randomBytes(4);
	return Buffer.concat([head, mask, data.map((byte, i) => byte ^ (mask[i & 3] as number))]);
};
/** closing is the payload of a close frame. */
export const closing = (code: number, reason: string | Uint8Array = ''): Buffer => {
	const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason as Uint8Array)]);
	payload.writeUInt16BE(code, 0);
	return payload;
};

/** The fields by which a client asks for the upgrade (RFC 6455, section 4.1). */
const upgrade = (key: string): Record<string, string> => ({
	upgrade: 'websocket',
	connection: 'Upgrade',
	'sec-websocket-key': key,
	'sec-websocket-version': '13',
});

/** How long something may take before its test fails. */
const waitMs = 8_000;
const open = new Set<Socket>();
afterEach(() => {
	for (const socket of open) socket.destroy();
	open.clear();
});

/** Takes the frames off the front of what has come; gives the rest. */
const taken = (bytes: Buffer, frames: WireFrame[]): Buffer => {
	let rest = bytes;
	for (;;) {
		if (rest.length < 2) return rest;
		const short = (rest[1] as number) & 0x7f;
		const field = short === 126 ? 2 : short === 127 ? 8 : 0;
		if (rest.length < 2 + field) return rest;
		const length = field === 0 ? short : field === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
		const end = 2 + field + length;
		if (rest.length < end) return rest;
		const first = rest[0] as number;
		frames.push({ fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload: rest.subarray(2 + field, end) });
		rest = rest.subarray(end);
	}
};

/** Takes the chunks of an answer (RFC 9112, section 7.1) off the front of what has come; gives the rest. */
const unchunked = (bytes: Buffer, chunks: Buffer[]): Buffer => {
	let rest = bytes;
	for (;;) {
		const line = rest.indexOf('\r\n');
		if (line < 0) return rest;
		const length = Number.parseInt(rest.subarray(0, line).toString(), 16);
		const end = line + 2 + length + 2;
		if (rest.length < end) return rest;
		chunks.push(rest.subarray(line + 2, end - 2));
		rest = rest.subarray(end);
	}
};

/**
 * bareSocket speaks the protocol by hand over a bare connection: it can send what no client library would, stop reading, and
 * never answer. `fields` adds to those of the request, or takes one away (null). `stubborn`: it does not go when the server
 * says the end.
 */
export const bareSocket = async (
	port: number,
	{
		path = '/api/v1/realtime',
		fields = {},
		stubborn = false,
	}: { path?: string; fields?: Record<string, string | null>; stubborn?: boolean } = {},
) => {
	const key = randomBytes(16).toString('base64');
	const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: stubborn });
	open.add(socket);
	const frames: WireFrame[] = [];
	const chunks: Buffer[] = [];
	let next = 0;
	let head: string | null = null;
	let bytes: Buffer = Buffer.alloc(0);
	let ended = false;
	let wake: (() => void)[] = [];
	const stir = () => {
		const waiting = wake;
		wake = [];
		for (const resolve of waiting) resolve();
	};
	// what has come is put together only when it is looked at: thousands of small pieces would be copied over and over
	let pieces: Buffer[] = [];
	const look = () => {
		bytes = Buffer.concat([bytes, ...pieces]);
		pieces = [];
		if (head === null) {
			const end = bytes.indexOf('\r\n\r\n');
			if (end < 0) return;
			head = bytes.subarray(0, end).toString();
			bytes = bytes.subarray(end + 4);
		}
		bytes = head.startsWith('HTTP/1.1 101') ? taken(bytes, frames) : unchunked(bytes, chunks);
	};
	socket.on('data', (piece: Buffer) => {
		pieces.push(piece);
		stir();
	});
	socket.on('error', () => undefined);
	socket.on('close', () => {
		open.delete(socket);
		ended = true;
		stir();
	});
	const more = (what: string) =>
		new Promise<void>((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), waitMs);
			wake.push(() => {
				clearTimeout(timer);
				resolve();
			});
		});
	const until = async (what: string, found: () => boolean) => {
		for (;;) {
			look();
			if (found()) return;
			if (ended) throw new Error(`the connection ended before ${what}`);
			await more(what);
		}
	};

	const asked = { host: `127.0.0.1:${port}`, ...upgrade(key), ...fields };
	const lines = Object.entries(asked).filter(([, value]) => value !== null);
	socket.write(`GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
	await until('an answer to the upgrade', () => head !== null);
	const status = Number(String(head).split(' ')[1]);
	const accept = /^sec-websocket-accept: *(.*)$/im.exec(String(head))?.[1]?.trim();

	const frame = async (): Promise<WireFrame> => {
		await until('a frame', () => next < frames.length);
		return frames[next++] as WireFrame;
	};
	const say = (payload: string | Uint8Array, form?: FrameForm) => socket.write(wire(payload, form));
	const json = async <T = { type: string; code?: string; cursor?: string; id?: string }>(type?: string): Promise<T> => {
		for (;;) {
			const { opcode, payload } = await frame();
			if (opcode === opcodes.close) throw new Error(`closed with ${payload.readUInt16BE(0)} before ${type}`);
			if (opcode !== opcodes.text) continue;
			const value = JSON.parse(payload.toString());
			if (type === undefined || value.type === type) return value;
		}
	};

	return {
		status,
		/** The answer to the upgrade, as it came. */
		head: String(head),
		/** Whether the server has proven that it has read the key. */
		accepted: accept === createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'),
		/** Bytes as they are. */
		write: (data: Uint8Array) => socket.write(data),
		say,
		/** frame waits for the next frame of any kind. */
		frame,
		/** json waits for the next text frame, or the next of a type. */
		json,
		/** closed waits for a close frame and gives its code; null where the connection ends without one. */
		closed: async (): Promise<number | null> => {
			try {
				for (;;) {
					const { opcode, payload } = await frame();
					if (opcode === opcodes.close) return payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
				}
			} catch {
				if (ended) return null;
				throw new Error('neither a close frame nor the end came');
			}
		},
		/** text is what a stream has said, once something stands in it. */
		text: async (what: string): Promise<string> => {
			await until(what, () => Buffer.concat(chunks.slice(-3)).includes(what));
			return Buffer.concat(chunks).toString();
		},
		/** gone waits for the end of the connection. */
		gone: async (): Promise<void> => {
			while (!ended) await more('the end of the connection');
		},
		/** pause stops reading: from here on what the server sends waits with the server. */
		pause: () => socket.pause(),
		resume: () => socket.resume(),
		/** cut drops the connection without a word. */
		cut: () => socket.destroy(),
		/** signIn says who it is, and waits until it is live. `since`: it does not wait. */
		signIn: async (who: { token: string; site: { publishableKey: string } }, since?: string) => {
			say(JSON.stringify({ type: 'auth', token: who.token, apiKey: who.site.publishableKey, ...(since && { since }) }));
			const ready = await json<{ cursor: string }>('ready');
			if (since === undefined) await json('caught_up');
			return ready.cursor;
		},
	};
};
export type BareSocket = Awaited<ReturnType<typeof bareSocket>>;

interface Opened {
	open(ws: ServerWebSocket<unknown>): void;
}
/** listenBare makes a server listen whose own ends of sockets can be asked how much waits in them, in the order they came. */
export const listenBare = (t: TestApp) => {
	const { port, url } = t.listen();
	const sockets: ServerWebSocket<unknown>[] = [];
	const server = t.app.server as unknown as Server<unknown>;
	const upgrade = server.upgrade.bind(server) as (request: Request, options: { data: Opened }) => boolean;
	Object.assign(server, {
		upgrade: (request: Request, { data }: { data: Opened }) => {
			const open = (ws: ServerWebSocket<unknown>) => {
				sockets.push(ws);
				data.open(ws);
			};
			return upgrade(request, { data: { ...data, open } });
		},
	});
	return { port, url, sockets };
};
