import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { hour, minute } from '../../../src/kernel/clock.ts';
import type { DeskConversationPage } from '../../../src/modules/admin/inbox.schema.ts';
import { chainHash } from '../../../src/modules/audit/audit.chain.ts';
import type { AuditEntry, AuditPage } from '../../../src/modules/audit/audit.schema.ts';
import type { Message } from '../../../src/modules/messaging/messaging.schema.ts';
import type { ReportReceipt } from '../../../src/modules/moderation/reports.schema.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import type { User } from '../../../src/modules/users/users.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(30_000);

const post = <T = { id: string }>(t: TestApp, as: string, path: string, body: object = {}) =>
	t.ok<T>({ as, method: 'POST', path, body });
const audit = (t: TestApp, as = 'superadmin', query = '') => t.ok<AuditPage>({ as, path: `/admin/audit${query}` });
const count = (t: TestApp, site = t.home.pk): number =>
	t.rows<{ n: number }>('select count(*) as n from audit_log where site = ?', site)[0]?.n ?? 0;
const openTicket = (t: TestApp, as = 'alice') =>
	post<Ticket>(t, as, '/support/tickets', { subject: 'Help', category: 'billing', initialMessage: 'hi' });

/** What an act of the desk is expected to leave behind. */
interface Act {
	name: string;
	as: string;
	method: string;
	path: string;
	body?: object;
	action: string;
	/** Left out: what the answer calls `id`. */
	target?: string;
	changes?: Record<string, [before: string | null, after: string | null]>;
	rows?: number;
}

/** A site with something of every kind to act on. */
const scene = async (t: TestApp) => {
	const chat = await t.conversation('alice', 'bob');
	const messages: string[] = [];
	for (let i = 0; i < 6; i++) messages.push((await t.send(i % 2 ? 'alice' : 'bob', chat, `walrus ${i}`)).id);
	const tickets = [await openTicket(t), await openTicket(t), await openTicket(t, 'bob')].map(({ id }) => id);
	const reply = await post(t, 'staff', `/support/tickets/${tickets[0]}/messages`, { content: { text: 'hello' } });
	const reports: string[] = [];
	for (const message of [messages[0], messages[2]])
		reports.push(
			(
				await post<ReportReceipt>(t, 'alice', `/p2p/conversations/${chat}/messages/${message}/report`, {
					reason: 'rude',
				})
			).id,
		);
	await t.add('erased', {});
	await t.add('second', { role: 'staff' });
	const canned = await post(t, 'moderator', '/admin/canned-replies', { shortcut: 'hi', text: 'Hello!' });
	const key = await post(t, 'superadmin', '/admin/keys', { kind: 'secret', label: 'shop' });
	return { chat, messages, tickets, reply: reply.id, reports, canned: canned.id, key: key.id };
};
type Scene = Awaited<ReturnType<typeof scene>>;

