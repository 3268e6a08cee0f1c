import { expect, test } from 'bun:test';
import { callOf, calls, routeOf } from '../support/calls.ts';
import type { Populated } from '../support/populated.ts';
import { signIn } from '../support/socket.ts';
import type { TestApp } from '../support/test-app.ts';
import { createWorlds } from '../support/worlds.ts';
import { bodies } from './policy.ts';

type Json = Record<string, unknown>;
interface Schema {
	$ref?: string;
	properties?: Record<string, Schema>;
}

const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const tablesOf = (t: TestApp) =>
	t
		.rows<{ name: string }>(
			`select name from sqlite_master where type = 'table' and sql not like 'create virtual%'
				and name not like 'texts%' and name not in ('text_index', 'sqlite_sequence') order by name`,
		)
		.map(({ name }) => name);
const columnsOf = (t: TestApp, table: string) =>
	t.rows<{ name: string; type: string }>(`pragma table_info("${table}")`);

/** Every column of every table under both of its names, with a value that would do harm if it were taken over. */
const everyColumn = (t: TestApp): Json => {
	const harm: Json = {
		role: 'superadmin',
		status: 'closed',
		kind: 'system',
		type: 'p2p',
		permissions: { canSendMessage: false },
		settings: { signup: 'server' },
		metadata: { injected: true },
		reactions: [{ emoji: '👍', count: 9, mine: true }],
	};
	const body: Json = {};
	for (const table of tablesOf(t))
		for (const { name, type } of columnsOf(t, table)) {
			// as a key the number names a row that is there: a site, a user, a conversation of others
			const value = harm[name] ?? (type === 'INTEGER' ? t.other.pk : 'injected');
			body[name] = value;
			body[camel(name)] = value;
		}
	return body;
};

/** The fields of a body in the document, as the table of bodies has them. */
const fieldsOf = (schema: Schema, schemas: Record<string, Schema>, path = ''): string[] => {
	const found = schema.$ref ? (schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema;
	return Object.entries(found.properties ?? {}).flatMap(([name, inner]) => [
		path + name,
		...fieldsOf(inner, schemas, `${path}${name}.`),
	]);
};

/** Puts what is not asked for into every object of a body. */
const stuffed = (body: Json, extra: Json, asked: string[], path = ''): Json => {
	const isObject = (name: string) => asked.some((field) => field.startsWith(`${path}${name}.`));
	const own = Object.entries(body).map(([name, value]) => [
		name,
		isObject(name) ? stuffed(value as Json, extra, asked, `${path}${name}.`) : value,
	]);
	const more = Object.entries(extra).filter(([name]) => !asked.includes(path + name));
	return Object.fromEntries([...more, ...own]);
};

/** Names by which objects of JavaScript are changed from beneath, in front of a body as text. */
const poison =
	'"__proto__":{"role":"superadmin","isAdmin":true,"verified":true},"constructor":{"prototype":{"isAdmin":true}},"prototype":{"isAdmin":true},"valueOf":"x","hasOwnProperty":"x","$set":{"role":"superadmin"},';

/** What each run has of its own: ids, secrets, and what is hashed with them. */
const ownOfEachRun = ['hash', 'salt', 'previous', 'fields', 'hint', 'password_hash', 'before', 'after', 'shown'];
/** Every row of every table, with ids by the order in which they appear. */
const stateOf = (t: TestApp): Record<string, Json[]> => {
	const ids = new Map<string, string>();
	const named = (text: string) =>
		text.replaceAll(/\b([a-z]+)_[0-9a-z]{26}\b/g, (id, kind: string) => {
			if (!ids.has(id)) ids.set(id, `${kind} ${ids.size}`);
			return ids.get(id) ?? '';
		});
	return Object.fromEntries(
		tablesOf(t).map((table) => [
			table,
			t.rows(`select * from "${table}" order by 1, 2`).map((row) =>
				Object.fromEntries(
					Object.entries(row).map(([column, value]) => {
						if (typeof value !== 'string') return [column, value];
						if (ownOfEachRun.includes(column) && table !== 'ticket_history') return [column, 'set'];
						return [column, /^deleted[\w-]*$/.test(value) ? 'deleted' : named(value)];
					}),
				),
			),
		]),
	);
};

const worldFor = createWorlds();
/** Makes a call whose body is text, and gives what came and what is stored then; everything is brought back after it. */
const outcomeOf = async (name: string, write: (body: Json, t: Populated) => string) => {
	const { as = 'alice', on = 'bob', prepare } = calls[name] ?? {};
	const { t, undo } = await worldFor(prepare);
	const { id: user, username } = t.person(on);
	const ids = { ...t.settled.own, user, username };
	const { method, path, body = {} } = callOf(name, ids, { who: 'mass' });
	const before = stateOf(t);
	try {
		const text = write(body as Json, t);
		const response = await t.fetch(`/api/v1${path}`, {
			method,
			headers: { ...t.credentials(as), 'content-type': 'application/json' },
			body: text,
		});
		await t.written();
		const { data } = (await response.json()) as { data?: Json };
		const state = stateOf(t);
		return { status: response.status, fields: Object.keys(data ?? {}), state, changed: !Bun.deepEquals(state, before) };
	} finally {
		await undo();
	}
};

const writing = Object.keys(calls).filter((name) => !name.startsWith('GET ') && !name.startsWith('POST /auth/'));

test('every column of the tables is sent, by both of its names', async () => {
	const { t } = await worldFor(undefined);
	const columns = Object.keys(everyColumn(t));
	expect(columns.length).toBeGreaterThan(150);
	expect(columns).toEqual(
		expect.arrayContaining(['password_hash', 'passwordHash', 'ver', 'evidence_of', 'evidenceOf']),
	);
	expect(new Set(writing.map(routeOf)).size).toBeGreaterThan(40);
});

test('no body asks for more than the table of bodies has', async () => {
	const { t } = await worldFor(undefined);
	const { paths, components } = (await (await t.fetch('/swagger/json')).json()) as {
		paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
		components: { schemas: Record<string, Schema> };
	};
	const asked = Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).flatMap(([method, { requestBody }]) => {
			const schema = requestBody?.content['application/json']?.schema;
			const name = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;
			return schema ? [[name, fieldsOf(schema, components.schemas).sort()]] : [];
		}),
	);
	const known = Object.entries(bodies).map(([name, fields]) => [name, fields.split(' ').sort()]);
	expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(known));
});

