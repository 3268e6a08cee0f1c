import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { dataFile, openStore } from '../../src/db/open.ts';
import type { StoredEvent } from '../../src/kernel/events.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createEventLog, type EventLog } from '../../src/modules/events/events.service.ts';
import { eventSteps } from '../../src/modules/events/events.steps.ts';
import { tempFolder } from '../support/db-support.ts';

/** The store with its event log, and a second process that writes events into the same file. */
const rig = (folder: string) => {
	let eventLog: EventLog | undefined;
	const store = openStore({
		folder,
		clock: () => 1_000,
		log: silentLog,
		committed: (batch) => eventLog?.committed(batch),
	});
	const events = eventSteps(store.db);
	eventLog = createEventLog({ store, events, log: silentLog, clock: () => 1_000, keepDays: 7 });
	const heard: string[] = [];
	eventLog.onCommitted((batch: StoredEvent[]) => {
		heard.push(...batch.map(({ id, site }) => `${id} of ${site === 1 ? 'this' : 'another'}`));
	});
	eventLog.onForeignCommit(() => heard.push('caches dropped'));
	return {
		store,
		eventLog,
		heard,
		own: () => store.atomic((tx) => events.record(tx, { site: 1, type: 'site.updated' }, { in: 'site' })),
		foreign: () => {
			const other = new Database(dataFile(folder));
			other.run("INSERT INTO events (site, type, created_at) VALUES (2, 'site.updated', 1)");
			other.close();
		},
	};
};

test('events of another process are published before the next of this one, in the order of their ids, each once', async () => {
	using folder = tempFolder();
	const { store, eventLog, heard, own, foreign } = rig(folder.path);
	await own();
	foreign();
	foreign();
	await own();
	eventLog.poll();
	expect(heard.filter((entry) => entry !== 'caches dropped')).toEqual([
		'1 of this',
		'2 of another',
		'3 of another',
		'4 of this',
	]);
	expect(heard.indexOf('caches dropped')).toBe(1);
	store.close();
});

test('when this process is idle a look at the file finds what another committed, drops caches and publishes it', async () => {
	using folder = tempFolder();
	const { store, eventLog, heard, own, foreign } = rig(folder.path);
	await own();
	eventLog.poll();
	expect(heard).toEqual(['1 of this']);
	foreign();
	eventLog.poll();
	eventLog.poll();
	expect(heard).toEqual(['1 of this', 'caches dropped', '2 of another']);
	store.close();
});

test('events that were there at the start are not published again', async () => {
	using folder = tempFolder();
	const before = rig(folder.path);
	await before.own();
	before.store.close();
	const { store, eventLog, heard, own } = rig(folder.path);
	eventLog.poll();
	await own();
	expect(heard).toEqual(['2 of this']);
	store.close();
});

test('ids of events are never used again after a purge', async () => {
	using folder = tempFolder();
	const { store, heard, own } = rig(folder.path);
	await own();
	store.db.$client.run('DELETE FROM events');
	await own();
	expect(heard).toEqual(['1 of this', '2 of this']);
	store.close();
});
