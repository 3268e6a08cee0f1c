import { expect, test } from 'bun:test';
import type { Message, MessagePage } from '../../src/modules/messaging/messaging.schema.ts';
import type { Populated } from '../support/populated.ts';
import type { Call, TestApp } from '../support/test-app.ts';
import { createWorlds } from '../support/worlds.ts';
import { acts, type Permission, type Rank, towards } from './policy.ts';

const permissions: Permission[] = [
	'canSendMessage',
	'canReceiveMessage',
	'canDeleteMessage',
	'canEditMessage',
	'canArchiveConversation',
];
const ranks: Rank[] = ['user', 'staff', 'moderator', 'admin', 'superadmin'];
/** Who plays somebody of each rank, and who of the desk answers them. */
const players: Record<Rank, string> = {
	user: 'carol',
	staff: 'staff',
	moderator: 'moderator',
	admin: 'admin',
	superadmin: 'superadmin',
};
const partnerOf = (rank: Rank) => (rank === 'superadmin' ? 'admin' : 'superadmin');
const only = (on: Permission[]) => Object.fromEntries(permissions.map((flag) => [flag, on.includes(flag)]));
const allBut = (off: Permission) => only(permissions.filter((flag) => flag !== off));

/** What the player has before they lose a permission. */
interface Stage {
	chat: string;
	/** What the player wrote, and what bob wrote to them. */
	mine: string;
	his: string;
	/** The player's ticket, their first message in it, and the desk's answer. */
	ticket: string;
	first: string;
	answered: string;
	resolved: string;
	/** In alice's ticket, where the player is of the desk. */
	answer: string;
	note: string;
}
const stages = new WeakMap<TestApp, Stage>();

const setters = Object.fromEntries(
	ranks.map((rank) => [
		rank,
		async (t: TestApp) => {
			const me = players[rank];
			const settled = (t as Populated).settled.own;
			await t.change(me, { externalId: 'of the player' });
			const post = (as: string, path: string, body: object) =>
				t.ok<Message>({ as, method: 'POST', path, body }).then(({ id }) => id);
			const write = (as: string, ticket: string, more: object = {}) =>
				post(as, `/support/tickets/${ticket}/messages`, { content: { text: 'hello' }, ...more });
			const chat = await t.conversation(me, 'bob');
			const mine = (await t.send(me, chat)).id;
			const his = (await t.send('bob', chat)).id;
			const open = { subject: 'A question', initialMessage: 'Need help' };
			const ticket = await post(me, '/support/tickets', open);
			const answered = await write(partnerOf(rank), ticket);
			const { data } = await t.ok<MessagePage>({ as: me, path: `/support/tickets/${ticket}/messages` });
			const resolved = await post(me, '/support/tickets', open);
			const path = `/support/tickets/${resolved}`;
			await t.ok({ as: partnerOf(rank), method: 'PATCH', path, body: { status: 'resolved' } });
			const isDesk = rank !== 'user';
			stages.set(t, {
				chat,
				mine,
				his,
				ticket,
				first: data[0]?.id ?? '',
				answered,
				resolved,
				answer: isDesk ? await write(me, settled.ticket) : '',
				note: isDesk ? await write(me, settled.ticket, { kind: 'note' }) : '',
			});
		},
	]),
) as Record<Rank, (t: TestApp) => Promise<void>>;

const text = { content: { text: 'once more' } };
const reaction = 'reactions/%F0%9F%91%8D';
const complaint = { reason: 'This is an insult.' };

