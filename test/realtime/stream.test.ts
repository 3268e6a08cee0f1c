import { expect, setDefaultTimeout, test } from 'bun:test';
import { queuedBytesPause } from '../../src/kernel/limits.ts';
import { closeCodes } from '../../src/realtime/realtime.schema.ts';
import { type Block, openStream, streamOf } from '../support/event-stream.ts';
import { createTestApp } from '../support/test-app.ts';

setDefaultTimeout(30_000);

const texts = (blocks: readonly Block[]) =>
	blocks.filter(({ event }) => event === 'message.created').map(({ data }) => data.data.content.text);

test('a stream is the events with their ids, under headers by which nobody holds them back', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const stream = await openStream(url, t.person('bob'));
	expect(stream.status).toBe(200);
	expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
	expect(stream.headers.get('cache-control')).toBe('no-store');
	expect(stream.headers.get('x-accel-buffering')).toBe('no');
	expect(stream.headers.get('content-encoding')).toBeNull();

	const cursor = t.services.eventLog.cursor();
	expect(await stream.next()).toEqual({ retry: expect.stringMatching(/^\d+$/) });
	const { id, username, role } = t.person('bob');
	expect(await stream.next()).toEqual({
		event: 'ready',
		id: cursor,
		data: { type: 'ready', cursor, user: { id, username, role } },
	});
	expect(await stream.next()).toEqual({ event: 'caught_up', id: cursor, data: { type: 'caught_up', cursor } });

	await t.send('alice', chat, 'first\nline, second line');
	const block = await stream.next();
	expect(block).toMatchObject({
		event: 'message.created',
		id: t.services.eventLog.cursor(),
		data: { type: 'message.created', conversationId: chat, data: { content: { text: 'first\nline, second line' } } },
	});
	expect(block.data.id).toBe(block.id);
});

test('a stream that comes back with Last-Event-ID is told everything behind it once, in order, and then what is new', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const bob = t.person('bob');
	const first = await streamOf(url, bob);
	await t.send('alice', chat, '1');
	const last = (await first.next('message.created')).id ?? '';
	first.close();
	const between = Array.from({ length: 30 }, (_, i) => String(i + 2));
	for (const text of between) await t.send('alice', chat, text);
	// what browsers keep goes before what stood in the address
	const second = await openStream(url, bob, {
		headers: { 'last-event-id': last },
		query: `?since=${t.services.eventLog.cursor()}`,
	});
	const told = await second.until('caught_up');
	// a client that stores the first id at once and dies then loses nothing
	expect(told.find(({ event }) => event === 'ready')).toMatchObject({ id: last, data: { cursor: last } });
	expect(texts(told)).toEqual(between);
	expect(told.at(-1)?.id).toBe(t.services.eventLog.cursor());
	await t.send('alice', chat, 'live');
	expect(texts([await second.next()])).toEqual(['live']);

	const third = await openStream(url, bob, { query: `?since=${last}` });
	expect(texts(await third.until('caught_up'))).toEqual([...between, 'live']);
});

test('a stream from a place that is not known says reset, and goes on from now', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const stream = await openStream(url, t.person('bob'), { headers: { 'last-event-id': 'of another life' } });
	const told = await stream.until('caught_up');
	const cursor = t.services.eventLog.cursor();
	expect(told.slice(1).map(({ event, id }) => [event, id])).toEqual([
		['ready', cursor],
		['reset', cursor],
		['caught_up', cursor],
	]);
	await t.send('alice', chat, 'after');
	expect(texts([await stream.next()])).toEqual(['after']);
});

test('more than fits into a queue is read on as the reader takes it, and nothing of it is missing', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const since = t.services.eventLog.cursor();
	const long = 'x'.repeat(9_000);
	const count = Math.ceil((queuedBytesPause * 5) / long.length);
	await Promise.all(Array.from({ length: count }, (_, i) => t.send('alice', chat, `${i} ${long}`)));
	const stream = await openStream(url, t.person('bob'), { headers: { 'last-event-id': since } });
	const told = await stream.until('caught_up');
	const seqs = told.filter(({ event }) => event === 'message.created').map(({ data }) => data.data.seq);
	expect(seqs).toEqual(Array.from({ length: count }, (_, i) => i + 1));
	await t.send('alice', chat, 'live');
	expect(texts([await stream.next()])).toEqual(['live']);
});

