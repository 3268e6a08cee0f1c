import { type Static, Type as t } from '@sinclair/typebox';
import { widgetAwayTextMax, widgetHoursMax, widgetTitleMax, widgetWelcomeMax } from '../../kernel/limits.ts';

/** How a site's widget looks and what it asks for: as the desk sets it, and as a visitor's page is told. */

const Weekday = t.Union([
	t.Literal('mon'),
	t.Literal('tue'),
	t.Literal('wed'),
	t.Literal('thu'),
	t.Literal('fri'),
	t.Literal('sat'),
	t.Literal('sun'),
]);
export type Weekday = Static<typeof Weekday>;
const clockPattern = '^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$';

export const OpeningHours = t.Object(
	{
		days: t.Array(Weekday, { minItems: 1, maxItems: 7 }),
		from: t.String({ pattern: clockPattern, description: 'As `09:00`.' }),
		to: t.String({
			pattern: clockPattern,
			description: 'As `17:30`; `24:00` is the end of the day. Before `from`: on the next day.',
		}),
	},
	{ description: 'When somebody is there, by the clock of the time zone.' },
);
export type OpeningHours = Static<typeof OpeningHours>;

export const Away = t.Object(
	{
		text: t.String({ minLength: 1, maxLength: widgetAwayTextMax, description: 'Shown outside the hours.' }),
		timezone: t.String({ minLength: 1, maxLength: 64, description: 'IANA name, as `Europe/Berlin`.' }),
		hours: t.Array(OpeningHours, { maxItems: widgetHoursMax, description: 'Empty: the team is always away.' }),
	},
	{ description: 'What is said while the team is away.' },
);
export type Away = Static<typeof Away>;

const look = {
	title: t.Union([t.String({ minLength: 1, maxLength: widgetTitleMax }), t.Null()], {
		description: 'What stands at the top; null: “Messages” in the visitor’s language.',
	}),
	welcome: t.Union([t.String({ minLength: 1, maxLength: widgetWelcomeMax }), t.Null()], {
		description: 'The first line; null: “How can we help?” in the visitor’s language.',
	}),
	accent: t.Union([t.String({ pattern: '^#[0-9a-fA-F]{6}$' }), t.Null()], {
		description:
			'The main colour, as `#3451b2`; what is written on it becomes black or white, whichever is read better.',
	}),
	theme: t.Union([t.Literal('auto'), t.Literal('light'), t.Literal('dark')], {
		description: '`auto` follows the visitor’s system. The tag’s data-theme goes before it.',
	}),
	position: t.Union([t.Literal('left'), t.Literal('right')], {
		description: 'The corner. The tag’s data-position goes before it.',
	}),
	askName: t.Boolean({ description: 'Ask a guest’s name before the first message.' }),
	askEmail: t.Boolean({ description: 'Ask a guest’s email address before the first message.' }),
	sound: t.Boolean({
		description: 'A short sound for a new message, and the number of unread ones in the page’s title.',
	}),
	features: t.Object(
		{ p2p: t.Boolean(), support: t.Boolean() },
		{ description: 'Chats between users, and requests to the team.' },
	),
};

export const WidgetSettings = t.Object(
	{ ...look, away: t.Union([Away, t.Null()]) },
	{ description: 'The look of the widget, and what it asks for.' },
);
export type WidgetSettings = Static<typeof WidgetSettings>;

export const widgetSettingsDefault: WidgetSettings = {
	title: null,
	welcome: null,
	accent: null,
	theme: 'auto',
	position: 'right',
	askName: false,
	askEmail: false,
	sound: true,
	features: { p2p: true, support: true },
	away: null,
};

const { away: _, ...shownDefault } = widgetSettingsDefault;
/** What everybody may know of it, who has the publishable key. */
export const WidgetConfig = t.Object(
	{
		resourceId: t.String({ description: 'The site’s public name.' }),
		...look,
		away: t.Union([t.String(), t.Null()], { description: 'What is said now, while the team is away; else null.' }),
	},
	{ examples: [{ resourceId: 'site.com', ...shownDefault, accent: '#3451b2', away: null }] },
);
export type WidgetConfig = Static<typeof WidgetConfig>;
