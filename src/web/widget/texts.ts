import { signal } from '@preact/signals';
import { Failure } from '../../client/client.ts';
import { ar } from './locales/ar.ts';
import { bn } from './locales/bn.ts';
import { de } from './locales/de.ts';
import { en, type Texts } from './locales/en.ts';
import { es } from './locales/es.ts';
import { fr } from './locales/fr.ts';

/** The languages of the widget, and how times and numbers are said in them. */

const languages: Record<string, Texts> = { en, bn, de, es, fr, ar };

export const locale = signal('en');
const language = () => locale.value.toLowerCase().split('-')[0] ?? 'en';
/** setLocale takes a language as a page names it, `de-AT`; one that is not known is English. */
export const setLocale = (wanted: string): void => {
	try {
		const [name = 'en'] = Intl.getCanonicalLocales(wanted);
		locale.value = languages[name.split('-')[0] ?? ''] ? name : 'en';
	} catch {
		locale.value = 'en';
	}
	formats.clear();
};
export const direction = (): 'rtl' | 'ltr' => (language() === 'ar' ? 'rtl' : 'ltr');

/** note: kept, because to make one takes longer than to draw a message */
const formats = new Map<string, Intl.DateTimeFormat>();
const format = (options: Intl.DateTimeFormatOptions, iso: string): string => {
	const name = JSON.stringify(options);
	const found = formats.get(name) ?? new Intl.DateTimeFormat(locale.value, options);
	formats.set(name, found);
	return found.format(new Date(iso));
};
export const numeral = (value: number): string => value.toLocaleString(locale.value);

/** say is a text in the visitor's language; where it depends on a number, that is `count`. */
export const say = (name: keyof Texts, values: Record<string, string | number> = {}): string => {
	const found = (languages[language()] ?? en)[name];
	const text =
		typeof found === 'string'
			? found
			: (found[new Intl.PluralRules(locale.value).select(Number(values.count))] ?? found.other);
	return text.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
		const value = values[key] ?? '';
		return typeof value === 'number' ? numeral(value) : value;
	});
};

const ownWords: Partial<Record<Failure['code'], keyof Texts>> = {
	network: 'network',
	signup_signed: 'signIn',
	signup_closed: 'signIn',
	identity_proof_required: 'signIn',
	blocked: 'blocked',
	recipient_unavailable: 'blocked',
	rate_limited: 'wait',
	reply_awaited: 'wait',
	conversations_unanswered: 'wait',
	user_suspended: 'suspended',
	ticket_closed: 'closed',
};
/** sayFailure is what went wrong, for the visitor. */
export const sayFailure = (error: unknown): string => {
	if (!(error instanceof Failure)) return say('failed');
	const own = ownWords[error.code];
	return own ? say(own) : `${say('failed')} ${error.message}`;
};

const sameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString();
/** clockTime is a time of the day: 14:05. */
export const clockTime = (iso: string): string => format({ hour: 'numeric', minute: '2-digit' }, iso);
/** dayName names a day as people do: today, yesterday, 3 March. */
export const dayName = (iso: string): string => {
	const day = new Date(iso);
	const now = new Date();
	if (sameDay(day, now)) return say('today');
	if (sameDay(day, new Date(now.getTime() - 86_400_000))) return say('yesterday');
	const year = day.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
	return format({ day: 'numeric', month: 'long', ...year }, iso);
};
/** shortTime is for lists: the time today, else the day. */
export const shortTime = (iso: string): string =>
	sameDay(new Date(iso), new Date()) ? clockTime(iso) : format({ day: 'numeric', month: 'short' }, iso);
