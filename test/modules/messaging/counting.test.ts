import { describe, expect, test } from 'bun:test';
import type { Message, UnreadTotal } from '../../../src/modules/messaging/messaging.schema.ts';
import { seeded } from '../../support/random.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

const point = (t: TestApp, as: As, id: string, how: 'read' | 'unread', messageId?: string) =>
	t.ok<{ unreadCount: number }>({ as, method: 'POST', path: `/p2p/conversations/${id}/${how}`, body: { messageId } });

describe('reading', () => {
	test('up to a message, or all, is seen by the sender and counted by the reader', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const sent: Message[] = [];
		for (let i = 0; i < 4; i++) sent.push(await t.send('alice', id));
		const read = { as: 'bob', method: 'POST', path: `/p2p/conversations/${id}/read` };
		const event = { type: 'conversation.read', conversation: id, message: null, userA: 'alice', userB: 'bob' } as const;
		await t.scenario({
			...read,
			body: { messageId: sent[1]?.id },
			expect: { status: 200, body: { data: { unreadCount: 2 } }, events: [event] },
		});
		const receipts = async () => (await t.messages('alice', id)).data.map(({ isRead }) => isRead);
		expect(await receipts()).toEqual([true, true, false, false]);
		// an earlier one moves nothing back, and nothing happens
		await t.scenario({
			...read,
			body: { messageId: sent[0]?.id },
			expect: { status: 200, body: { data: { unreadCount: 2 } }, events: [] },
		});
		await t.scenario({
			...read,
			body: {},
			expect: { status: 200, body: { data: { unreadCount: 0 } }, events: [event] },
		});
		await t.scenario({ ...read, expect: { status: 200, body: { data: { unreadCount: 0 } }, events: [] } });
		expect(await receipts()).toEqual([true, true, true, true]);
	});
	test('marking as unread moves the badge back and never the receipt', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const sent: Message[] = [];
		for (let i = 0; i < 4; i++) sent.push(await t.send('alice', id));
		await point(t, 'bob', id, 'read');
		await t.scenario({
			as: 'bob',
			method: 'POST',
			path: `/p2p/conversations/${id}/unread`,
			body: { messageId: sent[2]?.id },
			expect: { status: 200, body: { data: { unreadCount: 2 } }, events: ['conversation.read'] },
		});
		expect((await t.messages('alice', id)).data.every(({ isRead }) => isRead)).toBe(true);
		expect(await t.ok<UnreadTotal>({ as: 'bob', path: '/p2p/unread-count' })).toEqual({
			total: 2,
			conversations: [{ id, unreadCount: 2 }],
			hasMore: false,
		});
		// one's own count as little as before
		expect((await point(t, 'alice', id, 'unread', sent[0]?.id)).unreadCount).toBe(0);
		expect((await point(t, 'bob', id, 'read', sent[2]?.id)).unreadCount).toBe(1);
	});
});

/** A message as the oracle keeps it. */
interface Known {
	id: string;
	from: 0 | 1;
	deleted: boolean;
	text: string;
	edited: boolean;
}

