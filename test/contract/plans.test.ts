import { Database } from 'bun:sqlite';
import { beforeAll, describe, expect, test } from 'bun:test';
import { day, hour } from '../../src/kernel/clock.ts';
import {
	goldenOf,
	missingFrom,
	nameOf,
	type Place,
	type Planned,
	planned,
	planOf,
	readGolden,
	readWhole,
	recordStatements,
	tablesOf,
	writeGolden,
	yields,
	yieldsIn,
} from '../support/statements.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

const update = 'UPDATE_PLANS=1 bun test test/contract/plans.test.ts';

/** Tables that stay small whatever the users do; every other one grows. */
const small: Record<string, string> = {
	sites: 'as many as the operator has made',
	api_keys: 'a few a site',
	schema_migrations: 'a row a migration',
};

interface Exception {
	/** As in the golden file. */
	name: string;
	/** What is in its text, where not every statement of that name is meant. */
	text?: string;
	tables: string[];
	why: string;
}

/** Statements that may read a growing table, or all of a site in it. */
const mayReadWhole: Exception[] = [
	{
		name: 'sites.steps.ts remove',
		tables: ['users', 'conversations', 'site_days', 'one_time_links'],
		why: 'a site is removed only while it has no users; whether it has is known at the first row',
	},
	{ name: 'users.steps.ts isEmpty', tables: ['users'], why: 'it stops at the first row' },
	{
		name: 'users.steps.ts pendingErasures',
		tables: ['users'],
		why: 'the index that it goes through holds nobody but those who are being erased',
	},
	{ name: 'messaging.steps.ts page', tables: ['conversations'], why: 'to be mended: passes over the two sides' },
	{ name: 'messaging.steps.ts total', tables: ['conversations'], why: 'to be mended: passes over the two sides' },
	{ name: 'messaging.steps.ts unreadTotal', tables: ['conversations'], why: 'to be mended: passes over the two sides' },
	{ name: 'messaging.steps.ts ofUser', tables: ['conversations'], why: 'to be mended: passes over the two sides' },
	{ name: 'users.steps.ts hasDeskName', tables: ['users'], why: 'to be mended: passes over users_of_desk' },
	{ name: 'users.steps.ts otherSuperadmins', tables: ['users'], why: 'to be mended: passes over users_of_desk' },
	{ name: 'users.steps.ts search', tables: ['users'], why: 'to be mended: LIKE goes through every name' },
];
const isMeant = ({ name, text = '' }: Exception, entry: Planned): boolean =>
	entry.names.includes(name) && entry.text.join(' ').includes(text);

/** Steps that nothing calls, by name, and why they are there. */
const uncalled: Record<string, string> = {
	'users.steps.ts standing': 'to be mended: nothing calls it',
};

/**
 * Brings every statement of the server about, some in more than one form. A line for each that no earlier one runs: the test
 * names those that are left.
 */
