import type { Store } from '../../db/open.ts';
import type { Steps, Tx } from '../../db/step.ts';
import { iso } from '../../kernel/clock.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import { keptRowsMax, resumeEventsMax, scanMsMax, scanRows, scanSendMs } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/log.ts';
import { isDesk } from '../../kernel/roles.ts';
import { partIn, type Viewer } from './audience.ts';
import type { EventLog } from './events.service.ts';
import type { EventSteps } from './events.steps.ts';
import { dataFor, type Kept, type Shown, type Views, viewOf } from './feed.ts';

/** Envelope is an event on its way out: encoded once for everybody who is shown the same. */
export interface Envelope {
	/** The cursor: the place in the log behind this event. */
	id: string;
	type: string;
	/** `{ id, type, createdAt, conversationId?, data }` as JSON. */
	json: string;
}

/** Reader reads the log on from a place: a socket or a stream that comes back, or a poll. */
export interface Reader extends Viewer {
	/** Everything up to this event is with them already. */
	position: number;
	/** Whether they have gone away. */
	readonly ended: boolean;
	/** take is given what is theirs, in the order of the log; false: no more for now. */
	take(envelope: Envelope): boolean;
	/** flush sends what `take` has kept back to send it together; whoever keeps back does so before anything else is said, too. */
	flush?(): void;
	/**
	 * rested is called when reading ends, in the turn in which it does: `caught_up` at the newest event, so that nothing is
	 * between this and what is told live; `full` when `take` wanted no more; `too_far` when there is too much to go through;
	 * `failed` when the log could not be read.
	 */
	rested(why: 'caught_up' | 'full' | 'too_far' | 'failed'): void;
}

/** Encoded is an event as each of its audiences is shown it; made when it is first asked for. */
export interface Encoded {
	event: StoredEvent;
	shown: Shown;
	for(part: 'own' | 'desk'): Envelope;
}

/** addsOnly: an event that takes nothing back from anybody, neither a text nor a right. */
const addsOnly = ({ type }: StoredEvent): boolean => type.endsWith('.created') || type === 'conversation.read';

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

	let waiting: Reader[] = [];
	let reading = false;
	const nobody: ReadonlySet<Reader> = new Set();
	/** Those to whom the log is being read now. */
	let onTheirWay = nobody;
	const flush = () => {
		for (const reader of onTheirWay) reader.flush?.();
	};
	// note: before whoever takes something back is answered, or what was read before could leave after
	eventLog.onCommitted((batch) => {
		if (onTheirWay.size > 0 && !batch.every(addsOnly)) flush();
	});
	const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

	/** Reads to everybody of a site who waits, in one pass from the lowest place. Who comes meanwhile joins it where they can. */
	const readSite = async (site: number): Promise<void> => {
		const readers = new Set<Reader>();
		onTheirWay = readers;
		/** The same, and those who have left since the last came. */
		let byUser = new Map<number, Reader[]>();
		let place = Number.POSITIVE_INFINITY;
		const join = () => {
			if (waiting.length === 0) return;
			const later: Reader[] = [];
			for (const reader of waiting) {
				if (reader.ended) continue;
				if (reader.site !== site || (readers.size > 0 && reader.position < place)) later.push(reader);
				else if (eventLog.lastId - reader.position > resumeEventsMax) reader.rested('too_far');
				else {
					readers.add(reader);
					place = Math.min(place, reader.position);
				}
			}
			waiting = later;
			byUser = Map.groupBy(readers, ({ pk }) => pk);
		};
		// who is furthest behind comes first, so that one pass does for all
		waiting.sort((a, b) => a.position - b.position);
		join();
		let sent = performance.now();
		while (readers.size > 0) {
			for (const reader of readers) if (reader.ended) readers.delete(reader);
			let read: ReturnType<typeof stretch>;
			try {
				read = stretch(site, place, readers, byUser);
			} catch (error) {
				log.error({ err: error, site }, 'reading events to those who come back failed');
				for (const reader of readers) reader.rested('failed');
				return;
			}
			const { to, newest } = read;
			place = to;
			for (const reader of readers) reader.position = Math.max(reader.position, to);
			if (newest) {
				// note: in the same turn as the read, or an event could be committed between
				for (const reader of readers) if (!reader.ended) reader.rested('caught_up');
				return;
			}
			if (performance.now() - sent > scanSendMs) {
				flush();
				sent = performance.now();
			}
			await turn();
			join();
		}
	};

	const readAll = async (): Promise<void> => {
		try {
			while (waiting.length > 0) {
				await turn();
				const site = waiting.find(({ ended }) => !ended)?.site;
				if (site === undefined) waiting = [];
				else await readSite(site);
			}
		} finally {
			// note: in the very step in which nobody waits any more, or whoever asks a step later would wait for ever
			reading = false;
		}
	};

	return {
		/** read reads the log to somebody from their position on. All who ask in one turn share one pass over it. */
		read: (reader: Reader): void => {
			waiting.push(reader);
			if (reading) return;
			reading = true;
			readAll().catch((error) => log.error({ err: error }, 'reading events to those who come back failed'));
		},

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
