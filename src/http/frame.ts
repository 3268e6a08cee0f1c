import { isIP } from 'node:net';
import { Elysia } from 'elysia';
import { type Config, networkList } from '../config.ts';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/log.ts';
import { originUrl } from '../modules/sites/origins.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';

/** What every request passes through before and after its route: id, host, origin, headers, and a line in the log. */

/** On every answer. Pages add a content policy of their own. */
const securityHeaders = {
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'referrer-policy': 'no-referrer',
	'cross-origin-resource-policy': 'same-origin',
	'cache-control': 'no-store',
} as const;

const exposedHeaders =
	'x-request-id, retry-after, ratelimit, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset';
const preflightHeaders = {
	'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
	'access-control-allow-headers': 'authorization, content-type, x-api-key, x-act-as, if-match, last-event-id',
	'access-control-max-age': '600',
} as const;

/** A host name or address with an optional port (RFC 9110, section 7.2). */
const hostForm = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
/** note: Elysia looks for the path from character 11 of the URL, so under a shorter host it would take another path than a proxy saw */
const hostLengthMin = 4;

/** Peer tells where a request comes from, as far as it can be trusted. Each part is worked out when it is asked for. */
export interface Peer {
	/** The page that calls, null outside a browser; `own` where it is one of ours. */
	origin(request: Request): { value: string; own: boolean } | null;
	/** The client's address; an IPv6 one by its /64, which one customer holds as a whole. Empty where there is no socket. */
	address(context: SocketContext): string;
	/** Whether the client speaks https, to us or to a proxy we trust. */
	secure(context: SocketContext): boolean;
}

/** What of Elysia's context tells the other end of the socket. */
export interface SocketContext {
	request: Request;
	server: { requestIP(request: Request): { address: string } | null } | null;
}

/** addressGroup is what is counted as one client. */
export const addressGroup = (address: string): string => {
	const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%')[0] ?? '';
	if (isIP(plain) !== 6) return plain;
	const [head = '', tail] = plain.toLowerCase().split('::');
	const front = head === '' ? [] : head.split(':');
	const back = tail === undefined || tail === '' ? [] : tail.split(':');
	const groups =
		tail === undefined ? front : [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
	return `${groups
		.slice(0, 4)
		.map((group) => group.replace(/^0+(?=.)/, ''))
		.join(':')}::/64`;
};

/** createPeer reads X-Forwarded-* only from configured proxies, right to left. */
export const createPeer = (config: Config): Peer => {
	const proxies = networkList(config.trustedProxies);
	const isProxy = (address: string) => {
		const family = isIP(address);
		return family !== 0 && proxies.check(address, family === 4 ? 'ipv4' : 'ipv6');
	};
	const socketAddress = ({ request, server }: SocketContext) =>
		(server?.requestIP(request)?.address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
	const trusts = (address: string) => config.trustedProxies.length > 0 && isProxy(address);
	const tls = config.tlsCert !== null;
	const { publicUrl } = config;

	return {
		origin: (request) => {
			const value = request.headers.get('origin');
			if (value === null) return null;
			const host = request.headers.get('host')?.toLowerCase();
			if (publicUrl !== null) return { value, own: value === publicUrl };
			const url = originUrl(value);
			return { value, own: url !== null && url.host === host };
		},
		address: (context) => {
			let address = socketAddress(context);
			if (!trusts(address)) return addressGroup(address);
			const hops = (context.request.headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim());
			for (const hop of hops.reverse()) {
				if (!isIP(hop)) break;
				address = hop;
				if (!isProxy(hop)) break;
			}
			return addressGroup(address);
		},
		secure: (context) => {
			if (tls || publicUrl?.startsWith('https:')) return true;
			// a proxy appends: the last value is the one our own proxy wrote
			const proto = context.request.headers.get('x-forwarded-proto')?.split(',').at(-1)?.trim();
			return proto === 'https' && trusts(socketAddress(context));
		},
	};
};

/** frame is the outermost plugin after errors. `stopping`: whether the server has begun to end. */
export const frame = ({
	config,
	sites,
	peer,
	log,
	stopping,
}: {
	config: Config;
	sites: SiteService;
	peer: Peer;
	log: Logger;
	stopping: () => boolean;
}) => {
	const hosts = new Set(config.allowedHosts);
	const checkHost = (request: Request): AppError | null => {
		const host = request.headers.get('host') ?? '';
		if (!hostForm.test(host) || host.length < hostLengthMin) return new AppError('invalid_host');
		if (hosts.size === 0) return null;
		const lower = host.toLowerCase();
		return hosts.has(lower) || hosts.has(lower.replace(/:\d+$/, '')) ? null : new AppError('host_not_allowed');
	};

	const app = new Elysia({ name: 'frame' }).onRequest(({ request, set }) => {
		const headers = set.headers as Record<string, string>;
		headers['x-request-id'] = crypto.randomUUID();
		Object.assign(headers, securityHeaders);
		const wrongHost = checkHost(request);
		if (wrongHost) throw wrongHost;
		const origin = request.headers.get('origin');
		if (origin !== null) {
			headers.vary = 'Origin';
			const own = peer.origin(request)?.own;
			if (own || sites.originOfAny(origin)) {
				headers['access-control-allow-origin'] = origin;
				headers['access-control-expose-headers'] = exposedHeaders;
				if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method'))
					return new Response(null, { status: 204, headers: { ...headers, ...preflightHeaders } });
			} else if (request.method === 'OPTIONS') throw new AppError('origin_not_allowed');
		}
		if (stopping()) throw new AppError('shutting_down', { retryAfterSeconds: 2 });
	});
	if (config.accessLog === 'off') return app;
	return app.onAfterResponse({ as: 'global' }, ({ request, path, route, set, responseValue }) => {
		// note: the path without its query; keys and tokens travel in headers, which are not written
		const status = responseValue instanceof Response ? responseValue.status : set.status;
		log.info({ requestId: set.headers['x-request-id'], method: request.method, path, route, status }, 'request');
	});
};
