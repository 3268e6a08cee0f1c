import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import type { Ticket } from '../../src/modules/support/tickets.schema.ts';
import { liveProgram } from './live-support.ts';
import {
	apiOf,
	chromiumPath,
	launchBrowser,
	type Page,
	type Site,
	sayWithout,
	shop,
	type Visit,
	visit,
} from './widget-support.ts';
import { xssStrings } from './xss-strings.ts';

/** The widget in a real browser, on a page of another origin that is strict about scripts and hostile in style. */

const root = join(import.meta.dir, '../..');
const pictures = join(root, 'dist/screenshots');
const axeSource = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const patience = 60_000;

sayWithout('The widget');

const world = async (path: string) => {
	const server = await liveProgram();
	const site: Site = { ...server.first, url: server.url };
	const browser: Browser = await launchBrowser(path);
	return { server, site, browser, shop: shop(site), api: apiOf(site) };
};
let w: Awaited<ReturnType<typeof world>>;
const contexts: BrowserContext[] = [];
const visits: Visit[] = [];

const newContext = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
	const context = await w.browser.newContext({ viewport: { width: 1_000, height: 760 }, ...options });
	context.setDefaultTimeout(8_000);
	contexts.push(context);
	return context;
};
const enter = async (context: BrowserContext, query = '', init?: () => void): Promise<Visit> => {
	const entered = await visit(context, { shopUrl: w.shop.url, siteUrl: w.site.url, query, init });
	visits.push(entered);
	return entered;
};
/** Signs in at the shop; null: nobody. */
const signIn = (context: BrowserContext, who: string | null) =>
	who === null ? context.clearCookies() : context.addCookies([{ name: 'who', value: who, url: w.shop.url }]);
const storageOf = (page: Page) => page.evaluate(() => Object.values(localStorage).join());
const setWidget = (widget: object) => w.api('PATCH', '/admin/site', { widget });
const person = (externalId: string, role = 'user') =>
	w.api('POST', '/users', { username: externalId, externalId: role === 'user' ? externalId : undefined, role });
const say = (id: string, text: string, as: string) =>
	w.api(
		'POST',
		`/${id.startsWith('ticket_') ? 'support/tickets' : 'p2p/conversations'}/${id}/messages`,
		{ content: { text } },
		as,
	);
const newestTicket = async () =>
	(await w.api<{ data: Ticket[] }>('GET', '/admin/tickets?sort=-createdAt&limit=1')).data[0] as Ticket;

/** Waits until a text stands in a bubble. */
const bubble = ({ widget }: Visit, text: string) => widget.locator('.bubble', { hasText: text }).first().waitFor();
const openTicket = async ({ widget, open }: Visit, subject: string, text: string) => {
	await open();
	await widget.locator('.hello .primary:enabled').click();
	await widget.locator('.form input').fill(subject);
	await widget.locator('.form textarea').fill(text);
	await widget.locator('.form .primary').click();
};
/** What axe finds in the widget. */
const faultsOfAccess = async (page: Page): Promise<string[]> => {
	await page.evaluate(axeSource);
	return page.evaluate(async () => {
		const { axe } = window as unknown as {
			axe: { run(of: object, how: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
		};
		const { violations } = await axe.run({ include: [['parley-widget']] }, { resultTypes: ['violations'] });
		return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
	});
};
/** Both themes, a picture of each. */
const looksWell = async ({ page }: Visit, name: string) => {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		await page.screenshot({ path: join(pictures, `widget-${name}-${colorScheme}.png`) });
		expect([name, colorScheme, await faultsOfAccess(page)]).toEqual([name, colorScheme, []]);
	}
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
	w.shop.stop();
	await w.server[Symbol.asyncDispose]();
});

