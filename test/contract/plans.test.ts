import { Database } from 'bun:sqlite';
import { beforeAll, describe, expect, test } from 'bun:test';
import { recurringJobs } from '../../src/jobs/recurring.ts';
import { day, hour, minute } from '../../src/kernel/clock.ts';
import type { EventPage } from '../../src/realtime/realtime.schema.ts';
import {
	goldenOf,
	missingFrom,
	nameOf,
	type Place,
	type Planned,
	planned,
	planOf,
	preparedAnew,
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
	text_index: 'one row',
	event_epochs: 'one row',
	ticket_tallies: 'a row for each status, priority and whether somebody is assigned, of a site',
	canned_replies: 'as many as a site may have',
};

/** Indexes that hold few rows, however many the table has. */
const few: Record<string, string> = {
	users_erasing: 'nobody but those who are being erased',
	tickets_of_moderation: 'reports alone',
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
		tables: ['users', 'conversations', 'site_days', 'one_time_links', 'tickets', 'reports', 'audit_log'],
		why: 'a site is removed only while it has no users; what little it has is read to be deleted',
	},
	{
		name: 'tickets.steps.ts leavers',
		text: 'tickets.assignee is not null',
		tables: ['tickets'],
		why: 'once an hour every ticket that somebody takes care of is looked at',
	},
	{ name: 'users.steps.ts isEmpty', tables: ['users'], why: 'it stops at the first row' },
	{ name: 'audit.steps.ts newest', tables: ['audit_log'], why: 'it stops at the first row, which is the newest' },
	{
		name: 'tickets.steps.ts newestNumber',
		tables: ['tickets'],
		why: 'the greatest of an index is its last entry, and no other is read',
	},
	{
		name: 'audit.steps.ts list',
		text: 'order by audit_log.seq',
		tables: ['audit_log'],
		why: 'in the order of the index, as far as the page; with times alone, from the newest to the end of the stretch',
	},
	{
		name: 'audit.steps.ts list',
		text: 'select count(*)',
		tables: ['audit_log'],
		why: 'nothing keeps the number of acts; they are counted on an index alone, for times too',
	},
	{
		name: 'users.steps.ts page',
		text: 'order by users.pk',
		tables: ['users'],
		why: 'in the order of the index, as far as the page; who is suspended is looked for among all',
	},
	{
		name: 'users.steps.ts page',
		text: 'select count(*)',
		tables: ['users'],
		why: 'nothing keeps the number of those who have a role or are suspended, so they are counted',
	},
	{
		name: 'tickets.steps.ts deskList',
		text: 'order by tickets.number',
		tables: ['tickets'],
		why: 'in the order of the index, as far as the page',
	},
	{
		name: 'tickets.steps.ts deskList',
		text: 'order by case tickets.priority',
		tables: ['tickets'],
		why: 'activity stands in another table; only who asks for closed tickets too has all of them put in order',
	},
	{
		name: 'tickets.steps.ts deskList',
		text: 'order by tickets.waiting_since',
		tables: ['tickets'],
		why: 'those who wait are few and come first, but only who asks for closed tickets too has all of them put in order',
	},
	{
		name: 'tickets.steps.ts deskList',
		text: 'select count(*)',
		tables: ['tickets'],
		why: 'nothing keeps the number of tickets that a filter finds, so they are counted',
	},
];
const isMeant = ({ name, text = '' }: Exception, entry: Planned): boolean =>
	entry.names.includes(name) && entry.text.join(' ').includes(text);

/** Steps that nothing calls, by name, and why they are there. */
const uncalled: Record<string, string> = {};

/**
 * Brings every statement of the server about, some in more than one form. A line for each that no earlier one runs: the test
 * names those that are left.
 */
