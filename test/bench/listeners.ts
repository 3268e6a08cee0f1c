// Many WebSocket clients in one process: they sign in, count what they are told down to the single frame, and answer pings.
// They speak the protocol over bare TCP, because a thousand of them must cost less than the server under test.
// A child of fanout.ts, which says what to do by messages between processes.
import type { Socket } from 'bun';

/** What the parent asks for; each order is answered by one report. */
export type Order =
	| {
			do: 'connect';
			port: number;
			path: string;
			/** The first frame of each client. */
			firsts: string[];
			/** How many may be on their way at once. */
			atOnce: number;
			/** What each is told before `caught_up`: so many messages, numbered on from its own first number. */
			missed: { messages: number; from: number[] } | null;
	  }
	| { do: 'send'; port: number; path: string; headers: Record<string, string>; posts: number; inFlight: number };
export interface Connected {
	/** From the first that set out to the last that has caught up. */
	ms: number;
	bytes: number;
	frames: number;
	faults: string[];
}
export interface Sent {
	seconds: number;
	/** Messages that arrived: one for each post and client, or there is a fault. */
	deliveries: number;
	/** From each POST to its last delivery. */
	latenciesMs: number[];
	/** Events that came beside the messages. */
	others: number;
	/** Of a delivery, frame and all. */
	bytes: number;
	faults: string[];
}

/** Every text begins with `#` and a number of seven digits: by it a frame is known. */
const numberDigits = 7;
export const numberedText = (number: number): string =>
	`#${String(number).padStart(numberDigits, '0')} I ordered on Monday and the parcel has not come yet. Can you look?`;

interface Client {
	index: number;
	upgraded: boolean;
	live: boolean;
	/** Bytes that are no whole frame yet. */
	rest: Buffer | null;
	/** While it catches up: the number that must come next, and the one after the last. */
	next: number;
	end: number;
	first: string;
	caughtUp: () => void;
}

const clients: Socket<Client>[] = [];
let faults: string[] = [];
const fault = (text: string) => {
	if (faults.length < 10) faults.push(text);
};
let bytes = 0;
let frames = 0;

// ---- Frames (RFC 6455, section 5.2): of the server unmasked and in one piece, anything else is a fault

const maskedFrame = (opcode: number, payload: Uint8Array): Buffer => {
	const { length } = payload;
	const head = length < 126 ? [0x80 | opcode, 0x80 | length] : [0x80 | opcode, 0xfe, length >> 8, length & 255];
	// note: a mask of zeros leaves the payload as it is
	return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
};

const marker = Buffer.from('"text":"#');
let markerAt = 0;
/** numberIn reads which message a frame is of; -1 for one that carries none. The number is nearly always where it was last. */
const numberIn = (chunk: Buffer, from: number, to: number): number => {
	let at = from + markerAt;
	if (at + numberDigits > to || chunk[at - 1] !== 0x23 || chunk[at - 2] !== 0x22 || chunk[at - 3] !== 0x3a) {
		const found = chunk.indexOf(marker, from);
		if (found === -1 || found + marker.length > to) return -1;
		at = found + marker.length;
		markerAt = at - from;
	}
	let number = 0;
	for (let i = at; i < at + numberDigits; i++) number = number * 10 + (chunk[i] as number) - 0x30;
	return number;
};
const beginsWith = (chunk: Buffer, from: number, word: Buffer) =>
	chunk.compare(word, 0, word.length, from, from + word.length) === 0;
const caughtUp = Buffer.from('{"type":"caught_up"');
const refused = [Buffer.from('{"type":"error"'), Buffer.from('{"type":"reset"')];

// ---- What is counted while messages are sent

let firstNumber = 0;
/** A byte for each message and client: whether that one has come. */
let seen = new Uint8Array(0);
let told = new Uint32Array(0);
let toldAll: (() => void)[] = [];
let deliveries = 0;
let others = 0;

const deliver = ({ index }: Client, number: number) => {
	const message = number - firstNumber;
	const place = message * clients.length + index;
	if (seen[place] !== 0) {
		fault(`client ${index} was told of message ${number} twice, or of one that was not sent`);
		return;
	}
	seen[place] = 1;
	deliveries++;
	const n = (told[message] ?? 0) + 1;
	told[message] = n;
	if (n === clients.length) toldAll[message]?.();
};

const frame = (socket: Socket<Client>, opcode: number, chunk: Buffer, from: number, to: number) => {
	const client = socket.data;
	if (opcode === 9) {
		socket.write(maskedFrame(10, chunk.subarray(from, to)));
		return;
	}
	if (opcode !== 1) {
		fault(`client ${client.index}: a frame of kind ${opcode} ${chunk.toString('utf8', from, to).slice(2, 80)}`);
		return;
	}
	frames++;
	const number = numberIn(chunk, from, to);
	if (client.live) {
		if (number === -1) others++;
		else deliver(client, number);
		return;
	}
	if (number !== -1) {
		if (number !== client.next) fault(`client ${client.index}: message ${number}, where ${client.next} comes next`);
		client.next = number + 1;
	} else if (beginsWith(chunk, from, caughtUp)) {
		if (client.next !== client.end) fault(`client ${client.index} has caught up at ${client.next}, not ${client.end}`);
		client.live = true;
		client.caughtUp();
	} else if (refused.some((word) => beginsWith(chunk, from, word)))
		fault(`client ${client.index}: ${chunk.toString('utf8', from, to)}`);
};

