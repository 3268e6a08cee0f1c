import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { Elysia } from 'elysia';
import swaggerStyle from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' };
import swaggerScript from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' };
import { version } from '../../package.json';
import type { Address } from '../http/address.ts';
import type { SocketContext } from '../http/frame.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { UserService } from '../modules/users/users.service.ts';
import { demoPages, inPane } from './demo.ts';
import { codesTable, contentsOf, scriptOf } from './docs-page.ts';
import { bundleAdmin, bundleClient, bundleWidget, readFiles } from './files.ts' with { type: 'macro' };
import { escapeHtml, realtimeReference } from './reference.ts';

/** The pages this server shows of itself, and the files they load. Nothing comes from another host. */

const files: Record<string, string> = {
	...readFiles(),
	...bundleAdmin(),
	'client.js': bundleClient(),
	'widget.js': bundleWidget(),
};
const file = (name: string): string => files[name] ?? '';
files['docs.js'] = scriptOf(file('docs.html'), file('docs.js'));

const types = {
	html: 'text/html; charset=utf-8',
	css: 'text/css; charset=utf-8',
	js: 'text/javascript; charset=utf-8',
	svg: 'image/svg+xml',
} as const;
const typeOf = (name: string): string => types[name.split('.').at(-1) as keyof typeof types];

const policy = (more: Record<string, string> = {}): string =>
	Object.entries({
		'default-src': "'none'",
		'script-src': "'self'",
		'style-src': "'self'",
		'img-src': "'self'",
		'connect-src': "'self'",
		'form-action': "'none'",
		'base-uri': "'none'",
		'frame-ancestors': "'none'",
		...more,
	})
		.map(([name, value]) => `${name} ${value}`)
		.join('; ');
const pagePolicy = policy();
/** Swagger UI styles its elements as it goes, and its icons are data: URLs. */
const swaggerPolicy = policy({ 'style-src': "'self' 'unsafe-inline'", 'img-src': "'self' data:" });

const compress = {
	br: (body: Buffer) =>
		promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }) as Promise<Buffer>,
	gzip: (body: Buffer) => promisify(gzip)(body, { level: constants.Z_BEST_COMPRESSION }) as Promise<Buffer>,
};
type Encoding = keyof typeof compress;
const encodingOf = (request: Request): Encoding | null => {
	const accepted = request.headers.get('accept-encoding') ?? '';
	return /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null;
};
/** Below this a compressed answer is hardly smaller. */
const compressBytesMin = 1_024;

const hashOf = (body: string | Uint8Array): string =>
	new Bun.CryptoHasher('sha256').update(body).digest('hex').slice(0, 16);

/** A file that pages load: its bytes, and what they are once compressed. */
interface Asset {
	type: string;
	hash: string;
	body: Buffer;
	encoded: Map<Encoding, Promise<Buffer>>;
}
const assetOf = (name: string, body: Buffer): Asset => ({
	type: typeOf(name),
	hash: hashOf(body),
	body,
	encoded: new Map(),
});

/** The admin page also speaks WebSocket; not every browser counts that as its own origin. */
const adminPolicy = (origin: string, more: Record<string, string> = {}) =>
	policy({ 'connect-src': `'self' ${origin.replace(/^http/, 'ws')}`, ...more });

const own = [
	'admin.css',
	'admin.js',
	'docs.css',
	'docs.js',
	'pages.css',
	'forms.js',
	'swagger.css',
	'swagger.js',
	'favicon.svg',
];
const foreign: Record<string, string> = {
	'swagger-ui-bundle.js': swaggerScript,
	'swagger-ui.css': swaggerStyle,
};

/** What to do next on a server that has just been started. */
const unfinished = `<section class="notice" aria-labelledby="next">
<h2 id="next">What to do next</h2>
<ol>
<li>Open the <b>setup link</b> that the server printed at its first start. It names your website and makes you its superadmin. For a new link, run this on the server: <code>parley setup-link</code></li>
<li>Put <a href="#tag">one line</a> into your pages.</li>
<li>Answer in the <a href="/admin">admin panel</a>.</li>
</ol>
</section>`;

const demoDoor = '<li><a href="/demo">Demo</a><p>Two customers and one of the team, side by side and live.</p></li>';

const hidden = { detail: { hide: true, 'x-permission': 'public' } as object };

interface Context {
	request: Request;
	set: { headers: Record<string, string | number | undefined>; status?: number | string };
}

/** Whether the client has this version already. */
const isKnown = (request: Request, etag: string): boolean =>
	(request.headers.get('if-none-match') ?? '').split(',').some((known) => known.trim() === etag);

