import { asc, gt, max, sql } from 'drizzle-orm';
import { fullText, matchQuery } from '../../db/fulltext.ts';
import type { Db } from '../../db/open.ts';
import { atMost, held, prepared } from '../../db/prepared.ts';
import { step } from '../../db/step.ts';
import { indexCharsMax, indexRowsMax, searchMatchesMax } from '../../kernel/limits.ts';
import { conversations, messages, textIndex } from './messaging.tables.ts';

type ConversationRow = typeof conversations.$inferSelect;
type MessageRow = typeof messages.$inferSelect;
type Indexed = Pick<ConversationRow, 'site' | 'type'>;

/** The part of the index that a conversation's texts stand in: a search reads only the parts it is for. */
const scopeOf = ({ site, type }: Indexed): string => `${site}${type}`;
/** A ticket's subject stands beside the messages, under its own key below zero. */
const subjectRow = (conversation: number): number => -conversation;

/**
 * searchSteps: the full-text index of messages, notes and subjects. Messages are taken up behind the senders, in large
 * pieces, because that is many times cheaper than one by one; edits and erasures act at once.
 */
export const searchSteps = (db: Db) => {
	const index = fullText(db);
	const position = prepared(db.select({ upTo: textIndex.upTo, unswept: textIndex.unswept }).from(textIndex));
	const behind = prepared(
		db
			.select({
				pk: messages.pk,
				kind: messages.kind,
				text: messages.text,
				site: conversations.site,
				type: conversations.type,
			})
			.from(messages)
			.innerJoin(conversations, sql`${conversations.pk} = ${messages.conversation}`)
			.where(gt(messages.pk, held('after')))
			.orderBy(asc(messages.pk))
			.limit(atMost('limit')),
	);
	const newest = prepared(db.select({ pk: max(messages.pk) }).from(messages));
	const upTo = step(function* (tx) {
		return (yield* tx.get(position))?.upTo ?? 0;
	});
	const note = step(function* (tx, change: Partial<typeof textIndex.$inferInsert>) {
		yield* tx.run(
			db
				.insert(textIndex)
				.values({ pk: 1, upTo: 0, ...change })
				.onConflictDoUpdate({ target: textIndex.pk, set: change }),
		);
	});
	/** How often words were taken out: now, and when the sweep at work began. */
	const taken = { now: 0, atBegin: 0 };
	const take = step(function* (tx, row: number) {
		taken.now++;
		yield* tx.run(index.remove, { row });
		yield* note(tx, { unswept: true });
	});

	return {
		/** forgetMessage takes a message's text out of the index, if it is there already. */
		forgetMessage: step(function* (tx, message: Pick<MessageRow, 'pk' | 'kind' | 'text'>) {
			if (message.kind === 'system' || message.text === null || message.pk > (yield* upTo(tx))) return;
			yield* take(tx, message.pk);
		}),
		/** rememberMessage puts the new text of a message in, if the index has come as far. */
		rememberMessage: step(function* (tx, row: Indexed, message: Pick<MessageRow, 'pk' | 'kind' | 'text'>) {
			if (message.kind === 'system' || message.text === null || message.pk > (yield* upTo(tx))) return;
			yield* tx.run(index.add, { row: message.pk, scope: scopeOf(row), text: message.text });
		}),
		/** setSubject replaces a ticket's subject in the index; null for none. */
		setSubject: step(function* (tx, row: Indexed & { pk: number }, before: string | null, after: string | null) {
			if (before !== null) yield* take(tx, subjectRow(row.pk));
			if (after !== null) yield* tx.run(index.add, { row: subjectRow(row.pk), scope: scopeOf(row), text: after });
		}),

		/** isBehind: whether there are messages that the index has not taken up. */
		isBehind: step(function* (tx) {
			return ((yield* tx.get(newest))?.pk ?? 0) > (yield* upTo(tx));
		}),
		/** catchUp takes up the next of them. */
		catchUp: step(function* (tx) {
			const found = yield* tx.all(behind, { after: yield* upTo(tx), limit: indexRowsMax });
			// long texts take long: so many at a time as others can wait for
			let chars = 0;
			const rows = found.filter(({ text }, i) => {
				const fits = i === 0 || chars < indexCharsMax;
				chars += text?.length ?? 0;
				return fits;
			});
			for (const { pk, kind, text, ...conversation } of rows)
				if (kind !== 'system' && text !== null)
					yield* tx.run(index.add, { row: pk, scope: scopeOf(conversation), text });
			const last = rows.at(-1);
			if (last) yield* note(tx, { upTo: last.pk });
		}),
		/** needsSweep: whether words were taken out of which traces may be left. */
		needsSweep: step(function* (tx) {
			return (yield* tx.get(position))?.unswept === true;
		}),
		/** beginSweep begins to write the index anew; sweepOn goes on, and is done when it returns false. */
		beginSweep: step(function* (tx, pages: number) {
			taken.atBegin = taken.now;
			yield* tx.run(index.sweep, { pages, begin: true });
		}),
		sweepOn: step(function* (tx, pages: number) {
			const goesOn = (yield* tx.run(index.sweep, { pages })).changes > 0;
			// note: not before its end, because a crash may cut it off
			if (!goesOn && taken.now === taken.atBegin) yield* note(tx, { unswept: false });
			return goesOn;
		}),

		/**
		 * find gives the conversations in which words stand, by integer key; of very common words only the newest matches. `viewer`:
		 * whose own tickets are not found by their notes; null is nobody.
		 */
		find: step(function* (tx, site: number, viewer: number | null, types: ConversationRow['type'][], words: string) {
			const query = matchQuery(
				types.map((type) => scopeOf({ site, type })),
				words,
			);
			if (query === null) return [];
			const found = yield* tx.all(index.find, { query, limit: searchMatchesMax });
			const keys = found.map(({ row }) => row);
			const subjects = keys.filter((key) => key < 0).map((key) => -key);
			const rows = yield* tx.all(
				db
					.selectDistinct({ conversation: messages.conversation })
					.from(messages)
					.innerJoin(conversations, sql`${conversations.pk} = ${messages.conversation}`)
					.where(
						sql`${messages.pk} in (select value from json_each(${JSON.stringify(keys)}))
							and (${messages.noteSeq} = 0 or ${conversations.participantOne} <> ${viewer ?? 0})`,
					),
			);
			return [...new Set([...subjects, ...rows.map(({ conversation }) => conversation)])];
		}),
	};
};
export type SearchSteps = ReturnType<typeof searchSteps>;
