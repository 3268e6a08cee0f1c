import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { CommandError } from './failure.ts';
import { withExamples } from './options.ts';
import { print } from './output.ts';

/** openapiDocument asks a server that listens nowhere and stores nothing for its document: what is printed is what is served. */
const openapiDocument = async (): Promise<unknown> => {
	const [{ createApp }, { createServices }, { silentLog }, { newSecret }] = await Promise.all([
		import('../app.ts'),
		import('../services.ts'),
		import('../kernel/log.ts'),
		import('../kernel/ids.ts'),
	]);
	const config = { ...loadConfig(), data: ':memory:', tokenSecret: newSecret(''), accessLog: 'off' as const };
	const origin = config.publicUrl ?? `http://127.0.0.1:${config.port}`;
	const services = createServices({ config, clock: Date.now, log: silentLog, publicUrl: () => origin });
	try {
		const app = createApp(services, { config, log: silentLog });
		const response = await app.handle(
			new Request(`${origin}/swagger/json`, { headers: { host: new URL(origin).host } }),
		);
		if (!response.ok) throw new CommandError('this program has no OpenAPI document.');
		return await response.json();
	} finally {
		services.store.close();
	}
};

export const openapiCommand = (program: Command): void => {
	withExamples(program.command('openapi').description('print the API as an OpenAPI document (JSON)'), [
		'parley openapi > openapi.json',
	])
		.option('--json', 'on one line')
		.action(async (options: { json?: boolean }) => {
			const document = await openapiDocument();
			await print(JSON.stringify(document, null, options.json ? undefined : 2));
		});
};
