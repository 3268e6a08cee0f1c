import { describe, expect, test } from 'bun:test';
import type { Reader } from '../../src/modules/events/reading.service.ts';
import { authOf, openSocket } from '../support/socket.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** What the log holds for somebody who comes back is sent in pieces; nobody can tell. */

/** Enough to be read in more than one stretch. */
const many = 2_500;
/** chat gives alice and bob a conversation with many messages, and where the log stood before them. */
const chat = async (t: TestApp) => {
	const id = await t.conversation('alice', 'bob');
	const { eventLog, tokens, p2p } = t.services;
	const since = eventLog.cursor();
	const { site, token } = t.person('bob');
	const bob = await tokens.authenticate(site, token);
	const send = (i: number) =>
		p2p.threads.send(bob, id, { content: { text: `message ${i}` }, clientMessageId: `keep-${i}` });
	const sent = await Promise.all(Array.from({ length: many }, (_, i) => send(i)));
	return { id, since, bob, messages: sent.map(({ data }) => data) };
};

describe('somebody who comes back', () => {
	test('is never told of a place in the log before everything up to it', async () => {
		using t = await createTestApp();
		const { since, messages } = await chat(t);
		const socket = await openSocket(t.listen().url);
		socket.say(authOf(t.person('alice'), since));
		await socket.next('ready');
		let last = since;
		let pongs = 0;
		const seqs: number[] = [];
		socket.say({ type: 'ping' });
		for (;;) {
			const frame = await socket.next();
			if (frame.type === 'caught_up') break;
			if (frame.type === 'message.created') {
				last = frame.id;
				seqs.push(frame.data.seq);
			} else if (frame.type === 'pong') {
				expect(frame.cursor).toBe(last);
				pongs++;
				// note: no more than a socket may say at once
				if (pongs < 50) socket.say({ type: 'ping' });
			}
		}
		expect(pongs).toBeGreaterThan(0);
		expect(seqs).toEqual(messages.map(({ seq }) => seq));
	});

	test('has left to them what was read before a text is taken back, before whoever does so is answered', async () => {
		using t = await createTestApp();
		const { id, since, bob, messages } = await chat(t);
		const { eventLog, feed, p2p } = t.services;
		const { pk, site } = t.person('alice');
		let kept = 0;
		let taken = 0;
		let why = '';
		const rested = Promise.withResolvers<void>();
		const reader: Reader = {
			site: site.pk,
			pk,
			role: 'user',
			position: eventLog.idOf(since) ?? -1,
			ended: false,
			take: () => {
				kept++;
				taken++;
				return true;
			},
			flush: () => {
				kept = 0;
			},
			rested: (how) => {
				kept = 0;
				why = how;
				rested.resolve();
			},
		};
		feed.read(reader);
		while (taken === 0) await new Promise((resolve) => setImmediate(resolve));
		expect(taken).toBeLessThan(many);
		await p2p.threads.remove(bob, id, messages.at(-1)?.id ?? '');
		expect(kept).toBe(0);
		// on a fast machine all may have been read before: then what was taken back is told live
		const readBefore = why !== '';
		await rested.promise;
		expect([why, taken]).toEqual(['caught_up', readBefore ? many : many + 1]);
	});
});
