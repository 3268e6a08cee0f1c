import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day } from '../../src/kernel/clock.ts';
import { nearEventsMax, pollScanMax } from '../../src/kernel/limits.ts';
import type { Reader } from '../../src/modules/events/reading.service.ts';
import type { EventPage } from '../../src/realtime/realtime.schema.ts';
import { openTicket } from '../modules/support/tickets-support.ts';
import { signIn } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** What attacks on real time have found, each as a test. */

setDefaultTimeout(30_000);

/** Events of others, as many, without what they tell of: something to go through. */
const others = (t: TestApp, n: number) => {
	const site = t.home.pk;
	t.sqlite.run(
		`insert into events (site, type, created_at) select ${site}, 'site.updated', ${t.clock()} from
			(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n}) select i from n)`,
	);
	t.services.eventLog.poll();
};
/** A write of ours, after which the log knows what stands in the file. */
const noticed = async (t: TestApp) => {
	await t.ok({ as: 'carol', method: 'PATCH', path: '/users/me', body: { displayName: 'Carol' } });
};
const reader = (t: TestApp, name: string, position: number, told: string[]): Reader => ({
	site: t.home.pk,
	pk: t.person(name).pk,
	role: t.person(name).role,
	position,
	ended: false,
	take: ({ type }) => told.push(type) > 0,
	rested: (why) => told.push(why),
});
const turns = async (n: number) => {
	for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a poll that reads a long log', () => {
	const begun = async () => {
		const t = await createTestApp();
		const since = t.services.eventLog.cursor();
		others(t, pollScanMax - 1_000);
		await noticed(t);
		return { t, since };
	};
	test('of one who is taken off the desk meanwhile gives nothing of it', async () => {
		const { t, since } = await begun();
		using _ = t;
		const asked = t.ok<EventPage>({ as: 'staff', path: `/events?since=${since}` });
		await turns(2);
		await t.change('staff', { role: 'user' });
		await openTicket(t, 'alice');
		const { data } = await asked;
		expect(data.filter(({ type }) => type !== 'user.updated')).toEqual([]);
	});
	test('of one who is suspended meanwhile is refused', async () => {
		const { t, since } = await begun();
		using _ = t;
		const asked = t.refused({ as: 'bob', path: `/events?since=${since}` });
		await turns(2);
		await t.ok({ as: 'admin', method: 'PATCH', path: `/admin/users/${t.person('bob').id}`, body: { suspended: true } });
		expect(await asked).toEqual([403, 'user_suspended']);
	});
	test('answers with what it has before any of it is taken back', async () => {
		const t = await createTestApp();
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const since = t.services.eventLog.cursor();
		const { id } = await t.send('alice', chat, 'taken back');
		others(t, pollScanMax - 1_000);
		await noticed(t);
		let answered = false;
		const asked = t.ok<EventPage>({ as: 'bob', path: `/events?since=${since}` }).then((page) => {
			answered = true;
			return page;
		});
		await turns(3);
		await t.ok({ as: 'alice', method: 'DELETE', path: `/p2p/conversations/${chat}/messages/${id}` });
		const page = await asked;
		expect(answered).toBe(true);
		// either it was told before the text was taken back, or without the text
		const [first] = page.data;
		expect(first?.type).toBe('message.created');
		expect(page.data.some(({ type }) => type === 'message.deleted')).toBe(false);
	});
	test('ends before it has gone through all of it, and says that there is more', async () => {
		const t = await createTestApp();
		using _ = t;
		const since = t.services.eventLog.cursor();
		others(t, pollScanMax * 2);
		await t.send('alice', await t.conversation('alice', 'bob'), 'behind all of it');
		const found: string[] = [];
		let calls = 0;
		for (let page: EventPage = { data: [], cursor: since, hasMore: true, reset: false }; page.hasMore; calls++) {
			page = await t.ok<EventPage>({ as: 'bob', path: `/events?since=${page.cursor}` });
			found.push(...page.data.map(({ type }) => type));
		}
		expect(found).toEqual(['conversation.created', 'message.created']);
		expect(calls).toBeGreaterThan(1);
	});
});

test('who has missed a little is told before who has missed much, though they ask later', async () => {
	using t = await createTestApp();
	const { eventLog, feed } = t.services;
	others(t, 100_000);
	await t.send('alice', await t.conversation('alice', 'bob'), 'hello');
	const order: string[] = [];
	const far = { ...reader(t, 'carol', 1, []), rested: (why: string) => order.push(`far ${why}`) };
	const near = { ...reader(t, 'bob', eventLog.lastId - 2, []), rested: (why: string) => order.push(`near ${why}`) };
	expect(eventLog.lastId - 1).toBeGreaterThan(nearEventsMax);
	feed.read(far);
	await turns(2);
	feed.read(near);
	while (order.length < 2) await turns(1);
	expect(order).toEqual(['near caught_up', 'far caught_up']);
});

test('where a purge overtakes somebody who rests, they are told to begin anew, and not that nothing is missing', async () => {
	using t = await createTestApp();
	const { eventLog, feed } = t.services;
	const chat = await t.conversation('alice', 'bob');
	const from = eventLog.lastId;
	for (let i = 0; i < 20; i++) await t.send('alice', chat, String(i));
	const told: string[] = [];
	const bob = reader(t, 'bob', from, told);
	bob.take = ({ type }) => told.push(type) < 2;
	feed.read(bob);
	while (!told.includes('full')) await turns(1);
	t.advance(8 * day);
	await t.renew('alice');
	await t.send('alice', chat, 'after');
	expect(await eventLog.purge()).toBeGreaterThan(10);
	feed.read(bob);
	while (told.length < 4) await turns(1);
	expect(told).toEqual(['message.created', 'message.created', 'full', 'too_far']);
});

test('where telling who is here fails, whoever is sent away is closed all the same', async () => {
	using t = await createTestApp();
	const socket = await signIn(t.listen().url, t.person('bob'));
	const { users, realtime } = t.services;
	const watcher = await signIn(t.app.server?.url.origin ?? '', t.person('alice'));
	watcher.say({ type: 'watch', conversationId: await t.conversation('alice', 'bob'), ref: 'w' });
	await watcher.next('ack');
	const presenceOf = users.presenceOf;
	users.presenceOf = () => {
		throw new Error('the disk says no');
	};
	await t.ok({ as: 'admin', method: 'PATCH', path: `/admin/users/${t.person('bob').id}`, body: { suspended: true } });
	expect((await socket.ended()).code).toBe(4403);
	users.presenceOf = presenceOf;
	expect([...realtime.connections.ofUser(t.person('bob').pk)]).toEqual([]);
	expect((await watcher.quiet()).filter(({ type }) => type === 'end')).toEqual([]);
});
