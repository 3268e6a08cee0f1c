import { type Static, type TSchema, Type as t } from '@sinclair/typebox';
import { idMax, pollEventsDefault, pollEventsMax, pollWaitSecondsMax, tokenMax } from '../kernel/limits.ts';
import {
	ClientMessageId,
	EventConversation,
	EventMessage,
	MarkRead,
	Message,
	messageExample,
	ReadState,
	SendTicketMessage,
	Typing,
	UnreadCount,
} from '../modules/messaging/messaging.schema.ts';
import { Report } from '../modules/moderation/reports.schema.ts';
import { EventTicket } from '../modules/support/tickets.schema.ts';
import { Blocked, exampleIds, Id, Nullable, PresenceState, Role, Time, User } from '../modules/users/users.schema.ts';

/** The protocol of the live connection: every frame, every event, every close code. What is not here is not said. */

const exampleTime = '2026-02-22T10:00:00.000Z';
const exampleCursor = '3f9a1c5e7b20.1042.mlx3k9w0';
const Cursor = (description: string) => t.String({ maxLength: idMax, description, examples: [exampleCursor] });
const Ref = t.Optional(
	t.String({ minLength: 1, maxLength: idMax, description: 'Your own name for this frame: its answer carries it.' }),
);
const ConversationId = Id('The public id of a conversation; a ticket is one too.', exampleIds.conversation);