/** How each act is done. */
const doing: Record<string, (t: Populated, on: Stage) => Omit<Call, 'as'>> = {
	'starts a chat': (t) => ({
		method: 'POST',
		path: '/p2p/conversations',
		body: { otherParticipantId: t.person('dora').id },
	}),
	'opens a chat that is there': (t) => ({
		method: 'POST',
		path: '/p2p/conversations',
		body: { otherParticipantId: t.person('bob').id },
	}),
	'writes in a chat': (_, { chat }) => ({ method: 'POST', path: `/p2p/conversations/${chat}/messages`, body: text }),
	'edits in a chat': (_, { chat, mine }) => ({
		method: 'PATCH',
		path: `/p2p/conversations/${chat}/messages/${mine}`,
		body: text,
	}),
	'deletes in a chat': (_, { chat, mine }) => ({
		method: 'DELETE',
		path: `/p2p/conversations/${chat}/messages/${mine}`,
	}),
	'deletes what the other wrote in a chat': (_, { chat, his }) => ({
		method: 'DELETE',
		path: `/p2p/conversations/${chat}/messages/${his}`,
	}),
	'deletes in a chat of two others': ({ settled: { own } }) => ({
		method: 'DELETE',
		path: `/p2p/conversations/${own.conversation}/messages/${own.message}`,
	}),
	'reacts in a chat': (_, { chat, his }) => ({
		method: 'PUT',
		path: `/p2p/conversations/${chat}/messages/${his}/${reaction}`,
	}),
	'takes a reaction back in a chat': (_, { chat, his }) => ({
		method: 'DELETE',
		path: `/p2p/conversations/${chat}/messages/${his}/${reaction}`,
	}),
	'reports a message of a chat': (_, { chat, his }) => ({
		method: 'POST',
		path: `/p2p/conversations/${chat}/messages/${his}/report`,
		body: complaint,
	}),
	'reports a user': (t) => ({ method: 'POST', path: `/users/${t.person('bob').id}/report`, body: complaint }),
	'archives a chat': (_, { chat }) => ({ method: 'POST', path: `/p2p/conversations/${chat}/archive` }),
	'brings a chat back': (_, { chat }) => ({ method: 'POST', path: `/p2p/conversations/${chat}/unarchive` }),
	'reads a chat': (_, { chat }) => ({ path: `/p2p/conversations/${chat}/messages` }),
	'marks a chat read': (_, { chat }) => ({ method: 'POST', path: `/p2p/conversations/${chat}/read`, body: {} }),
	'marks a chat unread': (_, { chat, his }) => ({
		method: 'POST',
		path: `/p2p/conversations/${chat}/unread`,
		body: { messageId: his },
	}),
	'types in a chat': (_, { chat }) => ({ method: 'POST', path: `/p2p/conversations/${chat}/typing`, body: {} }),
	'opens a ticket': () => ({
		method: 'POST',
		path: '/support/tickets',
		body: { subject: 'Another', initialMessage: 'Need help' },
	}),
	'writes in a ticket of their own': (_, { ticket }) => ({
		method: 'POST',
		path: `/support/tickets/${ticket}/messages`,
		body: text,
	}),
	'edits in a ticket of their own': (_, { ticket, first }) => ({
		method: 'PATCH',
		path: `/support/tickets/${ticket}/messages/${first}`,
		body: text,
	}),
	'deletes in a ticket of their own': (_, { ticket, first }) => ({
		method: 'DELETE',
		path: `/support/tickets/${ticket}/messages/${first}`,
	}),
	'reacts in a ticket of their own': (_, { ticket, answered }) => ({
		method: 'PUT',
		path: `/support/tickets/${ticket}/messages/${answered}/${reaction}`,
	}),
	'reports an answer of the desk': (_, { ticket, answered }) => ({
		method: 'POST',
		path: `/support/tickets/${ticket}/messages/${answered}/report`,
		body: complaint,
	}),
	'rates a ticket': (_, { resolved }) => ({
		method: 'POST',
		path: `/support/tickets/${resolved}/rating`,
		body: { score: 5 },
	}),
	'closes a ticket of their own': (_, { ticket }) => ({
		method: 'PATCH',
		path: `/support/tickets/${ticket}`,
		body: { status: 'closed' },
	}),
	'types in a ticket of their own': (_, { ticket }) => ({
		method: 'POST',
		path: `/support/tickets/${ticket}/typing`,
		body: {},
	}),
	'reads what has happened': ({ settled: { own } }) => ({ path: `/events?since=${own.cursor}` }),
	'answers a ticket': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/support/tickets/${own.ticket}/messages`,
		body: text,
	}),
	'writes a note': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/support/tickets/${own.ticket}/messages`,
		body: { ...text, kind: 'note' },
	}),
	'edits an answer': ({ settled: { own } }, { answer }) => ({
		method: 'PATCH',
		path: `/support/tickets/${own.ticket}/messages/${answer}`,
		body: text,
	}),
	'edits a note': ({ settled: { own } }, { note }) => ({
		method: 'PATCH',
		path: `/support/tickets/${own.ticket}/messages/${note}`,
		body: text,
	}),
	'deletes an answer': ({ settled: { own } }, { answer }) => ({
		method: 'DELETE',
		path: `/support/tickets/${own.ticket}/messages/${answer}`,
	}),
	'deletes a note': ({ settled: { own } }, { note }) => ({
		method: 'DELETE',
		path: `/support/tickets/${own.ticket}/messages/${note}`,
	}),
	'deletes what the requester wrote': ({ settled: { own } }) => ({
		method: 'DELETE',
		path: `/support/tickets/${own.ticket}/messages/${own.ticketMessage}`,
	}),
	'reacts to the requester': ({ settled: { own } }) => ({
		method: 'PUT',
		path: `/support/tickets/${own.ticket}/messages/${own.ticketMessage}/${reaction}`,
	}),
	'reacts to a note': ({ settled: { own } }, { note }) => ({
		method: 'PUT',
		path: `/support/tickets/${own.ticket}/messages/${note}/${reaction}`,
	}),
	'takes a reaction to the requester back': ({ settled: { own } }) => ({
		method: 'DELETE',
		path: `/support/tickets/${own.ticket}/messages/${own.ticketMessage}/${reaction}`,
	}),
	'types to the requester': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/support/tickets/${own.ticket}/typing`,
		body: {},
	}),
	'types a note': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/support/tickets/${own.ticket}/typing`,
		body: { note: true },
	}),
	'reports what the requester wrote': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/support/tickets/${own.ticket}/messages/${own.ticketMessage}/report`,
		body: complaint,
	}),
	'makes a ticket of a message': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/admin/messages/${own.message}/ticket`,
		body: { subject: 'Told to the user' },
	}),
	'reads a ticket': ({ settled: { own } }) => ({ path: `/admin/conversations/${own.ticket}/messages` }),
	'changes a ticket': ({ settled: { own } }) => ({
		method: 'PATCH',
		path: `/support/tickets/${own.ticket}`,
		body: { priority: 'high' },
	}),
	'changes many tickets': ({ settled: { own } }) => ({
		method: 'POST',
		path: '/admin/tickets/bulk',
		body: { ids: [own.ticket], changes: { priority: 'high' } },
	}),
	'opens a chat of two others': ({ settled: { own } }) => ({ path: `/admin/conversations/${own.conversation}` }),
	'decides a report': ({ settled: { own } }) => ({
		method: 'POST',
		path: `/admin/reports/${own.report}`,
		body: { status: 'upheld' },
	}),
};

