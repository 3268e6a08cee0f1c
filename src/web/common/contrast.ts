/** Colours as `#rrggbb`, and whether what is written in one can be read on another (WCAG 2.2, section 1.4.3). */

const least = 4.5;

const channels = (colour: string): [number, number, number] => {
	const value = Number.parseInt(colour.slice(1), 16);
	return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
};
const luminance = (colour: string): number => {
	const [r, g, b] = channels(colour).map((channel) => {
		const part = channel / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
/** contrast is the ratio of two colours: 1 of the same, 21 of black and white. */
export const contrast = (a: string, b: string): number => {
	const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (light + 0.05) / (dark + 0.05);
};
/** writingOn is black or white, whichever is read better on a colour: one of both always can be. */
export const writingOn = (ground: string): string =>
	contrast('#ffffff', ground) >= contrast('#000000', ground) ? '#ffffff' : '#000000';
/** readableOn is a colour, made lighter or darker until it can be read on every one of the grounds. */
export const readableOn = (colour: string, grounds: readonly string[]): string => {
	const target = writingOn(grounds[0] ?? '#ffffff') === '#ffffff' ? 255 : 0;
	let now = colour;
	for (let step = 1; step <= 20 && grounds.some((ground) => contrast(now, ground) < least); step++)
		now = `#${channels(colour)
			.map((channel) =>
				Math.round(channel + ((target - channel) * step) / 20)
					.toString(16)
					.padStart(2, '0'),
			)
			.join('')}`;
	return now;
};
export const isColour = (text: string | null | undefined): text is string => /^#[0-9a-f]{6}$/i.test(text ?? '');