for (const name of writing)
	test(`${name}: what is sent beside what is asked for changes nothing`, async () => {
		const plain = await outcomeOf(name, (body) => JSON.stringify(body));
		const full = await outcomeOf(name, (body, t) => {
			const asked = (bodies[routeOf(name)] ?? '').split(' ');
			const sent = stuffed(body, everyColumn(t), asked);
			expect(Object.keys(sent).length).toBeGreaterThan(150);
			// in front of every object that was stuffed, which begins with the first column
			return JSON.stringify(sent).replaceAll('{"pk":', `{${poison}"pk":`);
		});
		expect(plain.status).toBeLessThan(300);
		expect(full).toEqual(plain);
		expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
		expect(({} as Json).role).toBeUndefined();
	});

const served = new WeakMap<TestApp, string>();
for (const [type, bodiesOf] of [
	['message', 'POST /support/tickets/{id}/messages'],
	['read', 'POST /support/tickets/{id}/read'],
	['typing', 'POST /support/tickets/{id}/typing'],
	['watch', ''],
] as const)
	test(`the frame ${type}: what is said beside what is asked for changes nothing`, async () => {
		const { t, undo } = await worldFor(undefined);
		const url = served.get(t) ?? t.listen().url;
		served.set(t, url);
		const { ticket: conversationId } = t.settled.own;
		const asked = ['type', 'ref', 'conversationId', 'clientMessageId', ...(bodies[bodiesOf] ?? '').split(' ')];
		const plain: Json = {
			type,
			ref: 'of-the-test',
			conversationId,
			...(type === 'message' && { content: { text: 'hello' }, clientMessageId: 'mass' }),
		};
		const outcomeOf = async (text: string) => {
			const socket = await signIn(url, t.person('alice'));
			try {
				const before = stateOf(t);
				socket.say(text);
				const answer = type === 'typing' ? null : await socket.next('ack');
				const others = (await socket.quiet()).filter((frame) => frame.type === 'error');
				await t.written();
				const state = stateOf(t);
				const fields = Object.keys(answer?.data ?? {});
				return { fields, others, state, changed: !Bun.deepEquals(state, before) };
			} finally {
				socket.close();
				await socket.ended();
				await undo();
			}
		};
		const alone = await outcomeOf(JSON.stringify(plain));
		const full = JSON.stringify(stuffed(plain, everyColumn(t), asked)).replaceAll('{"pk":', `{${poison}"pk":`);
		expect([alone.others, alone.changed]).toEqual([[], ['message', 'read'].includes(type)]);
		expect(full.length).toBeGreaterThan(3_000);
		expect(await outcomeOf(full)).toEqual(alone);
		expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
	});
