import { describe, expect, test } from 'bun:test';
import { messageTextMax, queuedBytesMax, queuedBytesNet, queuedBytesPause } from '../../src/kernel/limits.ts';
import { type BareSocket, bareSocket, listenBare, opcodes } from '../support/bare-socket.ts';
import { createTestApp, type Person } from '../support/test-app.ts';

/** Who does not read what is sent costs the others nothing, and loses nothing. */

/** The longest message there is: 40 KB. note: the operating system holds some five megabytes before anything waits with us */
const longText = '😀'.repeat(messageTextMax);
const longFrame = 48 * 1024;

/** A message as a reader is told of it. */
interface Told {
	id: string;
	type: string;
	data: { seq: number };
}
/** told reads on until a type of frame or the end; gives the messages, and the code of the end. */
const told = async (socket: BareSocket, until = ''): Promise<{ messages: Told[]; code: number | null }> => {
	const messages: Told[] = [];
	for (;;) {
		const { opcode, payload } = await socket.frame();
		if (opcode === opcodes.close) return { messages, code: payload.readUInt16BE(0) };
		const frame: Told = JSON.parse(payload.toString());
		if (frame.type === 'message.created') messages.push(frame);
		if (frame.type === until) return { messages, code: null };
	}
};
const seqs = (messages: Told[]) => messages.map(({ data }) => data.seq);
const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i);

/** A stream of events by hand; `last`: the id behind which it goes on. */
const streamOf = (port: number, { token, site }: Person, last?: string): Promise<BareSocket> =>
	bareSocket(port, {
		path: '/api/v1/events',
		fields: {
			upgrade: null,
			connection: null,
			'sec-websocket-key': null,
			'sec-websocket-version': null,
			accept: 'text/event-stream',
			authorization: `Bearer ${token}`,
			'x-api-key': site.publishableKey,
			...(last !== undefined && { 'last-event-id': last }),
		},
	});
/** What stands in a stream: its events, in order. */
const eventsIn = (text: string) =>
	[...text.matchAll(/^(?:id: (.*)\n)?event: (.*)\ndata: (.*)$/gm)].map(([, id, type, data]) => ({
		id,
		type,
		data: JSON.parse(data ?? ''),
	}));
const messagesIn = (text: string): number[] =>
	eventsIn(text)
		.filter(({ type }) => type === 'message.created')
		.map(({ data }) => data.data.seq);

describe('a socket that is not read', () => {
	test('is closed with 4413 before more than a megabyte waits for it, others hear all, and it loses nothing', async () => {
		using t = await createTestApp();
		const { port, sockets } = listenBare(t);
		const { connections } = t.services.realtime;
		const id = await t.conversation('alice', 'bob');
		const slow = await bareSocket(port);
		await slow.signIn(t.person('bob'));
		const other = await bareSocket(port);
		const start = await other.signIn(t.person('bob'));
		const heard = told(other, 'pong');
		slow.pause();
		let most = 0;
		let n = 0;
		while (connections.all.size === 2 && n < 1_000) {
			await t.send('alice', id, longText);
			n++;
			most = Math.max(most, sockets[0]?.getBufferedAmount() ?? 0);
		}
		expect(connections.all.size).toBe(1);
		expect(most).toBeGreaterThan(queuedBytesMax / 2);
		expect(most).toBeLessThan(queuedBytesNet + longFrame);
		await t.send('alice', id, 'the end');
		other.say(JSON.stringify({ type: 'ping' }));
		expect(seqs((await heard).messages)).toEqual(upTo(n + 1));

		slow.resume();
		const first = await told(slow);
		expect(first.code).toBe(4413);
		const again = await bareSocket(port);
		await again.signIn(t.person('bob'), first.messages.at(-1)?.id ?? start);
		const rest = await told(again, 'caught_up');
		expect(seqs([...first.messages, ...rest.messages])).toEqual(upTo(n + 1));
	}, 20_000);

	test('that is told much at once is closed with 4413, too, and whoever reads is not', async () => {
		using t = await createTestApp();
		const { port } = listenBare(t);
		const { connections } = t.services.realtime;
		const id = await t.conversation('alice', 'bob');
		const slow = await bareSocket(port);
		await slow.signIn(t.person('bob'));
		const other = await bareSocket(port);
		await other.signIn(t.person('bob'));
		const heard = told(other, 'pong');
		slow.pause();
		let n = 0;
		for (; connections.all.size === 2 && n < 1_000; n += 20)
			await Promise.all(upTo(20).map(() => t.send('alice', id, longText)));
		expect(connections.all.size).toBe(1);
		other.say(JSON.stringify({ type: 'ping' }));
		expect(seqs((await heard).messages)).toEqual(upTo(n));
		slow.resume();
		expect((await told(slow)).code).toBe(4413);
	}, 20_000);

	test('while it is given what it has missed, it is waited for, and gets all of it in order', async () => {
		using t = await createTestApp();
		const { port, sockets } = listenBare(t);
		const { connections } = t.services.realtime;
		const id = await t.conversation('alice', 'bob');
		const since = t.services.eventLog.cursor();
		const text = '😀'.repeat(messageTextMax / 10);
		const n = 3_000;
		for (let i = 0; i < n; i += 250) await Promise.all(upTo(250).map(() => t.send('alice', id, text)));
		const slow = await bareSocket(port);
		await slow.signIn(t.person('bob'), since);
		slow.pause();
		// until nothing more is taken off: it rests
		const waits = () => sockets[0]?.getBufferedAmount() ?? 0;
		for (let before = -1; waits() === 0 || before !== waits(); ) {
			before = waits();
			await Bun.sleep(20);
		}
		expect(waits()).toBeGreaterThanOrEqual(queuedBytesPause);
		expect(waits()).toBeLessThan(queuedBytesPause + longFrame);
		await t.send('alice', id, 'meanwhile');
		expect([connections.all.size, connections.liveOfUser(t.person('bob').pk).size]).toEqual([1, 0]);
		slow.resume();
		const { messages } = await told(slow, 'caught_up');
		expect(seqs(messages)).toEqual(upTo(n + 1));
		await t.send('alice', id, 'live');
		slow.say(JSON.stringify({ type: 'ping' }));
		expect(seqs((await told(slow, 'pong')).messages)).toEqual([n + 2]);
	}, 20_000);
});

