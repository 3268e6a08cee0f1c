import { describe, expect, test } from 'bun:test';
import type { SiteView } from '../../../src/modules/sites/sites.schema.ts';
import { type Away, type WidgetConfig, widgetSettingsDefault } from '../../../src/modules/sites/widget.schema.ts';
import { awayText, isOpenAt, isTimezone } from '../../../src/modules/sites/widget-hours.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

const office: Away = {
	text: 'We are back at nine.',
	timezone: 'Europe/Berlin',
	hours: [
		{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '12:30' },
		{ days: ['mon', 'tue', 'wed', 'thu'], from: '13:30', to: '18:00' },
	],
};
const at = (iso: string) => Date.parse(iso);
const config = (t: TestApp, as = 'key') => t.ok<WidgetConfig>({ as, path: '/widget-config' });
const set = (t: TestApp, widget: object, as = 'admin') =>
	t.call<SiteView>({ as, method: 'PATCH', path: '/admin/site', body: { widget } });

describe('opening hours', () => {
	test('go by the clock of the time zone, in winter and in summer', () => {
		expect(isOpenAt(office, at('2026-02-23T08:00:00Z'))).toBe(true); // Monday, 9:00 in Berlin
		expect(isOpenAt(office, at('2026-02-23T07:59:59Z'))).toBe(false);
		expect(isOpenAt(office, at('2026-07-06T07:00:00Z'))).toBe(true); // Monday, 9:00 in summer
		expect(isOpenAt(office, at('2026-07-06T06:59:00Z'))).toBe(false);
	});
	test('begin with their first minute and end before their last; between two there is a break', () => {
		expect(isOpenAt(office, at('2026-02-23T11:29:00Z'))).toBe(true);
		expect(isOpenAt(office, at('2026-02-23T11:30:00Z'))).toBe(false);
		expect(isOpenAt(office, at('2026-02-23T12:30:00Z'))).toBe(true);
		expect(isOpenAt(office, at('2026-02-27T12:30:00Z'))).toBe(false); // Friday afternoon
		expect(isOpenAt(office, at('2026-02-28T09:00:00Z'))).toBe(false); // Saturday
	});
	test('go on after midnight where they end before they begin', () => {
		const night: Away = { ...office, timezone: 'UTC', hours: [{ days: ['sun'], from: '22:00', to: '02:00' }] };
		expect(isOpenAt(night, at('2026-03-01T22:00:00Z'))).toBe(true); // Sunday
		expect(isOpenAt(night, at('2026-03-02T01:59:00Z'))).toBe(true);
		expect(isOpenAt(night, at('2026-03-02T02:00:00Z'))).toBe(false);
		expect(isOpenAt(night, at('2026-03-01T01:00:00Z'))).toBe(false);
	});
	test('may be whole days, up to 24:00; the day is that of the time zone', () => {
		const sundays: Away = { ...office, timezone: 'Asia/Dhaka', hours: [{ days: ['sun'], from: '00:00', to: '24:00' }] };
		expect(isOpenAt(sundays, at('2026-02-28T18:00:00Z'))).toBe(true); // Sunday, 0:00 in Dhaka
		expect(isOpenAt(sundays, at('2026-03-01T17:59:00Z'))).toBe(true);
		expect(isOpenAt(sundays, at('2026-03-01T18:00:00Z'))).toBe(false);
	});
	test('that are none at all mean always away; without an away text nobody is', () => {
		expect(awayText({ ...office, hours: [] }, at('2026-02-23T09:00:00Z'))).toBe(office.text);
		expect(awayText(office, at('2026-02-23T09:00:00Z'))).toBeNull();
		expect(awayText(null, at('2026-02-28T09:00:00Z'))).toBeNull();
	});
	test('know time zones by their names', () => {
		expect(['UTC', 'Europe/Berlin', 'Asia/Dhaka', 'America/New_York'].map(isTimezone)).toEqual([
			true,
			true,
			true,
			true,
		]);
		expect(['', 'Mars/Base', '+02:00', 'Berlin'].map(isTimezone)).toEqual([false, false, false, false]);
	});
});

describe('the look of the widget', () => {
	test('is told to whoever has the key, with nothing that is secret', async () => {
		using t = await createTestApp();
		const { away: _, ...look } = widgetSettingsDefault;
		expect(await config(t)).toEqual({ resourceId: 'site.com', ...look, away: null });
		expect(await config(t, 'server')).toEqual(await config(t));
		expect((await t.call({ as: 'nobody', path: '/widget-config' })).body.code).toBe('key_required');
		const foreign = { 'x-api-key': t.home.publishableKey, origin: 'https://evil.example' };
		expect((await t.call({ as: 'nobody', path: '/widget-config', headers: foreign })).body.code).toBe(
			'origin_not_allowed',
		);
	});
	test('changes by what is named, and at once; the record names each', async () => {
		using t = await createTestApp();
		await config(t);
		expect((await set(t, { title: 'Shop', accent: '#0A7F5C', askName: true })).body.data.widget).toEqual({
			...widgetSettingsDefault,
			title: 'Shop',
			accent: '#0A7F5C',
			askName: true,
		});
		await set(t, { features: { p2p: false, support: true }, title: null });
		expect(await config(t)).toMatchObject({
			title: null,
			accent: '#0A7F5C',
			askName: true,
			features: { p2p: false, support: true },
		});
		const { data } = await t.ok<{ data: { changes: { field: string; before: string; after: string }[] }[] }>({
			as: 'admin',
			path: '/admin/audit?limit=1',
		});
		expect(data[0]?.changes.map(({ field, before, after }) => [field, before, after]).sort()).toEqual([
			['widget.features', '{"p2p":true,"support":true}', '{"p2p":false,"support":true}'],
			['widget.title', '"Shop"', 'null'],
		]);
	});
	test('has the away text outside the hours alone', async () => {
		// the clock of tests stands on a Sunday
		using t = await createTestApp();
		await set(t, { away: office });
		expect((await config(t)).away).toBe(office.text);
		await set(t, { away: { ...office, hours: [{ days: ['sun'], from: '12:00', to: '14:00' }] } });
		expect((await config(t)).away).toBeNull();
	});
	test('refuses what it does not know, and stays as it was', async () => {
		using t = await createTestApp();
		const before = t.snapshot();
		for (const widget of [
			{ accent: 'red' },
			{ accent: '#fff' },
			{ accent: 'url(//evil.example)' },
			{ theme: 'pink' },
			{ position: 'top' },
			{ title: '' },
			{ title: 'x'.repeat(65) },
			{ features: { p2p: true } },
			{ away: { text: 'Away' } },
			{ away: { ...office, timezone: 'Mars/Base' } },
			{ away: { ...office, hours: [{ days: ['mon'], from: '9:00', to: '17:00' }] } },
			{ away: { ...office, hours: [{ days: ['mon'], from: '09:00', to: '09:00' }] } },
			{ away: { ...office, hours: [{ days: [], from: '09:00', to: '17:00' }] } },
		])
			expect([widget, (await set(t, widget)).body.code] as unknown).toEqual([widget, 'invalid_request']);
		expect(t.snapshot()).toBe(before);
	});
});
