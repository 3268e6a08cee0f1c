import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, FrameLocator } from 'playwright-core';
import { program } from '../blackbox/program-support.ts';
import { startDemo } from '../cli/demo-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { enter, faultsOfAccess, type Visit } from './admin-support.ts';
import { chromiumPath, launchBrowser, sayWithout } from './widget-support.ts';

/** The three panes of `/demo` in a real browser. The tests go on from each other. */

const pictures = join(import.meta.dir, '../../dist/screenshots');
const patience = 60_000;
sayWithout('The demo');

const world = async (path: string) => {
	const folder = tempFolder();
	const demo = await startDemo([program()], { cwd: folder.path });
	return { folder, demo, url: demo.facts.url, browser: (await launchBrowser(path)) as Browser };
};
let w: Awaited<ReturnType<typeof world>>;
let visit: Visit;
/** Each pane by what stands above it. */
const pane = (title: string): FrameLocator => visit.page.frameLocator(`iframe[title="${title}"]`);
const [leo, nina, agent] = [() => pane('Leo’s widget'), () => pane('Nina’s widget'), () => pane('The admin panel')];
/** What has been said in the conversation that a pane shows. */
const said = (one: FrameLocator, text: string) => one.getByRole('log').getByText(text);
/** A conversation in a customer's list. */
const row = (one: FrameLocator, text: string) => one.getByRole('button').filter({ hasText: text });
const write = async (customer: FrameLocator, text: string) => {
	await customer.locator('.composer textarea').fill(text);
	await customer.locator('.composer textarea').press('Enter');
};

beforeAll(async () => {
	if (chromiumPath === null) return;
	mkdirSync(pictures, { recursive: true });
	w = await world(chromiumPath);
	visit = await enter(w.browser, w.url, '/');
	await visit.page.addInitScript(() => {
		const attach = Element.prototype.attachShadow;
		// note: closed in truth; a test has to see inside
		Element.prototype.attachShadow = function (options) {
			return attach.call(this, { ...options, mode: 'open' });
		};
	});
	await visit.page.goto(`${w.url}/demo`);
}, patience);
afterAll(async () => {
	if (chromiumPath === null) return;
	await w.browser.close();
	await w.demo[Symbol.asyncDispose]();
	w.folder[Symbol.dispose]();
});

describe.skipIf(chromiumPath === null)('the demo', () => {
	test(
		'three people are there at once, each as themselves',
		async () => {
			await said(leo(), 'Thursday works for me.').waitFor();
			await row(nina(), 'Inspection before I buy').waitFor();
			await said(agent(), 'That sounds good. Is Thursday possible?').waitFor();
			await leo().locator('.composer').waitFor();
			expect(await nina().locator('.composer').count()).toBe(0);
		},
		patience,
	);

	test(
		'what a customer writes is before the team, and its answer before the customer',
		async () => {
			await row(nina(), 'Inspection before I buy').click();
			await said(nina(), 'Hello Nina, gladly.').waitFor();
			await write(nina(), 'Or would Friday be better?');
			await said(agent(), 'Or would Friday be better?').waitFor();
			await agent().getByRole('textbox', { name: /reply/i }).fill('Friday at four, see you then.');
			await agent().getByRole('button', { name: 'Send' }).click();
			await said(nina(), 'Friday at four, see you then.').waitFor();
		},
		patience,
	);

	test(
		'what one customer writes is before the other, and not before the team',
		async () => {
			await nina().getByRole('button', { name: /back/i }).click();
			await write(leo(), 'I bring it on Friday.');
			await row(nina(), 'I bring it on Friday.').click();
			await write(nina(), 'Wonderful, thank you!');
			await said(leo(), 'Wonderful, thank you!').waitFor();
			expect(await agent().getByText('Wonderful, thank you!').count()).toBe(0);
		},
		patience,
	);

	test(
		'each stays who they are when the page is loaded again',
		async () => {
			await visit.page.reload();
			await said(leo(), 'Wonderful, thank you!').waitFor();
			await row(nina(), 'Inspection before I buy').waitFor();
			await said(agent(), 'Friday at four, see you then.').waitFor();
			expect(await leo().getByText('Inspection before I buy').count()).toBe(0);
		},
		patience,
	);

	test(
		'it looks well side by side and one below the other, and axe finds nothing',
		async () => {
			const { page } = visit;
			for (const [width, height] of [
				[1_280, 800],
				[360, 740],
			] as const)
				for (const colorScheme of ['light', 'dark'] as const) {
					await page.setViewportSize({ width, height });
					await page.emulateMedia({ colorScheme });
					await page.screenshot({ path: join(pictures, `demo-${width}-${colorScheme}.png`), fullPage: true });
					for (const frame of page.frames())
						expect([width, colorScheme, frame.url(), await faultsOfAccess(frame)]).toEqual([
							width,
							colorScheme,
							frame.url(),
							[],
						]);
					expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
					const boxes = await page
						.locator('iframe')
						.evaluateAll((all) => all.map((one) => one.getBoundingClientRect()));
					const isBeside = new Set(boxes.map(({ top }) => Math.round(top))).size === 1;
					expect([width, boxes.length, isBeside]).toEqual([width, 3, width === 1_280]);
				}
		},
		patience,
	);

	test(
		'the panel opens in a tab of its own, signed in',
		async () => {
			const { page } = visit;
			await page.setViewportSize({ width: 1_280, height: 800 });
			const opened = page.context().waitForEvent('page');
			await page.getByRole('link', { name: 'Open it in a tab of its own' }).click();
			const tab = await opened;
			await tab.getByRole('heading', { name: 'Dashboard' }).waitFor();
			await tab.close();
		},
		patience,
	);

	test('no fault, no refused style or script, no request to another host', () => {
		expect(visit.faults).toEqual([]);
	});
});
