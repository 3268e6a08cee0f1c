import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { signJwt } from '../support/test-app.ts';

/** A browser, and a web shop of another origin that has the widget and means it no good. */

export { chromiumPath, sayWithout } from './chromium.ts';
export const launchBrowser = (path: string): Promise<Browser> =>
	chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

export interface Site {
	url: string;
	resourceId: string;
	publishableKey: string;
	secretKey: string;
	identitySecret: string;
}

/** An identity token as the shop's server signs it. */
export const identityToken = ({ resourceId, identitySecret }: Site, externalId: string): string => {
	const iat = Math.floor(Date.now() / 1_000);
	return signJwt({ sub: externalId, iss: resourceId, aud: 'chat-identity', iat, exp: iat + 600 }, identitySecret);
};

/** Everything a style sheet can do to an element that is not its own. */
const hostileStyle = `
* { color: red !important; font: 40px/3 serif !important; display: none !important; opacity: 0.1 !important;
	position: static !important; transform: rotate(9deg) !important; --accent: red !important; --ground: red !important;
	visibility: hidden !important; pointer-events: none !important; zoom: 3 !important; }
html, head ~ body, main, main * { all: revert !important; }
body { display: grid !important; gap: 40px !important; }
parley-widget { width: 500px !important; height: 900px !important; background: red !important; border: 9px solid !important; }`;

/** shop is that web shop: \`data-*\` of the tag come from the query, whoever is signed in from a cookie. */
export const shop = (site: Site) => {
	const page = (query: URLSearchParams) => {
		const data = [...query].map(([name, value]) => `data-${name}="${value}"`).join(' ');
		return `<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/hostile.css"></head><body><main><h1>Shop</h1><p id="text">${'Goods. '.repeat(60)}</p>
<button type="button" data-parley-chat="bob">Ask Bob</button><div id="place"></div></main>
<script src="${site.url}/widget.js" data-key="${site.publishableKey}" ${data} async></script></body></html>`;
	};
	const policy = [
		"default-src 'none'",
		`script-src ${site.url}`,
		`connect-src 'self' ${site.url} ${site.url.replace(/^http/, 'ws')}`,
		"style-src 'self'",
		'img-src data:',
		"base-uri 'none'",
		"require-trusted-types-for 'script'",
	].join('; ');
	const server = Bun.serve({
		hostname: '127.0.0.1',
		port: 0,
		fetch: (request) => {
			const { pathname, searchParams } = new URL(request.url);
			if (pathname === '/hostile.css') return new Response(hostileStyle, { headers: { 'content-type': 'text/css' } });
			if (pathname === '/identity') {
				const who = /\bwho=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1];
				return who
					? Response.json({ identityToken: identityToken(site, who) }, { headers: { 'cache-control': 'no-store' } })
					: new Response(null, { status: 401 });
			}
			return new Response(page(searchParams), {
				headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
			});
		},
	});
	return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
};

/** What a page must never do. */
export interface Faults {
	console: string[];
	foreign: string[];
	dialogs: string[];
}

/** visit opens a page of the shop, and notes what goes wrong in it. `widget` is the element's inside. */
export const visit = async (
	context: BrowserContext,
	{ shopUrl, siteUrl, query = '', init }: { shopUrl: string; siteUrl: string; query?: string; init?: () => void },
) => {
	const page = await context.newPage();
	const faults: Faults = { console: [], foreign: [], dialogs: [] };
	page.on('console', (message) => {
		// the browser itself tells of a page that is offline, and of an answer that is a refusal
		if (message.type() === 'error' && !/ERR_INTERNET_DISCONNECTED|status of 40\d/.test(message.text()))
			faults.console.push(message.text());
	});
	page.on('pageerror', (error) => faults.console.push(String(error)));
	page.on('request', (request) => {
		const { origin, protocol } = new URL(request.url());
		if (protocol.startsWith('http') && ![shopUrl, siteUrl].includes(origin)) faults.foreign.push(request.url());
	});
	page.on('dialog', (dialog) => {
		faults.dialogs.push(dialog.message());
		dialog.dismiss().catch(() => undefined);
	});
	await page.addInitScript(() => {
		const attach = Element.prototype.attachShadow;
		// note: closed in truth; a test has to see inside
		Element.prototype.attachShadow = function (options) {
			return attach.call(this, { ...options, mode: 'open' });
		};
		addEventListener('securitypolicyviolation', (event) => console.error('policy', event));
	});
	if (init) await page.addInitScript(init);
	await page.goto(`${shopUrl}/?${query}`);
	await page.waitForFunction(() => document.querySelector('parley-widget') !== null);
	const widget = page.locator('parley-widget');
	return {
		page,
		faults,
		widget,
		open: () => widget.locator('.launcher').click(),
		write: async (text: string) => {
			await widget.locator('.composer textarea').fill(text);
			await widget.locator('.composer textarea').press('Enter');
		},
		close: () => page.close(),
	};
};
export type Visit = Awaited<ReturnType<typeof visit>>;

/** server calls the API with the site's secret key, as itself or as somebody. */
export const apiOf =
	({ url, secretKey }: Site) =>
	async <T = { id: string }>(method: string, path: string, body?: object, as?: string): Promise<T> => {
		const response = await fetch(`${url}/api/v1${path}`, {
			method,
			headers: { 'x-api-key': secretKey, 'content-type': 'application/json', ...(as && { 'x-act-as': as }) },
			...(body && { body: JSON.stringify(body) }),
		});
		const { success, data, message } = (await response.json()) as { success: boolean; data: T; message: string };
		if (!success) throw new Error(`${method} ${path}: ${message}`);
		return data;
	};

export type { Page };
