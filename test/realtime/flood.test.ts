import { describe, expect, test } from 'bun:test';
import { framesBurst, queuedBytesNet } from '../../src/kernel/limits.ts';
import { type BareSocket, bareSocket, listenBare, opcodes, wire } from '../support/bare-socket.ts';
import { type Heard, signIn } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** Too much, and what is no frame at all: it ends whoever sends it, or is answered, and does nothing else. */

const ping = (ref: string) => JSON.stringify({ type: 'ping', ref });
const messageTo = (conversationId: string, clientMessageId: string, more: object = {}) => ({
	type: 'message',
	ref: clientMessageId,
	conversationId,
	clientMessageId,
	content: { text: clientMessageId },
	...more,
});
const many = (n: number, frame: (i: number) => string) =>
	Buffer.concat(Array.from({ length: n }, (_, i) => wire(frame(i))));
/** ended reads to the end: the frames that came before it, and its code. */
const ended = async (socket: BareSocket) => {
	const frames: { type: string; code?: string; retryAfterSeconds?: number; ref?: string }[] = [];
	for (;;) {
		const { opcode, payload } = await socket.frame();
		if (opcode === opcodes.close) return { frames, code: payload.readUInt16BE(0) };
		if (opcode === opcodes.text) frames.push(JSON.parse(payload.toString()));
	}
};
const alice = async (t: TestApp) => {
	const socket = await bareSocket(t.listen().port);
	await socket.signIn(t.person('alice'));
	return socket;
};

describe('too many frames at once', () => {
	test('end the connection with 4429, after those of the burst were answered', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.write(many(framesBurst * 2, (i) => ping(`${i}`)));
		const { frames, code } = await ended(socket);
		expect(code).toBe(4429);
		expect(frames.at(-1)).toMatchObject({ type: 'error', code: 'rate_limited', retryAfterSeconds: 5 });
		const pongs = frames.filter(({ type }) => type === 'pong').length;
		expect(pongs).toBeGreaterThanOrEqual(framesBurst);
		// a few come back while they arrive
		expect(pongs).toBeLessThan(framesBurst * 1.5);
		expect(t.services.realtime.connections.all.size).toBe(0);
	});
	test('of a client that keeps to the burst end nothing', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		for (let i = 0; i < framesBurst - 1; i++) {
			socket.say(ping(`${i}`));
			expect(await socket.json('pong')).toMatchObject({ ref: `${i}` });
		}
	});
	test('that are no frames at all count as much, and do nothing', async () => {
		using t = await createTestApp();
		const before = t.snapshot();
		const socket = await alice(t);
		await t.written();
		socket.write(many(framesBurst * 2, (i) => (i % 2 === 0 ? '{' : '{"type":"drop"}')));
		const { frames, code } = await ended(socket);
		expect(code).toBe(4429);
		expect(new Set(frames.map(({ code }) => code))).toEqual(new Set(['invalid_json', 'invalid_frame', 'rate_limited']));
		await t.written();
		expect(t.snapshot()).toBe(before);
	});
	test('of a client that keeps to the burst are all done, also where each is written to the disk', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const socket = await alice(t);
		socket.write(many(framesBurst - 1, (i) => JSON.stringify(messageTo(id, `m-${i}`))));
		for (let i = 0; i < framesBurst - 1; i++) expect(await socket.json('ack')).toMatchObject({ ref: `m-${i}` });
		expect(t.rows('select count(*) as n from messages')).toEqual([{ n: framesBurst - 1 }]);
	});
	test('leave everybody else alone', async () => {
		using t = await createTestApp();
		const { url, port } = t.listen();
		const bob = await signIn(url, t.person('bob'));
		const socket = await bareSocket(port);
		await socket.signIn(t.person('alice'));
		socket.write(many(5_000, (i) => ping(`${i}`)));
		expect((await ended(socket)).code).toBe(4429);
		await t.send('alice', await t.conversation('alice', 'bob'));
		expect((await bob.quiet()).map(({ type }) => type)).toEqual(['conversation.created', 'message.created']);
	});
	test('of a stranger end with the first, whatever follows', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port);
		socket.write(many(1_000, (i) => ping(`${i}`)));
		const { frames, code } = await ended(socket);
		expect([frames.map(({ code }) => code), code]).toEqual([['sign_in_first'], 4401]);
	});
	// Bun answers these itself: what is too much of its answers it drops, or ends the connection
	test('that are pings of the protocol, by somebody who reads no pong, fill no memory and hold nobody up', async () => {
		using t = await createTestApp();
		const { port, url, sockets } = listenBare(t);
		const socket = await bareSocket(port);
		await socket.signIn(t.person('alice'));
		const bob = await signIn(url, t.person('bob'));
		socket.pause();
		const pings = Buffer.concat(Array.from({ length: 1_000 }, () => wire('x'.repeat(125), { opcode: opcodes.ping })));
		let most = 0;
		for (let i = 0; i < 40; i++) {
			socket.write(Buffer.concat(Array<Buffer>(5).fill(pings)));
			// note: by a frame of somebody else the server has been through its turn
			expect(await bob.quiet()).toEqual([]);
			most = Math.max(most, sockets[0]?.getBufferedAmount() ?? 0);
		}
		expect(most).toBeGreaterThan(0);
		expect(most).toBeLessThan(queuedBytesNet + 1_024);
	}, 15_000);
});

