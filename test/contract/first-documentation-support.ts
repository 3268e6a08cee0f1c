import { join } from 'node:path';

/**
 * The first documentation of the API, as it was given: the floor of everything. What it prints (requests, answers, tables,
 * scripts) is read out of the text here, so that tests run what stands there and no copy of it.
 */

// biome-ignore lint/suspicious/noExplicitAny: what is printed, and what comes back, is what is tested
export type Json = any;

export const text = await Bun.file(join(import.meta.dir, 'first-documentation.txt')).text();
export const lines = text.split('\n');

/** The part of the text from one line up to, and without, another. Both must be there, once or more, in this order. */
const part = (from: string, to: string | null): string[] => {
	const start = lines.indexOf(from);
	const end = to === null ? lines.length : lines.indexOf(to, start + 1);
	if (start < 0 || end < 0) throw new Error(`the first documentation has no part from "${from}" to "${to}"`);
	return lines.slice(start + 1, end);
};

/** A printed block of JSON, and what its comments say of its fields. */
export interface Block {
	value: Json;
	/** By field: what stands behind `//`, as `optional: low/medium/high`. */
	comments: Record<string, string>;
}
const blockAt = (block: string[], start: number): Block => {
	const comments: Record<string, string> = {};
	const kept: string[] = [];
	let depth = 0;
	for (const line of block.slice(start)) {
		const [, code = '', comment] = /^(.*?)(?:\s*\/\/ (.*))?$/.exec(line) ?? [];
		const field = /^"(\w+)":/.exec(code)?.[1];
		if (field && comment) comments[field] = comment;
		kept.push(code);
		depth += (code.match(/[{[]/g) ?? []).length - (code.match(/[}\]]/g) ?? []).length;
		if (depth === 0) return { value: JSON.parse(kept.join('\n')), comments };
	}
	throw new Error(`a block of the first documentation does not end: ${block[start]}`);
};
const blockAfter = (block: string[], marks: string[]): Block | null => {
	const mark = block.findIndex((line) => marks.includes(line));
	return mark < 0 ? null : blockAt(block, mark + 1);
};
const exampleIn = (from: string, to: string) => {
	const block = part(from, to);
	const answer = blockAfter(block, ['Response:', '// Response']);
	if (!answer) throw new Error(`the first documentation prints no answer under "${from}"`);
	return { request: blockAfter(block, ['Request Body:', '// Request']), answer: answer.value as Json };
};

/** Every printed call, by its heading. */
export const printed = {
	createUser: exampleIn('Create User', 'Get Chat Token'),
	getChatToken: exampleIn('Get Chat Token', 'P2P Chat API'),
	createConversation: exampleIn('Create Conversation', 'Send Message'),
	sendMessage: exampleIn('Send Message', 'View All Conversations'),
	viewAllConversations: exampleIn('View All Conversations', 'Read Messages and Unread Count'),
	createSupportTicket: exampleIn('Create Support Ticket', 'Add Message'),
};
const failureBlock = blockAfter(part('Error Handling', null), ['Error Response Format:']);
/** The printed form of every failure. */
export const printedFailure: Json = failureBlock?.value;
/** How many blocks of JSON are read. */
export const blocks = Object.values(printed).reduce((n, { request }) => n + (request ? 2 : 1), failureBlock ? 1 : 0);

/** The scripts, word for word. */
export const scripts = {
	createUser: part('1️⃣ Create User', '2️⃣ Get Chat Token').join('\n'),
	getChatToken: part('2️⃣ Get Chat Token', '3️⃣ Send P2P Message').join('\n'),
	sendMessage: part('3️⃣ Send P2P Message', 'Error Handling').join('\n'),
};

/** A printed table, row by row. */
const table = (head: string): Record<string, string>[] => {
	const cells = (line: string) =>
		line
			.split('|')
			.slice(1, -1)
			.map((cell) => cell.trim());
	const start = lines.indexOf(head);
	const names = cells(head);
	const rows: Record<string, string>[] = [];
	for (const line of lines.slice(start + 2)) {
		if (!line.startsWith('|')) break;
		rows.push(Object.fromEntries(cells(line).map((cell, i) => [names[i] ?? '', cell])));
	}
	return rows;
};
export const requiredHeaders = table('| Header | Example | Required |');
export const errorCodes = table('| Code | Meaning | Solution |');

/** Every call that is named with its method. */
export const namedCalls = [...new Set(lines.filter((line) => /^(?:GET|POST|PUT|PATCH|DELETE) \/\S+$/.test(line)))];

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
const kindOf = (value: Json): string =>
	Array.isArray(value)
		? 'list'
		: value === null
			? 'null'
			: typeof value === 'string' && time.test(value)
				? 'time'
				: typeof value;
/** What of a printed answer is missing in a real one, or is of another kind. */
export const lacking = (sample: Json, answer: Json, path = ''): string[] => {
	if (kindOf(sample) !== kindOf(answer)) return [`${path}: ${kindOf(answer)} instead of ${kindOf(sample)}`];
	if (Array.isArray(sample)) {
		if (answer.length === 0) return [`${path}: empty`];
		return answer.flatMap((item: Json, i: number) => lacking(sample[0], item, `${path}[${i}]`));
	}
	if (typeof sample === 'boolean' && path === '.success' && sample !== answer) return [`${path}: ${answer}`];
	if (typeof sample !== 'object' || sample === null) return [];
	return Object.keys(sample).flatMap((key) => lacking(sample[key], answer[key], `${path}.${key}`));
};

/** What is made anew for every answer, or is printed as a mere placeholder. */
const isFree = (path: string) => /(?:\.id|Id|\.participant(?:One|Two)|\.chatToken|\.createdAt)$/.test(path);
/** Where a real answer says something else than the printed one. */
export const differing = (sample: Json, answer: Json, path = ''): string[] => {
	if (typeof sample === 'object' && sample !== null)
		return Object.keys(sample).flatMap((key) => differing(sample[key], answer?.[key], `${path}.${key}`));
	return sample === answer || sample === '...' || isFree(path) ? [] : [`${path}: ${answer} instead of ${sample}`];
};