const read = (socket: Socket<Client>, data: Buffer) => {
	const client = socket.data;
	bytes += data.length;
	const chunk = client.rest ? Buffer.concat([client.rest, data]) : data;
	client.rest = null;
	let at = 0;
	if (!client.upgraded) {
		const end = chunk.indexOf('\r\n\r\n');
		if (end === -1) {
			client.rest = Buffer.from(chunk);
			return;
		}
		if (!chunk.toString('latin1', 0, 12).endsWith(' 101')) fault(`no upgrade: ${chunk.toString('utf8', 0, 300)}`);
		client.upgraded = true;
		socket.write(maskedFrame(1, Buffer.from(client.first)));
		at = end + 4;
	}
	while (at + 2 <= chunk.length) {
		const short = (chunk[at + 1] as number) & 0x7f;
		const head = short < 126 ? 2 : short === 126 ? 4 : 10;
		if (at + head > chunk.length) break;
		const length =
			short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
		if (at + head + length > chunk.length) break;
		frame(socket, (chunk[at] as number) & 0x0f, chunk, at + head, at + head + length);
		at += head + length;
	}
	// note: copied, because the buffer is the engine's and is used again
	if (at < chunk.length) client.rest = Buffer.from(chunk.subarray(at));
};

/** A network of addresses that only a proxy would name: a server counts its strangers by address. */
const addressOf = (index: number) => `10.${(process.pid >> 8) & 255}.${process.pid & 255}.${index % 250}`;

const connect = async ({
	port,
	path,
	firsts,
	atOnce,
	missed,
}: Extract<Order, { do: 'connect' }>): Promise<Connected> => {
	const startedAt = performance.now();
	const base = clients.length;
	[bytes, frames, faults] = [0, 0, []];
	const left = firsts.entries();
	const one = async () => {
		for (const [i, first] of left) {
			const index = base + i;
			const next = missed?.from[i] ?? 0;
			let caught: () => void = () => undefined;
			const done = new Promise<void>((resolve) => {
				caught = resolve;
			});
			const data = {
				index,
				upgraded: false,
				live: false,
				rest: null,
				next,
				end: next + (missed?.messages ?? 0),
				first,
			};
			clients[index] = await Bun.connect<Client>({
				hostname: '127.0.0.1',
				port,
				data: { ...data, caughtUp: caught },
				socket: {
					open: (socket) => {
						const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Forwarded-For: ${addressOf(index)}`;
						const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13';
						socket.write(`${head}\r\n${upgrade}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
					},
					data: read,
					close: () => fault(`client ${index} was cut off`),
					error: (_, error) => fault(`client ${index}: ${error.message}`),
				},
			});
			await done;
		}
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, firsts.length) }, one));
	return { ms: performance.now() - startedAt, bytes, frames, faults };
};

const patienceMs = 30_000;
const send = async ({ port, path, headers, posts, inFlight }: Extract<Order, { do: 'send' }>): Promise<Sent> => {
	firstNumber += told.length;
	seen = new Uint8Array(posts * clients.length);
	told = new Uint32Array(posts);
	toldAll = [];
	[bytes, deliveries, others, faults] = [0, 0, 0, []];
	const latenciesMs: number[] = [];
	const numbers = Array.from({ length: posts }, (_, i) => i).values();
	const url = `http://127.0.0.1:${port}${path}`;
	const one = async () => {
		for (const message of numbers) {
			const content = { text: numberedText(firstNumber + message) };
			const body = JSON.stringify({ content, clientMessageId: Bun.randomUUIDv7() });
			const arrived = new Promise<void>((resolve, reject) => {
				const timer = setTimeout(() => reject(new Error(`message ${message} reached ${told[message]}`)), patienceMs);
				toldAll[message] = () => {
					clearTimeout(timer);
					latenciesMs.push(performance.now() - postedAt);
					resolve();
				};
			});
			const postedAt = performance.now();
			const response = await fetch(url, { method: 'POST', headers, body });
			if (response.status !== 201)
				throw new Error(`a message was answered ${response.status} ${await response.text()}`);
			await response.arrayBuffer();
			await arrived;
		}
	};
	const startedAt = performance.now();
	await Promise.all(Array.from({ length: inFlight }, one));
	const seconds = (performance.now() - startedAt) / 1000;
	return { seconds, deliveries, latenciesMs, others, bytes: bytes / deliveries, faults };
};

if (import.meta.main)
	process.on('message', async (order: Order) => {
		try {
			const report = order.do === 'connect' ? await connect(order) : await send(order);
			process.send?.(report);
		} catch (error) {
			process.send?.({ failed: `${error instanceof Error ? error.stack : error} ${faults.join('; ')}` });
		}
	});
