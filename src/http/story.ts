import { Ticket, TicketPage } from '../modules/support/tickets.schema.ts';
import { exampleIds } from '../modules/users/users.schema.ts';

/**
 * The examples of the documents as one story: John opens a ticket, Stan of the team answers and resolves it, John rates it.
 * A schema has one example wherever it stands; here is what is otherwise at an operation.
 */

type Json = Record<string, unknown>;
interface Chapter {
	/** Of parameters, by name. */
	parameters?: Record<string, string>;
	body?: Json;
	/** Fields that differ from the example of the answer's schema. */
	answer?: Json;
}

const { john, jane, stan, conversation, message, ticket } = exampleIds;
const at = (minute: number): string => `2026-02-22T10:${String(minute).padStart(2, '0')}:00.000Z`;
const replyId = 'msg_01kj3zsm2d7h4n8r0s6t3v9wcf';
const otherTicket = 'ticket_01kj3ztk4c8f2t9v5m1q7w3y6x';

const written = (fields: Json): Json => ({
	id: message,
	conversationId: ticket,
	senderId: john,
	seq: 1,
	kind: 'text',
	content: { text: 'Need help...' },
	isRead: true,
	replyTo: null,
	reactions: [],
	clientMessageId: null,
	metadata: null,
	editedAt: null,
	deletedAt: null,
	createdAt: at(0),
	...fields,
});
const text = 'We are looking into it.';
const reply = { id: replyId, senderId: stan, seq: 2, content: { text }, isRead: false, createdAt: at(7) };
const moved = {
	id: 'msg_01kj3zsm2d7h4n8r0s6t3v9wcg',
	senderId: null,
	seq: 3,
	kind: 'system',
	content: { text: 'The ticket is now in progress.' },
	isRead: false,
	metadata: { action: 'status', from: 'open', to: 'in_progress' },
	createdAt: at(7),
};
/** The ticket once Stan has answered, as John sees it; and after. */
const answered = {
	status: 'in_progress',
	assigneeId: stan,
	messageCount: 2,
	unreadCount: 1,
	lastMessage: written(moved),
	lastMessageAt: at(7),
	firstResponseAt: at(7),
	updatedAt: at(7),
};
const resolved = {
	...answered,
	status: 'resolved',
	unreadCount: 0,
	lastMessage: written({
		...moved,
		id: 'msg_01kj3zsm2d7h4n8r0s6t3v9wch',
		seq: 4,
		content: { text: 'The ticket is now resolved.' },
		metadata: { action: 'status', from: 'in_progress', to: 'resolved' },
		createdAt: at(30),
	}),
	lastMessageAt: at(30),
	resolvedAt: at(30),
	updatedAt: at(30),
};
/** As John opened it, for him; and for the desk, which has not read it. */
const opened = Ticket.examples?.[0] as Json;
const listed = TicketPage.examples?.[0] as { data: Json[] } | undefined;
const toRead = { ...listed?.data[0], unreadCount: 1 };

const onTicket = { parameters: { id: ticket } };
const onReply = { parameters: { id: ticket, messageId: replyId } };
const thumb = [{ emoji: '👍', count: 1, mine: true }];
const deleted = { content: {}, deletedAt: at(8) };
const johns = { parameters: { id: john } };

