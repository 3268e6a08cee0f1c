import type { Server, ServerWebSocket } from 'bun';
import { Elysia } from 'elysia';
import type { Answers } from '../http/answers.ts';
import type { Peer, SocketContext } from '../http/frame.ts';
import type { Guard } from '../http/guard.ts';
import type { Limits } from '../http/limits.ts';
import { AppError } from '../kernel/errors.ts';
import {
	corkBytes,
	firstFrameBytesMax,
	firstFrameMs,
	framesBurst,
	framesPendingMax,
	framesPerSecond,
	queuedBytesMax,
	queuedBytesPause,
	strangersPerAddressMax,
	sweepBytes,
} from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import type { Caller, UserPrincipal } from '../kernel/principal.ts';
import type { Capability } from '../kernel/roles.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Feed } from '../modules/events/feed.service.ts';
import type { Message } from '../modules/messaging/messaging.schema.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { TokenService } from '../modules/users/tokens.service.ts';
import { judgeCapability } from '../modules/users/users.access.ts';
import { type Connection, closeNameOf } from './connections.ts';
import { errorFrame, frameText, parseFrame, refOf } from './frames.ts';
import { type Auth, type ClientFrame, type CloseName, closeCodes } from './realtime.schema.ts';
import type { Realtime } from './realtime.ts';

/** What Elysia hands the server's socket events to. */
interface SocketData {
	open(ws: Socket): void;
	message(ws: Socket, message: string | Buffer): void;
	drain(ws: Socket): void;
	close(ws: Socket): void;
}
type Socket = ServerWebSocket<SocketData>;
type Upgrading = Pick<Server<SocketData>, 'upgrade' | 'publish'>;

/**
 * socketRoutes: the live connection. Frames are handled in the order in which they come, each in one turn; what takes longer
 * is answered by its `ref`. note: not Elysia's own `.ws`, which makes a dozen objects for every socket and every frame
 */
