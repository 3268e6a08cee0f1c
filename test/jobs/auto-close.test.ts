import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { recurringJobs } from '../../src/jobs/recurring.ts';
import { day, iso, minute } from '../../src/kernel/clock.ts';
import { changeTicketsMax } from '../../src/kernel/limits.ts';
import type { Ticket, TicketStatus } from '../../src/modules/support/tickets.schema.ts';
import {
	change,
	history,
	openTicket,
	page,
	say,
	seeTicket,
	statuses,
	ticketIn,
	tryRate,
} from '../modules/support/tickets-support.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

/** Runs the job as the server does when it comes round. */
const comeRound = async (t: TestApp): Promise<void> => {
	const job = recurringJobs(t.services).find(({ name }) => name === 'tickets.close');
	if (!job) throw new Error('no job closes tickets');
	await job.run();
};
const setDays = (t: TestApp, as: string, autoCloseDays: number) =>
	t.ok({ as, method: 'PATCH', path: '/admin/site', body: { autoCloseDays } });
const statusOf = async (t: TestApp, as: string, id: string): Promise<TicketStatus> =>
	(await seeTicket(t, as, id)).status;

describe('a ticket that stays resolved', () => {
	test('is closed after seven days, and not a minute before; no other is touched', async () => {
		using t = await createTestApp();
		const made = new Map<TicketStatus, string>();
		for (const status of statuses) made.set(status, (await ticketIn(t, status)).id);
		const resolvedAt = iso(t.clock());
		t.advance(7 * day - minute);
		await t.written();
		const before = t.snapshot();
		await comeRound(t);
		expect(t.snapshot()).toBe(before);

		t.advance(minute);
		const id = made.get('resolved') ?? '';
		const others = () =>
			Promise.all(statuses.filter((s) => s !== 'resolved').map((s) => seeTicket(t, 'staff', made.get(s) ?? '')));
		const [were, newest] = [await others(), t.newestEvent()];
		await comeRound(t);
		expect(await others()).toEqual(were);
		expect(await seeTicket(t, 'staff', id)).toMatchObject({
			status: 'closed',
			resolvedAt,
			closedAt: iso(t.clock()),
			version: 3,
			unreadCount: 1,
			messageCount: 1,
		});
		expect((await history(t, id)).at(-1)).toEqual({
			at: iso(t.clock()),
			actor: 'system',
			field: 'status',
			before: 'resolved',
			after: 'closed',
		});
		expect((await page(t, 'alice', id)).data.at(-1)).toMatchObject({
			kind: 'system',
			senderId: null,
			seq: 3,
			content: { text: 'The ticket is now closed.' },
		});
		expect((await seeTicket(t, 'alice', id)).unreadCount).toBe(0);
		expect(t.eventsAfter(newest)).toMatchObject([
			{ type: 'message.created', conversation: id, userA: 'alice' },
			{ type: 'ticket.updated', conversation: id, userA: 'alice' },
		]);
		// the next time there is nothing to do
		await t.written();
		const after = t.snapshot();
		await comeRound(t);
		expect(t.snapshot()).toBe(after);
	});
	test('is closed after the days that its own site has set', async () => {
		using t = await createTestApp();
		await setDays(t, 'admin', 1);
		await setDays(t, 'other.admin', 3);
		const here = (await ticketIn(t, 'resolved')).id;
		const there = (await openTicket(t, 'other.alice')).id;
		await change(t, 'other.staff', there, { status: 'resolved' });
		const both = async () => [await statusOf(t, 'alice', here), await statusOf(t, 'other.alice', there)];
		t.advance(day - 1);
		await comeRound(t);
		expect(await both()).toEqual(['resolved', 'resolved']);
		t.advance(1);
		await comeRound(t);
		expect(await both()).toEqual(['closed', 'resolved']);
		t.advance(2 * day - 1);
		await comeRound(t);
		expect(await both()).toEqual(['closed', 'resolved']);
		t.advance(1);
		await comeRound(t);
		expect(await both()).toEqual(['closed', 'closed']);
	});
	test('is closed by the setting as it is when the job comes round, also for what was resolved before', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		t.advance(3 * day);
		await comeRound(t);
		expect(await statusOf(t, 'alice', id)).toBe('resolved');
		await setDays(t, 'admin', 3);
		await comeRound(t);
		expect(await statusOf(t, 'alice', id)).toBe('closed');
	});
	test('is not closed once it was opened again, by a reply or by hand; resolved again its days begin anew', async () => {
		using t = await createTestApp();
		const reopen: Record<string, (id: string) => Promise<unknown>> = {
			'the requester’s reply': (id) => say(t, 'alice', id),
			'the requester': (id) => change(t, 'alice', id, { status: 'open' }),
			'the desk': (id) => change(t, 'staff', id, { status: 'open' }),
		};
		const ids: string[] = [];
		for (const _ of Object.keys(reopen)) ids.push((await ticketIn(t, 'resolved')).id);
		t.advance(6 * day);
		for (const [i, act] of Object.values(reopen).entries()) await act(ids[i] ?? '');
		t.advance(6 * day);
		await comeRound(t);
		for (const id of ids) expect(await statusOf(t, 'alice', id)).toBe('open');
		for (const id of ids) await change(t, 'staff', id, { status: 'resolved' });
		t.advance(7 * day - 1);
		await comeRound(t);
		for (const id of ids) expect(await statusOf(t, 'alice', id)).toBe('resolved');
		t.advance(1);
		await comeRound(t);
		for (const id of ids) expect(await statusOf(t, 'alice', id)).toBe('closed');
	});
	test('can still be rated, and followed, after it has closed by itself', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		t.advance(8 * day);
		await comeRound(t);
		const { status, body } = await tryRate(t, 'alice', id, { score: 5, comment: 'late but true' });
		expect([status, body.data.status, body.data.rating?.score]).toEqual([200, 'closed', 5]);
		expect((await openTicket(t, 'alice', { followsTicketId: id })).followsTicketId).toBe(id);
	});
	test('250 of them all close in one go, in pieces that let others write between', async () => {
		using t = await createTestApp();
		const ids: string[] = [];
		for (let i = 0; i < 250; i++) ids.push((await openTicket(t, ['alice', 'bob'][i % 2] ?? '')).id);
		for (let i = 0; i < 250; i += 100)
			await t.ok({
				as: 'staff',
				method: 'POST',
				path: '/admin/tickets/bulk',
				body: { ids: ids.slice(i, i + 100), changes: { status: 'resolved' } },
			});
		const { id: open } = await openTicket(t, 'alice');
		t.advance(7 * day);
		/** What each COMMIT brought: how many tickets were closed in it. */
		const commits: number[] = [];
		t.services.eventLog.onCommitted((batch) => {
			commits.push(batch.filter(({ type }) => type === 'ticket.updated').length);
		});
		const going = comeRound(t);
		const reply = say(t, 'staff', open, 'meanwhile');
		await Promise.all([going, reply]);
		const { data } = await t.ok<{ data: Ticket[]; total: number }>({ as: 'staff', path: '/admin/tickets?limit=100' });
		const stats = await t.ok<{ tickets: object }>({ as: 'staff', path: '/admin/stats' });
		expect(stats.tickets).toMatchObject({ open: 0, inProgress: 1, waiting: 0, resolved: 0, closed: 250 });
		expect(data[0]?.id).toBe(open);
		// one of the COMMITs may hold the reply beside
		expect(commits.length).toBeGreaterThan(2);
		for (const n of commits) expect(n).toBeLessThanOrEqual(changeTicketsMax + 1);
		expect(t.rows("select count(*) as n from ticket_history where actor = 'system' and after = 'closed'")).toEqual([
			{ n: 250 },
		]);
	});
});
