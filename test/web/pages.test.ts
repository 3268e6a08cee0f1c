import { expect, test } from 'bun:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { clientFrames, closeCodes, events, serverFrames, transientEvents } from '../../src/realtime/realtime.schema.ts';
import { appInMemory } from '../support/app-support.ts';

const pages = ['/', '/setup', '/access', '/docs', '/swagger', '/swagger/realtime'];
/** Addresses of files that a page loads. */
const loaded = (html: string): string[] =>
	[...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url]) => url ?? '');

for (const page of pages) {
	test(`${page} runs no script but the server's own, and nothing from another host`, async () => {
		using server = appInMemory();
		const { get } = server;
		const response = await get(page);
		expect(response.status).toBe(200);
		expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
		const policy = Object.fromEntries(
			(response.headers.get('content-security-policy') ?? '').split('; ').map((part) => {
				const [name = '', ...sources] = part.split(' ');
				return [name, sources.join(' ')];
			}),
		);
		expect(policy).toMatchObject({
			'default-src': "'none'",
			'script-src': "'self'",
			'connect-src': "'self'",
			'base-uri': "'none'",
			'form-action': "'none'",
			'frame-ancestors': "'none'",
		});
		const html = await response.text();
		expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
		expect(html).not.toMatch(/(?:src|href|action)="(?:https?:)?\/\//);
		expect(html).not.toContain('{{');
	});

	test(`${page} loads files that are there, by addresses that never show another one`, async () => {
		using server = appInMemory();
		const { get } = server;
		const urls = loaded(await (await get(page)).text());
		expect(urls.length).toBeGreaterThan(1);
		for (const url of urls) {
			const response = await get(url);
			expect(response.status).toBe(200);
			expect(response.headers.get('content-type')).not.toContain('html');
			expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
			expect((await get(url.replace(/v=\w+/, 'v=old'))).headers.get('cache-control')).toBe('no-cache');
		}
	});

	test(`${page} is not sent again to a browser that has it`, async () => {
		using server = appInMemory();
		const { get } = server;
		for (const url of [page, ...loaded(await (await get(page)).text())]) {
			const etag = (await get(url)).headers.get('etag') ?? '';
			expect(etag).toMatch(/^W\/"[0-9a-f]{16}"$/);
			const again = await get(url, { 'if-none-match': `"other", ${etag}` });
			expect(again.status).toBe(304);
			expect(await again.text()).toBe('');
		}
	});
}

for (const [encoding, decode] of [
	['br', brotliDecompressSync],
	['gzip', gunzipSync],
] as const)
	test(`files go out as ${encoding} to whoever takes it`, async () => {
		using server = appInMemory();
		const { get } = server;
		const url = '/assets/swagger-ui-bundle.js';
		const plain = Buffer.from(await (await get(url)).arrayBuffer());
		const response = await get(url, { 'accept-encoding': encoding });
		expect(response.headers.get('content-encoding')).toBe(encoding);
		expect(response.headers.get('vary')).toContain('Accept-Encoding');
		const packed = Buffer.from(await response.arrayBuffer());
		expect(packed.byteLength).toBeLessThan(plain.byteLength / 3);
		expect(decode(packed).equals(plain)).toBe(true);
	});

test('the start page speaks of this server, its site and its key', async () => {
	using server = appInMemory();
	const { get, services } = server;
	const { publishableKey } = await services.sites.add({ resourceId: 'acme.test' });
	const html = await (await get('/')).text();
	for (const part of ['http://chat.test/api/v1/users', 'acme.test', publishableKey, '/swagger'])
		expect(html).toContain(part);
	expect(await (await get('/swagger')).text()).toContain(`data-key="${publishableKey}"`);
});

test('no page shows a secret', async () => {
	using server = appInMemory();
	const { get, services } = server;
	const { secretKey, identitySecret } = await services.sites.add({ resourceId: 'acme.test' });
	const { setupToken } = await services.sites.setupLink('acme.test');
	for (const page of [...pages, '/swagger/json']) {
		const text = await (await get(page)).text();
		for (const secret of [secretKey, identitySecret, setupToken]) expect(text).not.toContain(secret);
	}
});

test('the start page asks for a superadmin until there is one', async () => {
	using server = appInMemory();
	const { app, get, services } = server;
	await services.sites.add({ resourceId: 'acme.test' });
	expect(await (await get('/')).text()).toContain('parley setup-link');
	const { setupToken } = await services.sites.setupLink('acme.test');
	const made = await app.handle(
		new Request('http://chat.test/api/v1/auth/setup', {
			method: 'POST',
			headers: { host: 'chat.test', 'content-type': 'application/json' },
			body: JSON.stringify({
				setupToken,
				resourceId: 'acme.test',
				username: 'root',
				email: 'root@acme.test',
				password: 'correct horse battery staple',
			}),
		}),
	);
	expect(made.status).toBe(201);
	expect(await (await get('/')).text()).not.toContain('parley setup-link');
});

test('the start page has the tag for its site, and leads nowhere that is not there', async () => {
	using server = appInMemory();
	const { get, services } = server;
	const { publishableKey } = await services.sites.add({ resourceId: 'acme.test' });
	const html = await (await get('/')).text();
	expect(readable(html).replaceAll(/\s+/g, ' ')).toContain(
		`<script src="http://chat.test/widget.js" data-key="${publishableKey}" async></script>`,
	);
	const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
	const links = [...html.matchAll(/<a href="([^"]+)"/g)].map(([, link = '']) => link);
	for (const link of ['/admin', '/docs', '/swagger', '/swagger/realtime', '#tag']) expect(links).toContain(link);
	for (const link of links) {
		const isThere = link.startsWith('#') ? ids.includes(link.slice(1)) : (await get(link)).status === 200;
		expect([link, isThere]).toEqual([link, true]);
	}
	// there is a demo only where one was made
	expect(links).not.toContain('/demo');
});

for (const page of ['/setup', '/access'])
	test(`${page} ends with the way to the admin panel`, async () => {
		using server = appInMemory();
		const html = await (await server.get(page)).text();
		expect(html.slice(html.indexOf('id="done"'))).toContain('href="/admin"');
	});

/** The text of a page, as it is read. */
const readable = (html: string): string =>
	html
		.replaceAll(/<[^>]+>/g, '')
		.replaceAll(
			/&(?:amp|lt|gt|quot|#39);/g,
			(found) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' })[found] ?? "'",
		);
const inText = (sentence: string): string => sentence.replaceAll('`', '');
const said: Record<string, TSchema> = {
	...Object.fromEntries(Object.entries(clientFrames).map(([type, schema]) => [`send-${type}`, schema])),
	...serverFrames,
	...events,
	...transientEvents,
};

test('the page on real time has every frame and event, with what it means, each field, and an example', async () => {
	using server = appInMemory();
	const html = await (await server.get('/swagger/realtime')).text();
	for (const [id, schema] of Object.entries(said)) {
		const from = html.indexOf(`<h3 id="${id}">`);
		expect([id, from > 0]).toEqual([id, true]);
		expect(html).toContain(`href="#${id}"`);
		const about = html.slice(from);
		expect(readable(about)).toContain(inText(schema.description ?? '?'));
		const names = (part: TSchema, before: string): string[] =>
			Object.keys(part.properties ?? {}).map((name) => `${before}${name}`);
		const fields = schema.properties.data
			? names(schema.properties.data, schema.properties.data.properties ? 'data.' : '')
			: names(schema, '').filter((name) => name !== 'type');
		for (const field of fields) expect(about).toContain(`<th scope="row"><code>${field}</code><span>`);
		expect(readable(about)).toContain(JSON.stringify(schema.examples?.[0], null, 2));
	}
	// what is in an object without a name, or in a list of them, stands below it
	for (const field of ['content.text', 'user.id', 'errors[].path', 'data.reactions[].userIds', 'data.rating.score'])
		expect(html).toContain(`<th scope="row"><code>${field}</code>`);
	for (const field of ['id', 'createdAt', 'conversationId'])
		expect(html.slice(html.indexOf('<h2 id="events">'))).toContain(`<th scope="row"><code>${field}</code>`);
});

test('the page on real time has every close code, with what to do', async () => {
	using server = appInMemory();
	const html = await (await server.get('/swagger/realtime')).text();
	for (const [name, [code, meaning]] of Object.entries(closeCodes)) {
		expect(html).toContain(`<code>${code}</code><span>${name}</span>`);
		expect(readable(html)).toContain(inText(meaning));
	}
});

test('the page on real time leads nowhere that is not there', async () => {
	using server = appInMemory();
	const html = await (await server.get('/swagger/realtime')).text();
	const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
	expect(new Set(ids).size).toBe(ids.length);
	const targets = [...html.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id ?? '');
	expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
	expect(targets).toContain('Profile');
	for (const page of ['/', '/swagger'])
		expect(await (await server.get(page)).text()).toContain('href="/swagger/realtime"');
});

test('the example of every frame and event is one', () => {
	const wrong = Object.entries(said).flatMap(([type, schema]) =>
		schema.examples?.length
			? [...Value.Errors(schema, schema.examples[0])].map(({ path, message }) => `${type}${path}: ${message}`)
			: [`${type} has none`],
	);
	expect(wrong).toEqual([]);
	// a field that is no longer in the schema would pass the check
	const strange = Object.entries(said).filter(
		([, schema]) => !Bun.deepEquals(Value.Clean(schema, structuredClone(schema.examples?.[0])), schema.examples?.[0]),
	);
	expect(strange.map(([type]) => type)).toEqual([]);
});

test('a path that no page has is answered as any other', async () => {
	using server = appInMemory();
	const { get } = server;
	for (const path of ['/nothing', '/assets/nothing.js', '/assets/home.html', '/assets/../package.json']) {
		const response = await get(path, { accept: 'text/html' });
		expect(response.status).toBe(404);
		expect(await response.json()).toMatchObject({ success: false, code: 'route_not_found' });
	}
});
