import type { TextWord } from '../support/populated.ts';

/**
 * Who may do what, as the contract has it, written out by hand: nothing here is taken from the source, which is what it is
 * held against.
 */

/** Who calls: the columns of the table. `server` is the secret key alone; `abroad` an admin of another site. */
export const columns = [
	'nobody',
	'key',
	'server',
	'owner',
	'peer',
	'stranger',
	'staff',
	'moderator',
	'admin',
	'superadmin',
	'abroad',
] as const;
export type Column = (typeof columns)[number];

/** The words of the table: a status that is a success, or a refusal with its status and code. */
export const words: Record<string, { status: number; code?: string }> = {
	200: { status: 200 },
	201: { status: 201 },
	/** Answered, and nothing was done: what was named is not there for the caller. */
	0: { status: 200 },
	'-': { status: 404, code: 'not_found' },
	k: { status: 401, code: 'key_required' },
	t: { status: 401, code: 'token_required' },
	u: { status: 401, code: 'user_token_required' },
	f: { status: 403, code: 'forbidden' },
	proof: { status: 401, code: 'identity_proof_required' },
	link: { status: 401, code: 'invalid_link' },
	site: { status: 401, code: 'wrong_site' },
	bad: { status: 400, code: 'invalid_request' },
	socket: { status: 426, code: 'upgrade_required' },
	vouch: { status: 403, code: 'proof_required' },
	last: { status: 409, code: 'last_superadmin' },
	twice: { status: 409, code: 'report_exists' },
	unset: { status: 422, code: 'password_not_set' },
	desk: { status: 422, code: 'desk_only' },
	self: { status: 422, code: 'conversation_with_self' },
	block: { status: 422, code: 'block_impossible' },
	reply: { status: 422, code: 'reply_to_invalid' },
	cursor: { status: 422, code: 'cursor_invalid' },
	report: { status: 422, code: 'report_impossible' },
	follow: { status: 422, code: 'follow_up_invalid' },
	assign: { status: 422, code: 'assignee_invalid' },
	source: { status: 422, code: 'message_not_usable' },
};

/** What a call is tried on: the lines of the table. */
export type Target =
	/** What the owner has: a chat with the peer, a message in it, a ticket; and what the desk has made. */
	| 'own'
	/** What the peer has beside: a chat with another, a ticket, a report of the admin; the peer as a user. */
	| 'peer'
	/** The peer's message in the owner's chat; the answer of the desk (staff) in the owner's ticket. */
	| 'reply'
	/** The desk's note (staff's) in the owner's ticket. */
	| 'note'
	/** The ticket of the owner's report of the peer; staff as a user. */
	| 'report'
	/** What it keeps of the reported message. */
	| 'evidence'
	/** The ticket of the peer's report of the admin; the admin as a user. */
	| 'accusation'
	/** A member of the team (staff) as a user. */
	| 'colleague'
	/** A ticket's id where a chat's is asked for, and a chat's for a ticket's. */
	| 'swapped'
	/** The owner's chat and ticket with a message of the peer's other one. */
	| 'stray'
	/** The owner's chat and ticket with a message or user of another site. */
	| 'smuggled'
	/** The owner's chat and ticket with a message or user that is nowhere. */
	| 'unknown'
	/** Everything of another site. */
	| 'foreign'
	/** Well-formed ids of nothing. */
	| 'nothing';

type Line = Partial<Record<Target, string>>;