describe.skipIf(chromiumPath === null)('the widget', () => {
	test(
		'asks and keeps nothing before it is touched, moves nothing, and is there at once',
		async () => {
			const context = await newContext();
			const asked: string[] = [];
			context.on('request', (request) => asked.push(new URL(request.url()).pathname));
			const v = await enter(context, '', () => {
				const seen = window as unknown as { shift: number; readyAt: number };
				seen.shift = 0;
				new PerformanceObserver((list) => {
					for (const entry of list.getEntries()) seen.shift += (entry as unknown as { value: number }).value;
				}).observe({ type: 'layout-shift', buffered: true });
				addEventListener('parley:ready', () => {
					seen.readyAt = performance.now();
				});
			});
			const launcher = await v.widget.locator('.launcher').boundingBox();
			expect(launcher).toEqual({ x: 924, y: 684, width: 56, height: 56 });
			expect(asked.filter((path) => !['/', '/hostile.css'].includes(path))).toEqual(['/widget.js']);
			expect([await storageOf(v.page), await context.cookies()]).toEqual(['', []]);
			const tookMs = await v.page.evaluate(() => {
				const script = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/widget.js'));
				return (window as unknown as { readyAt: number }).readyAt - (script as PerformanceResourceTiming).responseEnd;
			});
			expect(tookMs).toBeLessThan(200);
			const place = await v.page.locator('#text').boundingBox();
			await v.open();
			await v.widget.locator('.empty').waitFor();
			expect(await v.page.locator('#text').boundingBox()).toEqual(place);
			expect(await v.page.evaluate(() => (window as unknown as { shift: number }).shift)).toBe(0);
			// a guest who has only looked is nobody yet
			expect(await storageOf(v.page)).toBe('');
			await looksWell(v, 'empty');
		},
		patience,
	);

	test(
		'takes a guest from the first word to the rating, over a reload and a cut line',
		async () => {
			await setWidget({ askName: true, askEmail: true, title: 'Shop support', welcome: 'Hello!' });
			const context = await newContext();
			let v = await enter(context);
			await openTicket(v, 'Payment fails', 'My card is refused.');
			await v.widget.locator('input[autocomplete=name]').fill('Ada');
			await v.widget.locator('input[type=email]').fill('ada@example.com');
			await looksWell(v, 'introduce');
			await v.widget.locator('.form .primary').click();
			await bubble(v, 'My card is refused.');
			await setWidget({ askName: false, askEmail: false, title: null, welcome: null });
			const { id, subject } = await newestTicket();
			expect(subject).toBe('Payment fails');
			const staff = (await person('stan', 'staff')).id;
			await say(id, 'Which card is it?', staff);
			await bubble(v, 'Which card is it?');
			expect(await v.widget.locator('[role=status].unseen').textContent()).toBe('Team says: Which card is it?');

			await v.page.reload();
			v = { ...v, widget: v.page.locator('parley-widget') };
			await v.open();
			await v.widget.locator('button.row').click();
			await bubble(v, 'Which card is it?');

			await context.setOffline(true);
			await v.widget.locator('.strip', { hasText: 'No connection' }).waitFor();
			await v.write('A blue one.');
			await v.widget.locator('.when', { hasText: 'Sending' }).waitFor();
			await looksWell(v, 'offline');
			await context.setOffline(false);
			await v.widget.locator('.message', { hasText: 'A blue one.' }).locator('.ticks').waitFor({ timeout: 20_000 });
			await v.widget.locator('.strip', { hasText: 'No connection' }).waitFor({ state: 'detached', timeout: 20_000 });

			await w.api('PATCH', `/support/tickets/${id}`, { status: 'resolved' }, staff);
			await v.widget.locator('.star').nth(4).click();
			await v.widget.locator('.ending textarea').fill('Quick and friendly.');
			await looksWell(v, 'rating');
			await v.widget.locator('.ending .primary').click();
			await v.widget.locator('.ending', { hasText: 'Thank you for rating us 5 out of 5.' }).waitFor();
			expect((await newestTicket()).rating).toMatchObject({ score: 5, comment: 'Quick and friendly.' });

			await v.widget.getByRole('button', { name: 'Close request' }).click();
			await v.widget.locator('.strip', { hasText: 'cannot be opened again' }).waitFor();
			await v.widget.getByRole('button', { name: 'Close request' }).click();
			await v.widget.locator('.ending', { hasText: 'This request is closed.' }).waitFor();
			await looksWell(v, 'closed');
			await v.widget.getByRole('button', { name: 'Ask a follow-up question' }).click();
			await v.widget.locator('.form textarea').fill('It fails again.');
			await looksWell(v, 'form');
			await v.widget.locator('.form .primary').click();
			await bubble(v, 'It fails again.');
			expect(await newestTicket()).toMatchObject({ followsTicketId: id, subject: 'Payment fails' });
		},
		patience,
	);

	test(
		'lets two people chat live: typing, reading, answers, changes, reactions',
		async () => {
			const [ofAlice, ofBob] = [await newContext(), await newContext()];
			await signIn(ofAlice, 'alice');
			await signIn(ofBob, 'bob');
			await person('bob');
			const query = 'identity-url=/identity';
			const alice = await enter(ofAlice, query);
			const bob = await enter(ofBob, query);
			await alice.page.locator('[data-parley-chat]').click();
			await alice.widget.locator('.composer').waitFor();
			await alice.write('Hello Bob, is it still there?');
			await bob.open();
			await bob.widget.locator('.badge').waitFor();
			await bob.widget.locator('button.row').click();
			await bubble(bob, 'Hello Bob');
			await alice.widget.locator('.ticks.seen').waitFor();
			await bob.widget.locator('.composer textarea').pressSequentially('Yes');
			await alice.widget.locator('.typing', { hasText: 'is typing' }).waitFor();
			await bob.widget.locator('.composer textarea').press('Enter');
			await bubble(alice, 'Yes');

			const options = async (v: Visit, text: string, name: string) => {
				await v.widget.locator('.message', { hasText: text }).first().hover();
				await v.widget.locator('.message', { hasText: text }).first().locator('.more').click();
				await v.widget.locator('.options').getByRole('button', { name, exact: true }).click();
			};
			await options(alice, 'Yes', 'React with 👍');
			await bob.widget.locator('.reactions button').waitFor();
			await options(alice, 'Yes', 'Reply');
			await alice.write('Then I take it.');
			await bob.widget.locator('.quote', { hasText: 'Yes' }).waitFor();
			await options(alice, 'Then I take it.', 'Edit');
			await alice.write('Then I take two.');
			await bubble(bob, 'Then I take two.');
			await bob.widget.locator('.when', { hasText: 'edited' }).waitFor();
			await alice.widget.locator('.message', { hasText: 'Hello Bob' }).first().hover();
			await alice.widget.locator('.message', { hasText: 'Hello Bob' }).first().locator('.more').click();
			await looksWell(alice, 'chat');
			await alice.widget.locator('.options').getByRole('button', { name: 'Delete' }).click();
			await bubble(bob, 'This message was deleted.');

			// closed: counted at the button and in the title
			await bob.page.keyboard.press('Escape');
			await bob.page.keyboard.press('Escape');
			await alice.write('And one for my sister.');
			await bob.widget.locator('.launcher .badge', { hasText: '1' }).waitFor();
			expect(await bob.page.title()).toBe('(1) Shop');
			await bob.open();
			await looksWell(bob, 'home');

			// closed over a conversation: what comes is unread until it is opened again
			await bob.widget.locator('button.row').click();
			await bob.widget.locator('.composer').waitFor();
			await bob.widget.getByRole('button', { name: 'Close chat' }).first().click();
			await alice.write('And my brother.');
			await bob.widget.locator('.launcher .badge', { hasText: '1' }).waitFor();
			await bob.open();
			await bubble(bob, 'And my brother.');
			await alice.widget.locator('.message.last', { hasText: 'And my brother.' }).locator('.ticks.seen').waitFor();
			expect(await bob.page.title()).toBe('Shop');

			// what the server will not have says so, and can be tried again
			const { userId } = JSON.parse(await storageOf(alice.page));
			const asBob = JSON.parse(await storageOf(bob.page)).userId;
			await w.api('POST', `/users/me/blocks/${userId}`, undefined, asBob);
			await alice.write('Are you there?');
			await alice.widget.locator('.refused', { hasText: 'You cannot write to this person.' }).waitFor();
			await looksWell(alice, 'refused');
			await w.api('DELETE', `/users/me/blocks/${userId}`, undefined, asBob);
			await alice.widget.locator('.refused').getByRole('button', { name: 'Try again' }).click();
			await alice.widget.locator('.message.last', { hasText: 'Are you there?' }).locator('.ticks').waitFor();
			expect(await alice.widget.locator('.refused').count()).toBe(0);
		},
		patience,
	);

	test(
		'drops who was here before, when the page names another or nobody, and shows nothing of theirs',
		async () => {
			const context = await newContext();
			await signIn(context, 'carol');
			await person('dave');
			let v = await enter(context, 'identity-url=/identity');
			await v.page.evaluate(() =>
				((window as unknown as { Parley: unknown }).Parley as { chatWith(of: object): void }).chatWith({
					externalId: 'dave',
				}),
			);
			await v.widget.locator('.composer').waitFor();
			await v.write('The secret of Carol.');
			await v.widget.locator('.ticks').waitFor();
			const carols: { userId: string; token: string } = JSON.parse(await storageOf(v.page));

			/** What of Carol's was sent or drawn since. */
			const traces: string[] = [];
			context.on('request', (request) => {
				if (request.headers().authorization?.includes(carols.token)) traces.push(request.url());
			});
			const lookFor = async () => {
				await v.widget.locator('.empty').waitFor();
				if (((await v.widget.locator('.parley').textContent()) ?? '').includes('Carol')) traces.push('drawn');
				if ((await storageOf(v.page)).includes(carols.userId)) traces.push('stored');
			};
			await signIn(context, 'erin');
			await v.page.reload();
			await v.open();
			await lookFor();
			expect(JSON.parse(await storageOf(v.page)).identity).toBe('user:erin');

			// signed out at the shop
			await signIn(context, 'carol');
			await v.page.reload();
			await v.open();
			await v.widget.locator('button.row').waitFor();
			const again: { token: string } = JSON.parse(await storageOf(v.page));
			carols.token = again.token;
			await signIn(context, null);
			await v.page.reload();
			traces.length = 0;
			await v.open();
			await lookFor();
			expect(await storageOf(v.page)).toBe('');

			// a page that says nothing of who is here, and one that changes its mind while it is open
			await signIn(context, 'carol');
			await v.page.reload();
			await v.open();
			await v.widget.locator('button.row').waitFor();
			carols.token = JSON.parse(await storageOf(v.page)).token;
			v = await enter(context);
			traces.length = 0;
			await v.open();
			await lookFor();
			await v.page.evaluate(() =>
				((window as unknown as { Parley: unknown }).Parley as { identify(of: unknown): void }).identify(
					async () => null,
				),
			);
			await lookFor();
			expect(traces).toEqual([]);
		},
		patience,
	);

	test(
		'is read from right to left in Arabic, follows the site’s colours, and fills a small screen',
		async () => {
			await setWidget({ accent: '#ffe600', title: null, welcome: null });
			const context = await newContext({ viewport: { width: 360, height: 640 } });
			const v = await enter(context, 'locale=ar');
			await openTicket(v, 'الدفع لا يعمل', 'رُفضت بطاقتي.');
			await bubble(v, 'رُفضت بطاقتي.');
			const { id } = await newestTicket();
			await say(id, 'مرحبًا! أي بطاقة؟', (await person('sami', 'staff')).id);
			await bubble(v, 'أي بطاقة');
			await looksWell(v, 'arabic');
			expect(await v.widget.locator('.parley').getAttribute('dir')).toBe('rtl');
			expect(
				await v.widget.locator('header').evaluate((node) => {
					const { backgroundColor, color } = getComputedStyle(node);
					return { backgroundColor, color };
				}),
			).toEqual({ backgroundColor: 'rgb(255, 230, 0)', color: 'rgb(0, 0, 0)' });
			expect(await v.widget.locator('.panel').boundingBox()).toEqual({ x: 0, y: 0, width: 360, height: 640 });
			expect(await v.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
			await v.widget.locator('.back').click();
			await looksWell(v, 'arabic-home');
			await setWidget({ accent: null });
		},
		patience,
	);

	test(
		'speaks every language it has, and every text of it',
		async () => {
			const context = await newContext();
			for (const [locale, welcome] of [
				['bn', 'আমরা কীভাবে সাহায্য করতে পারি?'],
				['de-AT', 'Wie können wir helfen?'],
				['es', '¿En qué podemos ayudarte?'],
				['fr', 'Comment pouvons-nous vous aider ?'],
				['xx', 'How can we help?'],
			]) {
				const v = await enter(context, `locale=${locale}`);
				await v.open();
				await v.widget.locator('h2', { hasText: welcome }).waitFor();
				await v.close();
			}
		},
		patience,
	);

	test(
		'is used by keys alone: opens, moves, goes back and closes, and gives the focus back',
		async () => {
			const v = await enter(await newContext());
			const focus = () =>
				v.page.evaluate(() => {
					const node = document.querySelector('parley-widget')?.shadowRoot?.activeElement;
					return node?.getAttribute('aria-label') ?? node?.className ?? node?.tagName;
				});
			await v.page.keyboard.press('Shift+Tab');
			await v.page.keyboard.press('Shift+Tab');
			await v.widget.locator('.launcher').focus();
			await v.page.keyboard.press('Enter');
			await v.widget.locator('.empty').waitFor();
			expect(await focus()).toBe('Messages');
			await v.page.keyboard.press('Tab');
			expect(await focus()).toBe('Close chat');
			await v.page.keyboard.press('Tab');
			expect(await focus()).toBe('primary');
			await v.page.keyboard.press('Enter');
			await v.page.keyboard.type('By keys');
			await v.page.keyboard.press('Tab');
			await v.page.keyboard.type('Only by keys.');
			await v.page.keyboard.press('Tab');
			await v.page.keyboard.press('Enter');
			await bubble(v, 'Only by keys.');
			expect(await focus()).toBe('Write a message');
			await v.page.keyboard.type('More.');
			await v.page.keyboard.press('Enter');
			await bubble(v, 'More.');
			await v.page.keyboard.press('Escape');
			await v.widget.locator('button.row').waitFor();
			await v.page.keyboard.press('Escape');
			expect(await focus()).toBe('Open chat');
			expect(await v.widget.locator('.panel').count()).toBe(0);
		},
		patience,
	);

	test(
		'stands within the page where it is told to, and does what was asked of it before it came',
		async () => {
			const v = await enter(await newContext(), 'inline=%23place&theme=dark&features=support', () => {
				const heard: unknown[] = [];
				Object.assign(window, {
					heard,
					Parley: [['on', 'open', () => heard.push('open')], ['newTicket']],
				});
			});
			await v.widget.locator('.form').waitFor();
			expect(await v.page.evaluate(() => (window as unknown as { heard: unknown[] }).heard)).toEqual(['open']);
			expect(await v.widget.locator('.launcher').count()).toBe(0);
			expect(await v.widget.locator('.parley').getAttribute('class')).toContain('dark');
			expect(await v.page.locator('#place parley-widget').count()).toBe(1);
			expect((await v.widget.boundingBox())?.height).toBe(640);
			expect(await faultsOfAccess(v.page)).toEqual([]);
		},
		patience,
	);

	test(
		`shows ${xssStrings.length} texts that are scripts elsewhere as the texts they are`,
		async () => {
			const context = await newContext();
			await signIn(context, 'victim');
			const victim = (await person('victim')).id;
			const attacker = (await person('attacker')).id;
			await w.api('PATCH', '/users/me', { displayName: xssStrings[1] }, attacker);
			const chat = (await w.api('POST', '/p2p/conversations', { otherParticipantId: victim }, attacker)).id;
			for (const text of xssStrings) await say(chat, text, attacker);
			await Promise.all(
				xssStrings.map((text) => w.api('POST', '/support/tickets', { subject: text, initialMessage: text }, victim)),
			);
			const v = await enter(context, 'identity-url=/identity');
			/** Elements and attributes that the widget does not make. */
			const injected = () =>
				v.page.evaluate(() => {
					const inside = document.querySelector('parley-widget')?.shadowRoot;
					const known =
						'DIV SPAN BUTTON SVG PATH HEADER H1 H2 P UL LI STRONG TIME FORM TEXTAREA INPUT LABEL FIELDSET LEGEND A EM I'.split(
							' ',
						);
					return [...(inside?.querySelectorAll('*') ?? [])].flatMap((node) => [
						...(known.includes(node.tagName.toUpperCase()) ? [] : [node.tagName]),
						...node.getAttributeNames().filter((name) => name.startsWith('on')),
						...(node instanceof HTMLAnchorElement && !/^https?:$/.test(node.protocol) ? [node.href] : []),
					]);
				});
			await v.open();
			for (;;) {
				await v.widget.locator('button.row').first().waitFor();
				const more = v.widget.getByRole('button', { name: 'Show more' });
				if ((await more.count()) === 0) break;
				const before = await v.widget.locator('button.row').count();
				await more.click();
				await v.page.waitForFunction(
					(count) =>
						(document.querySelector('parley-widget')?.shadowRoot?.querySelectorAll('button.row').length ?? 0) > count,
					before,
				);
			}
			const titles = await v.widget.locator('button.row strong').allTextContents();
			expect(xssStrings.filter((text) => !titles.includes(text.trim()))).toEqual([]);
			expect(await injected()).toEqual([]);
			await v.widget
				.locator('button.row', { hasText: String(xssStrings[1]) })
				.last()
				.click();
			await v.widget.locator('.bubble').first().waitFor();
			await v.widget.locator('.back').click();
			await v.page.evaluate(
				(id) => ((window as unknown as { Parley: unknown }).Parley as { show(id: string): void }).show(id),
				chat,
			);
			await bubble(v, String(xssStrings.at(-1)));
			const seen = new Set<string>();
			for (let i = 0; i < 60 && !seen.has(String(xssStrings[0])); i++) {
				for (const text of await v.widget.locator('.bubble .text').allTextContents()) seen.add(text);
				expect(await injected()).toEqual([]);
				await v.widget.locator('.log').evaluate((node) => node.scrollBy(0, -600));
				await v.page.waitForTimeout(30);
			}
			expect(xssStrings.filter((text) => !seen.has(text))).toEqual([]);
			await v.write(String(xssStrings[2]));
			await v.widget.locator('.ticks').first().waitFor();
			expect(await injected()).toEqual([]);
		},
		patience,
	);

	test(
		'scrolls through 5 000 messages as through fifty: begins at the end, stays where one reads, finds the way back',
		async () => {
			const context = await newContext();
			await signIn(context, 'reader');
			const reader = (await person('reader')).id;
			const writer = (await person('writer')).id;
			const chat = (await w.api('POST', '/p2p/conversations', { otherParticipantId: reader }, writer)).id;
			let early = '';
			for (let i = 1; i <= 5_000; i += 100)
				await Promise.all(
					Array.from({ length: 100 }, async (_, n) => {
						const { id } = await say(
							chat,
							`Message ${i + n}${' and more of it'.repeat((i + n) % 9)}`,
							(i + n) % 3 === 0 ? reader : writer,
						);
						if (i + n === 4_450) early = id;
					}),
				);
			const v = await enter(context, 'identity-url=/identity');
			await v.open();
			await v.widget.locator('button.row').click();
			await v.widget.locator('.bubble').first().waitFor();
			const log = v.widget.locator('.log');
			const fromEnd = () => log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight);
			expect(await fromEnd()).toBeLessThan(2);

			// to the top, page by page: what is read does not move when more comes above it
			const drifts = await log.evaluate(async (node) => {
				const found: number[] = [];
				const frame = () => new Promise(requestAnimationFrame);
				const top = (row: Element) => row.getBoundingClientRect().top;
				let still = 0;
				while (still < 40) {
					const at = node.scrollTop;
					const middle = node.getBoundingClientRect().top + node.clientHeight / 2;
					const row = [...node.querySelectorAll('[data-key]')].find(
						(item) => item.getBoundingClientRect().bottom > middle,
					);
					const before = row ? top(row) : 0;
					node.scrollTop -= 1_500;
					const moved = at - node.scrollTop;
					await frame();
					await frame();
					if (row?.isConnected) found.push(Math.abs(top(row) - before - moved));
					still = node.scrollTop < 2 ? still + 1 : 0;
				}
				return found;
			});
			expect(await v.widget.locator('.bubble').count()).toBeLessThan(150);
			expect(await v.widget.locator('.item').first().textContent()).toContain('Message 1');
			// of a hundred pages that came in above; a frame that the machine has skipped may show one in between
			expect(drifts.filter((px) => px > 1).length).toBeLessThan(3);

			const frames = await log.evaluate(async (node) => {
				const times: number[] = [];
				const frame = () => new Promise<number>(requestAnimationFrame);
				node.scrollTop = node.scrollHeight / 2;
				for (let i = 0; i < 10; i++) await frame();
				let last = await frame();
				for (let i = 0; i < 300; i++) {
					node.scrollTop += i < 150 ? 60 : -60;
					const now = await frame();
					times.push(now - last);
					last = now;
				}
				return times.sort((a, b) => a - b);
			});
			const median = frames[150] ?? 0;
			console.log(
				`5 000 messages: a frame takes ${median.toFixed(1)} ms, the slowest of 300 ${frames.at(-1)?.toFixed(1)} ms`,
			);
			// said, not judged: how fast a frame is says as much of the machine as of the list
			expect(frames.length).toBe(300);

			// somebody writes meanwhile: nothing moves, the button counts
			const place = await log.evaluate((node) => node.scrollTop);
			await say(chat, 'The newest of all.', writer);
			await v.widget.locator('.jump.lower', { hasText: '1 new message' }).waitFor();
			expect(await log.evaluate((node) => node.scrollTop)).toBe(place);
			await v.widget.locator('.jump.lower').click();
			await bubble(v, 'The newest of all.');
			expect(await fromEnd()).toBeLessThan(2);
			await v.widget.locator('p.unread').waitFor();

			// and follows the end
			await say(chat, `A long one.${' More.'.repeat(200)}`, writer);
			await bubble(v, 'A long one.');
			await v.page.waitForTimeout(100);
			expect(await fromEnd()).toBeLessThan(2);

			// a quoted message is gone to, however far back it stands
			await w.api(
				'POST',
				`/p2p/conversations/${chat}/messages`,
				{ content: { text: 'As I said then.' }, replyTo: early },
				writer,
			);
			await v.page.reload();
			await v.open();
			await v.widget.locator('button.row').click();
			await v.widget.locator('.quote', { hasText: 'An earlier message' }).click();
			await bubble(v, 'Message 4450');
			const found = await v.widget.locator('.bubble', { hasText: 'Message 4450' }).boundingBox();
			expect(found?.y).toBeGreaterThan(90);
			expect(found?.y).toBeLessThan(600);
		},
		patience,
	);

	test('has done nothing in any page that it must not: no error, no foreign host, no dialog', () => {
		expect(visits.length).toBeGreaterThan(9);
		expect(visits.flatMap(({ faults }) => [...faults.console, ...faults.foreign, ...faults.dialogs])).toEqual([]);
	});
});

test('the widget, with everything, is at most 35 KB of gzip', async () => {
	const { appInMemory } = await import('../support/app-support.ts');
	using server = appInMemory();
	const response = await server.get('/widget.js', { 'accept-encoding': 'gzip' });
	expect(response.headers.get('content-encoding')).toBe('gzip');
	expect((await response.arrayBuffer()).byteLength).toBeLessThan(35 * 1024);
});
