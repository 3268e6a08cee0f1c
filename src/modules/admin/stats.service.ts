import type { Store } from '../../db/open.ts';
import { day, second, utcDay } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import type { TicketPriority, TicketStatus } from '../support/tickets.schema.ts';
import type { TicketSteps } from '../support/tickets.steps.ts';
import { unsolved } from '../support/tickets.workflow.ts';
import type { Presence } from '../users/presence.ts';
import type { UserSteps } from '../users/users.steps.ts';
import type { Stats } from './stats.schema.ts';
import type { StatsSteps } from './stats.steps.ts';

const seriesDays = 30;
const weekDays = 7;

const inSeconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / second));

/** createStatsService: a site's numbers, from counters and indexes: no message is ever counted. */
export const createStatsService = ({
	store,
	sites,
	users,
	tickets,
	presence,
	stats,
}: {
	store: Store;
	sites: SiteSteps;
	users: UserSteps;
	tickets: TicketSteps;
	presence: Presence;
	stats: StatsSteps;
}) => ({
	/** get reads all numbers at one moment. */
	get: (p: Principal): Stats =>
		store.read(function* (tx) {
			const days = yield* sites.days(tx, p.site);
			const byDay = new Map(days.map((row) => [row.day, row]));
			const sum = (of: 'messages' | 'p2pConversations' | 'tickets' | 'users', rows = days) =>
				rows.reduce((total, row) => total + row[of], 0);
			const series = Array.from({ length: seriesDays }, (_, i) => {
				const date = utcDay(tx.now - (seriesDays - 1 - i) * day);
				const row = byDay.get(date);
				return {
					date,
					messages: row?.messages ?? 0,
					conversations: row?.p2pConversations ?? 0,
					tickets: row?.tickets ?? 0,
					users: row?.users ?? 0,
				};
			});
			const tallies = yield* tickets.tallies(tx, p.site);
			const among = (pick: (row: (typeof tallies)[number]) => boolean) =>
				tallies.filter(pick).reduce((total, row) => total + row.n, 0);
			const inStatus = (status: TicketStatus) => among((row) => row.status === status);
			const isUnsolved = (row: { status: TicketStatus }) => unsolved.some((status) => status === row.status);
			const ofPriority = (priority: TicketPriority) => among((row) => isUnsolved(row) && row.priority === priority);
			const p2p = sum('p2pConversations');
			const support = sum('tickets');
			return {
				totalConversations: p2p + support,
				unreadCount: yield* stats.deskUnread(tx, p.site),
				conversations: {
					total: p2p + support,
					p2p,
					support,
					active: yield* stats.activeSince(tx, p.site, tx.now - day),
				},
				messages: {
					total: sum('messages'),
					today: series.at(-1)?.messages ?? 0,
					last7Days: series.slice(-weekDays).reduce((total, row) => total + row.messages, 0),
				},
				users: {
					total: sum('users'),
					active24h: yield* users.seenSince(tx, p.site, tx.now - day),
					online: presence.online(p.site),
				},
				tickets: {
					open: inStatus('open'),
					inProgress: inStatus('in_progress'),
					waiting: inStatus('waiting'),
					resolved: inStatus('resolved'),
					closed: inStatus('closed'),
					unassigned: among((row) => isUnsolved(row) && !row.assigned),
					byPriority: { low: ofPriority('low'), medium: ofPriority('medium'), high: ofPriority('high') },
				},
				medianFirstResponseSeconds: inSeconds(yield* stats.medianFirstResponse(tx, p.site)),
				medianResolutionSeconds: inSeconds(
					yield* stats.medianResolution(tx, p.site, inStatus('resolved') + inStatus('closed')),
				),
				rating: yield* stats.rating(tx, p.site),
				series,
			};
		}),
});
export type StatsService = ReturnType<typeof createStatsService>;
