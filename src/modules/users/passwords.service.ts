import type { Store } from '../../db/open.ts';
import { type Clock, hour, iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId, newSecret, sha256 } from '../../kernel/ids.ts';
import { accessLinkHours, hashesAtOnceMax, hashQueueMax, passwordMax, passwordMin } from '../../kernel/limits.ts';
import { actorOf, type Caller, operatorActor, type Principal, type UserPrincipal } from '../../kernel/principal.ts';
import { isDesk } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { EventSteps } from '../events/events.steps.ts';
import type { Site, SiteService } from '../sites/sites.service.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import { cleanUsername, emailKeyOf } from './names.ts';
import { commonPasswords } from './passwords.common.ts';
import { judgeRank, mayInvite } from './rank.ts';
import type { TokenService } from './tokens.service.ts';
import { asNow, judgeStanding } from './users.access.ts';
import type { Access, ChangePassword, DeskLogin, Login, Setup } from './users.schema.ts';
import type { UserService } from './users.service.ts';
import type { UserRow, UserSteps } from './users.steps.ts';

/** Argon2id (RFC 9106) with Bun's parameters: 64 MiB, two passes. */
const hashing = { algorithm: 'argon2id', memoryCost: 65_536, timeCost: 2 } as const;

/** checkPassword throws password_weak for one that is short, common, or made of the person's own names. */
export const checkPassword = (password: string, own: (string | null)[]): void => {
	const plain = password.normalize('NFKC').toLowerCase();
	const length = [...password].length;
	const names = own.filter((name) => name !== null && name.length > 3).map((name) => String(name).toLowerCase());
	const weak =
		length < passwordMin ||
		password.length > passwordMax ||
		!password.isWellFormed() ||
		new Set(plain).size < 4 ||
		commonPasswords.has(plain) ||
		names.some((name) => plain === name || plain.replaceAll(/[\d\W_]+$/gu, '') === name);
	if (weak) throw new AppError('password_weak');
};

/** createGate lets a few run at a time and a few more wait; the rest is told to come back (overloaded). */
const createGate = (atOnceMax: number, waitingMax: number) => {
	let running = 0;
	const waiting: (() => void)[] = [];
	return async <T>(work: () => Promise<T>): Promise<T> => {
		if (running >= atOnceMax) {
			if (waiting.length >= waitingMax) throw new AppError('overloaded', { retryAfterSeconds: 2 });
			await new Promise<void>((resolve) => waiting.push(resolve));
		} else running++;
		try {
			return await work();
		} finally {
			const next = waiting.shift();
			if (next) next();
			else running--;
		}
	};
};

