import { and, asc, count, desc, eq, gte, inArray, lte, notInArray, or, sql } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { atMost, held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { hour } from '../../kernel/clock.ts';
import { purgeRowsMax } from '../../kernel/limits.ts';
import { type AuditEntry, chainHash, newSalt, saltedHash } from './audit.chain.ts';
import { auditLog, auditValues } from './audit.tables.ts';

/** What became of a field. Values are kept as text; null where there was or is none. */
export interface AuditedChange {
	before?: string | number | boolean | null;
	after?: string | number | boolean | null;
}
/** What was changed, by the name of the field; `subject` is the user whose data the values are. */
export interface AuditedFields {
	changes: Record<string, AuditedChange>;
	subject?: number | undefined;
}

/** Whose data the words of a search are, nobody can tell: every erasure deletes those of its site. */
export const searchAction = 'conversations.search';

const asText = (value: AuditedChange['before']): string | null =>
	value === undefined || value === null ? null : String(value);

/** auditSteps: append to a site's chain of what the desk did, and read it. */
export const auditSteps = (db: Db) => {
	const p = sql.placeholder;
	const newest = prepared(
		db
			.select({ seq: auditLog.seq, hash: auditLog.hash })
			.from(auditLog)
			.where(eq(auditLog.site, held('site')))
			.orderBy(desc(auditLog.seq))
			.limit(atMost(1)),
	);
	const lately = prepared(
		db
			.select({ pk: auditLog.pk })
			.from(auditLog)
			.where(
				and(
					eq(auditLog.site, p('site')),
					eq(auditLog.target, p('target')),
					gte(auditLog.at, p('since')),
					eq(auditLog.actor, p('actor')),
					eq(auditLog.action, p('action')),
				),
			)
			.limit(atMost(1)),
	);

	const record = step(function* (
		tx,
		site: number,
		actor: string,
		action: string,
		target: string,
		{ changes, subject }: AuditedFields = { changes: {} },
	) {
		const last = yield* tx.get(newest, { site });
		const values = Object.entries(changes).map(([field, change]) => ({
			field,
			salt: newSalt(),
			before: asText(change.before),
			after: asText(change.after),
			subject: subject ?? null,
		}));
		const entry: AuditEntry = {
			seq: (last?.seq ?? 0) + 1,
			actor,
			action,
			target,
			fields: Object.fromEntries(
				values.map(({ field, salt, before, after }) => [field, [saltedHash(salt, before), saltedHash(salt, after)]]),
			),
			at: tx.now,
			previous: last?.hash ?? '',
		};
		const hash = chainHash(site, entry);
		const { lastInsertRowid: pk } = yield* tx.run(db.insert(auditLog).values({ ...entry, site, hash }));
		if (values.length > 0)
			yield* tx.run(db.insert(auditValues).values(values.map((value) => ({ ...value, entry: pk }))));
	});

	return {
		/** record appends one act: who, what, on what (a public id), and which fields it changed. */
		record,
		/** recordHourly is record, but once an hour for the same actor, action and target: for what is read again and again. */
		recordHourly: step(function* (tx, site: number, actor: string, action: string, target: string) {
			const since = tx.now - (tx.now % hour);
			if (!(yield* tx.get(lately, { site, target, since, actor, action })))
				yield* record(tx, site, actor, action, target);
		}),

		/** list is a page of a site's acts, newest first, with the values that are still there, and how many there are. */
		list: step(function* (
			tx,
			site: number,
			query: {
				actor?: string | undefined;
				action?: string | undefined;
				target?: string | undefined;
				/** What the reader must not see, by its public id. */
				hidden: string[];
				from?: number | undefined;
				to?: number | undefined;
				limit: number;
				offset: number;
			},
		) {
			const where = and(
				eq(auditLog.site, site),
				query.actor === undefined ? undefined : eq(auditLog.actor, query.actor),
				query.action === undefined ? undefined : eq(auditLog.action, query.action),
				query.target === undefined ? undefined : eq(auditLog.target, query.target),
				query.hidden.length === 0 ? undefined : notInArray(auditLog.target, query.hidden),
				query.from === undefined ? undefined : gte(auditLog.at, query.from),
				query.to === undefined ? undefined : lte(auditLog.at, query.to),
			);
			// note: the same order twice; an index finds what is narrowed down, and its rows come by pk
			const narrowed = query.actor ?? query.action ?? query.target;
			const newestFirst = desc(narrowed === undefined ? auditLog.seq : auditLog.pk);
			const rows = yield* tx.all(
				db.select().from(auditLog).where(where).orderBy(newestFirst).limit(query.limit).offset(query.offset),
			);
			const total = (yield* tx.get(db.select({ n: count() }).from(auditLog).where(where)))?.n ?? 0;
			const entries = rows.map((row) => row.pk);
			const values =
				entries.length === 0
					? []
					: yield* tx.all(db.select().from(auditValues).where(inArray(auditValues.entry, entries)));
			return { rows, values, total };
		}),
		/** chain reads a stretch of a site's chain in order, with its values, to verify it. */
		chain: step(function* (tx, site: number, after: number, limit: number) {
			const rows = yield* tx.all(
				db
					.select()
					.from(auditLog)
					.where(and(eq(auditLog.site, site), sql`${auditLog.seq} > ${after}`))
					.orderBy(asc(auditLog.seq))
					.limit(limit),
			);
			const entries = rows.map((row) => row.pk);
			const values =
				entries.length === 0
					? []
					: yield* tx.all(db.select().from(auditValues).where(inArray(auditValues.entry, entries)));
			return { rows, values };
		}),

		/** forget deletes values that are a user's, and those that may be, a piece at a time; the chain stays whole without them. */
		forget: step(function* (tx, site: number, user: number) {
			const searches = db
				.select({ pk: auditLog.pk })
				.from(auditLog)
				.where(and(eq(auditLog.site, site), eq(auditLog.action, searchAction)));
			const piece = db
				.select({ rowid: sql`rowid` })
				.from(auditValues)
				.where(or(eq(auditValues.subject, user), inArray(auditValues.entry, searches)))
				.limit(purgeRowsMax);
			return (yield* tx.run(db.delete(auditValues).where(sql`rowid in ${piece}`))).changes;
		}),
	};
};
export type AuditSteps = ReturnType<typeof auditSteps>;
