import { Elysia } from 'elysia';
import type { Answers } from '../../http/answers.ts';
import type { Guard } from '../../http/guard.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SiteService } from './sites.service.ts';
import { WidgetConfig } from './widget.schema.ts';

/** `/widget-config`: what a site's pages may know of its settings. */
export const siteRoutes = ({
	guard,
	answers,
	sites,
}: {
	guard: Guard;
	answers: Answers;
	sites: Pick<SiteService, 'widgetOf'>;
}) =>
	new Elysia({ tags: ['Widget'] })
		.use(guard)
		.use(answers)
		.get(
			'/widget-config',
			({ caller }) => {
				if (!caller.site) throw new AppError('key_required');
				return sites.widgetOf(caller.site.pk);
			},
			{
				open: 'raw',
				ok: WidgetConfig,
				fails: ['key_required'],
				detail: {
					operationId: 'getWidgetConfig',
					summary: 'View the look of the widget',
					description: 'For whoever has the API key; the widget asks for it when it is first opened.',
				},
			},
		);
