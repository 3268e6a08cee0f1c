/** Whoever has one right tries to make it another: a key of another site, a name to act as, a role, a column in a body. */
import { describe, expect, test } from 'bun:test';
import { getTableColumns } from 'drizzle-orm';
import { atLeast, flags, type Role, rank, roles } from '../../src/kernel/roles.ts';
import { conversations, messages } from '../../src/modules/messaging/messaging.tables.ts';
import { users } from '../../src/modules/users/users.tables.ts';
import type { Ask } from '../blackbox/program-support.ts';
import { type InProcess, inProcess, outline } from './attack-support.ts';

const nobody = 'user_01kj3zq0x5e6s8r1n6a2c4v7wd';

const person = async (at: InProcess, body: object = {}, site = at.site) => {
	const { id } = await at.create({ key: site.secretKey }, body);
	const token = await at.token(id, { key: site.secretKey });
	return { id, as: { key: site.publishableKey, token } };
};
/** Two users of a site who have talked, with every id that could be guessed at. */
const talk = async (at: InProcess, site = at.site) => {
	const [alice, bob] = [await person(at, {}, site), await person(at, {}, site)];
	const { id } = await at.data('/p2p/conversations', { ...alice.as, body: { otherParticipantId: bob.id } });
	const path = `/p2p/conversations/${id}`;
	const message = await at.data(`${path}/messages`, { ...alice.as, body: { content: { text: 'secret' } } });
	return { alice, bob, conversation: id as string, message: message.id as string };
};
/** Every call that names a row, on the rows of a talk. */
const callsOn = ({ bob, conversation, message }: { bob: { id: string }; conversation: string; message: string }) => {
	const at = `/p2p/conversations/${conversation}`;
	const content = { text: 'changed' };
	return {
		'reading the conversation': [at, {}],
		'reading its messages': [`${at}/messages`, {}],
		'sending into it': [`${at}/messages`, { body: { content } }],
		'marking it read': [`${at}/read`, { body: {} }],
		'marking it unread': [`${at}/unread`, { body: { messageId: message } }],
		'archiving it': [`${at}/archive`, { method: 'POST' }],
		'bringing it back': [`${at}/unarchive`, { method: 'POST' }],
		'editing a message': [`${at}/messages/${message}`, { method: 'PATCH', body: { content } }],
		'deleting a message': [`${at}/messages/${message}`, { method: 'DELETE' }],
		'reacting to a message': [`${at}/messages/${message}/reactions/${encodeURIComponent('👍')}`, { method: 'PUT' }],
		'taking a reaction back': [`${at}/messages/${message}/reactions/${encodeURIComponent('👍')}`, { method: 'DELETE' }],
		'starting a conversation': ['/p2p/conversations', { body: { otherParticipantId: bob.id } }],
		'viewing a user': [`/users/${bob.id}`, {}],
		'blocking a user': [`/users/me/blocks/${bob.id}`, { method: 'POST' }],
		'unblocking a user': [`/users/me/blocks/${bob.id}`, { method: 'DELETE' }],
	} satisfies Record<string, [string, Ask]>;
};
const nothing = {
	bob: { id: nobody },
	conversation: 'conv_01kj3zqm2d7h4n8r0s6t3v9wce',
	message: 'msg_01kj3zr4c8f2t9v5m1q7w3y6xb',
};
const entries = <T extends object>(object: T) => Object.entries(object) as [keyof T, T[keyof T]][];
/** The rows of a talk, to see that nothing has happened to them. */
const rows = (at: InProcess) => {
	const { $client } = at.services.store.db;
	return ['conversations', 'messages', 'reactions', 'blocks', 'message_edits'].map((table) =>
		$client.query(`select * from ${table}`).all(),
	);
};

