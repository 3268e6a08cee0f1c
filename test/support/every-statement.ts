import { afterAll } from 'bun:test';
import { openStore } from '../../src/db/open.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { missingFrom, planned, readGolden, recordStatements } from './statements.ts';

// Loaded before the tests of every run, whichever files it has: what any of them makes the server ask must be in the golden
// file of plans. A step that builds its statement in several forms is thereby held to all that a test thinks of.
const record = recordStatements({ places: 'first' });

afterAll(async () => {
	record[Symbol.dispose]();
	if (record.statements.size === 0) return;
	const store = openStore({ folder: ':memory:', clock: Date.now, log: silentLog });
	const missing = missingFrom(await readGolden(), planned(store.db.$client, record.statements));
	store.close();
	if (missing.length === 0) return;
	const shown = missing.map(({ names, text, plan }) => [names.join(', '), ...text, ...plan].join('\n\t'));
	throw new Error(
		`tests ran statements whose plans are not in test/contract/plans.golden.txt. Run them in "drive" of plans.test.ts too, then update the file:\n${shown.join('\n')}`,
	);
});
