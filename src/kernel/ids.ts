import { typeidUnboxed } from 'typeid-js';

/** The kinds of public ids. A TypeID is `kind_` and 26 characters of a UUIDv7 in base32, so ids sort by time. */
export type IdKind = 'user' | 'conv' | 'ticket' | 'msg' | 'site' | 'key' | 'report' | 'canned' | 'audit';

/** newId makes a TypeID (https://github.com/jetify-com/typeid, spec 0.3). */
export const newId = (kind: IdKind): string => typeidUnboxed(kind);

/** newSecret makes 256 random bits as base64url behind a prefix that tells what it is (`sk_`, `pk_` …). */
export const newSecret = (prefix: string): string =>
	prefix + Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');

/** sha256 of a secret in hex: what is stored instead of it. Secrets carry 256 bits, so no salt or stretching is needed. */
export const sha256 = (secret: string): string => new Bun.CryptoHasher('sha256').update(secret).digest('hex');
