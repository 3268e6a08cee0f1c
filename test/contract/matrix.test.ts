import { describe, expect, test } from 'bun:test';
import { callers, callOf, calls, routeOf } from '../support/calls.ts';
import { type Ids, nothing, type Populated, siteWords, type TextWord, textWords } from '../support/populated.ts';
import { createWorlds } from '../support/worlds.ts';
import { type Column, columns, matrix, readers, type Target, words } from './policy.ts';

/** The rows that each line of the table means. */
const targetsOf = (t: Populated): Record<Target, Ids> => {
	const { own, peers, reply, note, report, evidence, accusation } = t.settled;
	const dora = t.person('other.dora');
	const foreign = { ...t.abroad.own, user: dora.id, username: dora.username, externalId: `${siteWords.other}-dora` };
	const inOwn = ({ user, message, ticketMessage }: Ids): Ids => ({ ...own, user, message, ticketMessage });
	return {
		own,
		peer: peers,
		reply,
		note,
		report,
		evidence,
		accusation,
		colleague: { ...own, user: t.person('staff').id },
		swapped: { ...own, conversation: own.ticket, ticket: own.conversation },
		stray: inOwn(peers),
		smuggled: inOwn(foreign),
		unknown: inOwn(nothing),
		foreign,
		nothing,
	};
};
/** What a line must not be told apart from, where it is refused. */
const alike: Partial<Record<Target, Target>> = { foreign: 'nothing', smuggled: 'unknown', stray: 'unknown' };

interface Cell {
	name: string;
	target: Target;
	column: Column;
	word: string;
	isSuccess: boolean;
}
const cellsOf = (name: string): Cell[] =>
	Object.entries(matrix[name] ?? {}).flatMap(([target, line]) =>
		line.split(/\s+/).map((word, i) => ({
			name,
			target: target as Target,
			column: columns[i] as Column,
			word,
			isSuccess: word === '200' || word === '201',
		})),
	);

interface Seen {
	status: number;
	/** All that was answered, but for what is each request's own. */
	text: string;
	code: string | undefined;
}
/** Makes the call of a cell. What was sent is cut out of the answer, where it would only come back. */
const fire = async (t: Populated, { name, target, column }: Omit<Cell, 'word' | 'isSuccess'>): Promise<Seen> => {
	const ids = targetsOf(t)[target];
	const { method, path, body } = callOf(name, ids, { who: `no-${columns.indexOf(column)}` });
	const response = await t.fetch(`/api/v1${path}`, {
		method,
		headers: { ...t.credentials(callers[column]), ...(body && { 'content-type': 'application/json' }) },
		...(body && { body: JSON.stringify(body) }),
	});
	const answered = await response.text();
	const { code, requestId } = answered === '' ? {} : JSON.parse(answered);
	const headers = [...response.headers].filter(([header]) => header !== 'x-request-id' && header !== 'date').sort();
	let text = `${JSON.stringify(headers)}\n${answered}`;
	if (requestId) text = text.replaceAll(requestId, 'REQUEST');
	if (response.status < 300 && method !== 'GET' && body)
		for (const id of Object.values(ids)) if (JSON.stringify(body).includes(id)) text = text.replaceAll(id, 'SENT');
	return { status: response.status, text, code };
};

interface Secrets {
	home: RegExp;
	abroad: RegExp;
}
const known = new WeakMap<Populated, Secrets>();
/** Every text and id that nobody of the one site, or of the other, may be shown. */
const secretsOf = (t: Populated): Secrets => {
	const found = known.get(t);
	if (found) return found;
	const idsOf = (site: number) =>
		['users', 'conversations', 'reports', 'canned_replies', 'api_keys']
			.flatMap((table) => t.rows<{ id: string }>(`select id from ${table} where site = ?`, site))
			.concat(
				t.rows<{ id: string }>(
					'select m.id from messages m join conversations c on c.pk = m.conversation where c.site = ?',
					site,
				),
			)
			.map(({ id }) => id);
	const secrets = {
		home: new RegExp([siteWords.home, ...idsOf(t.home.pk)].join('|')),
		abroad: new RegExp([siteWords.other, ...idsOf(t.other.pk)].join('|')),
	};
	known.set(t, secrets);
	return secrets;
};