describe('the rows of one site', () => {
	test('are not there for another one: every call answers as for an id that never was, and changes nothing', async () => {
		using at = await inProcess();
		const ours = await talk(at);
		const stranger = await person(at, {}, at.other);
		const before = rows(at);
		const unknown = callsOn(nothing);
		for (const [name, [path, ask]] of entries(callsOn(ours))) {
			const expected = outline(await at.ask(unknown[name][0], { ...stranger.as, ...unknown[name][1] }));
			expect({ name, status: expected.status }).toEqual({ name, status: 404 });
			expect({ name, ...outline(await at.ask(path, { ...stranger.as, ...ask })) }).toEqual({ name, ...expected });
		}
		expect(rows(at)).toEqual(before);
	});
	test('are not there for somebody else of the same site', async () => {
		using at = await inProcess();
		const ours = await talk(at);
		const peer = await person(at);
		const desk = await person(at, { role: 'superadmin' });
		const before = rows(at);
		const unknown = callsOn(nothing);
		for (const [name, [path, ask]] of entries(callsOn(ours)))
			for (const who of path.startsWith('/p2p/conversations/') ? [peer, desk] : []) {
				// the one thing that the desk may do in a chat of two
				if (who === desk && name === 'deleting a message') continue;
				const expected = outline(await at.ask(unknown[name][0], { ...who.as, ...unknown[name][1] }));
				expect({ name, status: expected.status }).toEqual({ name, status: 404 });
				expect({ name, ...outline(await at.ask(path, { ...who.as, ...ask })) }).toEqual({ name, ...expected });
			}
		expect(rows(at)).toEqual(before);
	});
	test('lose a message to moderators and up, who are shown nothing of it, and leave their name in the audit', async () => {
		using at = await inProcess();
		for (const role of roles) {
			const ours = await talk(at);
			const by = await person(at, { role });
			const [path, ask] = callsOn(ours)['deleting a message'];
			const { status, body } = await at.ask(path, { ...by.as, ...ask });
			const may = atLeast(role, 'moderator');
			expect({ role, status }).toEqual({ role, status: may ? 200 : 404 });
			const acts = at.services.store.db.$client
				.query('select actor, action from audit_log where target = ?')
				.all(ours.message);
			expect(acts).toEqual(may ? [{ actor: by.id, action: 'message.delete' }] : []);
			if (may) expect(body.data).toMatchObject({ id: ours.message, content: {} });
		}
	});
	test('are not to be had by the message of one conversation in the path of another', async () => {
		using at = await inProcess();
		const one = await talk(at);
		const two = await talk(at);
		const before = rows(at);
		for (const [name, [path, ask]] of entries(callsOn({ ...one, message: two.message })))
			if (path.includes(two.message) || JSON.stringify(ask).includes(two.message))
				expect({ name, status: (await at.ask(path, { ...one.alice.as, ...ask })).status }).toEqual({
					name,
					status: 404,
				});
		for (const cursor of ['before', 'after', 'around'])
			expect(
				(await at.ask(`/p2p/conversations/${one.conversation}/messages?${cursor}=${two.message}`, one.alice.as)).body
					.code,
			).toBe('cursor_invalid');
		const body = { content: { text: 'x' }, replyTo: two.message };
		const reply = await at.ask(`/p2p/conversations/${one.conversation}/messages`, { ...one.alice.as, body });
		expect(reply.body.code).toBe('reply_to_invalid');
		expect(rows(at)).toEqual(before);
	});
	test('with the key of one and the token of the other: wrong_site, on every call, in both directions', async () => {
		using at = await inProcess();
		const ours = await talk(at);
		const stranger = await person(at, {}, at.other);
		for (const key of [at.other.publishableKey, at.other.secretKey])
			for (const [name, [path, ask]] of entries(callsOn(ours))) {
				const answer = await at.ask(path, { ...ask, key, token: ours.alice.as.token });
				expect({ name, status: answer.status, code: answer.body.code }).toEqual({
					name,
					status: 401,
					code: 'wrong_site',
				});
			}
		const call = await at.ask('/users/me', { key: at.site.publishableKey, token: stranger.as.token });
		expect(call.body.code).toBe('wrong_site');
		const create = await at.ask('/users', {
			key: at.other.publishableKey,
			body: { username: 'x', resourceId: 'site.com' },
		});
		expect([create.status, create.body.code]).toEqual([400, 'invalid_request']);
	});
});

