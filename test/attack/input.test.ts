/**
 * Bad input of every kind, to the compiled program: it is refused in the one form of a failure, in words that help and do
 * not repeat it, and changes nothing. What good input looks like at its edges is here too.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connect } from 'node:net';
import {
	type Answer,
	type Ask,
	type Client,
	client,
	type Json,
	type NewSite,
	serve,
	unlimited,
} from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';

setDefaultTimeout(30_000);

const folder = tempFolder();
let server: Awaited<ReturnType<typeof serve>>;
let site: NewSite;
let ask: Client;
let alice: { id: string; as: { key: string; token: string } };
let bob: typeof alice;
let conversation = '';
let message = '';
/** Everything two users see of what is stored. */
let before = '';
const seen = async () => {
	const answers = await Promise.all([
		ask('/users/me', alice.as),
		ask('/users/me', bob.as),
		ask('/p2p/conversations?status=all', alice.as),
		ask(`${conversation}/messages?limit=100`, bob.as),
		ask('/users/me/blocks', alice.as),
		ask('/p2p/unread-count', bob.as),
	]);
	return JSON.stringify(answers.map(({ status, body }) => [status, body]));
};

beforeAll(async () => {
	server = await serve(folder.path, unlimited);
	if (!server.firstStart) throw new Error('no first start');
	site = server.firstStart;
	ask = client(server.url);
	const person = async (username: string) => {
		const { id } = (await ask('/users', { key: site.secretKey, body: { username } })).body.data;
		const { chatToken } = (await ask('/users/chat-token', { key: site.secretKey, body: { userId: id } })).body.data;
		return { id, as: { key: site.publishableKey, token: chatToken } };
	};
	alice = await person('alice');
	bob = await person('bob');
	const started = await ask('/p2p/conversations', { ...alice.as, body: { otherParticipantId: bob.id } });
	conversation = `/p2p/conversations/${started.body.data.id}`;
	message = (await ask(`${conversation}/messages`, { ...alice.as, body: { content: { text: 'hello' } } })).body.data.id;
	before = await seen();
});
afterEach(async () => {
	const now = await seen();
	const changed = now !== before;
	before = now;
	expect({ changed }).toEqual({ changed: false });
});
afterAll(async () => {
	expect(await server.stop()).toBe(0);
	const faults = (await server.stderr).split('\n').filter((line) => line.includes('"level":50'));
	expect(faults).toEqual([]);
	folder[Symbol.dispose]();
});

/** Stands in everything that is wrong, so that it would be noticed in an answer. */
const mark = 'zQ9x';
/** What has no business in an answer: of the program, its files, its database and the machine. */
const inside = /SQLITE|select |\.ts\b|node_modules|\/(?:home|root|tmp|work)\b|\bat \w+ \(|TypeError|undefined|\[object/;

const isFailure = ({ status, body, text, headers }: Answer, name: string, expected: readonly (number | string)[]) => {
	expect({ name, status, code: body?.code, text: expected.includes(status) ? '' : text }).toEqual({
		name,
		status: expected.includes(status) ? status : (expected[0] as number),
		code: body?.code,
		text: '',
	});
	const codes = expected.filter((item) => typeof item === 'string');
	if (codes.length > 0)
		expect({ name, code: body?.code, known: codes.includes(body?.code) }).toMatchObject({ known: true });
	expect({ name, success: body?.success, type: headers.get('content-type') }).toEqual({
		name,
		success: false,
		type: 'application/json; charset=utf-8',
	});
	expect(
		Object.keys(body).filter((key) => !['success', 'message', 'code', 'requestId', 'errors'].includes(key)),
	).toEqual([]);
	expect(body.requestId).toBe(headers.get('x-request-id'));
	expect(body.message.length).toBeGreaterThan(20);
	expect(text).not.toContain(mark);
	expect(text).not.toMatch(inside);
};
/** That, and the field at fault is named, or what is missing in it. */
const namesField = (answer: Answer, name: string, field: string) => {
	const paths = answer.body.errors?.map((error: Json) => error.path) ?? [];
	expect({ name, paths, named: paths.some((path: string) => path === field || path.startsWith(`${field}.`)) }).toEqual({
		name,
		paths,
		named: true,
	});
	for (const error of answer.body.errors) expect(error.message.length).toBeGreaterThan(5);
};

type Bad = [name: string, body: unknown, field: string | null, ...expected: (number | string)[]];
const many = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, mark]));
const text = (value: unknown) => ({ content: { text: value } });
const badText: Bad[] = [
	['nothing', {}, 'content', 400],
	['content that is null', { content: null }, 'content', 400],
	['content that is a string', { content: mark }, 'content', 400],
	['content that is a number', { content: 5 }, 'content', 400],
	['content that is a list', { content: [mark] }, 'content', 400],
	['content without text', { content: {} }, 'content.text', 400],
	['text that is a number', text(5), 'content.text', 400],
	['text that is null', text(null), 'content.text', 400],
	['text that is a list', text([mark]), 'content.text', 400],
	['text that is an object', text({ $gt: mark }), 'content.text', 400],
	['empty text', text(''), 'content.text', 400],
	['blank text', text(' \n\t\u00a0\u2003 '), null, 422, 'message_text_invalid'],
	['10 001 letters', text(mark.padEnd(10_001, 'x')), null, 422, 'message_text_invalid'],
	['text with NUL', '{"content":{"text":"zQ9x\\u0000"}}', 'body', 400],
	['text with half a character', '{"content":{"text":"zQ9x\\ud83d"}}', 'body', 400],
	['half a character in a name of a field', '{"content":{"text":"a"},"zQ9x\\ud83d":1}', 'body', 400],
];
const badMetadata: [name: string, metadata: unknown][] = [
	['that is a list', [mark]],
	['that is a string', mark],
	['that is null', null],
	['that is nested', { a: { b: mark } }],
	['with a list in it', { a: [mark] }],
	['with null in it', { a: null }],
	['of 21 keys', many(21)],
	['of more than 2 KB', { a: mark.padEnd(2_100, 'x') }],
];
const badClientIds = ['', mark.padEnd(65, 'x'), `${mark} ${mark}`, `${mark}ক`, 5, null, [mark]];

