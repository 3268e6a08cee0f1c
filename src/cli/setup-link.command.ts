import type { Command } from 'commander';
import { addressOf, siteOf, withServices } from './folder.ts';
import { type CommonOptions, leaf } from './options.ts';
import { answer } from './output.ts';

/** setupUrl puts a setup token behind the #, where no server, proxy or log sees it. */
export const setupUrl = (address: string, setupToken: string): string => `${address}/setup#${setupToken}`;

export const setupLinkCommand = (program: Command): void => {
	leaf(program, 'setup-link', 'make a link, good once and for 30 minutes, by which a person becomes superadmin', [
		'parley setup-link',
		'parley setup-link --site site.com',
	])
		.option('--site <resourceId>', 'the site to set up (default: the only one)')
		.action((options: CommonOptions & { site?: string }) =>
			withServices(options, 'must exist', async (services, config) => {
				const site = siteOf(services, options.site);
				const link = await services.sites.setupLink(site.resourceId);
				const made = { ...link, setupUrl: setupUrl(addressOf(config), link.setupToken) };
				await answer(
					options,
					made,
					() =>
						`${made.setupUrl}\n\nSets up ${made.resourceId}. It works once, until ${made.expiresAt}; earlier links have ended.`,
				);
			}),
		);
};
