import { expect, setDefaultTimeout, test } from 'bun:test';
import { day, hour } from '../../../src/kernel/clock.ts';
import { purgeRowsMax } from '../../../src/kernel/limits.ts';
import type { EventPage } from '../../../src/realtime/realtime.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(30_000);

const kept = (t: TestApp) => t.rows<{ id: number }>('select id from events order by id').map(({ id }) => id);
const resume = (t: TestApp, since: string) => t.ok<EventPage>({ as: 'bob', path: `/events?since=${since}` });

test('events are kept for PARLEY_EVENT_DAYS, and a place behind one that is gone is told so', async () => {
	for (const eventDays of [7, 2]) {
		using t = await createTestApp({ eventDays });
		const { eventLog } = t.services;
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'old');
		const old = eventLog.cursor();
		t.advance(hour);
		await t.send('alice', chat, 'young');
		const young = eventLog.cursor();
		t.advance(day);
		await t.send('alice', chat, 'new');

		t.advance((eventDays - 1) * day - hour);
		expect(await eventLog.purge()).toBe(0);
		expect((await resume(t, old)).data.map(({ data }) => (data as { seq: number }).seq)).toEqual([2, 3]);

		t.advance(1);
		expect(await eventLog.purge()).toBeGreaterThan(0);
		expect(await resume(t, old)).toEqual({ data: [], cursor: eventLog.cursor(), hasMore: false, reset: true });
		// one millisecond of age less, and it goes on from there
		const page = await resume(t, young);
		expect({ reset: page.reset, n: page.data.length }).toEqual({ reset: false, n: 1 });
		// the rows that events refer to stay
		expect((await t.messages('bob', chat)).data.length).toBe(3);
	}
});

test('the newest event is kept whatever its age, so that the place behind it stays known and no id comes twice', async () => {
	using t = await createTestApp();
	const { eventLog } = t.services;
	const chat = await t.conversation('alice', 'bob');
	await t.send('alice', chat, 'last');
	const last = eventLog.cursor();
	t.advance(400 * day);
	await t.renew('alice');
	await t.renew('bob');
	const newest = eventLog.lastId;
	expect(eventLog.cursor()).toBe(last);
	await eventLog.purge();
	expect(kept(t)).toEqual([newest]);
	expect(await resume(t, last)).toEqual({ data: [], cursor: last, hasMore: false, reset: false });
	await t.send('alice', chat, 'next');
	expect(eventLog.lastId).toBe(newest + 1);
	expect((await resume(t, last)).data.length).toBe(1);
});

test('a purge takes a piece at a time until nothing is due', async () => {
	using t = await createTestApp();
	const { eventLog } = t.services;
	const chat = await t.conversation('alice', 'bob');
	const first = eventLog.lastId;
	t.sqlite.run(
		`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${purgeRowsMax * 2 + 7})
		insert into events (site, type, created_at) select ${t.home.pk}, 'site.updated', ${t.clock()} from n`,
	);
	await t.send('alice', chat, 'x');
	const all = kept(t).length;
	t.advance(8 * day);
	await t.renew('alice');
	const purged = await eventLog.purge();
	expect(purged).toBe(all - 1);
	expect(kept(t)).toEqual([eventLog.lastId]);
	expect(eventLog.lastId).toBe(first + purgeRowsMax * 2 + 7 + 1);
});

test('a clock that was set back leaves no hole: what is behind a kept event is kept', async () => {
	using t = await createTestApp();
	const { eventLog } = t.services;
	const chat = await t.conversation('alice', 'bob');
	t.advance(3 * day);
	await t.send('alice', chat, 'of the clock that was fast');
	const ahead = eventLog.lastId;
	t.advance(-3 * day);
	await t.send('alice', chat, 'older by its time');
	await t.send('alice', chat, 'newest');
	t.advance(7 * day + hour);
	await t.renew('alice');
	await eventLog.purge();
	expect(kept(t)).toEqual([ahead, ahead + 1, ahead + 2]);
});

test('whoever is still on the way when events are purged is told the rest without a gap, or to begin anew', async () => {
	using t = await createTestApp();
	const { eventLog } = t.services;
	const chat = await t.conversation('alice', 'bob');
	const since = eventLog.cursor();
	for (let i = 0; i < 6; i++) await t.send('alice', chat, String(i));
	const page = await t.ok<EventPage>({ as: 'bob', path: `/events?limit=2&since=${since}` });
	expect(page).toMatchObject({ hasMore: true, reset: false });
	t.advance(8 * day);
	await t.renew('alice');
	await t.renew('bob');
	await t.send('alice', chat, 'today');
	await eventLog.purge();
	expect(await resume(t, page.cursor)).toMatchObject({ data: [], reset: true });
});
