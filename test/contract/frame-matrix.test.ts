import { afterAll, describe, expect, test } from 'bun:test';
import type { FailureCode } from '../../src/kernel/errors.ts';
import { clientFrames } from '../../src/realtime/realtime.schema.ts';
import { type Ids, nothing, type Populated, populated } from '../support/populated.ts';
import { signIn } from '../support/socket.ts';
import { type Call, createTestApp, type TestApp } from '../support/test-app.ts';

/**
 * What is done by a frame is refused as the call that does the same refuses it: with the same code and words, and without a
 * trace in the database.
 */

/** The frames by which something is done or seen, with the call that each stands for. */
const acts = {
	message: { method: 'POST', call: '/messages', body: { content: { text: 'hello' }, clientMessageId: 'of-the-test' } },
	read: { method: 'POST', call: '/read', body: {} },
	typing: { method: 'POST', call: '/typing', body: {} },
	watch: { method: 'GET', call: '', body: {} },
} as const satisfies Partial<Record<keyof typeof clientFrames, { method: string; call: string; body: object }>>;
type Act = keyof typeof acts;
const all = Object.keys(acts) as Act[];
const talking: Act[] = ['message', 'typing'];

const callOf = (act: Act, conversation: string, more: object = {}): Omit<Call, 'as'> => {
	const { method, call, body } = acts[act];
	const folder = conversation.startsWith('ticket_') ? '/support/tickets' : '/p2p/conversations';
	const path = `${folder}/${conversation}${call}`;
	return { method, path, ...(method === 'POST' && { body: { ...body, ...more } }) };
};
const frameOf = (act: Act, conversation: string, more: object = {}) => ({
	type: act,
	ref: `of ${act}`,
	conversationId: conversation,
	...acts[act].body,
	...more,
});

/** connect is somebody on a socket. `says` gives the code and words of the error that answers a frame, or null where none does. */
const connect = async (t: TestApp, url: string, as: string) => {
	const socket = await signIn(url, t.person(as));
	await t.written();
	const says = async (frame: ReturnType<typeof frameOf>): Promise<{ code: string; message: string } | null> => {
		socket.say(frame);
		const answers = frame.type === 'typing' ? await socket.quiet() : [];
		for (;;) {
			const answer = frame.type === 'typing' ? answers.shift() : await socket.next();
			if (!answer || (answer.type === 'ack' && answer.ref === frame.ref)) return null;
			if (answer.type === 'error' && answer.ref === frame.ref) return { code: answer.code, message: answer.message };
		}
	};
	return { socket, says };
};

/** A world for all who are refused everything: nothing in it ever changes. */
let common: { t: Populated; url: string } | undefined;
afterAll(() => common?.t[Symbol.dispose]());
const commonWorld = async () => {
	if (common) return common;
	const t = await populated();
	common = { t, url: t.listen().url };
	return common;
};
/** somebody is connected to a world of their own, or to the common one. */
const somebody = async (as: string, own: boolean) => {
	const t = own ? await populated() : (await commonWorld()).t;
	const url = own ? t.listen().url : (await commonWorld()).url;
	const { socket, says } = await connect(t, url, as);
	const leave = async () => {
		// note: waited for, because only so many may be connected at once
		socket.close();
		await socket.ended();
		if (own) t[Symbol.dispose]();
	};
	return { t, socket, says, [Symbol.asyncDispose]: leave };
};

interface Situation {
	as: string;
	on: (t: Populated) => string;
	/** What happens after they have connected. */
	change?: (t: Populated) => Promise<unknown>;
	code: FailureCode;
	/** The acts that are refused; every other one goes well. */
	refused?: Act[];
}
const swapped = (id: string) => id.replace(/^[a-z]+_/, (prefix) => (prefix === 'conv_' ? 'ticket_' : 'conv_'));
const block = (t: Populated, who: string, whom: string) =>
	t.ok({ as: who, method: 'POST', path: `/users/me/blocks/${t.person(whom).id}` });
