import type { Store } from '../../db/open.ts';
import { type Steps, step, type Tx } from '../../db/step.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { pageLimitDefault, reactionsPerMessageMax } from '../../kernel/limits.ts';
import type { UserPrincipal } from '../../kernel/principal.ts';
import { atLeast, type Capability } from '../../kernel/roles.ts';
import type { Standing } from '../users/users.tables.ts';
import type {
	EditMessage,
	MarkRead,
	MarkUnread,
	Message,
	MessagePage,
	MessageQuery,
	SendMessage,
	UnreadCount,
} from './messaging.schema.ts';
import { type Side, sideState } from './messaging.sides.ts';
import type { ConversationRow, MessageEntry, MessagingSteps } from './messaging.steps.ts';
import { cleanEmoji, cleanText, digestOf } from './messaging.text.ts';
import { messageView } from './messaging.view.ts';

/** A conversation as one user meets it. */
export interface Thread {
	row: ConversationRow;
	side: Side;
}

/** A conversation as one user means to write in it. */
export interface Meeting extends Thread {
	/** The user as they are now. */
	me: Standing;
	/** Why this user may not write here now; null when they may. */
	refusal(act: 'send' | 'edit' | 'react' | 'unread'): AppError | null;
}

/** What p2p and support decide each for themselves. */
export interface ThreadPolicy {
	/** The conversation of this id if the user may see it; not_found otherwise. */
	see(tx: Tx, p: UserPrincipal, id: string): Steps<Thread>;
	/** The first line of every write: the principal, read again, still may, and the conversation is theirs to see. */
	meet(tx: Tx, p: UserPrincipal, id: string, capability: Capability): Steps<Meeting>;
}

