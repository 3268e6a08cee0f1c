import { and, asc, eq } from 'drizzle-orm';
import type { Db } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { cannedReplies } from './tickets.tables.ts';

export type CannedRow = typeof cannedReplies.$inferSelect;

/** cannedSteps: texts that the desk writes again and again. */
export const cannedSteps = (db: Db) => {
	const one = (site: number, id: string) => and(eq(cannedReplies.site, site), eq(cannedReplies.id, id));
	return {
		list: step(function* (tx, site: number) {
			return yield* tx.all(
				db.select().from(cannedReplies).where(eq(cannedReplies.site, site)).orderBy(asc(cannedReplies.shortcut)),
			);
		}),
		find: step(function* (tx, site: number, id: string) {
			return yield* tx.get(db.select().from(cannedReplies).where(one(site, id)));
		}),
		byShortcut: step(function* (tx, site: number, shortcut: string) {
			return yield* tx.get(
				db
					.select()
					.from(cannedReplies)
					.where(and(eq(cannedReplies.site, site), eq(cannedReplies.shortcut, shortcut))),
			);
		}),
		insert: step(function* (tx, site: number, row: Pick<CannedRow, 'id' | 'shortcut' | 'text'>) {
			const values = { ...row, site, createdAt: tx.now, updatedAt: tx.now };
			return yield* tx.get(db.insert(cannedReplies).values(values).returning());
		}),
		update: step(function* (tx, row: CannedRow, changes: Partial<Pick<CannedRow, 'shortcut' | 'text'>>) {
			const next = { ...changes, updatedAt: tx.now };
			yield* tx.run(db.update(cannedReplies).set(next).where(one(row.site, row.id)));
			return { ...row, ...next };
		}),
		remove: step(function* (tx, row: CannedRow) {
			yield* tx.run(db.delete(cannedReplies).where(one(row.site, row.id)));
		}),
	};
};
export type CannedSteps = ReturnType<typeof cannedSteps>;
