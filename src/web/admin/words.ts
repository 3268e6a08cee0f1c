import { Failure } from '../../client/client.ts';
import type { FailureCode } from '../../kernel/errors.ts';

/** How things are called on this page. */

export const statusNames = {
	open: 'Open',
	in_progress: 'In progress',
	waiting: 'Waiting',
	resolved: 'Resolved',
	closed: 'Closed',
} as const;
export type Status = keyof typeof statusNames;
export const statuses = Object.keys(statusNames) as Status[];
/** Where the team may move a ticket; the server's table decides, and a test holds the two together. */
export const moves: Record<Status, readonly Status[]> = {
	open: ['in_progress', 'waiting', 'resolved', 'closed'],
	in_progress: ['open', 'waiting', 'resolved', 'closed'],
	waiting: ['open', 'in_progress', 'resolved', 'closed'],
	resolved: ['open', 'closed'],
	closed: [],
};

export const priorityNames = { low: 'Low', medium: 'Medium', high: 'High' } as const;
export type Priority = keyof typeof priorityNames;
export const priorities = Object.keys(priorityNames) as Priority[];

export const roleNames = {
	user: 'User',
	staff: 'Staff',
	moderator: 'Moderator',
	admin: 'Admin',
	superadmin: 'Superadmin',
} as const;

export const flagNames = {
	canSendMessage: 'Send messages',
	canReceiveMessage: 'Receive messages',
	canDeleteMessage: 'Delete messages',
	canEditMessage: 'Edit messages',
	canArchiveConversation: 'Archive conversations',
} as const;

interface Named {
	displayName?: string | null;
	username?: string | null;
}
export const nameOf = (person: Named | null | undefined): string =>
	person?.displayName ?? person?.username ?? 'Somebody';

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

const startOfDay = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** shortTime is the clock today, and the day before that. */
export const shortTime = (at: string): string => {
	const time = new Date(at);
	const now = new Date();
	if (startOfDay(time) === startOfDay(now)) return clock.format(time);
	return (time.getFullYear() === now.getFullYear() ? day : dayOfYear).format(time);
};
export const clockTime = (at: string): string => clock.format(new Date(at));
export const wholeTime = (at: string): string => whole.format(new Date(at));
export const dayName = (at: string): string => {
	const days = Math.round((startOfDay(new Date()) - startOfDay(new Date(at))) / 86_400_000);
	return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : weekday.format(new Date(at));
};
export const dayKey = (at: string): string => String(startOfDay(new Date(at)));
/** shortDay is a day of the server, which counts them in UTC. */
export const shortDay = (date: string): string =>
	new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(date));

const units = [
	[86_400, 'd'],
	[3_600, 'h'],
	[60, 'min'],
] as const;
/** span is a time in its largest unit. */
export const span = (seconds: number | null): string => {
	if (seconds === null) return '–';
	for (const [size, unit] of units)
		if (seconds >= size)
			return `${unit === 'min' ? Math.round(seconds / size) : Math.round((seconds / size) * 10) / 10} ${unit}`;
	return `${Math.round(seconds)} s`;
};
export const since = (at: string): string => span(Math.max(60, (Date.now() - Date.parse(at)) / 1_000));

const numbers = new Intl.NumberFormat();
export const count = (number: number): string => numbers.format(number);

/** What one can do about a failure, where the server speaks to programs rather than to people. */
const advice: Partial<Record<FailureCode | 'network', string>> = {
	network: 'The server cannot be reached. Check the connection, then try again.',
	invalid_credentials: 'The site, email or password is wrong.',
	ticket_closed: 'This ticket is closed and takes no more messages. The customer can open a new one that follows it.',
	recipient_unavailable:
		'This customer cannot receive messages: their account was erased or is switched off. Write a note instead.',
	permission_missing: 'You lack the permission for this. An admin can give it to you under Users.',
};
/** explain says what went wrong, and what to do. */
export const explain = (error: unknown): string => {
	if (!(error instanceof Failure)) return 'Something went wrong on this page. Reload it.';
	const fields = (error.details.errors as { path: string; message: string }[] | undefined) ?? [];
	const [first] = fields;
	if (error.code === 'invalid_request' && first) return `${first.path ? `${first.path} ` : ''}${first.message}.`;
	if (error.status === 429 && error.retryAfterSeconds) return `${error.message} (${error.retryAfterSeconds} s)`;
	const text = advice[error.code] ?? error.message;
	return error.code === 'internal_error' && error.details.requestId
		? `${text} (${String(error.details.requestId)})`
		: text;
};