/** The acts of the desk that are a person's or a secret key's alike; `as` is who makes them. */
const common = (t: TestApp, s: Scene, as: (least: string) => string): Act[] => {
	const id = (name: string) => t.person(name).id;
	const user = (name: string, rest = '') => `/admin/users/${id(name)}${rest}`;
	return [
		{
			name: 'making one of the team',
			as: as('admin'),
			method: 'POST',
			path: '/users',
			body: { username: `new-${as('admin')}`, role: 'staff' },
			action: 'user.create',
			changes: { role: [null, 'staff'] },
		},
		{
			name: 'a role',
			as: as('admin'),
			method: 'PATCH',
			path: user('carol'),
			body: { role: 'staff' },
			action: 'user.update',
			changes: { role: ['user', 'staff'] },
		},
		{
			name: 'permissions',
			as: as('admin'),
			method: 'PATCH',
			path: user('carol'),
			body: { permissions: { canEditMessage: false } },
			action: 'user.update',
			changes: { permissions: ['{}', '{"canEditMessage":false}'] },
		},
		{
			name: 'a suspension',
			as: as('moderator'),
			method: 'PATCH',
			path: user('carol'),
			body: { suspended: true, reason: 'spam', until: '2026-04-01T00:00:00.000Z' },
			action: 'user.update',
			changes: { suspended: ['false', 'true'], reason: [null, 'spam'], until: [null, '2026-04-01T00:00:00.000Z'] },
		},
		{
			name: 'the end of a suspension',
			as: as('moderator'),
			method: 'PATCH',
			path: user('carol'),
			body: { suspended: false },
			action: 'user.update',
			changes: { suspended: ['true', 'false'] },
		},
		{
			name: 'a demotion',
			as: as('admin'),
			method: 'PATCH',
			path: user('carol'),
			body: { role: 'user' },
			action: 'user.update',
			changes: { role: ['staff', 'user'] },
		},
		{
			name: 'ending all tokens',
			as: as('admin'),
			method: 'POST',
			path: user('carol', '/revoke-tokens'),
			body: {},
			action: 'user.revoke',
			target: id('carol'),
		},
		{
			name: 'an export',
			as: as('admin'),
			method: 'GET',
			path: user('carol', '/export'),
			action: 'user.export',
			target: id('carol'),
		},
		{
			name: 'an erasure',
			as: as('admin'),
			method: 'DELETE',
			path: user('erased'),
			action: 'user.erase',
			target: id('erased'),
		},
		{
			name: 'the conversations of a user',
			as: as('admin'),
			method: 'GET',
			path: user('alice', '/conversations'),
			action: 'user.conversations',
			target: id('alice'),
		},
		{
			name: 'a list of the conversations of a user',
			as: as('admin'),
			method: 'GET',
			path: `/admin/conversations?userId=${id('bob')}`,
			action: 'user.conversations',
			target: id('bob'),
		},
		{
			name: 'a search of what users write to each other',
			as: as('admin'),
			method: 'GET',
			path: '/admin/conversations?q=walrus',
			action: 'conversations.search',
			target: '',
			changes: { q: [null, 'walrus'] },
		},
		{
			name: 'opening a chat of others',
			as: as('staff'),
			method: 'GET',
			path: `/admin/conversations/${s.chat}`,
			action: 'conversation.read',
			target: s.chat,
		},
		{
			name: 'changing tickets',
			as: as('staff'),
			method: 'POST',
			path: '/admin/tickets/bulk',
			body: {
				ids: [s.tickets[1], s.tickets[1], 'ticket_01kj3zp0x5e6s8r1n6a2c4v7wd'],
				changes: {
					subject: 'Other help',
					status: 'waiting',
					priority: 'high',
					category: null,
					assigneeId: id('second'),
					tags: ['b', 'a'],
				},
			},
			action: 'ticket.update',
			target: s.tickets[1] ?? '',
			changes: {
				subject: ['Help', 'Other help'],
				status: ['open', 'waiting'],
				priority: ['medium', 'high'],
				category: ['billing', null],
				assigneeId: [null, id('second')],
				tags: [null, 'a, b'],
			},
		},
		{
			name: 'a ticket of a message',
			as: as('staff'),
			method: 'POST',
			path: `/admin/messages/${s.messages[5]}/ticket`,
			body: {},
			action: 'message.ticket',
			target: s.messages[5] ?? '',
		},
		{
			name: 'a decision',
			as: as('moderator'),
			method: 'POST',
			path: `/admin/reports/${s.reports.shift()}`,
			body: { status: 'upheld' },
			action: 'report.decide',
			changes: { status: ['open', 'upheld'] },
		},
		{
			name: 'a new canned reply',
			as: as('moderator'),
			method: 'POST',
			path: '/admin/canned-replies',
			body: { shortcut: `bye-${as('moderator')}`, text: 'Bye!' },
			action: 'canned.add',
			changes: { shortcut: [null, `bye-${as('moderator')}`] },
		},
		{
			name: 'a changed canned reply',
			as: as('moderator'),
			method: 'PATCH',
			path: `/admin/canned-replies/${s.canned}`,
			body: { text: 'Good day!' },
			action: 'canned.update',
		},
		{
			name: 'a removed canned reply',
			as: as('moderator'),
			method: 'DELETE',
			path: `/admin/canned-replies/${s.canned}`,
			action: 'canned.remove',
			target: s.canned,
		},
		{
			name: 'settings',
			as: as('admin'),
			method: 'PATCH',
			path: '/admin/site',
			body: { autoCloseDays: 9, directory: 'off' },
			action: 'site.update',
			target: '',
			changes: { autoCloseDays: ['7', '9'], directory: ['"exact"', '"off"'] },
		},
	];
};

/** Makes an act and holds what it left behind against what was expected. */
const check = async (t: TestApp, act: Act) => {
	t.advance(minute);
	const before = count(t);
	const { name, as, method, path, body } = act;
	const reply = await t.call<{ id: string }>({ as, method, path, body });
	expect([name, reply.status < 300 || reply.body]).toEqual([name, true]);
	const seen = await audit(t, 'superadmin', '?limit=100');
	expect([name, seen.total - before]).toEqual([name, 1]);
	const [entry] = seen.data as [AuditEntry];
	const person = t.people.get(as);
	expect({ name, id: entry.id, at: entry.at, actor: entry.actor, action: entry.action, target: entry.target }).toEqual({
		name,
		id: before + 1,
		at: new Date(t.clock()).toISOString(),
		actor: person ? person.id : 'key:default',
		action: act.action,
		target: act.target ?? reply.body.data.id,
	});
	const changes = Object.fromEntries(entry.changes.map(({ field, before, after }) => [field, [before, after]]));
	if (act.action === 'message.ticket') expect(changes).toEqual({ ticketId: [null, reply.body.data.id] });
	else expect([name, changes] as unknown).toEqual([name, act.changes ?? {}]);
	expect(entry.changes.some(({ erased }) => erased)).toBe(false);
};

