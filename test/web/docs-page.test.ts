import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { failures } from '../../src/kernel/errors.ts';
import { live } from '../cli/cli-support.ts';
import { type Json, lacking, lines } from '../contract/first-documentation-support.ts';

/** The documentation page: the first documentation is on it, line by line, and every block of it runs as it is printed. */

const patience = 60_000;
const start = async () => {
	const server = await live();
	const { url, firstStart } = server.started;
	const html = await (await fetch(`${url}/docs`)).text();
	return { server, url, site: firstStart as Record<string, string>, html };
};
let w: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
	w = await start();
}, patience);
afterAll(() => w.server[Symbol.asyncDispose]());

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const textOf = (html: string): string =>
	html.replaceAll(/<[^>]+>/g, '').replaceAll(/&([\w#]+);/g, (found, name) => entities[name] ?? found);
/** The page without what this server adds. */
const firstPart = (html: string): string =>
	html
		.replace(/^[\s\S]*<main>/, '')
		.replace(/<\/main>[\s\S]*$/, '')
		.replaceAll(/<div class="(?:here|run)"[^>]*>[\s\S]*?<\/div>/g, '');
const linesOf = (html: string): string[] =>
	textOf(
		html
			.replaceAll(/<tr>([\s\S]*?)<\/tr>/g, (_, row: string) =>
				[...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].reduce((text, [, cell]) => `${text} ${cell} |`, '|'),
			)
			.replaceAll('</thead>', '\n|---|---|---|\n')
			.replaceAll(/<ul[\s\S]*?<\/ul>/g, (list) => list.replaceAll('<li>', '- ')),
	)
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '');

/** Every printed block, by its name. */
const blocksOf = (html: string): Map<string, string> =>
	new Map(
		[...html.matchAll(/<pre (?:id|data-example)="([^"]+)">([\s\S]*?)<\/pre>/g)].map(([, name = '', block = '']) => [
			name,
			textOf(block),
		]),
	);
const jsonOf = (block = ''): Json => JSON.parse(block.replaceAll(/ \/\/ .*$/gm, ''));

