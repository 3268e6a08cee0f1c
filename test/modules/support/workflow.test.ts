import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { iso, minute } from '../../../src/kernel/clock.ts';
import type { Ticket, TicketStatus } from '../../../src/modules/support/tickets.schema.ts';
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
	tryRate,
	trySay,
	words,
} from './tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

/** The contract's own sentence; what the server does is held against it, not against the server's table. */
const deskMoves = `open → in_progress, waiting, resolved, closed; in_progress → open, waiting, resolved, closed;
	waiting → open, in_progress, resolved, closed; resolved → open, closed; closed → none`;
const ofDesk = new Map(
	deskMoves.split(';').map((line) => {
		const [from = '', to = ''] = line.split('→').map((part) => part.trim());
		return [from, to === 'none' ? [] : to.split(', ')];
	}),
);
/** "`status` → `closed`, or `waiting`/`resolved` → `open`" */
const ofRequester = (from: string) =>
	from === 'closed' ? [] : ['closed', ...(['waiting', 'resolved'].includes(from) ? ['open'] : [])];
/** "The requester's reply on `waiting` or `resolved` → open; a desk reply: open → in_progress; `closed` takes no message" */
const afterReply = (from: TicketStatus, who: 'requester' | 'desk'): TicketStatus | null => {
	if (from === 'closed') return null;
	if (who === 'requester') return from === 'waiting' || from === 'resolved' ? 'open' : from;
	return from === 'open' ? 'in_progress' : from;
};
const said = { open: 'open', in_progress: 'in progress', waiting: 'waiting', resolved: 'resolved', closed: 'closed' };

describe('every move there is and is not', () => {
	for (const [who, as] of [
		['requester', 'alice'],
		['desk', 'staff'],
	] as const)
		test(`by the ${who} is as the contract says; what is refused names what is allowed`, async () => {
			using t = await createTestApp();
			for (const from of statuses)
				for (const to of statuses) {
					const { id } = await ticketIn(t, from);
					const rows = (await history(t, id)).length;
					const seqs = (await page(t, 'alice', id)).total;
					const before = t.snapshot();
					const { status, body } = await tryChange(t, as, id, { status: to });
					const allowed = who === 'desk' ? (ofDesk.get(from) ?? []) : ofRequester(from);
					const move = `${from} → ${to}`;
					if (from === to) {
						expect([move, status, body.data?.status]).toEqual([move, 200, to]);
						expect(t.snapshot()).toBe(before);
					} else if (allowed.includes(to)) {
						expect([move, status, body.data?.status]).toEqual([move, 200, to]);
						const entry = { at: iso(t.clock()), actor: t.person(as).id, field: 'status', before: from, after: to };
						expect((await history(t, id)).slice(rows)).toEqual([entry]);
						const told = (await page(t, 'alice', id)).data.slice(seqs);
						expect(told).toMatchObject([
							{
								kind: 'system',
								senderId: null,
								seq: seqs + 1,
								content: { text: `The ticket is now ${said[to]}.` },
								metadata: { action: 'status', from, to },
							},
						]);
					} else {
						expect([move, status, body.code]).toEqual([move, 409, 'invalid_transition']);
						expect((body as unknown as { allowed: string[] }).allowed.toSorted()).toEqual(allowed.toSorted());
						for (const word of allowed) expect(body.message).toContain(word);
						expect(t.snapshot()).toBe(before);
					}
				}
		});
	for (const [who, as] of [
		['requester', 'alice'],
		['desk', 'staff'],
	] as const)
		test(`by a reply of the ${who} is as the contract says, and on the record`, async () => {
			using t = await createTestApp();
			for (const from of statuses) {
				const { id } = await ticketIn(t, from);
				const rows = (await history(t, id)).length;
				const seqs = (await page(t, 'alice', id)).total;
				const before = t.snapshot();
				const { status } = await trySay(t, as, id, 'a reply');
				const to = afterReply(from, who);
				expect([from, status, (await seeTicket(t, 'alice', id)).status]).toEqual([from, to ? 201 : 409, to ?? from]);
				if (!to) {
					expect(t.snapshot()).toBe(before);
					continue;
				}
				const moved = to !== from;
				expect((await history(t, id)).slice(rows)).toMatchObject(
					moved ? [{ actor: t.person(as).id, field: 'status', before: from, after: to }] : [],
				);
				expect((await page(t, 'alice', id)).data.slice(seqs).map(({ kind }) => kind)).toEqual(
					moved ? ['text', 'system'] : ['text'],
				);
			}
		});
	test('a desk user’s own ticket: there they are the requester, and the team is the rest', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'moderator');
		for (const body of [{ status: 'in_progress' }, { status: 'waiting' }, { status: 'resolved' }])
			expect((await tryChange(t, 'moderator', id, body)).body.code).toBe('invalid_transition');
		expect((await tryChange(t, 'moderator', id, { priority: 'high' })).body.code).toBe('forbidden');
		expect(await t.refused({ as: 'moderator', path: pathOf(id, '/history') })).toEqual([403, 'forbidden']);
		expect((await trySay(t, 'moderator', id, 'x', { kind: 'note' })).body.code).toBe('forbidden');
		await say(t, 'moderator', id);
		expect((await seeTicket(t, 'staff', id)).status).toBe('open');
		expect((await change(t, 'staff', id, { status: 'resolved' })).status).toBe('resolved');
		expect((await change(t, 'moderator', id, { status: 'closed' })).status).toBe('closed');
	});
	test('a requester changes the status alone; subject, priority, category, assignee and tags are the desk’s', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const before = t.snapshot();
		const staff = t.person('staff').id;
		for (const body of [
			{ subject: 'x' },
			{ priority: 'high' },
			{ category: 'x' },
			{ category: null },
			{ assigneeId: staff },
			{ assigneeId: null },
			{ tags: [] },
			{ status: 'closed', tags: ['x'] },
		])
			expect([body, (await tryChange(t, 'alice', id, body)).body.code]).toEqual([body, 'forbidden']);
		for (const as of ['bob', 'other.staff'])
			expect((await tryChange(t, as, id, { status: 'closed' })).body.code).toBe('not_found');
		for (const body of [{}, { version: 3 }, { number: 1 }])
			expect((await tryChange(t, 'staff', id, body)).body.code).toBe('nothing_to_change');
		for (const body of [
			{ status: 'active' },
			{ status: null },
			{ priority: 'urgent' },
			{ tags: 'x' },
			{ subject: null },
		])
			expect([body, (await tryChange(t, 'staff', id, body)).body.code]).toEqual([body, 'invalid_request']);
		expect(t.snapshot()).toBe(before);
	});
});

