import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { Limits } from '../../http/limits.ts';
import type { BlockService } from './blocks.service.ts';
import { UserExport } from './erasure.schema.ts';
import type { ErasureService } from './erasure.service.ts';
import type { PasswordService } from './passwords.service.ts';
import type { TokenService } from './tokens.service.ts';
import {
	Blocked,
	BlockList,
	ChangePassword,
	ChatToken,
	ChatTokenRequest,
	CreateUser,
	DeskLogin,
	Done,
	exampleIds,
	Id,
	Profile,
	ProfileView,
	UpdateMe,
	User,
} from './users.schema.ts';
import type { UserService } from './users.service.ts';

const UserParams = t.Object({ id: Id('A user’s public id.', exampleIds.jane) });
const OtherParams = t.Object({ userId: Id('The other user’s public id.', exampleIds.jane) });
const LookupQuery = t.Object({
	username: t.String({
		minLength: 1,
		maxLength: 256,
		description: 'The exact username, whatever its case.',
		examples: ['jane_doe'],
	}),
});
const SearchQuery = t.Object({
	q: t.String({ minLength: 1, maxLength: 64, description: 'The start of the username.', examples: ['jane'] }),
});

/** `/users`: creating users, their tokens, and what a user does with their own profile. */
export const userRoutes = ({
	guard,
	answers,
	limits,
	users,
	tokens,
	passwords,
	blocks,
	erasure,
}: {
	guard: Guard;
	answers: Answers;
	limits: Limits;
	users: UserService;
	tokens: TokenService;
	passwords: PasswordService;
	blocks: BlockService;
	erasure: ErasureService;
}) =>
	new Elysia({ prefix: '/users', tags: ['Users'] })
		.use(guard)
		.use(answers)
		.use(limits.plugin)
		.post(
			'',
			async ({ caller, body, set }) => {
				const identity = body.identityToken === undefined ? null : await tokens.identityOf(body.identityToken, caller);
				const outcome = await users.create(caller, body, identity);
				if (outcome.created && !outcome.data.verified) await limits.signedUp(outcome.data.resourceId);
				if (caller.device && outcome.created && !outcome.data.verified)
					set.headers['set-cookie'] = caller.device.setCookie;
				return outcome;
			},
			{
				open: 'held',
				limit: 'signup',
				body: CreateUser,
				createdOrFound: User,
				fails: [
					'wrong_site',
					'invalid_identity_token',
					'invalid_token',
					'token_expired',
					'token_revoked',
					'forbidden',
					'rank_too_low',
					'permission_missing',
					'signup_closed',
					'signup_signed',
					'proof_required',
					'user_suspended',
					'site_not_found',
					'username_taken',
					'email_taken',
					'name_invalid',
					'name_reserved',
					'avatar_not_allowed',
				],
				detail: {
					operationId: 'createUser',
					security: [{}, { apiKey: [] }, { apiKey: [], bearerAuth: [] }],
					summary: 'Create a user',
					description:
						'Makes a user of a site. Anyone may make one of role `user` where the site’s sign-up is open; higher roles need a secret key or an admin above them. With an `externalId` (or, by a secret key, the same username) the call may be repeated: it answers 200 with the same user.',
				},
			},
		)
		.post('/chat-token', ({ caller, body }) => tokens.mint(caller, body), {
			open: 'raw',
			limit: 'token',
			body: ChatTokenRequest,
			ok: ChatToken,
			fails: ['identity_proof_required', 'invalid_identity_token', 'wrong_site', 'user_suspended'],
			detail: {
				operationId: 'getChatToken',
				security: [{}, { apiKey: [] }, { bearerAuth: [] }],
				summary: 'Get a chat token',
				description:
					'Gives a Bearer token, valid for 30 days, to whoever proves to be the user: the site’s server (secret key), the user’s own token, an identityToken, the device that made the user, or, within an hour and before the first authenticated call, whoever knows the new user’s id.',
			},
		})
		.get('/me', ({ principal }) => users.me(principal), {
			can: 'profile.read',
			ok: User,
			detail: {
				operationId: 'getMe',
				summary: 'View your profile',
				description: 'The caller as the site knows them, with the permissions in effect.',
			},
		})
		.patch('/me', ({ principal, body }) => users.updateMe(principal, body), {
			can: 'profile.update',
			limit: 'write',
			body: UpdateMe,
			ok: User,
			fails: ['forbidden', 'email_taken', 'name_invalid', 'name_reserved', 'avatar_not_allowed', 'email_required'],
			detail: {
				operationId: 'updateMe',
				summary: 'Change your profile',
				description: 'What is not named stays; null empties. `metadata` of a verified user is the site’s own.',
			},
		})
		.delete('/me', ({ principal }) => erasure.eraseMe(principal), {
			can: 'profile.delete',
			limit: 'write',
			ok: Done,
			fails: ['last_superadmin'],
			detail: {
				operationId: 'deleteMe',
				summary: 'Delete yourself',
				description:
					'The profile, every text, reaction and block of the caller are gone when this answers. Conversations keep their shape.',
			},
		})
		.get('/me/export', ({ principal }) => erasure.exportMe(principal), {
			can: 'profile.export',
			limit: 'write',
			ok: UserExport,
			detail: {
				operationId: 'exportMe',
				summary: 'Export your data',
				description: 'The profile and all conversations with the caller’s own messages.',
			},
		})
		.post('/me/logout', ({ principal }) => tokens.logout(principal), {
			can: 'session.end',
			ok: Done,
			detail: {
				operationId: 'logout',
				summary: 'Log out',
				description: 'Ends this one token. Other tokens of the user go on.',
			},
		})
		.post(
			'/me/password',
			(context) =>
				limits.login(context, `change|${context.principal.pk}`, () =>
					passwords.change(context.principal, context.body),
				),
			{
				can: 'password.change',
				body: ChangePassword,
				ok: DeskLogin,
				fails: ['invalid_credentials', 'password_not_set', 'password_weak', 'rate_limited'],
				detail: {
					operationId: 'changePassword',
					summary: 'Change your password',
					description: 'Ends every token of the user; the answer carries a new one.',
				},
			},
		)
		.get('/me/blocks', ({ principal }) => blocks.list(principal), {
			can: 'block.manage',
			ok: BlockList,
			detail: {
				operationId: 'listBlocks',
				summary: 'List whom you blocked',
				description: 'In the order in which they were blocked.',
			},
		})
		.post('/me/blocks/:userId', ({ principal, params }) => blocks.block(principal, params.userId), {
			can: 'block.manage',
			limit: 'write',
			params: OtherParams,
			ok: Blocked,
			fails: ['block_impossible'],
			detail: {
				operationId: 'blockUser',
				summary: 'Block a user',
				description: 'Neither can start, write, edit or react in your conversation any more; its history stays.',
			},
		})
		.delete('/me/blocks/:userId', ({ principal, params }) => blocks.unblock(principal, params.userId), {
			can: 'block.manage',
			limit: 'write',
			params: OtherParams,
			ok: Blocked,
			detail: {
				operationId: 'unblockUser',
				summary: 'Take a block back',
				description: 'Your block only: the other may have one of their own.',
			},
		})
		.get('/lookup', ({ principal, query }) => users.lookup(principal, query.username), {
			canAsServer: 'user.lookup',
			query: LookupQuery,
			ok: Profile,
			fails: ['directory_off'],
			detail: {
				operationId: 'lookupUser',
				summary: 'Find a user by username',
				description: 'Exact, whatever the case. The site may have switched this off.',
			},
		})
		.get('/search', ({ principal, query }) => users.search(principal, query.q), {
			canAsServer: 'user.lookup',
			query: SearchQuery,
			ok: t.Object({ data: t.Array(Profile) }, { examples: [{ data: Profile.examples ?? [] }] }),
			fails: ['directory_off'],
			detail: {
				operationId: 'searchUsers',
				summary: 'Search users by username',
				description: 'At most 20 whose username starts so, where the site’s directory is set to `search`.',
			},
		})
		.get('/:id', ({ principal, params }) => users.profile(principal, params.id), {
			canAsServer: 'user.view',
			params: UserParams,
			ok: ProfileView,
			detail: {
				operationId: 'getUser',
				summary: 'View a user',
				description:
					'What any user of the site may know of another. `presence` only for those who share a conversation with them, and for the desk.',
			},
		});
