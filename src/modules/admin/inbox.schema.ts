import { type Static, Type as t } from '@sinclair/typebox';
import { searchMax } from '../../kernel/limits.ts';
import { Message } from '../messaging/messaging.schema.ts';
import { TicketPriority } from '../support/tickets.schema.ts';
import {
	exampleIds,
	Id,
	Nullable,
	PageOf,
	PageQuery,
	Profile,
	profileExamples,
	Time,
	TimeInput,
} from '../users/users.schema.ts';

const Status = t.Union(
	[
		t.Literal('active'),
		t.Literal('open'),
		t.Literal('in_progress'),
		t.Literal('waiting'),
		t.Literal('resolved'),
		t.Literal('closed'),
	],
	{ description: 'Of a ticket where it stands; `active` for chats of two users.' },
);

const example = {
	id: exampleIds.ticket,
	type: 'support' as const,
	status: 'open' as const,
	messageCount: 1,
	lastMessageAt: '2026-02-22T10:00:00.000Z',
	participants: [profileExamples.john],
	createdAt: '2026-02-22T10:00:00.000Z',
	number: 1001,
	subject: 'My payment is not working',
	priority: 'high' as const,
	category: 'billing',
	assigneeId: null,
	unreadCount: 1,
	waitingSince: '2026-02-22T10:00:00.000Z',
	lastMessage: null,
};

/** A conversation as the desk has it. What two users write is not in its list; only who opens it sees the newest message. */
export const DeskConversation = t.Object(
	{
		id: Id('The conversation’s public id.'),
		type: t.Union([t.Literal('p2p'), t.Literal('support')]),
		status: Status,
		messageCount: t.Integer(),
		lastMessageAt: Nullable(Time('When the newest message was stored.')),
		participants: t.Array(Profile),
		createdAt: Time('When it was started.'),
		number: t.Optional(t.Integer({ description: 'This and what follows: of tickets only.' })),
		subject: t.Optional(Nullable(t.String())),
		priority: t.Optional(TicketPriority),
		category: t.Optional(Nullable(t.String())),
		assigneeId: t.Optional(Nullable(t.String())),
		unreadCount: t.Optional(t.Integer({ description: 'What the desk has not read.' })),
		waitingSince: t.Optional(Nullable(Time('Since when the requester waits for an answer.'))),
		lastMessage: t.Optional(Nullable(Message)),
	},
	{ examples: [example] },
);
export type DeskConversation = Static<typeof DeskConversation>;

export const DeskConversationPage = PageOf(DeskConversation);
export type DeskConversationPage = Static<typeof DeskConversationPage>;

export const DeskConversationQuery = t.Object({
	...PageQuery,
	type: t.Optional(t.Union([t.Literal('p2p'), t.Literal('support')], { description: 'Only chats, or only tickets.' })),
	status: t.Optional(Status),
	q: t.Optional(
		t.String({
			minLength: 1,
			maxLength: searchMax,
			description:
				'Words of the messages, the name of a participant, or the number of a ticket. Below the role admin only tickets are searched.',
		}),
	),
	userId: t.Optional(Id('Only of this user; for admins.')),
	from: t.Optional(TimeInput('With activity from this time on, to the minute.')),
	to: t.Optional(TimeInput('With activity up to this time, to the minute.')),
});
export type DeskConversationQuery = Static<typeof DeskConversationQuery>;
