/**
 * The first page of documentation, run as a reader would: its three examples word for word, then everything else a chat
 * needs. On the compiled program, or on any server:
 *
 *     BASE_URL=https://chat.site.com BASE_SITE=site.com BASE_KEY=pk_... bun test test/blackbox/seed.test.ts
 *
 * It leaves some twenty users on that server. (The names have no PARLEY_ in front: that is what the server's settings have.)
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { lacking, printed, printedFailure, scripts } from '../contract/first-documentation-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { addSite, type Json, serve } from './program-support.ts';

setDefaultTimeout(30_000);

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
/** Every field of a printed answer must be in the real one, under its name, of its kind. */
const asPrinted = (name: keyof typeof printed, answer: Json) => {
	expect({ [name]: lacking(printed[name].answer, answer) }).toEqual({ [name]: [] });
	return answer.data;
};

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;

interface Target {
	/** Where requests are really sent. */
	url: string;
	resourceId: string;
	key: string;
}

/** A tab of a browser on a page of an origin, as far as the examples can see one. */
const openTab = (origin: string, { url, resourceId, key }: Target) => {
	const kept = new Map<string, string>();
	const localStorage = {
		getItem: (name: string) => kept.get(name) ?? null,
		setItem: (name: string, value: string) => void kept.set(name, value),
	};
	const answers: { status: number; body: Json }[] = [];
	const pageFetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
		const target = new URL(address, origin);
		const headers = new Headers(init.headers);
		headers.set('host', target.host);
		headers.set('sec-fetch-site', 'same-origin');
		if ((init.method ?? 'GET') !== 'GET') headers.set('origin', origin);
		const response = await fetch(url + target.pathname + target.search, { ...init, headers });
		answers.push({ status: response.status, body: await response.clone().json() });
		return response;
	};
	const fill = (source: string, filling: Record<string, string>) =>
		Object.entries(filling).reduce((text, [sample, real]) => text.replaceAll(sample, real), source);
	/** Runs a printed script with nothing but resourceId, names, ids and key filled in, and answers what came back on the wire. */
	const run = async (source: string, filling: Record<string, string>, known: Record<string, unknown> = {}) => {
		const example = new AsyncFunction('fetch', 'localStorage', ...Object.keys(known), fill(source, filling));
		await example(pageFetch, localStorage, ...Object.values(known));
		return answers.at(-1) as { status: number; body: Json };
	};
	const call = async (method: string, path: string, body?: unknown) => {
		const response = await pageFetch(`/api/v1/p2p${path}`, {
			method,
			headers: {
				authorization: `Bearer ${localStorage.getItem('chatToken')}`,
				'x-api-key': key,
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		return { status: response.status, body: (await response.json()) as Json };
	};
	let userId = '';
	return {
		localStorage,
		get id() {
			return userId;
		},
		create: async (username: string) => {
			const email = `${username.split('_')[0]}@example.com`;
			const { status, body } = await run(scripts.createUser, {
				'site.com': resourceId,
				john_doe: username,
				'john@example.com': email,
			});
			expect(status).toBe(201);
			expect(asPrinted('createUser', body)).toMatchObject({ username, email, role: 'user', resourceId });
			userId = body.data.id;
		},
		getToken: async () => {
			const { status, body } = await run(scripts.getChatToken, {}, { userId });
			expect(status).toBe(200);
			expect(asPrinted('getChatToken', body).user).toMatchObject({ id: userId, role: 'user' });
			expect(localStorage.getItem('chatToken')).toBe(body.data.chatToken);
		},
		/** As getToken, where it is expected to be refused: the answer. */
		failToken: async () => {
			await expect(run(scripts.getChatToken, {}, { userId })).rejects.toThrow(TypeError);
			return answers.at(-1) as { status: number; body: Json };
		},
		send: async (conversationId: string) => {
			const { status, body } = await run(scripts.sendMessage, {
				'{conversationId}': conversationId,
				'your-api-key': key,
			});
			expect(status).toBe(201);
			const data = asPrinted('sendMessage', body);
			expect(data).toMatchObject({
				conversationId,
				senderId: userId,
				content: { text: 'How are you?' },
				isRead: false,
			});
			return data;
		},
		call,
	};
};
type Tab = ReturnType<typeof openTab>;

/** What a person does to get two users to talk; each letter is a user. */
type Move = 'create A' | 'create B' | 'token A' | 'token B' | 'open' | 'send';
/** Every order in which the calls can be made at all: each user's own in turn, and the other is there before the chat. */
const orders = (): Move[][] => {
	const before: Record<Move, Move[]> = {
		'create A': [],
		'create B': [],
		'token A': ['create A'],
		'token B': ['create B'],
		open: ['token A', 'create B'],
		send: ['open'],
	};
	const moves = Object.keys(before) as Move[];
	const extend = (done: Move[]): Move[][] =>
		done.length === moves.length
			? [done]
			: moves
					.filter((move) => !done.includes(move) && before[move].every((earlier) => done.includes(earlier)))
					.flatMap((move) => extend([...done, move]));
	return extend([]);
};

/** meet makes the moves in an order, and answers the conversation with its first message. */
const meet = async (order: Move[], a: Tab, b: Tab, names: [string, string]) => {
	let conversation = '';
	let first: Json = null;
	for (const move of order) {
		if (move === 'create A') await a.create(names[0]);
		if (move === 'create B') await b.create(names[1]);
		if (move === 'token A') await a.getToken();
		if (move === 'token B') await b.getToken();
		if (move === 'open') {
			const { status, body } = await a.call('POST', '/conversations', { otherParticipantId: b.id });
			expect(status).toBe(201);
			expect(asPrinted('createConversation', body)).toMatchObject({
				participantOne: a.id,
				participantTwo: b.id,
				status: 'active',
			});
			conversation = body.data.id;
		}
		if (move === 'send') first = await a.send(conversation);
	}
	return { conversation, first };
};

/** converse does everything else two users do with a conversation, and looks at each answer. */
const converse = async (a: Tab, b: Tab, { conversation, first }: { conversation: string; first: Json }) => {
	const at = `/conversations/${conversation}`;
	const ok = async (tab: Tab, method: string, path: string, body?: unknown, status = 200) => {
		const answer = await tab.call(method, path, body);
		expect({ method, path, status: answer.status }).toEqual({ method, path, status });
		expect(answer.body.success).toBe(true);
		return answer.body;
	};

	// either of the two gets the one conversation they have, as it is
	for (const [tab, other] of [
		[a, b],
		[b, a],
	] as const) {
		const found = await ok(tab, 'POST', '/conversations', { otherParticipantId: other.id });
		expect(asPrinted('createConversation', found)).toMatchObject({
			id: conversation,
			participantOne: a.id,
			participantTwo: b.id,
		});
	}

	// view all conversations
	const seen = asPrinted('viewAllConversations', await ok(b, 'GET', '/conversations'));
	expect(seen).toMatchObject({ total: 1, page: 1, limit: 20, totalPages: 1 });
	expect(seen.data).toMatchObject([
		{ id: conversation, messageCount: 1, unreadCountP1: 0, unreadCountP2: 1, unreadCount: 1, status: 'active' },
	]);

	// messages, unread count, mark as read
	const listed = (await ok(b, 'GET', `${at}/messages?page=1&limit=20`)).data;
	expect(listed).toMatchObject({ total: 1, page: 1, limit: 20, totalPages: 1 });
	expect(listed.data).toMatchObject([{ id: first.id, seq: 1, content: { text: 'How are you?' }, isRead: false }]);
	expect((await ok(b, 'GET', '/unread-count')).data).toMatchObject({
		total: 1,
		conversations: [{ id: conversation, unreadCount: 1 }],
	});
	expect((await ok(b, 'POST', `${at}/read`, {})).data).toEqual({ unreadCount: 0 });
	expect((await ok(b, 'GET', '/unread-count')).data).toMatchObject({ total: 0, conversations: [] });
	expect((await ok(a, 'GET', `${at}/messages`)).data.data).toMatchObject([{ id: first.id, isRead: true }]);

	// an answer, counted for the one who has not seen it
	const answer = await b.send(conversation);
	expect(answer.seq).toBe(2);
	const counted = asPrinted('viewAllConversations', await ok(a, 'GET', '/conversations'));
	expect(counted.data).toMatchObject([{ messageCount: 2, unreadCountP1: 1, unreadCountP2: 0 }]);
	expect((await ok(a, 'POST', `${at}/read`)).data).toEqual({ unreadCount: 0 });

	// edit, react, delete
	const text = 'How are you? নমস্কার 👋🏽 — “fine”';
	const edited = asPrinted('sendMessage', await ok(b, 'PATCH', `${at}/messages/${answer.id}`, { content: { text } }));
	expect(edited).toMatchObject({ id: answer.id, content: { text }, editedAt: expect.stringMatching(time) });
	expect((await a.call('PATCH', `${at}/messages/${answer.id}`, { content: { text: 'mine' } })).status).toBe(403);
	const thumb = encodeURIComponent('👍');
	expect((await ok(a, 'PUT', `${at}/messages/${answer.id}/reactions/${thumb}`)).data.reactions).toEqual([
		{ emoji: '👍', count: 1, mine: true },
	]);
	expect((await ok(b, 'GET', `${at}/messages`)).data.data[1].reactions).toEqual([
		{ emoji: '👍', count: 1, mine: false },
	]);
	expect((await ok(a, 'DELETE', `${at}/messages/${answer.id}/reactions/${thumb}`)).data.reactions).toEqual([]);
	const gone = (await ok(b, 'DELETE', `${at}/messages/${answer.id}`)).data;
	expect(gone).toMatchObject({ id: answer.id, seq: 2, content: {}, deletedAt: expect.stringMatching(time) });
	expect((await ok(a, 'GET', `${at}/messages`)).data.data.map((message: Json) => message.content)).toEqual([
		{ text: 'How are you?' },
		{},
	]);

	// archive: for the one who does, until something new is said
	const shown = async (tab: Tab, status: string) =>
		(await ok(tab, 'GET', `/conversations?status=${status}`)).data.data.map((item: Json) => item.id);
	expect((await ok(a, 'POST', `${at}/archive`)).data.status).toBe('archived');
	expect([await shown(a, 'active'), await shown(a, 'archived'), await shown(b, 'active')]).toEqual([
		[],
		[conversation],
		[conversation],
	]);
	expect((await ok(a, 'POST', `${at}/unarchive`)).data.status).toBe('active');
	await ok(a, 'POST', `${at}/archive`);
	await b.send(conversation);
	expect(await shown(a, 'active')).toEqual([conversation]);

	// the table of errors: 400 and 401 in the printed form
	for (const [failure, status] of [
		[await a.call('POST', `${at}/messages`, { content: {} }), 400],
		[await openTabLike(a, 'nonsense').call('GET', '/conversations'), 401],
		[await a.call('PATCH', `${at}/messages/${answer.id}`, { content: { text: 'x' } }), 403],
	] as const) {
		expect(failure.status).toBe(status);
		expect(lacking(printedFailure, failure.body)).toEqual([]);
	}
};
/** The same tab with another token. */
const openTabLike = (tab: Tab, token: string): Tab => {
	const held = tab.localStorage.getItem;
	return {
		...tab,
		call: async (...args) => {
			tab.localStorage.getItem = () => token;
			try {
				return await tab.call(...args);
			} finally {
				tab.localStorage.getItem = held;
			}
		},
	};
};

/** A reverse proxy that keeps the path, and the Host header too or puts its own there. */
const proxyTo = (url: string, keepsHost: boolean) =>
	Bun.serve({
		hostname: '127.0.0.1',
		port: 0,
		fetch: (request) => {
			const { pathname, search } = new URL(request.url);
			const headers = new Headers(request.headers);
			headers.set('x-forwarded-for', '203.0.113.7');
			headers.set('x-forwarded-proto', 'https');
			if (!keepsHost) headers.set('host', new URL(url).host);
			return fetch(url + pathname + search, { method: request.method, headers, body: request.body });
		},
	});

const { BASE_URL, BASE_SITE = 'site.com', BASE_KEY = '' } = process.env;
const suffix = BASE_URL ? `_${Math.random().toString(36).slice(2, 8)}` : '';

describe.each(['the server’s own address', 'a proxy that keeps the host', 'a proxy with a host of its own'] as const)(
	'the first page of documentation, through %s',
	(way) => {
		const folder = tempFolder();
		let stop = async () => folder[Symbol.dispose]();
		afterAll(() => stop());

		let server: Promise<{ url: string; front: string }> | undefined;
		const sites = new Map<number, { resourceId: string; key: string }>();
		const every = orders();
		// a server that runs counts sign-ups by the minute, and this is one address
		const tried = BASE_URL ? every.slice(0, way === 'the server’s own address' ? 8 : 1) : every;

		/** One server for all orders; each order has a site of its own, the first one the site of the scripts. */
		const start = async () => {
			if (BASE_URL) {
				for (const i of tried.keys()) sites.set(i, { resourceId: BASE_SITE, key: BASE_KEY });
				const proxy = way === 'the server’s own address' ? null : proxyTo(BASE_URL, way.endsWith('keeps the host'));
				stop = async () => void (await proxy?.stop(true));
				return { url: new URL(BASE_URL).origin, front: proxy ? proxy.url.origin : new URL(BASE_URL).origin };
			}
			expect(readdirSync(folder.path)).toEqual([]);
			for (const i of tried.keys()) {
				const { resourceId, publishableKey } = await addSite(folder.path, i === 0 ? 'site.com' : `shop-${i}.com`);
				sites.set(i, { resourceId, key: publishableKey });
			}
			const running = await serve(folder.path);
			const proxy = way === 'the server’s own address' ? null : proxyTo(running.url, way.endsWith('keeps the host'));
			stop = async () => {
				await proxy?.stop(true);
				expect(await running.stop()).toBe(0);
				expect(readdirSync(folder.path)).toEqual(['data']);
				folder[Symbol.dispose]();
			};
			return { url: running.url, front: proxy ? proxy.url.origin : running.url };
		};

		for (const [i, order] of tried.entries())
			test(`works in the order ${order.join(', ')}`, async () => {
				server ??= start();
				const { url, front } = await server;
				const { resourceId, key } = sites.get(i) ?? { resourceId: '', key: '' };
				const origin = way === 'the server’s own address' ? url : `https://${resourceId}`;
				const target = { url: front, resourceId, key };
				const [a, b] = [openTab(origin, target), openTab(origin, target)];
				const tag = suffix && `${suffix}${i}${way.length}`;
				const met = await meet(order, a, b, [`john_doe${tag}`, `jane_doe${tag}`]);
				await converse(a, b, met);

				// whoever reloads the page has a token; whoever only knows the id gets none, and is told what would help
				const { status, body } = await a.failToken();
				expect([status, body.code]).toEqual([401, 'identity_proof_required']);
				expect(body.message).toContain('Bearer');
			});

		test('a page that is reloaded before the first call gets a token each time, and the newest works', async () => {
			server ??= start();
			const { url, front } = await server;
			const { resourceId, key } = sites.get(0) ?? { resourceId: '', key: '' };
			const origin = way === 'the server’s own address' ? url : `https://${resourceId}`;
			const tab = openTab(origin, { url: front, resourceId, key });
			await tab.create(`jim_doe${suffix}${suffix && way.length}`);
			await tab.getToken();
			const older = tab.localStorage.getItem('chatToken') ?? '';
			await tab.getToken();
			expect((await openTabLike(tab, older).call('GET', '/conversations')).status).toBe(401);
			expect((await tab.call('GET', '/conversations')).status).toBe(200);
		});
	},
);
