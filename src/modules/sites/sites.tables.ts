import { index, integer, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import type { KeptSettings } from './sites.schema.ts';

/** A tenant. Inside, everything refers to it by `pk`; outside it is known as `resource_id`. */
export const sites = sqliteTable('sites', {
	// note: AUTOINCREMENT, or a new site could inherit the number, and with it the events, of a removed one
	pk: integer().primaryKey({ autoIncrement: true }),
	id: text().notNull().unique(),
	resourceId: text().notNull().unique('sites_by_resource_id'),
	settings: text({ mode: 'json' }).$type<KeptSettings>().notNull(),
	/** Checks identity tokens, so it cannot be stored hashed. */
	identitySecret: text().notNull(),
	createdAt: integer().notNull(),
});

export const apiKeys = sqliteTable(
	'api_keys',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		kind: text({ enum: ['publishable', 'secret'] }).notNull(),
		label: text().notNull(),
		/** SHA-256 of the key: what a request's key is looked up by. */
		hash: text().notNull().unique(),
		/** A publishable key in clear, to be shown again; null for a secret one. */
		shown: text(),
		/** The last four characters, to tell keys apart. */
		hint: text().notNull(),
		createdAt: integer().notNull(),
		lastUsedAt: integer(),
		revokedAt: integer(),
	},
	(t) => [index('api_keys_by_site').on(t.site)],
);

/** One row a site and UTC day: statistics add up a few rows instead of counting messages. */
export const siteDays = sqliteTable(
	'site_days',
	{
		pk: integer().primaryKey(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		/** `2026-02-22` */
		day: text().notNull(),
		messages: integer().notNull().default(0),
		p2pConversations: integer().notNull().default(0),
		tickets: integer().notNull().default(0),
		users: integer().notNull().default(0),
	},
	(t) => [unique('site_days_by_day').on(t.site, t.day)],
);

/** Links that work once: the setup of a site, and the access of a desk user to a password. */
export const oneTimeLinks = sqliteTable(
	'one_time_links',
	{
		pk: integer().primaryKey(),
		kind: text({ enum: ['setup', 'access'] }).notNull(),
		hash: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		/** The user an access link is for. */
		user: integer(),
		/** Who made it: it is worth no more than its maker still is. null: the operator. */
		maker: integer(),
		createdAt: integer().notNull(),
		expiresAt: integer().notNull(),
		usedAt: integer(),
	},
	(t) => [index('one_time_links_by_user').on(t.site, t.kind, t.user)],
);
