import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { resumeEventsMax, scanRows } from '../../../src/kernel/limits.ts';
import type { Reader } from '../../../src/modules/events/reading.service.ts';
import type { EventPage } from '../../../src/realtime/realtime.schema.ts';
import { openStream } from '../../support/event-stream.ts';
import { signIn } from '../../support/socket.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(60_000);

/** A reader that notes what it is given. `room`: how many it takes at a time. */
const readerOf = (t: TestApp, name: string, position: number, room = Number.POSITIVE_INFINITY) => {
	const { pk, role, site } = t.person(name);
	const taken: number[] = [];
	const rests: string[] = [];
	let left = room;
	let rested = (_: string) => {};
	const reader: Reader & { ended: boolean } = {
		site: site.pk,
		pk,
		role,
		position,
		ended: false,
		take: ({ id }) => {
			taken.push(Number(id.split('.')[1]));
			left--;
			return left > 0;
		},
		rested: (why) => {
			rests.push(why);
			rested(why);
		},
	};
	return {
		reader,
		taken,
		rests,
		/** Reads on, and waits until that rests. */
		read: () =>
			new Promise<string>((resolve) => {
				left = room;
				rested = resolve;
				t.services.feed.read(reader);
			}),
	};
};
/** Many events of one message, as if it were changed again and again. */
const manyEvents = (t: TestApp, message: string, n: number) => {
	t.sqlite.run(
		`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n})
		insert into events (site, type, conversation, message, user_a, user_b, created_at)
		select e.site, 'message.updated', e.conversation, e.message, e.user_a, e.user_b, e.created_at
		from n, events e join messages m on m.pk = e.message where m.id = '${message}' and e.type = 'message.created'`,
	);
};
const idsAfter = (t: TestApp, id: number) =>
	t.rows<{ id: number }>('select id from events where id > ? order by id', id).map((row) => row.id);

describe('reading the log on', () => {
	test('over many stretches gives each event once, in order, up to the newest', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		const { id } = await t.send('alice', chat, 'x');
		manyEvents(t, id, scanRows * 3 + 17);
		await t.send('alice', chat, 'last');
		const all = idsAfter(t, from);
		expect(all.length).toBe(scanRows * 3 + 19);
		const readers = [0, 1, scanRows - 1, scanRows, scanRows + 1, all.length - 1, all.length].map((n) => ({
			n,
			...readerOf(t, n % 2 === 0 ? 'bob' : 'alice', from + n),
		}));
		expect(await Promise.all(readers.map(({ read }) => read()))).toEqual(readers.map(() => 'caught_up'));
		for (const { n, taken, reader } of readers) {
			expect({ n, taken }).toEqual({ n, taken: all.slice(n) });
			expect(reader.position).toBe(t.services.eventLog.lastId);
		}
	});

	test('goes on where a reader had enough, without a gap or an event twice', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		for (let i = 0; i < 25; i++) await t.send(i % 2 ? 'alice' : 'bob', chat, String(i));
		const slow = readerOf(t, 'bob', from, 4);
		const quick = readerOf(t, 'alice', from);
		const [first] = await Promise.all([slow.read(), quick.read()]);
		expect([first, slow.taken.length, quick.taken.length]).toEqual(['full', 4, 25]);
		for (let why = 'full'; why === 'full'; ) why = await slow.read();
		expect(slow.taken).toEqual(quick.taken);
		expect(slow.rests).toEqual([...Array(6).fill('full'), 'caught_up']);
	});

	test('is one pass for all who ask in one turn, wherever each of them is', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		for (let i = 0; i < 30; i++) await t.send('alice', chat, String(i));
		const { store } = t.services;
		const { read } = store;
		let reads = 0;
		store.read = ((job: Parameters<typeof read>[0]) => {
			reads++;
			return read(job);
		}) as typeof read;
		const readers = Array.from({ length: 30 }, (_, i) => readerOf(t, 'bob', from + i));
		await Promise.all(readers.map((reader) => reader.read()));
		store.read = read;
		expect(reads).toBe(1);
		for (const [i, { taken }] of readers.entries()) expect(taken.length).toBe(30 - i);
	});

	test('tells whoever has gone nothing more, and others all the same', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		await t.send('alice', chat, 'x');
		const gone = readerOf(t, 'bob', from);
		const stays = readerOf(t, 'bob', from);
		const done = stays.read();
		t.services.feed.read(gone.reader);
		gone.reader.ended = true;
		await done;
		expect([gone.taken, gone.rests, stays.taken.length]).toEqual([[], [], 1]);
	});

	test('ends with what happens while it goes on, so that nothing is between it and what is told live', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		const { id } = await t.send('alice', chat, 'x');
		manyEvents(t, id, scanRows * 2);
		await t.send('alice', chat, 'y');
		const live: number[] = [];
		const { reader, taken, read } = readerOf(t, 'bob', from);
		let isLive = false;
		t.services.eventLog.onCommitted((batch) => {
			if (isLive) live.push(...batch.map((event) => event.id));
		});
		const caughtUp = read();
		const rested = reader.rested;
		reader.rested = (why) => {
			isLive = true;
			rested(why);
		};
		const sent = Array.from({ length: 40 }, async (_, i) => {
			for (let turns = 0; turns < i; turns++) await new Promise((resolve) => setImmediate(resolve));
			await t.send('alice', chat, String(i));
		});
		await Promise.all([caughtUp, ...sent]);
		expect([...taken, ...live]).toEqual(idsAfter(t, from));
		expect(live.length).toBeGreaterThan(0);
	});

	test('of one site looks at nothing of another', async () => {
		using t = await createTestApp();
		const from = t.services.eventLog.lastId;
		const chat = await t.conversation('other.alice', 'other.bob');
		await t.send('other.alice', chat, 'x');
		const all = ['alice', 'staff', 'superadmin', 'other.bob', 'other.carol'].map((name) => readerOf(t, name, from));
		await Promise.all(all.map(({ read }) => read()));
		expect(all.map(({ taken }) => taken.length)).toEqual([0, 0, 0, 2, 0]);
		expect(all.map(({ reader }) => reader.position)).toEqual(Array(5).fill(t.services.eventLog.lastId));
	});

	test('says so to those for whom it fails, and works for those after', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const from = t.services.eventLog.lastId;
		await t.send('alice', chat, 'x');
		const { store } = t.services;
		const { read } = store;
		store.read = () => {
			throw new Error('the disk is gone');
		};
		const one = readerOf(t, 'bob', from);
		expect(await one.read()).toBe('failed');
		store.read = read;
		expect(await one.read()).toBe('caught_up');
		expect(one.taken.length).toBe(1);
	});
});

