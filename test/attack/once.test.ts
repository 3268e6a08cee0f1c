/** What may be had once is asked for fifty times at the same moment, of the compiled program. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import {
	type Answer,
	type Client,
	client,
	command,
	type Json,
	type NewSite,
	serve,
	unlimited,
} from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { hs256, jwt, seconds } from './attack-support.ts';

setDefaultTimeout(60_000);

const times = 50;
const folder = tempFolder();
let server: Awaited<ReturnType<typeof serve>>;
let site: NewSite & { setupToken: string };
let ask: Client;
let alice: { id: string; as: { key: string; token: string } };
let bob: typeof alice;
let conversation = '';

const person = async (body: object) => {
	const { id } = (await ask('/users', { key: site.secretKey, body })).body.data;
	const { chatToken } = (await ask('/users/chat-token', { key: site.secretKey, body: { userId: id } })).body.data;
	return { id, as: { key: site.publishableKey, token: chatToken } };
};

beforeAll(async () => {
	server = await serve(folder.path, unlimited);
	if (!server.firstStart) throw new Error('no first start');
	site = server.firstStart;
	ask = client(server.url);
	alice = await person({ username: 'alice' });
	bob = await person({ username: 'bob' });
	const started = await ask('/p2p/conversations', { ...alice.as, body: { otherParticipantId: bob.id } });
	conversation = `/p2p/conversations/${started.body.data.id}`;
});
afterAll(async () => {
	expect(await server.stop()).toBe(0);
	folder[Symbol.dispose]();
});

/** At the same moment, as far as one can. */
const together = <T>(call: (i: number) => Promise<T>): Promise<T[]> =>
	Promise.all(Array.from({ length: times }, (_, i) => call(i)));
const countBy = (answers: Answer[]) => {
	const counts: Record<string, number> = {};
	for (const { status, body } of answers) {
		const outcome = `${status}${body.code ? ` ${body.code}` : ''}`;
		counts[outcome] = (counts[outcome] ?? 0) + 1;
	}
	return counts;
};
const idsOf = (answers: Answer[]) => new Set(answers.map(({ body }: Json) => body.data.id));

test('a username, in whatever case, is taken once', async () => {
	const answers = await together((i) =>
		ask('/users', { body: { resourceId: 'localhost', username: i % 2 ? 'Highlander' : 'HIGHLANDER' } }),
	);
	expect(countBy(answers)).toEqual({ '201': 1, '409 username_taken': times - 1 });
});

test('an external id makes one user', async () => {
	const answers = await together((i) =>
		ask('/users', { key: site.secretKey, body: { username: `customer ${i}`, externalId: 'c-1' } }),
	);
	expect(countBy(answers)).toEqual({ '201': 1, '200': times - 1 });
	expect(idsOf(answers).size).toBe(1);
});

test('an identity token makes one user', async () => {
	const now = seconds(Date.now());
	const claims = { iss: 'localhost', aud: 'chat-identity', sub: 'c-2', iat: now, exp: now + 600 };
	const identityToken = jwt(hs256, claims, site.identitySecret);
	const answers = await together(() => ask('/users/chat-token', { body: { identityToken } }));
	expect(countBy(answers)).toEqual({ '200': times });
	expect(new Set(answers.map(({ body }) => body.data.user.id)).size).toBe(1);
});

test('two users have one conversation, whoever starts it', async () => {
	const [one, two] = [await person({ username: 'one' }), await person({ username: 'two' })];
	const answers = await together((i) =>
		i % 2
			? ask('/p2p/conversations', { ...one.as, body: { otherParticipantId: two.id } })
			: ask('/p2p/conversations', { ...two.as, body: { otherParticipantId: one.id } }),
	);
	expect(countBy(answers)).toEqual({ '201': 1, '200': times - 1 });
	expect(idsOf(answers).size).toBe(1);
});

