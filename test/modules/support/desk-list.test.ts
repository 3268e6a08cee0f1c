import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { second } from '../../../src/kernel/clock.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import { type Random, seeded } from '../../support/random.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';
import { change, note, openTicket, page, pathOf, say, seeTicket, statuses, words } from './tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

interface TicketList {
	data: Ticket[];
	total: number;
	page: number;
	limit: number;
	totalPages: number;
}
const list = (t: TestApp, query: string, as = 'staff') => t.ok<TicketList>({ as, path: `/admin/tickets${query}` });
/** Every page of a list, one after the other. */
const listAll = async (t: TestApp, query: string, limit: number, as = 'staff'): Promise<Ticket[]> => {
	const all: Ticket[] = [];
	for (let n = 1; ; n++) {
		const found = await list(t, `?${query}&limit=${limit}&page=${n}`, as);
		expect(found).toMatchObject({ page: n, limit, totalPages: Math.ceil(found.total / limit) });
		all.push(...found.data);
		if (n >= found.totalPages) {
			expect(all.length).toBe(found.total);
			return all;
		}
	}
};

const priorities = ['low', 'medium', 'high'] as const;
const categories = [null, 'billing', 'Billing', 'লগইন'];
const tags = ['card', 'vip', 'b ug', 'Card'];
/** Tickets of every kind, with some activity. `step`: how far the clock goes before each act. */
const fill = async (t: TestApp, random: Random, n: number, step: number): Promise<Ticket[]> => {
	const made: string[] = [];
	for (let i = 0; i < n; i++) {
		t.advance(step);
		const category = random.pick(categories);
		const more = { priority: random.pick(priorities), subject: `about ${i}`, ...(category !== null && { category }) };
		made.push((await openTicket(t, random.pick(['alice', 'bob', 'carol']), more)).id);
	}
	for (let i = 0; i < n * 2; i++) {
		t.advance(step);
		const id = random.pick(made);
		const seen = await seeTicket(t, 'staff', id);
		if (seen.status === 'closed') continue;
		const assignee = random.pick([null, 'staff', 'moderator', 'admin']);
		const act = random.below(6);
		if (act === 0) await say(t, seen.requester?.username ?? '', id);
		else if (act === 1) await say(t, 'staff', id);
		else if (act === 2) await change(t, 'staff', id, { assigneeId: assignee && t.person(assignee).id });
		else if (act === 3) await change(t, 'staff', id, { tags: tags.filter(() => random.chance(0.4)) });
		else if (act === 4) await note(t, 'admin', id);
		else {
			const to = random.pick(statuses);
			// resolved tickets go to open and closed only
			if (seen.status !== 'resolved' || to === 'open' || to === 'closed') await change(t, 'staff', id, { status: to });
		}
	}
	return Promise.all(made.map((id) => seeTicket(t, 'staff', id)));
};