test('who has missed more than may be gone through is told to begin anew, over all three ways', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	await t.send('alice', chat, 'x');
	const since = t.services.eventLog.cursor();
	// ids grow, and are never given again: as if so many events were purged but for the newest
	const leap = (n: number) =>
		t.sqlite.run(
			`insert into events (id, site, type, created_at) select max(id) + ${n}, ${t.home.pk}, 'site.updated', ${t.clock()} from events`,
		);
	leap(resumeEventsMax - 2);
	await t.send('alice', chat, 'as far as may be');
	expect(t.services.eventLog.lastId - Number(since.split('.')[1])).toBe(resumeEventsMax - 1);
	expect(await t.ok<EventPage>({ as: 'bob', path: `/events?since=${since}` })).toMatchObject({
		reset: false,
		data: [{ type: 'message.created' }],
	});
	leap(1);
	await t.send('alice', chat, 'too far');
	const cursor = t.services.eventLog.cursor();
	expect(await t.ok<EventPage>({ as: 'bob', path: `/events?since=${since}&wait=20` })).toEqual({
		data: [],
		cursor,
		hasMore: false,
		reset: true,
	});
	const socket = await signIn(url, t.person('bob'), since);
	const stream = await openStream(url, t.person('bob'), { headers: { 'last-event-id': since } });
	expect(await socket.next('reset')).toEqual({ type: 'reset', cursor });
	expect(await socket.next()).toEqual({ type: 'caught_up', cursor });
	expect((await stream.next('reset')).data).toEqual({ type: 'reset', cursor });
	expect((await stream.next('caught_up')).id).toBe(cursor);
	await t.send('alice', chat, 'live');
	expect(await socket.next()).toMatchObject({ type: 'message.created' });
	expect((await stream.next()).event).toBe('message.created');
});

describe('a place that is not known', () => {
	test('is told apart from one that is, over all three ways alike', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const chat = await t.conversation('alice', 'bob');
		const known = t.services.eventLog.cursor();
		await t.send('alice', chat, 'x');
		const cursor = t.services.eventLog.cursor();
		const [epoch = '', id = '', check = ''] = cursor.split('.');
		const places: [since: string, reset: boolean][] = [
			['nonsense', true],
			[`0${epoch.slice(1)}x.${id}.${check}`, true],
			[`${epoch}.${Number(id) + 1}.${check}`, true],
			[`${epoch}.${id}.${check}1`, true],
			[`${epoch}.0.0`, false],
			[known, false],
			[cursor, false],
		];
		for (const [since, reset] of places) {
			const socket = await signIn(url, t.person('bob'), since);
			const ready = await socket.next('ready');
			// a client that stores the first place at once and dies loses nothing
			expect(ready.cursor).toBe(reset ? cursor : since);
			expect((await socket.next('caught_up')).cursor).toBe(cursor);
			expect([since, socket.heard.some(({ type }) => type === 'reset')]).toEqual([since, reset]);
			const stream = await openStream(url, t.person('bob'), { headers: { 'last-event-id': since } });
			const blocks = await stream.until('caught_up');
			expect(blocks.find(({ event }) => event === 'ready')?.data.cursor).toBe(reset ? cursor : since);
			expect([since, blocks.some(({ event }) => event === 'reset')]).toEqual([since, reset]);
			const page = await t.ok<EventPage>({ as: 'bob', path: `/events?since=${since}` });
			expect([since, page.reset, page.cursor]).toEqual([since, reset, cursor]);
			socket.close();
			stream.close();
			while (t.services.realtime.connections.all.size > 0) await new Promise((resolve) => setImmediate(resolve));
		}
	});

	test('is not the one before the first event of an empty log', async () => {
		using t = await createTestApp();
		t.sqlite.run('delete from events');
		const epoch = t.services.eventLog.cursor().split('.')[0];
		expect(t.services.eventLog.idOf(`${epoch}.0.0`)).toBe(0);
	});
});
