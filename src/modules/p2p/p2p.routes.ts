import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { LimitPlugin } from '../../http/limits.ts';
import { messageRoutes } from '../messaging/messaging.routes.ts';
import {
	Conversation,
	ConversationPage,
	ConversationQuery,
	StartConversation,
	UnreadTotal,
} from '../messaging/messaging.schema.ts';
import { exampleIds, Id } from '../users/users.schema.ts';
import type { P2pService } from './p2p.service.ts';

const InParams = t.Object({ id: Id('The conversation’s public id.', exampleIds.conversation) });
const tag = 'P2P chat';

/** `/p2p`: conversations of two users. */
export const p2pRoutes = ({
	guard,
	answers,
	limits,
	p2p,
}: {
	guard: Guard;
	answers: Answers;
	limits: LimitPlugin;
	p2p: P2pService;
}) =>
	new Elysia({ prefix: '/p2p', tags: [tag] })
		.use(guard)
		.use(answers)
		.use(limits)
		.post('/conversations', ({ principal, body }) => p2p.start(principal, body), {
			canAsServer: 'conversation.start',
			limit: 'write',
			body: StartConversation,
			createdOrFound: Conversation,
			fails: ['blocked', 'recipient_unavailable', 'conversation_with_self', 'conversations_unanswered'],
			detail: {
				operationId: 'createConversation',
				summary: 'Create conversation',
				description:
					'The one conversation of two users: 201 the first time, then 200 with the same. With a secret key alone name `participantOne` and `participantTwo`.',
			},
		})
		.get('/conversations', ({ principal, query }) => p2p.list(principal, query), {
			can: 'conversation.read',
			query: ConversationQuery,
			ok: ConversationPage,
			detail: {
				operationId: 'listConversations',
				summary: 'View all conversations',
				description: 'The caller’s own, newest activity first.',
			},
		})
		.get('/unread-count', ({ principal }) => p2p.unreadCount(principal), {
			can: 'conversation.read',
			ok: UnreadTotal,
			detail: {
				operationId: 'getUnreadCount',
				summary: 'Get unread count',
				description: 'Over all conversations, and for those that have unread messages.',
			},
		})
		.get('/conversations/:id', ({ principal, params }) => p2p.get(principal, params.id), {
			can: 'conversation.read',
			params: InParams,
			ok: Conversation,
			detail: {
				operationId: 'getConversation',
				summary: 'View a conversation',
				description: 'With both participants, counters and the newest message.',
			},
		})
		.post('/conversations/:id/archive', ({ principal, params }) => p2p.archive(principal, params.id, true), {
			can: 'conversation.archive',
			limit: 'write',
			params: InParams,
			ok: Conversation,
			detail: {
				operationId: 'archiveConversation',
				summary: 'Archive a conversation',
				description: 'For the caller only; a new message brings it back.',
			},
		})
		.post('/conversations/:id/unarchive', ({ principal, params }) => p2p.archive(principal, params.id, false), {
			can: 'conversation.archive',
			limit: 'write',
			params: InParams,
			ok: Conversation,
			detail: {
				operationId: 'unarchiveConversation',
				summary: 'Bring an archived conversation back',
				description: 'For the caller only.',
			},
		})
		.use(
			messageRoutes({
				guard,
				answers,
				limits,
				threads: p2p.threads,
				prefix: '/conversations',
				tag,
				fails: ['blocked', 'reply_awaited'],
			}),
		);
