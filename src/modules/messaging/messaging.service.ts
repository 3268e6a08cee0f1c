import type { Store } from '../../db/open.ts';
import { type Steps, step, type Tx } from '../../db/step.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { editsPerMessageMax, pageLimitDefault, reactionsPerMessageMax } from '../../kernel/limits.ts';
import { actorOf, type UserPrincipal } from '../../kernel/principal.ts';
import { atLeast, type Capability, isDesk } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { Signals, TypingSignal } from '../events/signals.ts';
import type { Standing } from '../users/users.tables.ts';
import type {
	EditMessage,
	MarkRead,
	MarkUnread,
	Message,
	MessagePage,
	MessageQuery,
	SendTicketMessage,
	Typing,
	UnreadCount,
} from './messaging.schema.ts';
import { type Side, sideState } from './messaging.sides.ts';
import type { ConversationRow, ListedMessage, MessageEntry, MessagingSteps, Place } from './messaging.steps.ts';
import { cleanEmoji, cleanText, digestOf } from './messaging.text.ts';
import { deskMessageView, messageView } from './messaging.view.ts';

/** A conversation as one user meets it. */
export interface Thread {
	row: ConversationRow;
	side: Side;
	/** Whether it is seen as the desk sees it: with notes and earlier texts. */
	desk: boolean;
}

/** A conversation as one user means to write in it. */
export interface Meeting extends Thread {
	/** The user as they are now. */
	me: Standing;
	/** Whether one of the two has blocked the other: then nothing is told across. */
	silent: boolean;
	/** Why this user may not write here now; null when they may. */
	refusal(act: 'send' | 'note' | 'edit' | 'react' | 'unread'): AppError | null;
	/** What a message just stored brings about, in the same transaction. */
	follow?(tx: Tx, row: ConversationRow): Steps<void>;
}

/** What p2p and support decide each for themselves. */
export interface ThreadPolicy {
	/** The conversation of this id if the user may see it; not_found otherwise. */
	see(tx: Tx, p: UserPrincipal, id: string): Steps<Thread>;
	/** The first line of every write: the principal, read again, still may, and the conversation is theirs to see. */
	meet(tx: Tx, p: UserPrincipal, id: string, capability: Capability): Steps<Meeting>;
}

/** A conversation as somebody looks at it who wants to know who else is there. */
export interface Look {
	row: ConversationRow;
	side: Side;
	desk: boolean;
	/** Whether one of the two has blocked the other: then neither hears of the other. */
	silent: boolean;
}

