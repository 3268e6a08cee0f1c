import { type AnyColumn, and, inArray, type SQL, sql } from 'drizzle-orm';
import {
	foreignKey,
	index,
	integer,
	primaryKey,
	sqliteTable,
	text,
	unique,
	uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { sites } from '../sites/sites.tables.ts';
import { users } from '../users/users.tables.ts';

/** The lower and the higher of a conversation's two participants: the pair, whoever began. */
// note: not min(a, b): drizzle-kit splits an index expression at its commas
export const pairLow = (t: { participantOne: AnyColumn; participantTwo: AnyColumn }) =>
	sql`case when ${t.participantOne} < ${t.participantTwo} then ${t.participantOne} else ${t.participantTwo} end`;
export const pairHigh = (t: { participantOne: AnyColumn; participantTwo: AnyColumn }) =>
	sql`case when ${t.participantOne} < ${t.participantTwo} then ${t.participantTwo} else ${t.participantOne} end`;

/** Where a ticket can stand. */
export const ticketStatuses = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const;
export const conversationStatuses = ['active', ...ticketStatuses] as const;

/**
 * A sequence of messages with two sides. What both p2p and support need is here; what a ticket adds stands in a table
 * of its own. Counters and pointers live in this row, because a send writes it anyway.
 */
export const conversations = sqliteTable(
	'conversations',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer()
			.notNull()
			.references(() => sites.pk),
		type: text({ enum: ['p2p', 'support'] }).notNull(),
		/** Of a ticket where it stands in the workflow; of two users always `active`. */
		status: text({ enum: conversationStatuses }).notNull().default('active'),
		/** Side 1: who started it, or the requester. */
		participantOne: integer().notNull(),
		/** Side 2: the other user; null where it is the desk as a whole. */
		participantTwo: integer(),
		/** The number of the newest message; the next one takes the next number. */
		lastSeq: integer().notNull().default(0),
		/** The number of the newest note. */
		lastNoteSeq: integer().notNull().default(0),
		messageCount: integer().notNull().default(0),
		/** How many text messages each side has sent. */
		sentOne: integer().notNull().default(0),
		sentTwo: integer().notNull().default(0),
		/** Receipts: the newest message each side has seen. Only grows. */
		seenSeqOne: integer().notNull().default(0),
		seenSeqTwo: integer().notNull().default(0),
		/** Badges: up to here each side counts as read; `unread` moves it back. */
		readSeqOne: integer().notNull().default(0),
		readSeqTwo: integer().notNull().default(0),
		unreadOne: integer().notNull().default(0),
		unreadTwo: integer().notNull().default(0),
		archivedOne: integer({ mode: 'boolean' }).notNull().default(false),
		archivedTwo: integer({ mode: 'boolean' }).notNull().default(false),
		metadata: text({ mode: 'json' }).$type<Record<string, string | number | boolean>>(),
		createdAt: integer().notNull(),
		/** The time of the newest message, or of the start. */
		lastActivityAt: integer().notNull(),
		/**
		 * The minute of it, for the desk's list: newest first by this index, then by the exact time. A second message in the same
		 * minute leaves the index alone, which is one page less to write.
		 */
		activeMinute: integer().notNull(),
	},
	(t) => [
		unique('conversations_by_site').on(t.site, t.pk),
		// One conversation a pair, whoever began. note: an index on expressions that a send does not change costs a send nothing
		uniqueIndex('conversations_by_pair').on(pairLow(t), pairHigh(t)).where(sql`${t.type} = 'p2p'`),
		// note: with the site behind it, so that deleting a user finds their conversations by it, and not all of the site
		index('conversations_by_one').on(t.participantOne, t.site),
		index('conversations_by_two').on(t.participantTwo, t.site),
		// note: one index for every list of the desk, which reads a status by itself or several merged
		index('conversations_by_activity').on(t.site, t.status, t.activeMinute),
		index('conversations_unread_by_desk')
			.on(t.site, t.unreadTwo)
			.where(sql`${t.type} = 'support' and ${t.unreadTwo} > 0`),
		foreignKey({
			name: 'conversations_one',
			columns: [t.site, t.participantOne],
			foreignColumns: [users.site, users.pk],
		}),
		foreignKey({
			name: 'conversations_two',
			columns: [t.site, t.participantTwo],
			foreignColumns: [users.site, users.pk],
		}),
	],
);