describe('a closed ticket', () => {
	test('takes no message, note, edit or reaction, and tells of the way to go on', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const mine = await say(t, 'alice', id, 'mine');
		const theirs = await say(t, 'staff', id, 'theirs');
		const among = await note(t, 'staff', id);
		const emoji = encodeURIComponent('👍');
		await t.ok({ as: 'alice', method: 'PUT', path: pathOf(id, `/messages/${theirs.id}/reactions/${emoji}`) });
		await change(t, 'staff', id, { status: 'closed' });
		const before = t.snapshot();
		const message = (which: { id: string }, rest = '') => pathOf(id, `/messages/${which.id}${rest}`);
		for (const made of [
			...['alice', 'staff', 'superadmin'].map((as) => ({
				as,
				method: 'POST',
				path: pathOf(id, '/messages'),
				body: words('x'),
			})),
			{ as: 'staff', method: 'POST', path: pathOf(id, '/messages'), body: { ...words('x'), kind: 'note' } },
			{ as: 'alice', method: 'PATCH', path: message(mine), body: words('x') },
			{ as: 'staff', method: 'PATCH', path: message(theirs), body: words('x') },
			{ as: 'staff', method: 'PATCH', path: message(among), body: words('x') },
			{ as: 'alice', method: 'PUT', path: message(theirs, `/reactions/${encodeURIComponent('🎉')}`) },
			{ as: 'alice', method: 'DELETE', path: message(theirs, `/reactions/${emoji}`) },
			{ as: 'staff', method: 'PUT', path: message(mine, `/reactions/${emoji}`) },
			{ as: 'staff', method: 'PUT', path: message(among, `/reactions/${emoji}`) },
		]) {
			const { status, body } = await t.call(made);
			expect([made.as, made.method, status, body.code]).toEqual([made.as, made.method, 409, 'ticket_closed']);
			expect(body.message).toContain('followsTicketId');
		}
		expect(t.snapshot()).toBe(before);
		// it can be read all the same
		expect((await page(t, 'alice', id)).data.length).toBe(5);
		await t.ok({ as: 'alice', method: 'POST', path: pathOf(id, '/read'), body: {} });
	});
	test('still answers 200 to the repeat of what it took while it was open', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const mine = await say(t, 'alice', id, 'once', { clientMessageId: 'c-1' });
		const among = await note(t, 'staff', id, 'once', { clientMessageId: 'c-1' });
		await change(t, 'staff', id, { status: 'closed' });
		const again = await trySay(t, 'alice', id, 'once', { clientMessageId: 'c-1' });
		expect([again.status, again.body.data.id]).toEqual([200, mine.id]);
		const noted = await trySay(t, 'staff', id, 'once', { clientMessageId: 'c-1', kind: 'note' });
		expect([noted.status, noted.body.data.id]).toEqual([200, among.id]);
	});
});

