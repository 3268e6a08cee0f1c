import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectionsPerUserMax } from '../../src/kernel/limits.ts';
import type { EventMessage } from '../../src/modules/messaging/messaging.schema.ts';
import type { EventPage } from '../../src/realtime/realtime.schema.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

setDefaultTimeout(30_000);

const poll = (t: TestApp, as: string, query = '') => t.ok<EventPage>({ as, path: `/events${query}` });
const tryPoll = (t: TestApp, as: string, query = '') => t.call<EventPage>({ as, path: `/events${query}` });
const texts = ({ data }: EventPage) =>
	data.filter(({ type }) => type === 'message.created').map(({ data }) => (data as EventMessage).content.text);
/** Waits until so many polls wait. */
const waiting = async (t: TestApp, n: number): Promise<void> => {
	while (t.services.realtime.connections.all.size !== n) await new Promise((resolve) => setImmediate(resolve));
};
const someChat = async () => {
	const t = await createTestApp();
	return { t, chat: await t.conversation('alice', 'bob') };
};

describe('a poll that does not wait', () => {
	test('without a cursor answers with the newest place, and nothing', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		await t.send('alice', chat, 'before');
		const cursor = t.services.eventLog.cursor();
		expect(await poll(t, 'bob')).toEqual({ data: [], cursor, hasMore: false, reset: false });
		await t.send('alice', chat, 'after');
		expect(texts(await poll(t, 'bob', `?since=${cursor}`))).toEqual(['after']);
	});

	test('an answer ends before it is too large, and the next one goes on from there', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		let since = t.services.eventLog.cursor();
		const text = 'x'.repeat(10_000);
		for (let i = 0; i < 150; i++) await t.send('alice', id, text);
		const sizes: number[] = [];
		for (let more = true; more; ) {
			const page = await t.ok<EventPage>({ as: 'bob', path: `/events?limit=500&since=${since}` });
			sizes.push(page.data.length);
			since = page.cursor;
			more = page.hasMore;
		}
		expect(sizes.reduce((sum, n) => sum + n, 0)).toBe(150);
		expect(Math.max(...sizes)).toBeLessThan(110);
	});
	test('page by page, of any size, gives everything once and in order', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		const since = t.services.eventLog.cursor();
		const strangers = await t.conversation('carol', 'staff');
		const sent = Array.from({ length: 23 }, (_, i) => String(i));
		for (const text of sent) {
			await t.send('alice', chat, text);
			await t.send('carol', strangers, 'nothing for bob');
		}
		for (const limit of [1, 2, 7, 22, 23, 24, 500]) {
			const got: (string | undefined)[] = [];
			let cursor = since;
			for (let more = true; more; ) {
				const page = await poll(t, 'bob', `?limit=${limit}&since=${cursor}`);
				expect(page.data.length).toBeLessThanOrEqual(limit);
				if (page.hasMore) expect(page.data.length).toBe(limit);
				got.push(...texts(page));
				cursor = page.cursor;
				more = page.hasMore;
			}
			expect({ limit, got }).toEqual({ limit, got: sent });
			// what is for others is behind it too, and is not gone through again
			expect({ limit, cursor }).toEqual({ limit, cursor: t.services.eventLog.cursor() });
		}
	});

	test('goes on over what was for others, though there is nothing for this one', async () => {
		const { t } = await someChat();
		using _ = t;
		const since = t.services.eventLog.cursor();
		const strangers = await t.conversation('carol', 'staff');
		await t.send('carol', strangers, 'x');
		const page = await poll(t, 'bob', `?since=${since}`);
		expect(page).toEqual({ data: [], cursor: t.services.eventLog.cursor(), hasMore: false, reset: false });
	});

	test('from a place that is not known is told to begin anew, from now', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		await t.send('alice', chat, 'x');
		const cursor = t.services.eventLog.cursor();
		const [epoch, id, check] = cursor.split('.');
		for (const since of ['nonsense', `${epoch}.${Number(id) + 1}.${check}`, `other.${id}.${check}`, `${epoch}.${id}.1`])
			for (const wait of [0, 20])
				expect(await poll(t, 'bob', `?since=${since}&wait=${wait}`)).toEqual({
					data: [],
					cursor,
					hasMore: false,
					reset: true,
				});
	});

	test('refuses what is no number of events or seconds', async () => {
		const { t } = await someChat();
		using _ = t;
		for (const query of [
			'limit=0',
			'limit=501',
			'limit=1.5',
			'limit=x',
			'wait=26',
			'wait=-1',
			`since=${'x'.repeat(65)}`,
		])
			expect([query, (await tryPoll(t, 'bob', `?${query}`)).status]).toEqual([query, 400]);
	});
});

