import type { Store } from '../../db/open.ts';
import type { Steps, Tx } from '../../db/step.ts';
import { iso } from '../../kernel/clock.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import { keptRowsMax, scanMsMax, scanRows } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/log.ts';
import { isDesk } from '../../kernel/roles.ts';
import { partIn } from './audience.ts';
import type { EventLog } from './events.service.ts';
import type { EventSteps } from './events.steps.ts';
import { dataFor, type Kept, type Shown, type Views, viewOf } from './feed.ts';
import { createReading, type Envelope, type Reader } from './reading.service.ts';

/** Encoded is an event as each of its audiences is shown it; made when it is first asked for. */
export interface Encoded {
	event: StoredEvent;
	shown: Shown;
	for(part: 'own' | 'desk'): Envelope;
}

/** createFeed gives events their data, and reads them to whoever comes back. */
export const createFeed = ({
	store,
	events,
	eventLog,
	views,
	log,
}: {
	store: Store;
	events: EventSteps;
	eventLog: EventLog;
	views: Views;
	log: Logger;
}) => {
	const encoded = (event: StoredEvent, shown: Shown): Encoded => {
		const made: { own?: Envelope; desk?: Envelope } = {};
		const encode = (data: object | null | undefined): Envelope => {
			const id = eventLog.cursorOf(event);
			const { conversationId } = shown;
			const { type, createdAt } = event;
			const json = JSON.stringify({
				id,
				type,
				createdAt: iso(createdAt),
				...(conversationId && { conversationId }),
				data,
			});
			return { id, type, json };
		};
		return {
			event,
			shown,
			for: (part) => {
				made[part] ??= encode(part === 'own' ? shown.own : shown.desk?.data);
				return made[part];
			},
		};
	};

	const kept: Kept = { conversations: new Map(), userIds: new Map() };
	const forget = () => {
		kept.conversations.clear();
		kept.userIds.clear();
	};
	eventLog.onForeignCommit(forget);
	eventLog.onCommitted(forget);
	/**
	 * show gives one event its data. An event that cannot be shown, by a fault of ours, is left out and said so: it must not
	 * stand in the way of all that come after it, for as long as it is kept.
	 */
	const show = function* (tx: Tx, event: StoredEvent): Steps<Encoded | null> {
		const name = viewOf(event);
		if (!name) return null;
		if (kept.conversations.size > keptRowsMax) forget();
		try {
			const shown = yield* views[name](tx, event, kept);
			return shown && encoded(event, shown);
		} catch (error) {
			log.error({ err: error, event: event.id, type: event.type }, 'an event could not be shown');
			return null;
		}
	};

	/** audienceOfReaders finds whose of those on their way an event is: of those it names, and of the desk. */
	const audienceOfReaders = (readers: ReadonlySet<Reader>, byUser: ReadonlyMap<number, Reader[]>) => {
		const desk = [...readers].filter(({ role }) => isDesk(role));
		const none: Reader[] = [];
		const of = (pk: number | undefined) => (pk === undefined ? none : (byUser.get(pk) ?? none));
		return (event: StoredEvent): Reader[] => {
			const { userA, userB } = event;
			const theirs: Reader[] = [];
			const add = (reader: Reader) => {
				if (readers.has(reader) && !reader.ended && reader.position < event.id && partIn(event, reader) !== null)
					theirs.push(reader);
			};
			for (const reader of of(userA)) add(reader);
			if (userB !== userA) for (const reader of of(userB)) add(reader);
			// who is named was added above
			if (event.desk) for (const reader of desk) if (reader.pk !== userA && reader.pk !== userB) add(reader);
			return theirs;
		};
	};

	/**
	 * One stretch of a site's log for all of its readers: each event is read, shown and encoded once. Returns where it ended
	 * and whether that is the newest event.
	 */
	const stretch = (
		site: number,
		from: number,
		readers: Set<Reader>,
		byUser: ReadonlyMap<number, Reader[]>,
	): { to: number; newest: boolean } =>
		store.read(function* (tx) {
			const started = performance.now();
			const upTo = eventLog.lastId;
			const whose = audienceOfReaders(readers, byUser);
			for (let to = from; ; ) {
				const rows = yield* events.ofSite(tx, site, to, upTo, scanRows);
				for (const event of rows) {
					const theirs = whose(event);
					const encoded = theirs.length > 0 ? yield* show(tx, event) : null;
					for (const reader of encoded ? theirs : []) {
						const part = encoded && dataFor(event, encoded.shown, reader);
						if (!part) continue;
						const more = reader.take(encoded.for(part));
						reader.position = event.id;
						if (more) continue;
						readers.delete(reader);
						reader.rested('full');
					}
					to = event.id;
					// note: what others wait for comes first
					if (performance.now() - started > scanMsMax) return { to, newest: false };
				}
				if (rows.length < scanRows) return { to: upTo, newest: true };
			}
		});

	const reading = createReading({ stretch, eventLog, log });

	return {
		read: reading.read,

		/** show gives committed events their data, for those that somebody wants; the rest are left out. */
		show: (batch: StoredEvent[]): Encoded[] =>
			batch.length === 0
				? []
				: store.read(function* (tx) {
						const all: Encoded[] = [];
						for (const event of batch) {
							const encoded = yield* show(tx, event);
							if (encoded) all.push(encoded);
						}
						return all;
					}),
	};
};
export type Feed = ReturnType<typeof createFeed>;
