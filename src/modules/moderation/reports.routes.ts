import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { LimitPlugin } from '../../http/limits.ts';
import { exampleIds, Id } from '../users/users.schema.ts';
import { MakeReport, ReportReceipt } from './reports.schema.ts';
import type { Reportable, ReportService } from './reports.service.ts';

const UserParams = t.Object({ id: Id('A user’s public id.', exampleIds.jane) });
const MessageParams = t.Object({
	id: Id('The conversation’s public id.', exampleIds.conversation),
	messageId: Id('The message’s public id.', exampleIds.message),
});
const fails = ['report_impossible', 'report_exists', 'reports_exhausted', 'message_text_invalid'] as const;

/** `…/messages/{messageId}/report` and `/users/{id}/report`: telling the team of what is not right. */
export const reportRoutes = ({
	guard,
	answers,
	limits,
	reports,
}: {
	guard: Guard;
	answers: Answers;
	limits: LimitPlugin;
	reports: ReportService;
}) => {
	const ofMessages = (where: Reportable, prefix: string, tag: string) =>
		new Elysia({ prefix, tags: [tag] })
			.use(guard)
			.use(answers)
			.use(limits)
			.post(
				'/:id/messages/:messageId/report',
				({ principal, params, body }) => reports.reportMessage(principal, where, params.id, params.messageId, body),
				{
					can: 'report.make',
					limit: 'write',
					params: MessageParams,
					body: MakeReport,
					created: ReportReceipt,
					fails: [...fails],
					detail: {
						operationId: 'reportMessage',
						summary: 'Report a message',
						description:
							'The team sees it as it was sent, with five messages on each side. Whoever wrote it learns nothing of it.',
					},
				},
			);
	return new Elysia()
		.use(ofMessages('p2p', '/p2p/conversations', 'P2P chat'))
		.use(ofMessages('support', '/support/tickets', 'Support'))
		.use(
			new Elysia({ prefix: '/users', tags: ['Users'] })
				.use(guard)
				.use(answers)
				.use(limits)
				.post('/:id/report', ({ principal, params, body }) => reports.reportUser(principal, params.id, body), {
					can: 'report.make',
					limit: 'write',
					params: UserParams,
					body: MakeReport,
					created: ReportReceipt,
					fails: [...fails],
					detail: {
						operationId: 'reportUser',
						summary: 'Report a user',
						description: 'Somebody you share a conversation with. The team sees the end of it.',
					},
				}),
		);
};