describe('over random acts of both sides', () => {
	for (const seed of [1, 2, 3, 4, 5, 6])
		test(`counts, receipts and order are what a plain recount says (seed ${seed})`, async () => {
			using t = await createTestApp();
			const random = seeded(seed);
			const names = ['alice', 'moderator'] as const;
			const id = await t.conversation(...names);
			const messages: Known[] = [];
			const seen = [0, 0];
			const read = [0, 0];
			const archived = [false, false];
			const wasRead = new Set<string>();
			const path = `/p2p/conversations/${id}`;

			for (let i = 0; i < 120; i++) {
				const me = random.below(2) as 0 | 1;
				const as = names[me];
				const at = messages.length === 0 ? 0 : random.below(messages.length);
				const target = messages[at];
				const act = random.pick([
					'send',
					'send',
					'send',
					'edit',
					'delete',
					'read',
					'readTo',
					'unread',
					'react',
					'archive',
					'unarchive',
				] as const);
				if (act === 'send') {
					const made = await t.send(as, id, `text ${i}`);
					messages.push({ id: made.id, from: me, deleted: false, text: `text ${i}`, edited: false });
					seen[me] = read[me] = messages.length;
					archived.fill(false);
				} else if (act === 'archive' || act === 'unarchive') {
					await t.ok({ as, method: 'POST', path: `${path}/${act}` });
					archived[me] = act === 'archive';
				} else if (act === 'read') {
					await point(t, as, id, 'read');
					seen[me] = read[me] = messages.length;
				} else if (!target) continue;
				else if (act === 'readTo') {
					await point(t, as, id, 'read', target.id);
					seen[me] = Math.max(seen[me] ?? 0, at + 1);
					read[me] = Math.max(read[me] ?? 0, at + 1);
				} else if (act === 'unread') {
					await point(t, as, id, 'unread', target.id);
					read[me] = Math.min(read[me] ?? 0, at);
				} else if (act === 'delete') {
					// side 2 is a moderator, who may delete what the other wrote
					const may = target.from === me || me === 1;
					const { status } = await t.call({ as, method: 'DELETE', path: `${path}/messages/${target.id}` });
					expect(status).toBe(may ? 200 : 403);
					if (may) target.deleted = true;
				} else if (act === 'edit') {
					const { status } = await t.call({
						as,
						method: 'PATCH',
						path: `${path}/messages/${target.id}`,
						body: { content: { text: `edit ${i}` } },
					});
					expect(status).toBe(target.from !== me ? 403 : target.deleted ? 422 : 200);
					if (status === 200) Object.assign(target, { text: `edit ${i}`, edited: true });
				} else await t.call({ as, method: 'PUT', path: `${path}/messages/${target.id}/reactions/👍` });

				const unread = [0, 1].map(
					(side) =>
						messages.filter((message, n) => n + 1 > (read[side] ?? 0) && message.from !== side && !message.deleted)
							.length,
				);
				for (const side of [0, 1] as const) {
					const view = await t.see(names[side], id);
					expect([seed, i, act, view.unreadCountP1, view.unreadCountP2, view.unreadCount, view.status, view.messageCount]).toEqual([
						seed, i, act, unread[0] ?? 0, unread[1] ?? 0, unread[side] ?? 0, archived[side] ? 'archived' : 'active', messages.length,
					]); // biome-ignore format: one line a case
					expect((await t.ok<UnreadTotal>({ as: names[side], path: '/p2p/unread-count' })).total).toBe(
						unread[side] ?? 0,
					);
					const { data } = await t.messages(names[side], id, '?limit=100');
					const from = Math.max(0, messages.length - 100);
					expect(
						data.map((message) => [
							message.seq,
							message.id,
							message.content.text,
							message.isRead,
							message.editedAt !== null,
							message.deletedAt !== null,
						]),
					).toEqual(
						messages
							.slice(from)
							.map((message, n) => [
								from + n + 1,
								message.id,
								message.deleted ? undefined : message.text,
								from + n + 1 <= (seen[message.from === 0 ? 1 : 0] ?? 0),
								message.edited,
								message.deleted,
							]),
					);
					for (const message of data) {
						// a receipt is never taken back
						if (wasRead.has(message.id)) expect(message.isRead).toBe(true);
						if (message.isRead) wasRead.add(message.id);
					}
				}
			}
			// what was recorded refers to rows and says no word
			const events = t.rows<{ detail: string | null }>('select * from events where conversation is not null');
			expect(JSON.stringify(events)).not.toMatch(/text \d|edit \d/);
			expect(t.rows('pragma foreign_key_check')).toEqual([]);
		}, 30_000);
});

