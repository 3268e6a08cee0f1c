import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { liveProgram } from './live-support.ts';
import { apiOf, chromiumPath, identityToken, launchBrowser, type Site, sayWithout } from './widget-support.ts';

/** What the README has a page do, done by a page in a real browser. */

const root = join(import.meta.dir, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocksOf = (heading: string, language: string): string[] =>
	Array.from(
		(readme.split(`\n### ${heading}\n`)[1]?.split('\n## ')[0]?.split('\n### ')[0] ?? '').matchAll(
			new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'),
		),
		([, block]) => block ?? '',
	);
const patience = 60_000;
sayWithout('What the README has a page do');

/** The README's component with a page around it; Preact is as good as React for a hook. */
const bundleReact = (component: string): string => {
	// note: within the project, so that its packages are found
	const folder = join(root, 'dist/.readme');
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'chat.jsx'), component.replace("'react'", "'preact/hooks'"));
	writeFileSync(
		join(folder, 'main.js'),
		`import { h, render } from 'preact';
import { Chat } from './chat.jsx';
window.show = (userId) => render(h(Chat, { userId }), document.querySelector('#app'));`,
	);
	const { stdout, stderr, exitCode } = Bun.spawnSync([
		process.execPath,
		'build',
		'--target=browser',
		join(folder, 'main.js'),
	]);
	rmSync(folder, { recursive: true });
	if (exitCode !== 0) throw new Error(stderr.toString());
	return stdout.toString();
};

const world = async (path: string) => {
	const server = await liveProgram();
	const site: Site = { ...server.first, url: server.url };
	const fill = (text: string) =>
		text
			.replaceAll('https://chat.site.com', site.url)
			.replaceAll('wss://chat.site.com', site.url.replace(/^http/, 'ws'))
			.replaceAll('pk_…', site.publishableKey);
	const script = bundleReact(fill(blocksOf('React', 'jsx')[0] ?? ''));
	let visitor: string | null = null;
	const host = Bun.serve({
		hostname: '127.0.0.1',
		port: 0,
		fetch: (request) => {
			const { pathname } = new URL(request.url);
			if (pathname === '/app.js') return new Response(script, { headers: { 'content-type': 'text/javascript' } });
			if (pathname === '/chat-identity')
				return visitor === null
					? new Response(null, { status: 401 })
					: new Response(identityToken(site, visitor), { headers: { 'cache-control': 'no-store' } });
			const inside =
				pathname === '/react'
					? '<div id="app"></div><script type="module" src="/app.js"></script>'
					: blocksOf('Plain HTML', 'html').map(fill).join('');
			return new Response(
				`<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">${inside}`,
				{
					headers: {
						'content-type': 'text/html; charset=utf-8',
						// as the README says a policy must be
						'content-security-policy': `default-src 'self'; img-src data:; script-src 'self' ${site.url}; connect-src 'self' ${site.url} ${site.url.replace(/^http/, 'ws')}`,
					},
				},
			);
		},
	});
	return {
		server,
		site,
		host,
		url: `http://127.0.0.1:${host.port}`,
		browser: (await launchBrowser(path)) as Browser,
		api: apiOf(site),
		signIn: (who: string | null) => {
			visitor = who;
		},
	};
};
let w: Awaited<ReturnType<typeof world>>;
const faults: string[] = [];
const open = async (path: string): Promise<Page> => {
	const page = await w.browser.newPage();
	page.setDefaultTimeout(8_000);
	page.on('pageerror', (error) => faults.push(String(error)));
	page.on('console', (message) => {
		if (message.type() === 'error' && !/status of 40\d/.test(message.text())) faults.push(message.text());
	});
	await page.addInitScript(() => {
		const attach = Element.prototype.attachShadow;
		Element.prototype.attachShadow = function (options) {
			return attach.call(this, { ...options, mode: 'open' });
		};
	});
	await page.goto(w.url + path);
	return page;
};
const kept = (page: Page): Promise<string> => page.evaluate(() => Object.values(localStorage).join());

beforeAll(async () => {
	if (chromiumPath !== null) w = await world(chromiumPath);
}, patience);
afterAll(async () => {
	if (chromiumPath === null) return;
	await w.browser.close();
	w.host.stop(true);
	await w.server[Symbol.asyncDispose]();
});

describe.skipIf(chromiumPath === null)('what the README has a page do', () => {
	test(
		'plain HTML: the tag makes the button, and a button of the page opens a chat',
		async () => {
			await w.api('POST', '/users', { username: 'seller', externalId: '42' });
			const page = await open('/');
			await page.locator('parley-widget .launcher').waitFor();
			await page.getByRole('button', { name: 'Ask the seller' }).click();
			await page.locator('parley-widget .panel').waitFor();
			// the calls of the table are there
			const calls = await page.evaluate(() => Object.keys((window as unknown as { Parley: object }).Parley));
			for (const name of calls) expect(readme).toContain(`\`${name}(`);
			await page.close();
		},
		patience,
	);

	test(
		'React: the component adds the widget once, and tells it who is signed in and who no longer is',
		async () => {
			const page = await open('/react');
			const show = (userId: string | null) => {
				w.signIn(userId);
				return page.evaluate((id) => (window as unknown as { show(id: string | null): void }).show(id), userId);
			};
			await show('carol');
			await page.locator('parley-widget .launcher').click();
			await page.waitForFunction(() => Object.values(localStorage).join().includes('user:carol'));
			await show('dave');
			await page.waitForFunction(() => Object.values(localStorage).join().includes('user:dave'));
			await show(null);
			await page.waitForFunction(() => localStorage.length === 0);
			expect(await kept(page)).toBe('');
			expect(await page.locator('parley-widget').count()).toBe(1);
			expect(await page.locator('script[data-key]').count()).toBe(1);
			await page.close();
		},
		patience,
	);

	test('nothing went wrong: no error, nothing against the policy', () => {
		expect(faults).toEqual([]);
	});
});