const worldFor = createWorlds();
const stageOf = async (rank: Rank) => {
	const { t, undo } = await worldFor(setters[rank]);
	return { t, undo, on: stages.get(t) as Stage, me: players[rank] };
};
/** The two ways in which a user calls: with a token, and by the site's server, which acts as them. */
const ways = (t: Populated, me: string): Pick<Call, 'as' | 'headers'>[] => [
	{ as: me },
	{ as: 'server', headers: { 'x-act-as': t.person(me).id } },
];

test('every act that the table of permissions has is tried', () => {
	expect(Object.keys(doing)).toEqual(Object.keys(acts));
});

for (const rank of ranks)
	for (const [act, { least, needs }] of Object.entries(acts)) {
		if (ranks.indexOf(rank) < ranks.indexOf(least)) continue;
		const isDesk = rank !== 'user';
		const what = needs.length === 0 ? 'with no permission at all' : `with ${needs.join(' and ')} alone`;

		test(`a ${rank} ${act} ${isDesk ? what : 'whatever permissions are stored'}`, async () => {
			const { t, undo, on, me } = await stageOf(rank);
			for (const way of ways(t, me))
				try {
					await t.change(me, { permissions: only(isDesk ? needs : []) });
					const { status, body } = await t.call({ ...way, ...doing[act]?.(t, on) } as Call);
					expect({ status, code: body.code }).toEqual({ status: status === 201 ? 201 : 200, code: undefined as never });
				} finally {
					await undo();
				}
		});
		for (const flag of isDesk ? needs : [])
			test(`no ${rank} without ${flag} ${act}`, async () => {
				const { t, undo, on, me } = await stageOf(rank);
				try {
					await t.change(me, { permissions: allBut(flag) });
					const before = t.snapshot();
					for (const way of ways(t, me)) {
						const [status, code] = await t.refused({ ...way, ...doing[act]?.(t, on) } as Call);
						expect({ way, status, code }).toEqual({ way, status: 403, code: 'permission_missing' });
						expect(t.snapshot()).toBe(before);
					}
				} finally {
					await undo();
				}
			});
	}

