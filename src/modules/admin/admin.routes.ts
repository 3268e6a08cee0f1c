import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { MessagePage, MessageQuery } from '../messaging/messaging.schema.ts';
import { exampleIds, Id, PageQuery } from '../users/users.schema.ts';
import { DeskConversation, DeskConversationPage, DeskConversationQuery } from './inbox.schema.ts';
import type { InboxService } from './inbox.service.ts';
import { Stats } from './stats.schema.ts';
import type { StatsService } from './stats.service.ts';

const InParams = t.Object({ id: Id('The conversation’s public id.', exampleIds.conversation) });
const UserParams = t.Object({ id: Id('A user’s public id.', exampleIds.jane) });
const UserQuery = t.Object({
	...PageQuery,
	type: DeskConversationQuery.properties.type,
	status: DeskConversationQuery.properties.status,
});

/** `/admin`: all conversations of the site, and its numbers. */
export const adminRoutes = ({
	guard,
	answers,
	inbox,
	stats,
}: {
	guard: Guard;
	answers: Answers;
	inbox: InboxService;
	stats: StatsService;
}) =>
	new Elysia({ prefix: '/admin', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('/conversations', ({ principal, query }) => inbox.list(principal, query), {
			canAsServer: 'desk.conversations',
			query: DeskConversationQuery,
			ok: DeskConversationPage,
			fails: ['forbidden'],
			detail: {
				operationId: 'listConversations',
				summary: 'View all conversations',
				description:
					'P2P chats and support tickets together, newest activity first. What two users write to each other is not shown here. Searching it, and asking for the conversations of one user, is for admins and is audited.',
			},
		})
		.get('/conversations/:id', ({ principal, params }) => inbox.get(principal, params.id), {
			canAsServer: 'desk.conversations',
			params: InParams,
			ok: DeskConversation,
			detail: {
				operationId: 'getConversation',
				summary: 'Open a conversation',
				description: 'Opening a chat of two users that you are no part of is audited, once an hour.',
			},
		})
		.get('/conversations/:id/messages', ({ principal, params, query }) => inbox.messages(principal, params.id, query), {
			canAsServer: 'desk.conversations',
			params: InParams,
			query: MessageQuery,
			ok: MessagePage,
			fails: ['cursor_invalid'],
			detail: {
				operationId: 'listMessages',
				summary: 'View messages of a conversation',
				description: 'With the notes of tickets, and with what edited messages said before. Audited as opening is.',
			},
		})
		.get('/users/:id/conversations', ({ principal, params, query }) => inbox.ofUser(principal, params.id, query), {
			canAsServer: 'desk.privacy',
			params: UserParams,
			query: UserQuery,
			ok: DeskConversationPage,
			detail: {
				operationId: 'listUserConversations',
				summary: 'View all conversations of a user',
				description: 'Chats and tickets, newest activity first. Audited.',
			},
		})
		.get('/stats', ({ principal }) => stats.get(principal), {
			canAsServer: 'desk.stats',
			ok: Stats,
			detail: {
				operationId: 'getStats',
				summary: 'Dashboard stats',
				description: 'Conversations, messages, users and tickets in numbers, and the last 30 days. Days are UTC.',
			},
		});
