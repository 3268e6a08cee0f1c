/** Random sequences that come out the same for the same seed, so that a failure can be seen again. */
export interface Random {
	/** A whole number from 0 to below `n`. */
	below(n: number): number;
	/** Whether something of this chance (0 to 1) happens. */
	chance(p: number): boolean;
	pick<T>(items: readonly T[]): T;
}

/** seeded is mulberry32: 32 bits of state, good enough to wander through cases. */
export const seeded = (seed: number): Random => {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
	const below = (n: number) => Math.floor(next() * n);
	return {
		below,
		chance: (p) => next() < p,
		pick: (items) => {
			const item = items[below(items.length)];
			if (item === undefined) throw new Error('nothing to pick from');
			return item;
		},
	};
};
