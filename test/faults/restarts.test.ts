/**
 * The server is ended again and again while messages flow: by `kill -9` and by SIGTERM in turns. Whoever listens, by
 * whatever way, must be told every message exactly once and in its place.
 *
 *     RESTARTS=200 bun test test/faults/restarts.test.ts
 */
import { expect, test } from 'bun:test';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient, type Message } from '../../src/client/client.ts';
import { type Client as Asking, addSite, client as askAt } from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { freePort, readStream, type Said, type Serving, serveAgain } from './restart-support.ts';

const restarts = Number(process.env.RESTARTS ?? 20);
const usersCount = 100;
const clientsPerUser = 2;
/** One stream for each of the first users, one poll for each of the last. */
const streamsCount = 50;
const pollsCount = 50;
/** Between two messages of a user. */
const pauseMsMax = 1_200;
/** A server runs for a random time up to this: some are ended before everybody is back. */
const runMsMax = 2_400;
/** How long everything may take to arrive at the end, and what a server may take to end in order. */
const settleMsMax = 40_000;
const stopMsMax = 8_000;

const random = (max: number): number => Math.floor(Math.random() * max);
const settled = async (isSo: () => boolean): Promise<boolean> => {
	const end = performance.now() + settleMsMax;
	while (!isSo() && performance.now() < end) await Bun.sleep(25);
	return isSo();
};

interface User {
	id: string;
	token: string;
	conversation: string;
}
/** What somebody who listens was told. */
interface Listener {
	name: string;
	user: User;
	told: { id: string; seq: number; place: number }[];
	resets: number;
}
const placeOf = (cursor: string): number => Number(cursor.split('.')[1]);

/** Users in pairs, each with a conversation and a token. */
const makeUsers = async (ask: Asking, key: string, count: number): Promise<User[]> => {
	const made = await Promise.all(
		Array.from({ length: count }, async (_, i) => {
			const { id } = (await ask('/users', { key, body: { username: `user${i}` } })).body.data;
			const { chatToken } = (await ask('/users/chat-token', { key, body: { userId: id } })).body.data;
			return { id, token: chatToken, conversation: '' };
		}),
	);
	for (let i = 0; i + 1 < made.length; i += 2) {
		const [one, two] = [made[i] as User, made[i + 1] as User];
		const body = { participantOne: one.id, participantTwo: two.id };
		one.conversation = (await ask('/p2p/conversations', { key, body })).body.data.id;
		two.conversation = one.conversation;
	}
	return made;
};
/** All messages of a conversation as the server lists them, in order. */
const listAll = async (ask: Asking, key: string, { token, conversation }: User): Promise<Message[]> => {
	const all: Message[] = [];
	let before = '';
	do {
		const path = `/p2p/conversations/${conversation}/messages?limit=100${before && `&before=${before}`}`;
		const { data, hasMoreBefore } = (await ask(path, { key, token })).body.data;
		all.unshift(...data);
		before = hasMoreBefore ? data[0].id : '';
	} while (before);
	return all;
};

const listenBy = (name: string, user: User): Listener => ({ name, user, told: [], resets: 0 });
const hearClient = (client: Client, listener: Listener) => {
	client.on('message.created', ({ id, data }) =>
		listener.told.push({ id: data.id, seq: data.seq, place: placeOf(id) }),
	);
	client.on('reset', () => listener.resets++);
};
/** note: without what a client does against repetition: a stream must not repeat by itself */
const hearStream = (url: string, key: string, listener: Listener, caughtUp: () => void) =>
	readStream(url, key, listener.user.token, ({ type, id, data }) => {
		if (type === 'message.created') listener.told.push({ id: data.data.id, seq: data.data.seq, place: placeOf(id) });
		else if (type === 'reset') listener.resets++;
		else if (type === 'caught_up') caughtUp();
	});