describe('x-act-as', () => {
	const actAs = (name: string) => ({ 'x-act-as': name });
	test('means nothing with a publishable key, a token, or no key', async () => {
		using at = await inProcess();
		const { alice, bob } = await talk(at);
		const me = async (ask: Ask) => {
			const { body } = await at.ask('/users/me', { ...ask, headers: actAs(bob.id) });
			return body.code ?? body.data.id;
		};
		expect(await me({ key: at.site.publishableKey })).toBe('token_required');
		expect(await me({})).toBe('key_required');
		expect(await me(alice.as)).toBe(alice.id);
		expect(await at.mint(bob.id, { ...alice.as, headers: actAs(bob.id) })).toBe('identity_proof_required');
	});
	test('names nobody of another site, no deleted and no suspended user', async () => {
		using at = await inProcess();
		const stranger = await person(at, { externalId: '1' }, at.other);
		const gone = await person(at);
		const suspended = await person(at);
		await at.data('/users/me', { method: 'DELETE', ...gone.as });
		await at.data(`/admin/users/${suspended.id}`, {
			method: 'PATCH',
			key: at.site.secretKey,
			body: { suspended: true },
		});
		const me = async (name: string, key = at.site.secretKey) =>
			outline(await at.ask('/users/me', { key, headers: actAs(name) }));
		const expected = await me(nobody);
		expect(expected.status).toBe(404);
		for (const name of [
			stranger.id,
			gone.id,
			'external:1',
			'external:',
			'external:null',
			'External:1',
			'',
			'*',
			'user_%',
			`${suspended.id},${stranger.id}`,
		])
			expect({ name, ...(await me(name)) }).toEqual({ name, ...expected });
		expect((await me(suspended.id)).status).toBe(403);
		expect((await me(suspended.id, at.other.secretKey)).status).toBe(404);
	});
	test('is refused from a page, like every use of a secret key', async () => {
		using at = await inProcess();
		const { bob } = await talk(at);
		const headers = { ...actAs(bob.id), origin: 'https://site.com' };
		expect((await at.ask('/users/me', { key: at.site.secretKey, headers })).body.code).toBe('secret_key_in_page');
	});
	test('lowers the server to the user: a server that hands calls on does not make its users mighty', async () => {
		using at = await inProcess();
		const { alice, bob } = await talk(at);
		const as = { key: at.site.secretKey, headers: actAs(alice.id) };
		for (const role of roles.slice(1)) {
			const { status, body } = await at.ask('/users', { ...as, body: { username: `new ${role}`, role } });
			expect({ role, status, code: body.code }).toEqual({ role, status: 403, code: 'forbidden' });
		}
		const made = await at.ask('/users', { ...as, body: { username: 'just a user' } });
		expect(made.body.data).toMatchObject({ role: 'user', verified: false });
		const named = await at.ask('/users', { ...as, body: { username: 'with an id', externalId: '99' } });
		expect(named.body.code).toBe('proof_required');
		expect(await at.mint(bob.id, as)).toBe('identity_proof_required');
		for (const [path, ask] of [
			[`/admin/users/${bob.id}`, { method: 'PATCH', body: { suspended: true } }],
			[`/admin/users/${bob.id}/revoke-tokens`, { method: 'POST' }],
			[`/admin/users/${bob.id}/access-link`, { method: 'POST' }],
		] as const)
			expect((await at.ask(path, { ...as, ...ask })).status).toBe(403);
		const third = await person(at);
		const start = await at.ask('/p2p/conversations', {
			...as,
			body: { participantOne: bob.id, participantTwo: third.id },
		});
		expect(start.status).toBe(400);
	});
	test('is no session: it cannot be logged out', async () => {
		using at = await inProcess();
		const { alice } = await talk(at);
		const logout = await at.ask('/users/me/logout', {
			method: 'POST',
			key: at.site.secretKey,
			headers: actAs(alice.id),
		});
		expect([logout.status, logout.body.code]).toEqual([401, 'user_token_required']);
		expect(await at.call(alice.as.token)).toBe('in');
	});
});