describe('a message with', () => {
	const send = (body: unknown) => ask(`${conversation}/messages`, { ...alice.as, body });
	const check = (name: string, body: unknown, field: string | null, ...expected: (number | string)[]) =>
		test(`${name} is refused`, async () => {
			const answer = await send(body);
			isFailure(answer, name, expected);
			if (field) namesField(answer, name, field);
		});
	for (const bad of badText) check(...bad);
	for (const [name, metadata] of badMetadata)
		check(`metadata ${name}`, { ...text('a'), metadata }, null, 400, 'invalid_request');
	for (const clientMessageId of badClientIds)
		check(
			`the clientMessageId ${JSON.stringify(clientMessageId)}`,
			{ ...text('a'), clientMessageId },
			'clientMessageId',
			400,
		);
	for (const replyTo of ['', 5, null, mark.padEnd(65, 'x')])
		check(`the replyTo ${JSON.stringify(replyTo)}`, { ...text('a'), replyTo }, 'replyTo', 400);
	check('a replyTo that is nowhere', { ...text('a'), replyTo: `msg_${mark}` }, null, 422, 'reply_to_invalid');

	test('a clientMessageId that stands for another one is refused', async () => {
		const clientMessageId = crypto.randomUUID();
		const first = await send({ ...text('hello again'), clientMessageId });
		expect(first.status).toBe(201);
		for (const other of [
			text(mark),
			{ ...text('hello again'), replyTo: message },
			{ ...text('hello again'), metadata: { a: 1 } },
		])
			isFailure(await send({ ...other, clientMessageId }), 'reused', [409, 'client_message_id_reused']);
		before = await seen();
	});

	test('the edges of what is allowed is stored as it is', async () => {
		for (const [given, stored] of [
			['x'.repeat(10_000), 'x'.repeat(10_000)],
			['ক'.repeat(10_000), 'ক'.repeat(10_000)],
			['👍'.repeat(10_000), '👍'.repeat(10_000)],
			[`${' '.repeat(20_000)}x${'\n'.repeat(20_000)}`, 'x'],
			['<script>alert(1)</script>', '<script>alert(1)</script>'],
			["'; drop table messages; --", "'; drop table messages; --"],
			['\u202eabc\u200b👨‍👩‍👧‍👦 e\u0301', '\u202eabc\u200b👨‍👩‍👧‍👦 e\u0301'],
			['{"a":1}', '{"a":1}'],
		] as const) {
			const answer = await send({ ...text(given), metadata: { ...many(20), k0: true, k1: 1.5, k2: -0 } });
			expect(answer.status).toBe(201);
			expect(answer.body.data.content.text).toBe(stored);
			const [shown] = (await ask(`${conversation}/messages?limit=1`, bob.as)).body.data.data;
			expect(shown.content.text).toBe(stored);
		}
		const escaped = `{"content":{"text":"${'\\u0995'.repeat(10_000)}"}}`;
		expect((await send(escaped)).status).toBe(201);
		before = await seen();
	});
});

