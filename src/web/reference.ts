import type { TSchema } from '@sinclair/typebox';
import { settings } from '../config.ts';
import { nameOf } from '../http/schemas.ts';
import { failures } from '../kernel/errors.ts';
import {
	connectionsPerUserMax,
	firstFrameBytesMax,
	firstFrameMs,
	framesBurst,
	framesPerSecond,
	pollEventsMax,
	pollWaitSecondsMax,
	strangersPerAddressMax,
	typingEveryMs,
} from '../kernel/limits.ts';
import { documentedFormat, documentedSchema } from '../modules/users/users.schema.ts';
import { clientFrames, closeCodes, events, serverFrames, transientEvents } from '../realtime/realtime.schema.ts';

/** The page about the live connection, written out of the schemas that the connection itself runs on. */

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** escapeHtml makes text stand in a page, and in its attributes. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => escapes[found] ?? found);

/** Sentences of schemas are Markdown: code is all that they have of it. */
const prose = (text: string): string => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
const code = (text: string): string => `<code>${escapeHtml(text)}</code>`;

type Schema = TSchema & {
	anyOf?: Schema[];
	items?: Schema;
	properties?: Record<string, Schema>;
	required?: string[];
};

const optionsOf = ({ anyOf = [] }: Schema): Schema[] => anyOf.filter(({ type }) => type !== 'null');
/** What may be null, without that. */
const bare = (schema: Schema): Schema => {
	const options = optionsOf(schema);
	return options.length === 1 && options[0] ? options[0] : schema;
};
const meaningOf = (schema: Schema): string => {
	const { description, default: standard } = schema;
	const text = description ?? bare(schema).description ?? bare(schema)[documentedSchema]?.description ?? '';
	return [text, ...(standard === undefined ? [] : [`Left out: \`${standard}\`.`])].join(' ').trim();
};
const exampleOf = (schema: Schema): string => `<pre>${escapeHtml(JSON.stringify(schema.examples?.[0], null, 2))}</pre>`;

/** An object that has a name in the documents is described once, under that name. */
const ownNameOf = (schema: Schema): string | undefined => (schema.properties ? nameOf(schema) : undefined);

const createWriter = () => {
	/** Objects that were named, and so are still to be described. */
	const types = new Map<string, Schema>();

	const typeOf = (schema: Schema): string => {
		const options = optionsOf(schema);
		if (options.length > 0) {
			const words = options.map(typeOf).join(' or ');
			return options.length < (schema.anyOf?.length ?? 0) ? `${words} or null` : words;
		}
		if ('const' in schema) return code(JSON.stringify(schema.const));
		if (schema.type === 'array') {
			const item = typeOf(schema.items as Schema);
			return `array of ${/^\w+$/.test(item) ? `${item}s` : item}`;
		}
		if (schema[documentedFormat] === 'date-time') return 'time (ISO 8601)';
		if (schema.multipleOf === 1) return 'integer';
		const name = ownNameOf(schema);
		if (!name) return escapeHtml(schema.type ?? 'object');
		types.set(name, schema);
		return `<a href="#${name}">${name}</a>`;
	};

	/** A row for each field; those of an object without a name of its own stand below it. */
	const rows = ({ properties = {}, required = [] }: Schema, before = ''): string[] =>
		Object.entries(properties).flatMap(([key, schema]) => {
			// the heading says it
			if (before === '' && key === 'type' && 'const' in schema) return [];
			const inner = bare(schema);
			const part = inner.type === 'array' ? (inner.items as Schema) : inner;
			const name = `${before}${key}`;
			const here = `<tr><th scope="row">${code(name)}<span>${typeOf(schema)}, ${required.includes(key) ? 'required' : 'optional'}</span></th><td>${prose(meaningOf(schema))}</td></tr>`;
			const below = part.properties && !ownNameOf(part) ? part : undefined;
			return [here, ...(below ? rows(below, `${name}${inner === part ? '' : '[]'}.`) : [])];
		});
	const table = (heads: [string, string], body: string[]): string =>
		`<table><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
	const fields = (schema: Schema, before?: string): string => table(['Field', 'Meaning'], rows(schema, before));
	const pairs = (heads: [string, string], entries: [left: string, right: string][]): string =>
		table(
			heads,
			entries.map(([left, right]) => `<tr><th scope="row">${left}</th><td>${right}</td></tr>`),
		);
	return { types, fields, pairs };
};

const said = (text: string): string => `<p>${prose(text)}</p>`;
const heading = (id: string, text = code(id)): string => `<h3 id="${escapeHtml(id)}">${text}</h3>`;
/** A client's frame can have the name of an event. */
const sendId = (type: string): string => `send-${type}`;
const links = (types: object, idOf = (type: string) => type): string =>
	`<p class="links">${Object.keys(types)
		.map((type) => `<a href="#${escapeHtml(idOf(type))}">${escapeHtml(type)}</a>`)
		.join(' ')}</p>`;

/** Those that carry the same data are told of together. */
const groupsOf = (record: Record<string, Schema>): [type: string, schema: Schema][][] => [
	...Map.groupBy(Object.entries(record), ([, { properties }]) => JSON.stringify(properties?.data)).values(),
];

/** What one may do how often: the server's own bounds. */
const bounds = (): [string, string][] => [
	['connections', `${connectionsPerUserMax} of one user at once: sockets, streams and polls that wait.`],
	[
		'first frame',
		`Within ${firstFrameMs / 1_000} seconds, at most ${firstFrameBytesMax / 1_024} KB; ${strangersPerAddressMax} sockets of one address may still owe it.`,
	],
	[
		'frames',
		`${framesBurst} at once, ${framesPerSecond} a second lasting; messages count against their own limit too.`,
	],
	['typing', `Told on at most every ${typingEveryMs / 1_000} seconds in one conversation.`],
	['polling', `At most ${pollEventsMax} events in an answer, and ${pollWaitSecondsMax} seconds of waiting.`],
	[
		'missed events',
		`Kept ${settings.eventDays.default} days, unless the operator has set another time. Then: \`reset\`.`,
	],
];
/** Failures that only the live connection knows. */
const refusals = ['sign_in_first', 'invalid_frame', 'too_many_connections', 'upgrade_required'] as const;

