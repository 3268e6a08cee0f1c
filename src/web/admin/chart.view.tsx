import { useEffect, useRef, useState } from 'preact/hooks';
import type { Stats } from '../../modules/admin/stats.schema.ts';
import { Scroller } from './parts.tsx';
import { count, shortDay } from './words.ts';

/** A bar for each of 30 days, drawn by ourselves: what a chart library would bring is more than all of this page. */

const kinds = { messages: 'Messages', tickets: 'Tickets', conversations: 'Chats', users: 'New users' } as const;
type Kind = keyof typeof kinds;

const height = 200;
const left = 40;
const below = 24;
const gap = 3;
/** A day's name needs so much room. */
const labelPx = 64;

/** A round number at or above the highest bar, so that the lines stand at numbers one can read. */
const topOf = (most: number): number => {
	if (most <= 4) return 4;
	const size = 10 ** Math.floor(Math.log10(most));
	return ([1, 2, 4, 5, 10].find((step) => step * size >= most) ?? 10) * size;
};

export const Chart = ({ series }: { series: Stats['series'] }) => {
	const [kind, setKind] = useState<Kind>('messages');
	const [at, setAt] = useState<number | null>(null);
	const [width, setWidth] = useState(720);
	const drawing = useRef<SVGSVGElement>(null);
	// drawn to the pixel, so that words stay readable on every screen
	useEffect(() => {
		const node = drawing.current;
		if (!node) return;
		const seen = new ResizeObserver(([entry]) => setWidth(Math.max(200, Math.round(entry?.contentRect.width ?? 720))));
		seen.observe(node);
		return () => seen.disconnect();
	}, []);
	const values = series.map((day) => day[kind]);
	const top = topOf(Math.max(...values, 0));
	const step = (width - left) / Math.max(1, series.length);
	const every = Math.ceil(labelPx / step);
	const yOf = (value: number) => (height - below) * (1 - value / top) + 8 * (value / top);
	const total = values.reduce((sum, value) => sum + value, 0);
	const shown = at === null ? undefined : series[at];
	return (
		<section class="card chart" aria-label="The last 30 days">
			<header>
				<h2>Last 30 days</h2>
				<fieldset class="segments">
					<legend class="unseen">What is counted</legend>
					{(Object.keys(kinds) as Kind[]).map((known) => (
						<button key={known} type="button" aria-pressed={known === kind} onClick={() => setKind(known)}>
							{kinds[known]}
						</button>
					))}
				</fieldset>
			</header>
			<p class="told" aria-hidden="true">
				{shown ? `${shortDay(shown.date)}: ${count(shown[kind])}` : `${count(total)} in all`}
			</p>
			<svg
				ref={drawing}
				viewBox={`0 0 ${width} ${height}`}
				role="img"
				aria-label={`${kinds[kind]} a day, ${count(total)} in all. The numbers stand in the table below.`}
				onMouseLeave={() => setAt(null)}
			>
				{[0, 0.5, 1].map((part) => (
					<g key={part}>
						<line class="grid" x1={left} x2={width} y1={yOf(top * part)} y2={yOf(top * part)} />
						<text x={left - 8} y={yOf(top * part) + 4} text-anchor="end">
							{count(top * part)}
						</text>
					</g>
				))}
				{series.map((day, i) => {
					const value = day[kind];
					const y = yOf(value);
					return (
						// biome-ignore lint/a11y/noStaticElementInteractions: a hint for the mouse; the table says the same to everybody
						<g key={day.date} onMouseEnter={() => setAt(i)}>
							<rect class="ground" x={left + i * step} y={0} width={step} height={height - below} />
							{value > 0 && (
								<rect
									class={i === at ? 'bar lit' : 'bar'}
									x={left + i * step + gap / 2}
									y={Math.min(y, height - below - 2)}
									width={step - gap}
									height={Math.max(2, height - below - y)}
									rx={2}
								/>
							)}
							{(series.length - 1 - i) % every === 0 && i > 0 && (
								<text x={Math.min(left + i * step + step / 2, width - 24)} y={height - 6} text-anchor="middle">
									{shortDay(day.date)}
								</text>
							)}
						</g>
					);
				})}
			</svg>
			<details class="fold">
				<summary>As a table</summary>
				<Scroller label="The last 30 days as a table" wide>
					<table>
						<thead>
							<tr>
								<th scope="col">Day (UTC)</th>
								{Object.values(kinds).map((name) => (
									<th scope="col" class="number" key={name}>
										{name}
									</th>
								))}
							</tr>
						</thead>
						<tbody>
							{[...series].reverse().map((day) => (
								<tr key={day.date}>
									<th scope="row">{shortDay(day.date)}</th>
									{(Object.keys(kinds) as Kind[]).map((known) => (
										<td class="number" key={known}>
											{count(day[known])}
										</td>
									))}
								</tr>
							))}
						</tbody>
					</table>
				</Scroller>
			</details>
		</section>
	);
};
