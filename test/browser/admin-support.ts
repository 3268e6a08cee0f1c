import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Client, createClient } from '../../src/client/client.ts';

/** The admin page in a browser, and customers who write to it from elsewhere. */

export const password = 'correct horse battery';
const axeSource = readFileSync(join(import.meta.dir, '../../node_modules/axe-core/axe.min.js'), 'utf8');

/** enter opens a page of the server in a browser of its own, and notes what must never happen there. */
export const enter = async (browser: Browser, url: string, path: string, options: BrowserContextOptions = {}) => {
	const context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, ...options });
	context.setDefaultTimeout(8_000);
	const page = await context.newPage();
	const faults: string[] = [];
	page.on('console', (message) => {
		// the browser itself tells of a page that is offline, and of an answer that is a refusal
		if (message.type() === 'error' && !/status of 4\d\d|ERR_INTERNET_DISCONNECTED/.test(message.text()))
			faults.push(message.text());
	});
	page.on('pageerror', (error) => faults.push(String(error)));
	page.on('dialog', (dialog) => {
		faults.push(`dialog: ${dialog.message()}`);
		dialog.dismiss().catch(() => undefined);
	});
	page.on('request', (request) => {
		const { protocol, origin } = new URL(request.url());
		if (protocol.startsWith('http') && origin !== url) faults.push(`foreign: ${request.url()}`);
	});
	await page.addInitScript(() =>
		addEventListener('securitypolicyviolation', (event) => {
			console.error(`policy: ${(event as Event & { violatedDirective: string }).violatedDirective}`);
		}),
	);
	await page.goto(url + path);
	return {
		page,
		faults,
		/** go is what a reload of a link does: the page begins anew there. */
		go: async (to: string) => {
			await page.goto(url + to);
			await page.locator('.shell').waitFor();
		},
		close: () => context.close(),
	};
};
export type Visit = Awaited<ReturnType<typeof enter>>;

/** signIn fills in the form that the page shows first. */
export const signIn = async ({ page }: Visit, email: string, stay = false) => {
	await page.getByLabel('Email').fill(email);
	await page.getByLabel('Password', { exact: true }).fill(password);
	if (stay) await page.getByLabel('Stay signed in').check();
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.locator('.shell').waitFor();
};

/** customerOf is somebody who came to the site by themselves. */
export const customerOf = async (url: string, apiKey: string, name: string): Promise<Client & { id: string }> => {
	const open = createClient({ url, apiKey });
	const { id } = await open.createUser({ username: name.replaceAll(' ', '_').toLowerCase(), displayName: name });
	const { chatToken } = await open.chatToken(id);
	return Object.assign(createClient({ url, apiKey, token: chatToken }), { id });
};

/** faultsOfAccess is what axe finds on the whole page, or in a frame of it; each on its own. */
export const faultsOfAccess = async (page: Pick<Page, 'evaluate'>): Promise<string[]> => {
	await page.evaluate(axeSource);
	return page.evaluate(async () => {
		const { axe } = window as unknown as {
			axe: { run(of: Document, how: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
		};
		const { violations } = await axe.run(document, { resultTypes: ['violations'], iframes: false });
		return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
	});
};
