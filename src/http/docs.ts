import { swagger } from '@elysiajs/swagger';
import { Elysia } from 'elysia';
import { version } from '../../package.json';
import { type FailureCode, failures } from '../kernel/errors.ts';
import { type Capability, ruleOf } from '../kernel/roles.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import * as users from '../modules/users/users.schema.ts';
import { closeCodes, events } from '../realtime/realtime.schema.ts';
import type { Address } from './address.ts';
import { answersKey, failsKey } from './answers.ts';
import { ClientFrame, nameOf, ServerMessage } from './schemas.ts';
import { story } from './story.ts';

/**
 * The OpenAPI document, and the only file that knows the plugin that reads routes. What the plugin does not see (answers,
 * failures, who may) is put in from what the macros left in `detail`; what OpenAPI 3.0 says otherwise than JSON Schema is
 * translated.
 */

/** What the examples of the sources are written with; replaced by this server's own. */
const exampleUrl = 'https://chat.site.com';
const exampleSite = 'site.com';
const exampleRequestId = '0b7e5a52-6c1f-4a55-9d0e-3f1f6a0c8b11';

const tags: Record<string, string> = {
	Users: 'Creating users, their chat tokens, and what a user does with their own profile.',
	Authentication: 'How the team signs in: with a password, the setup link, or an access link.',
	'P2P chat': 'Direct messages between two users.',
	Support:
		'Tickets: a user asks, the desk answers. The calls are the same for both; who opened the ticket is its requester, and everybody of the desk stands on the other side.',
	Widget: 'What the widget in a site’s pages asks for before it knows who the visitor is.',
	Admin:
		'For the desk: the roles staff, moderator, admin and superadmin. The role `user` gets 403 everywhere here. What each call needs is said at it.',
	'Real time': `What happens, as it happens: by WebSocket, by a stream (Server-Sent Events), or by polling. All three tell the same events from one log, and go on behind the last one where a client was away. The events: ${Object.keys(
		events,
	)
		.map((type) => `\`${type}\``)
		.join(', ')}.`,
};
/** Tags that have a page of their own. */
const tagPages: Record<string, { url: string; description: string }> = {
	'Real time': { url: `${exampleUrl}/swagger/realtime`, description: 'Every frame, event and close code' },
};

const description = `P2P chat and support tickets for any website. The team of a site, its roles above \`user\`, is called the desk.

1. Create a user: \`POST /api/v1/users\` with the \`resourceId\` of your site.
2. Get their chat token within the hour: \`POST /api/v1/users/chat-token\` with the \`userId\`. It is valid for 30 days.
3. Send two headers with every further call: \`x-api-key: {publishable key}\` and \`Authorization: Bearer {chatToken}\`.
4. Chat: start a conversation with \`POST /api/v1/p2p/conversations\`, and write with \`POST /api/v1/p2p/conversations/{id}/messages\`.
5. Get help: open a ticket with \`POST /api/v1/support/tickets\`, and write just like in a chat with \`POST /api/v1/support/tickets/{id}/messages\`.
6. Give help: the desk signs in at \`POST /api/v1/auth/login\`, finds tickets at \`GET /api/v1/admin/tickets\` and everything at \`GET /api/v1/admin/conversations\`, answers with the calls of point 5, and leaves notes for itself with \`"kind": "note"\`.
7. Hear of it at once: connect to \`GET /api/v1/realtime\`, or read \`GET /api/v1/events\`. What is said there is at [/swagger/realtime](/swagger/realtime).
8. Every answer is \`{ "success": true, "data": … }\` or \`{ "success": false, "message", "code", "requestId" }\`: the message is for people, the code for programs.

Your own server uses a secret key (\`sk_…\`) instead, alone where a call says so, or as a user named in \`x-act-as\`. It must never stand in a page.`;

type Json = Record<string, unknown>;
interface Operation extends Json {
	summary?: string;
	description?: string;
	operationId: string;
	tags?: string[];
	security?: Record<string, string[]>[];
	parameters?: Parameter[];
	requestBody?: { required: boolean; content: Record<string, { schema: Json }> };
}
interface Parameter extends Json {
	in: string;
	name: string;
	schema: Json;
	examples?: unknown[];
}
export interface OpenApiDocument {
	openapi: string;
	info: Json;
	servers: { url: string; description: string }[];
	tags: { name: string; description: string; externalDocs?: { url: string; description: string } }[];
	paths: Record<string, Record<string, Json>>;
	components: Record<string, Json>;
}
/** A route as Elysia lists it. */
export interface DocumentedRoute {
	method: string;
	path: string;
	hooks: unknown;
}
interface Hooks {
	body?: unknown;
	params?: unknown;
	query?: unknown;
	headers?: unknown;
	detail?: Json & { hide?: boolean };
}

