import type { StoredEvent } from '../kernel/events.ts';
import type { Logger } from '../kernel/log.ts';
import { atLeast } from '../kernel/roles.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import type { Encoded, Feed } from '../modules/events/feed.service.ts';
import { viewOf } from '../modules/events/feed.ts';
import type { Envelope } from '../modules/events/reading.service.ts';
import { type Connection, type Connections, deskTopic, userTopic } from './connections.ts';
import type { Watching } from './watching.ts';

/** Publish sends text to every socket on a topic, in one call of the server. */
export type Publish = (topic: string, json: string) => void;

/**
 * createFanout tells what was committed to whoever is connected, in the order of the log: each event is read and encoded
 * once for each audience, and only if somebody hears it. What changes who may hear takes effect at its own place in that
 * order.
 */
export const createFanout = ({
	eventLog,
	feed,
	connections,
	watching,
	publish,
	log,
}: {
	eventLog: EventLog;
	feed: Feed;
	connections: Connections;
	watching: Watching;
	publish: Publish;
	log: Logger;
}) => {
	const isHeard = ({ site, userA, userB, desk }: StoredEvent): boolean =>
		(userA !== undefined && connections.liveOfUser(userA).size > 0) ||
		(userB !== undefined && connections.liveOfUser(userB).size > 0) ||
		(desk === true && connections.liveOfDesk(site).size > 0);

	/** To all on a topic: sockets by the server, the others one by one. */
	const toAll = (topic: string, listeners: ReadonlySet<Connection>, envelope: Envelope) => {
		let sockets = false;
		for (const connection of [...listeners])
			if (connection.topics) sockets = true;
			else connection.deliver(envelope);
		if (sockets) publish(topic, envelope.json);
	};

	const toDesk = ({ event, shown, ...encoded }: Encoded) => {
		const { desk } = shown;
		const listeners = connections.liveOfDesk(event.site);
		if (!desk || listeners.size === 0) return;
		const { least, except } = desk;
		const envelope = encoded.for('desk');
		if (least === 'staff' && except.every((user) => connections.liveOfUser(user).size === 0)) {
			toAll(deskTopic(event.site), listeners, envelope);
			return;
		}
		for (const connection of [...listeners])
			if (atLeast(connection.role, least) && !except.includes(connection.pk)) connection.deliver(envelope);
	};

	const deliver = (encoded: Encoded) => {
		const { event, shown } = encoded;
		if (shown.own)
			for (const user of [event.userA, event.userB]) {
				if (user === undefined) continue;
				const listeners = connections.liveOfUser(user);
				if (listeners.size > 0) toAll(userTopic(user), listeners, encoded.for('own'));
			}
		if (event.desk) toDesk(encoded);
	};

	/** What an event changes about who may hear: judged at its place, before anything behind it is told. */
	const judge = ({ type, site, userA, detail }: StoredEvent) => {
		if (type === 'site.updated') connections.judgeSite(site);
		else if (type.startsWith('user.') && userA !== undefined) {
			connections.judgeUser(userA);
			watching.review(userA, type !== 'user.updated');
			// a block concerns two
			if (type === 'user.blocked') watching.review(Number(detail?.user), true);
		}
	};
	const tell = (batch: StoredEvent[]) => {
		for (const encoded of feed.show(batch.filter((event) => viewOf(event) !== null && isHeard(event))))
			deliver(encoded);
	};

	eventLog.onCommitted((batch) => {
		if (connections.all.size === 0) return;
		try {
			let from = 0;
			for (const [i, event] of batch.entries()) {
				if (event.type !== 'site.updated' && !event.type.startsWith('user.')) continue;
				tell(batch.slice(from, i));
				judge(event);
				from = i;
			}
			tell(batch.slice(from));
		} catch (error) {
			// note: whoever is live would miss these events for ever; those who come back are told them from the log
			log.error({ err: error }, 'events could not be told: everybody is asked to come back');
			connections.endAll('failed');
		}
	});
};
