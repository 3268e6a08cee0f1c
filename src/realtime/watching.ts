import { LRUCache } from 'lru-cache';
import { type Clock, iso } from '../kernel/clock.ts';
import { typingEveryMs } from '../kernel/limits.ts';
import type { Signals, TypingSignal } from '../modules/events/signals.ts';
import type { Look, ThreadService } from '../modules/messaging/messaging.service.ts';
import type { Presence } from '../modules/users/presence.ts';
import type { UserService } from '../modules/users/users.service.ts';
import type { Connection, Connections, Watched } from './connections.ts';

/** Of how many who type it is remembered when they were last told of. */
const typersMax = 10_000;

/**
 * createWatching tells what passes: who types, who is here, and who of the desk looks at the same ticket. Nothing of it is
 * stored, and only who looks at a conversation hears of its people.
 */
export const createWatching = ({
	connections,
	signals,
	presence,
	users,
	threadsOf,
	clock,
}: {
	connections: Connections;
	signals: Signals;
	presence: Presence;
	users: UserService;
	threadsOf: (conversationId: string) => ThreadService;
	clock: Clock;
}) => {
	/** Who looks at a conversation, and at whom. */
	const byConversation = new Map<number, Set<Connection>>();
	const byUser = new Map<number, Set<Connection>>();
	const put = (map: Map<number, Set<Connection>>, key: number, connection: Connection) => {
		const found = map.get(key);
		if (found) found.add(connection);
		else map.set(key, new Set([connection]));
	};
	const take = (map: Map<number, Set<Connection>>, key: number, connection: Connection) => {
		const found = map.get(key);
		found?.delete(connection);
		if (found?.size === 0) map.delete(key);
	};

	/** Who is on the other side. note: of a ticket's desk nobody: who asks for help is not shown who of the team is here */
	const partnerOf = (row: Look['row'], side: Look['side']) => (side === 1 ? row.participantTwo : row.participantOne);
	const frame = (type: string, conversationId: string, data: object) =>
		JSON.stringify({ type, createdAt: iso(clock()), conversationId, data });
	const presenceFrame = (site: number, user: number, conversationId: string, watching: boolean) =>
		frame('presence', conversationId, { ...users.presenceOf(site, user), watching });

	/** The others of the desk who look at a ticket. */
	const colleagues = ({ conversation }: Watched, user: number): Connection[] =>
		[...(byConversation.get(conversation) ?? [])].filter(({ watched, pk }) => watched?.desk && pk !== user);
	const isLooking = ({ conversation }: Watched, user: number): boolean =>
		[...(byConversation.get(conversation) ?? [])].some(({ watched, pk }) => watched?.desk && pk === user);
	/** Tells the others of the desk that somebody begins to look, or has stopped. */
	const tellColleagues = (connection: Connection, watched: Watched, watching: boolean) => {
		const others = colleagues(watched, connection.pk);
		if (others.length === 0) return;
		const json = presenceFrame(connection.site, connection.pk, watched.conversationId, watching);
		for (const other of others) other.tell('presence', json);
	};

	const leave = (connection: Connection) => {
		const { watched } = connection;
		if (!watched) return;
		connection.watched = null;
		take(byConversation, watched.conversation, connection);
		if (watched.other !== null) take(byUser, watched.other, connection);
		if (watched.desk && !isLooking(watched, connection.pk)) tellColleagues(connection, watched, false);
	};
	connections.onLeave(leave);

	presence.onChange((user) => {
		const lookers = [...(byUser.get(user) ?? [])];
		const [first] = lookers;
		if (!first) return;
		// read once, however many look
		const state = { ...users.presenceOf(first.site, user), watching: false };
		for (const connection of lookers) {
			const { watched } = connection;
			if (watched) connection.tell('presence', frame('presence', watched.conversationId, state));
		}
	});

	const told = new LRUCache<string, { typing: boolean; at: number }>({ max: typersMax });
	signals.onTyping((signal: TypingSignal) => {
		const { conversation, conversationId, from, to, desk, note, typing } = signal;
		const key = `${conversation}:${from.pk}:${note}`;
		const before = told.get(key);
		// that somebody has stopped is worth a word only once, and only of whom it was said that they type
		const since = before ? clock() - before.at : Number.POSITIVE_INFINITY;
		// a clock that was set back keeps nobody silent
		if (typing ? since >= 0 && since < typingEveryMs : !before?.typing) return;
		told.set(key, { typing, at: typing ? clock() : (before?.at ?? 0) });
		const listeners = [
			...(to === null ? [] : connections.liveOfUser(to)),
			...(desk
				? [...(byConversation.get(conversation) ?? [])].filter(({ watched, pk }) => watched?.desk && pk !== from.pk)
				: []),
		];
		if (listeners.length === 0) return;
		const json = frame('typing', conversationId, { userId: from.id, typing, note });
		for (const connection of new Set(listeners)) connection.tell('typing', json);
	});

	/** What somebody looks at, of a conversation as they may see it. */
	const watchedOf = ({ row, side, desk, silent }: Look): Watched => ({
		conversation: row.pk,
		conversationId: row.id,
		desk,
		other: silent ? null : partnerOf(row, side),
	});
	/** Begins to tell a connection of what it looks at, with how things stand. */
	const begin = (connection: Connection, watched: Watched) => {
		const { conversation, conversationId, desk, other } = watched;
		const first = desk && !isLooking(watched, connection.pk);
		connection.watched = watched;
		put(byConversation, conversation, connection);
		if (other !== null) {
			put(byUser, other, connection);
			connection.tell('presence', presenceFrame(connection.site, other, conversationId, false));
		}
		if (!desk) return;
		for (const user of new Set(colleagues(watched, connection.pk).map(({ pk }) => pk)))
			connection.tell('presence', presenceFrame(connection.site, user, conversationId, true));
		if (first) tellColleagues(connection, watched, true);
	};
	const look = ({ principal }: Connection, id: string) => watchedOf(threadsOf(id).look(principal, id));

	return {
		/** watch names what a connection looks at; null: nothing. Throws not_found. */
		watch: (connection: Connection, conversationId: string | null): void => {
			const next = conversationId === null ? null : look(connection, conversationId);
			leave(connection);
			if (next) begin(connection, next);
		},

		/** review asks again what somebody may look at, because their rights have changed; `lookers`: and who looks at them. */
		review: (user: number, lookers = false): void => {
			const others = lookers ? (byUser.get(user) ?? []) : [];
			for (const connection of new Set([...connections.ofUser(user), ...others])) {
				const { watched } = connection;
				if (!watched) continue;
				let next: Watched | null = null;
				try {
					next = look(connection, watched.conversationId);
				} catch {
					// not theirs to see any more
				}
				if (next?.desk === watched.desk && next.other === watched.other) continue;
				leave(connection);
				if (next) begin(connection, next);
			}
		},
	};
};
export type Watching = ReturnType<typeof createWatching>;
