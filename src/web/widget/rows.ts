import type { Conversation, Ticket } from '../../client/client.ts';
import { say } from './texts.ts';

/** A row of the list: a chat or a ticket, and what is said of it. */

export type Row = (Conversation & { subject?: undefined }) | Ticket;
export const isTicket = (row: Row): row is Ticket => row.id.startsWith('ticket_');
/** The other side of a chat; undefined: the team. */
export const otherOf = (row: Row, me: string | null) =>
	isTicket(row) ? undefined : row.participants.find(({ id }) => id !== me);
/** How the visitor calls the other side. */
export const nameOf = (row: Row | undefined, me: string | null): string => {
	if (!row || isTicket(row)) return say('team');
	const other = otherOf(row, me);
	return other?.displayName ?? other?.username ?? say('somebody');
};

/** What a conversation is called in lists. */
export const titleOf = (row: Row, me: string | null): string =>
	isTicket(row) ? (row.subject ?? `#${row.number}`) : nameOf(row, me);
export const statusName = (status: string): string =>
	status === 'open' ? say('open_') : status === 'closed' ? say('closed_') : say(status as 'resolved');
/** A system message in the visitor's language; its metadata says what it is. */
export const systemText = ({
	content,
	metadata,
}: {
	content: { text?: string };
	metadata?: Record<string, unknown> | null;
}): string => {
	const { action, to, score } = metadata ?? {};
	if (action === 'status') return say('movedTo', { status: statusName(String(to)) });
	if (action === 'rating') return say('wasRated', { score: Number(score) });
	return content.text ?? '';
};
/** The newest message in one line. */
export const previewOf = (row: Row, me: string | null): string => {
	const last = row.lastMessage;
	if (!last) return '';
	if (last.deletedAt) return say('deleted');
	const text = last.kind === 'system' ? systemText(last) : (last.content.text ?? '');
	return last.senderId === me ? `${say('you')}: ${text}` : text;
};