describe('every other body:', () => {
	const unknown = 'user_01kj3zq0x5e6s8r1n6a2c4v7wd';
	const table: [what: string, call: () => [path: string, ask: Ask], bad: Bad[]][] = [
		['editing a message', () => [`${conversation}/messages/${message}`, { ...alice.as, method: 'PATCH' }], badText],
		[
			'starting a conversation',
			() => ['/p2p/conversations', { ...alice.as, method: 'POST' }],
			[
				['nothing', {}, 'otherParticipantId', 400],
				['a number', { otherParticipantId: 5 }, 'otherParticipantId', 400],
				['an empty id', { otherParticipantId: '' }, 'otherParticipantId', 400],
				['a list', { otherParticipantId: [mark] }, 'otherParticipantId', 400],
				['both names', { otherParticipantId: mark, otherExternalId: mark }, 'otherParticipantId', 400],
				['nobody', { otherParticipantId: unknown }, null, 404, 'not_found'],
				['a made-up id', { otherParticipantId: mark }, null, 404, 'not_found'],
				['an external id of nobody', { otherExternalId: mark }, null, 404, 'not_found'],
				['an id of another kind', { otherParticipantId: `conv_${mark}` }, null, 404, 'not_found'],
			],
		],
		[
			'marking as read',
			() => [`${conversation}/read`, { ...bob.as, method: 'POST' }],
			[
				['a number', { messageId: 5 }, 'messageId', 400],
				['an empty id', { messageId: '' }, 'messageId', 400],
				['a message of nowhere', { messageId: mark }, null, 404, 'not_found'],
			],
		],
		[
			'marking as unread',
			() => [`${conversation}/unread`, { ...bob.as, method: 'POST' }],
			[
				['nothing', {}, 'messageId', 400],
				['a message of nowhere', { messageId: mark }, null, 404, 'not_found'],
			],
		],
		[
			'creating a user',
			() => ['/users', { key: site.publishableKey, method: 'POST' }],
			[
				['nothing', {}, 'username', 400],
				['an empty username', { username: '' }, 'username', 400],
				['a username that is a number', { username: 5 }, 'username', 400],
				['a blank username', { username: '   ' }, 'username', 422, 'name_invalid'],
				['65 letters', { username: mark.padEnd(65, 'x') }, 'username', 422, 'name_invalid'],
				['a thousand letters', { username: mark.padEnd(1_000, 'x') }, 'username', 400],
				['a control character', { username: `${mark}\u0007` }, 'username', 422, 'name_invalid'],
				['a character of no width', { username: `${mark}\u200b` }, 'username', 422, 'name_invalid'],
				['a character that turns the line', { username: `${mark}\u202e` }, 'username', 422, 'name_invalid'],
				['Latin with Cyrillic', { username: `${mark}а` }, 'username', 422, 'name_invalid'],
				['Latin with Greek', { username: `${mark}ο` }, 'username', 422, 'name_invalid'],
				['an emoji as username', { username: `${mark}👍` }, 'username', 422, 'name_invalid'],
				['markup as username', { username: `<b>${mark}</b>` }, 'username', 422, 'name_invalid'],
				['a name of the team', { username: 'Аdmin' }, 'username', 422, 'name_invalid'],
				['a reserved name', { username: 'S u p p o r t' }, null, 422, 'name_reserved'],
				['the site’s own name', { username: 'localhost' }, null, 422, 'name_reserved'],
				['a taken name', { username: 'ALICE' }, null, 409, 'username_taken'],
				['an address without @', { username: 'a', email: mark }, 'email', 400],
				['an address with a blank', { username: 'a', email: `${mark} @site.com` }, 'email', 400],
				['an address of 300 letters', { username: 'a', email: `${mark.padEnd(300, 'x')}@site.com` }, 'email', 400],
				['a role that is none', { username: 'a', role: mark }, 'role', 400],
				['a role in a list', { username: 'a', role: ['user'] }, 'role', 400],
				['a flag that is text', { username: 'a', permissions: { canSendMessage: mark } }, 'permissions', 400],
				[
					'a picture over http',
					{ username: 'a', avatarUrl: 'http://localhost/x.png' },
					null,
					422,
					'avatar_not_allowed',
				],
				[
					'a picture elsewhere',
					{ username: 'a', avatarUrl: `https://${mark}.com/x.png` },
					null,
					422,
					'avatar_not_allowed',
				],
				['a script as picture', { username: 'a', avatarUrl: `javascript:${mark}` }, null, 422, 'avatar_not_allowed'],
				[
					'data as picture',
					{ username: 'a', avatarUrl: `data:image/svg+xml,${mark}` },
					null,
					422,
					'avatar_not_allowed',
				],
				['no address as picture', { username: 'a', avatarUrl: mark }, null, 422, 'avatar_not_allowed'],
				['a site that is not here', { username: 'a', resourceId: `${mark}.com` }, 'resourceId', 400],
				['a display name of control characters', { username: 'a', displayName: `${mark}\u0000` }, null, 400, 422],
				['an external id without proof', { username: 'a', externalId: mark }, null, 403, 'proof_required'],
				['an identity token that is none', { username: 'a', identityToken: mark }, 'identityToken', 401],
				...badMetadata.map(([name, metadata]): Bad => [`metadata ${name}`, { username: 'a', metadata }, null, 400]),
			],
		],
		[
			'creating a user without a key',
			() => ['/users', { method: 'POST' }],
			[
				['no site', { username: 'a' }, 'resourceId', 400],
				['a site that is not here', { username: 'a', resourceId: `${mark}.com` }, null, 404, 'site_not_found'],
				['a site that is a list', { username: 'a', resourceId: [mark] }, 'resourceId', 400],
			],
		],
		[
			'getting a token',
			() => ['/users/chat-token', { method: 'POST' }],
			[
				['nothing', {}, 'userId', 400],
				['a number', { userId: 5 }, 'userId', 400],
				['null', { userId: null }, 'userId', 400],
				['a list', { userId: [mark] }, 'userId', 400],
				['a pattern', { userId: 'user_%' }, null, 401, 'identity_proof_required'],
			],
		],
		[
			'changing oneself',
			() => ['/users/me', { ...alice.as, method: 'PATCH' }],
			[
				['an empty display name', { displayName: '' }, 'displayName', 400],
				['a display name of 65 letters', { displayName: mark.padEnd(65, 'x') }, 'displayName', 422, 'name_invalid'],
				['an address without @', { email: mark }, 'email', 400],
				['a picture elsewhere', { avatarUrl: `https://${mark}.com` }, null, 422, 'avatar_not_allowed'],
				['a list', [{ displayName: mark }], 'body', 400],
				['a text', JSON.stringify(mark), 'body', 400],
				['settings that are a text', { settings: mark }, 'settings', 400],
				['settings that are nested', { settings: { a: { b: mark } } }, null, 400],
			],
		],
		[
			'signing in',
			() => ['/auth/login', { method: 'POST' }],
			[
				['nothing', {}, 'resourceId', 400],
				['no password', { resourceId: 'localhost', email: 'a@b.c' }, 'password', 400],
				['an empty password', { resourceId: 'localhost', email: 'a@b.c', password: '' }, 'password', 400],
				[
					'a password of a thousand letters',
					{ resourceId: 'localhost', email: 'a@b.c', password: mark.padEnd(1_000) },
					'password',
					400,
				],
			],
		],
	];
	for (const [what, call, bad] of table)
		for (const [name, body, field, ...expected] of bad)
			test(`${what} with ${name} is refused`, async () => {
				const [path, options] = call();
				const answer = await ask(path, { ...options, body });
				isFailure(answer, name, expected);
				if (field) namesField(answer, name, field);
			});
	test('starting a conversation with oneself is refused', async () => {
		const answer = await ask('/p2p/conversations', { ...alice.as, body: { otherParticipantId: alice.id } });
		isFailure(answer, 'self', [422, 'conversation_with_self']);
	});
});

