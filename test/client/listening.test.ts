import { describe, expect, spyOn, test } from 'bun:test';
import { join } from 'node:path';
import { createClient, type EventPage, type Failure, type State } from '../../src/client/client.ts';
import { minute } from '../../src/kernel/clock.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';
import {
	become,
	clientOf,
	eventually,
	front,
	line,
	live,
	next,
	online,
	texts,
	unhurried,
	within,
} from './client-support.ts';

/** The states a client goes through from here on. */
const states = (client: { on(type: 'state', listener: (state: State) => void): unknown }): State[] => {
	const seen: State[] = [];
	client.on('state', (state) => seen.push(state));
	return seen;
};
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
const sendAll = async (t: TestApp, talk: string, all: string[]) => {
	for (const text of all) await t.send('bob', talk, text);
};

/** manyTries waits until a client has tried so often, without its pauses. */
const manyTries = (wire: { made: number }, n: number) => {
	const { made } = wire;
	const isSo = () => {
		online();
		return wire.made >= made + n;
	};
	return eventually(isSo, `${n} tries`);
};

for (const transport of ['socket', 'poll'] as const)
	describe(`by ${transport}`, () => {
		test('every event is told exactly once and in order, over cuts at any moment', async () => {
			using t = await createTestApp();
			const talk = await t.conversation('alice', 'bob');
			using wire = await line(t.listen().url);
			const alice = clientOf(t, wire.url, 'alice', { transport });
			const told = texts(alice);
			await live(alice);
			for (let n = 0; n < 5; n++) {
				const sent = sendAll(t, talk, numbers(n * 10 + 1, n * 10 + 10));
				// in the middle of what is told live
				await eventually(() => told.length >= n * 10 + 1, 'the first of them');
				wire.cut();
				await sent;
			}
			await eventually(() => told.length >= 50, 'the last one');
			// what comes twice would come before what is sent after it
			await become(alice, 'live');
			await t.send('bob', talk, 'the end');
			await eventually(() => told.includes('the end'), 'the end');
			expect(told).toEqual([...numbers(1, 50), 'the end']);
		});

		test('what happened while it was away is told when it comes back, also to another run', async () => {
			using t = await createTestApp();
			const talk = await t.conversation('alice', 'bob');
			const { url } = t.listen();
			const first = await live(clientOf(t, url, 'alice', { transport }));
			await Promise.all([next(first, 'message.created'), t.send('bob', talk, '1')]);
			const since = first.cursor;
			first.close();
			await sendAll(t, talk, numbers(2, 250));
			const second = clientOf(t, url, 'alice', { transport, since });
			const told = texts(second);
			await live(second);
			await eventually(() => told.length >= 249, 'all of them');
			expect(told).toEqual(numbers(2, 250));
		});

		test('a cursor of another life is answered by reset, and events go on', async () => {
			using t = await createTestApp();
			const talk = await t.conversation('alice', 'bob');
			const alice = clientOf(t, t.listen().url, 'alice', { transport, since: 'another.17.abc' });
			const told = texts(alice);
			const reset = next(alice, 'reset');
			await live(alice);
			expect((await reset).cursor).toBe(t.services.eventLog.cursor());
			await t.send('bob', talk, 'after');
			await eventually(() => told.length > 0, 'the message');
			expect(told).toEqual(['after']);
		});

		test('close() ends it at once, and connect() begins again behind the last event', async () => {
			using t = await createTestApp();
			const talk = await t.conversation('alice', 'bob');
			const alice = clientOf(t, t.listen().url, 'alice', { transport });
			const told = texts(alice);
			await live(alice);
			alice.close();
			expect(alice.state).toBe('closed');
			await t.send('bob', talk, 'meanwhile');
			// note: the first connection may still be about to end
			alice.connect();
			await eventually(() => told.length > 0, 'the message');
			await become(alice, 'live');
			expect(told).toEqual(['meanwhile']);
			alice.close();
			await eventually(() => t.services.realtime.connections.all.size === 0, 'nobody to be connected');
		});

		test('a listener may close it in the middle of what is told', async () => {
			using t = await createTestApp();
			const talk = await t.conversation('alice', 'bob');
			const since = t.services.eventLog.cursor();
			await sendAll(t, talk, numbers(1, 5));
			const alice = clientOf(t, t.listen().url, 'alice', { transport, since });
			const told = texts(alice);
			alice.on('message.created', ({ data }) => data.seq === 3 && alice.close());
			alice.connect();
			await become(alice, 'closed');
			expect(told).toEqual(numbers(1, 3));
			const seen = states(alice);
			alice.connect();
			await eventually(() => told.length === 5, 'the rest');
			await become(alice, 'live');
			expect([told, seen]).toEqual([numbers(1, 5), ['connecting', 'live']]);
		});
	});

