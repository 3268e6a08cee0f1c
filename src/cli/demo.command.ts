import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.ts';
import { demoAgent, demoResourceId } from '../demo/demo-people.ts';
import type { Running } from '../serve.ts';
import { CommandError } from './failure.ts';
import { removeAddress, writeAddress } from './folder.ts';
import { type CommonOptions, settingOption, withExamples } from './options.ts';
import { answer, fields, note } from './output.ts';
import { isLoopback, untilStopped } from './serve.command.ts';
import { programVersion } from './version.command.ts';

interface DemoOptions extends CommonOptions {
	port?: string;
	host: string;
}

/** A folder that goes when the process goes. */
const passingFolder = (): string => {
	const folder = mkdtempSync(join(tmpdir(), 'parley-demo-'));
	process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
	return folder;
};

/** prepare makes the demo in a folder that has none, and lets the agent sign in again in one that has. */
const prepare = async (config: Config): Promise<void> => {
	const [{ createServices }, { silentLog }, { lockFolder, prepareFolder }, { seedDemo }] = await Promise.all([
		import('../services.ts'),
		import('../kernel/log.ts'),
		import('../db/open.ts'),
		import('../demo/seed-demo.ts'),
	]);
	prepareFolder(config.data);
	const unlock = lockFolder(config.data);
	const clock = { now: Date.now() };
	try {
		const services = createServices({
			config,
			clock: () => clock.now,
			log: silentLog,
			locked: true,
			publicUrl: () => '',
		});
		const { store, sites, users, passwords } = services;
		try {
			const there = sites.list();
			if (there.some(({ isDemo }) => !isDemo))
				throw new CommandError(
					`${config.data} holds ${there.map(({ resourceId }) => resourceId).join(', ')}: a demo is made in a folder of its own. Leave --data away, or name an empty folder.`,
				);
			if (there.length === 0) await seedDemo(services, clock);
			else {
				const agent = users.list(demoResourceId, 100, null).find(({ username }) => username === demoAgent.username);
				// somebody may have changed it; everybody may
				if (agent) await passwords.setByOperator(agent.id, demoAgent.password, demoAgent.email);
			}
		} finally {
			await store.drain();
			store.close();
		}
	} finally {
		unlock();
	}
};

/** What there is to know of a demo that runs. */
const factsOf = ({ url }: Running, config: Config) => {
	const address = config.publicUrl ?? url;
	const { email, password } = demoAgent;
	const [demo, admin] = [`${address}/demo`, `${address}/admin`];
	return { url, pid: process.pid, demo, admin, email, password, data: config.data };
};

const factsText = ({ demo, admin, email, password, data }: ReturnType<typeof factsOf>, passes: boolean): string => `
A demo of Parley ${programVersion} is running

${fields(
	[
		['Demo', `${demo}   two customers and the team, side by side`],
		['Admin panel', admin],
		['Email', email],
		['Password', password],
		['Data folder', `${data}${passes ? '   deleted when this ends' : ''}`],
	],
	'  ',
)}

  Nothing in it is real, and whoever reaches this address may act as any of its people.
  For a site of your own: ${Bun.isStandaloneExecutable ? 'parley' : 'bun parley'} serve

Stop with Ctrl-C.`;

export const demoCommand = (program: Command): void => {
	withExamples(
		program
			.command('demo')
			.description('run a server with a made-up site, its people and a month of their messages, to look around in'),
		['parley demo', 'parley demo --port 8080', 'parley demo --data ./demo-data --json'],
	)
		.option('--json', 'print one line of JSON, for programs')
		.option('--data <folder>', 'a folder to keep the demo in (default: one that is deleted at the end)')
		.addOption(settingOption('--port <port>', 'port'))
		.option('--host <host>', 'address to listen on', '127.0.0.1')
		.action(async ({ port, host, data, ...options }: DemoOptions) => {
			// a signal that comes while it is being made; the server has its own way to stop
			const cutOff = () => process.exit(143);
			for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, cutOff);
			// note: not PARLEY_DATA and PARLEY_HOST, which are of a server that is meant
			const config = loadConfig({ port, host, data: data ?? passingFolder(), accessLog: 'off' });
			await prepare(config);
			const { startServer } = await import('../serve.ts');
			const running = await startServer(config);
			for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, cutOff);
			const stopped = untilStopped(running);
			writeAddress(config.data, running.url);
			if (!isLoopback(host))
				note(
					`parley: listening on ${host}: anyone who reaches this machine's network can act as everybody in this demo.`,
				);
			const facts = factsOf(running, config);
			await answer(options, facts, () => factsText(facts, data === undefined));
			await stopped;
			removeAddress(config.data);
			// note: a timer or a socket that somebody forgot must not keep the process
			process.exit(0);
		});
};
