import { and, asc, avg, count, eq, gte, inArray, sql } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { minute } from '../../kernel/clock.ts';
import { conversationStatuses, conversations } from '../messaging/messaging.tables.ts';
import { tickets } from '../support/tickets.tables.ts';

/**
 * statsSteps: the numbers that no counter keeps, each read off an index that holds nothing else.
 * note: conditions of partial indexes are written out, or the index is of no use
 */
export const statsSteps = (db: Db) => {
	/** The middle one of a site's times, in milliseconds; the lower of two. null without any. */
	const median = (from: typeof tickets.firstResponseAt | typeof tickets.resolvedAt) => {
		const duration = sql<number>`${from} - ${tickets.openedAt}`;
		// note: said of the index's own expression, or SQLite reads every ticket to count them
		const known = sql`${duration} > ${sql.raw(String(Number.MIN_SAFE_INTEGER))}`;
		/** `counted`: how many there are, where counters tell. */
		return step(function* (tx, site: number, counted?: number) {
			const where = and(eq(tickets.site, site), known);
			const n = counted ?? (yield* tx.get(db.select({ n: count() }).from(tickets).where(where)))?.n ?? 0;
			if (n === 0) return null;
			const middle = yield* tx.get(
				db
					.select({ ms: duration })
					.from(tickets)
					.where(where)
					.orderBy(asc(duration))
					.limit(1)
					.offset(Math.floor((n - 1) / 2)),
			);
			return middle?.ms ?? null;
		});
	};

	return {
		/** activeSince counts the conversations with activity since a time, to the minute. */
		activeSince: step(function* (tx, site: number, since: number) {
			return (
				(yield* tx.get(
					db
						.select({ n: count() })
						.from(conversations)
						.where(
							and(
								eq(conversations.site, site),
								inArray(conversations.status, [...conversationStatuses]),
								gte(conversations.activeMinute, Math.floor(since / minute)),
							),
						),
				))?.n ?? 0
			);
		}),
		/** deskUnread sums up what the desk has not read in tickets. */
		deskUnread: step(function* (tx, site: number) {
			return (
				(yield* tx.get(
					db
						.select({ n: sql<number>`coalesce(sum(${conversations.unreadTwo}), 0)` })
						.from(conversations)
						.where(
							and(
								eq(conversations.site, site),
								sql`${conversations.type} = 'support' and ${conversations.unreadTwo} > 0`,
							),
						),
				))?.n ?? 0
			);
		}),
		medianFirstResponse: median(tickets.firstResponseAt),
		medianResolution: median(tickets.resolvedAt),
		rating: step(function* (tx, site: number) {
			const row = yield* tx.get(
				db
					.select({ average: avg(tickets.rating), count: count() })
					.from(tickets)
					.where(and(eq(tickets.site, site), sql`${tickets.rating} is not null`)),
			);
			return { average: row?.average == null ? null : Number(row.average), count: row?.count ?? 0 };
		}),
	};
};
export type StatsSteps = ReturnType<typeof statsSteps>;
