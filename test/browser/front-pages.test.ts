import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { createClient } from '../../src/client/client.ts';
import { enter, faultsOfAccess, password, type Visit } from './admin-support.ts';
import { liveProgram } from './live-support.ts';
import { apiOf, chromiumPath, launchBrowser, sayWithout } from './widget-support.ts';

/** The pages one meets first, in a real browser: `/`, `/setup`, `/access`. */

const pictures = join(import.meta.dir, '../../dist/screenshots');
const patience = 60_000;
sayWithout('The first pages');

const world = async (path: string) => {
	const server = await liveProgram();
	return { server, browser: (await launchBrowser(path)) as Browser, api: apiOf({ ...server.first, url: server.url }) };
};
let w: Awaited<ReturnType<typeof world>>;
let rosa: Visit;
const visits: Visit[] = [];
const visit = async (path: string): Promise<Visit> => {
	const entered = await enter(w.browser, w.server.url, path);
	visits.push(entered);
	return entered;
};
/** Both themes, narrow and wide: a picture of each, nothing that axe objects to, and nothing beside the screen. */
const looksWell = async ({ page }: Visit, name: string) => {
	for (const [width, height] of [
		[1_280, 800],
		[360, 740],
	] as const)
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
			expect([name, width, colorScheme, await faultsOfAccess(page)]).toEqual([name, width, colorScheme, []]);
			expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
		}
	await page.setViewportSize({ width: 1_280, height: 800 });
	await page.emulateMedia({ colorScheme: 'light' });
};

beforeAll(async () => {
	if (chromiumPath === null) return;
	mkdirSync(pictures, { recursive: true });
	w = await world(chromiumPath);
}, patience);
afterAll(async () => {
	if (chromiumPath === null) return;
	await w.browser.close();
	await w.server[Symbol.asyncDispose]();
});

describe.skipIf(chromiumPath === null)('the first pages', () => {
	test(
		'the start page says what to do next, as long as there is something to do',
		async () => {
			rosa = await visit('/');
			await rosa.page.getByRole('heading', { name: 'What to do next' }).waitFor();
			await looksWell(rosa, 'home-first');
			// the form opens empty-handed too, and says where the link is
			await rosa.page.goto(`${w.server.url}/setup`);
			await rosa.page.getByText('parley setup-link').waitFor();
			await looksWell(rosa, 'setup-without');
		},
		patience,
	);

	test(
		'setup asks for the website first, and says at the field what is wrong',
		async () => {
			const { page } = rosa;
			await page.goto(w.server.first.setupUrl);
			await page.keyboard.press('Tab');
			await page.keyboard.press('Tab');
			expect(await page.evaluate(() => document.activeElement?.id)).toBe('resourceId');
			expect(page.url()).toBe(`${w.server.url}/setup`);
			await looksWell(rosa, 'setup');
			await page.getByLabel('Address of your website').fill('https://www.localhost/shop?a=1');
			await page.getByLabel('Username').fill('Rosa');
			await page.getByLabel('Email').fill('rosa@site.com');
			await page.getByLabel('Password', { exact: true }).fill('short');
			await page.getByRole('button', { name: 'Set up' }).click();
			await page.locator('#password-error').waitFor();
			expect(await page.evaluate(() => document.activeElement?.id)).toBe('password');
			await looksWell(rosa, 'setup-wrong');
		},
		patience,
	);

	test(
		'setup ends with a tag that shows the chat, a curl that works, and the way to the admin panel',
		async () => {
			const { page } = rosa;
			await page.getByLabel('Password', { exact: true }).fill(password);
			await page.getByRole('button', { name: 'Set up' }).click();
			await page.getByRole('heading', { name: 'Your site is set up' }).waitFor();
			await looksWell(rosa, 'setup-done');
			const [tag = '', curl = ''] = await page.locator('#done pre').allTextContents();
			const ran = Bun.spawnSync(['bash', '-c', `${curl} -sS`], { stdin: 'ignore' });
			expect(JSON.parse(ran.stdout.toString())).toMatchObject({ success: true, data: { username: 'john_doe' } });

			const host = Bun.serve({
				hostname: '127.0.0.1',
				port: 0,
				fetch: () =>
					new Response(`<!doctype html><title>x</title>${tag}`, { headers: { 'content-type': 'text/html' } }),
			});
			const other = await w.browser.newPage();
			await other.addInitScript(() => {
				const attach = Element.prototype.attachShadow;
				Element.prototype.attachShadow = function (options) {
					return attach.call(this, { ...options, mode: 'open' });
				};
			});
			await other.goto(`http://127.0.0.1:${host.port}/`);
			await other.locator('parley-widget .launcher').click();
			await other.locator('parley-widget .hello').waitFor();
			await other.close();
			host.stop(true);

			await page.getByRole('link', { name: 'Open the admin panel' }).click();
			await page.getByRole('button', { name: 'Sign in' }).waitFor();
			await page.goto(w.server.url);
			expect(await page.getByText('What to do next').count()).toBe(0);
			await page.getByText('Write your first message with curl').click();
			await looksWell(rosa, 'home');
		},
		patience,
	);

	test(
		'an access link sets a password, and leads to the admin panel',
		async () => {
			const { id } = await w.api('POST', '/users', { username: 'stan', role: 'staff' });
			const { publishableKey, resourceId } = w.server.first;
			const open = createClient({ url: w.server.url, apiKey: publishableKey });
			const { chatToken } = await open.post<{ chatToken: string }>('/auth/login', {
				resourceId,
				email: 'rosa@site.com',
				password,
			});
			const admin = createClient({ url: w.server.url, apiKey: publishableKey, token: chatToken });
			const link = await admin.post<{ url: string }>(`/admin/users/${id}/access-link`);
			const stan = await visit('/access');
			await looksWell(stan, 'access-without');
			await stan.page.goto(link.url);
			await looksWell(stan, 'access');
			await stan.page.getByLabel('Email').fill('stan@site.com');
			await stan.page.getByLabel('New password').fill(password);
			await stan.page.getByRole('button', { name: 'Set password' }).click();
			await stan.page.getByRole('heading', { name: 'Your password is set' }).waitFor();
			await looksWell(stan, 'access-done');
			await stan.page.getByRole('link', { name: 'Open the admin panel' }).click();
			await stan.page.getByRole('button', { name: 'Sign in' }).waitFor();
		},
		patience,
	);

	test('nothing went wrong on any of them: no error, no foreign host, nothing against the policy', () => {
		expect(visits.flatMap(({ faults }) => faults)).toEqual([]);
	});
});