/** What the plugin makes of the routes: paths, parameters and bodies. Plain JSON, without the symbols of TypeBox. */
const readRoutes = async (routes: readonly DocumentedRoute[]): Promise<Record<string, Record<string, Operation>>> => {
	const app = new Elysia().use(swagger({ path: '/document' }));
	for (const { method, path, hooks } of routes) {
		const { body, params, query, headers, detail } = hooks as Hooks;
		if (detail?.hide) continue;
		// copies without guard and handler; `parse` is what tells the plugin that bodies are JSON only
		app.route(method, path, () => null, { body, params, query, headers, detail, parse: 'json' } as object);
	}
	const answer = await app.handle(new Request('http://localhost/document/json'));
	return ((await answer.json()) as { paths: Record<string, Record<string, Operation>> }).paths;
};

/** createTranslator turns JSON Schema as TypeBox writes it into schemas of OpenAPI 3.0, and collects the named ones. */
const createTranslator = () => {
	const components: Record<string, Json> = {};

	const values = (record: unknown, translate: (schema: Json) => Json): Json =>
		Object.fromEntries(Object.entries(record as Record<string, Json>).map(([key, value]) => [key, translate(value)]));

	const union = ({ anyOf, ...rest }: Json): Json => {
		const options = (anyOf as Json[]).filter((option) => option.type !== 'null');
		const nullable = options.length < (anyOf as Json[]).length ? { nullable: true } : {};
		const [first = {}] = options;
		// note: `nullable` beside a $ref does not hold in 3.0, so what may be null is written out
		if (options.length === 1) return { ...inline({ ...first, examples: undefined }), ...inline(rest), ...nullable };
		if (options.every((option) => 'const' in option))
			return { type: first.type, enum: options.map((option) => option.const), ...inline(rest), ...nullable };
		const translated = options.map(translate);
		const types = options.map(({ properties }) => (properties as Record<string, Json> | undefined)?.type?.const);
		// note: a discriminator is for references only
		if (types.every((type) => type !== undefined) && translated.every(({ $ref }) => $ref !== undefined)) {
			const mapping = Object.fromEntries(types.map((type, i) => [type, translated[i]?.$ref]));
			return { oneOf: translated, discriminator: { propertyName: 'type', mapping }, ...inline(rest) };
		}
		return { anyOf: translated, ...inline(rest), ...nullable };
	};

	const inline = (schema: Json): Json => {
		if (schema.anyOf) return union(schema);
		if (schema[users.documentedSchema]) return inline(schema[users.documentedSchema] as Json);
		const { properties, items, patternProperties, const: only, examples, multipleOf, ...others } = schema;
		const { [users.documentedFormat]: format, ...rest } = others;
		const keys = Object.values((patternProperties ?? {}) as Record<string, Json>);
		return {
			...rest,
			...(format !== undefined && { format }),
			...(multipleOf === 1 ? { type: 'integer' } : multipleOf !== undefined && { multipleOf }),
			...(only !== undefined && { enum: [only] }),
			...(properties !== undefined && { properties: values(properties, translate) }),
			...(items !== undefined && { items: translate(items as Json) }),
			...(keys[0] && { additionalProperties: translate(keys[0]) }),
			...(Array.isArray(examples) && { example: examples[0] }),
		};
	};

	const translate = (schema: Json): Json => {
		const name = nameOf(schema);
		if (!name) return inline(schema);
		if (!components[name]) {
			components[name] = {};
			components[name] = inline(schema);
		}
		return { $ref: `#/components/schemas/${name}` };
	};
	return { translate, components };
};
type Translate = ReturnType<typeof createTranslator>['translate'];

