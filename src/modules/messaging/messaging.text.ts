import { AppError } from '../../kernel/errors.ts';
import { messageTextMax } from '../../kernel/limits.ts';

/** Pure rules of what can be said. */

/** cleanText is a message's text as it is stored: trimmed. Throws message_text_invalid. */
export const cleanText = (text: string): string => {
	const clean = text.trim();
	// note: code points, as people count; the quick test spares the count for nearly every message
	const tooLong = clean.length > messageTextMax && [...clean].length > messageTextMax;
	if (clean === '' || tooLong || !clean.isWellFormed() || clean.includes('\0'))
		throw new AppError('message_text_invalid');
	return clean;
};

/** isEmoji: one emoji as Unicode lists them for interchange (UTS 51, RGI_Emoji), with or without its variation selector. */
export const isEmoji = (text: string): boolean =>
	/^\p{RGI_Emoji}$/v.test(text) || /^\p{RGI_Emoji}$/v.test(`${text}\ufe0f`);

/** digestOf tells whether two sends under one clientMessageId are the same send, in whatever order the metadata stands. */
export const digestOf = (text: string, replyTo: string | undefined, metadata: object | undefined): string => {
	const sorted = metadata ? Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)) : null;
	return Bun.hash(JSON.stringify([text, replyTo ?? null, sorted])).toString(36);
};