const situations: Record<string, Situation> = {
	'a chat of others': { as: 'carol', on: (t) => t.settled.own.conversation, code: 'not_found' },
	'a chat of others, for the desk': { as: 'superadmin', on: (t) => t.settled.own.conversation, code: 'not_found' },
	'a chat of another site': { as: 'alice', on: (t) => t.abroad.own.conversation, code: 'not_found' },
	'a chat that is nowhere': { as: 'alice', on: () => nothing.conversation, code: 'not_found' },
	'a chat’s id as a ticket’s': { as: 'alice', on: (t) => swapped(t.settled.own.conversation), code: 'not_found' },
	'a ticket of others': { as: 'bob', on: (t) => t.settled.own.ticket, code: 'not_found' },
	'a ticket of another site, for the desk': { as: 'superadmin', on: (t) => t.abroad.own.ticket, code: 'not_found' },
	'a ticket that is nowhere': { as: 'staff', on: () => nothing.ticket, code: 'not_found' },
	'a ticket’s id as a chat’s': { as: 'alice', on: (t) => swapped(t.settled.own.ticket), code: 'not_found' },
	'a report, below moderators': { as: 'staff', on: (t) => t.settled.report.ticket, code: 'not_found' },
	'a report about oneself': { as: 'admin', on: (t) => t.settled.accusation.ticket, code: 'not_found' },
	'a ticket, once one has left the team': {
		as: 'staff',
		on: (t) => t.settled.own.ticket,
		change: (t) => t.change('staff', { role: 'user' }),
		code: 'not_found',
	},
	'a report, once one is no moderator': {
		as: 'moderator',
		on: (t) => t.settled.report.ticket,
		change: (t) => t.change('moderator', { role: 'staff' }),
		code: 'not_found',
	},
	'a chat with whom one has blocked': {
		as: 'alice',
		on: (t) => t.settled.own.conversation,
		change: (t) => block(t, 'alice', 'bob'),
		code: 'blocked',
		refused: talking,
	},
	'a chat with who has blocked one': {
		as: 'alice',
		on: (t) => t.settled.own.conversation,
		change: (t) => block(t, 'bob', 'alice'),
		code: 'blocked',
		refused: talking,
	},
	'a chat with who may not be written to': {
		as: 'bob',
		on: (t) => t.settled.own.conversation,
		change: (t) => t.change('alice', { role: 'staff', permissions: { canReceiveMessage: false } }),
		code: 'recipient_unavailable',
		refused: talking,
	},
	'a ticket of who may not be written to': {
		as: 'staff',
		on: (t) => t.settled.own.ticket,
		change: (t) => t.change('alice', { role: 'staff', permissions: { canReceiveMessage: false } }),
		code: 'recipient_unavailable',
		refused: talking,
	},
	'a ticket, once one may not send': {
		as: 'staff',
		on: (t) => t.settled.own.ticket,
		change: (t) => t.change('staff', { permissions: { canSendMessage: false } }),
		code: 'permission_missing',
		refused: talking,
	},
	'a chat, once one may not send': {
		as: 'bob',
		on: (t) => t.settled.own.conversation,
		change: (t) => t.change('bob', { role: 'staff', permissions: { canSendMessage: false } }),
		code: 'permission_missing',
		refused: talking,
	},
	'a closed ticket, for its requester': {
		as: 'alice',
		on: (t) => t.settled.own.ticket,
		change: (t) => close(t, t.settled.own),
		code: 'ticket_closed',
		refused: talking,
	},
	'a closed ticket, for the desk': {
		as: 'staff',
		on: (t) => t.settled.own.ticket,
		change: (t) => close(t, t.settled.own),
		code: 'ticket_closed',
		refused: talking,
	},
};
const close = (t: Populated, { ticket }: Ids) =>
	t.ok({ as: 'moderator', method: 'PATCH', path: `/support/tickets/${ticket}`, body: { status: 'closed' } });

test('every frame is tried here, but for those that say who one is and that one is there', () => {
	expect([...all, 'auth', 'ping'].sort()).toEqual(Object.keys(clientFrames).sort());
});

for (const [name, { as, on, change, code, refused = all }] of Object.entries(situations))
	test(`${name}: ${refused.join(', ')} by ${as} ${refused.length > 1 ? 'are' : 'is'} refused by frame as by call`, async () => {
		await using world = await somebody(as, change !== undefined);
		const { t, says } = world;
		await change?.(t);
		await t.written();
		const before = t.snapshot();
		for (const act of refused) {
			const { body } = await t.call({ as, ...callOf(act, on(t)) });
			expect([act, body.code]).toEqual([act, code]);
			expect([act, await says(frameOf(act, on(t)))]).toEqual([act, { code, message: body.message }]);
		}
		await t.written();
		expect(t.snapshot()).toBe(before);
		for (const act of all.filter((each) => !refused.includes(each)))
			expect([act, await says(frameOf(act, on(t)))]).toEqual([act, null]);
	});