/** Nothing of another site stands in an answer, and no text that is not for the caller. */
const holdsNoSecret = (t: Populated, { name, target, column }: Cell, { text }: Seen) => {
	const secrets = secretsOf(t);
	const from = `${name} on ${target} as ${column}`;
	const leaked = (column === 'abroad' ? secrets.home : secrets.abroad).exec(text)?.[0];
	const read = (Object.keys(textWords) as TextWord[]).filter(
		(word) => text.includes(`${siteWords.home} ${textWords[word]}`) && !readers[word].includes(column),
	);
	expect({ from, leaked, read }).toEqual({ from, leaked: undefined, read: [] });
};

const holds = ({ name, target, column, word }: Cell, { status, code, text }: Seen) => {
	const what = `${name} on ${target} as ${column}`;
	const expected = words[word];
	const right = status === expected?.status && code === expected.code;
	// the whole answer is shown where it is not the expected one
	expect({ what, status, code, ...(!right && { text }) }).toEqual({
		what,
		status: expected?.status ?? 0,
		code: expected?.code,
	});
};

const worldFor = createWorlds();
const writesOf = (t: Populated) => t.rows<{ n: number }>('select total_changes() as n')[0]?.n;

describe('the table of rights', () => {
	test('has a line for every route of the OpenAPI document, and none for any other', async () => {
		const { t } = await worldFor(undefined);
		const document = (await (await t.fetch('/swagger/json')).json()) as { paths: Record<string, object> };
		const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
		);
		expect(routes.length).toBeGreaterThan(70);
		expect([...new Set(Object.keys(matrix).map(routeOf))].sort()).toEqual(routes.sort());
		expect(Object.keys(matrix).sort()).toEqual(Object.keys(calls).sort());
	});
	test('says for every caller and target what comes, in words it knows', () => {
		for (const name of Object.keys(matrix))
			for (const [target, line] of Object.entries(matrix[name] ?? {})) {
				const said = line.split(/\s+/);
				expect([name, target, said.length]).toEqual([name, target, columns.length]);
				expect([name, target, said.filter((word) => !(word in words))]).toEqual([name, target, []]);
			}
	});
	test('tries every row that a path names on what is another’s, another site’s, and nobody’s', () => {
		for (const name of Object.keys(matrix)) {
			const named = Object.values(calls[name]?.params ?? {}).filter((kind) => !kind.startsWith('"'));
			if (named.length === 0 || name.includes('(')) continue;
			const lines = Object.keys(matrix[name] ?? {});
			expect([name, lines]).toEqual([name, expect.arrayContaining(['own', 'foreign', 'nothing'])]);
		}
	});
});

for (const name of Object.keys(matrix)) {
	const cells = cellsOf(name);
	const { prepare } = calls[name] ?? {};

	test(`${name}: is refused to whom the table says, changes nothing by it, and tells nothing apart`, async () => {
		const { t, undo } = await worldFor(prepare);
		secretsOf(t);
		const before = t.snapshot();
		try {
			const answers = new Map<string, Seen>();
			for (const cell of cells.filter(({ isSuccess }) => !isSuccess)) {
				const writes = writesOf(t);
				const seen = await fire(t, cell);
				holds(cell, seen);
				holdsNoSecret(t, cell, seen);
				answers.set(`${cell.target} ${cell.column}`, seen);
				const what = `${name} on ${cell.target} as ${cell.column}`;
				if (writesOf(t) !== writes) expect({ what, state: t.snapshot() }).toEqual({ what, state: before });
			}
			for (const { target, column, word, isSuccess } of cells) {
				const isAtHome = column === 'abroad' && target === 'foreign';
				const other = (isAtHome ? undefined : alike[target]) ?? (word === '-' || word === '0' ? 'nothing' : undefined);
				const seen = answers.get(`${target} ${column}`);
				const expected = other && answers.get(`${other} ${column}`);
				if (isSuccess || !expected) continue;
				const what = `${name} on ${target} as ${column}`;
				expect({ what, text: seen?.text }).toEqual({ what, text: expected.text });
			}
			expect(t.snapshot()).toBe(before);
		} finally {
			if (t.snapshot() !== before) await undo();
		}
	});

	const successes = cells.filter(({ isSuccess }) => isSuccess);
	if (successes.length > 0)
		test(`${name}: goes well for whom the table says, and shows nobody what is not for them`, async () => {
			for (const cell of successes) {
				const { t, undo } = await worldFor(prepare);
				secretsOf(t);
				const writes = writesOf(t);
				try {
					const seen = await fire(t, cell);
					holds(cell, seen);
					holdsNoSecret(t, cell, seen);
				} finally {
					await t.written();
					if (writesOf(t) !== writes) await undo();
				}
			}
		});
}
