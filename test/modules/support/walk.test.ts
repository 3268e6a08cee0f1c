import { expect, setDefaultTimeout, test } from 'bun:test';
import { second } from '../../../src/kernel/clock.ts';
import type { UnreadTotal } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Ticket, TicketStatus } from '../../../src/modules/support/tickets.schema.ts';
import { seeded } from '../../support/random.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';
import {
	history,
	note,
	openTicket,
	page,
	pathOf,
	seeTicket,
	statuses,
	tryChange,
	tryRate,
	trySay,
	words,
} from './tickets-support.ts';

// many calls, on a machine that may be busy
setDefaultTimeout(60_000);

type Side = 1 | 2;
interface ModelMessage {
	id: string;
	/** null: a system message. */
	from: Side | null;
	sender: string | null;
	deleted: boolean;
}
interface Model {
	id: string;
	requester: string;
	status: TicketStatus;
	priority: Ticket['priority'];
	assignee: string | null;
	rating: number | null;
	/** In order: the seq of each is its place, from 1. */
	messages: ModelMessage[];
	notes: number;
	/** Up to which seq each side counts as read. */
	read: Record<Side, number>;
	/** And what it has been seen to have read. */
	seen: Record<Side, number>;
	changes: number;
	version: number;
}

const desk = ['staff', 'moderator', 'admin'] as const;
/** Written from the contract’s sentence, again. */
const may: Record<TicketStatus, Record<Side, TicketStatus[]>> = {
	open: { 1: ['closed'], 2: ['in_progress', 'waiting', 'resolved', 'closed'] },
	in_progress: { 1: ['closed'], 2: ['open', 'waiting', 'resolved', 'closed'] },
	waiting: { 1: ['open', 'closed'], 2: ['open', 'in_progress', 'resolved', 'closed'] },
	resolved: { 1: ['open', 'closed'], 2: ['open', 'closed'] },
	closed: { 1: [], 2: [] },
};
const other = (side: Side): Side => (side === 1 ? 2 : 1);
/** What a side has not read is found by counting, every time. */
const unread = (m: Model, side: Side): number =>
	m.messages.filter((message, i) => i + 1 > m.read[side] && message.from === other(side) && !message.deleted).length;

const move = async (t: TestApp, m: Model, to: TicketStatus) => {
	m.status = to;
	m.changes++;
	m.version++;
	// the system message’s id is not told: it is looked up
	const { data } = await page(t, 'superadmin', m.id, '?limit=100');
	m.messages.push({
		id: data.findLast(({ kind }) => kind === 'system')?.id ?? '',
		from: null,
		sender: null,
		deleted: false,
	});
};

