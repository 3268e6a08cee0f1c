import { Elysia } from 'elysia';
import type { Answers } from '../http/answers.ts';
import type { Peer } from '../http/frame.ts';
import type { Guard } from '../http/guard.ts';
import { second } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import {
	pollCharactersMax,
	pollEventsDefault,
	pollScanMax,
	queuedBytesMax,
	queuedBytesPause,
	streamIdleMs,
} from '../kernel/limits.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Feed } from '../modules/events/feed.service.ts';
import type { Envelope } from '../modules/events/reading.service.ts';
import { type Connection, type Connections, connectionFrom } from './connections.ts';
import { frameText } from './frames.ts';
import {
	type CloseName,
	closeCodes,
	type EventPage,
	EventPage as EventPageSchema,
	EventQuery,
	LastEvent,
} from './realtime.schema.ts';
import type { Realtime } from './realtime.ts';

/** Who reads, and as what it came. */
interface Asking extends Pick<Connection, 'principal' | 'apiKey' | 'origin'> {
	/** Ended when the client goes away. */
	signal: AbortSignal;
}

/** What a connection that is closed is told where it still waits for an answer. */
const refusalOf = (name: CloseName, error: AppError | undefined): AppError =>
	error ?? new AppError(name === 'going_away' ? 'shutting_down' : 'internal_error', { retryAfterSeconds: 2 });

interface Deps {
	eventLog: EventLog;
	feed: Feed;
	connections: Connections;
}

/** A poll's answer as text: what is encoded already is not taken apart again. */
const pageText = (found: readonly Envelope[], { cursor, hasMore, reset }: Omit<EventPage, 'data'>): string =>
	`{"success":true,"data":{"data":[${found.map(({ json }) => json).join(',')}],${JSON.stringify({ cursor, hasMore, reset }).slice(1)}}`;

/** poll answers with what has happened since a cursor; where that is nothing, it waits for something. */
const poll = (
	{ eventLog, feed, connections }: Deps,
	asking: Asking,
	{ since, limit = pollEventsDefault, wait = 0 }: EventQuery,
): Promise<string> =>
	new Promise((resolve, reject) => {
		const found: Envelope[] = [];
		let characters = 0;
		let ended = false;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const from = since === undefined ? eventLog.lastId : eventLog.idOf(since);
		const finish = (settle: () => void) => {
			if (ended) return;
			ended = true;
			clearTimeout(timer);
			asking.signal.removeEventListener('abort', goneAway);
			connections.leave(connection);
			settle();
		};
		const answer = ({
			cursor = found.at(-1)?.id ?? eventLog.cursor(connection.position),
			hasMore = false,
			reset = false,
		}: Partial<EventPage> = {}) => finish(() => resolve(pageText(found, { cursor, hasMore, reset })));
		const startOver = () => answer({ reset: true, cursor: eventLog.cursor() });
		const goneAway = () => answer();
		const connection = connectionFrom(asking, () => ended, {
			isPresence: false,
			topics: null,
			upTo: (from ?? 0) + pollScanMax,
			take: (envelope) => {
				found.push(envelope);
				characters += envelope.json.length;
				return found.length < limit && characters < pollCharactersMax;
			},
			// what was found is told before any of it is taken back
			flush: () => {
				if (found.length > 0) answer({ hasMore: true });
			},
			rested: (why) => {
				if (why === 'full') queueMicrotask(() => answer({ hasMore: true }));
				else if (why === 'too_far') startOver();
				else if (why === 'failed') finish(() => reject(new AppError('internal_error')));
				else if (found.length > 0) answer({ cursor: eventLog.cursor(connection.position) });
				else listen();
			},
			deliver: (envelope) => {
				// note: what is committed together is told in one turn, and answered together
				if (found.length === 0) queueMicrotask(() => answer({ hasMore: found.length >= limit }));
				if (found.length < limit) found.push(envelope);
			},
			tell: () => undefined,
			close: (name, error) => finish(() => reject(refusalOf(name, error))),
		});
		const listen = () => {
			// note: who has gone by now is not heard of again
			if (wait === 0 || asking.signal.aborted) {
				answer();
				return;
			}
			connections.goLive(connection);
			asking.signal.addEventListener('abort', goneAway);
			timer = setTimeout(() => answer({ cursor: eventLog.cursor() }), wait * second);
		};

		if (from === null) {
			startOver();
			return;
		}
		// note: from the beginning, or a right that is taken while the log is read would be taken from nobody
		try {
			connections.enter(connection, wait === 0);
		} catch (error) {
			finish(() => reject(error));
			return;
		}
		connection.position = from;
		feed.read(connection);
	});

const pageHeaders = { 'content-type': 'application/json; charset=utf-8' };
const streamHeaders = {
	'content-type': 'text/event-stream; charset=utf-8',
	'cache-control': 'no-store',
	// note: a proxy that gathers answers would hold events back
	'x-accel-buffering': 'no',
};

