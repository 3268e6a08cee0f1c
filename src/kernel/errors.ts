/**
 * The closed registry of failures: `code -> [HTTP status, what the caller should do]`.
 * A code is part of the public contract and is never renamed; the message may improve.
 */
export const failures = {
	// 400 malformed
	invalid_json: [400, 'The request body is not valid JSON. Check quotes, commas and brackets.'],
	invalid_request: [400, 'Some fields are missing or not as expected. See "errors" for each of them.'],
	invalid_frame: [400, 'This frame is not as expected. See "errors"; every frame is described at /swagger/realtime.'],
	invalid_host: [400, 'The Host header is missing or not a valid host name.'],
	invalid_cookie: [400, 'The Cookie header could not be read. Clear the cookies of this site and try again.'],
	// 401 not authenticated
	key_required: [401, 'Send your API key in the x-api-key header.'],
	invalid_key: [401, 'The API key is unknown or revoked. Check the x-api-key header or make a new key.'],
	secret_key_in_page: [
		401,
		'A secret key (sk_...) must never be used from a web page. Use the publishable key (pk_...) there, and revoke this secret key if it was published.',
	],
	token_required: [
		401,
		'Send a chat token: Authorization: Bearer {chatToken}. Get one from POST /api/v1/users/chat-token.',
	],
	user_token_required: [
		401,
		'This call is made as a user. Send a chat token, or with a secret key name the user in the x-act-as header.',
	],
	invalid_token: [401, 'The chat token is not valid. Get a new one from POST /api/v1/users/chat-token.'],
	token_expired: [401, 'The chat token has expired. Get a new one from POST /api/v1/users/chat-token.'],
	token_revoked: [401, 'The chat token was revoked. Get a new one from POST /api/v1/users/chat-token.'],
	wrong_site: [401, 'The API key and the chat token belong to different sites. Use both of the same site.'],
	sign_in_first: [401, 'The first frame must be auth, and the next one comes after ready.'],
	identity_proof_required: [
		401,
		'No token without proof of who you are. Send the user’s own valid token as Bearer, an identityToken signed by the site, a secret key (sk_...) from the site’s server, or sign in at POST /api/v1/auth/login. A new user can claim a token within one hour, until the first authenticated call.',
	],
	invalid_identity_token: [
		401,
		'The identityToken is not valid. It must be a JWT (HS256) signed with the site’s identity secret: sub = your user’s id, iss = the resourceId, aud = "chat-identity", iat and exp at most one hour apart.',
	],
	invalid_credentials: [401, 'The resourceId, email or password is wrong.'],
	invalid_link: [401, 'This link was used already, has expired, or was never valid. Ask for a new one.'],
	// 403 not allowed
	forbidden: [403, 'Your role does not allow this.'],
	permission_missing: [403, 'This user lacks the permission for this.'],
	rank_too_low: [403, 'You can only act on users below your own rank, and only grant roles below your own.'],
	signup_closed: [
		403,
		'This site does not let visitors create users themselves. Its server does it, with a secret key.',
	],
	signup_signed: [403, 'This site asks for an identityToken signed by its server to create a user.'],
	proof_required: [
		403,
		'externalId is set by the site’s server (secret key), or must equal the sub of a valid identityToken.',
	],
	user_suspended: [403, 'This user is suspended. Ask the site’s support.'],
	origin_not_allowed: [
		403,
		'Pages of this web origin may not call the API of this site. Its operator allows them with: parley site set <resourceId> --origin <origin>',
	],
	host_not_allowed: [403, 'This server does not answer under this host name. Add it to PARLEY_ALLOWED_HOSTS.'],
	blocked: [403, 'One of you has blocked the other: nothing can be sent here.'],
	recipient_unavailable: [403, 'This user cannot receive messages.'],
	directory_off: [403, 'Looking users up by name is switched off on this site.'],
	// 404, 405, 409, 412, 413, 415, 426
	not_found: [404, 'There is nothing here, or it is not yours to see.'],
	route_not_found: [404, 'There is no such path. The calls are listed at /swagger.'],
	site_not_found: [
		404,
		'There is no such site on this server. Check resourceId; the operator adds a site with: parley site add <resourceId>',
	],
	method_not_allowed: [405, 'This path does not know this method. See the Allow header.'],
	username_taken: [
		409,
		'This username is taken. If it is yours, come back with its token, an identityToken or your password; otherwise choose another.',
	],
	email_taken: [409, 'Another user who signs in with a password has this email address.'],
	site_exists: [409, 'This site exists already.'],
	last_superadmin: [409, 'This is the last active superadmin. Make another one first.'],
	client_message_id_reused: [
		409,
		'This clientMessageId was used for a message with other content. Use a new one for a new message.',
	],
	ticket_closed: [
		409,
		'This ticket is closed and takes no more messages. Open a new one that follows it: POST /api/v1/support/tickets with followsTicketId.',
	],
	invalid_transition: [409, 'A ticket cannot go from its status to this one. See "allowed".'],
	ticket_unresolved: [409, 'A ticket is rated once it is resolved or closed.'],
	report_exists: [409, 'You have reported this already, and it is being looked at.'],
	report_decided: [409, 'This report has been decided already.'],
	shortcut_taken: [409, 'Another canned reply has this shortcut.'],
	version_stale: [412, 'Somebody has changed this ticket since you read it. Read it again, then repeat the change.'],
	body_too_large: [413, 'The request body is too large.'],
	unsupported_media_type: [415, 'Send the body as JSON: content-type: application/json.'],
	upgrade_required: [
		426,
		'This path speaks WebSocket. Connect to it with ws:// or wss://, or read events at /api/v1/events.',
	],
	// 422 understood but impossible
	name_invalid: [
		422,
		'Names are 1-64 characters without control or invisible ones. A username has letters, digits, space and . _ - @ + and does not mix Latin with Cyrillic or Greek.',
	],
	name_reserved: [422, 'This name is reserved, or too like that of a member of the team. Choose another.'],
	avatar_not_allowed: [422, 'avatarUrl must be an https address on one of the site’s own origins.'],
	conversation_with_self: [422, 'A conversation needs two different users.'],
	message_text_invalid: [422, 'A message has 1-10 000 characters of well-formed Unicode and no NUL.'],
	edits_exhausted: [422, 'A message can be edited 20 times. Write a new one.'],
	message_deleted: [422, 'This message was deleted.'],
	reply_to_invalid: [422, 'replyTo must be a message of the same conversation that has not been deleted.'],
	cursor_invalid: [422, 'The message named as cursor is not in this conversation.'],
	follow_up_invalid: [
		422,
		'followsTicketId must be a closed ticket of your own. One that is not closed takes your message itself.',
	],
	category_reserved: [422, 'The category "moderation" is for reports only.'],
	assignee_invalid: [422, 'A ticket is assigned to an active user of the team who may see it.'],
	report_impossible: [422, 'You can report what others have written, and users you share a conversation with.'],
	message_not_usable: [422, 'A ticket is made of a text message that a user of role `user` has sent and not deleted.'],
	nothing_to_change: [422, 'Name at least one field to change.'],
	reaction_invalid: [422, 'A reaction is one emoji, at most 20 different ones on a message.'],
	password_weak: [422, 'Choose a password of at least 10 characters that is not a common one.'],
	password_not_set: [422, 'This user has no password. Ask an admin for an access link.'],
	desk_only: [422, 'Only a user of the team (staff, moderator, admin, superadmin) has a password.'],
	email_required: [422, 'A password needs an email address to sign in with.'],
	block_impossible: [422, 'You cannot block yourself.'],
	// 429, 5xx
	reports_exhausted: [429, 'You have reported as much as one may in a day. Try again tomorrow.'],
	too_many_connections: [429, 'Too many connections at once. Close one, or come back later.'],
	rate_limited: [429, 'Too many requests. Wait the seconds given in Retry-After.'],
	reply_awaited: [
		429,
		'You have written as much as a new user may before the other replies. Wait for a reply, or sign in through the site.',
	],
	conversations_unanswered: [
		429,
		'You have started as many conversations as a new user may before somebody replies. Wait for a reply.',
	],
	internal_error: [500, 'Something went wrong on the server. Give its operator the requestId.'],
	storage_unavailable: [
		503,
		'The server cannot write at the moment: the outcome is unknown. Repeat the call, a message with the same clientMessageId.',
	],
	overloaded: [503, 'The server is busy. Repeat the call after the seconds given in Retry-After.'],
	shutting_down: [503, 'The server is restarting. Repeat the call after the seconds given in Retry-After.'],
	storage_full: [
		507,
		'The server’s disk is full: nothing was stored. Repeat the call later, a message with the same clientMessageId.',
	],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type FailureCode = keyof typeof failures;

export interface FailureDetails {
	/** Replaces the registry's sentence where more can be said; for the caller, never an internal. */
	message?: string;
	/** What is wrong with which field. */
	errors?: { path: string; message: string }[];
	/** Whole seconds until a repeat makes sense: the Retry-After header. */
	retryAfterSeconds?: number;
	/** More fields of the answer (`until` of a suspension, `allowed` of a refused move). */
	extra?: Record<string, unknown>;
	/** More headers of the answer (`Allow`, `RateLimit`). */
	headers?: Record<string, string>;
	/** For the log only. */
	cause?: unknown;
}

/** AppError is the one error class: everything the caller may know is in it, `cause` is for the log. */
export class AppError extends Error {
	readonly status: number;
	constructor(
		readonly code: FailureCode,
		readonly details: FailureDetails = {},
	) {
		super(details.message ?? failures[code][1], { cause: details.cause });
		this.name = 'AppError';
		this.status = failures[code][0];
	}
}