describe('a secret key', () => {
	test('alone makes only the calls that are for a server; all else wants a user', async () => {
		using at = await inProcess();
		const ours = await talk(at);
		const key = at.site.secretKey;
		for (const [name, [path, ask]] of entries(callsOn(ours))) {
			if (name === 'viewing a user' || name === 'starting a conversation') continue;
			const { status, body } = await at.ask(path, { ...ask, key });
			expect({ name, status, code: body.code }).toEqual({ name, status: 401, code: 'user_token_required' });
		}
		const staff = await at.vouched({ role: 'staff', email: 'staff@site.com' });
		const link = await at.ask(`/admin/users/${staff.id}/access-link`, { method: 'POST', key });
		expect([link.status, link.body.code]).toEqual([403, 'forbidden']);
		const password = { currentPassword: 'x', newPassword: 'a fine long one' };
		expect((await at.ask('/users/me/password', { key, body: password })).status).toBe(403);
	});
	test('is refused in a page, whatever it asks for', async () => {
		using at = await inProcess();
		const ours = await talk(at);
		const calls: [string, Ask][] = [
			...Object.values(callsOn(ours)),
			['/users', { body: { username: 'x' } }],
			['/users/chat-token', { body: { userId: ours.bob.id } }],
			['/users/lookup?username=x', {}],
			[`/admin/users/${ours.bob.id}`, { method: 'PATCH', body: { suspended: true } }],
		];
		const pages = [
			{ origin: 'https://site.com' },
			{ origin: 'https://evil.com' },
			{ origin: at.origin, 'sec-fetch-site': 'cross-site' },
			{ 'sec-fetch-site': 'same-site' },
		];
		for (const [path, ask] of calls)
			for (const headers of pages)
				for (const token of [undefined, ours.alice.as.token]) {
					const { status, body } = await at.ask(path, {
						...ask,
						key: at.site.secretKey,
						token,
						headers: headers as Record<string, string>,
					});
					expect({ path, headers, status, code: body.code }).toEqual({
						path,
						headers,
						status: 401,
						code: 'secret_key_in_page',
					});
				}
	});
	test('sets no address that somebody else signs in with', async () => {
		using at = await inProcess();
		const [one, two] = [
			await at.vouched({ role: 'admin', email: 'one@site.com', externalId: '1' }),
			await at.vouched({ role: 'admin', email: 'two@site.com', externalId: '2' }),
		];
		for (const { id } of [one, two]) await at.services.passwords.setByOperator(id, 'a fine long one', null);
		const body = { username: 'two', externalId: '2', email: 'ONE@site.com' };
		const { status, body: answer } = await at.ask('/users', { key: at.site.secretKey, body });
		expect([status, answer.code]).toEqual([409, 'email_taken']);
	});
});

