import { beforeEach, describe, expect, test } from 'bun:test';
import { asc, count, eq, max, sql } from 'drizzle-orm';
import { alias, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { openStore } from '../../src/db/open.ts';
import { held, prepared } from '../../src/db/prepared.ts';
import { silentLog } from '../../src/kernel/log.ts';

const people = sqliteTable('people', {
	pk: integer().primaryKey(),
	name: text().notNull(),
	active: integer({ mode: 'boolean' }),
	data: text({ mode: 'json' }).$type<Record<string, unknown> | null>(),
	bornAt: integer({ mode: 'timestamp_ms' }),
	boss: integer(),
});
const bosses = alias(people, 'bosses');
const p = sql.placeholder;

const connect = () => {
	const { db } = openStore({ folder: ':memory:', clock: () => 1_000, log: silentLog });
	db.$client.run(
		'CREATE TABLE people (pk INTEGER PRIMARY KEY, name TEXT NOT NULL, active INTEGER, data TEXT, born_at INTEGER, boss INTEGER) STRICT',
	);
	db.insert(people)
		.values([
			{ pk: 1, name: 'ada', active: true, data: { a: [1, null], b: 'x' }, bornAt: new Date(5), boss: null },
			{ pk: 2, name: 'bob', active: false, data: null, bornAt: null, boss: 1 },
			{ pk: 3, name: 'cyd', active: null, data: { a: true }, bornAt: new Date(0), boss: 404 },
		])
		.run();
	return db;
};
let db: ReturnType<typeof connect>;
beforeEach(() => {
	db = connect();
});

interface Reads {
	get(params?: Record<string, unknown>): unknown;
	all(params?: Record<string, unknown>): unknown;
}

/** Queries of every form that steps use, and the parameters to try them with. */
const queries: Record<string, { query: (on: typeof db) => { prepare(): object }; params: Record<string, unknown>[] }> =
	{
		'all columns': { query: (on) => on.select().from(people).orderBy(asc(people.pk)), params: [{}] },
		'one row or none': {
			query: (on) =>
				on
					.select()
					.from(people)
					.where(eq(people.pk, p('pk'))),
			params: [{ pk: 1 }, { pk: 2 }, { pk: 3 }, { pk: 404 }],
		},
		'a boolean as a parameter': {
			query: (on) =>
				on
					.select()
					.from(people)
					.where(eq(people.active, p('active'))),
			params: [{ active: true }, { active: false }],
		},
		'chosen columns and a constant': {
			query: (on) =>
				on
					.select({ who: people.name, active: people.active, one: sql<number>`1` })
					.from(people)
					.where(eq(people.name, p('name')))
					.limit(p('limit')),
			params: [
				{ name: 'bob', limit: 1 },
				{ name: 'bob', limit: 0 },
			],
		},
		'aggregates, aliased and decoded expressions': {
			query: (on) =>
				on
					.select({
						n: count(),
						newest: max(people.bornAt),
						upper: sql<string>`upper(max(${people.name}))`.as('upper'),
						size: sql`count(*)`.mapWith(String),
					})
					.from(people)
					.where(eq(people.boss, p('boss'))),
			params: [{ boss: 1 }, { boss: 2 }],
		},
		'an inner join in groups': {
			query: (on) => on.select().from(people).innerJoin(bosses, eq(bosses.pk, people.boss)),
			params: [{}],
		},
		'an outer join in groups': {
			query: (on) => on.select().from(people).leftJoin(bosses, eq(bosses.pk, people.boss)).orderBy(asc(people.pk)),
			params: [{}],
		},
		'an outer join of single columns': {
			query: (on) =>
				on
					.select({ name: people.name, boss: bosses.name, bossActive: bosses.active })
					.from(people)
					.leftJoin(bosses, eq(bosses.pk, people.boss))
					.orderBy(asc(people.pk)),
			params: [{}],
		},
		'groups with single columns between': {
			query: (on) =>
				on
					.select({ a: { name: people.name, data: people.data }, pk: people.pk, b: { active: people.active } })
					.from(people)
					.orderBy(asc(people.pk)),
			params: [{}],
		},
		'groups in groups': {
			query: (on) => on.select({ a: { b: { name: people.name } } } as never).from(people),
			params: [{}],
		},
		'a subquery': {
			query: (on) => {
				const inner = on
					.select({ pk: people.pk, data: people.data })
					.from(people)
					.where(eq(people.pk, p('pk')))
					.as('inner');
				return on.select().from(inner);
			},
			params: [{ pk: 1 }, { pk: 404 }],
		},
		'a subquery as a column': {
			query: (on) => {
				const actives = on
					.select({ n: count().as('n') })
					.from(people)
					.where(eq(people.active, true))
					.as('actives');
				return on.select({ name: people.name, actives }).from(people).orderBy(asc(people.pk));
			},
			params: [{}],
		},
		'a held placeholder': {
			query: (on) =>
				on
					.select()
					.from(people)
					.innerJoin(bosses, eq(bosses.pk, people.boss))
					.where(eq(people.pk, held('pk'))),
			params: [{ pk: 2 }, { pk: 3 }],
		},
	};

describe('a prepared query reads what Drizzle reads:', () => {
	for (const [name, { query, params }] of Object.entries(queries))
		test(name, () => {
			const ours = prepared(query(db)) as unknown as Reads;
			const theirs = query(db).prepare() as unknown as Reads;
			for (const values of params) {
				expect(ours.all(values)).toEqual(theirs.all(values));
				expect(ours.get(values)).toEqual(theirs.get(values));
				// and again: nothing of the first run stays
				expect(ours.all(values)).toEqual(theirs.all(values));
			}
		});
});

describe('a prepared query writes what Drizzle writes:', () => {
	const rows = [
		{ name: 'dan', active: true, data: { deep: { er: [1, 'two'] } }, bornAt: new Date(7), boss: 1 },
		{ name: 'eve', active: false, data: {}, bornAt: new Date(0), boss: 3 },
	];
	const values = { name: p('name'), active: p('active'), data: p('data'), bornAt: p('bornAt'), boss: p('boss') };
	const stored = (on: typeof db) => on.$client.query('SELECT * FROM people ORDER BY pk').all();

	test('inserted rows', () => {
		const other = connect();
		const ours = prepared(db.insert(people).values(values));
		const theirs = other.insert(people).values(values).prepare();
		for (const row of rows) expect(ours.run(row)).toEqual(theirs.run(row));
		expect(stored(db)).toEqual(stored(other));
	});

	test('rows that are returned', () => {
		const other = connect();
		const ours = prepared(db.insert(people).values(values).returning());
		const theirs = other.insert(people).values(values).returning().prepare();
		for (const row of rows) expect(ours.get(row)).toEqual(theirs.get(row));
	});

	test('null where SQL is told to take the value as it comes', () => {
		const raw = { name: p('name'), active: sql`${p('active')}`, data: sql`${p('data')}` };
		const ours = prepared(db.insert(people).values(raw).returning());
		expect(ours.get({ name: 'nil', active: null, data: null })).toMatchObject({ active: null, data: null });
	});

	test('changes, with what is fixed beside what is given', () => {
		const other = connect();
		const change = (on: typeof db) =>
			on
				.update(people)
				.set({ active: true, data: { fixed: 1 }, boss: sql`${p('boss')}` })
				.where(eq(people.pk, p('pk')));
		expect(prepared(change(db)).run({ pk: 2, boss: null })).toEqual(change(other).prepare().run({ pk: 2, boss: null }));
		expect(stored(db)).toEqual(stored(other));
	});
});

test('a placeholder that is given no value is refused instead of being stored as null', () => {
	const insert = prepared(db.insert(people).values({ name: p('name'), boss: p('boss') }));
	expect(() => insert.run({ name: 'x' })).toThrow(/no value for the placeholder boss/);
	expect(() => insert.run()).toThrow(/no value for the placeholder name/);
});