describe('every act of the desk is one entry: who, what, on what, and what it changed', () => {
	test('by the person of the least role that may', async () => {
		using t = await createTestApp();
		const s = await scene(t);
		const id = (name: string) => t.person(name).id;
		const acts: Act[] = [
			...common(t, s, (least) => least),
			{
				name: 'an invitation',
				as: 'admin',
				method: 'POST',
				path: `/admin/users/${id('staff')}/access-link`,
				body: {},
				action: 'user.invite',
				target: id('staff'),
			},
			{
				name: 'a ticket',
				as: 'staff',
				method: 'PATCH',
				path: `/support/tickets/${s.tickets[0]}`,
				body: { status: 'resolved', priority: 'medium' },
				action: 'ticket.update',
				target: s.tickets[0] ?? '',
				changes: { status: ['in_progress', 'resolved'] },
			},
			{
				name: 'deleting a message of two users',
				as: 'moderator',
				method: 'DELETE',
				path: `/p2p/conversations/${s.chat}/messages/${s.messages[4]}`,
				action: 'message.delete',
				target: s.messages[4] ?? '',
			},
			{
				name: 'deleting a reply of the team',
				as: 'moderator',
				method: 'DELETE',
				path: `/support/tickets/${s.tickets[0]}/messages/${s.reply}`,
				action: 'message.delete',
				target: s.reply,
			},
			{
				name: 'a new key',
				as: 'superadmin',
				method: 'POST',
				path: '/admin/keys',
				body: { kind: 'publishable', label: 'blog' },
				action: 'key.create',
				changes: { kind: [null, 'publishable'], label: [null, 'blog'] },
			},
			{
				name: 'a revoked key',
				as: 'superadmin',
				method: 'DELETE',
				path: `/admin/keys/${s.key}`,
				action: 'key.revoke',
				target: s.key,
			},
		];
		for (const act of acts) await check(t, act);
		expect(t.services.audit.verify(t.home.pk)).toMatchObject({ broken: null, entries: count(t) });
		expect(count(t, t.other.pk)).toBe((await audit(t, 'other.admin')).total);
	});
	test('by a secret key, under its label', async () => {
		using t = await createTestApp();
		const s = await scene(t);
		const acts: Act[] = [
			...common(t, s, () => 'server'),
			{
				name: 'a token of one of the team',
				as: 'server',
				method: 'POST',
				path: '/users/chat-token',
				body: { userId: t.person('staff').id },
				action: 'token.mint',
				target: t.person('staff').id,
			},
		];
		for (const act of acts) await check(t, act);
		// a second key is told from the first
		const { key } = await post<{ key: string }>(t, 'superadmin', '/admin/keys', { kind: 'secret', label: 'cron job' });
		await t.ok({
			as: 'nobody',
			method: 'PATCH',
			path: '/admin/site',
			body: { signup: 'signed' },
			headers: { 'x-api-key': key },
		});
		expect((await audit(t)).data[0]).toMatchObject({ actor: 'key:cron job', action: 'site.update' });
	});
	test('many tickets at once are an entry each, and what changed nothing is none', async () => {
		using t = await createTestApp();
		const { tickets } = await scene(t);
		const before = count(t);
		const bulk = (changes: object) => post(t, 'staff', '/admin/tickets/bulk', { ids: tickets, changes });
		await bulk({ priority: 'low' });
		expect(count(t) - before).toBe(3);
		await bulk({ priority: 'low' });
		await t.ok({ as: 'staff', method: 'PATCH', path: `/support/tickets/${tickets[0]}`, body: { tags: [] } });
		expect(count(t) - before).toBe(3);
		const { data } = await audit(t, 'admin', '?action=ticket.update&limit=3');
		expect(data.map(({ target }) => target).sort()).toEqual([...tickets].sort());
	});
});

