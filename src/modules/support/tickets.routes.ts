import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { LimitPlugin } from '../../http/limits.ts';
import { messageRoutes } from '../messaging/messaging.routes.ts';
import { SendTicketMessage, UnreadTotal } from '../messaging/messaging.schema.ts';
import { exampleIds, Id } from '../users/users.schema.ts';
import {
	OpenTicket,
	RateTicket,
	Ticket,
	TicketHistory,
	TicketPage,
	TicketQuery,
	UpdateTicket,
} from './tickets.schema.ts';
import type { TicketService } from './tickets.service.ts';

const InParams = t.Object({ id: Id('The ticket’s public id.', exampleIds.ticket) });
/** An entity tag (RFC 9110, 8.8.3) or the bare number. */
const IfMatch = t.Object({
	'if-match': t.Optional(
		t.String({
			pattern: '^(?:"\\d{1,9}"|\\d{1,9})$',
			description: 'The `version` you have read: if the ticket has another by now, 412 and nothing changes.',
		}),
	),
});
const versionOf = (header: string | undefined): number | null =>
	header === undefined ? null : Number(header.replaceAll('"', ''));
const tag = 'Support';

/** `/support`: tickets, for whoever opened them and for the desk. */
export const ticketRoutes = ({
	guard,
	answers,
	limits,
	tickets,
}: {
	guard: Guard;
	answers: Answers;
	limits: LimitPlugin;
	tickets: TicketService;
}) =>
	new Elysia({ prefix: '/support', tags: [tag] })
		.use(guard)
		.use(answers)
		.use(limits)
		.post('/tickets', ({ principal, body }) => tickets.open(principal, body), {
			can: 'ticket.open',
			limit: 'message',
			body: OpenTicket,
			created: Ticket,
			fails: ['message_text_invalid', 'category_reserved', 'follow_up_invalid', 'conversations_unanswered'],
			detail: {
				operationId: 'openTicket',
				summary: 'Create support ticket',
				description: 'With its first message. A closed ticket goes on in a new one that names it as `followsTicketId`.',
			},
		})
		.get('/tickets', ({ principal, query }) => tickets.list(principal, query), {
			can: 'ticket.read',
			query: TicketQuery,
			ok: TicketPage,
			fails: ['forbidden'],
			detail: {
				operationId: 'listTickets',
				summary: 'View your tickets',
				description: 'Newest activity first. The desk lists all tickets at `/admin/tickets`.',
			},
		})
		.get('/unread-count', ({ principal }) => tickets.unreadCount(principal), {
			can: 'ticket.read',
			ok: UnreadTotal,
			detail: {
				operationId: 'getUnreadCount',
				summary: 'Get unread count of tickets',
				description:
					'Of your own tickets. For the desk: of those assigned to you, and of those that nobody takes care of.',
			},
		})
		.get('/tickets/:id', ({ principal, params }) => tickets.get(principal, params.id), {
			can: 'ticket.read',
			params: InParams,
			ok: Ticket,
			detail: {
				operationId: 'getTicket',
				summary: 'View a ticket',
				description: 'The desk sees more of it: tags, version, and since when the requester has been waiting.',
			},
		})
		.patch(
			'/tickets/:id',
			({ principal, params, body, headers }) =>
				tickets.update(principal, params.id, body, versionOf(headers['if-match'])),
			{
				can: 'ticket.update',
				limit: 'write',
				params: InParams,
				headers: IfMatch,
				body: UpdateTicket,
				ok: Ticket,
				fails: [
					'forbidden',
					'invalid_transition',
					'version_stale',
					'category_reserved',
					'assignee_invalid',
					'nothing_to_change',
				],
				detail: {
					operationId: 'updateTicket',
					summary: 'Change a ticket',
					description:
						'The requester closes it, or opens it again. The desk moves it (open, in_progress, waiting, resolved, closed) and sets subject, priority, category, assignee and tags.',
				},
			},
		)
		.post('/tickets/:id/rating', ({ principal, params, body }) => tickets.rate(principal, params.id, body), {
			can: 'ticket.rate',
			limit: 'write',
			params: InParams,
			body: RateTicket,
			ok: Ticket,
			fails: ['forbidden', 'ticket_unresolved'],
			detail: {
				operationId: 'rateTicket',
				summary: 'Rate a ticket',
				description: 'Once it is resolved or closed, by whoever opened it. A second rating replaces the first.',
			},
		})
		.get('/tickets/:id/history', ({ principal, params }) => tickets.history(principal, params.id), {
			can: 'ticket.history',
			params: InParams,
			ok: TicketHistory,
			detail: {
				operationId: 'getTicketHistory',
				summary: 'View the history of a ticket',
				description: 'Every change of a field, with who made it.',
			},
		})
		.use(
			messageRoutes({
				guard,
				answers,
				limits,
				threads: tickets.threads,
				prefix: '/tickets',
				tag,
				sends: SendTicketMessage,
				fails: ['ticket_closed'],
			}),
		);
