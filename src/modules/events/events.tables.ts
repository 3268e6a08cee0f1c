import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { eventTypes } from '../../kernel/events.ts';

/**
 * The log of what happened: outbox, sync log and webhook queue in one. A row only refers to others, so an erased or
 * deleted text cannot come back from here, and an append is all it costs.
 */
export const events = sqliteTable('events', {
	// note: AUTOINCREMENT, or ids would start again at 1 after a purge and old cursors would point at new events
	id: integer().primaryKey({ autoIncrement: true }),
	site: integer().notNull(),
	type: text({ enum: eventTypes }).notNull(),
	conversation: integer(),
	message: integer(),
	userA: integer('user_a'),
	userB: integer('user_b'),
	desk: integer({ mode: 'boolean' }),
	detail: text({ mode: 'json' }).$type<Record<string, string | number | boolean>>(),
	createdAt: integer().notNull(),
});

/** What the log as a whole is known by: one row, made by the migration. */
export const eventEpochs = sqliteTable('event_epochs', {
	pk: integer().primaryKey(),
	/** Another in each database, and after each restore: part of every cursor. */
	epoch: text().notNull(),
	/** What the checks of cursors are made with: a client must not read the time of others' events from them. */
	secret: text().notNull(),
});
