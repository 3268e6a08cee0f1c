import type { Database } from 'bun:sqlite';
import { expect } from 'bun:test';
import { createHmac } from 'node:crypto';
import type { Config } from '../../src/config.ts';
import { minute } from '../../src/kernel/clock.ts';
import type { FailureCode } from '../../src/kernel/errors.ts';
import type { EventType } from '../../src/kernel/events.ts';
import { type Logger, silentLog } from '../../src/kernel/log.ts';
import type { Role } from '../../src/kernel/roles.ts';
import { eventSteps } from '../../src/modules/events/events.steps.ts';
import type { Conversation, Message, MessagePage } from '../../src/modules/messaging/messaging.schema.ts';
import type { SiteSettings } from '../../src/modules/sites/sites.schema.ts';
import { siteSteps } from '../../src/modules/sites/sites.steps.ts';
import type { ChatToken, User } from '../../src/modules/users/users.schema.ts';
import { type UserChanges, userSteps } from '../../src/modules/users/users.steps.ts';
import { appInMemory, testHost } from './app-support.ts';

/** A site as its operator knows it. */
export interface TestSite {
	resourceId: string;
	pk: number;
	publishableKey: string;
	secretKey: string;
	identitySecret: string;
}

/** A user with a token that works. */
export interface Person {
	id: string;
	pk: number;
	username: string;
	role: Role;
	token: string;
	site: TestSite;
}

/** Who a call comes from: a person by name, or what stands for less than one. */
export type As = string | 'nobody' | 'key' | 'server';

export interface Call {
	/** A person's name; `key` (the first site's publishable key alone), `server` (its secret key alone), `nobody`. */
	as: As;
	method?: string;
	/** Under `/api/v1`. */
	path: string;
	body?: unknown;
	headers?: Record<string, string>;
}

/** An event as tests name it: public ids and usernames instead of integer keys. */
export interface SeenEvent {
	type: EventType;
	site: string;
	conversation: string | null;
	message: string | null;
	userA: string | null;
	userB: string | null;
	detail: Record<string, unknown> | null;
}

export interface Scenario extends Call {
	expect: {
		status: number;
		/** Matched partially. */
		body?: object;
		/** What was recorded, all of it and in order: a type, or an event matched partially. `[]`: nothing else happened. */
		events?: (EventType | Partial<SeenEvent>)[];
	};
}

/** What an answer's body can be; tests look at what they expect. */
export interface Answer<T = Record<string, unknown>> {
	success: boolean;
	data: T;
	message: string;
	code: FailureCode;
	requestId: string;
	errors?: { path: string; message: string }[];
}

export interface Reply<T> {
	status: number;
	headers: Headers;
	body: Answer<T>;
}

/** Sunday noon, UTC: no month, day or hour is about to end. */
export const startOfTests = Date.UTC(2026, 2, 1, 12);

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hashes: Record<string, string> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };
/** signJwt signs claims as an integrator's server would; by another algorithm if the header names one. */
export const signJwt = (
	claims: object,
	secret: string,
	header: { alg: string; typ?: string } = { alg: 'HS256', typ: 'JWT' },
): string => {
	const signed = `${base64url(header)}.${base64url(claims)}`;
	const hash = hashes[header.alg] ?? 'sha256';
	return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
};

/** Everybody who is there from the start, on each of the two sites; those of the second are `other.alice` … */
const residents = {
	alice: { username: 'alice', role: 'user' },
	bob: { username: 'bob', role: 'user' },
	carol: { username: 'carol', role: 'user' },
	staff: { username: 'stan', role: 'staff' },
	moderator: { username: 'mona', role: 'moderator' },
	admin: { username: 'adam', role: 'admin' },
	superadmin: { username: 'sara', role: 'superadmin' },
} as const satisfies Record<string, { username: string; role: Role }>;

/**
 * createTestApp is a whole server for one test: a real store in memory, a clock that stands still until it is moved, two
 * sites (`site.com`, `other.org`) with keys, and somebody of every role. Ends with its block: `using t = await createTestApp()`.
 */
