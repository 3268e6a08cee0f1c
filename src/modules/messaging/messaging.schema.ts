import { type Static, Type as t } from '@sinclair/typebox';
import { clientMessageIdMax, idMax, unreadListMax } from '../../kernel/limits.ts';
import {
	exampleIds,
	Id,
	Metadata,
	Nullable,
	PageOf,
	PageQuery,
	Profile,
	profileExamples,
	Time,
} from '../users/users.schema.ts';

const Text = t.String({
	minLength: 1,
	description: '1-10 000 characters after trimming, well-formed Unicode, no NUL.',
});
export const ClientMessageId = t.String({
	minLength: 1,
	maxLength: clientMessageIdMax,
	pattern: '^[\\x21-\\x7e]+$',
	description:
		'Your own id of this message, best a UUIDv7: sending it again returns the stored message instead of a second one.',
});

export const SendMessage = t.Object(
	{
		content: t.Object({ text: Text }),
		replyTo: t.Optional(Id('A message of the same conversation.')),
		clientMessageId: t.Optional(ClientMessageId),
		metadata: t.Optional(Metadata),
	},
	{ examples: [{ content: { text: 'How are you?' } }] },
);
export type SendMessage = Static<typeof SendMessage>;

/** In a ticket the desk can also write notes. */
export const SendTicketMessage = t.Object(
	{
		...SendMessage.properties,
		kind: t.Optional(
			t.Union([t.Literal('text'), t.Literal('note')], {
				default: 'text',
				description: '`note`: for the desk alone; nobody else can tell that it is there.',
			}),
		),
	},
	{ examples: [{ content: { text: 'We are looking into it.' } }] },
);
export type SendTicketMessage = Static<typeof SendTicketMessage>;

export const EditMessage = t.Object(
	{ content: t.Object({ text: Text }) },
	{ examples: [{ content: { text: 'How are you all?' } }] },
);
export type EditMessage = Static<typeof EditMessage>;

export const Reaction = t.Object({
	emoji: t.String(),
	count: t.Integer(),
	mine: t.Boolean({ description: 'Whether the caller is among them.' }),
});

export const messageExample = {
	id: exampleIds.message,
	conversationId: exampleIds.conversation,
	senderId: exampleIds.john,
	seq: 1,
	kind: 'text' as const,
	content: { text: 'How are you?' },
	isRead: false,
	replyTo: null,
	reactions: [],
	clientMessageId: null,
	metadata: null,
	editedAt: null,
	deletedAt: null,
	createdAt: '2026-02-22T10:00:00.000Z',
};

export const Message = t.Object(
	{
		id: Id('The message’s public id.'),
		conversationId: t.String(),
		senderId: Nullable(t.String({ description: 'null for a system message.' })),
		seq: t.Integer({ description: '1, 2, 3 … in each conversation without a gap: the order.' }),
		kind: t.Union([t.Literal('text'), t.Literal('system'), t.Literal('note')]),
		content: t.Object({ text: t.Optional(t.String()) }, { description: 'Empty once the message was deleted.' }),
		isRead: t.Boolean({ description: 'Whether the other side has seen it.' }),
		replyTo: Nullable(t.String({ description: 'The message this one answers.' })),
		reactions: t.Array(Reaction),
		clientMessageId: Nullable(t.String()),
		metadata: Nullable(Metadata),
		editedAt: Nullable(Time('When the text was last changed.')),
		deletedAt: Nullable(Time('When the message was deleted.')),
		createdAt: Time('When the message was stored.'),
		noteSeq: t.Optional(
			t.Integer({ description: 'Of a note, for the desk: its number. Its `seq` is that of the message it follows.' }),
		),
		isEvidence: t.Optional(
			t.Boolean({ description: 'Of a note: it keeps a reported message as it was, with who wrote it as its sender.' }),
		),
		earlierTexts: t.Optional(
			t.Array(t.Object({ text: Nullable(t.String()), replacedAt: Time('When this text was replaced.') }), {
				description: 'For the desk: what an edited message said before, oldest first.',
			}),
		),
	},
	{ examples: [messageExample] },
);
export type Message = Static<typeof Message>;

