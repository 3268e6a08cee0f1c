import { AppError } from '../../kernel/errors.ts';
import { nameMax } from '../../kernel/limits.ts';

/** Pure rules of names: what is one, when two are the same, and when one passes itself off as another. */

/** Control, format (zero-width, bidi), surrogate, private and unassigned characters, line separators, and blanks that look like nothing. */
const invisible = /\p{C}|\p{Zl}|\p{Zp}|\u115f|\u1160|\u3164|\uffa0|\u2800|\u034f|\u17b4|\u17b5/u;
const usernameCharacters = /^[\p{L}\p{M}\p{N} ._\-@+]+$/u;
const hasLatin = /\p{Script=Latin}/u;
const hasCyrillicOrGreek = /[\p{Script=Cyrillic}\p{Script=Greek}]/u;

/** Letters of other scripts that look like Latin ones, and digits that stand for letters. */
const lookAlikes = new Map(
	Object.entries({
		а: 'a', в: 'b', е: 'e', ё: 'e', к: 'k', м: 'm', н: 'h', о: 'o', р: 'p', с: 'c', т: 't', у: 'y', х: 'x',
		і: 'i', ї: 'i', ј: 'j', ѕ: 's', ԁ: 'd', ԛ: 'q', ԝ: 'w', һ: 'h', ӏ: 'l', ո: 'n', υ: 'u', α: 'a', β: 'b', ε: 'e',
		η: 'n', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't', χ: 'x', γ: 'y', ω: 'w', ı: 'i', ɑ: 'a', ɡ: 'g', ł: 'l',
		ø: 'o', đ: 'd', ᴀ: 'a', ʙ: 'b', ᴄ: 'c', ᴅ: 'd', ᴇ: 'e', ɢ: 'g', ʜ: 'h', ɪ: 'i', ᴊ: 'j', ᴋ: 'k', ʟ: 'l', ᴍ: 'm', ɴ: 'n', ᴏ: 'o', ᴘ: 'p',
		ʀ: 'r', ꜱ: 's', ᴛ: 't', ᴜ: 'u', ᴠ: 'v', ᴡ: 'w', ʏ: 'y', ᴢ: 'z', ɓ: 'b', ƈ: 'c', ɗ: 'd', ƒ: 'f', ɠ: 'g', ɦ: 'h', ƙ: 'k', ɱ: 'm', ɲ: 'n',
		ƥ: 'p', ʂ: 's', ƭ: 't', ʋ: 'v', ƴ: 'y', ʐ: 'z', ս: 'u', ա: 'w', հ: 'h', օ: 'o', ց: 'g', ք: 'p', 0: 'o', 1: 'l', 3: 'e', 4: 'a', 5: 's', 7: 't', 8: 'b', '@': 'a',
	}),
); // biome-ignore format: a table

/** foldName is the name by casefold: equal for names that differ in case only. */
export const foldName = (name: string): string => name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');

/**
 * skeletonOf leaves of a name what the eye keeps: letters and digits without case and accents, look-alikes as the letter they
 * look like (after the idea of Unicode TR39, section 4; a short table, not the whole).
 */
export const skeletonOf = (name: string): string =>
	[
		...foldName(name)
			.normalize('NFD')
			.replaceAll(/[^\p{L}\p{N}@]/gu, ''),
	]
		.map((letter) => lookAlikes.get(letter) ?? letter)
		.join('')
		.replaceAll('rn', 'm')
		.replaceAll('vv', 'w')
		.replaceAll('i', 'l');

/** cleanName is a display name as it is stored: NFKC, trimmed. Throws name_invalid. */
export const cleanName = (name: string, path: 'username' | 'displayName'): string => {
	// variation selectors only choose how an emoji is drawn: ❤️ and ❤ are one name
	const clean = name
		.normalize('NFKC')
		.replaceAll(/\p{Variation_Selector}/gu, '')
		.trim();
	const length = [...clean].length;
	if (!name.isWellFormed() || length < 1 || length > nameMax || invisible.test(clean))
		throw new AppError('name_invalid', { errors: [{ path, message: `1-${nameMax} visible characters` }] });
	return clean;
};

/** cleanUsername is a username as it is stored. Throws name_invalid. */
export const cleanUsername = (name: string): string => {
	const clean = cleanName(name, 'username');
	if (!usernameCharacters.test(clean))
		throw new AppError('name_invalid', {
			errors: [{ path: 'username', message: 'letters, digits, space and . _ - @ +' }],
		});
	if (hasLatin.test(clean) && hasCyrillicOrGreek.test(clean))
		throw new AppError('name_invalid', {
			errors: [{ path: 'username', message: 'not Latin mixed with Cyrillic or Greek' }],
		});
	return clean;
};

const reserved = [
	'admin', 'administrator', 'superadmin', 'moderator', 'staff', 'support', 'helpdesk', 'help desk', 'team', 'system',
	'root', 'official', 'security', 'service', 'customer service', 'customer support', 'sysadmin', 'webmaster', 'owner',
	'parley', 'everyone', 'anonymous', 'undefined',
]; // biome-ignore format: a list
/** Short ones are meant to the letter: by what the eye keeps, Ali would be all. */
const reservedExactly = new Set(['all', 'here', 'mod', 'bot', 'help', 'null']);
const reservedSkeletons = new Set(reserved.map(skeletonOf));
const reservedWords = new Set(['admin', 'administrator', 'superadmin', 'moderator', 'support', 'staff', 'team', 'official', 'helpdesk'].map(skeletonOf)); // biome-ignore format: a list

/**
 * isReservedName: whether a name would pass for the team or the site itself. A role's word counts among others too
 * ("Support Team", "site.com support").
 */
export const isReservedName = (name: string, resourceId: string): boolean => {
	const skeleton = skeletonOf(name);
	const site = resourceId.split(':')[0] ?? resourceId;
	const own = [site, site.split('.').slice(0, -1).join('.'), `www.${site}`].filter(Boolean).map(skeletonOf);
	return (
		reservedSkeletons.has(skeleton) ||
		reservedExactly.has(foldName(name)) ||
		own.includes(skeleton) ||
		name.split(/[^\p{L}\p{M}\p{N}]+/u).some((word) => reservedWords.has(skeletonOf(word)))
	);
};

/** withSuffix makes a new name of an old one, `alice-7f2k`, within the length a name may have. */
export const withSuffix = (name: string): string => {
	const random = crypto.getRandomValues(new Uint8Array(4));
	const suffix = Array.from(random, (byte) => '23456789abcdefghjkmnpqrstuvwxyz'[byte % 31]).join('');
	return `${[...name].slice(0, nameMax - 5).join('')}-${suffix}`;
};

/** emailKeyOf: addresses are compared without case. */
export const emailKeyOf = (email: string): string => email.trim().normalize('NFKC').toLowerCase();
