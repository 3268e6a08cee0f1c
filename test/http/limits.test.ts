import { describe, expect, test } from 'bun:test';
import { createTestApp, type Reply, type TestApp } from '../support/test-app.ts';

/** What a refusal for too much must look like, in body and headers. */
const expectRefusal = ({ status, body, headers }: Reply<unknown>, points: number, seconds: number) => {
	expect([status, body.code]).toEqual([429, 'rate_limited']);
	const wait = Number(headers.get('retry-after'));
	expect(Number.isInteger(wait) && wait >= 1 && wait <= seconds + 1).toBe(true);
	expect(headers.get('ratelimit')).toBe(`limit=${points}, remaining=0, reset=${wait}`);
	expect(headers.get('ratelimit-policy')).toBe(`${points};w=${seconds}`);
	expect(headers.get('ratelimit-limit')).toBe(String(points));
	expect(headers.get('ratelimit-remaining')).toBe('0');
	expect(headers.get('ratelimit-reset')).toBe(String(wait));
	expect(Object.keys(body).sort()).toEqual(['code', 'message', 'requestId', 'success']);
};
const create = (t: TestApp, username: string, as = 'key', body: object = {}) =>
	t.call({ as, method: 'POST', path: '/users', body: { username, ...body } });
const granted = (replies: Reply<unknown>[]) => replies.filter(({ status }) => status < 300).length;

describe('messages', () => {
	const flood = (t: TestApp, as: string, ids: string[], n: number) =>
		Promise.all(
			Array.from({ length: n }, (_, i) =>
				t.call({
					as,
					method: 'POST',
					path: `/p2p/conversations/${ids[i % ids.length]}/messages`,
					body: { content: { text: `${i}` } },
				}),
			),
		);
	test('20 at once go through, the next is 429 with headers, and stores nothing', async () => {
		using t = await createTestApp({ limits: 'on' });
		const ids = [await t.conversation('alice', 'bob'), await t.conversation('alice', 'carol')];
		const replies = await flood(t, 'alice', ids, 60);
		expect(granted(replies)).toBe(20);
		expectRefusal(replies.find(({ status }) => status === 429) as Reply<unknown>, 5, 1);
		expect(t.rows('select count(*) as n from messages')).toEqual([{ n: 20 }]);
	});
	test('are counted by user, over all conversations: another user is free', async () => {
		using t = await createTestApp({ limits: 'on' });
		const id = await t.conversation('alice', 'bob');
		await flood(t, 'alice', [id], 30);
		expect(granted(await flood(t, 'bob', [id], 20))).toBe(20);
	});
	test('are counted for whoever is acted for, too', async () => {
		using t = await createTestApp({ limits: 'on', messagesPerSecond: 1, messagesBurst: 1 });
		const id = await t.conversation('alice', 'bob');
		const send = () =>
			t.call({
				as: 'server',
				method: 'POST',
				path: `/p2p/conversations/${id}/messages`,
				body: { content: { text: 'x' } },
				headers: { 'x-act-as': t.person('alice').id },
			});
		expect(granted([await send(), await send(), await send()])).toBe(1);
	});
	test('come back with time', async () => {
		using t = await createTestApp({ limits: 'on', messagesPerSecond: 2, messagesBurst: 2 });
		const id = await t.conversation('alice', 'bob');
		expect(granted(await flood(t, 'alice', [id], 5))).toBe(2);
		await Bun.sleep(1_100);
		expect(granted(await flood(t, 'alice', [id], 5))).toBe(2);
	});
});

describe('new users', () => {
	test('are limited by address; the site’s server is not', async () => {
		using t = await createTestApp({ limits: 'on' });
		const replies = await Promise.all(Array.from({ length: 35 }, (_, i) => create(t, `u${i}`)));
		expect(granted(replies)).toBe(30);
		expectRefusal(replies.find(({ status }) => status === 429) as Reply<unknown>, 30, 60);
		expect(granted(await Promise.all(Array.from({ length: 35 }, (_, i) => create(t, `s${i}`, 'server'))))).toBe(35);
	});
	test('are limited by site, by whatever name it is called', async () => {
		using t = await createTestApp({ limits: 'on', signupsPerSiteHour: 3 });
		expect(
			granted([await create(t, 'a'), await create(t, 'b', 'nobody', { resourceId: 'site.com' }), await create(t, 'c')]),
		).toBe(3);
		expectRefusal(await create(t, 'd', 'nobody', { resourceId: 'site.com' }), 3, 3_600);
		expect((await create(t, 'e', 'nobody', { resourceId: 'other.org' })).status).toBe(201);
	});
});

describe('tokens', () => {
	test('are limited by address, whatever the outcome; the site’s server is not', async () => {
		using t = await createTestApp({ limits: 'on' });
		const mint = (as: string) =>
			t.call({ as, method: 'POST', path: '/users/chat-token', body: { userId: t.person('alice').id } });
		const replies = await Promise.all(Array.from({ length: 61 }, () => mint('key')));
		expect(replies.filter(({ status }) => status === 401).length).toBe(60);
		expectRefusal(replies.find(({ status }) => status === 429) as Reply<unknown>, 60, 60);
		expect(granted(await Promise.all(Array.from({ length: 70 }, () => mint('server'))))).toBe(70);
	});
});

describe('signing in', () => {
	const login = { resourceId: 'site.com', email: 'nobody@site.com', password: 'wrong password' };
	const access = { accessToken: 'access_x', email: 'a@b.c', password: 'correct horse battery' };
	test('is limited by address, with setup and access links, whatever the account', async () => {
		using t = await createTestApp({ limits: 'on', loginsPerMinute: 3 });
		for (let i = 0; i < 3; i++)
			expect((await t.call({ as: 'nobody', method: 'POST', path: '/auth/access', body: access })).status).toBe(401);
		expectRefusal(await t.call({ as: 'nobody', method: 'POST', path: '/auth/login', body: login }), 3, 60);
		expectRefusal(await t.call({ as: 'nobody', method: 'POST', path: '/auth/access', body: access }), 3, 60);
	});

	test('counts every spelling of an account as one', async () => {
		using t = await createTestApp({ limits: 'on', loginsPerQuarterHour: 2 });
		const attempt = (email: string, resourceId = 'site.com') =>
			t.call({ as: 'nobody', method: 'POST', path: '/auth/login', body: { ...login, email, resourceId } });
		expect((await attempt('nobody@site.com')).status).toBe(401);
		expect((await attempt('NOBODY@site.com', ' Site.com ')).status).toBe(401);
		expect((await attempt('ｎobody@site.com', 'SITE.COM')).status).toBe(429);
	});
});

describe('other changes', () => {
	test('are limited by user', async () => {
		using t = await createTestApp({ limits: 'on', writesPerMinute: 5 });
		const rename = (as: string) => t.call({ as, method: 'PATCH', path: '/users/me', body: { displayName: 'Al' } });
		const replies = await Promise.all(Array.from({ length: 6 }, () => rename('alice')));
		expectRefusal(replies.find(({ status }) => status === 429) as Reply<unknown>, 5, 60);
		expect((await rename('bob')).status).toBe(200);
	});
});

test('switched off, nothing is counted', async () => {
	using t = await createTestApp({ limits: 'off' });
	expect(granted(await Promise.all(Array.from({ length: 50 }, (_, i) => create(t, `u${i}`))))).toBe(50);
});
