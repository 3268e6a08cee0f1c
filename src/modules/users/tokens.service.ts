import { LRUCache } from 'lru-cache';
import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { type Clock, day, iso, minute, second } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import {
	claimMinutes,
	deskProofDays,
	tokenDays,
	unverifiedRenewalDays,
	verifiedProofDays,
} from '../../kernel/limits.ts';
import { actorOf, type Caller, operatorActor, type Session, type UserPrincipal } from '../../kernel/principal.ts';
import { effectiveFlags, isDesk } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { EventLog } from '../events/events.service.ts';
import type { Site, SiteService } from '../sites/sites.service.ts';
import { type JwtReader, judgeIdentity } from './identity.ts';
import { createSessionCache } from './sessions.ts';
import { isSuspended, judgeStanding } from './users.access.ts';
import type { ChatToken, ChatTokenRequest } from './users.schema.ts';
import type { UserService } from './users.service.ts';
import type { UserRow, UserSteps } from './users.steps.ts';

/** How often it is noted that a user is here, and of how many users that is remembered. */
const seenEveryMs = minute;
const seenUsersMax = 100_000;

/** The claims of a chat token (RFC 7519); times in seconds. */
export interface ChatClaims {
	iss: string;
	aud: string;
	sub: string;
	jti: string;
	iat: number;
	exp: number;
	auth_time: number;
	ver: number;
}

/** Signs and reads chat tokens with the server's secret. */
export interface ChatTokenCodec {
	sign(claims: Omit<ChatClaims, 'iat'>): Promise<string>;
	/** The claims of a token whose form and signature hold, whatever its time; null otherwise. */
	read(token: string): Promise<ChatClaims | null>;
}

/** judgeRenewal: whether a user's own token, whose signature and `ver` hold, may be exchanged for a new one. */
export const judgeRenewal = (
	user: UserRow,
	claims: ChatClaims,
	signup: Site['settings']['signup'],
	now: number,
): boolean => {
	const expiresAt = claims.exp * second;
	if (!isDesk(user.role) && !user.verified) return signup === 'open' && now <= expiresAt + unverifiedRenewalDays * day;
	const proofDays = isDesk(user.role) ? deskProofDays : verifiedProofDays;
	return now < expiresAt && now <= claims.auth_time * second + proofDays * day;
};

/** judgeClaim: whether anybody who knows the id may have a token for this user: new, unverified, and never used. */
export const judgeClaim = (user: UserRow, signup: Site['settings']['signup'], now: number): boolean =>
	user.role === 'user' &&
	!user.verified &&
	signup === 'open' &&
	user.firstCallAt === null &&
	now < user.createdAt + claimMinutes * minute;

/** A header carries ASCII only: other characters of an externalId come percent-encoded. */
const decoded = (text: string): string => {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
};

/** claimable: whether a first call still has a claim to close. Nobody can claim a verified user, so theirs writes nothing. */
const claimable = (user: UserRow): boolean => user.firstCallAt === null && !user.verified;

