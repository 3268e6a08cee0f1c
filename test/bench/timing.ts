// Which statements a call runs, how long each takes, and by which plan: to find out why a call is slow.
import { Database } from 'bun:sqlite';

interface Timed {
	runs: number;
	ms: number;
}

/** timeStatements times every statement prepared from now on, and its preparation, whenever `during` runs something. */
export const timeStatements = () => {
	let times: Map<string, Timed> | null = null;
	const note = (text: string, runs: number, ms: number) => {
		const known = times?.get(text) ?? { runs: 0, ms: 0 };
		times?.set(text, { runs: known.runs + runs, ms: known.ms + ms });
	};
	const prepare = Database.prototype.prepare;
	Database.prototype.prepare = function (this: Database, text: string, ...more: never[]) {
		const begun = performance.now();
		const statement = prepare.call(this, text, ...more) as unknown as Record<string, (...params: unknown[]) => unknown>;
		note(text, 0, performance.now() - begun);
		for (const verb of ['values', 'all', 'get', 'run']) {
			const original = statement[verb] as (...params: unknown[]) => unknown;
			statement[verb] = (...params) => {
				if (!times) return original.apply(statement, params);
				const startedAt = performance.now();
				try {
					return original.apply(statement, params);
				} finally {
					note(text, 1, performance.now() - startedAt);
				}
			};
		}
		return statement as never;
	} as typeof prepare;

	return {
		/** during runs something and gives the statements it took, the dearest first. */
		during: async (job: () => unknown): Promise<(Timed & { text: string })[]> => {
			times = new Map();
			try {
				await job();
				return [...times].map(([text, timed]) => ({ text, ...timed })).sort((a, b) => b.ms - a.ms);
			} finally {
				times = null;
			}
		},
	};
};

/** planOf is how the engine goes about a statement, a line for each step. */
export const planOf = (sqlite: Database, text: string): string[] =>
	(sqlite.query(`explain query plan ${text}`).all() as { detail: string }[]).map(({ detail }) => detail);
