import type { Store } from '../../db/open.ts';
import { type Clock, day } from '../../kernel/clock.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import type { Logger } from '../../kernel/log.ts';
import { checkOf, readCursor, writeCursor } from './cursor.ts';
import type { EventSteps } from './events.steps.ts';

/** How many events of another process are read at a time. */
const chunk = 1_000;

/** createEventLog publishes what was committed, by this process or another, in the order of the ids, each event once. */
export const createEventLog = ({
	store,
	events,
	log,
	clock,
	keepDays,
}: {
	store: Store;
	events: EventSteps;
	log: Logger;
	clock: Clock;
	/** How long an event can be read again. */
	keepDays: number;
}) => {
	const listeners: ((events: StoredEvent[]) => void)[] = [];
	const caches: (() => void)[] = [];
	const life = store.read((tx) => events.life(tx));
	const cursorAt = (id: number): string => {
		const createdAt = id === 0 ? undefined : store.read((tx) => events.timeOf(tx, id));
		return writeCursor(life, createdAt === undefined ? null : { id, createdAt });
	};
	let last = store.read((tx) => events.newestId(tx));
	let lastCursor = cursorAt(last);
	let purgedUpTo = 0;

	const publish = (batch: StoredEvent[]) => {
		const newest = batch.at(-1);
		if (newest) {
			last = newest.id;
			lastCursor = writeCursor(life, newest);
		}
		for (const listener of listeners) {
			try {
				listener(batch);
			} catch (error) {
				// one that fails keeps nothing from the others, and the events are not told twice
				log.error({ err: error }, 'a listener of events failed');
			}
		}
	};
	/** Reads and publishes what another process wrote, up to an id. */
	const catchUp = (upTo: number) => {
		while (last < upTo) {
			const batch = store.read((tx) => events.between(tx, last, upTo, chunk));
			if (batch.length === 0) return;
			publish(batch);
		}
	};
	const dropCaches = () => {
		for (const drop of caches) drop();
	};

	return {
		/** For the store, after each COMMIT. */
		committed: (batch: StoredEvent[]) => {
			const first = batch[0];
			if (!first) return;
			if (first.id > last + 1) {
				dropCaches();
				catchUp(first.id - 1);
			}
			publish(batch);
		},
		/** poll looks whether another process (a command on the live server) has written. */
		poll: () => {
			if (!store.foreignCommit()) return;
			dropCaches();
			catchUp(Number.MAX_SAFE_INTEGER);
		},
		/** onCommitted hears every event once, in order, before whoever caused it is answered. */
		onCommitted: (listener: (events: StoredEvent[]) => void) => {
			listeners.push(listener);
		},
		/** onForeignCommit is called when rows may have changed without an event of ours: drop what is cached. */
		onForeignCommit: (drop: () => void) => {
			caches.push(drop);
		},
		/** The id of the newest event that was published. */
		get lastId() {
			return last;
		},

		/** Up to here events are no longer kept: as far as this run of the server has purged them. */
		get purgedUpTo() {
			return purgedUpTo;
		},

		/** cursorOf names the place behind an event. */
		cursorOf: (event: Pick<StoredEvent, 'id' | 'createdAt'>): string => writeCursor(life, event),
		/** cursor names the place behind the newest published event, or behind another one. */
		cursor: (id = last): string => (id === last ? lastCursor : cursorAt(id)),
		/**
		 * idOf is the id of the event that a cursor stands behind, to be read on from; null where nothing can be: the cursor is
		 * of another life of the database, its event is no longer kept, or it is none.
		 */
		idOf: (cursor: string): number | null => {
			const read = readCursor(cursor);
			if (!read || read.epoch !== life.epoch || read.id > last) return null;
			return store.read(function* (tx) {
				// from before the first event on: as long as that one is kept
				if (read.id === 0) return (yield* events.oldestId(tx)) <= 1 ? 0 : null;
				const createdAt = yield* events.timeOf(tx, read.id);
				const { id, check } = read;
				return createdAt !== undefined && checkOf(life, { id, createdAt }) === check ? id : null;
			});
		},

		/** purge forgets events that are too old to be asked for, a piece at a time. Resolves with how many. */
		purge: async (): Promise<number> => {
			let purged = 0;
			for (;;) {
				const ids = await store.atomic((tx) => events.purge(tx, clock() - keepDays * day));
				purged += ids.length;
				purgedUpTo = ids.at(-1) ?? purgedUpTo;
				if (ids.length === 0) return purged;
			}
		},
	};
};
export type EventLog = ReturnType<typeof createEventLog>;
