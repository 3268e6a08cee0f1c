import type { Server, ServerWebSocket } from 'bun';
import { Elysia } from 'elysia';
import type { Answers } from '../http/answers.ts';
import type { Peer, SocketContext } from '../http/frame.ts';
import type { Guard } from '../http/guard.ts';
import type { Limits } from '../http/limits.ts';
import { AppError } from '../kernel/errors.ts';
import {
	firstFrameBytesMax,
	firstFrameMs,
	framesBurst,
	framesPerSecond,
	queuedBytesMax,
	strangersPerAddressMax,
	sweepBytes,
} from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import type { Caller, UserPrincipal } from '../kernel/principal.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Feed } from '../modules/events/feed.service.ts';
import type { Message } from '../modules/messaging/messaging.schema.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { TokenService } from '../modules/users/tokens.service.ts';
import { createActs } from './acts.ts';
import { closeNameOf } from './connections.ts';
import { errorFrame, frameText, parseFrame, refOf } from './frames.ts';
import type { Auth, CloseName } from './realtime.schema.ts';
import type { Realtime } from './realtime.ts';
import { createSocketConnection, finish, type SocketConnection } from './socket.connection.ts';

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
	const { connections } = realtime;
	const act = createActs({ limits, eventLog, realtime });
	/** Open sockets, and what ends each. */
	const sockets = new Map<Socket, (name: CloseName) => void>();
	/** Those who have not said who they are, by address. */
	const strangers = new Map<string, number>();
	let stopped = false;
	// note: those too who have not said who they are, or the server would wait for them
	realtime.onStop(() => {
		stopped = true;
		for (const end of [...sockets.values()]) end('going_away');
	});

	/** note: what is told to all passes the sockets' own accounts, so their queues are looked at each time so much was told */
	let told = 0;
	const count = (json: string) => {
		told += Buffer.byteLength(json);
		if (told < sweepBytes) return;
		told = 0;
		for (const [ws, end] of sockets) if (ws.getBufferedAmount() > queuedBytesMax) end('too_slow');
	};
	const parts = { eventLog, feed, connections, count };

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

	/** A socket from its first frame to its last. */
	const socketOf = (origin: Caller['origin'], known: () => void): SocketData => {
		let session: SocketConnection | null = null;
		let state: 'new' | 'signing' | 'open' | 'closed' = 'new';
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
				const made = createSocketConnection(ws, { principal, apiKey: frame.apiKey, origin }, parts);
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
		const handle = async (session: SocketConnection, text: string) => {
			let ref: string | undefined;
			const answer = (frame: string) => {
				if (!session.connection.ended) session.send(frame);
			};
			try {
				const frame = parseFrame(text);
				ref = refOf(frame);
				const data = await act(frame, session);
				if (data && ref !== undefined) answer(frameText({ type: 'ack', ref, data: data as Message }));
			} catch (error) {
				const failure = failureOf(error);
				answer(errorFrame(failure, ref ?? (failure.details.extra?.ref as string | undefined)));
			}
		};
		const isFlood = (): boolean => {
			const now = performance.now();
			frames = Math.min(framesBurst, frames + ((now - counted) / 1_000) * framesPerSecond);
			counted = now;
			frames--;
			return frames < 0;
		};

		return {
			open: (ws) => {
				sockets.set(ws, (name) => refuse(ws, name));
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
					count(json);
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
