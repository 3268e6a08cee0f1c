import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { day, hour, minute, second } from '../../../src/kernel/clock.ts';
import type { DeskConversationPage } from '../../../src/modules/admin/inbox.schema.ts';
import type { AuditPage } from '../../../src/modules/audit/audit.schema.ts';
import type { Message, UnreadTotal } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Report, ReportPage, ReportReceipt } from '../../../src/modules/moderation/reports.schema.ts';
import type { BulkOutcome, Ticket, TicketPage } from '../../../src/modules/support/tickets.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(30_000);

interface Target {
	as: string;
	/** `p2p/conversations/…` or `support/tickets/…`, and the message. */
	at: string;
	reason?: string;
}
const report = (t: TestApp, { as, at, reason = 'This is an insult.' }: Target) =>
	t.call<ReportReceipt>({ as, method: 'POST', path: `${at}/report`, body: { reason } });
const made = async (t: TestApp, target: Target): Promise<ReportReceipt> => {
	const { status, body } = await report(t, target);
	if (status !== 201) throw new Error(`${status} ${body.message}`);
	return body.data;
};
const inChat = (chat: string, message: string) => `/p2p/conversations/${chat}/messages/${message}`;
const inTicket = (ticket: string, message: string) => `/support/tickets/${ticket}/messages/${message}`;
const ofUser = (t: TestApp, name: string) => `/users/${t.person(name).id}`;
const openTicket = (t: TestApp, as: string, subject = 'Help') =>
	t.ok<Ticket>({ as, method: 'POST', path: '/support/tickets', body: { subject, initialMessage: 'hi' } });
const write = (t: TestApp, as: string, ticket: string, text: string, kind = 'text') =>
	t.ok<Message>({
		as,
		method: 'POST',
		path: `/support/tickets/${ticket}/messages`,
		body: { kind, content: { text } },
	});
const edit = (t: TestApp, as: string, at: string, text: string) =>
	t.ok({ as, method: 'PATCH', path: at, body: { content: { text } } });
const list = (t: TestApp, as: string, query = '') => t.ok<ReportPage>({ as, path: `/admin/reports${query}` });
const decide = (t: TestApp, as: string, id: string, status = 'upheld') =>
	t.call<Report>({ as, method: 'POST', path: `/admin/reports/${id}`, body: { status } });
const evidenceOf = async (t: TestApp, as: string, ticket: string): Promise<Message[]> =>
	(await t.ok<{ data: Message[] }>({ as, path: `/support/tickets/${ticket}/messages?limit=100` })).data.filter(
		({ kind }) => kind === 'note',
	);

