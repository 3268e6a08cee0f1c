import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'bun';
import type { Browser } from 'playwright-core';
import type { Client, Message } from '../../src/client/client.ts';
import { workflow } from '../../src/modules/support/tickets.workflow.ts';
import { moves } from '../../src/web/admin/words.ts';
import { customerOf, enter, faultsOfAccess, password, signIn, type Visit } from './admin-support.ts';
import { liveProgram } from './live-support.ts';
import { apiOf, chromiumPath, launchBrowser, type Site, sayWithout } from './widget-support.ts';
import { xssStrings } from './xss-strings.ts';

/** The admin page in a real browser: a day of work, from the setup link on. The tests go on from each other. */

const pictures = join(import.meta.dir, '../../dist/screenshots');
const patience = 60_000;
const adminBytesMax = 120 * 1_024;

sayWithout('The admin page');

const world = async (path: string) => {
	const server = await liveProgram();
	const site: Site = { ...server.first, url: server.url };
	const browser: Browser = await launchBrowser(path);
	return { server, site, browser, api: apiOf(site), setupPath: server.first.setupUrl.slice(server.url.length) };
};
let w: Awaited<ReturnType<typeof world>>;
let rosa: Visit;
let ada: Client & { id: string };
let ticketId = '';
const visits: Visit[] = [];
const visit = async (path: string): Promise<Visit> => {
	const entered = await enter(w.browser, w.site.url, path);
	visits.push(entered);
	return entered;
};
/** Asks again until it is so. */
const until = async (is: () => boolean | Promise<boolean>, what: string) => {
	for (let tries = 0; tries < 100; tries++) {
		if (await is()) return;
		await Bun.sleep(50);
	}
	throw new Error(`never: ${what}`);
};
const textsFor = async (customer: Client): Promise<(string | undefined)[]> =>
	(await customer.messages(ticketId)).data.map(({ content }) => content.text);

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

test('the moves that the page offers are those of the server', () => {
	for (const [status, { desk }] of Object.entries(workflow))
		expect([status, [...moves[status as keyof typeof moves]].sort()]).toEqual([status, [...desk].sort()]);
});

