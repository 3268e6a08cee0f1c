import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { AuditPage, AuditQuery } from './audit.schema.ts';
import type { AuditService } from './audit.service.ts';

/** `/admin/audit`: what the desk did. */
export const auditDeskRoutes = ({ guard, answers, audit }: { guard: Guard; answers: Answers; audit: AuditService }) =>
	new Elysia({ prefix: '/admin/audit', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('', ({ principal, query }) => audit.list(principal, query), {
			canAsServer: 'audit.read',
			query: AuditQuery,
			ok: AuditPage,
			detail: {
				operationId: 'listAudit',
				summary: 'View the audit',
				description:
					'Every act of the team and of secret keys, newest first, in a chain of hashes that nothing can be taken out of unnoticed: the operator checks it with `parley doctor audit`.',
			},
		});
