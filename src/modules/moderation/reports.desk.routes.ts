import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { Ticket } from '../support/tickets.schema.ts';
import { exampleIds, Id } from '../users/users.schema.ts';
import { DecideReport, MakeTicket, Report, ReportPage, ReportQuery } from './reports.schema.ts';
import type { ReportService } from './reports.service.ts';

const ReportParams = t.Object({ id: Id('The report’s public id.', exampleIds.report) });
const MessageParams = t.Object({ id: Id('The message’s public id.', exampleIds.message) });

/** `/admin/reports` and `/admin/messages`: what the desk does with what was reported or found. */
export const reportDeskRoutes = ({
	guard,
	answers,
	reports,
}: {
	guard: Guard;
	answers: Answers;
	reports: ReportService;
}) =>
	new Elysia({ prefix: '/admin', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('/reports', ({ principal, query }) => reports.list(principal, query), {
			canAsServer: 'report.decide',
			query: ReportQuery,
			ok: ReportPage,
			detail: {
				operationId: 'listReports',
				summary: 'View reports',
				description: 'Newest first. The evidence stands as notes in each report’s ticket. Never those about yourself.',
			},
		})
		.post('/reports/:id', ({ principal, params, body }) => reports.decide(principal, params.id, body), {
			canAsServer: 'report.decide',
			params: ReportParams,
			body: DecideReport,
			ok: Report,
			fails: ['report_decided'],
			detail: {
				operationId: 'decideReport',
				summary: 'Decide a report',
				description:
					'Upheld or dismissed; its ticket is resolved. It does nothing to the user: suspend them by changing the user.',
			},
		})
		.post('/messages/:id/ticket', ({ principal, params, body }) => reports.ticketOf(principal, params.id, body), {
			canAsServer: 'ticket.make',
			params: MessageParams,
			body: MakeTicket,
			createdOrFound: Ticket,
			fails: ['message_not_usable'],
			detail: {
				operationId: 'ticketOfMessage',
				summary: 'Make a ticket of a message',
				description:
					'In the name of who wrote it, with a link back to it. The same message again gives the same ticket.',
			},
		});
