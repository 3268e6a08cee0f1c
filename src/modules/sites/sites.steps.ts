import { and, asc, eq, gte, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { utcDay } from '../../kernel/clock.ts';
import { auditLog, auditValues } from '../audit/audit.tables.ts';
import type { KeptSettings } from './sites.schema.ts';
import { apiKeys, oneTimeLinks, siteDays, sites } from './sites.tables.ts';

export interface NewKey {
	id: string;
	kind: 'publishable' | 'secret';
	label: string;
	hash: string;
	shown: string | null;
	hint: string;
}

type LinkKind = 'setup' | 'access';

/** siteSteps: rows of sites, their keys, one-time links and daily counters. */
export const siteSteps = (db: Db) => {
	const p = sql.placeholder;
	const byResource = prepared(
		db
			.select()
			.from(sites)
			.where(eq(sites.resourceId, p('resourceId'))),
	);
	const byPk = prepared(
		db
			.select()
			.from(sites)
			.where(eq(sites.pk, p('site'))),
	);
	const byKey = prepared(
		db
			.select({ key: apiKeys, site: sites })
			.from(apiKeys)
			.innerJoin(sites, eq(sites.pk, apiKeys.site))
			.where(and(eq(apiKeys.hash, held('hash')), isNull(apiKeys.revokedAt))),
	);
	const count = (column: 'messages' | 'p2pConversations' | 'tickets' | 'users', n: 1 | -1 = 1) =>
		prepared(
			db
				.insert(siteDays)
				.values({ site: p('site'), day: p('day'), [column]: n })
				.onConflictDoUpdate({
					target: [siteDays.site, siteDays.day],
					set: { [column]: sql`${siteDays[column]} + ${sql.raw(String(n))}` },
				}),
		);
	const counts = {
		messages: count('messages'),
		p2pConversations: count('p2pConversations'),
		tickets: count('tickets'),
		users: count('users'),
	};
	const uncountUser = count('users', -1);

	const days = prepared(
		db
			.select()
			.from(siteDays)
			.where(and(eq(siteDays.site, held('site')), gte(siteDays.day, held('from'))))
			.orderBy(asc(siteDays.day)),
	);

	/** findLink is a link that is neither used nor expired. */
	const findLink = step(function* (tx, kind: LinkKind, hash: string) {
		const link = yield* tx.get(
			db
				.select()
				.from(oneTimeLinks)
				.where(and(eq(oneTimeLinks.hash, hash), eq(oneTimeLinks.kind, kind))),
		);
		return link && link.usedAt === null && link.expiresAt > tx.now ? link : undefined;
	});

	return {
		byResource: step(function* (tx, resourceId: string) {
			return yield* tx.get(byResource, { resourceId });
		}),
		byPk: step(function* (tx, site: number) {
			return yield* tx.get(byPk, { site });
		}),
		/** byKey finds a live key by its hash, with its site. */
		byKey: step(function* (tx, hash: string) {
			return yield* tx.get(byKey, { hash });
		}),
		list: step(function* (tx) {
			return yield* tx.all(db.select().from(sites).orderBy(asc(sites.pk)));
		}),
		insert: step(function* (tx, row: { id: string; resourceId: string; identitySecret: string }) {
			const values = { ...row, settings: {}, createdAt: tx.now };
			return (yield* tx.run(db.insert(sites).values(values))).lastInsertRowid;
		}),
		rename: step(function* (tx, site: number, resourceId: string) {
			yield* tx.run(db.update(sites).set({ resourceId }).where(eq(sites.pk, site)));
		}),
		setSettings: step(function* (tx, site: number, settings: KeptSettings) {
			yield* tx.run(db.update(sites).set({ settings }).where(eq(sites.pk, site)));
		}),
		setIdentitySecret: step(function* (tx, site: number, identitySecret: string) {
			yield* tx.run(db.update(sites).set({ identitySecret }).where(eq(sites.pk, site)));
		}),
		/** remove takes away a site that has no users, with its keys, links and counters. */
		remove: step(function* (tx, site: number) {
			yield* tx.run(db.delete(oneTimeLinks).where(eq(oneTimeLinks.site, site)));
			yield* tx.run(db.delete(siteDays).where(eq(siteDays.site, site)));
			const acts = db.select({ pk: auditLog.pk }).from(auditLog).where(eq(auditLog.site, site));
			yield* tx.run(db.delete(auditValues).where(inArray(auditValues.entry, acts)));
			yield* tx.run(db.delete(auditLog).where(eq(auditLog.site, site)));
			yield* tx.run(db.delete(apiKeys).where(eq(apiKeys.site, site)));
			yield* tx.run(db.delete(sites).where(eq(sites.pk, site)));
		}),

		insertKey: step(function* (tx, site: number, key: NewKey) {
			yield* tx.run(db.insert(apiKeys).values({ ...key, site, createdAt: tx.now }));
		}),
		keys: step(function* (tx, site: number) {
			return yield* tx.all(db.select().from(apiKeys).where(eq(apiKeys.site, site)).orderBy(asc(apiKeys.pk)));
		}),
		/** revokeKey returns the number of keys revoked: 0 when there is no such live key. */
		revokeKey: step(function* (tx, site: number, id: string) {
			const live = and(eq(apiKeys.site, site), eq(apiKeys.id, id), isNull(apiKeys.revokedAt));
			return (yield* tx.run(db.update(apiKeys).set({ revokedAt: tx.now }).where(live))).changes;
		}),
		touchKey: step(function* (tx, site: number, pk: number) {
			const key = and(eq(apiKeys.site, site), eq(apiKeys.pk, pk));
			yield* tx.run(db.update(apiKeys).set({ lastUsedAt: tx.now }).where(key));
		}),

		insertLink: step(function* (
			tx,
			site: number,
			link: { kind: 'setup' | 'access'; hash: string; user: number | null; maker: number | null; expiresAt: number },
		) {
			// a new link ends the earlier ones of its kind and user
			const earlier = and(
				eq(oneTimeLinks.site, site),
				eq(oneTimeLinks.kind, link.kind),
				link.user === null ? isNull(oneTimeLinks.user) : eq(oneTimeLinks.user, link.user),
				isNull(oneTimeLinks.usedAt),
			);
			yield* tx.run(db.update(oneTimeLinks).set({ usedAt: tx.now }).where(earlier));
			yield* tx.run(db.insert(oneTimeLinks).values({ ...link, site, createdAt: tx.now }));
		}),
		findLink,
		/** endLinks ends the unused access links for a user. */
		endLinks: step(function* (tx, site: number, user: number) {
			const unused = and(
				eq(oneTimeLinks.site, site),
				eq(oneTimeLinks.kind, 'access'),
				eq(oneTimeLinks.user, user),
				isNull(oneTimeLinks.usedAt),
			);
			yield* tx.run(db.update(oneTimeLinks).set({ usedAt: tx.now }).where(unused));
		}),
		/** useLink takes a link that is neither used nor expired; undefined otherwise. It works once. */
		useLink: step(function* (tx, kind: LinkKind, hash: string) {
			const link = yield* findLink(tx, kind, hash);
			if (link) yield* tx.run(db.update(oneTimeLinks).set({ usedAt: tx.now }).where(eq(oneTimeLinks.pk, link.pk)));
			return link;
		}),

		/** count adds one to the site's row of this day. */
		count: step(function* (tx, site: number, column: keyof typeof counts) {
			yield* tx.run(counts[column], { site, day: utcDay(tx.now) });
		}),
		/** uncountUser takes a user that is gone off the day they were made. */
		uncountUser: step(function* (tx, site: number, createdAt: number) {
			yield* tx.run(uncountUser, { site, day: utcDay(createdAt) });
		}),
		/** days reads the site's daily counters from a day on, oldest first; every day without one. */
		days: step(function* (tx, site: number, from = '') {
			return yield* tx.all(days, { site, from });
		}),
	};
};
export type SiteSteps = ReturnType<typeof siteSteps>;