/** What a frame says beyond the conversation it is about, and why that is refused. */
const details: Record<
	string,
	{ as: string; act: Act; on: keyof Ids; more: (t: Populated) => object; code: FailureCode }
> = {
	'a note by the requester': {
		as: 'alice',
		act: 'message',
		on: 'ticket',
		more: () => ({ kind: 'note' }),
		code: 'forbidden',
	},
	'an answer to a message of another chat': {
		as: 'alice',
		act: 'message',
		on: 'conversation',
		more: (t) => ({ replyTo: t.settled.peers.message }),
		code: 'reply_to_invalid',
	},
	'an answer to a message of another site': {
		as: 'alice',
		act: 'message',
		on: 'conversation',
		more: (t) => ({ replyTo: t.abroad.own.message }),
		code: 'reply_to_invalid',
	},
	'an answer of the requester to a note': {
		as: 'alice',
		act: 'message',
		on: 'ticket',
		more: (t) => ({ replyTo: t.settled.note.message }),
		code: 'reply_to_invalid',
	},
	'a text of blanks': {
		as: 'alice',
		act: 'message',
		on: 'conversation',
		more: () => ({ content: { text: ' \n\t' } }),
		code: 'message_text_invalid',
	},
	'a text too long': {
		as: 'alice',
		act: 'message',
		on: 'conversation',
		more: () => ({ content: { text: 'x'.repeat(10_001) } }),
		code: 'message_text_invalid',
	},
	'read up to a message of another chat': {
		as: 'alice',
		act: 'read',
		on: 'conversation',
		more: (t) => ({ messageId: t.settled.peers.message }),
		code: 'not_found',
	},
	'read up to a note, by the requester': {
		as: 'alice',
		act: 'read',
		on: 'ticket',
		more: (t) => ({ messageId: t.settled.note.message }),
		code: 'not_found',
	},
	'a note that the requester types': {
		as: 'alice',
		act: 'typing',
		on: 'ticket',
		more: () => ({ note: true }),
		code: 'forbidden',
	},
	'a note typed in a chat': {
		as: 'alice',
		act: 'typing',
		on: 'conversation',
		more: () => ({ note: true }),
		code: 'forbidden',
	},
};
for (const [name, { as, act, on, more, code }] of Object.entries(details))
	test(`${name}: is refused by frame as by call`, async () => {
		await using world = await somebody(as, false);
		const { t, says } = world;
		const before = t.snapshot();
		const id = t.settled.own[on];
		const { body } = await t.call({ as, ...callOf(act, id, more(t)) });
		expect(body.code).toBe(code);
		expect(await says(frameOf(act, id, more(t)))).toEqual({ code, message: body.message });
		await t.written();
		expect(t.snapshot()).toBe(before);
	});