export const socketRoutes = ({
	guard,
	answers,
	limits,
	peer,
	sites,
	tokens,
	eventLog,
	feed,
	realtime,
	log,
}: {
	guard: Guard;
	answers: Answers;
	limits: Limits;
	peer: Peer;
	sites: SiteService;
	tokens: TokenService;
	eventLog: EventLog;
	feed: Feed;
	realtime: Realtime;
	log: Logger;
}) => {
	const { connections, watching, threadsOf } = realtime;
	/** Open sockets; those who have not said who they are, by address. */
	const sockets = new Set<Socket>();
	const strangers = new Map<string, number>();
	let stopped = false;
	// note: those too who have not said who they are, or the server would wait for them
	realtime.onStop(() => {
		stopped = true;
		for (const ws of [...sockets]) ends.get(ws)?.('going_away');
	});

	/**
	 * finish closes a socket with one of our codes. note: Bun takes it for gone at once, reads no more of it, and cuts it off
	 * some ten seconds later where the other end does not answer: `terminate` would do nothing here
	 */
	const finish = (ws: Socket, name: CloseName): void => {
		const [code] = closeCodes[name];
		ws.close(code, name);
	};

	/** note: what is told to all passes the sockets' own accounts, so their queues are looked at each time so much was told */
	let told = 0;
	const sweep = () => {
		told = 0;
		for (const ws of sockets) if (ws.getBufferedAmount() > queuedBytesMax) ends.get(ws)?.('too_slow');
	};
	const ends = new WeakMap<Socket, (name: CloseName) => void>();
	const count = (bytes: number) => {
		told += bytes;
		if (told > sweepBytes) sweep();
	};

	/** strangerFrom counts a socket that has not said who it is; returns what counts it off, once. Throws too_many_connections. */
	const strangerFrom = (address: string): (() => void) => {
		const n = strangers.get(address) ?? 0;
		if (n >= strangersPerAddressMax) throw new AppError('too_many_connections', { retryAfterSeconds: 5 });
		strangers.set(address, n + 1);
		let counted = true;
		return () => {
			if (!counted) return;
			counted = false;
			const left = (strangers.get(address) ?? 1) - 1;
			if (left > 0) strangers.set(address, left);
			else strangers.delete(address);
		};
	};

	/** identify tells who an auth frame is from. Throws what the guard would. */
	const identify = (frame: Auth, origin: Caller['origin']): Promise<UserPrincipal> => {
		const key = sites.byKey(frame.apiKey);
		if (!key) throw new AppError('invalid_key');
		if (key.kind === 'secret') {
			if (origin !== null && !origin.own) throw new AppError('secret_key_in_page');
			sites.touch(key);
		}
		sites.requireOrigin(origin, key.site);
		return tokens.authenticate(key.site, frame.token);
	};

	const failureOf = (error: unknown): AppError => {
		if (error instanceof AppError) return error;
		log.error({ err: error }, 'a frame failed');
		return new AppError('internal_error');
	};

	const connectionOf = (ws: Socket, principal: UserPrincipal, apiKey: string, origin: Caller['origin']) => {
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
			count(json.length);
		};
		const connection: Connection = {
			principal,
			apiKey,
			origin,
			isPresence: true,
			watched: null,
			topics: { join: (topic) => ws.subscribe(topic), leave: (topic) => ws.unsubscribe(topic) },
			position: 0,
			get site() {
				return connection.principal.site;
			},
			get pk() {
				return connection.principal.pk;
			},
			get role() {
				return connection.principal.role;
			},
			get ended() {
				return ended;
			},
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
		};
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
	type Session = ReturnType<typeof connectionOf>;

	/** Work on a frame of somebody who is signed in; resolves with the data of its ack, or nothing where none is given. */
	const work = async ({ connection, send }: Session, frame: ClientFrame): Promise<object | undefined> => {
		const { principal } = connection;
		const may = (capability: Capability) => judgeCapability(principal, capability);
		switch (frame.type) {
			case 'message': {
				const { conversationId, content, replyTo, clientMessageId, metadata, kind } = frame;
				may('message.send');
				await limits.spend('message', principal);
				const sent = { content, replyTo, clientMessageId, metadata, kind };
				return (await threadsOf(conversationId).send(principal, conversationId, sent)).data;
			}
			case 'read': {
				const { conversationId, messageId } = frame;
				may('conversation.read');
				await limits.spend('write', principal);
				return threadsOf(conversationId).read(principal, conversationId, { messageId });
			}
			case 'typing': {
				const { conversationId, typing, note } = frame;
				may('message.send');
				threadsOf(conversationId).typing(principal, conversationId, { typing, note });
				return undefined;
			}
			case 'watch':
				may('conversation.read');
				watching.watch(connection, frame.conversationId);
				return {};
			case 'ping': {
				const cursor = eventLog.cursor(
					connections.liveOfUser(connection.pk).has(connection) ? undefined : connection.position,
				);
				send(frameText({ type: 'pong', ...(frame.ref !== undefined && { ref: frame.ref }), cursor }));
				return undefined;
			}
			case 'auth':
				throw new AppError('invalid_frame', { errors: [{ path: 'type', message: 'auth is the first frame only' }] });
		}
	};

	/** A socket from its first frame to its last. */
	const socketOf = (origin: Caller['origin'], known: () => void): SocketData => {
		let session: Session | null = null;
		let state: 'new' | 'signing' | 'open' | 'closed' = 'new';
		let pending = 0;
		/** The frames it may still send: framesPerSecond come back each second (token bucket). */
		let frames = framesBurst;
		let counted = performance.now();
		let timer: ReturnType<typeof setTimeout> | undefined;

		const refuse = (ws: Socket, name: CloseName, error?: AppError) => {
			if (state === 'closed') return;
			state = 'closed';
			clearTimeout(timer);
			if (session) {
				connections.end(session.connection, name, error);
				return;
			}
			if (error) ws.send(errorFrame(error));
			finish(ws, name);
		};
		const signIn = async (ws: Socket, text: string) => {
			state = 'signing';
			try {
				const frame = parseFrame(text);
				if (frame.type !== 'auth') throw new AppError('sign_in_first');
				const principal = await identify(frame, origin);
				// note: the socket may have gone meanwhile
				if (state !== 'signing') return;
				const made = connectionOf(ws, principal, frame.apiKey, origin);
				connections.enter(made.connection);
				session = made;
				state = 'open';
				clearTimeout(timer);
				known();
				made.begin(frame.since);
			} catch (error) {
				const failure = failureOf(error);
				refuse(ws, failure.status === 400 ? 'unauthenticated' : closeNameOf(failure), failure);
			}
		};
		const handle = async (session: Session, text: string) => {
			let ref: string | undefined;
			const answer = (frame: string) => {
				if (!session.connection.ended) session.send(frame);
			};
			try {
				const frame = parseFrame(text);
				ref = refOf(frame);
				const data = await work(session, frame);
				if (data && ref !== undefined) answer(frameText({ type: 'ack', ref, data: data as Message }));
			} catch (error) {
				const failure = failureOf(error);
				answer(errorFrame(failure, ref ?? (failure.details.extra?.ref as string | undefined)));
			} finally {
				pending--;
			}
		};
		const isFlood = (): boolean => {
			const now = performance.now();
			frames = Math.min(framesBurst, frames + ((now - counted) / 1_000) * framesPerSecond);
			counted = now;
			frames--;
			return frames < 0 || pending >= framesPendingMax;
		};

		return {
			open: (ws) => {
				sockets.add(ws);
				ends.set(ws, (name) => refuse(ws, name));
				if (stopped) {
					refuse(ws, 'going_away');
					return;
				}
				timer = setTimeout(() => refuse(ws, 'too_late'), firstFrameMs);
			},
			message: (ws, message) => {
				if (state === 'closed') return;
				if (typeof message !== 'string') refuse(ws, 'unsupported');
				else if (session) {
					if (isFlood()) {
						refuse(ws, 'flood', new AppError('rate_limited', { retryAfterSeconds: 5 }));
						return;
					}
					pending++;
					handle(session, message);
				} else if (state === 'signing') refuse(ws, 'unauthenticated', new AppError('sign_in_first'));
				else if (Buffer.byteLength(message) > firstFrameBytesMax) refuse(ws, 'too_large');
				else signIn(ws, message);
			},
			drain: () => session?.drained(),
			close: (ws) => {
				state = 'closed';
				sockets.delete(ws);
				clearTimeout(timer);
				known();
				session?.gone();
			},
		};
	};

	return new Elysia({ tags: ['Real time'] })
		.use(guard)
		.use(answers)
		.get(
			'/realtime',
			({ request, server, caller }) => {
				if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket' || !server)
					throw new AppError('upgrade_required', { headers: { upgrade: 'websocket', connection: 'Upgrade' } });
				const by = server as unknown as Upgrading;
				realtime.publishBy((topic, json) => {
					by.publish(topic, json);
					count(json.length);
				});
				const known = strangerFrom(peer.address({ request, server } as SocketContext));
				if (by.upgrade(request, { data: socketOf(caller.origin, known) })) return;
				known();
				throw new AppError('upgrade_required');
			},
			{
				open: 'raw',
				fails: ['upgrade_required', 'too_many_connections'],
				detail: {
					operationId: 'connect',
					summary: 'Connect live',
					description:
						'WebSocket (RFC 6455). Key and token come in the first frame, never in the address. Frames, events and close codes: [/swagger/realtime](/swagger/realtime).',
				},
			},
		);
};
