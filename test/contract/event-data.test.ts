import { describe, expect, test } from 'bun:test';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { second } from '../../src/kernel/clock.ts';
import { type EventType, eventTypes } from '../../src/kernel/events.ts';
import { viewOf } from '../../src/modules/events/feed.ts';
import type { EventMessage, Message } from '../../src/modules/messaging/messaging.schema.ts';
import type { ReportReceipt } from '../../src/modules/moderation/reports.schema.ts';
import type { Ticket } from '../../src/modules/support/tickets.schema.ts';
import { type EventPage, events, serverFrames, transientEvents } from '../../src/realtime/realtime.schema.ts';
import { type Heard, signIn, type TestSocket } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** What is recorded for the server alone, and what for: nobody is told of it. */
const forTheServer: Partial<Record<EventType, string>> = {
	'user.created': 'nobody is connected yet who could be told',
	'user.revoked': 'ends connections, whose close code says so',
	'user.deleted': 'ends connections too; what was theirs comes as messages that are empty now',
	'site.updated': 'keys and origins are judged again',
};

describe('every type of event', () => {
	test('is shown by a view, or known to be for the server alone', () => {
		const shown = eventTypes.filter((type) => viewOf({ type, desk: undefined }) !== null);
		expect([...shown, ...Object.keys(forTheServer)].sort()).toEqual([...eventTypes].sort());
		// of a ticket too
		expect(eventTypes.filter((type) => viewOf({ type, desk: true }) !== null)).toEqual(shown);
		expect(eventTypes.filter((type) => viewOf({ type, desk: false }) !== null)).toEqual(shown);
	});
	test('that is shown is in the protocol under its own name, and none beside', () => {
		const shown = eventTypes.filter((type) => viewOf({ type, desk: undefined }) !== null);
		expect(Object.keys(events).sort()).toEqual([...shown].sort());
		for (const [type, schema] of Object.entries(events))
			expect([type, schema.properties.type.const]).toEqual([type, type]);
	});
});

const schemaOf = (type: string): TSchema | undefined =>
	({ ...events, ...transientEvents, ...serverFrames })[type as keyof typeof events];

/** Something that fits its schema, and has no property beyond it at any depth. */
const fits = (who: string, frame: Heard) => {
	const schema = schemaOf(frame.type);
	expect([who, frame.type, schema !== undefined]).toEqual([who, frame.type, true]);
	if (!schema) return;
	const wrong = [...Value.Errors(schema, frame)].map(({ path, message }) => `${path}: ${message}`);
	expect({ who, frame, wrong }).toEqual({ who, frame, wrong: [] });
	// note: in the order of the frame, which Clean keeps
	expect(JSON.stringify(Value.Clean(schema, structuredClone(frame)))).toBe(JSON.stringify(frame));
};
const isEvent = (frame: Heard) => frame.type in events;

