import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { isoOrNull } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { searchMatchesMax } from '../../kernel/limits.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import { actorOf, type Caller, operatorActor, type Principal, type UserPrincipal } from '../../kernel/principal.ts';
import { atLeast, isDesk, namedFlags } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { EventSteps } from '../events/events.steps.ts';
import type { MessagingSteps } from '../messaging/messaging.steps.ts';
import type { Site, SiteService } from '../sites/sites.service.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import { cleanName, cleanUsername, foldName, isReservedName, skeletonOf, withSuffix } from './names.ts';
import type { Presence } from './presence.ts';
import { judgeRank } from './rank.ts';
import { asNow, isSuspended, judgeStanding } from './users.access.ts';
import type {
	CreateUser,
	DeskUser,
	DeskUserPage,
	DeskUserQuery,
	PresenceState,
	Profile,
	ProfileView,
	UpdateMe,
	UpdateUser,
	User,
} from './users.schema.ts';
import type { UserChanges, UserRow, UserSteps } from './users.steps.ts';
import { deskUserView, profileOf, userView } from './users.view.ts';

const metadataIsTheSites = 'metadata of a verified user is set by the site’s server.';

/** How many profiles a search shows. */
const searchMax = 20;

/** createUserService: the people of a site. */
export const createUserService = ({
	store,
	sites,
	siteSteps,
	users,
	messaging,
	presence,
	events,
	audit,
}: {
	store: Store;
	sites: SiteService;
	siteSteps: SiteSteps;
	users: UserSteps;
	messaging: MessagingSteps;
	presence: Presence;
	events: EventSteps;
	audit: AuditSteps;
}) => {
	const checkAvatar = (avatarUrl: string | null | undefined, site: Site): void => {
		if (avatarUrl === null || avatarUrl === undefined) return;
		const url = URL.parse(avatarUrl);
		if (url?.protocol !== 'https:' || url.username || !sites.isOrigin(url.origin, site))
			throw new AppError('avatar_not_allowed');
	};

	/** An unverified user may not look like the team or the site. */
	const checkImpersonation = step(function* (tx, site: Site, name: string) {
		if (isReservedName(name, site.resourceId) || (yield* users.hasDeskName(tx, site.pk, skeletonOf(name))))
			throw new AppError('name_reserved');
	});

	/**
	 * Makes a username free to take, or throws username_taken. A name held by a visitor who never came is free; a proven
	 * creation moves an unverified holder aside.
	 */
	const settleName = step(function* (tx, site: number, username: string, proven: boolean, self?: number) {
		const holder = yield* users.findByName(tx, site, username);
		if (!holder || holder.pk === self) return;
		if ((yield* users.purgeUnclaimed(tx, holder.pk)) > 0) return;
		if (!proven || holder.verified || isDesk(holder.role)) throw new AppError('username_taken');
		yield* users.moveAside(tx, holder);
	});

	/** `actor`: who makes the user; null where they do it themselves. One of the team is made on the record. */
	const insert = step(function* (tx, site: Site, row: Parameters<UserSteps['insert']>[2], actor: string | null) {
		const user = yield* users.insert(tx, site.pk, row);
		yield* siteSteps.count(tx, site.pk, 'users');
		yield* events.record(tx, { site: site.pk, type: 'user.created' }, { in: 'profile', user: user.pk });
		if (actor !== null && isDesk(user.role))
			yield* audit.record(tx, site.pk, actor, 'user.create', user.id, {
				subject: user.pk,
				changes: { role: { after: user.role } },
			});
		return user;
	});

	/** Whoever signs in with a password keeps an address, and one of their own. Throws email_required, email_taken. */
	const checkLoginEmail = step(function* (tx, row: UserRow, email: string | null) {
		if (row.passwordHash === null) return;
		if (email === null) throw new AppError('email_required');
		const holder = yield* users.findForLogin(tx, row.site, email);
		if (holder && holder.pk !== row.pk) throw new AppError('email_taken');
	});

	/** A repeated creation by the site's server: profile fields follow, never role, permissions or suspension. */
	const refresh = step(function* (
		tx,
		site: Site,
		row: UserRow,
		body: CreateUser,
		username: string,
		actor: string | null,
	) {
		const changes: UserChanges = {};
		if (username !== row.username) changes.username = username;
		if (body.email !== undefined && body.email !== row.email) changes.email = body.email;
		if (body.displayName !== undefined) changes.displayName = cleanName(body.displayName, 'displayName');
		if (body.avatarUrl !== undefined) changes.avatarUrl = body.avatarUrl;
		if (body.metadata !== undefined) changes.metadata = body.metadata;
		if (Object.keys(changes).length === 0) return row;
		if (changes.email !== undefined) yield* checkLoginEmail(tx, row, changes.email);
		if (changes.username !== undefined) yield* settleName(tx, site.pk, username, true, row.pk);
		yield* users.update(tx, site.pk, row.pk, changes);
		if (actor !== null && isDesk(row.role))
			yield* audit.record(tx, site.pk, actor, 'user.update', row.id, {
				subject: row.pk,
				changes: {
					...(changes.username !== undefined && { username: { before: row.username, after: changes.username } }),
					...(changes.email !== undefined && { email: { before: row.email, after: changes.email } }),
				},
			});
		return (yield* users.findByPk(tx, site.pk, row.pk)) ?? row;
	});

	/** The site a creation is for: the key's, or the one its body names. */
	const siteFor = (caller: Caller, resourceId: string | undefined): Site => {
		if (caller.site) {
			if (resourceId !== undefined && resourceId !== caller.site.resourceId)
				throw new AppError('invalid_request', {
					errors: [{ path: 'resourceId', message: 'is not the site of the API key; leave it out or correct it' }],
				});
			return sites.byPk(caller.site.pk);
		}
		if (resourceId === undefined)
			throw new AppError('invalid_request', {
				errors: [{ path: 'resourceId', message: 'is required without an API key' }],
			});
		return sites.need(resourceId);
	};

	return {
		/**
		 * create makes a user, or finds the one the site's server made before. `identitySub`: the sub of a valid identity
		 * token of this site. Errors: signup_closed, signup_signed, rank_too_low, name_invalid, name_reserved,
		 * username_taken, proof_required, avatar_not_allowed.
		 */
		create: async (
			caller: Caller,
			body: CreateUser,
			identity: { site: Site; sub: string } | null,
		): Promise<{ created: boolean; data: User }> => {
			const site = siteFor(caller, body.resourceId);
			sites.requireOrigin(caller.origin, site);
			if (identity && identity.site.pk !== site.pk) throw new AppError('wrong_site');
			const { principal } = caller;
			const server = principal?.kind === 'server';
			const role = body.role ?? 'user';
			const permissions = body.permissions && namedFlags(body.permissions);
			const { signup } = site.settings;
			if (role === 'user') {
				if (signup === 'server' && !server) throw new AppError('signup_closed');
				if (signup === 'signed' && !server && !identity) throw new AppError('signup_signed');
			} else {
				if (!principal || (principal.kind === 'user' && !atLeast(principal.role, 'admin')))
					throw new AppError('forbidden', {
						message: `A user with the role ${role} is made by an admin above it, or by the site’s server.`,
					});
				judgeRank(principal, { target: null, role, permissions });
			}
			const externalId = body.externalId ?? identity?.sub ?? null;
			if (body.externalId !== undefined && !server && body.externalId !== identity?.sub)
				throw new AppError('proof_required');
			if (externalId !== null && (!externalId.isWellFormed() || /\p{Cc}/u.test(externalId)))
				throw new AppError('invalid_request', { errors: [{ path: 'externalId', message: 'has control characters' }] });
			if (body.metadata !== undefined && identity && !server)
				throw new AppError('forbidden', { message: metadataIsTheSites });
			checkAvatar(body.avatarUrl, site);
			const username = cleanUsername(body.username);
			const displayName = body.displayName === undefined ? null : cleanName(body.displayName, 'displayName');
			const proven = server || identity !== null || isDesk(role);
			const id = newId('user');

			return store.atomic(function* (tx) {
				if (principal && (server || isDesk(role))) {
					const judge = yield* users.allowed(tx, principal, isDesk(role) ? 'desk.create' : 'user.create');
					if (judge) judgeRank(asNow(principal, judge), { target: null, role, permissions });
				}
				const known =
					externalId !== null
						? yield* users.findByExternalId(tx, site.pk, externalId)
						: server
							? yield* users.findByName(tx, site.pk, username)
							: undefined;
				if (known && known.erasedAt === null && (externalId !== null || known.madeByServer)) {
					// an identity token vouches for who somebody is; the rest of the body is the browser's
					if (!server) {
						if (isDesk(known.role))
							throw new AppError('forbidden', {
								message: 'The team’s own profiles are not changed by an identityToken.',
							});
						judgeStanding(known, tx.now);
					}
					const row = yield* refresh(tx, site, known, body, username, principal && actorOf(principal));
					return { created: false, data: userView(row, site.resourceId, tx.now) };
				}
				// an identity token vouches for its sub; the names beside it are the page's choice
				if (!server && !isDesk(role)) {
					yield* checkImpersonation(tx, site, username);
					if (displayName) yield* checkImpersonation(tx, site, displayName);
				}
				yield* settleName(tx, site.pk, username, proven);
				const row = yield* insert(
					tx,
					site,
					{
						id,
						username,
						displayName,
						email: body.email ?? null,
						avatarUrl: body.avatarUrl ?? null,
						metadata: body.metadata ?? null,
						role,
						permissions: isDesk(role) ? (permissions ?? null) : null,
						externalId,
						verified: proven,
						madeByServer: server && externalId === null,
						deviceHash: proven ? null : (caller.device?.hash ?? null),
					},
					principal && actorOf(principal),
				);
				return { created: true, data: userView(row, site.resourceId, tx.now) };
			});
		},

		/** createVouched makes the user that an identity token names for the first time. */
		createVouched: step(function* (tx, site: Site, sub: string) {
			let username: string;
			try {
				username = cleanUsername(sub);
			} catch {
				username = withSuffix('user');
			}
			const holder = yield* users.findByName(tx, site.pk, username);
			if (holder && (holder.verified || isDesk(holder.role))) username = withSuffix(username);
			yield* settleName(tx, site.pk, username, true);
			return yield* insert(
				tx,
				site,
				{
					id: newId('user'),
					username,
					role: 'user',
					externalId: sub,
					verified: true,
					madeByServer: false,
				},
				null,
			);
		}),

		/** insertDesk makes a desk user on the word of the operator (command line, setup link). */
		insertDesk: step(function* (tx, site: Site, row: Parameters<UserSteps['insert']>[2]) {
			yield* settleName(tx, site.pk, row.username, true);
			return yield* insert(tx, site, row, operatorActor);
		}),

		me: (p: UserPrincipal): User =>
			store.read(function* (tx) {
				const row = yield* users.need(tx, p.site, p.id);
				return userView(row, p.resourceId, tx.now);
			}),

		/** updateMe changes the caller's own profile; what is not named stays, null empties. */
		updateMe: (p: UserPrincipal, body: UpdateMe): Promise<User> => {
			const site = sites.byPk(p.site);
			checkAvatar(body.avatarUrl, site);
			const displayName = body.displayName ? cleanName(body.displayName, 'displayName') : body.displayName;
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'profile.update');
				const row = yield* users.need(tx, p.site, p.id);
				if (body.metadata !== undefined && row.verified)
					throw new AppError('forbidden', { message: metadataIsTheSites });
				if (displayName && !row.verified && !isDesk(row.role)) yield* checkImpersonation(tx, site, displayName);
				if (body.email !== undefined) yield* checkLoginEmail(tx, row, body.email);
				const changes: UserChanges = { ...body, ...(displayName !== undefined && { displayName }) };
				yield* users.update(tx, p.site, p.pk, changes);
				return userView((yield* users.findByPk(tx, p.site, p.pk)) ?? row, p.resourceId, tx.now);
			});
		},

		/** profile is another user; whether they are here only for those who share a conversation with them, and for the desk. */
		profile: (p: Principal, id: string): ProfileView =>
			store.read(function* (tx) {
				const row = yield* users.need(tx, p.site, id);
				const near =
					p.kind === 'server' ||
					isDesk(p.role) ||
					p.pk === row.pk ||
					((yield* messaging.findPair(tx, p.site, p.pk, row.pk)) !== undefined &&
						!(yield* users.isBlocked(tx, p.pk, row.pk)));
				const state = { online: presence.isOnline(row.pk), lastSeenAt: isoOrNull(row.lastSeenAt) };
				return { ...profileOf(row), presence: near && row.erasedAt === null ? state : null };
			}),

		/** presenceOf is whether a user is here, for whoever may know. */
		presenceOf: (site: number, pk: number): PresenceState & { userId: string } =>
			store.read(function* (tx) {
				const row = yield* users.findByPk(tx, site, pk);
				return {
					userId: row?.id ?? '',
					online: presence.isOnline(pk),
					lastSeenAt: isoOrNull(row?.lastSeenAt ?? null),
				};
			}),

		/** lookup finds a user by the exact username, where the site's directory allows it. */
		lookup: (p: Principal, username: string): Profile => {
			if (p.kind === 'user' && !isDesk(p.role) && sites.byPk(p.site).settings.directory === 'off')
				throw new AppError('directory_off');
			return store.read(function* (tx) {
				const row = yield* users.findByName(tx, p.site, foldName(username.trim()));
				if (!row || row.erasedAt !== null) throw new AppError('not_found');
				return profileOf(row);
			});
		},

		/** search finds users by the start of their username, where the directory is `search`. */
		search: (p: Principal, start: string): { data: Profile[] } => {
			if (p.kind === 'user' && !isDesk(p.role) && sites.byPk(p.site).settings.directory !== 'search')
				throw new AppError('directory_off');
			return store.read(function* (tx) {
				const rows = yield* users.search(tx, p.site, start.trim(), searchMax);
				return { data: rows.map(profileOf) };
			});
		},

		/** deskPage is a page of the site's users, for the desk. */
		deskPage: (p: Principal, query: DeskUserQuery): DeskUserPage => {
			const asked = paging(query);
			const { limit, offset } = asked;
			return store.read(function* (tx) {
				const { rows, total } = yield* users.page(tx, p.site, {
					role: query.role,
					suspended: query.status === undefined ? undefined : query.status === 'suspended',
					externalId: query.externalId,
					among:
						query.q === undefined
							? undefined
							: (yield* users.match(tx, p.site, query.q, searchMatchesMax)).map(({ pk }) => pk),
					limit,
					offset,
				});
				const data = rows.map((row) => deskUserView(row, p.resourceId, tx.now));
				return pageOf(data, total, asked);
			});
		},

		/** deskView is one user, for the desk. */
		deskView: (p: Principal, id: string): DeskUser =>
			store.read(function* (tx) {
				return deskUserView(yield* users.need(tx, p.site, id), p.resourceId, tx.now);
			}),

		/** deskUpdate changes a user's role, permissions or suspension. Errors: rank_too_low, permission_missing, last_superadmin. */
		deskUpdate: (p: Principal, id: string, body: UpdateUser): Promise<DeskUser> => {
			const permissions = body.permissions && namedFlags(body.permissions);
			const { role, suspended } = body;
			if (role === undefined && permissions === undefined && suspended === undefined)
				throw new AppError('nothing_to_change');
			return store.atomic(function* (tx) {
				const managing = role !== undefined || permissions !== undefined;
				const judge = yield* users.allowed(tx, p, managing ? 'user.manage' : 'user.suspend');
				const row = yield* users.need(tx, p.site, id);
				// the flags of a role that changes are those that stay set, unless others are
				const stays = role === undefined ? undefined : (row.permissions ?? {});
				// flags are set as a whole: one that was off and is not named is given back
				const off = Object.entries(row.permissions ?? {}).filter(([, on]) => !on);
				const flags = permissions
					? { ...Object.fromEntries(off.map(([flag]) => [flag, true])), ...permissions }
					: stays;
				judgeRank(judge ? asNow(p, judge) : p, { target: row, role, permissions: flags });
				const newRole = role ?? row.role;
				// permissions are for the desk: for a `user` they are taken without effect, as at creation
				const set = isDesk(newRole) ? permissions : undefined;
				const until = body.until === undefined ? null : Date.parse(body.until);
				if (suspended && until !== null && until <= tx.now)
					throw new AppError('invalid_request', { errors: [{ path: 'until', message: 'is in the past' }] });
				const leaves = newRole !== 'superadmin' || suspended === true;
				if (row.role === 'superadmin' && leaves && (yield* users.otherSuperadmins(tx, p.site, row.pk)) === 0)
					throw new AppError('last_superadmin');
				const changes: UserChanges = {
					...(role !== undefined && {
						role,
						// whoever is made one of the team is vouched for by that; who leaves it has no password any more
						...(isDesk(role) ? { verified: true } : { permissions: null, passwordHash: null }),
					}),
					...(set !== undefined && { permissions: set }),
					...(suspended !== undefined && {
						suspendedAt: suspended ? tx.now : null,
						suspendedUntil: suspended ? until : null,
						suspendedReason: suspended ? (body.reason ?? null) : null,
					}),
				};
				yield* users.update(tx, p.site, row.pk, changes, suspended ? 'user.revoked' : 'user.updated');
				// a link to a password was made for who they were
				if (role !== undefined || suspended) yield* siteSteps.endLinks(tx, p.site, row.pk);
				yield* audit.record(tx, p.site, actorOf(p), 'user.update', row.id, {
					subject: row.pk,
					changes: {
						...(role !== undefined && { role: { before: row.role, after: role } }),
						...(set !== undefined && {
							permissions: { before: JSON.stringify(row.permissions ?? {}), after: JSON.stringify(set) },
						}),
						...(suspended !== undefined && {
							suspended: { before: isSuspended(row, tx.now), after: suspended },
							...(suspended && { reason: { after: body.reason ?? null }, until: { after: body.until ?? null } }),
						}),
					},
				});
				return deskUserView((yield* users.findByPk(tx, p.site, row.pk)) ?? row, p.resourceId, tx.now);
			});
		},

		/** revokeTokens logs a user out everywhere. */
		revokeTokens: (p: Principal, id: string): Promise<{ done: true }> =>
			store.atomic(function* (tx) {
				const judge = yield* users.allowed(tx, p, 'user.revoke');
				const row = yield* users.need(tx, p.site, id);
				judgeRank(judge ? asNow(p, judge) : p, { target: row });
				yield* users.raiseVer(tx, p.site, row.pk);
				yield* siteSteps.endLinks(tx, p.site, row.pk);
				yield* audit.record(tx, p.site, actorOf(p), 'user.revoke', row.id);
				return { done: true } as const;
			}),

		/** createByOperator is for the command line: any role, verified. */
		createByOperator: (
			resourceId: string,
			input: { username: string; role: UserRow['role']; email: string | null; externalId: string | null },
		): Promise<User> => {
			const site = sites.need(resourceId);
			const username = cleanUsername(input.username);
			const id = newId('user');
			return store.atomic(function* (tx) {
				if (input.externalId !== null && (yield* users.findByExternalId(tx, site.pk, input.externalId)))
					throw new AppError('invalid_request', { message: 'Another user of this site has this external id.' });
				yield* settleName(tx, site.pk, username, true);
				const made = { ...input, id, username, verified: true, madeByServer: false };
				const row = yield* insert(tx, site, made, operatorActor);
				return userView(row, site.resourceId, tx.now);
			});
		},

		/** hasSuperadmin: whether somebody can sign in and run the site. */
		hasSuperadmin: (resourceId: string): boolean => {
			const site = sites.need(resourceId);
			return store.read((tx) => users.otherSuperadmins(tx, site.pk, 0)) > 0;
		},

		list: (resourceId: string, limit: number, after: string | null): User[] => {
			const site = sites.need(resourceId);
			return store.read(function* (tx) {
				const start = after === null ? 0 : (yield* users.need(tx, site.pk, after)).pk;
				const rows = yield* users.list(tx, site.pk, limit, start);
				return rows.map((row) => userView(row, resourceId, tx.now));
			});
		},

		/** purge deletes visitors who never came and tokens that have expired anyway. Resolves with the rows deleted, at most 500 of each. */
		purge: (): Promise<number> =>
			store.atomic(function* (tx) {
				return (yield* users.purgeUnclaimed(tx)) + (yield* users.purgeEndedTokens(tx));
			}),
	};
};
export type UserService = ReturnType<typeof createUserService>;
