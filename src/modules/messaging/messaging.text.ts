import { AppError } from '../../kernel/errors.ts';
import { messageTextMax } from '../../kernel/limits.ts';

/** Pure rules of what can be said. */

/** A character that can be seen: not a space, a control or format character, or one of the blanks that pass for letters. */
const visible = /(?!\p{C}|\p{Z}|\u115f|\u1160|\u3164|\uffa0|\u2800|\p{M}|\p{Variation_Selector})./su;

/** cleanText is a message's text as it is stored: trimmed. Throws message_text_invalid. */
export const cleanText = (text: string): string => {
	const clean = text.trim();
	// note: code points, as people count; the quick test spares the count for nearly every message
	const tooLong = clean.length > messageTextMax && [...clean].length > messageTextMax;
	if (!visible.test(clean) || tooLong || !clean.isWellFormed() || clean.includes('\0'))
		throw new AppError('message_text_invalid');
	return clean;
};

/**
 * cleanEmoji is one emoji as Unicode lists them for interchange (UTS 51, RGI_Emoji), with its variation selector where it has one, so that ❤ and
 * ❤️ are one reaction. Throws reaction_invalid.
 */
export const cleanEmoji = (text: string): string => {
	for (const form of [text, `${text}\ufe0f`]) if (/^\p{RGI_Emoji}$/v.test(form)) return form;
	throw new AppError('reaction_invalid');
};

/** digestOf tells whether two sends under one clientMessageId are the same send, in whatever order the metadata stands. */
export const digestOf = (
	kind: 'text' | 'note',
	text: string,
	replyTo: string | undefined,
	metadata: object | undefined,
): string => {
	const sorted = metadata ? Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)) : null;
	// note: a text's digest is made as it always was, because stored ones must still agree
	const said = [text, replyTo ?? null, sorted, ...(kind === 'note' ? [kind] : [])];
	return Bun.hash(JSON.stringify(said)).toString(36);
};

/**
 * cleanLine is a short text (a subject, a tag) as it is stored: trimmed, on one line unless `lines`, of at most `max` characters.
 * Throws invalid_request that names the field.
 */
export const cleanLine = (text: string, field: string, max: number, lines = false): string => {
	const clean = lines ? text.trim() : text.trim().replaceAll(/\s+/g, ' ');
	// note: a line break may stand in a comment, never another control character
	const controls = lines ? /[^\P{Cc}\n\r\t]/u : /\p{Cc}/u;
	if (!visible.test(clean) || [...clean].length > max || !clean.isWellFormed() || controls.test(clean))
		throw new AppError('invalid_request', {
			errors: [{ path: field, message: `is 1-${max} characters of well-formed text` }],
		});
	return clean;
};