/** Has each type of event happen, in each of its forms, and gives what everybody has heard, all of it. */
const drive = async (t: TestApp) => {
	const { url } = t.listen();
	const begun = t.services.eventLog.cursor();
	const sockets = new Map<string, TestSocket>();
	for (const name of ['alice', 'bob', 'carol', 'staff', 'moderator', 'admin', 'other.alice', 'other.superadmin'])
		sockets.set(name, await signIn(url, t.person(name)));
	const call = <T = { id: string }>(method: string, as: string, path: string, body?: object) =>
		t.ok<T>({ as, method, path, ...(body && { body }) });
	const sign = 'reactions/%F0%9F%91%8D';

	// oneself; first of all the site, so that what is known of it in memory is gone
	await call('PATCH', 'superadmin', '/admin/site', { autoCloseDays: 9 });
	await call('PATCH', 'alice', '/users/me', { displayName: 'Alice', settings: { sound: true }, email: 'a@site.com' });
	await call('POST', 'alice', `/users/me/blocks/${t.person('carol').id}`);
	await call('DELETE', 'alice', `/users/me/blocks/${t.person('carol').id}`);
	await call('PATCH', 'admin', `/admin/users/${t.person('staff').id}`, { permissions: { canDeleteMessage: false } });
	await call('PATCH', 'moderator', `/admin/users/${t.person('bob').id}`, {
		suspended: true,
		reason: 'insults',
		until: new Date(t.clock() + second).toISOString(),
	});
	t.advance(2 * second);
	sockets.set('bob', await signIn(url, t.person('bob')));

	// a chat
	const chat = await t.conversation('alice', 'bob');
	const inChat = `/p2p/conversations/${chat}`;
	for (const name of ['alice', 'bob']) sockets.get(name)?.say({ type: 'watch', ref: 'w', conversationId: chat });
	const first = await t.send('alice', chat, 'hello', { clientMessageId: '1', metadata: { order: 7, paid: true } });
	const insult = await t.send('bob', chat, 'hello to you', { replyTo: first.id });
	await call('PATCH', 'alice', `${inChat}/messages/${first.id}`, { content: { text: 'good day' } });
	await call('PUT', 'bob', `${inChat}/messages/${first.id}/${sign}`);
	t.advance(second);
	await call('PUT', 'alice', `${inChat}/messages/${first.id}/${sign}`);
	await call('DELETE', 'alice', `${inChat}/messages/${first.id}/${sign}`);
	await call('POST', 'alice', `${inChat}/read`, {});
	await call('POST', 'bob', `${inChat}/unread`, { messageId: first.id });
	await call('POST', 'bob', `${inChat}/archive`);
	await call('POST', 'bob', `${inChat}/unarchive`);
	await call('POST', 'bob', `${inChat}/typing`, {});
	const gone = await t.send('alice', chat, 'not this');
	await call('DELETE', 'alice', `${inChat}/messages/${gone.id}`);

	// a ticket
	const opened = { subject: 'My printer', initialMessage: 'It burns', category: 'hardware', metadata: { model: 'X' } };
	const { id: ticket } = await call<Ticket>('POST', 'alice', '/support/tickets', opened);
	const inTicket = `/support/tickets/${ticket}`;
	for (const name of ['alice', 'staff', 'moderator'])
		sockets.get(name)?.say({ type: 'watch', ref: 'w', conversationId: ticket });
	const answer = await call<Message>('POST', 'staff', `${inTicket}/messages`, { content: { text: 'Pull the plug' } });
	await call('PATCH', 'staff', `${inTicket}/messages/${answer.id}`, { content: { text: 'Pull the plug, please' } });
	const note = await call<Message>('POST', 'staff', `${inTicket}/messages`, {
		content: { text: 'Again' },
		kind: 'note',
	});
	await call('PATCH', 'staff', `${inTicket}/messages/${note.id}`, { content: { text: 'Once more' } });
	await call('PUT', 'moderator', `${inTicket}/messages/${note.id}/${sign}`);
	await call('PUT', 'alice', `${inTicket}/messages/${answer.id}/${sign}`);
	await call('DELETE', 'admin', `${inTicket}/messages/${note.id}`);
	await call('PATCH', 'staff', inTicket, { tags: ['fire'], priority: 'high' });
	await call('PATCH', 'staff', inTicket, { assigneeId: t.person('staff').id });
	for (const name of ['alice', 'staff']) await call('POST', name, `${inTicket}/read`, {});
	await call('POST', 'staff', `${inTicket}/unread`, { messageId: answer.id });
	await call('POST', 'alice', `${inTicket}/unread`, { messageId: answer.id });
	await call('POST', 'alice', `${inTicket}/typing`, {});
	await call('POST', 'staff', `${inTicket}/typing`, { note: true });
	await call('PATCH', 'staff', inTicket, { status: 'resolved' });
	await call('POST', 'alice', `${inTicket}/rating`, { score: 4, comment: 'Still warm' });
	await call('PATCH', 'alice', inTicket, { status: 'closed' });
	await call('POST', 'alice', '/support/tickets', { ...opened, followsTicketId: ticket });
	await call('POST', 'staff', `/admin/messages/${insult.id}/ticket`, {});

	// reports
	const complaint = { reason: 'An insult.' };
	const report = await call<ReportReceipt>('POST', 'alice', `${inChat}/messages/${insult.id}/report`, complaint);
	await call('POST', 'moderator', `/admin/reports/${report.id}`, { status: 'upheld' });
	await t.conversation('bob', 'admin');
	await call('POST', 'bob', `/users/${t.person('admin').id}/report`, complaint);

	// what is said on the socket itself
	const alice = sockets.get('alice') as TestSocket;
	alice.say({ type: 'message', ref: 'm', conversationId: chat, clientMessageId: '2', content: { text: 'bye' } });
	alice.say({ type: 'read', ref: 'r', conversationId: chat });
	alice.say({ type: 'read', conversationId: 'conv_nowhere' });
	alice.say({ type: 'typing', ref: 't', conversationId: chat, typing: 'perhaps' });
	for (const ref of ['m', 'r']) while ((await alice.next('ack')).ref !== ref);

	await t.written();
	for (const socket of sockets.values()) await socket.quiet();
	const heard = new Map([...sockets].map(([name, socket]) => [name, [...socket.heard]]));
	return { url, begun, heard, ticket, chat, report };
};

/** Who has heard of what: `own` is what it tells the users it names, `desk` what it tells the rest of the team. */
const audiences: Record<keyof typeof events, { own: string[]; desk: string[] }> = {
	'message.created': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'message.updated': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'message.deleted': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'message.reaction': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'conversation.created': { own: ['alice', 'bob', 'admin'], desk: [] },
	'conversation.updated': { own: ['bob'], desk: [] },
	'conversation.read': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'ticket.created': { own: ['alice', 'bob'], desk: ['staff', 'moderator'] },
	'ticket.updated': { own: ['alice'], desk: ['staff', 'moderator'] },
	'report.updated': { own: [], desk: ['moderator'] },
	'user.updated': { own: ['alice', 'staff'], desk: [] },
	'user.blocked': { own: ['alice'], desk: [] },
};
/** What stands in the data of an event for the desk, and never for a user it names. */
const deskOnly = [
	...['noteSeq', 'isEvidence', 'earlierTexts'],
	...['tags', 'version', 'waitingSince', 'requester', 'assignee', 'sourceMessageId', 'sourceConversationId'],
];