const drive = async (t: TestApp): Promise<void> => {
	const { sites, users, passwords, tokens, erasure, eventLog } = t.services;
	const password = 'correct horse battery';
	const post = (as: string, path: string, body?: object) => t.ok({ as, method: 'POST', path, body });
	const idOf = (name: string) => t.person(name).id;

	// what the operator does
	sites.list();
	const empty = await sites.add({ resourceId: 'empty.com' });
	const spare = await sites.createKey('empty.com', { kind: 'secret', label: 'spare' });
	await sites.revokeKey('empty.com', spare.id);
	await sites.rotateIdentitySecret('empty.com');
	await sites.remove(empty.resourceId);
	users.list('site.com', 10, idOf('alice'));
	users.hasSuperadmin('site.com');
	await passwords.setByOperator(idOf('staff'), password, 'stan@site.com');
	await t.renew('staff');

	// how one comes in
	await sites.add({ resourceId: 'new.com' });
	const { setupToken } = await sites.setupLink('new.com');
	const first = { setupToken, username: 'root', email: 'root@newer.com', password };
	await post('nobody', '/auth/setup', { ...first, resourceId: 'newer.com' });
	await post('nobody', '/auth/login', { resourceId: 'site.com', email: 'stan@site.com', password });
	await post('staff', '/users/me/password', { currentPassword: password, newPassword: 'staple battery horse' });
	await t.renew('staff');
	const { accessToken } = await t.ok<{ accessToken: string }>({
		as: 'admin',
		method: 'POST',
		path: `/admin/users/${idOf('staff')}/access-link`,
	});
	await post('nobody', '/auth/access', { accessToken, password });
	await t.renew('staff');
	await post('key', '/users/chat-token', { identityToken: t.identityToken('4711') });
	await post('server', '/users', { username: 'gina', externalId: '4712' });
	await post('server', '/users', { username: 'gina', externalId: '4712', displayName: 'Gina' });
	await post('server', '/users', { username: 'hugo' });

	// a name is freed: by whoever never came, or by whoever proves less
	await t.visitor('never', { used: false });
	t.advance(2 * hour);
	await post('server', '/users', { username: 'never' });
	await t.visitor('vic');
	await post('server', '/users', { username: 'vic' });

	// profiles
	await t.ok({ as: 'alice', method: 'PATCH', path: '/users/me', body: { displayName: 'Alice' } });
	await t.ok({ as: 'alice', path: '/users/lookup?username=bob' });
	await t.ok({ as: 'alice', path: '/users/search?q=b' });
	await t.ok({ as: 'moderator', method: 'PATCH', path: `/admin/users/${idOf('carol')}`, body: { suspended: true } });
	await t.ok({ as: 'moderator', method: 'PATCH', path: `/admin/users/${idOf('carol')}`, body: { suspended: false } });
	await post('admin', `/admin/users/${idOf('carol')}/revoke-tokens`);
	await t.renew('carol');
	await post('carol', '/users/me/logout');
	await t.renew('carol');

	// conversations
	const id = await t.conversation('alice', 'bob');
	const at = `/p2p/conversations/${id}`;
	const { id: message } = await t.send('alice', id, 'hello', { clientMessageId: 'a', metadata: { a: 1 } });
	await t.send('alice', id, 'hello', { clientMessageId: 'a', metadata: { a: 1 } });
	t.advance(hour);
	await t.send('bob', id, 'hello to you', { replyTo: message });
	const sign = { method: 'PUT', path: `${at}/messages/${message}/reactions/%F0%9F%91%8D` };
	await t.ok({ as: 'bob', ...sign });
	await t.ok({ as: 'alice', ...sign });
	await t.ok({ as: 'alice', ...sign, method: 'DELETE' });
	await t.ok({
		as: 'alice',
		method: 'PATCH',
		path: `${at}/messages/${message}`,
		body: { content: { text: 'goodbye' } },
	});
	await post('alice', `${at}/unread`, { messageId: message });
	await post('alice', `${at}/read`);
	await post('bob', `${at}/archive`);
	await t.send('alice', await t.conversation('alice', 'carol'));
	await t.send('alice', await t.conversation('alice', 'staff'));
	await t.ok({ as: 'alice', path: '/p2p/conversations' });
	await t.ok({ as: 'alice', path: '/p2p/unread-count' });
	await t.messages('bob', id);
	await t.ok({ as: 'alice', method: 'DELETE', path: `${at}/messages/${message}` });
	const visitor = await t.visitor('wim');
	await post(visitor.username, '/p2p/conversations', { otherParticipantId: idOf('bob') });

	// blocks
	await post('alice', `/users/me/blocks/${idOf('bob')}`);
	await t.send('alice', id, 'hello', { clientMessageId: 'a', metadata: { a: 1 } });
	await t.ok({ as: 'alice', path: '/users/me/blocks' });
	await t.ok({ as: 'alice', method: 'DELETE', path: `/users/me/blocks/${idOf('bob')}` });

	// going
	await t.ok({ as: 'alice', path: '/users/me/export' });
	await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
	await erasure.resume();

	// what another process wrote, what time brings about, and the use of a secret key
	t.sqlite.run("insert into events (site, type, created_at) values (1, 'site.updated', 0)");
	await tokens.mintByOperator(idOf('bob'));
	await t.visitor('late', { used: false });
	eventLog.poll();
	t.advance(2 * day);
	await users.purge();
	await t.ok({ as: 'server', path: `/users/${idOf('bob')}` });
};