test('streams that come back together are each told what they missed, wherever each of them was', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const cursors: string[] = [];
	for (let i = 0; i < 20; i++) {
		cursors.push(t.services.eventLog.cursor());
		await t.send('alice', chat, String(i));
	}
	const streams = await Promise.all(
		[0, 5, 11, 19].map(async (from) => ({
			from,
			stream: await openStream(url, t.person('bob'), { headers: { 'last-event-id': cursors[from] ?? '' } }),
		})),
	);
	for (const { from, stream } of streams)
		expect(texts(await stream.until('caught_up'))).toEqual(
			Array.from({ length: 20 - from }, (_, i) => String(from + i)),
		);
});

test('a stream whose user may not be here any more says why, and is over', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const chat = await t.conversation('alice', 'bob');
	const suspended = await streamOf(url, t.person('bob'));
	await t.ok({
		as: 'moderator',
		method: 'PATCH',
		path: `/admin/users/${t.person('bob').id}`,
		body: { suspended: true },
	});
	expect((await suspended.next()).data).toMatchObject({
		type: 'closed',
		closeCode: closeCodes.not_allowed[0],
		code: 'user_suspended',
	});
	await suspended.over();

	const loggedOut = await streamOf(url, t.person('alice'));
	await t.ok({ as: 'alice', method: 'POST', path: '/users/me/logout' });
	expect((await loggedOut.next()).data).toMatchObject({ closeCode: 4403, code: 'token_revoked' });
	await loggedOut.over();

	const expired = await streamOf(url, t.person('carol'));
	t.advance(31 * 24 * 60 * 60 * 1_000);
	t.services.realtime.connections.endExpired();
	expect((await expired.next()).data).toMatchObject({ closeCode: 4401, code: 'token_expired' });
	await expired.over();

	await t.renew('carol');
	const last = await streamOf(url, t.person('carol'));
	t.services.realtime.connections.endAll('going_away');
	expect((await last.next()).data).toMatchObject({ type: 'closed', closeCode: 1001 });
	await last.over();
	expect(t.services.realtime.connections.all.size).toBe(0);
	expect(chat).toBeString();
});

test('a page of the site may read a stream, a foreign one may not', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const own = await openStream(url, t.person('bob'), { headers: { origin: 'https://site.com' } });
	expect(own.status).toBe(200);
	expect(own.headers.get('access-control-allow-origin')).toBe('https://site.com');
	expect(own.headers.get('vary')).toContain('Origin');
	expect(own.headers.get('access-control-expose-headers')).toContain('x-request-id');
	expect(own.headers.get('x-request-id')).toBeString();
	const foreign = await openStream(url, t.person('bob'), { headers: { origin: 'https://elsewhere.net' } });
	expect(foreign.status).toBe(403);
	const preflight = await fetch(`${url}/api/v1/events`, {
		method: 'OPTIONS',
		headers: {
			origin: 'https://site.com',
			'access-control-request-method': 'GET',
			'access-control-request-headers': 'authorization,x-api-key,last-event-id',
		},
	});
	expect(preflight.status).toBe(204);
	expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('last-event-id');
});

test('HEAD on the events opens nothing that stays', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const { token, site } = t.person('bob');
	for (const accept of ['text/event-stream', 'application/json']) {
		const response = await fetch(`${url}/api/v1/events`, {
			method: 'HEAD',
			headers: { accept, 'x-api-key': site.publishableKey, authorization: `Bearer ${token}` },
		});
		expect({ accept, status: response.status }).toEqual({ accept, status: 200 });
		expect(await response.text()).toBe('');
	}
	expect(t.services.realtime.connections.all.size).toBe(0);
});

test('a stream that its reader leaves takes no place any more', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	const { connections } = t.services.realtime;
	const left = () => new Promise<void>((resolve) => connections.onLeave(() => resolve()));
	for (let i = 0; i < 3; i++) {
		const stream = await streamOf(url, t.person('bob'));
		expect(connections.all.size).toBe(1);
		const gone = left();
		stream.close();
		await gone;
		expect(connections.all.size).toBe(0);
	}
});

test('an eleventh stream of one user is refused with a status, before anything is said', async () => {
	using t = await createTestApp();
	const { url } = t.listen();
	await Promise.all(Array.from({ length: 10 }, () => streamOf(url, t.person('bob'))));
	const one = await openStream(url, t.person('bob'));
	expect(one.status).toBe(429);
	expect(one.headers.get('retry-after')).toBeString();
	expect(one.headers.get('content-type')).toContain('application/json');
	expect((await openStream(url, t.person('alice'))).status).toBe(200);
});