/** Properties that the same schema has for other events: a chat begins for both, whose status each has for themselves. */
const neverLive: Record<string, string[]> = { 'conversation.created': ['status'] };

describe('what is told live', () => {
	test('fits the protocol to the letter: every frame and event, for whomever, with nothing beyond its schema', async () => {
		using t = await createTestApp();
		const { heard, ticket } = await drive(t);
		let n = 0;
		for (const [name, frames] of heard)
			for (const frame of frames) {
				// note: bob's first socket was ended with his suspension, and another one made
				if (frame.type === 'end') continue;
				fits(name, frame);
				n++;
			}
		expect(n).toBeGreaterThan(150);
		const of = (name: string) => (heard.get(name) ?? []).filter(isEvent);

		for (const [type, { own, desk }] of Object.entries(audiences))
			for (const name of [...own, ...desk])
				expect([type, name, of(name).some((event) => event.type === type)]).toEqual([type, name, true]);
		// whoever is not in the table has heard none
		for (const [name] of heard) {
			const types = [...new Set(of(name).map((event) => event.type))].filter((type) => {
				const { own, desk } = audiences[type as keyof typeof events];
				return ![...own, ...desk].includes(name);
			});
			// the admin is of the desk too, but for the report about them
			if (name !== 'admin') expect([name, types]).toEqual([name, []]);
		}
		for (const name of ['other.alice', 'other.superadmin', 'carol']) expect([name, of(name)]).toEqual([name, []]);

		// every property that the protocol has is there for somebody
		const all = [...heard.values()].flat().filter(isEvent) as unknown as { type: string; data: object }[];
		for (const [type, schema] of Object.entries(events)) {
			const seen = new Set(all.filter((event) => event.type === type).flatMap(({ data }) => Object.keys(data)));
			const named = Object.keys((schema.properties.data as TSchema).properties);
			const absent = named.filter((property) => !seen.has(property)).sort();
			expect([type, absent]).toEqual([type, neverLive[type] ?? []]);
		}

		const reactions = of('alice').flatMap((event) => (event.type === 'message.reaction' ? [event] : []));
		const userIds = ['bob', 'alice'].map((name) => t.person(name).id);
		expect(reactions.flatMap(({ data }) => (data as EventMessage).reactions)).toContainEqual({
			emoji: '👍',
			count: 2,
			userIds,
		});

		const told = (name: string) =>
			of(name).filter((event) => 'conversationId' in event && event.conversationId === ticket) as unknown as {
				type: string;
				data: object;
			}[];
		expect(told('alice').length).toBeGreaterThan(8);
		for (const { type, data } of told('alice'))
			expect([type, Object.keys(data).filter((property) => deskOnly.includes(property))]).toEqual([type, []]);
		for (const { data } of told('staff')) expect(Object.keys(data)).not.toContain('unreadCountP1');
		for (const { data } of told('alice')) expect(Object.keys(data)).not.toContain('unreadCountP2');
		const asText = JSON.stringify(heard.get('alice'));
		for (const hidden of ['Again', 'Once more', 'fire']) expect(asText).not.toContain(hidden);
	});

	test('of whoever comes back, by socket or by polling, fits it just so', async () => {
		using t = await createTestApp();
		const { url, begun } = await drive(t);
		for (const name of ['alice', 'bob', 'staff', 'moderator', 'admin', 'other.superadmin']) {
			const socket = await signIn(url, t.person(name), begun);
			await socket.next('caught_up');
			const replayed = socket.heard.filter(isEvent);
			for (const frame of socket.heard) fits(name, frame);
			const page = await t.ok<EventPage>({ as: name, path: `/events?since=${begun}&limit=500` });
			expect(page.data as object[]).toEqual(replayed as object[]);
			socket.close();
		}
		const socket = await signIn(url, t.person('alice'), 'anotherlife.1.1');
		fits('alice', await socket.next('ready'));
		fits('alice', await socket.next('reset'));
	});
});

test('what is beyond a schema is found, also deep inside', () => {
	const page = { type: 'pong', cursor: 'a.1.b' } as const;
	fits('nobody', page);
	expect(() => fits('nobody', { ...page, more: 1 } as Heard)).toThrow();
	expect(() => fits('nobody', { type: 'pong' } as Heard)).toThrow();
	const user = { id: 'user_1', username: 'alice', role: 'user', email: 'a@site.com' };
	expect(() => fits('nobody', { type: 'ready', cursor: 'a.1.b', user } as Heard)).toThrow();
});
