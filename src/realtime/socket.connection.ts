import type { ServerWebSocket } from 'bun';
import { corkBytes, queuedBytesPause } from '../kernel/limits.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Feed } from '../modules/events/feed.service.ts';
import { type Connection, type Connections, connectionFrom } from './connections.ts';
import { errorFrame, frameText } from './frames.ts';
import { type CloseName, closeCodes } from './realtime.schema.ts';

/** The part of Bun's socket that is needed here. */
type Wire = Pick<
	ServerWebSocket<unknown>,
	'send' | 'cork' | 'close' | 'subscribe' | 'unsubscribe' | 'getBufferedAmount'
>;

/**
 * finish closes a socket with one of our codes. note: Bun takes it for gone at once, reads no more of it, and cuts it off
 * some ten seconds later where the other end does not answer: `terminate` would do nothing here
 */
export const finish = (ws: Pick<Wire, 'close'>, name: CloseName): void => {
	const [code] = closeCodes[name];
	ws.close(code, name);
};

/** createSocketConnection is a socket of somebody who has signed in, as a connection. */
export const createSocketConnection = (
	ws: Wire,
	who: Pick<Connection, 'principal' | 'apiKey' | 'origin'>,
	{
		eventLog,
		feed,
		connections,
		count,
	}: {
		eventLog: EventLog;
		feed: Feed;
		connections: Connections;
		/** Told of everything that is sent live. */
		count: (json: string) => void;
	},
) => {
	let ended = false;
	/** Whether the log is being read to it, but has to wait for it. */
	let resting = false;
	/** Frames of the log that leave together. */
	let kept: string[] = [];
	let keptBytes = 0;
	const flush = (): void => {
		if (kept.length === 0) return;
		const frames = kept;
		kept = [];
		keptBytes = 0;
		if (ended) return;
		ws.cork(() => {
			for (const json of frames) ws.send(json);
		});
	};
	const send = (json: string): void => {
		flush();
		ws.send(json);
		count(json);
	};
	const connection = connectionFrom(who, () => ended, {
		isPresence: true,
		topics: { join: (topic) => ws.subscribe(topic), leave: (topic) => ws.unsubscribe(topic) },
		take: ({ json }) => {
			kept.push(json);
			keptBytes += json.length;
			if (keptBytes < corkBytes) return true;
			flush();
			return ws.getBufferedAmount() < queuedBytesPause;
		},
		flush,
		rested: (why) => {
			if (why === 'full') resting = true;
			else if (why === 'failed') connections.end(connection, 'failed');
			else if (why === 'too_far') startOver();
			else catchUp();
		},
		deliver: ({ json }) => send(json),
		tell: (_, json) => send(json),
		close: (name, error) => {
			if (ended) return;
			ended = true;
			if (error) ws.send(errorFrame(error));
			finish(ws, name);
		},
	});
	/** From here on it hears what happens. note: in the turn in which everything before was given */
	const catchUp = () => {
		connections.goLive(connection);
		send(frameText({ type: 'caught_up', cursor: eventLog.cursor(connection.position) }));
	};
	const startOver = () => {
		connection.position = eventLog.lastId;
		send(frameText({ type: 'reset', cursor: eventLog.cursor() }));
		catchUp();
	};
	return {
		connection,
		send,
		/** begin greets, and reads the log from where the client knows it. */
		begin: (since: string | undefined) => {
			const known = since === undefined ? null : eventLog.idOf(since);
			connection.position = known ?? eventLog.lastId;
			const { id, username, role } = connection.principal;
			const cursor = since !== undefined && known !== null ? since : eventLog.cursor();
			send(frameText({ type: 'ready', cursor, user: { id, username, role } }));
			if (since === undefined) catchUp();
			else if (known === null) startOver();
			else feed.read(connection);
		},
		drained: () => {
			if (!resting) return;
			resting = false;
			feed.read(connection);
		},
		gone: () => {
			ended = true;
			connections.leave(connection);
		},
	};
};
export type SocketConnection = ReturnType<typeof createSocketConnection>;
