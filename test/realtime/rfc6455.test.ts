import { describe, expect, test } from 'bun:test';
import { type BareSocket, bareSocket, closing, opcodes, wire } from '../support/bare-socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** The protocol of RFC 6455 over a bare connection: what Bun does for us, held fast, because a client relies on it. */

/** alice is signed in, live, and has read everything said so far. */
const alice = async (t: TestApp): Promise<BareSocket> => {
	const socket = await bareSocket(t.listen().port);
	await socket.signIn(t.person('alice'));
	return socket;
};
const ping = (ref: string) => JSON.stringify({ type: 'ping', ref });
const expectPong = async (socket: BareSocket, ref: string) =>
	expect(await socket.json()).toMatchObject({ type: 'pong', ref });
/** expectEnd makes sure that the very next frame is a close frame with a code, that the connection ends and nobody is left. */
const expectEnd = async (t: TestApp, socket: BareSocket, code: number) => {
	const { opcode, payload } = await socket.frame();
	expect([opcode, payload.readUInt16BE(0)]).toEqual([opcodes.close, code]);
	await socket.gone();
	expect(t.services.realtime.connections.all.size).toBe(0);
};
/** A frame of somebody who is signed in that ends the connection. */
const ends = (name: string, code: number, bytes: () => Buffer) =>
	test(`${name}: ${code}`, async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.write(bytes());
		await expectEnd(t, socket, code);
	});
const invalidText = Buffer.from([0x22, 0xff, 0x22]);

describe('the upgrade (section 4)', () => {
	test('proves that the key was read, and takes no extension', async () => {
		using t = await createTestApp();
		const fields = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' };
		const socket = await bareSocket(t.listen().port, { fields });
		expect([socket.status, socket.accepted]).toEqual([101, true]);
		expect(socket.head.toLowerCase()).not.toContain('sec-websocket-extensions');
	});
	test('is refused for another version, and the refusal names ours', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		for (const version of ['8', '12', null]) {
			const socket = await bareSocket(port, { fields: { 'sec-websocket-version': version } });
			expect([version, socket.status]).toEqual([version, 426]);
			expect(socket.head.toLowerCase()).toContain('\r\nsec-websocket-version: 13');
		}
	});
	test('is refused without a key, or with one that is not 16 bytes', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		for (const key of [null, '', 'c2hvcnQ=']) {
			const socket = await bareSocket(port, { fields: { 'sec-websocket-key': key } });
			expect([key, socket.status]).toEqual([key, 426]);
		}
	});
	// section 4.2.1 asks for it; Bun does not look. A proxy that swallows the field breaks nothing this way
	test('goes without "Connection: Upgrade" (by Bun)', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port, { fields: { connection: null } });
		expect([socket.status, socket.accepted]).toEqual([101, true]);
	});
	// we know of no subprotocol; Bun says yes to the first that is offered, which a browser takes for agreed
	test('takes the first subprotocol that is offered (by Bun)', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port, { fields: { 'sec-websocket-protocol': 'a, b' } });
		expect(socket.head.toLowerCase()).toContain('\r\nsec-websocket-protocol: a\r\n');
	});
});

