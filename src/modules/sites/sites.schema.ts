import { type Static, Type as t } from '@sinclair/typebox';

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
});
export type SiteSettings = Static<typeof SiteSettings>;

export const siteSettingsDefault: SiteSettings = { signup: 'open', origins: null, directory: 'exact' };
