/** The kinds of things that happen. An event is a reference to rows, never a copy of them. */
export const eventTypes = [
	'message.created',
	'message.updated',
	'message.deleted',
	'message.reaction',
	'conversation.created',
	'conversation.updated',
	'conversation.read',
	'ticket.created',
	'ticket.updated',
	'report.updated',
	'user.created',
	'user.updated',
	'user.blocked',
	'user.revoked',
	'user.deleted',
	'site.updated',
] as const;
export type EventType = (typeof eventTypes)[number];

/** NewEvent names rows by their integer keys. `detail` holds no human text: it outlives erasure. */
export interface NewEvent {
	site: number;
	type: EventType;
	conversation?: number | undefined;
	message?: number | undefined;
	detail?: Record<string, string | number | boolean> | undefined;
}

/** Audience is the part of an event that says for whom it is. Of a user's own event, `userA` is that user. */
export interface Audience {
	userA?: number | undefined;
	userB?: number | undefined;
	/** Of a ticket: whether it is for the desk. undefined: of no ticket. */
	desk?: boolean | undefined;
}

export interface StoredEvent extends NewEvent, Audience {
	/** Grows by commit order and is never reused. */
	id: number;
	createdAt: number;
}