type Statuses = readonly (typeof conversationStatuses)[number][];
/** isIn is a condition on the status for where rows are found by something else: with the plus no index is sought by it. */
export const isIn = (statuses: Statuses): SQL => inArray(sql`+${conversations.status}`, [...statuses]);
/**
 * isAmong: a conversation is one of a few, by integer key, in some statuses of a site. note: the pluses, because SQLite
 * knows nothing of how many these are, and would go through all of the site instead of looking up each key
 */
export const isAmong = (keys: number[], site: number, statuses: Statuses): SQL | undefined =>
	and(
		sql`${conversations.pk} in (select value from json_each(${JSON.stringify(keys)}))`,
		sql`+${conversations.site} = ${site}`,
		isIn(statuses),
	);

/** Append-only but for edits and tombstones. What is random in its order is one index: `messages_by_seq`. */
export const messages = sqliteTable(
	'messages',
	{
		pk: integer().primaryKey(),
		id: text().notNull().unique(),
		site: integer().notNull(),
		conversation: integer().notNull(),
		/** 1, 2, 3 … in a conversation without a gap. A note carries the seq it follows. */
		seq: integer().notNull(),
		/** 0 for what everybody in the conversation sees; 1, 2, 3 … for notes. */
		noteSeq: integer().notNull().default(0),
		/**
		 * null for a system message. note: no foreign key: with one, deleting a visitor who never came would read every message of
		 * the server, or every send would have one more index page to write.
		 */
		sender: integer(),
		kind: text({ enum: ['text', 'system', 'note'] }).notNull(),
		/** null after deletion. */
		text: text(),
		replyTo: integer(),
		clientMessageId: text(),
		/** A hash of what was sent under `clientMessageId`, to tell a repeat from a reuse. */
		clientDigest: text(),
		metadata: text({ mode: 'json' }).$type<Record<string, string | number | boolean>>(),
		/** Whether there are rows in `reactions`: spares a look on nearly every list. */
		reacted: integer({ mode: 'boolean' }).notNull().default(false),
		/** Of a note that keeps a reported message as it was: that message. */
		evidenceOf: integer(),
		editedAt: integer(),
		deletedAt: integer(),
		createdAt: integer().notNull(),
	},
	(t) => [
		unique('messages_by_seq').on(t.conversation, t.seq, t.noteSeq),
		// note: in this order a client that sends UUIDv7 appends to the index
		uniqueIndex('messages_by_client_id')
			.on(t.clientMessageId, t.conversation, t.sender)
			.where(sql`${t.clientMessageId} is not null`),
		foreignKey({
			name: 'messages_conversation',
			columns: [t.site, t.conversation],
			foreignColumns: [conversations.site, conversations.pk],
		}),
	],
);

/** Earlier texts of edited messages; shown to the desk, emptied by erasure. */
export const messageEdits = sqliteTable(
	'message_edits',
	{
		pk: integer().primaryKey(),
		message: integer()
			.notNull()
			.references(() => messages.pk),
		text: text(),
		/** When this text was replaced. */
		replacedAt: integer().notNull(),
	},
	(t) => [index('message_edits_by_message').on(t.message)],
);

export const reactions = sqliteTable(
	'reactions',
	{
		message: integer()
			.notNull()
			.references(() => messages.pk),
		emoji: text().notNull(),
		user: integer()
			.notNull()
			.references(() => users.pk),
		createdAt: integer().notNull(),
	},
	(t) => [
		primaryKey({ name: 'reactions_pk', columns: [t.message, t.emoji, t.user] }),
		index('reactions_by_user').on(t.user),
	],
);

/**
 * Users whose words stand in a conversation that they are no part of: the desk's in tickets, and what a report keeps.
 * note: messages have no index by sender, so this is how an erasure finds them
 */
export const conversationWriters = sqliteTable(
	'conversation_writers',
	{
		user: integer()
			.notNull()
			.references(() => users.pk),
		conversation: integer()
			.notNull()
			.references(() => conversations.pk),
	},
	(t) => [
		primaryKey({ name: 'conversation_writers_pk', columns: [t.user, t.conversation] }),
		index('conversation_writers_of').on(t.conversation),
	],
);

/** How far the full-text index has come: one row. */
export const textIndex = sqliteTable('text_index', {
	pk: integer().primaryKey(),
	/** Every text message up to this integer key is in the index. */
	upTo: integer().notNull(),
	/** Whether words were taken out since the last sweep. */
	unswept: integer({ mode: 'boolean' }).notNull().default(false),
});
