import type { StoredEvent } from '../../kernel/events.ts';

/**
 * Pure: a place in the log of events as clients know it, `epoch.id.check`. The epoch is of this life of the database; the id
 * grows, so two cursors can be compared; the check is of the event's time, so that a restored file in which the same id
 * means something else is noticed. The time itself cannot be read from it: the event may be somebody else's.
 */
export interface Cursor {
	epoch: string;
	/** 0: before the first event. */
	id: number;
	check: string;
}

/** Life is what the log of one database is known by, and the secret of its checks. */
export interface Life {
	epoch: string;
	secret: string;
}

const radix = 36;
/** checkOf is what a cursor carries of its event. */
export const checkOf = ({ secret }: Life, { id, createdAt }: Pick<StoredEvent, 'id' | 'createdAt'>): string =>
	Bun.hash.xxHash32(`${secret}.${id}.${createdAt}`).toString(radix);

/** writeCursor names the place behind an event. */
export const writeCursor = (life: Life, event: Pick<StoredEvent, 'id' | 'createdAt'> | null): string =>
	event ? `${life.epoch}.${event.id}.${checkOf(life, event)}` : `${life.epoch}.0.0`;

/** readCursor takes one apart; null for what is none. */
export const readCursor = (text: string): Cursor | null => {
	const [, epoch = '', id = '', check = ''] = /^([a-z0-9]{1,32})\.(\d{1,15})\.([a-z0-9]{1,12})$/.exec(text) ?? [];
	return epoch ? { epoch, id: Number(id), check } : null;
};
