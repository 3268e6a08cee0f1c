import { expect } from 'bun:test';
import { tempFolder } from '../support/db-support.ts';
import { type Answer, addSite, client, command, type Json, serve, unlimited } from './program-support.ts';

/** A site with its team and its customers, on the compiled program or on any server; it knows nothing of their source. */

export const { BASE_URL, BASE_SITE = 'site.com', BASE_KEY = '', BASE_SECRET = '' } = process.env;
/** On a server that goes on afterwards names must not be taken already. */
const suffix = BASE_URL ? `_${Math.random().toString(36).slice(2, 8)}` : '';

export interface Person {
	id: string;
	username: string;
	token: string;
}
export const teamRoles = ['staff', 'moderator', 'admin', 'superadmin'] as const;
export type TeamRole = (typeof teamRoles)[number];
const password = 'correct horse battery';

export const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Something by which nothing is there. */
export const nothing = {
	message: 'msg_01kj3zr4c8f2t9v5m1q7w3y6xb',
	conversation: 'conv_01kj3zqm2d7h4n8r0s6t3v9wce',
};

export const openDesk = async () => {
	const folder = tempFolder();
	const site = BASE_URL ? null : await addSite(folder.path, 'site.com');
	const running = BASE_URL ? null : await serve(folder.path, unlimited);
	const url = new URL(BASE_URL ?? running?.url ?? '').origin;
	const resourceId = site?.resourceId ?? BASE_SITE;
	const key = site?.publishableKey ?? BASE_KEY;
	const secret = site?.secretKey ?? BASE_SECRET;
	const send = client(url);
	const made: string[] = [];

	/** A call that must go as expected; its data. */
	const good = (what: string, { status, body, text }: Answer, expected: number): Json => {
		expect({ what, status, ...(status !== expected && { text }) }).toEqual({ what, status: expected });
		expect(body.success).toBe(true);
		return body.data;
	};
	const as = (person: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
		send(path, { method, key, token: person.token, body });
	const ok = async (person: Person, method: string, path: string, body?: unknown, status = 200): Promise<Json> =>
		good(`${method} ${path}`, await as(person, method, path, body), status);
	const server = async (method: string, path: string, body?: unknown, status = 200): Promise<Json> =>
		good(`${method} ${path}`, await send(path, { method, key: secret, body }), status);

	/** A visitor of the website, as its pages make one: without a key, and without a server. */
	const visitor = async (name: string): Promise<Person> => {
		const username = name + suffix;
		const { id } = good('sign up', await send('/users', { body: { resourceId, username } }), 201);
		made.push(id);
		const { chatToken: token } = good('token', await send('/users/chat-token', { body: { userId: id } }), 200);
		return { id, username, token };
	};

	/** Each of the team once: the superadmin by the operator, the others by the site's server; all sign in by password. */
	const username = (role: TeamRole) => `the_${role}${suffix}`;
	const email = (role: TeamRole) => `${username(role)}@example.com`;
	const signIn = async (role: TeamRole): Promise<Person> => {
		const body = { resourceId, email: email(role), password };
		const { chatToken: token, user } = good('sign in', await send('/auth/login', { body }), 200);
		expect(user).toMatchObject({ username: username(role), role });
		return { id: user.id, username: username(role), token };
	};
	const superadmin = running
		? await command(folder.path, 'user', 'create', '--username', username('superadmin'), '--role', 'superadmin')
		: await server('POST', '/users', { username: username('superadmin'), role: 'superadmin' }, 201);
	made.push(superadmin.id);
	const root: Person = {
		...superadmin,
		token: running
			? (await command(folder.path, 'user', 'token', superadmin.id)).chatToken
			: (await server('POST', '/users/chat-token', { userId: superadmin.id })).chatToken,
	};
	const team = {} as Record<TeamRole, Person>;
	for (const role of ['staff', 'moderator', 'admin'] as const) {
		const { id } = await server('POST', '/users', { username: username(role), role, email: email(role) }, 201);
		made.push(id);
		const { accessToken } = await ok(root, 'POST', `/admin/users/${id}/access-link`, undefined, 201);
		good('set a password', await send('/auth/access', { body: { accessToken, password } }), 200);
		team[role] = await signIn(role);
	}
	team.superadmin = root;

	return {
		folder: running ? folder.path : null,
		url,
		resourceId,
		key,
		secret,
		send,
		as,
		ok,
		server,
		visitor,
		team,
		/** stop ends the server in order; one that goes on is rid of whoever was made here. */
		stop: async () => {
			if (running) expect(await running.stop()).toBe(0);
			else
				for (const id of made) {
					// the last superadmin of a site stays: without a password, and with no token that works
					await send(`/admin/users/${id}/revoke-tokens`, { method: 'POST', key: secret });
					await send(`/admin/users/${id}`, { method: 'DELETE', key: secret });
				}
			folder[Symbol.dispose]();
		},
	};
};
export type Desk = Awaited<ReturnType<typeof openDesk>>;