describe('a message by frame', () => {
	test('is the one that was sent by call under its clientMessageId, and the other way round', async () => {
		await using world = await somebody('alice', true);
		const { t, socket } = world;
		const id = t.settled.own.conversation;
		const sent = await t.ok<{ id: string }>({ as: 'alice', ...callOf('message', id) });
		const before = t.snapshot();
		const { ref: _, ...again } = frameOf('message', id);
		socket.say(again);
		expect(await socket.next('ack')).toMatchObject({ ref: 'of-the-test', data: { id: sent.id } });
		const other = { content: { text: 'another' } };
		socket.say({ ...again, ...other });
		const refused = await socket.next('error');
		expect(refused).toMatchObject({ ref: 'of-the-test', code: 'client_message_id_reused' });
		const { body } = await t.call({ as: 'alice', ...callOf('message', id, other) });
		expect([body.code as string, body.message]).toEqual([refused.code, refused.message]);
		expect(t.snapshot()).toBe(before);

		socket.say({ ...again, clientMessageId: 'by-frame' });
		const { data } = await socket.next('ack');
		const repeated = callOf('message', id, { clientMessageId: 'by-frame' });
		const { status, body: stored } = await t.call({ as: 'alice', ...repeated });
		expect([status, stored.data as object]).toEqual([200, data]);
	});
	test('of whom nobody has answered is refused after as many as by call', async () => {
		using t = await createTestApp({ unverifiedMessages: 1 });
		await t.visitor('vic');
		const { says } = await connect(t, t.listen().url, 'vic');
		const id = await t.conversation('vic', 'bob');
		await t.send('vic', id);
		await t.written();
		const before = t.snapshot();
		for (const act of talking) {
			const { body } = await t.call({ as: 'vic', ...callOf(act, id) });
			expect([act, body.code]).toEqual([act, 'reply_awaited']);
			expect([act, await says(frameOf(act, id))]).toEqual([act, { code: 'reply_awaited', message: body.message }]);
		}
		expect(t.snapshot()).toBe(before);
	});
	for (const first of ['call', 'frame'] as const)
		test(`counts with those by call: after a ${first} too many each is refused by the other way too`, async () => {
			using t = await createTestApp({ limits: 'on', messagesPerSecond: 1, messagesBurst: 1, writesPerMinute: 1 });
			const { socket } = await connect(t, t.listen().url, 'alice');
			const id = nothing.conversation;
			const codes: string[] = [];
			for (const act of ['message', 'read'] as const) {
				const byCall = async () => codes.push((await t.call({ as: 'alice', ...callOf(act, id) })).body.code);
				const byFrame = async () => {
					socket.say(frameOf(act, id));
					const error = await socket.next('error');
					codes.push(error.code);
					if (error.code === 'rate_limited') expect(error.retryAfterSeconds).toBeGreaterThan(0);
				};
				for (const way of first === 'call' ? [byCall, byFrame] : [byFrame, byCall]) await way();
			}
			expect(codes).toEqual(['not_found', 'rate_limited', 'not_found', 'rate_limited']);
		});
});

/** What is wrong with the form of a frame. */
const malformed: Record<string, [Act, (t: Populated) => unknown]> = {
	'without content': ['message', () => ({ content: undefined })],
	'of content without text': ['message', () => ({ content: {} })],
	'of an empty text': ['message', () => ({ content: { text: '' } })],
	'of a text that is none': ['message', () => ({ content: { text: 5 } })],
	'of a kind that there is not': ['message', () => ({ kind: 'system' })],
	'of metadata with an object in it': ['message', () => ({ metadata: { a: { b: 1 } } })],
	'of metadata with 21 keys': [
		'message',
		() => ({ metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, i])) }),
	],
	'of metadata with more than 2 KB': ['message', () => ({ metadata: { a: 'x'.repeat(2_100) } })],
	'of a clientMessageId with a blank line': ['message', () => ({ clientMessageId: 'a\nb' })],
	'of a clientMessageId too long': ['message', () => ({ clientMessageId: 'x'.repeat(129) })],
	'of a text with NUL': ['message', () => ({ content: { text: 'a\0b' } })],
	'of a text with half a character': ['message', () => ({ content: { text: 'a\ud800b' } })],
	'of metadata with NUL': ['message', () => ({ metadata: { a: 'a\0b' } })],
	'of metadata with half a character in a name': ['message', () => ({ metadata: { 'a\udc00': 1 } })],
	'of metadata that hides what every object has': ['message', () => ({ metadata: { toString: 'x' } })],
	'with something nested deep': ['message', () => ({ deep: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) })],
	'that answers a number': ['message', () => ({ replyTo: 7 })],
	'up to a number': ['read', () => ({ messageId: 7 })],
	'that is typed perhaps': ['typing', () => ({ typing: 'perhaps' })],
};
test('a frame whose form the call would not take is not taken either', async () => {
	await using world = await somebody('alice', false);
	const { t, says } = world;
	const before = t.snapshot();
	const id = t.settled.own.ticket;
	for (const [name, [act, more]] of Object.entries(malformed)) {
		const wrong = more(t) as object;
		const { status, body } = await t.call({ as: 'alice', ...callOf(act, id, wrong) });
		expect([name, status, body.code]).toEqual([name, 400, 'invalid_request']);
		expect([name, (await says(frameOf(act, id, wrong)))?.code]).toEqual([name, 'invalid_frame']);
	}
	// a call has the conversation in its path
	for (const conversationId of [undefined, null, 5, '', 'x'.repeat(65), ['a']] as string[])
		for (const act of all) {
			// null is nothing to look at any more
			const code = act === 'watch' && conversationId === null ? undefined : 'invalid_frame';
			expect([act, (await says({ ...frameOf(act, id), conversationId }))?.code]).toEqual([act, code]);
		}
	await t.written();
	expect(t.snapshot()).toBe(before);
});
