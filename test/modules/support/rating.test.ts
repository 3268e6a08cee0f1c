import { describe, expect, test } from 'bun:test';
import { iso, minute, second } from '../../../src/kernel/clock.ts';
import { ratingCommentMax } from '../../../src/kernel/limits.ts';
import { createTestApp } from '../../support/test-app.ts';
import {
	change,
	history,
	openTicket,
	page,
	pathOf,
	seeTicket,
	statuses,
	ticketIn,
	tryOpen,
	tryRate,
} from './tickets-support.ts';

describe('rating a ticket', () => {
	test('is for whoever opened it, once it is resolved or closed', async () => {
		using t = await createTestApp();
		for (const status of statuses) {
			const { id } = await ticketIn(t, status);
			const before = t.snapshot();
			for (const as of ['staff', 'moderator', 'superadmin'])
				expect((await tryRate(t, as, id, { score: 5 })).body.code).toBe('forbidden');
			for (const as of ['bob', 'other.alice', 'other.superadmin'])
				expect((await tryRate(t, as, id, { score: 5 })).body.code).toBe('not_found');
			expect(t.snapshot()).toBe(before);
			const mine = await tryRate(t, 'alice', id, { score: 5 });
			const may = status === 'resolved' || status === 'closed';
			expect([status, mine.status, mine.body.code]).toEqual(
				(may ? [status, 200, undefined] : [status, 409, 'ticket_unresolved']) as [typeof status, number, never],
			);
			if (may) expect(mine.body.data).toMatchObject({ status, rating: { score: 5, comment: null } });
			else expect(t.snapshot()).toBe(before);
		}
	});
	test('tells the conversation the score and never the comment', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		const seqs = (await page(t, 'alice', id)).total;
		t.advance(minute);
		const comment = 'Xcomment with "words"\nand more';
		const before = t.newestEvent();
		await tryRate(t, 'alice', id, { score: 2, comment });
		const rating = { score: 2, comment, ratedAt: iso(t.clock()) };
		for (const as of ['alice', 'staff']) {
			expect((await seeTicket(t, as, id)).rating).toEqual(rating);
			const told = (await page(t, as, id)).data.slice(seqs);
			expect(told).toMatchObject([
				{
					kind: 'system',
					senderId: null,
					seq: seqs + 1,
					content: { text: 'The ticket was rated 2 of 5.' },
					metadata: { action: 'rating', score: 2 },
				},
			]);
		}
		expect((await history(t, id)).at(-1)).toEqual({
			at: iso(t.clock()),
			actor: t.person('alice').id,
			field: 'rating',
			before: null,
			after: '2',
		});
		const elsewhere = ['messages', 'ticket_history', 'events', 'audit', 'audit_values', 'texts_content']
			.filter((table) => t.rows('select 1 from sqlite_master where name = ?', table).length > 0)
			.map((table) => t.rows(`select * from ${table}`));
		expect(elsewhere.length).toBeGreaterThan(2);
		expect(JSON.stringify(elsewhere)).not.toContain('Xcomment');
		expect(t.rows('select type, user_a, desk from events where id > ? order by id', before)).toEqual([
			{ type: 'message.created', user_a: t.person('alice').pk, desk: 1 },
			{ type: 'ticket.updated', user_a: t.person('alice').pk, desk: 1 },
		]);
	});
	test('another comment on the same score is told to nobody', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'closed');
		await tryRate(t, 'alice', id, { score: 4 });
		const messages = (await page(t, 'alice', id)).total;
		const changes = (await history(t, id)).length;
		await tryRate(t, 'alice', id, { score: 4, comment: 'on second thought' });
		expect((await seeTicket(t, 'staff', id)).rating).toMatchObject({ score: 4, comment: 'on second thought' });
		expect((await page(t, 'alice', id)).total).toBe(messages);
		expect(await history(t, id)).toHaveLength(changes);
	});
	test('again replaces the first; the same again is nothing', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'closed');
		await tryRate(t, 'alice', id, { score: 1, comment: 'slow' });
		const before = t.snapshot();
		t.advance(second);
		expect((await tryRate(t, 'alice', id, { score: 1, comment: ' slow ' })).status).toBe(200);
		expect(t.snapshot()).toBe(before);
		const replaced = await tryRate(t, 'alice', id, { score: 4 });
		expect(replaced.body.data.rating).toEqual({ score: 4, comment: null, ratedAt: iso(t.clock()) });
		expect((await history(t, id)).filter(({ field }) => field === 'rating')).toMatchObject([
			{ before: null, after: '1' },
			{ before: '1', after: '4' },
		]);
		const { rating } = await t.ok<{ rating: object }>({ as: 'staff', path: '/admin/stats' });
		expect(rating).toEqual({ average: 4, count: 1 });
	});
	test('has a score from 1 to 5 and a comment of at most 1 000 characters', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		const before = t.snapshot();
		for (const body of [
			{},
			...[0, 6, 2.5, '5', null, -1].map((score) => ({ score })),
			...['x'.repeat(ratingCommentMax + 1), '😀'.repeat(ratingCommentMax + 1), 'a\u0007', 7].map((comment) => ({
				score: 5,
				comment,
			})),
		])
			expect([body, (await tryRate(t, 'alice', id, body)).body.code]).toEqual([body, 'invalid_request']);
		expect(t.snapshot()).toBe(before);
		for (const score of [1, 2, 3, 4, 5]) expect((await tryRate(t, 'alice', id, { score })).status).toBe(200);
		for (const comment of ['x'.repeat(ratingCommentMax), '😀'.repeat(ratingCommentMax), 'two\nlines'])
			expect((await tryRate(t, 'alice', id, { score: 5, comment })).body.data?.rating?.comment).toBe(comment);
		expect((await tryRate(t, 'alice', id, { score: 5, comment: '  ' })).body.data.rating?.comment).toBeNull();
	});
	test('stays when the ticket is opened again', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'resolved');
		await tryRate(t, 'alice', id, { score: 3 });
		expect((await change(t, 'alice', id, { status: 'open' })).rating?.score).toBe(3);
		expect((await tryRate(t, 'alice', id, { score: 4 })).body.code).toBe('ticket_unresolved');
	});
});

