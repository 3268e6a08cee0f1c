import { type Signal, signal } from '@preact/signals';
import { explain } from './words.ts';

interface Page<T> {
	data: T[];
	total: number;
	page: number;
	totalPages: number;
}

/** Which page of how many is shown. */
export interface Numbered {
	page: Signal<number>;
	pages: Signal<number>;
	total: Signal<number>;
}

/** createPaged is a list that is shown page by page. Only the newest answer counts. */
export const createPaged = <T>() => {
	const rows = signal<T[]>([]);
	const total = signal(0);
	const page = signal(1);
	const pages = signal(1);
	const loaded = signal(false);
	const problem = signal<string | null>(null);
	let asked = 0;
	return {
		rows,
		total,
		page,
		pages,
		loaded,
		problem,
		load: async (ask: () => Promise<Page<T>>): Promise<void> => {
			const turn = ++asked;
			try {
				const found = await ask();
				if (turn !== asked) return;
				rows.value = found.data;
				total.value = found.total;
				page.value = found.page;
				pages.value = Math.max(1, found.totalPages);
				problem.value = null;
			} catch (error) {
				if (turn === asked) problem.value = explain(error);
			} finally {
				if (turn === asked) loaded.value = true;
			}
		},
	};
};
