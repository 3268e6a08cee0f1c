import { Elysia } from 'elysia';
import { type DemoCustomer, demoAgent, demoCustomers, keyLabelOf } from '../demo/demo-people.ts';
import type { SocketContext } from '../http/frame.ts';
import { AppError } from '../kernel/errors.ts';
import type { Site, SiteService } from '../modules/sites/sites.service.ts';

/**
 * The pages of a demo, where anybody may act as its people. They are there only on a server whose store holds a site that
 * `parley demo` made.
 */

export interface PageContext extends SocketContext {
	set: { headers: Record<string, string | number | undefined>; status?: number | string };
}
type Page = (context: PageContext) => Promise<string | Buffer>;

/** Which chat is open in a customer's pane from the start; empty: none. */
const opens: Record<DemoCustomer, DemoCustomer | ''> = { leo: 'nina', nina: '' };
const identityMinutes = 10;

/** identityToken is what the server of the site would sign for a customer (RFC 7519, HS256). */
const identityToken = ({ resourceId, identitySecret }: Site, name: DemoCustomer): string => {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	// note: not a moved clock: it is judged against the server's, which is the machine's
	const iat = Math.floor(Date.now() / 1_000);
	const claims = { sub: name, iss: resourceId, aud: 'chat-identity', iat, exp: iat + identityMinutes * 60 };
	const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
	return `${signed}.${new Bun.CryptoHasher('sha256', identitySecret).update(signed).digest('base64url')}`;
};

/** inPane lets a page be shown within a page of this server, and of no other; its content policy says the same. */
export const inPane = (page: Page): Page => {
	return (context) => {
		context.set.headers['x-frame-options'] = 'SAMEORIGIN';
		return page(context);
	};
};

/** demoPages serves `/demo` and its panes. `policy`: that of pages which are live. */
export const demoPages = ({
	sites,
	site,
	servePage,
	serveAsset,
	policy,
	hidden,
}: {
	sites: SiteService;
	site: Site;
	servePage: (
		name: string,
		values: (origin: string) => Record<string, string>,
		csp: (origin: string) => string,
	) => Page;
	serveAsset: (name: string) => (context: PageContext & { query: Record<string, string> }) => Promise<unknown>;
	policy: (origin: string, more: Record<string, string>) => string;
	hidden: object;
}) => {
	const named = (who: string | undefined) => {
		const found = demoCustomers.find(({ name }) => name === who);
		if (!found) throw new AppError('route_not_found');
		return found;
	};
	const paneOf = (name: string, values: Record<string, string>) =>
		inPane(
			servePage(
				name,
				() => values,
				(origin) => policy(origin, { 'frame-ancestors': "'self'" }),
			),
		);
	const { email, password } = demoAgent;
	const keyOf = (name: DemoCustomer) =>
		sites.keys(site.resourceId).find((item) => item.label === keyLabelOf(name) && item.revokedAt === null)?.key ?? '';

	const app = new Elysia({ name: 'demo' })
		.get(
			'/demo',
			servePage(
				'demo.html',
				() => ({ email, password }),
				(origin) => policy(origin, { 'frame-src': "'self'" }),
			),
			hidden,
		)
		.get(
			'/demo/customer',
			(context) => {
				const { name, displayName } = named(context.query.who);
				const values = { who: name, displayName, opens: opens[name], key: keyOf(name) };
				return paneOf('demo-customer.html', values)(context);
			},
			hidden,
		)
		.get(
			'/demo/identity',
			({ query }) => ({ identityToken: identityToken(sites.byPk(site.pk), named(query.who).name) }),
			hidden,
		)
		.get('/demo/agent', paneOf('demo-agent.html', { resourceId: site.resourceId, email, password }), hidden);
	for (const name of ['demo.css', 'demo-customer.js', 'demo-agent.js'])
		app.get(`/assets/${name}`, serveAsset(name), hidden);
	return app;
};