describe('a ticket that follows another', () => {
	test('names a closed ticket of one’s own, and shows it', async () => {
		using t = await createTestApp();
		const { id } = await ticketIn(t, 'closed');
		const made = await openTicket(t, 'alice', { followsTicketId: id });
		expect(made.followsTicketId).toBe(id);
		for (const as of ['alice', 'staff']) expect((await seeTicket(t, as, made.id)).followsTicketId).toBe(id);
		// the same may be followed more than once, and so may the one that followed
		await openTicket(t, 'alice', { followsTicketId: id });
		await change(t, 'alice', made.id, { status: 'closed' });
		expect((await openTicket(t, 'alice', { followsTicketId: made.id })).followsTicketId).toBe(made.id);
	});
	test('of anything else is 422, and all alike: nobody learns whose ticket there is', async () => {
		using t = await createTestApp();
		const others = await ticketIn(t, 'closed', 'bob');
		const foreign = (await openTicket(t, 'other.alice')).id;
		await t.ok({ as: 'other.staff', method: 'PATCH', path: pathOf(foreign), body: { status: 'closed' } });
		const unfinished = await Promise.all(
			(['open', 'in_progress', 'waiting', 'resolved'] as const).map(async (status) => (await ticketIn(t, status)).id),
		);
		const chat = await t.conversation('alice', 'bob');
		const message = others.lastMessage?.id ?? '';
		const before = t.snapshot();
		const answers = new Set<string>();
		const ids = ['ticket_00000000000000000000000000', 'x', others.id, foreign, ...unfinished, chat, message];
		for (const followsTicketId of ids) {
			const { status, headers, body } = await tryOpen(t, 'alice', { followsTicketId });
			expect([followsTicketId, status, body.code]).toEqual([followsTicketId, 422, 'follow_up_invalid']);
			const shown = { ...body, requestId: '', headers: [...headers].filter(([name]) => name !== 'x-request-id') };
			answers.add(JSON.stringify(shown));
		}
		expect(answers.size).toBe(1);
		// the desk sees the closed ticket, but it is not theirs
		expect((await tryOpen(t, 'superadmin', { followsTicketId: others.id })).body.code).toBe('follow_up_invalid');
		expect(t.snapshot()).toBe(before);
	});
});