describe('times and version', () => {
	type Stamps = Pick<
		Ticket,
		'status' | 'waitingSince' | 'firstResponseAt' | 'resolvedAt' | 'closedAt' | 'updatedAt' | 'version'
	>;
	test('are set at each step as the words for them say', async () => {
		using t = await createTestApp();
		const start = t.clock();
		const at = (n: number) => iso(start + n * minute);
		const { id } = await openTicket(t, 'alice');
		const staff = t.person('staff').id;
		let now: Stamps = {
			status: 'open',
			waitingSince: at(0),
			firstResponseAt: null,
			resolvedAt: null,
			closedAt: null,
			updatedAt: at(0),
			version: 1,
		};
		expect((await seeTicket(t, 'staff', id)) as object).toMatchObject(now);
		const by = (as: string, body: object) => () => change(t, as, id, body);
		const steps: [what: string, act: () => Promise<unknown>, changes: Partial<Stamps> & { still?: true }][] = [
			// the requester goes on waiting since they first asked
			['asks again', () => say(t, 'alice', id), {}],
			['a note', () => note(t, 'staff', id), { still: true }],
			[
				'first answer',
				() => say(t, 'staff', id),
				{ status: 'in_progress', firstResponseAt: at(3), waitingSince: null, version: 2 },
			],
			['asks on', () => say(t, 'alice', id), { waitingSince: at(4) }],
			['second answer', () => say(t, 'admin', id), { waitingSince: null }],
			['waits', by('staff', { status: 'waiting' }), { status: 'waiting', version: 3 }],
			['the requester replies', () => say(t, 'alice', id), { status: 'open', waitingSince: at(7), version: 4 }],
			['tags', by('staff', { tags: ['card'] }), { still: true, version: 5 }],
			[
				'resolves',
				by('staff', { status: 'resolved' }),
				{ status: 'resolved', resolvedAt: at(9), waitingSince: null, version: 6 },
			],
			[
				'the requester replies',
				() => say(t, 'alice', id),
				{ status: 'open', resolvedAt: null, waitingSince: at(10), version: 7 },
			],
			[
				'resolves',
				by('staff', { status: 'resolved' }),
				{ status: 'resolved', resolvedAt: at(11), waitingSince: null, version: 8 },
			],
			[
				'the requester reopens',
				by('alice', { status: 'open' }),
				{ status: 'open', resolvedAt: null, waitingSince: at(12), version: 9 },
			],
			[
				'resolves',
				by('staff', { status: 'resolved' }),
				{ status: 'resolved', resolvedAt: at(13), waitingSince: null, version: 10 },
			],
			// what comes after stays with the first time it was resolved
			['a word of thanks', () => say(t, 'staff', id), {}],
			['the desk reopens', by('staff', { status: 'open' }), { status: 'open', resolvedAt: null, version: 11 }],
			['priority', by('staff', { priority: 'high' }), { version: 12 }],
			['assigns', by('staff', { assigneeId: staff }), { version: 13 }],
			['subject and category', by('staff', { subject: 'y', category: 'z' }), { version: 14 }],
			['the same again', by('staff', { subject: 'y', tags: ['card'], priority: 'high' }), { still: true }],
			['resolves', by('staff', { status: 'resolved' }), { status: 'resolved', resolvedAt: at(20), version: 15 }],
			['closes', by('alice', { status: 'closed' }), { status: 'closed', closedAt: at(21), version: 16 }],
			['rates', () => tryRate(t, 'alice', id, { score: 4 }), { version: 17 }],
		];
		for (const [i, [what, act, { still, ...changes }]] of steps.entries()) {
			t.advance(minute);
			await act();
			now = { ...now, ...changes, ...(!still && { updatedAt: at(i + 1) }) };
			const seen = await seeTicket(t, 'admin', id);
			const shown = Object.fromEntries(Object.keys(now).map((key) => [key, seen[key as keyof Stamps]]));
			expect([i, what, shown]).toEqual([i, what, now]);
			expect((await seeTicket(t, 'alice', id)).updatedAt).toBe(now.updatedAt);
		}
	});
	test('closing what was never resolved resolves it at the same time', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		t.advance(minute);
		const at = iso(t.clock());
		expect(await change(t, 'alice', id, { status: 'closed' })).toMatchObject({ resolvedAt: at, closedAt: at });
		expect((await seeTicket(t, 'staff', id)).waitingSince).toBeNull();
	});
});

