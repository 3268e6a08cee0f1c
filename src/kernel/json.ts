import { bodyDepthMax } from './limits.ts';

/** What of JSON is taken from outside, by call and by frame. */

/**
 * isPlain: whether a value can be looked through. note: Elysia puts a value that breaks its schema into its error, by JSON and
 * as `${value}`. Both throw for what is nested some thousands deep, the second for an object with a field `toString`: a
 * caller's mistake would answer as our own.
 */
export const isPlain = (value: unknown, depth = 0): boolean => {
	if (typeof value !== 'object' || value === null) return true;
	if (depth >= bodyDepthMax || typeof value.toString !== 'function') return false;
	for (const key in value) if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
	return true;
};

const isCleanText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
const isCleanValue = (value: unknown): boolean => {
	if (typeof value === 'string') return isCleanText(value);
	if (typeof value !== 'object' || value === null) return true;
	return Object.entries(value).every(([key, item]) => isCleanText(key) && isCleanValue(item));
};

/**
 * isClean: whether a plain value that was read from a text holds well-formed Unicode without NUL alone: SQLite stores the
 * rest oddly. note: in valid UTF-8 that can only stand as an escape
 */
export const isClean = (text: string, value: unknown): boolean => !text.includes('\\u') || isCleanValue(value);