let entries: Planned[] = [];
let tables = new Set<string>();
let ran = new Set<Place>();

beforeAll(async () => {
	using record = recordStatements({ places: 'all' });
	using t = await createTestApp({}, { site: { directory: 'search' } });
	await drive(t);
	entries = planned(t.sqlite, record.statements);
	tables = tablesOf(t.sqlite);
	ran = record.ran;
	if (process.env.UPDATE_PLANS) await writeGolden(goldenOf(entries));
});

describe('the statements of the server', () => {
	test('are all run by drive; those named here need a line in it', () => {
		const left = yields().filter((place) => !ran.has(place) && !(nameOf(place) in uncalled));
		expect(left.map((place) => `${nameOf(place)} (src/${place})`)).toEqual([]);
	});

	test(`have the plans of the golden file; if the difference is meant: ${update}`, async () => {
		expect(goldenOf(entries)).toBe(await readGolden());
	});

	test('read no growing table whole, nor all of a site in it', () => {
		const found = entries.flatMap((entry) => {
			const may = mayReadWhole.filter((each) => isMeant(each, entry)).flatMap((each) => each.tables);
			const read = readWhole(entry, tables).filter((table) => !(table in small) && !may.includes(table));
			return read.map((table) => `${entry.names.join(', ')}: ${table}`);
		});
		expect(found).toEqual([]);
	});

	test('need every exception that is made for them', () => {
		const idle = mayReadWhole.flatMap((each) => {
			const read = entries.filter((entry) => isMeant(each, entry)).flatMap((entry) => readWhole(entry, tables));
			return each.tables.filter((table) => !read.includes(table)).map((table) => `${each.name}: ${table}`);
		});
		expect(idle).toEqual([]);
		expect(Object.keys(small).filter((table) => !tables.has(table))).toEqual([]);
		const left = new Set(
			yields()
				.filter((place) => !ran.has(place))
				.map(nameOf),
		);
		expect(Object.keys(uncalled).filter((name) => !left.has(name))).toEqual([]);
	});
});

/** Two tables that grow and a search index, to show each check what it must find. */
const withRows = <T>(work: (sqlite: Database) => T): T => {
	using sqlite = new Database(':memory:');
	sqlite.run('PRAGMA foreign_keys = ON');
	sqlite.run('create table users (pk integer primary key, site integer, name text)');
	sqlite.run('create index users_by_name on users (site, name)');
	sqlite.run('create table posts (pk integer primary key, user integer references users (pk), text text)');
	sqlite.run('create virtual table found using fts5 (text)');
	return work(sqlite);
};
const wholeOf = (sql: string): string[] =>
	withRows((sqlite) => readWhole({ sql, plan: planOf(sqlite, sql) }, tablesOf(sqlite)));

for (const [name, sql, tables] of [
	['a scan', 'select * from posts where text = ?', ['posts']],
	['a scan of an index alone', 'select name from users', ['users']],
	['a count', 'select count(*) from users', ['users']],
	['a scan under an alias', 'select * from "users" "me" where "me"."name" = ?', ['users']],
	['a scan in a subquery', 'select (select count(*) from posts), 1 from users where pk = ?', ['posts']],
	['a scan of children for a foreign key', 'delete from users where pk = ?', ['posts']],
	['an index made for one run', 'select * from users me join posts on posts.text = me.name', ['users', 'posts']],
	['a search by the site alone', 'select * from users where site = ? and pk <> ?', ['users']],
	['a search index read from end to end', 'select * from found', ['found']],
	['a scan in one of several', 'select pk from users where pk = ? union select pk from posts', ['posts']],
	['a scan behind a common table', 'with a as (select * from posts limit 3) select * from a, a b', ['posts']],
] as const)
	test(`what reads a table whole is found: ${name}`, () => {
		expect([...new Set(wholeOf(sql))].sort()).toEqual([...tables].sort());
	});

