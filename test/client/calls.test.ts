import { describe, expect, test } from 'bun:test';
import { createClient, Failure, type FailureCode, uuid7 } from '../../src/client/client.ts';
import { day } from '../../src/kernel/clock.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';
import { become, clientAt, clientOf, front, hastened, live, next, refusal } from './client-support.ts';

/** What a call throws. */
const thrown = async (promise: Promise<unknown>): Promise<Failure> => {
	const error = await promise.then(
		() => new Error('it went well'),
		(found) => found,
	);
	if (!(error instanceof Failure)) throw error;
	return error;
};
/** A provider of tokens that counts: the first is alice's own, the others are made anew. */
const provider = (t: TestApp) => {
	const asked: (string | undefined)[] = [];
	return {
		asked,
		token: async (refused?: string) => {
			asked.push(refused);
			return asked.length === 1 ? t.person('alice').token : t.renew('alice');
		},
	};
};

describe('failures', () => {
	test('a refusal is thrown with its code, status and all that the server says of it', async () => {
		using t = await createTestApp();
		const alice = clientOf(t, t.listen().url, 'alice');
		const absent = await thrown(alice.conversation('conv_01jqzk8w3tfm8rb3t2xv5yh9pd'));
		expect([absent.code, absent.status]).toEqual(['not_found', 404] as [FailureCode, number]);
		expect(absent.details.requestId).toBeString();
		const wrong = await thrown(alice.post('/p2p/conversations', { otherParticipantId: 5 }));
		expect([wrong.code, wrong.status]).toEqual(['invalid_request', 400] as [FailureCode, number]);
		expect(wrong.details.errors).toBeArray();
	});

	test('a server that is not there, and an answer that is none, are "network"', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		using gone = front(url, () => new Response('<h1>Bad gateway</h1>', { status: 502 }));
		for (const address of ['http://127.0.0.1:1', gone.url]) {
			const failure = await thrown(clientOf(t, address, 'alice').post('/p2p/conversations', {}));
			expect([failure.code, failure.status]).toEqual(['network', 0]);
		}
	});

	test('a line that swallows everything is given up after a while', async () => {
		using t = await createTestApp();
		using deaf = front(t.listen().url, () => new Promise<Response>(() => undefined));
		using _ = hastened();
		expect((await thrown(clientOf(t, deaf.url, 'alice').post('/p2p/conversations', {}))).code).toBe('network');
	});

	test('a call that only reads is made again where the trouble passes, and one that changes is not', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		let left = 2;
		using busy = front(url, (_, pass) => (left-- > 0 ? refusal(503, 'overloaded') : pass()));
		const alice = clientOf(t, busy.url, 'alice');
		expect((await alice.me()).username).toBe('alice');
		expect(busy.requests).toHaveLength(3);
		left = 1;
		expect((await thrown(alice.startChat({ otherParticipantId: t.person('bob').id }))).code).toBe('overloaded');
		expect(busy.requests).toHaveLength(4);
	});
});