test('a clientMessageId stores one message', async () => {
	const body = { content: { text: 'once' }, clientMessageId: crypto.randomUUID() };
	const answers = await together(() => ask(`${conversation}/messages`, { ...alice.as, body }));
	expect(countBy(answers)).toEqual({ '201': 1, '200': times - 1 });
	expect(idsOf(answers).size).toBe(1);
});

test('a clientMessageId with fifty different texts stores one of them and refuses the others', async () => {
	const clientMessageId = crypto.randomUUID();
	const answers = await together((i) =>
		ask(`${conversation}/messages`, { ...alice.as, body: { content: { text: `text ${i}` }, clientMessageId } }),
	);
	expect(countBy(answers)).toEqual({ '201': 1, '409 client_message_id_reused': times - 1 });
});

test('the same clientMessageId of two senders is two messages', async () => {
	const body = { content: { text: 'each once' }, clientMessageId: crypto.randomUUID() };
	const answers = await together((i) => ask(`${conversation}/messages`, { ...(i % 2 ? alice : bob).as, body }));
	expect(countBy(answers)).toEqual({ '201': 2, '200': times - 2 });
	expect(idsOf(answers).size).toBe(2);
});

test('messages of fifty senders at once have fifty numbers, without a gap', async () => {
	const before = (await ask(conversation, alice.as)).body.data.messageCount;
	const answers = await together((i) =>
		ask(`${conversation}/messages`, { ...(i % 2 ? alice : bob).as, body: { content: { text: `${i}` } } }),
	);
	const seqs = answers.map(({ body }) => body.data.seq).sort((a, b) => a - b);
	expect(seqs).toEqual(Array.from({ length: times }, (_, i) => before + 1 + i));
	expect((await ask(conversation, alice.as)).body.data.messageCount).toBe(before + times);
});

test('a reaction counts once, and is taken back once', async () => {
	const sent = await ask(`${conversation}/messages`, { ...alice.as, body: { content: { text: 'like me' } } });
	const path = `${conversation}/messages/${sent.body.data.id}/reactions/${encodeURIComponent('❤️')}`;
	expect(countBy(await together(() => ask(path, { ...bob.as, method: 'PUT' })))).toEqual({ '200': times });
	const [shown] = (await ask(`${conversation}/messages?limit=1`, bob.as)).body.data.data;
	expect(shown.reactions).toEqual([{ emoji: '❤️', count: 1, mine: true }]);
	expect(countBy(await together(() => ask(path, { ...bob.as, method: 'DELETE' })))).toEqual({ '200': times });
});

test('an unread message that fifty calls delete no longer counts, and takes no other with it', async () => {
	const [one, two] = [await person({ username: 'three' }), await person({ username: 'four' })];
	const started = await ask('/p2p/conversations', { ...one.as, body: { otherParticipantId: two.id } });
	const path = `/p2p/conversations/${started.body.data.id}`;
	const send = () => ask(`${path}/messages`, { ...one.as, body: { content: { text: 'x' } } });
	await send();
	const { body } = await send();
	const answers = await together(() => ask(`${path}/messages/${body.data.id}`, { ...one.as, method: 'DELETE' }));
	expect(countBy(answers)).toEqual({ '200': times });
	expect(new Set(answers.map((answer) => answer.body.data.deletedAt)).size).toBe(1);
	expect((await ask(path, two.as)).body.data).toMatchObject({ unreadCountP2: 1, messageCount: 2 });
});

test('the claim: of fifty tokens for a new user one works', async () => {
	const { id } = (await ask('/users', { body: { resourceId: 'localhost', username: 'newcomer' } })).body.data;
	const tokens = (await together(() => ask('/users/chat-token', { body: { userId: id } }))).map(
		({ body }) => body.data.chatToken as string,
	);
	expect(new Set(tokens).size).toBe(times);
	const first = await Promise.all(tokens.map((token) => ask('/users/me', { key: site.publishableKey, token })));
	expect(countBy(first)).toEqual({ '200': 1, '401 token_revoked': times - 1 });
	// and the one that works is the one that stays
	const working = tokens[first.findIndex(({ status }) => status === 200)] ?? '';
	expect((await ask('/users/me', { key: site.publishableKey, token: working })).status).toBe(200);
});

