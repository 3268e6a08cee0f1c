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
import { type Flags, roles } from '../../kernel/roles.ts';
import { sites } from '../sites/sites.tables.ts';

export const users = sqliteTable(
	'users',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		username: text().notNull(),
		/** The username by casefold: what is unique. */
		usernameKey: text().notNull(),
		/** Username and display name without case, separators and look-alikes: what names of the desk are guarded by. */
		usernameSkeleton: text().notNull(),
		displayName: text(),
		displaySkeleton: text(),
		email: text(),
		emailKey: text(),
		avatarUrl: text(),
		role: text({ enum: roles }).notNull(),
		/** Only the flags that were set; see effectiveFlags. */
		permissions: text({ mode: 'json' }).$type<Partial<Flags>>(),
		externalId: text(),
		metadata: text({ mode: 'json' }).$type<Record<string, string | number | boolean>>(),
		settings: text({ mode: 'json' }).$type<Record<string, string | number | boolean>>(),
		/** The site vouched for this user. */
		verified: integer({ mode: 'boolean' }).notNull(),
		/** Made with a secret key and no externalId: the same call again finds it. */
		madeByServer: integer({ mode: 'boolean' }).notNull(),
		/** A token must carry this number; raising it logs out everywhere. */
		ver: integer().notNull().default(1),
		/** The first authenticated call: closes the claim. */
		firstCallAt: integer(),
		/** SHA-256 of the device cookie. */
		deviceHash: text(),
		passwordHash: text(),
		/** The newest authenticated call, to the minute. */
		lastSeenAt: integer(),
		suspendedAt: integer(),
		suspendedUntil: integer(),
		suspendedReason: text(),
		erasedAt: integer(),
		/** The profile is gone, the texts are still being emptied: taken up again after a crash. */
		erasurePending: integer({ mode: 'boolean' }).notNull().default(false),
		createdAt: integer().notNull(),
		updatedAt: integer().notNull(),
	},
	(t) => [
		unique('users_by_site').on(t.site, t.pk),
		unique('users_by_name').on(t.site, t.usernameKey),
		uniqueIndex('users_by_external_id').on(t.site, t.externalId).where(sql`${t.externalId} is not null`),
		uniqueIndex('users_by_login').on(t.site, t.emailKey).where(sql`${t.passwordHash} is not null`),
		index('users_of_desk').on(t.site, t.role).where(sql`${t.role} <> 'user'`),
		index('users_listed').on(t.site, t.pk).where(sql`${t.erasedAt} is null`),
		index('users_by_email').on(t.site, t.emailKey).where(sql`${t.emailKey} is not null`),
		index('users_by_display_name').on(t.site, t.displaySkeleton).where(sql`${t.displaySkeleton} is not null`),
		index('users_seen').on(t.site, t.lastSeenAt).where(sql`${t.lastSeenAt} is not null`),
		index('users_erasing').on(t.pk).where(sql`${t.erasurePending} = 1`),
		index('users_unclaimed').on(t.createdAt).where(sql`${t.firstCallAt} is null and ${t.verified} = 0`),
	],
);

/** Tokens ended one by one by logout, until they would have expired. */
export const endedTokens = sqliteTable(
	'ended_tokens',
	{
		jti: text().primaryKey(),
		expiresAt: integer().notNull(),
	},
	(t) => [index('ended_tokens_by_expiry').on(t.expiresAt)],
);

export const blocks = sqliteTable(
	'blocks',
	{
		site: integer().notNull(),
		blocker: integer().notNull(),
		blocked: integer().notNull(),
		createdAt: integer().notNull(),
	},
	(t) => [
		primaryKey({ name: 'blocks_pk', columns: [t.blocker, t.blocked] }),
		index('blocks_of').on(t.blocked),
		foreignKey({ name: 'blocks_blocker', columns: [t.site, t.blocker], foreignColumns: [users.site, users.pk] }),
		foreignKey({ name: 'blocks_blocked', columns: [t.site, t.blocked], foreignColumns: [users.site, users.pk] }),
	],
);

type StandingColumn =
	| 'pk'
	| 'id'
	| 'role'
	| 'permissions'
	| 'verified'
	| 'ver'
	| 'suspendedAt'
	| 'suspendedUntil'
	| 'erasedAt';
/** A user as far as judging needs. */
export type Standing = Pick<typeof users.$inferSelect, StandingColumn>;
/** The columns of it, of `users` or an alias. */
export const standingColumns = <T extends Record<StandingColumn, unknown>>(t: T): Pick<T, StandingColumn> => ({
	pk: t.pk,
	id: t.id,
	role: t.role,
	permissions: t.permissions,
	verified: t.verified,
	ver: t.ver,
	suspendedAt: t.suspendedAt,
	suspendedUntil: t.suspendedUntil,
	erasedAt: t.erasedAt,
});