describe('a token that is fetched', () => {
	test('is asked for once, however many calls need it at the same time', async () => {
		using t = await createTestApp();
		const { asked, token } = provider(t);
		const alice = clientOf(t, t.listen().url, 'alice', { token });
		const all = await Promise.all(Array.from({ length: 10 }, () => alice.me()));
		expect(all.map(({ username }) => username)).toEqual(Array(10).fill('alice'));
		expect(asked).toEqual([undefined]);
	});

	test('is asked for again when it has expired or was revoked, once for many calls and with the one that was refused', async () => {
		using t = await createTestApp();
		const { asked, token } = provider(t);
		const alice = clientOf(t, t.listen().url, 'alice', { token });
		await alice.me();
		const first = t.person('alice').token;
		t.advance(31 * day);
		await Promise.all(Array.from({ length: 5 }, () => alice.me()));
		expect(asked).toEqual([undefined, first]);
		const second = t.person('alice').token;
		await t.ok({ as: 'alice', method: 'POST', path: '/users/me/logout' });
		await Promise.all(Array.from({ length: 5 }, () => alice.chats()));
		expect(asked).toEqual([undefined, first, second]);
	});

	test('is not asked for a second time where the new one is refused too', async () => {
		using t = await createTestApp();
		let asked = 0;
		const token = () => `no token ${asked++}`;
		const alice = clientOf(t, t.listen().url, 'alice', { token });
		expect((await thrown(alice.me())).code).toBe('invalid_token');
		expect(asked).toBe(2);
	});

	test('what fetches it may fail: the call throws that, and the next one asks again', async () => {
		using t = await createTestApp();
		let asked = 0;
		const token = async () => {
			if (asked++ === 0) throw new Error('the site is down');
			return t.person('alice').token;
		};
		const alice = clientOf(t, t.listen().url, 'alice', { token });
		expect(alice.me()).rejects.toThrow('the site is down');
		expect((await alice.me()).username).toBe('alice');
	});

	test('where what fetches it fails, the connection is tried again', async () => {
		using t = await createTestApp();
		let asked = 0;
		const token = async () => {
			if (asked++ === 0) throw new Error('the site is down');
			return t.person('alice').token;
		};
		await live(clientOf(t, t.listen().url, 'alice', { token }));
		expect(asked).toBe(2);
	});

	test('may be fetched by calls of the same client', async () => {
		using t = await createTestApp();
		const client = clientAt(t.listen().url, {
			apiKey: t.home.publishableKey,
			token: async () => {
				const { id } = await client.createUser({ username: 'visitor' });
				return (await client.chatToken(id)).chatToken;
			},
		});
		expect((await client.me()).username).toBe('visitor');
	});

	for (const transport of ['socket', 'poll'] as const)
		test(`by ${transport}: the connection goes on with another one as often as one runs out`, async () => {
			using t = await createTestApp();
			const { asked, token } = provider(t);
			const alice = await live(clientOf(t, t.listen().url, 'alice', { token, transport }));
			const talk = await t.conversation('alice', 'bob');
			const tokens: (string | undefined)[] = [undefined];
			for (let n = 0; n < 3; n++) {
				tokens.push(t.person('alice').token);
				const cut = transport === 'socket' ? become(alice, 'waiting') : Promise.resolve();
				t.advance(31 * day);
				t.services.realtime.connections.endExpired();
				await cut;
				if (transport === 'socket') await become(alice, 'live');
				await t.renew('bob');
				const told = next(alice, 'message.created', ({ data }) => data.content.text === `after ${n}`);
				await t.send('bob', talk, `after ${n}`);
				await told;
			}
			expect(asked).toEqual(tokens);
		});
});

describe('a token that is given', () => {
	test('and refused ends the connection for good, and says why', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		for (const transport of ['auto', 'socket', 'poll'] as const) {
			const alice = clientOf(t, url, 'alice', { token: 'no token', transport });
			alice.connect();
			expect((await next(alice, 'failure')).code).toBe('invalid_token');
			expect(alice.state).toBe('closed');
		}
	});

	test('and revoked later ends it too', async () => {
		using t = await createTestApp();
		const alice = await live(clientOf(t, t.listen().url, 'alice'));
		const failure = next(alice, 'failure');
		await t.ok({ as: 'alice', method: 'POST', path: '/users/me/logout' });
		expect((await failure).code).toBe('token_revoked');
		expect(alice.state).toBe('closed');
	});

	test('somebody who is suspended is not let in by another token', async () => {
		using t = await createTestApp();
		const { asked, token } = provider(t);
		const alice = await live(clientOf(t, t.listen().url, 'alice', { token }));
		const failure = next(alice, 'failure');
		await t.ok({
			as: 'admin',
			method: 'PATCH',
			path: `/admin/users/${t.person('alice').id}`,
			body: { suspended: true, reason: 'spam' },
		});
		expect((await failure).code).toBe('user_suspended');
		expect(asked).toHaveLength(1);
	});

	test('without one, public calls can be made', async () => {
		using t = await createTestApp();
		const client = createClient({ url: t.listen().url, apiKey: t.home.publishableKey });
		const { id } = await client.createUser({ username: 'visitor' });
		expect((await client.chatToken(id)).user.id).toBe(id);
		expect((await thrown(client.me())).status).toBe(401);
	});
});

test('an id grows with time and is a UUIDv7', async () => {
	const first = uuid7();
	await Bun.sleep(2);
	const second = uuid7();
	for (const id of [first, second])
		expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	expect(first < second).toBe(true);
	expect(Math.abs(Number.parseInt(first.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(60_000);
});
