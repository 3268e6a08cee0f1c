import { type Static, Type as t } from '@sinclair/typebox';
import { WidgetSettings, widgetSettingsDefault } from './widget.schema.ts';

export const SignupMode = t.Union([t.Literal('open'), t.Literal('signed'), t.Literal('server')], {
	description:
		'Who makes users of role `user`: anyone (`open`), anyone with an identityToken (`signed`), only the site’s server (`server`).',
});
export type SignupMode = Static<typeof SignupMode>;

export const SiteSettings = t.Object({
	signup: SignupMode,
	/** null: the default, `http(s)://<resourceId>` and its subdomains. */
	origins: t.Union([t.Array(t.String()), t.Null()], {
		description:
			'Web origins that may call the API, as `https://www.site.com`; `https://*.site.com` for every subdomain.',
	}),
	directory: t.Union([t.Literal('off'), t.Literal('exact'), t.Literal('search')], {
		description: 'Whether users can look each other up by name.',
	}),
	autoCloseDays: t.Integer({
		minimum: 1,
		maximum: 365,
		description: 'Days after which a resolved ticket closes by itself.',
	}),
	widget: WidgetSettings,
});
export type SiteSettings = Static<typeof SiteSettings>;

/** What the row of a site keeps: its settings, and the mark of a demo, which is no setting and which no call can set. */
export type KeptSettings = Partial<SiteSettings> & { demo?: boolean };

export const siteSettingsDefault: SiteSettings = {
	signup: 'open',
	origins: null,
	directory: 'exact',
	autoCloseDays: 7,
	widget: widgetSettingsDefault,
};

const siteExample = {
	id: 'site_01kj3zp0x5e6s8r1n6a2c4v7wd',
	resourceId: 'site.com',
	...siteSettingsDefault,
	publishableKey: 'pk_...',
	createdAt: '2026-02-22T09:00:00.000Z',
};
/** A site as its desk sees it. */
export const SiteView = t.Object(
	{
		id: t.String(),
		resourceId: t.String({ description: 'The site’s public name.' }),
		...SiteSettings.properties,
		publishableKey: t.Union([t.String(), t.Null()], { description: 'For x-api-key in the site’s pages.' }),
		createdAt: t.String(),
	},
	{ examples: [siteExample] },
);
export type SiteView = Static<typeof SiteView>;

export const UpdateSite = t.Object(
	{
		...t.Partial(t.Omit(SiteSettings, ['widget'])).properties,
		widget: t.Optional(t.Partial(WidgetSettings, { description: 'Of the widget too, what is not named stays.' })),
	},
	{ examples: [{ signup: 'signed', autoCloseDays: 14 }] },
);
export type UpdateSite = Static<typeof UpdateSite>;

const keyExample = {
	id: 'key_01kj3ztb1b2c3d4e5f6g7h8jkm',
	kind: 'secret' as const,
	label: 'default',
	key: 'sk_…3f9a',
	createdAt: '2026-02-22T09:00:00.000Z',
	lastUsedAt: null,
	revokedAt: null,
};
const KeyKind = t.Union([t.Literal('publishable'), t.Literal('secret')]);
export const Key = t.Object(
	{
		id: t.String(),
		kind: KeyKind,
		label: t.String(),
		key: t.String({ description: 'A secret key by its last four characters.' }),
		createdAt: t.String(),
		lastUsedAt: t.Union([t.String(), t.Null()]),
		revokedAt: t.Union([t.String(), t.Null()]),
	},
	{ examples: [keyExample] },
);
export type Key = Static<typeof Key>;

export const KeyList = t.Object(
	{ data: t.Array(Key), total: t.Integer() },
	{ examples: [{ data: [keyExample], total: 1 }] },
);
export type KeyList = Static<typeof KeyList>;

export const CreateKey = t.Object(
	{ kind: KeyKind, label: t.String({ minLength: 1, maxLength: 64, description: 'What the audit calls it.' }) },
	{ examples: [{ kind: 'secret', label: 'shop server' }] },
);
export type CreateKey = Static<typeof CreateKey>;

export const NewKey = t.Object(
	{ id: t.String(), kind: KeyKind, label: t.String(), key: t.String({ description: 'Shown this once.' }) },
	{ examples: [{ id: keyExample.id, kind: 'secret', label: 'shop server', key: 'sk_...' }] },
);
export type NewKey = Static<typeof NewKey>;