const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** What each status says, before its codes. */
const statusWords: Record<number, string> = {
	400: 'The request is malformed.',
	401: 'Not authenticated.',
	403: 'Not allowed.',
	404: 'Not there, or not yours to see.',
	409: 'In conflict with what is there.',
	412: 'Changed since you read it.',
	413: 'The body is too large: more than 64 KB.',
	415: 'The body is not JSON.',
	422: 'Understood, but impossible.',
	426: 'No WebSocket was asked for.',
	429: 'Too many, or too early.',
	500: 'A fault of the server.',
	503: 'Not now: repeat the call later.',
	507: 'The disk of the server is full.',
};

/** The codes an operation can fail with: those of the guard, the limits and the schema, and its own. */
const failuresOf = (
	operation: Operation,
	{ method, capability, server }: { method: string; capability: Capability | 'public'; server: boolean },
): FailureCode[] => {
	const body = operation.requestBody !== undefined;
	const parameters = operation.parameters ?? [];
	const isWrite = method !== 'get';
	const codes: FailureCode[] = [];
	if (body || parameters.length > 0) codes.push('invalid_request');
	if (body) codes.push('invalid_json', 'body_too_large', 'unsupported_media_type');
	codes.push('invalid_host', 'invalid_key', 'secret_key_in_page', 'origin_not_allowed', 'host_not_allowed');
	if (capability !== 'public') {
		const { least, flags = [] } = ruleOf(capability);
		codes.push('key_required', 'token_required', 'invalid_token', 'token_expired', 'token_revoked', 'wrong_site');
		if (!server && least === 'user') codes.push('user_token_required');
		if (least !== 'user') codes.push('forbidden');
		if (flags.length > 0) codes.push('permission_missing');
		// not_found is also the answer to an x-act-as that names nobody
		codes.push('user_suspended', 'not_found');
	}
	if (operation['x-limit']) codes.push('rate_limited');
	codes.push(...((operation[failsKey] ?? []) as FailureCode[]));
	codes.push('internal_error', 'storage_unavailable', 'overloaded', 'shutting_down');
	if (isWrite) codes.push('storage_full');
	return [...new Set(codes)];
};

const failureExample = (code: FailureCode): Json => ({
	success: false,
	message: failures[code][1],
	code,
	requestId: exampleRequestId,
	...(code === 'invalid_request' && { errors: [{ path: 'field', message: 'is not as expected' }] }),
});

/** The answers of an operation: what it gives, and each status it can fail with. */
const responsesOf = (
	operation: Operation,
	codes: FailureCode[],
	{ translate, told }: { translate: Translate; told: (typeof story)[string] | undefined },
): Json => {
	const responses: Json = {};
	const answers = (operation[answersKey] ?? {}) as Record<string, Json & { examples?: unknown[] }>;
	const both = Object.keys(answers).length > 1;
	for (const [status, schema] of Object.entries(answers)) {
		const words = status === '201' ? 'Created.' : both ? 'It was there already: here it is.' : 'Done.';
		responses[status] = {
			description: words,
			content: {
				'application/json': {
					schema: {
						type: 'object',
						required: ['success', 'data'],
						properties: { success: { type: 'boolean', enum: [true] }, data: translate(schema) },
					},
					example: { success: true, data: { ...(schema.examples?.[0] as Json), ...told?.answer } },
				},
			},
		};
	}
	for (const [status, words] of Object.entries(statusWords)) {
		const here = codes.filter((code) => failures[code][0] === Number(status));
		if (here.length === 0) continue;
		responses[status] = {
			description: `${words} Codes: ${here.map((code) => `\`${code}\``).join(', ')}.`,
			...(['429', '503'].includes(status) && { headers: { 'retry-after': ref('headers', 'RetryAfter') } }),
			content: {
				'application/json': {
					schema: ref('schemas', 'Failure'),
					examples: Object.fromEntries(here.map((code) => [code, ref('examples', code)])),
				},
			},
		};
	}
	return responses;
};

/** What no route tells of itself, by operation: what is said beside JSON. */
const beyond: Record<
	string,
	(translate: Translate) => { access?: string; responses: (own: Json) => Json; extensions?: Json }
> = {
	connect: (translate) => ({
		access: 'For every user, as the first frame says who it is.',
		responses: (own) => ({
			101: {
				description:
					'Switching Protocols: from here on frames, JSON as text. The first is `auth`; `x-websocket` names all of them.',
			},
			...own,
		}),
		extensions: {
			'x-websocket': {
				sends: translate(ClientFrame),
				receives: translate(ServerMessage),
				closeCodes: Object.fromEntries(
					Object.entries(closeCodes).map(([name, [code, meaning]]) => [code, { name, meaning }]),
				),
			},
		},
	}),
	listEvents: (translate) => ({
		responses: ({ 200: done, ...own }) => {
			const { description, content } = done as { description: string; content: Json };
			const stream = { schema: translate(ServerMessage), example: events['message.created'].examples?.[0] };
			return {
				200: {
					description: `${description} As \`text/event-stream\` each event has as \`data\` what is described here, as \`event\` its \`type\`, and as \`id\` its cursor, where it has one.`,
					content: { ...content, 'text/event-stream': stream },
				},
				...own,
			};
		},
	}),
};

