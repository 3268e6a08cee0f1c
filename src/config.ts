import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';

/** ConfigError is a setting that cannot be used: one line for the operator. */
export class ConfigError extends Error {}

interface Setting<T> {
	env: string;
	/** What holds when it is not set, as a person would write it. */
	default: string;
	meaning: string;
	/** Throws a sentence that says what is expected. */
	parse: (text: string) => T;
	secret?: true;
}

const setting = <T>(
	env: `PARLEY_${string}`,
	fallback: string,
	meaning: string,
	parse: (text: string) => T,
	more: { secret?: true } = {},
): Setting<T> => ({ env, default: fallback, meaning, parse, ...more });

const text = (value: string): string => value;
const textOrNull = (value: string): string | null => value || null;
const whole =
	(min: number, max: number) =>
	(value: string): number => {
		const number = Number(value);
		if (!/^\d+$/.test(value) || number < min || number > max) throw new Error(`a whole number from ${min} to ${max}`);
		return number;
	};
const oneOf =
	<T extends string>(...allowed: T[]) =>
	(value: string): T => {
		const found = allowed.find((item) => item === value);
		if (!found) throw new Error(`one of ${allowed.join(', ')}`);
		return found;
	};
const list = (value: string): string[] =>
	value
		.split(',')
		.map((item) => item.trim())
		.filter(Boolean);
const originOrNull = (value: string): string | null => {
	if (!value) return null;
	const url = URL.parse(value);
	if (!url || !['http:', 'https:'].includes(url.protocol) || (url.pathname !== '/' && url.pathname !== ''))
		throw new Error('an address like https://chat.site.com, without a path');
	return url.origin;
};
const networks = (value: string): string[] =>
	list(value).map((item) => {
		const [address = '', bits] = item.split('/');
		const most = isIP(address) === 4 ? 32 : 128;
		if (!isIP(address) || (bits !== undefined && (!/^\d+$/.test(bits) || Number(bits) > most)))
			throw new Error('addresses or networks like 127.0.0.1, 10.0.0.0/8, ::1, with commas between');
		return item;
	});
const tokenSecret = (value: string): string | null => {
	if (value && Buffer.byteLength(value) < 32)
		throw new Error('at least 32 bytes, for example from: openssl rand -base64 48');
	return value || null;
};

/** Every setting of the server: its variable, its default and what it means. The README's table is made from this. */
export const settings = {
	port: setting('PARLEY_PORT', '4777', 'TCP port to listen on', whole(0, 65_535)),
	host: setting('PARLEY_HOST', '127.0.0.1', 'address to listen on; 0.0.0.0 for all of this machine', text),
	data: setting('PARLEY_DATA', './data', 'folder that holds everything', (value) => resolve(value)),
	publicUrl: setting(
		'PARLEY_PUBLIC_URL',
		'',
		'address under which browsers reach this server, as https://chat.site.com',
		originOrNull,
	),
	allowedHosts: setting(
		'PARLEY_ALLOWED_HOSTS',
		'',
		'host names this server answers to, with commas between; empty: every well-formed one',
		(value) => list(value).map((host) => host.toLowerCase()),
	),
	trustedProxies: setting(
		'PARLEY_TRUSTED_PROXIES',
		'',
		'addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count',
		networks,
	),
	tlsCert: setting('PARLEY_TLS_CERT', '', 'certificate file (PEM), to serve https without a proxy', textOrNull),
	tlsKey: setting('PARLEY_TLS_KEY', '', 'key file (PEM) of the certificate', textOrNull),
	tokenSecret: setting(
		'PARLEY_TOKEN_SECRET',
		'',
		'secret that signs chat tokens, at least 32 bytes; empty: one is made in the data folder',
		tokenSecret,
		{ secret: true },
	),
	tokenSecretPrevious: setting(
		'PARLEY_TOKEN_SECRET_PREVIOUS',
		'',
		'the secret before the current one: tokens signed with it stay valid while you change over',
		tokenSecret,
		{ secret: true },
	),
	logLevel: setting(
		'PARLEY_LOG_LEVEL',
		'info',
		'least level that is logged (JSON lines on standard error)',
		oneOf('debug', 'info', 'warn', 'error', 'silent'),
	),
	accessLog: setting('PARLEY_ACCESS_LOG', 'on', 'a line for each request', oneOf('on', 'off')),
	limits: setting('PARLEY_LIMITS', 'on', 'rate limits, as a whole', oneOf('on', 'off')),
	signupsPerMinute: setting(
		'PARLEY_SIGNUPS_PER_MINUTE',
		'30',
		'new users a minute from one address',
		whole(1, 1_000_000),
	),
	signupsPerSiteHour: setting(
		'PARLEY_SIGNUPS_PER_SITE_HOUR',
		'1000',
		'new users an hour on one site',
		whole(1, 1_000_000),
	),
	tokensPerMinute: setting(
		'PARLEY_TOKENS_PER_MINUTE',
		'60',
		'chat-token calls a minute from one address',
		whole(1, 1_000_000),
	),
	loginsPerMinute: setting(
		'PARLEY_LOGINS_PER_MINUTE',
		'30',
		'tries to sign in a minute from one address, whatever the account',
		whole(1, 1_000_000),
	),
	loginsPerQuarterHour: setting(
		'PARLEY_LOGINS_PER_QUARTER_HOUR',
		'5',
		'wrong passwords in 15 minutes for one address and account, before a growing delay',
		whole(1, 1_000_000),
	),
	messagesPerSecond: setting(
		'PARLEY_MESSAGES_PER_SECOND',
		'5',
		'messages a second by one user, lasting',
		whole(1, 1_000_000),
	),
	messagesBurst: setting('PARLEY_MESSAGES_BURST', '20', 'messages at once by one user', whole(1, 1_000_000)),
	writesPerMinute: setting(
		'PARLEY_WRITES_PER_MINUTE',
		'240',
		'other changes a minute by one user: read, archive, delete, block, profile, export',
		whole(1, 1_000_000),
	),
	unverifiedMessages: setting(
		'PARLEY_UNVERIFIED_MESSAGES',
		'20',
		'messages an unverified user may write in a conversation before the other replies',
		whole(1, 1_000_000),
	),
	unverifiedConversations: setting(
		'PARLEY_UNVERIFIED_CONVERSATIONS',
		'20',
		'unanswered conversations an unverified user may have started',
		whole(1, 1_000_000),
	),
	eventDays: setting(
		'PARLEY_EVENT_DAYS',
		'7',
		'days for which a client that was away is told what it has missed; after more it fetches anew',
		whole(1, 365),
	),
} as const;

