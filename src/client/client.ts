/**
 * The client: calls, sends that survive a bad line, and events without a gap. It needs nothing but fetch and WebSocket, so
 * it runs in browsers, Bun, Deno and Node from version 22.
 */
import type { FailureCode } from '../kernel/errors.ts';
import { eventTypes } from '../kernel/events.ts';
import type {
	Conversation,
	ConversationPage,
	Message,
	MessagePage,
	SendTicketMessage,
	UnreadCount,
	UnreadTotal,
} from '../modules/messaging/messaging.schema.ts';
import type { OpenTicket, Ticket, TicketPage, UpdateTicket } from '../modules/support/tickets.schema.ts';
import type { ChatToken, CreateUser, User } from '../modules/users/users.schema.ts';
import type { EventPage, ServerEvent, ServerFrame, TransientEvent } from '../realtime/realtime.schema.ts';

export type {
	ChatToken,
	Conversation,
	ConversationPage,
	CreateUser,
	EventPage,
	FailureCode,
	Message,
	MessagePage,
	OpenTicket,
	ServerEvent,
	Ticket,
	TicketPage,
	TransientEvent,
	UnreadTotal,
	UpdateTicket,
	User,
};

export interface ClientOptions {
	/** Where the server is, as `https://chat.site.com`. Left out: where this file came from. */
	url?: string;
	/** The site's publishable key; on the site's own server also a secret one. Empty only to sign in by password. */
	apiKey: string;
	/**
	 * The user's chat token, or what fetches one. A function is asked again when the token is no longer good; `refused` is the
	 * one that was not. It may use `createUser` and `chatToken` of this client. Left out: only public calls can be made.
	 */
	token?: string | ((refused?: string) => string | Promise<string>);
	/** A cursor from an earlier run (`client.cursor`): events go on behind it. */
	since?: string;
	/** `poll` where WebSocket cannot be had; `auto` falls back to it by itself. */
	transport?: 'auto' | 'socket' | 'poll';
	/** How long a connection may be quiet before it is asked whether it still is one (25). Less where a proxy allows less. */
	pingSeconds?: number;
}

/** Failure is every refusal of the server, by its code; `network` where there was no answer at all. */
export class Failure extends Error {
	constructor(
		readonly code: FailureCode | 'network',
		message: string,
		/** The HTTP status; 0 without an answer. */
		readonly status: number = 0,
		/** The whole answer: `errors`, `requestId`, and what the code brings along. */
		readonly details: Record<string, unknown> = {},
		/** When a repeat makes sense. */
		readonly retryAfterSeconds?: number,
	) {
		super(message);
		this.name = 'Failure';
	}
}

/** A message that is on its way: sent again, under the same id, until the server has it or refuses it. */
export interface Outgoing {
	conversationId: string;
	clientMessageId: string;
	message: Omit<SendTicketMessage, 'clientMessageId'>;
	/** Why it is still waiting; undefined at the first try. */
	trouble?: Failure;
}

/**
 * `idle` before connect; `connecting`; `live`: nothing is missing; `waiting`: cut off, and coming back by itself; `closed`
 * by close(), or because the server will not have this user any more.
 */
export type State = 'idle' | 'connecting' | 'live' | 'waiting' | 'closed';

type Told = ServerEvent | TransientEvent;
/** What the iteration gives: events with a place in the log, and that one must begin anew. */
export type Stored = ServerEvent | { type: 'reset'; cursor: string };
/** What can be listened to: events by their type, and what the client itself has to say. */
export interface Happenings {
	/** What is shown must be fetched anew: the cursor was unknown or too old. */
	reset: { cursor: string };
	state: State;
	/** The messages that are on their way have changed. */
	outgoing: readonly Outgoing[];
	/** The connection has ended for good. */
	failure: Failure;
}
export type Happening = Told['type'] | keyof Happenings;
export type Payload<T extends Happening> = T extends keyof Happenings ? Happenings[T] : Extract<Told, { type: T }>;

type Query = Record<string, string | number | boolean | undefined>;
type Json = Record<string, unknown>;

