import type { StoredEvent } from '../../kernel/events.ts';
import type { View } from '../events/feed.ts';
import { type Counts, lookUp, messageOfEvent, readStateOf } from '../messaging/messaging.feed.ts';
import type { EventConversation } from '../messaging/messaging.schema.ts';
import { sideOf } from '../messaging/messaging.sides.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { conversationView } from '../messaging/messaging.view.ts';

/** A conversation of two users as both are told of it; `status` only where one of them is told alone. */
const conversationOf = (
	row: ConversationRow,
	people: Parameters<typeof conversationView>[2],
	{ userA, userB }: StoredEvent,
): EventConversation => {
	const {
		status,
		unreadCount: _,
		lastMessage: __,
		...shared
	} = conversationView(row, sideOf(row, userA ?? 0), people, undefined, []);
	return { ...shared, ...(userB === undefined && { status }) };
};

/** chatView shows the events of conversations of two users. */
export const chatView = (messaging: MessagingSteps): View => {
	const find = lookUp(messaging);
	return function* (tx, event, kept) {
		const row = yield* find.row(tx, event, kept);
		if (!row) return null;
		const conversationId = row.id;
		const counts: Counts = { unreadCountP1: row.unreadOne, unreadCountP2: row.unreadTwo };
		if (event.type === 'conversation.read') return { conversationId, own: readStateOf(row, counts), desk: null };
		if (event.message === undefined) {
			const people = yield* messaging.participants(tx, [row]);
			return { conversationId, own: conversationOf(row, people, event), desk: null };
		}
		const facts = yield* find.message(tx, event, kept);
		return facts && { conversationId, own: messageOfEvent(row, facts, counts), desk: null };
	};
};
