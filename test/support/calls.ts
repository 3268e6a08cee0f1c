import type { Ids } from './populated.ts';
import type { As, TestApp } from './test-app.ts';

export type Kind = keyof Ids;

/** How a route is called so that it goes well for somebody. */
export interface RouteCall {
	/** For whom; alice unless told. */
	as?: string;
	/** On which user, where it is not bob. */
	on?: string;
	/** What each parameter of the path names; a text in quotes stands for itself. */
	params?: Record<string, Kind | `"${string}"`>;
	query?: (ids: Ids) => string;
	/** `who`: whoever calls, for what each must send of their own. */
	body?: (ids: Ids, who: string) => object;
	/** Query or body name rows: those of another site are not found. */
	refers?: true;
	/** What must be there first. */
	prepare?: (t: TestApp) => Promise<void>;
}

const inChat = { params: { id: 'conversation' } } as const;
const onMessage = { params: { id: 'conversation', messageId: 'message' } } as const;
const inTicket = { params: { id: 'ticket' } } as const;
const onTicketMessage = { params: { id: 'ticket', messageId: 'ticketMessage' } } as const;
const emoji = '"%F0%9F%91%8D"';
const onUser = { params: { id: 'user' } } as const;
const text = () => ({ content: { text: 'How are you?' } });
const upTo = { body: ({ message }: Ids) => ({ messageId: message }), refers: true } as const;
const upToInTicket = { body: ({ ticketMessage }: Ids) => ({ messageId: ticketMessage }), refers: true } as const;
const complaint = () => ({ reason: 'This is an insult.' });
const password = 'correct horse battery';
const newUser = (_: Ids, who: string) => ({ username: `friend ${who}`, resourceId: 'site.com' });

/** Moves every ticket that is there to a status, as the desk does it. */
const moveTickets = (status: string) => async (t: TestApp) => {
	const tickets = t.rows<{ id: string; site: number }>("select id, site from conversations where type = 'support'");
	for (const { id, site } of tickets) {
		const as = site === t.home.pk ? 'superadmin' : 'other.superadmin';
		await t.ok({ as, method: 'PATCH', path: `/support/tickets/${id}`, body: { status } });
	}
};

/** Brings the text index up to now. */
const indexed = (t: TestApp) => t.services.search.catchUp();

