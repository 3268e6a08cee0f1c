import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { minute, second } from '../../src/kernel/clock.ts';
import { typingEveryMs } from '../../src/kernel/limits.ts';
import type { ProfileView } from '../../src/modules/users/users.schema.ts';
import { openTicket } from '../modules/support/tickets-support.ts';
import { openStream, streamOf } from '../support/event-stream.ts';
import { type Heard, signIn, type TestSocket } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

setDefaultTimeout(30_000);

/** A live world: everybody named signs in by a socket. */
const live = async <N extends string>(...names: N[]) => {
	const t = await createTestApp();
	const { url } = t.listen();
	const on = {} as Record<N, TestSocket>;
	for (const name of names) on[name] = await signIn(url, t.person(name));
	return { t, url, on };
};

/** What somebody has heard that passes, short. */
const passing = (t: TestApp, heard: Heard[]) =>
	heard.flatMap((frame) => {
		if (frame.type !== 'typing' && frame.type !== 'presence') return [];
		const { data } = frame;
		const who = [...t.people].find(([, { id }]) => id === data.userId)?.[0] ?? '?';
		return 'typing' in data
			? [`${who} ${data.typing ? 'types' : 'stops'}${data.note ? ' a note' : ''}`]
			: [`${who} ${data.online ? 'here' : 'away'}${data.watching ? ' looking' : ''}`];
	});
const heardBy = async (t: TestApp, socket: TestSocket) => passing(t, await socket.quiet());
/** Says a frame and waits until it was worked on. */
const say = async (socket: TestSocket, frame: object) => {
	socket.say({ ...frame });
	return (await socket.quiet()).filter(({ type }) => type === 'error');
};
const watch = (socket: TestSocket, conversationId: string | null) => {
	socket.say({ type: 'watch', conversationId, ref: 'watch' });
	return socket.quiet();
};
/** Waits until so many are connected. */
const connected = async (t: TestApp, n: number): Promise<void> => {
	while (t.services.realtime.connections.all.size !== n) await new Promise((resolve) => setImmediate(resolve));
};
const goes = async (t: TestApp, socket: TestSocket) => {
	const { size } = t.services.realtime.connections.all;
	socket.close();
	await connected(t, size - 1);
};

