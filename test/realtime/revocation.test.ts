import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config.ts';
import { minute, second } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { startServer } from '../../src/serve.ts';
import { createServices } from '../../src/services.ts';
import { authOf, type Heard, openSocket, signIn, type TestSocket, tokenOf } from '../support/socket.ts';
import { createTestApp, type Person, type TestApp } from '../support/test-app.ts';

/** Whoever loses a right loses it on what is open already, too: before whoever took it away is answered. */

const times = 50;
const say = (text: string) => ({ content: { text } });

/** Somebody with a key, a page and a token of their own, so that each can be taken away alone. */
interface Holder extends Person {
	keyId: string;
	origin: string;
}
const holders = async (t: TestApp, n: number): Promise<Holder[]> => {
	const made: Holder[] = [];
	const origins = Array.from({ length: n }, (_, i) => `https://shop${i}.example`);
	await t.services.sites.set('site.com', { origins });
	for (const [i, origin] of origins.entries()) {
		const { id: keyId, key } = await t.services.sites.createKey('site.com', { kind: 'publishable', label: `${i}` });
		const person = await t.add(`holder ${i}`);
		const exp = Math.floor(t.clock() / second) + ((i + 1) * minute) / second;
		const token = tokenOf(t, person, { exp });
		await t.services.tokens.authenticate(person.site, token);
		made.push({ ...person, token, keyId, origin, site: { ...person.site, publishableKey: key } });
	}
	return made;
};

/** What is taken away, from whom, and what they are told. */
const ways: Record<string, { code: string; close: number; status: number; take(t: TestApp, from: Holder): unknown }> = {
	'their tokens are revoked': {
		code: 'token_revoked',
		close: 4403,
		status: 401,
		take: (t, { id }) => t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${id}/revoke-tokens` }),
	},
	'they are suspended': {
		code: 'user_suspended',
		close: 4403,
		status: 403,
		take: (t, { id }) =>
			t.ok({ as: 'moderator', method: 'PATCH', path: `/admin/users/${id}`, body: { suspended: true } }),
	},
	'they have signed out': {
		code: 'token_revoked',
		close: 4403,
		status: 401,
		take: async (t, { token, site }) => {
			const headers = { authorization: `Bearer ${token}`, 'x-api-key': site.publishableKey };
			const { status } = await t.call({ as: 'nobody', method: 'POST', path: '/users/me/logout', headers });
			expect(status).toBe(200);
		},
	},
	'they are erased': {
		code: 'token_revoked',
		close: 4403,
		status: 401,
		take: (t, { id }) => t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${id}` }),
	},
	'their key is revoked by the desk': {
		code: 'invalid_key',
		close: 4403,
		status: 401,
		take: (t, { keyId }) => t.ok({ as: 'superadmin', method: 'DELETE', path: `/admin/keys/${keyId}` }),
	},
	'their key is revoked by the operator': {
		code: 'invalid_key',
		close: 4403,
		status: 401,
		take: (t, { keyId }) => t.services.sites.revokeKey('site.com', keyId),
	},
	'the origin of their page is taken off the site': {
		code: 'origin_not_allowed',
		close: 4403,
		status: 403,
		take: (t, { origin }) => {
			const { origins } = t.services.sites.need('site.com').settings;
			const body = { origins: (origins ?? []).filter((other) => other !== origin) };
			return t.ok({ as: 'admin', method: 'PATCH', path: '/admin/site', body });
		},
	},
	'their token expires': {
		code: 'token_expired',
		close: 4401,
		status: 401,
		take: (t) => {
			t.advance(minute);
			t.services.realtime.connections.endExpired();
		},
	},
};

