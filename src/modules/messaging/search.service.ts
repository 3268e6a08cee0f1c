import type { Store } from '../../db/open.ts';
import { indexPiecesMax, sweepPages } from '../../kernel/limits.ts';
import type { SearchSteps } from './search.steps.ts';

/** createSearchService keeps the full-text index up with the messages, behind whoever writes them. */
export const createSearchService = ({ store, search }: { store: Store; search: SearchSteps }) => {
	/** The sweep at work, if one is: a second one would only go over the same pages. */
	let sweeping: Promise<void> | null = null;
	const sweepPieces = async (): Promise<void> => {
		await store.atomic((tx) => search.beginSweep(tx, sweepPages));
		while (await store.atomic((tx) => search.sweepOn(tx, sweepPages)));
	};

	return {
		/** catchUp takes up messages that are not in the index yet, in pieces. What is left when many are waiting comes next time. */
		catchUp: async (): Promise<void> => {
			for (let piece = 0; piece < indexPiecesMax; piece++) {
				if (!store.read((tx) => search.isBehind(tx))) return;
				await store.atomic((tx) => search.catchUp(tx));
			}
		},

		/** sweep writes the index anew where words were taken out, so that no trace of them is left in the file. */
		sweep: async (): Promise<void> => {
			// note: one that has begun already may be past the page in question, so it is waited for first
			await sweeping;
			if (!store.read((tx) => search.needsSweep(tx))) return;
			sweeping ??= sweepPieces().finally(() => {
				sweeping = null;
			});
			await sweeping;
		},
	};
};
export type SearchService = ReturnType<typeof createSearchService>;
