import { second } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { externalIdMax, identityTokenMinutesMax, identityTokenSkewSeconds } from '../../kernel/limits.ts';

/** What a JWT says, after its signature was found good. */
export type Claims = Record<string, unknown>;

/** Reads a JWT of the one algorithm HS256; null when its form or signature is not exactly right. Times are judged by the caller. */
export interface JwtReader {
	read(token: string, secret: string): Promise<Claims | null>;
	/** What an unchecked token claims as `iss`: only good to look up which secret to check it with. */
	issuer(token: string): string | null;
}

/**
 * judgeIdentity: whether the claims of an identity token hold, and whom they name (`sub`, the site's own id of a user).
 * Throws invalid_identity_token.
 */
export const judgeIdentity = (claims: Claims | null, resourceId: string, now: number): string => {
	const skew = identityTokenSkewSeconds;
	const seconds = now / second;
	const wrong = (what: string) =>
		new AppError('invalid_identity_token', { errors: [{ path: 'identityToken', message: what }] });
	if (!claims) throw wrong('the signature (HS256, with the identity secret) does not hold');
	const { sub, iss, aud, iat, exp } = claims;
	if (iss !== resourceId) throw wrong('iss is not the resourceId');
	if (aud !== 'chat-identity') throw wrong('aud is not "chat-identity"');
	if (
		typeof sub !== 'string' ||
		sub.trim() === '' ||
		sub.length > externalIdMax ||
		!sub.isWellFormed() ||
		sub.includes('\0')
	)
		throw wrong(`sub is not your id of the user (1-${externalIdMax} characters)`);
	if (!Number.isFinite(iat) || !Number.isFinite(exp)) throw wrong('iat and exp are required, in seconds');
	const [from, to] = [iat as number, exp as number];
	if (to - from > identityTokenMinutesMax * 60 || to <= from) throw wrong('exp is not within one hour after iat');
	if (from > seconds + skew) throw wrong('iat is in the future');
	if (to < seconds - skew) throw wrong('it has expired');
	if (claims.nbf !== undefined && !(Number(claims.nbf) <= seconds + skew)) throw wrong('nbf is in the future');
	return sub;
};
