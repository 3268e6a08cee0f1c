import { describe, expect, test } from 'bun:test';
import { Failure, type Outgoing } from '../../src/client/client.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';
import { clientOf, eventually, front, line, live, next, refusal, unhurried, within } from './client-support.ts';

/** What is stored in a conversation, in order. */
const stored = async (t: TestApp, talk: string): Promise<(string | undefined)[]> =>
	(await t.messages('alice', talk, '?limit=100')).data.map(({ content }) => content.text);
const idsOf = (requests: { body: string }[]): string[] =>
	requests.map(({ body }) => JSON.parse(body).clientMessageId as string);

describe('a message', () => {
	test('whose answer is lost is sent again under the same id, and stored once', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		let lost = 0;
		using bad = front(t.listen().url, async (_, pass) => {
			const answer = await pass();
			// the server has stored it, and nobody hears of it
			return lost++ < 2 ? new Response('', { status: 502 }) : answer;
		});
		const message = await clientOf(t, bad.url, 'alice').send(talk, 'once');
		expect(message).toMatchObject({ seq: 1, content: { text: 'once' } });
		expect(await stored(t, talk)).toEqual(['once']);
		expect(bad.requests).toHaveLength(3);
		expect(new Set(idsOf(bad.requests)).size).toBe(1);
	});

	test('keeps its place among those of its conversation, whatever fails, and another conversation does not wait', async () => {
		using t = await createTestApp();
		const [talk, other] = [await t.conversation('alice', 'bob'), await t.conversation('alice', 'carol')];
		let n = 0;
		let held = true;
		using bad = front(t.listen().url, async (request, pass) => {
			if (!request.url.includes(talk)) return pass();
			if (held) return refusal(503, 'storage_unavailable');
			// every second try fails: before it is stored, or after
			n++;
			if (n % 4 === 1) return refusal(503, 'storage_unavailable');
			const answer = await pass();
			return n % 4 === 3 ? new Response('', { status: 502 }) : answer;
		});
		const alice = clientOf(t, bad.url, 'alice');
		const texts = Array.from({ length: 6 }, (_, i) => `message ${i}`);
		const sent = Promise.all(texts.map((text) => alice.send(talk, text)));
		expect(await alice.send(other, 'at once')).toMatchObject({ seq: 1 });
		held = false;
		expect((await within(sent, 'all to be sent')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
		expect(await stored(t, talk)).toEqual(texts);
	});

	test('that the server refuses is thrown, and the next one is sent', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const alice = clientOf(t, t.listen().url, 'alice');
		const refused = alice.send(talk, ' ').catch((error) => error);
		const sent = alice.send(talk, 'something');
		const failure = await refused;
		expect(failure).toBeInstanceOf(Failure);
		expect([failure.code, failure.status]).toEqual(['message_text_invalid', 422]);
		expect((await sent).seq).toBe(1);
		expect(alice.outgoing).toEqual([]);
	});

	test('that comes too soon waits as long as the server asks, even where the line comes back meanwhile', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const times: number[] = [];
		const { url } = t.listen();
		using busy = front(url, (request, pass) => {
			if (!request.url.includes('/messages')) return pass();
			times.push(performance.now());
			return times.length === 1 ? refusal(429, 'rate_limited', { 'retry-after': '1' }) : pass();
		});
		const alice = clientOf(t, busy.url, 'alice', { transport: 'poll' });
		const trouble = next(alice, 'outgoing', ([entry]) => entry?.trouble !== undefined);
		const sent = alice.send(talk, 'patience');
		expect((await trouble)[0]?.trouble).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 });
		await live(alice);
		expect((await sent).seq).toBe(1);
		expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
		expect(times).toHaveLength(2);
	});

	test('written without a line is shown as on its way, and goes out in order once there is one', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		using wire = await line(t.listen().url);
		wire.close(true);
		const alice = clientOf(t, wire.url, 'alice', { transport: 'socket' });
		const slow = unhurried();
		let shown: readonly Outgoing[] = [];
		alice.on('outgoing', (all) => {
			shown = all;
		});
		const sent = Promise.all(['one', 'two', 'three'].map((text) => alice.send(talk, text)));
		await eventually(() => shown[0]?.trouble?.code === 'network', 'trouble');
		expect(shown.map(({ message, conversationId }) => [message.content.text, conversationId])).toEqual([
			['one', talk],
			['two', talk],
			['three', talk],
		]);
		slow[Symbol.dispose]();
		wire.close(false);
		await live(alice);
		expect((await within(sent, 'all to be sent')).map(({ seq }) => seq)).toEqual([1, 2, 3]);
		expect(await stored(t, talk)).toEqual(['one', 'two', 'three']);
		expect([shown, alice.outgoing]).toEqual([[], []]);
	});

	test('goes out as soon as anything else has got through', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		using wire = await line(t.listen().url);
		wire.close(true);
		const alice = clientOf(t, wire.url, 'alice');
		using _ = unhurried();
		const trouble = next(alice, 'outgoing', ([entry]) => entry?.trouble !== undefined);
		const sent = alice.send(talk, 'hello');
		await trouble;
		wire.close(false);
		await alice.me();
		expect((await within(sent, 'it to be sent')).seq).toBe(1);
	});

	test('that meets trouble is given up by close(), whatever it waits for; one that meets none arrives', async () => {
		using t = await createTestApp();
		const [talk, other] = [await t.conversation('alice', 'bob'), await t.conversation('alice', 'carol')];
		let release = () => {};
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		using bad = front(t.listen().url, async (request, pass) => {
			if (request.url.includes(talk)) return refusal(429, 'rate_limited', { 'retry-after': '3600' });
			await held;
			return pass();
		});
		const alice = clientOf(t, bad.url, 'alice');
		const waits = alice.send(talk, 'never').catch((error) => error);
		const behind = alice.send(talk, 'nor this').catch((error) => error);
		const goes = alice.send(other, 'on its way');
		await next(alice, 'outgoing', (all) => all.some(({ trouble }) => trouble));
		alice.close();
		expect(await within(waits, 'to be given up')).toMatchObject({ code: 'rate_limited' });
		expect(await within(behind, 'to be given up')).toMatchObject({ code: 'rate_limited' });
		release();
		expect((await goes).seq).toBe(1);
		expect(alice.outgoing).toEqual([]);
	});

	test('may bring its own id, from an earlier run: it is stored once', async () => {
		using t = await createTestApp();
		const talk = await t.conversation('alice', 'bob');
		const { url } = t.listen();
		const id = '019c8f52-6a3b-7000-8000-2b8f4a1c9d10';
		const first = await clientOf(t, url, 'alice').send(talk, 'kept', id);
		const again = await clientOf(t, url, 'alice').send(talk, 'kept', id);
		expect(again.id).toBe(first.id);
		expect(await stored(t, talk)).toEqual(['kept']);
	});

	test('may be a note on a ticket: the id says which call it is', async () => {
		using t = await createTestApp();
		const { url } = t.listen();
		const ticket = await clientOf(t, url, 'alice').openTicket({ subject: 'Help', initialMessage: 'It is broken' });
		const staff = clientOf(t, url, 'staff');
		expect(await staff.send(ticket.id, { content: { text: 'between us' }, kind: 'note' })).toMatchObject({
			kind: 'note',
			conversationId: ticket.id,
		});
	});
});