/** stream is an answer that does not end (Server-Sent Events, HTML Living Standard section 9.2). */
const stream = ({ eventLog, feed, connections }: Deps, asking: Asking, since: string | undefined): Response => {
	const text = new TextEncoder();
	let ended = false;
	let resting = false;
	let out: ReadableStreamDefaultController<Uint8Array> | undefined;
	let idle: ReturnType<typeof setInterval> | undefined;
	/** How much waits for the reader. */
	const queued = () => queuedBytesPause - (out?.desiredSize ?? 0);
	const write = (chunk: string) => {
		if (!ended) out?.enqueue(text.encode(chunk));
	};
	const say = (type: string, json: string, id?: string) =>
		write(`${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${json}\n\n`);
	const frame = (made: Parameters<typeof frameText>[0], id?: string) => say(made.type, frameText(made), id);
	const finish = () => {
		if (ended) return;
		ended = true;
		clearInterval(idle);
		connections.leave(connection);
		try {
			out?.close();
		} catch {
			// the reader has gone: there is nothing left to close
		}
	};
	const live = ({ type, json, id }: Envelope) => {
		say(type, json, id);
		if (queued() > queuedBytesMax) connections.end(connection, 'too_slow');
	};
	const connection = connectionFrom(asking, () => ended, {
		isPresence: true,
		topics: null,
		take: ({ type, json, id }) => {
			say(type, json, id);
			return queued() < queuedBytesPause;
		},
		rested: (why) => {
			if (why === 'full') resting = true;
			else if (why === 'failed') connections.end(connection, 'failed');
			else if (why === 'too_far') startOver();
			else catchUp();
		},
		deliver: live,
		tell: (type, json) => {
			// what passes is not worth a queue
			if (queued() < queuedBytesPause) say(type, json);
		},
		close: (name, error) => {
			const [closeCode, meaning] = closeCodes[name];
			frame({ type: 'closed', closeCode, ...(error && { code: error.code }), message: error?.message ?? meaning });
			finish();
		},
	});
	const catchUp = () => {
		connections.goLive(connection);
		const cursor = eventLog.cursor(connection.position);
		frame({ type: 'caught_up', cursor }, cursor);
	};
	const startOver = () => {
		connection.position = eventLog.lastId;
		const cursor = eventLog.cursor();
		frame({ type: 'reset', cursor }, cursor);
		catchUp();
	};

	// note: before the answer begins: somebody with too many connections is refused with a status
	connections.enter(connection);
	asking.signal.addEventListener('abort', finish);
	const body = new ReadableStream<Uint8Array>(
		{
			start: (controller) => {
				out = controller;
				const known = since === undefined ? null : eventLog.idOf(since);
				connection.position = known ?? eventLog.lastId;
				const { id, username, role } = connection.principal;
				const cursor = since !== undefined && known !== null ? since : eventLog.cursor();
				write('retry: 2000\n\n');
				frame({ type: 'ready', cursor, user: { id, username, role } }, cursor);
				idle = setInterval(() => write(': still here\n\n'), streamIdleMs);
				if (since === undefined) catchUp();
				else if (known === null) startOver();
				else feed.read(connection);
				// note: who has gone by now is not heard of again
				if (asking.signal.aborted) finish();
			},
			pull: () => {
				if (!resting) return;
				resting = false;
				feed.read(connection);
			},
			cancel: finish,
		},
		new ByteLengthQueuingStrategy({ highWaterMark: queuedBytesPause }),
	);
	return new Response(body, { headers: streamHeaders });
};

/** eventRoutes: the same events without a socket, by a stream or by polling. */
export const eventRoutes = ({
	guard,
	answers,
	peer,
	eventLog,
	feed,
	realtime,
}: {
	guard: Guard;
	answers: Answers;
	peer: Peer;
	eventLog: EventLog;
	feed: Feed;
	realtime: Realtime;
}) => {
	const deps = { eventLog, feed, connections: realtime.connections };
	return new Elysia({ tags: ['Real time'] })
		.use(guard)
		.use(answers)
		.get(
			'/events',
			({ request, principal, query, headers }) => {
				const asking = {
					principal,
					apiKey: request.headers.get('x-api-key') ?? '',
					origin: peer.origin(request),
					signal: request.signal,
				};
				const accepted = request.headers.get('accept')?.split(',') ?? [];
				if (!accepted.some((type) => type.trim().startsWith('text/event-stream')))
					return poll(deps, asking, query).then((text) => new Response(text, { headers: pageHeaders })) as never;
				// note: told as it is, or the answer would be put into an envelope
				return stream(deps, asking, headers['last-event-id'] ?? query.since) as never;
			},
			{
				can: 'event.read',
				query: EventQuery,
				headers: LastEvent,
				ok: EventPageSchema,
				fails: ['too_many_connections'],
				detail: {
					operationId: 'listEvents',
					summary: 'Read events',
					description:
						'What has happened since a cursor, in order. With `wait` the answer comes as soon as there is something. With `accept: text/event-stream` it is a stream of the same events (Server-Sent Events) that goes on behind `Last-Event-ID`. All events: [/swagger/realtime](/swagger/realtime).',
				},
			},
		);
};