describe('nobody makes somebody mightier than they may', () => {
	/** Who may make whom: the table of the API's documentation, written out. */
	const mayMake = (who: Role | 'server' | 'visitor', role: Role): boolean => {
		if (role === 'user' || who === 'server') return true;
		if (who === 'visitor') return false;
		return who === 'superadmin' || (atLeast(who, 'admin') && rank(role) < rank(who));
	};
	test('every caller makes every role, or not', async () => {
		using at = await inProcess();
		const callers: [Role | 'server' | 'visitor', Ask][] = [
			['visitor', {}],
			['visitor', { key: at.site.publishableKey }],
			['server', { key: at.site.secretKey }],
		];
		for (const role of roles) callers.push([role, (await person(at, { role })).as]);
		let n = 0;
		for (const [who, ask] of callers)
			for (const role of roles) {
				const body = { username: `made ${n++}`, role, resourceId: 'site.com' };
				const { status, body: answer } = await at.ask('/users', { ...ask, body });
				expect({ who, role, status }).toEqual({ who, role, status: mayMake(who, role) ? 201 : 403 });
				expect(answer.data?.role).toBe(mayMake(who, role) ? role : undefined);
			}
	});
	test('every caller suspends, logs out and invites whom they may', async () => {
		using at = await inProcess();
		for (const who of roles)
			for (const role of roles) {
				const caller = await person(at, { role: who });
				const target = await at.vouched({ role, email: 'x@site.com' });
				const above = rank(who) > rank(role) || who === 'superadmin';
				const expected = { who, role, suspend: 403, revoke: 403, invite: 403 };
				if (above && atLeast(who, 'moderator')) expected.suspend = 200;
				if (above && atLeast(who, 'admin')) expected.revoke = 200;
				if (above && atLeast(who, 'admin')) expected.invite = role === 'user' ? 422 : 201;
				const at1 = `/admin/users/${target.id}`;
				expect({
					who,
					role,
					suspend: (await at.ask(at1, { ...caller.as, method: 'PATCH', body: { suspended: true } })).status,
					revoke: (await at.ask(`${at1}/revoke-tokens`, { ...caller.as, method: 'POST' })).status,
					invite: (await at.ask(`${at1}/access-link`, { ...caller.as, method: 'POST' })).status,
				}).toEqual(expected);
			}
	});
	test('nobody grants a flag they lack, and nobody suspends themselves', async () => {
		using at = await inProcess();
		for (const flag of flags) {
			const admin = await person(at, { role: 'admin', permissions: { [flag]: false } });
			const make = (permissions: object) =>
				at.ask('/users', { ...admin.as, body: { username: `staff ${Math.random()}`, role: 'staff', permissions } });
			const granted = await make({ [flag]: true });
			expect([flag, granted.status, granted.body.code]).toEqual([flag, 403, 'permission_missing']);
			expect((await make({ [flag]: false })).body.data.permissions[flag]).toBe(false);
		}
		const admin = await person(at, { role: 'superadmin' });
		await person(at, { role: 'superadmin' });
		const self = await at.ask(`/admin/users/${admin.id}`, { ...admin.as, method: 'PATCH', body: { suspended: true } });
		expect([self.status, self.body.code]).toEqual([403, 'rank_too_low']);
	});
	test('flags of a user count for nothing, in either direction', async () => {
		using at = await inProcess();
		const body = { permissions: { canSendMessage: false, canDeleteMessage: false } };
		const made = await at.data('/users', { body: { username: 'x', resourceId: 'site.com', ...body } });
		expect(Object.values(made.permissions)).toEqual([true, true, true, true, true]);
	});
	test('creating the same user again changes neither role nor flags nor suspension', async () => {
		using at = await inProcess();
		const key = at.site.secretKey;
		const first = await at.data('/users', { key, body: { username: 'one', externalId: '1', role: 'staff' } });
		await at.data(`/admin/users/${first.id}`, { method: 'PATCH', key, body: { suspended: true } });
		const body = {
			username: 'one',
			externalId: '1',
			role: 'superadmin',
			permissions: { canSendMessage: false },
			suspended: false,
		};
		const again = await at.ask('/users', { key, body });
		expect(again.status).toBe(200);
		expect(again.body.data).toMatchObject({
			id: first.id,
			role: 'staff',
			suspended: true,
			permissions: first.permissions,
		});
	});
});

