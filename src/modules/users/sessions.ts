import { LRUCache } from 'lru-cache';
import type { UserPrincipal } from '../../kernel/principal.ts';
import type { EventLog } from '../events/events.service.ts';

/** How many signed-in tokens are kept. */
const sessionsMax = 10_000;

/**
 * createSessionCache keeps who a token was found to be, until something happens to that user: reading it anew would be a
 * third of the price of a send. It hears of changes before whoever caused them is answered, and drops everything when
 * another process has written.
 */
export const createSessionCache = (eventLog: EventLog) => {
	const tokensOf = new Map<number, Set<string>>();
	const sessions = new LRUCache<string, UserPrincipal>({
		max: sessionsMax,
		// what the cache drops by itself leaves the index by user too, or it would grow for ever
		dispose: ({ pk }, token) => {
			const tokens = tokensOf.get(pk);
			tokens?.delete(token);
			if (tokens?.size === 0) tokensOf.delete(pk);
		},
	});
	const forget = (user: number) => {
		for (const token of [...(tokensOf.get(user) ?? [])]) sessions.delete(token);
	};
	const forgetAll = () => {
		sessions.clear();
		tokensOf.clear();
	};
	eventLog.onForeignCommit(forgetAll);
	eventLog.onCommitted((batch) => {
		for (const { type, userA } of batch) if (userA !== undefined && type.startsWith('user.')) forget(userA);
	});
	return {
		get: (token: string): UserPrincipal | undefined => sessions.get(token),
		set: (token: string, principal: UserPrincipal): void => {
			sessions.set(token, principal);
			const tokens = tokensOf.get(principal.pk);
			if (tokens) tokens.add(token);
			else tokensOf.set(principal.pk, new Set([token]));
		},
	};
};