test('the claim and the first call: however they fall, one token works in the end', async () => {
	for (let round = 0; round < 5; round++) {
		const username = `racer ${round}`;
		const { id } = (await ask('/users', { body: { resourceId: 'localhost', username } })).body.data;
		const outcomes = await together(async () => {
			const claimed = await ask('/users/chat-token', { body: { userId: id } });
			if (claimed.status !== 200) return { token: null, status: claimed.body.code };
			const token: string = claimed.body.data.chatToken;
			return { token, status: (await ask('/users/me', { key: site.publishableKey, token })).status };
		});
		const inside = outcomes.filter(({ status }) => status === 200).map(({ token }) => token);
		expect(inside.length).toBeLessThanOrEqual(1);
		const after = await Promise.all(
			outcomes
				.filter(({ token }) => token !== null)
				.map(({ token }) => ask('/users/me', { key: site.publishableKey, token: token ?? '' })),
		);
		expect(after.filter(({ status }) => status === 200).length).toBe(1);
		expect((await ask('/users/chat-token', { body: { userId: id } })).status).toBe(401);
	}
});

test('logging out ends the token for everybody who holds it, also in the middle of fifty calls', async () => {
	const leaving = await person({ username: 'leaving' });
	await ask('/users/me', leaving.as);
	let left = false;
	const late: number[] = [];
	await together(async (i) => {
		if (i === times / 2) {
			await ask('/users/me/logout', { ...leaving.as, method: 'POST' });
			left = true;
			return;
		}
		await Bun.sleep(i % 7);
		const after = left;
		const { status } = await ask('/users/me', leaving.as);
		if (after) late.push(status);
	});
	late.push((await ask('/users/me', leaving.as)).status);
	expect(new Set(late)).toEqual(new Set([401]));
});

test('an access link lets one in', async () => {
	const root = await command<{ id: string }>(
		folder.path,
		'user',
		'create',
		'--username',
		'root',
		'--role',
		'superadmin',
	);
	const { chatToken } = await command(folder.path, 'user', 'token', root.id);
	const staff = await person({ username: 'staff one', role: 'staff', email: 'staff@site.com' });
	const as = { key: site.publishableKey, token: chatToken };
	const link = await ask(`/admin/users/${staff.id}/access-link`, { ...as, method: 'POST' });
	const { accessToken } = link.body.data;
	const answers = await together((i) =>
		ask('/auth/access', { body: { accessToken, password: `a fine long one ${i}` } }),
	);
	const counts = countBy(answers);
	// note: only so many passwords are hashed at a time; the rest is told to come back
	expect(counts).toEqual({
		'200': 1,
		'401 invalid_link': expect.any(Number),
		'503 overloaded': expect.any(Number),
	} as Json);
	const winner = answers.findIndex(({ status }) => status === 200);
	const login = (i: number) =>
		ask('/auth/login', {
			body: { resourceId: 'localhost', email: 'staff@site.com', password: `a fine long one ${i}` },
		});
	expect((await login(winner)).status).toBe(200);
	expect((await login(winner === 0 ? 1 : 0)).status).toBe(401);
	for (const { status, headers } of answers) if (status === 503) expect(headers.get('retry-after')).toBe('2');
});

test('the setup link makes one superadmin', async () => {
	const answers = await together((i) =>
		ask('/auth/setup', {
			body: {
				setupToken: site.setupToken,
				resourceId: 'localhost',
				username: `owner ${i}`,
				email: `owner${i}@site.com`,
				password: 'a fine long one',
			},
		}),
	);
	expect(countBy(answers)).toEqual({
		'201': 1,
		'401 invalid_link': expect.any(Number),
		'503 overloaded': expect.any(Number),
	} as Json);
	const users = await command<{ username: string }[]>(folder.path, 'user', 'list', '--limit', '1000');
	expect(users.filter(({ username }) => username.startsWith('owner')).length).toBe(1);
});