describe('a poll that waits', () => {
	test('answers at once where there is something already, and as soon as something comes where there is not', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		const since = t.services.eventLog.cursor();
		const asked = poll(t, 'bob', `?since=${since}&wait=25`);
		await waiting(t, 1);
		await t.send('alice', chat, 'now');
		const page = await asked;
		expect(texts(page)).toEqual(['now']);
		expect(page).toMatchObject({ cursor: t.services.eventLog.cursor(), hasMore: false, reset: false });
		expect(t.services.realtime.connections.all.size).toBe(0);
		expect(await poll(t, 'bob', `?since=${since}&wait=25`)).toEqual(page);
	});

	test('answers with nothing when its time is over, and behind what was for others meanwhile', async () => {
		const { t } = await someChat();
		using _ = t;
		const asked = poll(t, 'bob', `?since=${t.services.eventLog.cursor()}&wait=1`);
		await waiting(t, 1);
		const strangers = await t.conversation('carol', 'staff');
		await t.send('carol', strangers, 'x');
		expect(await asked).toEqual({ data: [], cursor: t.services.eventLog.cursor(), hasMore: false, reset: false });
	});

	test('answers with all that was committed together, as much as its page holds, and the rest comes next', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		const asked = [poll(t, 'bob', '?wait=25'), poll(t, 'bob', '?wait=25&limit=3')];
		await waiting(t, 2);
		// asked for in one turn, so written in one transaction
		const principal = await t.services.tokens.authenticate(t.home, t.person('alice').token);
		const sent = ['1', '2', '3', '4', '5'];
		await Promise.all(sent.map((text) => t.services.p2p.threads.send(principal, chat, { content: { text } })));
		const [all, some] = (await Promise.all(asked)) as [EventPage, EventPage];
		expect(texts(all)).toEqual(sent);
		expect(all.hasMore).toBe(false);
		expect(texts(some)).toEqual(sent.slice(0, 3));
		expect(some.hasMore).toBe(true);
		expect(texts(await poll(t, 'bob', `?since=${some.cursor}`))).toEqual(sent.slice(3));
	});

	test('takes one of the places of its user, and gives it back with its answer', async () => {
		const { t, chat } = await someChat();
		using _ = t;
		const asked = Array.from({ length: connectionsPerUserMax }, () => poll(t, 'bob', '?wait=25'));
		await waiting(t, connectionsPerUserMax);
		const { status, headers, body } = await tryPoll(t, 'bob', '?wait=25');
		expect([status, body.code]).toEqual([429, 'too_many_connections']);
		expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
		// others are not concerned, and one that does not wait takes no place
		expect((await tryPoll(t, 'bob')).status).toBe(200);
		expect((await tryPoll(t, 'alice', '?wait=1')).status).toBe(200);
		await t.send('alice', chat, 'for all of them');
		for (const page of await Promise.all(asked)) expect(texts(page)).toEqual(['for all of them']);
		expect(t.services.realtime.connections.all.size).toBe(0);
	});

	test('of a client that has gone gives its place back', async () => {
		const { t } = await someChat();
		using _ = t;
		const { url } = t.listen();
		const controller = new AbortController();
		const asked = fetch(`${url}/api/v1/events?wait=25`, {
			headers: t.credentials('bob'),
			signal: controller.signal,
		}).catch(({ name }) => name);
		await waiting(t, 1);
		controller.abort();
		expect(await asked).toBe('AbortError');
		await waiting(t, 0);
	});

	test('of a client that has gone before it began to wait takes no place', async () => {
		const { t } = await someChat();
		using _ = t;
		const { feed, realtime } = t.services;
		const controller = new AbortController();
		const read = feed.read;
		let began = false;
		feed.read = (reader) => {
			// between being asked and beginning to wait
			controller.abort();
			began = true;
			read(reader);
		};
		const request = new Request(`http://chat.test/api/v1/events?wait=25`, {
			headers: { host: 'chat.test', ...t.credentials('bob') },
			signal: controller.signal,
		});
		await Promise.race([t.app.handle(request), Bun.sleep(3_000)]);
		expect(began).toBe(true);
		expect(realtime.connections.all.size).toBe(0);
	});

	test('of somebody who may not be here any more is refused as a call would be', async () => {
		const { t } = await someChat();
		using _ = t;
		const asked = tryPoll(t, 'bob', '?wait=25');
		await waiting(t, 1);
		const path = `/admin/users/${t.person('bob').id}`;
		await t.ok({ as: 'moderator', method: 'PATCH', path, body: { suspended: true } });
		const { status, body } = await asked;
		expect([status, body.code]).toEqual([403, 'user_suspended']);
		expect(t.services.realtime.connections.all.size).toBe(0);
	});

	test('of one who was suspended or logged out between asking and waiting is refused, and does not wait', async () => {
		const { t } = await someChat();
		using _ = t;
		const { feed } = t.services;
		const read = feed.read;
		for (const [method, path, body, refused] of [
			['PATCH', `/admin/users/${t.person('bob').id}`, { suspended: true }, [403, 'user_suspended']],
			['POST', `/admin/users/${t.person('carol').id}/revoke-tokens`, undefined, [401, 'token_revoked']],
		] as const) {
			feed.read = (reader) => {
				feed.read = read;
				t.ok({ as: 'superadmin', method, path, body }).then(() => read(reader));
			};
			const { status, body: answer } = await tryPoll(t, refused[0] === 403 ? 'bob' : 'carol', '?wait=25');
			expect([status, answer.code as string]).toEqual([...refused]);
			expect(t.services.realtime.connections.all.size).toBe(0);
		}
	});
});
