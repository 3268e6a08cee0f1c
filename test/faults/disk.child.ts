/**
 * Run by disk.test.ts inside a file system of two megabytes: fills it, writes until the store says that the disk is
 * full, makes room, and writes on. Prints what happened as JSON.
 */
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/db/open.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { endedTokens } from '../../src/modules/users/users.tables.ts';

const folder = process.argv[2] ?? '';
const ballast = join(folder, 'ballast');

const main = async () => {
	const open = () => openStore({ folder: join(folder, 'data'), clock: Date.now, log: silentLog });
	let store = open();
	const acknowledged: string[] = [];
	const put = (jti: string) =>
		store.atomic(function* (tx) {
			yield* tx.run(store.db.insert(endedTokens).values({ jti, expiresAt: 1 }));
			acknowledged.push(jti);
		});
	const failures: unknown[] = [];
	const fill = async (round: string) => {
		try {
			writeFileSync(ballast, Buffer.alloc(16 * 1024 * 1024));
		} catch (error) {
			if ((error as { code?: string }).code !== 'ENOSPC') throw error;
		}
		// a little room, so that some writes succeed first
		truncateSync(ballast, statSync(ballast).size - 128 * 1024);
		for (let i = 0; i < 10_000; i++) {
			const jti = `${round}-${i}-${'x'.repeat(2_000)}`;
			try {
				await put(jti);
			} catch (error) {
				acknowledged.splice(acknowledged.indexOf(jti), 1);
				if (!(error instanceof AppError)) throw error;
				failures.push([error.code, error.status]);
				return;
			}
		}
	};
	await put('first');
	await fill('a');
	const readable = store.probe();
	rmSync(ballast);
	await put('recovered');
	await fill('b');
	rmSync(ballast);
	await put('recovered again');
	store.close();
	store = open();
	const stored = store.db
		.select()
		.from(endedTokens)
		.all()
		.map(({ jti }) => jti);
	const lost = acknowledged.filter((jti) => !stored.includes(jti)).length;
	const invented = stored.filter((jti) => !acknowledged.includes(jti)).length;
	const check = store.db.$client.query('PRAGMA integrity_check').values()[0]?.[0];
	console.log(JSON.stringify({ failures, readable, lost, invented, check, some: stored.length > 3 }));
	store.close();
};

await main();
