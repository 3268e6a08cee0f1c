import { type Clock, second } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Feed } from '../modules/events/feed.service.ts';
import type { Signals } from '../modules/events/signals.ts';
import type { ThreadService } from '../modules/messaging/messaging.service.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { Presence } from '../modules/users/presence.ts';
import type { TokenService } from '../modules/users/tokens.service.ts';
import type { UserService } from '../modules/users/users.service.ts';
import { createConnections } from './connections.ts';
import { createFanout, type Publish } from './fanout.ts';
import { createWatching } from './watching.ts';

/** How soon a token that has expired ends what it opened. */
const expiryEveryMs = 0.5 * second;

/** createRealtime puts together who is connected, what they are told, and what passes between them. */
export const createRealtime = ({
	eventLog,
	feed,
	signals,
	presence,
	sites,
	tokens,
	users,
	threads,
	clock,
	log,
}: {
	eventLog: EventLog;
	feed: Feed;
	signals: Signals;
	presence: Presence;
	sites: SiteService;
	tokens: TokenService;
	users: UserService;
	threads: { p2p: ThreadService; support: ThreadService };
	clock: Clock;
	log: Logger;
}) => {
	const connections = createConnections({ sites, tokens, presence, clock, log });
	/** A conversation's id says which it is. */
	const threadsOf = (id: string): ThreadService => (id.startsWith('ticket_') ? threads.support : threads.p2p);
	const watching = createWatching({ connections, signals, presence, users, threadsOf, clock });
	// note: what sends to topics is the server, which is there once the first socket has come
	let publish: Publish = () => undefined;
	const stopping: (() => void)[] = [];
	createFanout({ eventLog, feed, connections, watching, publish: (topic, json) => publish(topic, json), log });

	return {
		connections,
		watching,
		threadsOf,
		publishBy: (by: Publish): void => {
			publish = by;
		},
		/** onStop is called when the server says goodbye. */
		onStop: (listener: () => void): void => {
			stopping.push(listener);
		},
		/** start begins to look for tokens that have expired. Returns what says goodbye to everybody. */
		start: (): (() => void) => {
			const timer = setInterval(connections.endExpired, expiryEveryMs);
			return () => {
				clearInterval(timer);
				connections.endAll('going_away');
				for (const listener of stopping) listener();
			};
		},
	};
};
export type Realtime = ReturnType<typeof createRealtime>;