describe('the list of all tickets', () => {
	const filters: Record<string, (ticket: Ticket, t: TestApp) => boolean> = {
		...Object.fromEntries(statuses.map((status) => [`status=${status}`, (ticket: Ticket) => ticket.status === status])),
		'status=unsolved': ({ status }) => ['open', 'in_progress', 'waiting'].includes(status),
		...Object.fromEntries(priorities.map((p) => [`priority=${p}`, ({ priority }: Ticket) => priority === p])),
		'category=billing': ({ category }) => category === 'billing',
		[`category=${encodeURIComponent('লগইন')}`]: ({ category }) => category === 'লগইন',
		'category=nothing': () => false,
		'assignee=me': ({ assigneeId }, t) => assigneeId === t.person('staff').id,
		'assignee=MODERATOR': ({ assigneeId }, t) => assigneeId === t.person('moderator').id,
		'assignee=user_00000000000000000000000000': () => false,
		'unassigned=true': ({ assigneeId }) => assigneeId === null,
		'unassigned=false': () => true,
		'tag=card': (ticket) => ticket.tags?.includes('card') === true,
		'tag=b%20ug': (ticket) => ticket.tags?.includes('b ug') === true,
		'tag=nothing': () => false,
	};
	const rank = { high: 0, medium: 1, low: 2 };
	const activity = (a: Ticket, b: Ticket) =>
		(b.lastMessageAt ?? '').localeCompare(a.lastMessageAt ?? '') || b.number - a.number;
	const sorts: Record<string, (a: Ticket, b: Ticket) => number> = {
		'': activity,
		'sort=-updatedAt': activity,
		'sort=createdAt': (a, b) => a.number - b.number,
		'sort=-createdAt': (a, b) => b.number - a.number,
		'sort=-priority': (a, b) => rank[a.priority] - rank[b.priority] || activity(a, b),
		'sort=waitingSince': (a, b) => (a.waitingSince ?? '9').localeCompare(b.waitingSince ?? '9') || a.number - b.number,
	};
	test('is filtered and sorted as a plain filter and sort of random tickets would be', async () => {
		using t = await createTestApp();
		const random = seeded(3);
		const all = await fill(t, random, 60, second);
		// the other site has tickets like these
		for (let i = 0; i < 5; i++) await openTicket(t, 'other.alice', { priority: 'high', category: 'billing' });
		for (const status of statuses) expect(all.filter((ticket) => ticket.status === status).length).toBeGreaterThan(1);
		const names = Object.keys(filters);
		const chosen = [[], ...names.map((name) => [name])];
		for (let i = 0; i < 40; i++)
			chosen.push([...new Set([random.pick(names), random.pick(names), random.pick(names)])]);
		let found = 0;
		for (const some of chosen) {
			// of one field one value
			const fields = some.map((name) => name.split('=')[0]);
			if (new Set(fields).size < fields.length || (fields.includes('assignee') && fields.includes('unassigned')))
				continue;
			const sort = random.pick(Object.keys(sorts));
			const limit = random.pick([3, 7, 20, 100]);
			const query = [...some, sort].join('&').replace('MODERATOR', t.person('moderator').id);
			const expected = all
				.filter((ticket) => some.every((name) => filters[name]?.(ticket, t)))
				.sort(sorts[sort])
				.map(({ number }) => number);
			const got = await listAll(t, query, limit);
			expect([query, ...got.map(({ number }) => number)]).toEqual([query, ...expected]);
			found += expected.length;
		}
		expect(found).toBeGreaterThan(300);
		for (const sort of Object.keys(sorts)) {
			const got = await listAll(t, sort, 7);
			expect([sort, ...got.map(({ number }) => number)]).toEqual([
				sort,
				...all.toSorted(sorts[sort]).map(({ number }) => number),
			]);
			// each is shown as it is seen by itself
			for (const ticket of got) expect(ticket).toEqual(all.find(({ id }) => id === ticket.id) as Ticket);
		}
	});
	test('has no gap and no double in its pages when everything happened in one moment', async () => {
		using t = await createTestApp();
		const all = (await fill(t, seeded(5), 30, 0)).map(({ id }) => id).sort();
		for (const sort of Object.keys(sorts))
			for (const limit of [1, 4, 9]) {
				const ids = (await listAll(t, sort, limit)).map(({ id }) => id);
				expect([sort, limit, ...ids.toSorted()]).toEqual([sort, limit, ...all]);
			}
	});
	test('shows reports to moderators alone, and never to whom they are about', async () => {
		using t = await createTestApp();
		await openTicket(t, 'alice');
		await t.conversation('alice', 'moderator');
		await t.ok({
			as: 'alice',
			method: 'POST',
			path: `/users/${t.person('moderator').id}/report`,
			body: { reason: 'Xreason' },
		});
		await t.services.search.catchUp();
		for (const [as, sees] of [
			['staff', false],
			['moderator', false],
			['admin', true],
			['superadmin', true],
			['server', true],
		] as const)
			for (const query of ['?category=moderation', '?q=Xreason', '?sort=createdAt', '?q=alice', '?sort=-priority'])
				expect([as, query, (await list(t, query, as)).data.some(({ category }) => category === 'moderation')]).toEqual([
					as,
					query,
					sees,
				]);
	});
	test('is the desk’s, with what is asked for in its form', async () => {
		using t = await createTestApp();
		expect(await t.refused({ as: 'alice', path: '/admin/tickets' })).toEqual([403, 'forbidden']);
		expect((await t.call({ as: 'key', path: '/admin/tickets' })).status).toBe(401);
		for (const query of [
			'status=active',
			'priority=urgent',
			'sort=number',
			'q=',
			'limit=101',
			'page=0',
			'unassigned=x',
		])
			expect([query, (await t.call({ as: 'staff', path: `/admin/tickets?${query}` })).status]).toEqual([query, 400]);
		expect(await list(t, '')).toEqual({ data: [], total: 0, page: 1, limit: 20, totalPages: 0 });
	});
});

