import { expect, test } from 'bun:test';
import { isOriginPattern, isResourceId, originMatches } from '../../../src/modules/sites/origins.ts';

const matches = (resourceId: string, origins: string[] | null, origin: string) =>
	originMatches(origin, resourceId, origins);

test('by default a site is called from itself and its subdomains, over http and https', () => {
	for (const origin of ['https://site.com', 'http://site.com', 'https://www.site.com', 'https://a.b.site.com'])
		expect([origin, matches('site.com', null, origin)]).toEqual([origin, true]);
	for (const origin of [
		'https://site.com.evil.test',
		'https://evilsite.com',
		'https://site.co',
		'https://com',
		'https://site.com:444',
		'ftp://site.com',
		'https://site.com/',
		'https://site.com/x',
		'https://SITE.com',
		'https://user@site.com',
		'null',
		'',
		'site.com',
		'https://site.com.',
		'https://site.com%00.evil.test',
	])
		expect([origin, matches('site.com', null, origin)]).toEqual([origin, false]);
});

test('a resourceId with a port means that port', () => {
	expect(matches('site.com:8080', null, 'http://site.com:8080')).toBe(true);
	expect(matches('site.com:8080', null, 'http://www.site.com:8080')).toBe(true);
	for (const origin of ['http://site.com', 'http://site.com:8081'])
		expect(matches('site.com:8080', null, origin)).toBe(false);
});

test('localhost is every port and every name of this machine, and nothing else', () => {
	for (const origin of [
		'http://localhost',
		'http://localhost:3000',
		'http://127.0.0.1:5173',
		'http://[::1]:3000',
		'https://localhost',
		'http://app.localhost:1',
	])
		expect([origin, matches('localhost', null, origin)]).toEqual([origin, true]);
	for (const origin of [
		'http://localhost.evil.test',
		'http://127.0.0.2',
		'http://128.0.0.1',
		'http://[::2]',
		'http://evillocalhost',
		'null',
	])
		expect([origin, matches('localhost', null, origin)]).toEqual([origin, false]);
});

test('origins that were set replace the default; a star stands for subdomains only', () => {
	const origins = ['https://www.site.com', 'https://*.site.net', 'http://localhost:3000'];
	for (const origin of ['https://www.site.com', 'https://a.site.net', 'https://a.b.site.net', 'http://localhost:3000'])
		expect([origin, matches('site.com', origins, origin)]).toEqual([origin, true]);
	for (const origin of [
		'https://site.com',
		'http://www.site.com',
		'https://site.net',
		'http://a.site.net',
		'https://a.site.net:444',
		'https://evilsite.net',
		'http://localhost:3001',
	])
		expect([origin, matches('site.com', origins, origin)]).toEqual([origin, false]);
	expect(matches('site.com', [], 'https://site.com')).toBe(false);
});

test('a setting names an origin, and nothing more', () => {
	for (const good of ['https://site.com', 'http://localhost:3000', 'https://*.site.com', 'https://site.com:8443'])
		expect([good, isOriginPattern(good)]).toEqual([good, true]);
	for (const bad of [
		'site.com',
		'https://site.com/',
		'https://site.com/x',
		'*',
		'https://*',
		'ftp://site.com',
		'https://Site.com',
		'',
		'null',
		'https://a.*.site.com',
		'https://*.*.com',
	])
		expect([bad, isOriginPattern(bad)]).toEqual([bad, false]);
});

test('a resourceId is a host name in lower case', () => {
	for (const good of ['site.com', 'localhost', 'a-b.site.com', 'site.com:8080', 'xn--bcher-kva.de', '127.0.0.1'])
		expect([good, isResourceId(good)]).toEqual([good, true]);
	for (const bad of [
		'',
		'Site.com',
		'https://site.com',
		'site.com/',
		'site..com',
		'-site.com',
		'site com',
		'site.com:',
		'site.com:999999',
		'x'.repeat(254),
		'.site.com',
		'site.com.',
	])
		expect([bad, isResourceId(bad)]).toEqual([bad, false]);
});
