import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { LimitPlugin } from '../../http/limits.ts';
import type { FailureCode } from '../../kernel/errors.ts';
import { Done, exampleIds, Id } from '../users/users.schema.ts';
import {
	EditMessage,
	MarkRead,
	MarkUnread,
	Message,
	MessagePage,
	MessageQuery,
	SendMessage,
	type SendTicketMessage,
	Typing,
	UnreadCount,
} from './messaging.schema.ts';
import type { ThreadService } from './messaging.service.ts';

const InParams = t.Object({
	id: Id('The public id of the conversation; a ticket is one too.', exampleIds.conversation),
});
const MessageParams = t.Object({
	...InParams.properties,
	messageId: Id('The message’s public id.', exampleIds.message),
});
const ReactionParams = t.Object({
	...MessageParams.properties,
	emoji: t.String({
		minLength: 1,
		maxLength: 64,
		description: 'One emoji, percent-encoded: 👍 is %F0%9F%91%8D.',
		examples: ['👍'],
	}),
});

/**
 * Everything one does with the messages of a conversation, under `/{prefix}/{id}`: the same routes for p2p and support.
 */
export const messageRoutes = ({
	guard,
	answers,
	limits,
	threads,
	prefix,
	tag,
	sends = SendMessage,
	fails = [],
}: {
	guard: Guard;
	answers: Answers;
	limits: LimitPlugin;
	threads: ThreadService;
	prefix: string;
	tag: string;
	/** What a send takes. */
	sends?: typeof SendMessage | typeof SendTicketMessage;
	/** What else may refuse a message here. */
	fails?: FailureCode[];
}) =>
	new Elysia({ prefix, tags: [tag] })
		.use(guard)
		.use(answers)
		.use(limits)
		.post('/:id/messages', ({ principal, params, body }) => threads.send(principal, params.id, body), {
			can: 'message.send',
			limit: 'message',
			params: InParams,
			body: sends,
			createdOrFound: Message,
			fails: [
				'recipient_unavailable',
				'client_message_id_reused',
				'message_text_invalid',
				'reply_to_invalid',
				...fails,
			],
			detail: {
				operationId: 'sendMessage',
				summary: 'Send a message',
				description:
					'Stored on disk when this answers. With a `clientMessageId` the call may be repeated: 200 with the stored message instead of a second one.',
			},
		})
		.get('/:id/messages', ({ principal, params, query }) => threads.list(principal, params.id, query), {
			can: 'conversation.read',
			params: InParams,
			query: MessageQuery,
			ok: MessagePage,
			fails: ['cursor_invalid'],
			detail: {
				operationId: 'listMessages',
				summary: 'View messages',
				description: 'In order of `seq`. Page 1 is the newest; `before`, `after` and `around` read from a message on.',
			},
		})
		.patch(
			'/:id/messages/:messageId',
			({ principal, params, body }) => threads.edit(principal, params.id, params.messageId, body),
			{
				can: 'message.edit',
				limit: 'message',
				params: MessageParams,
				body: EditMessage,
				ok: Message,
				fails: ['forbidden', 'message_text_invalid', 'message_deleted', 'edits_exhausted', ...fails],
				detail: {
					operationId: 'editMessage',
					summary: 'Edit a message',
					description: 'One’s own. `editedAt` tells of it.',
				},
			},
		)
		.delete(
			'/:id/messages/:messageId',
			({ principal, params }) => threads.remove(principal, params.id, params.messageId),
			{
				can: 'message.delete',
				limit: 'write',
				params: MessageParams,
				ok: Message,
				fails: ['forbidden'],
				detail: {
					operationId: 'deleteMessage',
					summary: 'Delete a message',
					description: 'One’s own, or as a moderator any. What stays is empty and has `deletedAt`.',
				},
			},
		)
		.post('/:id/read', ({ principal, params, body }) => threads.read(principal, params.id, body), {
			can: 'conversation.read',
			limit: 'write',
			params: InParams,
			body: MarkRead,
			ok: UnreadCount,
			detail: {
				operationId: 'markRead',
				summary: 'Mark as read',
				description: 'Up to a message, or all. The sender sees it as `isRead`.',
			},
		})
		.post('/:id/unread', ({ principal, params, body }) => threads.unread(principal, params.id, body), {
			can: 'conversation.read',
			limit: 'write',
			params: InParams,
			body: MarkUnread,
			ok: UnreadCount,
			detail: {
				operationId: 'markUnread',
				summary: 'Mark as unread',
				description: 'From a message on, for one’s own count; the sender’s `isRead` stays.',
			},
		})
		.post('/:id/typing', ({ principal, params, body }) => threads.typing(principal, params.id, body), {
			can: 'message.send',
			limit: 'write',
			params: InParams,
			body: Typing,
			ok: Done,
			fails: ['forbidden', 'recipient_unavailable', ...fails],
			detail: {
				operationId: 'typing',
				summary: 'Tell that one is typing',
				description:
					'Whoever is connected to the other end is told; nothing is stored. Repeat it every few seconds. For clients without a socket.',
			},
		})
		.put(
			'/:id/messages/:messageId/reactions/:emoji',
			({ principal, params }) => threads.react(principal, params.id, params.messageId, params.emoji, true),
			{
				can: 'message.react',
				limit: 'write',
				params: ReactionParams,
				ok: Message,
				fails: ['reaction_invalid', 'message_deleted', ...fails],
				detail: {
					operationId: 'addReaction',
					summary: 'React to a message',
					description: 'With one emoji; again changes nothing.',
				},
			},
		)
		.delete(
			'/:id/messages/:messageId/reactions/:emoji',
			({ principal, params }) => threads.react(principal, params.id, params.messageId, params.emoji, false),
			{
				can: 'message.react',
				limit: 'write',
				params: ReactionParams,
				ok: Message,
				fails: ['reaction_invalid', ...fails],
				detail: {
					operationId: 'removeReaction',
					summary: 'Take a reaction back',
					description: 'One’s own; where there is none, nothing changes.',
				},
			},
		);
