import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day } from '../../src/kernel/clock.ts';
import type { EventMessage } from '../../src/modules/messaging/messaging.schema.ts';
import type { EventPage, ServerEvent } from '../../src/realtime/realtime.schema.ts';
import { note, openTicket, pathOf, say, words } from '../modules/support/tickets-support.ts';
import { openStream } from '../support/event-stream.ts';
import { signIn } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

setDefaultTimeout(60_000);

/** What somebody who comes back is told: the events, and every byte. */
interface Told {
	way: string;
	events: ServerEvent[];
	text: string;
	reset: boolean;
}

/** Comes back over all three ways, from a place. */
const comeBack = async (t: TestApp, url: string, as: string, since: string): Promise<Told[]> => {
	const socket = await signIn(url, t.person(as), since);
	await socket.next('caught_up');
	const stream = await openStream(url, t.person(as), { headers: { 'last-event-id': since } });
	const blocks = await stream.until('caught_up');
	const pages: ServerEvent[] = [];
	let place = since;
	let reset = false;
	for (let more = true; more; ) {
		const page = await t.ok<EventPage>({ as, path: `/events?limit=3&since=${place}` });
		pages.push(...page.data);
		place = page.cursor;
		more = page.hasMore;
		reset ||= page.reset;
	}
	const ofSocket = socket.heard.filter((frame) => 'id' in frame) as ServerEvent[];
	const ofStream = blocks.flatMap(({ data }) => (data && 'id' in data ? [data] : [])) as ServerEvent[];
	const isReset = (types: (string | undefined)[]) => types.includes('reset');
	const told = [
		{
			way: 'socket',
			events: ofSocket,
			text: JSON.stringify(socket.heard),
			reset: isReset(socket.heard.map(({ type }) => type)),
		},
		{ way: 'stream', events: ofStream, text: stream.text, reset: isReset(blocks.map(({ event }) => event)) },
		{ way: 'poll', events: pages, text: JSON.stringify(pages), reset },
	];
	socket.close();
	stream.close();
	// by whichever way, it is the same
	for (const { way, events } of told) expect({ way, events }).toEqual({ way, events: pages });
	return told;
};
const messagesIn = ({ events }: Told) =>
	events.filter(({ type }) => type.startsWith('message.')) as (ServerEvent & { data: EventMessage })[];

const secret = 'Xsecret';
const begun = async () => {
	const t = await createTestApp();
	const { url } = t.listen();
	return { t, url, cursor: () => t.services.eventLog.cursor() };
};

