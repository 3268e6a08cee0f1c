import { expect, test } from 'bun:test';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { openApiDocument } from '../../src/http/docs.ts';
import { story } from '../../src/http/story.ts';
import { failures } from '../../src/kernel/errors.ts';
import { clientFrames, closeCodes, events, serverFrames, transientEvents } from '../../src/realtime/realtime.schema.ts';
import { appInMemory } from '../support/app-support.ts';

interface Media {
	schema: Record<string, unknown>;
	example?: unknown;
	examples?: Record<string, { $ref: string }>;
}
interface Operation {
	tags: string[];
	summary: string;
	description: string;
	operationId: string;
	security: Record<string, string[]>[];
	'x-permission': string;
	parameters?: {
		$ref?: string;
		in?: string;
		name?: string;
		required?: boolean;
		example?: unknown;
		description?: string;
	}[];
	requestBody?: { required: boolean; content: Record<string, Media> };
	responses: Record<string, { description: string; content?: Record<string, Media> }>;
	'x-websocket'?: {
		sends: { $ref: string };
		receives: { $ref: string };
		closeCodes: Record<string, { name: string; meaning: string }>;
	};
}
type Example = Record<string, unknown>;
interface Route {
	hooks: {
		body?: TSchema;
		headers?: TSchema;
		detail?: { hide?: boolean; 'x-answers'?: Record<string, TSchema>; 'x-limit'?: string };
	};
	method: string;
	path: string;
}

using server = appInMemory();
const routes = (server.app.routes as unknown as Route[]).filter(({ hooks }) => !hooks.detail?.hide);
const document = await openApiDocument(routes, { url: 'https://talk.acme.test', resourceId: 'acme.test' });
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, operation]) => ({
		name: `${method.toUpperCase()} ${path}`,
		method,
		path,
		operation: operation as unknown as Operation,
	})),
);
const routeOf = (method: string, path: string) =>
	routes.find((route) => route.method.toLowerCase() === method && route.path.replaceAll(/:(\w+)/g, '{$1}') === path);

test('every route that is not hidden is in the document', () => {
	const documented = operations.map(({ name }) => name).sort();
	const known = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`).sort();
	expect(documented).toEqual(known);
});

test('every header that a route reads is in it', () => {
	const documented = operations.flatMap(({ name, operation }) =>
		(operation.parameters ?? []).flatMap((parameter) =>
			parameter.in === 'header' ? [`${name} ${parameter.name}`] : [],
		),
	);
	const read = routes.flatMap(({ method, path, hooks }) =>
		Object.keys(hooks.headers?.properties ?? {}).map(
			(header) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')} ${header}`,
		),
	);
	expect(read).toContain('PATCH /api/v1/support/tickets/{id} if-match');
	expect(documented.sort()).toEqual(read.sort());
});

test('no operationId is used twice, and each can be a name in a program', () => {
	const ids = operations.map(({ operation }) => operation.operationId);
	expect(new Set(ids).size).toBe(ids.length);
	expect(ids.filter((id) => !/^[a-z][A-Za-z0-9]+$/.test(id))).toEqual([]);
});

test('each tag is described', () => {
	const described = document.tags.filter((tag) => tag.description !== '').map((tag) => tag.name);
	for (const { operation } of operations) expect(described).toContain(operation.tags[0] as string);
});

for (const { name, method, path, operation } of operations)
	test(`${name} says what it does, who may, what it takes, gives and fails with`, () => {
		expect(operation.summary).not.toBe('');
		expect(operation.description.length).toBeGreaterThan(operation.summary.length);

		const isPublic = operation['x-permission'] === 'public';
		const first = operation.security[0] ?? {};
		if (isPublic) expect(first).toEqual({});
		else expect(Object.keys(first).sort()).toEqual(['apiKey', 'bearerAuth']);

		for (const parameter of operation.parameters ?? []) {
			if (parameter.$ref) continue;
			expect(parameter.description).toBeString();
			if (parameter.required) expect(parameter.example).toBeDefined();
		}

		const route = routeOf(method, path);
		expect(operation.requestBody !== undefined).toBe(route?.hooks.body !== undefined);
		if (operation.requestBody) {
			expect(Object.keys(operation.requestBody.content)).toEqual(['application/json']);
			expect(operation.requestBody.content['application/json']?.example).toBeObject();
		}

		const answers = Object.keys(route?.hooks.detail?.['x-answers'] ?? {});
		// a socket has frames instead, which are looked at below
		const isSocket = path === '/api/v1/realtime';
		expect(answers.length > 0).toBe(!isSocket);
		if (isSocket) expect(operation.responses['101']?.content).toBeUndefined();
		for (const status of answers) {
			const media = operation.responses[status]?.content?.['application/json'] as Media;
			const { success, data } = media.example as { success: boolean; data: unknown };
			expect(success).toBe(true);
			expect(data).toBeObject();
		}

		const expected = [
			'400',
			'401',
			'403',
			...(isPublic ? [] : ['404']),
			...(operation.requestBody ? ['413', '415'] : []),
			...(route?.hooks.detail?.['x-limit'] ? ['429'] : []),
			'500',
			'503',
			...(method === 'get' ? [] : ['507']),
		];
		expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(expected));
		for (const [status, response] of Object.entries(operation.responses)) {
			expect(response.description).not.toBe('');
			if (status === '101') continue;
			const isStream = path === '/api/v1/events' && status === '200';
			const { content = {} } = response;
			expect(Object.keys(content)).toEqual(['application/json', ...(isStream ? ['text/event-stream'] : [])]);
			if (answers.includes(status)) continue;
			const { schema, examples = {} } = content['application/json'] as Media;
			expect(schema).toEqual({ $ref: '#/components/schemas/Failure' });
			for (const [code, { $ref }] of Object.entries(examples)) {
				expect($ref).toBe(`#/components/examples/${code}`);
				expect(response.description).toContain(`\`${code}\``);
				expect(String(failures[code as keyof typeof failures]?.[0])).toBe(status);
			}
			expect(examples).not.toEqual({});
		}
	});