describe('no entry is made', () => {
	test('of an act that is refused', async () => {
		using t = await createTestApp();
		const s = await scene(t);
		const user = (name: string, rest = '') => `/admin/users/${t.person(name).id}${rest}`;
		const before = t.snapshot();
		for (const [as, method, path, body] of [
			['admin', 'POST', '/users', { username: 'x', role: 'admin' }],
			['staff', 'POST', '/users', { username: 'x', role: 'staff' }],
			['admin', 'PATCH', user('admin'), { suspended: true }],
			['admin', 'PATCH', user('superadmin'), { suspended: true }],
			['moderator', 'PATCH', user('alice'), { role: 'staff' }],
			['staff', 'PATCH', user('alice'), { suspended: true }],
			['moderator', 'PATCH', user('alice'), { suspended: true, until: '2020-01-01T00:00:00.000Z' }],
			['moderator', 'PATCH', user('alice'), {}],
			['server', 'PATCH', user('superadmin'), { role: 'user' }],
			['moderator', 'DELETE', user('alice'), undefined],
			['admin', 'DELETE', user('superadmin'), undefined],
			['moderator', 'GET', user('alice', '/export'), undefined],
			['admin', 'GET', user('superadmin', '/export'), undefined],
			['moderator', 'POST', user('alice', '/revoke-tokens'), {}],
			['admin', 'POST', user('alice', '/access-link'), {}],
			['server', 'POST', user('staff', '/access-link'), {}],
			['moderator', 'GET', user('alice', '/conversations'), undefined],
			['moderator', 'GET', `/admin/conversations?userId=${t.person('alice').id}`, undefined],
			['other.superadmin', 'GET', `/admin/conversations/${s.chat}`, undefined],
			['admin', 'GET', `/admin/users/${t.person('other.bob').id}/conversations`, undefined],
			['alice', 'GET', `/admin/conversations/${s.chat}`, undefined],
			['staff', 'GET', '/admin/conversations/conv_01kj3zp0x5e6s8r1n6a2c4v7wd', undefined],
			['staff', 'PATCH', `/support/tickets/${s.tickets[0]}`, { category: 'moderation' }],
			['staff', 'PATCH', `/support/tickets/${s.tickets[0]}`, { assigneeId: t.person('alice').id }],
			['staff', 'POST', '/admin/tickets/bulk', { ids: [s.tickets[0]], changes: { assigneeId: t.person('bob').id } }],
			['staff', 'DELETE', `/p2p/conversations/${s.chat}/messages/${s.messages[0]}`, undefined],
			['staff', 'DELETE', `/support/tickets/${s.tickets[0]}/messages/${s.messages[0]}`, undefined],
			['staff', 'POST', `/admin/messages/${s.reply}/ticket`, {}],
			['moderator', 'POST', `/admin/reports/${s.reports[0]}`, { status: 'open' }],
			['staff', 'POST', `/admin/reports/${s.reports[0]}`, { status: 'upheld' }],
			['staff', 'POST', '/admin/canned-replies', { shortcut: 'a', text: 'b' }],
			['moderator', 'POST', '/admin/canned-replies', { shortcut: 'hi', text: 'b' }],
			['moderator', 'PATCH', '/admin/site', { signup: 'server' }],
			['admin', 'PATCH', '/admin/site', { origins: ['ftp://site.com'] }],
			['admin', 'POST', '/admin/keys', { kind: 'secret', label: 'mine' }],
			['server', 'POST', '/admin/keys', { kind: 'secret', label: 'mine' }],
			['superadmin', 'DELETE', '/admin/keys/key_01kj3zp0x5e6s8r1n6a2c4v7wd', undefined],
			['server', 'POST', '/users/chat-token', { userId: t.person('other.staff').id }],
		] as const) {
			const { status } = await t.call({ as, method, path, body });
			expect([as, method, path, status < 300 && path !== '/admin/tickets/bulk']).toEqual([as, method, path, false]);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('of reading lists, tickets, numbers and the audit itself', async () => {
		using t = await createTestApp();
		const { tickets } = await scene(t);
		const before = count(t);
		for (const path of [
			'/admin/conversations',
			'/admin/conversations?type=p2p',
			'/admin/conversations?type=support&q=help',
			`/admin/conversations/${tickets[0]}`,
			`/admin/conversations/${tickets[0]}/messages`,
			'/admin/tickets?q=help',
			'/admin/users?q=alice',
			`/admin/users/${t.person('alice').id}`,
			'/admin/reports',
			'/admin/stats',
			'/admin/site',
			'/admin/canned-replies',
			'/admin/audit',
		])
			await t.ok({ as: 'admin', path });
		expect(count(t)).toBe(before);
	});
});

describe('the audit', () => {
	test('is for admins and up, newest first, in pages, by actor, act, target and time, of one’s own site', async () => {
		using t = await createTestApp();
		await scene(t);
		for (const as of ['alice', 'staff', 'moderator'])
			expect(await t.refused({ as, path: '/admin/audit' })).toEqual([403, 'forbidden']);
		for (let i = 0; i < 25; i++) {
			t.advance(minute);
			const name = i % 2 ? 'alice' : 'bob';
			await t.ok({
				as: i % 3 ? 'moderator' : 'superadmin',
				method: 'PATCH',
				path: `/admin/users/${t.person(name).id}`,
				body: { suspended: i % 4 > 1 },
			});
		}
		const all = (await audit(t, 'admin', '?limit=100')).data;
		expect(all.map(({ id }) => id)).toEqual(Array.from({ length: all.length }, (_, i) => all.length - i));
		const paged: AuditEntry[] = [];
		for (let page = 1; page <= 10; page++) paged.push(...(await audit(t, 'server', `?limit=7&page=${page}`)).data);
		expect(paged).toEqual(all);
		const mona = t.person('moderator').id;
		const alice = t.person('alice').id;
		const [from, to] = [all[20]?.at ?? '', all[5]?.at ?? ''];
		for (const [query, filter] of [
			[`actor=${mona}`, (e: AuditEntry) => e.actor === mona],
			['actor=operator', (e: AuditEntry) => e.actor === 'operator'],
			['action=user.update', (e: AuditEntry) => e.action === 'user.update'],
			[`target=${alice}`, (e: AuditEntry) => e.target === alice],
			[`from=${from}`, (e: AuditEntry) => e.at >= from],
			[`to=${to}`, (e: AuditEntry) => e.at <= to],
			[
				`target=${alice}&actor=${mona}&action=user.update`,
				(e: AuditEntry) => e.target === alice && e.actor === mona && e.action === 'user.update',
			],
			[`from=${from}&actor=${mona}`, (e: AuditEntry) => e.at >= from && e.actor === mona],
			['action=user', () => false],
			[`actor=${t.person('other.moderator').id}`, () => false],
		] as const) {
			const found = await audit(t, 'admin', `?limit=100&${query}`);
			expect([query, found.total, found.data]).toEqual([query, all.filter(filter).length, all.filter(filter)]);
		}
	});
	test('of one site shows and counts nothing of another', async () => {
		using t = await createTestApp();
		const foreign = await audit(t, 'other.admin', '?limit=100');
		await scene(t);
		await t.ok({ as: 'admin', method: 'PATCH', path: '/admin/site', body: { autoCloseDays: 3 } });
		expect(await audit(t, 'other.admin', '?limit=100')).toEqual(foreign);
		const own = await audit(t, 'admin', '?limit=100');
		expect(own.data.map(({ id }) => id)).toEqual(own.data.map((_, i) => own.total - i));
	});
});

describe('what two users write to each other', () => {
	const reads = (t: TestApp) =>
		t.rows<{ actor: string; target: string }>(
			"select actor, target from audit_log where action = 'conversation.read' order by pk",
		);
	test('is opened on the record: one entry a reader, conversation and hour', async () => {
		using t = await createTestApp();
		const [one, two] = [await t.conversation('alice', 'bob'), await t.conversation('alice', 'carol')];
		await t.send('alice', one, 'walrus');
		const open = async (as: string, id: string) => {
			await t.ok({ as, path: `/admin/conversations/${id}` });
			await t.ok({ as, path: `/admin/conversations/${id}/messages` });
			await t.ok({ as, path: `/admin/conversations/${id}/messages?around=first_unread` });
		};
		const entry = (as: string, target: string) => ({
			actor: as === 'server' ? 'key:default' : t.person(as).id,
			target,
		});
		// 12:00, and two minutes before the next hour
		await open('staff', one);
		t.advance(58 * minute);
		await open('staff', one);
		expect(reads(t)).toEqual([entry('staff', one)]);
		await open('staff', two);
		await open('moderator', one);
		await open('server', one);
		await open('server', one);
		const first = [entry('staff', one), entry('staff', two), entry('moderator', one), entry('server', one)];
		expect(reads(t)).toEqual(first);
		t.advance(2 * minute);
		await open('staff', one);
		await open('staff', one);
		expect(reads(t)).toEqual([...first, entry('staff', one)]);
		// many at once are one, too
		t.advance(hour);
		await Promise.all(Array.from({ length: 50 }, () => t.ok({ as: 'admin', path: `/admin/conversations/${one}` })));
		expect(reads(t).length).toBe(6);
	});
	test('is opened without one by who takes part, and so are tickets', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'staff');
		await t.send('alice', chat, 'walrus');
		const { id } = await openTicket(t);
		for (const each of [chat, id])
			for (const rest of ['', '/messages']) await t.ok({ as: 'staff', path: `/admin/conversations/${each}${rest}` });
		expect(reads(t)).toEqual([]);
		await t.ok({ as: 'moderator', path: `/admin/conversations/${chat}` });
		expect(reads(t).length).toBe(1);
	});
	test('is found by admins and up alone, on the record; whoever is below searches tickets', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'the walrus is here');
		const ticket = await openTicket(t, 'carol');
		await post(t, 'carol', `/support/tickets/${ticket.id}/messages`, { content: { text: 'the narwhal is here' } });
		const search = async (as: string, query: string) =>
			(await t.ok<DeskConversationPage>({ as, path: `/admin/conversations?${query}` })).data.map(({ id }) => id);
		const searches = () => t.rows("select actor from audit_log where action = 'conversations.search'").length;
		for (const as of ['staff', 'moderator']) {
			for (const q of ['walrus', 'WALR', 'the', 'alice', 'bob', 'here', t.person('alice').id])
				for (const type of ['', '&type=p2p', '&type=support', '&type=p2p&status=active', '&status=active'])
					expect([as, q, type, (await search(as, `q=${q}${type}`)).includes(chat)]).toEqual([as, q, type, false]);
			expect(await search(as, 'q=narwhal')).toEqual([ticket.id]);
			expect(await search(as, 'q=carol&type=support')).toEqual([ticket.id]);
			expect(await search(as, `q=${ticket.number}`)).toEqual([ticket.id]);
			const ofOne = { as, path: `/admin/conversations?userId=${t.person('alice').id}` };
			expect(await t.refused(ofOne)).toEqual([403, 'forbidden']);
		}
		expect(searches()).toBe(0);
		for (const as of ['admin', 'superadmin', 'server']) {
			const before = searches();
			expect(await search(as, 'q=walrus')).toEqual([chat]);
			expect(await search(as, 'q=walrus&type=p2p')).toEqual([chat]);
			expect(searches()).toBe(before + 2);
			expect(await search(as, 'q=walrus&type=support')).toEqual([]);
			expect(await search(as, 'q=narwhal&type=support')).toEqual([ticket.id]);
			expect(searches()).toBe(before + 2);
			expect((await search(as, 'q=here')).sort()).toEqual([chat, ticket.id].sort());
			expect(await search(as, `userId=${t.person('alice').id}&q=here`)).toEqual([chat]);
			expect(await search(as, `userId=${t.person('carol').id}&q=walrus`)).toEqual([]);
		}
		const { data } = await audit(t, 'admin', '?action=conversations.search');
		expect(data.at(-1)?.changes).toEqual([{ field: 'q', before: null, after: 'walrus', erased: false }]);
	});
	test('shows neither words nor newest message in the list', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat, 'walrus');
		for (const as of ['staff', 'superadmin', 'server']) {
			const page = await t.ok<DeskConversationPage>({ as, path: '/admin/conversations' });
			expect(JSON.stringify(page)).not.toContain('walrus');
			expect(Object.keys(page.data[0] ?? {}).sort()).toEqual(
				['createdAt', 'id', 'lastMessageAt', 'messageCount', 'participants', 'status', 'type'].sort(),
			);
		}
		expect(reads(t)).toEqual([]);
	});
	test('is not written to, changed or marked by the desk; moderators may take a message out, on the record', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id } = await t.send('alice', chat, 'walrus');
		const at = `/p2p/conversations/${chat}`;
		const before = t.snapshot();
		for (const as of ['staff', 'moderator', 'admin', 'superadmin'])
			for (const root of [at, `/support/tickets/${chat}`])
				for (const [method, path, body] of [
					['POST', `${root}/messages`, { content: { text: 'hello' } }],
					['POST', `${root}/messages`, { kind: 'note', content: { text: 'hello' } }],
					['PATCH', `${root}/messages/${id}`, { content: { text: 'hello' } }],
					['PUT', `${root}/messages/${id}/reactions/👍`, undefined],
					['DELETE', `${root}/messages/${id}/reactions/👍`, undefined],
					['POST', `${root}/read`, {}],
					['POST', `${root}/unread`, { messageId: id }],
					['POST', `${root}/archive`, {}],
					['POST', `${root}/messages/${id}/report`, { reason: 'x' }],
					['GET', root, undefined],
					['GET', `${root}/messages`, undefined],
				] as const) {
					const { status } = await t.call({ as, method, path, body });
					expect([as, method, path, [400, 404].includes(status)]).toEqual([as, method, path, true]);
				}
		for (const as of ['staff', 'carol'])
			expect(await t.refused({ as, method: 'DELETE', path: `${at}/messages/${id}` })).toEqual([404, 'not_found']);
		expect(t.snapshot()).toBe(before);
		const gone = await t.ok<Message>({ as: 'moderator', method: 'DELETE', path: `${at}/messages/${id}` });
		expect([gone.content, gone.deletedAt === null]).toEqual([{}, false]);
		// a second time changes nothing, so there is nothing to note
		await t.ok({ as: 'moderator', method: 'DELETE', path: `${at}/messages/${id}` });
		expect(
			(await audit(t, 'admin', '?action=message.delete')).data.map(({ actor, target }) => [actor, target]),
		).toEqual([[t.person('moderator').id, id]]);
	});
	test('shows the desk what an edited message said before, and no one else', async () => {
		using t = await createTestApp();
		const chat = await t.conversation('alice', 'bob');
		const { id } = await t.send('alice', chat, 'walrus');
		const body = { content: { text: 'narwhal' } };
		await t.ok({ as: 'alice', method: 'PATCH', path: `/p2p/conversations/${chat}/messages/${id}`, body });
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `/admin/conversations/${chat}/messages` });
		expect(data[0]?.earlierTexts?.map(({ text }) => text)).toEqual(['walrus']);
		for (const as of ['alice', 'bob']) expect(JSON.stringify(await t.messages(as, chat))).not.toContain('walrus');
	});
});