type Settings = typeof settings;
export type SettingName = keyof Settings;
export type Config = Readonly<{ [K in SettingName]: ReturnType<Settings[K]['parse']> }>;

/** Values given on the command line; they win over the environment. */
export type Overrides = Partial<Record<SettingName, string | undefined>>;
type Env = Record<string, string | undefined>;

/** A setting as it stands: what it is, what it was given, and what that makes. */
export interface SettingState {
	name: SettingName;
	env: string;
	default: string;
	meaning: string;
	secret: boolean;
	/** The text it was given, or the default. */
	given: string;
	source: 'command line' | 'environment' | 'default';
	/** What it means to the program; undefined where the text cannot be read. */
	value: unknown;
	/** Why it cannot be used, in one line for the operator. */
	problem: string | null;
}

/** readSettings reads every setting from the command line, else the environment, else its default. Throws nothing. */
export const readSettings = (overrides: Overrides = {}, env: Env = process.env): SettingState[] =>
	(Object.entries(settings) as [SettingName, Setting<unknown>][]).map(([name, item]) => {
		const [argument, variable] = [overrides[name], env[item.env]];
		const given = argument ?? variable ?? item.default;
		const source = argument !== undefined ? 'command line' : variable !== undefined ? 'environment' : 'default';
		const { env: variableName, default: fallback, meaning, secret = false } = item;
		const state = { name, env: variableName, default: fallback, meaning, secret, given, source } as const;
		try {
			return { ...state, value: item.parse(given), problem: null };
		} catch (error) {
			const shown = secret ? '' : ` ("${given}")`;
			return { ...state, value: undefined, problem: `${item.env}${shown} must be ${(error as Error).message}.` };
		}
	});

/** unknownVariables lists the PARLEY_ variables that are no setting: a misspelt one would silently do nothing. */
export const unknownVariables = (env: Env = process.env): string[] => {
	const known = new Set<string>(Object.values(settings).map((item) => item.env));
	return Object.keys(env).filter((name) => name.startsWith('PARLEY_') && !known.has(name));
};

/**
 * loadConfig reads the settings once, from the command line, else the environment, else the default.
 * Throws ConfigError for a value that cannot be, and for a PARLEY_ variable that does not exist.
 */
export const loadConfig = (overrides: Overrides = {}, env: Env = process.env): Config => {
	const [unknown] = unknownVariables(env);
	if (unknown) throw new ConfigError(`unknown setting ${unknown}. "parley config" lists them all.`);
	const states = readSettings(overrides, env);
	const problem = states.find((state) => state.problem !== null)?.problem;
	if (problem) throw new ConfigError(problem);
	const config = Object.freeze(Object.fromEntries(states.map(({ name, value }) => [name, value]))) as Config;
	if (Boolean(config.tlsCert) !== Boolean(config.tlsKey))
		throw new ConfigError('PARLEY_TLS_CERT and PARLEY_TLS_KEY go together: set both or none.');
	return config;
};

/** networkList makes a list that can be asked whether an address is in it. */
export const networkList = (items: readonly string[]): BlockList => {
	const found = new BlockList();
	for (const item of items) {
		const [address = '', bits] = item.split('/');
		const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
		if (bits === undefined) found.addAddress(address, family);
		else found.addSubnet(address, Number(bits), family);
	}
	return found;
};
