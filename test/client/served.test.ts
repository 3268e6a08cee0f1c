import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { appInMemory } from '../support/app-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { createTestApp } from '../support/test-app.ts';
import { within } from './client-support.ts';

/** How large the client may be on its way. */
const bytesMax = 8_192;

describe('/client.js', () => {
	test('is small', async () => {
		using server = appInMemory();
		const response = await server.get('/client.js', { 'accept-encoding': 'gzip' });
		expect(response.headers.get('content-encoding')).toBe('gzip');
		const packed = Buffer.from(await response.arrayBuffer());
		expect(packed.byteLength).toBeLessThan(bytesMax);
		expect(gunzipSync(packed).toString()).toBe(await (await server.get('/client.js')).text());
	});

	test('is a module that needs nothing else, names no host and makes no code', async () => {
		using server = appInMemory();
		const response = await server.get('/client.js');
		expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
		const code = await response.text();
		const { imports, exports } = new Bun.Transpiler({ loader: 'js' }).scan(code);
		expect(imports).toEqual([]);
		expect(exports.toSorted()).toEqual(['Failure', 'createClient', 'uuid7']);
		expect(code).not.toMatch(
			/\w+:\/\/|\beval\b|\bFunction\(|\brequire\b|\bprocess\b|\bBun\b|localhost|sourceMappingURL/,
		);
	});

	test('may be loaded by a page of any origin, and is not sent again to a browser that has it', async () => {
		using server = appInMemory();
		const { headers } = await server.get('/client.js', { origin: 'https://anywhere.example' });
		expect(headers.get('access-control-allow-origin')).toBe('*');
		expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
		expect(headers.get('cache-control')).toBe('no-cache');
		const again = await server.get('/client.js', { 'if-none-match': headers.get('etag') ?? '' });
		expect(again.status).toBe(304);
	});

	test('as it is served talks to the server that it came from, and says by CORS what it needs', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const talk = await t.conversation('alice', 'bob');
		const { token, site } = t.person('alice');
		const options = JSON.stringify({ apiKey: site.publishableKey, token });
		using folder = tempFolder();
		const file = join(folder.path, 'client.mjs');
		const code = await (await fetch(`${url}/client.js`)).text();
		// note: what import.meta.url is in a page, a program that loads a file cannot have
		await Bun.write(file, code.replaceAll('import.meta.url', JSON.stringify(`${url}/client.js`)));
		const child = Bun.spawn(
			[
				process.execPath,
				'-e',
				`
				import { createClient } from ${JSON.stringify(file)};
				const client = createClient(${options});
				client.on('message.created', ({ data }) => {
					console.log('told', data.content.text);
					client.close();
				});
				client.on('state', (state) => state === 'live' && client.send('${talk}', 'from afar'));
				client.connect();
			`,
			],
			{ stdout: 'pipe', stderr: 'inherit' },
		);
		expect(await within(child.stdout.text(), 'the other process to end')).toBe('told from afar\n');
		expect(await child.exited).toBe(0);

		const origin = 'https://site.com';
		const asked = await fetch(`${url}/api/v1/p2p/conversations`, {
			method: 'OPTIONS',
			headers: {
				origin,
				'access-control-request-method': 'POST',
				'access-control-request-headers': 'authorization,content-type,x-api-key',
			},
		});
		expect(asked.status).toBe(204);
		expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
		const allowed = asked.headers.get('access-control-allow-headers')?.split(', ') ?? [];
		expect(allowed).toEqual(expect.arrayContaining(['authorization', 'content-type', 'x-api-key']));
		// without it a page could not see how long it is to wait
		expect(asked.headers.get('access-control-expose-headers')).toContain('retry-after');
	});
});
