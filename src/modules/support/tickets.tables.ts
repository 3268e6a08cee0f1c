import { sql } from 'drizzle-orm';
import {
	foreignKey,
	index,
	integer,
	primaryKey,
	sqliteTable,
	text,
	unique,
	uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { conversations, ticketStatuses } from '../messaging/messaging.tables.ts';
import { sites } from '../sites/sites.tables.ts';
import { users } from '../users/users.tables.ts';

export const ticketPriorities = ['low', 'medium', 'high'] as const;

/** What a ticket adds to its conversation, one row each. Its status stands in the conversation's row, which lists go by. */
export const tickets = sqliteTable(
	'tickets',
	{
		conversation: integer()
			.primaryKey()
			.references(() => conversations.pk),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		/** 1001, 1002 … in a site without a gap. */
		number: integer().notNull(),
		/** null once the requester was erased. */
		subject: text(),
		priority: text({ enum: ticketPriorities }).notNull(),
		category: text(),
		/** The desk user who takes care of it. */
		assignee: integer(),
		/** The ticket that this one follows up. */
		follows: integer(),
		/** The message that the desk made it of. */
		source: integer(),
		/** Whom a report is about: they neither see nor change it. */
		reported: integer(),
		/** Grows with every change of a field. */
		version: integer().notNull().default(1),
		openedAt: integer().notNull(),
		/** The last change of a field that the requester sees. */
		updatedAt: integer().notNull(),
		/** Since when the requester waits for the desk. */
		waitingSince: integer(),
		firstResponseAt: integer(),
		/** null again when it is reopened. */
		resolvedAt: integer(),
		closedAt: integer(),
		rating: integer(),
		ratingComment: text(),
		ratedAt: integer(),
	},
	(t) => [
		unique('tickets_by_number').on(t.site, t.number),
		uniqueIndex('tickets_by_source').on(t.source).where(sql`${t.source} is not null`),
		index('tickets_by_assignee').on(t.assignee, t.site).where(sql`${t.assignee} is not null`),
		index('tickets_of_moderation').on(t.site).where(sql`${t.category} = 'moderation'`),
		index('tickets_to_close')
			.on(t.site, t.resolvedAt)
			.where(sql`${t.resolvedAt} is not null and ${t.closedAt} is null`),
		// the statistics' medians and mean are read off these, without the tickets themselves
		index('tickets_by_first_response')
			.on(t.site, sql`${t.firstResponseAt} - ${t.openedAt}`)
			.where(sql`${t.firstResponseAt} is not null`),
		index('tickets_by_resolution')
			.on(t.site, sql`${t.resolvedAt} - ${t.openedAt}`)
			.where(sql`${t.resolvedAt} is not null`),
		index('tickets_by_rating').on(t.site, t.rating).where(sql`${t.rating} is not null`),
		foreignKey({
			name: 'tickets_assignee',
			columns: [t.site, t.assignee],
			foreignColumns: [users.site, users.pk],
		}),
	],
);

export const ticketTags = sqliteTable(
	'ticket_tags',
	{
		ticket: integer()
			.notNull()
			.references(() => tickets.conversation),
		site: integer().notNull(),
		tag: text().notNull(),
	},
	(t) => [
		primaryKey({ name: 'ticket_tags_pk', columns: [t.ticket, t.tag] }),
		index('ticket_tags_by_tag').on(t.site, t.tag),
	],
);

/** Every change of every ticket, a field a row. */
export const ticketHistory = sqliteTable(
	'ticket_history',
	{
		pk: integer().primaryKey(),
		ticket: integer()
			.notNull()
			.references(() => tickets.conversation),
		/** A user's public id, `key:<label>`, or `system`. */
		actor: text().notNull(),
		field: text().notNull(),
		before: text(),
		after: text(),
		at: integer().notNull(),
	},
	(t) => [index('ticket_history_of').on(t.ticket)],
);

/** How many tickets stand where: kept with every change, so that statistics need not count tickets. */
export const ticketTallies = sqliteTable(
	'ticket_tallies',
	{
		site: integer()
			.notNull()
			.references(() => sites.pk),
		status: text({ enum: ticketStatuses }).notNull(),
		priority: text({ enum: ticketPriorities }).notNull(),
		assigned: integer({ mode: 'boolean' }).notNull(),
		n: integer().notNull(),
	},
	(t) => [primaryKey({ name: 'ticket_tallies_pk', columns: [t.site, t.status, t.priority, t.assigned] })],
);

export const cannedReplies = sqliteTable(
	'canned_replies',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		shortcut: text().notNull(),
		text: text().notNull(),
		createdAt: integer().notNull(),
		updatedAt: integer().notNull(),
	},
	(t) => [unique('canned_replies_by_shortcut').on(t.site, t.shortcut)],
);
