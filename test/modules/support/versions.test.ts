import { describe, expect, test } from 'bun:test';
import { createTestApp } from '../../support/test-app.ts';
import { change, history, openTicket, seeTicket, tryChange } from './tickets-support.ts';

const match = (tag: string) => ({ 'if-match': tag });

describe('If-Match', () => {
	test('with the version that was read lets the change through, as an entity tag or as the bare number', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		for (const [n, tag] of ['"1"', '2', '"3"'].entries()) {
			const { status, body } = await tryChange(t, 'staff', id, { subject: `${n}` }, match(tag));
			expect([tag, status, body.data.version]).toEqual([tag, 200, n + 2]);
		}
	});
	test('with any other version is 412, and nothing changes', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		await change(t, 'staff', id, { priority: 'high' });
		const before = t.snapshot();
		for (const tag of ['"1"', '1', '"3"', '0', '999999999']) {
			const { status, body } = await tryChange(t, 'staff', id, { priority: 'low' }, match(tag));
			expect([tag, status, body.code]).toEqual([tag, 412, 'version_stale']);
			// what is asked for is judged against what was read, so this comes first
			expect((await tryChange(t, 'staff', id, { assigneeId: 'user_nobody' }, match(tag))).status).toBe(412);
		}
		expect(t.snapshot()).toBe(before);
		// it tells nothing to who may not see the ticket
		expect((await tryChange(t, 'bob', id, { status: 'closed' }, match('1'))).body.code).toBe('not_found');
		expect((await tryChange(t, 'other.staff', id, { status: 'closed' }, match('2'))).body.code).toBe('not_found');
	});
	test('that cannot be understood is refused, never ignored', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const before = t.snapshot();
		for (const tag of [
			'W/"1"',
			'*',
			'',
			'"1", "2"',
			'"1',
			'1.0',
			'-1',
			'+1',
			'0x1',
			'١',
			'one',
			'1e0',
			'9'.repeat(30),
		]) {
			// a header is a string of bytes: what is beyond comes as UTF-8
			const { status, body } = await tryChange(
				t,
				'staff',
				id,
				{ priority: 'low' },
				match(Buffer.from(tag).toString('latin1')),
			);
			expect([tag, status, body.code]).toEqual([tag, 400, 'invalid_request']);
		}
		expect(t.snapshot()).toBe(before);
	});
	test('of 50 writers at once who read the same version lets exactly one through', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const who = ['staff', 'moderator', 'admin', 'superadmin'];
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				tryChange(t, who[i % 4] ?? '', id, { subject: `by ${i}`, tags: [`${i}`] }, match('"1"')),
			),
		);
		const won = replies.filter(({ status }) => status === 200);
		expect(won.length).toBe(1);
		expect(replies.filter(({ status, body }) => status === 412 && body.code === 'version_stale').length).toBe(49);
		const seen = await seeTicket(t, 'staff', id);
		expect(seen).toEqual(won[0]?.body.data as typeof seen);
		expect(seen).toMatchObject({ version: 2, subject: `by ${seen.tags?.[0]}` });
		expect((await history(t, id)).map(({ field, after }) => [field, after])).toEqual([
			['subject', seen.subject],
			['tags', seen.tags?.[0] ?? ''],
		]);
	});
	test('left out lets 50 at once all through, one after the other', async () => {
		using t = await createTestApp();
		const { id } = await openTicket(t, 'alice');
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => tryChange(t, 'staff', id, { subject: `by ${i}` })),
		);
		expect(replies.every(({ status }) => status === 200)).toBe(true);
		expect(replies.map(({ body }) => body.data.version).toSorted((a = 0, b = 0) => a - b)).toEqual(
			Array.from({ length: 50 }, (_, i) => i + 2),
		);
		const rows = await history(t, id);
		expect(rows.length).toBe(50);
		for (const [i, row] of rows.entries()) if (i > 0) expect(row.before).toBe(rows[i - 1]?.after ?? null);
	});
});