describe('searching tickets', () => {
	const find = async (t: TestApp, q: string, as = 'staff') =>
		(await list(t, `?sort=createdAt&q=${encodeURIComponent(q)}`, as)).data.map(({ number }) => number);
	test('finds words of the messages, notes and subject, the requester’s name, and the number', async () => {
		using t = await createTestApp();
		await t.add('zacharias');
		const one = await openTicket(t, 'alice', {
			subject: 'Payment über PayPal',
			initialMessage: 'the quokka is broken',
		});
		const two = await openTicket(t, 'bob', { subject: 'Something else', initialMessage: 'no animals here' });
		const three = await openTicket(t, 'zacharias', { subject: 'Nothing', initialMessage: 'nor here' });
		await say(t, 'staff', two.id, 'have you met a wombat');
		await note(t, 'staff', three.id, 'he means a platypus');
		await openTicket(t, 'other.alice', { subject: 'quokka wombat', initialMessage: 'platypus paypal' });
		for (const [q, ...numbers] of [
			['quokka', 1001],
			['QUOKKA', 1001],
			['quok', 1001],
			['broken quokka', 1001],
			['quokka wombat'],
			['uber', 1001],
			['paypal', 1001],
			['wombat', 1002],
			['platypus', 1003],
			['zachar', 1003],
			['here', 1002, 1003],
			['1002', 1002],
			['#1002', 1002],
			[' 1003 ', 1003],
			['1004'],
			['9999999999999'],
			['"'],
			['quokka" OR "wombat'],
			['*'],
			[t.person('bob').id, 1002],
		] as [string, ...number[]][])
			expect([q, ...(await find(t, q))]).toEqual([q, ...numbers]);
		expect([one.number, three.number]).toEqual([1001, 1003]);
		// with a filter beside
		await change(t, 'staff', two.id, { status: 'closed' });
		expect((await list(t, '?q=here&status=closed')).data.map(({ number }) => number)).toEqual([1002]);
	});
	test('no longer finds what an edit, a deletion, a new subject or an erasure took away', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice', { subject: 'Xoldsubject stays', initialMessage: 'Xfirst words' });
		const own = await say(t, 'alice', id, 'Xbefore words');
		const theirs = await say(t, 'staff', id, 'Xreply words');
		const among = await note(t, 'staff', id, 'Xnote words');
		const ofBob = await openTicket(t, 'bob', { subject: 'Xbobs subject', initialMessage: 'Xbobs text' });
		await note(t, 'staff', ofBob.id, 'Xabout him');
		const path = (message: { id: string }) => pathOf(id, `/messages/${message.id}`);
		for (const indexed of [true, false]) {
			// whether the index has taken them up already, or does so only when it is asked
			if (indexed)
				for (const q of ['Xoldsubject', 'Xfirst', 'Xbefore', 'Xreply', 'Xnote'])
					expect(await find(t, q)).toEqual([1001]);
			const suffix = indexed ? '' : '2';
			await t.ok({ as: 'alice', method: 'PATCH', path: path(own), body: words(`Xafter${suffix} words`) });
			await t.ok({ as: 'staff', method: 'PATCH', path: path(among), body: words(`Xnoteafter${suffix} words`) });
			await change(t, 'staff', id, { subject: `Xnewsubject${suffix} stays` });
			for (const q of ['Xoldsubject', 'Xbefore', ...(indexed ? [] : ['Xnewsubject stays', 'Xafter words'])])
				expect([q, ...(await find(t, q))]).toEqual([q]);
			for (const q of [`Xafter${suffix}`, `Xnoteafter${suffix}`, `Xnewsubject${suffix}`, 'words', 'stays'])
				expect([q, ...(await find(t, q))]).toEqual([q, 1001]);
		}
		await t.ok({ as: 'staff', method: 'DELETE', path: path(theirs) });
		await t.ok({ as: 'staff', method: 'DELETE', path: path(among) });
		for (const q of ['Xreply', 'Xnoteafter2']) expect([q, ...(await find(t, q))]).toEqual([q]);
		await t.ok({ as: 'superadmin', method: 'DELETE', path: `/admin/users/${t.person('bob').id}` });
		for (const q of ['Xbobs text', 'Xbobs subject', 'Xbobs']) expect([q, ...(await find(t, q))]).toEqual([q]);
		// nor by a name that is gone; what the team wrote about it is theirs
		expect(await find(t, 'bob')).toEqual([]);
		expect(await find(t, 'Xabout')).toEqual([1002]);
		expect(await find(t, '1002')).toEqual([1002]);
		expect(await seeTicket(t, 'staff', ofBob.id)).toMatchObject({ subject: null, category: null });
		expect((await page(t, 'staff', ofBob.id)).data[0]?.content).toEqual({});
	});
});
