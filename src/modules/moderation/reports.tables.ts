import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { conversations } from '../messaging/messaging.tables.ts';
import { sites } from '../sites/sites.tables.ts';
import { users } from '../users/users.tables.ts';

export const reportStatuses = ['open', 'upheld', 'dismissed'] as const;

/** Reports of messages and users. The reason and the evidence are messages of the report's ticket. */
export const reports = sqliteTable(
	'reports',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		ticket: integer()
			.notNull()
			.references(() => conversations.pk),
		reporter: integer()
			.notNull()
			.references(() => users.pk),
		reported: integer()
			.notNull()
			.references(() => users.pk),
		/** null where the user as such was reported. */
		message: integer(),
		status: text({ enum: reportStatuses }).notNull().default('open'),
		/** Who decided: a user's public id, or `key:<label>`. */
		decidedBy: text(),
		decidedAt: integer(),
		createdAt: integer().notNull(),
	},
	(t) => [
		index('reports_by_site').on(t.site, t.status),
		index('reports_of_ticket').on(t.ticket),
		index('reports_by_reporter').on(t.reporter, t.createdAt),
		index('reports_open').on(t.reporter, t.reported).where(sql`${t.status} = 'open'`),
		index('reports_of_user').on(t.reported),
	],
);
