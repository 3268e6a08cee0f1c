import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../db/open.ts';
import { held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { conversations } from '../messaging/messaging.tables.ts';
import { blocks, standingColumns, users } from '../users/users.tables.ts';

/** p2pSteps: what only a conversation of two users needs to know. */
export const p2pSteps = (db: Db) => {
	const me = alias(users, 'me');
	const other = alias(users, 'other');
	const one = conversations.participantOne;
	const two = conversations.participantTwo;
	// note: everything that judging a send needs in one row: asked one by one it is four times the price
	const meeting = prepared(
		db
			.select({
				row: getTableColumns(conversations),
				me: standingColumns(me),
				other: standingColumns(other),
				blocked: sql<number>`exists (select 1 from ${blocks} where ${blocks.blocker} = ${one} and ${blocks.blocked} = ${two})
					or exists (select 1 from ${blocks} where ${blocks.blocker} = ${two} and ${blocks.blocked} = ${one})`,
			})
			.from(conversations)
			.innerJoin(me, eq(me.pk, held('me')))
			.innerJoin(other, eq(other.pk, sql`case when ${one} = ${held('me')} then ${two} else ${one} end`))
			.where(and(eq(conversations.site, held('site')), eq(conversations.id, held('id')), eq(me.site, held('site')))),
	);

	return {
		/** meeting reads a conversation with the caller, the other user, and whether one has blocked the other. */
		meeting: step(function* (tx, site: number, id: string, me: number) {
			return yield* tx.get(meeting, { site, id, me });
		}),
	};
};
export type P2pSteps = ReturnType<typeof p2pSteps>;
