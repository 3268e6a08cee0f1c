import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { minute, second } from '../../../src/kernel/clock.ts';
import { bulkMax } from '../../../src/kernel/limits.ts';
import type { UnreadTotal } from '../../../src/modules/messaging/messaging.schema.ts';
import type { BulkOutcome, Ticket } from '../../../src/modules/support/tickets.schema.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';
import {
	change,
	history,
	note,
	openTicket,
	page,
	pathOf,
	say,
	seeTicket,
	statuses,
	ticketIn,
	tryChange,
} from './tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

/** A report makes a ticket that moderators alone see, and never whom it is about. */
const report = async (t: TestApp, by: string, about: string): Promise<string> => {
	await t.conversation(by, about);
	const path = `/users/${t.person(about).id}/report`;
	return (await t.ok<{ ticketId: string }>({ as: by, method: 'POST', path, body: { reason: 'insults' } })).ticketId;
};
const assign = (t: TestApp, id: string, to: string, as = 'superadmin') =>
	tryChange(t, as, id, { assigneeId: t.person(to).id });

describe('a ticket is taken care of', () => {
	test('by an active user of the team who may see it, and by nobody else', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		for (const to of ['staff', 'moderator', 'admin', 'superadmin'])
			expect((await assign(t, id, to)).body.data).toMatchObject({
				assigneeId: t.person(to).id,
				assignee: { username: t.person(to).username },
			});
		expect((await seeTicket(t, 'alice', id)).assigneeId).toBe(t.person('superadmin').id);
		expect((await change(t, 'staff', id, { assigneeId: null })).assigneeId).toBeNull();
		await t.add('idle', { role: 'staff' });
		await t.change('idle', { suspendedAt: t.clock(), suspendedUntil: t.clock() + minute });
		await t.add('gone', { role: 'staff' });
		await t.ok({ as: 'superadmin', method: 'DELETE', path: `/admin/users/${t.person('gone').id}` });
		const about = await report(t, 'bob', 'moderator');
		const own = (await openTicket(t, 'admin')).id;
		const before = t.snapshot();
		for (const [ticket, to] of [
			[id, 'alice'],
			[id, 'bob'],
			[id, 'other.staff'],
			[id, 'idle'],
			[id, 'gone'],
			// reports are not for staff, nor for whom they are about; nobody is the desk of their own ticket
			[about, 'staff'],
			[about, 'moderator'],
			[own, 'admin'],
		] as const) {
			const { status, body } = await assign(t, ticket, to);
			expect([to, status, body.code]).toEqual([to, 422, 'assignee_invalid']);
		}
		for (const assigneeId of ['user_00000000000000000000000000', 'me', id])
			expect((await tryChange(t, 'staff', id, { assigneeId })).body.code).toBe('assignee_invalid');
		expect(t.snapshot()).toBe(before);
		// a suspension that is over is none
		t.advance(minute);
		expect((await assign(t, id, 'idle')).status).toBe(200);
		expect((await assign(t, about, 'admin')).status).toBe(200);
	});
	test('by nobody once its assignee is no longer of the team; a closed one keeps who took care of it', async () => {
		for (const leave of [
			(t: TestApp, path: string) => t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'user' } }),
			(t: TestApp, path: string) => t.ok({ as: 'superadmin', method: 'DELETE', path }),
		]) {
			using t = await createTestApp();
			const staff = t.person('staff').id;
			const ids: Record<string, string> = {};
			for (const status of statuses) {
				const { id } = await ticketIn(t, status);
				ids[status] = id;
				await assign(t, id, 'staff');
			}
			const { id: others } = await openTicket(t, 'alice');
			await assign(t, others, 'moderator');
			await leave(t, `/admin/users/${staff}`);
			await t.written();
			for (const status of statuses) {
				const seen = await seeTicket(t, 'moderator', ids[status] ?? '');
				const closed = status === 'closed';
				expect([status, seen.status, seen.assigneeId]).toEqual([status, status, closed ? staff : null]);
				expect((await history(t, seen.id)).at(-1)).toMatchObject(
					closed
						? { field: 'assigneeId', after: staff }
						: { actor: 'system', field: 'assigneeId', before: staff, after: null },
				);
			}
			expect((await seeTicket(t, 'admin', others)).assigneeId).toBe(t.person('moderator').id);
			const { tickets } = await t.ok<{ tickets: { unassigned: number } }>({ as: 'admin', path: '/admin/stats' });
			expect(tickets.unassigned).toBe(3);
		}
	});
	test('by nobody once its assignee may not see it any more', async () => {
		using t = await createTestApp();
		const about = await report(t, 'bob', 'carol');
		const { id } = await openTicket(t, 'alice');
		for (const ticket of [about, id]) await assign(t, ticket, 'moderator');
		const path = `/admin/users/${t.person('moderator').id}`;
		await t.ok({ as: 'superadmin', method: 'PATCH', path, body: { role: 'staff' } });
		await t.written();
		expect((await seeTicket(t, 'admin', about)).assigneeId).toBeNull();
		expect((await seeTicket(t, 'admin', id)).assigneeId).toBe(t.person('moderator').id);
	});
});