describe('typing', () => {
	test('between two users reaches the other on all devices, and nobody else', async () => {
		const { t, url, on } = await live('alice', 'bob', 'carol', 'staff', 'superadmin', 'other.bob');
		using _ = t;
		const second = await signIn(url, t.person('bob'));
		const stream = await streamOf(url, t.person('bob'));
		const chat = await t.conversation('alice', 'bob');
		for (const socket of Object.values(on)) await socket.quiet();
		await second.quiet();
		expect(await say(on.alice, { type: 'typing', conversationId: chat })).toEqual([]);
		expect(await heardBy(t, on.bob)).toEqual(['alice types']);
		expect(await heardBy(t, second)).toEqual(['alice types']);
		const { data, id } = await stream.next('typing');
		expect(data).toMatchObject({ type: 'typing', conversationId: chat });
		// it has no place in the log, and a stream comes back where it was
		expect([data.id, id]).toEqual([undefined, undefined]);
		for (const name of ['alice', 'carol', 'staff', 'superadmin', 'other.bob'] as const)
			expect([name, await heardBy(t, on[name])]).toEqual([name, []]);
		const before = t.newestEvent();
		const typing = (body: object) =>
			t.ok({ as: 'bob', method: 'POST', path: `/p2p/conversations/${chat}/typing`, body });
		// of whom it was not said that they type, it is not said that they have stopped
		await typing({ typing: false });
		await typing({});
		await typing({ typing: false });
		expect(await heardBy(t, on.alice)).toEqual(['bob types', 'bob stops']);
		expect(t.newestEvent()).toBe(before);
	});

	test('is told no oftener than every two seconds, unless it says something else', async () => {
		const { t, on } = await live('alice', 'bob');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		await on.bob.quiet();
		const typing = { type: 'typing', conversationId: chat };
		for (let i = 0; i < 10; i++) await say(on.alice, typing);
		expect(await heardBy(t, on.bob)).toEqual(['alice types']);
		t.advance(typingEveryMs - 1);
		await say(on.alice, typing);
		expect(await heardBy(t, on.bob)).toEqual([]);
		t.advance(1);
		await say(on.alice, typing);
		await say(on.alice, { ...typing, typing: false });
		await say(on.alice, { ...typing, typing: false });
		expect(await heardBy(t, on.bob)).toEqual(['alice types', 'alice stops']);
	});

	test('in a blocked pair is refused, and not heard', async () => {
		const { t, on } = await live('alice', 'bob');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		await t.ok({ as: 'bob', method: 'POST', path: `/users/me/blocks/${t.person('alice').id}` });
		await on.alice.quiet();
		await on.bob.quiet();
		for (const [from, to] of [
			['alice', 'bob'],
			['bob', 'alice'],
		] as const) {
			expect(await say(on[from], { type: 'typing', ref: 'x', conversationId: chat })).toMatchObject([
				{ code: 'blocked', ref: 'x' },
			]);
			expect(await heardBy(t, on[to])).toEqual([]);
		}
	});

	test('of the desk reaches the requester and who else looks at the ticket; of a note nobody but those', async () => {
		const { t, on } = await live('alice', 'staff', 'moderator', 'admin');
		using _ = t;
		const { id } = await openTicket(t, 'alice');
		await watch(on.alice, id);
		await watch(on.moderator, id);
		await on.admin.quiet();
		await say(on.staff, { type: 'typing', conversationId: id });
		expect(await heardBy(t, on.alice)).toEqual(['staff types']);
		expect(await heardBy(t, on.moderator)).toEqual(['staff types']);
		await say(on.staff, { type: 'typing', conversationId: id, note: true });
		expect(await heardBy(t, on.moderator)).toEqual(['staff types a note']);
		await say(on.alice, { type: 'typing', conversationId: id });
		expect(await heardBy(t, on.moderator)).toEqual(['alice types']);
		for (const name of ['alice', 'admin', 'staff'] as const)
			expect([name, await heardBy(t, on[name])]).toEqual([name, []]);
		expect(await say(on.alice, { type: 'typing', conversationId: id, note: true })).toMatchObject([
			{ code: 'forbidden' },
		]);
		expect(await heardBy(t, on.moderator)).toEqual([]);
	});

	test('on a ticket of one’s own reaches the desk that looks, and what the desk writes as a note does not come back', async () => {
		const { t, on } = await live('staff', 'moderator');
		using _ = t;
		const { id } = await openTicket(t, 'staff');
		await watch(on.staff, id);
		await watch(on.moderator, id);
		await on.staff.quiet();
		await say(on.staff, { type: 'typing', conversationId: id });
		expect(await heardBy(t, on.moderator)).toEqual(['staff types']);
		await say(on.moderator, { type: 'typing', conversationId: id, note: true });
		expect(await heardBy(t, on.staff)).toEqual([]);
		expect(await say(on.staff, { type: 'typing', conversationId: id, note: true })).toMatchObject([
			{ code: 'forbidden' },
		]);
	});

	test('where one is no part is not found', async () => {
		const { t, on } = await live('carol', 'admin', 'other.staff');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const { id } = await openTicket(t, 'alice');
		for (const [name, conversationId] of [
			['carol', chat],
			['carol', id],
			['admin', chat],
			['other.staff', id],
		] as const)
			for (const type of ['typing', 'watch'])
				expect(await say(on[name], { type, conversationId, ref: 'r' })).toMatchObject([
					{ code: 'not_found', ref: 'r' },
				]);
	});
});

