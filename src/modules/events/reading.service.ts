import { LRUCache } from 'lru-cache';
import { minute } from '../../kernel/clock.ts';
import type { StoredEvent } from '../../kernel/events.ts';
import {
	nearEventsMax,
	resumeEventsMax,
	resumeRowsBurst,
	resumeRowsPerMinute,
	scanSendMs,
} from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/log.ts';
import type { Viewer } from './audience.ts';
import type { EventLog } from './events.service.ts';

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
	/** How far they are read at the most, where that is not to the newest event: they ask again. */
	readonly upTo?: number | undefined;
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

/** addsOnly: an event that takes nothing back from anybody, neither a text nor a right. */
const addsOnly = ({ type }: StoredEvent): boolean => type.endsWith('.created') || type === 'conversation.read';

/** Stretch reads a piece of a site's log to all who are on their way; it says where it ended, and whether that is the newest event. */
export type Stretch = (
	site: number,
	from: number,
	readers: Set<Reader>,
	byUser: ReadonlyMap<number, Reader[]>,
) => { to: number; newest: boolean };

/** A pass over the log of one site, for all who are on their way at once. */
interface Pass {
	site: number;
	/** Whether it is of those who have missed much: it comes after those who have not. */
	far: boolean;
	readers: Set<Reader>;
	/** The same by user, and those who have left since the last came. */
	byUser: Map<number, Reader[]>;
	place: number;
	/** When what was read was last sent. */
	sent: number;
}

/** How soon it is asked again whether a user may be read on to, who has been read much. */
const priceMs = 1_000;
const pricedUsersMax = 10_000;

/**
 * createReading reads the log to whoever comes back: one pass for all of a site who have missed much, and another one, which
 * comes first, for those who have missed a little. Between two stretches everybody else has their turn.
 */
export const createReading = ({ stretch, eventLog, log }: { stretch: Stretch; eventLog: EventLog; log: Logger }) => {
	let waiting: Reader[] = [];
	let passes: Pass[] = [];
	let reading = false;

	const flush = ({ readers }: Pass) => {
		for (const reader of readers) reader.flush?.();
	};
	// note: before whoever takes something back is answered, or what was read before could leave after
	eventLog.onCommitted((batch) => {
		if (passes.length > 0 && !batch.every(addsOnly)) for (const pass of passes) flush(pass);
	});
	const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

	/** Ends reading to somebody; one who fails at that keeps nobody else from theirs. */
	const rest = (reader: Reader, why: Parameters<Reader['rested']>[0]) => {
		if (reader.ended) return;
		try {
			reader.rested(why);
		} catch (error) {
			log.error({ err: error }, 'somebody who came back could not be told where they are');
			if (why !== 'failed') rest(reader, 'failed');
		}
	};

	/** Rows of the log that a user may be read by passes for those who are far behind (token bucket). */
	const allowances = new LRUCache<number, { left: number; at: number }>({ max: pricedUsersMax });
	const mayBeRead = ({ pk, position }: Reader): boolean => {
		const now = performance.now();
		const { left, at } = allowances.get(pk) ?? { left: resumeRowsBurst, at: now };
		const refilled = Math.min(resumeRowsBurst, left + ((now - at) / minute) * resumeRowsPerMinute);
		const may = refilled > 0;
		allowances.set(pk, { left: may ? refilled - (eventLog.lastId - position) : refilled, at: now });
		return may;
	};

	const isTooFar = ({ position }: Reader) =>
		eventLog.lastId - position > resumeEventsMax || position < eventLog.purgedUpTo;
	/** Puts those who wait on their way: into the pass of their site, where that is not beyond their place already. */
	const admit = () => {
		if (waiting.length === 0) return;
		const later: Reader[] = [];
		const changed = new Set<Pass>();
		// who is furthest behind comes first, so that one pass does for all
		for (const reader of waiting.sort((a, b) => a.position - b.position)) {
			if (reader.ended) continue;
			const { site, position } = reader;
			if (isTooFar(reader)) {
				rest(reader, 'too_far');
				continue;
			}
			const far = eventLog.lastId - position > nearEventsMax;
			let pass = passes.find((other) => other.site === site && other.far === far);
			if (pass && position < pass.place) later.push(reader);
			else if (far && !mayBeRead(reader)) setTimeout(() => read(reader), priceMs);
			else {
				if (!pass) {
					pass = { site, far, readers: new Set(), byUser: new Map(), place: position, sent: performance.now() };
					passes.push(pass);
				}
				pass.readers.add(reader);
				changed.add(pass);
			}
		}
		waiting = later;
		for (const pass of changed) pass.byUser = Map.groupBy(pass.readers, ({ pk }) => pk);
	};

	/** One stretch of a pass. Whoever has all of it, or enough, leaves it. */
	const advance = (pass: Pass): void => {
		const { site, readers, byUser } = pass;
		for (const reader of readers)
			if (reader.ended) readers.delete(reader);
			else if (isTooFar(reader)) {
				// what was not yet read to them has been purged
				readers.delete(reader);
				rest(reader, 'too_far');
			}
		if (readers.size === 0) return;
		let read: ReturnType<Stretch>;
		try {
			read = stretch(site, pass.place, readers, byUser);
		} catch (error) {
			log.error({ err: error, site }, 'reading events to those who come back failed');
			for (const reader of readers) rest(reader, 'failed');
			readers.clear();
			return;
		}
		const { to, newest } = read;
		pass.place = to;
		for (const reader of readers) {
			reader.position = Math.max(reader.position, to);
			if (!newest && (reader.upTo === undefined || to < reader.upTo)) continue;
			readers.delete(reader);
			// note: in the same turn as the read, or an event could be committed between
			rest(reader, newest ? 'caught_up' : 'full');
		}
		if (performance.now() - pass.sent < scanSendMs) return;
		flush(pass);
		pass.sent = performance.now();
	};

	const readAll = async (): Promise<void> => {
		try {
			for (;;) {
				await turn();
				admit();
				for (const pass of passes) if (!pass.far) advance(pass);
				const next = passes.find(({ far }) => far);
				if (next) {
					advance(next);
					// the others who are far behind come next
					passes = [...passes.filter((pass) => pass !== next), next];
				}
				passes = passes.filter(({ readers }) => readers.size > 0);
				if (passes.length === 0 && waiting.length === 0) return;
			}
		} finally {
			// note: in the very step in which nobody waits any more, or whoever asks a step later would wait for ever
			reading = false;
		}
	};

	/** read reads the log to somebody from their position on. All who ask in one turn share one pass over it. */
	const read = (reader: Reader): void => {
		waiting.push(reader);
		if (reading) return;
		reading = true;
		readAll().catch((error) => log.error({ err: error }, 'reading events to those who come back failed'));
	};
	return { read };
};
