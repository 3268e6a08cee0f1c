import { type Static, Type as t } from '@sinclair/typebox';
import { bulkMax, categoryMax, ratingCommentMax, searchMax, subjectMax, tagMax, tagsMax } from '../../kernel/limits.ts';
import { Message, messageExample } from '../messaging/messaging.schema.ts';
import { exampleIds, Id, Metadata, Nullable, PageOf, PageQuery, Profile, Time } from '../users/users.schema.ts';

/** The category of reports; nobody can set or leave it. */
export const moderationCategory = 'moderation';

export const TicketStatus = t.Union(
	[t.Literal('open'), t.Literal('in_progress'), t.Literal('waiting'), t.Literal('resolved'), t.Literal('closed')],
	{ description: 'open, in_progress (somebody is at it), waiting (for the requester), resolved, closed.' },
);
export type TicketStatus = Static<typeof TicketStatus>;
export const TicketPriority = t.Union([t.Literal('low'), t.Literal('medium'), t.Literal('high')], {
	description: 'How urgent it is.',
});
export type TicketPriority = Static<typeof TicketPriority>;

const Subject = t.String({ minLength: 1, maxLength: subjectMax * 2, description: `1-${subjectMax} characters.` });
const Category = t.String({
	minLength: 1,
	maxLength: categoryMax * 2,
	description: `Your own word, at most ${categoryMax} characters; \`${moderationCategory}\` is reserved.`,
});
const Tags = t.Array(t.String({ minLength: 1, maxLength: tagMax * 2 }), {
	maxItems: tagsMax,
	description: `All its tags, at most ${tagsMax}; for the desk.`,
});

export const OpenTicket = t.Object(
	{
		subject: Subject,
		priority: t.Optional(TicketPriority),
		category: t.Optional(Category),
		initialMessage: t.String({ minLength: 1, description: 'The first message: 1-10 000 characters.' }),
		followsTicketId: t.Optional(Id('A closed ticket of your own that this one goes on with.')),
		metadata: t.Optional(Metadata),
	},
	{
		examples: [
			{
				subject: 'My payment is not working',
				priority: 'high',
				category: 'billing',
				initialMessage: 'Need help...',
			},
		],
	},
);
export type OpenTicket = Static<typeof OpenTicket>;

const ticketExample = {
	id: exampleIds.ticket,
	number: 1001,
	subject: 'My payment is not working',
	status: 'open' as const,
	priority: 'high' as const,
	category: 'billing',
	requesterId: exampleIds.john,
	assigneeId: null,
	messageCount: 1,
	unreadCount: 0,
	lastMessage: {
		...messageExample,
		conversationId: exampleIds.ticket,
		content: { text: 'Need help...' },
	},
	lastMessageAt: '2026-02-22T10:00:00.000Z',
	firstResponseAt: null,
	resolvedAt: null,
	closedAt: null,
	rating: null,
	followsTicketId: null,
	metadata: null,
	createdAt: '2026-02-22T10:00:00.000Z',
	updatedAt: '2026-02-22T10:00:00.000Z',
};

export const Ticket = t.Object(
	{
		id: Id('The ticket’s public id; it is a conversation too.'),
		number: t.Integer({ description: '1001, 1002 … on this site.' }),
		subject: Nullable(t.String({ description: 'null once the requester was erased.' })),
		status: TicketStatus,
		priority: TicketPriority,
		category: Nullable(t.String()),
		requesterId: t.String(),
		assigneeId: Nullable(t.String({ description: 'Who of the team takes care of it.' })),
		messageCount: t.Integer(),
		unreadCount: t.Integer({ description: 'The caller’s own; the desk reads as one.' }),
		lastMessage: Nullable(Message),
		lastMessageAt: Nullable(Time('When the newest message was stored.')),
		firstResponseAt: Nullable(Time('When the team first answered.')),
		resolvedAt: Nullable(Time('When it was resolved; null again when it is reopened.')),
		closedAt: Nullable(Time('When it was closed.')),
		rating: Nullable(
			t.Object({ score: t.Integer(), comment: Nullable(t.String()), ratedAt: Time('When it was rated.') }),
		),
		followsTicketId: Nullable(t.String({ description: 'The ticket that this one goes on with.' })),
		metadata: Nullable(Metadata),
		createdAt: Time('When it was opened.'),
		updatedAt: Time('When it last changed, or a message came.'),
		tags: t.Optional(t.Array(t.String(), { description: 'For the desk.' })),
		version: t.Optional(
			t.Integer({ description: 'For the desk: send it as If-Match to change only what you have read.' }),
		),
		waitingSince: t.Optional(Nullable(Time('For the desk: since when the requester waits for an answer.'))),
		requester: t.Optional(Profile),
		assignee: t.Optional(Nullable(Profile)),
		sourceMessageId: t.Optional(Nullable(t.String({ description: 'For the desk: the message that it was made of.' }))),
		sourceConversationId: t.Optional(Nullable(t.String({ description: 'And where that message stands.' }))),
	},
	{ examples: [ticketExample] },
);
export type Ticket = Static<typeof Ticket>;

