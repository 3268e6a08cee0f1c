import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { openApiDocument } from '../../src/http/docs.ts';
import { day, second } from '../../src/kernel/clock.ts';
import { deskRoles, roles } from '../../src/kernel/roles.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';
import {
	blocks,
	differing,
	errorCodes,
	type Json,
	lacking,
	lines,
	namedCalls,
	printed,
	printedFailure,
	requiredHeaders,
	text,
} from './first-documentation-support.ts';

const root = join(import.meta.dir, '../..');
const map = await Bun.file(join(import.meta.dir, 'first-documentation.map.txt')).text();

/** Consecutive lines of the text, and the tests that hold them. */
interface Held {
	lines: string[];
	tests: { file: string; name: string }[];
}
/** readMap reads the mapping: `|` a line of the text, `=` a test as `file › name`, `#` a word of its own. */
const readMap = (source: string): Held[] => {
	const held: Held[] = [];
	for (const line of source.split('\n')) {
		if (line === '' || line.startsWith('# ')) continue;
		const last = held.at(-1);
		if (line.startsWith('| ')) {
			if (last && last.tests.length === 0) last.lines.push(line.slice(2));
			else held.push({ lines: [line.slice(2)], tests: [] });
			continue;
		}
		const [, file, name] = /^= (\S+) › (.+)$/.exec(line) ?? [];
		if (!last || !file || !name) throw new Error(`the mapping says what nobody understands: ${line}`);
		last.tests.push({ file, name });
	}
	return held;
};

