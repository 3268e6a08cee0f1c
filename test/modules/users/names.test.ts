import { expect, test } from 'bun:test';
import { nameMax } from '../../../src/kernel/limits.ts';
import {
	cleanUsername,
	emailKeyOf,
	foldName,
	isReservedName,
	skeletonOf,
	withSuffix,
} from '../../../src/modules/users/names.ts';

test('names that differ in case only are one, in every script that has cases', () => {
	for (const [a, b] of [
		['JOHN', 'john'],
		['Straße', 'STRASSE'],
		['ΣΊΣΥΦΟΣ', 'σίσυφος'],
		['МАРИЯ', 'мария'],
		['ＪＯＨＮ', 'john'],
		['ﬁn', 'FIN'],
	] as const)
		expect([a, foldName(a)]).toEqual([a, foldName(b)]);
	for (const [a, b] of [
		['john', 'jon'],
		['café', 'cafe'],
		['a b', 'ab'],
	] as const)
		expect(foldName(a)).not.toBe(foldName(b));
});

test('folding twice is folding once', () => {
	for (const name of ['Straße', 'İstanbul', 'ΣΊΣΥΦΟΣ', 'ǅ', 'ﬁ', 'ϓ', 'Å'])
		expect([name, foldName(foldName(name))]).toEqual([name, foldName(name)]);
});

test('a skeleton is the same for names that the eye takes for one', () => {
	for (const [a, b] of [
		['support', 'SUPP0RT'],
		['support', 's.u-p_p o+r t'],
		['admin', 'аdmіn'],
		['admin', 'ádmïn'],
		['modern', 'modem'],
		['will', 'wi11'],
		['will', 'vvill'],
		['iris', 'lrls'],
		['coco', 'сосо'],
	] as const)
		expect([a, b, skeletonOf(b)]).toEqual([a, b, skeletonOf(a)]);
	for (const [a, b] of [
		['anna', 'hanna'],
		['bob', 'rob'],
		['田中', '田口'],
	] as const)
		expect(skeletonOf(a)).not.toBe(skeletonOf(b));
});

test('reserved are the words of a team, the site itself, and names that hold such a word', () => {
	for (const name of [
		'admin',
		'Support',
		'team',
		'site.com',
		'SITE.com',
		'site',
		'www.site.com',
		'Support Team',
		'site.com support',
		'the-admin',
		'mod.erator',
	])
		expect([name, isReservedName(name, 'site.com')]).toEqual([name, true]);
	for (const name of ['anna', 'adminton', 'mysite', 'sitecom2', 'steam', 'modest'])
		expect([name, isReservedName(name, 'site.com')]).toEqual([name, false]);
	expect(isReservedName('localhost', 'localhost:3000')).toBe(true);
});

test('a suffix makes another name that is still one, however long the old is', () => {
	for (const name of ['alice', 'x'.repeat(nameMax), '田'.repeat(nameMax)]) {
		const names = new Set(Array.from({ length: 20 }, () => withSuffix(name)));
		expect(names.size).toBeGreaterThan(15);
		for (const each of names) {
			expect([...each].length).toBeLessThanOrEqual(nameMax);
			expect(cleanUsername(each)).toBe(each);
		}
	}
});

test('addresses are compared without case', () => {
	expect(emailKeyOf(' John@Site.COM ')).toBe('john@site.com');
});