describe('what concerns one of the desk', () => {
	test('mine=assigned lists the tickets assigned to them, by status and in pages, newest activity first', async () => {
		using t = await createTestApp();
		const mine: string[] = [];
		for (const [i, status] of (['open', 'resolved', 'open', 'closed', 'waiting'] as const).entries()) {
			t.advance(second);
			const { id } = await ticketIn(t, status, i % 2 ? 'alice' : 'bob');
			await assign(t, id, 'staff');
			mine.push(id);
		}
		await assign(t, (await openTicket(t, 'alice')).id, 'moderator');
		await openTicket(t, 'staff');
		const list = async (query: string, as = 'staff') => {
			const found = await t.ok<{ data: Ticket[]; total: number }>({
				as,
				path: `/support/tickets?mine=assigned${query}`,
			});
			for (const ticket of found.data) expect(ticket.version).toBeGreaterThan(0);
			return [found.total, ...found.data.map(({ id }) => mine.indexOf(id))];
		};
		expect(await list('')).toEqual([5, 4, 3, 2, 1, 0]);
		expect(await list('&status=open')).toEqual([2, 2, 0]);
		expect(await list('&limit=2&page=2')).toEqual([5, 2, 1]);
		expect(await list('', 'admin')).toEqual([0]);
	});
	test('unread-count is of tickets assigned to them and to nobody, but not of their own', async () => {
		using t = await createTestApp();
		const count = (as: string) => t.ok<UnreadTotal>({ as, path: '/support/unread-count' });
		t.advance(second);
		const { id: nobodys } = await openTicket(t, 'alice');
		t.advance(second);
		const { id: staffs } = await openTicket(t, 'bob');
		await assign(t, staffs, 'staff');
		await say(t, 'bob', staffs);
		t.advance(second);
		const { id: own } = await openTicket(t, 'staff');
		t.advance(second);
		const about = await report(t, 'carol', 'moderator');
		expect(await count('staff')).toEqual({
			total: 3,
			conversations: [
				{ id: staffs, unreadCount: 2 },
				{ id: nobodys, unreadCount: 1 },
			],
			hasMore: false,
		});
		expect((await count('moderator')).conversations.map(({ id }) => id)).toEqual([own, nobodys]);
		expect((await count('admin')).conversations.map(({ id }) => id)).toEqual([about, own, nobodys]);
		// the desk reads as one, and answers as one; notes read nothing
		await note(t, 'admin', nobodys);
		expect((await count('staff')).total).toBe(3);
		await t.ok({ as: 'admin', method: 'POST', path: pathOf(nobodys, '/read'), body: {} });
		await say(t, 'admin', staffs);
		expect(await count('staff')).toEqual({ total: 0, conversations: [], hasMore: false });
		// and a user’s own is of their own
		expect(await count('bob')).toEqual({ total: 1, conversations: [{ id: staffs, unreadCount: 1 }], hasMore: false });
		const first = (await page(t, 'staff', staffs)).data[1]?.id;
		const back = await t.ok({
			as: 'staff',
			method: 'POST',
			path: pathOf(staffs, '/unread'),
			body: { messageId: first },
		});
		expect(back).toEqual({ unreadCount: 1 });
		expect((await count('staff')).total).toBe(1);
		expect((await seeTicket(t, 'bob', staffs)).lastMessage?.isRead).toBe(false);
		// what the desk has seen stays seen
		expect((await page(t, 'bob', staffs)).data.slice(0, 2).map(({ isRead }) => isRead)).toEqual([true, true]);
	});
});

