import { type Static, Type as t } from '@sinclair/typebox';
import { reportReasonMax } from '../../kernel/limits.ts';
import { exampleIds, Id, Nullable, PageOf, PageQuery, Profile, profileExamples, Time } from '../users/users.schema.ts';

export const MakeReport = t.Object(
	{ reason: t.String({ minLength: 1, maxLength: reportReasonMax, description: 'What is wrong, in your own words.' }) },
	{ examples: [{ reason: 'This is an insult.' }] },
);
export type MakeReport = Static<typeof MakeReport>;

export const ReportStatus = t.Union([t.Literal('open'), t.Literal('upheld'), t.Literal('dismissed')], {
	description: 'open until it is decided.',
});

export const ReportReceipt = t.Object(
	{
		id: Id('The report’s public id.'),
		ticketId: t.String({ description: 'The ticket by which the team answers you.' }),
		status: ReportStatus,
		createdAt: Time('When it was made.'),
	},
	{
		examples: [
			{
				id: exampleIds.report,
				ticketId: exampleIds.ticket,
				status: 'open' as const,
				createdAt: '2026-02-22T10:00:00.000Z',
			},
		],
	},
);
export type ReportReceipt = Static<typeof ReportReceipt>;

const reportExample = {
	id: exampleIds.report,
	status: 'open' as const,
	ticketId: exampleIds.ticket,
	reporter: profileExamples.john,
	reported: profileExamples.jane,
	messageId: exampleIds.message,
	reason: 'This is an insult.',
	decidedBy: null,
	decidedAt: null,
	createdAt: '2026-02-22T10:00:00.000Z',
};
export const Report = t.Object(
	{
		id: Id('The report’s public id.'),
		status: ReportStatus,
		ticketId: t.String({ description: 'The ticket that holds the evidence as notes.' }),
		reporter: Profile,
		reported: Profile,
		messageId: Nullable(t.String({ description: 'null where the user as such was reported.' })),
		reason: Nullable(t.String({ description: 'null once the reporter was erased.' })),
		decidedBy: Nullable(t.String()),
		decidedAt: Nullable(Time('When it was decided.')),
		createdAt: Time('When it was made.'),
	},
	{ examples: [reportExample] },
);
export type Report = Static<typeof Report>;

export const ReportPage = PageOf(Report);
export type ReportPage = Static<typeof ReportPage>;

export const ReportQuery = t.Object({ ...PageQuery, status: t.Optional(ReportStatus) });
export type ReportQuery = Static<typeof ReportQuery>;

export const DecideReport = t.Object(
	{ status: t.Union([t.Literal('upheld'), t.Literal('dismissed')], { description: 'Whether the report was right.' }) },
	{ examples: [{ status: 'upheld' }] },
);
export type DecideReport = Static<typeof DecideReport>;

export const MakeTicket = t.Object(
	{
		subject: t.Optional(
			t.String({ minLength: 1, maxLength: 400, description: 'Left out: the beginning of the message.' }),
		),
	},
	{ examples: [{ subject: 'Refund asked for in chat' }] },
);
export type MakeTicket = Static<typeof MakeTicket>;
