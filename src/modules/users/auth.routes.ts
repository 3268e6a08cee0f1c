import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import type { Limits } from '../../http/limits.ts';
import type { PasswordService } from './passwords.service.ts';
import { Access, DeskLogin, Login, Setup } from './users.schema.ts';

/** `/auth`: how the desk signs in. */
export const authRoutes = ({
	guard,
	answers,
	limits,
	passwords,
}: {
	guard: Guard;
	answers: Answers;
	limits: Limits;
	passwords: PasswordService;
}) =>
	new Elysia({ prefix: '/auth', tags: ['Authentication'] })
		.use(guard)
		.use(answers)
		.use(limits.plugin)
		.post(
			'/login',
			(context) =>
				limits.login(context, passwords.accountOf(context.body), () => passwords.login(context.caller, context.body)),
			{
				open: 'raw',
				limit: 'login',
				body: Login,
				ok: DeskLogin,
				fails: ['invalid_credentials', 'user_suspended', 'rate_limited'],
				detail: {
					operationId: 'login',
					summary: 'Sign in with a password',
					description:
						'For the team: gives a chat token and the site’s publishable key. After five wrong tries in 15 minutes each next one must wait longer; an account is never locked.',
				},
			},
		)
		.post('/setup', ({ caller, body }) => passwords.setup(caller, body), {
			open: 'raw',
			limit: 'login',
			body: Setup,
			created: DeskLogin,
			fails: ['invalid_link', 'username_taken', 'email_taken', 'site_exists', 'name_invalid', 'password_weak'],
			detail: {
				operationId: 'setUpSite',
				summary: 'Set the site up',
				description:
					'With the setup link of the first start: names the site while it is empty, and makes its first superadmin. Works once, for 30 minutes.',
			},
		})
		.post('/access', ({ caller, body }) => passwords.access(caller, body), {
			open: 'raw',
			limit: 'login',
			body: Access,
			ok: DeskLogin,
			fails: ['invalid_link', 'user_suspended', 'email_taken', 'password_weak', 'email_required'],
			detail: {
				operationId: 'setPassword',
				summary: 'Set a password by an access link',
				description:
					'The link of an invitation or a lost password. Works once, for 72 hours, and ends every token of the user.',
			},
		});
