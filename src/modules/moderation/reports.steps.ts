import { and, count, desc, eq, gte, inArray, isNull, ne, sql } from 'drizzle-orm';
import { alias, unionAll } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import type { EventSteps } from '../events/events.steps.ts';
import { conversations, messages } from '../messaging/messaging.tables.ts';
import { users } from '../users/users.tables.ts';
import { reportStatuses, reports } from './reports.tables.ts';

export type ReportRow = typeof reports.$inferSelect;

type UserRow = typeof users.$inferSelect;
/** A report with what it is about. */
export interface ShownReport {
	report: ReportRow;
	ticket: { id: string };
	reporter: UserRow;
	reported: UserRow;
	/** null where the user as such was reported. */
	message: { id: string } | null;
	reason: { text: string | null };
}

/** reportSteps: rows of reports. */
export const reportSteps = (db: Db, { events }: { events: EventSteps }) => {
	const reporter = alias(users, 'reporter');
	const reported = alias(users, 'reported');
	const first = alias(messages, 'first');
	const shown = () =>
		db
			.select({
				report: reports,
				ticket: { id: conversations.id },
				reporter,
				reported,
				message: { id: messages.id },
				reason: { text: first.text },
			})
			.from(reports)
			.innerJoin(conversations, eq(conversations.pk, reports.ticket))
			.innerJoin(reporter, eq(reporter.pk, reports.reporter))
			.innerJoin(reported, eq(reported.pk, reports.reported))
			.innerJoin(first, and(eq(first.conversation, reports.ticket), eq(first.seq, 1), eq(first.noteSeq, 0)))
			.leftJoin(messages, eq(messages.pk, reports.message))
			.$dynamic();
	const tell = step(function* (tx, site: number, ticket: number) {
		yield* events.record(tx, { site, type: 'report.updated', conversation: ticket }, { in: 'desk' });
	});

	return {
		insert: step(function* (
			tx,
			site: number,
			row: Pick<ReportRow, 'id' | 'ticket' | 'reporter' | 'reported' | 'message'>,
		) {
			yield* tx.run(db.insert(reports).values({ ...row, site, createdAt: tx.now }));
			yield* tell(tx, site, row.ticket);
		}),
		/** hasOpen: whether a reporter has an undecided report of the same message, or of the user as such. */
		hasOpen: step(function* (tx, by: number, user: number, message: number | null) {
			const open = yield* tx.get(
				db
					.select({ pk: reports.pk })
					.from(reports)
					.where(
						and(
							eq(reports.reporter, by),
							eq(reports.reported, user),
							message === null ? isNull(reports.message) : eq(reports.message, message),
							// note: written out, or the index on it is of no use
							sql`${reports.status} = 'open'`,
						),
					)
					.limit(1),
			);
			return open !== undefined;
		}),
		/** madeSince counts a user's reports since a time. */
		madeSince: step(function* (tx, by: number, since: number) {
			const where = and(eq(reports.reporter, by), gte(reports.createdAt, since));
			return (yield* tx.get(db.select({ n: count() }).from(reports).where(where)))?.n ?? 0;
		}),
		/** find is a report with what it is about; never for whom it is about. */
		find: step(function* (tx, site: number, id: string, viewer: number) {
			return yield* tx.get(
				shown().where(and(eq(reports.site, site), eq(reports.id, id), ne(reports.reported, viewer))),
			);
		}),
		/** list is a page of a site's reports, newest first, without those about the viewer, and how many there are. */
		list: step(function* (
			tx,
			site: number,
			viewer: number,
			query: { status?: ReportRow['status'] | undefined; limit: number; offset: number },
		) {
			const statuses = query.status === undefined ? reportStatuses : [query.status];
			/** Of each status its part of the index, in order; they are read merged. */
			const [first, second, third] = statuses.map((status) =>
				db
					.select({ pk: reports.pk })
					.from(reports)
					.where(and(eq(reports.site, site), eq(reports.status, status), ne(reports.reported, viewer)))
					.$dynamic(),
			);
			if (!first) return { rows: [], total: 0 };
			const found = (second && third ? unionAll(first, second, third) : first)
				.orderBy(sql`1 desc`)
				.limit(query.limit)
				.offset(query.offset);
			const rows = yield* tx.all(shown().where(inArray(reports.pk, found)).orderBy(desc(reports.pk)));
			// note: two looks at an index; `reported` in one of them would read every report
			const counted = and(eq(reports.site, site), inArray(reports.status, [...statuses]));
			const all = (yield* tx.get(db.select({ n: count() }).from(reports).where(counted)))?.n ?? 0;
			const own = and(
				eq(reports.reported, viewer),
				sql`+${reports.site} = ${site}`,
				inArray(sql`+${reports.status}`, [...statuses]),
			);
			const hidden = (yield* tx.get(db.select({ n: count() }).from(reports).where(own)))?.n ?? 0;
			const total = all - hidden;
			return { rows, total };
		}),
		/** about gives the public ids of the reports about a user, and of their tickets. */
		about: step(function* (tx, site: number, user: number) {
			const rows = yield* tx.all(
				db
					.select({ report: reports.id, ticket: conversations.id })
					.from(reports)
					.innerJoin(conversations, eq(conversations.pk, reports.ticket))
					.where(and(eq(reports.reported, user), sql`+${reports.site} = ${site}`)),
			);
			return rows.flatMap(({ report, ticket }) => [report, ticket]);
		}),
		/** ofTicket is a report by the ticket it is told in. */
		ofTicket: step(function* (tx, site: number, ticket: number) {
			return yield* tx.get(shown().where(and(eq(reports.site, site), eq(reports.ticket, ticket))));
		}),
		decide: step(function* (tx, report: ReportRow, status: ReportRow['status'], decidedBy: string) {
			yield* tx.run(
				db
					.update(reports)
					.set({ status, decidedBy, decidedAt: tx.now })
					.where(and(eq(reports.site, report.site), eq(reports.pk, report.pk))),
			);
			yield* tell(tx, report.site, report.ticket);
		}),
	};
};
export type ReportSteps = ReturnType<typeof reportSteps>;