/** realtimeReference is the page's body after what is said by hand: every frame, event and close code. */
export const realtimeReference = (): string => {
	const { types, fields, pairs } = createWriter();
	const sends = Object.entries(clientFrames as Record<string, Schema>).map(
		([type, schema]) =>
			`${heading(sendId(type), code(type))}${said(schema.description ?? '')}${fields(schema)}${exampleOf(schema)}`,
	);
	const hears = Object.entries(serverFrames as Record<string, Schema>).map(
		([type, schema]) => `${heading(type)}${said(schema.description ?? '')}${fields(schema)}${exampleOf(schema)}`,
	);
	/** Events of one group: what each says, and once the fields of all of them. */
	const told = (group: [type: string, schema: Schema][]) => {
		const data = group[0]?.[1].properties?.data as Schema;
		const examples = group.map(
			([type, schema]) => `<details><summary>Example of ${code(type)}</summary>${exampleOf(schema)}</details>`,
		);
		const each = group.map(([type, schema]) => `${heading(type)}${said(schema.description ?? '')}`);
		return `<section>${each.join('')}${fields(data, 'data.')}${examples.join('')}</section>`;
	};
	const envelopeOf = (schema: Schema | undefined): string => {
		const { type: _, data: __, ...properties } = schema?.properties ?? {};
		return fields({ ...schema, properties } as Schema);
	};
	const passing = transientEvents as Record<string, Schema>;
	const lasting = events as Record<string, Schema>;
	const stored = groupsOf(lasting).map(told);
	const passed = groupsOf(passing).map(told);

	// note: describing a type may name others
	const described: string[] = [];
	for (const [name, schema] of types) described.push(`${heading(name)}${fields(schema)}`);

	const closes = Object.entries(closeCodes).map(([name, [number, meaning]]): [string, string] => [
		`${code(String(number))}<span>${name}</span>`,
		prose(meaning),
	]);
	return `
<h2 id="send">What you send</h2>
${links(clientFrames, sendId)}
<p>The name of a frame is its <code>type</code>. One with a <code>ref</code> is answered with it.</p>
${sends.join('\n')}
<h2 id="hear">What the server says</h2>
${links(serverFrames)}
${hears.join('\n')}
<h2 id="events">Events</h2>
${links(events)}
<p>The same by socket, by stream and by polling. <code>data</code> is what its rows are when it is told: a message that was deleted meanwhile comes as what is left of it. An event is the same for everybody who is told of it, so it has no field of one reader. Every event has:</p>
${envelopeOf(Object.values(lasting)[0])}
${stored.join('\n')}
<h2 id="passing">What passes</h2>
${links(transientEvents)}
<p>These have no <code>id</code>, are stored nowhere and never repeated. By socket and by stream only. Each has:</p>
${envelopeOf(Object.values(passing)[0])}
${passed.join('\n')}
<h2 id="types">Types</h2>
<p>As in <a href="/swagger/json">the OpenAPI document</a>, which has every frame and event too.</p>
${described.join('\n')}
<h2 id="close">Close codes</h2>
${pairs(['Code', 'Why, and what to do'], closes)}
<h2 id="refused">Refusals</h2>
<p>An <code>error</code> has the codes of the API, and these:</p>
${pairs(
	['Code', 'What to do'],
	refusals.map((name) => [code(name), prose(failures[name][1])]),
)}
<h2 id="limits">Limits</h2>
${pairs(
	['Of', 'How much'],
	bounds().map(([of, much]) => [escapeHtml(of), prose(much)]),
)}`;
};
