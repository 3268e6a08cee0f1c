import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

/** What a row is taken to be high before it was in the page. */
const guessPx = 48;
/** No row is less high: so many fill the view. */
const leastPx = 24;
/** Rows that stand ready above and below what is seen, and after how many the window moves. */
const spare = 24;
const moveBy = 8;
/** So near to its end the list counts as at it. */
const endPx = 24;

/** What takes the list somewhere. */
export interface ListHandle {
	toEnd(): void;
	/** To the row with this key, if there is one. */
	to(key: string): void;
}

/**
 * Windowed is a long list that begins at its end. Only what is near the view is in the page, between two empty blocks as high
 * as the rest, so a list of thousands scrolls like one of fifty. One row is held: the first in view. Whatever comes, goes or
 * grows above it, the list is moved so that it stays; at the end, the end is held instead.
 */
export const Windowed = <T,>({
	items,
	keyOf,
	draw,
	version,
	label,
	handle,
	onTop,
	onEnd,
	children,
}: {
	items: readonly T[];
	keyOf: (item: T) => string;
	/** A row; drawn anew when it, a neighbour or `version` is another. */
	draw: (item: T, before: T | undefined, after: T | undefined) => ComponentChildren;
	version: string;
	label: string;
	handle: { current: ListHandle | null };
	/** The first rows come near. */
	onTop: () => void;
	/** Whether the end is in sight. */
	onEnd: (is: boolean) => void;
	children?: ComponentChildren;
}) => {
	const box = useRef<HTMLDivElement>(null);
	const inner = useRef<HTMLDivElement>(null);
	const [, redraw] = useState(0);
	const now = useRef({
		atEnd: true,
		/** The row that must not move, and where it stands below the upper edge. */
		held: null as { key: string; top: number } | null,
		/** Where the list was when it was last looked at: if it is elsewhere now, somebody has scrolled it since. */
		top: 0,
		/** The row to go to, once it is in the page. */
		target: null as string | null,
		heights: new Map<string, number>(),
		drawn: new Map<string, { item: T; before?: T; after?: T; version: string; node: ComponentChildren }>(),
		from: 0,
	}).current;

	const places = useMemo(() => new Map(items.map((item, i) => [keyOf(item), i])), [items]);
	const sum = (from: number, to: number) => {
		let px = 0;
		for (let i = from; i < to; i++) px += now.heights.get(keyOf(items[i] as T)) ?? guessPx;
		return px;
	};
	const heldPlace = () => places.get(now.target ?? now.held?.key ?? '') ?? 0;
	const size = 2 * spare + Math.ceil((box.current?.clientHeight ?? 600) / leastPx);
	const first = now.atEnd ? items.length - size + spare : heldPlace() - spare;
	const from = Math.max(0, Math.min(first, items.length - spare));
	const to = Math.min(items.length, from + size);
	now.from = from;

	const rowsInPage = () => inner.current?.querySelectorAll<HTMLElement>(':scope > [data-key]') ?? [];
	/** Holds the first row in view; where a long jump has left the window, the one that should stand there. */
	const hold = () => {
		const view = box.current;
		if (!view) return;
		now.top = view.scrollTop;
		const { top, bottom } = view.getBoundingClientRect();
		for (const row of rowsInPage()) {
			const place = row.getBoundingClientRect();
			if (place.bottom <= top) continue;
			if (place.top >= bottom) break;
			now.held = { key: row.dataset.key ?? '', top: place.top - top };
			return;
		}
		let i = 0;
		let px = 0;
		for (; i < items.length - 1; i++) {
			const height = now.heights.get(keyOf(items[i] as T)) ?? guessPx;
			if (px + height > view.scrollTop) break;
			px += height;
		}
		const item = items[i];
		if (item !== undefined) now.held = { key: keyOf(item), top: px - view.scrollTop };
	};
	/** Measures what is in the page, and moves the list so that what is held stays. */
	const settle = () => {
		const view = box.current;
		if (!view) return;
		for (const row of rowsInPage()) now.heights.set(row.dataset.key ?? '', row.offsetHeight);
		const scrolled = view.scrollTop - now.top;
		if (now.atEnd && now.target === null) {
			if (scrolled !== 0) return;
			view.scrollTop = view.scrollHeight;
			now.top = view.scrollTop;
			return;
		}
		const key = now.target ?? now.held?.key;
		const row = key === undefined ? null : inner.current?.querySelector(`:scope > [data-key="${CSS.escape(key)}"]`);
		if (!row) return;
		const wanted = now.target === null ? (now.held?.top ?? 0) - scrolled : view.clientHeight / 4;
		const moved = row.getBoundingClientRect().top - view.getBoundingClientRect().top - wanted;
		if (Math.abs(moved) >= 1) view.scrollTop += moved;
		now.target = null;
		hold();
	};
	const onScroll = () => {
		const view = box.current;
		if (!view) return;
		const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < endPx;
		if (atEnd !== now.atEnd) {
			now.atEnd = atEnd;
			onEnd(atEnd);
		}
		hold();
		const place = heldPlace();
		if (place < 2 * spare) onTop();
		if (Math.abs(place - spare - now.from) >= moveBy && !(now.from === 0 && place < spare)) redraw((n) => n + 1);
	};
	handle.current = {
		toEnd: () => {
			now.atEnd = true;
			now.top = box.current?.scrollTop ?? 0;
			onEnd(true);
			redraw((n) => n + 1);
		},
		to: (key) => {
			if (!places.has(key)) return;
			now.target = key;
			now.atEnd = false;
			onEnd(false);
			redraw((n) => n + 1);
		},
	};
	useLayoutEffect(() => {
		settle();
		// a view that is not filled cannot be scrolled, so nothing else would ask for more
		if (from === 0 && (box.current?.scrollHeight ?? 0) < 2 * (box.current?.clientHeight ?? 0)) onTop();
	});
	useEffect(() => {
		const watch = new ResizeObserver(settle);
		for (const node of [box.current, inner.current]) if (node) watch.observe(node);
		return () => watch.disconnect();
	}, []);

	const drawn = new Map<string, NonNullable<ReturnType<typeof now.drawn.get>>>();
	const rows = items.slice(from, to).map((item, n) => {
		const key = keyOf(item);
		const before = items[from + n - 1];
		const after = items[from + n + 1];
		const known = now.drawn.get(key);
		const isSame =
			known?.item === item && known.before === before && known.after === after && known.version === version;
		const row = isSame
			? known
			: {
					item,
					before,
					after,
					version,
					node: (
						<div key={key} class="item" data-key={key}>
							{draw(item, before, after)}
						</div>
					),
				};
		drawn.set(key, row);
		return row.node;
	});
	now.drawn = drawn;

	return (
		// note: not live, or what comes into the page by scrolling would be read out
		// biome-ignore lint/a11y/noNoninteractiveTabindex: without a mouse it is scrolled by keys, so it must take the focus
		<div class="scroll log" role="log" aria-live="off" aria-label={label} tabIndex={0} ref={box} onScroll={onScroll}>
			<div ref={inner}>
				<div style={{ height: `${sum(0, from)}px` }} />
				{rows}
				<div style={{ height: `${sum(to, items.length)}px` }} />
				{children}
			</div>
		</div>
	);
};
