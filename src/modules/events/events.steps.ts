import { and, asc, gt, lte, max, sql } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { atMost, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import type { NewEvent, StoredEvent } from '../../kernel/events.ts';
import { events } from './events.tables.ts';

/** eventSteps: append to the log, and read it in order. */
export const eventSteps = (db: Db) => {
	const p = sql.placeholder;
	const append = prepared(
		db.insert(events).values({
			site: p('site'),
			type: p('type'),
			conversation: p('conversation'),
			message: p('message'),
			userA: p('userA'),
			userB: p('userB'),
			// note: through sql``, because Drizzle's encoders turn null into 0 and "null"
			desk: sql`${p('desk')}`,
			detail: sql`${p('detail')}`,
			createdAt: p('createdAt'),
		}),
	);
	const between = prepared(
		db
			.select()
			.from(events)
			.where(and(gt(events.id, p('after')), lte(events.id, p('upTo'))))
			.orderBy(asc(events.id))
			.limit(atMost('limit')),
	);
	const newest = prepared(db.select({ id: max(events.id) }).from(events));

	return {
		/** record writes an event in the transaction of what it tells of, so there are both or neither. */
		record: step(function* (tx, event: NewEvent) {
			const { lastInsertRowid } = yield* tx.run(append, {
				site: event.site,
				type: event.type,
				conversation: event.conversation ?? null,
				message: event.message ?? null,
				userA: event.userA ?? null,
				userB: event.userB ?? null,
				desk: event.desk === undefined ? null : Number(event.desk),
				detail: event.detail ? JSON.stringify(event.detail) : null,
				createdAt: tx.now,
			});
			tx.recorded.push({ ...event, id: lastInsertRowid, createdAt: tx.now });
		}),

		/** between reads events with `after` < id ≤ `upTo`, in order, at most `limit`. */
		between: step(function* (tx, after: number, upTo: number, limit: number) {
			const rows = yield* tx.all(between, { after, upTo, limit });
			return rows.map(
				(row): StoredEvent => ({
					id: row.id,
					site: row.site,
					type: row.type,
					conversation: row.conversation ?? undefined,
					message: row.message ?? undefined,
					userA: row.userA ?? undefined,
					userB: row.userB ?? undefined,
					desk: row.desk ?? undefined,
					detail: row.detail ?? undefined,
					createdAt: row.createdAt,
				}),
			);
		}),

		/** newestId is the id of the last event, 0 when there was none. */
		newestId: step(function* (tx) {
			return (yield* tx.get(newest))?.id ?? 0;
		}),
	};
};
export type EventSteps = ReturnType<typeof eventSteps>;