/** The pause before the n-th try: longer each time up to half a minute, and never the same for two clients. */
const backoff = (n: number) => Math.min(30_000, 500 * 2 ** n) * (0.5 + Math.random() / 2);
/** Whether a repeat may go better: no answer, too many, or the server's own trouble. */
const isPassing = ({ status }: Failure) => status === 0 || status === 429 || status >= 500;
/** How often a call that only reads is made again. */
const readTriesMax = 2;
/** Events that the iteration holds for whoever does not fetch them. */
const waitingEventsMax = 10_000;
/** How long an answer may take, that of a poll included: after that the line is taken for dead. */
const answerMsMax = 30_000;
const pollSeconds = 20;
/** How long a connection may take to answer, as a part of how long it may be quiet. */
const pongPart = 0.4;
/** Codes after which another token may help. */
const tokenCodes = ['invalid_token', 'token_expired', 'token_revoked'];
/** Sockets on which nothing was ever heard: after so many there is a proxy that knows none, which is tried again later. */
const socketTriesMax = 3;
const pollMs = 300_000;

const numberOf = (cursor: string) => Number(cursor.split('.')[1] ?? 0);

/** uuid7 is a UUIDv7 (RFC 9562): ids that grow with time, which the server stores cheapest. */
export const uuid7 = (): string => {
	const hex = [...crypto.getRandomValues(new Uint8Array(10))]
		.map((byte) => byte.toString(16).padStart(2, '0'))
		.join('');
	const time = Date.now().toString(16).padStart(12, '0');
	const variant = '89ab'[Number.parseInt(hex[3] as string, 16) & 3];
	return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
};

