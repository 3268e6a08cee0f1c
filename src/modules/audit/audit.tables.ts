import { index, integer, primaryKey, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import { sites } from '../sites/sites.tables.ts';

/**
 * What the desk did: a chain a site, each row hashed over the one before. It holds ids, field names and salted hashes of
 * values; the values stand in `audit_values`, so that an erasure can empty them and the chain still holds.
 */
export const auditLog = sqliteTable(
	'audit_log',
	{
		pk: integer().primaryKey(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		/** 1, 2, 3 … in a site without a gap. */
		seq: integer().notNull(),
		/** A user's public id, `key:<label>`, or `operator`. */
		actor: text().notNull(),
		action: text().notNull(),
		/** The public id of what was acted on; empty where it is the site itself. */
		target: text().notNull(),
		/** Field names with the salted hashes of what they were and became. */
		fields: text({ mode: 'json' }).$type<Record<string, [before: string | null, after: string | null]>>().notNull(),
		at: integer().notNull(),
		/** The hash of the row before; empty for the first. */
		previous: text().notNull(),
		hash: text().notNull(),
	},
	(t) => [
		unique('audit_log_by_site').on(t.site, t.seq),
		index('audit_log_by_target').on(t.site, t.target, t.at),
		index('audit_log_by_actor').on(t.site, t.actor),
		index('audit_log_by_action').on(t.site, t.action),
	],
);

export const auditValues = sqliteTable(
	'audit_values',
	{
		entry: integer()
			.notNull()
			.references(() => auditLog.pk),
		field: text().notNull(),
		/** 128 bits: without them a hash in the log tells nothing of its value. */
		salt: text().notNull(),
		before: text(),
		after: text(),
		/** The user whose data this is; their erasure deletes the row. */
		subject: integer(),
	},
	(t) => [primaryKey({ name: 'audit_values_pk', columns: [t.entry, t.field] }), index('audit_values_of').on(t.subject)],
);
