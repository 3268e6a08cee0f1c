import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { UserExport } from './erasure.schema.ts';
import type { ErasureService } from './erasure.service.ts';
import type { PasswordService } from './passwords.service.ts';
import { AccessLink, DeskUser, DeskUserPage, DeskUserQuery, Done, exampleIds, Id, UpdateUser } from './users.schema.ts';
import type { UserService } from './users.service.ts';

const UserParams = t.Object({ id: Id('A user’s public id.', exampleIds.jane) });

/** `/admin/users`: what the desk does with users. */
export const userDeskRoutes = ({
	guard,
	answers,
	users,
	passwords,
	erasure,
}: {
	guard: Guard;
	answers: Answers;
	users: UserService;
	passwords: PasswordService;
	erasure: ErasureService;
}) =>
	new Elysia({ prefix: '/admin/users', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('', ({ principal, query }) => users.deskPage(principal, query), {
			canAsServer: 'desk.users',
			query: DeskUserQuery,
			ok: DeskUserPage,
			detail: {
				operationId: 'listUsers',
				summary: 'View all users',
				description:
					'Newest first, narrowed down by the start of a name, role, suspension, or your own id of the user.',
			},
		})
		.get('/:id', ({ principal, params }) => users.deskView(principal, params.id), {
			canAsServer: 'desk.users',
			params: UserParams,
			ok: DeskUser,
			detail: {
				operationId: 'getUser',
				summary: 'View a user',
				description: 'With permissions, suspension and when they were last here.',
			},
		})
		.patch('/:id', ({ principal, params, body }) => users.deskUpdate(principal, params.id, body), {
			canAsServer: 'user.suspend',
			params: UserParams,
			body: UpdateUser,
			ok: DeskUser,
			fails: ['forbidden', 'rank_too_low', 'permission_missing', 'last_superadmin', 'nothing_to_change'],
			detail: {
				operationId: 'updateUser',
				summary: 'Change role, permissions or suspension',
				description:
					'Acts on the next call of the user. Only on users below one’s own rank, and never on the last active superadmin. Role and permissions need an admin.',
			},
		})
		.delete('/:id', ({ principal, params }) => erasure.erase(principal, params.id), {
			canAsServer: 'user.erase',
			params: UserParams,
			ok: Done,
			fails: ['rank_too_low', 'last_superadmin'],
			detail: {
				operationId: 'eraseUser',
				summary: 'Erase a user',
				description: 'Profile, texts, reactions and subjects are gone when this answers; rows and numbers stay.',
			},
		})
		.get('/:id/export', ({ principal, params }) => erasure.export(principal, params.id), {
			canAsServer: 'user.export',
			params: UserParams,
			ok: UserExport,
			fails: ['rank_too_low'],
			detail: {
				operationId: 'exportUser',
				summary: 'Export a user’s data',
				description: 'The profile, and their conversations with their own messages.',
			},
		})
		.post('/:id/revoke-tokens', ({ principal, params }) => users.revokeTokens(principal, params.id), {
			canAsServer: 'user.revoke',
			params: UserParams,
			ok: Done,
			fails: ['rank_too_low'],
			detail: {
				operationId: 'revokeTokens',
				summary: 'Log a user out everywhere',
				description: 'Every token of the user ends at once.',
			},
		})
		.post('/:id/access-link', ({ principal, params }) => passwords.accessLink(principal, params.id), {
			can: 'user.invite',
			params: UserParams,
			created: AccessLink,
			fails: ['rank_too_low', 'desk_only'],
			detail: {
				operationId: 'createAccessLink',
				summary: 'Make an access link',
				description:
					'A link to set a password, as an invitation or when it was lost. It works once, for 72 hours; a new one ends the earlier. A secret key may not make one.',
			},
		});
