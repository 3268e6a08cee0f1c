/** Pure: how the audit's chain is hashed. Changing anything here breaks every chain there is. */

/** An act as it is hashed. */
export interface AuditEntry {
	seq: number;
	actor: string;
	action: string;
	target: string;
	fields: Record<string, [before: string | null, after: string | null]>;
	/** Milliseconds since 1970. */
	at: number;
	/** The hash of the entry before; empty for the first. */
	previous: string;
}

const sha256 = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex');

/** newSalt makes 128 random bits, in hex. */
export const newSalt = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');

/** saltedHash stands in the chain for a value; null stands for itself. */
export const saltedHash = (salt: string, value: string | null): string | null =>
	value === null ? null : sha256(`${salt}:${value}`);

/** chainHash is the hash of an entry of a site: over all that it says, and the hash of the one before. */
export const chainHash = (site: number, { seq, actor, action, target, fields, at, previous }: AuditEntry): string => {
	const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
	return sha256(JSON.stringify([site, seq, actor, action, target, sorted, at, previous]));
};
