import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { enter, faultsOfAccess } from './admin-support.ts';
import { liveProgram } from './live-support.ts';
import { chromiumPath, launchBrowser, sayWithout } from './widget-support.ts';

/** The documentation page in a real browser: its examples run where they stand. */

const patience = 60_000;
sayWithout('The documentation page');

const world = async (path: string) => ({
	server: await liveProgram(),
	browser: (await launchBrowser(path)) as Browser,
});
let w: Awaited<ReturnType<typeof world>>;
beforeAll(async () => {
	if (chromiumPath !== null) w = await world(chromiumPath);
}, patience);
afterAll(async () => {
	if (chromiumPath === null) return;
	await w.browser.close();
	await w.server[Symbol.asyncDispose]();
});

describe.skipIf(chromiumPath === null)('the documentation page', () => {
	for (const colorScheme of ['light', 'dark'] as const)
		test(
			`runs its three examples, again and again, and shows the answers (${colorScheme})`,
			async () => {
				const { page, faults, close } = await enter(w.browser, w.server.url, '/docs', { colorScheme });
				const press = async (name: string, said: string) => {
					const box = page.locator('.run', { has: page.getByRole('button', { name: `Run: ${name}` }) });
					await box.getByRole('button').click();
					await box.getByText(said, { exact: true }).waitFor();
					await page.waitForFunction(() => document.querySelector('.run button:disabled') === null);
					return JSON.parse((await box.locator('pre').textContent()) ?? '');
				};
				const first = await press('Create User', '201 Created');
				const again = await press('Create User', '201 Created');
				expect(first.data.username).not.toBe(again.data.username);
				const { data } = await press('Get Chat Token', '200 OK');
				expect(data.user.id).toBe(again.data.id);
				expect(await page.evaluate(() => localStorage.getItem('chatToken'))).toBe(data.chatToken);
				const sent = await press('Send P2P Message', '201 Created');
				expect(sent.data).toMatchObject({ senderId: again.data.id, seq: 1, content: { text: 'How are you?' } });
				expect((await press('Send P2P Message', '201 Created')).data.seq).toBe(2);
				// whoever has made a call must prove who they are: the page goes on with somebody new
				expect((await press('Get Chat Token', '200 OK')).data.user.id).not.toBe(again.data.id);
				expect(await faultsOfAccess(page)).toEqual([]);
				expect(faults).toEqual([]);
				await close();
			},
			patience,
		);

	test(
		'sends a message with nothing pressed before, and fits on a small screen',
		async () => {
			const options = { viewport: { width: 360, height: 740 } };
			const { page, faults, close } = await enter(w.browser, w.server.url, '/docs', options);
			await page.getByRole('button', { name: 'Run: Send P2P Message' }).click();
			const box = page.locator('.run', { has: page.locator('[data-run=sendMessage]') });
			await box.getByText('201 Created', { exact: true }).waitFor();
			expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
			expect(await faultsOfAccess(page)).toEqual([]);
			expect(faults).toEqual([]);
			await close();
		},
		patience,
	);

	test(
		'shows a refusal as it is',
		async () => {
			const { page, faults, close } = await enter(w.browser, w.server.url, '/docs');
			await page.route('**/api/v1/users', (route) =>
				route.continue({ postData: (route.request().postData() ?? '').replace('localhost', 'nowhere.example') }),
			);
			await page.getByRole('button', { name: 'Run: Get Chat Token' }).click();
			await page.getByText('It needs a user, and that was refused: see the answer above.').waitFor();
			await page.locator('.run pre.bad', { hasText: 'site_not_found' }).waitFor();
			expect(faults).toEqual([]);
			await close();
		},
		patience,
	);
});