/** createThreadService: everything one does with the messages of a conversation, the same for p2p and support. */
export const createThreadService = ({
	store,
	messaging,
	policy,
}: {
	store: Store;
	messaging: MessagingSteps;
	policy: ThreadPolicy;
}) => {
	const needMessage = step(function* (tx, row: ConversationRow, id: string) {
		const message = yield* messaging.findMessage(tx, row, id);
		if (!message) throw new AppError('not_found');
		return message;
	});
	const render = step(function* (tx, row: ConversationRow, message: MessageEntry, viewer: number) {
		return messageView(row, message, yield* messaging.reactionsOf(tx, [message], viewer));
	});
	const seqOf = step(function* (tx, row: ConversationRow, id: string) {
		const message = yield* messaging.findMessage(tx, row, id);
		if (!message) throw new AppError('cursor_invalid');
		return message.seq;
	});

	/** The stretch of seqs a query asks for: `from` < seq ≤ `to`, within 0 … lastSeq. */
	const stretch = step(function* (tx, { row, side }: Thread, query: MessageQuery, limit: number) {
		const last = row.lastSeq;
		const within = (from: number, to: number) => ({
			from: Math.max(0, Math.min(from, last)),
			to: Math.max(0, Math.min(to, last)),
		});
		if (query.before !== undefined) {
			const seq = yield* seqOf(tx, row, query.before);
			return within(seq - 1 - limit, seq - 1);
		}
		if (query.after !== undefined) {
			const seq = yield* seqOf(tx, row, query.after);
			return within(seq, seq + limit);
		}
		if (query.around !== undefined) {
			const seq =
				query.around === 'first_unread'
					? Math.min(row[sideState[side].readSeq] + 1, last)
					: yield* seqOf(tx, row, query.around);
			const from = Math.max(0, Math.min(seq - 1 - Math.floor((limit - 1) / 2), last - limit));
			return within(from, from + limit);
		}
		const to = last - ((query.page ?? 1) - 1) * limit;
		return within(to - limit, to);
	});

	return {
		/**
		 * send stores a message. The same clientMessageId again gives the stored one with `created: false`; with other
		 * content client_message_id_reused.
		 */
		send: (p: UserPrincipal, id: string, body: SendMessage): Promise<{ created: boolean; data: Message }> => {
			const text = cleanText(body.content.text);
			const draft = {
				id: newId('msg'),
				text,
				clientMessageId: body.clientMessageId ?? null,
				clientDigest: body.clientMessageId === undefined ? null : digestOf(text, body.replyTo, body.metadata),
				metadata: body.metadata ?? null,
			};
			const repeated = (row: ConversationRow, message: MessageEntry) => {
				// a deleted message has lost its digest: it stays what it is, a tombstone
				if (message.deletedAt === null && message.clientDigest !== draft.clientDigest)
					throw new AppError('client_message_id_reused');
				return { row, message };
			};
			return store.atomic(function* (tx) {
				const { me, row, side, refusal } = yield* policy.meet(tx, p, id, 'message.send');
				const answered = body.replyTo === undefined ? null : yield* messaging.findMessage(tx, row, body.replyTo);
				const gone = answered === undefined || (answered !== null && answered.deletedAt !== null);
				const refused = refusal('send') ?? (gone ? new AppError('reply_to_invalid') : null);
				if (refused) {
					// what was accepted once stays accepted: a client that repeats must not think it lost
					const stored =
						draft.clientMessageId && (yield* messaging.findByClientId(tx, row, me.pk, draft.clientMessageId));
					if (!stored) throw refused;
					repeated(row, stored);
					return { created: false, data: yield* render(tx, row, stored, me.pk) };
				}
				const replyTo = answered ?? null;
				const { created, message } = yield* messaging.append(
					tx,
					row,
					{ pk: me.pk, id: me.id, side },
					{ ...draft, replyTo },
				);
				if (created) return { created, data: messageView(row, message, []) };
				repeated(row, message);
				return { created, data: yield* render(tx, row, message, me.pk) };
			});
		},

		/** list is a page of messages in order of seq: the newest page, or what stands before, after or around one. */
		list: (p: UserPrincipal, id: string, query: MessageQuery): MessagePage => {
			const cursors = [query.before, query.after, query.around].filter((cursor) => cursor !== undefined);
			if (cursors.length > 1 || (cursors.length === 1 && query.page !== undefined && query.page !== 1))
				throw new AppError('invalid_request', { message: 'Use one of page, before, after and around.' });
			return store.read(function* (tx) {
				const thread = yield* policy.see(tx, p, id);
				const { row } = thread;
				const limit = query.limit ?? pageLimitDefault;
				const { from, to } = yield* stretch(tx, thread, query, limit);
				const found = to > from ? yield* messaging.range(tx, row, from, to) : [];
				const reactions = yield* messaging.reactionsOf(tx, found, p.pk);
				const byMessage = Map.groupBy(reactions, (reaction) => reaction.message);
				const paged = cursors.length === 0;
				return {
					data: found.map((message) => messageView(row, message, byMessage.get(message.pk) ?? [])),
					total: row.lastSeq,
					page: paged ? (query.page ?? 1) : null,
					limit,
					totalPages: paged ? Math.ceil(row.lastSeq / limit) : null,
					hasMoreBefore: from > 0,
					hasMoreAfter: to < row.lastSeq,
				};
			});
		},

		/** edit changes the text of one's own message. */
		edit: (p: UserPrincipal, id: string, messageId: string, body: EditMessage): Promise<Message> => {
			const text = cleanText(body.content.text);
			return store.atomic(function* (tx) {
				const { me, row, refusal } = yield* policy.meet(tx, p, id, 'message.edit');
				const message = yield* needMessage(tx, row, messageId);
				if (message.sender !== me.pk || message.kind !== 'text')
					throw new AppError('forbidden', { message: 'You can only edit your own messages.' });
				if (message.deletedAt !== null) throw new AppError('message_deleted');
				const refused = refusal('edit');
				if (refused) throw refused;
				const edited = message.text === text ? message : yield* messaging.edit(tx, row, message, text);
				return yield* render(tx, row, edited, me.pk);
			});
		},

		/** remove deletes one's own message, or as a moderator any: a tombstone stays. */
		remove: (p: UserPrincipal, id: string, messageId: string): Promise<Message> =>
			store.atomic(function* (tx) {
				const { me, row } = yield* policy.meet(tx, p, id, 'message.delete');
				const message = yield* needMessage(tx, row, messageId);
				if (message.sender !== me.pk && !atLeast(me.role, 'moderator'))
					throw new AppError('forbidden', { message: 'You can only delete your own messages.' });
				const gone = message.deletedAt === null ? yield* messaging.remove(tx, row, message) : message;
				return messageView(row, gone, []);
			}),

		/** read marks everything up to a message (or all) as seen. */
		read: (p: UserPrincipal, id: string, body: MarkRead): Promise<UnreadCount> =>
			store.atomic(function* (tx) {
				const { me, row, side, refusal } = yield* policy.meet(tx, p, id, 'conversation.read');
				// between users of whom one has blocked the other nothing counts, and no receipt is given
				if (refusal('unread')) return { unreadCount: 0 };
				const seq = body.messageId === undefined ? row.lastSeq : (yield* needMessage(tx, row, body.messageId)).seq;
				return { unreadCount: yield* messaging.read(tx, row, { pk: me.pk, side }, seq) };
			}),

		/** unread makes a message and what follows count as unread again; the sender's receipt stays. */
		unread: (p: UserPrincipal, id: string, body: MarkUnread): Promise<UnreadCount> =>
			store.atomic(function* (tx) {
				const { me, row, side, refusal } = yield* policy.meet(tx, p, id, 'conversation.read');
				const { seq } = yield* needMessage(tx, row, body.messageId);
				const refused = refusal('unread');
				if (refused) throw refused;
				return { unreadCount: yield* messaging.unread(tx, row, { pk: me.pk, side }, seq) };
			}),

		/** react sets or takes back the caller's emoji on a message. */
		react: (p: UserPrincipal, id: string, messageId: string, sign: string, on: boolean): Promise<Message> =>
			store.atomic(function* (tx) {
				const { me, row, refusal } = yield* policy.meet(tx, p, id, 'message.react');
				const message = yield* needMessage(tx, row, messageId);
				const emoji = cleanEmoji(sign);
				const refused = refusal('react');
				if (refused) throw refused;
				if (on) {
					if (message.deletedAt !== null) throw new AppError('message_deleted');
					const present = yield* messaging.reactionsOf(tx, [message], me.pk);
					if (present.length >= reactionsPerMessageMax && !present.some((reaction) => reaction.emoji === emoji))
						throw new AppError('reaction_invalid');
				}
				yield* messaging.react(tx, row, message, me.pk, emoji, on);
				const now = (yield* messaging.findMessage(tx, row, messageId)) ?? message;
				return yield* render(tx, row, now, me.pk);
			}),
	};
};
export type ThreadService = ReturnType<typeof createThreadService>;