describe('frames (section 5)', () => {
	ends('one that is not masked', 1002, () => wire(ping('1'), { masked: false }));
	for (const rsv of [1, 2, 4]) ends(`a reserved bit (${rsv})`, 1002, () => wire(ping('1'), { rsv }));
	for (const opcode of [3, 7, 11, 15]) ends(`the reserved opcode ${opcode}`, 1002, () => wire(ping('1'), { opcode }));
	ends('one that is binary', 1003, () => wire(ping('1'), { opcode: opcodes.binary }));
	ends('binary fragments', 1003, () =>
		Buffer.concat([wire('{', { opcode: opcodes.binary, fin: false }), wire('}', { opcode: opcodes.continuation })]),
	);

	test('a text comes whole out of fragments, down to one byte and empty ones', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		const text = Buffer.from(ping('ü€😀'));
		socket.say('', { fin: false });
		for (const byte of text) socket.say(Buffer.of(byte), { opcode: opcodes.continuation, fin: false });
		socket.say('', { opcode: opcodes.continuation });
		await expectPong(socket, 'ü€😀');
	});
	test('a frame is read however its bytes arrive: one by one, or many frames in one piece', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		for (const byte of wire(ping('slowly'))) {
			socket.write(Buffer.of(byte));
			await Promise.resolve();
		}
		await expectPong(socket, 'slowly');
		socket.write(Buffer.concat(['a', 'b', 'c'].map((ref) => wire(ping(ref)))));
		for (const ref of ['a', 'b', 'c']) await expectPong(socket, ref);
	});
	test('control frames between fragments are answered at once, and the text goes on', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		const text = ping('1');
		socket.say(text.slice(0, 5), { fin: false });
		socket.say('between', { opcode: opcodes.ping });
		expect(await socket.frame()).toMatchObject({ opcode: opcodes.pong, payload: Buffer.from('between') });
		socket.say('unasked', { opcode: opcodes.pong });
		socket.say(text.slice(5), { opcode: opcodes.continuation });
		await expectPong(socket, '1');
	});
	ends('a continuation of nothing', 1002, () => wire(ping('1'), { opcode: opcodes.continuation }));
	ends('a new text within a fragmented one', 1002, () => Buffer.concat([wire('{', { fin: false }), wire(ping('1'))]));
	ends('a control frame of more than 125 bytes', 1002, () => wire('x'.repeat(126), { opcode: opcodes.ping }));
	ends('a fragmented control frame', 1002, () => wire('x', { opcode: opcodes.ping, fin: false }));

	test('a ping is answered by a pong with its payload, from none to 125 bytes; a pong by nothing', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		for (const payload of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(125, 0xff)]) {
			socket.say(payload, { opcode: opcodes.pong });
			socket.say(payload, { opcode: opcodes.ping });
			const { opcode, payload: echoed } = await socket.frame();
			expect([opcode, echoed.equals(payload)]).toEqual([opcodes.pong, true]);
		}
	});
	test('a ping is answered before anybody has signed in, too', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port);
		socket.say('early', { opcode: opcodes.ping });
		expect(await socket.frame()).toMatchObject({ opcode: opcodes.pong, payload: Buffer.from('early') });
	});

	ends('a text of more than 64 KB', 1009, () => wire('x'.repeat(65_537)));
	ends('fragments that together are more than 64 KB', 1009, () =>
		Buffer.concat(
			[opcodes.text, opcodes.continuation, opcodes.continuation].map((opcode) =>
				wire('x'.repeat(30_000), { opcode, fin: false }),
			),
		),
	);
	ends('a length of a terabyte, before its bytes have come', 1009, () => wire('x', { length: 2 ** 40 }));
	// section 5.2: the highest bit of a length must be 0; for Bun it is a large number
	ends('a length with the highest bit set (by Bun no 1002)', 1009, () =>
		Buffer.of(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	);
	test('a text of exactly 64 KB is read, by a length of 64 bits', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.say(`"${'x'.repeat(65_534)}"`, { lengthBytes: 8 });
		expect(await socket.json()).toMatchObject({ type: 'error', code: 'invalid_frame' });
		// section 5.2 asks for the shortest form of a length; Bun reads the longer ones too
		socket.say(ping('wide'), { lengthBytes: 8 });
		await expectPong(socket, 'wide');
		socket.say(ping('wider'), { lengthBytes: 2 });
		await expectPong(socket, 'wider');
	});
	test('an empty text is a frame that is not JSON, and no reason to end', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.say('');
		expect(await socket.json()).toMatchObject({ type: 'error', code: 'invalid_json' });
		socket.say(ping('1'));
		await expectPong(socket, '1');
	});
	test('whoever goes away in the middle of a frame leaves nothing behind', async () => {
		using t = await createTestApp();
		const { connections } = t.services.realtime;
		const { port } = t.listen();
		for (const left of [wire(ping('1')).subarray(0, 9), wire('{', { fin: false }), Buffer.of(0x81)]) {
			const socket = await bareSocket(port);
			await socket.signIn(t.person('alice'));
			const gone = new Promise<void>((resolve) => connections.onLeave(() => resolve()));
			socket.write(left);
			socket.cut();
			await gone;
			expect(connections.all.size).toBe(0);
		}
	});
});