/** story is what is told otherwise at an operation, by its id. */
export const story: Record<string, Chapter> = {
	updateMe: { answer: { displayName: 'John', updatedAt: at(1) } },
	getUser: { parameters: { id: jane } },
	p2pArchiveConversation: { answer: { status: 'archived' } },
	p2pEditMessage: { answer: { content: { text: 'How are you all?' }, editedAt: at(1) } },
	p2pDeleteMessage: { answer: deleted },
	p2pMarkUnread: { answer: { unreadCount: 1 } },
	p2pAddReaction: { answer: { reactions: thumb } },

	supportGetUnreadCount: { answer: { total: 1, conversations: [{ id: ticket, unreadCount: 1 }] } },
	supportListTickets: { answer: { data: [opened] } },
	supportGetTicket: { answer: answered },
	supportUpdateTicket: { answer: resolved },
	supportRateTicket: {
		answer: { ...resolved, rating: { score: 5, comment: 'Quick and friendly.', ratedAt: at(40) }, updatedAt: at(40) },
	},
	supportSendMessage: { ...onTicket, answer: written(reply) },
	supportListMessages: { ...onTicket, answer: { data: [written({}), written(reply), written(moved)], total: 3 } },
	supportEditMessage: {
		...onReply,
		body: { content: { text: 'We have looked into it.' } },
		answer: written({ ...reply, content: { text: 'We have looked into it.' }, editedAt: at(9) }),
	},
	supportDeleteMessage: { ...onReply, answer: written({ ...reply, ...deleted }) },
	supportMarkRead: { ...onTicket, body: { messageId: replyId } },
	supportMarkUnread: { ...onTicket, body: { messageId: replyId }, answer: { unreadCount: 1 } },
	supportAddReaction: { ...onReply, answer: written({ ...reply, reactions: thumb }) },
	supportRemoveReaction: { ...onReply, answer: written(reply) },
	supportReportMessage: { ...onReply, answer: { ticketId: otherTicket } },
	supportGetTicketHistory: {
		answer: {
			data: [
				{ at: at(7), actor: stan, field: 'status', before: 'open', after: 'in_progress' },
				{ at: at(30), actor: stan, field: 'status', before: 'in_progress', after: 'resolved' },
				{ at: at(40), actor: john, field: 'rating', before: null, after: '5' },
			],
		},
	},
	p2pReportMessage: { answer: { ticketId: otherTicket } },
	// the example of an event stands behind this one
	listEvents: { parameters: { since: '3f9a1c5e7b20.1041.mlx3k2fe' } },
	reportUser: { answer: { ticketId: otherTicket } },

	adminGetConversation: { parameters: { id: ticket } },
	adminListMessages: {
		...onTicket,
		answer: {
			data: [
				written({}),
				written({
					id: 'msg_01kj3zsk1c6g3m7q9r5s2t8vbe',
					senderId: stan,
					kind: 'note',
					noteSeq: 1,
					isEvidence: false,
					content: { text: 'The card has expired.' },
					isRead: false,
					createdAt: at(6),
				}),
				written(reply),
				written(moved),
			],
			total: 4,
		},
	},
	adminListTickets: { answer: { data: [toRead] } },
	adminListUserConversations: johns,
	adminGetUser: johns,
	adminUpdateUser: {
		...johns,
		answer: { suspended: true, suspendedReason: 'spam', suspendedUntil: '2026-03-01T00:00:00.000Z', updatedAt: at(50) },
	},
	adminEraseUser: johns,
	adminExportUser: {
		...johns,
		answer: {
			conversations: [
				{
					id: ticket,
					type: 'support',
					createdAt: at(0),
					ticket: {
						number: 1001,
						subject: 'My payment is not working',
						category: 'billing',
						rating: 5,
						ratingComment: 'Quick and friendly.',
					},
					messages: [written({})],
				},
			],
		},
	},
	adminRevokeTokens: johns,
	adminCreateAccessLink: { parameters: { id: stan } },
	adminDecideReport: { answer: { status: 'upheld', decidedBy: stan, decidedAt: at(50) } },
	adminTicketOfMessage: {
		answer: {
			id: otherTicket,
			number: 1002,
			subject: 'Refund asked for in chat',
			priority: 'medium',
			category: null,
			lastMessage: written({
				id: 'msg_01kj3ztk5d9g3v0w6n2r8x4z7y',
				conversationId: otherTicket,
				content: { text: 'How are you?' },
				isRead: false,
				createdAt: at(45),
			}),
			lastMessageAt: at(45),
			createdAt: at(45),
			updatedAt: at(45),
			sourceMessageId: message,
			sourceConversationId: conversation,
		},
	},
	adminListAudit: { answer: { total: 12 } },
	adminUpdateSite: { answer: { signup: 'signed', autoCloseDays: 14 } },
	adminRevokeKey: { answer: { label: 'shop server', revokedAt: at(50) } },
	adminUpdateCannedReply: { answer: { text: 'Thank you for your message.', updatedAt: at(50) } },
};