describe('a stream that is not read', () => {
	test('is ended with 4413 before more than a megabyte waits for it, and loses nothing', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		const { connections } = t.services.realtime;
		const id = await t.conversation('alice', 'bob');
		const slow = await streamOf(port, t.person('bob'));
		expect(connections.all.size).toBe(1);
		slow.pause();
		let n = 0;
		for (; connections.all.size === 1 && n < 1_000; n++) await t.send('alice', id, longText);
		expect(connections.all.size).toBe(0);
		await t.send('alice', id, 'the end');
		slow.resume();
		const text = await slow.text('event: closed');
		const events = eventsIn(text);
		expect(events.at(-1)).toMatchObject({ type: 'closed', data: { closeCode: 4413 } });
		const again = await streamOf(port, t.person('bob'), events.findLast(({ id }) => id !== undefined)?.id);
		const rest = await again.text('event: caught_up');
		expect([...messagesIn(text), ...messagesIn(rest)]).toEqual(upTo(n + 1));
	}, 20_000);

	test('while it is given what it has missed, it is waited for, and gets all of it in order', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		const { connections } = t.services.realtime;
		const id = await t.conversation('alice', 'bob');
		const since = t.services.eventLog.cursor();
		const n = 300;
		for (let i = 0; i < n; i += 50) await Promise.all(upTo(50).map(() => t.send('alice', id, longText)));
		const slow = await streamOf(port, t.person('bob'), since);
		slow.pause();
		// what is live for others meanwhile is not for it: it is still behind
		await t.send('alice', id, 'meanwhile');
		for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
		expect([connections.all.size, connections.liveOfUser(t.person('bob').pk).size]).toEqual([1, 0]);
		slow.resume();
		expect(messagesIn(await slow.text('event: caught_up'))).toEqual(upTo(n + 1));
	}, 20_000);
});

describe('a socket that does not go when it is told to', () => {
	test('counts for nothing from then on: its user and its address have room for another', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		const { connections } = t.services.realtime;
		const rude = await Promise.all(upTo(10).map(() => bareSocket(port, { stubborn: true })));
		for (const socket of rude) await socket.signIn(t.person('alice'));
		for (const connection of [...connections.all]) connections.end(connection, 'try_later');
		for (const socket of rude) expect(await socket.closed()).toBe(1013);
		const strangers = await Promise.all(upTo(20).map(() => bareSocket(port, { stubborn: true })));
		for (const socket of strangers) {
			socket.say('{}');
			expect(await socket.closed()).toBe(4401);
		}
		expect([connections.all.size, t.app.server?.pendingWebSockets]).toEqual([0, 0]);
		const polite = await bareSocket(port);
		await polite.signIn(t.person('alice'));
		expect(connections.all.size).toBe(1);
	});
});