describe('text (section 8.1)', () => {
	ends('one that is not UTF-8', 1007, () => wire(invalidText));
	ends('half a surrogate pair', 1007, () => wire(Buffer.of(0x22, 0xed, 0xa0, 0x80, 0x22)));
	ends('an overlong form', 1007, () => wire(Buffer.of(0x22, 0xc0, 0xaf, 0x22)));
	ends('one that is not UTF-8 across fragments', 1007, () =>
		Buffer.concat([
			wire(Buffer.of(0x22, 0xc3), { fin: false }),
			wire(Buffer.of(0x22), { opcode: opcodes.continuation }),
		]),
	);
	test('one that is not UTF-8 as the first frame: 1007, too', async () => {
		using t = await createTestApp();
		const socket = await bareSocket(t.listen().port);
		socket.say(invalidText);
		expect(await socket.closed()).toBe(1007);
	});
});

describe('the end (section 7)', () => {
	test('a close frame is echoed with its code, and the connection ends', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		// 1012-1014 were registered after the RFC
		for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4000, 4999]) {
			const socket = await bareSocket(port);
			await socket.signIn(t.person('alice'));
			socket.say(closing(code, 'bye'), { opcode: opcodes.close });
			await expectEnd(t, socket, code);
		}
	});
	test('one without a code is echoed without one', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.say('', { opcode: opcodes.close });
		expect(await socket.frame()).toMatchObject({ opcode: opcodes.close, payload: Buffer.alloc(0) });
		await socket.gone();
	});
	test('one with a code that must not be sent, or that does not exist: 1002', async () => {
		using t = await createTestApp();
		const { port } = t.listen();
		for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535]) {
			const socket = await bareSocket(port);
			await socket.signIn(t.person('alice'));
			socket.say(closing(code), { opcode: opcodes.close });
			await expectEnd(t, socket, 1002);
		}
	});
	ends('one of a single byte', 1002, () => wire('x', { opcode: opcodes.close }));
	ends('a reason that is not UTF-8', 1007, () => wire(closing(1000, invalidText), { opcode: opcodes.close }));
	test('in the middle of a fragmented text it ends that, too', async () => {
		using t = await createTestApp();
		const socket = await alice(t);
		socket.say('{', { fin: false });
		socket.say(closing(1000), { opcode: opcodes.close });
		await expectEnd(t, socket, 1000);
	});
	test('what comes behind a close frame is not read', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const socket = await alice(t);
		const message = { type: 'message', conversationId: id, content: { text: 'too late' }, clientMessageId: 'late-1' };
		socket.write(Buffer.concat([wire(closing(1000), { opcode: opcodes.close }), wire(JSON.stringify(message))]));
		await expectEnd(t, socket, 1000);
		await t.written();
		expect(t.rows('select * from messages')).toEqual([]);
	});
	test('what comes behind our own close frame is not read either', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const socket = await bareSocket(t.listen().port, { stubborn: true });
		await socket.signIn(t.person('alice'));
		await t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${t.person('alice').id}/revoke-tokens` });
		expect(await socket.closed()).toBe(4403);
		const message = { type: 'message', conversationId: id, content: { text: 'too late' }, clientMessageId: 'late-1' };
		for (let i = 0; i < 20; i++) socket.say(JSON.stringify({ ...message, clientMessageId: `late-${i}` }));
		socket.cut();
		await socket.gone();
		await t.written();
		expect(t.rows('select * from messages')).toEqual([]);
	});
});
