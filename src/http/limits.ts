import { Elysia } from 'elysia';
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import { AppError } from '../kernel/errors.ts';
import type { Caller, Principal } from '../kernel/principal.ts';
import type { Peer, SocketContext } from './frame.ts';

/** Which rate a route counts against; named on the route, `limit: 'message'`. */
export type LimitName = 'signup' | 'token' | 'login' | 'message' | 'write';

interface Policy<L = { consume(key: string): Promise<unknown> }> {
	limiter: L;
	/** For the headers: how many in how many seconds. */
	points: number;
	seconds: number;
}

/** The RateLimit header fields (draft-ietf-httpapi-ratelimit-headers-07, and the three of -06 that clients know). */
const refusal = (policy: Policy, waitMs: number): AppError => {
	const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
	return new AppError('rate_limited', {
		message: `Too many requests. Try again in ${seconds} second${seconds === 1 ? '' : 's'}.`,
		retryAfterSeconds: seconds,
		headers: {
			ratelimit: `limit=${policy.points}, remaining=0, reset=${seconds}`,
			'ratelimit-policy': `${policy.points};w=${policy.seconds}`,
			'ratelimit-limit': String(policy.points),
			'ratelimit-remaining': '0',
			'ratelimit-reset': String(seconds),
		},
	});
};

const consume = async (policy: Policy, key: string): Promise<void> => {
	try {
		await policy.limiter.consume(key);
	} catch (result) {
		if (!(result instanceof RateLimiterRes)) throw result;
		throw refusal(policy, result.msBeforeNext);
	}
};

const per = (points: number, seconds: number): Policy<RateLimiterMemory> => ({
	limiter: new RateLimiterMemory({ points, duration: seconds }),
	points,
	seconds,
});

/** How long the burst of messages takes to come back, in seconds: as long as the lasting rate needs to make as many. */
const burstSeconds = (config: Config): number =>
	Math.max(1, Math.ceil(config.messagesBurst / config.messagesPerSecond));

const loginWindowSeconds = 15 * 60;
const loginDelaySecondsMax = loginWindowSeconds;

interface Context extends SocketContext {
	caller?: Caller;
	principal?: Principal;
	body?: unknown;
}

/** createLimits counts in memory: a restart forgives, a flood does not reach the disk. */
export const createLimits = ({ config, peer }: { config: Config; peer: Peer }) => {
	const on = config.limits === 'on';
	const signups = per(config.signupsPerMinute, 60);
	const siteSignups = per(config.signupsPerSiteHour, 60 * 60);
	const tokens = per(config.tokensPerMinute, 60);
	const signins = per(config.loginsPerMinute, 60);
	const writes = per(config.writesPerMinute, 60);
	const messages: Policy = {
		limiter: new BurstyRateLimiter(
			new RateLimiterMemory({ points: config.messagesPerSecond, duration: 1 }),
			new RateLimiterMemory({
				keyPrefix: 'burst',
				points: Math.max(0, config.messagesBurst - config.messagesPerSecond),
				duration: burstSeconds(config),
			}),
		),
		points: config.messagesPerSecond,
		seconds: 1,
	};
	const failures = new RateLimiterMemory({
		keyPrefix: 'failures',
		points: Number.MAX_SAFE_INTEGER,
		duration: loginWindowSeconds,
	});
	const pauses = new RateLimiterMemory({ keyPrefix: 'pauses', points: 1, duration: loginDelaySecondsMax });
	const logins: Policy = { limiter: failures, points: config.loginsPerQuarterHour, seconds: loginWindowSeconds };

	/** The site's own server may do in bulk what a visitor may not. */
	const isServer = (context: Context) => context.caller?.principal?.kind === 'server';
	const isVouched = (context: Context) =>
		context.caller?.principal !== null ||
		(context.body as { identityToken?: string } | undefined)?.identityToken !== undefined;
	const siteOf = (context: Context) =>
		context.caller?.site?.resourceId ?? (context.body as { resourceId?: string } | undefined)?.resourceId ?? '';
	const counting: Record<LimitName, (context: Context) => Promise<void>> = {
		signup: async (context) => {
			if (isServer(context)) return;
			await consume(signups, peer.address(context));
			if (isVouched(context)) return;
			const hour = await siteSignups.limiter.get(siteOf(context));
			if (hour && hour.remainingPoints <= 0) throw refusal(siteSignups, hour.msBeforeNext);
		},
		token: async (context) => {
			if (!isServer(context)) await consume(tokens, peer.address(context));
		},
		login: (context) => consume(signins, peer.address(context)),
		write: async (context) => {
			if (context.principal?.kind === 'user') await consume(writes, String(context.principal.pk));
		},
		message: async (context) => {
			if (context.principal?.kind === 'user') await consume(messages, String(context.principal.pk));
		},
	};

	const plugin = new Elysia({ name: 'limits' }).macro('limit', (name: LimitName) => ({
		detail: { 'x-limit': name } as object,
		// note: names what it needs, see guard.ts
		beforeHandle: on
			? async ({ request, server, caller, principal, body }: Context) =>
					counting[name]({ request, server, caller, principal, body })
			: undefined,
	}));

	return {
		plugin,
		/** spend counts an act of a user that comes by a socket, as its route would. Throws rate_limited. */
		spend: async (name: 'message' | 'write', user: { pk: number }): Promise<void> => {
			if (on) await consume(name === 'message' ? messages : writes, String(user.pk));
		},
		/** signedUp counts a visitor who was made, towards the hour of the site: a try that failed closes it to nobody. */
		signedUp: async (resourceId: string): Promise<void> => {
			if (on) await siteSignups.limiter.penalty(resourceId);
		},
		/**
		 * login runs a try to sign in. After five wrong ones in a quarter of an hour for one address and account, each next
		 * must wait, longer every time and never for ever.
		 */
		login: async <T>(context: Context, account: string, attempt: () => Promise<T>): Promise<T> => {
			if (!on) return attempt();
			const key = `${peer.address(context)}|${account}`;
			const pause = await pauses.get(key);
			if (pause && pause.remainingPoints <= 0 && pause.msBeforeNext > 0) throw refusal(logins, pause.msBeforeNext);
			// counted before the try, so that many at once do not all slip through
			const { consumedPoints } = await failures.penalty(key);
			if (consumedPoints >= config.loginsPerQuarterHour)
				await pauses.block(
					key,
					Math.min(loginDelaySecondsMax, 2 ** (consumedPoints - config.loginsPerQuarterHour + 1)),
				);
			const result = await attempt().catch(async (error: unknown) => {
				// a try that was never made is none
				if (error instanceof AppError && error.status === 503) await failures.reward(key);
				throw error;
			});
			await failures.delete(key);
			await pauses.delete(key);
			return result;
		},
	};
};
export type Limits = ReturnType<typeof createLimits>;
export type LimitPlugin = Limits['plugin'];