const drive = async (t: TestApp): Promise<void> => {
	const { sites, users, passwords, tokens, erasure, eventLog } = t.services;
	const password = 'correct horse battery';
	const get = (as: string, path: string) => t.ok({ as, path });
	const post = <T = { id: string }>(as: string, path: string, body?: object) =>
		t.ok<T>({ as, method: 'POST', path, body });
	const patch = (as: string, path: string, body: object) => t.ok({ as, method: 'PATCH', path, body });
	const remove = (as: string, path: string) => t.ok({ as, method: 'DELETE', path });
	/** Reads what has happened since a cursor to its end; once from where it begins, then from the place behind. */
	const readOn = async (as: string, since: string) => {
		const { cursor } = await t.ok<EventPage>({ as, path: `/events?since=${since}&limit=500` });
		await t.ok({ as, path: `/events?since=${cursor}` });
	};
	const jobs = async () => {
		for (const job of recurringJobs(t.services)) await job.run();
	};
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
	const { id: reply } = await t.send('bob', id, 'hello to you', { replyTo: message });
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
	await post('bob', `${at}/typing`);
	await readOn('alice', eventLog.cursor(0));
	await t.ok({ as: 'alice', method: 'DELETE', path: `${at}/messages/${message}` });
	const visitor = await t.visitor('wim');
	await post(visitor.username, '/p2p/conversations', { otherParticipantId: idOf('bob') });

	// tickets
	const { id: ticket } = await post('alice', '/support/tickets', {
		subject: 'My printer burns',
		category: 'hardware',
		initialMessage: 'It began to smoke',
	});
	const inTicket = `/support/tickets/${ticket}`;
	await post('alice', `${inTicket}/messages`, { content: { text: 'It is on fire' } });
	const { id: answer } = await post('staff', `${inTicket}/messages`, { content: { text: 'Turn it off' } });
	const { id: note } = await post('staff', `${inTicket}/messages`, { content: { text: 'Again' }, kind: 'note' });
	await jobs();
	await patch('staff', `${inTicket}/messages/${answer}`, { content: { text: 'Pull the plug' } });
	await post('alice', `${inTicket}/messages`, { content: { text: 'Done' } });
	await post('moderator', `${inTicket}/messages`, { content: { text: 'Well done' } });
	await patch('staff', inTicket, { subject: 'Fire', priority: 'high', category: 'safety', tags: ['fire', 'urgent'] });
	await patch('staff', inTicket, { assigneeId: idOf('staff'), tags: ['fire'] });
	await patch('moderator', inTicket, { assigneeId: idOf('moderator') });
	await post('staff', `${inTicket}/typing`, { note: true });
	for (const as of ['alice', 'staff']) await readOn(as, eventLog.cursor(0));
	for (const which of ['', `?before=${answer}`, `?after=${note}`, `?around=${answer}`, '?page=2&limit=2'])
		await get('staff', `${inTicket}/messages${which}`);
	await get('alice', '/support/tickets');
	await get('alice', '/support/tickets?status=open');
	await get('alice', '/support/unread-count');
	await get('staff', '/support/unread-count');
	await get('moderator', '/support/unread-count');
	await get('moderator', '/support/tickets?mine=assigned');
	await get('moderator', '/support/tickets?mine=assigned&status=in_progress');
	await get('staff', '/support/tickets?mine=assigned');
	await get('staff', `${inTicket}/history`);
	await patch('staff', inTicket, { status: 'resolved' });
	await post('alice', `${inTicket}/rating`, { score: 4, comment: 'Still warm' });
	t.advance(8 * day);
	await jobs();
	await post('alice', '/support/tickets', {
		subject: 'Smoke again',
		initialMessage: 'Once more',
		followsTicketId: ticket,
	});
	const { id: chosen } = await post('staff', `/admin/messages/${reply}/ticket`, { subject: 'From the chat' });
	await post('staff', `/admin/messages/${reply}/ticket`, {});
	await post('staff', '/admin/tickets/bulk', { ids: [chosen], changes: { assigneeId: idOf('staff') } });

	// lists of the desk: by each filter and in each order, for moderators and for those who see no reports
	const closedToo = ['', 'status=open', 'assignee=me', 'unassigned=true', 'q=smoke', 'tag=fire'];
	for (const as of ['staff', 'moderator']) {
		for (const filter of [
			...closedToo,
			'status=unsolved',
			'priority=high',
			'category=safety',
			'q=%231001',
			'status=closed',
		])
			for (const page of ['', 'page=2&limit=1']) await get(as, `/admin/tickets?${filter}&${page}`);
		for (const sort of ['createdAt', '-priority'])
			for (const filter of [...closedToo, 'status=unsolved&priority=high', 'status=open&assignee=me&q=smoke'])
				await get(as, `/admin/tickets?sort=${sort}&${filter}`);
		for (const sort of ['-createdAt', 'waitingSince']) await get(as, `/admin/tickets?sort=${sort}`);
	}
	const since = new Date(t.clock() - day).toISOString();
	const until = new Date(t.clock()).toISOString();
	for (const as of ['staff', 'admin'])
		for (const which of ['', 'type=p2p'])
			for (const narrow of [
				'',
				`from=${since}`,
				`to=${until}`,
				`from=${since}&to=${until}`,
				'q=alice',
				`q=alice&from=${since}`,
			])
				for (const page of ['', 'page=2&limit=1']) await get(as, `/admin/conversations?${which}&${narrow}&${page}`);
	await get('admin', `/admin/conversations?userId=${idOf('alice')}&q=hello`);
	await get('admin', `/admin/users/${idOf('alice')}/conversations`);
	await get('admin', `/admin/conversations/${id}`);
	await get('admin', `/admin/conversations/${id}/messages`);
	await get('staff', `/admin/conversations/${ticket}`);
	await get('staff', `/admin/conversations/${ticket}/messages`);
	for (const filter of [
		...['', 'role=user', 'role=staff', 'status=suspended', 'status=active', 'externalId=4711', 'q=al', 'q=%21'],
		'role=staff&status=active&externalId=4711&q=al',
	])
		await get('staff', `/admin/users?${filter}`);

	// canned replies, the site, its keys and numbers
	const { id: canned } = await post('admin', '/admin/canned-replies', { shortcut: 'hi', text: 'Hello!' });
	await patch('admin', `/admin/canned-replies/${canned}`, { shortcut: 'hello' });
	await get('staff', '/admin/canned-replies');
	await remove('admin', `/admin/canned-replies/${canned}`);
	await get('superadmin', '/admin/site');
	await patch('superadmin', '/admin/site', { autoCloseDays: 14 });
	const { id: key } = await post('superadmin', '/admin/keys', { kind: 'secret', label: 'shop' });
	await get('superadmin', '/admin/keys');
	await remove('superadmin', `/admin/keys/${key}`);
	await get('admin', '/admin/stats');

	// reports
	const beforeReports = eventLog.cursor();
	await post('alice', `/support/tickets/${ticket}/messages/${answer}/report`, { reason: 'Rude' });
	const { id: report } = await post('alice', `${at}/messages/${reply}/report`, { reason: 'Not nice' });
	await post('alice', `/users/${idOf('moderator')}/report`, { reason: 'Never answers' });
	await t.send('alice', await t.conversation('alice', 'admin'));
	await post('alice', `/users/${idOf('admin')}/report`, { reason: 'Knows too much' });
	for (const as of ['moderator', 'server'])
		for (const status of ['', '?status=open']) await get(as, `/admin/reports${status}`);
	await post('moderator', `/admin/reports/${report}`, { status: 'upheld' });
	await readOn('moderator', beforeReports);

	// what the desk did
	const acts = [`actor=${idOf('staff')}`, 'action=ticket.update', `target=${ticket}`];
	for (const filter of ['', ...acts, acts.join('&'), `from=${since}`, `to=${until}`, `from=${since}&${acts[0]}`])
		await get('superadmin', `/admin/audit?${filter}`);
	// note: whoever is reported is not shown what becomes of it
	for (const filter of ['', ...acts, `from=${since}`]) await get('admin', `/admin/audit?${filter}`);
	t.services.audit.verify(t.home.pk);

	// blocks
	await post('alice', `/users/me/blocks/${idOf('bob')}`);
	await t.send('alice', id, 'hello', { clientMessageId: 'a', metadata: { a: 1 } });
	await t.ok({ as: 'alice', path: '/users/me/blocks' });
	await t.ok({ as: 'alice', method: 'DELETE', path: `/users/me/blocks/${idOf('bob')}` });

	// going
	await patch('admin', `/admin/users/${idOf('staff')}`, { role: 'user' });
	await t.written();
	await get('alice', '/users/me/export');
	await get('admin', `/admin/users/${idOf('alice')}/export`);
	await remove('alice', '/users/me');
	await remove('admin', `/admin/users/${idOf('moderator')}`);
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
let anew: string[] = [];

beforeAll(async () => {
	using record = recordStatements({ places: 'all' });
	using t = await createTestApp({}, { site: { directory: 'search' } });
	await drive(t);
	entries = planned(t.sqlite, record.statements);
	tables = tablesOf(t.sqlite);
	ran = record.ran;
	anew = preparedAnew(t.sqlite, record.kept);
	if (process.env.UPDATE_PLANS) await writeGolden(goldenOf(entries));
}, minute);

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
			const read = readWhole(entry, tables, few).filter((table) => !(table in small) && !may.includes(table));
			return read.map((table) => `${entry.names.join(', ')}: ${table}`);
		});
		expect(found).toEqual([]);
	});

	test('are prepared once where they are kept; a parameter that SQLite looks into has to be held', () => {
		expect(anew).toEqual([]);
	});

	test('need every exception that is made for them', () => {
		const idle = mayReadWhole.flatMap((each) => {
			const read = entries.filter((entry) => isMeant(each, entry)).flatMap((entry) => readWhole(entry, tables, few));
			return each.tables.filter((table) => !read.includes(table)).map((table) => `${each.name}: ${table}`);
		});
		expect(idle).toEqual([]);
		expect(Object.keys(small).filter((table) => !tables.has(table))).toEqual([]);
		const wholeBut = (index: string) => {
			const { [index]: _, ...others } = few;
			return entries.flatMap((entry) => readWhole(entry, tables, others)).length;
		};
		expect(Object.keys(few).filter((index) => wholeBut(index) === wholeBut(''))).toEqual([]);
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

test('an index that holds few rows may be read whole', () => {
	const read = (few: Record<string, string>) =>
		withRows((sqlite) => {
			const sql = 'select name from users where site = ?';
			return readWhole({ sql, plan: planOf(sqlite, sql) }, tablesOf(sqlite), few);
		});
	expect(read({ posts_by_text: 'another' })).toEqual(['users']);
	expect(read({ users_by_name: 'a few' })).toEqual([]);
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
			...[2, 3, 6].map(
				(n) => `${new Array(n).fill('select "name" from "users" where "pk" = ?').join(' union all ')} limit ?`,
			),
		);
		expect(made.map(({ text }) => text)).toEqual([
			['insert into posts (…)', 'values (…)'],
			['select name', 'from users', 'where pk = ?', 'union all select name', 'from users', 'where pk = ?', 'limit ?'],
			['select pk', 'from posts', 'where pk in (?, ?)'],
			['update posts', 'set …', 'where pk = ?'],
		]);
	});
	test('tells apart what differs in its plan or its clauses', () => {
		expect(of('select "text" from "posts"', 'select "text" from "posts" order by "text"')).toHaveLength(2);
		// a primary key that changes has its children looked for
		expect(of('update "users" set "name" = ?', 'update "users" set "pk" = ?, "name" = ?')).toHaveLength(2);
	});
	test('misses a plan that it has not seen', () => {
		const golden = goldenOf(of('select "text" from "posts" where "pk" = ?'));
		expect(missingFrom(golden, of('select "text" from "posts" where "pk" = ? and "text" <> ?'))).toEqual([]);
		expect(missingFrom(golden, of('select "text" from "posts" where "user" = ?'))).toHaveLength(1);
		expect(missingFrom(golden, of('select "text" from "posts" where "pk" > ?'))).toHaveLength(1);
		const elsewhere = of('select "text" from "posts" where "pk" = ?').map((each) => ({ ...each, names: ['another'] }));
		expect(missingFrom(golden, elsewhere)).toHaveLength(1);
	});
	test('has what triggers do', () => {
		const texts = withRows((sqlite) => {
			sqlite.run('create trigger gone after delete on users begin delete from posts where text = old.name; end');
			return planned(sqlite, new Map()).map(({ names, text, plan }) => [names, text, plan]);
		});
		expect(texts).toEqual([[['trigger gone'], ['delete from posts', 'where text = ?'], ['SCAN posts']]]);
	});
});

test('a query that is prepared anew at every run is found', () => {
	const held = 'select pk from users where site = (select ?) order by pk limit (select ?)';
	const bare = ['select pk from users where site = ? order by pk', 'select pk from users limit ?'];
	expect(withRows((sqlite) => preparedAnew(sqlite, [held, ...bare]))).toEqual(bare);
});

test('every place that yields a statement is found in the code, as a trace names it', () => {
	const code = ['\tyield* tx.get(a);', '\tconst b = (yield* tx.all(b)) ?? (yield* tx', '\t\t.run(c));'].join('\n');
	expect(yieldsIn(code)).toEqual(['1:12', '2:23', '3:4']);
});