describe.skipIf(chromiumPath === null)('the admin page', () => {
	test(
		'the setup link makes the first superadmin, who signs in',
		async () => {
			rosa = await visit(w.setupPath);
			const { page } = rosa;
			await page.getByLabel('Address of your website').fill('localhost');
			await page.getByLabel('Username').fill('Rosa');
			await page.getByLabel('Email').fill('rosa@site.com');
			await page.getByLabel('Password', { exact: true }).fill(password);
			await page.getByRole('button', { name: 'Set up' }).click();
			await page.getByText('Your site is set up').waitFor();

			await page.goto(`${w.site.url}/admin/reports`);
			expect(await page.getByLabel('Site').inputValue()).toBe('localhost');
			await page.getByLabel('Email').fill('rosa@site.com');
			await page.getByLabel('Password', { exact: true }).fill('not this one');
			await page.getByRole('button', { name: 'Sign in' }).click();
			await page.getByRole('alert').getByText('The site, email or password is wrong.').waitFor();
			expect(await faultsOfAccess(page)).toEqual([]);
			await signIn(rosa, 'rosa@site.com', true);
			// the link that led here is where one comes out
			await page.getByRole('heading', { name: 'Reports' }).waitFor();
			await rosa.go('/admin');
			await page.getByText('No tickets.').waitFor();
		},
		patience,
	);

	test(
		'a ticket of a customer appears as it is opened',
		async () => {
			const { page } = rosa;
			ada = await customerOf(w.site.url, w.site.publishableKey, 'Ada Lovelace');
			ada.connect();
			const ticket = await ada.openTicket({
				subject: 'My payment fails',
				initialMessage: 'See https://shop.example/cart',
			});
			ticketId = ticket.id;
			const item = page.locator('.item', { hasText: 'My payment fails' });
			await item.waitFor();
			expect(await item.getAttribute('class')).toContain('unread');
			await item.click();
			await page.locator('.bubble', { hasText: 'shop.example' }).waitFor();
			expect(await page.locator('.bubble a').getAttribute('rel')).toContain('noopener');
			// what was read is read for the whole team
			await until(async () => (await page.locator('.item.unread').count()) === 0, 'read');
			await ada.send(ticketId, 'Are you there?');
			await page.locator('.bubble', { hasText: 'Are you there?' }).waitFor();
		},
		patience,
	);

	test(
		'the customer gets the reply, and nothing of the note',
		async () => {
			const { page } = rosa;
			const heard: string[] = [];
			ada.on('message.created', ({ data }) => heard.push(data.content.text ?? ''));
			const texts = () => page.locator('.bubble .text').allTextContents();
			await page.keyboard.press('n');
			await page.keyboard.type('The bank said no: code 51');
			await page.keyboard.press('Enter');
			await page.locator('.message.note:not(.sending)', { hasText: 'code 51' }).waitFor();
			await page.keyboard.press('Escape');
			await page.keyboard.press('r');
			await page.keyboard.type('We are looking into it.');
			await page.keyboard.press('Enter');
			await page.locator('.message.ours:not(.sending)', { hasText: 'looking into it' }).waitFor();
			await until(() => heard.includes('We are looking into it.'), 'the reply is heard');
			expect(await textsFor(ada)).not.toContain('The bank said no: code 51');
			expect(heard.join()).not.toContain('code 51');
			expect(await texts()).toContain('The bank said no: code 51');
			// the ticket has moved by the reply, and the page knows
			await until(async () => (await page.locator('.talk-head select').inputValue()) === 'in_progress', 'in progress');
			await ada.read(ticketId);
			await page.locator('.message.ours', { hasText: 'Seen' }).waitFor();
		},
		patience,
	);

	test(
		'a note that was begun is still a note, and still there, when one comes back to it',
		async () => {
			const { page } = rosa;
			await page.keyboard.press('Escape');
			await page.keyboard.press('n');
			await page.keyboard.type('Not for the customer');
			await page.keyboard.press('Escape');
			await page.getByRole('link', { name: 'Dashboard' }).click();
			await page.getByRole('heading', { name: 'Last 30 days' }).waitFor();
			await page.goBack();
			const box = page.locator('form.reply.is-note textarea');
			await box.waitFor();
			expect(await box.inputValue()).toBe('Not for the customer');
			await box.fill('');
			await page.keyboard.press('Escape');
			await page.keyboard.press('r');
			await page.keyboard.press('Escape');
			// an address that is none is said to be so, and empties nothing
			await page.goto(`${w.server.url}/admin/users/%E0%A4%A`);
			await page.locator('.shell').waitFor();
			await page.goBack();
			await page.locator('.talk-head').waitFor();
		},
		patience,
	);

	test(
		'a reply that was stored while the line was cut is shown once, in order',
		async () => {
			const { page } = rosa;
			await page.context().setOffline(true);
			await page.locator('[data-compose]').fill('Written in a tunnel');
			await page.locator('[data-compose]').press('Enter');
			await page.locator('.message.sending', { hasText: 'tunnel' }).waitFor();
			await page.context().setOffline(false);
			await page.locator('.message.ours:not(.sending)', { hasText: 'tunnel' }).waitFor();
			expect(await page.locator('.bubble', { hasText: 'tunnel' }).count()).toBe(1);
			expect((await textsFor(ada)).filter((text) => text === 'Written in a tunnel')).toHaveLength(1);
		},
		patience,
	);

	test(
		'status, assignee, priority, category and tags are set, and told in the history',
		async () => {
			const { page } = rosa;
			const facts = page.locator('.facts');
			await page.locator('h2', { hasText: 'My payment fails' }).click();
			await page.keyboard.press('a');
			await facts.getByLabel('Assigned to').waitFor();
			await until(
				async () =>
					(await w.api<{ assigneeId: string | null }>('GET', `/admin/conversations/${ticketId}`)).assigneeId !== null,
				'assigned',
			);
			await facts.getByLabel('Priority').selectOption('high');
			await facts.getByLabel('Category').fill('billing');
			await facts.getByLabel('Category').press('Tab');
			await facts.getByLabel('Add a tag').fill('vip');
			await facts.getByLabel('Add a tag').press('Enter');
			await facts.getByRole('button', { name: 'Take the tag vip away' }).waitFor();
			await page.locator('.talk-head').getByLabel('Status').selectOption('waiting');
			await facts.getByText('History').click();
			await facts.locator('.history li', { hasText: 'waiting' }).waitFor();
			const found = await w.api<{ data: { status: string; priority: string; category: string; tags: string[] }[] }>(
				'GET',
				'/admin/tickets?tag=vip',
			);
			expect(found.data).toMatchObject([{ status: 'waiting', priority: 'high', category: 'billing', tags: ['vip'] }]);
			// the filter finds it, and so does the link to the filter
			await rosa.go('/admin/inbox/mine?tag=vip');
			await page.locator('.item', { hasText: 'My payment fails' }).waitFor();
			await rosa.go('/admin/inbox/unassigned');
			await page.getByText('Every ticket is taken care of.').waitFor();
		},
		patience,
	);

	test(
		'a canned reply is written once, and opened by a slash',
		async () => {
			const { page } = rosa;
			await rosa.go('/admin/settings/replies');
			await page.getByRole('button', { name: 'Add a canned reply' }).click();
			await page.getByLabel('Shortcut').fill('thanks');
			await page.getByLabel('Text').fill('Thank you for writing to us.');
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByText('/thanks').waitFor();
			await rosa.go(`/admin/inbox/all/${ticketId}`);
			await page.locator('[data-compose]').waitFor();
			await page.locator('[data-compose]').pressSequentially('Hello! /tha');
			await page.getByRole('option', { name: 'thanks' }).waitFor();
			await page.keyboard.press('Enter');
			expect(await page.locator('[data-compose]').inputValue()).toBe('Hello! Thank you for writing to us.');
			await page.keyboard.press('Enter');
			await page.locator('.message.ours:not(.sending)', { hasText: 'Thank you for writing' }).waitFor();
		},
		patience,
	);

	test(
		'the keys go through the list, search and help',
		async () => {
			const { page } = rosa;
			for (const subject of ['Second', 'Third']) await ada.openTicket({ subject, initialMessage: 'Hi' });
			await rosa.go('/admin/inbox/all');
			await page.locator('.item', { hasText: 'Third' }).waitFor();
			await page.keyboard.press('j');
			await page.locator('.talk h2', { hasText: 'Third' }).waitFor();
			await page.keyboard.press('j');
			await page.locator('.talk h2', { hasText: 'Second' }).waitFor();
			await page.keyboard.press('k');
			await page.locator('.talk h2', { hasText: 'Third' }).waitFor();
			await page.keyboard.press('Escape');
			await page.getByText('No conversation is open.').waitFor();
			await page.keyboard.press('?');
			await page.getByRole('dialog').getByText('Write a note for the team').waitFor();
			expect(await faultsOfAccess(page)).toEqual([]);
			await page.keyboard.press('Escape');
			await page.keyboard.press('/');
			await page.keyboard.type('payment');
			await until(async () => (await page.locator('.item').count()) === 1, 'one is found');
			expect(page.url()).toContain('q=payment');
		},
		patience,
	);

	test(
		'somebody is invited by a link, comes in, and is seen looking at the same ticket',
		async () => {
			const { page } = rosa;
			await rosa.go('/admin/users');
			await page.getByRole('button', { name: 'Invite' }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByLabel('Username').fill('stan');
			await dialog.getByLabel('Email').fill('stan@site.com');
			expect(await faultsOfAccess(page)).toEqual([]);
			await dialog.getByRole('button', { name: 'Make the link' }).click();
			const link = (await dialog.locator('pre').textContent()) ?? '';
			expect(link).toStartWith(`${w.site.url}/access#`);
			await dialog.getByRole('button', { name: 'Done' }).click();

			const stan = await visit(link.slice(w.site.url.length));
			await stan.page
				.getByLabel('New password')
				.or(stan.page.getByLabel('Password', { exact: true }))
				.first()
				.fill(password);
			await stan.page.locator('button[type=submit]').click();
			await stan.page.locator('#done').waitFor();
			await stan.page.goto(`${w.site.url}/admin/inbox/all/${ticketId}`);
			await signIn(stan, 'stan@site.com');
			await stan.page.locator('.talk h2', { hasText: 'My payment fails' }).waitFor();
			// what is not for staff is not shown to them
			expect(await stan.page.locator('.main-nav').getByText('Audit').count()).toBe(0);
			await rosa.go(`/admin/inbox/all/${ticketId}`);
			await page.getByText('stan is looking at this too').waitFor();
			await stan.page.getByText('Rosa is looking at this too').waitFor();
			await stan.page.locator('[data-compose]').pressSequentially('One moment');
			await page.getByText('stan is writing').waitFor();
			await stan.page.locator('[data-compose]').press('Enter');
			await page.locator('.message', { hasText: 'One moment' }).waitFor();
			// signing out ends it on the server too
			await stan.page.getByRole('button', { name: 'Sign out' }).click();
			await stan.page.getByRole('heading', { name: 'Sign in' }).waitFor();
			expect(await stan.page.evaluate(() => Object.values(sessionStorage).join(''))).toBe('');
			await stan.close();
		},
		patience,
	);

	test(
		'a user is suspended, signed out, exported and erased',
		async () => {
			const { page } = rosa;
			const bob = await customerOf(w.site.url, w.site.publishableKey, 'Bob');
			await bob.me();
			await rosa.go(`/admin/users/${bob.id}`);
			await page.getByRole('button', { name: 'Suspend …' }).click();
			await page.getByLabel('Reason').fill('spam');
			await page.locator('.person').getByRole('button', { name: 'Suspend' }).click();
			await page.locator('.person').getByText('spam').waitFor();
			expect(await bob.me().catch((error) => error.code)).toBe('user_suspended');
			await page.getByRole('button', { name: 'Let in again' }).click();
			await page.getByRole('button', { name: 'Suspend …' }).waitFor();
			expect((await bob.me()).id).toBe(bob.id);
			const [download] = await Promise.all([
				page.waitForEvent('download'),
				page.getByRole('button', { name: 'Export data' }).click(),
			]);
			expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toMatchObject({ user: { id: bob.id } });
			await page.getByRole('button', { name: 'Sign out everywhere' }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
			await page.getByText('Signed out everywhere.').waitFor();
			expect(await bob.me().catch((error) => error.code)).toBe('token_revoked');
			await page.getByRole('button', { name: 'Erase …' }).click();
			const erase = page.getByRole('button', { name: 'Erase for ever' });
			expect(await erase.isDisabled()).toBe(true);
			await page.getByLabel('Type bob to go on').fill('bob');
			await erase.click();
			await page.getByText('Bob was erased.').waitFor();
		},
		patience,
	);

	test(
		'a flag is taken from somebody of the team, and their role raised',
		async () => {
			const { page } = rosa;
			const { data } = await w.api<{ data: { id: string }[] }>('GET', '/admin/users?q=stan');
			const id = data[0]?.id ?? '';
			await rosa.go(`/admin/users/${id}`);
			await page.getByLabel('Edit messages').uncheck();
			await page.getByText('Saved.').first().waitFor();
			await page.locator('.person').getByLabel('Role').selectOption('moderator');
			await until(
				async () => (await w.api<{ role: string }>('GET', `/admin/users/${id}`)).role === 'moderator',
				'a moderator',
			);
			expect(await w.api('GET', `/admin/users/${id}`)).toMatchObject({ permissions: { canEditMessage: false } });
		},
		patience,
	);

	test(
		'a report is decided on its evidence',
		async () => {
			const { page } = rosa;
			const eve = await customerOf(w.site.url, w.site.publishableKey, 'Eve');
			const chat = await ada.startChat({ otherParticipantId: eve.id });
			await ada.send(chat.id, 'Is the lamp for sale?');
			const message: Message = await eve.send(chat.id, 'Not to you, fool.');
			await rosa.go('/admin/reports');
			await page.getByText('Nothing waits to be decided.').waitFor();
			await ada.post(`/p2p/conversations/${chat.id}/messages/${message.id}/report`, { reason: 'An insult.' });
			await page.getByText('An insult.').waitFor();
			await page.getByRole('link', { name: 'See the evidence' }).click();
			await page.locator('.message.note', { hasText: 'Not to you, fool.' }).waitFor();
			await page.goBack();
			await page.getByRole('button', { name: 'Uphold' }).click();
			await page.getByText('It does nothing to Eve by itself').waitFor();
			// the chat itself is read only, and opening it is noted
			await rosa.go('/admin/inbox/p2p');
			await page.locator('.item', { hasText: 'Eve' }).click();
			await page.getByText('the team can read it').waitFor();
			expect(await page.locator('[data-compose]').count()).toBe(0);
			await rosa.go('/admin/audit?action=conversation.read');
			await page.locator('.audit li', { hasText: chat.id }).waitFor();
		},
		patience,
	);

	test(
		'a message is edited and deleted, and a ticket made of one',
		async () => {
			const { page } = rosa;
			const menu = async (text: string, act: string) => {
				const message = page.locator('.message', { hasText: text });
				await message.hover();
				await message.locator('.menu summary').click();
				await page.screenshot({ path: join(pictures, 'admin-menu.png') });
				await message.getByRole('button', { name: act }).click();
			};
			await rosa.go('/admin/inbox/p2p');
			await page.locator('.item', { hasText: 'Eve' }).click();
			await menu('Is the lamp for sale?', 'Make a ticket of it');
			await page.locator('.talk h2', { hasText: 'Is the lamp' }).waitFor();
			await page.getByRole('link', { name: 'a message elsewhere' }).waitFor();
			await page.locator('[data-compose]').fill('It is soled.');
			await page.locator('[data-compose]').press('Enter');
			await menu('It is soled.', 'Edit');
			await page.getByLabel('Edit message').fill('It is sold.');
			await page.locator('.editing').getByRole('button', { name: 'Save' }).click();
			await page.locator('.message', { hasText: 'edited' }).getByText('It is sold.').waitFor();
			await menu('It is sold.', 'Delete');
			await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
			await page.locator('.message', { hasText: 'Message deleted' }).waitFor();
		},
		patience,
	);

	test(
		'one click has the page call by sound and notification, and another theme is kept',
		async () => {
			const { page } = rosa;
			await page.context().grantPermissions(['notifications']);
			await page.getByRole('button', { name: 'Switch notifications and sound on' }).click();
			await page.getByText('You will be called when a customer writes.').waitFor();
			await page.getByRole('button', { name: /Colours: as the system/ }).click();
			await page.getByRole('button', { name: /Colours: light/ }).click();
			await page.reload();
			await page.locator('.shell').waitFor();
			expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
			await page.getByRole('button', { name: 'Notifications and sound are on' }).click();
			await page.getByRole('button', { name: /Colours: dark/ }).click();
		},
		patience,
	);

	test(
		'settings change the site and its widget, and a key is shown once',
		async () => {
			const { page } = rosa;
			await rosa.go('/admin/settings/site');
			expect(await page.locator('pre').first().textContent()).toBe(
				`<script src="${w.site.url}/widget.js" data-key="${w.site.publishableKey}" async></script>`,
			);
			await page.getByLabel('Days until').fill('14');
			await page.getByLabel('Web origins').fill('not an origin');
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByRole('alert').waitFor();
			await page.getByLabel('Web origins').fill('https://shop.example');
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByText('Saved.').waitFor();
			await page.getByRole('link', { name: 'Widget' }).click();
			await page.getByLabel('Title').fill('Ask us');
			await page.getByLabel('Colour', { exact: true }).fill('#117744');
			expect(await page.locator('.preview-head').textContent()).toBe('Ask us');
			await page.getByLabel('Say something while').check();
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByText('Saved.').last().waitFor();
			await until(
				async () => (await w.api<{ title: string }>('GET', '/widget-config')).title === 'Ask us',
				'the widget has its title',
			);
			expect(await w.api('GET', '/admin/site')).toMatchObject({ autoCloseDays: 14, origins: ['https://shop.example'] });
			await page.getByRole('link', { name: 'Keys' }).click();
			await page.getByLabel('Label').fill('shop server');
			await page.getByRole('button', { name: 'Make the key' }).click();
			const key = (await page.locator('.notice pre').textContent()) ?? '';
			expect(key).toStartWith('sk_');
			await page.reload();
			await page.getByRole('button', { name: 'Revoke shop server' }).waitFor();
			expect(await page.content()).not.toContain(key);
			await page.getByRole('button', { name: 'Revoke shop server' }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
			await page.getByText('Revoked', { exact: false }).first().waitFor();
			await w.api('PATCH', '/admin/site', { origins: null });
		},
		patience,
	);

	test(
		'every view can be used by everybody, light and dark, wide and narrow, and a link to it survives a reload',
		async () => {
			const { page } = rosa;
			const { data } = await w.api<{ data: { id: string }[] }>('GET', '/admin/conversations?type=p2p');
			const views = {
				inbox: '/inbox/all',
				ticket: `/inbox/all/${ticketId}`,
				chat: `/inbox/p2p/${data[0]?.id}`,
				dashboard: '/dashboard',
				users: '/users',
				user: `/users/${ada.id}`,
				reports: '/reports?status=any',
				audit: '/audit',
				site: '/settings/site',
				widget: '/settings/widget',
				replies: '/settings/replies',
				keys: '/settings/keys',
				you: '/settings/you',
			};
			await page.emulateMedia({ reducedMotion: 'reduce' });
			for (const [name, path] of Object.entries(views)) {
				await rosa.go(`/admin${path}`);
				await page.waitForLoadState('networkidle');
				for (const [width, height] of [
					[1_280, 800],
					[360, 740],
				] as const)
					for (const colorScheme of ['light', 'dark'] as const) {
						await page.setViewportSize({ width, height });
						await page.emulateMedia({ colorScheme });
						await page.screenshot({ path: join(pictures, `admin-${name}-${width}-${colorScheme}.png`) });
						expect([name, width, colorScheme, await faultsOfAccess(page)]).toEqual([name, width, colorScheme, []]);
						expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
					}
			}
			await page.setViewportSize({ width: 1_280, height: 800 });
			await page.emulateMedia({ colorScheme: 'light' });
		},
		2 * patience,
	);

	test(
		'what people write stays text',
		async () => {
			const { page } = rosa;
			const names = xssStrings.filter((text) => text.length <= 64).slice(0, 40);
			const made = await Promise.all(
				names.map(async (displayName, i) => {
					const { id } = await w.api('POST', '/users', { username: `x${i}`, externalId: `x${i}`, displayName });
					const subject = xssStrings[i * 2] ?? '';
					return w.api(
						'POST',
						'/support/tickets',
						{ subject, category: displayName, initialMessage: xssStrings[i * 2 + 1] },
						id,
					);
				}),
			);
			const [first] = made;
			const staff = await w.api('POST', '/users', { username: 'xavier', role: 'staff' });
			for (const text of xssStrings)
				await w.api('POST', `/support/tickets/${first?.id}/messages`, { kind: 'note', content: { text } }, staff.id);
			await w.api(
				'PATCH',
				`/support/tickets/${first?.id}`,
				{ tags: xssStrings.filter((text) => text.length <= 32).slice(0, 8) },
				staff.id,
			);
			for (const [i, text] of xssStrings.slice(0, 40).entries())
				await w.api('POST', '/admin/canned-replies', { shortcut: `x${i}`, text });
			await w.api('PATCH', '/admin/site', {
				widget: { title: '<img src=x>', welcome: '<img src=x onerror=alert(1)>' },
			});
			const paths = [
				'/inbox/all',
				...made.slice(0, 6).map(({ id }) => `/inbox/all/${id}`),
				'/users?q=x',
				'/settings/replies',
				'/settings/widget',
				'/audit',
			];
			for (const path of paths) {
				await rosa.go(`/admin${path}`);
				await page.waitForLoadState('networkidle');
				expect(
					await page.evaluate(() => ({
						elements: document.querySelectorAll(
							'#desk :is(script, iframe, object, embed, video, audio, base, form[action], [onerror], [onload])',
						).length,
						images: [...document.querySelectorAll('#desk img')].filter(
							(image) => !image.getAttribute('src')?.startsWith('/assets/'),
						).length,
						links: [...document.querySelectorAll('#desk a')].filter(
							(link) => !/^(?:https?:|\/admin|#)/.test(link.getAttribute('href') ?? ''),
						).length,
					})),
				).toEqual({ elements: 0, images: 0, links: 0 });
			}
			await rosa.go(`/admin/inbox/all/${first?.id}`);
			await page.locator('[data-compose]').pressSequentially('/x');
			await page.locator('.canned [role=option]').first().waitFor();
		},
		patience,
	);

	test('is small, and all of it is the server’s own', async () => {
		let bytes = 0;
		for (const name of ['admin.js', 'admin.css'])
			bytes += gzipSync(await (await fetch(`${w.site.url}/assets/${name}`)).bytes()).byteLength;
		expect(bytes).toBeLessThan(adminBytesMax);
		const response = await fetch(`${w.site.url}/admin/users/anybody`);
		expect(response.headers.get('content-security-policy')).toContain(
			"default-src 'none'; script-src 'self'; style-src 'self'",
		);
	});

	test('nothing went wrong on any page: no error, no dialog, no foreign host, nothing against the policy', () => {
		expect(visits.flatMap(({ faults }) => faults)).toEqual([]);
	});
});