for (const sql of [
	'select * from users where site = ? and name = ?',
	'select * from users me join posts on me.pk = posts.user where posts.pk = (select ?)',
	'select max(pk) from users',
	'select 1 from (select 1)',
	'select * from json_each(?)',
	'select * from users where pk in (select value from json_each(?))',
	'select pk from (select pk from users where pk = ? limit 3) "few" union select pk from posts where pk = ?',
	'values (1), (2)',
	'select * from found where found match ?',
	'with recursive n (i) as (select 1 union all select i + 1 from n limit 3) select * from n',
	'insert into posts values (?, ?, ?)',
])
	test(`what reads no table whole passes: ${sql}`, () => {
		expect(wholeOf(sql)).toEqual([]);
	});

test('a name that a plan scans and nobody knows is taken for a table', () => {
	expect(readWhole({ sql: 'select 1', plan: ['SCAN nobody'] }, new Set(['users']))).toEqual(['nobody']);
});

describe('the golden file', () => {
	const of = (...statements: string[]): Planned[] =>
		withRows((sqlite) => planned(sqlite, new Map(statements.map((sql) => [sql, new Set(['services.ts:1:1'])]))));

	test('has one entry for statements that differ in their values alone', () => {
		const made = of(
			'select "pk" from "posts" where "pk" in (?)',
			'select "pk" from "posts" where "pk" in (?, ?, ?)',
			'update "posts" set "text" = ? where "pk" = ?',
			'update "posts" set "text" = ?, "user" = ? where "pk" = ?',
			'insert into "posts" ("pk", "text") values (?, null)',
			'insert into "posts" ("pk", "text") values (null, ?), (null, ?)',
		);
		expect(made.map(({ text }) => text)).toEqual([
			['insert into posts (…)', 'values (…)'],
			['select pk', 'from posts', 'where pk in (?, ?)'],
			['update posts', 'set …', 'where pk = ?'],
		]);
	});
	test('tells apart what differs in its plan or its clauses', () => {
		expect(of('select "text" from "posts"', 'select "text" from "posts" order by "text"')).toHaveLength(2);
		// a primary key that changes has its children looked for
		expect(of('update "users" set "name" = ?', 'update "users" set "pk" = ?, "name" = ?')).toHaveLength(2);
	});
	test('misses what it has not seen', () => {
		const golden = goldenOf(of('select "text" from "posts" where "pk" = ?'));
		expect(missingFrom(golden, of('select "text" from "posts" where "pk" = ?'))).toEqual([]);
		expect(missingFrom(golden, of('select "text" from "posts" where "user" = ?'))).toHaveLength(1);
		expect(missingFrom(golden, of('select "text" from "posts" where "pk" > ?'))).toHaveLength(1);
	});
	test('has what triggers do', () => {
		const texts = withRows((sqlite) => {
			sqlite.run('create trigger gone after delete on users begin delete from posts where text = old.name; end');
			return planned(sqlite, new Map()).map(({ names, text, plan }) => [names, text, plan]);
		});
		expect(texts).toEqual([[['trigger gone'], ['delete from posts', 'where text = ?'], ['SCAN posts']]]);
	});
});

test('every place that yields a statement is found in the code, as a trace names it', () => {
	const code = ['\tyield* tx.get(a);', '\tconst b = (yield* tx.all(b)) ?? (yield* tx', '\t\t.run(c));'].join('\n');
	expect(yieldsIn(code)).toEqual(['1:12', '2:23', '3:4']);
});
