import type { StoredEvent } from '../../kernel/events.ts';

/**
 * Pure: a place in the log of events as clients know it, `epoch.id.check`. The epoch is of this life of the database; the id
 * grows, so two cursors can be compared; the check is of the event's time, so that a restored file in which the same id
 * means something else is noticed.
 */
export interface Cursor {
	epoch: string;
	/** 0: before the first event. */
	id: number;
	check: string;
}

const radix = 36;
/** checkOf is what a cursor carries of its event. */
export const checkOf = (createdAt: number): string => createdAt.toString(radix);

/** writeCursor names the place behind an event. */
export const writeCursor = (epoch: string, event: Pick<StoredEvent, 'id' | 'createdAt'> | null): string =>
	event ? `${epoch}.${event.id}.${checkOf(event.createdAt)}` : `${epoch}.0.0`;

/** readCursor takes one apart; null for what is none. */
export const readCursor = (text: string): Cursor | null => {
	const [, epoch = '', id = '', check = ''] = /^([a-z0-9]{1,32})\.(\d{1,15})\.([a-z0-9]{1,12})$/.exec(text) ?? [];
	return epoch ? { epoch, id: Number(id), check } : null;
};