describe('a body that is', () => {
	const send = async (
		body: string | Uint8Array,
		headers: Record<string, string> = { 'content-type': 'application/json' },
	) => {
		const response = await fetch(`${server.url}/api/v1${conversation}/messages`, {
			method: 'POST',
			headers: { 'x-api-key': alice.as.key, authorization: `Bearer ${alice.as.token}`, ...headers },
			body,
		});
		const said = await response.text();
		return { status: response.status, text: said, body: JSON.parse(said), headers: response.headers };
	};
	const good = '{"content":{"text":"zQ9x"}}';
	const utf8 = (...bytes: number[]) =>
		new Uint8Array([...Buffer.from('{"content":{"text":"'), ...bytes, ...Buffer.from('"}}')]);
	for (const [name, body] of Object.entries<string | Uint8Array>({
		'not finished': '{"content":{"text":"zQ9x"}',
		'one bracket too many': `${good}}`,
		'in single quotes': "{'content':{'text':'zQ9x'}}",
		'with a comma at the end': '{"content":{"text":"zQ9x"},}',
		'with a comment': `${good} // zQ9x`,
		'two bodies': `${good}${good}`,
		'with a word that is none': '{"content":{"text":NaN}}',
		'not JSON at all': mark,
		'behind a byte order mark': `\ufeff${good}`,
		'in UTF-16': new Uint8Array(Buffer.from(good, 'utf16le')),
		'with a byte that is never in UTF-8': utf8(0xff),
		'with half a character of UTF-8': utf8(0xe0, 0xa6),
		'with a character in too many bytes': utf8(0xc0, 0xaf),
		'with half a surrogate pair in UTF-8': utf8(0xed, 0xa0, 0xbd),
		'with a naked line break': '{"content":{"text":"zQ9x\n"}}',
		compressed: Bun.gzipSync(Buffer.from(good)),
	}))
		test(`${name} is refused`, async () => isFailure(await send(body), name, [400, 'invalid_json']));

	for (const body of ['null', 'true', '5', '"zQ9x"', '[]', '[{"content":{"text":"zQ9x"}}]', '', ' '])
		test(`${JSON.stringify(body)} is refused`, async () => isFailure(await send(body), body, [400]));

	for (const [name, headers] of Object.entries<Record<string, string>>({
		'of no type': {},
		'a form': { 'content-type': 'application/x-www-form-urlencoded' },
		'a form with files': { 'content-type': 'multipart/form-data; boundary=x' },
		text: { 'content-type': 'text/plain' },
		'text, as a page may send it unasked': { 'content-type': 'text/plain;application/json' },
		XML: { 'content-type': 'application/xml' },
		'almost JSON': { 'content-type': 'application/jsonp' },
		'a list of types': { 'content-type': 'text/plain, application/json' },
		empty: { 'content-type': '' },
	}))
		test(`${name} is refused as such`, async () => {
			const body = new TextEncoder().encode(good);
			isFailure(await send(body, headers), name, [415, 'unsupported_media_type']);
		});

	test('nested as deep as it will go is refused', async () => {
		for (const [open, close] of [
			['[', ']'],
			['{"a":', '}'],
		] as const) {
			const depth = Math.floor(60_000 / (open.length + close.length));
			isFailure(await send(`${open.repeat(depth)}1${close.repeat(depth)}`), 'nested', [400]);
			isFailure(
				await send(`{"content":{"text":"a"},"x":${open.repeat(5_000)}"\\u0041"${close.repeat(5_000)}}`),
				'nested',
				[400],
			);
		}
	});
	test('full of fields nobody asked for is refused or read without them', async () => {
		const extra = Array.from({ length: 5_000 }, (_, i) => `"f${i}":1`).join();
		const answer = await send(`{"content":{"text":5},${extra}}`);
		isFailure(answer, 'fields', [400]);
		expect(answer.body.errors.length).toBeLessThanOrEqual(20);
	});
	test('larger than 64 KB is refused by its size, and 64 KB are not', async () => {
		const sized = (bytes: number) => good.padEnd(bytes, ' ');
		isFailure(await send(sized(65_537)), 'large', [413, 'body_too_large']);
		isFailure(await send(sized(1_000_000)), 'large', [413, 'body_too_large']);
		const answer = await send(sized(65_536));
		expect(answer.status).toBe(201);
		await ask(`${conversation}/messages/${answer.body.data.id}`, { ...alice.as, method: 'DELETE' });
		before = await seen();
	});
	test('of other types that are JSON is read', async () => {
		for (const type of [
			'application/json; charset=utf-8',
			'application/json ; x=y',
			'APPLICATION/JSON',
			'application/vnd.api+json',
		]) {
			const answer = await send('{"content":{"text":5}}', { 'content-type': type });
			isFailure(answer, type, [400, 'invalid_request']);
		}
	});
});

