/** Clock is the only source of time: milliseconds since 1970, UTC. Tests pass one they can move. */
export type Clock = () => number;

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

let written = { ms: Number.NaN, text: '' };
/** iso writes a time as the API shows it: ISO 8601, UTC, with milliseconds. note: often the same one several times over */
export const iso = (ms: number): string => {
	if (ms !== written.ms) written = { ms, text: new Date(ms).toISOString() };
	return written.text;
};

export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** utcDay is the day of a time as `2026-02-22`. */
export const utcDay = (ms: number): string => iso(ms).slice(0, 10);