test('every code of the registry is told of by the call that fails with it', () => {
	const told = new Set(Object.keys(document.components.examples ?? {}));
	const silent = Object.keys(failures).filter((code) => !told.has(code));
	// no call of the document answers these: they are for paths and methods that do not exist, for signed cookies, and frames
	expect(silent.sort()).toEqual([
		'invalid_cookie',
		'invalid_frame',
		'method_not_allowed',
		'route_not_found',
		'sign_in_first',
	]);
});

/** The schema that a reference names. */
interface Named {
	oneOf?: { $ref: string }[];
	discriminator?: { propertyName: string; mapping: Record<string, string> };
	description?: string;
	properties?: Record<string, { enum?: string[] }>;
	required?: string[];
}
const named = ($ref: string): Named => (document.components.schemas as Record<string, Named>)[$ref.slice(21)] ?? {};
const realtime = operations.find(({ path }) => path === '/api/v1/realtime')?.operation;

test('a client can be generated for every frame and event: each is a schema of its own, told apart by its type', () => {
	const { sends, receives } = realtime?.['x-websocket'] ?? { sends: { $ref: '' }, receives: { $ref: '' } };
	const said = { [sends.$ref]: clientFrames, [receives.$ref]: { ...serverFrames, ...events, ...transientEvents } };
	expect(Object.keys(said)).toEqual(['#/components/schemas/ClientFrame', '#/components/schemas/ServerMessage']);
	const names = new Set<string>();
	for (const [reference, schemas] of Object.entries(said)) {
		const { oneOf, discriminator } = named(reference);
		expect(discriminator?.propertyName).toBe('type');
		expect(Object.keys(discriminator?.mapping ?? {})).toEqual(Object.keys(schemas));
		expect(Object.values(discriminator?.mapping ?? {})).toEqual((oneOf ?? []).map(({ $ref }) => $ref));
		for (const [type, $ref] of Object.entries(discriminator?.mapping ?? {})) {
			const { description, properties, required } = named($ref);
			expect(description).not.toBe('');
			expect(properties?.type?.enum).toEqual([type]);
			expect(required).toContain('type');
			names.add($ref);
		}
	}
	expect(names.size).toBe(Object.values(said).flatMap((schemas) => Object.keys(schemas)).length);
});

test('every way to hear of events is told of: by socket, with its close codes, by stream and by polling', () => {
	expect(Object.keys(realtime?.responses ?? {})).toEqual(expect.arrayContaining(['101', '426', '429']));
	expect(realtime?.['x-websocket']?.closeCodes).toEqual(
		Object.fromEntries(Object.entries(closeCodes).map(([name, [code, meaning]]) => [code, { name, meaning }])),
	);
	const polling = operations.find(({ path }) => path === '/api/v1/events')?.operation;
	const content = polling?.responses['200']?.content ?? {};
	expect(JSON.stringify(content['application/json']?.schema)).toContain('#/components/schemas/EventPage');
	expect(content['text/event-stream']?.schema).toEqual({ $ref: '#/components/schemas/ServerMessage' });
	expect(Value.Check(events['message.created'], content['text/event-stream']?.example)).toBe(true);
	const tag = document.tags.find(({ name }) => name === 'Real time');
	for (const type of Object.keys(events)) expect(tag?.description).toContain(`\`${type}\``);
	expect(tag?.externalDocs?.url).toBe('https://talk.acme.test/swagger/realtime');
});

const bodyOf = (operation: Operation) =>
	operation.requestBody?.content['application/json']?.example as Example | undefined;
const answersOf = (operation: Operation) =>
	['200', '201'].flatMap((status) => {
		const media = operation.responses[status]?.content?.['application/json'];
		return media ? [{ status, answer: (media.example as { data: Example }).data }] : [];
	});