describe('changing many tickets at once', () => {
	const bulk = (t: TestApp, as: string, ids: string[], changes: object) =>
		t.call<BulkOutcome>({ as, method: 'POST', path: '/admin/tickets/bulk', body: { ids, changes } });
	test('changes each that can be, and says of each other why not, in the order asked', async () => {
		using t = await createTestApp();
		const open = (await openTicket(t, 'alice')).id;
		const closed = (await ticketIn(t, 'closed')).id;
		const foreign = (await openTicket(t, 'other.alice')).id;
		const own = (await openTicket(t, 'staff')).id;
		const about = await report(t, 'bob', 'carol');
		const chat = await t.conversation('alice', 'bob');
		const waiting = (await ticketIn(t, 'waiting')).id;
		const nowhere = 'ticket_00000000000000000000000000';
		const untouched = () =>
			Promise.all([
				seeTicket(t, 'admin', closed),
				seeTicket(t, 'admin', own),
				seeTicket(t, 'other.staff', foreign),
				seeTicket(t, 'admin', about),
			]);
		const before = await untouched();
		const { status, body } = await bulk(t, 'staff', [open, closed, nowhere, foreign, own, about, chat, waiting], {
			status: 'in_progress',
			priority: 'high',
			assigneeId: t.person('staff').id,
			tags: ['b', 'a'],
		});
		expect(status).toBe(200);
		expect(body.data.results.map(({ id, ok, code }) => [id, ok, code])).toEqual([
			[open, true, undefined],
			[closed, false, 'invalid_transition'],
			[nowhere, false, 'not_found'],
			[foreign, false, 'not_found'],
			[own, false, 'forbidden'],
			[about, false, 'not_found'],
			[chat, false, 'not_found'],
			[waiting, true, undefined],
		]);
		for (const { ok, message } of body.data.results) expect(typeof message).toBe(ok ? 'undefined' : 'string');
		expect(body.data.changed).toBe(2);
		for (const id of [open, waiting]) {
			expect(await seeTicket(t, 'staff', id)).toMatchObject({
				status: 'in_progress',
				priority: 'high',
				assigneeId: t.person('staff').id,
				tags: ['a', 'b'],
			});
			expect((await history(t, id)).filter(({ actor }) => actor === t.person('staff').id).length).toBe(4);
		}
		// those refused are as they were, in every field
		expect(await untouched()).toEqual(before);
	});
	test('counts a ticket that is named twice once, and changes it once', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const { body } = await bulk(t, 'staff', [id, id, id], { status: 'closed' });
		expect(body.data).toEqual({ changed: 1, results: [1, 2, 3].map(() => ({ id, ok: true })) });
		expect((await history(t, id)).length).toBe(1);
	});
	test(`takes 1 to ${bulkMax} ids and something to change, and is the desk’s`, async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const before = t.snapshot();
		for (const ids of [[], Array.from({ length: bulkMax + 1 }, () => id), 'x', [7]])
			expect((await bulk(t, 'staff', ids as string[], { priority: 'high' })).body.code).toBe('invalid_request');
		for (const changes of [{}, { number: 1 }])
			expect((await bulk(t, 'staff', [id], changes)).body.code).toBe('nothing_to_change');
		expect((await bulk(t, 'staff', [id], { status: 'active' })).body.code).toBe('invalid_request');
		expect((await bulk(t, 'alice', [id], { status: 'closed' })).body.code).toBe('forbidden');
		expect((await bulk(t, 'staff', [id], { subject: ' ' })).body.code).toBe('invalid_request');
		expect(t.snapshot()).toBe(before);
		const ids = await Promise.all(Array.from({ length: bulkMax }, async () => (await openTicket(t, 'bob')).id));
		expect((await bulk(t, 'server', ids, { priority: 'low' })).body.data.changed).toBe(bulkMax);
		expect((await history(t, ids[99] ?? '')).map(({ actor }) => actor)).toEqual(['key:default']);
	});
	test('a refusal in the midst undoes nothing and breaks nothing of what else is written in the same moment', async () => {
		using t = await createTestApp();
		const good = (await openTicket(t, 'alice')).id;
		const bad = (await ticketIn(t, 'closed')).id;
		const replies = await Promise.all([
			bulk(t, 'staff', [bad, good, bad], { status: 'waiting' }),
			say(t, 'bob', (await openTicket(t, 'bob')).id),
			bulk(t, 'admin', [bad], { status: 'open' }),
		]);
		expect(replies[0].body.data.changed).toBe(1);
		expect(replies[2].body.data.changed).toBe(0);
		expect((await seeTicket(t, 'alice', good)).status).toBe('waiting');
	});
});
