import type { Steps, Tx } from '../../db/step.ts';
import type { EventType, StoredEvent } from '../../kernel/events.ts';
import { atLeast, type Role } from '../../kernel/roles.ts';
import { partIn, type Viewer } from './audience.ts';

/** Pure: what of an event is shown, and to whom of its audience. */

/** Shown is an event as its rows are now, once for each audience: it is encoded no oftener, whoever reads it. */
export interface Shown {
	/** The public id of the conversation it happened in. */
	conversationId?: string | undefined;
	/** For the users it names; null: not for them. */
	own: object | null;
	/** For the desk: from which role on, and who of it not, by integer key: whom a report is about, the requester of their own ticket. */
	desk: { data: object; least: Role; except: number[] } | null;
}

/** Kept is what was read to show other events, by integer key. It is dropped as soon as anything is committed. */
export interface Kept {
	conversations: Map<number, unknown>;
	/** The public ids of users. */
	userIds: Map<number, string>;
}

/** View shows one of a module's events; null: there is nothing to show of it any more. */
export type View = (tx: Tx, event: StoredEvent, kept: Kept) => Steps<Shown | null>;

/** Who shows what. note: the same types can be of a chat or of a ticket, whose events alone say whether they are for the desk */
export interface Views {
	chat: View;
	ticket: View;
	user: View;
	report: View;
}

const shownBy: Partial<Record<EventType, keyof Views>> = {
	'message.created': 'chat',
	'message.updated': 'chat',
	'message.deleted': 'chat',
	'message.reaction': 'chat',
	'conversation.created': 'chat',
	'conversation.updated': 'chat',
	'conversation.read': 'chat',
	'ticket.created': 'ticket',
	'ticket.updated': 'ticket',
	'report.updated': 'report',
	'user.updated': 'user',
	'user.blocked': 'user',
};

/** viewOf names who shows an event; null: it is for the server itself. */
export const viewOf = ({ type, desk }: Pick<StoredEvent, 'type' | 'desk'>): keyof Views | null => {
	const view = shownBy[type] ?? null;
	return view === 'chat' && desk !== undefined ? 'ticket' : view;
};

/** dataFor is what somebody is shown of an event; null: nothing. Whoever is named sees it as that, and never as the desk too. */
export const dataFor = (event: StoredEvent, shown: Shown, viewer: Viewer): 'own' | 'desk' | null => {
	const part = partIn(event, viewer);
	if (part === 'own') return shown.own && 'own';
	if (part !== 'desk' || !shown.desk) return null;
	const { least, except } = shown.desk;
	return atLeast(viewer.role, least) && !except.includes(viewer.pk) ? 'desk' : null;
};