describe('a query with', () => {
	const lists = () => ['/p2p/conversations', `${conversation}/messages`];
	for (const [name, value] of [
		['page', '0'],
		['page', '-1'],
		['page', '1.5'],
		['page', '100001'],
		['page', '1e99'],
		['page', 'Infinity'],
		['page', 'NaN'],
		['page', mark],
		['page', '1%00'],
		['page', '১'],
		['limit', '0'],
		['limit', '-5'],
		['limit', '101'],
		['limit', '2.5'],
		['limit', mark],
	] as const)
		test(`${name}=${value} is refused, and the field is named`, async () => {
			for (const path of lists()) {
				const answer = await ask(`${path}?${name}=${value}`, alice.as);
				isFailure(answer, path, [400, 'invalid_request']);
				namesField(answer, path, name);
			}
		});
	for (const query of [
		'page[]=1',
		'page=1&page=zQ9x',
		'page=&limit=',
		'%',
		'%zz=%zz',
		'&&&===',
		'__proto__=1',
		'constructor=1',
		`x=${mark.padEnd(5_000, 'x')}`,
	])
		test(`${query.slice(0, 30)} is refused or passed over`, async () => {
			for (const path of lists()) {
				const answer = await ask(`${path}?${query}`, alice.as);
				if (answer.status !== 200) isFailure(answer, query, [400]);
			}
		});
	for (const [query, field] of [
		['status=zQ9x', 'status'],
		['status=ACTIVE', 'status'],
		['unread=zQ9x', 'unread'],
	] as const)
		test(`${query} is refused`, async () => {
			const answer = await ask(`/p2p/conversations?${query}`, alice.as);
			isFailure(answer, query, [400, 'invalid_request']);
			namesField(answer, query, field);
		});
	for (const [query, ...expected] of [
		['before=zQ9x', 422, 'cursor_invalid'],
		['after=', 400, 422],
		['around=zQ9x', 422, 'cursor_invalid'],
		['around=FIRST_UNREAD', 422, 'cursor_invalid'],
		[`before=${mark.padEnd(65, 'x')}`, 400],
		['before=a&after=b', 400, 'invalid_request'],
		['page=2&before=a', 400, 'invalid_request'],
	] as const)
		test(`${query} is refused`, async () => {
			isFailure(await ask(`${conversation}/messages?${query}`, alice.as), query, expected);
		});
	test('a name to look up that is empty or too long is refused', async () => {
		for (const query of ['', 'username=', `username=${mark.padEnd(300, 'x')}`])
			isFailure(await ask(`/users/lookup?${query}`, alice.as), query, [400, 'invalid_request']);
		isFailure(await ask(`/users/lookup?username=${mark}`, alice.as), 'nobody', [404]);
	});
	test('a page behind the last one is empty', async () => {
		for (const path of lists()) {
			const { status, body } = await ask(`${path}?page=100000&limit=100`, alice.as);
			expect([status, body.data.data]).toEqual([200, []]);
		}
	});
});

