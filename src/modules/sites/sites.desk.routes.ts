import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { exampleIds, Id } from '../users/users.schema.ts';
import type { SiteDeskService } from './sites.desk.service.ts';
import { CreateKey, Key, KeyList, NewKey, SiteView, UpdateSite } from './sites.schema.ts';

const KeyParams = t.Object({ id: Id('The key’s id.', exampleIds.key) });

/** `/admin/site` and `/admin/keys`: the site’s settings and keys. */
export const siteDeskRoutes = ({ guard, answers, site }: { guard: Guard; answers: Answers; site: SiteDeskService }) =>
	new Elysia({ prefix: '/admin', tags: ['Admin'] })
		.use(guard)
		.use(answers)
		.get('/site', ({ principal }) => site.get(principal), {
			canAsServer: 'site.manage',
			ok: SiteView,
			detail: {
				operationId: 'getSite',
				summary: 'View the site’s settings',
				description: 'With the publishable key that stands in its pages.',
			},
		})
		.patch('/site', ({ principal, body }) => site.update(principal, body), {
			canAsServer: 'site.manage',
			body: UpdateSite,
			ok: SiteView,
			fails: ['nothing_to_change'],
			detail: {
				operationId: 'updateSite',
				summary: 'Change the site’s settings',
				description: 'What is not named stays.',
			},
		})
		.get('/keys', ({ principal }) => site.keys(principal), {
			can: 'key.manage',
			ok: KeyList,
			detail: {
				operationId: 'listKeys',
				summary: 'View API keys',
				description: 'Secret keys by their last four characters only.',
			},
		})
		.post('/keys', ({ principal, body }) => site.createKey(principal, body), {
			can: 'key.manage',
			body: CreateKey,
			created: NewKey,
			detail: {
				operationId: 'createKey',
				summary: 'Make an API key',
				description: 'A secret key is shown this once. A secret key cannot make keys itself.',
			},
		})
		.delete('/keys/:id', ({ principal, params }) => site.revokeKey(principal, params.id), {
			can: 'key.manage',
			params: KeyParams,
			ok: Key,
			detail: {
				operationId: 'revokeKey',
				summary: 'Revoke an API key',
				description: 'It ends at once, and for ever.',
			},
		});