/** Every route of the API by method and path (under /api/v1), some in further forms: `route (what it names)`. */
export const calls: Record<string, RouteCall> = {
	'POST /users': { body: newUser },
	'POST /users (of no named site)': { body: (_, who) => ({ username: `friend ${who}` }) },
	'POST /users (of the team)': { as: 'server', body: (ids, who) => ({ ...newUser(ids, who), role: 'staff' }) },
	'POST /users (with an external id)': {
		as: 'server',
		body: (ids, who) => ({ ...newUser(ids, who), externalId: who }),
	},
	'POST /users/chat-token': { as: 'server', body: ({ user }) => ({ userId: user }) },
	'POST /auth/login': {
		body: () => ({ resourceId: 'site.com', email: 'stan@site.com', password }),
		prepare: async (t) => {
			await t.services.passwords.setByOperator(t.person('staff').id, password, 'stan@site.com');
			await t.renew('staff');
		},
	},
	'POST /auth/setup': {
		body: () => ({ setupToken: 'setup_x', resourceId: 'site.com', username: 'root', email: 'root@site.com', password }),
	},
	'POST /auth/access': { body: () => ({ accessToken: 'access_x', email: 'root@site.com', password }) },

	'GET /widget-config': { as: 'key' },

	'GET /users/me': {},
	'PATCH /users/me': { body: () => ({ displayName: 'Alice' }) },
	'DELETE /users/me': {},
	'GET /users/me/export': {},
	'POST /users/me/logout': {},
	'POST /users/me/password': {
		as: 'staff',
		body: () => ({ currentPassword: password, newPassword: 'staple battery horse' }),
		prepare: async (t) => {
			await t.services.passwords.setByOperator(t.person('staff').id, password, 'stan@site.com');
			await t.renew('staff');
		},
	},
	'GET /users/me/blocks': {},
	'POST /users/me/blocks/{userId}': { params: { userId: 'user' } },
	'DELETE /users/me/blocks/{userId}': { params: { userId: 'user' } },
	'GET /users/lookup': { query: ({ username }) => `?username=${encodeURIComponent(username)}`, refers: true },
	'GET /users/search': { query: ({ username }) => `?q=${encodeURIComponent(username)}` },
	'GET /users/{id}': onUser,
	'POST /users/{id}/report': { ...onUser, body: complaint },

	'POST /p2p/conversations': { body: ({ user }) => ({ otherParticipantId: user }), refers: true },
	'POST /p2p/conversations (by external id)': {
		as: 'bob',
		body: ({ externalId }) => ({ otherExternalId: externalId }),
	},
	'POST /p2p/conversations (of two others)': {
		as: 'server',
		body: ({ user, reader }) => ({ participantOne: reader, participantTwo: user }),
	},
	'POST /p2p/conversations (of two others, the other way round)': {
		as: 'server',
		body: ({ user, reader }) => ({ participantOne: user, participantTwo: reader }),
	},
	'GET /p2p/conversations': {},
	'GET /p2p/unread-count': {},
	'GET /p2p/conversations/{id}': inChat,
	'POST /p2p/conversations/{id}/archive': inChat,
	'POST /p2p/conversations/{id}/unarchive': inChat,
	'POST /p2p/conversations/{id}/messages': { ...inChat, body: text },
	'POST /p2p/conversations/{id}/messages (replyTo)': {
		...inChat,
		body: ({ message }) => ({ ...text(), replyTo: message }),
	},
	'GET /p2p/conversations/{id}/messages': inChat,
	'GET /p2p/conversations/{id}/messages (before)': { ...inChat, query: ({ message }) => `?before=${message}` },
	'GET /p2p/conversations/{id}/messages (after)': { ...inChat, query: ({ message }) => `?after=${message}` },
	'GET /p2p/conversations/{id}/messages (around)': { ...inChat, query: ({ message }) => `?around=${message}` },
	'PATCH /p2p/conversations/{id}/messages/{messageId}': { ...onMessage, body: text },
	'DELETE /p2p/conversations/{id}/messages/{messageId}': onMessage,
	'POST /p2p/conversations/{id}/read': { ...inChat, ...upTo },
	'POST /p2p/conversations/{id}/unread': { ...inChat, ...upTo },
	'POST /p2p/conversations/{id}/typing': { ...inChat, body: () => ({ typing: true }) },
	'PUT /p2p/conversations/{id}/messages/{messageId}/reactions/{emoji}': { params: { ...onMessage.params, emoji } },
	'DELETE /p2p/conversations/{id}/messages/{messageId}/reactions/{emoji}': { params: { ...onMessage.params, emoji } },
	'POST /p2p/conversations/{id}/messages/{messageId}/report': { as: 'bob', ...onMessage, body: complaint },

	'POST /support/tickets': { body: () => ({ subject: 'A question', initialMessage: 'Need help' }) },
	'POST /support/tickets (followsTicketId)': {
		body: ({ ticket }) => ({ subject: 'A question', initialMessage: 'Need help', followsTicketId: ticket }),
		prepare: moveTickets('closed'),
	},
	'GET /support/tickets': {},
	'GET /support/tickets (of an assignee)': { as: 'staff', query: () => '?mine=assigned' },
	'GET /support/unread-count': {},
	'GET /support/tickets/{id}': inTicket,
	'PATCH /support/tickets/{id}': { ...inTicket, body: () => ({ status: 'closed' }) },
	'PATCH /support/tickets/{id} (priority)': { as: 'staff', ...inTicket, body: () => ({ priority: 'high' }) },
	'PATCH /support/tickets/{id} (assigneeId)': {
		as: 'staff',
		on: 'staff',
		...inTicket,
		body: ({ user }) => ({ assigneeId: user }),
	},
	'POST /support/tickets/{id}/rating': {
		...inTicket,
		body: () => ({ score: 5, comment: 'Quick.' }),
		prepare: moveTickets('resolved'),
	},
	'GET /support/tickets/{id}/history': { as: 'staff', ...inTicket },
	'POST /support/tickets/{id}/messages': { ...inTicket, body: text },
	'POST /support/tickets/{id}/messages (note)': { as: 'staff', ...inTicket, body: () => ({ ...text(), kind: 'note' }) },
	'POST /support/tickets/{id}/messages (replyTo)': {
		...inTicket,
		body: ({ ticketMessage }) => ({ ...text(), replyTo: ticketMessage }),
	},
	'GET /support/tickets/{id}/messages': inTicket,
	'GET /support/tickets/{id}/messages (around)': {
		...inTicket,
		query: ({ ticketMessage }) => `?around=${ticketMessage}`,
	},
	'PATCH /support/tickets/{id}/messages/{messageId}': { ...onTicketMessage, body: text },
	'DELETE /support/tickets/{id}/messages/{messageId}': onTicketMessage,
	'POST /support/tickets/{id}/read': { ...inTicket, ...upToInTicket },
	'POST /support/tickets/{id}/unread': { ...inTicket, ...upToInTicket },
	'POST /support/tickets/{id}/typing': { ...inTicket, body: () => ({ typing: true }) },
	'POST /support/tickets/{id}/typing (note)': { as: 'staff', ...inTicket, body: () => ({ note: true }) },
	'PUT /support/tickets/{id}/messages/{messageId}/reactions/{emoji}': { params: { ...onTicketMessage.params, emoji } },
	'DELETE /support/tickets/{id}/messages/{messageId}/reactions/{emoji}': {
		params: { ...onTicketMessage.params, emoji },
	},
	'POST /support/tickets/{id}/messages/{messageId}/report': { as: 'staff', ...onTicketMessage, body: complaint },

	'GET /realtime': {},
	'GET /events': { query: ({ cursor }) => `?since=${cursor}&limit=500` },
	'GET /events (from now on)': {},

	'GET /admin/conversations': { as: 'staff' },
	'GET /admin/conversations (of a user)': { as: 'admin', query: ({ user }) => `?userId=${user}` },
	'GET /admin/conversations (search)': { as: 'staff', query: () => '?q=answer', prepare: indexed },
	'GET /admin/conversations/{id}': { as: 'staff', ...inChat },
	'GET /admin/conversations/{id}/messages': { as: 'staff', ...inChat },
	'GET /admin/conversations/{id}/messages (around)': {
		as: 'staff',
		...inChat,
		query: ({ message }) => `?around=${message}`,
	},
	'GET /admin/users/{id}/conversations': { as: 'admin', ...onUser },
	'GET /admin/stats': { as: 'staff' },
	'GET /admin/tickets': { as: 'staff' },
	'GET /admin/tickets (of an assignee)': { as: 'staff', query: ({ user }) => `?assignee=${user}` },
	'GET /admin/tickets (search)': { as: 'staff', query: () => '?q=told', prepare: indexed },
	'POST /admin/tickets/bulk': {
		as: 'staff',
		body: ({ ticket }) => ({ ids: [ticket], changes: { priority: 'high' } }),
	},
	'GET /admin/users': { as: 'staff' },
	'GET /admin/users (search)': { as: 'staff', query: ({ user }) => `?q=${user}` },
	'GET /admin/users/{id}': { as: 'staff', ...onUser },
	'PATCH /admin/users/{id}': { as: 'moderator', ...onUser, body: () => ({ suspended: true }) },
	'DELETE /admin/users/{id}': { as: 'admin', ...onUser },
	'GET /admin/users/{id}/export': { as: 'admin', ...onUser },
	'POST /admin/users/{id}/revoke-tokens': { as: 'admin', ...onUser },
	'POST /admin/users/{id}/access-link': { as: 'admin', on: 'staff', ...onUser },
	'GET /admin/reports': { as: 'moderator' },
	'POST /admin/reports/{id}': {
		as: 'moderator',
		params: { id: 'report' },
		body: () => ({ status: 'upheld' }),
	},
	'POST /admin/messages/{id}/ticket': { as: 'staff', params: { id: 'message' }, body: () => ({}) },
	'GET /admin/audit': { as: 'admin' },
	'GET /admin/audit (of a target)': { as: 'admin', query: ({ ticket }) => `?target=${ticket}` },
	'GET /admin/site': { as: 'admin' },
	'PATCH /admin/site': { as: 'admin', body: () => ({ autoCloseDays: 9 }) },
	'GET /admin/keys': { as: 'superadmin' },
	'POST /admin/keys': { as: 'superadmin', body: () => ({ kind: 'secret', label: 'shop server' }) },
	'DELETE /admin/keys/{id}': { as: 'superadmin', params: { id: 'key' } },
	'GET /admin/canned-replies': { as: 'staff' },
	'POST /admin/canned-replies': {
		as: 'moderator',
		body: (_, who) => ({ shortcut: `new-${who}`, text: 'Thank you for writing.' }),
	},
	'PATCH /admin/canned-replies/{id}': { as: 'moderator', params: { id: 'canned' }, body: () => ({ text: 'Thanks.' }) },
	'DELETE /admin/canned-replies/{id}': { as: 'moderator', params: { id: 'canned' } },
};

/** The route of a call: its name without what it says of its form. */
export const routeOf = (name: string): string => name.replace(/ \(.*\)$/, '');

/** callOf makes a call on some rows; `named` are those that its query or body names. */
export const callOf = (name: string, ids: Ids, { named = ids, who = '' }: { named?: Ids; who?: string } = {}) => {
	const { params = {}, query, body } = calls[name] ?? {};
	const [method = '', path = ''] = routeOf(name).split(' ');
	const filled = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
		const kind = params[parameter];
		if (kind === undefined) throw new Error(`${name}: what does {${parameter}} name?`);
		return kind.startsWith('"') ? kind.slice(1, -1) : ids[kind as Kind];
	});
	return { method, path: filled + (query?.(named) ?? ''), ...(body && { body: body(named, who) }) };
};

/** Who calls, under the names of the table of rights. */
export const callers = {
	nobody: 'nobody',
	key: 'key',
	server: 'server',
	owner: 'alice',
	peer: 'bob',
	stranger: 'carol',
	staff: 'staff',
	moderator: 'moderator',
	admin: 'admin',
	superadmin: 'superadmin',
	abroad: 'other.admin',
} as const satisfies Record<string, As>;