/** What a client says. */
export const Auth = t.Object(
	{
		type: t.Literal('auth'),
		token: t.String({ minLength: 1, maxLength: tokenMax, description: 'The chat token.' }),
		apiKey: t.String({ minLength: 1, maxLength: 128, description: 'The publishable key of the site.' }),
		since: t.Optional(Cursor('Go on behind this event; left out: from now on.')),
	},
	{
		description:
			'The first frame, within 5 seconds and of at most 4 KB. Answered by `ready`, or by `error` and the end.',
		examples: [
			{ type: 'auth', token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...', apiKey: 'pk_...', since: exampleCursor },
		],
	},
);
export type Auth = Static<typeof Auth>;

const { clientMessageId: _, ...sent } = SendTicketMessage.properties;
const Send = t.Object(
	{
		type: t.Literal('message'),
		ref: Ref,
		conversationId: ConversationId,
		...sent,
		clientMessageId: ClientMessageId,
	},
	{
		description:
			'Sends a message. `ack` says that it is on disk, with the message; the same `clientMessageId` may be sent again.',
		examples: [
			{
				type: 'message',
				ref: '1',
				conversationId: exampleIds.conversation,
				clientMessageId: '019c8f52-6a3b-7000-8000-2b8f4a1c9d10',
				content: { text: 'How are you?' },
			},
		],
	},
);
const Read = t.Object(
	{ type: t.Literal('read'), ref: Ref, conversationId: ConversationId, ...MarkRead.properties },
	{
		description: 'Marks as read, up to a message or all. With a `ref` answered by `ack` and `{ unreadCount }`.',
		examples: [{ type: 'read', ref: '2', conversationId: exampleIds.conversation }],
	},
);
const TypingFrame = t.Object(
	{ type: t.Literal('typing'), ref: Ref, conversationId: ConversationId, ...Typing.properties },
	{
		description:
			'Tells the other end that one is writing, or has stopped. Repeat it every few seconds. Answered only if refused.',
		examples: [{ type: 'typing', conversationId: exampleIds.conversation }],
	},
);
const Watch = t.Object(
	{ type: t.Literal('watch'), ref: Ref, conversationId: Nullable(ConversationId) },
	{
		description:
			'Names the one conversation that is being looked at, or null: whose presence is told, and, on a ticket, who else of the desk is looking. Answered by `presence` of everybody concerned, and with a `ref` by `ack`.',
		examples: [{ type: 'watch', conversationId: exampleIds.conversation }],
	},
);
const Ping = t.Object(
	{ type: t.Literal('ping'), ref: Ref },
	{ description: 'Answered by `pong`, with the newest cursor.', examples: [{ type: 'ping' }] },
);
export const clientFrames = { auth: Auth, message: Send, read: Read, typing: TypingFrame, watch: Watch, ping: Ping };
export type ClientFrame = {
	[K in keyof typeof clientFrames]: Static<(typeof clientFrames)[K]>;
}[keyof typeof clientFrames];

/** What the server says, beside events. */
export const Ready = t.Object(
	{
		type: t.Literal('ready'),
		cursor: Cursor('Where events begin: `since`, or now.'),
		user: t.Object({ id: t.String(), username: t.String(), role: Role }, { description: 'Who you are.' }),
	},
	{
		description: 'Signed in. The missed events follow in order, then `caught_up`.',
		examples: [
			{ type: 'ready', cursor: exampleCursor, user: { id: exampleIds.john, username: 'john_doe', role: 'user' } },
		],
	},
);
export const CaughtUp = t.Object(
	{ type: t.Literal('caught_up'), cursor: Cursor('The place up to which everything was told.') },
	{
		description: 'Nothing is missing; what follows is live.',
		examples: [{ type: 'caught_up', cursor: exampleCursor }],
	},
);
export const Reset = t.Object(
	{ type: t.Literal('reset'), cursor: Cursor('Go on from here.') },
	{
		description:
			'`since` is unknown, too old, or of another life of the database: fetch what you show anew, and go on from this cursor.',
		examples: [{ type: 'reset', cursor: exampleCursor }],
	},
);
export const Ack = t.Object(
	{
		type: t.Literal('ack'),
		ref: t.String({ description: 'That of the frame; of a message without one its clientMessageId.' }),
		data: t.Union([Message, UnreadCount, t.Object({})], {
			description: 'Of `message` the message, of `read` the count, of `watch` nothing.',
		}),
	},
	{ description: 'Done.', examples: [{ type: 'ack', ref: '1', data: messageExample }] },
);
export const ErrorFrame = t.Object(
	{
		type: t.Literal('error'),
		ref: t.Optional(t.String({ description: 'That of the frame, if it had one.' })),
		code: t.String({ description: 'As in the answers of the API.' }),
		message: t.String({ description: 'For people: what to do about it.' }),
		retryAfterSeconds: t.Optional(t.Integer({ description: 'Whole seconds until a repeat makes sense.' })),
		errors: t.Optional(
			t.Array(t.Object({ path: t.String(), message: t.String() }), { description: 'What is wrong with which field.' }),
		),
	},
	{
		description: 'Refused. Where the connection as such is, its end follows.',
		examples: [
			{
				type: 'error',
				ref: '1',
				code: 'blocked',
				message: 'One of you has blocked the other: nothing can be sent here.',
			},
		],
	},
);
export const Closed = t.Object(
	{
		type: t.Literal('closed'),
		closeCode: t.Integer({ description: 'As of a socket.' }),
		code: t.Optional(t.String({ description: 'As in the answers of the API, where somebody was refused.' })),
		message: t.String({ description: 'For people.' }),
	},
	{
		description: 'Of a stream, which has no close codes: the last thing it says.',
		examples: [
			{
				type: 'closed',
				closeCode: 4403,
				code: 'token_revoked',
				message: 'The chat token was revoked. Get a new one from POST /api/v1/users/chat-token.',
			},
		],
	},
);
export const Pong = t.Object(
	{ type: t.Literal('pong'), ref: Ref, cursor: Cursor('The newest place, once caught up.') },
	{ description: 'The answer to `ping`.', examples: [{ type: 'pong', cursor: exampleCursor }] },
);
export const serverFrames = {
	ready: Ready,
	caught_up: CaughtUp,
	reset: Reset,
	ack: Ack,
	error: ErrorFrame,
	pong: Pong,
	closed: Closed,
};
export type ServerFrame = {
	[K in keyof typeof serverFrames]: Static<(typeof serverFrames)[K]>;
}[keyof typeof serverFrames];

/** Events that pass: without an id, never repeated. */
const transient = <K extends string, T extends TSchema>(type: K, data: T, description: string, example: object) =>
	t.Object(
		{ type: t.Literal(type), createdAt: Time('When it was.'), conversationId: t.String(), data },
		{
			description,
			examples: [{ type, createdAt: exampleTime, conversationId: exampleIds.conversation, data: example }],
		},
	);
export const transientEvents = {
	typing: transient(
		'typing',
		t.Object({
			userId: t.String({ description: 'Who it is.' }),
			typing: t.Boolean({ description: 'false: no longer.' }),
			note: t.Boolean({ description: 'For the desk: whether it becomes a note.' }),
		}),
		'Somebody is writing. Forget it after 6 seconds without another.',
		{ userId: exampleIds.jane, typing: true, note: false },
	),
	presence: transient(
		'presence',
		t.Object({
			userId: t.String({ description: 'Who it is.' }),
			...PresenceState.properties,
			watching: t.Boolean({ description: 'Of the desk: whether they are looking at this ticket.' }),
		}),
		'Whether somebody is here, in the conversation that you watch.',
		{ userId: exampleIds.jane, online: true, lastSeenAt: exampleTime, watching: false },
	),
};
export type TransientEvent = {
	[K in keyof typeof transientEvents]: Static<(typeof transientEvents)[K]>;
}[keyof typeof transientEvents];

const event = <K extends string, T extends TSchema>(
	type: K,
	data: T,
	description: string,
	id?: string,
	/** What differs from the example of the data. */
	shown?: object,
) =>
	t.Object(
		{
			id: Cursor(
				'The place behind this event: a cursor. Of two, the greater number between the dots is the later one.',
			),
			type: t.Literal(type),
			createdAt: Time('When it happened.'),
			conversationId: t.Optional(t.String({ description: 'The conversation it happened in.' })),
			data,
		},
		{
			description,
			examples: [
				{
					id: exampleCursor,
					type,
					createdAt: exampleTime,
					...(id && { conversationId: id }),
					data: { ...data.examples?.[0], ...shown },
				},
			],
		},
	);
const { conversation, ticket } = exampleIds;
/** Every event, with its data as it is when it is told: a message that was deleted comes as what is left of it. */
export const events = {
	'message.created': event(
		'message.created',
		EventMessage,
		'A message was sent; for the desk also a note.',
		conversation,
	),
	'message.updated': event('message.updated', EventMessage, 'A text was changed.', conversation, {
		content: { text: 'How are you all?' },
		editedAt: exampleTime,
	}),
	'message.deleted': event(
		'message.deleted',
		EventMessage,
		'A message was deleted or erased: `content` is empty.',
		conversation,
		{ content: {}, deletedAt: exampleTime },
	),
	'message.reaction': event('message.reaction', EventMessage, 'A reaction was set or taken back.', conversation, {
		reactions: [{ emoji: '👍', count: 1, userIds: [exampleIds.jane] }],
	}),
	'conversation.created': event(
		'conversation.created',
		EventConversation,
		'Somebody has started a chat.',
		conversation,
	),
	'conversation.updated': event(
		'conversation.updated',
		EventConversation,
		'You have archived it, or brought it back.',
		conversation,
		{ status: 'archived' },
	),
	'conversation.read': event('conversation.read', ReadState, 'One side has read, or marked as unread.', conversation),
	'ticket.created': event('ticket.created', EventTicket, 'A ticket was opened.', ticket),
	'ticket.updated': event('ticket.updated', EventTicket, 'A ticket was changed.', ticket),
	'report.updated': event('report.updated', Report, 'For moderators and up: a report was made or decided.', ticket),
	'user.updated': event('user.updated', User, 'Your own account was changed.'),
	'user.blocked': event('user.blocked', Blocked, 'You have blocked somebody, or no longer do.'),
};
export type ServerEvent = { [K in keyof typeof events]: Static<(typeof events)[K]> }[keyof typeof events];
export const ServerEvent = t.Union(Object.values(events) as TSchema[], {
	description: 'An event. The same for everybody who is told, so counts are by participant.',
	examples: [events['message.created'].examples?.[0]],
});

export const EventPage = t.Object(
	{
		data: t.Array(ServerEvent, { description: 'In order.' }),
		cursor: Cursor('Send it as `since` of the next call.'),
		hasMore: t.Boolean({ description: 'Whether there is more to be had at once.' }),
		reset: t.Boolean({ description: 'true: fetch what you show anew, and go on from `cursor`.' }),
	},
	{
		examples: [
			{ data: [events['message.created'].examples?.[0]], cursor: exampleCursor, hasMore: false, reset: false },
		],
	},
);
export type EventPage = { data: ServerEvent[]; cursor: string; hasMore: boolean; reset: boolean };

const whole = (most: number, least: number, fallback: number, description: string) =>
	t.Optional(t.Number({ minimum: least, maximum: most, multipleOf: 1, default: fallback, description }));
export const EventQuery = t.Object({
	since: t.Optional(Cursor('Go on behind this event; left out: from now on.')),
	limit: whole(pollEventsMax, 1, pollEventsDefault, `How many, 1-${pollEventsMax}.`),
	wait: whole(pollWaitSecondsMax, 0, 0, `Seconds to wait where there is nothing yet, 0-${pollWaitSecondsMax}.`),
});
export type EventQuery = Static<typeof EventQuery>;
/** HTML Living Standard, section 9.2.4. */
export const LastEvent = t.Object({
	'last-event-id': t.Optional(
		t.String({ description: 'Of a stream: go on behind this event. It goes before `since`, which it is like.' }),
	),
});

/** Why a socket is closed: the code of the close frame, and what the client does then. */
export const closeCodes = {
	going_away: [1001, 'The server stops or restarts. Come back after a moment, at random up to some seconds.'],
	unsupported: [1003, 'A frame was not text. Mend your client.'],
	too_large: [1009, 'A frame was too large: the first over 4 KB, or any over 64 KB. Mend your client.'],
	failed: [1011, 'A fault of the server. Come back with your cursor: nothing is lost.'],
	try_later: [1013, 'The server is busy. Come back later.'],
	unauthenticated: [4401, 'The token or key is not good, or has expired. Get a new one.'],
	not_allowed: [
		4403,
		'Not allowed, or no longer: revoked, suspended, erased, or a page of a foreign origin. Do not come back as you are.',
	],
	too_late: [4408, 'No `auth` within 5 seconds. Come back, and send it at once.'],
	too_slow: [4413, 'You have not read what was sent. Come back with your cursor: nothing is lost.'],
	flood: [4429, 'Too many frames, or too many connections. Come back later.'],
} as const satisfies Record<string, readonly [code: number, meaning: string]>;
export type CloseName = keyof typeof closeCodes;
