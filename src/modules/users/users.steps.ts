import {
	type AnyColumn,
	and,
	asc,
	count,
	desc,
	eq,
	gt,
	gte,
	inArray,
	isNotNull,
	isNull,
	lt,
	ne,
	notExists,
	notLike,
	or,
	type SQL,
	sql,
} from 'drizzle-orm';
import { union } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../db/open.ts';
import { prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { hour } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EventType } from '../../kernel/events.ts';
import { claimMinutes, purgeRowsMax } from '../../kernel/limits.ts';
import type { Principal } from '../../kernel/principal.ts';
import { type Capability, deskRoles } from '../../kernel/roles.ts';
import type { EventSteps } from '../events/events.steps.ts';
import { conversations } from '../messaging/messaging.tables.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import { apiKeys } from '../sites/sites.tables.ts';
import { emailKeyOf, foldName, skeletonOf, withSuffix } from './names.ts';
import { judgeCapability, judgeUser } from './users.access.ts';
import { blocks, endedTokens, standingColumns, users } from './users.tables.ts';

export type UserRow = typeof users.$inferSelect;
export type NewUserRow = Pick<UserRow, 'id' | 'username' | 'role' | 'verified' | 'madeByServer'> &
	Partial<
		Pick<
			UserRow,
			'email' | 'permissions' | 'externalId' | 'displayName' | 'avatarUrl' | 'metadata' | 'deviceHash' | 'passwordHash'
		>
	>;
export type UserChanges = Partial<Omit<UserRow, 'pk' | 'id' | 'site' | 'createdAt'>>;

/** The keys that follow from a name: kept beside it so that they can be looked up. */
const nameKeys = (name: { username?: string; displayName?: string | null; email?: string | null }) => ({
	...(name.username !== undefined && {
		usernameKey: foldName(name.username),
		usernameSkeleton: skeletonOf(name.username),
	}),
	...(name.displayName !== undefined && { displaySkeleton: name.displayName && skeletonOf(name.displayName) }),
	...(name.email !== undefined && { emailKey: name.email && emailKeyOf(name.email) }),
});

/** startsWith is a condition that an index can serve, which LIKE is not. */
const startsWith = (column: AnyColumn, start: string): SQL | undefined =>
	and(gte(column, start), lt(column, `${start}\u{10ffff}`));

/**
 * userSteps: rows of users, blocks and ended tokens. Whatever changes what a principal may do records an event in the same
 * step, because the guard keeps principals until it hears of one.
 */
