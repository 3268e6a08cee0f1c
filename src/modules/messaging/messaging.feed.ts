import type { Steps, Tx } from '../../db/step.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import type { Kept } from '../events/feed.ts';
import type { EventMessage, ReadState } from './messaging.schema.ts';
import type { ConversationRow, MessageEntry, MessagingSteps } from './messaging.steps.ts';
import { deskMessageView, messageView } from './messaging.view.ts';

/** What of a conversation's events is the same for p2p and support: the same for everybody who is told. */

/** A message of an event, with what its audiences are shown beside its own row. */
interface MessageFacts {
	message: MessageEntry;
	reactions: EventMessage['reactions'];
}

/** Which of the conversation's counts an audience is shown. */
export type Counts = Pick<EventMessage, 'unreadCountP1' | 'unreadCountP2'>;

/** messageOfEvent is a message as an event carries it. `desk`: with what is for the desk alone. */
export const messageOfEvent = (
	row: ConversationRow,
	facts: MessageFacts,
	counts: Counts,
	desk = false,
): EventMessage => {
	const { message, reactions } = facts;
	const shown = desk ? deskMessageView(row, message, [], []) : messageView(row, message, []);
	return { ...shown, reactions, messageCount: row.messageCount, ...counts };
};

/** readStateOf is how far both sides have read. `counts`: those that its audience is shown. */
export const readStateOf = (row: ConversationRow, counts: Counts): ReadState => ({
	id: row.id,
	seenSeqP1: row.seenSeqOne,
	seenSeqP2: row.seenSeqTwo,
	...counts,
});

/** lookUp reads what events refer to, as far as that was not read for others. */
export const lookUp = (messaging: MessagingSteps) => {
	const userId = function* (tx: Tx, pk: number, { userIds }: Kept): Steps<string> {
		const known = userIds.get(pk);
		if (known !== undefined) return known;
		const id = yield* messaging.userIdOf(tx, pk);
		userIds.set(pk, id);
		return id;
	};
	return {
		/** row is the conversation of an event. */
		row: function* (
			tx: Tx,
			{ site, conversation = 0 }: StoredEvent,
			{ conversations }: Kept,
		): Steps<ConversationRow | undefined> {
			const known = conversations.get(conversation);
			if (known !== undefined) return known as ConversationRow;
			const row = yield* messaging.findByKey(tx, site, conversation);
			conversations.set(conversation, row);
			return row;
		},
		/** message is that of an event. note: without earlier texts, which may be twenty times as long; a page of messages has them */
		message: function* (tx: Tx, { site, message: pk = 0 }: StoredEvent, kept: Kept): Steps<MessageFacts | null> {
			const row = yield* messaging.findMessageByKey(tx, site, pk);
			if (!row) return null;
			const { sender, replyTo } = row;
			const message = Object.assign(row, {
				senderId: sender === null ? null : yield* userId(tx, sender, kept),
				replyToId: replyTo === null ? null : yield* messaging.messageIdOf(tx, replyTo),
			});
			return {
				message,
				reactions: row.reacted ? reactionsOf(yield* messaging.reactorsOf(tx, row)) : [],
			};
		},
	};
};

/** Each emoji with whose it is, in the order in which they first came. */
const reactionsOf = (reactors: { emoji: string; userId: string }[]): EventMessage['reactions'] =>
	[...Map.groupBy(reactors, ({ emoji }) => emoji)].map(([emoji, by]) => ({
		emoji,
		count: by.length,
		userIds: by.map(({ userId }) => userId),
	}));