describe('who looks at a conversation', () => {
	test('is told whether the other is here: now, at their first device and when the last has gone', async () => {
		const { t, url, on } = await live('alice');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		expect(passing(t, await watch(on.alice, chat))).toEqual(['bob away']);
		const one = await signIn(url, t.person('bob'));
		expect(passing(t, [await on.alice.next('presence')])).toEqual(['bob here']);
		const two = await openStream(url, t.person('bob'));
		await two.until('caught_up');
		await goes(t, one);
		expect(await heardBy(t, on.alice)).toEqual([]);
		two.close();
		expect(passing(t, [await on.alice.next('presence')])).toEqual(['bob away']);
		// a poll comes and goes: nobody is here by that
		const poll = t.call({ as: 'bob', path: '/events?wait=1' });
		await connected(t, 2);
		expect(await heardBy(t, on.alice)).toEqual([]);
		await poll;
	});

	test('no longer is, once they look elsewhere or nowhere', async () => {
		const { t, url, on } = await live('alice');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const other = await t.conversation('alice', 'carol');
		await watch(on.alice, chat);
		expect(passing(t, await watch(on.alice, other))).toEqual(['carol away']);
		const bob = await signIn(url, t.person('bob'));
		expect(await heardBy(t, on.alice)).toEqual([]);
		expect((await watch(on.alice, null)).map(({ type }) => type)).toEqual(['ack']);
		await signIn(url, t.person('carol'));
		await goes(t, bob);
		expect(await heardBy(t, on.alice)).toEqual([]);
	});

	test('of a pair is told again to both who look, once the block is taken back', async () => {
		const { t, on } = await live('alice', 'bob');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		await watch(on.alice, chat);
		await watch(on.bob, chat);
		const block = { as: 'bob', path: `/users/me/blocks/${t.person('alice').id}` };
		await t.ok({ ...block, method: 'POST' });
		expect(await heardBy(t, on.alice)).toEqual([]);
		await t.ok({ ...block, method: 'DELETE' });
		expect(await heardBy(t, on.alice)).toEqual(['bob here']);
		expect(await heardBy(t, on.bob)).toEqual(['alice here']);
	});
	test('of a blocked pair is told nothing: neither when they begin to look, nor from the block on', async () => {
		const { t, url, on } = await live('alice', 'bob');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		expect(passing(t, await watch(on.alice, chat))).toEqual(['bob here']);
		expect(passing(t, await watch(on.bob, chat))).toEqual(['alice here']);
		await t.ok({ as: 'bob', method: 'POST', path: `/users/me/blocks/${t.person('alice').id}` });
		const again = await signIn(url, t.person('carol'));
		await goes(t, on.bob);
		const bob = await signIn(url, t.person('bob'));
		expect(await heardBy(t, on.alice)).toEqual([]);
		expect(passing(t, await watch(bob, chat))).toEqual([]);
		await goes(t, on.alice);
		const alice = await signIn(url, t.person('alice'));
		expect(passing(t, await watch(alice, chat))).toEqual([]);
		expect(await heardBy(t, bob)).toEqual([]);
		again.close();
	});

	test('of the desk is told who else looks, and whether the requester is here; the requester is told nothing of them', async () => {
		const { t, url, on } = await live('alice', 'staff', 'moderator');
		using _ = t;
		const { id } = await openTicket(t, 'alice');
		expect(passing(t, await watch(on.alice, id))).toEqual([]);
		expect(passing(t, await watch(on.staff, id))).toEqual(['alice here']);
		expect(passing(t, await watch(on.moderator, id))).toEqual(['alice here', 'staff here looking']);
		expect(await heardBy(t, on.staff)).toEqual(['moderator here looking']);
		// one that looks from two devices has stopped with the second
		const second = await signIn(url, t.person('moderator'));
		await watch(second, id);
		await watch(on.moderator, null);
		expect(await heardBy(t, on.staff)).toEqual([]);
		await goes(t, second);
		expect(await heardBy(t, on.staff)).toEqual(['moderator here']);
		await goes(t, on.staff);
		await goes(t, on.moderator);
		expect(await heardBy(t, on.alice)).toEqual([]);
	});

	test('as the desk ends with the role', async () => {
		const { t, on } = await live('alice', 'staff', 'moderator');
		using _ = t;
		const { id } = await openTicket(t, 'alice');
		await watch(on.moderator, id);
		await watch(on.staff, id);
		await on.moderator.quiet();
		const path = `/admin/users/${t.person('staff').id}`;
		await t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'user' } });
		expect(await heardBy(t, on.moderator)).toEqual(['staff here']);
		await on.staff.quiet();
		await say(on.moderator, { type: 'typing', conversationId: id, note: true });
		await goes(t, on.alice);
		expect(await heardBy(t, on.staff)).toEqual([]);
		expect(await heardBy(t, on.moderator)).toEqual(['alice away']);
		expect(await say(on.staff, { type: 'watch', conversationId: id, ref: 'w' })).toMatchObject([{ code: 'not_found' }]);
	});

	test('of a report ends for whom may see reports no longer', async () => {
		const { t, on } = await live('moderator', 'admin');
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const { id: message } = await t.send('bob', chat, 'an insult');
		const { ticketId } = await t.ok<{ ticketId: string }>({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${chat}/messages/${message}/report`,
			body: { reason: 'rude' },
		});
		await watch(on.moderator, ticketId);
		await watch(on.admin, ticketId);
		const path = `/admin/users/${t.person('moderator').id}`;
		await t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'staff' } });
		await on.moderator.quiet();
		await say(on.admin, { type: 'typing', conversationId: ticketId, note: true });
		expect(await heardBy(t, on.moderator)).toEqual([]);
	});
});

describe('whether somebody is here', () => {
	const presenceOf = async (t: TestApp, as: string, name: string) =>
		(await t.ok<ProfileView>({ as, path: `/users/${t.person(name).id}` })).presence;

	test('is shown to whoever has a chat with them, to the desk and to themselves alone', async () => {
		const { t, on } = await live('alice', 'staff');
		using _ = t;
		await t.conversation('alice', 'bob');
		await openTicket(t, 'alice');
		for (const as of ['bob', 'staff', 'superadmin', 'alice'])
			expect([as, await presenceOf(t, as, 'alice')]).toMatchObject([as, { online: true }]);
		expect(await presenceOf(t, 'carol', 'alice')).toBeNull();
		// who asks for help is not shown who of the team is here
		expect(await presenceOf(t, 'alice', 'staff')).toBeNull();
		expect((await t.call({ as: 'other.staff', path: `/users/${t.person('alice').id}` })).status).toBe(404);
		await goes(t, on.alice);
		expect(await presenceOf(t, 'bob', 'alice')).toMatchObject({ online: false });
		await t.ok({ as: 'alice', method: 'POST', path: `/users/me/blocks/${t.person('bob').id}` });
		expect(await presenceOf(t, 'bob', 'alice')).toBeNull();
		expect(await presenceOf(t, 'alice', 'bob')).toBeNull();
	});

	test('counts each user once, on their own site', async () => {
		const { t, url, on } = await live('alice', 'bob', 'other.alice');
		using _ = t;
		const second = await signIn(url, t.person('alice'));
		const online = async (as: string) =>
			(await t.ok<{ users: { online: number } }>({ as, path: '/admin/stats' })).users.online;
		expect([await online('staff'), await online('other.staff')]).toEqual([2, 1]);
		await goes(t, on.alice);
		expect(await online('staff')).toBe(2);
		await goes(t, second);
		await goes(t, on.bob);
		expect([await online('staff'), await online('other.staff')]).toEqual([0, 1]);
	});

	test('is noted with a time at most once a minute, however often they come and go', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const seenAt = () =>
			t.rows<{ at: number }>('select last_seen_at as at from users where pk = ?', t.person('bob').pk)[0]?.at;
		const visit = async () => {
			const socket = await signIn(url, t.person('bob'));
			await goes(t, socket);
			await t.written();
		};
		t.advance(2 * minute);
		const first = t.clock();
		await visit();
		expect(seenAt()).toBe(first);
		for (let i = 0; i < 5; i++) {
			t.advance(10 * second);
			await visit();
		}
		expect(seenAt()).toBe(first);
		t.advance(10 * second);
		await visit();
		expect(seenAt()).toBe(first + minute);
		// who was here for long has been seen when they went
		t.advance(minute);
		const socket = await signIn(url, t.person('bob'));
		t.advance(30 * minute);
		await goes(t, socket);
		await t.written();
		expect(seenAt()).toBe(t.clock());
	});

	test('leaves no trace of an erased user who was connected', async () => {
		const { t, on } = await live('bob');
		using _ = t;
		t.advance(5 * minute);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('bob').id}` });
		expect((await on.bob.ended()).code).toBe(4403);
		await t.written();
		const pk = t.person('bob').pk;
		expect(t.rows('select last_seen_at as at from users where pk = ?', pk)).toEqual([{ at: null }]);
	});
});
