import type { Db } from './open.ts';

/** The row by which a sweep always finds something to merge; no scope has its word. The migration that makes the table puts it in. */
const sweepRow = { row: 0, words: ':' };

/** A longer word is taken as several. note: a change here, or to `wordsOf`, needs the index made anew. */
const wordCharsMax = 64;
const queryWordsMax = 10;
const wordForm = new RegExp(`[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}]{0,${wordCharsMax - 1}}`, 'gu');

/**
 * wordsOf gives the words of a text in the form in which they are compared: no accents, ligatures or case. Upper case,
 * because there a letter does not depend on its neighbours, as the Greek small sigma does.
 */
const wordsOf = (text: string): string[] =>
	text
		.normalize('NFKD')
		.replace(/[\u0300-\u036f]/g, '')
		.toUpperCase()
		.match(wordForm) ?? [];

/**
 * Each word carries its scope, so that every scope has lists of its own: where the scope is one more condition, the
 * smallest site waits for lists as long as the largest one's.
 */
const scoped = (scope: string, word: string): string => `${scope}:${word}`;

/** A text of a row; its scope is one word of ASCII letters and digits. */
type Text = { row: number; scope: string; text: string };

const indexed = ({ row, scope, text }: Text) => ({
	row,
	words: wordsOf(text)
		.map((word) => scoped(scope, word))
		.join(' '),
});

/**
 * matchQuery makes the question of what a person typed, for `find`: every word must be there, the last at least in its
 * beginning. Null where nothing can be searched for. Only letters and digits go into it, so nothing typed is syntax.
 */
export const matchQuery = (scopes: string[], words: string): string | null => {
	const typed = wordsOf(words).slice(0, queryWordsMax);
	if (typed.length === 0 || scopes.length === 0) return null;
	return scopes.map((scope) => `(${typed.map((word) => `"${scoped(scope, word)}"`).join(' AND ')} *)`).join(' OR ');
};

/** fullText prepares the statements of full-text search. Rows are any integers but 0. */
export const fullText = (db: Db) => {
	const sqlite = db.$client;
	const insert = sqlite.prepare('insert into texts(rowid, words) values ($row, $words)');
	const erase = sqlite.prepare('delete from texts where rowid = $row');
	const select = sqlite.prepare(
		'select rowid as row from texts where texts match $query order by rowid desc limit $limit offset $offset',
	);
	const merge = sqlite.prepare("insert into texts(texts, rank) values ('merge', $pages)");
	const written = sqlite.prepare('select total_changes()');
	const changes = () => Number(written.values()[0]?.[0]);
	return {
		add: { run: (text: Text) => insert.run(indexed(text)) },
		/**
		 * remove takes a row out of what is found; its words stay in the file until the next sweep. note: to take them out of the
		 * lists at once rewrites the list of each word, and a long text of common words would hold up everybody
		 */
		remove: { run: ({ row }: Pick<Text, 'row'>) => erase.run({ row }) },
		/** find lists rows, newest first. note: it reads no further than its limit, except for the beginning of a word. */
		find: {
			all: ({ query, limit, offset = 0 }: { query: string; limit: number; offset?: number }) =>
				select.all({ query, limit, offset }) as { row: number }[],
		},
		/**
		 * sweep writes the index anew, so that nothing is left of words removed before it began, some pages of 4 KiB at a
		 * time: the first call begins it, and it is done when a call changes nothing.
		 */
		sweep: {
			run: ({ pages, begin = false }: { pages: number; begin?: boolean }) => {
				const before = changes();
				if (begin) {
					erase.run({ row: sweepRow.row });
					insert.run(sweepRow);
				}
				merge.run({ pages: begin ? -pages : pages });
				const made = changes() - before;
				// note: the command itself counts as one
				return { changes: made < 2 ? 0 : made, lastInsertRowid: 0 };
			},
		},
	};
};
