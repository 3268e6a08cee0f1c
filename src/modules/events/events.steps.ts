import { and, asc, eq, gt, lte, max, min, sql } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { atMost, held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import type { NewEvent, StoredEvent } from '../../kernel/events.ts';
import { purgeRowsMax } from '../../kernel/limits.ts';
import { audienceOf, type Occasion } from './audience.ts';
import { eventEpochs, events } from './events.tables.ts';

const stored = (row: typeof events.$inferSelect): StoredEvent => ({
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
});

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
	const stretch = and(gt(events.id, held('after')), lte(events.id, held('upTo')));
	const between = prepared(db.select().from(events).where(stretch).orderBy(asc(events.id)).limit(atMost('limit')));
	const ofSite = prepared(
		db
			.select()
			.from(events)
			.where(and(stretch, eq(events.site, held('site'))))
			.orderBy(asc(events.id))
			.limit(atMost('limit')),
	);
	const one = prepared(
		db
			.select({ createdAt: events.createdAt })
			.from(events)
			.where(eq(events.id, p('id'))),
	);
	const newest = prepared(db.select({ id: max(events.id) }).from(events));
	const oldest = prepared(db.select({ id: min(events.id) }).from(events));
	const life = prepared(db.select({ epoch: eventEpochs.epoch, secret: eventEpochs.secret }).from(eventEpochs));

	return {
		/** record writes an event in the transaction of what it tells of, so there are both or neither. */
		record: step(function* (tx, event: NewEvent, occasion: Occasion) {
			const { userA, userB, desk } = audienceOf(occasion);
			const { lastInsertRowid } = yield* tx.run(append, {
				site: event.site,
				type: event.type,
				conversation: event.conversation ?? null,
				message: event.message ?? null,
				userA: userA ?? null,
				userB: userB ?? null,
				desk: desk === undefined ? null : Number(desk),
				detail: event.detail ? JSON.stringify(event.detail) : null,
				createdAt: tx.now,
			});
			tx.recorded.push({ ...event, userA, userB, desk, id: lastInsertRowid, createdAt: tx.now });
		}),

		/** between reads events with `after` < id ≤ `upTo`, in order, at most `limit`. */
		between: step(function* (tx, after: number, upTo: number, limit: number) {
			return (yield* tx.all(between, { after, upTo, limit })).map(stored);
		}),
		/** ofSite reads those of one site. */
		ofSite: step(function* (tx, site: number, after: number, upTo: number, limit: number) {
			return (yield* tx.all(ofSite, { site, after, upTo, limit })).map(stored);
		}),

		/** newestId is the id of the last event, 0 when there was none. */
		newestId: step(function* (tx) {
			return (yield* tx.get(newest))?.id ?? 0;
		}),
		/** oldestId is the id of the first event that is still kept, 0 when there is none. */
		oldestId: step(function* (tx) {
			return (yield* tx.get(oldest))?.id ?? 0;
		}),
		/** timeOf is when an event happened; undefined when it is not there. */
		timeOf: step(function* (tx, id: number) {
			return (yield* tx.get(one, { id }))?.createdAt;
		}),
		/** life is what this life of the database is known by. */
		life: step(function* (tx) {
			return (yield* tx.get(life)) ?? { epoch: '', secret: '' };
		}),

		/** purge forgets a piece of what is older than a time, oldest first, but never the newest event. Returns the ids. */
		purge: step(function* (tx, before: number) {
			const last = (yield* tx.get(newest))?.id ?? 0;
			const rows = yield* tx.all(between, { after: 0, upTo: last - 1, limit: purgeRowsMax });
			// note: by id, which is the order of the commits; a clock that was set back must not leave holes
			const kept = rows.findIndex(({ createdAt }) => createdAt >= before);
			const due = (kept === -1 ? rows : rows.slice(0, kept)).map(({ id }) => id);
			const upTo = due.at(-1);
			if (upTo !== undefined) yield* tx.run(db.delete(events).where(lte(events.id, upTo)));
			return due;
		}),
	};
};
export type EventSteps = ReturnType<typeof eventSteps>;
