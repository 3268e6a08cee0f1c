import { readFileSync } from 'node:fs';
import { createApp } from './app.ts';
import { type Config, ConfigError } from './config.ts';
import { lockFolder, prepareFolder } from './db/open.ts';
import { recurringJobs, startJobs } from './jobs/recurring.ts';
import { createLog } from './kernel/log.ts';
import { createServices, type Services } from './services.ts';

/** What a running server is known by. */
export interface Running {
	/** Where it can be reached, `http://127.0.0.1:4777`. */
	url: string;
	port: number;
	services: Services;
	/** stop answers what is in flight, writes everything back and lets go of the folder. */
	stop(): Promise<void>;
}

/** How often the server looks whether a command has written to the folder. */
const pollMs = 250;
/** How long requests in flight may take at the end. */
const stopMsMax = 10_000;
/** note: Bun answers what is beyond this itself, with an empty body. Ours are refused by their length, before they are read. */
const requestBytesMax = Number.MAX_SAFE_INTEGER;

const readPem = (file: string): string => {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		throw new ConfigError(`the TLS file ${file} cannot be read.`);
	}
};

/** What the operating system says when a server cannot listen, in words for the operator. */
const listenFailures: Record<string, (config: Config) => string> = {
	EADDRINUSE: ({ port }) => `port ${port} is in use. Stop what listens there, or choose another port with --port.`,
	EACCES: ({ port }) => `this user may not listen on port ${port}. Choose one from 1024 up with --port.`,
	EADDRNOTAVAIL: ({ host }) => `${host} is no address of this machine. Choose another with --host.`,
	EINVAL: ({ host }) => `${host} is no address of this machine. Choose another with --host.`,
};

/** listenFailure tells the operator why listening failed; what is no fault of the settings stays as it is. */
const listenFailure = (error: unknown, config: Config): unknown => {
	const code = String((error as { code?: unknown }).code);
	if (code.startsWith('ERR_OSSL') || code.startsWith('ERR_SSL') || code.startsWith('ERR_BORINGSSL'))
		return new ConfigError(
			`the TLS files ${config.tlsCert} and ${config.tlsKey} are no certificate with its key (PEM).`,
		);
	const sentence = listenFailures[code];
	return sentence ? new ConfigError(sentence(config)) : error;
};

/** shownHost is the host as it stands in an address. All addresses of a machine are shown as the one that always works on it. */
const shownHost = (host: string): string => {
	if (host === '' || host === '0.0.0.0') return '127.0.0.1';
	if (host === '::' || host === '[::]') return '[::1]';
	return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
};

/**
 * startServer takes the data folder and listens. Throws DataError or ConfigError with one line for the operator.
 * Order: lock, open and migrate, services, app, listen; stopping is the way back.
 */
export const startServer = async (config: Config): Promise<Running> => {
	const { log, flush } = createLog(config.logLevel);
	prepareFolder(config.data);
	const unlock = lockFolder(config.data);
	let stopping = false;
	let url = '';
	let services: Services | undefined;
	try {
		services = createServices({ config, clock: Date.now, log, locked: true, publicUrl: () => config.publicUrl ?? url });
		const { store, eventLog, erasure, realtime } = services;
		const app = createApp(services, { config, log, stopping: () => stopping });
		const tls =
			config.tlsCert && config.tlsKey ? { cert: readPem(config.tlsCert), key: readPem(config.tlsKey) } : undefined;
		try {
			app.listen({
				port: config.port,
				hostname: config.host,
				// note: Elysia's default is true, and a second process would silently take half of the requests
				reusePort: false,
				maxRequestBodySize: requestBytesMax,
				idleTimeout: 30,
				...(tls && { tls }),
			});
		} catch (error) {
			throw listenFailure(error, config);
		}
		const server = app.server;
		if (!server) throw new ConfigError(`cannot listen on ${config.host}:${config.port}.`);
		const port = server.port ?? config.port;
		url = `${tls ? 'https' : 'http'}://${shownHost(config.host)}:${port}`;

		const poll = setInterval(() => {
			try {
				eventLog.poll();
			} catch (error) {
				log.error({ err: error }, 'looking for changes by another process failed');
			}
		}, pollMs);
		const sayGoodbye = realtime.start();
		const stopJobs = startJobs(recurringJobs(services), log);
		erasure.resume().catch((error) => log.error({ err: error }, 'going on with an erasure failed'));
		log.info({ url, data: config.data }, 'parley is listening');

		return {
			url,
			port,
			services,
			stop: async () => {
				stopping = true;
				clearInterval(poll);
				stopJobs();
				// note: first, because a server does not stop while a socket is open
				sayGoodbye();
				const ended = server.stop(false);
				await Promise.race([ended, Bun.sleep(stopMsMax)]);
				await store.drain();
				store.close();
				unlock();
				log.info('parley has stopped');
				flush();
			},
		};
	} catch (error) {
		services?.store.close();
		unlock();
		throw error;
	}
};
