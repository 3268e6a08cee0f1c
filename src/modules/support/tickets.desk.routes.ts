import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { BulkOutcome, BulkTickets, DeskTicketQuery, TicketPage } from './tickets.schema.ts';
import type { TicketService } from './tickets.service.ts';

/** `/admin/tickets`: all tickets of the site, for the desk. */
export const ticketDeskRoutes = ({
	guard,
	answers,
	tickets,
}: {
	guard: Guard;
	answers: Answers;
	tickets: TicketService;
}) =>
	new Elysia({ prefix: '/admin/tickets', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('', ({ principal, query }) => tickets.deskList(principal, query), {
			canAsServer: 'desk.tickets',
			query: DeskTicketQuery,
			ok: TicketPage,
			detail: {
				operationId: 'listTickets',
				summary: 'View all tickets',
				description:
					'Narrowed down by status, priority, category, assignee, tag and words, in the order you ask for. Reports are shown to moderators only.',
			},
		})
		.post('/bulk', ({ principal, body }) => tickets.bulk(principal, body), {
			canAsServer: 'desk.tickets',
			body: BulkTickets,
			ok: BulkOutcome,
			fails: ['category_reserved', 'nothing_to_change'],
			detail: {
				operationId: 'changeTickets',
				summary: 'Change many tickets',
				description:
					'Each ticket is judged by itself: those that can be changed are, for the others `results` says why not.',
			},
		});
