import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { PasswordService } from './passwords.service.ts';
import { AccessLink, Done, exampleIds, Id, Suspend, User } from './users.schema.ts';
import type { UserService } from './users.service.ts';

const UserParams = t.Object({ id: Id('A user’s public id.', exampleIds.jane) });

/** `/admin/users`: what the desk does with users. */
export const userDeskRoutes = ({
	guard,
	answers,
	users,
	passwords,
}: {
	guard: Guard;
	answers: Answers;
	users: UserService;
	passwords: PasswordService;
}) =>
	new Elysia({ prefix: '/admin/users', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.patch('/:id', ({ principal, params, body }) => users.suspend(principal, params.id, body), {
			canAsServer: 'user.suspend',
			params: UserParams,
			body: Suspend,
			ok: User,
			fails: ['rank_too_low', 'last_superadmin'],
			detail: {
				operationId: 'suspendUser',
				summary: 'Suspend a user, or let them in again',
				description:
					'Acts on the next call of the user. Only on users below one’s own rank, and never on the last active superadmin.',
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
