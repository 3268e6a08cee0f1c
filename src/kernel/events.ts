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
	/** The users it is for; with neither and no `desk`, it is for the server itself. */
	userA?: number | undefined;
	userB?: number | undefined;
	desk?: boolean | undefined;
	detail?: Record<string, string | number | boolean> | undefined;
}

export interface StoredEvent extends NewEvent {
	/** Grows by commit order and is never reused. */
	id: number;
	createdAt: number;
}