/** A message as an event carries it: the same for everybody who is told. */
export const EventMessage = t.Object(
	{
		...t.Omit(Message, ['reactions', 'earlierTexts']).properties,
		reactions: t.Array(
			t.Object({
				emoji: t.String(),
				count: t.Integer(),
				userIds: t.Array(t.String(), { description: 'Whose it is.' }),
			}),
		),
		messageCount: t.Integer({ description: 'Of the conversation, as it is now.' }),
		unreadCountP1: t.Optional(
			t.Integer({ description: 'What participantOne has not read; of a ticket: for its requester.' }),
		),
		unreadCountP2: t.Optional(
			t.Integer({ description: 'What participantTwo has not read; of a ticket: for the desk.' }),
		),
	},
	{ examples: [{ ...messageExample, messageCount: 5, unreadCountP1: 0, unreadCountP2: 1 }] },
);
export type EventMessage = Static<typeof EventMessage>;

export const MessagePage = t.Object(
	{
		data: t.Array(Message, { description: 'In order of seq.' }),
		total: t.Integer(),
		page: Nullable(t.Integer({ description: '1 is the newest page; null under a cursor.' })),
		limit: t.Integer(),
		totalPages: Nullable(t.Integer()),
		hasMoreBefore: t.Boolean(),
		hasMoreAfter: t.Boolean(),
	},
	{
		examples: [
			{
				data: [messageExample],
				total: 1,
				page: 1,
				limit: 20,
				totalPages: 1,
				hasMoreBefore: false,
				hasMoreAfter: false,
			},
		],
	},
);
export type MessagePage = Static<typeof MessagePage>;

export const MessageQuery = t.Object({
	...PageQuery,
	before: t.Optional(t.String({ maxLength: idMax, description: 'A message id: what came before it.' })),
	after: t.Optional(t.String({ maxLength: idMax, description: 'A message id: what came after it.' })),
	around: t.Optional(
		t.String({ maxLength: idMax, description: 'A message id, or `first_unread`: what stands around it.' }),
	),
});
export type MessageQuery = Static<typeof MessageQuery>;

export const MarkRead = t.Object(
	{ messageId: t.Optional(Id('Read up to this message; left out: up to the newest.')) },
	{ examples: [{ messageId: messageExample.id }] },
);
export type MarkRead = Static<typeof MarkRead>;

export const MarkUnread = t.Object(
	{ messageId: Id('From this message on it counts as unread again.') },
	{ examples: [{ messageId: messageExample.id }] },
);
export type MarkUnread = Static<typeof MarkUnread>;

export const Typing = t.Object(
	{
		typing: t.Optional(t.Boolean({ default: true, description: 'false: no longer.' })),
		note: t.Optional(
			t.Boolean({ default: false, description: 'Of a ticket: a note, which is for the desk alone to see.' }),
		),
	},
	{ examples: [{ typing: true }] },
);
export type Typing = Static<typeof Typing>;

export const UnreadCount = t.Object({ unreadCount: t.Integer() }, { examples: [{ unreadCount: 0 }] });
export type UnreadCount = Static<typeof UnreadCount>;

export const UnreadTotal = t.Object(
	{
		total: t.Integer({ description: 'Unread messages in all conversations.' }),
		conversations: t.Array(t.Object({ id: t.String(), unreadCount: t.Integer() }), {
			description: `Those with unread messages, newest first, at most ${unreadListMax}.`,
		}),
		hasMore: t.Boolean(),
	},
	{ examples: [{ total: 2, conversations: [{ id: messageExample.conversationId, unreadCount: 2 }], hasMore: false }] },
);
export type UnreadTotal = Static<typeof UnreadTotal>;