describe('a column’s name in a body', () => {
	/** A value for every column that would be seen if it were stored. */
	const everything = (table: Parameters<typeof getTableColumns>[0]) => {
		const body: Record<string, unknown> = {};
		for (const [name, column] of Object.entries(getTableColumns(table))) {
			const value =
				name === 'role'
					? 'superadmin'
					: column.dataType === 'boolean'
						? true
						: column.dataType === 'number'
							? 424_242
							: column.dataType === 'json'
								? { injected: true }
								: 'injected';
			body[name] = value;
			body[(column as { name: string }).name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
		}
		return body;
	};
	const row = (at: InProcess, table: string, id: string) =>
		at.services.store.db.$client.query(`select * from ${table} where id = ?`).get(id) as Record<string, unknown>;
	/** Whoever calls is noted to be here. */
	const noted = ['updated_at', 'last_seen_at'];
	const without = (object: object, ...names: string[]) =>
		Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
	const hostile = { constructor: { name: 'x' }, valueOf: 'x', isAdmin: true, is_admin: 1, $set: { role: 'admin' } };

	test('changes nothing of oneself but what may be changed', async () => {
		using at = await inProcess();
		const { id } = await at.visitor();
		const token = await at.token(id);
		await at.call(token);
		const before = row(at, 'users', id);
		const body = JSON.stringify({
			...without(everything(users), 'displayName', 'avatarUrl', 'email', 'settings', 'metadata'),
			...hostile,
		}).replace('{', '{"__proto__":{"role":"superadmin","verified":true},');
		expect(body.match(/"[a-z_A-Z]+":/g)?.length).toBeGreaterThan(45);
		at.move(1_000);
		const { status } = await at.ask('/users/me', { key: at.site.publishableKey, token, method: 'PATCH', body });
		expect(status).toBe(200);
		expect(without(row(at, 'users', id), ...noted)).toEqual(without(before, ...noted));
		expect(({} as Record<string, unknown>).verified).toBeUndefined();
	});
	test('makes no other user than the one that may be made', async () => {
		using at = await inProcess();
		const known = ['username', 'displayName', 'avatarUrl', 'email', 'metadata', 'externalId', 'role', 'permissions'];
		const plain = await at.data('/users', { body: { resourceId: 'site.com', username: 'plain' } });
		const injected = await at.data('/users', {
			body: { ...without(everything(users), ...known), ...hostile, resourceId: 'site.com', username: 'other' },
		});
		const own = ['pk', 'id', 'username', 'username_key', 'username_skeleton'];
		expect(without(row(at, 'users', injected.id), ...own)).toEqual(without(row(at, 'users', plain.id), ...own));
	});
	test('writes no other message, and changes no conversation', async () => {
		using at = await inProcess();
		const { alice, bob, conversation, message } = await talk(at);
		const path = `/p2p/conversations/${conversation}/messages`;
		const extra = {
			...without(everything(messages), 'replyTo', 'clientMessageId', 'metadata', 'text'),
			...without(everything(conversations), 'metadata', 'participantOne', 'participantTwo'),
			...hostile,
			senderId: alice.id,
			isRead: true,
			reactions: [{ emoji: '👍', count: 9, mine: true }],
		};
		const sent = await at.data(path, {
			...bob.as,
			body: { content: { text: 'hello', html: '<b>', senderId: alice.id }, ...extra },
		});
		expect(sent).toMatchObject({
			senderId: bob.id,
			seq: 2,
			kind: 'text',
			content: { text: 'hello' },
			isRead: false,
			reactions: [],
		});
		expect(sent.content).toEqual({ text: 'hello' });
		const before = row(at, 'messages', message);
		await at.data(`${path}/${message}`, {
			...alice.as,
			method: 'PATCH',
			body: { content: { text: 'changed' }, ...extra },
		});
		const own = ['text', 'edited_at'];
		expect(without(row(at, 'messages', message), ...own)).toEqual(without(before, ...own));

		const stored = row(at, 'conversations', conversation);
		const started = await at.data('/p2p/conversations', {
			...alice.as,
			body: { otherParticipantId: bob.id, ...extra },
		});
		expect(started.id).toBe(conversation);
		await at.data(`/p2p/conversations/${conversation}/archive`, { ...alice.as, body: extra });
		expect(without(row(at, 'conversations', conversation), 'archived_one')).toEqual(without(stored, 'archived_one'));
	});
	test('changes no more of another than the desk may change', async () => {
		using at = await inProcess();
		const { id } = await at.visitor();
		const before = row(at, 'users', id);
		await at.data(`/admin/users/${id}`, {
			method: 'PATCH',
			key: at.site.secretKey,
			body: { ...without(everything(users), 'role', 'permissions'), ...hostile, suspended: false },
		});
		expect(without(row(at, 'users', id), 'updated_at')).toEqual(without(before, 'updated_at'));
	});
});
