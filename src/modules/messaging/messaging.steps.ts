import {
	and,
	asc,
	count,
	desc,
	eq,
	getTableColumns,
	gt,
	gte,
	inArray,
	isNotNull,
	isNull,
	lte,
	ne,
	or,
	type SQL,
	sql,
} from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../db/open.ts';
import { atMost, held, prepared } from '../../db/prepared.ts';
import { type Steps, step, type Tx } from '../../db/step.ts';
import { minute } from '../../kernel/clock.ts';
import type { EventType } from '../../kernel/events.ts';
import type { EventSteps } from '../events/events.steps.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import { users } from '../users/users.tables.ts';
import { otherSide, type Side, sideOf, sideState } from './messaging.sides.ts';
import {
	conversations,
	conversationWriters,
	isAmong,
	messageEdits,
	messages,
	pairHigh,
	pairLow,
	reactions,
} from './messaging.tables.ts';
import type { SearchSteps } from './search.steps.ts';

export type ConversationRow = typeof conversations.$inferSelect;
export type MessageRow = typeof messages.$inferSelect;

interface PublicIds {
	senderId: string | null;
	replyToId: string | null;
}
/** A message with the public ids of what it refers to. */
export type MessageEntry = MessageRow & PublicIds;
/** A message as far as it is shown. `noteSeq` is left out where only what everybody sees was read. */
export type ListedMessage = Omit<MessageEntry, 'site' | 'conversation' | 'noteSeq' | 'clientDigest' | 'evidenceOf'> &
	Partial<Pick<MessageEntry, 'noteSeq' | 'evidenceOf'>>;

/** An earlier text of an edited message. */
export interface EarlierText {
	message: number;
	text: string | null;
	replacedAt: number;
}

/** Where a message stands among messages and notes. */
export type Place = Pick<MessageRow, 'seq' | 'noteSeq'>;

export interface ReactionCount {
	message: number;
	emoji: string;
	count: number;
	mine: boolean;
}

/** A message on its way into a conversation; its text has been checked. */
export interface Draft {
	id: string;
	kind: 'text' | 'note';
	text: string;
	replyTo: { pk: number; id: string } | null;
	clientMessageId: string | null;
	clientDigest: string | null;
	metadata: MessageRow['metadata'];
}

const minuteOf = (ms: number): number => Math.floor(ms / minute);

