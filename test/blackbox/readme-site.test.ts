import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, client, type NewSite, serve } from './program-support.ts';

/** What the README says of adding the chat to a site, run as it is written; and its tables, held against the source. */

const root = join(import.meta.dir, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');
const part = (mark: string, heading: string): string =>
	readme.split(`\n${mark} ${heading}\n`)[1]?.split(new RegExp(`\n#{2,${mark.length}} `))[0] ?? '';
const blockOf = (text: string, language: string): string =>
	new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '';
/** The first cells of the rows below a table's head. */
const rowsOf = (text: string, head: string): string[] =>
	(text.split(`\n| ${head} |`)[1]?.split('\n\n')[0] ?? '')
		.split('\n')
		.slice(2)
		.map((row) => row.split(' | ')[0]?.replace(/^\| /, '') ?? '');

let folder: string;
let server: Awaited<ReturnType<typeof serve>>;
let site: NewSite;
let ask: Client;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'parley-readme-'));
	server = await serve(folder, { PARLEY_LIMITS: 'off', PARLEY_ACCESS_LOG: 'off' });
	if (!server.firstStart) throw new Error('this was not the first start');
	site = server.firstStart;
	ask = client(server.url);
});
afterAll(async () => {
	await server.kill();
	rmSync(folder, { recursive: true, force: true });
});
/** What a reader fills in. */
const filledIn = (block: string): string =>
	block
		.replaceAll('https://chat.site.com', server.url)
		.replaceAll("'site.com'", `'${site.resourceId}'`)
		.replaceAll('pk_…', site.publishableKey);
/** Exchanges a token as the widget does; the user's name among the site's. */
const exchange = async (identityToken: string) => {
	const { status, body } = await ask('/users/chat-token', { key: site.publishableKey, body: { identityToken } });
	expect([status, body.success]).toEqual([200, true]);
	const { data } = await ask('/users/me', { key: site.publishableKey, token: body.data.chatToken }).then(
		({ body }) => body,
	);
	return data as { externalId: string; verified: boolean };
};

/** As much of WordPress as the plugin calls. It prints the footer, and what its address answers. */
const wordpress = `<?php
class WP_REST_Response {
	function __construct(public mixed $data = null, public int $status = 200, public array $headers = []) {}
}
$actions = []; $routes = []; $visitor = (int) $argv[1];
function add_action($name, $act) { global $actions; $actions[$name][] = $act; }
function register_rest_route($space, $path, $route) { global $routes; $routes["/$space$path"] = $route; }
function __return_true() { return true; }
function wp_create_nonce($of) { return "nonce-of-$of"; }
function add_query_arg($name, $value, $url) { return $url . '?' . $name . '=' . urlencode($value); }
function rest_url($path) { return "https://www.site.com/wp-json/$path"; }
function esc_url($url) { return str_replace('&', '&#038;', $url); }
function esc_attr($text) { return htmlspecialchars($text, ENT_QUOTES); }
function is_user_logged_in() { global $visitor; return $visitor !== 0; }
function get_current_user_id() { global $visitor; return $visitor; }
define('PARLEY_IDENTITY_SECRET', $argv[2]);
error_reporting(E_ALL);
require __DIR__ . '/parley.php';
ob_start();
foreach ($actions['wp_footer'] as $act) $act();
$footer = ob_get_clean();
foreach ($actions['rest_api_init'] as $act) $act();
$route = $routes['/parley/v1/identity'];
echo json_encode(['footer' => $footer, 'open' => $route['permission_callback'](), 'answer' => $route['callback']()]);
`;
const php = Bun.which('php');
if (php === null) console.warn('The WordPress plugin of the README was NOT run: there is no php on this machine.');

describe.skipIf(php === null)('the WordPress plugin of the README', () => {
	const run = (visitor: number) => {
		writeFileSync(join(folder, 'parley.php'), filledIn(blockOf(part('###', 'WordPress'), 'php')));
		writeFileSync(join(folder, 'wordpress.php'), wordpress);
		const { stdout, stderr, exitCode } = Bun.spawnSync(
			[php ?? '', '-d', 'display_errors=stderr', 'wordpress.php', `${visitor}`, site.identitySecret],
			{ cwd: folder },
		);
		expect([exitCode, stderr.toString()]).toEqual([0, '']);
		return JSON.parse(stdout.toString()) as {
			footer: string;
			open: boolean;
			answer: { data: { identityToken: string } | null; status: number; headers: Record<string, string> };
		};
	};

	test('puts the tag into the footer, with the address that says who is there', () => {
		expect(run(0).footer).toBe(
			`<script src="${server.url}/widget.js" data-key="${site.publishableKey}" data-identity-url="https://www.site.com/wp-json/parley/v1/identity?_wpnonce=nonce-of-wp_rest" async></script>`,
		);
	});

	test('gives whoever is signed in a token that the server takes, and nobody else one', async () => {
		const { open, answer } = run(42);
		expect([open, answer.status, answer.headers]).toEqual([true, 200, { 'Cache-Control': 'no-store' }]);
		expect(await exchange(answer.data?.identityToken ?? '')).toMatchObject({ externalId: '42', verified: true });
		expect(run(0).answer).toMatchObject({ data: null, status: 401, headers: { 'Cache-Control': 'no-store' } });
	});
});

