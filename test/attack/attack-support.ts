import { createHmac } from 'node:crypto';
import type { Config } from '../../src/config.ts';
import type { SiteSettings } from '../../src/modules/sites/sites.schema.ts';
import { type Answer, type Ask, clientOf } from '../blackbox/program-support.ts';
import { appInMemory } from '../support/app-support.ts';

/** The secret that signs chat tokens in these tests, so that a forger who has it can be played too. */
export const tokenSecret = 'the secret of the attack tests, 32 bytes and more';

const base64url = (value: unknown): string =>
	Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
/** jwt makes a JWT by hand. Strings stand as they are, so that what is no JSON can be signed too. */
export const jwt = (header: unknown, claims: unknown, secret: string | Buffer, hash = 'sha256'): string => {
	const text = `${base64url(header)}.${base64url(claims)}`;
	return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
};
export const hs256 = { alg: 'HS256', typ: 'JWT' };
export const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** What tells two answers apart, but for the id of the request. */
export const outline = ({ status, text, body, headers }: Answer) => ({
	status,
	text: text.replaceAll(body?.requestId ?? '-', 'REQUEST'),
	headers: [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date').sort(),
});

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** The whole server in this process, in memory, with a clock that is moved by hand: for what takes hours or months. */
export const inProcess = async (settings: Partial<Config> = {}) => {
	let now = Date.UTC(2026, 1, 22, 10);
	const { app, services, config } = appInMemory({ tokenSecret, ...settings }, { clock: () => now });
	const origin = config.publicUrl ?? 'http://chat.test';
	const host = new URL(origin).host;
	const ask = clientOf((path, init) =>
		Promise.resolve(app.handle(new Request(origin + path, { ...init, headers: { host, ...init.headers } }))),
	);
	const site = await services.sites.add({ resourceId: 'site.com' });
	const other = await services.sites.add({ resourceId: 'other.com' });
	let n = 0;
	const data = async (path: string, options: Ask) => {
		const answer = await ask(path, options);
		if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
		return answer.body.data;
	};
	const create = (options: Ask, body: object = {}): Promise<{ id: string; username: string }> =>
		data('/users', { ...options, body: { username: `person ${n++}`, ...body } });
	const token = async (id: string, options: Ask = {}): Promise<string> =>
		(await data('/users/chat-token', { ...options, body: { userId: id } })).chatToken;
	return {
		services,
		ask,
		data,
		site,
		other,
		origin,
		get now() {
			return now;
		},
		move: (ms: number) => {
			now += ms;
		},
		setSite: (change: Partial<SiteSettings>) => services.sites.set('site.com', change),
		/** A visitor: unverified, made without a key. */
		visitor: (body: object = {}) => create({}, { resourceId: 'site.com', ...body }),
		/** A user whom the site's server made: verified. */
		vouched: (body: object = {}) => create({ key: site.secretKey }, body),
		create,
		token,
		/** What asking for a token of a user gives: 'token', or the code of the failure. */
		mint: async (userId: string, options: Ask = {}): Promise<string> => {
			const { status, body } = await ask('/users/chat-token', { ...options, body: { userId } });
			return status === 200 ? 'token' : body.code;
		},
		/** What a call with a token gives: 'in', or the code of the failure. */
		call: async (chatToken: string, options: Ask = {}): Promise<string> => {
			const { status, body } = await ask('/users/me', { key: site.publishableKey, token: chatToken, ...options });
			return status === 200 ? 'in' : body.code;
		},
		identityToken: (sub: string, claims: object = {}, secret = site.identitySecret): string =>
			jwt(
				hs256,
				{ iss: 'site.com', aud: 'chat-identity', sub, iat: seconds(now), exp: seconds(now) + 600, ...claims },
				secret,
			),
		[Symbol.dispose]: () => services.store.close(),
	};
};
export type InProcess = Awaited<ReturnType<typeof inProcess>>;