describe('system messages', () => {
	const unread = async (t: TestApp, id: string) => [
		(await seeTicket(t, 'alice', id)).unreadCount,
		(await seeTicket(t, 'staff', id)).unreadCount,
	];
	test('take a seq, are nobody’s, and count neither as unread nor as a message', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		expect(await unread(t, id)).toEqual([0, 1]);
		await change(t, 'staff', id, { status: 'waiting' });
		await change(t, 'staff', id, { status: 'resolved' });
		await tryRate(t, 'alice', id, { score: 5 });
		expect(await unread(t, id)).toEqual([0, 1]);
		const seen = await seeTicket(t, 'alice', id);
		expect(seen).toMatchObject({ messageCount: 1, lastMessage: { kind: 'system', seq: 4 } });
		const { data, total } = await page(t, 'alice', id);
		expect([total, data.map(({ seq, kind }) => `${seq} ${kind}`)]).toEqual([
			4,
			['1 text', '2 system', '3 system', '4 system'],
		]);
		expect(data.slice(1).every(({ senderId }) => senderId === null)).toBe(true);
		expect((await t.ok<{ total: number }>({ as: 'alice', path: '/support/unread-count' })).total).toBe(0);
		// not even when they are marked as unread again, with everything before them
		const all = { method: 'POST', path: pathOf(id, '/unread'), body: { messageId: data[1]?.id } };
		await t.ok({ as: 'alice', ...all });
		await t.ok({ as: 'staff', method: 'POST', path: pathOf(id, '/read'), body: {} });
		await t.ok({ as: 'staff', ...all });
		expect(await unread(t, id)).toEqual([0, 0]);
		expect(t.rows('select messages as n from site_days where site = ?', t.home.pk)).toEqual([{ n: 1 }]);
	});
	test('are nobody’s to edit or to report', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		const told = (await page(t, 'alice', id)).data[1];
		const before = t.snapshot();
		const path = pathOf(id, `/messages/${told?.id}`);
		for (const as of ['alice', 'staff', 'superadmin'])
			expect(await t.refused({ as, method: 'PATCH', path, body: words('x') })).toEqual([403, 'forbidden']);
		for (const as of ['alice', 'staff'])
			expect(await t.refused({ as, method: 'DELETE', path })).toEqual([403, 'forbidden']);
		expect(await t.refused({ as: 'alice', method: 'POST', path: `${path}/report`, body: { reason: 'x' } })).toEqual([
			422,
			'report_impossible',
		]);
		expect(t.snapshot()).toBe(before);
	});
});

describe('the history', () => {
	test('has a row for every field that changed, and none for what did not', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice', { category: 'billing' });
		const staff = t.person('staff').id;
		const admin = t.person('admin').id;
		const all = {
			subject: 'New',
			status: 'waiting',
			priority: 'high',
			category: null,
			assigneeId: staff,
			tags: ['b', 'a', 'b'],
		};
		expect(await change(t, 'admin', id, all)).toMatchObject({ ...all, tags: ['a', 'b'], version: 2 });
		t.advance(minute);
		await change(t, 'admin', id, all);
		await change(t, 'admin', id, { ...all, assigneeId: null, tags: [] });
		const rows = await history(t, id, 'staff');
		const [first, then] = ['2026-03-01T12:00:00.000Z', '2026-03-01T12:01:00.000Z'];
		expect(rows.toSorted((a, b) => (a.at + a.field < b.at + b.field ? -1 : 1))).toEqual([
			{ at: first, actor: admin, field: 'assigneeId', before: null, after: staff },
			{ at: first, actor: admin, field: 'category', before: 'billing', after: null },
			{ at: first, actor: admin, field: 'priority', before: 'medium', after: 'high' },
			{ at: first, actor: admin, field: 'status', before: 'open', after: 'waiting' },
			{ at: first, actor: admin, field: 'subject', before: 'A question', after: 'New' },
			{ at: first, actor: admin, field: 'tags', before: null, after: 'a, b' },
			{ at: then, actor: admin, field: 'assigneeId', before: staff, after: null },
			{ at: then, actor: admin, field: 'tags', before: 'a, b', after: null },
		]);
		expect(await t.refused({ as: 'alice', path: pathOf(id, '/history') })).toEqual([403, 'forbidden']);
		expect(await t.refused({ as: 'other.staff', path: pathOf(id, '/history') })).toEqual([404, 'not_found']);
	});
	test('tags alone are nothing to the requester: no time moves and no event names them', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const shown = await seeTicket(t, 'alice', id);
		t.advance(minute);
		const before = t.newestEvent();
		await change(t, 'staff', id, { tags: ['secret'] });
		expect(t.rows('select type, user_a, user_b, desk from events where id > ?', before)).toEqual([
			{ type: 'ticket.updated', user_a: null, user_b: null, desk: 1 },
		]);
		expect(await seeTicket(t, 'alice', id)).toEqual(shown);
	});
});