describe('messages', () => {
	test('are limited as over the API: refused ones say when to come back, and the connection stays', async () => {
		using t = await createTestApp({ limits: 'on' });
		const { url } = t.listen();
		const id = await t.conversation('alice', 'bob');
		const socket = await signIn(url, t.person('alice'));
		for (let i = 0; i < 40; i++) socket.say(messageTo(id, `m-${i}`));
		const heard: Heard[] = [];
		while (heard.length < 40) {
			const frame = await socket.next();
			if (frame.type === 'ack' || frame.type === 'error') heard.push(frame);
		}
		const answers = (type: Heard['type']) => heard.filter((frame) => frame.type === type);
		const acks = answers('ack').length;
		expect(acks).toBeGreaterThanOrEqual(t.config.messagesBurst);
		expect(acks).toBeLessThan(40);
		const refused = answers('error');
		expect(refused).toHaveLength(40 - acks);
		for (const error of refused) {
			expect(error).toMatchObject({ code: 'rate_limited', ref: expect.stringMatching(/^m-\d+$/) });
			expect((error as { retryAfterSeconds?: number }).retryAfterSeconds).toBeGreaterThanOrEqual(1);
		}
		expect(t.rows('select count(*) as n from messages')).toEqual([{ n: acks }]);
		// what is no message is not refused for it
		socket.say({ type: 'read', conversationId: id, ref: 'r' });
		expect(await socket.next('ack')).toMatchObject({ ref: 'r' });
		// and by the API it is the same count
		const call = {
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${id}/messages`,
			body: { content: { text: 'x' } },
		};
		expect((await t.refused(call))[1]).toBe('rate_limited');
	});
});

describe('what is no frame', () => {
	test('is answered by an error that names it, and the connection stays as it was', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const socket = await signIn(t.listen().url, t.person('alice'));
		const before = t.snapshot();
		const wrong: [unknown, string, string?][] = [
			[{ type: 'drop', ref: '1' }, 'invalid_frame', '1'],
			[{ type: '', ref: '2' }, 'invalid_frame', '2'],
			[{ ref: '3' }, 'invalid_frame', '3'],
			[{ type: ['ping'], ref: '4' }, 'invalid_frame', '4'],
			[{ type: '__proto__', ref: '5' }, 'invalid_frame', '5'],
			[{ type: 'constructor', ref: '6' }, 'invalid_frame', '6'],
			[{ type: 'toString', ref: '7' }, 'invalid_frame', '7'],
			[{ type: 'ping', ref: 8 }, 'invalid_frame'],
			[{ type: 'ping', ref: 'x'.repeat(65) }, 'invalid_frame'],
			[{ type: 'ping', ref: '' }, 'invalid_frame', ''],
			[[], 'invalid_frame'],
			[null, 'invalid_frame'],
			[7, 'invalid_frame'],
			[messageTo(id, 'm1', { content: 'text' }), 'invalid_frame', 'm1'],
			[messageTo(id, 'm2', { content: { text: 7 } }), 'invalid_frame', 'm2'],
			[messageTo('x', 'm3'), 'not_found', 'm3'],
			[{ type: 'watch', conversationId: 7, ref: 'w1' }, 'invalid_frame', 'w1'],
			[{ type: 'watch', ref: 'w2' }, 'invalid_frame', 'w2'],
			[{ type: 'watch', conversationId: 'conv_nothing', ref: 'w3' }, 'not_found', 'w3'],
			[{ type: 'typing', conversationId: id, typing: 'yes', ref: 't1' }, 'invalid_frame', 't1'],
			[{ type: 'read', conversationId: id, messageId: 'nothing', ref: 'r1' }, 'not_found', 'r1'],
		];
		for (const [frame, code, ref] of wrong) {
			socket.say(JSON.stringify(frame));
			const error = await socket.next();
			expect([frame, error]).toEqual([frame, expect.objectContaining({ type: 'error', code })]);
			expect((error as { ref?: string }).ref).toBe(ref);
		}
		for (const text of [
			'{',
			'ping',
			'{"type":"ping"}{"type":"ping"}',
			'\u0000',
			'NaN',
			`{"type":"ping","ref":"\\ud800"`,
		]) {
			socket.say(text);
			expect([text, await socket.next()]).toEqual([text, expect.objectContaining({ code: 'invalid_json' })]);
		}
		await t.written();
		expect(t.snapshot()).toBe(before);
		expect(await socket.quiet()).toEqual([]);
	});
	test('JSON as deep as fits is refused like any other, before and after signing in', async () => {
		using t = await createTestApp();
		const { url, port } = t.listen();
		const stranger = await bareSocket(port);
		stranger.say('['.repeat(2_000) + ']'.repeat(2_000));
		expect(await stranger.json()).toMatchObject({ type: 'error', code: 'invalid_frame' });
		expect(await stranger.closed()).toBe(4401);
		const socket = await signIn(url, t.person('alice'));
		const id = await t.conversation('alice', 'bob');
		const deep = (n: number, open: string, close: string) => open.repeat(n) + close.repeat(n);
		for (const text of [deep(32_000, '[', ']'), deep(10_000, '{"a":', '}').replace(':}', ':1}')]) {
			socket.say(text);
			expect(['invalid_frame', 'invalid_json']).toContain((await socket.next('error')).code);
		}
		const metadata = `{"a":${deep(8_000, '[', ']')}}`;
		socket.say(JSON.stringify(messageTo(id, 'deep')).replace('"content"', `"metadata":${metadata},"content"`));
		expect((await socket.next('error')).code).toBe('invalid_frame');
		expect(t.rows('select count(*) as n from messages')).toEqual([{ n: 0 }]);
		await socket.quiet();
	});
	test('keys that would reach into every object change nothing but are left out or refused', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const socket = await signIn(t.listen().url, t.person('alice'));
		const frame = JSON.stringify(messageTo(id, 'p1'));
		const polluted =
			'"__proto__":{"polluted":true,"kind":"note","type":"ping"},"constructor":{"prototype":{"polluted":true}},';
		socket.say(frame.replace('{', `{${polluted}`));
		expect((await socket.next('ack')).data).toMatchObject({ content: { text: 'p1' }, kind: 'text' });
		socket.say(frame.replaceAll('p1', 'p2').replace('"content":{', `"content":{${polluted}`));
		expect(Object.keys(((await socket.next('ack')).data as { content?: object }).content ?? {})).toEqual(['text']);
		socket.say(`{"__proto__":{"type":"ping"},"ref":"p3"}`);
		expect(await socket.next('error')).toMatchObject({ code: 'invalid_frame', ref: 'p3' });
		expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
	});
});
