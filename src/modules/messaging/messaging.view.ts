import { iso, isoOrNull } from '../../kernel/clock.ts';
import type { users } from '../users/users.tables.ts';
import { profileOf } from '../users/users.view.ts';
import type { Conversation, Message } from './messaging.schema.ts';
import { otherSide, type Side, sideOf, sideState } from './messaging.sides.ts';
import type { ConversationRow, EarlierText, ListedMessage, MessageEntry, ReactionCount } from './messaging.steps.ts';

/** Pure: rows as the API shows them. */

const none: Message['reactions'] = [];

/** messageView is a message; `reactions` are those of this message. */
export const messageView = (row: ConversationRow, message: ListedMessage, reactions: ReactionCount[]): Message => {
	const from: Side = message.sender === null ? 2 : sideOf(row, message.sender);
	return {
		id: message.id,
		conversationId: row.id,
		senderId: message.senderId,
		seq: message.seq,
		kind: message.kind,
		content: message.text === null ? {} : { text: message.text },
		// a note is not for the other side to see
		isRead: (message.noteSeq ?? 0) === 0 && message.seq <= row[sideState[otherSide(from)].seenSeq],
		replyTo: message.replyToId,
		reactions: reactions.length === 0 ? none : reactions.map(({ emoji, count, mine }) => ({ emoji, count, mine })),
		clientMessageId: message.clientMessageId,
		metadata: message.metadata,
		editedAt: isoOrNull(message.editedAt),
		deletedAt: isoOrNull(message.deletedAt),
		createdAt: iso(message.createdAt),
	};
};

/** deskMessageView is a message as the desk sees it: with its earlier texts, and with what is particular to notes. */
export const deskMessageView = (
	row: ConversationRow,
	message: ListedMessage,
	reactions: ReactionCount[],
	earlier: EarlierText[],
): Message => ({
	...messageView(row, message, reactions),
	...((message.noteSeq ?? 0) > 0 && { noteSeq: message.noteSeq, isEvidence: (message.evidenceOf ?? null) !== null }),
	...(earlier.length > 0 && {
		earlierTexts: earlier.map(({ text, replacedAt }) => ({ text, replacedAt: iso(replacedAt) })),
	}),
});

/** conversationView is a conversation as one side sees it. */
export const conversationView = (
	row: ConversationRow,
	side: Side,
	people: Map<number, typeof users.$inferSelect>,
	last: MessageEntry | undefined,
	lastReactions: ReactionCount[],
): Conversation => {
	const one = people.get(row.participantOne);
	const two = row.participantTwo === null ? undefined : people.get(row.participantTwo);
	return {
		id: row.id,
		type: row.type,
		participantOne: one?.id ?? '',
		participantTwo: two?.id ?? null,
		participants: [one, two].filter((user) => user !== undefined).map(profileOf),
		status: row[sideState[side].archived] ? 'archived' : 'active',
		messageCount: row.messageCount,
		unreadCountP1: row.unreadOne,
		unreadCountP2: row.unreadTwo,
		unreadCount: row[sideState[side].unread],
		lastMessage: last ? messageView(row, last, lastReactions) : null,
		lastMessageAt: last ? iso(last.createdAt) : null,
		metadata: row.metadata,
		createdAt: iso(row.createdAt),
	};
};
