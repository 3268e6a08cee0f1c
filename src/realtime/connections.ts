import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { connectionsMax, connectionsPerUserMax } from '../kernel/limits.ts';
import type { Logger } from '../kernel/log.ts';
import type { Caller, UserPrincipal } from '../kernel/principal.ts';
import { isDesk } from '../kernel/roles.ts';
import type { Envelope, Reader } from '../modules/events/reading.service.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { Presence } from '../modules/users/presence.ts';
import type { TokenService } from '../modules/users/tokens.service.ts';
import type { CloseName } from './realtime.schema.ts';

/** Connection is somebody who listens: a socket, a stream, or a poll that waits. */
export interface Connection extends Reader {
	/** Who it is, as judged last. */
	principal: UserPrincipal;
	/** The key it came with, and the page: both are judged again when the site changes. */
	readonly apiKey: string;
	readonly origin: Caller['origin'];
	/** Whether its user counts as being here: a poll comes and goes. */
	readonly isPresence: boolean;
	/** The conversation that it is looking at. */
	watched: Watched | null;
	/** Sockets hear of what is live by topics of the server, which are sent once for all; anybody else is told by `deliver`. */
	readonly topics: { join(topic: string): void; leave(topic: string): void } | null;
	/** deliver gives a live event, to those without topics, or where not all of a topic may hear it. */
	deliver(envelope: Envelope): void;
	/** tell says what passes: it has no place in the log. */
	tell(type: string, json: string): void;
	/** close ends it, with the reason where somebody was refused something. */
	close(name: CloseName, error?: AppError): void;
}

/** What a connection looks at, by integer key and public id. */
export interface Watched {
	conversation: number;
	conversationId: string;
	/** As one of the desk. */
	desk: boolean;
	/** The user whose presence is told; null: nobody's. */
	other: number | null;
}

/** connectionFrom makes one of what is particular to its kind. `isEnded`: whether it has gone. */
export const connectionFrom = (
	{ principal, apiKey, origin }: Pick<Connection, 'principal' | 'apiKey' | 'origin'>,
	isEnded: () => boolean,
	parts: Pick<
		Connection,
		'isPresence' | 'topics' | 'upTo' | 'take' | 'flush' | 'rested' | 'deliver' | 'tell' | 'close'
	>,
): Connection => {
	const connection: Connection = {
		...parts,
		principal,
		apiKey,
		origin,
		watched: null,
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
			return isEnded();
		},
	};
	return connection;
};

export const userTopic = (user: number): string => `user:${user}`;
export const deskTopic = (site: number): string => `desk:${site}`;

/** closeNameOf is how a failure ends a connection. `once`: it was good before. */
export const closeNameOf = (error: AppError, once = false): CloseName => {
	if (error.code === 'token_expired') return 'unauthenticated';
	if (error.code === 'shutting_down') return 'going_away';
	if (error.status === 401) return once ? 'not_allowed' : 'unauthenticated';
	if (error.status === 403) return 'not_allowed';
	if (error.status === 429) return 'flood';
	return error.status === 503 ? 'try_later' : 'failed';
};

/** A set for each key, without empty ones. */
const createGroups = <T>() => {
	const groups = new Map<number, Set<T>>();
	const none: ReadonlySet<T> = new Set();
	return {
		of: (key: number): ReadonlySet<T> => groups.get(key) ?? none,
		add: (key: number, item: T) => {
			const group = groups.get(key);
			if (group) group.add(item);
			else groups.set(key, new Set([item]));
		},
		remove: (key: number, item: T) => {
			const group = groups.get(key);
			group?.delete(item);
			if (group?.size === 0) groups.delete(key);
		},
	};
};