test(
	`${restarts} restarts under load: every socket, stream and poll is told every message exactly once and in order`,
	async () => {
		using folder = tempFolder();
		const { publishableKey: key, secretKey } = await addSite(folder.path, 'site.com');
		const port = await freePort();
		const url = `http://127.0.0.1:${port}`;
		const ask = askAt(url);
		let server: Serving = await serveAgain(folder.path, port);
		const clients: Client[] = [];
		const streams: { close(): Promise<void> }[] = [];
		let sending = true;
		try {
			const users = await makeUsers(ask, secretKey, usersCount);
			const listeners: Listener[] = [];
			const writers: { user: User; own: Client[] }[] = [];
			const clientOf = (user: User, transport: 'socket' | 'poll', name: string): Client => {
				const client = createClient({ url, apiKey: key, token: user.token, transport });
				const listener = listenBy(name, user);
				hearClient(client, listener);
				listeners.push(listener);
				clients.push(client);
				client.connect();
				return client;
			};
			let streaming = 0;
			for (const [i, user] of users.entries()) {
				const own = Array.from({ length: clientsPerUser }, (_, n) => clientOf(user, 'socket', `socket ${n} of ${i}`));
				writers.push({ user, own });
				if (i >= usersCount - pollsCount) clientOf(user, 'poll', `poll of ${i}`);
				if (i < streamsCount) {
					const listener = listenBy(`stream of ${i}`, user);
					listeners.push(listener);
					streams.push(hearStream(url, key, listener, () => streaming++));
				}
				// note: so many may be on their way in from one address; the others are asked to wait
				if (i % 5 === 0) await settled(() => clients.every(({ state }) => state === 'live'));
			}
			expect(await settled(() => clients.every(({ state }) => state === 'live') && streaming === streamsCount)).toBe(
				true,
			);

			const sent: { text: string; writer: string; message: Message | null; times: number }[] = [];
			const failures: unknown[] = [];
			const work = writers.map(async ({ user, own }, u) => {
				await Bun.sleep(random(pauseMsMax));
				for (let n = 0; sending; n++) {
					const c = random(own.length);
					const made = { text: `${u} ${n}`, writer: `${u} ${c}`, message: null as Message | null, times: 0 };
					sent.push(made);
					own[c]?.send(user.conversation, made.text).then(
						(message) => {
							made.message = message;
							made.times++;
						},
						(error) => failures.push(error),
					);
					await Bun.sleep(random(pauseMsMax));
				}
			});

			const stops: number[] = [];
			for (let n = 0; n < restarts; n++) {
				await Bun.sleep(random(runMsMax));
				const signal = n % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
				const began = performance.now();
				const code = await server.end(signal);
				if (signal === 'SIGTERM') {
					stops.push(Math.round(performance.now() - began));
					expect(code).toBe(0);
				}
				expect(await server.stderr).toBe('');
				server = await serveAgain(folder.path, port);
			}
			sending = false;
			await Promise.all(work);
			const began = performance.now();
			await settled(() => sent.every(({ message }) => message !== null));
			expect(failures).toEqual([]);
			expect(sent.filter(({ times }) => times !== 1)).toEqual([]);

			// what the server has is what was sent, once each, and each writer's in their order
			const stored = new Map<string, Message[]>();
			for (const user of users.filter((_, i) => i % 2 === 0))
				stored.set(user.conversation, await listAll(ask, key, user));
			const all = [...stored.values()].flat();
			const byText = new Map(all.map((message) => [message.content.text as string, message]));
			expect(all.length).toBe(sent.length);
			expect(sent.filter(({ text, message }) => byText.get(text)?.id !== message?.id)).toEqual([]);
			for (const own of Map.groupBy(sent, ({ writer }) => writer).values()) {
				const order = own.map(({ message }) => message?.seq ?? 0);
				expect(order).toEqual(order.toSorted((a, b) => a - b));
			}

			const expected = (listener: Listener) => stored.get(listener.user.conversation) ?? [];
			await settled(() => listeners.every((listener) => listener.told.length >= expected(listener).length));
			const settledMs = Math.round(performance.now() - began);
			const wrong = listeners.flatMap((listener) => {
				const seqs = listener.told.map(({ seq }) => seq);
				const faults = [
					listener.resets > 0 && 'was told to begin anew',
					listener.told.some(({ place }, i) => i > 0 && place <= (listener.told[i - 1]?.place ?? 0)) &&
						'places do not grow',
					JSON.stringify(listener.told.map(({ id }) => id)) !==
						JSON.stringify(expected(listener).map(({ id }) => id)) &&
						`has ${seqs.length} of ${expected(listener).length}, without ${expected(listener)
							.map(({ seq }) => seq)
							.filter((seq) => !seqs.includes(seq))}`,
				].filter(Boolean);
				return faults.length > 0 ? [`${listener.name}: ${faults.join(', ')}`] : [];
			});
			expect(wrong).toEqual([]);
			expect(stops.filter((ms) => ms > stopMsMax)).toEqual([]);
			console.log(
				`${restarts} restarts, ${all.length} messages to ${listeners.length} listeners; SIGTERM took ${stops.join(' ')} ms; settled in ${settledMs} ms`,
			);
			expect(all.length).toBeGreaterThan(restarts * usersCount);
		} finally {
			sending = false;
			for (const client of clients) client.close();
			await server.end('SIGKILL');
			await Promise.all(streams.map((stream) => stream.close()));
		}
	},
	restarts * 10_000 + 2 * settleMsMax,
);