export const StartConversation = t.Object(
	{
		otherParticipantId: t.Optional(Id('The other user’s public id.')),
		otherExternalId: t.Optional(
			t.String({ minLength: 1, maxLength: 128, description: 'Or the site’s own id of the other user.' }),
		),
		participantOne: t.Optional(Id('With a secret key alone: the one user’s public id …')),
		participantTwo: t.Optional(Id('… and the other’s.')),
	},
	{ examples: [{ otherParticipantId: exampleIds.jane }] },
);
export type StartConversation = Static<typeof StartConversation>;

const conversationExample = {
	id: exampleIds.conversation,
	type: 'p2p' as const,
	participantOne: exampleIds.john,
	participantTwo: exampleIds.jane,
	participants: [profileExamples.john, profileExamples.jane],
	status: 'active' as const,
	messageCount: 5,
	unreadCountP1: 0,
	unreadCountP2: 2,
	unreadCount: 0,
	lastMessage: { ...messageExample, seq: 5 },
	lastMessageAt: messageExample.createdAt,
	metadata: null,
	createdAt: '2026-02-22T09:55:00.000Z',
};

export const Conversation = t.Object(
	{
		id: Id('The conversation’s public id.'),
		type: t.Union([t.Literal('p2p'), t.Literal('support')]),
		participantOne: t.String({ description: 'The id of the user who started it.' }),
		participantTwo: Nullable(t.String({ description: 'The id of the other user.' })),
		participants: t.Array(Profile),
		status: t.Union([t.Literal('active'), t.Literal('archived')], {
			description: 'For the caller: each archives for themselves.',
		}),
		messageCount: t.Integer(),
		unreadCountP1: t.Integer(),
		unreadCountP2: t.Integer(),
		unreadCount: t.Integer({ description: 'The caller’s own.' }),
		lastMessage: Nullable(Message),
		lastMessageAt: Nullable(Time('When the newest message was stored.')),
		metadata: Nullable(Metadata),
		createdAt: Time('When it was started.'),
	},
	{
		examples: [conversationExample],
	},
);
export type Conversation = Static<typeof Conversation>;

/** A conversation as an event carries it. */
export const EventConversation = t.Object(
	{
		...t.Omit(Conversation, ['status', 'unreadCount', 'lastMessage']).properties,
		status: t.Optional(Conversation.properties.status),
	},
	{
		examples: [
			{
				id: conversationExample.id,
				type: conversationExample.type,
				participantOne: conversationExample.participantOne,
				participantTwo: conversationExample.participantTwo,
				participants: conversationExample.participants,
				messageCount: 0,
				unreadCountP1: 0,
				unreadCountP2: 0,
				lastMessageAt: null,
				metadata: null,
				createdAt: conversationExample.createdAt,
			},
		],
	},
);
export type EventConversation = Static<typeof EventConversation>;

/** How far the sides of a conversation have read. */
export const ReadState = t.Object(
	{
		id: Id('The conversation’s public id.'),
		seenSeqP1: t.Optional(
			t.Integer({ description: 'participantOne has seen up to this seq: the receipt of the other’s messages.' }),
		),
		seenSeqP2: t.Optional(t.Integer({ description: 'participantTwo, or the desk, has seen up to this seq.' })),
		unreadCountP1: t.Optional(t.Integer()),
		unreadCountP2: t.Optional(t.Integer()),
	},
	{ examples: [{ id: exampleIds.conversation, seenSeqP1: 5, seenSeqP2: 5, unreadCountP1: 0, unreadCountP2: 0 }] },
);
export type ReadState = Static<typeof ReadState>;

export const ConversationPage = PageOf(Conversation);
export type ConversationPage = Static<typeof ConversationPage>;

export const ConversationQuery = t.Object({
	...PageQuery,
	status: t.Optional(
		t.Union([t.Literal('active'), t.Literal('archived'), t.Literal('all')], {
			default: 'active',
			description: 'The caller’s status of it.',
		}),
	),
	unread: t.Optional(t.Boolean({ description: 'true: only those with unread messages.' })),
});
export type ConversationQuery = Static<typeof ConversationQuery>;