test('has every line of the first documentation, in its order, with this server’s address, site and key', () => {
	const { url, site, html } = w;
	const filled = lines
		.filter((line) => line !== '')
		.map((line) =>
			line
				.replaceAll('site.com', site.resourceId ?? '')
				.replace(/Your API Key|your-api-key/, site.publishableKey ?? '')
				.replace(/(['`])\/api/, `$1${url}/api`),
		);
	expect(linesOf(firstPart(html))).toEqual(filled);
});

test('has every section of the first documentation as a heading, and in its contents', () => {
	const titles = [...firstPart(w.html).matchAll(/<h2 id="([^"]+)">([^<]+)<\/h2>/g)];
	expect(titles.map(([, , title]) => title)).toEqual([
		'Authentication (Bearer Token)',
		'User Management',
		'P2P Chat API',
		'Support Tickets API',
		'Admin Panel API',
		'JavaScript/Fetch Examples',
		'Error Handling',
	]);
	const contents = /<nav[\s\S]*?<\/nav>/.exec(w.html)?.[0] ?? '';
	for (const [, id, title] of titles) expect(contents).toContain(`<a href="#${id}">${title}</a>`);
	const ids = [...w.html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
	expect(new Set(ids).size).toBe(ids.length);
	for (const [, id = ''] of w.html.matchAll(/ href="#([^"]+)"/g)) expect(ids).toContain(id);
});

test('names no call that is not there', async () => {
	const { paths } = (await (await fetch(`${w.url}/swagger/json`)).json()) as { paths: Record<string, object> };
	const named = [...textOf(w.html).matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/api\/v1[\w/{}-]+)/g)];
	expect(named.length).toBeGreaterThan(40);
	for (const [call, method = '', path = ''] of named)
		expect([call, Object.keys(paths[path] ?? {}).includes(method.toLowerCase())]).toEqual([call, true]);
});

test('has every code of a failure under its status, with what to do', () => {
	const table = /<table class="codes">[\s\S]*?<\/table>/.exec(w.html)?.[0] ?? '';
	const groups = table.split('<tbody>').slice(1).map(textOf);
	for (const [code, [status, message]] of Object.entries(failures)) {
		const group = groups.find((text) => text.startsWith(`${status} `)) ?? '';
		expect([code, group.includes(`${code}${message.replaceAll('`', '')}`)]).toEqual([code, true]);
	}
	const statuses = groups.map((text) => Number.parseInt(text, 10));
	expect(statuses).toEqual([...statuses].sort((a, b) => a - b));
});

/** What the blocks on the team take for granted: somebody who signs in. */
const email = 'rosa@site.test';
const password = 'correct horse battery';
const teamOf = async ({ server, site }: typeof w) => {
	const { setupToken, resourceId } = site;
	const made = await server.api('/auth/setup', {
		method: 'POST',
		body: { setupToken, resourceId, username: 'rosa', email, password },
	});
	expect(made.status).toBe(201);
	const signedIn = await server.api('/auth/login', { method: 'POST', body: { resourceId, email, password } });
	return ((await signedIn.json()) as Json).data.chatToken as string;
};

test(
	'prints blocks that all run, word for word',
	async () => {
		const { server, url, site, html } = w;
		const blocks = blocksOf(html);
		const ran: string[] = [];
		const take = (name: string): string => {
			ran.push(name);
			return blocks.get(name) ?? '';
		};
		const key = site.publishableKey ?? '';
		const deskToken = await teamOf(w);
		let token = '';
		const call = async (path: string, body?: object): Promise<Json> => {
			const headers = { 'x-api-key': key, authorization: `Bearer ${token}` };
			const response = await server.api(path, { method: body ? 'POST' : 'GET', body, ...(token && headers) });
			return await response.json();
		};
		/** A block of both: `// Request` and `// Response`. */
		const both = (name: string): { request: Json; answer: Json } => {
			const [request = '', answer = ''] = take(name).split('// Response\n');
			return {
				request: request === '' ? null : jsonOf(request.replace('// Request\n', '')),
				answer: jsonOf(answer),
			};
		};
		const asPrinted = (name: string, printed: Json, answer: Json) => {
			expect([name, lacking(printed, answer)]).toEqual([name, []]);
			return answer.data;
		};

		// the blocks of JSON: requests as printed but for ids, answers with every printed field
		const user = asPrinted(
			'create user',
			jsonOf(take('create-user-answer')),
			await call('/users', jsonOf(take('create-user-request'))),
		);
		const tokenRequest = { ...jsonOf(take('chat-token-request')), userId: user.id };
		const tokenAnswer = await call('/users/chat-token', tokenRequest);
		const mine = asPrinted('chat token', jsonOf(take('chat-token-answer')), tokenAnswer).chatToken as string;
		const other = (await call('/users', { resourceId: site.resourceId, username: 'jane_doe' })).data;
		token = mine;
		const created = both('create-conversation-both');
		expect(Object.keys(created.request)).toEqual(['otherParticipantId']);
		const conversation = asPrinted(
			'create conversation',
			created.answer,
			await call('/p2p/conversations', { otherParticipantId: other.id }),
		);
		const sent = both('send-message-both');
		const at = `/p2p/conversations/${conversation.id}`;
		asPrinted('send message', sent.answer, await call(`${at}/messages`, sent.request));
		asPrinted('conversations', both('view-conversations-both').answer, await call('/p2p/conversations'));
		const opened = both('create-ticket-both');
		const ticket = asPrinted('ticket', opened.answer, await call('/support/tickets', opened.request));
		token = '';
		asPrinted('failure', jsonOf(take('error-answer')), await call('/p2p/conversations'));

		// the commands
		const env = {
			PATH: process.env.PATH,
			SECRET_KEY: site.secretKey,
			USER_ID: user.id,
			CONVERSATION_ID: conversation.id,
			TICKET_ID: ticket.id,
			CHAT_TOKEN: mine,
			DESK_TOKEN: deskToken,
			EMAIL: email,
			PASSWORD: password,
		};
		for (const [name, block] of blocks) {
			if (!block.startsWith('curl ')) continue;
			const child = Bun.spawn(['bash', '-c', take(name)], { env, stderr: 'ignore' });
			const said = await child.stdout.text();
			expect([name, JSON.parse(said)]).toEqual([name, expect.objectContaining({ success: true })]);
		}

		// the client, in a program of its own that stands for a page
		const source = take('client-example');
		const from = /from '(\S+)'/.exec(source)?.[1] ?? '';
		await Bun.write(join(server.folder, 'client.js'), await (await fetch(from)).text());
		const page = `globalThis.localStorage = { getItem: () => '${mine}' };\n${source.replace(from, './client.js')}`;
		await Bun.write(join(server.folder, 'page.js'), page);
		const reader = Bun.spawn([process.execPath, 'page.js'], { cwd: server.folder, stderr: 'inherit' });
		token = mine;
		const asking = setInterval(() => call(`${at}/messages`, { content: { text: 'Heard?' } }), 250);
		const heard = await reader.stdout.getReader().read();
		clearInterval(asking);
		reader.kill();
		expect(new TextDecoder().decode(heard.value)).toContain('Heard?');

		// the tag
		const [, src = '', shownKey = ''] = /^<script src="([^"]+)" data-key="([^"]+)" async><\/script>$/.exec(
			take('widget-tag'),
		) ?? [''];
		expect((await fetch(src)).headers.get('content-type')).toContain('javascript');
		expect((await fetch(`${url}/api/v1/widget-config`, { headers: { 'x-api-key': shownKey } })).status).toBe(200);

		// and the examples run below
		expect([...ran, 'createUser', 'getChatToken', 'sendMessage'].sort()).toEqual([...blocks.keys()].sort());
	},
	patience,
);

test(
	'prints three examples that run one after the other on a new server',
	async () => {
		const { server, url, site, html } = await start();
		await using _ = server;
		const blocks = blocksOf(html);
		const kept = new Map<string, string>();
		const localStorage = {
			getItem: (name: string) => kept.get(name) ?? null,
			setItem: (name: string, value: string) => void kept.set(name, value),
		};
		const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;
		const statuses: number[] = [];
		const noted = async (address: string, init: RequestInit) => {
			const response = await fetch(address, init);
			statuses.push(response.status);
			return response;
		};
		const run = (source: string, known: Record<string, unknown> = {}): Promise<Json> =>
			new AsyncFunction('fetch', 'localStorage', ...Object.keys(known), source)(
				noted,
				localStorage,
				...Object.values(known),
			);
		const printed = (name: string) => blocks.get(name) ?? '';
		const userId = await run(`${printed('createUser')}\nreturn userId;`);
		await run(printed('getChatToken'), { userId });
		const headers = { 'x-api-key': site.publishableKey, authorization: `Bearer ${kept.get('chatToken')}` };
		const post = async (path: string, body: object): Promise<Json> =>
			((await (await server.api(path, { method: 'POST', body, ...headers })).json()) as Json).data;
		const other = await post('/users', { username: 'jane_doe' });
		const { id } = await post('/p2p/conversations', { otherParticipantId: other.id });
		const message = await run(`${printed('sendMessage').replace('{conversationId}', id)}\nreturn data;`);
		expect(statuses).toEqual([201, 200, 201]);
		expect(message).toMatchObject({ conversationId: id, senderId: userId, content: { text: 'How are you?' } });

		// and what the page itself runs is made of the same text
		const script = await (await fetch(`${url}/assets/docs.js`)).text();
		for (const name of ['createUser', 'getChatToken', 'sendMessage']) {
			const unfilled = printed(name)
				.replaceAll(url, '{{origin}}')
				.replaceAll(`'${site.resourceId}'`, "'{{resourceId}}'")
				.replaceAll(`'${site.publishableKey}'`, "'{{key}}'");
			expect(script).toContain(unfilled);
		}
	},
	patience,
);