test('an older copy of the data that is put back: whoever listens is told to begin anew, and then what happens', async () => {
	using folder = tempFolder();
	const { publishableKey: key, secretKey } = await addSite(folder.path, 'site.com');
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const ask = askAt(url);
	const data = join(folder.path, 'data', 'parley.db');
	const copy = join(folder.path, 'copy.db');
	const closing: { close(): unknown }[] = [];
	let server: Serving = await serveAgain(folder.path, port);
	try {
		const [one, two] = (await makeUsers(ask, secretKey, 2)) as [User, User];
		const writer = createClient({ url, apiKey: key, token: two.token });
		const write = (text: string) => writer.send(one.conversation, text);
		const listeners: Listener[] = [];
		let caughtUp = 0;
		const clients = (['socket', 'poll'] as const).map((transport) => {
			const client = createClient({ url, apiKey: key, token: one.token, transport });
			const listener = listenBy(transport, one);
			hearClient(client, listener);
			listeners.push(listener);
			closing.push(client);
			client.connect();
			return client;
		});
		const listener = listenBy('stream', one);
		listeners.push(listener);
		closing.push(hearStream(url, key, listener, () => caughtUp++));
		const allHave = (id: string) => settled(() => listeners.every(({ told }) => told.some((item) => item.id === id)));
		expect(await settled(() => clients.every(({ state }) => state === 'live') && caughtUp === 1)).toBe(true);

		expect(await allHave((await write('in the copy')).id)).toBe(true);
		expect(await server.end('SIGTERM')).toBe(0);
		expect(readdirSync(join(folder.path, 'data')).filter((name) => name.startsWith('parley.db'))).toEqual([
			'parley.db',
		]);
		copyFileSync(data, copy);
		server = await serveAgain(folder.path, port);
		for (let n = 0; n < 5; n++) await write(`lost ${n}`);
		expect(await allHave((await write('lost at last')).id)).toBe(true);
		expect(await settled(() => clients.every(({ state }) => state === 'live'))).toBe(true);
		const lost = clients[0]?.cursor;
		expect(listeners.map(({ resets }) => resets)).toEqual([0, 0, 0]);

		expect(await server.end('SIGTERM')).toBe(0);
		copyFileSync(copy, data);
		server = await serveAgain(folder.path, port);
		expect(await settled(() => listeners.every(({ resets }) => resets === 1))).toBe(true);
		for (let n = 0; n < 10; n++) await write(`after ${n}`);
		expect(await allHave((await write('after all')).id)).toBe(true);
		expect(listeners.map(({ resets }) => resets)).toEqual([1, 1, 1]);

		// a cursor of the life that is gone, at an id that means something else now
		const late = createClient({ url, apiKey: key, token: one.token, since: lost });
		const heard = listenBy('late', one);
		hearClient(late, heard);
		closing.push(late);
		expect(placeOf(lost ?? '')).toBeLessThan(placeOf(clients[0]?.cursor ?? ''));
		late.connect();
		expect(await settled(() => late.state === 'live')).toBe(true);
		expect(heard).toMatchObject({ resets: 1, told: [] });
	} finally {
		for (const open of closing) await open.close();
		await server.end('SIGKILL');
	}
}, 60_000);

test('a server that stops says so to everybody, also to a socket that has not said who it is', async () => {
	using folder = tempFolder();
	const { publishableKey: key, secretKey } = await addSite(folder.path, 'site.com');
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	await using server = await serveAgain(folder.path, port);
	const [one] = (await makeUsers(askAt(url), secretKey, 2)) as [User, User];
	const open = async () => {
		const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/realtime`);
		const ended = new Promise<number>((resolve) => {
			ws.onclose = ({ code }) => resolve(code);
		});
		await new Promise((resolve) => {
			ws.onopen = resolve;
		});
		return { ws, ended };
	};
	const stranger = await open();
	const known = await open();
	const ready = new Promise<void>((resolve) => {
		known.ws.onmessage = ({ data }) => String(data).includes('caught_up') && resolve();
	});
	known.ws.send(JSON.stringify({ type: 'auth', token: one.token, apiKey: key }));
	await ready;
	const said: Said[] = [];
	const stream = readStream(url, key, one.token, (heard) => said.push(heard));
	expect(await settled(() => said.at(-1)?.type === 'caught_up')).toBe(true);
	const headers = { 'x-api-key': key, authorization: `Bearer ${one.token}` };
	const poll = fetch(`${url}/api/v1/events?wait=25`, { headers });
	// note: a poll that waits shows nowhere; a call behind it has come later
	await fetch(`${url}/api/v1/users/me`, { headers });
	expect(await server.end('SIGTERM')).toBe(0);
	expect([await stranger.ended, await known.ended]).toEqual([1001, 1001]);
	expect(said.at(-1)?.data).toMatchObject({ type: 'closed', closeCode: 1001 });
	expect((await poll).status).toBe(503);
	// nothing of it is a fault
	expect(await server.stderr).toBe('');
	await stream.close();
});