/** createClient makes a client of one site, for one user. */
export const createClient = ({
	url = new URL(import.meta.url).origin,
	apiKey,
	token,
	since,
	transport = 'auto',
	pingSeconds = 25,
}: ClientOptions) => {
	const base = `${url.replace(/\/+$/, '')}/api/v1`;

	let known = typeof token === 'string' ? token : undefined;
	let asking: Promise<string | undefined> | undefined;
	/** The token, or a new one where `refused` is the one that is known: asked for once, however many calls need it. */
	const tokenFor = async (refused?: string): Promise<string | undefined> => {
		if (typeof token !== 'function') return known;
		if (known !== undefined && known !== refused && !asking) return known;
		asking ??= (async () => {
			let timer: ReturnType<typeof setTimeout> | undefined;
			const late = new Promise<never>((_, reject) => {
				timer = setTimeout(
					() => reject(new Failure('network', 'The token could not be fetched in time.')),
					answerMsMax,
				);
			});
			try {
				known = await Promise.race([token(refused), late]);
			} finally {
				clearTimeout(timer);
			}
			return known;
		})().finally(() => {
			asking = undefined;
		});
		return asking;
	};

	const listeners = new Map<Happening, Set<(payload: never) => void>>();
	const emit = <T extends Happening>(type: T, payload: Payload<T>) => {
		for (const listener of [...(listeners.get(type) ?? [])])
			try {
				(listener as (payload: Payload<T>) => void)(payload);
			} catch (error) {
				// a listener that fails keeps nothing from the others
				queueMicrotask(() => {
					throw error;
				});
			}
	};
	/** on listens to one kind of happening; what it returns ends that. */
	const on = <T extends Happening>(type: T, listener: (payload: Payload<T>) => void): (() => void) => {
		const found = listeners.get(type) ?? new Set();
		listeners.set(type, found.add(listener as never));
		return () => {
			found.delete(listener as never);
		};
	};

	/** One try of a call. Throws Failure. */
	const attempt = async <T>(
		method: string,
		path: string,
		body: unknown,
		bearer: string | undefined,
		signal?: AbortSignal,
	) => {
		let response: Response;
		let answer: { success?: boolean; data?: T; message?: string; code?: FailureCode } & Json;
		const patience = new AbortController();
		const giveUp = () => patience.abort();
		const timer = setTimeout(giveUp, answerMsMax);
		signal?.addEventListener('abort', giveUp);
		try {
			signal?.throwIfAborted();
			response = await fetch(base + path, {
				method,
				headers: {
					...(apiKey !== '' && { 'x-api-key': apiKey }),
					...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
					...(body !== undefined && { 'content-type': 'application/json' }),
				},
				...(body !== undefined && { body: JSON.stringify(body) }),
				signal: patience.signal,
			});
			answer = (await response.json()) as typeof answer;
		} catch (cause) {
			if (signal?.aborted) throw cause;
			throw new Failure('network', 'The server cannot be reached.');
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener('abort', giveUp);
		}
		if (answer.success) {
			wakeUp();
			return answer.data as T;
		}
		// something between here and the server has answered, like the sign-in page of a hotel
		if (!answer.code) throw new Failure('network', 'Something else than the server has answered.');
		const retry = Number(response.headers.get('retry-after') ?? Number.NaN);
		throw new Failure(
			answer.code,
			answer.message ?? `The server answered ${response.status}.`,
			response.status,
			answer,
			Number.isFinite(retry) ? retry : undefined,
		);
	};
	/** A call with a token, once more with another one where the first is no longer good. */
	const ask = async <T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> => {
		const bearer = await tokenFor();
		try {
			return await attempt<T>(method, path, body, bearer, signal);
		} catch (error) {
			if (!(error instanceof Failure && typeof token === 'function' && tokenCodes.includes(error.code))) throw error;
		}
		return attempt<T>(method, path, body, await tokenFor(bearer), signal);
	};
	/** Pauses. Those that are not `patient` end as soon as there may be a line again. */
	const pauses = new Set<{ patient: boolean; end: () => void }>();
	const pause = (ms: number, patient = false) =>
		new Promise<void>((resolve) => {
			const end = () => {
				clearTimeout(timer);
				pauses.delete(made);
				resolve();
			};
			const made = { patient, end };
			const timer = setTimeout(end, ms);
			pauses.add(made);
		});
	/** There is a line again, or may be, or nothing is waited for any more: whoever waits goes on now. */
	const wakeUp = () => {
		for (const { patient, end } of [...pauses]) if (!patient || state === 'closed') end();
	};
	/** The pause after a failure; where the server itself has failed, or asks to wait, a line is no help. */
	const pauseAfter = ({ status, retryAfterSeconds }: Failure, n: number) =>
		pause(retryAfterSeconds ? retryAfterSeconds * 1_000 : backoff(n), status !== 0);
	/**
	 * call makes a call under /api/v1: once more with another token where the first is no longer good, and a few times more
	 * where it only reads and the trouble passes. Throws Failure, and what `token` throws.
	 */
	const call = async <T = Json>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> => {
		for (let n = 0; ; n++) {
			try {
				return await ask<T>(method, path, body, signal);
			} catch (error) {
				if (method !== 'GET' || n >= readTriesMax || !(error instanceof Failure && isPassing(error))) throw error;
				await pauseAfter(error, n);
			}
		}
	};
	const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) => {
		const given = Object.entries(query).filter(([, value]) => value !== undefined);
		const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
		return call<T>('GET', text ? `${path}?${text}` : path, undefined, signal);
	};
	const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body);
	/** A call that may do without a token: it asks for none, because what fetches one may be what makes it. */
	const open = <T>(path: string, body: unknown) =>
		known === undefined || asking ? attempt<T>('POST', path, body, known) : post<T>(path, body);
	/** A conversation's id says which it is. */
	const at = (id: string) =>
		`/${id.startsWith('ticket_') ? 'support/tickets' : 'p2p/conversations'}/${encodeURIComponent(id)}`;

	/** What is on its way, by conversation: there the order is kept. */
	const queues = new Map<string, Outgoing[]>();
	const outgoing = () => [...queues.values()].flat();
	const deliver = async (entry: Outgoing): Promise<Message> => {
		const { conversationId, clientMessageId, message } = entry;
		for (let n = 0; ; n++) {
			try {
				return await post<Message>(`${at(conversationId)}/messages`, { ...message, clientMessageId });
			} catch (error) {
				const trouble = error instanceof Failure ? error : new Failure('network', String(error));
				if (!isPassing(trouble) || isClosed()) throw trouble;
				entry.trouble = trouble;
				emit('outgoing', outgoing());
				await pauseAfter(trouble, n);
				if (isClosed()) throw trouble;
			}
		}
	};
	/** The send before, in the same conversation. */
	const before = new Map<string, Promise<unknown>>();
	/**
	 * send stores a message: resolves once it is on the server's disk, however long that takes, and throws Failure where the
	 * server refuses it. Messages of one conversation keep their order.
	 */
	const send = (
		conversationId: string,
		message: string | Omit<SendTicketMessage, 'clientMessageId'>,
		clientMessageId: string = uuid7(),
	): Promise<Message> => {
		const entry: Outgoing = {
			conversationId,
			clientMessageId,
			message: typeof message === 'string' ? { content: { text: message } } : message,
		};
		queues.set(conversationId, [...(queues.get(conversationId) ?? []), entry]);
		emit('outgoing', outgoing());
		const sent = (before.get(conversationId) ?? Promise.resolve())
			.catch(() => undefined)
			.then(() => deliver(entry))
			.finally(() => {
				const left = (queues.get(conversationId) ?? []).filter((other) => other !== entry);
				if (left.length > 0) queues.set(conversationId, left);
				else {
					queues.delete(conversationId);
					before.delete(conversationId);
				}
				emit('outgoing', outgoing());
			});
		before.set(conversationId, sent);
		return sent;
	};

	let state: State = 'idle';
	let cursor = since;
	let watched: string | null = null;
	let socket: WebSocket | undefined;
	/** What the connection that is kept now is ended by. */
	let keeping: AbortController | undefined;
	const isClosed = () => state === 'closed';
	const become = (next: State) => {
		if (state === next) return;
		state = next;
		emit('state', next);
	};
	/** tell hands an event on, unless it was told before. */
	const tell = (event: Told) => {
		if ('id' in event) {
			if (cursor !== undefined && numberOf(event.id) <= numberOf(cursor)) return;
			cursor = event.id;
		}
		emit(event.type, event as never);
	};
	const startOver = (at: string) => {
		cursor = at;
		emit('reset', { cursor: at });
	};
	/** Failed tries to connect, one after the other. */
	let tries = 0;
	const goLive = () => {
		tries = 0;
		become('live');
		wakeUp();
	};
	/** note: only on a socket that is signed in; another one is closed for saying anything else than who it is */
	const say = (frame: Json): boolean => {
		if (socket?.readyState !== 1) return false;
		socket.send(JSON.stringify(frame));
		return true;
	};

	/** How a socket ended. `heard`: whether there was one; `good`: whether it was signed in; `failure`: what it was refused. */
	interface End {
		code: number;
		heard: boolean;
		good: boolean;
		failure?: Failure;
	}
	/** One socket from its opening to its end, or that of `signal`. */
	const oneSocket = (bearer: string, signal: AbortSignal) =>
		new Promise<End>((resolve) => {
			const ws = new WebSocket(`${base.replace(/^http/, 'ws')}/realtime`);
			const ended: End = { code: 0, heard: false, good: false };
			let wasLive = false;
			const pingMs = pingSeconds * 1_000;
			const pongMs = pingMs * pongPart;
			let heardAt = Date.now();
			/** Since when an answer is waited for; 0: none is. */
			let askedAt = heardAt;
			const pulse = setInterval(() => {
				const now = Date.now();
				if (askedAt > 0) {
					if (now - askedAt > pongMs) end(0);
				} else if (now - heardAt > pingMs) {
					askedAt = now;
					say({ type: 'ping' });
				}
			}, pongMs / 2);
			const end = (code: number) => {
				clearInterval(pulse);
				signal.removeEventListener('abort', leave);
				if (socket === ws) socket = undefined;
				ws.onopen = ws.onmessage = ws.onclose = null;
				ws.close();
				resolve({ ...ended, code });
			};
			const leave = () => end(1000);
			signal.addEventListener('abort', leave);
			ws.onopen = () => {
				ws.send(
					JSON.stringify({ type: 'auth', token: bearer, apiKey, ...(cursor !== undefined && { since: cursor }) }),
				);
			};
			ws.onmessage = ({ data }) => {
				ended.heard = true;
				heardAt = Date.now();
				askedAt = 0;
				const frame: ServerFrame | Told = JSON.parse(data);
				switch (frame.type) {
					case 'ready':
						ended.good = true;
						socket = ws;
						cursor ??= frame.cursor;
						break;
					case 'caught_up':
						cursor = frame.cursor;
						wasLive = true;
						if (watched !== null) say({ type: 'watch', ref: 'watch', conversationId: watched });
						goLive();
						break;
					case 'reset':
						startOver(frame.cursor);
						break;
					case 'error':
						if (frame.ref === undefined)
							ended.failure = new Failure(frame.code as FailureCode, frame.message, 0, frame, frame.retryAfterSeconds);
						break;
					case 'ack':
					case 'closed':
						break;
					case 'pong':
						// note: so that a quiet client does not fall behind what is kept
						if (wasLive) cursor = frame.cursor;
						break;
					default:
						tell(frame);
				}
			};
			ws.onerror = () => undefined;
			ws.onclose = ({ code }) => end(code);
		});

	/** Polls as long as that goes well; but where a socket would be better, only for a while. Throws Failure. */
	const pollOn = async (signal: AbortSignal) => {
		const until = transport === 'poll' ? Number.POSITIVE_INFINITY : Date.now() + pollMs;
		while (Date.now() < until) {
			const query = new URLSearchParams({ wait: String(state === 'live' ? pollSeconds : 0) });
			if (cursor !== undefined) query.set('since', cursor);
			const page = await ask<EventPage>('GET', `/events?${query}`, undefined, signal);
			if (page.reset) startOver(page.cursor);
			for (const event of page.data) {
				if (signal.aborted) return;
				tell(event);
			}
			if (signal.aborted) return;
			cursor = page.cursor;
			if (!page.hasMore) goLive();
		}
	};

	/** Ends for good. */
	const stop = (failure?: Failure) => {
		globalThis.removeEventListener?.('online', wakeUp);
		keeping?.abort();
		become('closed');
		wakeUp();
		if (failure) emit('failure', failure);
	};
	/** Keeps the connection until `signal` ends it, or the server will not have it. */
	const stayConnected = async (signal: AbortSignal) => {
		let refused: string | undefined;
		/** Sockets on which nothing was heard; once there was one that spoke, none is counted any more. */
		let silent = 0;
		for (;;) {
			let trouble: Failure | undefined;
			try {
				const bearer = await tokenFor(refused);
				if (signal.aborted) return;
				if (!bearer) return stop(new Failure('token_required', 'Events are told to users: give a chat token.'));
				if (transport === 'poll' || (transport === 'auto' && silent >= socketTriesMax)) {
					silent = socketTriesMax - 1;
					await pollOn(signal);
					if (signal.aborted) return;
					become('connecting');
					continue;
				}
				const { code, heard, good, failure } = await oneSocket(bearer, signal);
				if (signal.aborted) return;
				silent = heard ? Number.NEGATIVE_INFINITY : silent + 1;
				trouble = failure;
				// another token may help, but not twice in a row, and not against a suspension or a foreign page
				const renew =
					typeof token === 'function' &&
					(good || refused === undefined) &&
					failure !== undefined &&
					tokenCodes.includes(failure.code);
				if (!renew && (code === 4401 || code === 4403))
					return stop(failure ?? new Failure('forbidden', 'The server has ended the connection.'));
				refused = renew ? bearer : undefined;
			} catch (error) {
				if (signal.aborted) return;
				if (error instanceof Failure) {
					if (!isPassing(error)) return stop(error);
					trouble = error;
				}
			}
			become('waiting');
			if (signal.aborted) return;
			// a restart throws everybody out at once: they come back one after the other
			const atOnce = Math.random() * 1_000;
			if (trouble?.retryAfterSeconds) await pause(trouble.retryAfterSeconds * 1_000 + atOnce, true);
			else await pause(tries === 0 ? atOnce : backoff(tries - 1));
			tries++;
			if (signal.aborted) return;
			become('connecting');
		}
	};

	return {
		call,
		get,
		post,
		send,
		on,
		/** The messages that are on their way. */
		get outgoing(): readonly Outgoing[] {
			return outgoing();
		},
		get state(): State {
			return state;
		},
		/** The place up to which events were told: keep it to go on from there in another run. */
		get cursor(): string | undefined {
			return cursor;
		},

		/** connect begins to listen; it comes back by itself after every cut. */
		connect: (): void => {
			if (state !== 'idle' && state !== 'closed') return;
			const made = new AbortController();
			keeping = made;
			globalThis.addEventListener?.('online', wakeUp);
			become('connecting');
			stayConnected(made.signal);
		},
		/** close ends the connection; messages that are on their way and meet trouble are given up. */
		close: (): void => stop(),
		/**
		 * events are all events from now on, one after the other: `for await (const event of client.events()) …`. A `reset`
		 * among them means that what is shown must be fetched anew. It ends with the connection.
		 */
		events: (): AsyncIterableIterator<Stored> => {
			let waiting: Stored[] = [];
			let wakes: (() => void)[] = [];
			let ended = false;
			const wake = () => {
				for (const resume of wakes) resume();
				wakes = [];
			};
			const take = (event: Stored) => {
				// who does not keep up begins anew, instead of filling the memory
				if (waiting.push(event) > waitingEventsMax) waiting = [{ type: 'reset', cursor: cursor ?? '' }];
				wake();
			};
			// note: listening begins here, and not with the first step
			const offs = [
				// those for the server alone are never told
				...eventTypes.map((type) => on(type as ServerEvent['type'], take)),
				on('reset', ({ cursor }) => take({ type: 'reset', cursor })),
				on('state', wake),
			];
			const end = async (): Promise<IteratorReturnResult<undefined>> => {
				ended = true;
				for (const off of offs) off();
				wake();
				return { done: true, value: undefined };
			};
			return {
				[Symbol.asyncIterator]() {
					return this;
				},
				next: async () => {
					while (!ended && waiting.length === 0 && state !== 'closed')
						await new Promise<void>((resume) => wakes.push(resume));
					const value = ended ? undefined : waiting.shift();
					return value ? { done: false, value } : end();
				},
				return: end,
			};
		},
		/** watch names the conversation that is on the screen: whose presence is told. */
		watch: (conversationId: string | null): void => {
			watched = conversationId;
			say({ type: 'watch', ref: 'watch', conversationId });
		},
		/** typing tells that the user writes, or has stopped. */
		typing: (conversationId: string, typing = true, note = false): void => {
			if (!say({ type: 'typing', ref: 'typing', conversationId, typing, note }))
				post(`${at(conversationId)}/typing`, { typing, note }).catch(() => undefined);
		},

		createUser: (user: CreateUser): Promise<User> => open('/users', user),
		chatToken: (userId: string): Promise<ChatToken> => open('/users/chat-token', { userId }),
		/** renew exchanges a user's own token, even one that has just expired, for a new one. */
		renew: (userId: string, bearer: string): Promise<ChatToken> =>
			attempt('POST', '/users/chat-token', { userId }, bearer),
		me: (): Promise<User> => get('/users/me'),

		/** startChat gives the one conversation with another user. */
		startChat: (other: { otherParticipantId: string } | { otherExternalId: string }): Promise<Conversation> =>
			post('/p2p/conversations', other),
		chats: (query?: Query): Promise<ConversationPage> => get('/p2p/conversations', query),
		openTicket: (ticket: OpenTicket): Promise<Ticket> => post('/support/tickets', ticket),
		tickets: (query?: Query): Promise<TicketPage> => get('/support/tickets', query),
		updateTicket: (id: string, changes: UpdateTicket): Promise<Ticket> => call('PATCH', at(id), changes),
		rateTicket: (id: string, score: number, comment?: string): Promise<Ticket> =>
			post(`${at(id)}/rating`, { score, comment }),
		/** conversation is a chat or a ticket, as its id says. */
		conversation: <T extends Conversation | Ticket = Conversation>(id: string): Promise<T> => get(at(id)),
		messages: (id: string, query?: Query): Promise<MessagePage> => get(`${at(id)}/messages`, query),
		edit: (id: string, messageId: string, text: string): Promise<Message> =>
			call('PATCH', `${at(id)}/messages/${encodeURIComponent(messageId)}`, { content: { text } }),
		remove: (id: string, messageId: string): Promise<Message> =>
			call('DELETE', `${at(id)}/messages/${encodeURIComponent(messageId)}`),
		react: (id: string, messageId: string, emoji: string, set = true): Promise<Message> =>
			call(
				set ? 'PUT' : 'DELETE',
				`${at(id)}/messages/${encodeURIComponent(messageId)}/reactions/${encodeURIComponent(emoji)}`,
			),
		read: (id: string, messageId?: string): Promise<UnreadCount> => post(`${at(id)}/read`, { messageId }),
		unread: (id: string, messageId: string): Promise<UnreadCount> => post(`${at(id)}/unread`, { messageId }),
		unreadCount: (of: 'p2p' | 'support'): Promise<UnreadTotal> => get(`/${of}/unread-count`),
		archive: (id: string, archived = true): Promise<Conversation> =>
			post(`${at(id)}/${archived ? 'archive' : 'unarchive'}`),
	};
};
export type Client = ReturnType<typeof createClient>;
