import type { Store } from '../../db/open.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import type { Logger } from '../../kernel/log.ts';
import type { EventSteps } from './events.steps.ts';

/** How many events of another process are read at a time. */
const chunk = 1_000;

/** createEventLog publishes what was committed, by this process or another, in the order of the ids, each event once. */
export const createEventLog = ({ store, events, log }: { store: Store; events: EventSteps; log: Logger }) => {
	const listeners: ((events: StoredEvent[]) => void)[] = [];
	const caches: (() => void)[] = [];
	let last = store.read((tx) => events.newestId(tx));

	const publish = (batch: StoredEvent[]) => {
		last = batch.at(-1)?.id ?? last;
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
		get lastId() {
			return last;
		},
	};
};
export type EventLog = ReturnType<typeof createEventLog>;