test('an event that is told twice is told on once', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const talk = await t.conversation('alice', 'bob');
	const since = t.services.eventLog.cursor();
	await sendAll(t, talk, numbers(1, 3));
	const page = (await (
		await fetch(`${url}/api/v1/events?since=${since}`, { headers: t.credentials('alice') })
	).json()) as { data: EventPage };
	let asked = 0;
	using stutterer = front(url, (request, pass) => {
		if (!request.url.includes('/events') || ++asked > 3) return pass();
		// one more each time, from the first on
		const data = page.data.data.slice(0, asked);
		return Response.json({ success: true, data: { ...page.data, data, cursor: data.at(-1)?.id, hasMore: true } });
	});
	const alice = clientOf(t, stutterer.url, 'alice', { transport: 'poll', since });
	const told = texts(alice);
	await live(alice);
	expect([told, asked]).toEqual([numbers(1, 3), 4]);
});

describe('a connection', () => {
	test('that swallows everything is noticed by a ping, and made anew', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		using wire = await line(t.listen().url);
		const alice = clientOf(t, wire.url, 'alice', { transport: 'socket', pingSeconds: 0.5 });
		const told = texts(alice);
		await live(alice);
		const seen = states(alice);
		wire.swallow(true);
		await t.send('bob', talk, 'unheard');
		await become(alice, 'waiting');
		wire.swallow(false);
		await become(alice, 'live');
		await eventually(() => told.length > 0, 'the message');
		expect(told).toEqual(['unheard']);
		expect(seen[0]).toBe('waiting');
	});

	test('that is quiet is kept by pings, and its cursor goes on with the log', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('bob', 'carol');
		using wire = await line(t.listen().url);
		const alice = await live(clientOf(t, wire.url, 'alice', { transport: 'socket', pingSeconds: 0.2 }));
		const seen = states(alice);
		for (let n = 0; n < 3; n++) {
			await t.send('bob', talk, 'not for alice');
			await eventually(() => alice.cursor === t.services.eventLog.cursor(), 'the cursor to follow');
		}
		expect([seen, wire.made]).toEqual([[], 1]);
	});

	test('that nothing answers at all does not hold up the next try', async () => {
		using t = await createTestApp();
		using wire = await line(t.listen().url);
		wire.swallow(true);
		const alice = clientOf(t, wire.url, 'alice', { transport: 'socket', pingSeconds: 0.5 });
		alice.connect();
		await become(alice, 'waiting');
		wire.swallow(false);
		await become(alice, 'live');
		expect(wire.made).toBeGreaterThan(1);
	});

	test('of a server that stops is made again, not by all at the same moment', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const all = await Promise.all(
			(['alice', 'bob', 'carol'] as const).flatMap((name) =>
				Array.from({ length: 4 }, () => live(clientOf(t, url, name, { transport: 'socket' }))),
			),
		);
		const at: number[] = [];
		for (const client of all) client.on('state', (state) => state === 'connecting' && at.push(performance.now()));
		const { connections } = t.services.realtime;
		for (const connection of [...connections.all]) connections.end(connection, 'going_away');
		await Promise.all(all.map((client) => become(client, 'waiting')));
		await Promise.all(all.map((client) => become(client, 'live')));
		expect(at).toHaveLength(12);
		expect(Math.max(...at) - Math.min(...at)).toBeGreaterThan(100);
		expect(new Set(at.map((time) => Math.round(time / 20))).size).toBeGreaterThan(3);
	});

	test('behind a proxy that knows no WebSocket is made by polling', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		using proxy = front(t.listen().url, (_, pass) => pass());
		const alice = clientOf(t, proxy.url, 'alice');
		const told = texts(alice);
		await live(alice);
		await t.send('bob', talk, 'hello');
		await eventually(() => told.length > 0, 'the message');
		expect(told).toEqual(['hello']);
		expect(proxy.requests.filter(({ path }) => path === '/realtime')).toHaveLength(3);
	});

	test('by polling tries a socket again after a while, and goes on polling where there is none', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		using proxy = front(t.listen().url, (_, pass) => pass());
		const alice = clientOf(t, proxy.url, 'alice');
		const told = texts(alice);
		await live(alice);
		const sockets = () => proxy.requests.filter(({ path }) => path === '/realtime').length;
		const before = sockets();
		const clock = spyOn(Date, 'now').mockReturnValue(Date.now() + 6 * minute);
		try {
			await t.send('bob', talk, 'one');
			await eventually(() => sockets() > before, 'a socket to be tried');
		} finally {
			clock.mockRestore();
		}
		await t.send('bob', talk, 'two');
		await eventually(() => told.length >= 2, 'both messages');
		expect(told).toEqual(['one', 'two']);
		expect(sockets()).toBe(before + 1);
	});

	test('to a server that is away at first is made once it is there', async () => {
		using t = await createTestApp();
		using wire = await line(t.listen().url);
		wire.close(true);
		const alice = clientOf(t, wire.url, 'alice');
		alice.connect();
		// long enough that polling was tried, too
		await manyTries(wire, 5);
		expect(alice.state).not.toBe('live');
		wire.close(false);
		await become(alice, 'live');
		expect(t.services.realtime.connections.all.size).toBeLessThanOrEqual(1);
	});

	test('that was a socket once never becomes a poll', async () => {
		using t = await createTestApp();
		using wire = await line(t.listen().url);
		const alice = await live(clientOf(t, wire.url, 'alice'));
		wire.close(true);
		await manyTries(wire, 5);
		wire.close(false);
		online();
		await become(alice, 'live');
		expect(new Set(wire.paths)).toEqual(new Set(['/api/v1/realtime']));
	});

	test('is tried again at once when the browser says that there is a line', async () => {
		using t = await createTestApp();
		using wire = await line(t.listen().url);
		const alice = await live(clientOf(t, wire.url, 'alice', { transport: 'socket' }));
		using _ = unhurried();
		wire.cut();
		await become(alice, 'waiting');
		online();
		await become(alice, 'live');
		expect(wire.made).toBe(2);
	});
});

