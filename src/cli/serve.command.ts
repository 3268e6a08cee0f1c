import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.ts';
import type { Running } from '../serve.ts';
import { removeAddress, writeAddress } from './folder.ts';
import { type CommonOptions, leaf, settingOption } from './options.ts';
import { fields, note, print } from './output.ts';
import { setupUrl } from './setup-link.command.ts';
import { programVersion } from './version.command.ts';

/** The site of a first start: it works for pages of this machine at once, and the setup page gives it its real name. */
const firstSite = 'localhost';
/** More sites than this are counted, not named. */
const namedSitesMax = 5;

interface ServeOptions extends CommonOptions {
	port?: string;
	host?: string;
	tlsCert?: string;
	tlsKey?: string;
}

/** What a first start made; keys and setup link are shown this once. null: there was a site already. */
const firstStart = async ({ services: { sites } }: Running, address: string) => {
	const made = await sites.addFirst(firstSite);
	if (!made) return null;
	const { setupToken, expiresAt } = await sites.setupLink(made.resourceId);
	return { ...made, setupToken, setupUrl: setupUrl(address, setupToken), setupExpiresAt: expiresAt };
};
type FirstStart = Awaited<ReturnType<typeof firstStart>>;

/** How this program is called again on the same data, for a person to copy. */
const again = (options: ServeOptions, command: string): string =>
	`${Bun.isStandaloneExecutable ? 'parley' : 'bun parley'} ${command}${options.data === undefined ? '' : ` --data ${options.data}`}`;

/** isLoopback: whether only this machine can reach a host. */
export const isLoopback = (host: string): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host);

const title = (address: string): string => `Parley ${programVersion} is running at ${address}`;
const places = (address: string, config: Config): [string, string][] => [
	['Start page', `${address}/`],
	['Admin panel', `${address}/admin`],
	['API', `${address}/swagger`],
	['Data folder', config.data],
];

const firstText = (first: NonNullable<FirstStart>, address: string, config: Config, options: ServeOptions): string => `
${title(address)}

${fields(
	[
		['Site', first.resourceId],
		['Publishable key', first.publishableKey],
		['Secret key', first.secretKey],
		['Identity secret', first.identitySecret],
	],
	'  ',
)}

  The secret key and the identity secret are shown this once: keep them now.

  Open this link to name your site and become its first superadmin. It works once, within
  30 minutes. For a new one: ${again(options, 'setup-link')}

    ${first.setupUrl}

${fields(places(address, config), '  ')}

Stop with Ctrl-C.`;

const laterText = (running: Running, address: string, config: Config, options: ServeOptions): string => {
	const { sites, users } = running.services;
	const all = sites.list().map((site) => site.resourceId);
	const named = all.length <= namedSitesMax;
	const rows: [string, string][] = [
		[
			all.length === 1 ? 'Site' : 'Sites',
			named ? all.join(', ') : `${all.length}; see: ${again(options, 'site list')}`,
		],
		...places(address, config),
	];
	const advice = (named ? all : [])
		.filter((resourceId) => !users.hasSuperadmin(resourceId))
		.map((resourceId) => `  ${resourceId} has no superadmin yet: ${again(options, `setup-link --site ${resourceId}`)}`);
	const parts = [title(address), fields(rows, '  '), advice.join('\n'), 'Stop with Ctrl-C.'];
	return `\n${parts.filter(Boolean).join('\n\n')}`;
};

/** untilStopped answers what is in flight and ends at the first signal; at the second one the process ends at once. */
export const untilStopped = (running: Running): Promise<void> =>
	new Promise((resolve, reject) => {
		let stopping = false;
		for (const [signal, exitCode] of [
			['SIGINT', 130],
			['SIGTERM', 143],
		] as const)
			process.on(signal, () => {
				if (stopping) process.exit(exitCode);
				stopping = true;
				running.stop().then(resolve, reject);
			});
	});

/** announce leaves the address for other commands, makes the first site where there is none, and prints what to do now. */
const announce = async (running: Running, config: Config, options: ServeOptions): Promise<void> => {
	const { url } = running;
	writeAddress(config.data, url);
	if (!isLoopback(config.host))
		note(
			`parley: listening on ${config.host}: anyone who reaches this machine's network can connect${config.tlsCert ? '' : ', without encryption'}.`,
		);
	if (running.services.sites.demo())
		note('parley: this folder holds a demo: everybody who reaches this address may act as its people.');
	const address = config.publicUrl ?? url;
	const first = await firstStart(running, address);
	if (options.json) await print(JSON.stringify({ url, pid: process.pid, firstStart: first }));
	else if (first) await print(firstText(first, address, config, options));
	else await print(laterText(running, address, config, options));
};

export const serveCommand = (program: Command): void => {
	leaf(program, 'serve', 'run the server', [
		'parley serve',
		'parley serve --port 8080 --data /var/lib/parley',
		'PARLEY_PUBLIC_URL=https://chat.site.com parley serve --json',
	])
		.addOption(settingOption('--port <port>', 'port'))
		.addOption(settingOption('--host <host>', 'host'))
		.addOption(settingOption('--tls-cert <file>', 'tlsCert'))
		.addOption(settingOption('--tls-key <file>', 'tlsKey'))
		.action(async (options: ServeOptions) => {
			const { json: _, ...overrides } = options;
			const config = loadConfig(overrides);
			const { startServer } = await import('../serve.ts');
			const running = await startServer(config);
			const stopped = untilStopped(running);
			try {
				await announce(running, config, options);
			} catch (error) {
				await running.stop();
				throw error;
			}
			await stopped;
			removeAddress(config.data);
			// note: a timer or a socket that somebody forgot must not keep the process
			process.exit(0);
		});
};