test('the function for Node of the README makes a token that the server takes', async () => {
	writeFileSync(join(folder, 'identity.mjs'), filledIn(blockOf(part('###', 'Who is signed in'), 'js')));
	const { stdout, stderr } = Bun.spawnSync(
		[process.execPath, '-e', `import { identityToken } from './identity.mjs'; console.log(identityToken(43));`],
		{ cwd: folder, env: { ...process.env, PARLEY_IDENTITY_SECRET: site.identitySecret } },
	);
	expect(stderr.toString()).toBe('');
	expect(await exchange(stdout.toString().trim())).toMatchObject({ externalId: '43', verified: true });
});

test('the tag of the README leads to the widget', async () => {
	const [, address = '', key] =
		/src="([^"]+)" data-key="([^"]+)"/.exec(filledIn(blockOf(part('###', 'Plain HTML'), 'html'))) ?? [];
	expect(key).toBe(site.publishableKey);
	const response = await fetch(address);
	expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
	expect((await ask('/widget-config', { key })).body.data).toMatchObject({ resourceId: site.resourceId });
});

describe('the tables of the README', () => {
	const widget = read('src/web/widget/widget.tsx');
	const about = part('###', 'Plain HTML');

	test('name every option of the tag', () => {
		const known = new Set([...widget.matchAll(/\boptions\.(\w+)/g)].map(([, name = '']) => name));
		expect(known.size).toBeGreaterThan(4);
		expect(rowsOf(about, 'option of the tag | what it does').sort()).toEqual(
			[...known].map((name) => `\`data-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}\``).sort(),
		);
	});

	test('name every language', () => {
		const known = [...new Bun.Glob('*.ts').scanSync(join(root, 'src/web/widget/locales'))].map((name) =>
			name.slice(0, -3),
		);
		expect(known.filter((name) => !about.includes(`\`${name}\``))).toEqual([]);
	});

	test('name every call of window.Parley, and what it tells of', () => {
		const body = widget.split('\tconst parley = {\n')[1]?.split('\n\t};\n')[0] ?? '';
		const known = [...body.matchAll(/^\t\t(\w+)[,:]/gm)].map(([, name = '']) => name);
		expect(known.length).toBeGreaterThan(6);
		const rows = rowsOf(about, 'call | what it does');
		expect(rows.flatMap((row) => [...row.matchAll(/`(\w+)\(/g)].map(([, name = '']) => name)).sort()).toEqual(
			known.sort(),
		);
		const told = [...widget.matchAll(/\btell\(([^,)]+)/g)].flatMap(([, what = '']) =>
			[...what.matchAll(/'(\w+)'/g)].map(([, name = '']) => name),
		);
		expect(told.length).toBeGreaterThan(3);
		const listened = about.split('\n').find((line) => line.startsWith('| `on(')) ?? '';
		expect(told.filter((name) => !listened.includes(`\`${name}\``))).toEqual([]);
	});

	test('name every key of the admin panel', () => {
		const known = [...read('src/web/admin/keyboard.ts').matchAll(/^\t\['(.+)', '(.+)'\],$/gm)].map(
			([, key, meaning]) => `| \`${key}\` | ${meaning} |`,
		);
		expect(known.length).toBeGreaterThan(7);
		const table = part('##', 'The admin panel').split('\n| key | what it does |\n| --- | --- |\n')[1]?.split('\n\n')[0];
		expect(table).toBe(known.join('\n'));
	});
});

test('the pictures of the README are there, small, and described', () => {
	const pictures = [...readme.matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)];
	expect(pictures.length).toBe(4);
	for (const [, words = '', path = ''] of pictures) {
		expect(words.length).toBeGreaterThan(20);
		expect([path, existsSync(join(root, path))]).toEqual([path, true]);
		expect(statSync(join(root, path)).size).toBeLessThan(150_000);
	}
});

test('the links within the README lead somewhere', () => {
	const anchors = [...readme.matchAll(/^#{2,} (.+)$/gm)].map(([, heading = '']) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\w\s-]/g, '')
			.trim()
			.replaceAll(' ', '-'),
	);
	const targets = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, target = '']) => target);
	expect(targets.filter((target) => !anchors.includes(target))).toEqual([]);
});
