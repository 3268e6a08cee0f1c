import { Elysia } from 'elysia';
import { day, second } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { newSecret, sha256 } from '../kernel/ids.ts';
import type { Caller, Principal, ServerPrincipal, UserPrincipal } from '../kernel/principal.ts';
import type { Capability, ServerCapability } from '../kernel/roles.ts';
import type { KnownKey, SiteService } from '../modules/sites/sites.service.ts';
import type { TokenService } from '../modules/users/tokens.service.ts';
import { judgeCapability } from '../modules/users/users.access.ts';
import type { Peer, SocketContext } from './frame.ts';

export const deviceCookie = '__Host-parley-device';

const bearerOf = (request: Request): string | null => {
	const header = request.headers.get('authorization');
	if (header === null) return null;
	const [scheme, token, ...rest] = header.trim().split(/ +/);
	return scheme?.toLowerCase() === 'bearer' && token && rest.length === 0 ? token : '';
};

/** Longer than an unverified user may come back to renew a token. */
const deviceCookieDays = 400;

/** The device of a browser on our own pages over https: the one its cookie (RFC 6265bis) names, or a new one. */
const deviceOf = (request: Request): Caller['device'] => {
	const cookies = (request.headers.get('cookie') ?? '').split(';').map((part) => part.trim().split('='));
	const known = cookies.find(([name, value]) => name === deviceCookie && /^[A-Za-z0-9_-]{43}$/.test(value ?? ''))?.[1];
	const value = known ?? newSecret('');
	const maxAge = (deviceCookieDays * day) / second;
	return {
		hash: sha256(value),
		setCookie: `${deviceCookie}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${maxAge}`,
	};
};

/** A secret key in a page is readable by its visitors: refused, whatever it asks for. */
const isFromPage = (request: Request, origin: Caller['origin']): boolean => {
	const site = request.headers.get('sec-fetch-site');
	return (origin !== null && !origin.own) || (site !== null && site !== 'same-origin' && site !== 'none');
};

/**
 * createGuard makes the first gate: key and token become a principal, and the principal is measured against the route's
 * capability. By macro on the route, because a hook would leave routes beside it open.
 */
export const createGuard = ({ sites, tokens, peer }: { sites: SiteService; tokens: TokenService; peer: Peer }) => {
	/** The key of a request, checked with its origin; null without one. Throws invalid_key, secret_key_in_page, origin_not_allowed. */
	const keyOf = (request: Request, origin: Caller['origin']): KnownKey | null => {
		const text = request.headers.get('x-api-key');
		if (text === null) return null;
		const key = sites.byKey(text);
		if (!key) throw new AppError('invalid_key');
		if (key.kind === 'secret') {
			if (isFromPage(request, origin)) throw new AppError('secret_key_in_page');
			sites.touch(key);
		}
		sites.requireOrigin(origin, key.site);
		return key;
	};

	const serverOf = ({ site, pk, label }: KnownKey): ServerPrincipal => ({
		kind: 'server',
		site: site.pk,
		resourceId: site.resourceId,
		key: pk,
		keyLabel: label,
	});

	const principalOf = async (request: Request, key: KnownKey): Promise<Principal> => {
		const bearer = bearerOf(request);
		if (key.kind === 'secret') {
			const actAs = request.headers.get('x-act-as');
			if (actAs !== null) return tokens.actAs(key.site, actAs);
			if (bearer === null) return serverOf(key);
		}
		if (bearer === null) throw new AppError('token_required');
		return tokens.authenticate(key.site, bearer);
	};

	/** Gates of routes that need a principal. */
	const admit = async (request: Request, capability: Capability): Promise<Principal> => {
		const key = keyOf(request, peer.origin(request));
		if (!key) throw new AppError('key_required');
		const principal = await principalOf(request, key);
		judgeCapability(principal, capability);
		return principal;
	};

	/**
	 * Of routes that anybody may call: what is known of who does. `token: 'held'`: a bearer token, if shown, must be good and
	 * tells who calls; `token: 'raw'`: it is left to the route, where an expired one may still renew.
	 */
	const greet = async (context: SocketContext, token: 'held' | 'raw'): Promise<Caller> => {
		const { request } = context;
		const origin = peer.origin(request);
		const key = keyOf(request, origin);
		const bearer = bearerOf(request);
		// note: a server that hands on a user's call with x-act-as must not make it as itself, or users could raise themselves
		const actAs = key?.kind === 'secret' ? request.headers.get('x-act-as') : null;
		const asServer = key?.kind === 'secret' && actAs === null && (token === 'raw' || bearer === null);
		const principal = !key
			? null
			: actAs !== null
				? await tokens.actAs(key.site, actAs)
				: asServer
					? serverOf(key)
					: token === 'held' && bearer !== null
						? await tokens.authenticate(key.site, bearer)
						: null;
		return {
			site: key?.site ?? null,
			principal,
			bearer,
			origin,
			device: origin?.own && peer.secure(context) ? deviceOf(request) : null,
		};
	};

	// note: Elysia reads which parts of the context a hook names, and prepares all of them for one that takes it whole: so the
	// hooks below name what they need, and hand on what they found by the request
	const principals = new WeakMap<Request, Principal>();
	const callers = new WeakMap<Request, Caller>();
	return new Elysia({ name: 'guard' })
		.macro('can', (capability: Capability) => ({
			detail: { 'x-permission': capability } as object,
			transform: async ({ request }) => {
				const principal = await admit(request, capability);
				if (principal.kind !== 'user') throw new AppError('user_token_required');
				principals.set(request, principal);
			},
			resolve: ({ request }) => ({ principal: principals.get(request) as UserPrincipal }),
		}))
		.macro('canAsServer', (capability: ServerCapability) => ({
			detail: { 'x-permission': capability, 'x-server': true } as object,
			transform: async ({ request }) => {
				principals.set(request, await admit(request, capability));
			},
			resolve: ({ request }) => ({ principal: principals.get(request) as Principal }),
		}))
		.macro('open', (token: 'held' | 'raw') => ({
			detail: { 'x-permission': 'public' } as object,
			transform: async ({ request, server }) => {
				callers.set(request, await greet({ request, server }, token));
			},
			resolve: ({ request }) => ({ caller: callers.get(request) as Caller }),
		}));
};
export type Guard = ReturnType<typeof createGuard>;