const { unreadCount: _, lastMessage: __, ...ticketOfEventExample } = ticketExample;
/** A ticket as an event carries it: once for its requester, once for the desk. */
export const EventTicket = t.Omit(Ticket, ['unreadCount', 'lastMessage'], { examples: [ticketOfEventExample] });
export type EventTicket = Static<typeof EventTicket>;

export const TicketPage = PageOf(Ticket);
export type TicketPage = Static<typeof TicketPage>;

export const TicketQuery = t.Object({
	...PageQuery,
	status: t.Optional(TicketStatus),
	mine: t.Optional(
		t.Union([t.Literal('requested'), t.Literal('assigned')], {
			default: 'requested',
			description: 'For the desk: those you opened yourself, or those assigned to you.',
		}),
	),
});
export type TicketQuery = Static<typeof TicketQuery>;

const changes = {
	subject: t.Optional(Subject),
	status: t.Optional(TicketStatus),
	priority: t.Optional(TicketPriority),
	category: t.Optional(Nullable(Category)),
	assigneeId: t.Optional(Nullable(Id('Who of the team takes care of it; null for nobody.'))),
	tags: t.Optional(Tags),
};
export const UpdateTicket = t.Object(changes, {
	description: 'A requester can change the status alone: close it, or open it again.',
	examples: [{ status: 'resolved' }],
});
export type UpdateTicket = Static<typeof UpdateTicket>;

export const RateTicket = t.Object(
	{
		score: t.Integer({ minimum: 1, maximum: 5 }),
		comment: t.Optional(
			t.String({ maxLength: ratingCommentMax * 2, description: `At most ${ratingCommentMax} characters.` }),
		),
	},
	{ examples: [{ score: 5, comment: 'Quick and friendly.' }] },
);
export type RateTicket = Static<typeof RateTicket>;

export const TicketHistory = t.Object(
	{
		data: t.Array(
			t.Object({
				at: Time('When it was changed.'),
				actor: t.String({ description: 'A user’s id, `key:<label>` of a secret key, or `system`.' }),
				field: t.String(),
				before: Nullable(t.String()),
				after: Nullable(t.String()),
			}),
			{ description: 'Oldest first.' },
		),
	},
	{
		examples: [
			{
				data: [
					{
						at: '2026-02-22T10:05:00.000Z',
						actor: exampleIds.stan,
						field: 'status',
						before: 'open',
						after: 'in_progress',
					},
				],
			},
		],
	},
);
export type TicketHistory = Static<typeof TicketHistory>;

export const DeskTicketQuery = t.Object({
	...PageQuery,
	status: t.Optional(
		t.Union([TicketStatus, t.Literal('unsolved')], {
			description: 'A status, or `unsolved`: open, in_progress and waiting together.',
		}),
	),
	priority: t.Optional(TicketPriority),
	category: t.Optional(t.String({ minLength: 1, maxLength: categoryMax * 2, description: 'Exactly this category.' })),
	assignee: t.Optional(Id('The id of a desk user; `me` for yourself.')),
	unassigned: t.Optional(t.Boolean({ description: 'true: only those that nobody takes care of.' })),
	tag: t.Optional(t.String({ minLength: 1, maxLength: tagMax * 2, description: 'With this tag.' })),
	q: t.Optional(
		t.String({
			minLength: 1,
			maxLength: searchMax,
			description: 'Words of subject and messages, the requester’s name, or the number.',
		}),
	),
	sort: t.Optional(
		t.Union(
			[
				t.Literal('-updatedAt'),
				t.Literal('createdAt'),
				t.Literal('-createdAt'),
				t.Literal('-priority'),
				t.Literal('waitingSince'),
			],
			{
				default: '-updatedAt',
				description:
					'`-updatedAt` newest activity first, `createdAt` oldest first, `-createdAt` newest first, `-priority` most urgent first, `waitingSince` longest waiting first.',
			},
		),
	),
});
export type DeskTicketQuery = Static<typeof DeskTicketQuery>;

export const BulkTickets = t.Object(
	{
		ids: t.Array(Id('A ticket’s public id.'), { minItems: 1, maxItems: bulkMax }),
		changes: t.Object(changes),
	},
	{ examples: [{ ids: [exampleIds.ticket], changes: { assigneeId: exampleIds.stan, status: 'in_progress' } }] },
);
export type BulkTickets = Static<typeof BulkTickets>;

export const BulkOutcome = t.Object(
	{
		changed: t.Integer({ description: 'How many tickets are now as asked.' }),
		results: t.Array(
			t.Object({
				id: t.String(),
				ok: t.Boolean(),
				code: t.Optional(t.String({ description: 'Why not.' })),
				message: t.Optional(t.String()),
			}),
			{ description: 'One for each id, in their order.' },
		),
	},
	{ examples: [{ changed: 1, results: [{ id: exampleIds.ticket, ok: true }] }] },
);
export type BulkOutcome = Static<typeof BulkOutcome>;