describe('a report', () => {
	test('is for those who take part in the conversation, and only of what somebody else has written', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const [own, theirs, gone] = [await t.send('alice', chat), await t.send('bob', chat), await t.send('bob', chat)];
		await t.ok({ as: 'bob', method: 'DELETE', path: inChat(chat, gone.id) });
		const ticket = await openTicket(t, 'bob');
		const note = await write(t, 'staff', ticket.id, 'a note', 'note');
		await t.ok({ as: 'staff', method: 'PATCH', path: `/support/tickets/${ticket.id}`, body: { status: 'waiting' } });
		const { data } = await t.ok<{ data: Message[] }>({ as: 'bob', path: `/support/tickets/${ticket.id}/messages` });
		const [first, system] = data;
		expect([first?.kind, system?.kind]).toEqual(['text', 'system']);
		const before = t.snapshot();
		const impossible = [422, 'report_impossible'];
		const unknown = [404, 'not_found'];
		for (const [as, at, expected] of [
			['alice', inChat(chat, own.id), impossible],
			['alice', inChat(chat, gone.id), impossible],
			['bob', inTicket(ticket.id, system?.id ?? ''), impossible],
			['staff', inTicket(ticket.id, system?.id ?? ''), impossible],
			['staff', inTicket(ticket.id, note.id), impossible],
			['bob', inTicket(ticket.id, note.id), unknown],
			['bob', inTicket(ticket.id, first?.id ?? ''), impossible],
			// no part of it, whatever the role, and by no other path
			['carol', inChat(chat, theirs.id), unknown],
			['staff', inChat(chat, theirs.id), unknown],
			['superadmin', inChat(chat, theirs.id), unknown],
			['alice', inTicket(ticket.id, first?.id ?? ''), unknown],
			['alice', inChat(ticket.id, first?.id ?? ''), unknown],
			['alice', inTicket(chat, theirs.id), unknown],
			['other.alice', inChat(chat, theirs.id), unknown],
			['alice', inChat(chat, 'msg_01kj3zp0x5e6s8r1n6a2c4v7wd'), unknown],
			['alice', inChat(chat, first?.id ?? ''), unknown],
		] as const) {
			const { status, body } = await report(t, { as, at });
			expect([as, at, status, body.code]).toEqual([as, at, ...(expected as [number, 'not_found'])]);
		}
		for (const reason of ['', '   ', 'x'.repeat(2_001), '\u0000'])
			expect([400, 422]).toContain((await report(t, { as: 'alice', at: inChat(chat, theirs.id), reason })).status);
		expect(
			await t.refused({ as: 'server', method: 'POST', path: `${inChat(chat, theirs.id)}/report`, body: {} }),
		).toEqual([401, 'user_token_required']);
		expect(t.snapshot()).toBe(before);
		expect((await report(t, { as: 'alice', at: inChat(chat, theirs.id) })).status).toBe(201);
		// the team reports what a requester has written, and a requester what the team has
		expect((await report(t, { as: 'staff', at: inTicket(ticket.id, first?.id ?? '') })).status).toBe(201);
		const reply = await write(t, 'staff', ticket.id, 'no.');
		expect((await report(t, { as: 'bob', at: inTicket(ticket.id, reply.id) })).status).toBe(201);
	});
	test('of a user needs a conversation with them, and tells nobody whether there is somebody', async () => {
		using t = await createTestApp();
		await t.conversation('alice', 'bob');
		const ticket = await openTicket(t, 'carol');
		const status = async (as: string, name: string): Promise<string | number> =>
			(await report(t, { as, at: ofUser(t, name) })).body.code ?? 201;
		expect(await status('alice', 'carol')).toBe('report_impossible');
		expect(await status('alice', 'alice')).toBe('report_impossible');
		expect(await status('alice', 'other.bob')).toBe('not_found');
		// somebody of the team who has not written in a ticket was not met in it
		expect(await status('carol', 'staff')).toBe('report_impossible');
		expect(await status('staff', 'carol')).toBe('report_impossible');
		// a note is nothing that the requester could tell of, not even by this
		await write(t, 'staff', ticket.id, 'a note', 'note');
		expect(await status('carol', 'staff')).toBe('report_impossible');
		expect(await status('alice', 'bob')).toBe(201);
		await write(t, 'staff', ticket.id, 'hello');
		expect(await status('carol', 'staff')).toBe(201);
		expect(await status('staff', 'carol')).toBe(201);
		expect(await status('bob', 'alice')).toBe(201);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('bob').id}` });
		expect(await status('alice', 'bob')).toBe('not_found');
	});
	test('needs the permission to send', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'staff');
		const { id } = await t.send('alice', chat);
		await t.change('staff', { permissions: { canSendMessage: false } });
		expect((await report(t, { as: 'staff', at: inChat(chat, id) })).body.code).toBe('permission_missing');
		expect((await report(t, { as: 'staff', at: ofUser(t, 'alice') })).body.code).toBe('permission_missing');
	});
	test('can be made of somebody who has blocked one, or whom one has blocked', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id } = await t.send('bob', chat);
		await t.ok({ as: 'bob', method: 'POST', path: `/users/me/blocks/${t.person('alice').id}` });
		expect((await report(t, { as: 'alice', at: inChat(chat, id) })).status).toBe(201);
		expect((await report(t, { as: 'alice', at: ofUser(t, 'bob') })).status).toBe(201);
	});
	test('is open once for a reporter and what they report, also when made 50 times at once', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const [one, two] = [await t.send('bob', chat), await t.send('bob', chat)];
		for (const at of [inChat(chat, one.id), ofUser(t, 'bob')]) {
			const replies = await Promise.all(Array.from({ length: 50 }, () => report(t, { as: 'alice', at })));
			expect(replies.filter(({ status }) => status === 201).length).toBe(1);
			expect(replies.filter(({ status, body }) => status === 409 && body.code === 'report_exists').length).toBe(49);
		}
		expect(t.rows('select count(*) as n from reports')).toEqual([{ n: 2 }]);
		expect(t.rows("select count(*) as n from tickets where category = 'moderation'")).toEqual([{ n: 2 }]);
		const another = await made(t, { as: 'alice', at: inChat(chat, two.id) });
		// once it is decided the same may be reported again
		expect((await decide(t, 'moderator', another.id, 'dismissed')).status).toBe(200);
		expect((await report(t, { as: 'alice', at: inChat(chat, two.id) })).status).toBe(201);
	});
	test('may be made ten times in any 24 hours', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const messages: string[] = [];
		for (let i = 0; i < 13; i++) messages.push((await t.send('bob', chat, `${i}`)).id);
		const next = () => report(t, { as: 'alice', at: inChat(chat, messages.shift() ?? '') });
		for (let i = 0; i < 10; i++) {
			expect((await next()).status).toBe(201);
			t.advance(hour);
		}
		const last = messages[0] ?? '';
		const refused = await report(t, { as: 'alice', at: inChat(chat, last) });
		expect([refused.status, refused.body.code]).toEqual([429, 'reports_exhausted']);
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		// another's are counted by themselves
		const { id } = await t.send('alice', chat);
		expect((await report(t, { as: 'bob', at: inChat(chat, id) })).status).toBe(201);
		t.advance(14 * hour - 1);
		expect((await report(t, { as: 'alice', at: inChat(chat, last) })).status).toBe(429);
		t.advance(2);
		expect((await next()).status).toBe(201);
		expect((await next()).status).toBe(429);
		t.advance(day);
		expect((await next()).status).toBe(201);
	});
});

describe('the evidence', () => {
	/** Eighteen messages, of which the ninth is reported: edited twice, one of its neighbours once, another deleted. */
	const scene = async (t: TestApp) => {
		const chat = await t.conversation('alice', 'bob');
		const messages: Message[] = [];
		for (let i = 1; i <= 18; i++) {
			t.advance(minute);
			messages.push(await t.send(i % 2 ? 'bob' : 'alice', chat, `message ${i}`));
		}
		const at = (seq: number) => inChat(chat, messages[seq - 1]?.id ?? '');
		await edit(t, 'bob', at(9), 'second version');
		await edit(t, 'bob', at(9), 'third version');
		await edit(t, 'alice', at(6), 'mended');
		await t.ok({ as: 'bob', method: 'DELETE', path: at(11) });
		return { chat, messages, at };
	};
	test('is the message as sent with its edits, and five on each side, as notes of a ticket of moderation', async () => {
		using t = await createTestApp();
		const { messages, at } = await scene(t);
		const { ticketId, status, createdAt } = await made(t, { as: 'alice', at: at(9), reason: ' An insult.\n' });
		expect([status, createdAt]).toEqual(['open', new Date(t.clock()).toISOString()]);
		const ticket = await t.ok<Ticket>({ as: 'moderator', path: `/support/tickets/${ticketId}` });
		expect(ticket).toMatchObject({
			category: 'moderation',
			requesterId: t.person('alice').id,
			messageCount: 1,
			lastMessage: { content: { text: 'An insult.' } },
		});
		const notes = await evidenceOf(t, 'moderator', ticketId);
		expect(notes.map(({ metadata }) => metadata?.messageSeq)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
		for (const note of notes) {
			const seq = Number(note.metadata?.messageSeq);
			const original = messages[seq - 1];
			expect(note).toMatchObject({
				senderId: original?.senderId,
				isEvidence: true,
				metadata: { messageId: original?.id, sentAt: original?.createdAt, reported: seq === 9 },
			});
			expect(note.content).toEqual(
				seq === 9
					? { text: 'third version' }
					: seq === 6
						? { text: 'mended' }
						: seq === 11
							? {}
							: { text: `message ${seq}` },
			);
		}
		const earlier = (seq: number) =>
			notes.find(({ metadata }) => metadata?.messageSeq === seq)?.earlierTexts?.map(({ text }) => text);
		expect([earlier(9), earlier(6), earlier(7)]).toEqual([['message 9', 'second version'], ['message 6'], undefined]);
	});
	test('has what there is at the beginning and the end of a conversation, and for a user its end', async () => {
		using t = await createTestApp();
		const { at } = await scene(t);
		const seqs = async (target: string) => {
			const { ticketId } = await made(t, { as: 'alice', at: target });
			return (await evidenceOf(t, 'moderator', ticketId)).map(({ metadata }) => metadata?.messageSeq);
		};
		expect(await seqs(at(1))).toEqual([1, 2, 3, 4, 5, 6]);
		expect(await seqs(at(17))).toEqual([12, 13, 14, 15, 16, 17, 18]);
		expect(await seqs(ofUser(t, 'bob'))).toEqual([13, 14, 15, 16, 17, 18]);
	});
	test('of a user whom one has met in a ticket only is the end of that ticket, without its notes', async () => {
		using t = await createTestApp();
		const ticket = await openTicket(t, 'alice');
		await write(t, 'staff', ticket.id, 'go away');
		await write(t, 'staff', ticket.id, 'what a customer', 'note');
		const { ticketId } = await made(t, { as: 'alice', at: ofUser(t, 'staff') });
		const texts = (await evidenceOf(t, 'moderator', ticketId)).map(({ content }) => content.text);
		expect(texts).toEqual(['hi', 'go away', 'The ticket is now in progress.']);
	});
	test('of a ticket has no notes of the team in it', async () => {
		using t = await createTestApp();
		const ticket = await openTicket(t, 'alice');
		await write(t, 'staff', ticket.id, 'a difficult one', 'note');
		const reply = await write(t, 'staff', ticket.id, 'no.');
		const { ticketId } = await made(t, { as: 'alice', at: inTicket(ticket.id, reply.id) });
		const notes = await evidenceOf(t, 'moderator', ticketId);
		expect(notes.map(({ content, senderId }) => [content.text, senderId])).toEqual([
			['hi', t.person('alice').id],
			['no.', t.person('staff').id],
			['The ticket is now in progress.', null],
		]);
	});
	test('stays as it is whatever becomes of the originals, and nobody can change it', async () => {
		using t = await createTestApp();
		await t.add('mo', { role: 'moderator' });
		const chat = await t.conversation('alice', 'mo');
		const before = await t.send('mo', chat, 'a neighbour');
		const insult = await t.send('alice', chat, 'the insult');
		const { ticketId } = await made(t, { as: 'mo', at: inChat(chat, insult.id) });
		const kept = await evidenceOf(t, 'moderator', ticketId);
		await edit(t, 'alice', inChat(chat, insult.id), 'I said nothing');
		await t.ok({ as: 'alice', method: 'DELETE', path: inChat(chat, insult.id) });
		await t.ok({ as: 'admin', method: 'DELETE', path: inChat(chat, before.id) });
		expect(await evidenceOf(t, 'moderator', ticketId)).toEqual(kept);

		// `mona` wrote none of it; of the second report she wrote some, and is not whom it is about
		const second = await t.conversation('moderator', 'bob');
		await t.send('moderator', second, 'mine');
		const bobs = await t.send('bob', second, 'rude');
		const theirs = await openTicket(t, 'carol');
		await write(t, 'moderator', theirs.id, 'her own words');
		const staffs = await write(t, 'staff', theirs.id, 'rude too');
		const other = await made(t, { as: 'carol', at: inTicket(theirs.id, staffs.id) });
		const own = await made(t, { as: 'bob', at: inChat(second, (await t.send('moderator', second, 'again')).id) });
		expect(bobs.seq).toBe(2);
		const state = t.snapshot();
		for (const ticket of [ticketId, other.ticketId, own.ticketId]) {
			const notes = await evidenceOf(t, 'superadmin', ticket);
			expect(notes.length).toBeGreaterThan(1);
			for (const { id } of notes)
				for (const as of ['alice', 'bob', 'carol', 'staff', 'moderator', 'mo', 'admin', 'superadmin'])
					for (const [method, path, body] of [
						['PATCH', inTicket(ticket, id), { content: { text: 'other words' } }],
						['DELETE', inTicket(ticket, id), undefined],
						['PUT', `${inTicket(ticket, id)}/reactions/👍`, undefined],
						['DELETE', `${inTicket(ticket, id)}/reactions/👍`, undefined],
						['DELETE', inChat(ticket, id), undefined],
						['PATCH', inChat(ticket, id), { content: { text: 'other words' } }],
						['POST', `${inTicket(ticket, id)}/report`, { reason: 'x' }],
						['POST', `/admin/messages/${id}/ticket`, {}],
					] as const) {
						const { status } = await t.call({ as, method, path, body });
						expect([as, method, path, [403, 404, 422].includes(status)]).toEqual([as, method, path, true]);
					}
		}
		expect(t.snapshot()).toBe(state);
	});
	test('and its category cannot be taken from the ticket, nor given to another', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { ticketId } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		const plain = await openTicket(t, 'alice');
		const state = t.snapshot();
		for (const [id, category] of [
			[ticketId, 'billing'],
			[ticketId, null],
			[ticketId, 'moderation'],
			[plain.id, 'moderation'],
			[plain.id, ' Moderation '],
		] as const) {
			const change = { as: 'admin', method: 'PATCH', path: `/support/tickets/${id}`, body: { category } };
			expect([category, ...(await t.refused(change))]).toEqual([category, 422, 'category_reserved']);
			const ids = [id];
			const bulk = await t.call<BulkOutcome>({
				as: 'server',
				method: 'POST',
				path: '/admin/tickets/bulk',
				body: { ids, changes: { category } },
			});
			expect(bulk.body.data?.changed ?? 0).toBe(0);
		}
		const body = { subject: 'x', initialMessage: 'x', category: 'MODERATION' };
		expect(await t.refused({ as: 'alice', method: 'POST', path: '/support/tickets', body })).toEqual([
			422,
			'category_reserved',
		]);
		expect(t.snapshot()).toBe(state);
	});
});

/** Every way by which somebody of the site could come by something, with everything that came back. */
const everything = async (t: TestApp, as: string, ids: string[], words: string[]): Promise<string> => {
	const paths = [
		'/users/me',
		'/users/me/export',
		'/users/me/blocks',
		'/p2p/conversations?status=all&limit=100',
		'/p2p/unread-count',
		'/support/tickets?limit=100',
		'/support/tickets?mine=assigned',
		'/support/unread-count',
		'/admin/conversations?limit=100',
		'/admin/conversations?limit=100&type=support',
		'/admin/tickets?limit=100',
		...['-updatedAt', 'createdAt', '-createdAt', '-priority', 'waitingSince'].map(
			(sort) => `/admin/tickets?sort=${sort}`,
		),
		...['open', 'in_progress', 'waiting', 'resolved', 'closed', 'unsolved'].map((s) => `/admin/tickets?status=${s}`),
		'/admin/tickets?category=moderation',
		'/admin/tickets?unassigned=true',
		`/admin/tickets?assignee=me`,
		'/admin/users?limit=100',
		'/admin/reports?limit=100',
		...['open', 'upheld', 'dismissed'].map((status) => `/admin/reports?status=${status}`),
		...words.flatMap((q) => [
			`/admin/conversations?q=${encodeURIComponent(q)}`,
			`/admin/conversations?type=p2p&q=${encodeURIComponent(q)}`,
			`/admin/tickets?q=${encodeURIComponent(q)}`,
			`/admin/tickets?sort=createdAt&q=${encodeURIComponent(q)}`,
		]),
		...['alice', 'bob', 'carol', 'staff', 'moderator', 'admin'].flatMap((name) => [
			`/admin/users/${t.person(name).id}/conversations?limit=100`,
			`/admin/users/${t.person(name).id}/export`,
			`/admin/conversations?userId=${t.person(name).id}`,
		]),
		...ids.flatMap((id) => [
			`/support/tickets/${id}`,
			`/support/tickets/${id}/messages`,
			`/support/tickets/${id}/history`,
			`/p2p/conversations/${id}`,
			`/p2p/conversations/${id}/messages`,
			`/admin/conversations/${id}`,
			`/admin/conversations/${id}/messages`,
		]),
	];
	const replies: string[] = [];
	for (const [i, path] of paths.entries()) {
		const { status, body } = await t.call({ as, path });
		if (status === 200) replies.push(`${i} ${JSON.stringify(body.data)}`);
	}
	return replies.join('\n');
};

describe('whoever is reported', () => {
	for (const role of ['user', 'staff', 'moderator', 'admin', 'superadmin'] as const)
		test(`as ${role}, sees nothing of it anywhere and can do nothing with it`, async () => {
			using t = await createTestApp();
			await t.add('rita', { role });
			const chat = await t.conversation('alice', 'rita');
			await t.send('alice', chat, 'zebra before');
			const { id: message } = await t.send('rita', chat, 'giraffe');
			const views = () =>
				everything(t, 'rita', [], ['giraffe', 'zebra', 'pelican', 'alice', 'rita', '1001', '#1002', 'ostrich']);
			const before = await views();
			const both = [
				await made(t, { as: 'alice', at: inChat(chat, message), reason: 'pelican' }),
				await made(t, { as: 'alice', at: ofUser(t, 'rita'), reason: 'ostrich' }),
			];
			const inner: string[] = [];
			for (const { ticketId } of both)
				for (const { id } of await t
					.ok<{ data: Message[] }>({ as: 'server', path: `/admin/conversations/${ticketId}/messages` })
					.then(({ data }) => data))
					inner.push(id);
			await t.ok({
				as: 'server',
				method: 'POST',
				path: '/admin/tickets/bulk',
				body: {
					ids: [both[0]?.ticketId],
					changes: { assigneeId: t.person('superadmin').id, status: 'in_progress', tags: ['ostrich'] },
				},
			});
			const ids = both.map(({ ticketId }) => ticketId);
			const after = await everything(t, 'rita', ids, [
				'giraffe',
				'zebra',
				'pelican',
				'alice',
				'rita',
				'1001',
				'#1002',
				'ostrich',
			]);
			expect(after).toBe(before);
			expect(after).not.toContain('pelican');
			for (const secret of [...ids, ...both.map(({ id }) => id), ...inner]) expect(after).not.toContain(secret);
			const state = t.snapshot();
			for (const { id, ticketId } of both) {
				const path = `/support/tickets/${ticketId}`;
				for (const [method, at, body] of [
					['PATCH', path, { status: 'closed' }],
					['PATCH', path, { assigneeId: t.person('rita').id }],
					['POST', `${path}/messages`, { content: { text: 'let me explain' } }],
					['POST', `${path}/messages`, { kind: 'note', content: { text: 'let me explain' } }],
					['POST', `${path}/read`, {}],
					['POST', `${path}/rating`, { score: 1 }],
					['POST', `/admin/reports/${id}`, { status: 'dismissed' }],
					...inner.flatMap((each) => [
						['DELETE', `${path}/messages/${each}`, undefined] as const,
						['DELETE', `/p2p/conversations/${ticketId}/messages/${each}`, undefined] as const,
						['PUT', `${path}/messages/${each}/reactions/👍`, undefined] as const,
						['POST', `${path}/messages/${each}/report`, { reason: 'x' }] as const,
						['POST', `/admin/messages/${each}/ticket`, {}] as const,
					]),
				] as const) {
					const { status } = await t.call({ as: 'rita', method, path: at, body });
					expect([method, at, [403, 404].includes(status)]).toEqual([method, at, true]);
				}
				const bulk = await t.call<BulkOutcome>({
					as: 'rita',
					method: 'POST',
					path: '/admin/tickets/bulk',
					body: { ids: [ticketId], changes: { status: 'closed' } },
				});
				expect(bulk.body.data?.results?.[0]?.code ?? bulk.body.code).toBe(role === 'user' ? 'forbidden' : 'not_found');
				// nor does anybody else give it into their hands
				const give = { assigneeId: t.person('rita').id };
				expect(await t.refused({ as: 'superadmin', method: 'PATCH', path, body: give })).toEqual([
					422,
					'assignee_invalid',
				]);
			}
			expect(t.snapshot()).toBe(state);
			if (role === 'user') expect(await t.refused({ as: 'rita', path: '/admin/reports' })).toEqual([403, 'forbidden']);
		});
	test('does not find it in the audit either, which tells everybody else', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'admin');
		const { id } = await t.send('admin', chat);
		const { id: report, ticketId } = await made(t, { as: 'alice', at: inChat(chat, id) });
		const path = `/support/tickets/${ticketId}`;
		await t.ok({ as: 'moderator', method: 'PATCH', path, body: { tags: ['misconduct'] } });
		await decide(t, 'moderator', report);
		const auditOf = async (as: string, query = '') =>
			(await t.ok<AuditPage>({ as, path: `/admin/audit${query}` })).data.map(({ action, target }) => [action, target]);
		const acts = [
			['report.decide', report],
			['ticket.update', ticketId],
		];
		expect((await auditOf('superadmin')).slice(0, 2)).toEqual(acts);
		const seen = JSON.stringify([
			await auditOf('admin'),
			await auditOf('admin', `?target=${ticketId}`),
			await auditOf('admin', `?target=${report}`),
		]);
		expect(seen).not.toContain(ticketId);
		expect(seen).not.toContain(report);
		expect(seen).toContain('user.create');
	});
	test('learns nothing from what can be reported either', async () => {
		using t = await createTestApp();
		// somebody of the team who has not written in a ticket reports it: its requester still has not met them
		const ticket = await openTicket(t, 'alice');
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `/support/tickets/${ticket.id}/messages` });
		const probe = async () => (await report(t, { as: 'alice', at: ofUser(t, 'staff') })).body.code;
		expect(await probe()).toBe('report_impossible');
		await made(t, { as: 'staff', at: inTicket(ticket.id, data[0]?.id ?? '') });
		expect(await probe()).toBe('report_impossible');
	});
});

describe('the reporter', () => {
	for (const role of ['user', 'staff', 'moderator', 'admin'] as const)
		test(`as ${role}, sees their reason and no evidence`, async () => {
			using t = await createTestApp();
			await t.add('ron', { role });
			const chat = await t.conversation('ron', 'bob');
			const { id: message } = await t.send('bob', chat, 'giraffe');
			await edit(t, 'bob', inChat(chat, message), 'zebra');
			const { ticketId, id } = await made(t, { as: 'ron', at: inChat(chat, message), reason: 'pelican' });
			await write(t, 'superadmin', ticketId, 'ostrich', 'note');
			const inner = (await evidenceOf(t, 'superadmin', ticketId)).map((note) => note.id);
			expect(inner.length).toBe(2);
			const ticket = await t.ok<Ticket>({ as: 'ron', path: `/support/tickets/${ticketId}` });
			expect(ticket).toMatchObject({ messageCount: 1, unreadCount: 0, lastMessage: { content: { text: 'pelican' } } });
			for (const path of [`/support/tickets/${ticketId}/messages`, `/admin/conversations/${ticketId}/messages`]) {
				const { status, body } = await t.call<{ data: Message[]; total: number }>({ as: 'ron', path });
				if (status === 200) expect([body.data.total, body.data.data.length]).toEqual([1, 1]);
				else expect(role).toBe('user');
			}
			const mine = await t.ok<TicketPage>({ as: 'ron', path: '/support/tickets' });
			expect(mine.data.map((each) => each.id)).toEqual([ticketId]);
			expect((await t.ok<UnreadTotal>({ as: 'ron', path: '/support/unread-count' })).total).toBe(0);
			const exported = await t.ok<{ conversations: { id: string; messages: Message[] }[] }>({
				as: 'ron',
				path: '/users/me/export',
			});
			expect(
				exported.conversations.find((each) => each.id === ticketId)?.messages.map(({ content }) => content.text),
			).toEqual(['pelican']);
			const seen = await everything(t, 'ron', [ticketId], ['zzz']);
			for (const secret of [...inner, 'ostrich', 'isEvidence', 'decidedBy":"']) expect(seen).not.toContain(secret);
			expect(await t.refused({ as: 'ron', path: `/support/tickets/${ticketId}/history` })).toEqual([403, 'forbidden']);
			for (const note of inner)
				for (const query of [`before=${note}`, `after=${note}`, `around=${note}`])
					expect((await t.call({ as: 'ron', path: `/support/tickets/${ticketId}/messages?${query}` })).body.code).toBe(
						'cursor_invalid',
					);
			// nobody decides what they have reported themselves
			expect(['not_found', 'forbidden']).toContain((await decide(t, 'ron', id)).body.code);
			expect((await decide(t, 'superadmin', id)).status).toBe(200);
			const { data } = await t.ok<{ data: Message[] }>({ as: 'ron', path: `/support/tickets/${ticketId}/messages` });
			expect(data.map(({ kind, content }) => [kind, content.text])).toEqual([
				['text', 'pelican'],
				['system', 'The ticket is now resolved.'],
			]);
			expect((await t.ok<Ticket>({ as: 'ron', path: `/support/tickets/${ticketId}` })).status).toBe('resolved');
		});
	test('cannot go on with a closed one in a ticket, which the whole team would see', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { ticketId } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		await t.ok({ as: 'alice', method: 'PATCH', path: `/support/tickets/${ticketId}`, body: { status: 'closed' } });
		const body = { subject: 'again', initialMessage: 'hi', followsTicketId: ticketId };
		expect(await t.refused({ as: 'alice', method: 'POST', path: '/support/tickets', body })).toEqual([
			422,
			'follow_up_invalid',
		]);
	});
});

describe('the staff below moderators', () => {
	test('see no report by any way: lists, ids, searches, numbers, unread, nor the ticket of a message in one', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id: message } = await t.send('bob', chat, 'giraffe');
		const words = ['giraffe', 'pelican', 'alice', 'bob', '1001', '#1001', 'Report of a message', 'moderation'];
		const before = await everything(t, 'staff', [], words);
		const { id, ticketId } = await made(t, { as: 'alice', at: inChat(chat, message), reason: 'pelican' });
		await write(t, 'alice', ticketId, 'and a second thing');
		const inner = (await t.ok<{ data: Message[] }>({ as: 'moderator', path: `/support/tickets/${ticketId}/messages` }))
			.data;
		expect(await everything(t, 'staff', [ticketId], words)).toBe(before);
		expect((await t.ok<UnreadTotal>({ as: 'moderator', path: '/support/unread-count' })).total).toBe(2);
		const state = t.snapshot();
		for (const each of inner)
			expect(
				await t.refused({ as: 'staff', method: 'POST', path: `/admin/messages/${each.id}/ticket`, body: {} }),
			).toEqual([404, 'not_found']);
		expect((await decide(t, 'staff', id)).body.code).toBe('forbidden');
		expect((await list(t, 'moderator')).total).toBe(1);
		expect((await t.call({ as: 'staff', path: '/admin/reports' })).body.code).toBe('forbidden');
		const give = { assigneeId: t.person('staff').id };
		expect(
			await t.refused({ as: 'moderator', method: 'PATCH', path: `/support/tickets/${ticketId}`, body: give }),
		).toEqual([422, 'assignee_invalid']);
		expect(t.snapshot()).toBe(state);
	});
	test('do not come by a report through a ticket that is made of its words', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { ticketId } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		const { data } = await t.ok<{ data: Message[] }>({
			as: 'moderator',
			path: `/support/tickets/${ticketId}/messages`,
		});
		const reason = data.find(({ kind }) => kind === 'text');
		expect(
			await t.refused({ as: 'moderator', method: 'POST', path: `/admin/messages/${reason?.id}/ticket`, body: {} }),
		).toEqual([422, 'message_not_usable']);
	});
	test('who become moderators see reports from the next call on, and no longer once they are not', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { ticketId } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		const path = `/support/tickets/${ticketId}`;
		const seen = async () => [
			(await t.call({ as: 'staff', path })).status,
			(await t.ok<DeskConversationPage>({ as: 'staff', path: '/admin/conversations?type=support' })).total,
		];
		expect(await seen()).toEqual([404, 0]);
		await t.change('staff', { role: 'moderator' });
		expect(await seen()).toEqual([200, 1]);
		await t.change('staff', { role: 'staff' });
		expect(await seen()).toEqual([404, 0]);
	});
});

describe('a decision', () => {
	test('upholds or dismisses once, resolves the ticket, and is on the record', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		for (const [as, status] of [
			['moderator', 'upheld'],
			['server', 'dismissed'],
		] as const) {
			const message = await t.send('bob', chat);
			const { id, ticketId } = await made(t, { as: 'alice', at: inChat(chat, message.id) });
			t.advance(second);
			const { body } = await decide(t, as, id, status);
			const decidedBy = as === 'server' ? 'key:default' : t.person(as).id;
			expect(body.data).toMatchObject({ id, status, decidedBy, decidedAt: new Date(t.clock()).toISOString() });
			expect(body.data).toMatchObject({
				reporter: { username: 'alice' },
				reported: { username: 'bob' },
				messageId: message.id,
			});
			expect((await t.ok<Ticket>({ as: 'alice', path: `/support/tickets/${ticketId}` })).status).toBe('resolved');
			const state = t.snapshot();
			for (const again of ['upheld', 'dismissed'])
				expect((await decide(t, 'admin', id, again)).body.code).toBe('report_decided');
			for (const bad of ['open', 'closed', '']) expect((await decide(t, 'admin', id, bad)).status).toBe(400);
			expect(t.snapshot()).toBe(state);
			expect(t.rows("select actor, action from audit_log where action like 'report%' and target = ?", id)).toEqual([
				{ actor: decidedBy, action: 'report.decide' },
			]);
		}
		expect((await list(t, 'moderator', '?status=upheld')).total).toBe(1);
		expect((await list(t, 'moderator', '?status=dismissed')).total).toBe(1);
		expect((await list(t, 'moderator', '?status=open')).total).toBe(0);
		expect(await list(t, 'moderator', '?limit=1&page=2')).toMatchObject({ total: 2, data: [{ status: 'upheld' }] });
	});
	test('is made by one of many who decide at once', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				decide(t, i % 2 ? 'moderator' : 'admin', id, i % 3 ? 'upheld' : 'dismissed'),
			),
		);
		expect(replies.filter(({ status }) => status === 200).length).toBe(1);
		expect(replies.filter(({ body }) => body.code === 'report_decided').length).toBe(49);
		expect(t.rows("select count(*) as n from audit_log where action = 'report.decide'")).toEqual([{ n: 1 }]);
		expect(t.rows("select count(*) as n from messages where kind = 'system'")).toEqual([{ n: 1 }]);
	});
	test('of another site’s report is impossible', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id, ticketId } = await made(t, { as: 'alice', at: inChat(chat, (await t.send('bob', chat)).id) });
		for (const as of ['other.moderator', 'other.superadmin']) {
			expect((await decide(t, as, id)).body.code).toBe('not_found');
			expect((await list(t, as)).total).toBe(0);
			expect((await t.call({ as, path: `/support/tickets/${ticketId}` })).status).toBe(404);
			expect((await t.call({ as, path: `/admin/conversations/${ticketId}` })).status).toBe(404);
		}
	});
});
