import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { loadConfig } from '../../src/config.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { EventMessage } from '../../src/modules/messaging/messaging.schema.ts';
import { createServices } from '../../src/services.ts';
import { json, live, within } from '../cli/cli-support.ts';
import { openStream } from '../support/event-stream.ts';
import { authOf, openSocket, signIn, type TestSocket } from '../support/socket.ts';

setDefaultTimeout(60_000);

type Server = Awaited<ReturnType<typeof live>>;
interface Who {
	id: string;
	token: string;
	site: { publishableKey: string };
}
/** A user of the live server, made by its commands. */
const made = async (server: Server, username: string, ...more: string[]): Promise<Who> => {
	const { id = '' } = await json(['user', 'create', '--username', username, ...more], server.in);
	const { chatToken = '' } = await json(['user', 'token', id], server.in);
	return { id, token: chatToken, site: { publishableKey: server.first.publishableKey ?? '' } };
};
const as = ({ token, site }: Who) => ({ 'x-api-key': site.publishableKey, authorization: `Bearer ${token}` });
const dataOf = async <T>(response: Response): Promise<T> => ((await response.json()) as { data: T }).data;
/** This process as another one that writes to the folder of a live server, as commands do. */
const stranger = (server: Server) => {
	const config = { ...loadConfig({}, {}), data: join(server.folder, 'data') };
	const services = createServices({ config, clock: Date.now, log: silentLog, publicUrl: () => '', busyMs: 2_000 });
	return { services, [Symbol.dispose]: () => services.store.close(false) };
};

/** A server with two users, a chat of theirs, and both connected. */
const chatting = async () => {
	const server = await live();
	const [alice, bob] = [await made(server, 'alice'), await made(server, 'bob')];
	const body = { otherParticipantId: bob.id };
	const started = await server.api('/p2p/conversations', { method: 'POST', ...as(alice), body });
	const { id: chat } = await dataOf<{ id: string }>(started);
	const { url } = server.started;
	const sockets = [await signIn(url, alice), await signIn(url, bob)] as [TestSocket, TestSocket];
	return { server, alice, bob, chat, sockets, url };
};
const placeOf = (id: string) => Number(id.split('.')[1]);

test('what another process writes is heard within a second, between what the server writes, in order and once', async () => {
	const { server, alice, bob, chat, sockets, url } = await chatting();
	await using _ = server;
	using other = stranger(server);
	const stream = await openStream(url, bob);
	const [, first] = await stream.until('caught_up');
	const principal = await other.services.tokens.authenticate(other.services.sites.need('localhost'), alice.token);
	const outside = (text: string) => other.services.p2p.threads.send(principal, chat, { content: { text } });
	const inside = (text: string) =>
		server.api(`/p2p/conversations/${chat}/messages`, { method: 'POST', ...as(bob), body: { content: { text } } });

	// alone: nothing that the server does itself would make it look
	const waits: number[] = [];
	for (let i = 0; i < 4; i++) {
		const began = performance.now();
		await outside(`alone ${i}`);
		for (const socket of sockets) await socket.next('message.created');
		waits.push(performance.now() - began);
	}
	// note: on a machine that is busy one may take longer, but not each
	expect(Math.min(...waits)).toBeLessThan(1_000);

	// both at the same time
	const n = 40;
	await Promise.all([
		(async () => {
			for (let i = 0; i < n; i++) await outside(`outside ${i}`);
		})(),
		(async () => {
			for (let i = 0; i < n; i++) expect((await inside(`inside ${i}`)).status).toBe(201);
		})(),
	]);
	const all = 4 + 2 * n;
	const heardBy = async (socket: TestSocket) => {
		const created = () => socket.heard.filter(({ type }) => type === 'message.created');
		while (created().length < all) await socket.next('message.created');
		await socket.quiet();
		return created() as { id: string; data: EventMessage }[];
	};
	for (const socket of sockets) {
		const heard = await heardBy(socket);
		expect(heard.map(({ data }) => data.seq)).toEqual(Array.from({ length: all }, (_, i) => i + 1));
		const places = heard.map(({ id }) => placeOf(id));
		expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
	}
	while (stream.heard.filter(({ event }) => event === 'message.created').length < all) await stream.next();
	const streamed = stream.heard.filter(({ event }) => event === 'message.created');
	expect(streamed.map(({ data }) => data.data.seq)).toEqual(Array.from({ length: all }, (_, i) => i + 1));

	// and whoever comes back from before is told the same
	const late = await signIn(url, bob, first?.id);
	const last = await late.next('caught_up');
	const missed = late.heard.filter(({ type }) => type === 'message.created') as { id: string }[];
	expect(missed.map(({ id }) => id)).toEqual((await heardBy(sockets[1])).map(({ id }) => id));
	expect(placeOf(last.cursor)).toBeGreaterThanOrEqual(placeOf(missed.at(-1)?.id ?? ''));
});

test('a poll that waits is answered with what another process has written', async () => {
	const { server, alice, bob, chat, url } = await chatting();
	await using _ = server;
	using other = stranger(server);
	const principal = await other.services.tokens.authenticate(other.services.sites.need('localhost'), alice.token);
	const asked = fetch(`${url}/api/v1/events?wait=25`, { headers: as(bob) });
	// answered after the poll was taken up
	await server.api('/users/me', as(bob));
	await other.services.p2p.threads.send(principal, chat, { content: { text: 'from outside' } });
	const { data } = await dataOf<{ data: { type: string; data: EventMessage }[] }>(await asked);
	expect(data.map(({ type, data }) => [type, data.content?.text])).toEqual([['message.created', 'from outside']]);
});

test('commands on the live server act on those who are connected: a key, an origin, a password', async () => {
	await using server = await live();
	const { url } = server.started;
	const root = await made(server, 'root', '--role', 'superadmin', '--email', 'root@site.com');
	const alice = await made(server, 'alice');
	const key = await json(['key', 'create', 'localhost', '--publishable', '--label', 'old page'], server.in);
	const byOldKey = { ...alice, site: { publishableKey: key.key ?? '' } };

	const stays = await signIn(url, alice);
	const old = await signIn(url, byOldKey);
	const stream = await openStream(url, byOldKey);
	await stream.until('caught_up');
	await json(['key', 'revoke', 'localhost', key.id ?? ''], server.in);
	expect(await old.next('error')).toMatchObject({ code: 'invalid_key' });
	expect(await old.ended()).toEqual({ code: 4403, reason: 'not_allowed' });
	expect((await stream.next('closed')).data).toMatchObject({ closeCode: 4403, code: 'invalid_key' });
	await stream.over();
	const again = await openSocket(url);
	again.say(authOf(byOldKey));
	expect((await again.ended()).code).toBe(4401);

	const origin = 'https://www.site.com';
	await json(['site', 'set', 'localhost', '--origin', origin], server.in);
	const call = async () => (await server.api('/users/me', { ...as(alice), origin })).status;
	expect(await within(2_000, call, (status) => status === 200)).toBe(200);
	const inPage = await openSocket(url, { headers: { origin } });
	inPage.say(authOf(alice));
	await inPage.next('caught_up');
	await json(['site', 'set', 'localhost', '--default-origins'], server.in);
	expect((await inPage.ended()).code).toBe(4403);

	// a new password ends every token
	const desk = await signIn(url, root);
	await json(['user', 'passwd', root.id, '--generate'], server.in);
	expect(await desk.next('error')).toMatchObject({ code: 'token_revoked' });
	expect((await desk.ended()).code).toBe(4403);

	// who is not concerned has heard nothing of it
	expect(await stays.quiet()).toEqual([]);
});
