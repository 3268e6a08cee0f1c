import { type Static, Type as t } from '@sinclair/typebox';

const whole = (description: string) => t.Integer({ description });
const seconds = t.Union([t.Integer(), t.Null()], {
	description: 'Over all tickets; null while there is none to count.',
});

export const Stats = t.Object(
	{
		totalConversations: whole('Chats of two users and tickets together.'),
		unreadCount: whole('Messages in tickets that the desk has not read.'),
		conversations: t.Object({
			total: t.Integer(),
			p2p: t.Integer(),
			support: t.Integer(),
			active: whole('With activity in the last 24 hours.'),
		}),
		messages: t.Object({ total: t.Integer(), today: t.Integer(), last7Days: t.Integer() }),
		users: t.Object({
			total: t.Integer(),
			active24h: whole('With an authenticated call in the last 24 hours.'),
			online: whole('Connected now, by a socket or a stream.'),
		}),
		tickets: t.Object({
			open: t.Integer(),
			inProgress: t.Integer(),
			waiting: t.Integer(),
			resolved: t.Integer(),
			closed: t.Integer(),
			unassigned: whole('Of those that are not resolved, without an assignee.'),
			byPriority: t.Object(
				{ low: t.Integer(), medium: t.Integer(), high: t.Integer() },
				{ description: 'Of those that are not resolved.' },
			),
		}),
		medianFirstResponseSeconds: seconds,
		medianResolutionSeconds: seconds,
		rating: t.Object({ average: t.Union([t.Number(), t.Null()]), count: t.Integer() }),
		series: t.Array(
			t.Object({
				date: t.String({ description: 'A day, UTC.' }),
				messages: t.Integer(),
				conversations: whole('Chats of two users that were started.'),
				tickets: t.Integer(),
				users: t.Integer(),
			}),
			{ description: 'The last 30 days, oldest first, today at the end.' },
		),
	},
	{
		examples: [
			{
				totalConversations: 12,
				unreadCount: 3,
				conversations: { total: 12, p2p: 8, support: 4, active: 5 },
				messages: { total: 240, today: 18, last7Days: 96 },
				users: { total: 20, active24h: 7, online: 2 },
				tickets: {
					open: 1,
					inProgress: 1,
					waiting: 0,
					resolved: 1,
					closed: 1,
					unassigned: 1,
					byPriority: { low: 0, medium: 1, high: 1 },
				},
				medianFirstResponseSeconds: 420,
				medianResolutionSeconds: 5_400,
				rating: { average: 4.5, count: 2 },
				series: [{ date: '2026-02-22', messages: 18, conversations: 2, tickets: 1, users: 3 }],
			},
		],
	},
);
export type Stats = Static<typeof Stats>;
