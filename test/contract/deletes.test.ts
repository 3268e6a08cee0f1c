import { expect, test } from 'bun:test';
import { openStore } from '../../src/db/open.ts';
import { silentLog } from '../../src/kernel/log.ts';

/** Tables that grow with every message, or with every conversation. */
const growing = ['messages', 'events', 'message_edits', 'reactions', 'conversations'];

test('deleting a user, which happens to every visitor who never came, reads no growing table whole', () => {
	const store = openStore({ folder: ':memory:', clock: Date.now, log: silentLog });
	const plan = store.explain('delete from users where pk = 1');
	store.close();
	const scanned = plan.filter((line) => growing.some((name) => line.startsWith(`SCAN ${name}`)));
	expect(scanned).toEqual([]);
	// the site alone is no narrow way to a row: it would be every conversation of a site
	expect(plan.filter((line) => line.includes('(site=?)'))).toEqual([]);
	expect(plan.length).toBeGreaterThan(3);
});