describe('what passes', () => {
	test('watch is said again after a cut', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const { url } = t.listen();
		using wire = await line(url);
		const alice = await live(clientOf(t, wire.url, 'alice', { transport: 'socket' }));
		const first = next(alice, 'presence');
		alice.watch(talk);
		expect((await first).data).toMatchObject({ userId: t.person('bob').id, online: false });
		const again = next(alice, 'presence');
		wire.cut();
		expect((await again).data.online).toBe(false);
		const arrived = next(alice, 'presence', ({ data }) => data.online);
		await live(clientOf(t, url, 'bob', { transport: 'socket' }));
		expect((await arrived).data.userId).toBe(t.person('bob').id);
	});

	test('watch and typing may be said at any moment: before it is signed in they do it no harm', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		// one that the server has not seen yet: it has to wait for its signature to be checked
		const { chatToken: token } = await t.services.tokens.mintByOperator(t.person('alice').id);
		const alice = clientOf(t, t.listen().url, 'alice', { transport: 'socket', token });
		const presence = next(alice, 'presence');
		const seen = states(alice);
		const Real = globalThis.WebSocket;
		// right behind its first frame, before the server can have answered that
		const between = spyOn(globalThis, 'WebSocket').mockImplementation(((url: string) => {
			const ws = new Real(url);
			queueMicrotask(() =>
				ws.addEventListener('open', () => {
					alice.watch(talk);
					alice.typing(talk);
				}),
			);
			return ws;
		}) as never);
		alice.connect();
		await become(alice, 'live').finally(() => between.mockRestore());
		expect((await presence).data.userId).toBe(t.person('bob').id);
		expect(seen).toEqual(['connecting', 'live']);
	});

	test('typing goes by a call where there is no socket', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const { url } = t.listen();
		const bob = await live(clientOf(t, url, 'bob', { transport: 'socket' }));
		const typing = next(bob, 'typing');
		clientOf(t, url, 'alice').typing(talk);
		expect((await typing).data).toEqual({ userId: t.person('alice').id, typing: true, note: false });
		const stopped = next(bob, 'typing');
		const alice = await live(clientOf(t, url, 'alice', { transport: 'socket' }));
		alice.typing(talk, false);
		expect((await stopped).data.typing).toBe(false);
	});

	test('a frame that is refused does not end the connection', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('bob', 'carol');
		const own = await t.conversation('alice', 'bob');
		const alice = await live(clientOf(t, t.listen().url, 'alice', { transport: 'socket' }));
		const seen = states(alice);
		alice.watch(talk);
		alice.typing(talk);
		const told = next(alice, 'message.created');
		await t.send('bob', own);
		await told;
		expect(seen).toEqual([]);
	});
});