// no | key | server | owner peer stranger | staff moderator admin superadmin | abroad
export const matrix: Record<string, Line> = {
	// creating a user and getting in
	'POST /users': { own: '201 201 201  201 201 201  201 201 201 201  bad' },
	'POST /users (of no named site)': { own: 'bad 201 201  201 201 201  201 201 201 201  201' },
	'POST /users (of the team)': { own: 'f f 201  f f f  f f 201 201  bad' },
	'POST /users (with an external id)': { own: 'vouch vouch 201  vouch vouch vouch  vouch vouch vouch vouch  bad' },
	'POST /users/chat-token': {
		own: 'proof proof 200  200 proof proof  proof proof proof proof  proof',
		peer: 'proof proof 200  proof 200 proof  proof proof proof proof  proof',
		colleague: 'proof proof 200  proof proof proof  200 proof proof proof  proof',
		foreign: 'proof proof proof  proof proof proof  proof proof proof proof  proof',
		nothing: 'proof proof proof  proof proof proof  proof proof proof proof  proof',
	},
	'POST /auth/login': { own: '200 200 200  200 200 200  200 200 200 200  site' },
	'POST /auth/setup': { own: 'link link link  link link link  link link link link  link' },
	'POST /auth/access': { own: 'link link link  link link link  link link link link  link' },

	// the look of the widget: the key is enough
	'GET /widget-config': { own: 'k 200 200  200 200 200  200 200 200 200  200' },

	// oneself
	'GET /users/me': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'PATCH /users/me': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'DELETE /users/me': { own: 'k t u  200 200 200  200 200 200 last  200' },
	'GET /users/me/export': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'POST /users/me/logout': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'POST /users/me/password': { own: 'k t f  f f f  200 unset unset unset  unset' },
	'GET /users/me/blocks': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'POST /users/me/blocks/{userId}': {
		own: 'k t u  block 200 200  200 200 200 200  -',
		peer: 'k t u  200 block 200  200 200 200 200  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'DELETE /users/me/blocks/{userId}': {
		own: 'k t u  200 200 200  200 200 200 200  -',
		peer: 'k t u  200 200 200  200 200 200 200  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},

	// others; on the other site somebody has the owner's name too, and is whom its people find
	'GET /users/lookup': {
		own: 'k t 200  200 200 200  200 200 200 200  200',
		foreign: 'k t -  - - -  - - - -  200',
		nothing: 'k t -  - - -  - - - -  -',
	},
	'GET /users/search': {
		own: 'k t 200  200 200 200  200 200 200 200  200',
		foreign: 'k t 0  0 0 0  0 0 0 0  200',
		nothing: 'k t 0  0 0 0  0 0 0 0  0',
	},
	'GET /users/{id}': {
		own: 'k t 200  200 200 200  200 200 200 200  -',
		peer: 'k t 200  200 200 200  200 200 200 200  -',
		foreign: 'k t -  - - -  - - - -  200',
		nothing: 'k t -  - - -  - - - -  -',
	},
	// one reports whom one shares a conversation with: staff has written in the owner's ticket, the admin in the peer's
	'POST /users/{id}/report': {
		own: 'k t u  report 201 report  201 report report report  -',
		peer: 'k t u  201 report report  report report 201 report  -',
		foreign: 'k t u  - - -  - - - -  report',
		nothing: 'k t u  - - -  - - - -  -',
	},

	// chats of two: nobody else's, with one exception (a moderator takes a message out)
	'POST /p2p/conversations': {
		own: 'k t bad  self 200 201  201 201 201 201  -',
		peer: 'k t bad  200 self 201  201 201 201 201  -',
		foreign: 'k t bad  - - -  - - - -  201',
		nothing: 'k t bad  - - -  - - - -  -',
	},
	'POST /p2p/conversations (by external id)': {
		own: 'k t bad  self 200 201  201 201 201 201  -',
		peer: 'k t bad  200 self 201  201 201 201 201  -',
		foreign: 'k t bad  - - -  - - - -  201',
		nothing: 'k t bad  - - -  - - - -  -',
	},
	'POST /p2p/conversations (of two others)': {
		own: 'k t 201  bad bad bad  bad bad bad bad  bad',
		peer: 'k t 201  bad bad bad  bad bad bad bad  bad',
		smuggled: 'k t -  bad bad bad  bad bad bad bad  bad',
		unknown: 'k t -  bad bad bad  bad bad bad bad  bad',
		foreign: 'k t -  bad bad bad  bad bad bad bad  bad',
		nothing: 'k t -  bad bad bad  bad bad bad bad  bad',
	},
	'POST /p2p/conversations (of two others, the other way round)': {
		own: 'k t 201  bad bad bad  bad bad bad bad  bad',
		smuggled: 'k t -  bad bad bad  bad bad bad bad  bad',
		unknown: 'k t -  bad bad bad  bad bad bad bad  bad',
	},
	'GET /p2p/conversations': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'GET /p2p/unread-count': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'GET /p2p/conversations/{id}': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		report: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/archive': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/unarchive': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/messages': {
		own: 'k t u  201 201 -  - - - -  -',
		peer: 'k t u  - 201 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		report: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/messages (replyTo)': {
		own: 'k t u  201 201 -  - - - -  -',
		stray: 'k t u  reply reply -  - - - -  -',
		smuggled: 'k t u  reply reply -  - - - -  -',
		unknown: 'k t u  reply reply -  - - - -  -',
	},
	'GET /p2p/conversations/{id}/messages': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		report: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'GET /p2p/conversations/{id}/messages (before)': {
		own: 'k t u  200 200 -  - - - -  -',
		stray: 'k t u  cursor cursor -  - - - -  -',
		smuggled: 'k t u  cursor cursor -  - - - -  -',
		unknown: 'k t u  cursor cursor -  - - - -  -',
	},
	'GET /p2p/conversations/{id}/messages (after)': {
		own: 'k t u  200 200 -  - - - -  -',
		stray: 'k t u  cursor cursor -  - - - -  -',
		smuggled: 'k t u  cursor cursor -  - - - -  -',
		unknown: 'k t u  cursor cursor -  - - - -  -',
	},
	'GET /p2p/conversations/{id}/messages (around)': {
		own: 'k t u  200 200 -  - - - -  -',
		stray: 'k t u  cursor cursor -  - - - -  -',
		smuggled: 'k t u  cursor cursor -  - - - -  -',
		unknown: 'k t u  cursor cursor -  - - - -  -',
	},
	'PATCH /p2p/conversations/{id}/messages/{messageId}': {
		own: 'k t u  200 f -  - - - -  -',
		reply: 'k t u  f 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		note: 'k t u  - - -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'DELETE /p2p/conversations/{id}/messages/{messageId}': {
		own: 'k t u  200 f -  - 200 200 200  -',
		reply: 'k t u  f 200 -  - 200 200 200  -',
		peer: 'k t u  - 200 -  - 200 200 200  -',
		note: 'k t u  - - -  - - - -  -',
		evidence: 'k t u  - - -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/read': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/unread': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/typing': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		swapped: 'k t u  - - -  - - - -  -',
		report: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'PUT /p2p/conversations/{id}/messages/{messageId}/reactions/{emoji}': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		note: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'DELETE /p2p/conversations/{id}/messages/{messageId}/reactions/{emoji}': {
		own: 'k t u  200 200 -  - - - -  -',
		peer: 'k t u  - 200 -  - - - -  -',
		note: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /p2p/conversations/{id}/messages/{messageId}/report': {
		own: 'k t u  report 201 -  - - - -  -',
		reply: 'k t u  201 report -  - - - -  -',
		peer: 'k t u  - report -  - - - -  -',
		note: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  -',
		nothing: 'k t u  - - -  - - - -  -',
	},

	// tickets: the requester's and the desk's; reports are for moderators and up, and never for whom they are about
	'POST /support/tickets': { own: 'k t u  201 201 201  201 201 201 201  201' },
	'POST /support/tickets (followsTicketId)': {
		own: 'k t u  201 follow follow  follow follow follow follow  follow',
		peer: 'k t u  follow 201 follow  follow follow follow follow  follow',
		swapped: 'k t u  follow follow follow  follow follow follow follow  follow',
		foreign: 'k t u  follow follow follow  follow follow follow follow  follow',
		nothing: 'k t u  follow follow follow  follow follow follow follow  follow',
	},
	'GET /support/tickets': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'GET /support/tickets (of an assignee)': { own: 'k t u  f f f  200 200 200 200  200' },
	'GET /support/unread-count': { own: 'k t u  200 200 200  200 200 200 200  200' },
	'GET /support/tickets/{id}': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'PATCH /support/tickets/{id}': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'PATCH /support/tickets/{id} (priority)': {
		own: 'k t u  f - -  200 200 200 200  -',
		peer: 'k t u  - f -  200 200 200 200  -',
		report: 'k t u  f - -  - 200 200 200  -',
		accusation: 'k t u  - f -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	// to one of the team who may see it
	'PATCH /support/tickets/{id} (assigneeId)': {
		own: 'k t u  f - -  assign assign assign assign  -',
		colleague: 'k t u  f - -  200 200 200 200  -',
		report: 'k t u  f - -  - assign assign assign  -',
		accusation: 'k t u  - f -  - assign - assign  -',
		smuggled: 'k t u  f - -  assign assign assign assign  -',
		unknown: 'k t u  f - -  assign assign assign assign  -',
		foreign: 'k t u  - - -  - - - -  assign',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/rating': {
		own: 'k t u  200 - -  f f f f  -',
		peer: 'k t u  - 200 -  f f f f  -',
		report: 'k t u  200 - -  - f f f  -',
		accusation: 'k t u  - 200 -  - f - f  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  f',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'GET /support/tickets/{id}/history': {
		own: 'k t f  f f f  200 200 200 200  -',
		peer: 'k t f  f f f  200 200 200 200  -',
		report: 'k t f  f f f  - 200 200 200  -',
		accusation: 'k t f  f f f  - 200 - 200  -',
		swapped: 'k t f  f f f  - - - -  -',
		foreign: 'k t f  f f f  - - - -  200',
		nothing: 'k t f  f f f  - - - -  -',
	},
	'POST /support/tickets/{id}/messages': {
		own: 'k t u  201 - -  201 201 201 201  -',
		peer: 'k t u  - 201 -  201 201 201 201  -',
		report: 'k t u  201 - -  - 201 201 201  -',
		accusation: 'k t u  - 201 -  - 201 - 201  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  201',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/messages (note)': {
		own: 'k t u  f - -  201 201 201 201  -',
		peer: 'k t u  - f -  201 201 201 201  -',
		report: 'k t u  f - -  - 201 201 201  -',
		accusation: 'k t u  - f -  - 201 - 201  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  201',
		nothing: 'k t u  - - -  - - - -  -',
	},
	// what the requester reads is no answer to a note
	'POST /support/tickets/{id}/messages (replyTo)': {
		own: 'k t u  201 - -  201 201 201 201  -',
		note: 'k t u  reply - -  reply reply reply reply  -',
		stray: 'k t u  reply - -  reply reply reply reply  -',
		smuggled: 'k t u  reply - -  reply reply reply reply  -',
		unknown: 'k t u  reply - -  reply reply reply reply  -',
	},
	'GET /support/tickets/{id}/messages': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'GET /support/tickets/{id}/messages (around)': {
		own: 'k t u  200 - -  200 200 200 200  -',
		note: 'k t u  cursor - -  200 200 200 200  -',
		stray: 'k t u  cursor - -  cursor cursor cursor cursor  -',
		smuggled: 'k t u  cursor - -  cursor cursor cursor cursor  -',
		unknown: 'k t u  cursor - -  cursor cursor cursor cursor  -',
	},
	'PATCH /support/tickets/{id}/messages/{messageId}': {
		own: 'k t u  200 - -  f f f f  -',
		peer: 'k t u  - 200 -  f f f f  -',
		reply: 'k t u  f - -  200 f f f  -',
		note: 'k t u  - - -  200 f f f  -',
		report: 'k t u  200 - -  - f f f  -',
		evidence: 'k t u  - - -  - f f f  -',
		accusation: 'k t u  - 200 -  - f - f  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  f',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'DELETE /support/tickets/{id}/messages/{messageId}': {
		own: 'k t u  200 - -  f 200 200 200  -',
		peer: 'k t u  - 200 -  f 200 200 200  -',
		reply: 'k t u  f - -  200 200 200 200  -',
		note: 'k t u  - - -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		evidence: 'k t u  - - -  - f f f  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/read': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		note: 'k t u  - - -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		evidence: 'k t u  - - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/unread': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		note: 'k t u  - - -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		evidence: 'k t u  - - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/typing': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/typing (note)': {
		own: 'k t u  f - -  200 200 200 200  -',
		peer: 'k t u  - f -  200 200 200 200  -',
		report: 'k t u  f - -  - 200 200 200  -',
		accusation: 'k t u  - f -  - 200 - 200  -',
		swapped: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'PUT /support/tickets/{id}/messages/{messageId}/reactions/{emoji}': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		note: 'k t u  - - -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		evidence: 'k t u  - - -  - f f f  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'DELETE /support/tickets/{id}/messages/{messageId}/reactions/{emoji}': {
		own: 'k t u  200 - -  200 200 200 200  -',
		peer: 'k t u  - 200 -  200 200 200 200  -',
		note: 'k t u  - - -  200 200 200 200  -',
		report: 'k t u  200 - -  - 200 200 200  -',
		evidence: 'k t u  - - -  - f f f  -',
		accusation: 'k t u  - 200 -  - 200 - 200  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  200',
		nothing: 'k t u  - - -  - - - -  -',
	},
	'POST /support/tickets/{id}/messages/{messageId}/report': {
		own: 'k t u  report - -  201 201 201 201  -',
		peer: 'k t u  - report -  201 201 201 201  -',
		reply: 'k t u  201 - -  report 201 201 201  -',
		note: 'k t u  - - -  report report report report  -',
		// a report is not reported: its evidence would show the first one to whom it is about
		report: 'k t u  report - -  - report report report  -',
		evidence: 'k t u  - - -  - report report report  -',
		accusation: 'k t u  - report -  - report - report  -',
		stray: 'k t u  - - -  - - - -  -',
		smuggled: 'k t u  - - -  - - - -  -',
		unknown: 'k t u  - - -  - - - -  -',
		foreign: 'k t u  - - -  - - - -  201',
		nothing: 'k t u  - - -  - - - -  -',
	},

	// what happens: whoever connects says in the first frame who they are; a place in the log holds no secret
	'GET /realtime': { own: 'socket socket socket  socket socket socket  socket socket socket socket  socket' },
	'GET /events': {
		own: 'k t u  200 200 200  200 200 200 200  200',
		foreign: 'k t u  200 200 200  200 200 200 200  200',
		nothing: 'k t u  200 200 200  200 200 200 200  200',
	},
	'GET /events (from now on)': { own: 'k t u  200 200 200  200 200 200 200  200' },

	// the desk
	'GET /admin/conversations': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/conversations (search)': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/conversations (of a user)': {
		own: 'k t 200  f f f  f f 200 200  -',
		peer: 'k t 200  f f f  f f 200 200  -',
		foreign: 'k t -  f f f  f f - -  200',
		nothing: 'k t -  f f f  f f - -  -',
	},
	'GET /admin/conversations/{id}': {
		own: 'k t 200  f f f  200 200 200 200  -',
		peer: 'k t 200  f f f  200 200 200 200  -',
		swapped: 'k t 200  f f f  200 200 200 200  -',
		report: 'k t 200  f f f  - 200 200 200  -',
		accusation: 'k t 200  f f f  - 200 - 200  -',
		foreign: 'k t -  f f f  - - - -  200',
		nothing: 'k t -  f f f  - - - -  -',
	},
	'GET /admin/conversations/{id}/messages': {
		own: 'k t 200  f f f  200 200 200 200  -',
		peer: 'k t 200  f f f  200 200 200 200  -',
		swapped: 'k t 200  f f f  200 200 200 200  -',
		report: 'k t 200  f f f  - 200 200 200  -',
		accusation: 'k t 200  f f f  - 200 - 200  -',
		foreign: 'k t -  f f f  - - - -  200',
		nothing: 'k t -  f f f  - - - -  -',
	},
	'GET /admin/conversations/{id}/messages (around)': {
		own: 'k t 200  f f f  200 200 200 200  -',
		note: 'k t 200  f f f  200 200 200 200  -',
		stray: 'k t cursor  f f f  cursor cursor cursor cursor  -',
		smuggled: 'k t cursor  f f f  cursor cursor cursor cursor  -',
		unknown: 'k t cursor  f f f  cursor cursor cursor cursor  -',
	},
	'GET /admin/users/{id}/conversations': {
		own: 'k t 200  f f f  f f 200 200  -',
		peer: 'k t 200  f f f  f f 200 200  -',
		foreign: 'k t -  f f f  f f - -  200',
		nothing: 'k t -  f f f  f f - -  -',
	},
	'GET /admin/stats': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/tickets': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/tickets (search)': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/tickets (of an assignee)': {
		own: 'k t 0  f f f  0 0 0 0  0',
		foreign: 'k t 0  f f f  0 0 0 0  0',
		nothing: 'k t 0  f f f  0 0 0 0  0',
	},
	'POST /admin/tickets/bulk': {
		own: 'k t 200  f f f  200 200 200 200  0',
		peer: 'k t 200  f f f  200 200 200 200  0',
		report: 'k t 200  f f f  0 200 200 200  0',
		accusation: 'k t 200  f f f  0 200 0 200  0',
		swapped: 'k t 0  f f f  0 0 0 0  0',
		foreign: 'k t 0  f f f  0 0 0 0  200',
		nothing: 'k t 0  f f f  0 0 0 0  0',
	},
	'GET /admin/users': { own: 'k t 200  f f f  200 200 200 200  200' },
	'GET /admin/users (search)': {
		own: 'k t 200  f f f  200 200 200 200  0',
		foreign: 'k t 0  f f f  0 0 0 0  200',
		nothing: 'k t 0  f f f  0 0 0 0  0',
	},
	'GET /admin/users/{id}': {
		own: 'k t 200  f f f  200 200 200 200  -',
		colleague: 'k t 200  f f f  200 200 200 200  -',
		foreign: 'k t -  f f f  - - - -  200',
		nothing: 'k t -  f f f  - - - -  -',
	},
	// here on users without rank; the rule of rank has a table of its own
	'PATCH /admin/users/{id}': {
		own: 'k t 200  f f f  f 200 200 200  -',
		peer: 'k t 200  f f f  f 200 200 200  -',
		foreign: 'k t -  f f f  f - - -  200',
		nothing: 'k t -  f f f  f - - -  -',
	},
	'DELETE /admin/users/{id}': {
		own: 'k t 200  f f f  f f 200 200  -',
		peer: 'k t 200  f f f  f f 200 200  -',
		foreign: 'k t -  f f f  f f - -  200',
		nothing: 'k t -  f f f  f f - -  -',
	},
	'GET /admin/users/{id}/export': {
		own: 'k t 200  f f f  f f 200 200  -',
		peer: 'k t 200  f f f  f f 200 200  -',
		foreign: 'k t -  f f f  f f - -  200',
		nothing: 'k t -  f f f  f f - -  -',
	},
	'POST /admin/users/{id}/revoke-tokens': {
		own: 'k t 200  f f f  f f 200 200  -',
		peer: 'k t 200  f f f  f f 200 200  -',
		foreign: 'k t -  f f f  f f - -  200',
		nothing: 'k t -  f f f  f f - -  -',
	},
	'POST /admin/users/{id}/access-link': {
		own: 'k t f  f f f  f f desk desk  -',
		colleague: 'k t f  f f f  f f 201 201  -',
		foreign: 'k t f  f f f  f f - -  desk',
		nothing: 'k t f  f f f  f f - -  -',
	},
	'GET /admin/reports': { own: 'k t 200  f f f  f 200 200 200  200' },
	'POST /admin/reports/{id}': {
		own: 'k t 200  f f f  f 200 200 200  -',
		peer: 'k t 200  f f f  f 200 - 200  -',
		foreign: 'k t -  f f f  f - - -  200',
		nothing: 'k t -  f f f  f - - -  -',
	},
	'POST /admin/messages/{id}/ticket': {
		own: 'k t 201  f f f  201 201 201 201  -',
		note: 'k t source  f f f  source source source source  -',
		evidence: 'k t source  f f f  - source source source  -',
		accusation: 'k t source  f f f  - source - source  -',
		foreign: 'k t -  f f f  - - - -  201',
		nothing: 'k t -  f f f  - - - -  -',
	},
	'GET /admin/audit': { own: 'k t 200  f f f  f f 200 200  200' },
	'GET /admin/audit (of a target)': {
		own: 'k t 200  f f f  f f 200 200  0',
		foreign: 'k t 0  f f f  f f 0 0  200',
		nothing: 'k t 0  f f f  f f 0 0  0',
	},
	'GET /admin/site': { own: 'k t 200  f f f  f f 200 200  200' },
	'PATCH /admin/site': { own: 'k t 200  f f f  f f 200 200  200' },
	'GET /admin/keys': { own: 'k t f  f f f  f f f 200  f' },
	'POST /admin/keys': { own: 'k t f  f f f  f f f 201  f' },
	'DELETE /admin/keys/{id}': {
		own: 'k t f  f f f  f f f 200  f',
		foreign: 'k t f  f f f  f f f -  f',
		nothing: 'k t f  f f f  f f f -  f',
	},
	'GET /admin/canned-replies': { own: 'k t 200  f f f  200 200 200 200  200' },
	'POST /admin/canned-replies': { own: 'k t 201  f f f  f 201 201 201  201' },
	'PATCH /admin/canned-replies/{id}': {
		own: 'k t 200  f f f  f 200 200 200  -',
		foreign: 'k t -  f f f  f - - -  200',
		nothing: 'k t -  f f f  f - - -  -',
	},
	'DELETE /admin/canned-replies/{id}': {
		own: 'k t 200  f f f  f 200 200 200  -',
		foreign: 'k t -  f f f  f - - -  200',
		nothing: 'k t -  f f f  f - - -  -',
	},
};

const team = ['server', 'staff', 'moderator', 'admin', 'superadmin'] as const;
const moderators = ['server', 'moderator', 'admin', 'superadmin'] as const;
const admins = ['server', 'admin', 'superadmin'] as const;

/** Who may ever see which text, in any answer of any call. Nobody abroad, and nobody else. */
export const readers: Record<TextWord, readonly Column[]> = {
	chat: ['owner', 'peer', ...team],
	earlier: team,
	aside: ['peer', ...team],
	ticket: ['owner', ...team],
	answer: ['owner', ...team],
	note: team,
	tag: team,
	petition: ['peer', ...team],
	reason: ['owner', ...moderators],
	// it is about the admin
	accusation: ['peer', 'server', 'moderator', 'superadmin'],
	canned: team,
	email: ['owner', ...team],
	settings: ['owner', ...team],
	key: admins,
	query: admins,
};

/** The five permissions of somebody of the team; a user has them all, whatever is stored. */
export type Permission =
	| 'canSendMessage'
	| 'canReceiveMessage'
	| 'canDeleteMessage'
	| 'canEditMessage'
	| 'canArchiveConversation';
export type Rank = 'user' | 'staff' | 'moderator' | 'admin' | 'superadmin';

const sending: Permission[] = ['canSendMessage'];
const editing: Permission[] = ['canSendMessage', 'canEditMessage'];
const deleting: Permission[] = ['canDeleteMessage'];
const archiving: Permission[] = ['canArchiveConversation'];

/** Every act on messages, by every way to it: who may at all, and which permissions it needs. No other one matters to it. */
export const acts: Record<string, { least: Rank; needs: Permission[] }> = {
	'starts a chat': { least: 'user', needs: sending },
	'opens a chat that is there': { least: 'user', needs: sending },
	'writes in a chat': { least: 'user', needs: sending },
	'edits in a chat': { least: 'user', needs: editing },
	'deletes in a chat': { least: 'user', needs: deleting },
	'deletes what the other wrote in a chat': { least: 'moderator', needs: deleting },
	'deletes in a chat of two others': { least: 'moderator', needs: deleting },
	'reacts in a chat': { least: 'user', needs: sending },
	'takes a reaction back in a chat': { least: 'user', needs: sending },
	'reports a message of a chat': { least: 'user', needs: sending },
	'reports a user': { least: 'user', needs: sending },
	'archives a chat': { least: 'user', needs: archiving },
	'brings a chat back': { least: 'user', needs: archiving },
	'reads a chat': { least: 'user', needs: [] },
	'marks a chat read': { least: 'user', needs: [] },
	'marks a chat unread': { least: 'user', needs: [] },
	'types in a chat': { least: 'user', needs: sending },
	'opens a ticket': { least: 'user', needs: sending },
	'writes in a ticket of their own': { least: 'user', needs: sending },
	'edits in a ticket of their own': { least: 'user', needs: editing },
	'deletes in a ticket of their own': { least: 'user', needs: deleting },
	'reacts in a ticket of their own': { least: 'user', needs: sending },
	'reports an answer of the desk': { least: 'user', needs: sending },
	'rates a ticket': { least: 'user', needs: sending },
	'closes a ticket of their own': { least: 'user', needs: [] },
	'types in a ticket of their own': { least: 'user', needs: sending },
	'reads what has happened': { least: 'user', needs: [] },
	'answers a ticket': { least: 'staff', needs: sending },
	'writes a note': { least: 'staff', needs: sending },
	'edits an answer': { least: 'staff', needs: editing },
	'edits a note': { least: 'staff', needs: editing },
	'deletes an answer': { least: 'staff', needs: deleting },
	'deletes a note': { least: 'staff', needs: deleting },
	'deletes what the requester wrote': { least: 'moderator', needs: deleting },
	'reacts to the requester': { least: 'staff', needs: sending },
	'reacts to a note': { least: 'staff', needs: sending },
	'takes a reaction to the requester back': { least: 'staff', needs: sending },
	'types to the requester': { least: 'staff', needs: sending },
	'types a note': { least: 'staff', needs: sending },
	'reports what the requester wrote': { least: 'staff', needs: sending },
	'makes a ticket of a message': { least: 'staff', needs: sending },
	'reads a ticket': { least: 'staff', needs: [] },
	'changes a ticket': { least: 'staff', needs: [] },
	'changes many tickets': { least: 'staff', needs: [] },
	'opens a chat of two others': { least: 'staff', needs: [] },
	'decides a report': { least: 'moderator', needs: [] },
};

/** What others may do towards somebody of the team without canReceiveMessage: 403 recipient_unavailable where they may not. */
export const towards: Record<string, { reaches: boolean }> = {
	'starts a chat with them': { reaches: false },
	'starts a chat with them by their external id': { reaches: false },
	'as the server, starts a chat for them': { reaches: false },
	'as the server, starts a chat with them': { reaches: false },
	'writes to them in a chat': { reaches: false },
	'answers their ticket': { reaches: false },
	'types to them in a chat': { reaches: false },
	'types in their ticket': { reaches: false },
	'opens the chat that is there': { reaches: true },
	'edits what they wrote to them': { reaches: true },
	'reacts to what they wrote': { reaches: true },
	'writes a note on their ticket': { reaches: true },
	'types a note on their ticket': { reaches: true },
};

/** Whom each may act on, and which roles they may grant. Nobody their own, but superadmins; the site's server is one of them. */
export const above: Record<Rank | 'server', readonly Rank[]> = {
	user: [],
	staff: ['user'],
	moderator: ['user', 'staff'],
	admin: ['user', 'staff', 'moderator'],
	superadmin: ['user', 'staff', 'moderator', 'admin', 'superadmin'],
	server: ['user', 'staff', 'moderator', 'admin', 'superadmin'],
};
/** The acts on another user, with who may do them at all. */
export const actsOnUsers = {
	suspend: ['moderator', 'admin', 'superadmin', 'server'],
	'lift a suspension': ['moderator', 'admin', 'superadmin', 'server'],
	'set the permissions': ['admin', 'superadmin', 'server'],
	'make user': ['admin', 'superadmin', 'server'],
	'make staff': ['admin', 'superadmin', 'server'],
	'make moderator': ['admin', 'superadmin', 'server'],
	'make admin': ['admin', 'superadmin', 'server'],
	'make superadmin': ['admin', 'superadmin', 'server'],
	'end the tokens': ['admin', 'superadmin', 'server'],
	// passwords are a person's own doing, not a secret key's
	'give a link to a password': ['admin', 'superadmin'],
	erase: ['admin', 'superadmin', 'server'],
	export: ['admin', 'superadmin', 'server'],
} as const satisfies Record<string, readonly (Rank | 'server')[]>;
export type ActOnUser = keyof typeof actsOnUsers;
/** Who may make a new user of a role above `user`, if they may grant it. */
export const makers: readonly (Rank | 'server')[] = ['admin', 'superadmin', 'server'];
/** What may not happen to the last superadmin who is let in. */
export const notToTheLast: readonly ActOnUser[] = [
	'suspend',
	'make user',
	'make staff',
	'make moderator',
	'make admin',
	'erase',
];

/** What each body may say; where a field stands in an object, with the object's name in front. Nothing else is ever taken over. */
export const bodies: Record<string, string> = {
	'POST /users':
		'resourceId username email role permissions externalId displayName avatarUrl metadata identityToken permissions.canSendMessage permissions.canReceiveMessage permissions.canDeleteMessage permissions.canEditMessage permissions.canArchiveConversation',
	'POST /users/chat-token': 'userId identityToken',
	'PATCH /users/me': 'displayName avatarUrl email settings metadata',
	'POST /users/me/password': 'currentPassword newPassword',
	'POST /auth/login': 'resourceId email password',
	'POST /auth/setup': 'setupToken resourceId username email password',
	'POST /auth/access': 'accessToken email password',
	'POST /users/{id}/report': 'reason',
	'POST /p2p/conversations': 'otherParticipantId otherExternalId participantOne participantTwo',
	'POST /p2p/conversations/{id}/messages': 'content content.text replyTo clientMessageId metadata',
	'PATCH /p2p/conversations/{id}/messages/{messageId}': 'content content.text',
	'POST /p2p/conversations/{id}/read': 'messageId',
	'POST /p2p/conversations/{id}/unread': 'messageId',
	'POST /p2p/conversations/{id}/typing': 'typing note',
	'POST /p2p/conversations/{id}/messages/{messageId}/report': 'reason',
	'POST /support/tickets': 'subject priority category initialMessage followsTicketId metadata',
	'PATCH /support/tickets/{id}': 'subject status priority category assigneeId tags',
	'POST /support/tickets/{id}/rating': 'score comment',
	'POST /support/tickets/{id}/messages': 'content content.text replyTo clientMessageId metadata kind',
	'PATCH /support/tickets/{id}/messages/{messageId}': 'content content.text',
	'POST /support/tickets/{id}/read': 'messageId',
	'POST /support/tickets/{id}/unread': 'messageId',
	'POST /support/tickets/{id}/typing': 'typing note',
	'POST /support/tickets/{id}/messages/{messageId}/report': 'reason',
	'POST /admin/tickets/bulk':
		'ids changes changes.subject changes.status changes.priority changes.category changes.assigneeId changes.tags',
	'PATCH /admin/users/{id}':
		'role permissions suspended reason until permissions.canSendMessage permissions.canReceiveMessage permissions.canDeleteMessage permissions.canEditMessage permissions.canArchiveConversation',
	'POST /admin/reports/{id}': 'status',
	'POST /admin/messages/{id}/ticket': 'subject',
	'PATCH /admin/site':
		'signup origins directory autoCloseDays widget widget.title widget.welcome widget.accent widget.theme widget.position widget.askName widget.askEmail widget.sound widget.features widget.features.p2p widget.features.support widget.away widget.away.text widget.away.timezone widget.away.hours',
	'POST /admin/keys': 'kind label',
	'POST /admin/canned-replies': 'shortcut text',
	'PATCH /admin/canned-replies/{id}': 'shortcut text',
};