export const userSteps = (db: Db, { events, sites }: { events: EventSteps; sites: SiteSteps }) => {
	const p = sql.placeholder;
	const byId = prepared(
		db
			.select()
			.from(users)
			.where(and(eq(users.site, p('site')), eq(users.id, p('id')), isNull(users.erasedAt))),
	);
	const byPk = prepared(
		db
			.select()
			.from(users)
			.where(and(eq(users.site, p('site')), eq(users.pk, p('pk')))),
	);
	const anywhere = prepared(
		db
			.select()
			.from(users)
			.where(and(eq(users.id, p('id')), isNull(users.erasedAt))),
	);
	const byName = prepared(
		db
			.select()
			.from(users)
			.where(and(eq(users.site, p('site')), eq(users.usernameKey, p('key')))),
	);
	const byExternalId = prepared(
		db
			.select()
			.from(users)
			.where(and(eq(users.site, p('site')), eq(users.externalId, p('externalId')))),
	);
	const ended = prepared(
		db
			.select({ jti: endedTokens.jti })
			.from(endedTokens)
			.where(eq(endedTokens.jti, p('jti'))),
	);
	const keyAlive = prepared(
		db
			.select({ pk: apiKeys.pk })
			.from(apiKeys)
			.where(and(eq(apiKeys.site, p('site')), eq(apiKeys.pk, p('key')), isNull(apiKeys.revokedAt))),
	);
	// note: two looks by primary key; one `or` over both would cost five times as much
	const blockBetween = prepared(
		db
			.select({
				found: sql<number>`exists (select 1 from ${blocks} where ${blocks.blocker} = ${p('a')} and ${blocks.blocked} = ${p('b')})
				or exists (select 1 from ${blocks} where ${blocks.blocker} = ${p('b')} and ${blocks.blocked} = ${p('a')})`,
			})
			.from(sql`(select 1)`),
	);
	/** What judging a principal needs: read at every write, so only these columns. */
	const standing = prepared(
		db
			.select(standingColumns(users))
			.from(users)
			.where(and(eq(users.site, p('site')), eq(users.pk, p('pk')))),
	);

	// note: written out, not bound: SQLite uses a partial index only where the query itself says its condition
	const isDeskRow = sql`${users.role} <> 'user'`;
	const isUnverified = sql`${users.verified} = 0`;

	const find = step(function* (tx, site: number, id: string) {
		return yield* tx.get(byId, { site, id });
	});
	const findByPk = step(function* (tx, site: number, pk: number) {
		return yield* tx.get(byPk, { site, pk });
	});
	const tell = step(function* (tx, type: EventType, site: number, user: number) {
		yield* events.record(tx, { site, type }, { in: 'profile', user });
	});
	const update = step(function* (tx, site: number, pk: number, changes: UserChanges, type: EventType = 'user.updated') {
		yield* tx.run(
			db
				.update(users)
				.set({ ...changes, ...nameKeys(changes), updatedAt: tx.now })
				.where(and(eq(users.site, site), eq(users.pk, pk))),
		);
		yield* tell(tx, type, site, pk);
	});

	/** A visitor who never came: made over an hour ago, no authenticated call, in no conversation. */
	const unclaimed = (now: number) =>
		and(
			isNull(users.firstCallAt),
			isUnverified,
			eq(users.role, 'user'),
			lt(users.createdAt, now - (claimMinutes / 60) * hour),
			notExists(db.select({ one: sql`1` }).from(conversations).where(eq(conversations.participantOne, users.pk))),
			notExists(db.select({ one: sql`1` }).from(conversations).where(eq(conversations.participantTwo, users.pk))),
		);

	return {
		find,
		findByPk,
		/** need is find, or not_found. */
		need: step(function* (tx, site: number, id: string) {
			const row = yield* find(tx, site, id);
			if (!row) throw new AppError('not_found');
			return row;
		}),
		/** findAnywhere is for the one call that may come without a key: a user id names its site. */
		findAnywhere: step(function* (tx, id: string) {
			return yield* tx.get(anywhere, { id });
		}),
		findByName: step(function* (tx, site: number, username: string) {
			return yield* tx.get(byName, { site, key: foldName(username) });
		}),
		findByExternalId: step(function* (tx, site: number, externalId: string) {
			return yield* tx.get(byExternalId, { site, externalId });
		}),
		/** findForLogin is the user with a password of this address; there is at most one. */
		findForLogin: step(function* (tx, site: number, email: string) {
			return yield* tx.get(
				db
					.select()
					.from(users)
					.where(and(eq(users.site, site), eq(users.emailKey, emailKeyOf(email)), isNotNull(users.passwordHash))),
			);
		}),

		/**
		 * allowed reads the principal again and judges whether it still may: the guard's view may be older than this
		 * transaction. Returns the user's standing, or undefined for the site's server.
		 */
		allowed: step(function* (tx, principal: Principal, capability: Capability) {
			judgeCapability(principal, capability);
			if (principal.kind === 'server') {
				if (!(yield* tx.get(keyAlive, { site: principal.site, key: principal.key }))) throw new AppError('invalid_key');
				return undefined;
			}
			const row = yield* tx.get(standing, { site: principal.site, pk: principal.pk });
			judgeUser(principal, row, capability, tx.now);
			return row;
		}),

		insert: step(function* (tx, site: number, row: NewUserRow) {
			const values = {
				...row,
				...nameKeys({ displayName: row.displayName ?? null, email: row.email ?? null }),
				usernameKey: foldName(row.username),
				usernameSkeleton: skeletonOf(row.username),
				site,
				createdAt: tx.now,
				updatedAt: tx.now,
			};
			return yield* tx.get(db.insert(users).values(values).returning());
		}),
		update,
		/** moveAside gives the holder of a wanted name another one, like the old. */
		moveAside: step(function* (tx, holder: UserRow) {
			let username = withSuffix(holder.username);
			while (yield* tx.get(byName, { site: holder.site, key: foldName(username) }))
				username = withSuffix(holder.username);
			yield* update(tx, holder.site, holder.pk, { username });
		}),
		/** raiseVer logs the user out everywhere, and returns the new number. */
		raiseVer: step(function* (tx, site: number, pk: number) {
			const row = yield* tx.get(
				db
					.update(users)
					.set({ ver: sql`${users.ver} + 1` })
					.where(and(eq(users.site, site), eq(users.pk, pk)))
					.returning({ ver: users.ver }),
			);
			yield* tell(tx, 'user.revoked', site, pk);
			return row?.ver ?? 0;
		}),
		/** firstCall closes the claim; false when the token is not the newest one. */
		firstCall: step(function* (tx, site: number, pk: number, ver: number) {
			const { changes } = yield* tx.run(
				db
					.update(users)
					.set({ firstCallAt: tx.now })
					.where(and(eq(users.site, site), eq(users.pk, pk), eq(users.ver, ver), isNull(users.firstCallAt))),
			);
			return changes > 0;
		}),

		/** hasDeskName: whether a skeleton is a desk user's. */
		hasDeskName: step(function* (tx, site: number, skeleton: string) {
			const row = yield* tx.get(
				db
					.select({ pk: users.pk })
					.from(users)
					.where(
						and(
							eq(users.site, site),
							inArray(users.role, [...deskRoles]),
							isDeskRow,
							or(eq(users.usernameSkeleton, skeleton), eq(users.displaySkeleton, skeleton)),
						),
					)
					.limit(1),
			);
			return row !== undefined;
		}),
		/** otherSuperadmins counts the active superadmins besides one. */
		otherSuperadmins: step(function* (tx, site: number, except: number) {
			const row = yield* tx.get(
				db
					.select({ n: count() })
					.from(users)
					.where(
						and(
							eq(users.site, site),
							eq(users.role, 'superadmin'),
							isDeskRow,
							ne(users.pk, except),
							isNull(users.erasedAt),
							or(isNull(users.suspendedAt), lt(users.suspendedUntil, tx.now)),
						),
					),
			);
			return row?.n ?? 0;
		}),
		isEmpty: step(function* (tx, site: number) {
			return (
				(yield* tx.get(db.select({ pk: users.pk }).from(users).where(eq(users.site, site)).limit(1))) === undefined
			);
		}),
		list: step(function* (tx, site: number, limit: number, after: number) {
			return yield* tx.all(
				db
					.select()
					.from(users)
					.where(and(eq(users.site, site), gt(users.pk, after)))
					.orderBy(asc(users.pk))
					.limit(limit),
			);
		}),
		/** search finds users by the start of their username; addresses are not to be found by guessing theirs. */
		search: step(function* (tx, site: number, start: string, limit: number) {
			return yield* tx.all(
				db
					.select()
					.from(users)
					.where(
						and(
							eq(users.site, site),
							startsWith(users.usernameKey, foldName(start)),
							notLike(users.usernameKey, '%@%'),
							isNull(users.erasedAt),
						),
					)
					.orderBy(asc(users.usernameKey))
					.limit(limit),
			);
		}),

		/** match finds users for the desk: by the start of their name or address, or by their whole id. */
		match: step(function* (tx, site: number, words: string, limit: number) {
			const q = words.trim();
			const skeleton = skeletonOf(q);
			const by = (condition: SQL | undefined) =>
				db
					.select({ pk: users.pk })
					.from(users)
					.where(and(eq(users.site, site), condition))
					.limit(limit)
					.as('found');
			const each = [
				startsWith(users.usernameKey, foldName(q)),
				// note: written out, or the index on it is of no use
				...(skeleton === ''
					? []
					: [and(sql`${users.displaySkeleton} is not null`, startsWith(users.displaySkeleton, skeleton))]),
				and(sql`${users.emailKey} is not null`, startsWith(users.emailKey, q.toLowerCase())),
				eq(users.id, q),
				eq(users.externalId, q),
			].map((condition) => db.select().from(by(condition)));
			const [first, second, ...rest] = each;
			if (!first || !second) return [];
			return yield* tx.all(
				db
					.select()
					.from(users)
					.where(and(inArray(users.pk, union(first, second, ...rest)), isNull(users.erasedAt)))
					.orderBy(asc(users.usernameKey))
					.limit(limit),
			);
		}),
		/** page is a page of a site's users, newest first, and how many there are. */
		page: step(function* (
			tx,
			site: number,
			query: {
				role?: UserRow['role'] | undefined;
				suspended?: boolean | undefined;
				externalId?: string | undefined;
				among?: number[] | undefined;
				limit: number;
				offset: number;
			},
		) {
			if (query.among?.length === 0) return { rows: [] as UserRow[], total: 0 };
			const isOut = sql`(${users.suspendedAt} is not null and (${users.suspendedUntil} is null or ${users.suspendedUntil} > ${tx.now}))`;
			const where = and(
				eq(users.site, site),
				// note: written out, or the index on it is of no use
				sql`${users.erasedAt} is null`,
				query.role === undefined ? undefined : eq(users.role, query.role),
				query.role === undefined || query.role === 'user' ? undefined : isDeskRow,
				query.suspended === undefined ? undefined : query.suspended ? isOut : sql`not ${isOut}`,
				query.externalId === undefined ? undefined : eq(users.externalId, query.externalId),
				query.among === undefined ? undefined : inArray(users.pk, query.among),
			);
			const rows = yield* tx.all(
				db.select().from(users).where(where).orderBy(desc(users.pk)).limit(query.limit).offset(query.offset),
			);
			const total = (yield* tx.get(db.select({ n: count() }).from(users).where(where)))?.n ?? 0;
			return { rows, total };
		}),
		/** seenSince counts the users with an authenticated call since a time. */
		seenSince: step(function* (tx, site: number, since: number) {
			return (
				(yield* tx.get(
					db
						.select({ n: count() })
						.from(users)
						// note: written out, or the index on it is of no use
						.where(and(eq(users.site, site), sql`${users.lastSeenAt} is not null`, gte(users.lastSeenAt, since))),
				))?.n ?? 0
			);
		}),
		/** seen notes that a user has just been here. It is no change of what they may, so it records no event. */
		seen: step(function* (tx, site: number, pk: number) {
			yield* tx.run(
				db
					.update(users)
					.set({ lastSeenAt: tx.now })
					// who is erased while they are connected leaves after that
					.where(and(eq(users.site, site), eq(users.pk, pk), isNull(users.erasedAt))),
			);
		}),

		/** purgeUnclaimed deletes visitors who never came: all due ones, at most 500, or the one who holds a name. Returns how many. */
		purgeUnclaimed: step(function* (tx, holder?: number) {
			const due = db
				.select({ pk: users.pk, site: users.site, createdAt: users.createdAt })
				.from(users)
				.where(and(unclaimed(tx.now), holder === undefined ? undefined : eq(users.pk, holder)))
				.limit(purgeRowsMax);
			const gone = yield* tx.all(due);
			for (const { pk, site, createdAt } of gone) {
				yield* tx.run(db.delete(blocks).where(or(eq(blocks.blocker, pk), eq(blocks.blocked, pk))));
				yield* tx.run(db.delete(users).where(eq(users.pk, pk)));
				yield* sites.uncountUser(tx, site, createdAt);
			}
			return gone.length;
		}),

		isEnded: step(function* (tx, jti: string) {
			return (yield* tx.get(ended, { jti })) !== undefined;
		}),
		/** standing reads a user as far as judging needs. */
		standing: step(function* (tx, site: number, pk: number) {
			return yield* tx.get(standing, { site, pk });
		}),
		/** endToken ends one token of a user; it is remembered until it would have expired. */
		endToken: step(function* (tx, site: number, pk: number, jti: string, expiresAt: number) {
			yield* tx.run(db.insert(endedTokens).values({ jti, expiresAt }).onConflictDoNothing());
			yield* tell(tx, 'user.revoked', site, pk);
		}),
		purgeEndedTokens: step(function* (tx) {
			const due = db
				.select({ jti: endedTokens.jti })
				.from(endedTokens)
				.where(lt(endedTokens.expiresAt, tx.now))
				.limit(purgeRowsMax);
			return (yield* tx.run(db.delete(endedTokens).where(sql`${endedTokens.jti} in ${due}`))).changes;
		}),

		/** isBlocked: whether either of two users has blocked the other. */
		isBlocked: step(function* (tx, a: number, b: number) {
			return (yield* tx.get(blockBetween, { a, b }))?.found === 1;
		}),
		/** block returns whether it is new. */
		block: step(function* (tx, site: number, blocker: number, blocked: number) {
			const row = { site, blocker, blocked, createdAt: tx.now };
			return (yield* tx.run(db.insert(blocks).values(row).onConflictDoNothing())).changes > 0;
		}),
		unblock: step(function* (tx, site: number, blocker: number, blocked: number) {
			const row = and(eq(blocks.site, site), eq(blocks.blocker, blocker), eq(blocks.blocked, blocked));
			return (yield* tx.run(db.delete(blocks).where(row))).changes > 0;
		}),
		removeBlocksOf: step(function* (tx, pk: number) {
			yield* tx.run(db.delete(blocks).where(or(eq(blocks.blocker, pk), eq(blocks.blocked, pk))));
		}),
		pendingErasures: step(function* (tx) {
			return yield* tx.all(
				db.select({ site: users.site, pk: users.pk }).from(users).where(sql`${users.erasurePending} = 1`),
			);
		}),
		blocksOf: step(function* (tx, site: number, blocker: number, limit: number) {
			return yield* tx.all(
				db
					.select({ user: users, createdAt: blocks.createdAt })
					.from(blocks)
					.innerJoin(users, eq(users.pk, blocks.blocked))
					.where(and(eq(blocks.site, site), eq(blocks.blocker, blocker)))
					.orderBy(asc(blocks.createdAt))
					.limit(limit),
			);
		}),
	};
};
export type UserSteps = ReturnType<typeof userSteps>;
