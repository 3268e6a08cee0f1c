import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '../config.ts';
import type { Site } from '../modules/sites/sites.service.ts';
import type { Services } from '../services.ts';
import { CommandError } from './failure.ts';
import type { CommonOptions } from './options.ts';

/** How long a command waits for the server, or another command, that is writing. */
const busyMs = 5_000;

/** A running server leaves its address here, so that a command can print links to it. */
const addressFile = (folder: string): string => join(folder, 'address');
export const writeAddress = (folder: string, url: string): void =>
	writeFileSync(addressFile(folder), `${url}\n`, { mode: 0o600 });
export const removeAddress = (folder: string): void => rmSync(addressFile(folder), { force: true });

/** addressOf is where the server of a folder is reached: as configured, as it last said itself, or as it would be. */
export const addressOf = (config: Config): string => {
	if (config.publicUrl) return config.publicUrl;
	try {
		const url = URL.parse(readFileSync(addressFile(config.data), 'utf8').trim());
		if (url) return url.origin;
	} catch {
		// note: no server has run yet, or it has stopped
	}
	return `${config.tlsCert ? 'https' : 'http'}://127.0.0.1:${config.port}`;
};

/** Whether a folder holds data of ours. One that may not be read is for the store to refuse, in better words. */
const holdsData = (folder: string): boolean => {
	try {
		return statSync(join(folder, 'parley.db')).size > 0;
	} catch (error) {
		return !['ENOENT', 'ENOTDIR'].includes((error as { code?: string }).code ?? '');
	}
};

/**
 * withServices opens the data folder beside a server that may be running on it, does one short piece of work, and closes
 * it. `folder`: whether the work may make the folder. Throws CommandError, DataError, ConfigError, AppError.
 */
export const withServices = async <T>(
	options: CommonOptions,
	folder: 'must exist' | 'is made',
	work: (services: Services, config: Config) => T | Promise<T>,
): Promise<T> => {
	const config = loadConfig({ data: options.data });
	if (folder === 'must exist' && !holdsData(config.data))
		throw new CommandError(
			`there is no data in ${config.data} yet. Start with "parley serve" or "parley site add", or name another folder with --data.`,
		);
	const [{ createServices }, { silentLog }] = await Promise.all([import('../services.ts'), import('../kernel/log.ts')]);
	const services = createServices({
		config,
		clock: Date.now,
		log: silentLog,
		publicUrl: () => addressOf(config),
		busyMs,
	});
	try {
		return await work(services, config);
	} finally {
		await services.store.drain();
		services.store.close(false);
	}
};

/** siteOf is the site that was named, or the only one. */
export const siteOf = ({ sites }: Services, resourceId: string | undefined): Site => {
	if (resourceId !== undefined) return sites.need(sites.checkResourceId(resourceId));
	const [first, ...others] = sites.list();
	if (!first) throw new CommandError('there is no site yet. Add one with: parley site add <resourceId>');
	if (others.length > 0) {
		const names = [first, ...others].slice(0, 5).map((site) => site.resourceId);
		const rest = others.length + 1 - names.length;
		throw new CommandError(
			`name the site with --site: there are ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`,
			2,
		);
	}
	return first;
};