describe('pages of messages', () => {
	test('are what a plain cut of the whole list is, with flags that tell of more', async () => {
		const random = seeded(42);
		for (const n of [0, 1, 2, 7, 33]) {
			using t = await createTestApp();
			const id = await t.conversation('alice', 'bob');
			const ids: string[] = [];
			for (let i = 0; i < n; i++) ids.push((await t.send(random.chance(0.5) ? 'alice' : 'bob', id, `${i}`)).id);
			const all = ids.map((_, i) => i + 1);
			for (let round = 0; round < 40; round++) {
				const limit = random.pick([1, 2, 3, 5, 8, 20, 100]);
				const at = n === 0 ? 0 : random.below(n);
				const kind = random.pick(
					n === 0
						? (['page', 'first_unread'] as const)
						: (['page', 'before', 'after', 'around', 'first_unread'] as const),
				);
				const page = 1 + random.below(5);
				const as = random.pick(['alice', 'bob'] as const);
				const query =
					kind === 'page' ? `page=${page}` : kind === 'first_unread' ? 'around=first_unread' : `${kind}=${ids[at]}`;
				const found = await t.messages(as, id, `?limit=${limit}&${query}`);
				const seqs = found.data.map(({ seq }) => seq);
				const what = `${n} messages, ${query}, limit ${limit}`;
				expect([what, found.total, found.limit]).toEqual([what, n, limit]);
				if (kind === 'page') expect([what, found.page, found.totalPages]).toEqual([what, page, Math.ceil(n / limit)]);
				else expect([what, found.page, found.totalPages]).toEqual([what, null, null]);

				if (kind === 'page' || kind === 'before' || kind === 'after') {
					const [cut, lower, upper] =
						kind === 'page'
							? [
									all.slice(Math.max(0, n - page * limit), Math.max(0, n - (page - 1) * limit)),
									Math.max(0, n - page * limit),
									Math.max(0, n - (page - 1) * limit),
								]
							: kind === 'before'
								? [all.slice(0, at).slice(-limit), Math.max(0, at - limit), at]
								: [all.slice(at + 1).slice(0, limit), at + 1, Math.min(n, at + 1 + limit)];
					expect([what, seqs]).toEqual([what, cut]);
					expect([what, found.hasMoreBefore, found.hasMoreAfter]).toEqual([what, lower > 0, upper < n]);
				} else {
					// around: an unbroken stretch, as long as can be, that holds the message as near the middle as the ends allow
					expect([what, seqs.length]).toEqual([what, Math.min(limit, n)]);
					expect([what, seqs]).toEqual([what, all.slice((seqs[0] ?? 1) - 1, (seqs[0] ?? 1) - 1 + seqs.length)]);
					expect([what, found.hasMoreBefore, found.hasMoreAfter]).toEqual([
						what,
						(seqs[0] ?? 1) > 1,
						(seqs.at(-1) ?? 0) < n,
					]);
					if (n === 0) continue;
					const read = t.rows<{ one: number; two: number }>(
						'select read_seq_one as one, read_seq_two as two from conversations',
					)[0];
					const middle = kind === 'around' ? at + 1 : Math.min(n, ((as === 'alice' ? read?.one : read?.two) ?? 0) + 1);
					expect([what, seqs.includes(middle)]).toEqual([what, true]);
					const [before, after] = [seqs.indexOf(middle), seqs.length - 1 - seqs.indexOf(middle)];
					if (found.hasMoreBefore && found.hasMoreAfter)
						expect([what, Math.abs(before - after) <= 1]).toEqual([what, true]);
				}
			}
		}
	}, 30_000);
	test('first_unread is the first that the badge counts, also after marking as unread', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const sent: Message[] = [];
		for (let i = 0; i < 9; i++) sent.push(await t.send('alice', id));
		await point(t, 'bob', id, 'read', sent[5]?.id);
		const around = async () => (await t.messages('bob', id, '?around=first_unread&limit=3')).data.map(({ seq }) => seq);
		expect(await around()).toEqual([6, 7, 8]);
		await point(t, 'bob', id, 'unread', sent[2]?.id);
		expect(await around()).toEqual([2, 3, 4]);
		await point(t, 'bob', id, 'read');
		expect(await around()).toEqual([7, 8, 9]);
	});
	test('read on by cursors, from either end, show each message once', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		for (let i = 0; i < 23; i++) await t.send('alice', id);
		const seqs: number[] = [];
		let page = await t.messages('bob', id, '?limit=5');
		seqs.unshift(...page.data.map(({ seq }) => seq));
		while (page.hasMoreBefore) {
			page = await t.messages('bob', id, `?limit=5&before=${page.data[0]?.id}`);
			seqs.unshift(...page.data.map(({ seq }) => seq));
		}
		expect(seqs).toEqual(Array.from({ length: 23 }, (_, i) => i + 1));
		while (page.hasMoreAfter) page = await t.messages('bob', id, `?limit=5&after=${page.data.at(-1)?.id}`);
		expect(page.data.at(-1)?.seq).toBe(23);
	});
	test('take one cursor, of this conversation', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		const own = await t.send('alice', id);
		const foreign = await t.send('carol', await t.conversation('carol', 'bob'));
		const get = (query: string) => t.refused({ as: 'bob', path: `/p2p/conversations/${id}/messages?${query}` });
		for (const cursor of [foreign.id, 'msg_nowhere', '', id])
			for (const kind of ['before', 'after', 'around'])
				expect(await get(`${kind}=${cursor}`)).toEqual([422, 'cursor_invalid']);
		for (const query of [
			`before=${own.id}&after=${own.id}`,
			`around=${own.id}&before=${own.id}`,
			`before=${own.id}&page=2`,
		])
			expect(await get(query)).toEqual([400, 'invalid_request']);
		expect(
			(await t.call({ as: 'bob', path: `/p2p/conversations/${id}/messages?before=${own.id}&page=1` })).status,
		).toBe(200);
	});
});