describe('a path with', () => {
	const bad = {
		nothing: '%20',
		NUL: '%00',
		'a percent sign': '%',
		'a wrong escape': '%zz',
		'a byte that is no UTF-8': '%ff',
		'half a character': '%e0%a6',
		'a way up': '..%2f..%2fetc%2fpasswd',
		'a backslash': '..%5c',
		'a line break': `a%0d%0ax-evil:%201`,
		SQL: `'%20or%20'1'='1`,
		'another kind of id': 'user_01kj3zq0x5e6s8r1n6a2c4v7wd',
		'65 letters': mark.padEnd(65, 'x'),
		'5 000 letters': mark.padEnd(5_000, 'x'),
		'letters of Bengal': encodeURIComponent('ক'),
		__proto__: '__proto__',
		'a semicolon': 'a;b=c',
	};
	for (const [name, id] of Object.entries(bad))
		test(`${name} instead of an id answers as for what is not there`, async () => {
			const calls: [string, Ask][] = [
				[`/p2p/conversations/${id}`, {}],
				[`/p2p/conversations/${id}/messages`, {}],
				[`/p2p/conversations/${id}/messages`, { body: text('a') }],
				[`${conversation}/messages/${id}`, { method: 'DELETE' }],
				[`${conversation}/messages/${id}/reactions/%F0%9F%91%8D`, { method: 'PUT' }],
				[`/users/${id}`, {}],
				[`/users/me/blocks/${id}`, { method: 'POST' }],
			];
			for (const [path, options] of calls) {
				const answer = await ask(path, { ...alice.as, ...options });
				isFailure(answer, `${options.method ?? 'GET'} ${path}`, [400, 404]);
				expect(answer.headers.get('x-evil')).toBeNull();
			}
		});
	for (const emoji of [
		'zQ9x',
		'1',
		'%00',
		'%',
		'%F0%9F',
		'%20',
		'%F0%9F%91%8D%F0%9F%91%8D',
		encodeURIComponent('❤️').repeat(50),
		'ক',
		'%E2%80%8D',
	])
		test(`${emoji.slice(0, 30)} instead of an emoji is refused`, async () => {
			const answer = await ask(`${conversation}/messages/${message}/reactions/${emoji}`, { ...bob.as, method: 'PUT' });
			isFailure(answer, emoji, [400, 404, 422]);
		});
	test('a wrong method says which are right', async () => {
		for (const [path, method, allow] of [
			['/users', 'GET', 'POST'],
			['/users/chat-token', 'PUT', 'GET, HEAD, POST'],
			[conversation, 'DELETE', 'GET, HEAD'],
			[`${conversation}/messages`, 'PATCH', 'GET, HEAD, POST'],
		] as const) {
			const answer = await ask(path, { ...alice.as, method });
			isFailure(answer, path, [405, 'method_not_allowed']);
			expect(answer.headers.get('allow')).toBe(allow);
		}
	});
	test('nothing behind it says so', async () => {
		for (const path of ['/nothing', '/users/me/nothing', '//users', '/p2p', '/../../etc/passwd', '/USERS'])
			isFailure(await ask(path, { ...alice.as }), path, [404, 'route_not_found', 'not_found']);
	});
});