export const createTestApp = async (
	settings: Partial<Config> = {},
	{ log = silentLog, site: siteSettings }: { log?: Logger; site?: Partial<SiteSettings> } = {},
) => {
	let now = startOfTests;
	const clock = () => now;
	const server = appInMemory(settings, { clock, log });
	const { app, services } = server;
	const sqlite = (services.store.db as unknown as { $client: Database }).$client;
	const userRows = userSteps(services.store.db, {
		events: eventSteps(services.store.db),
		sites: siteSteps(services.store.db),
	});
	const listening: { stop(force?: boolean): unknown }[] = [];

	const addSite = async (resourceId: string): Promise<TestSite> => {
		const made = await services.sites.add({ resourceId, settings: siteSettings });
		return { ...made, pk: services.sites.need(resourceId).pk };
	};
	const home = await addSite('site.com');
	const other = await addSite('other.org');

	const people = new Map<string, Person>();
	const person = (name: string): Person => {
		const found = people.get(name);
		if (!found) throw new Error(`there is nobody called ${name} in this world`);
		return found;
	};
	const pkOf = (table: 'users' | 'conversations' | 'messages', id: string): number =>
		(sqlite.query(`select pk from ${table} where id = ?`).get(id) as { pk: number }).pk;

	/** A user that the operator made: verified, with a token that has been used. */
	const add = async (
		name: string,
		{ role = 'user', username = name, site = home }: { role?: Role; username?: string; site?: TestSite } = {},
	): Promise<Person> => {
		const input = { username, role, email: null, externalId: null };
		const { id } = await services.users.createByOperator(site.resourceId, input);
		const { chatToken: token } = await services.tokens.mintByOperator(id);
		await services.tokens.authenticate(site, token);
		const made = { id, pk: pkOf('users', id), username, role, token, site };
		people.set(name, made);
		return made;
	};
	await Promise.all(
		Object.entries(residents).flatMap(([name, who]) => [add(name, who), add(`other.${name}`, { ...who, site: other })]),
	);

	// the last use of a secret key is noted once a minute: now, so that it does not show among what a call has changed
	for (const { secretKey } of [home, other]) {
		const key = services.sites.byKey(secretKey);
		if (key) services.sites.touch(key);
	}
	const written = (): Promise<void> => services.store.atomic(function* () {});
	await written();

	const credentials = (as: As): Record<string, string> => {
		if (as === 'nobody') return {};
		if (as === 'key') return { 'x-api-key': home.publishableKey };
		if (as === 'server') return { 'x-api-key': home.secretKey };
		const { token, site } = person(as);
		return { 'x-api-key': site.publishableKey, authorization: `Bearer ${token}` };
	};

	/** fetch calls any path of the server, with nothing added but the Host. */
	const fetch = async (
		path: string,
		init: RequestInit & { headers?: Record<string, string> } = {},
	): Promise<Response> =>
		app.handle(new Request(`http://${testHost}${path}`, { ...init, headers: { host: testHost, ...init.headers } }));

	const call = async <T = Record<string, unknown>>({
		as,
		method = 'GET',
		path,
		body,
		headers = {},
	}: Call): Promise<Reply<T>> => {
		const response = await fetch(`/api/v1${path}`, {
			method,
			headers: {
				...credentials(as),
				...(body !== undefined && { 'content-type': 'application/json' }),
				...headers,
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
	};

	const newestEvent = () => (sqlite.query('select coalesce(max(id), 0) as id from events').get() as { id: number }).id;
	/** The events recorded after one, with what they refer to by public name. */
	const eventsAfter = (id: number): SeenEvent[] => {
		const rows = sqlite
			.query(
				`select e.type, s.resource_id as site, c.id as conversation, m.id as message,
					a.username as userA, b.username as userB, e.detail
				from events e
				left join sites s on s.pk = e.site
				left join conversations c on c.pk = e.conversation
				left join messages m on m.pk = e.message
				left join users a on a.pk = e.user_a
				left join users b on b.pk = e.user_b
				where e.id > ? order by e.id`,
			)
			.all(id) as (Omit<SeenEvent, 'detail'> & { detail: string | null })[];
		return rows.map((row) => ({ ...row, detail: row.detail === null ? null : JSON.parse(row.detail) }));
	};

	/** scenario makes a call and holds it against what is expected: the answer, and what it has recorded. */
	const scenario = async <T = Record<string, unknown>>({ expect: expected, ...made }: Scenario): Promise<Answer<T>> => {
		const before = newestEvent();
		const { status, body } = await call<T>(made);
		expect({ status, ...(status !== expected.status && { body }) }).toEqual({ status: expected.status });
		if (expected.body) expect(body as object).toMatchObject(expected.body);
		if (expected.events) {
			const seen = eventsAfter(before);
			expect(seen.map(({ type }) => type)).toEqual(
				expected.events.map((event) => (typeof event === 'string' ? event : (event.type as EventType))),
			);
			for (const [i, event] of expected.events.entries())
				if (typeof event !== 'string') expect(seen[i] as object).toMatchObject(event);
		}
		return body;
	};

	/** ok is a call that must go well, for the steps that lead up to what a test is about. */
	const ok = async <T = Record<string, unknown>>(made: Call): Promise<T> => {
		const { status, body } = await call<T>(made);
		if (status >= 300) throw new Error(`${made.method ?? 'GET'} ${made.path}: ${status} ${JSON.stringify(body)}`);
		return body.data;
	};
	/** refused is a call that must be refused; gives `[status, code]`. */
	const refused = async (made: Call): Promise<[number, FailureCode]> => {
		const { status, body } = await call(made);
		return [status, body.code];
	};

	const rows = <T = Record<string, unknown>>(sql: string, ...params: (string | number)[]): T[] =>
		sqlite.query(sql).all(...params) as T[];

	/** snapshot is a hash over every row of every table: two that are equal mean that nothing has changed. */
	const snapshot = (): string => {
		const hash = new Bun.CryptoHasher('sha256');
		// note: the text index as such cannot be read from end to end; the tables beneath it can, and have no rowid
		const tables = rows<{ name: string }>(
			"select name from sqlite_master where type = 'table' and sql not like 'create virtual%' order by name",
		);
		for (const { name } of tables) {
			const columns = name.startsWith('texts_') ? '*' : 'rowid, *';
			hash.update(`${name}\n${JSON.stringify(sqlite.query(`select ${columns} from "${name}" order by 1`).values())}\n`);
		}
		return hash.digest('hex');
	};

	/** Sends a message and gives it back. */
	const send = (from: string, conversation: string, text = 'hello', more: object = {}): Promise<Message> =>
		ok<Message>({
			as: from,
			method: 'POST',
			path: `/p2p/conversations/${conversation}/messages`,
			body: { content: { text }, ...more },
		});

	return {
		app,
		services,
		config: server.config,
		sqlite,
		home,
		other,
		clock,
		/** advance moves the clock forward. */
		advance: (ms: number) => {
			now += ms;
		},
		person,
		people,
		add,
		credentials,
		/** visitor is an unverified user that made themselves, with the token of their claim. `used`: they have called already. */
		visitor: async (name: string, { used = true }: { used?: boolean } = {}): Promise<Person> => {
			const made = await ok<User>({ as: 'key', method: 'POST', path: '/users', body: { username: name } });
			const body = { userId: made.id };
			const { chatToken } = await ok<ChatToken>({ as: 'key', method: 'POST', path: '/users/chat-token', body });
			const found: Person = {
				id: made.id,
				pk: pkOf('users', made.id),
				username: name,
				role: 'user',
				token: chatToken,
				site: home,
			};
			people.set(name, found);
			if (used) await ok({ as: name, path: '/users/me' });
			// the note of when they were last seen is waited for by no answer
			await written();
			return found;
		},
		/** change writes a user's row as a call of the desk will (role, permissions …), with the event that says so. */
		change: (name: string, changes: UserChanges): Promise<void> => {
			const { site, pk } = person(name);
			return services.store.atomic((tx) => userRows.update(tx, site.pk, pk, changes));
		},
		/** renew gives a person another token, after theirs was ended. */
		renew: async (name: string): Promise<string> => {
			const found = person(name);
			found.token = (await services.tokens.mintByOperator(found.id)).chatToken;
			await services.tokens.authenticate(found.site, found.token);
			return found.token;
		},
		/** conversation is the one of two people, by id. */
		conversation: async (one: string, two: string): Promise<string> => {
			const body = { otherParticipantId: person(two).id };
			return (await ok<Conversation>({ as: one, method: 'POST', path: '/p2p/conversations', body })).id;
		},
		send,
		/** written waits until every write asked for so far is stored, also those that no answer waits for. */
		written,
		messages: (as: string, conversation: string, query = ''): Promise<MessagePage> =>
			ok<MessagePage>({ as, path: `/p2p/conversations/${conversation}/messages${query}` }),
		see: (as: string, conversation: string): Promise<Conversation> =>
			ok<Conversation>({ as, path: `/p2p/conversations/${conversation}` }),
		/** identityToken is what the site's server signs; `claims` replaces parts of it. */
		identityToken: (sub: string, claims: object = {}, site: TestSite = home): string => {
			const iat = Math.floor(now / 1_000);
			const usual = { sub, iss: site.resourceId, aud: 'chat-identity', iat, exp: iat + (10 * minute) / 1_000 };
			return signJwt({ ...usual, ...claims }, site.identitySecret);
		},
		fetch,
		call,
		ok,
		refused,
		scenario,
		rows,
		snapshot,
		newestEvent,
		eventsAfter,
		/** listen opens a real socket on this machine, for what only a connection shows. */
		listen: (): { port: number; url: string } => {
			app.listen({ port: 0, hostname: '127.0.0.1', reusePort: false });
			if (!app.server) throw new Error('the server does not listen');
			listening.push(app.server);
			const port = app.server.port ?? 0;
			return { port, url: `http://127.0.0.1:${port}` };
		},
		[Symbol.dispose]: () => {
			for (const open of listening) open.stop(true);
			services.store.close();
		},
	};
};
export type TestApp = Awaited<ReturnType<typeof createTestApp>>;
