/** Pure rules about web origins (RFC 6454): which page may call the API of which site. */

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** isLoopbackHost tells the names under which a machine calls itself. */
export const isLoopbackHost = (hostname: string): boolean =>
	loopback.includes(hostname) || hostname.endsWith('.localhost');

/** originUrl is a web origin taken apart; null for what is none, like `ftp://…`, or an address with a user or a path. */
export const originUrl = (origin: string): URL | null => {
	const url = URL.parse(origin);
	return url && ['http:', 'https:'].includes(url.protocol) && url.origin === origin ? url : null;
};

/**
 * originMatches: whether a page's origin is one of a site's. `origins` as set for the site (`https://www.site.com`,
 * `https://*.site.com`), or null for the default: the resourceId itself and its subdomains over http and https; for
 * `localhost` every port, and the loopback addresses.
 */
export const originMatches = (origin: string, resourceId: string, origins: readonly string[] | null): boolean => {
	const url = originUrl(origin);
	if (!url) return false;
	if (origins === null) {
		if (resourceId === 'localhost') return isLoopbackHost(url.hostname);
		const [name = '', port = ''] = resourceId.split(':');
		return url.port === port && (url.hostname === name || url.hostname.endsWith(`.${name}`));
	}
	return origins.some((allowed) => {
		if (allowed === origin) return true;
		const [scheme, host] = allowed.split('://*.');
		return host !== undefined && `${scheme}:` === url.protocol && url.host.endsWith(`.${host}`);
	});
};

/** isOriginPattern: whether a setting names an origin as originMatches reads it. */
export const isOriginPattern = (text: string): boolean => {
	const plain = text.replace('://*.', '://');
	// note: a URL parser takes a star for a letter; anywhere else than in front it would match nothing, in silence
	return !plain.includes('*') && originUrl(plain) !== null;
};

/** isResourceId: a host name, with a port where the site has one of its own. */
export const isResourceId = (text: string): boolean =>
	text.length <= 253 && /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/.test(text);
