/**
 * `kill -9` at random moments of a busy server, again and again on the same data. What it promised must be there:
 * whatever was answered 201 exactly once, in its place, and the counters right.
 *
 *     KILL_ROUNDS=1000 bun test test/faults/kill.test.ts
 */
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { addSite, type Client, client, type Json, launch, serve, unlimited } from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';

const rounds = Number(process.env.KILL_ROUNDS ?? 40);
/** Of a round with its restart, its checks and its load; several times what one takes. */
const roundMsMax = 2_200;
/** The load lasts a random time up to this. */
const loadMsMax = 350;
/** Between two messages of a writer: the machine is for others too, and what has been sent is looked at again at the end. */
const pauseMsMax = 8;
/** About how long a start takes. */
const startMs = 150;
const usersCount = 6;
/** How many write in a conversation at the same time. */
const writersPerConversation = 2;

/** A message as it was sent; what was answered, once it was. */
interface Sent {
	from: number;
	text: string;
	clientMessageId: string;
	stored: { id: string; seq: number } | null;
}
type SideOfTwo = 0 | 1;
interface Talk {
	id: string;
	/** The users of side one and two. */
	people: [number, number];
	sent: Map<string, Sent>;
	/** The messages in order, as the server last listed them. */
	listed: { id: string; from: number; clientMessageId: string }[];
	/** Up to which seq each side has read, as far as was answered … */
	read: [number, number];
	/** … and what it asked for without an answer. */
	asked: [number | null, number | null];
}

const random = (max: number): number => Math.floor(Math.random() * max);
/** What a call answers, or null when the server died meanwhile. */
const orNull = <T>(promise: Promise<T>): Promise<T | null> => promise.catch(() => null);