/** Who may, in words; the guard's table is where it is decided. */
const accessWords = (capability: Capability | 'public', server: boolean): string => {
	if (capability === 'public') return 'Public: asks for no key and no token.';
	const { least, flags = [] } = ruleOf(capability);
	const who =
		least === 'user' ? 'For every user' : least === 'superadmin' ? 'For superadmins' : `From the role ${least} up`;
	const withFlags = flags.length > 0 ? `, with ${flags.map((flag) => `\`${flag}\``).join(' and ')}` : '';
	return `${who}${withFlags}${server ? '; also for a secret key alone' : ''}.`;
};

const securityOf = (capability: Capability | 'public', server: boolean): Record<string, string[]>[] => {
	if (capability === 'public') return [{}, { apiKey: [] }];
	const asUser = { apiKey: [], bearerAuth: [] };
	return server ? [asUser, { apiKey: [] }] : [asUser];
};

/** An id is unique and never changes, because clients are generated with it; the same act has one name in each area. */
const operationIdOf = (path: string, id: string): string => {
	const area = path.split('/')[3] ?? '';
	return ['p2p', 'support', 'admin'].includes(area) ? `${area}${id.charAt(0).toUpperCase()}${id.slice(1)}` : id;
};

const documentOperation = (path: string, method: string, operation: Operation, translate: Translate): Json => {
	const capability = operation['x-permission'] as Capability | 'public';
	const server = operation['x-server'] === true;
	const codes = failuresOf(operation, { method, capability, server });
	const operationId = operationIdOf(path, operation.operationId);
	const told = story[operationId];
	const parameters = (operation.parameters ?? []).map(
		({ examples, schema, in: place, name, description, required }) => ({
			in: place,
			name,
			description,
			required,
			schema: translate(schema),
			...(examples && { example: told?.parameters?.[name] ?? examples[0] }),
		}),
	);
	if (capability !== 'public') parameters.push(ref('parameters', 'ActAs') as (typeof parameters)[number]);
	const body = operation.requestBody?.content['application/json']?.schema as
		| (Json & { examples?: unknown[] })
		| undefined;
	const more = beyond[operationId]?.(translate);
	const responses = responsesOf(operation, codes, { translate, told });
	return {
		tags: operation.tags,
		summary: operation.summary,
		description: `${operation.description}\n\n${more?.access ?? accessWords(capability, server)}`,
		operationId,
		'x-permission': capability,
		...more?.extensions,
		security: operation.security ?? securityOf(capability, server),
		...(parameters.length > 0 && { parameters }),
		...(body && {
			requestBody: {
				// an absent body is read as {}
				required: Array.isArray(body.required) && body.required.length > 0,
				content: { 'application/json': { schema: translate(body), example: told?.body ?? body.examples?.[0] } },
			},
		}),
		responses: more ? more.responses(responses) : responses,
	};
};

const failureSchema: Json = {
	type: 'object',
	description: 'Every failure looks like this. Some carry more fields, like `until` of a suspension.',
	required: ['success', 'message', 'code', 'requestId'],
	properties: {
		success: { type: 'boolean', enum: [false] },
		message: { type: 'string', description: 'For people: what to do about it.' },
		code: {
			type: 'string',
			description: 'For programs: never renamed; new ones may come.',
			'x-extensible-enum': Object.keys(failures),
		},
		requestId: { type: 'string', description: 'Also in the x-request-id header; the operator finds it in the log.' },
		errors: {
			type: 'array',
			description: 'What is wrong with which field.',
			items: {
				type: 'object',
				required: ['path', 'message'],
				properties: { path: { type: 'string' }, message: { type: 'string' } },
			},
		},
	},
	example: failureExample('invalid_request'),
};

const securitySchemes: Json = {
	apiKey: {
		type: 'apiKey',
		in: 'header',
		name: 'x-api-key',
		description: 'The publishable key of the site (`pk_…`, may stand in a page), or on a server a secret key (`sk_…`).',
	},
	bearerAuth: {
		type: 'http',
		scheme: 'bearer',
		bearerFormat: 'JWT',
		description: 'The chat token of a user, from `POST /api/v1/users/chat-token` or `POST /api/v1/auth/login`.',
	},
};

/** The document with the sources' own examples, as text; made once, since the routes do not change. */
const writeTemplate = async (routes: readonly DocumentedRoute[]): Promise<string> => {
	const { translate, components } = createTranslator();
	const usedTags = new Set<string>();
	const usedCodes = new Set<string>();
	const paths: OpenApiDocument['paths'] = {};
	for (const [path, operations] of Object.entries(await readRoutes(routes))) {
		const documented: Record<string, Json> = {};
		for (const [method, operation] of Object.entries(operations)) {
			documented[method] = documentOperation(path, method, operation, translate);
			for (const tag of operation.tags ?? []) usedTags.add(tag);
		}
		paths[path] = documented;
	}
	for (const [, code] of JSON.stringify(paths).matchAll(/#\/components\/examples\/(\w+)/g)) usedCodes.add(code ?? '');
	const document: OpenApiDocument = {
		openapi: '3.0.3',
		info: {
			title: 'Parley',
			version,
			description,
			license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
			contact: { name: 'The operator of this server', url: exampleUrl },
		},
		servers: [{ url: exampleUrl, description: 'This server' }],
		tags: Object.entries(tags)
			.filter(([name]) => usedTags.has(name))
			.map(([name, description]) => {
				const externalDocs = tagPages[name];
				return { name, description, ...(externalDocs && { externalDocs }) };
			}),
		paths,
		components: {
			securitySchemes,
			parameters: {
				ActAs: {
					in: 'header',
					name: 'x-act-as',
					required: false,
					description:
						'With a secret key and no token: the user to act as, by id, or as `external:` and your own id of the user.',
					schema: { type: 'string' },
				},
			},
			headers: {
				RetryAfter: { description: 'Whole seconds until a repeat makes sense.', schema: { type: 'integer' } },
			},
			schemas: { ...Object.fromEntries(Object.entries(components).sort()), Failure: failureSchema },
			examples: Object.fromEntries(
				[...usedCodes].sort().map((code) => [code, { value: failureExample(code as FailureCode) }]),
			),
		},
	};
	return JSON.stringify(document);
};

/** fill puts a server's own address and site into the template's examples. */
const fill = (template: string, { url, resourceId }: { url: string; resourceId: string | undefined }): string => {
	// in one pass: the server's own address may hold the example's
	const own = (found: string) => JSON.stringify(found === exampleUrl ? url : (resourceId ?? exampleSite)).slice(1, -1);
	return template.replaceAll(/https:\/\/chat\.site\.com|site\.com/g, own);
};

/**
 * openApiDocument describes routes as OpenAPI 3.0. `url`: where this server is reached; `resourceId`: the site its
 * examples speak of.
 */
export const openApiDocument = async (
	routes: readonly DocumentedRoute[],
	server: { url: string; resourceId: string | undefined },
): Promise<OpenApiDocument> => JSON.parse(fill(await writeTemplate(routes), server)) as OpenApiDocument;

/** docs serves the document at `/swagger/json`. `routes`: what it describes, asked for once they are all there. */
export const docs = ({
	sites,
	routes,
	address,
}: {
	sites: SiteService;
	routes: () => readonly DocumentedRoute[];
	address: Address;
}) => {
	let template: Promise<string> | null = null;
	return new Elysia({ name: 'docs' }).get(
		'/swagger/json',
		async ({ request, server, set }) => {
			template ??= writeTemplate(routes());
			set.headers['content-type'] = 'application/json; charset=utf-8';
			return fill(await template, { url: address({ request, server }), resourceId: sites.list()[0]?.resourceId });
		},
		{ detail: { hide: true, 'x-permission': 'public' } as object },
	);
};