/** createThreadService: everything one does with the messages of a conversation, the same for p2p and support. */
export const createThreadService = ({
	store,
	messaging,
	audit,
	signals,
	policy,
}: {
	store: Store;
	messaging: MessagingSteps;
	audit: AuditSteps;
	signals: Signals;
	policy: ThreadPolicy;
}) => {
	const needMessage = step(function* (tx, { row, desk }: Thread, id: string) {
		const message = yield* messaging.findMessage(tx, row, id, desk);
		if (!message) throw new AppError('not_found');
		return message;
	});
	/** A message that is about to be changed: what a report keeps never is. */
	const needOwnWords = step(function* (tx, thread: Thread, id: string) {
		const message = yield* needMessage(tx, thread, id);
		if (message.evidenceOf !== null)
			throw new AppError('forbidden', { message: 'The evidence of a report stays as it is.' });
		return message;
	});
	/** Messages as this thread's viewer sees them. */
	const renderAll = step(function* (tx, { row, desk }: Thread, found: ListedMessage[], viewer: number) {
		const reactions = yield* messaging.reactionsOf(tx, found, viewer);
		const byMessage = Map.groupBy(reactions, (reaction) => reaction.message);
		if (!desk) return found.map((message) => messageView(row, message, byMessage.get(message.pk) ?? []));
		const earlier = Map.groupBy(yield* messaging.earlierTexts(tx, found), (text) => text.message);
		return found.map((message) =>
			deskMessageView(row, message, byMessage.get(message.pk) ?? [], earlier.get(message.pk) ?? []),
		);
	});
	const render = step(function* (tx, thread: Thread, message: MessageEntry, viewer: number) {
		const [shown] = yield* renderAll(tx, thread, [message], viewer);
		return shown as Message;
	});
	const cursor = step(function* (tx, { row, desk }: Thread, id: string) {
		const message = yield* messaging.findMessage(tx, row, id, desk);
		if (!message) throw new AppError('cursor_invalid');
		return message;
	});

	/** The stretch of seqs a query asks for: `from` < seq ≤ `to`, within 0 … lastSeq. */
	const stretch = step(function* (tx, thread: Thread, query: MessageQuery, limit: number) {
		const { row, side } = thread;
		const last = row.lastSeq;
		const within = (from: number, to: number) => ({
			from: Math.max(0, Math.min(from, last)),
			to: Math.max(0, Math.min(to, last)),
		});
		if (query.before !== undefined) {
			const { seq } = yield* cursor(tx, thread, query.before);
			return within(seq - 1 - limit, seq - 1);
		}
		if (query.after !== undefined) {
			const { seq } = yield* cursor(tx, thread, query.after);
			return within(seq, seq + limit);
		}
		if (query.around !== undefined) {
			const seq =
				query.around === 'first_unread'
					? Math.min(row[sideState[side].readSeq] + 1, last)
					: (yield* cursor(tx, thread, query.around)).seq;
			const from = Math.max(0, Math.min(seq - 1 - Math.floor((limit - 1) / 2), last - limit));
			return within(from, from + limit);
		}
		const to = last - ((query.page ?? 1) - 1) * limit;
		return within(to - limit, to);
	});

	/** A page of what everybody in the conversation sees. */
	const plainPage = step(function* (tx, thread: Thread, query: MessageQuery, limit: number) {
		const { row } = thread;
		const { from, to } = yield* stretch(tx, thread, query, limit);
		const found: ListedMessage[] = to > from ? yield* messaging.range(tx, row, from, to) : [];
		return { found, total: row.lastSeq, hasMoreBefore: from > 0, hasMoreAfter: to < row.lastSeq };
	});

	/** A page with the notes among the messages. note: notes have no seq of their own, so a page is no range of seqs. */
	const deskPage = step(function* (tx, thread: Thread, query: MessageQuery, limit: number) {
		const { row, side } = thread;
		const total = row.lastSeq + row.lastNoteSeq;
		const before = step(function* (tx, place: Place, most: number) {
			const found = yield* messaging.beforeWithNotes(tx, row, place, most + 1);
			return { found: found.slice(-most || found.length), more: found.length > most };
		});
		const from = step(function* (tx, place: Place, most: number) {
			const found = yield* messaging.fromWithNotes(tx, row, place, most + 1);
			return { found: found.slice(0, most), more: found.length > most };
		});
		if (query.before !== undefined) {
			const { found, more } = yield* before(tx, yield* cursor(tx, thread, query.before), limit);
			return { found, total, hasMoreBefore: more, hasMoreAfter: true };
		}
		if (query.after !== undefined) {
			const { seq, noteSeq } = yield* cursor(tx, thread, query.after);
			const { found, more } = yield* from(tx, { seq, noteSeq: noteSeq + 1 }, limit);
			return { found, total, hasMoreBefore: true, hasMoreAfter: more };
		}
		if (query.around !== undefined) {
			const place =
				query.around === 'first_unread'
					? { seq: Math.min(row[sideState[side].readSeq] + 1, row.lastSeq), noteSeq: 0 }
					: yield* cursor(tx, thread, query.around);
			// where there is too little on one side of it, the page goes further on the other
			const half = Math.floor((limit - 1) / 2);
			const ahead = yield* from(tx, place, limit);
			const behind = yield* before(tx, place, limit - Math.min(ahead.found.length, limit - half));
			const rest = limit - behind.found.length;
			return {
				found: [...behind.found, ...ahead.found.slice(0, rest)],
				total,
				hasMoreBefore: behind.more,
				hasMoreAfter: ahead.more || ahead.found.length > rest,
			};
		}
		const offset = ((query.page ?? 1) - 1) * limit;
		const found = yield* messaging.pageWithNotes(tx, row, limit, offset);
		return { found, total, hasMoreBefore: offset + limit < total, hasMoreAfter: offset > 0 && total > 0 };
	});

	/** pageOf is a page of a thread's messages, for whoever may see it. */
	const messagePage = step(function* (tx, thread: Thread, query: MessageQuery, viewer: number) {
		const cursors = [query.before, query.after, query.around].filter((given) => given !== undefined);
		if (cursors.length > 1 || (cursors.length === 1 && query.page !== undefined && query.page !== 1))
			throw new AppError('invalid_request', { message: 'Use one of page, before, after and around.' });
		const limit = query.limit ?? pageLimitDefault;
		const { found, total, hasMoreBefore, hasMoreAfter } = yield* (thread.desk ? deskPage : plainPage)(
			tx,
			thread,
			query,
			limit,
		);
		const paged = cursors.length === 0;
		return {
			data: yield* renderAll(tx, thread, found, viewer),
			total,
			page: paged ? (query.page ?? 1) : null,
			limit,
			totalPages: paged ? Math.ceil(total / limit) : null,
			hasMoreBefore,
			hasMoreAfter,
		};
	});

	return {
		page: messagePage,

		/**
		 * send stores a message. The same clientMessageId again gives the stored one with `created: false`; with other
		 * content client_message_id_reused.
		 */
		send: (p: UserPrincipal, id: string, body: SendTicketMessage): Promise<{ created: boolean; data: Message }> => {
			const text = cleanText(body.content.text);
			const kind = body.kind ?? 'text';
			const draft = {
				id: newId('msg'),
				kind,
				text,
				clientMessageId: body.clientMessageId ?? null,
				clientDigest: body.clientMessageId === undefined ? null : digestOf(kind, text, body.replyTo, body.metadata),
				metadata: body.metadata ?? null,
			};
			const repeated = (message: MessageEntry) => {
				// a deleted message has lost its digest: it stays what it is, a tombstone
				if (message.deletedAt === null && message.clientDigest !== draft.clientDigest)
					throw new AppError('client_message_id_reused');
				return message;
			};
			return store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'message.send');
				const { me, row, side, desk } = meeting;
				if (kind === 'note' && !desk)
					throw new AppError('forbidden', { message: 'Notes are for the team of the site.' });
				const answered = body.replyTo === undefined ? null : yield* messaging.findMessage(tx, row, body.replyTo, desk);
				const gone =
					answered === undefined ||
					(answered !== null && (answered.deletedAt !== null || (kind === 'text' && answered.noteSeq > 0)));
				const refused =
					meeting.refusal(kind === 'note' ? 'note' : 'send') ?? (gone ? new AppError('reply_to_invalid') : null);
				if (refused) {
					// what was accepted once stays accepted: a client that repeats must not think it lost
					const stored =
						draft.clientMessageId && (yield* messaging.findByClientId(tx, row, me.pk, draft.clientMessageId));
					if (!stored) throw refused;
					return { created: false, data: yield* render(tx, meeting, repeated(stored), me.pk) };
				}
				const replyTo = answered ?? null;
				const { created, message } = yield* messaging.append(
					tx,
					row,
					{ pk: me.pk, id: me.id, side },
					{ ...draft, replyTo },
				);
				if (!created) return { created, data: yield* render(tx, meeting, repeated(message), me.pk) };
				if (kind === 'text' && meeting.follow) yield* meeting.follow(tx, { ...row, lastSeq: message.seq });
				return { created, data: desk ? deskMessageView(row, message, [], []) : messageView(row, message, []) };
			});
		},

		/** list is a page of messages in order of seq: the newest page, or what stands before, after or around one. */
		list: (p: UserPrincipal, id: string, query: MessageQuery): MessagePage =>
			store.read(function* (tx) {
				return yield* messagePage(tx, yield* policy.see(tx, p, id), query, p.pk);
			}),

		/** edit changes the text of one's own message. */
		edit: (p: UserPrincipal, id: string, messageId: string, body: EditMessage): Promise<Message> => {
			const text = cleanText(body.content.text);
			return store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'message.edit');
				const { me, row } = meeting;
				const message = yield* needOwnWords(tx, meeting, messageId);
				if (message.sender !== me.pk)
					throw new AppError('forbidden', { message: 'You can only edit your own messages.' });
				if (message.deletedAt !== null) throw new AppError('message_deleted');
				const refused = meeting.refusal('edit');
				if (refused) throw refused;
				if (message.text !== text && (yield* messaging.edits(tx, message)) >= editsPerMessageMax)
					throw new AppError('edits_exhausted');
				const edited = message.text === text ? message : yield* messaging.edit(tx, row, message, text);
				return yield* render(tx, meeting, edited, me.pk);
			});
		},

		/** remove deletes one's own message, or as a moderator any: a tombstone stays. */
		remove: (p: UserPrincipal, id: string, messageId: string): Promise<Message> =>
			store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'message.delete');
				const { me, row } = meeting;
				const message = yield* needOwnWords(tx, meeting, messageId);
				if (message.sender !== me.pk && !atLeast(me.role, 'moderator'))
					throw new AppError('forbidden', { message: 'You can only delete your own messages.' });
				if (message.deletedAt !== null) return yield* render(tx, meeting, message, me.pk);
				const by = me.pk === row.participantOne || me.pk === row.participantTwo ? me.pk : null;
				const gone = yield* messaging.remove(tx, row, message, { by, silent: meeting.silent });
				if (isDesk(me.role) && (meeting.desk || message.sender !== me.pk))
					yield* audit.record(tx, p.site, actorOf(p), 'message.delete', message.id);
				return yield* render(tx, meeting, gone, me.pk);
			}),

		/** read marks everything up to a message (or all) as seen. */
		read: (p: UserPrincipal, id: string, body: MarkRead): Promise<UnreadCount> =>
			store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'conversation.read');
				const { row, side } = meeting;
				// between users of whom one has blocked the other nothing counts, and no receipt is given
				if (meeting.refusal('unread')) return { unreadCount: 0 };
				const seq = body.messageId === undefined ? row.lastSeq : (yield* needMessage(tx, meeting, body.messageId)).seq;
				return { unreadCount: yield* messaging.read(tx, row, side, seq) };
			}),

		/** unread makes a message and what follows count as unread again; the sender's receipt stays. */
		unread: (p: UserPrincipal, id: string, body: MarkUnread): Promise<UnreadCount> =>
			store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'conversation.read');
				const { seq, noteSeq } = yield* needMessage(tx, meeting, body.messageId);
				const refused = meeting.refusal('unread');
				if (refused) throw refused;
				// from a note on means from what follows the message that it stands behind
				const from = noteSeq > 0 ? seq + 1 : seq;
				return { unreadCount: yield* messaging.markUnread(tx, meeting.row, meeting.side, from) };
			}),

		/** typing tells whoever is connected that the caller is writing, or has stopped. Nothing is stored. */
		typing: (p: UserPrincipal, id: string, { typing = true, note = false }: Typing): { done: true } => {
			const signal = store.read(function* (tx): Steps<TypingSignal> {
				const meeting = yield* policy.meet(tx, p, id, 'message.send');
				const { me, row, side, desk } = meeting;
				if (note && !desk) throw new AppError('forbidden', { message: 'Notes are for the team of the site.' });
				const refused = meeting.refusal(note ? 'note' : 'send');
				if (refused) throw refused;
				return {
					site: row.site,
					conversation: row.pk,
					conversationId: row.id,
					from: { pk: me.pk, id: me.id },
					to: note ? null : side === 1 ? row.participantTwo : row.participantOne,
					desk: row.type === 'support',
					note,
					typing,
					createdAt: tx.now,
				};
			});
			signals.typing(signal);
			return { done: true };
		},

		/** look finds a conversation for somebody who wants to know who else is there. */
		look: (p: UserPrincipal, id: string): Look =>
			store.read(function* (tx) {
				const { row, side, desk, silent } = yield* policy.meet(tx, p, id, 'conversation.read');
				return { row, side, desk, silent };
			}),

		/** react sets or takes back the caller's emoji on a message. */
		react: (p: UserPrincipal, id: string, messageId: string, sign: string, on: boolean): Promise<Message> =>
			store.atomic(function* (tx) {
				const meeting = yield* policy.meet(tx, p, id, 'message.react');
				const { me, row } = meeting;
				const message = yield* needOwnWords(tx, meeting, messageId);
				const emoji = cleanEmoji(sign);
				const refused = meeting.refusal('react');
				if (refused) throw refused;
				if (on) {
					if (message.deletedAt !== null) throw new AppError('message_deleted');
					const present = yield* messaging.reactionsOf(tx, [message], me.pk);
					if (present.length >= reactionsPerMessageMax && !present.some((reaction) => reaction.emoji === emoji))
						throw new AppError('reaction_invalid');
				}
				yield* messaging.react(tx, row, message, me.pk, emoji, on);
				return yield* render(tx, meeting, yield* needMessage(tx, meeting, messageId), me.pk);
			}),
	};
};
export type ThreadService = ReturnType<typeof createThreadService>;