/** createPasswordService: how the desk signs in, and how its people get their passwords. */
export const createPasswordService = ({
	store,
	sites,
	siteSteps,
	users,
	userService,
	tokens,
	events,
	audit,
	clock,
	publicUrl,
}: {
	store: Store;
	sites: SiteService;
	siteSteps: SiteSteps;
	users: UserSteps;
	userService: UserService;
	tokens: TokenService;
	events: EventSteps;
	audit: AuditSteps;
	clock: Clock;
	/** Where links point to: the server's own address. */
	publicUrl: () => string;
}) => {
	const gate = createGate(hashesAtOnceMax, hashQueueMax);
	const hash = (password: string) => gate(() => Bun.password.hash(password, hashing));
	const verify = (password: string, stored: string) => gate(() => Bun.password.verify(password, stored));
	/** Verified where there is no user, so that an unknown address costs the same time. */
	let dummy: Promise<string> | null = null;
	const dummyHash = () => {
		dummy ??= Bun.password.hash(newSecret(''), hashing);
		return dummy;
	};

	const loginAnswer = async (user: UserRow, site: Site, ver: number): Promise<DeskLogin> => {
		const key = sites.keys(site.resourceId).find((item) => item.kind === 'publishable' && item.revokedAt === null);
		return { ...(await tokens.issue(user, site.resourceId, ver, clock())), publishableKey: key?.key ?? '' };
	};

	/** Pages and keys of other sites have no business here; nor has a page that no site knows, whatever it asks. */
	const judgeCaller = (caller: Caller, site: Site | undefined): void => {
		if (site) sites.requireOrigin(caller.origin, site);
		else if (caller.origin && !caller.origin.own && !sites.originOfAny(caller.origin.value))
			throw new AppError('origin_not_allowed');
		if (caller.site && site && caller.site.pk !== site.pk) throw new AppError('wrong_site');
	};
	/** Looks at a link before a password is hashed for it: a stranger's guess costs little. It is used up later. */
	const judgeLink = (caller: Caller, kind: 'setup' | 'access', token: string): void => {
		const link = store.read((tx) => siteSteps.findLink(tx, kind, sha256(token)));
		judgeCaller(caller, link && sites.byPk(link.site));
		if (!link) throw new AppError('invalid_link');
	};

	return {
		/** accountOf is what tries to sign in are counted by: every spelling of an account is one. */
		accountOf: (body: Login): string => `${body.resourceId.trim().toLowerCase()}|${emailKeyOf(body.email)}`,

		/** login: email and password of a desk user. One invalid_credentials for every way to be wrong. */
		login: async (caller: Caller, body: Login): Promise<DeskLogin> => {
			const site = sites.byResource(body.resourceId.trim().toLowerCase());
			judgeCaller(caller, site);
			const user = site && store.read((tx) => users.findForLogin(tx, site.pk, body.email));
			const good = await verify(body.password, user?.passwordHash ?? (await dummyHash()));
			if (!site || !user || !good || user.erasedAt !== null) throw new AppError('invalid_credentials');
			const current = store.read((tx) => users.findByPk(tx, site.pk, user.pk));
			// a password changed while the old one was being checked does not let in
			if (!current || current.passwordHash !== user.passwordHash) throw new AppError('invalid_credentials');
			judgeStanding(current, clock());
			return loginAnswer(current, site, current.ver);
		},

		/** change sets a new password with the current one, and logs out everywhere else: the answer has the new token. */
		change: async (p: UserPrincipal, body: ChangePassword): Promise<DeskLogin> => {
			const site = sites.byPk(p.site);
			const before = store.read((tx) => users.findByPk(tx, p.site, p.pk));
			if (!before?.passwordHash) throw new AppError('password_not_set');
			const stored = before.passwordHash;
			if (!(await verify(body.currentPassword, stored)))
				throw new AppError('invalid_credentials', { message: 'The current password is wrong.' });
			checkPassword(body.newPassword, [before.username, before.email, before.displayName]);
			const passwordHash = await hash(body.newPassword);
			const { row, ver } = await store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'password.change');
				const row = yield* users.need(tx, p.site, p.id);
				if (row.passwordHash !== stored) throw new AppError('invalid_credentials');
				yield* users.update(tx, p.site, p.pk, { passwordHash });
				const ver = yield* users.raiseVer(tx, p.site, p.pk);
				return { row, ver };
			});
			return loginAnswer(row, site, ver);
		},

		/** accessLink makes a link, good once and for 72 hours, by which a desk user sets a password. Earlier ones end. */
		accessLink: (p: Principal, id: string): Promise<{ url: string; accessToken: string; expiresAt: string }> => {
			const accessToken = newSecret('access_');
			return store.atomic(function* (tx) {
				// passwords are a person's own doing: not a secret key's, in whosever name it acts
				if (p.kind === 'user' && !p.session)
					throw new AppError('forbidden', {
						message: 'A secret key may not do this: it needs a person of the team, signed in.',
					});
				const judge = yield* users.allowed(tx, p, 'user.invite');
				const row = yield* users.need(tx, p.site, id);
				judgeRank(judge ? asNow(p, judge) : p, { target: row });
				if (!isDesk(row.role)) throw new AppError('desk_only');
				const expiresAt = tx.now + accessLinkHours * hour;
				yield* siteSteps.insertLink(tx, p.site, {
					kind: 'access',
					hash: sha256(accessToken),
					user: row.pk,
					maker: p.kind === 'user' ? p.pk : null,
					expiresAt,
				});
				yield* audit.record(tx, p.site, actorOf(p), 'user.invite', row.id);
				return { url: `${publicUrl()}/access#${accessToken}`, accessToken, expiresAt: iso(expiresAt) };
			});
		},

		/** access uses an access link: sets the password, ends every token, and signs in. */
		access: async (caller: Caller, body: Access): Promise<DeskLogin> => {
			judgeLink(caller, 'access', body.accessToken);
			checkPassword(body.password, [body.email ?? null]);
			const passwordHash = await hash(body.password);
			const { row, site, ver } = await store.atomic(function* (tx) {
				const link = yield* siteSteps.useLink(tx, 'access', sha256(body.accessToken));
				const row = link?.user ? yield* users.findByPk(tx, link.site, link.user) : undefined;
				if (!link || !row || row.erasedAt !== null || !isDesk(row.role)) throw new AppError('invalid_link');
				const maker = link.maker === null ? null : yield* users.standing(tx, link.site, link.maker);
				if (maker !== null && !mayInvite(maker, row, tx.now)) throw new AppError('invalid_link');
				judgeStanding(row, tx.now);
				const email = body.email ?? row.email;
				if (!email) throw new AppError('email_required', { errors: [{ path: 'email', message: 'is required' }] });
				checkPassword(body.password, [email, row.username, row.displayName]);
				const holder = yield* users.findForLogin(tx, link.site, email);
				if (holder && holder.pk !== row.pk) throw new AppError('email_taken');
				yield* users.update(tx, link.site, row.pk, { email, passwordHash });
				yield* audit.record(tx, link.site, row.id, 'user.password', row.id);
				const ver = yield* users.raiseVer(tx, link.site, row.pk);
				const home = yield* siteSteps.byPk(tx, link.site);
				if (!home) throw new AppError('invalid_link');
				return { row, site: sites.fromRow(home), ver };
			});
			return loginAnswer(row, site, ver);
		},

		/** setup uses a setup link: names the site if it is still empty, and makes its first superadmin. */
		setup: async (caller: Caller, body: Setup): Promise<DeskLogin> => {
			judgeLink(caller, 'setup', body.setupToken);
			const username = cleanUsername(body.username);
			checkPassword(body.password, [body.email, username]);
			const resourceId = sites.checkResourceId(body.resourceId);
			const passwordHash = await hash(body.password);
			const id = newId('user');
			const { row, site } = await store.atomic(function* (tx) {
				const link = yield* siteSteps.useLink(tx, 'setup', sha256(body.setupToken));
				if (!link) throw new AppError('invalid_link');
				const home = yield* siteSteps.byPk(tx, link.site);
				if (!home) throw new AppError('invalid_link');
				if (home.resourceId !== resourceId) {
					if (!(yield* users.isEmpty(tx, home.pk)))
						throw new AppError('invalid_request', {
							errors: [{ path: 'resourceId', message: 'the site has users already, so its name stays as it is' }],
						});
					if (yield* siteSteps.byResource(tx, resourceId)) throw new AppError('site_exists');
					yield* siteSteps.rename(tx, home.pk, resourceId);
					yield* events.record(tx, { site: home.pk, type: 'site.updated' }, { in: 'site' });
				}
				if (yield* users.findForLogin(tx, home.pk, body.email)) throw new AppError('email_taken');
				const site = sites.fromRow({ ...home, resourceId });
				const row = yield* userService.insertDesk(tx, site, {
					id,
					username,
					role: 'superadmin',
					email: body.email,
					verified: true,
					madeByServer: false,
					passwordHash,
				});
				return { row, site };
			});
			return loginAnswer(row, site, row.ver);
		},

		/** setByOperator is for the command line: sets a desk user's password, and ends every token. */
		setByOperator: async (
			id: string,
			password: string,
			email: string | null,
		): Promise<{ id: string; email: string }> => {
			const before = store.read((tx) => users.findAnywhere(tx, id));
			if (!before) throw new AppError('not_found', { message: 'There is no user with this id.' });
			if (!isDesk(before.role)) throw new AppError('desk_only');
			const address = email ?? before.email;
			if (!address)
				throw new AppError('email_required', {
					message: 'This user has no email address to sign in with: give one with --email.',
				});
			checkPassword(password, [before.username, before.displayName, emailKeyOf(address)]);
			const passwordHash = await hash(password);
			return store.atomic(function* (tx) {
				const holder = yield* users.findForLogin(tx, before.site, address);
				if (holder && holder.pk !== before.pk) throw new AppError('email_taken');
				yield* users.update(tx, before.site, before.pk, { email: address, passwordHash });
				yield* users.raiseVer(tx, before.site, before.pk);
				yield* audit.record(tx, before.site, operatorActor, 'user.password', id);
				return { id, email: address };
			});
		},
	};
};
export type PasswordService = ReturnType<typeof createPasswordService>;
