// The benchmark's own load generator, for machines without wrk: a process of its own that keeps one request in flight
// on each connection. It speaks just enough HTTP/1.1 for servers that answer with a Content-Length, and fails on others.
// Usage: bun generator.ts <plan> <port> <connections> <seconds> <expected status> <body>
import type { Socket } from 'bun';

const [planFile = '', port = '', connections = '', seconds = '', status = '', body = ''] = process.argv.slice(2);
const [method = '', key = '', ...targets] = (await Bun.file(planFile).text()).trimEnd().split('\n');
const writes = method === 'POST';
const [before = '', after = ''] = body.split('$id');
const uuidLength = 36;

const length = writes
	? `\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(before + after) + uuidLength}`
	: '';
const heads = targets.map((target) => {
	const [path, token] = target.split('\t');
	const fields = `Host: 127.0.0.1\r\nx-api-key: ${key}${length}\r\nAuthorization: Bearer ${token}`;
	return `${method} ${path} HTTP/1.1\r\n${fields}\r\n\r\n${writes ? before : ''}`;
});

let at = Math.floor(Math.random() * heads.length);
const nextRequest = () => {
	at = (at + 1) % heads.length;
	return writes ? heads[at] + Bun.randomUUIDv7() + after : (heads[at] ?? '');
};

interface Wire {
	sentAt: number;
	/** Header bytes of an answer that are not complete yet. */
	head: string;
	/** Bytes of the body still to come; -1 while the header is read. */
	rest: number;
}

const latenciesMs: number[] = [];
let refused = 0;
let broken = 0;
let stopping = false;

const send = (socket: Socket<Wire>) => {
	const wire = socket.data;
	wire.sentAt = performance.now();
	wire.head = '';
	wire.rest = -1;
	const text = nextRequest();
	// note: a request is far smaller than a socket's buffer and the last one was answered, so it always fits.
	if (socket.write(text) !== Buffer.byteLength(text)) {
		broken++;
		socket.end();
	}
};

const receive = (socket: Socket<Wire>, chunk: Buffer) => {
	const wire = socket.data;
	if (wire.rest >= 0) wire.rest -= chunk.length;
	else {
		wire.head += chunk.toString('latin1');
		const end = wire.head.indexOf('\r\n\r\n');
		if (end < 0) return;
		const size = /\r\ncontent-length: *(\d+)/i.exec(wire.head.slice(0, end + 2))?.[1];
		if (size === undefined) {
			broken++;
			socket.end();
			return;
		}
		if (wire.head.slice(9, 12) !== status) refused++;
		wire.rest = Number(size) - (wire.head.length - end - 4);
	}
	if (wire.rest > 0) return;
	latenciesMs.push(performance.now() - wire.sentAt);
	if (!stopping) send(socket);
};

const sockets = await Promise.all(
	Array.from({ length: Number(connections) }, () =>
		Bun.connect<Wire>({
			hostname: '127.0.0.1',
			port: Number(port),
			data: { sentAt: 0, head: '', rest: -1 },
			socket: {
				data: receive,
				error: () => {
					broken++;
				},
				close: () => {
					if (!stopping) broken++;
				},
			},
		}),
	),
);
const startedAt = performance.now();
for (const socket of sockets) send(socket);
await Bun.sleep(Number(seconds) * 1000);
stopping = true;
const took = (performance.now() - startedAt) / 1000;
const requests = latenciesMs.length;
const sorted = Float64Array.from(latenciesMs).sort();
const percentile = (share: number) => sorted[Math.min(requests - 1, Math.floor(requests * share))] ?? 0;
const result = { requests, seconds: took, refused, broken, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
process.stdout.write(`BENCH ${JSON.stringify(result)}\n`);
process.exit(0);
