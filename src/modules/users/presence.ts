import type { Logger } from '../../kernel/log.ts';

/** Who is here: users with at least one connection. Kept in memory; a restart begins anew, as all connections do. */
export interface Presence {
	/** arrived and left count a user's connections. */
	arrived(user: { site: number; pk: number }): void;
	left(user: { site: number; pk: number }): void;
	isOnline(user: number): boolean;
	/** How many users of a site are here. */
	online(site: number): number;
	/** onChange hears when a user's first connection comes and when the last one has gone. */
	onChange(listener: (user: number, online: boolean) => void): void;
}

export const createPresence = (log: Logger): Presence => {
	const connections = new Map<number, number>();
	const bySite = new Map<number, number>();
	const listeners: ((user: number, online: boolean) => void)[] = [];
	const count = (counts: Map<number, number>, key: number, by: 1 | -1): number => {
		const n = (counts.get(key) ?? 0) + by;
		if (n > 0) counts.set(key, n);
		else counts.delete(key);
		return n;
	};
	const change = (site: number, user: number, online: boolean) => {
		count(bySite, site, online ? 1 : -1);
		for (const listener of listeners)
			try {
				listener(user, online);
			} catch (error) {
				// whoever comes or goes does so all the same
				log.error({ err: error }, 'who is here could not be told');
			}
	};
	return {
		arrived: ({ site, pk }) => {
			if (count(connections, pk, 1) === 1) change(site, pk, true);
		},
		left: ({ site, pk }) => {
			if (count(connections, pk, -1) === 0) change(site, pk, false);
		},
		isOnline: (user) => connections.has(user),
		online: (site) => bySite.get(site) ?? 0,
		onChange: (listener) => {
			listeners.push(listener);
		},
	};
};
