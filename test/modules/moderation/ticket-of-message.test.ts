import { describe, expect, test } from 'bun:test';
import type { AuditPage } from '../../../src/modules/audit/audit.schema.ts';
import type { Message } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

const make = (t: TestApp, as: string, message: string, body: object = {}) =>
	t.call<Ticket>({ as, method: 'POST', path: `/admin/messages/${message}/ticket`, body });
const chatted = async (t: TestApp, text = 'I want my money back') => {
	const chat = await t.conversation('alice', 'bob');
	return { chat, message: (await t.send('alice', chat, text)).id };
};

describe('a ticket of a message', () => {
	test('is the author’s own, with a link back that the desk alone sees', async () => {
		using t = await createTestApp();
		const { chat, message } = await chatted(t);
		const { status, body } = await make(t, 'staff', message);
		expect(status).toBe(201);
		const { id } = body.data;
		const link = { sourceMessageId: message, sourceConversationId: chat };
		expect(body.data).toMatchObject({
			number: 1001,
			subject: 'I want my money back',
			status: 'open',
			priority: 'medium',
			category: null,
			requesterId: t.person('alice').id,
			messageCount: 1,
			unreadCount: 1,
			lastMessage: { senderId: t.person('alice').id, content: { text: 'I want my money back' } },
			...link,
		});
		for (const as of ['moderator', 'admin'])
			expect(await t.ok<Ticket>({ as, path: `/support/tickets/${id}` })).toMatchObject(link);
		const { data: listed } = await t.ok<{ data: Ticket[] }>({ as: 'staff', path: '/admin/tickets' });
		expect(listed[0]).toMatchObject(link);
		// to its requester it is a ticket like any other
		const own = [
			await t.ok<Ticket>({ as: 'alice', path: `/support/tickets/${id}` }),
			...(await t.ok<{ data: Ticket[] }>({ as: 'alice', path: '/support/tickets' })).data,
			await t.ok({ as: 'alice', path: `/support/tickets/${id}/messages` }),
			await t.ok({ as: 'alice', path: '/users/me/export' }),
		];
		expect(JSON.stringify(own)).not.toContain('"source');
		expect((await t.call({ as: 'bob', path: `/support/tickets/${id}` })).status).toBe(404);
		// and the chat is as it was
		expect((await t.messages('bob', chat)).data.map(({ content }) => content.text)).toEqual(['I want my money back']);
		const reply = { content: { text: 'it is on its way' } };
		await t.ok({ as: 'staff', method: 'POST', path: `/support/tickets/${id}/messages`, body: reply });
		expect((await t.ok<{ total: number }>({ as: 'alice', path: '/support/unread-count' })).total).toBe(1);
	});
	test('takes the beginning of a long message for its subject, on one line, or the one that is given', async () => {
		using t = await createTestApp();
		const long = `first\n\tline ${'word '.repeat(40)}`;
		const one = await chatted(t, long);
		const { body } = await make(t, 'staff', one.message);
		expect(body.data.subject).toBe(`first line ${'word '.repeat(40)}`.slice(0, 80).concat('…'));
		expect(body.data.lastMessage?.content.text).toBe(long.trim());
		const two = await t.send('alice', one.chat, '👩‍👩‍👧'.repeat(50));
		expect([...((await make(t, 'staff', two.id)).body.data.subject ?? '')].length).toBe(81);
		const three = await t.send('alice', one.chat);
		expect((await make(t, 'staff', three.id, { subject: ' Given \n by hand ' })).body.data.subject).toBe(
			'Given by hand',
		);
		const four = await t.send('alice', one.chat);
		const before = t.snapshot();
		for (const subject of ['', '  ', 'x'.repeat(201), 7])
			expect((await make(t, 'staff', four.id, { subject })).status).toBe(400);
		expect(t.snapshot()).toBe(before);
	});
	test('is made once, also when asked for 50 times at once and by several', async () => {
		using t = await createTestApp();
		const { message } = await chatted(t);
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => make(t, ['staff', 'moderator', 'server'][i % 3] ?? '', message)),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ status }) => status === 200).length).toBe(49);
		expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
		expect(t.rows('select count(*) as n from tickets')).toEqual([{ n: 1 }]);
		expect(t.rows("select count(*) as n from audit_log where action = 'message.ticket'")).toEqual([{ n: 1 }]);
		const later = await make(t, 'admin', message, { subject: 'another subject' });
		expect([later.status, later.body.data.subject]).toEqual([200, 'I want my money back']);
		// also when the message is not there any more
		await t.ok({
			as: 'alice',
			method: 'DELETE',
			path: `/p2p/conversations/${later.body.data.sourceConversationId}/messages/${message}`,
		});
		expect((await make(t, 'staff', message)).status).toBe(200);
	});
	test('is on the record, by whom it was made', async () => {
		using t = await createTestApp();
		const { chat, message } = await chatted(t);
		const other = await t.send('bob', chat);
		const made = [await make(t, 'staff', message), await make(t, 'server', other.id)];
		const { data } = await t.ok<AuditPage>({ as: 'admin', path: '/admin/audit?action=message.ticket' });
		expect(data.map(({ actor, target, changes }) => [actor, target, changes[0]?.after])).toEqual([
			['key:default', other.id, made[1]?.body.data.id],
			[t.person('staff').id, message, made[0]?.body.data.id],
		]);
	});
	test('is made of a message of a ticket too, and of its words as they are now', async () => {
		using t = await createTestApp();
		const body = { subject: 'Help', initialMessage: 'two things at once' };
		const ticket = await t.ok<Ticket>({ as: 'alice', method: 'POST', path: '/support/tickets', body });
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `/support/tickets/${ticket.id}/messages` });
		const path = `/support/tickets/${ticket.id}/messages/${data[0]?.id}`;
		await t.ok({ as: 'alice', method: 'PATCH', path, body: { content: { text: 'a second thing' } } });
		expect((await make(t, 'staff', data[0]?.id ?? '')).body.data).toMatchObject({
			number: 1002,
			subject: 'a second thing',
			sourceConversationId: ticket.id,
		});
	});
	test('is not made of notes, system messages, deleted ones and those of the desk, nor by whom may not see them', async () => {
		using t = await createTestApp();
		const { chat, message } = await chatted(t);
		const deleted = await t.send('alice', chat);
		await t.ok({ as: 'alice', method: 'DELETE', path: `/p2p/conversations/${chat}/messages/${deleted.id}` });
		const desk = await t.conversation('alice', 'moderator');
		const moderators = await t.send('moderator', desk);
		const body = { subject: 'Help', initialMessage: 'hi' };
		const own = await t.ok<Ticket>({ as: 'staff', method: 'POST', path: '/support/tickets', body });
		const write = (kind: string) =>
			t.ok<Message>({
				as: 'admin',
				method: 'POST',
				path: `/support/tickets/${own.id}/messages`,
				body: { kind, content: { text: kind } },
			});
		const [note, reply] = [await write('note'), await write('text')];
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `/support/tickets/${own.id}/messages` });
		const system = data.find(({ kind }) => kind === 'system')?.id ?? '';
		await t.add('gone');
		const left = await t.conversation('gone', 'bob');
		const erased = await t.send('gone', left);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('gone').id}` });
		const before = t.snapshot();
		for (const [as, id, code] of [
			['staff', deleted.id, 'message_not_usable'],
			['staff', moderators.id, 'message_not_usable'],
			['staff', data[0]?.id ?? '', 'message_not_usable'],
			['moderator', note.id, 'message_not_usable'],
			// on a ticket of their own the team are requesters, who know of no notes
			['staff', note.id, 'not_found'],
			['moderator', reply.id, 'message_not_usable'],
			['moderator', system, 'message_not_usable'],
			['moderator', erased.id, 'message_not_usable'],
			['staff', 'msg_01kj3zp0x5e6s8r1n6a2c4v7wd', 'not_found'],
			['other.superadmin', message, 'not_found'],
			['alice', message, 'forbidden'],
			['bob', message, 'forbidden'],
			['key', message, 'token_required'],
		] as const)
			expect([as, id, (await make(t, as, id)).body.code]).toEqual([as, id, code]);
		expect(t.snapshot()).toBe(before);
	});
});
