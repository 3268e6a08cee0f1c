import { type Command, Option } from 'commander';
import type { SiteSettings } from '../modules/sites/sites.schema.ts';
import type { Site } from '../modules/sites/sites.service.ts';
import type { Services } from '../services.ts';
import { CommandError } from './failure.ts';
import { withServices } from './folder.ts';
import { type CommonOptions, leaf, wholeNumber } from './options.ts';
import { answer, fields, table } from './output.ts';

interface SettingOptions extends CommonOptions {
	signup?: SiteSettings['signup'];
	origin?: string[];
	directory?: SiteSettings['directory'];
	autoCloseDays?: number;
	defaultOrigins?: boolean;
	rotateIdentitySecret?: boolean;
}

const withSettings = (command: Command): Command =>
	command
		.addOption(
			new Option('--signup <mode>', 'who makes users: anyone, anyone your server signed, or only your server').choices([
				'open',
				'signed',
				'server',
			] satisfies SiteSettings['signup'][]),
		)
		.addOption(
			new Option(
				'--origin <origin>',
				'a web origin whose pages may call, as https://www.site.com or https://*.site.com; may be repeated (default: the site and its subdomains)',
			).argParser((origin: string, earlier: string[] = []) => [...earlier, origin]),
		)
		.addOption(
			new Option(
				'--directory <mode>',
				'whether users find each other by name: not, by the exact name, or by its start',
			).choices(['off', 'exact', 'search'] satisfies SiteSettings['directory'][]),
		)
		.addOption(
			new Option('--auto-close-days <days>', 'after how many days a resolved ticket closes by itself').argParser(
				wholeNumber(1, 365),
			),
		);

const settingsOf = ({
	signup,
	origin,
	directory,
	autoCloseDays,
	defaultOrigins,
}: SettingOptions): Partial<SiteSettings> => ({
	...(signup && { signup }),
	...(directory && { directory }),
	...(autoCloseDays !== undefined && { autoCloseDays }),
	...(origin && { origins: origin }),
	...(defaultOrigins && { origins: null }),
});

const publishableKeyOf = ({ sites }: Services, resourceId: string): string | null =>
	sites.keys(resourceId).find((key) => key.kind === 'publishable' && key.revokedAt === null)?.key ?? null;

const siteView = (services: Services, { id, resourceId, settings, createdAt }: Site) => ({
	id,
	resourceId,
	...settings,
	publishableKey: publishableKeyOf(services, resourceId),
	createdAt: new Date(createdAt).toISOString(),
});
const originsText = (origins: string[] | null) =>
	origins === null ? '(the site and its subdomains)' : origins.join(', ');

const add = (site: Command): void => {
	withSettings(
		leaf(site, 'add <resourceId>', 'add a site: a website whose users chat here', [
			'parley site add site.com',
			'parley site add site.com --signup server --origin https://www.site.com --origin https://app.site.com',
		]),
	).action((resourceId: string, options: SettingOptions) =>
		withServices(options, 'is made', async ({ sites }) => {
			const made = await sites.add({ resourceId, settings: settingsOf(options) });
			await answer(
				options,
				made,
				() =>
					`${fields([
						['Site', made.resourceId],
						['Publishable key', made.publishableKey],
						['Secret key', made.secretKey],
						['Identity secret', made.identitySecret],
					])}\n\nThe secret key and the identity secret are shown this once: keep them on your server.`,
			);
		}),
	);
};

const list = (site: Command): void => {
	leaf(site, 'list', 'list the sites', ['parley site list', 'parley site list --json']).action(
		(options: CommonOptions) =>
			withServices(options, 'must exist', async (services) => {
				const rows = services.sites.list().map((row) => siteView(services, row));
				await answer(options, rows, () =>
					table(
						['SITE', 'SIGNUP', 'DIRECTORY', 'PUBLISHABLE KEY', 'ORIGINS'],
						rows.map((row) => [
							row.resourceId,
							row.signup,
							row.directory,
							row.publishableKey ?? '(none)',
							originsText(row.origins),
						]),
						'No site yet. Add one with: parley site add <resourceId>',
					),
				);
			}),
	);
};

const set = (site: Command): void => {
	withSettings(
		leaf(site, 'set <resourceId>', 'change a site; what is not named stays', [
			'parley site set site.com --signup signed',
			'parley site set site.com --origin https://site.com --origin https://*.site.com',
			'parley site set site.com --rotate-identity-secret --json',
		]),
	)
		.addOption(new Option('--default-origins', 'back to the site itself and its subdomains').conflicts('origin'))
		.option(
			'--rotate-identity-secret',
			'make a new identity secret; identity tokens signed with the old one end at once',
		)
		.action((resourceId: string, options: SettingOptions) => {
			const settings = settingsOf(options);
			if (Object.keys(settings).length === 0 && !options.rotateIdentitySecret)
				throw new CommandError('nothing to set. Name what changes: parley site set --help', 2);
			return withServices(options, 'must exist', async (services) => {
				const { sites } = services;
				const known = sites.need(sites.checkResourceId(resourceId));
				const changed = await sites.set(known.resourceId, settings);
				const secret = options.rotateIdentitySecret ? await sites.rotateIdentitySecret(known.resourceId) : null;
				const view = { ...siteView(services, changed), ...(secret && { identitySecret: secret.identitySecret }) };
				await answer(options, view, () => {
					const text = fields([
						['Site', view.resourceId],
						['Sign-up', view.signup],
						['Directory', view.directory],
						['Origins', originsText(view.origins)],
						['Resolved tickets close after', `${view.autoCloseDays} days`],
						...(secret ? ([['Identity secret', secret.identitySecret]] as [string, string][]) : []),
					]);
					return secret ? `${text}\n\nThe identity secret is shown this once: keep it on your server.` : text;
				});
			});
		});
};

const remove = (site: Command): void => {
	leaf(site, 'remove <resourceId>', 'remove a site that has no users, with its keys', [
		'parley site remove site.com',
	]).action((resourceId: string, options: CommonOptions) =>
		withServices(options, 'must exist', async ({ sites }) => {
			const gone = await sites.remove(sites.checkResourceId(resourceId));
			await answer(options, { ...gone, removed: true }, () => `Removed ${gone.resourceId}.`);
		}),
	);
};

export const siteCommand = (program: Command): void => {
	const site = program.command('site').description('add, list, change and remove sites');
	add(site);
	list(site);
	set(site);
	remove(site);
};
