// Counts the rows of a filled store the slow way, so that no number is measured on a store the server would not have left.
import type { Database } from 'bun:sqlite';
import { day, minute, second, utcDay } from '../../src/kernel/clock.ts';
import type { Stats } from '../../src/modules/admin/stats.schema.ts';

/** bruteStats works out what `/admin/stats` has to say at a time, from messages, tickets and users alone. */
export const bruteStats = (sqlite: Database, site: number, now: number): Stats => {
	const rows = <R>(text: string) => sqlite.query<R, []>(text.replaceAll(':site', String(site))).all();
	const one = (text: string) => rows<{ n: number }>(text)[0]?.n ?? 0;
	const byDay = (table: string, where: string) =>
		new Map(
			rows<{ date: string; n: number }>(
				`select strftime('%Y-%m-%d', created_at / 1000, 'unixepoch') date, count(*) n from ${table} where site = :site and ${where} group by 1`,
			).map(({ date, n }) => [date, n]),
		);
	const days = {
		messages: byDay('messages', "kind = 'text'"),
		conversations: byDay('conversations', "type = 'p2p'"),
		tickets: byDay('conversations', "type = 'support'"),
		users: byDay('users', '1'),
	};
	const series = Array.from({ length: 30 }, (_, i) => {
		const date = utcDay(now - (29 - i) * day);
		const on = (counts: Map<string, number>) => counts.get(date) ?? 0;
		return {
			date,
			messages: on(days.messages),
			conversations: on(days.conversations),
			tickets: on(days.tickets),
			users: on(days.users),
		};
	});
	const sum = (counts: Map<string, number>) => counts.values().reduce((total, n) => total + n, 0);
	const [p2p, support] = [sum(days.conversations), sum(days.tickets)];
	const tickets = rows<{
		status: string;
		priority: string;
		assignee: number | null;
		first: number | null;
		solved: number | null;
	}>(
		`select c.status, t.priority, t.assignee, t.first_response_at - t.opened_at first, t.resolved_at - t.opened_at solved
		from tickets t join conversations c on c.pk = t.conversation where t.site = :site`,
	);
	const unsolved = tickets.filter(({ status }) => ['open', 'in_progress', 'waiting'].includes(status));
	const inStatus = (status: string) => tickets.filter((ticket) => ticket.status === status).length;
	const ofPriority = (priority: string) => unsolved.filter((ticket) => ticket.priority === priority).length;
	const middle = (times: (number | null)[]) => {
		const known = times.filter((time) => time !== null).sort((a, b) => a - b);
		const ms = known[Math.floor((known.length - 1) / 2)];
		return ms === undefined ? null : Math.round(ms / second);
	};
	const ratings = rows<{ rating: number }>('select rating from tickets where site = :site and rating is not null');
	const active = Math.floor((now - day) / minute) * minute;
	return {
		totalConversations: p2p + support,
		unreadCount: one(
			`select count(*) n from conversations c join messages m on m.conversation = c.pk
			where c.site = :site and c.type = 'support' and m.kind = 'text' and m.deleted_at is null
			and m.sender = c.participant_one and m.seq > c.read_seq_two`,
		),
		conversations: {
			total: p2p + support,
			p2p,
			support,
			active: one(
				`select count(*) n from conversations c where site = :site and
				max(created_at, coalesce((select max(created_at) from messages m where m.conversation = c.pk and m.note_seq = 0), 0)) >= ${active}`,
			),
		},
		messages: {
			total: sum(days.messages),
			today: days.messages.get(utcDay(now)) ?? 0,
			last7Days: series.slice(-7).reduce((total, row) => total + row.messages, 0),
		},
		users: {
			total: sum(days.users),
			active24h: one(`select count(*) n from users where site = :site and last_seen_at >= ${now - day}`),
			online: one(`select count(*) n from users where site = :site and last_seen_at >= ${now - 5 * minute}`),
		},
		tickets: {
			open: inStatus('open'),
			inProgress: inStatus('in_progress'),
			waiting: inStatus('waiting'),
			resolved: inStatus('resolved'),
			closed: inStatus('closed'),
			unassigned: unsolved.filter(({ assignee }) => assignee === null).length,
			byPriority: { low: ofPriority('low'), medium: ofPriority('medium'), high: ofPriority('high') },
		},
		medianFirstResponseSeconds: middle(tickets.map(({ first }) => first)),
		medianResolutionSeconds: middle(tickets.map(({ solved }) => solved)),
		rating: {
			average: ratings.length === 0 ? null : ratings.reduce((total, { rating }) => total + rating, 0) / ratings.length,
			count: ratings.length,
		},
		series,
	};
};

/** Each asks for what must not be there; it names the rows it finds. */
const faults = {
	'foreign keys': 'select "table" fault from pragma_foreign_key_check',
	'counters of conversations': `select c.id fault from conversations c left join (
			select conversation, max(seq) last, max(case when note_seq > 0 then note_seq else 0 end) note, sum(kind = 'text') texts, max(case when note_seq = 0 then created_at end) at
			from messages group by conversation) m on m.conversation = c.pk
		where c.last_seq <> coalesce(last, 0) or c.last_note_seq <> coalesce(note, 0) or c.message_count <> coalesce(texts, 0)
			or c.sent_one + c.sent_two <> c.message_count or c.last_activity_at <> coalesce(at, c.created_at)
			or c.active_minute <> c.last_activity_at / 60000`,
	'seqs with gaps': `select conversation fault from messages where note_seq = 0
		group by conversation having count(*) <> max(seq) or min(seq) <> 1`,
	'unread counters': `select c.id fault from conversations c where
		c.unread_one <> (select count(*) from messages m where m.conversation = c.pk and m.kind = 'text' and m.sender <> c.participant_one and m.seq > c.read_seq_one) or
		c.unread_two <> (select count(*) from messages m where m.conversation = c.pk and m.kind = 'text' and m.sender = c.participant_one and m.seq > c.read_seq_two)`,
	tallies: `select status fault from (
			select t.site, c.status, t.priority, t.assignee is not null assigned, count(*) n from tickets t join conversations c on c.pk = t.conversation group by 1, 2, 3, 4
			union all select site, status, priority, assigned, -n from ticket_tallies) group by site, status, priority, assigned having sum(n) <> 0`,
	'stamps of tickets': `select t.number fault from tickets t join conversations c on c.pk = t.conversation
		where (c.status in ('resolved', 'closed')) <> (t.resolved_at is not null) or (c.status = 'closed') <> (t.closed_at is not null)
			or (t.waiting_since is not null and c.status in ('resolved', 'closed')) or max(coalesce(t.resolved_at, 0), coalesce(t.closed_at, 0), coalesce(t.rated_at, 0)) > c.last_activity_at`,
	writers: `select m.pk fault from messages m join conversations c on c.pk = m.conversation and c.type = 'support'
		where m.sender <> c.participant_one and not exists (select 1 from conversation_writers w where w.user = m.sender and w.conversation = m.conversation)`,
	'the text index': 'select pk fault from messages where pk > (select up_to from text_index)',
};

/** faultsOf lists what is wrong with the rows of a store; nothing where all is well. */
export const faultsOf = (sqlite: Database): string[] =>
	Object.entries(faults).flatMap(([what, text]) => {
		const found = sqlite.query<{ fault: string | number }, []>(text).all();
		return found.length === 0 ? [] : [`${what}: ${found.length}, as ${found[0]?.fault}`];
	});
