import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { iso, minute } from '../../../src/kernel/clock.ts';
import { cannedRepliesMax, messageTextMax } from '../../../src/kernel/limits.ts';
import type { CannedReply, CannedReplyList } from '../../../src/modules/support/canned.schema.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

const path = '/admin/canned-replies';
const tryAdd = (t: TestApp, as: As, shortcut: string, text = 'Thank you.') =>
	t.call<CannedReply>({ as, method: 'POST', path, body: { shortcut, text } });
const add = async (t: TestApp, as: As, shortcut: string, text?: string) =>
	(await tryAdd(t, as, shortcut, text)).body.data;
const all = async (t: TestApp, as: As = 'staff') => (await t.ok<CannedReplyList>({ as, path })).data;

describe('canned replies', () => {
	test('are made, changed and deleted, on the record, and listed by shortcut', async () => {
		using t = await createTestApp();
		const at = iso(t.clock());
		const made = await tryAdd(t, 'moderator', 'thanks', '  Thank you for writing to us.\n');
		expect([made.status, made.body.data]).toEqual([
			201,
			{ id: made.body.data.id, shortcut: 'thanks', text: 'Thank you for writing to us.', createdAt: at, updatedAt: at },
		]);
		expect(made.body.data.id).toMatch(/^canned_/);
		const other = await add(t, 'admin', 'bye');
		expect((await all(t)).map(({ shortcut }) => shortcut)).toEqual(['bye', 'thanks']);
		t.advance(minute);
		const one = `${path}/${made.body.data.id}`;
		const changed = await t.ok<CannedReply>({ as: 'moderator', method: 'PATCH', path: one, body: { text: 'New' } });
		expect(changed).toEqual({ ...made.body.data, text: 'New', updatedAt: iso(t.clock()) });
		await t.ok({ as: 'moderator', method: 'PATCH', path: one, body: { shortcut: 'a' } });
		expect(await all(t)).toEqual([{ ...changed, shortcut: 'a' }, other]);
		expect(await t.ok({ as: 'moderator', method: 'DELETE', path: one })).toEqual({ done: true });
		expect(await t.ok<CannedReplyList>({ as: 'staff', path })).toEqual({ data: [other], total: 1 });
		for (const method of ['PATCH', 'DELETE'])
			expect(
				await t.refused({ as: 'admin', method, path: one, ...(method === 'PATCH' && { body: { text: 'x' } }) }),
			).toEqual([404, 'not_found']);
		const { data } = await t.ok<{ data: { action: string }[] }>({ as: 'admin', path: '/admin/audit?limit=100' });
		expect(
			data
				.map(({ action }) => action)
				.filter((action) => action.startsWith('canned'))
				.sort(),
		).toEqual(['canned.add', 'canned.add', 'canned.remove', 'canned.update', 'canned.update']);
	});
	test('are read by the whole desk, and written from moderators on', async () => {
		using t = await createTestApp();
		const { id } = await add(t, 'server', 'thanks');
		const acts = (as: As, shortcut: string) => [
			{ as, path },
			{ as, method: 'POST', path, body: { shortcut, text: 'x' } },
			{ as, method: 'PATCH', path: `${path}/${id}`, body: { text: as } },
			{ as, method: 'DELETE', path: `${path}/canned_00000000000000000000000000` },
		];
		for (const [as, ...expected] of [
			['nobody', 401, 401, 401, 401],
			['key', 401, 401, 401, 401],
			['alice', 403, 403, 403, 403],
			['staff', 200, 403, 403, 403],
			['moderator', 200, 201, 200, 404],
			['admin', 200, 201, 200, 404],
			['superadmin', 200, 201, 200, 404],
			['server', 200, 201, 200, 404],
		] as const) {
			const got: number[] = [];
			for (const made of acts(as, `by-${as}`)) got.push((await t.call(made)).status);
			expect([as, ...got]).toEqual([as, ...expected]);
		}
	});
	test('are each site’s own', async () => {
		using t = await createTestApp();
		const { id } = await add(t, 'moderator', 'thanks');
		expect((await tryAdd(t, 'other.moderator', 'thanks', 'Theirs')).status).toBe(201);
		expect((await all(t, 'other.staff')).map(({ text }) => text)).toEqual(['Theirs']);
		const before = t.snapshot();
		const one = `${path}/${id}`;
		expect(await t.refused({ as: 'other.superadmin', method: 'DELETE', path: one })).toEqual([404, 'not_found']);
		expect(await t.refused({ as: 'other.superadmin', method: 'PATCH', path: one, body: { text: 'x' } })).toEqual([
			404,
			'not_found',
		]);
		expect(t.snapshot()).toBe(before);
	});
	test('have a shortcut that no other has, also when 50 take it at once', async () => {
		using t = await createTestApp();
		const { id } = await add(t, 'moderator', 'thanks');
		const { id: other } = await add(t, 'moderator', 'bye');
		const before = t.snapshot();
		expect((await tryAdd(t, 'admin', 'thanks')).body.code).toBe('shortcut_taken');
		const take = (which: string, shortcut: string) =>
			t.call({ as: 'moderator', method: 'PATCH', path: `${path}/${which}`, body: { shortcut } });
		expect((await take(other, 'thanks')).body.code).toBe('shortcut_taken');
		expect(t.snapshot()).toBe(before);
		// its own it may keep
		expect((await take(id, 'thanks')).status).toBe(200);
		const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => tryAdd(t, 'admin', 'new', `${i}`)));
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ body }) => body.code === 'shortcut_taken').length).toBe(49);
	});
	test('have a shortcut of 1 to 40 characters without space or slash, and a text as long as a message', async () => {
		using t = await createTestApp();
		for (const shortcut of ['a', 'x'.repeat(40), 'দাম', 'a-b_c.d', '🎉'])
			expect([shortcut, (await tryAdd(t, 'moderator', shortcut)).status]).toEqual([shortcut, 201]);
		for (const [i, text] of ['x', 'x'.repeat(messageTextMax), '😀'.repeat(messageTextMax), 'two\nlines'].entries())
			expect((await add(t, 'moderator', `t${i}`, text))?.text).toBe(text);
		const { id } = await add(t, 'moderator', 'thanks');
		const before = t.snapshot();
		const bad: object[] = [
			...['', ' ', 'a b', '/a', 'a/b', 'a\t', 'x'.repeat(41), 7, null].map((shortcut) => ({ shortcut, text: 'x' })),
			...['', '  ', 'x'.repeat(messageTextMax + 1), '😀'.repeat(messageTextMax + 1), 7, null].map((text) => ({
				shortcut: 'x',
				text,
			})),
			{},
			{ shortcut: 'x' },
			{ text: 'x' },
		];
		for (const body of bad)
			for (const made of [
				{ method: 'POST', path },
				{ method: 'PATCH', path: `${path}/${id}` },
			]) {
				const whole = Object.keys(body).length === 2;
				if (made.method === 'PATCH' && !whole) continue;
				const { status } = await t.call({ as: 'moderator', ...made, body });
				expect([made.method, JSON.stringify(body).slice(0, 60), [400, 422].includes(status)]).toEqual([
					made.method,
					JSON.stringify(body).slice(0, 60),
					true,
				]);
			}
		expect(await t.refused({ as: 'moderator', method: 'PATCH', path: `${path}/${id}`, body: {} })).toEqual([
			422,
			'nothing_to_change',
		]);
		expect(t.snapshot()).toBe(before);
	});
	test(`are at most ${cannedRepliesMax} on a site`, async () => {
		using t = await createTestApp();
		for (let i = 0; i < cannedRepliesMax; i++) await add(t, 'moderator', `c${i}`);
		const before = t.snapshot();
		const { status, body } = await tryAdd(t, 'moderator', 'more');
		expect([status, body.code]).toEqual([400, 'invalid_request']);
		expect(body.message).toContain(String(cannedRepliesMax));
		expect(t.snapshot()).toBe(before);
		expect((await all(t)).length).toBe(cannedRepliesMax);
		expect((await tryAdd(t, 'other.moderator', 'more')).status).toBe(201);
	});
});