/** messagingSteps: the one engine of conversations and messages that p2p and support stand on. */
export const messagingSteps = (
	db: Db,
	{ events, sites, search }: { events: EventSteps; sites: SiteSteps; search: SearchSteps },
) => {
	const p = sql.placeholder;
	const inConversation = and(eq(messages.site, held('site')), eq(messages.conversation, held('conversation')));

	const byId = prepared(
		db
			.select()
			.from(conversations)
			.where(and(eq(conversations.site, p('site')), eq(conversations.id, p('id')))),
	);
	const byKey = prepared(
		db
			.select()
			.from(conversations)
			.where(and(eq(conversations.site, p('site')), eq(conversations.pk, p('pk')))),
	);
	const messageByKey = prepared(
		db
			.select()
			.from(messages)
			.where(and(eq(messages.pk, p('pk')), eq(messages.site, p('site')))),
	);
	const bySeq = prepared(
		db
			.select()
			.from(messages)
			.where(
				and(eq(messages.conversation, p('conversation')), eq(messages.seq, p('seq')), eq(messages.noteSeq, sql`0`)),
			),
	);
	const byPair = prepared(
		db
			.select()
			.from(conversations)
			.where(
				and(
					eq(conversations.type, sql`'p2p'`),
					eq(pairLow(conversations), sql`min(${p('a')}, ${p('b')})`),
					eq(pairHigh(conversations), sql`max(${p('a')}, ${p('b')})`),
					eq(conversations.site, p('site')),
				),
			),
	);
	const insertMessage = prepared(
		db
			.insert(messages)
			.values({
				id: p('id'),
				site: p('site'),
				conversation: p('conversation'),
				seq: p('seq'),
				noteSeq: p('noteSeq'),
				sender: p('sender'),
				kind: p('kind'),
				text: p('text'),
				replyTo: p('replyTo'),
				clientMessageId: p('clientMessageId'),
				clientDigest: p('clientDigest'),
				// note: through sql``, because Drizzle's encoder turns null into "null"
				metadata: sql`${p('metadata')}`,
				createdAt: p('now'),
			})
			// note: without a target, because Drizzle writes the `where` of a partial index in the wrong place; append looks which it was
			.onConflictDoNothing(),
	);
	/** A send moves the sender's pointers to the end, adds one unread for the other side, and wakes the archive of both. */
	const advance = (side: Side) => {
		const [mine, theirs] = [sideState[side], sideState[otherSide(side)]];
		return prepared(
			db
				.update(conversations)
				.set({
					lastSeq: sql`${p('seq')}`,
					messageCount: sql`${conversations.messageCount} + 1`,
					[mine.sent]: sql`${conversations[mine.sent]} + 1`,
					[mine.seenSeq]: sql`${p('seq')}`,
					[mine.readSeq]: sql`${p('seq')}`,
					[mine.unread]: 0,
					[theirs.unread]: sql`${conversations[theirs.unread]} + 1`,
					archivedOne: false,
					archivedTwo: false,
					lastActivityAt: sql`${p('now')}`,
				})
				.where(and(eq(conversations.site, p('site')), eq(conversations.pk, p('conversation')))),
		);
	};
	const advances = { 1: advance(1), 2: advance(2) };
	const byClientId = prepared(
		db
			.select()
			.from(messages)
			.where(
				and(eq(messages.clientMessageId, held('clientMessageId')), inConversation, eq(messages.sender, held('sender'))),
			),
	);
	const byMessageId = prepared(
		db
			.select()
			.from(messages)
			.where(and(eq(messages.id, held('id')), inConversation)),
	);
	const anywhere = prepared(
		db
			.select({ message: messages, row: conversations })
			.from(messages)
			.innerJoin(conversations, eq(conversations.pk, messages.conversation))
			.where(and(eq(messages.id, held('id')), eq(messages.site, held('site')))),
	);
	// a list shows less of a row than a write needs, and every column of every row is paid for
	const {
		site: _site,
		conversation: _conversation,
		noteSeq: _noteSeq,
		clientDigest: _digest,
		evidenceOf: _evidence,
		...listed
	} = getTableColumns(messages);
	const range = prepared(
		db
			.select(listed)
			.from(messages)
			.where(
				and(
					inConversation,
					gt(messages.seq, held('from')),
					lte(messages.seq, held('to')),
					sql`${messages.noteSeq} = 0`,
				),
			)
			.orderBy(asc(messages.seq)),
	);
	/** Where a message stands among messages and notes: a note comes after the message whose seq it carries. */
	const place = sql`(${messages.seq}, ${messages.noteSeq})`;
	const mark = sql`(${held('seq')}, ${held('noteSeq')})`;
	const newestFirst = [desc(messages.seq), desc(messages.noteSeq)];
	const withNotes = {
		page: prepared(
			db
				.select()
				.from(messages)
				.where(inConversation)
				.orderBy(...newestFirst)
				.limit(atMost('limit'))
				.offset(p('offset')),
		),
		before: prepared(
			db
				.select()
				.from(messages)
				.where(and(inConversation, sql`${place} < ${mark}`))
				.orderBy(...newestFirst)
				.limit(atMost('limit')),
		),
		from: prepared(
			db
				.select()
				.from(messages)
				.where(and(inConversation, sql`${place} >= ${mark}`))
				.orderBy(asc(messages.seq), asc(messages.noteSeq))
				.limit(atMost('limit')),
		),
	};
	const countUnread = prepared(
		db
			.select({ n: count() })
			.from(messages)
			.where(
				and(
					inConversation,
					gt(messages.seq, held('after')),
					eq(messages.noteSeq, 0),
					eq(messages.kind, 'text'),
					isNull(messages.deletedAt),
					// what stands on the other side: side 1 is one user, all others are side 2
					sql`(${messages.sender} = ${held('one')}) = ${held('fromOne')}`,
				),
			),
	);

	/**
	 * What one user takes part in. note: the site stands with each side, or SQLite goes through every conversation of the site
	 * instead of through the indexes of both sides
	 */
	const takesPart = (site: SQL | number, user: SQL | number) =>
		or(
			and(eq(conversations.participantOne, user), eq(conversations.site, site)),
			and(eq(conversations.participantTwo, user), eq(conversations.site, site)),
		);
	const mine = takesPart(held('site'), held('user'));
	const own = (one: 'archivedOne' | 'unreadOne', two: 'archivedTwo' | 'unreadTwo') =>
		sql`case when ${conversations.participantOne} = ${held('user')} then ${conversations[one]} else ${conversations[two]} end`;
	const filter = and(
		sql`(${held('type')} is null or ${conversations.type} = ${held('type')})`,
		sql`(${held('status')} is null or ${conversations.status} = ${held('status')})`,
		mine,
		sql`(${held('archived')} is null or ${own('archivedOne', 'archivedTwo')} = ${held('archived')})`,
		sql`(${held('unread')} = 0 or ${own('unreadOne', 'unreadTwo')} > 0)`,
	);
	const page = prepared(
		db
			.select()
			.from(conversations)
			.where(filter)
			.orderBy(desc(conversations.lastActivityAt), desc(conversations.pk))
			.limit(atMost('limit'))
			.offset(p('offset')),
	);
	const total = prepared(db.select({ n: count() }).from(conversations).where(filter));
	const unreadTotal = prepared(
		db
			.select({ n: sql<number>`coalesce(sum(${own('unreadOne', 'unreadTwo')}), 0)` })
			.from(conversations)
			.where(and(eq(conversations.type, held('type')), mine)),
	);
	const unanswered = prepared(
		db
			.select({ n: count() })
			.from(conversations)
			.where(
				and(
					eq(conversations.site, held('site')),
					eq(conversations.participantOne, held('user')),
					eq(conversations.type, held('type')),
					ne(conversations.status, 'closed'),
					eq(conversations.sentTwo, 0),
				),
			),
	);

	const userId = prepared(
		db
			.select({ id: users.id })
			.from(users)
			.where(eq(users.pk, p('pk'))),
	);
	const messageId = prepared(
		db
			.select({ id: messages.id })
			.from(messages)
			.where(eq(messages.pk, p('pk'))),
	);
	/**
	 * Adds the public ids of senders and of what was answered. A page has few senders and fewer answers, so asking for each
	 * once costs less than a join on every row.
	 */
	const withIds = step(function* <R extends Pick<MessageRow, 'sender' | 'replyTo'>>(
		tx: Tx,
		rows: R[],
	): Steps<(R & PublicIds)[]> {
		// note: maps, because an object with a large number for a key costs more than what is asked for here
		const senders = new Map<number, string>();
		const answered = new Map<number, string>();
		for (const { sender, replyTo } of rows) {
			if (sender !== null && !senders.has(sender))
				senders.set(sender, (yield* tx.get(userId, { pk: sender }))?.id ?? '');
			if (replyTo !== null && !answered.has(replyTo))
				answered.set(replyTo, (yield* tx.get(messageId, { pk: replyTo }))?.id ?? '');
		}
		return rows.map((row) =>
			Object.assign(row, {
				senderId: senders.get(row.sender ?? 0) ?? null,
				replyToId: answered.get(row.replyTo ?? 0) ?? null,
			}),
		);
	});

	/** Whose act it is, where that decides who is told of it. `silent`: one of the two has blocked the other. */
	interface Act {
		by: number | null;
		silent: boolean;
	}
	/** tell records an event for both sides of a conversation; what concerns a note for the desk alone. */
	const tell = step(function* (
		tx,
		row: ConversationRow,
		type: EventType,
		message?: { pk: number; noteSeq: number },
		{ by, silent }: Act = { by: null, silent: false },
	) {
		const { site, pk: conversation, participantOne: one, participantTwo: two } = row;
		const hidden = (message?.noteSeq ?? 0) > 0;
		yield* events.record(
			tx,
			{ site, type, conversation, message: message?.pk },
			two === null ? { in: 'ticket', requester: one, hidden } : { in: 'chat', one, two, by, blocked: silent },
		);
	});
	/** tellSide records what one side does for itself. */
	const tellSide = step(function* (tx, row: ConversationRow, type: EventType, side: Side) {
		const { site, pk: conversation, participantOne: one, participantTwo: two } = row;
		const user = side === 1 ? one : two;
		yield* events.record(
			tx,
			{ site, type, conversation },
			user === null ? { in: 'desk' } : { in: 'side', user, ofTicket: two === null },
		);
	});
	const update = step(function* (tx, row: ConversationRow, changes: Partial<ConversationRow>) {
		yield* tx.run(
			db
				.update(conversations)
				.set(changes)
				.where(and(eq(conversations.site, row.site), eq(conversations.pk, row.pk))),
		);
	});
	const updateMessage = step(function* (tx, row: MessageRow, changes: Partial<MessageRow>) {
		yield* tx.run(
			db
				.update(messages)
				.set(changes)
				.where(and(eq(messages.site, row.site), eq(messages.pk, row.pk))),
		);
	});
	/** Counts what a side has not read after a seq: text of the other side, not deleted. */
	const unreadAfter = step(function* (tx, row: ConversationRow, reader: Side, after: number) {
		if (after >= row.lastSeq) return 0;
		const whose = { site: row.site, conversation: row.pk, one: row.participantOne, fromOne: Number(reader === 2) };
		return (yield* tx.get(countUnread, { ...whose, after }))?.n ?? 0;
	});
	/** Remembers that a user has written where they are no participant, so that their words are found again. */
	const noteWriter = step(function* (tx, row: ConversationRow, user: number) {
		if (user === row.participantOne || user === row.participantTwo) return;
		yield* tx.run(db.insert(conversationWriters).values({ user, conversation: row.pk }).onConflictDoNothing());
	});
	/** Takes a message's text out of the database, with its earlier texts and reactions; the row stays as a tombstone. */
	const empty = step(function* (tx, row: MessageRow) {
		yield* search.forgetMessage(tx, row);
		yield* tx.run(db.update(messageEdits).set({ text: null }).where(eq(messageEdits.message, row.pk)));
		if (row.reacted) yield* tx.run(db.delete(reactions).where(eq(reactions.message, row.pk)));
		yield* updateMessage(tx, row, {
			text: null,
			metadata: null,
			clientDigest: null,
			reacted: false,
			deletedAt: row.deletedAt ?? tx.now,
		});
	});

	/** list is a page of a user's conversations, newest activity first, and how many there are. */
	const list = step(function* (
		tx,
		site: number,
		query: {
			/** null: of both types. */
			type: ConversationRow['type'] | null;
			status?: ConversationRow['status'] | undefined;
			user: number;
			archived: boolean | null;
			unread: boolean;
			limit: number;
			offset: number;
		},
	) {
		const { type, status = null, user, limit, offset } = query;
		const unread = Number(query.unread);
		const archived = query.archived === null ? null : Number(query.archived);
		const rows = yield* tx.all(page, { site, type, status, user, archived, unread, limit, offset });
		const n = (yield* tx.get(total, { site, type, status, user, archived, unread }))?.n ?? 0;
		return { rows, total: n };
	});

	return {
		find: step(function* (tx, site: number, id: string) {
			return yield* tx.get(byId, { site, id });
		}),
		findByKey: step(function* (tx, site: number, pk: number) {
			return yield* tx.get(byKey, { site, pk });
		}),
		findPair: step(function* (tx, site: number, a: number, b: number) {
			return yield* tx.get(byPair, { site, a, b });
		}),
		/** start makes a conversation. `participantTwo` is null where the other side is the desk. */
		start: step(function* (
			tx,
			site: number,
			row: Pick<ConversationRow, 'id' | 'type' | 'status' | 'participantOne' | 'participantTwo'> & {
				metadata?: ConversationRow['metadata'];
			},
		) {
			const made = yield* tx.get(
				db
					.insert(conversations)
					.values({ ...row, site, createdAt: tx.now, lastActivityAt: tx.now, activeMinute: minuteOf(tx.now) })
					.returning(),
			);
			yield* sites.count(tx, site, row.type === 'p2p' ? 'p2pConversations' : 'tickets');
			// a ticket has an event of its own, once it is one
			if (row.type === 'p2p') yield* tell(tx, made, 'conversation.created');
			return made;
		}),

		/**
		 * append stores a message as the next of its conversation, or a note behind its newest message. Under a clientMessageId
		 * that was used before, nothing changes and the stored message comes back with `created: false`.
		 */
		append: step(function* (tx, row: ConversationRow, from: { pk: number; id: string; side: Side }, draft: Draft) {
			const isNote = draft.kind === 'note';
			const seq = isNote ? row.lastSeq : row.lastSeq + 1;
			const noteSeq = isNote ? row.lastNoteSeq + 1 : 0;
			const names = { site: row.site, conversation: row.pk, sender: from.pk };
			const { changes, lastInsertRowid } = yield* tx.run(insertMessage, {
				...names,
				id: draft.id,
				seq,
				noteSeq,
				kind: draft.kind,
				text: draft.text,
				replyTo: draft.replyTo?.pk ?? null,
				clientMessageId: draft.clientMessageId,
				clientDigest: draft.clientDigest,
				metadata: draft.metadata ? JSON.stringify(draft.metadata) : null,
				now: tx.now,
			});
			if (changes === 0) {
				const stored = yield* tx.get(byClientId, { ...names, clientMessageId: draft.clientMessageId });
				if (!stored) throw new Error('a message was refused that is not there');
				const [message] = yield* withIds(tx, [stored]);
				return { created: false, message: message as MessageEntry };
			}
			if (isNote) yield* update(tx, row, { lastNoteSeq: noteSeq });
			else {
				yield* tx.run(advances[from.side], { site: row.site, conversation: row.pk, seq, now: tx.now });
				const activeMinute = minuteOf(tx.now);
				if (activeMinute !== row.activeMinute) yield* update(tx, row, { activeMinute });
				yield* sites.count(tx, row.site, 'messages');
			}
			if (row.type === 'support') yield* noteWriter(tx, row, from.pk);
			yield* tell(tx, row, 'message.created', { pk: lastInsertRowid, noteSeq });
			const message: MessageEntry = {
				...draft,
				pk: lastInsertRowid,
				site: row.site,
				conversation: row.pk,
				seq,
				noteSeq,
				sender: from.pk,
				replyTo: draft.replyTo?.pk ?? null,
				reacted: false,
				evidenceOf: null,
				editedAt: null,
				deletedAt: null,
				createdAt: tx.now,
				senderId: from.id,
				replyToId: draft.replyTo?.id ?? null,
			};
			return { created: true, message };
		}),
		/**
		 * announce writes a system message: it takes the next seq and is nobody's, so it is never unread. Returns the
		 * conversation as it then is. `metadata` says the same to programs.
		 */
		announce: step(function* (tx, row: ConversationRow, id: string, text: string, metadata: MessageRow['metadata']) {
			const seq = row.lastSeq + 1;
			const { site, pk: conversation } = row;
			const { lastInsertRowid: pk } = yield* tx.run(
				db.insert(messages).values({ id, site, conversation, seq, kind: 'system', text, metadata, createdAt: tx.now }),
			);
			const changes = { lastSeq: seq, lastActivityAt: tx.now, activeMinute: minuteOf(tx.now) };
			yield* update(tx, row, changes);
			yield* tell(tx, row, 'message.created', { pk, noteSeq: 0 });
			return { ...row, ...changes };
		}),
		/**
		 * keep copies messages of another conversation into this one as notes, with who wrote them and their earlier texts:
		 * the evidence of a report, which stays as it is whatever becomes of them.
		 */
		keep: step(function* (
			tx,
			row: ConversationRow,
			kept: { id: string; message: ListedMessage; metadata: MessageRow['metadata'] }[],
		) {
			let noteSeq = row.lastNoteSeq;
			for (const { id, message, metadata } of kept) {
				noteSeq++;
				const { lastInsertRowid: pk } = yield* tx.run(
					db.insert(messages).values({
						id,
						site: row.site,
						conversation: row.pk,
						seq: row.lastSeq,
						noteSeq,
						sender: message.sender,
						kind: 'note',
						text: message.text,
						metadata,
						evidenceOf: message.pk,
						editedAt: message.editedAt,
						deletedAt: message.deletedAt,
						createdAt: tx.now,
					}),
				);
				yield* tx.run(
					db.insert(messageEdits).select(
						db
							.select({
								pk: sql<number>`null`.as('pk'),
								message: sql<number>`${pk}`.as('message'),
								text: messageEdits.text,
								replacedAt: messageEdits.replacedAt,
							})
							.from(messageEdits)
							.where(eq(messageEdits.message, message.pk)),
					),
				);
				if (message.sender !== null) yield* noteWriter(tx, row, message.sender);
				yield* tell(tx, row, 'message.created', { pk, noteSeq });
			}
			yield* update(tx, row, { lastNoteSeq: noteSeq });
		}),
		/** moveTo changes where a ticket stands. */
		moveTo: step(function* (tx, row: ConversationRow, status: ConversationRow['status']) {
			yield* update(tx, row, { status });
			return { ...row, status };
		}),

		/** findByClientId is the message that a sender stored under an id of their own. */
		findByClientId: step(function* (tx, row: ConversationRow, from: number, clientMessageId: string) {
			const found = yield* tx.get(byClientId, { site: row.site, conversation: row.pk, sender: from, clientMessageId });
			return found && (yield* withIds(tx, [found]))[0];
		}),
		/** findMessage is a message of a conversation; a note only for those who see notes. */
		findMessage: step(function* (tx, row: ConversationRow, id: string, notes: boolean) {
			const found = yield* tx.get(byMessageId, { site: row.site, conversation: row.pk, id });
			return found && (found.noteSeq === 0 || notes) ? (yield* withIds(tx, [found]))[0] : undefined;
		}),
		/** findMessageByKey is a message of any conversation of a site, notes too. */
		findMessageByKey: step(function* (tx, site: number, pk: number) {
			return yield* tx.get(messageByKey, { site, pk });
		}),
		/** userIdOf and messageIdOf are the public ids of integer keys that came from a row. */
		userIdOf: step(function* (tx, pk: number) {
			return (yield* tx.get(userId, { pk }))?.id ?? '';
		}),
		messageIdOf: step(function* (tx, pk: number) {
			return (yield* tx.get(messageId, { pk }))?.id ?? '';
		}),
		/** reactorsOf tells of each emoji on a message whose it is, in the order in which they came. */
		reactorsOf: step(function* (tx, message: Pick<MessageRow, 'pk'>) {
			return yield* tx.all(
				db
					.select({ emoji: reactions.emoji, userId: users.id })
					.from(reactions)
					.innerJoin(users, eq(users.pk, reactions.user))
					.where(eq(reactions.message, message.pk))
					.orderBy(asc(reactions.createdAt), asc(reactions.emoji), asc(reactions.user)),
			);
		}),
		/** findAnywhere is a message of any conversation of a site, with its conversation. */
		findAnywhere: step(function* (tx, site: number, id: string) {
			const found = yield* tx.get(anywhere, { site, id });
			const [message] = found ? yield* withIds(tx, [found.message]) : [];
			return found && message && { row: found.row, message };
		}),
		/** range reads the messages with `from` < seq ≤ `to`, in order. seq has no gap, so every page is such a range. */
		range: step(function* (tx, row: ConversationRow, from: number, to: number) {
			return yield* withIds(tx, yield* tx.all(range, { site: row.site, conversation: row.pk, from, to }));
		}),
		/** Pages with the notes among the messages, in order: the `page`-th newest, those before a place, or those from a place on. */
		pageWithNotes: step(function* (tx, row: ConversationRow, limit: number, offset: number) {
			const names = { site: row.site, conversation: row.pk };
			return (yield* withIds(tx, yield* tx.all(withNotes.page, { ...names, limit, offset }))).reverse();
		}),
		beforeWithNotes: step(function* (tx, row: ConversationRow, place: Place, limit: number) {
			const names = { site: row.site, conversation: row.pk, seq: place.seq, noteSeq: place.noteSeq };
			return (yield* withIds(tx, yield* tx.all(withNotes.before, { ...names, limit }))).reverse();
		}),
		fromWithNotes: step(function* (tx, row: ConversationRow, place: Place, limit: number) {
			const names = { site: row.site, conversation: row.pk, seq: place.seq, noteSeq: place.noteSeq };
			return yield* withIds(tx, yield* tx.all(withNotes.from, { ...names, limit }));
		}),
		/** earlierTexts are the texts that edited messages had before, oldest first. */
		earlierTexts: step(function* (tx, rows: Pick<MessageRow, 'pk' | 'editedAt'>[]) {
			const edited = rows.filter((row) => row.editedAt !== null).map((row) => row.pk);
			if (edited.length === 0) return [] as EarlierText[];
			return yield* tx.all(
				db
					.select({ message: messageEdits.message, text: messageEdits.text, replacedAt: messageEdits.replacedAt })
					.from(messageEdits)
					.where(inArray(messageEdits.message, edited))
					.orderBy(asc(messageEdits.pk)),
			);
		}),
		/** reactionsOf counts the reactions of messages, in the order in which each emoji first came. */
		reactionsOf: step(function* (tx, rows: Pick<MessageRow, 'pk' | 'reacted'>[], viewer: number) {
			const reacted = rows.filter((row) => row.reacted).map((row) => row.pk);
			if (reacted.length === 0) return [] as ReactionCount[];
			const found = yield* tx.all(
				db
					.select({
						message: reactions.message,
						emoji: reactions.emoji,
						count: count(),
						mine: sql<number>`max(${reactions.user} = ${viewer})`,
					})
					.from(reactions)
					.where(inArray(reactions.message, reacted))
					.groupBy(reactions.message, reactions.emoji)
					.orderBy(sql`min(${reactions.createdAt})`, asc(reactions.emoji)),
			);
			return found.map((item): ReactionCount => ({ ...item, mine: item.mine === 1 }));
		}),
		/** Of each conversation its newest message, by the conversation's integer key. */
		lastMessages: step(function* (tx, rows: ConversationRow[]) {
			const found: MessageRow[] = [];
			// note: one by one, because a statement that is kept costs less than one that names them all and is made anew
			for (const { pk, lastSeq } of rows) {
				const message = lastSeq === 0 ? undefined : yield* tx.get(bySeq, { conversation: pk, seq: lastSeq });
				if (message) found.push(message);
			}
			const newest = new Map<number, MessageEntry>();
			for (const item of yield* withIds(tx, found)) newest.set(item.conversation, item);
			return newest;
		}),
		/** Profiles of both sides of conversations, by the user's integer key. */
		participants: step(function* (tx, rows: ConversationRow[]) {
			const pks = new Set(
				rows.flatMap((row) =>
					row.participantTwo === null ? [row.participantOne] : [row.participantOne, row.participantTwo],
				),
			);
			if (pks.size === 0) return new Map<number, typeof users.$inferSelect>();
			const found = yield* tx.all(
				db
					.select()
					.from(users)
					.where(inArray(users.pk, [...pks])),
			);
			return new Map(found.map((user) => [user.pk, user]));
		}),

		list,
		/**
		 * byActivity is a page of a site's conversations in some statuses, newest activity first, and how many there are.
		 * `from`, `to`: milliseconds, to the minute. `only`: a condition on `conversations`. `among`: only these few, by integer key.
		 * `known`: how many there are, where counters tell: to count a hundred thousand takes longer than to read the page.
		 */
		byActivity: step(function* (
			tx,
			site: number,
			query: {
				statuses: readonly ConversationRow['status'][];
				from?: number | undefined;
				to?: number | undefined;
				only?: SQL | undefined;
				among?: number[] | undefined;
				known?: number | undefined;
				limit: number;
				offset: number;
			},
		) {
			const { statuses, from, to, only, among, known, limit, offset } = query;
			const chosen = (more?: SQL) =>
				and(
					from === undefined ? undefined : gte(conversations.activeMinute, minuteOf(from)),
					to === undefined ? undefined : lte(conversations.activeMinute, minuteOf(to)),
					only,
					more,
				);
			if (among !== undefined) {
				const where = and(isAmong(among, site, statuses), chosen());
				const total = (yield* tx.get(db.select({ n: count() }).from(conversations).where(where)))?.n ?? 0;
				const rows = yield* tx.all(
					db
						.select()
						.from(conversations)
						.where(where)
						.orderBy(desc(conversations.lastActivityAt), desc(conversations.pk))
						.limit(limit)
						.offset(offset),
				);
				return { rows, total };
			}
			const of = (status: ConversationRow['status'], more?: SQL) =>
				and(eq(conversations.site, site), eq(conversations.status, status), chosen(more));
			const total =
				known ??
				(yield* tx.get(
					db
						.select({ n: count() })
						.from(conversations)
						.where(and(eq(conversations.site, site), inArray(conversations.status, statuses), chosen())),
				))?.n ??
				0;
			if (offset >= total) return { rows: [] as ConversationRow[], total };
			/** The statuses' parts of the index, each in order, read merged. */
			const merged = (parts: unknown[]) =>
				// biome-ignore lint/suspicious/noExplicitAny: Drizzle types a union by the number of its parts, which is only known here
				(parts.length === 1 ? parts[0] : (unionAll as any)(...parts)) as any;
			// note: pages far down are found by the index alone, to the minute; only the page's own rows are read
			let skip = offset;
			let start: number | undefined;
			if (offset > 0) {
				const minutes = merged(
					statuses.map((status) =>
						db.select({ activeMinute: conversations.activeMinute }).from(conversations).where(of(status)).$dynamic(),
					),
				);
				// looked back over as many as a page has: rarely do more share a minute
				const before = Math.min(offset, limit - 1);
				const found = yield* tx.all<{ activeMinute: number }[]>(
					minutes
						.orderBy(sql`1 desc`)
						.limit(before + 1)
						.offset(offset - before),
				);
				start = found.at(-1)?.activeMinute ?? 0;
				// those of the same minute that stand before the page are skipped; where it began further back, it is counted
				const begun = found.findIndex(({ activeMinute }) => activeMinute === start);
				skip = before - begun;
				if (begun === 0 && before < offset) {
					const newer = and(inArray(conversations.status, statuses), chosen(gt(conversations.activeMinute, start)));
					const n =
						(yield* tx.get(
							db
								.select({ n: count() })
								.from(conversations)
								.where(and(eq(conversations.site, site), newer)),
						))?.n ?? 0;
					skip = offset - n;
				}
			}
			const older = start === undefined ? undefined : lte(conversations.activeMinute, start);
			const { pk, activeMinute, lastActivityAt } = conversations;
			const keys = yield* tx.all<{ pk: number }[]>(
				merged(
					statuses.map((status) =>
						db.select({ pk, activeMinute, lastActivityAt }).from(conversations).where(of(status, older)).$dynamic(),
					),
				)
					.orderBy(sql`active_minute desc`, sql`last_activity_at desc`, sql`pk desc`)
					.limit(limit)
					.offset(skip),
			);
			const rows: ConversationRow[] = [];
			for (const key of keys) {
				const row = yield* tx.get(byKey, { site, pk: key.pk });
				if (row) rows.push(row);
			}
			return { rows, total };
		}),
		/** chats is how many conversations of two users a site has, by its daily counters. */
		chats: step(function* (tx, site: number) {
			return (yield* sites.days(tx, site)).reduce((sum, { p2pConversations }) => sum + p2pConversations, 0);
		}),
		/** keysOf are the integer keys of the newest conversations that some users take part in. */
		keysOf: step(function* (tx, site: number, people: number[], limit: number) {
			if (people.length === 0) return [];
			const rows = yield* tx.all(
				db
					.select({ pk: conversations.pk })
					.from(conversations)
					.where(
						or(
							and(inArray(conversations.participantOne, people), eq(conversations.site, site)),
							and(inArray(conversations.participantTwo, people), eq(conversations.site, site)),
						),
					)
					.orderBy(desc(conversations.pk))
					.limit(limit),
			);
			return rows.map(({ pk }) => pk);
		}),
		/** unread is how much a user has not read in their own conversations of one type: in all, and in the newest of them. */
		unread: step(function* (tx, site: number, type: ConversationRow['type'], user: number, limit: number) {
			const rest = { archived: null, unread: true, limit, offset: 0 };
			const { rows, total: n } = yield* list(tx, site, { type, user, ...rest });
			return {
				total: (yield* tx.get(unreadTotal, { site, type, user }))?.n ?? 0,
				conversations: rows.map((row) => ({ id: row.id, unreadCount: row[sideState[sideOf(row, user)].unread] })),
				hasMore: n > rows.length,
			};
		}),
		/** unanswered counts the conversations a user started in which the other has never written. */
		unanswered: step(function* (tx, site: number, type: ConversationRow['type'], user: number) {
			return (yield* tx.get(unanswered, { site, type, user }))?.n ?? 0;
		}),

		/** edits is how often a message was edited. */
		edits: step(function* (tx, message: Pick<MessageRow, 'pk'>) {
			const where = eq(messageEdits.message, message.pk);
			return (yield* tx.get(db.select({ n: count() }).from(messageEdits).where(where)))?.n ?? 0;
		}),
		/** edit replaces a text and keeps the earlier one. */
		edit: step(function* (tx, row: ConversationRow, message: MessageEntry, text: string) {
			yield* search.forgetMessage(tx, message);
			yield* tx.run(db.insert(messageEdits).values({ message: message.pk, text: message.text, replacedAt: tx.now }));
			yield* updateMessage(tx, message, { text, editedAt: tx.now });
			yield* search.rememberMessage(tx, row, { ...message, text });
			yield* tell(tx, row, 'message.updated', message);
			return { ...message, text, editedAt: tx.now };
		}),
		/** remove leaves a tombstone; an unread one no longer counts. */
		remove: step(function* (tx, row: ConversationRow, message: MessageEntry, act: Act) {
			yield* empty(tx, message);
			const reader = message.sender === null ? null : otherSide(sideOf(row, message.sender));
			if (reader !== null && message.kind === 'text' && message.seq > row[sideState[reader].readSeq])
				yield* update(tx, row, { [sideState[reader].unread]: Math.max(0, row[sideState[reader].unread] - 1) });
			yield* tell(tx, row, 'message.deleted', message, act);
			return { ...message, text: null, metadata: null, reacted: false, deletedAt: tx.now };
		}),

		/** read moves a side's pointers forward to a seq, and returns what is still unread. */
		read: step(function* (tx, row: ConversationRow, reader: Side, seq: number) {
			const state = sideState[reader];
			const seenSeq = Math.max(row[state.seenSeq], seq);
			const readSeq = Math.max(row[state.readSeq], seq);
			const unread = yield* unreadAfter(tx, row, reader, readSeq);
			if (seenSeq === row[state.seenSeq] && readSeq === row[state.readSeq] && unread === row[state.unread])
				return unread;
			yield* update(tx, row, { [state.seenSeq]: seenSeq, [state.readSeq]: readSeq, [state.unread]: unread });
			// the receipt is for both, the badge for one's own devices
			if (seenSeq > row[state.seenSeq]) yield* tell(tx, row, 'conversation.read');
			else yield* tellSide(tx, row, 'conversation.read', reader);
			return unread;
		}),
		/** markUnread moves the badge back to before a seq; the receipt stays. */
		markUnread: step(function* (tx, row: ConversationRow, reader: Side, seq: number) {
			const state = sideState[reader];
			const readSeq = Math.min(row[state.readSeq], seq - 1);
			const unread = yield* unreadAfter(tx, row, reader, readSeq);
			if (readSeq === row[state.readSeq] && unread === row[state.unread]) return unread;
			yield* update(tx, row, { [state.readSeq]: readSeq, [state.unread]: unread });
			yield* tellSide(tx, row, 'conversation.read', reader);
			return unread;
		}),
		/** archive puts a conversation away, or brings it back, for one side. */
		archive: step(function* (tx, row: ConversationRow, side: Side, archived: boolean) {
			if (row[sideState[side].archived] === archived) return row;
			const changes = { [sideState[side].archived]: archived };
			yield* update(tx, row, changes);
			yield* tellSide(tx, row, 'conversation.updated', side);
			return { ...row, ...changes };
		}),
		/** clearBadges: between users of whom one has blocked the other nothing counts as unread. */
		clearBadges: step(function* (tx, site: number, a: number, b: number) {
			const row = yield* tx.get(byPair, { site, a, b });
			if (!row) return;
			yield* update(tx, row, { readSeqOne: row.lastSeq, readSeqTwo: row.lastSeq, unreadOne: 0, unreadTwo: 0 });
		}),

		/** react sets or takes back one user's emoji; returns whether anything changed. */
		react: step(function* (tx, row: ConversationRow, message: MessageEntry, user: number, emoji: string, on: boolean) {
			const own = and(eq(reactions.message, message.pk), eq(reactions.emoji, emoji), eq(reactions.user, user));
			const { changes } = on
				? yield* tx.run(
						db.insert(reactions).values({ message: message.pk, emoji, user, createdAt: tx.now }).onConflictDoNothing(),
					)
				: yield* tx.run(db.delete(reactions).where(own));
			if (changes === 0) return false;
			const left =
				on ||
				(yield* tx.get(
					db.select({ user: reactions.user }).from(reactions).where(eq(reactions.message, message.pk)).limit(1),
				)) !== undefined;
			if (left !== message.reacted) yield* updateMessage(tx, message, { reacted: left });
			yield* tell(tx, row, 'message.reaction', message);
			return true;
		}),

		/** ticketOf is the newest ticket of one of two users in which the other has written. */
		ticketOf: step(function* (tx, site: number, a: number, b: number) {
			const wrote = (one: number, other: number) =>
				and(
					eq(conversationWriters.user, one),
					eq(conversations.participantOne, other),
					eq(conversations.site, site),
					// a note is none of the requester's business, not even who wrote it
					sql`exists (select 1 from ${messages} where ${messages.site} = ${site} and ${messages.conversation} = ${conversations.pk} and ${messages.noteSeq} = 0 and ${messages.sender} = ${one})`,
				);
			return yield* tx.get(
				db
					.select(getTableColumns(conversations))
					.from(conversationWriters)
					.innerJoin(conversations, eq(conversations.pk, conversationWriters.conversation))
					.where(and(inArray(conversationWriters.user, [a, b]), or(wrote(a, b), wrote(b, a))))
					.orderBy(desc(conversations.pk))
					.limit(1),
			);
		}),
		/** ofUser lists the conversations in which a user's words may stand, by integer key, for export and erasure. */
		ofUser: step(function* (tx, site: number, user: number) {
			const written = db
				.select({ pk: conversationWriters.conversation })
				.from(conversationWriters)
				.where(eq(conversationWriters.user, user));
			return yield* tx.all(
				db
					.select()
					.from(conversations)
					.where(or(takesPart(site, user), and(inArray(conversations.pk, written), eq(conversations.site, site))))
					.orderBy(asc(conversations.pk)),
			);
		}),
		/** emptyOwn takes a user's texts out of a stretch of a conversation (`from` < seq ≤ `to`): erasure, piece by piece. */
		emptyOwn: step(function* (tx, row: ConversationRow, user: number, from: number, to: number) {
			const stretch = and(
				eq(messages.site, row.site),
				eq(messages.conversation, row.pk),
				gt(messages.seq, from),
				lte(messages.seq, to),
				eq(messages.sender, user),
				// what was deleted before still has the id that its sender made up
				or(isNotNull(messages.text), isNotNull(messages.clientMessageId)),
			);
			for (const message of yield* tx.all(db.select().from(messages).where(stretch))) {
				yield* updateMessage(tx, message, { clientMessageId: null });
				if (message.text === null) continue;
				yield* empty(tx, message);
				yield* tell(tx, row, 'message.deleted', message);
			}
			const reader = otherSide(sideOf(row, user));
			if (to >= row.lastSeq) {
				const unread = yield* unreadAfter(tx, row, reader, row[sideState[reader].readSeq]);
				yield* update(tx, row, { [sideState[reader].unread]: unread });
			}
		}),
		/** forgetMetadata empties what was noted beside a conversation. */
		forgetMetadata: step(function* (tx, row: ConversationRow) {
			if (row.metadata !== null) yield* update(tx, row, { metadata: null });
		}),
		removeReactionsOf: step(function* (tx, user: number) {
			yield* tx.run(db.delete(reactions).where(eq(reactions.user, user)));
		}),
	};
};
export type MessagingSteps = ReturnType<typeof messagingSteps>;