/** createConnections knows everybody who is connected, and whether they still may be. */
export const createConnections = ({
	sites,
	tokens,
	presence,
	clock,
	log,
}: {
	sites: SiteService;
	tokens: TokenService;
	presence: Presence;
	clock: Clock;
	log: Logger;
}) => {
	const all = new Set<Connection>();
	const byUser = createGroups<Connection>();
	/** Those who hear what is live: everything before is with them. */
	const liveByUser = createGroups<Connection>();
	const liveDesk = createGroups<Connection>();
	const leaving: ((connection: Connection) => void)[] = [];
	/** Whether the server stops: nobody is let in any more, because it waits for all to be gone. */
	let stopping = false;

	const joinDesk = (connection: Connection) => {
		liveDesk.add(connection.site, connection);
		connection.topics?.join(deskTopic(connection.site));
	};
	const leaveDesk = (connection: Connection) => {
		liveDesk.remove(connection.site, connection);
		connection.topics?.leave(deskTopic(connection.site));
	};

	/** leave forgets a connection: from here on it hears nothing. */
	const leave = (connection: Connection): void => {
		if (!all.delete(connection)) return;
		byUser.remove(connection.pk, connection);
		liveByUser.remove(connection.pk, connection);
		connection.topics?.leave(userTopic(connection.pk));
		leaveDesk(connection);
		for (const listener of leaving) listener(connection);
		if (!connection.isPresence) return;
		tokens.noteSeen(connection.principal);
		presence.left(connection.principal);
	};

	/** end closes a connection; what it has heard stays what it has heard. */
	const end = (connection: Connection, name: CloseName, error?: AppError): void => {
		try {
			leave(connection);
		} finally {
			// note: whatever fails on the way, nobody stays connected whom nothing is told any more
			connection.close(name, error);
		}
	};

	/** judge asks again whether somebody may still be here. What fails otherwise than by a refusal ends it too. */
	const judge = (connection: Connection, ask: (connection: Connection) => void): void => {
		try {
			ask(connection);
		} catch (error) {
			if (error instanceof AppError && error.status < 500) {
				end(connection, closeNameOf(error, true), error);
				return;
			}
			log.error({ err: error }, 'a connection could not be judged again');
			end(connection, 'failed');
		}
	};
	/** By its key and page: without reading a row, since a site may have thousands. */
	const askSite = ({ apiKey, origin }: Connection) => {
		const key = sites.byKey(apiKey);
		if (!key) throw new AppError('invalid_key');
		sites.requireOrigin(origin, key.site);
	};
	/** By its user: whoever is no longer of the desk hears nothing of it from here on. */
	const askUser = (connection: Connection) => {
		const was = connection.principal;
		const now = tokens.stillHolds(was);
		connection.principal = now;
		if (isDesk(was.role) && !isDesk(now.role)) leaveDesk(connection);
		if (!isDesk(was.role) && isDesk(now.role) && liveByUser.of(now.pk).has(connection)) joinDesk(connection);
	};

	return {
		all: all as ReadonlySet<Connection>,
		ofUser: byUser.of,
		liveOfUser: liveByUser.of,
		liveOfDesk: liveDesk.of,

		/**
		 * enter takes in somebody who has said who they are. They are asked again in the turn in which they begin to be heard of:
		 * what was taken from them since they signed in was told to nobody. Throws what signing in does, too_many_connections,
		 * overloaded, shutting_down. `brief`: it only asks what there is, and takes nobody's place.
		 */
		enter: (connection: Connection, brief = false): void => {
			if (stopping) throw new AppError('shutting_down', { retryAfterSeconds: 2 });
			askSite(connection);
			askUser(connection);
			if (all.size >= connectionsMax) throw new AppError('overloaded', { retryAfterSeconds: 5 });
			if (!brief && byUser.of(connection.pk).size >= connectionsPerUserMax)
				throw new AppError('too_many_connections', { retryAfterSeconds: 5 });
			all.add(connection);
			byUser.add(connection.pk, connection);
			if (connection.isPresence) presence.arrived(connection.principal);
		},
		/** goLive: from here on they are told what happens. */
		goLive: (connection: Connection): void => {
			if (!all.has(connection)) return;
			liveByUser.add(connection.pk, connection);
			connection.topics?.join(userTopic(connection.pk));
			if (isDesk(connection.role)) joinDesk(connection);
		},
		leave,
		end,
		onLeave: (listener: (connection: Connection) => void): void => {
			leaving.push(listener);
		},

		/** judgeUser and judgeSite ask again about everybody whom a change may concern. */
		judgeUser: (user: number): void => {
			for (const connection of [...byUser.of(user)]) judge(connection, askUser);
		},
		judgeSite: (site: number): void => {
			for (const connection of [...all]) if (connection.site === site) judge(connection, askSite);
		},
		/** endExpired ends those whose token has run out. */
		endExpired: (): void => {
			const now = clock();
			for (const connection of [...all])
				if ((connection.principal.session?.expiresAt ?? Number.POSITIVE_INFINITY) <= now)
					end(connection, 'unauthenticated', new AppError('token_expired'));
		},
		/** endAll closes everybody, when the server stops or what they hear cannot be relied on. */
		endAll: (name: CloseName): void => {
			stopping ||= name === 'going_away';
			for (const connection of [...all]) end(connection, name);
		},
	};
};
export type Connections = ReturnType<typeof createConnections>;