/** The names of the tests that a file runs: not those that are skipped, left for later, or commented out. */
const testsIn = (source: string): string[] => {
	const code = source.replaceAll(/^[\t ]*\/\*[\s\S]*?\*\//gm, '');
	if (/^[\t ]*(?:test\.only|describe\.(?!each\b)\w+)\b/m.test(code)) return [];
	return [...code.matchAll(/^[\t ]*test\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1,/gm)].map(([, , name]) => name ?? '');
};
const read = (file: string): string | null =>
	existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null;

/** What of a text is not held by a test that is there. */
const unheld = (documentation: string, mapping: string, readFile: (file: string) => string | null): string[] => {
	const held = readMap(mapping);
	const wanted = documentation.split('\n').filter((line) => line !== '');
	const mapped = held.flatMap((block) => block.lines);
	const problems: string[] = [];
	const differs = Array.from({ length: Math.max(wanted.length, mapped.length) }, (_, i) => i).find(
		(i) => wanted[i] !== mapped[i],
	);
	if (differs !== undefined)
		problems.push(`line ${differs + 1} is "${wanted[differs]}" in the text and "${mapped[differs]}" in the mapping`);
	for (const block of held) {
		if (block.tests.length === 0) problems.push(`no test holds "${block.lines[0]}"`);
		for (const { file, name } of block.tests) {
			const found = testsIn(readFile(file) ?? '').filter((other) => other === name).length;
			if (found !== 1) problems.push(`${found} tests in ${file} are called "${name}"`);
		}
	}
	return problems;
};

describe('the first documentation', () => {
	test('stands here as it was given, byte for byte', () => {
		expect(new Bun.CryptoHasher('sha256').update(text).digest('hex')).toBe(
			'837ff212a18594632c5b16d3a023d0282cfa984517c1ec82a73eb5f1607875cd',
		);
	});

	test('is held line by line by tests that are there and run', () => {
		expect(unheld(text, map, read)).toEqual([]);
	});

	test('would not be if a line came or went, or if a test were renamed, skipped, moved or commented out', () => {
		const last = readMap(map).at(-1)?.tests.at(-1) ?? { file: '', name: '' };
		const source = read(last.file) ?? '';
		const without = (change: (source: string) => string | null) => (file: string) =>
			file === last.file ? change(source) : read(file);
		const call = `test('${last.name}'`;
		expect(source).toContain(call);
		expect(unheld(`${text}\nAnd one more thing`, map, read)).not.toEqual([]);
		expect(unheld(lines.slice(0, -1).join('\n'), map, read)).not.toEqual([]);
		expect(
			unheld(text, map.replace('| 30 days', '| 31 days').replace('valid for 30 days', 'valid for 31 days'), read),
		).not.toEqual([]);
		expect(unheld(text, map.slice(0, map.lastIndexOf('\n= ')), read)).not.toEqual([]);
		for (const change of [
			call.replace("'", "'not "),
			call.replace('test', 'test.skip'),
			call.replace('test', 'test.todo'),
			call.replace('test', '// test'),
		])
			expect([
				change,
				unheld(
					text,
					map,
					without((source) => source.replace(call, () => change)),
				),
			]).not.toEqual([change, []]);
		expect(
			unheld(
				text,
				map,
				without((source) => source.replace('describe(', 'describe.skip(')),
			),
		).not.toEqual([]);
		expect(
			unheld(
				text,
				map,
				without(() => null),
			),
		).not.toEqual([]);
	});

	test('prints as many blocks of JSON as are read out of it', () => {
		const marks = lines.filter((line) => /^(?:\/\/ |Error )?(?:Request|Response)(?: Body| Format)?:?$/.test(line));
		expect(marks.length).toBe(blocks);
	});
});

/** Makes every printed call, verbatim but for ids, and gives the answers by heading. */
const callAll = async (t: TestApp): Promise<Record<keyof typeof printed, { status: number; body: Json }>> => {
	const post = (as: string, path: string, body: object) => t.call<Json>({ as, method: 'POST', path, body });
	const createUser = await post('nobody', '/users', printed.createUser.request?.value);
	const filled = { ...printed.getChatToken.request?.value, userId: createUser.body.data.id };
	const getChatToken = await post('nobody', '/users/chat-token', filled);

	// alice has ten conversations; bob has read three of the five messages in the newest
	for (let i = 0; i < 9; i++) {
		await t.add(`peer-${i}`);
		await t.conversation('alice', `peer-${i}`);
	}
	const other = { ...printed.createConversation.request?.value, otherParticipantId: t.person('bob').id };
	const createConversation = await post('alice', '/p2p/conversations', other);
	const at = `/p2p/conversations/${createConversation.body.data.id}`;
	const sendMessage = await post('alice', `${at}/messages`, printed.sendMessage.request?.value);
	const ids = [sendMessage.body.data.id];
	for (let i = 2; i <= 5; i++) ids.push((await t.send('alice', createConversation.body.data.id)).id);
	await post('bob', `${at}/read`, { messageId: ids[2] });
	const viewAllConversations = await t.call<Json>({ as: 'alice', path: '/p2p/conversations' });

	const createSupportTicket = await post('alice', '/support/tickets', printed.createSupportTicket.request?.value);
	return { createUser, getChatToken, createConversation, sendMessage, viewAllConversations, createSupportTicket };
};

describe('what the first documentation prints', () => {
	test('comes back: every printed call has every printed field, in its place, of its kind, with the printed values', async () => {
		using t = await createTestApp();
		const answers = await callAll(t);
		for (const [heading, { answer }] of Object.entries(printed)) {
			const { status, body } = answers[heading as keyof typeof printed];
			expect([heading, status < 300, lacking(answer, body), differing(answer, body)]).toEqual([heading, true, [], []]);
		}
		expect(answers.createSupportTicket.body.data.subject).toBe('My payment is not working');
		expect(answers.sendMessage.body.data).toMatchObject(printed.sendMessage.request?.value);
	});

	test('may be left out where it says "optional", and takes every value that it lists there and no other', async () => {
		using t = await createTestApp();
		await t.add('boss', { role: 'superadmin' });
		let made = 0;
		const post = async (heading: 'createUser' | 'createSupportTicket', change: object) => {
			const ask = { createUser: '/users', createSupportTicket: '/support/tickets' }[heading];
			const name = heading === 'createUser' ? { username: `john_doe_${made++}` } : {};
			const body = { ...printed[heading].request?.value, ...name, ...change };
			return await t.call<Json>({ as: 'boss', method: 'POST', path: ask, body });
		};
		const optional: string[] = [];
		for (const heading of ['createUser', 'createSupportTicket'] as const)
			for (const [field, comment] of Object.entries(printed[heading].request?.comments ?? {})) {
				expect(comment).toStartWith('optional');
				optional.push(field);
				expect([field, (await post(heading, { [field]: undefined })).status]).toEqual([field, 201]);
				const values = /: (\S+)$/.exec(comment)?.[1]?.split('/') ?? [];
				for (const value of values) {
					const { status, body } = await post(heading, { [field]: value });
					expect([field, value, status, body.data[field]]).toEqual([field, value, 201, value]);
				}
				if (values.length > 0)
					expect([field, (await post(heading, { [field]: 'other' })).status]).toEqual([field, 400]);
			}
		expect(optional).toEqual(['role', 'permissions', 'priority', 'category']);
	});

	test('as permissions counts for admin roles only', async () => {
		using t = await createTestApp();
		const { permissions, ...body } = printed.createUser.request?.value ?? {};
		for (const role of roles) {
			const ask = { ...body, username: `with_${role}`, role, permissions };
			const { permissions: given } = await t.ok<Json>({ as: 'server', method: 'POST', path: '/users', body: ask });
			expect([role, given.canEditMessage]).toEqual([role, role === 'user' ? true : permissions.canEditMessage]);
			expect(Object.keys(given)).toEqual(Object.keys(permissions));
		}
	});

	test('as roles are the roles there are: each can be given, and all but "user" are let into the admin panel', async () => {
		const listed = (line: RegExp) =>
			lines
				.flatMap((each) => line.exec(each)?.[1] ?? [])
				.flatMap((found) => found.split('/'))
				.sort();
		expect(listed(/Role-Based Access: (\S+) roles/)).toEqual([...roles].sort());
		expect(listed(/^Only for (\S+) roles$/)).toEqual([...deskRoles].sort());
		using t = await createTestApp();
		for (const role of roles) {
			const body = { username: `one_${role}`, role };
			const { id, role: given } = await t.ok<Json>({ as: 'server', method: 'POST', path: '/users', body });
			expect(given).toBe(role);
			const call = { as: 'server', path: '/admin/stats', headers: { 'x-act-as': id } };
			expect([role, (await t.call(call)).status]).toEqual([role, role === 'user' ? 403 : 200]);
		}
	});

	test('as the days of a token is how long it is good, and not a second longer', async () => {
		const days = Number(/Bearer token valid for (\d+) days/.exec(text)?.[1]);
		using t = await createTestApp();
		const { id, token } = await t.visitor('dana');
		expect(token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
		const me = { as: 'dana', path: '/users/me' };
		t.advance(days * day - second);
		expect((await t.ok<Json>(me)).id).toBe(id);
		t.advance(second);
		expect(await t.refused(me)).toEqual([401, 'token_expired']);
	});

	test('as required headers is required by every call but the public ones', async () => {
		using t = await createTestApp();
		const document = await openApiDocument(t.app.routes, { url: 'https://chat.site.com', resourceId: 'site.com' });
		expect(requiredHeaders.map(({ Required }) => Required)).toEqual(['✓', '✓']);
		const headers = { Authorization: `Bearer ${t.person('alice').token}`, 'x-api-key': t.home.publishableKey };
		expect(Object.keys(headers)).toEqual(requiredHeaders.map(({ Header }) => Header ?? ''));
		let tried = 0;
		for (const [path, operations] of Object.entries(document.paths))
			for (const [method, operation] of Object.entries(operations)) {
				if (operation['x-permission'] === 'public') continue;
				const filled = path.replaceAll(/\{\w+\}/g, 'nothing');
				const ask = async (without: string | null) => {
					const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== without));
					const init = { method: method.toUpperCase(), headers: { 'content-type': 'application/json', ...sent } };
					return (await t.fetch(filled, { ...init, ...(operation.requestBody !== undefined && { body: '{}' }) }))
						.status;
				};
				// who is deleted, or logs out, has no token for the next call
				if (!['deleteMe', 'logout'].includes(String(operation.operationId)))
					expect([method, path, await ask(null)]).not.toEqual([method, path, 401]);
				for (const name of Object.keys(headers))
					expect([method, path, name, await ask(name)]).toEqual([method, path, name, 401]);
				tried++;
			}
		expect(tried).toBeGreaterThan(50);
	});

	test('as calls is in the OpenAPI document, each under its heading’s path', async () => {
		using t = await createTestApp();
		const document = await openApiDocument(t.app.routes, { url: 'https://chat.site.com', resourceId: 'site.com' });
		const known = Object.entries(document.paths).flatMap(([path, operations]) =>
			Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
		);
		/** Where a heading alone names a call. */
		const byHeading: Record<string, string> = {
			'Create User': 'POST /api/v1/users',
			'Get Chat Token': 'POST /api/v1/users/chat-token',
			'Create Conversation': 'POST /api/v1/p2p/conversations',
			'Send Message': 'POST /api/v1/p2p/conversations/{id}/messages',
			'View All Conversations': 'GET /api/v1/p2p/conversations',
			'Mark as Read:': 'POST /api/v1/p2p/conversations/{id}/read',
			'Get Unread Count:': 'GET /api/v1/p2p/unread-count',
			'Create Support Ticket': 'POST /api/v1/support/tickets',
			'Add Message': 'POST /api/v1/support/tickets/{id}/messages',
			'View Your Tickets': 'GET /api/v1/support/tickets',
			'All your P2P chats and Support tickets together': 'GET /api/v1/admin/conversations',
			'Dashboard Stats': 'GET /api/v1/admin/stats',
			'Specific User Conversations': 'GET /api/v1/admin/users/{id}/conversations',
		};
		expect(Object.keys(byHeading).filter((heading) => !lines.includes(heading))).toEqual([]);
		expect(namedCalls.length).toBe(2);
		expect([...namedCalls, ...Object.values(byHeading)].filter((call) => !known.includes(call))).toEqual([]);
	});

	test('as error codes is answered in the printed form, and helps as it says: what is wrong, a new token, the log', async () => {
		const log: string[] = [];
		using t = await createTestApp({}, { log: pino({}, { write: (line: string) => void log.push(line) }) });
		t.services.p2p.unreadCount = () => {
			throw new Error('the disk is on fire');
		};
		const provoke: Record<string, () => Promise<{ status: number; body: Json }>> = {
			400: () =>
				t.call({ as: 'nobody', method: 'POST', path: '/users', body: { resourceId: 'site.com', username: 4 } }),
			401: () => t.call({ as: 'key', path: '/p2p/conversations', headers: { authorization: 'Bearer eyJhbGci...' } }),
			403: () => t.call({ as: 'alice', path: '/admin/conversations' }),
			500: () => t.call({ as: 'alice', path: '/p2p/unread-count' }),
		};
		const failures: Record<string, Json> = {};
		for (const { Code = '' } of errorCodes) {
			const { status, body } = (await provoke[Code]?.()) ?? { status: 0, body: null };
			expect([Code, String(status), lacking(printedFailure, body)]).toEqual([Code, Code, []]);
			expect(body.data).toBeUndefined();
			failures[Code] = body;
		}
		expect(Object.keys(failures)).toEqual(['400', '401', '403', '500']);
		expect(failures[400].errors).toMatchObject([{ path: 'username' }]);
		expect(failures[401].message).toContain('POST /api/v1/users/chat-token');
		expect(failures[403].message).toContain('role');
		expect(failures[500].message).not.toContain('fire');
		const said = log.find((line) => line.includes(failures[500].requestId) && line.includes('the disk is on fire'));
		expect(said).toBeDefined();
	});
});
