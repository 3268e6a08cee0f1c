import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { ConfigError } from './config.ts';
import { newSecret } from './kernel/ids.ts';

/**
 * signingSecret reads the secret that signs chat tokens from its file in the data folder (0600), and makes it at the first
 * start: 256 random bits. Throws ConfigError for a file that does not hold one.
 */
export const signingSecret = (file: string): string => {
	if (!existsSync(file)) {
		// note: a link is made whole or not at all, so two processes at a first start end up with one secret
		const draft = `${file}.${process.pid}`;
		writeFileSync(draft, `${newSecret('')}\n`, { mode: 0o600 });
		try {
			linkSync(draft, file);
		} catch (error) {
			if ((error as { code?: string }).code !== 'EEXIST') throw error;
		} finally {
			unlinkSync(draft);
		}
	}
	const secret = readFileSync(file, 'utf8').trim();
	if (Buffer.byteLength(secret) < 32)
		throw new ConfigError(
			`${file} must hold a secret of at least 32 bytes. Delete it to have a new one made: everybody is then logged out.`,
		);
	return secret;
};
