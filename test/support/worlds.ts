import { afterAll } from 'bun:test';
import type { RouteCall } from './calls.ts';
import { type Populated, populated } from './populated.ts';
import type { TestApp } from './test-app.ts';

type Value = string | number | bigint | boolean | Uint8Array | null;

/**
 * undoable notes every row of a world and the time, to bring them back after a test: far cheaper than making another world.
 * note: the text index stays as it is, since the engine keeps parts of it in memory; whoever searches needs a world of
 * their own.
 */
const undoable = (t: TestApp) => {
	const { sqlite } = t;
	// the last ids of all come last, for each row put back moves them
	const names = t.rows<{ name: string }>(
		`select name from sqlite_master where type = 'table' and sql not like 'create virtual%'
			and name not like 'texts%' and name <> 'text_index' order by name = 'sqlite_sequence', name`,
	);
	const tables = names.map(({ name }) => {
		const columns = t.rows<{ name: string; type: string; pk: number }>(`pragma table_info("${name}")`);
		// an integer key is the rowid under another name
		const keys = columns.filter(({ pk }) => pk > 0);
		const isRowid = keys.length === 1 && keys[0]?.type.toUpperCase() === 'INTEGER';
		const listed = [...(isRowid ? [] : ['rowid']), ...columns.map((column) => `"${column.name}"`)].join(', ');
		const places = listed.replaceAll(/[^,]+/g, '?');
		return {
			read: sqlite.query<unknown, []>(`select ${listed} from "${name}" order by 1`),
			clear: sqlite.query(`delete from "${name}"`),
			insert: sqlite.query<unknown, Value[]>(`insert into "${name}" (${listed}) values (${places})`),
		};
	});
	const state = () => tables.map(({ read }) => read.values() as Value[][]);
	const before = state();
	const noted = JSON.stringify(before);
	const then = t.clock();
	const { eventLog } = t.services;
	/** As when another process has written: a gap in the events, after which the server trusts nothing that it keeps in memory. */
	const dropCaches = () =>
		eventLog.committed([{ id: eventLog.lastId + 2, site: 0, type: 'site.updated', createdAt: then }]);
	return {
		/** Brings the rows back; throws where that is not all. */
		undo: async (): Promise<void> => {
			await t.written();
			sqlite.run('pragma foreign_keys = off');
			sqlite.transaction(() => {
				for (const [i, { clear, insert }] of tables.entries()) {
					clear.run();
					for (const row of before[i] ?? []) insert.run(...row);
				}
			})();
			sqlite.run('pragma foreign_keys = on');
			dropCaches();
			t.advance(then - t.clock());
			if (JSON.stringify(state()) !== noted) throw new Error('the world did not come back as it was');
		},
	};
};

export interface World {
	t: Populated;
	/** Brings everything back as it was. */
	undo(): Promise<void>;
}

/**
 * createWorlds keeps a populated world for all tests of a file, and one more for each way in which a call wants it prepared.
 * Whoever changes one brings it back.
 */
export const createWorlds = () => {
	const worlds = new Map<RouteCall['prepare'], World>();
	afterAll(() => {
		for (const { t } of worlds.values()) t[Symbol.dispose]();
	});
	return async (prepare?: RouteCall['prepare']): Promise<World> => {
		const known = worlds.get(prepare);
		if (known) return known;
		const t = await populated();
		await prepare?.(t);
		await t.written();
		const world = { t, ...undoable(t) };
		worlds.set(prepare, world);
		return world;
	};
};