/** What another does towards the player; bob in the chat, the desk in the ticket. */
const reaching: Record<string, (t: Populated, on: Stage, me: string, rank: Rank) => Call> = {
	'starts a chat with them': (t, _, me) => ({
		as: 'dora',
		method: 'POST',
		path: '/p2p/conversations',
		body: { otherParticipantId: t.person(me).id },
	}),
	'starts a chat with them by their external id': () => ({
		as: 'dora',
		method: 'POST',
		path: '/p2p/conversations',
		body: { otherExternalId: 'of the player' },
	}),
	'as the server, starts a chat for them': (t, _, me) => ({
		as: 'server',
		method: 'POST',
		path: '/p2p/conversations',
		body: { participantOne: t.person(me).id, participantTwo: t.person('dora').id },
	}),
	'as the server, starts a chat with them': (t, _, me) => ({
		as: 'server',
		method: 'POST',
		path: '/p2p/conversations',
		body: { participantOne: t.person('dora').id, participantTwo: t.person(me).id },
	}),
	'writes to them in a chat': (_, { chat }) => ({
		as: 'bob',
		method: 'POST',
		path: `/p2p/conversations/${chat}/messages`,
		body: text,
	}),
	'answers their ticket': (_, { ticket }, __, rank) => ({
		as: partnerOf(rank),
		method: 'POST',
		path: `/support/tickets/${ticket}/messages`,
		body: text,
	}),
	'types to them in a chat': (_, { chat }) => ({
		as: 'bob',
		method: 'POST',
		path: `/p2p/conversations/${chat}/typing`,
		body: {},
	}),
	'types in their ticket': (_, { ticket }, __, rank) => ({
		as: partnerOf(rank),
		method: 'POST',
		path: `/support/tickets/${ticket}/typing`,
		body: {},
	}),
	'opens the chat that is there': (t, _, me) => ({
		as: 'bob',
		method: 'POST',
		path: '/p2p/conversations',
		body: { otherParticipantId: t.person(me).id },
	}),
	'edits what they wrote to them': (_, { chat, his }) => ({
		as: 'bob',
		method: 'PATCH',
		path: `/p2p/conversations/${chat}/messages/${his}`,
		body: text,
	}),
	'reacts to what they wrote': (_, { chat, mine }) => ({
		as: 'bob',
		method: 'PUT',
		path: `/p2p/conversations/${chat}/messages/${mine}/${reaction}`,
	}),
	'writes a note on their ticket': (_, { ticket }, __, rank) => ({
		as: partnerOf(rank),
		method: 'POST',
		path: `/support/tickets/${ticket}/messages`,
		body: { ...text, kind: 'note' },
	}),
	'types a note on their ticket': (_, { ticket }, __, rank) => ({
		as: partnerOf(rank),
		method: 'POST',
		path: `/support/tickets/${ticket}/typing`,
		body: { note: true },
	}),
};

test('every way towards somebody that the table has is tried', () => {
	expect(Object.keys(reaching)).toEqual(Object.keys(towards));
});

for (const rank of ranks)
	for (const [act, { reaches }] of Object.entries(towards)) {
		const may = reaches || rank === 'user';
		test(`${may ? 'whoever' : 'nobody'} ${act}, with a ${rank} without canReceiveMessage`, async () => {
			const { t, undo, on, me } = await stageOf(rank);
			try {
				await t.change(me, { permissions: allBut('canReceiveMessage') });
				const before = t.snapshot();
				const { status, body } = await t.call(reaching[act]?.(t, on, me, rank) as Call);
				if (may) expect([status < 300, body.code]).toEqual([true, undefined as never]);
				else {
					expect([status, body.code]).toEqual([403, 'recipient_unavailable']);
					expect(t.snapshot()).toBe(before);
				}
			} finally {
				await undo();
			}
		});
	}
