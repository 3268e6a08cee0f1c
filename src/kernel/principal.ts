import type { Flags, Role } from './roles.ts';

/** A user who has proven who they are: by a chat token, or named by the site's server in x-act-as. */
export interface UserPrincipal {
	kind: 'user';
	/** The site's integer key: the first parameter of every step. */
	site: number;
	resourceId: string;
	pk: number;
	id: string;
	username: string;
	role: Role;
	flags: Flags;
	verified: boolean;
	/** The token it came with; null where the site's server acts as the user. */
	session: Session | null;
}

export interface Session {
	jti: string;
	ver: number;
	/** Milliseconds since 1970. */
	expiresAt: number;
	/** When the user last really proved who they are; milliseconds since 1970. */
	provenAt: number;
}

/** The site's own server, by a secret key alone. It stands at the rank of a superadmin. */
export interface ServerPrincipal {
	kind: 'server';
	site: number;
	resourceId: string;
	/** The key's integer key, read again inside each transaction. */
	key: number;
	/** For the audit: `key:<label>`. */
	keyLabel: string;
}

/** Who calls. It is a hint: what a write depends on is read again inside its transaction. */
export type Principal = UserPrincipal | ServerPrincipal;

/** actorOf names who acts, for histories and the audit: a user's public id, or `key:<label>`. */
export const actorOf = (p: Principal): string => (p.kind === 'user' ? p.id : `key:${p.keyLabel}`);
/** The actors that are no principals: the server by itself, and its operator at the command line. */
export const systemActor = 'system';
export const operatorActor = 'operator';

/** What is known of the caller of a public call, where key and token may be missing. */
export interface Caller {
	/** The site that the key names; null without a key. */
	site: { pk: number; resourceId: string } | null;
	principal: Principal | null;
	/** The bearer token as it came, checked by nobody yet: an expired one may still renew. */
	bearer: string | null;
	/** The page that calls, null outside a browser; `own` where it is this server's own page. */
	origin: { value: string; own: boolean } | null;
	/**
	 * The browser's device, as this request shows it or newly made: the SHA-256 of its secret, and the Set-Cookie header
	 * that keeps it. null on plain http and on another origin, where such a cookie cannot be had.
	 */
	device: { hash: string; setCookie: string } | null;
}
