import { createApp } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { type Logger, silentLog } from '../../src/kernel/log.ts';
import { createServices } from '../../src/services.ts';

/** The Host under which tests call. note: Elysia needs one of four characters or more to find the path */
export const testHost = 'chat.test';

/** appInMemory is the whole server over an empty store, without a socket. Ends with its block: `using server = appInMemory()`. */
export const appInMemory = (
	settings: Partial<Config> = {},
	{ clock = Date.now, log = silentLog }: { clock?: Clock; log?: Logger } = {},
) => {
	const config: Config = {
		...loadConfig({}, {}),
		data: ':memory:',
		tokenSecret: 'a secret of the tests, long enough for HS256',
		accessLog: 'off',
		limits: 'off',
		...settings,
	};
	const services = createServices({ config, clock, log, publicUrl: () => config.publicUrl ?? `http://${testHost}` });
	const app = createApp(services, { config, log });
	return {
		app,
		services,
		config,
		get: (path: string, headers: Record<string, string> = {}): Promise<Response> =>
			Promise.resolve(
				app.handle(new Request(`http://${testHost}${path}`, { headers: { host: testHost, ...headers } })),
			),
		[Symbol.dispose]: () => services.store.close(),
	};
};