describe('listening', () => {
	test('one who fails keeps nothing from the others, and the failure is not swallowed', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const { url } = t.listen();
		const { token, site } = t.person('alice');
		// note: a failure that nobody catches ends a test, so it happens elsewhere
		const child = Bun.spawn(
			[
				process.execPath,
				'-e',
				`
			import { createClient } from ${JSON.stringify(join(import.meta.dir, '../../src/client/client.ts'))};
			process.on('uncaughtException', (error) => console.log('uncaught', error.message));
			const client = createClient(${JSON.stringify({ url, apiKey: site.publishableKey, token })});
			client.on('message.created', () => { throw new Error('mine'); });
			client.on('message.created', ({ data }) => {
				console.log(data.content.text);
				if (data.seq === 2) setTimeout(() => client.close());
			});
			client.on('state', (state) => console.log(state));
			client.connect();
		`,
			],
			{ stdout: 'pipe', stderr: 'inherit' },
		);
		const lines: string[] = [];
		const read = (async () => {
			const decoder = new TextDecoder();
			for await (const chunk of child.stdout) lines.push(...decoder.decode(chunk).split('\n').filter(Boolean));
		})();
		await eventually(() => lines.includes('live'), 'the other process to be live');
		await sendAll(t, talk, ['one', 'two']);
		await within(read, 'the other process to end');
		expect(lines).toEqual(['connecting', 'live', 'one', 'uncaught mine', 'two', 'uncaught mine', 'closed']);
		expect(await child.exited).toBe(0);
	});

	test('what on() returns ends it', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const alice = clientOf(t, t.listen().url, 'alice');
		const told: unknown[] = [];
		const off = alice.on('message.created', (event) => told.push(event));
		await live(alice);
		off();
		const heard = next(alice, 'message.created');
		await t.send('bob', talk);
		await heard;
		expect(told).toEqual([]);
	});

	test('events() gives what happens from its call on, and ends with the connection', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const alice = await live(clientOf(t, t.listen().url, 'alice'));
		const before = next(alice, 'message.created');
		await t.send('bob', talk, 'before');
		await before;
		const all = alice.events();
		// before the first step is asked for
		const heard = next(alice, 'message.created', ({ data }) => data.seq === 3);
		await sendAll(t, talk, ['one', 'two']);
		await heard;
		const told: string[] = [];
		const reading = (async () => {
			for await (const event of all)
				told.push(event.type === 'message.created' ? `${event.data.content.text}` : event.type);
		})();
		const last = next(alice, 'message.created', ({ data }) => data.seq === 4);
		await t.send('bob', talk, 'three');
		await last;
		alice.close();
		await within(reading, 'the iteration to end');
		expect(told).toEqual(['one', 'two', 'three']);
	});

	test('events() tells of a reset among them', async () => {
		using t = await createTestApp();
		const alice = clientOf(t, t.listen().url, 'alice', { since: 'another.17.abc' });
		const all = alice.events();
		alice.connect();
		expect((await within(all.next(), 'the reset')).value).toEqual({
			type: 'reset',
			cursor: t.services.eventLog.cursor(),
		});
		await all.return?.();
	});

	test('events() given back ends at once, also where somebody waits, and holds nothing any more', async () => {
		using t = await createTestApp();
		const alice = clientOf(t, t.listen().url, 'alice');
		const waits = alice.events();
		const never = alice.events();
		const next = waits.next();
		await waits.return?.();
		await never.return?.();
		expect(await within(next, 'the wait to end')).toEqual({ done: true, value: undefined });
		alice.connect();
		await become(alice, 'live');
		await t.send('bob', await t.conversation('alice', 'bob'), 'hello');
		expect(await never.next()).toEqual({ done: true, value: undefined });
	});

	test('without a token is refused in words, and not tried', async () => {
		using t = await createTestApp();
		const alice = createClient({ url: t.listen().url, apiKey: t.home.publishableKey });
		const failure = new Promise<Failure>((resolve) => alice.on('failure', resolve));
		alice.connect();
		expect(await within(failure, 'the failure')).toMatchObject({ code: 'token_required' });
		expect(alice.state).toBe('closed');
	});
});