/** pages serves `/`, `/admin`, `/setup`, `/access`, `/docs`, `/swagger`, `/swagger/realtime` and `/client.js`. */
export const pages = ({
	sites,
	users,
	address,
}: {
	sites: SiteService;
	users: Pick<UserService, 'hasSuperadmin'>;
	address: Address;
}) => {
	const assets = new Map<string, Promise<Asset>>();
	const assetNamed = (name: string): Promise<Asset> => {
		const known = assets.get(name);
		if (known) return known;
		const path = foreign[name];
		const made = path
			? Bun.file(path)
					.arrayBuffer()
					.then((body) => assetOf(name, Buffer.from(body)))
			: Promise.resolve(assetOf(name, Buffer.from(file(name))));
		assets.set(name, made);
		return made;
	};

	const answer = (
		{ request, set }: Context,
		{ type, hash, cache }: { type: string; hash: string; cache: string },
	): boolean => {
		// weak, since one file has several encodings
		const etag = `W/"${hash}"`;
		Object.assign(set.headers, { 'content-type': type, etag, 'cache-control': cache });
		if (!isKnown(request, etag)) return false;
		set.status = 304;
		return true;
	};

	/** Sends a file as small as the browser takes it, or says that it is the one it has. */
	const send = (context: Context, asset: Asset, cache: string): string | Buffer | Promise<Buffer> => {
		const { request, set } = context;
		const { vary } = set.headers;
		set.headers.vary = vary ? `${vary}, Accept-Encoding` : 'Accept-Encoding';
		if (answer(context, { ...asset, cache })) return '';
		const encoding = encodingOf(request);
		if (!encoding || asset.body.byteLength < compressBytesMin) return asset.body;
		const encoded = asset.encoded.get(encoding) ?? compress[encoding](asset.body);
		asset.encoded.set(encoding, encoded);
		set.headers['content-encoding'] = encoding;
		return encoded;
	};
	const serveAsset = (name: string) => async (context: Context & { query: Record<string, string> }) => {
		const asset = await assetNamed(name);
		// an address with its hash never shows another file
		return send(context, asset, context.query.v === asset.hash ? 'public, max-age=31536000, immutable' : 'no-cache');
	};

	/** The client is for pages of every origin: it holds nothing, and what it asks for is judged where it asks. */
	const serveToAll = (name: string) => async (context: Context & { query: Record<string, string> }) => {
		Object.assign(context.set.headers, {
			'access-control-allow-origin': '*',
			'cross-origin-resource-policy': 'cross-origin',
		});
		return serveAsset(name)(context);
	};

	/** A page with its values filled in, and its files by their hashes. */
	const servePage =
		(
			name: string,
			values: (origin: string) => Record<string, string>,
			csp: string | ((origin: string) => string) = pagePolicy,
		) =>
		async (context: Context & SocketContext) => {
			const { set } = context;
			const origin = address(context);
			const filled = values(origin);
			const hashes = new Map<string, string>();
			for (const [, asset = ''] of file(name).matchAll(/"\/assets\/([\w.-]+)"/g))
				hashes.set(asset, (await assetNamed(asset)).hash);
			const page = file(name)
				.replaceAll(/"\/assets\/([\w.-]+)"/g, (_, asset: string) => `"/assets/${asset}?v=${hashes.get(asset)}"`)
				.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => filled[key] ?? '');
			set.headers['content-security-policy'] = typeof csp === 'string' ? csp : csp(origin);
			set.headers['cross-origin-opener-policy'] = 'same-origin';
			return send(context, assetOf(name, Buffer.from(page)), 'no-cache');
		};

	/** The site whose examples are shown, and its publishable key, which is public. */
	const firstSite = () => {
		const resourceId = sites.list()[0]?.resourceId;
		const key =
			resourceId === undefined
				? undefined
				: sites.keys(resourceId).find((item) => item.kind === 'publishable' && item.revokedAt === null)?.key;
		return { resourceId, key };
	};

	const demo = sites.demo();
	const home = servePage('home.html', (origin) => {
		const { resourceId, key } = firstSite();
		const needsSetup = resourceId !== undefined && !users.hasSuperadmin(resourceId);
		return {
			version: escapeHtml(version),
			origin: escapeHtml(origin),
			resourceId: escapeHtml(resourceId ?? 'site.com'),
			key: escapeHtml(key ?? 'pk_...'),
			unfinished: needsSetup ? unfinished : '',
			demo: demo ? demoDoor : '',
		};
	});
	const swagger = servePage('swagger.html', () => ({ key: escapeHtml(firstSite().key ?? '') }), swaggerPolicy);

	let reference: string | undefined;
	const realtime = servePage('realtime.html', (origin) => {
		reference ??= realtimeReference();
		return {
			version: escapeHtml(version),
			origin: escapeHtml(origin),
			socket: escapeHtml(origin.replace(/^http/, 'ws')),
			key: escapeHtml(firstSite().key ?? 'pk_...'),
			reference,
		};
	});

	const parts = { codes: codesTable(), contents: contentsOf(file('docs.html')) };
	const docs = servePage('docs.html', (origin) => {
		const { resourceId, key } = firstSite();
		return {
			...parts,
			version: escapeHtml(version),
			origin: escapeHtml(origin),
			resourceId: escapeHtml(resourceId ?? 'site.com'),
			key: escapeHtml(key ?? 'pk_...'),
		};
	});

	/** Its views are told apart by the page itself. Where there is one site, nobody has to name it. */
	const admin = servePage(
		'admin.html',
		() => {
			const [only, ...others] = sites.list();
			return { resourceId: others.length > 0 ? '' : escapeHtml(only?.resourceId ?? '') };
		},
		// a demo shows it in a pane
		(origin) => adminPolicy(origin, demo && { 'frame-ancestors': "'self'" }),
	);

	const app = new Elysia({ name: 'pages' })
		.get('/', home, hidden)
		.get(
			'/setup',
			servePage('setup.html', () => ({})),
			hidden,
		)
		.get(
			'/access',
			servePage('access.html', () => ({})),
			hidden,
		)
		.get('/admin', demo ? inPane(admin) : admin, hidden)
		.get('/admin/*', demo ? inPane(admin) : admin, hidden)
		.get('/client.js', serveToAll('client.js'), hidden)
		.get('/widget.js', serveToAll('widget.js'), hidden)
		.get('/docs', docs, hidden)
		.get('/swagger', swagger, hidden)
		.get('/swagger/realtime', realtime, hidden);
	for (const name of [...own, ...Object.keys(foreign)]) app.get(`/assets/${name}`, serveAsset(name), hidden);
	if (demo) app.use(demoPages({ sites, site: demo, servePage, serveAsset, policy: adminPolicy, hidden }));
	return app;
};