test('the examples fit the schemas they stand at, and have no field that is not in them', () => {
	const wrong: string[] = [];
	for (const { name, method, path, operation } of operations) {
		const { hooks } = routeOf(method, path) ?? {};
		const shown = [
			[hooks?.body, bodyOf(operation)] as const,
			...answersOf(operation).map(({ status, answer }) => [hooks?.detail?.['x-answers']?.[status], answer] as const),
		];
		for (const [schema, example] of shown) {
			if (!schema) continue;
			for (const issue of Value.Errors(schema, example)) wrong.push(`${name}${issue.path}: ${issue.message}`);
			if (!schema.properties) continue;
			for (const field of Object.keys(example ?? {}))
				if (!(field in schema.properties)) wrong.push(`${name} shows ${field}, which is not in its schema`);
		}
	}
	expect(wrong).toEqual([]);
});

test('the examples are one story: what a call names is what it answers with, and what it asks for is done', () => {
	const wrong: string[] = [];
	for (const { name, path, operation } of operations) {
		const named = Object.fromEntries(
			(operation.parameters ?? [])
				.filter(({ in: place }) => place === 'path')
				.map(({ name, example }) => [name, example]),
		);
		const body = bodyOf(operation) ?? {};
		for (const { status, answer } of answersOf(operation)) {
			// what makes something new answers with that
			const subject = operation.responses['201'] ? undefined : (named.messageId ?? named.id);
			if (subject !== undefined && 'id' in answer && answer.id !== subject) wrong.push(`${name}: id ${answer.id}`);
			const listed = Array.isArray(answer.data) ? (answer.data as Example[]) : [answer];
			if (path.includes('{id}/messages'))
				for (const item of listed)
					if ('conversationId' in item && item.conversationId !== named.id)
						wrong.push(`${name}: of ${item.conversationId}`);
			// permissions are taken without effect for a user
			for (const [field, value] of Object.entries(body))
				if (field !== 'permissions' && field in answer && !Bun.deepEquals(answer[field], value))
					wrong.push(`${name}: ${status} shows another ${field} than was asked for`);
			if ('total' in answer && Number(answer.total) < listed.length) wrong.push(`${name}: lists more than there are`);
		}
	}
	expect(wrong).toEqual([]);
});

test('every chapter of the story is told at a call that is there', () => {
	const known = new Map(operations.map(({ operation }) => [operation.operationId, operation]));
	for (const [id, { parameters = {}, body }] of Object.entries(story)) {
		const operation = known.get(id);
		expect([id, operation !== undefined]).toEqual([id, true]);
		const names = (operation?.parameters ?? []).map(({ name }) => name);
		expect(names).toEqual(expect.arrayContaining(Object.keys(parameters)));
		if (body) expect(operation?.requestBody).toBeDefined();
	}
});

test('the document speaks OpenAPI 3.0, not JSON Schema, and nothing of the inside', () => {
	const foreign: string[] = [];
	const look = (value: unknown, key: string, trail: string): void => {
		// what a caller sends or gets is no schema
		if (typeof value !== 'object' || value === null || ['example', 'examples'].includes(key)) return;
		const named = ['properties', 'schemas', 'paths', 'headers', 'mapping'].includes(key);
		for (const [name, item] of Object.entries(value)) {
			const here = `${trail}/${name}`;
			const known = !name.startsWith('x-') || ['x-permission', 'x-extensible-enum', 'x-websocket'].includes(name);
			if (!named && (!known || ['const', 'patternProperties', '$id'].includes(name) || item === 'null'))
				foreign.push(here);
			look(item, named ? '' : name, here);
		}
	};
	look(document.paths, 'paths', '');
	look(document.components.schemas, 'schemas', '/schemas');
	expect(foreign).toEqual([]);
});

test('examples and servers speak of this server and its site', async () => {
	expect(document.servers).toEqual([{ url: 'https://talk.acme.test', description: 'This server' }]);
	const text = JSON.stringify(document);
	expect(text).toContain('"resourceId":"acme.test"');
	expect(text).toContain('https://talk.acme.test/access#');
	expect(text).not.toContain('site.com');
});

test('/swagger/json is that document, under the address it was asked at', async () => {
	using server = appInMemory();
	const { get, services } = server;
	const before = (await (await get('/swagger/json')).json()) as typeof document;
	expect(before.servers[0]?.url).toBe('http://chat.test');
	expect(JSON.stringify(before)).toContain('"resourceId":"site.com"');
	await services.sites.add({ resourceId: 'acme.test' });
	const response = await get('/swagger/json');
	expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
	const after = (await response.json()) as typeof document;
	expect(JSON.stringify(after)).toContain('"resourceId":"acme.test"');
	expect(Object.keys(after.paths)).toEqual(Object.keys(document.paths));
});

test('with a public address the document names that one', async () => {
	using server = appInMemory({ publicUrl: 'https://chat.acme.test' });
	const { get } = server;
	const shown = (await (await get('/swagger/json')).json()) as typeof document;
	expect(shown.servers[0]?.url).toBe('https://chat.acme.test');
});
