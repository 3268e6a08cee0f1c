import type { Command } from 'commander';
import { AppError } from '../kernel/errors.ts';
import { CommandError } from './failure.ts';
import { siteOf, withServices } from './folder.ts';
import { type CommonOptions, leaf } from './options.ts';
import { answer, fields, table } from './output.ts';

const create = (key: Command): void => {
	leaf(key, 'create <resourceId>', 'make an API key; a secret one unless --publishable', [
		'parley key create site.com --label billing',
		'parley key create site.com --publishable --json',
	])
		.option('--publishable', 'a key that may stand in a page: it only names the site')
		.option('--label <text>', 'what the key is for', 'command line')
		.action((resourceId: string, options: CommonOptions & { publishable?: boolean; label: string }) =>
			withServices(options, 'must exist', async (services) => {
				const label = options.label.trim();
				if (label === '' || label.length > 64) throw new CommandError('--label must have 1-64 characters.', 2);
				const site = siteOf(services, resourceId);
				const kind = options.publishable ? 'publishable' : 'secret';
				const made = await services.sites.createKey(site.resourceId, { kind, label });
				const once = kind === 'secret' ? '\n\nThe key is shown this once: keep it on your server.' : '';
				await answer(
					options,
					made,
					() =>
						`${fields([
							['Site', made.resourceId],
							['Id', made.id],
							['Label', made.label],
							['Key', made.key],
						])}${once}`,
				);
			}),
		);
};

const list = (key: Command): void => {
	leaf(key, 'list <resourceId>', 'list the API keys of a site; secret ones by their last characters', [
		'parley key list site.com',
	]).action((resourceId: string, options: CommonOptions) =>
		withServices(options, 'must exist', async (services) => {
			const rows = services.sites.keys(siteOf(services, resourceId).resourceId);
			await answer(options, rows, () =>
				table(
					['ID', 'LABEL', 'KEY', 'LAST USED', 'STATE'],
					rows.map((row) => [
						row.id,
						row.label,
						row.key,
						row.lastUsedAt ?? '-',
						row.revokedAt === null ? 'live' : `revoked ${row.revokedAt}`,
					]),
					'No keys. Make one with: parley key create <resourceId>',
				),
			);
		}),
	);
};

const revoke = (key: Command): void => {
	leaf(key, 'revoke <resourceId> <keyId>', 'end an API key at once', [
		'parley key revoke site.com key_01kj3zq0x5e6s8r1n6a2c4v7wd',
	]).action((resourceId: string, keyId: string, options: CommonOptions) =>
		withServices(options, 'must exist', async (services) => {
			const site = siteOf(services, resourceId);
			try {
				const gone = await services.sites.revokeKey(site.resourceId, keyId);
				await answer(options, gone, () => `Revoked ${gone.id}. Calls with it are refused from now on.`);
			} catch (error) {
				if (error instanceof AppError && error.code === 'not_found')
					throw new CommandError(
						`${site.resourceId} has no live key with this id. See: parley key list ${site.resourceId}`,
					);
				throw error;
			}
		}),
	);
};

export const keyCommand = (program: Command): void => {
	const key = program.command('key').description('make, list and revoke API keys');
	create(key);
	list(key);
	revoke(key);
};