describe('a socket', () => {
	for (const [name, { code, close, take }] of Object.entries(ways))
		test(`is closed with ${close} ${code} at once when ${name}, and no other one is`, async () => {
			using t = await createTestApp();
			const { url } = t.listen();
			const { connections } = t.services.realtime;
			const people = await holders(t, times);
			const sockets: TestSocket[] = [];
			for (const { origin, ...who } of people) sockets.push(await signIn(url, who, undefined, { headers: { origin } }));
			for (const [i, who] of people.entries()) {
				const id = await t.conversation('bob', who.username);
				await t.send('bob', id, 'before');
				await take(t, who);
				expect([connections.ofUser(who.pk).size, connections.all.size]).toEqual([0, times - i - 1]);
				// whether this is refused does not matter: it must not be heard
				const body = say('after');
				await t.call({ as: 'bob', method: 'POST', path: `/p2p/conversations/${id}/messages`, body });
				const socket = sockets[i] as TestSocket;
				expect(await socket.next('error')).toMatchObject({ code });
				expect((await socket.ended()).code).toBe(close);
				expect(socket.heard.map(({ type }) => type).filter((type) => type === 'message.created')).toHaveLength(1);
			}
		}, 15_000);
	test('of another token stays when somebody signs out of one', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const stays = await signIn(url, t.person('alice'));
		const { chatToken: token } = await t.services.tokens.mintByOperator(t.person('alice').id);
		const goes = await signIn(url, { ...t.person('alice'), token });
		const headers = { authorization: `Bearer ${token}`, 'x-api-key': t.home.publishableKey };
		await t.call({ as: 'nobody', method: 'POST', path: '/users/me/logout', headers });
		expect((await goes.ended()).code).toBe(4403);
		await t.send('bob', await t.conversation('alice', 'bob'));
		expect((await stays.next('message.created')).data.content).toEqual({ text: 'hello' });
	});
	test('is closed when a command in another process revokes its key', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'parley-revocation-'));
		const config = { ...loadConfig({}, {}), data: folder, port: 0, logLevel: 'silent' as const };
		const command = createServices({ config, clock: Date.now, log: silentLog, publicUrl: () => '', busyMs: 2_000 });
		const site = await command.sites.add({ resourceId: 'site.com' });
		const input = { username: 'alice', role: 'user' as const, email: null, externalId: null };
		const { id } = await command.users.createByOperator('site.com', input);
		const { chatToken: token } = await command.tokens.mintByOperator(id);
		const running = await startServer(config);
		try {
			const socket = await signIn(running.url, { token, site });
			const [key] = command.sites.keys('site.com').filter(({ kind }) => kind === 'publishable');
			await command.sites.revokeKey('site.com', key?.id ?? '');
			expect(await socket.next('error')).toMatchObject({ code: 'invalid_key' });
			expect((await socket.ended()).code).toBe(4403);
		} finally {
			await running.stop();
			command.store.close();
			rmSync(folder, { recursive: true, force: true });
		}
	}, 10_000);
});

describe('a stream, and a poll that waits,', () => {
	/** The whole text of a stream, once it has ended; the answer of a poll. */
	const asked = (url: string, { token, site, origin }: Holder, path: string, headers: Record<string, string> = {}) =>
		fetch(`${url}/api/v1/events${path}`, {
			headers: { authorization: `Bearer ${token}`, 'x-api-key': site.publishableKey, origin, ...headers },
		});
	/** until waits for as many connections. */
	const until = async (t: TestApp, n: number) => {
		for (let i = 0; i < 2_000 && t.services.realtime.connections.all.size < n; i++) await Bun.sleep(1);
		expect(t.services.realtime.connections.all.size).toBe(n);
	};
	for (const [name, { code, close, status, take }] of Object.entries(ways))
		test(`ends at once when ${name}`, async () => {
			using t = await createTestApp();
			const { url } = t.listen();
			const { connections } = t.services.realtime;
			const people = await holders(t, 5);
			const ids = await Promise.all(people.map(({ username }) => t.conversation('bob', username)));
			const streams: Promise<string>[] = [];
			const polls: Promise<Response>[] = [];
			for (const who of people) {
				streams.push(asked(url, who, '', { accept: 'text/event-stream' }).then((response) => response.text()));
				polls.push(asked(url, who, '?wait=25'));
			}
			await until(t, 10);
			for (const [i, who] of people.entries()) {
				await take(t, who);
				expect([connections.ofUser(who.pk).size, connections.all.size]).toEqual([0, 2 * (5 - i - 1)]);
				const body = say('after');
				await t.call({ as: 'bob', method: 'POST', path: `/p2p/conversations/${ids[i]}/messages`, body });
				const text = (await streams[i]) ?? '';
				expect(text.slice(text.lastIndexOf('event: '))).toStartWith('event: closed\n');
				expect(text).toContain(`"closeCode":${close},"code":"${code}"`);
				expect(text).not.toContain('after');
				const poll = (await polls[i]) as Response;
				expect([poll.status, ((await poll.json()) as { code: string }).code]).toEqual([status, code]);
			}
		});
});

describe('whoever loses a right while they are being let in', () => {
	const turns = async (n: number) => {
		for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
	};
	const revoke = (t: TestApp, id: string) =>
		t.ok({ as: 'admin', method: 'POST', path: `/admin/users/${id}/revoke-tokens` });

	test('is not left waiting by a poll that was still reading what they had missed', async () => {
		using t = await createTestApp();
		const { connections } = t.services.realtime;
		const since = t.services.eventLog.cursor();
		for (let i = 0; i < times; i++) {
			const { id, pk } = await t.add(`reader ${i}`);
			// at every moment between the question and the wait
			const revoked = turns(i % 5).then(() => revoke(t, id));
			await turns(Math.floor(i / 5));
			const poll = t.call({ as: `reader ${i}`, path: `/events?since=${since}&wait=25` });
			await revoked;
			await turns(20);
			expect([i, connections.ofUser(pk).size]).toEqual([i, 0]);
			expect([200, 401]).toContain((await poll).status);
		}
	});
	test('is not let in by a socket whose token was new', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const { connections } = t.services.realtime;
		for (let i = 0; i < times; i++) {
			const visitor = await t.visitor(`visitor ${i}`, { used: false });
			const socket = await openSocket(url);
			socket.say(authOf(visitor));
			await turns(i % 10);
			await revoke(t, visitor.id);
			const { code } = await socket.ended();
			expect([4401, 4403]).toContain(code);
			expect([i, connections.all.size]).toEqual([i, 0]);
		}
	});
});

