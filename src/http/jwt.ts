import { jwt } from '@elysiajs/jwt';
import { LRUCache } from 'lru-cache';
import type { Claims, JwtReader } from '../modules/users/identity.ts';
import type { ChatClaims, ChatTokenCodec } from '../modules/users/tokens.service.ts';

/**
 * The only file that knows the JWT plugin. Signatures and form are judged here; times, audience and who may what are
 * judged by the modules, with the server's clock.
 */

const plugin = (secret: string) => jwt({ name: 'jwt', secret, alg: 'HS256', exp: undefined }).decorator.jwt;
type Plugin = ReturnType<typeof plugin>;

/**
 * strictForm: three parts of base64url as an encoder writes them. The library takes padding and stray last bits too, so
 * one token would have many spellings.
 */
const strictForm = (token: string): boolean => {
	const parts = token.split('.');
	return (
		parts.length === 3 &&
		parts.every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
	);
};

const verify = async ({ verify }: Plugin, token: string): Promise<Claims | null> => {
	if (!strictForm(token)) return null;
	// note: without `algorithms` HS384 and HS512 would pass. The date is long past, so that `exp` is left to the caller
	const claims = await verify(token, {
		algorithms: ['HS256'],
		requiredClaims: ['exp', 'iat'],
		currentDate: new Date(0),
		clockTolerance: Number.MAX_SAFE_INTEGER,
	});
	return claims === false ? null : (claims as Claims);
};

const isChatClaims = (claims: Claims): boolean =>
	['iss', 'aud', 'sub', 'jti'].every((name) => typeof claims[name] === 'string') &&
	['iat', 'exp', 'auth_time', 'ver'].every((name) => Number.isSafeInteger(claims[name])) &&
	claims.iss === claims.aud;

/** Tokens kept verified: checking one costs as much as storing a message. */
const verifiedMax = 10_000;

/** createChatTokenCodec signs with the first secret and reads with each of them, so that a secret can be changed over. */
export const createChatTokenCodec = (secrets: [current: string, ...previous: string[]]): ChatTokenCodec => {
	const plugins = secrets.map(plugin);
	const verified = new LRUCache<string, ChatClaims>({ max: verifiedMax });
	return {
		sign: (claims) => (plugins[0] as Plugin).sign({ ...claims } as Parameters<Plugin['sign']>[0]),
		read: async (token) => {
			const known = verified.get(token);
			if (known) return known;
			for (const candidate of plugins) {
				const claims = await verify(candidate, token);
				if (!claims) continue;
				if (!isChatClaims(claims)) return null;
				verified.set(token, claims as unknown as ChatClaims);
				return claims as unknown as ChatClaims;
			}
			return null;
		},
	};
};

/** createJwtReader reads tokens that others signed, each with a secret of its own. */
export const createJwtReader = (): JwtReader => {
	const plugins = new LRUCache<string, Plugin>({ max: 1_000 });
	return {
		read: (token, secret) => {
			const known = plugins.get(secret) ?? plugin(secret);
			plugins.set(secret, known);
			return verify(known, token);
		},
		issuer: (token) => {
			try {
				const claims: Claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
				return typeof claims.iss === 'string' ? claims.iss : null;
			} catch {
				return null;
			}
		},
	};
};
