import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { Done, exampleIds, Id } from '../users/users.schema.ts';
import { CannedReply, CannedReplyList, SaveCannedReply, UpdateCannedReply } from './canned.schema.ts';
import type { CannedService } from './canned.service.ts';

const InParams = t.Object({ id: Id('The canned reply’s id.', exampleIds.canned) });

/** `/admin/canned-replies`: texts that the desk writes again and again. */
export const cannedDeskRoutes = ({
	guard,
	answers,
	canned,
}: {
	guard: Guard;
	answers: Answers;
	canned: CannedService;
}) =>
	new Elysia({ prefix: '/admin/canned-replies', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('', ({ principal }) => canned.list(principal), {
			canAsServer: 'canned.read',
			ok: CannedReplyList,
			detail: {
				operationId: 'listCannedReplies',
				summary: 'View canned replies',
				description: 'Texts to answer with, found by their shortcut.',
			},
		})
		.post('', ({ principal, body }) => canned.add(principal, body), {
			canAsServer: 'canned.write',
			body: SaveCannedReply,
			created: CannedReply,
			fails: ['shortcut_taken', 'message_text_invalid'],
			detail: { operationId: 'addCannedReply', summary: 'Add a canned reply', description: 'For the whole team.' },
		})
		.patch('/:id', ({ principal, params, body }) => canned.update(principal, params.id, body), {
			canAsServer: 'canned.write',
			params: InParams,
			body: UpdateCannedReply,
			ok: CannedReply,
			fails: ['shortcut_taken', 'message_text_invalid', 'nothing_to_change'],
			detail: {
				operationId: 'updateCannedReply',
				summary: 'Change a canned reply',
				description: 'What is not named stays.',
			},
		})
		.delete('/:id', ({ principal, params }) => canned.remove(principal, params.id), {
			canAsServer: 'canned.write',
			params: InParams,
			ok: Done,
			detail: {
				operationId: 'deleteCannedReply',
				summary: 'Delete a canned reply',
				description: 'What was written with it stays.',
			},
		});