describe('the chain', () => {
	/** A chain of a dozen entries with values of every kind. */
	const chained = async () => {
		const t = await createTestApp();
		for (let i = 0; i < 4; i++) {
			t.advance(minute);
			const path = `/admin/users/${t.person('alice').id}`;
			await t.ok({ as: 'moderator', method: 'PATCH', path, body: { suspended: true, reason: `reason ${i}` } });
			await t.ok({ as: 'admin', method: 'PATCH', path, body: { suspended: false } });
			await t.ok({ as: 'admin', method: 'PATCH', path: '/admin/site', body: { autoCloseDays: 10 + i } });
		}
		return t;
	};
	interface Row {
		pk: number;
		seq: number;
		actor: string;
		action: string;
		target: string;
		fields: string;
		at: number;
		previous: string;
		hash: string;
	}
	test('is whole after many acts at once, without a gap', async () => {
		using t = await createTestApp();
		const before = count(t);
		await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				t.ok({
					as: i % 2 ? 'admin' : 'moderator',
					method: 'PATCH',
					path: `/admin/users/${t.person(['alice', 'bob', 'carol'][i % 3] ?? '').id}`,
					body: { suspended: i % 5 === 0 },
				}),
			),
		);
		const seqs = t.rows<{ seq: number }>('select seq from audit_log where site = ? order by seq', t.home.pk);
		expect(seqs.map(({ seq }) => seq)).toEqual(Array.from({ length: before + 50 }, (_, i) => i + 1));
		expect(t.services.audit.verify(t.home.pk)).toMatchObject({ entries: before + 50, broken: null });
	});
	test('shows whatever was tampered with, and where', async () => {
		using t = await chained();
		const { verify } = t.services.audit;
		const site = t.home.pk;
		const whole = verify(site);
		expect(whole.broken).toBeNull();
		const all = t.rows<Row>('select * from audit_log where site = ? order by seq', site);
		const middle = all.find(({ fields, seq }) => fields.includes('reason') && seq > 8) as Row;
		const next = all[middle.seq] as Row;
		const run = (sql: string, ...params: (string | number)[]) => t.sqlite.query(sql).run(...params);
		const set =
			(column: keyof Row, value: string | number, row = middle) =>
			() =>
				run(`update audit_log set ${column} = ? where pk = ?`, value, row.pk);
		const rehash = (row: Row) => {
			const now = t.rows<Row>('select * from audit_log where pk = ?', row.pk)[0] as Row;
			run(
				'update audit_log set hash = ? where pk = ?',
				chainHash(site, { ...now, fields: JSON.parse(now.fields) }),
				row.pk,
			);
		};
		const value = (change: string) => () =>
			run(`update audit_values set ${change} where entry = ? and field = 'reason'`, middle.pk);
		const contents = ['actor', 'action', 'target', 'fields', 'at', 'previous', 'hash'] as const;
		const tamperings: Record<string, [() => unknown, at: number]> = {
			actor: [set('actor', t.person('bob').id), middle.seq],
			action: [set('action', 'user.export'), middle.seq],
			target: [set('target', t.person('bob').id), middle.seq],
			time: [set('at', middle.at - 1), middle.seq],
			fields: [set('fields', '{}'), middle.seq],
			'one hash among the fields': [set('fields', middle.fields.replace(/[0-9a-f]{64}/, 'a'.repeat(64))), middle.seq],
			previous: [set('previous', 'a'.repeat(64)), middle.seq],
			hash: [set('hash', 'a'.repeat(64)), middle.seq],
			'a removed row': [
				() => {
					run('delete from audit_values where entry = ?', middle.pk);
					run('delete from audit_log where pk = ?', middle.pk);
				},
				middle.seq,
			],
			'the first row removed': [
				() => {
					run('delete from audit_values where entry = ?', all[0]?.pk ?? 0);
					run('delete from audit_log where pk = ?', all[0]?.pk ?? 0);
				},
				1,
			],
			'a removed row, with the others closed up': [
				() => {
					run('delete from audit_values where entry = ?', middle.pk);
					run('delete from audit_log where pk = ?', middle.pk);
					for (const row of all.slice(middle.seq))
						run('update audit_log set seq = ? where pk = ?', row.seq - 1, row.pk);
				},
				middle.seq,
			],
			'two rows that changed places': [
				() => {
					run('update audit_log set seq = -1 where pk = ?', middle.pk);
					run('update audit_log set seq = ? where pk = ?', middle.seq, next.pk);
					run('update audit_log set seq = ? where pk = ?', next.seq, middle.pk);
				},
				middle.seq,
			],
			'two rows with each other’s contents': [
				() => {
					for (const column of contents) {
						set(column, next[column])();
						set(column, middle[column], next)();
					}
				},
				middle.seq,
			],
			'a row of another site': [
				() => run('update audit_log set site = ? where pk = ?', t.other.pk, all.at(-1)?.pk ?? 0),
				0,
			],
			'a changed row with its own hash made again': [
				() => {
					set('actor', t.person('bob').id)();
					rehash(middle);
				},
				next.seq,
			],
			'a changed row with its own hash and the next one’s made again': [
				() => {
					set('actor', t.person('bob').id)();
					rehash(middle);
					const [now] = t.rows<Row>('select hash from audit_log where pk = ?', middle.pk);
					set('previous', now?.hash ?? '', next)();
					rehash(next);
				},
				next.seq + 1,
			],
			'a row put in': [
				() => {
					for (const row of all.slice(middle.seq - 1).reverse())
						run('update audit_log set seq = ? where pk = ?', row.seq + 1, row.pk);
					run(
						`insert into audit_log (site, seq, actor, action, target, fields, at, previous, hash)
						values (?, ?, 'operator', 'site.update', '', '{}', ?, ?, '')`,
						site,
						middle.seq,
						middle.at,
						middle.previous,
					);
					rehash(t.rows<Row>('select * from audit_log where site = ? and seq = ?', site, middle.seq)[0] as Row);
				},
				next.seq,
			],
			'a value': [value("after = 'nothing'"), middle.seq],
			'a value where there was none': [value("before = 'something'"), middle.seq],
			'a value taken away': [value('after = null'), middle.seq],
			'a salt': [value(`salt = '${'a'.repeat(32)}'`), middle.seq],
			'the name of a value': [value("field = 'excuse'"), middle.seq],
			'a value added': [
				() => run("insert into audit_values (entry, field, salt, after) values (?, 'more', 'aa', 'x')", middle.pk),
				middle.seq,
			],
			'a value of another entry': [
				() => {
					run("delete from audit_values where entry = ? and field = 'reason'", middle.pk);
					const earlier = all.find(({ pk, fields }) => pk !== middle.pk && fields.includes('reason')) as Row;
					run("update audit_values set entry = ? where entry = ? and field = 'reason'", middle.pk, earlier.pk);
				},
				middle.seq,
			],
		};
		t.sqlite.run('PRAGMA foreign_keys = OFF');
		for (const table of ['audit_values', 'audit_log'])
			t.sqlite.run(`create temp table whole_${table} as select * from main.${table}`);
		for (const [name, [tamper, at]] of Object.entries(tamperings)) {
			tamper();
			const verdict = verify(site);
			const other = verify(t.other.pk);
			for (const table of ['audit_values', 'audit_log']) {
				t.sqlite.run(`delete from ${table}`);
				t.sqlite.run(`insert into ${table} select * from temp.whole_${table}`);
			}
			// a row that is taken off the end shows in the other site’s chain, and in the newest hash
			if (at === 0)
				expect([name, other.broken?.reason, verdict.head]).toEqual([name, expect.any(String), all.at(-2)?.hash ?? '']);
			else expect([name, verdict.broken?.id ?? null]).toEqual([name, at]);
			if (name === 'a removed row') expect(verdict.broken?.reason).toBe('is missing');
		}
		expect(verify(site)).toEqual(whole);
	});
	test('cut off at its end has another newest hash and fewer entries', async () => {
		using t = await chained();
		const before = t.services.audit.verify(t.home.pk);
		t.sqlite.run('delete from audit_values where entry = (select max(pk) from audit_log)');
		t.sqlite.run('delete from audit_log where pk = (select max(pk) from audit_log)');
		const after = t.services.audit.verify(t.home.pk);
		expect([after.broken, after.entries]).toEqual([null, before.entries - 1]);
		expect(after.head).not.toBe(before.head);
	});
	test('holds without the values that an erasure has taken', async () => {
		using t = await chained();
		await t.ok({ as: 'admin', path: '/admin/conversations?q=walrus' });
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('alice').id}` });
		expect(t.services.audit.verify(t.home.pk)).toMatchObject({ broken: null, entries: count(t) });
		const { data } = await audit(t, 'admin', '?limit=100');
		expect(data.find(({ action }) => action === 'conversations.search')?.changes).toEqual([
			{ field: 'q', before: null, after: null, erased: true },
		]);
		const kept = data.filter(({ action }) => action === 'site.update');
		expect(kept.length).toBeGreaterThan(3);
		expect(kept.flatMap(({ changes }) => changes).some(({ erased }) => erased)).toBe(false);
	});
	test('is verified in pieces to its end, however long', async () => {
		using t = await createTestApp();
		const path = `/admin/users/${t.person('alice').id}/revoke-tokens`;
		const missing = 2_000 - count(t);
		for (let i = 0; i < missing; i += 100)
			await Promise.all(
				Array.from({ length: Math.min(100, missing - i) }, () =>
					t.ok({ as: 'server', method: 'POST', path, body: {} }),
				),
			);
		expect(t.services.audit.verify(t.home.pk)).toMatchObject({ entries: 2_000, broken: null });
		t.sqlite.query('update audit_log set actor = ? where site = ? and seq = 1500').run('operator', t.home.pk);
		expect(t.services.audit.verify(t.home.pk).broken).toMatchObject({ id: 1_500, reason: 'was changed' });
	});
});

describe('making users oneself', () => {
	test('is no act of the desk', async () => {
		using t = await createTestApp();
		const before = count(t);
		await post<User>(t, 'server', '/users', { username: 'plain' });
		await post<User>(t, 'key', '/users', { username: 'visitor' });
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect(count(t)).toBe(before);
	});
});
