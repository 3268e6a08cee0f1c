import { createApp } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createServices } from '../../src/services.ts';

/** appInMemory is the whole server over an empty store, without a socket. Ends with its block: `using server = appInMemory()`. */
export const appInMemory = (settings: Partial<Config> = {}) => {
	const config: Config = {
		...loadConfig({}, {}),
		data: ':memory:',
		tokenSecret: 'a secret of the tests, long enough for HS256',
		accessLog: 'off',
		limits: 'off',
		...settings,
	};
	const services = createServices({ config, clock: Date.now, log: silentLog, publicUrl: () => 'http://chat.test' });
	const app = createApp(services, { config, log: silentLog });
	return {
		app,
		services,
		get: (path: string, headers: Record<string, string> = {}): Promise<Response> =>
			Promise.resolve(
				app.handle(new Request(`http://chat.test${path}`, { headers: { host: 'chat.test', ...headers } })),
			),
		[Symbol.dispose]: () => services.store.close(),
	};
};