describe('whoever was away is told', () => {
	test('of a deleted message what is left of it, also where its text was changed before', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const since = cursor();
		const metadata = { order: `${secret}-order` };
		const { id } = await t.send('alice', chat, `${secret} 1`, { metadata });
		const path = `/p2p/conversations/${chat}/messages/${id}`;
		await t.ok({ as: 'bob', method: 'PUT', path: `${path}/reactions/${encodeURIComponent('👍')}` });
		await t.ok({ as: 'alice', method: 'PATCH', path, body: words(`${secret} 2`) });
		const between = cursor();
		await t.ok({ as: 'alice', method: 'DELETE', path });
		for (const [from, types] of [
			[since, ['message.created', 'message.reaction', 'message.updated', 'message.deleted']],
			[between, ['message.deleted']],
		] as const)
			for (const as of ['bob', 'alice'])
				for (const told of await comeBack(t, url, as, from)) {
					expect([told.way, ...told.events.map(({ type }) => type)]).toEqual([told.way, ...types]);
					for (const { data } of messagesIn(told))
						expect(data).toMatchObject({
							id,
							content: {},
							metadata: null,
							reactions: [],
							deletedAt: expect.any(String),
							messageCount: 1,
						});
					expect(told.text).not.toContain(secret);
				}
	});

	test('of a changed message its text as it is now, and of the earlier ones nothing', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const since = cursor();
		const { id } = await t.send('alice', chat, `${secret} slip`);
		await t.ok({
			as: 'alice',
			method: 'PATCH',
			path: `/p2p/conversations/${chat}/messages/${id}`,
			body: words('well said'),
		});
		for (const told of await comeBack(t, url, 'bob', since)) {
			expect(messagesIn(told).map(({ type, data }) => [type, data.content.text])).toEqual([
				['message.created', 'well said'],
				['message.updated', 'well said'],
			]);
			expect(told.text).not.toContain(secret);
			expect(told.text).not.toContain('earlierTexts');
		}
	});

	test('of a ticket’s messages the text as it is now, the earlier ones not even the desk, and of deleted ones nobody', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const { id: ticket } = await openTicket(t, 'alice');
		const since = cursor();
		const { id } = await say(t, 'alice', ticket, 'earlier words');
		const path = pathOf(ticket, `/messages/${id}`);
		await t.ok({ as: 'alice', method: 'PATCH', path, body: words('later words') });
		for (const as of ['alice', 'staff'])
			for (const told of await comeBack(t, url, as, since)) {
				// twenty of them would make each event twenty times as long; a page of messages has them
				expect(told.text).not.toContain('earlier');
				expect(messagesIn(told).map(({ data }) => data.content.text)).toContain('later words');
			}
		await t.ok({ as: 'alice', method: 'DELETE', path });
		for (const as of ['alice', 'staff'])
			for (const told of await comeBack(t, url, as, since)) {
				expect(told.text).not.toContain('later words');
				expect(told.text).not.toContain('earlier words');
				for (const { data } of messagesIn(told)) expect(data.content).toEqual({});
			}
	});

	test('of an erased user no word, name, note beside a message, nor subject of a ticket', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		await t.ok({ as: 'alice', method: 'PATCH', path: '/users/me', body: { displayName: `${secret} Smith` } });
		const since = cursor();
		const chat = await t.conversation('alice', 'bob');
		const metadata = { beside: secret };
		await t.send('alice', chat, `${secret} in a chat`, { metadata, clientMessageId: `${secret}-1` });
		await t.send('bob', chat, 'an answer');
		const asked = {
			subject: `${secret} asks`,
			category: `${secret} kind`,
			initialMessage: `${secret} in a ticket`,
			metadata,
		};
		const { id: ticket } = await openTicket(t, 'alice', asked);
		await t.ok({ as: 'staff', method: 'PATCH', path: pathOf(ticket), body: { status: 'resolved' } });
		await t.ok({
			as: 'alice',
			method: 'POST',
			path: pathOf(ticket, '/rating'),
			body: { score: 1, comment: `${secret} comment` },
		});
		const { id: rude } = await t.send('alice', chat, `${secret} insult`);
		await t.ok({
			as: 'bob',
			method: 'POST',
			path: `/p2p/conversations/${chat}/messages/${rude}/report`,
			body: { reason: 'an insult' },
		});
		await t.ok({
			as: 'alice',
			method: 'POST',
			path: `/users/${t.person('bob').id}/report`,
			body: { reason: `${secret} complains` },
		});
		const between = cursor();
		// what is there before shows in what is told
		for (const as of ['bob', 'moderator'])
			for (const told of await comeBack(t, url, as, since)) expect(told.text).toContain(secret);

		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('alice').id}` });
		for (const from of [since, between])
			for (const as of ['bob', 'staff', 'moderator', 'superadmin'])
				for (const told of await comeBack(t, url, as, from)) {
					expect([as, told.way, told.text.includes(secret)]).toEqual([as, told.way, false]);
					expect(told.text).not.toContain('"username":"alice"');
					expect(told.events.length).toBeGreaterThan(0);
					for (const { data } of messagesIn(told))
						if (data.senderId === t.person('alice').id) expect(data.content).toEqual({});
				}
	});

	test('of what was erased nothing, too, once the events of it are gone', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const chat = await t.conversation('alice', 'bob');
		const since = cursor();
		const { id } = await t.send('alice', chat, secret);
		t.advance(4 * day);
		await t.ok({ as: 'alice', method: 'DELETE', path: `/p2p/conversations/${chat}/messages/${id}` });
		const behind = cursor();
		t.advance(4 * day);
		await t.services.eventLog.purge();
		for (const told of await comeBack(t, url, 'bob', since)) {
			expect(told).toMatchObject({ events: [], reset: true });
			expect(told.text).not.toContain(secret);
		}
		for (const told of await comeBack(t, url, 'bob', behind)) expect(told).toMatchObject({ events: [], reset: false });
	});
});

describe('with an old cursor', () => {
	/** A ticket with everything that is the desk's alone. */
	const deskwork = async (t: TestApp) => {
		const { id } = await openTicket(t, 'alice', { subject: `${secret} subject`, initialMessage: `${secret} asks` });
		await note(t, 'moderator', id, `${secret} note`);
		await t.ok({
			as: 'moderator',
			method: 'PATCH',
			path: pathOf(id),
			body: { tags: [`${secret} tag`], priority: 'high' },
		});
		await say(t, 'moderator', id, `${secret} reply`);
		await t.ok({ as: 'admin', method: 'POST', path: pathOf(id, '/read'), body: {} });
		const chat = await t.conversation('carol', 'bob');
		await t.send('carol', chat, `${secret} words`);
		await t.ok({
			as: 'bob',
			method: 'POST',
			path: `/users/${t.person('carol').id}/report`,
			body: { reason: `${secret} reason` },
		});
		return id;
	};

	test('one who has left the desk gets nothing of it, only what is their own', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const since = cursor();
		await deskwork(t);
		for (const told of await comeBack(t, url, 'staff', since)) expect(told.text).toContain(`${secret} note`);
		const path = `/admin/users/${t.person('staff').id}`;
		await t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'user' } });
		const chat = await t.conversation('bob', 'staff');
		for (const told of await comeBack(t, url, 'staff', since)) {
			expect([told.way, ...told.events.map(({ type }) => type)]).toEqual([
				told.way,
				'user.updated',
				'conversation.created',
			]);
			expect(told.events.at(-1)?.conversationId).toBe(chat);
			expect(told.text).not.toContain(secret);
		}
	});

	test('one who moderates no longer gets nothing of reports', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const since = cursor();
		await deskwork(t);
		for (const told of await comeBack(t, url, 'moderator', since)) {
			expect(told.events.map(({ type }) => type)).toContain('report.updated');
			expect(told.text).toContain(`${secret} reason`);
		}
		const path = `/admin/users/${t.person('moderator').id}`;
		await t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'staff' } });
		for (const told of await comeBack(t, url, 'moderator', since)) {
			expect(told.text).toContain(`${secret} note`);
			expect(told.text).not.toContain(`${secret} reason`);
			expect(told.text).not.toContain('report');
		}
	});

	test('the requester of a ticket gets nothing of its notes and tags, of the desk’s reading, nor of how many unread it has', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const since = cursor();
		const id = await deskwork(t);
		for (const told of await comeBack(t, url, 'alice', since)) {
			const own = told.events.filter(({ conversationId }) => conversationId === id);
			expect(own.length).toBeGreaterThan(3);
			for (const word of [
				`${secret} note`,
				`${secret} tag`,
				'"tags"',
				'"version"',
				'waitingSince',
				'unreadCountP2',
				'noteSeq',
			])
				expect([told.way, word, told.text.includes(word)]).toEqual([told.way, word, false]);
		}
	});

	test('a desk user whose own ticket it is gets of it what any requester does', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const since = cursor();
		const { id } = await openTicket(t, 'admin');
		await note(t, 'staff', id, `${secret} note`);
		await t.ok({ as: 'staff', method: 'PATCH', path: pathOf(id), body: { tags: [`${secret} tag`] } });
		for (const told of await comeBack(t, url, 'admin', since)) {
			expect(told.events.map(({ type }) => type).sort()).toEqual(['message.created', 'ticket.created']);
			expect(told.text).not.toContain(secret);
			expect(told.text).not.toContain('"tags"');
		}
	});

	test('whom a report is about gets nothing of it, though they are of the desk', async () => {
		const { t, url, cursor } = await begun();
		using _ = t;
		const chat = await t.conversation('alice', 'admin');
		const { id: message } = await t.send('admin', chat, 'an insult');
		const since = cursor();
		const { ticketId } = await t.ok<{ ticketId: string }>({
			as: 'alice',
			method: 'POST',
			path: `/p2p/conversations/${chat}/messages/${message}/report`,
			body: { reason: `${secret} reason` },
		});
		const reports = await t.ok<{ data: { id: string }[] }>({ as: 'superadmin', path: '/admin/reports' });
		await note(t, 'superadmin', ticketId, `${secret} note`);
		const path = `/admin/reports/${reports.data[0]?.id}`;
		await t.ok({ as: 'superadmin', method: 'POST', path, body: { status: 'upheld' } });
		for (const told of await comeBack(t, url, 'admin', since)) {
			expect(told.events).toEqual([]);
			expect(told.text).not.toContain(ticketId);
			expect(told.text).not.toContain(secret);
		}
		for (const told of await comeBack(t, url, 'moderator', since)) expect(told.text).toContain(`${secret} note`);
	});
});