describe('headers', () => {
	test('that are strange are refused or passed over, and never come back', async () => {
		for (const headers of [
			{ accept: mark },
			{ 'accept-encoding': mark },
			{ 'x-request-id': mark },
			{ 'x-forwarded-for': mark, 'x-forwarded-host': mark, 'x-forwarded-proto': mark, forwarded: mark },
			{ 'x-http-method-override': 'DELETE' },
			{ 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz' },
			{ cookie: `__Host-parley-device=${mark}; ${mark}; =; ;;` },
			{ range: 'bytes=0-1' },
			{ 'if-match': mark },
			{ 'transfer-encoding': 'identity' },
			{ 'content-type': mark },
			{ 'user-agent': mark.padEnd(4_000, 'x') },
		] as Record<string, string>[]) {
			const answer = await ask('/users/me', { ...alice.as, headers });
			expect({ headers, status: answer.status }).toEqual({ headers, status: 200 });
			expect(JSON.stringify([...answer.headers])).not.toContain(mark);
			expect(answer.body.data.id).toBe(alice.id);
		}
	});
	test('an origin that is none, or a stranger’s, does not come back', async () => {
		for (const origin of [
			'null',
			'https://zQ9x.com',
			'zQ9x',
			'https://localhost.zQ9x.com',
			'file://',
			'https://',
			'*',
			'http://localhost@zQ9x.com',
		]) {
			const answer = await ask('/users/me', { ...alice.as, headers: { origin } });
			isFailure(answer, origin, [403, 'origin_not_allowed']);
			expect(answer.headers.get('access-control-allow-origin')).toBeNull();
		}
	});
	test('a key in the address is not seen', async () => {
		const answer = await ask(`/users/me?x-api-key=${site.secretKey}&key=${site.secretKey}`);
		isFailure(answer, 'key', [401, 'key_required']);
	});
});

describe('on the wire,', () => {
	/** Writes pieces to a new connection, with pauses where there is a number, and gives what comes back until it is closed. */
	const raw = (pieces: (string | Uint8Array | number)[], waitMs = 2_000): Promise<string> =>
		new Promise((resolve) => {
			const { hostname, port } = new URL(server.url);
			const socket = connect(Number(port), hostname);
			let said = '';
			let over = false;
			const end = () => {
				if (over) return;
				over = true;
				clearTimeout(timer);
				socket.destroy();
				resolve(said);
			};
			const timer = setTimeout(end, waitMs);
			socket.on('data', (data) => {
				said += data.toString('latin1');
			});
			socket.on('error', end);
			socket.on('close', end);
			void (async () => {
				for (const piece of pieces) {
					if (over) return;
					if (typeof piece === 'number') await Bun.sleep(piece);
					else socket.write(piece);
				}
			})();
		});
	const head = (length: string, more = '') =>
		`POST /api/v1${conversation}/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-api-key: ${alice.as.key}\r\nAuthorization: Bearer ${alice.as.token}\r\nContent-Type: application/json\r\n${length}\r\n${more}\r\n`;
	const body = JSON.stringify(text(mark));
	const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
	const answersIn = (said: string) => said.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
	const failureIn = (said: string, status: number, code: string) => {
		expect(statusOf(said)).toBe(status);
		const json = JSON.parse(said.slice(said.indexOf('\r\n\r\n') + 4));
		expect(json).toEqual({ success: false, message: expect.any(String), code, requestId: expect.any(String) });
		expect(said.toLowerCase()).toContain(`x-request-id: ${json.requestId}`);
	};
	const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${'a'.repeat(bytes)}\r\n`;

	test('a body in pieces of more than 64 KB is refused by its size, before its end', async () => {
		failureIn(await raw([head('Transfer-Encoding: chunked'), chunk(40_000), 20, chunk(40_000)]), 413, 'body_too_large');
		failureIn(
			await raw([head('Transfer-Encoding: chunked'), ...Array.from({ length: 40 }, () => chunk(65_536)), '0\r\n\r\n']),
			413,
			'body_too_large',
		);
	});
	test('a length of 20 MB, or of all the numbers, is refused by its size before anything of it is there', async () => {
		for (const length of [70_000, 20_971_520, 5_000_000_000, Number.MAX_SAFE_INTEGER])
			failureIn(await raw([head(`Content-Length: ${length}`), '{']), 413, 'body_too_large');
		failureIn(
			await raw([head('Content-Length: 20971520'), new Uint8Array(20_971_520).fill(97)]),
			413,
			'body_too_large',
		);
	});
	test('a body that does not come whole stores nothing', async () => {
		for (const pieces of [
			[head(`Content-Length: ${body.length + 10}`), body],
			[head(`Content-Length: ${body.length}`), body.slice(0, -1)],
			[head('Transfer-Encoding: chunked'), `${body.length.toString(16)}\r\n${body}\r\n`],
			[head(`Content-Length: ${body.length}`).slice(0, -2)],
		])
			expect(answersIn(await raw(pieces, 300))).toBe(0);
	});
	test('many connections that never end their request keep nobody else waiting', async () => {
		const { hostname, port } = new URL(server.url);
		const sockets = Array.from({ length: 100 }, (_, i) => {
			const socket = connect(Number(port), hostname);
			socket.on('error', () => undefined);
			socket.write(i % 2 ? head('Content-Length: 100') : 'GET /healthz HTTP/1.1\r\nHost: loc');
			return socket;
		});
		await Bun.sleep(100);
		for (const socket of sockets) socket.write('x');
		const started = performance.now();
		for (let i = 0; i < 10; i++) expect((await ask('/users/me', alice.as)).status).toBe(200);
		expect(performance.now() - started).toBeLessThan(1_000);
		for (const socket of sockets) socket.destroy();
	});
	const unclosed = (request: string) => request.replace('Connection: close\r\n', '');
	const sends = (n: number) => {
		const sent = JSON.stringify(text(`pipelined ${n}`));
		return unclosed(head(`Content-Length: ${sent.length}`)) + sent;
	};
	test('requests one behind the other on one connection are answered one by one, in order', async () => {
		const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
		const said = await raw([sends(1), 100, sends(2), 100, sends(3), 100, get]);
		expect(said.match(/HTTP\/1\.1 \d{3}/g)?.join()).toBe('HTTP/1.1 201,HTTP/1.1 201,HTTP/1.1 201,HTTP/1.1 200');
		expect(Array.from(said.match(/pipelined \d/g) ?? [])).toEqual(['pipelined 1', 'pipelined 2', 'pipelined 3']);
		before = await seen();
	});
	test('requests that do not wait for the answer before are answered in order, or the connection ends', async () => {
		// note: Bun closes a connection on which a request comes while the answer to the one before is still being made. What
		// was stored of it is stored: a client repeats with its clientMessageId, as after every cut
		const { total } = (await ask(`${conversation}/messages?limit=1`, bob.as)).body.data;
		const said = await raw([sends(1) + sends(2) + sends(3)], 500);
		const answered: string[] = Array.from(said.match(/pipelined \d/g) ?? []);
		expect(answered).toEqual(['pipelined 1', 'pipelined 2', 'pipelined 3'].slice(0, answered.length));
		const { body: listed } = await ask(`${conversation}/messages?limit=3`, bob.as);
		const stored = listed.data.total - total;
		expect(stored).toBeGreaterThanOrEqual(answered.length);
		expect(stored).toBeLessThanOrEqual(3);
		before = await seen();
	});
	test('what hides a second request in the first is refused as a whole', async () => {
		const hidden = `DELETE /api/v1${conversation}/messages/${message} HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${alice.as.key}\r\nAuthorization: Bearer ${alice.as.token}\r\n\r\n`;
		for (const lengths of [
			'Content-Length: 5\r\nTransfer-Encoding: chunked',
			'Transfer-Encoding: chunked\r\nContent-Length: 5',
			'Content-Length: 2\r\nContent-Length: 3',
			'Content-Length: 2, 3',
			'Content-Length: -2',
			'Content-Length: +2',
			'Content-Length: 0x2',
			'Content-Length: 2\r\n Transfer-Encoding: chunked',
			'Transfer-Encoding: chunked, identity',
			'Transfer-Encoding: xchunked',
			'Transfer-Encoding : chunked',
			'Transfer-Encoding:\u000bchunked',
			'Content-Length: 99999999999999999999',
		]) {
			const said = await raw([unclosed(head(lengths)), `0\r\n\r\n${hidden}`], 500);
			expect({ lengths, answers: Math.max(1, answersIn(said)) }).toEqual({ lengths, answers: 1 });
			expect({ lengths, ok: statusOf(said) === 0 || (statusOf(said) >= 400 && statusOf(said) < 500) }).toEqual({
				lengths,
				ok: true,
			});
		}
	});
	test('pieces of wrong length are refused', async () => {
		for (const pieces of [
			'zz\r\n',
			'-1\r\n',
			'ffffffffffffffff1\r\n',
			`5\r\n${body}\r\n0\r\n\r\n`,
			'5;'.padEnd(40_000, 'x'),
		]) {
			const said = await raw([head('Transfer-Encoding: chunked'), pieces], 500);
			const status = statusOf(said);
			expect({ pieces: pieces.slice(0, 20), refused: status === 0 || (status >= 400 && status < 500) }).toEqual({
				pieces: pieces.slice(0, 20),
				refused: true,
			});
		}
	});
	test('what is no request at all is refused, and the connection closed', async () => {
		const get = (line: string, headers = 'Host: localhost\r\n') => `${line}\r\n${headers}Connection: close\r\n\r\n`;
		for (const [name, pieces] of Object.entries<(string | Uint8Array)[]>({
			noise: [new Uint8Array([0, 1, 2, 255, 254, 13, 10, 13, 10])],
			'the hello of TLS': [new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), new Uint8Array(512)],
			'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
			'another protocol': ['SSH-2.0-OpenSSH_9.6\r\n'],
			'HTTP/0.9': ['GET /\r\n\r\n'],
			'HTTP/9.9': [get('GET /healthz HTTP/9.9')],
			'no Host': [get('GET /healthz HTTP/1.1', '')],
			'NUL in a header': [get('GET /healthz HTTP/1.1', 'Host: localhost\r\nx-a: a\0b\r\n')],
			'a header without a name': [get('GET /healthz HTTP/1.1', 'Host: localhost\r\n: x\r\n')],
			'a blank in a header’s name': [get('GET /healthz HTTP/1.1', 'Host: localhost\r\nx a: b\r\n')],
			'a header of 100 KB': [get('GET /healthz HTTP/1.1', `Host: localhost\r\nx-a: ${'a'.repeat(100_000)}\r\n`)],
			'ten thousand headers': [get('GET /healthz HTTP/1.1', `Host: localhost\r\n${'x: y\r\n'.repeat(10_000)}`)],
			'an address of 50 KB': [get(`GET /${'a'.repeat(50_000)} HTTP/1.1`)],
			'a blank in the address': [get('GET /health z HTTP/1.1')],
		})) {
			const said = await raw(pieces, 1_500);
			const status = statusOf(said);
			expect({ name, refused: status === 0 || (status >= 400 && status < 500) || status === 505 }).toEqual({
				name,
				refused: true,
			});
			expect(said).not.toContain('"ok"');
		}
	});
	test('a host that is none, or two of them, is refused', async () => {
		for (const host of [
			'',
			'x',
			'a b.com',
			'evil.com/path',
			'evil.com#',
			'evil.com?x',
			'user@evil.com',
			'evil.com:99999999',
			'..',
			'[::1',
			'localhost, evil.com',
			'<script>',
		]) {
			const said = await raw([`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`]);
			expect({ host, status: statusOf(said) }).toEqual({ host, status: 400 });
			if (said.includes('{')) failureIn(said, 400, 'invalid_host');
		}
		const two = await raw(['GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n\r\n']);
		expect(statusOf(two)).toBe(400);
	});
	test('an address with a host in it goes where its path says, and nowhere else', async () => {
		for (const [line, status] of [
			['GET http://evil.com/healthz HTTP/1.1', 200],
			['GET //evil.com/healthz HTTP/1.1', 404],
			['GET /%2fhealthz HTTP/1.1', 404],
			['GET /x/../healthz HTTP/1.1', 200],
			['GET /healthz%00 HTTP/1.1', 404],
			['GET /healthz/../api/v1/users/me HTTP/1.1', 401],
		] as const) {
			const said = await raw([`${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
			const answered = statusOf(said);
			expect({ line, ok: answered === status || answered === 404 }).toEqual({ line, ok: true });
		}
	});
});
