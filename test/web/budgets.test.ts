import { expect, test } from 'bun:test';
import { gzipSync } from 'bun';
import { bundleAdmin, bundleWidget } from '../../src/web/files.ts';

/** What a page may cost whoever loads it, gzipped: a visitor on a phone, once; a team member, once a version. */
const widgetBytesMax = 35 * 1_024;
const adminBytesMax = 120 * 1_024;

const packedBytes = (...texts: string[]): number =>
	texts.reduce((sum, text) => sum + gzipSync(Buffer.from(text), { level: 9 }).byteLength, 0);

test('the widget is at most 35 KB, with its style and all its languages', () => {
	const script = bundleWidget();
	expect(packedBytes(script)).toBeLessThanOrEqual(widgetBytesMax);
	for (const part of ['adoptedStyleSheets', '.launcher', 'العربية'.slice(0, 2), 'বাংলা'.slice(0, 1)])
		expect(script).toContain(part);
});

test('the admin page is at most 120 KB, with its style and script', () => {
	expect(packedBytes(...Object.values(bundleAdmin()))).toBeLessThanOrEqual(adminBytesMax);
});

test('what visitors and the team load is built for them: no checks of development, no map, no foreign host', () => {
	for (const text of [bundleWidget(), ...Object.values(bundleAdmin())]) {
		expect(text).not.toMatch(/process\.env|sourceMappingURL|@preact\/signals.*debug/);
		const hosts = new Set([...text.matchAll(/https?:\/\/([\w.-]+\.\w{2,})/g)].map(([, host]) => host));
		// names of vocabularies and examples, which nobody asks for anything
		for (const name of ['www.w3.org', 'site.com', 'chat.site.com', 'www.site.com', 'shop.example']) hosts.delete(name);
		expect([...hosts]).toEqual([]);
	}
});