describe('a socket that stays', () => {
	/** The types of what is about the desk: a ticket, or what was written in it. */
	const ofDesk = (heard: readonly Heard[]) =>
		heard.filter((frame) => 'conversationId' in frame && frame.conversationId?.startsWith('ticket_'));

	test('hears nothing of the desk once its user is no longer of it, live or out of the past', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const since = t.services.eventLog.cursor();
		const body = { subject: 'A question', initialMessage: 'Need help' };
		const { id } = await t.ok<{ id: string }>({ as: 'alice', method: 'POST', path: '/support/tickets', body });
		const post = (as: string, text: string, more: object = {}) =>
			t.ok({ as, method: 'POST', path: `/support/tickets/${id}/messages`, body: { content: { text }, ...more } });
		const team = await Promise.all(Array.from({ length: times }, (_, i) => t.add(`agent ${i}`, { role: 'staff' })));
		const sockets: TestSocket[] = [];
		for (const who of team) {
			const socket = await signIn(url, who);
			socket.say({ type: 'watch', conversationId: id, ref: 'w' });
			await socket.next('ack');
			sockets.push(socket);
		}
		for (const [i, who] of team.entries()) {
			const socket = sockets[i] as TestSocket;
			await post('alice', `before ${i}`);
			const shown = ofDesk(await socket.quiet());
			expect(shown.map(({ type }) => type)).toContain('message.created');
			await t.ok({ as: 'superadmin', method: 'PATCH', path: `/admin/users/${who.id}`, body: { role: 'user' } });
			await post('alice', `after ${i}`);
			await post('moderator', `note ${i}`, { kind: 'note' });
			await t.ok({ as: 'alice', method: 'POST', path: `/support/tickets/${id}/typing`, body: { typing: true } });
			await t.ok({ as: 'moderator', method: 'PATCH', path: `/support/tickets/${id}`, body: { tags: [`${i}`] } });
			expect(ofDesk(await socket.quiet())).toEqual([]);
			const again = await signIn(url, who, since);
			await again.next('caught_up');
			expect(ofDesk(again.heard)).toEqual([]);
			again.close();
		}
		// those who were not demoted hear it all the same
		const stays = await signIn(url, t.person('staff'), since);
		await stays.next('caught_up');
		expect(ofDesk(stays.heard).filter(({ type }) => type === 'message.created')).toHaveLength(1 + 3 * times);
	}, 15_000);

	test('hears nothing of whoever has blocked its user: no message, no typing, no presence', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const pair: { who: Person; id: string; socket: TestSocket }[] = [];
		for (let i = 0; i < times; i++) {
			const who = await t.add(`pest ${i}`);
			const id = await t.conversation('alice', who.username);
			const socket = await signIn(url, who);
			socket.say({ type: 'watch', conversationId: id, ref: 'w' });
			await socket.next('ack');
			pair.push({ who, id, socket });
		}
		const friend = await signIn(url, t.person('bob'));
		friend.say({ type: 'watch', conversationId: await t.conversation('alice', 'bob'), ref: 'w' });
		await friend.next('ack');
		// several devices of alice, since one may not say so much
		const devices = await Promise.all(Array.from({ length: 5 }, () => signIn(url, t.person('alice'))));
		const passing = (heard: Heard[]) => heard.filter(({ type }) => type === 'typing' || type === 'presence');
		expect((await friend.next('presence')).data.online).toBe(true);

		for (const [i, { who, id, socket }] of pair.entries()) {
			const alice = devices[i % devices.length] as TestSocket;
			alice.say({ type: 'watch', conversationId: id, ref: 'w' });
			await alice.next('ack');
			await t.send('alice', id, 'before');
			expect((await socket.quiet()).map(({ type }) => type)).toEqual(['presence', 'message.created']);
			await t.ok({ as: 'alice', method: 'POST', path: `/users/me/blocks/${who.id}` });
			const inChat = { as: 'alice', method: 'POST', path: `/p2p/conversations/${id}` };
			await t.call({ ...inChat, path: `${inChat.path}/messages`, body: say('after') });
			await t.call({ ...inChat, path: `${inChat.path}/typing`, body: { typing: true } });
			await t.call({ ...inChat, path: `${inChat.path}/read` });
			socket.say({ type: 'typing', conversationId: id, typing: true });
			await t.call({ as: who.username, method: 'POST', path: `/p2p/conversations/${id}/messages`, body: say('after') });
			expect((await socket.quiet()).filter(({ type }) => type !== 'error')).toEqual([]);
			expect(passing(await alice.quiet())).toEqual([]);
		}
		// those whom alice looks at go away, and she herself: nobody of a blocked pair is told of the other
		for (const { socket } of pair.slice(-5)) {
			socket.close();
			await socket.ended();
		}
		for (const alice of devices) expect(passing(await alice.quiet())).toEqual([]);
		for (const alice of devices) alice.close();
		expect((await friend.next('presence')).data).toMatchObject({ userId: t.person('alice').id, online: false });
		for (const { socket } of pair.slice(0, -5)) expect(await socket.quiet()).toEqual([]);
	}, 15_000);
});