for (const seed of [1, 2, 3])
	test(`tickets and their counters are what a plain model says, after each of 500 acts (seed ${seed})`, async () => {
		using t = await createTestApp();
		const random = seeded(seed);
		const models: Model[] = [];
		const count: Record<string, number> = {};

		const open = async () => {
			const requester = random.pick(['alice', 'bob']);
			const priority = random.pick(['low', 'medium', 'high'] as const);
			const made = await openTicket(t, requester, { priority });
			models.push({
				id: made.id,
				requester,
				status: 'open',
				priority,
				assignee: null,
				rating: null,
				messages: [{ id: made.lastMessage?.id ?? '', from: 1, sender: requester, deleted: false }],
				notes: 0,
				read: { 1: 1, 2: 0 },
				seen: { 1: 1, 2: 0 },
				changes: 0,
				version: 1,
			});
			return models.at(-1) as Model;
		};
		const acts: Record<string, (m: Model, side: Side, as: string) => Promise<number>> = {
			say: async (m, side, as) => {
				const { status, body } = await trySay(t, as, m.id, 'words');
				expect(status).toBe(m.status === 'closed' ? 409 : 201);
				if (status !== 201) return status;
				m.messages.push({ id: body.data.id, from: side, sender: as, deleted: false });
				m.read[side] = m.messages.length;
				m.seen[side] = m.messages.length;
				const to =
					side === 2
						? m.status === 'open'
							? 'in_progress'
							: null
						: m.status === 'waiting' || m.status === 'resolved'
							? 'open'
							: null;
				if (to) await move(t, m, to);
				return status;
			},
			note: async (m, _, as) => {
				const who = desk.some((name) => name === as) ? as : 'staff';
				const { status } = await trySay(t, who, m.id, 'among us', { kind: 'note' });
				expect(status).toBe(m.status === 'closed' ? 409 : 201);
				if (status === 201) m.notes++;
				return status;
			},
			move: async (m, side, as) => {
				const to = random.pick(statuses);
				const { status } = await tryChange(t, as, m.id, { status: to });
				const good = to === m.status || may[m.status][side].includes(to);
				expect([m.status, to, status]).toEqual([m.status, to, good ? 200 : 409]);
				if (good && to !== m.status) await move(t, m, to);
				return status;
			},
			set: async (m, side, as) => {
				const priority = random.pick(['low', 'medium', 'high'] as const);
				const assignee = random.pick([null, ...desk]);
				const body = { priority, assigneeId: assignee && t.person(assignee).id };
				const { status } = await tryChange(t, as, m.id, body);
				expect(status).toBe(side === 1 ? 403 : 200);
				if (status !== 200) return status;
				const changed = Number(priority !== m.priority) + Number(assignee !== m.assignee);
				m.changes += changed;
				if (changed > 0) m.version++;
				m.priority = priority;
				m.assignee = assignee;
				return status;
			},
			read: async (m, side, as) => {
				const upTo = random.chance(0.4) ? m.messages.length : 1 + random.below(m.messages.length);
				const body = upTo === m.messages.length && random.chance(0.5) ? {} : { messageId: m.messages[upTo - 1]?.id };
				const { status, body: got } = await t.call<{ unreadCount: number }>({
					as,
					method: 'POST',
					path: pathOf(m.id, '/read'),
					body,
				});
				m.read[side] = Math.max(m.read[side], upTo);
				m.seen[side] = Math.max(m.seen[side], upTo);
				expect(got.data.unreadCount).toBe(unread(m, side));
				return status;
			},
			unread: async (m, side, as) => {
				const from = 1 + random.below(m.messages.length);
				const body = { messageId: m.messages[from - 1]?.id };
				const { status, body: got } = await t.call<{ unreadCount: number }>({
					as,
					method: 'POST',
					path: pathOf(m.id, '/unread'),
					body,
				});
				m.read[side] = Math.min(m.read[side], from - 1);
				expect(got.data.unreadCount).toBe(unread(m, side));
				return status;
			},
			remove: async (m, _, as) => {
				const message = random.pick(m.messages);
				const { status } = await t.call({ as, method: 'DELETE', path: pathOf(m.id, `/messages/${message.id}`) });
				const good = message.sender === as || as === 'moderator' || as === 'admin';
				expect(status).toBe(good ? 200 : 403);
				if (good) message.deleted = true;
				return status;
			},
			edit: async (m, _, as) => {
				const message = random.pick(m.messages);
				const path = pathOf(m.id, `/messages/${message.id}`);
				const { status } = await t.call({ as, method: 'PATCH', path, body: words(`words ${random.below(9)}`) });
				const expected = message.sender !== as ? 403 : message.deleted ? 422 : m.status === 'closed' ? 409 : 200;
				expect(status).toBe(expected);
				return status;
			},
			rate: async (m, side, as) => {
				const score = 1 + random.below(5);
				const { status } = await tryRate(t, as, m.id, { score });
				const ready = m.status === 'resolved' || m.status === 'closed';
				expect(status).toBe(side === 2 ? 403 : ready ? 200 : 409);
				if (status !== 200 || m.rating === score) return status;
				m.rating = score;
				// the same as a move, but for the status
				await move(t, m, m.status);
				return status;
			},
		};

		const check = async (m: Model) => {
			const [theirs, ours] = [await seeTicket(t, m.requester, m.id), await seeTicket(t, 'superadmin', m.id)];
			const texts = m.messages.filter(({ from }) => from !== null).length;
			for (const [side, seen] of [
				[1, theirs],
				[2, ours],
			] as const)
				expect(seen).toMatchObject({
					status: m.status,
					priority: m.priority,
					assigneeId: m.assignee && t.person(m.assignee).id,
					messageCount: texts,
					unreadCount: unread(m, side),
					lastMessage: { id: m.messages.at(-1)?.id, seq: m.messages.length },
				});
			expect(ours.version).toBe(m.version);
			expect(theirs.rating?.score ?? null).toBe(m.rating);
		};
		const tallied = async () => {
			const unsolved = models.filter(({ status }) => ['open', 'in_progress', 'waiting'].includes(status));
			const in_ = (status: TicketStatus) => models.filter((m) => m.status === status).length;
			const of = (priority: string) => unsolved.filter((m) => m.priority === priority).length;
			const ratings = models.flatMap(({ rating }) => (rating === null ? [] : [rating]));
			const stats = await t.ok({ as: 'staff', path: '/admin/stats' });
			expect(stats).toMatchObject({
				totalConversations: models.length,
				unreadCount: models.reduce((sum, m) => sum + unread(m, 2), 0),
				conversations: { total: models.length, p2p: 0, support: models.length },
				messages: { total: models.flatMap(({ messages }) => messages).filter(({ from }) => from !== null).length },
				tickets: {
					open: in_('open'),
					inProgress: in_('in_progress'),
					waiting: in_('waiting'),
					resolved: in_('resolved'),
					closed: in_('closed'),
					unassigned: unsolved.filter(({ assignee }) => assignee === null).length,
					byPriority: { low: of('low'), medium: of('medium'), high: of('high') },
				},
				rating: {
					average: ratings.length === 0 ? null : ratings.reduce((a, b) => a + b, 0) / ratings.length,
					count: ratings.length,
				},
			});
			// and the kept numbers are those of the rows
			expect(t.rows('select status, priority, assigned, n from ticket_tallies where n <> 0 order by 1, 2, 3')).toEqual(
				t.rows(
					`select c.status, k.priority, k.assignee is not null as assigned, count(*) as n from tickets k
						join conversations c on c.pk = k.conversation group by 1, 2, 3 order by 1, 2, 3`,
				),
			);
			for (const [as, mine] of [
				['alice', (m: Model) => m.requester === 'alice'],
				['staff', (m: Model) => m.assignee === null || m.assignee === 'staff'],
			] as const) {
				const side = as === 'alice' ? 1 : 2;
				const with_ = models.filter((m) => mine(m) && unread(m, side) > 0);
				const found = await t.ok<UnreadTotal>({ as, path: '/support/unread-count' });
				expect(found.total).toBe(with_.reduce((sum, m) => sum + unread(m, side), 0));
				expect(found.conversations.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
					with_.map((m) => ({ id: m.id, unreadCount: unread(m, side) })).sort((a, b) => (a.id < b.id ? -1 : 1)),
				);
			}
		};

		for (let i = 0; i < 500; i++) {
			t.advance(random.pick([0, second]));
			if (models.length === 0 || random.chance(0.03)) {
				await check(await open());
				continue;
			}
			// what was opened last lives longest, so that most acts meet a ticket that is not closed
			const m = random.chance(0.7)
				? (models.findLast(({ status }) => status !== 'closed') ?? random.pick(models))
				: random.pick(models);
			const side: Side = random.chance(0.5) ? 1 : 2;
			const as = side === 1 ? m.requester : random.pick(desk);
			const name = random.pick(Object.keys(acts));
			const status = await acts[name]?.(m, side, as);
			const key = `${name} ${status}`;
			count[key] = (count[key] ?? 0) + 1;
			await check(m);
			if (i % 25 === 0) await tallied();
		}
		await tallied();
		// everything has been tried, with and without success
		for (const key of [
			'say 201',
			'say 409',
			'note 201',
			'move 200',
			'move 409',
			'set 200',
			'set 403',
			'read 200',
			'unread 200',
			'remove 200',
			'remove 403',
			'edit 200',
			'rate 200',
			'rate 409',
		])
			expect([key, (count[key] ?? 0) > 0]).toEqual([key, true]);
		for (const m of models) {
			expect((await history(t, m.id)).length).toBe(m.changes);
			const { data, total } = await page(t, m.requester, m.id);
			expect(total).toBe(m.messages.length);
			expect(data.map(({ id, seq }) => [id, seq])).toEqual(
				m.messages.map(({ id }, i): [string, number] => [id, i + 1]).slice(-100),
			);
			for (const [i, message] of m.messages.slice(-100).entries()) {
				const seq = data[i]?.seq ?? 0;
				if (message.from) expect(data[i]?.isRead).toBe(m.seen[other(message.from)] >= seq);
				expect(data[i]?.deletedAt === null).toBe(!message.deleted);
			}
			expect((await page(t, 'staff', m.id)).total).toBe(m.messages.length + m.notes);
			if (m.status !== 'closed') await note(t, 'staff', m.id);
		}
	});
