import type { Away, Weekday } from './widget.schema.ts';

/** When the team is there: opening hours by the clock of a time zone. */

const week: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** isTimezone: whether it is an IANA name that this server knows. */
export const isTimezone = (name: string): boolean => {
	try {
		// note: an offset like +02:00 would pass too, and would be wrong for half of the year
		return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
	} catch {
		return false;
	}
};

const minutesOf = (time: string): number => {
	const [hours = 0, minutes = 0] = time.split(':').map(Number);
	return hours * 60 + minutes;
};

/** The day and minute that a clock in the time zone shows. */
const localTime = (now: number, timezone: string): { day: Weekday; minute: number } => {
	const parts = new Intl.DateTimeFormat('en-US', {
		timeZone: timezone,
		weekday: 'short',
		hour: '2-digit',
		minute: '2-digit',
		hourCycle: 'h23',
	}).formatToParts(now);
	const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '';
	return {
		day: part('weekday').slice(0, 3).toLowerCase() as Weekday,
		minute: Number(part('hour')) * 60 + Number(part('minute')),
	};
};

/** isOpenAt: whether a moment (ms) is within the hours. What ends before it begins goes on after midnight. */
export const isOpenAt = ({ timezone, hours }: Away, now: number): boolean => {
	const { day, minute } = localTime(now, timezone);
	const dayBefore = week[(week.indexOf(day) + 6) % 7] as Weekday;
	return hours.some(({ days, from, to }) => {
		const start = minutesOf(from);
		const end = minutesOf(to);
		if (start < end) return days.includes(day) && minute >= start && minute < end;
		return (days.includes(day) && minute >= start) || (days.includes(dayBefore) && minute < end);
	});
};

/** awayText is what is said now while the team is away, or null while it is there. */
export const awayText = (away: Away | null, now: number): string | null =>
	away === null || isOpenAt(away, now) ? null : away.text;