test(
	`kill -9 under load, ${rounds} times: nothing that was answered is lost, doubled or out of its place`,
	async () => {
		using folder = tempFolder();
		const { publishableKey: key, secretKey } = await addSite(folder.path, 'site.com');
		const users: { id: string; token: string }[] = [];
		const talks: Talk[] = [];
		let n = 0;
		let recovered = 0;
		let killedInStart = 0;

		const prepare = async (ask: Client) => {
			for (let i = 0; i < usersCount; i++) {
				const { id } = (await ask('/users', { key: secretKey, body: { username: `user${i}` } })).body.data;
				const { chatToken } = (await ask('/users/chat-token', { key: secretKey, body: { userId: id } })).body.data;
				users.push({ id, token: chatToken });
			}
			for (let one = 0; one < usersCount; one++) {
				const two = (one + 1) % usersCount;
				const { status, body } = await ask('/p2p/conversations', {
					key: secretKey,
					body: { participantOne: users[one]?.id, participantTwo: users[two]?.id },
				});
				expect(status).toBe(201);
				const people: [number, number] = [one, two];
				talks.push({ id: body.data.id, people, sent: new Map(), listed: [], read: [0, 0], asked: [null, null] });
			}
		};
		const as = (user: number) => ({ key, token: users[user]?.token ?? '' });
		const send = (ask: Client, talk: Talk, { from, text, clientMessageId }: Sent) =>
			ask(`/p2p/conversations/${talk.id}/messages`, { ...as(from), body: { content: { text }, clientMessageId } });

		/** Writes, repeats and reads until the server is gone. */
		const load = (ask: Client) => {
			let gone = false;
			const write = async (talk: Talk, side: SideOfTwo) => {
				while (!gone) {
					await Bun.sleep(random(pauseMsMax));
					const from = talk.people[side];
					const clientMessageId = crypto.randomUUID();
					const sent: Sent = { from, text: `message ${n++}`, clientMessageId, stored: null };
					talk.sent.set(clientMessageId, sent);
					// now and then a client repeats before it has an answer
					const copies = random(10) === 0 ? 2 : 1;
					const answers = await Promise.all(Array.from({ length: copies }, () => orNull(send(ask, talk, sent))));
					const known = answers.filter((answer) => answer !== null);
					for (const { status, body } of known) {
						expect([200, 201]).toContain(status);
						if (sent.stored) expect(sent.stored).toEqual({ id: body.data.id, seq: body.data.seq });
						sent.stored = { id: body.data.id, seq: body.data.seq };
					}
					expect(known.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
					if (known.length < copies) return;
				}
			};
			const read = async (talk: Talk, side: SideOfTwo) => {
				while (!gone) {
					await Bun.sleep(random(40));
					const { length } = talk.listed;
					const upTo = length === 0 ? 0 : 1 + random(length);
					const message = talk.listed[upTo - 1];
					if (!message) continue;
					talk.asked[side] = upTo;
					const answer = await orNull(
						ask(`/p2p/conversations/${talk.id}/read`, {
							...as(talk.people[side]),
							body: { messageId: message.id },
						}),
					);
					if (!answer) return;
					expect(answer.status).toBe(200);
					talk.read[side] = Math.max(talk.read[side], upTo);
					talk.asked[side] = null;
				}
			};
			const work = talks.flatMap((talk) => [
				...Array.from({ length: writersPerConversation }, (_, i) => write(talk, (i % 2) as SideOfTwo)),
				read(talk, random(2) as SideOfTwo),
			]);
			return async () => {
				gone = true;
				await Promise.all(work);
			};
		};

		/** Repeats what had no answer, and some of what had one; then looks at everything new, and at the counters. */
		const check = async (ask: Client) => {
			for (const talk of talks) {
				const all = [...talk.sent.values()];
				for (const sent of all.filter((item) => item.stored === null)) {
					const { status, body } = await send(ask, talk, sent);
					expect([200, 201]).toContain(status);
					if (status === 200) recovered++;
					sent.stored = { id: body.data.id, seq: body.data.seq };
				}
				for (const sent of all.slice(-2)) {
					const { status, body } = await send(ask, talk, sent);
					expect({ status, id: body.data.id, seq: body.data.seq }).toEqual({ status: 200, ...sent.stored } as Json);
				}
			}
			for (const talk of talks) await checkTalk(ask, talk);
		};
		const checkTalk = async (ask: Client, talk: Talk) => {
			const path = `/p2p/conversations/${talk.id}`;
			const me = as(talk.people[0]);
			for (let more = true; more; ) {
				const last = talk.listed.at(-1);
				// note: without a cursor the first page is the newest, so the first look reads backwards page by page
				const query = last ? `after=${last.id}&limit=100` : 'limit=100';
				const { body } = await ask(`${path}/messages?${query}`, me);
				let found: Json[] = body.data.data;
				while (!last && found[0]?.seq > 1)
					found = [...(await ask(`${path}/messages?before=${found[0].id}&limit=100`, me)).body.data.data, ...found];
				for (const message of found) {
					expect(message.seq).toBe(talk.listed.length + 1);
					const sent = talk.sent.get(message.clientMessageId);
					expect({
						id: message.id,
						seq: message.seq,
						text: message.content.text,
						sender: message.senderId,
					} as Json).toEqual({ ...sent?.stored, text: sent?.text, sender: users[sent?.from ?? -1]?.id });
					const { id, clientMessageId } = message;
					talk.listed.push({ id, from: sent?.from ?? -1, clientMessageId });
				}
				more = body.data.hasMoreAfter;
			}
			// each answered exactly once: as many as were sent, and the same ones
			expect(new Set(talk.listed.map((item) => item.clientMessageId)).size).toBe(talk.listed.length);
			expect(talk.listed.length).toBe(talk.sent.size);

			const { body } = await ask(path, me);
			expect(body.data.messageCount).toBe(talk.listed.length);
			for (const side of [0, 1] as const) {
				const own = talk.listed.findLastIndex((item) => item.from === talk.people[side]) + 1;
				const unreadAfter = (seq: number) =>
					talk.listed.slice(Math.max(own, seq)).filter((item) => item.from !== talk.people[side]).length;
				const asked = talk.asked[side];
				const possible = [talk.read[side], ...(asked === null ? [] : [Math.max(asked, talk.read[side])])];
				const counted: number = side === 0 ? body.data.unreadCountP1 : body.data.unreadCountP2;
				expect(possible.map(unreadAfter)).toContain(counted);
				if (asked !== null && unreadAfter(talk.read[side]) !== counted) talk.read[side] = asked;
				talk.asked[side] = null;
			}
		};

		for (let round = 0; round < rounds; round++) {
			// now and then it is killed while it starts, perhaps in the middle of recovery
			if (round % 8 === 7) {
				const child = launch(folder.path, unlimited);
				await Bun.sleep(random(startMs));
				child.kill('SIGKILL');
				await child.exited;
				killedInStart++;
			}
			await using server = await serve(folder.path, unlimited);
			const ask = client(server.url);
			if (round === 0) await prepare(ask);
			else await check(ask);
			const ended = load(ask);
			await Bun.sleep(20 + random(loadMsMax));
			await server.kill();
			await ended();
		}

		await using server = await serve(folder.path, unlimited);
		await check(client(server.url));
		// the other way in: whole conversations, from the beginning
		const total = talks.reduce((sum, talk) => sum + talk.listed.length, 0);
		for (const talk of talks) {
			const before = talk.listed;
			talk.listed = [];
			await checkTalk(client(server.url), talk);
			expect(talk.listed).toEqual(before);
		}
		expect(await server.stop()).toBe(0);

		using db = new Database(join(folder.path, 'data', 'parley.db'), { readonly: true });
		const one = (sql: string) => db.query(sql).values()[0]?.[0];
		expect(one('pragma integrity_check')).toBe('ok');
		expect(db.query('pragma foreign_key_check').values()).toEqual([]);
		expect(one('select count(*) from messages')).toBe(total);
		expect(one('select sum(messages) from site_days')).toBe(total);
		expect(one("select count(distinct message) from events where type = 'message.created'")).toBe(total);
		expect(one("select count(*) from events where type = 'message.created'")).toBe(total);
		expect(one('select sum(sent_one + sent_two) from conversations')).toBe(total);
		console.log(
			`kill -9: ${rounds} rounds (${killedInStart} in the start), ${total} messages, ${recovered} stored without an answer`,
		);
		expect(total).toBeGreaterThan(rounds * 10);
	},
	rounds * roundMsMax,
);