/** createTokenService: who gets a chat token, and what a token says about who calls. */
export const createTokenService = ({
	store,
	sites,
	users,
	userService,
	eventLog,
	audit,
	codec,
	jwt,
	clock,
}: {
	store: Store;
	sites: SiteService;
	users: UserSteps;
	userService: UserService;
	eventLog: EventLog;
	audit: AuditSteps;
	codec: ChatTokenCodec;
	jwt: JwtReader;
	clock: Clock;
}) => {
	const principalOf = (
		row: UserRow,
		site: { pk: number; resourceId: string },
		session: Session | null,
	): UserPrincipal => ({
		kind: 'user',
		site: site.pk,
		resourceId: site.resourceId,
		pk: row.pk,
		id: row.id,
		username: row.username,
		role: row.role,
		flags: effectiveFlags(row.role, row.permissions),
		verified: row.verified,
		session,
	});

	const sessions = createSessionCache(eventLog);
	const seenAt = new LRUCache<number, number>({ max: seenUsersMax });
	/** Notes that a user is here, at most once a minute. A missing note is no reason to fail the call. */
	const noteSeen = ({ site, pk }: UserPrincipal): void => {
		const now = clock();
		// note: by the difference either way, for a clock that was set back
		if (Math.abs(now - (seenAt.get(pk) ?? 0)) < seenEveryMs) return;
		seenAt.set(pk, now);
		store.atomic((tx) => users.seen(tx, site, pk)).catch(() => seenAt.delete(pk));
	};

	/** issue signs a token for a user as it is now. `provenAt`: the last real proof, in milliseconds. */
	const issue = async (user: UserRow, resourceId: string, ver: number, provenAt: number): Promise<ChatToken> => {
		const exp = Math.floor(clock() / second) + tokenDays * (day / second);
		const chatToken = await codec.sign({
			iss: resourceId,
			aud: resourceId,
			sub: user.id,
			jti: crypto.randomUUID(),
			exp,
			auth_time: Math.floor(provenAt / second),
			ver,
		});
		return {
			chatToken,
			expiresAt: iso(exp * second),
			user: { id: user.id, username: user.username, role: user.role },
		};
	};

	/** identityOf checks an identity token by the secret of the site it names. */
	const identityOf = async (token: string, caller: Caller): Promise<{ site: Site; sub: string }> => {
		const site = sites.byResource(jwt.issuer(token) ?? '');
		if (!site)
			throw new AppError('invalid_identity_token', {
				errors: [{ path: 'identityToken', message: 'iss is not a resourceId' }],
			});
		if (caller.site && caller.site.pk !== site.pk) throw new AppError('wrong_site');
		return { site, sub: judgeIdentity(await jwt.read(token, site.identitySecret), site.resourceId, clock()) };
	};

	/** Marks the first authenticated call: from here on nobody can claim. False when a newer token was claimed meanwhile. */
	const closeClaim = step(function* (tx, user: UserRow, ver: number) {
		return !claimable(user) || (yield* users.firstCall(tx, user.site, user.pk, ver));
	});

	return {
		identityOf,
		issue,

		/**
		 * authenticate tells who a bearer token is, on a site. Throws invalid_token, token_expired, token_revoked, wrong_site,
		 * user_suspended.
		 */
		authenticate: async (site: { pk: number; resourceId: string }, token: string): Promise<UserPrincipal> => {
			const known = sessions.get(token);
			if (known && known.site === site.pk && (known.session?.expiresAt ?? 0) > clock()) {
				noteSeen(known);
				return known;
			}
			const claims = await codec.read(token);
			if (!claims) throw new AppError('invalid_token');
			if (claims.aud !== site.resourceId) throw new AppError('wrong_site');
			if (claims.exp * second <= clock()) throw new AppError('token_expired');
			const user = store.read(function* (tx) {
				const row = yield* users.find(tx, site.pk, claims.sub);
				if (!row) throw new AppError('invalid_token');
				if (row.ver !== claims.ver || (yield* users.isEnded(tx, claims.jti))) throw new AppError('token_revoked');
				judgeStanding(row, tx.now);
				return row;
			});
			const principal = principalOf(user, site, {
				jti: claims.jti,
				ver: claims.ver,
				expiresAt: claims.exp * second,
				provenAt: claims.auth_time * second,
			});
			if (!claimable(user)) {
				sessions.set(token, principal);
				noteSeen(principal);
				return principal;
			}
			const closed = await store.atomic(function* (tx) {
				const row = yield* users.findByPk(tx, site.pk, user.pk);
				return row?.ver === claims.ver && (yield* closeClaim(tx, row, claims.ver));
			});
			if (!closed) throw new AppError('token_revoked');
			noteSeen(principal);
			return principal;
		},

		/**
		 * stillHolds is a principal as it is now, for whoever stays connected. Throws what authenticate would throw, and
		 * token_revoked for a user who is no more.
		 */
		stillHolds: (p: UserPrincipal): UserPrincipal => {
			const { site, resourceId, session } = p;
			if (session && session.expiresAt <= clock()) throw new AppError('token_expired');
			const row = store.read(function* (tx) {
				const found = yield* users.findByPk(tx, site, p.pk);
				if (!found || found.erasedAt !== null) throw new AppError('token_revoked');
				if (session && (found.ver !== session.ver || (yield* users.isEnded(tx, session.jti))))
					throw new AppError('token_revoked');
				judgeStanding(found, tx.now);
				return found;
			});
			return principalOf(row, { pk: site, resourceId }, session);
		},

		/** noteSeen notes that a user is here, at most once a minute. */
		noteSeen,

		/**
		 * actAs is the user that the site's server names: an id, or `external:` and the site's own id. It closes the claim, as
		 * the user's own call would: what is done in a user's name shows the id to others. Throws not_found, user_suspended.
		 */
		actAs: async (site: { pk: number; resourceId: string }, name: string): Promise<UserPrincipal> => {
			const user = store.read(function* (tx) {
				const row = name.startsWith('external:')
					? yield* users.findByExternalId(tx, site.pk, decoded(name.slice('external:'.length)))
					: yield* users.find(tx, site.pk, name);
				if (!row || row.erasedAt !== null)
					throw new AppError('not_found', { message: 'x-act-as names no user of this site.' });
				judgeStanding(row, tx.now);
				return row;
			});
			if (claimable(user))
				await store.atomic(function* (tx) {
					const row = yield* users.findByPk(tx, site.pk, user.pk);
					if (row) yield* closeClaim(tx, row, row.ver);
				});
			return principalOf(user, site, null);
		},

		/**
		 * mint gives a chat token to whoever proves to be the user: the site's server, the user's own token, an identity
		 * token, the claim of a new user, or the user's device. One uniform identity_proof_required otherwise.
		 */
		mint: async (caller: Caller, body: ChatTokenRequest): Promise<ChatToken> => {
			if (body.identityToken !== undefined) {
				const { site, sub } = await identityOf(body.identityToken, caller);
				sites.requireOrigin(caller.origin, site);
				const user = await store.atomic(function* (tx) {
					const row =
						(yield* users.findByExternalId(tx, site.pk, sub)) ?? (yield* userService.createVouched(tx, site, sub));
					if (isDesk(row.role) || (body.userId !== undefined && body.userId !== row.id))
						throw new AppError('identity_proof_required');
					judgeStanding(row, tx.now);
					return row;
				});
				return issue(user, site.resourceId, user.ver, clock());
			}
			if (body.userId === undefined)
				throw new AppError('invalid_request', {
					errors: [{ path: 'userId', message: 'is required without an identityToken' }],
				});

			const { userId } = body;
			const { origin } = caller;
			// note: judged before the id is looked at, or the answer would tell whether there is such a user
			if (origin && !origin.own && !caller.site && !sites.originOfAny(origin.value))
				throw new AppError('origin_not_allowed');
			const bearer = caller.bearer ? await codec.read(caller.bearer) : null;
			const named = store.read((tx) => users.findAnywhere(tx, userId));
			if (!named || (caller.site && caller.site.pk !== named.site)) throw new AppError('identity_proof_required');
			const site = sites.byPk(named.site);
			if (origin && !origin.own && !sites.isOrigin(origin.value, site)) throw new AppError('identity_proof_required');
			const { signup } = site.settings;
			const { user, ver, provenAt } = await store.atomic(function* (tx) {
				const row = yield* users.find(tx, site.pk, userId);
				if (!row) throw new AppError('identity_proof_required');
				const granted = (provenAt: number, ver = row.ver) => ({ user: row, ver, provenAt });

				if (caller.principal?.kind === 'server') {
					yield* users.allowed(tx, caller.principal, 'token.mint');
					judgeStanding(row, tx.now);
					if (isDesk(row.role)) yield* audit.record(tx, site.pk, actorOf(caller.principal), 'token.mint', row.id);
					return granted(tx.now);
				}
				if (
					bearer &&
					bearer.sub === row.id &&
					bearer.aud === site.resourceId &&
					bearer.ver === row.ver &&
					!(yield* users.isEnded(tx, bearer.jti))
				) {
					judgeStanding(row, tx.now);
					if (judgeRenewal(row, bearer, signup, tx.now) && (yield* closeClaim(tx, row, bearer.ver)))
						return granted(bearer.auth_time * second);
				}
				if (isSuspended(row, tx.now)) throw new AppError('identity_proof_required');
				if (judgeClaim(row, signup, tx.now)) return granted(tx.now, yield* users.raiseVer(tx, row.site, row.pk));
				const sameDevice = caller.device !== null && row.deviceHash === caller.device.hash;
				if (sameDevice && row.role === 'user' && !row.verified && signup === 'open') return granted(tx.now);
				throw new AppError('identity_proof_required');
			});
			return issue(user, site.resourceId, ver, provenAt);
		},

		/** mintByOperator is for the command line: whoever may read the data folder may be anyone. */
		mintByOperator: async (userId: string): Promise<ChatToken> => {
			const found = store.read((tx) => users.findAnywhere(tx, userId));
			if (!found) throw new AppError('not_found', { message: 'There is no user with this id.' });
			if (isDesk(found.role))
				await store.atomic((tx) => audit.record(tx, found.site, operatorActor, 'token.mint', found.id));
			return issue(found, sites.byPk(found.site).resourceId, found.ver, clock());
		},

		/** logout ends this one token. */
		logout: (p: UserPrincipal): Promise<{ done: true }> =>
			store.atomic(function* (tx) {
				if (!p.session) throw new AppError('user_token_required');
				yield* users.endToken(tx, p.site, p.pk, p.session.jti, p.session.expiresAt);
				return { done: true } as const;
			}),
	};
};
export type TokenService = ReturnType<typeof createTokenService>;
