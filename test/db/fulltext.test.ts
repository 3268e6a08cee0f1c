import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fullText, matchQuery } from '../../src/db/fulltext.ts';
import { openStore } from '../../src/db/open.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { tempFolder } from '../support/db-support.ts';

type Index = ReturnType<typeof fullText>;
type Text = Parameters<Index['add']['run']>[0];

const connect = (folder: string) => {
	const store = openStore({ folder, clock: () => 1_000, log: silentLog });
	const sqlite = store.db.$client;
	const index = fullText(store.db);
	const each = (verb: 'add' | 'remove', texts: Text[]) =>
		store.atomic(function* (tx) {
			for (const text of texts) yield* tx.run(index[verb], text);
		});
	const find = (scopes: string[], words: string, limit = 1_000, offset = 0): number[] => {
		const query = matchQuery(scopes, words);
		if (query === null) throw new Error(`nothing to search for in ${JSON.stringify(words)}`);
		return store.read((tx) => tx.all(index.find, { query, limit, offset })[Symbol.iterator]()).map(({ row }) => row);
	};
	return {
		...store,
		sqlite,
		index,
		add: (...texts: Text[]) => each('add', texts),
		remove: (...texts: Text[]) => each('remove', texts),
		find,
		/** Throws when what is in the index does not fit together. */
		check: () => sqlite.run("insert into texts(texts) values ('integrity-check')"),
	};
};
const inMemory = (...texts: string[]) => {
	const index = connect(':memory:');
	return index.add(...texts.map((text, i) => ({ row: i + 1, scope: '1p2p', text }))).then(() => index);
};

/** Sweeps to the end, with something else between the calls, and tells how many calls it took. */
const sweep = async (
	{ atomic, index }: { atomic: ReturnType<typeof connect>['atomic']; index: Index },
	pages: number,
	between: (call: number) => Promise<unknown> | unknown = () => undefined,
) => {
	for (let call = 0; call < 1_000; call++) {
		const { changes } = await atomic(function* (tx) {
			return yield* tx.run(index.sweep, { pages, begin: call === 0 });
		});
		if (changes === 0) return call;
		await between(call);
	}
	throw new Error('a sweep does not end');
};

/** How often a text stands in the files of a folder, the database's log included. */
const timesIn = (folder: string, needle: string): number =>
	readdirSync(folder)
		.map((name) => readFileSync(join(folder, name), 'latin1').split(needle).length - 1)
		.reduce((sum, times) => sum + times, 0);

/** The same words at every run, of four letters and more, many of them alike in their beginnings. */
const vocabulary = (size: number, mark = ''): string[] =>
	Array.from({ length: size }, (_, i) => {
		const digest = new Bun.CryptoHasher('sha1').update(`${mark}${i}`).digest('hex');
		return `${digest.slice(0, 4)}${mark}${digest.slice(4, 12)}`;
	});

describe('what is removed', () => {
	const mark = 'qzxqzx';
	/** Secrets among other words, in enough texts for many pages. Those of a text differ in their last letter only. */
	const scene = (from: number) => {
		const others = vocabulary(1_000);
		const secrets = vocabulary(2_000, mark);
		return secrets.map((secret, i) => ({
			row: from + i,
			scope: '1p2p',
			text: `${others[i % 1_000]} ${others[(i * 7) % 1_000]} ${secret}a ${secret}b`,
		}));
	};
	const addAll = async ({ add }: ReturnType<typeof connect>, texts: Text[]) => {
		for (let i = 0; i < texts.length; i += 50) await add(...texts.slice(i, i + 50));
	};

	test('a removed text leaves no byte in the file after a sweep', async () => {
		using folder = tempFolder();
		const store = connect(folder.path);
		// note: twice, because after the first sweep everything is in one piece, which merging alone leaves as it is
		for (const from of [1, 10_001]) {
			const texts = scene(from);
			const kept = texts.map(({ row, scope }) => ({ row: row + 5_000, scope, text: `kept ${row}` }));
			await addAll(store, texts);
			await addAll(store, kept);
			await sweep(store, 64);
			store.writeBack();
			const ends = texts.filter((_, i) => i % 100 === 0).map(({ text }) => text.slice(-9, -1));
			expect(timesIn(folder.path, mark)).toBeGreaterThan(1_000);
			expect(ends.filter((end) => timesIn(folder.path, end) > 0).length).toBeGreaterThan(15);

			await store.remove(...texts);
			await sweep(store, 64);
			store.writeBack();
			expect(ends.filter((end) => timesIn(folder.path, end) > 0)).toEqual([]);
			expect(timesIn(folder.path, mark)).toBe(0);
			expect(store.find(['1p2p'], `kept ${from}`, 5_000)).toContain(from + 5_000);
			store.check();
		}
		store.close();
	});

	test('is not found any more, while the same words in other texts are', async () => {
		const { add, remove, find, check } = await inMemory('red apple', 'red pear', 'red apple');
		await remove({ row: 1, scope: '1p2p', text: 'red apple' });
		expect(find(['1p2p'], 'apple')).toEqual([3]);
		expect(find(['1p2p'], 'red')).toEqual([3, 2]);
		await add({ row: 1, scope: '1p2p', text: 'green apple' });
		expect(find(['1p2p'], 'apple')).toEqual([3, 1]);
		expect(find(['1p2p'], 'red')).toEqual([3, 2]);
		check();
	});

	test('a text that is put in and taken out in one transaction is not found, and a sweep leaves nothing of it', async () => {
		using folder = tempFolder();
		const store = connect(folder.path);
		const text = { row: 1, scope: '1p2p', text: 'shortlived' };
		await store.atomic(function* (tx) {
			yield* tx.run(store.index.add, text);
			yield* tx.run(store.index.remove, text);
			yield* tx.run(store.index.add, { ...text, text: 'longlived' });
		});
		expect(store.find(['1p2p'], 'shortlived')).toEqual([]);
		expect(store.find(['1p2p'], 'longlived')).toEqual([1]);
		await sweep(store, 64);
		store.writeBack();
		expect(timesIn(folder.path, 'shortlived')).toBe(0);
		expect(timesIn(folder.path, 'longlived')).toBe(1);
		store.close();
	});

	test('a text whose transaction failed is not found, and one whose removal failed is', async () => {
		const { atomic, index, find, check } = await inMemory('first');
		const failed = atomic(function* (tx) {
			yield* tx.run(index.remove, { row: 1, scope: '1p2p', text: 'first' });
			yield* tx.run(index.add, { row: 2, scope: '1p2p', text: 'second' });
			throw new Error('no');
		});
		await expect(failed).rejects.toThrow('no');
		expect(find(['1p2p'], 'second')).toEqual([]);
		expect(find(['1p2p'], 'first')).toEqual([1]);
		check();
	});
});

describe('a sweep', () => {
	test('loses nothing and hides nothing, whatever is added and removed meanwhile, and comes to an end', async () => {
		const store = connect(':memory:');
		const words = vocabulary(400);
		const texts = new Map<number, string>();
		const put = async (row: number) => {
			const text = `${words[row % 400]} ${words[(row * 11) % 400]} every`;
			texts.set(row, text);
			await store.add({ row, scope: '1p2p', text });
		};
		for (let row = 1; row <= 2_000; row++) await put(row);
		const expectAll = () => {
			for (const word of [words[3], words[77], 'every'])
				expect(store.find(['1p2p'], String(word), 5_000)).toEqual(
					[...texts.keys()].filter((row) => texts.get(row)?.split(' ').includes(String(word))).sort((a, b) => b - a),
				);
		};
		const calls = await sweep(store, 1, async (call) => {
			expectAll();
			await put(10_000 + call);
			await store.remove({ row: call + 1, scope: '1p2p', text: String(texts.get(call + 1)) });
			texts.delete(call + 1);
		});
		expect(calls).toBeGreaterThan(3);
		expectAll();
		store.check();
	});

	test('of an empty index does no harm', async () => {
		const store = connect(':memory:');
		const totals = () => store.sqlite.query('select block from texts_data where id = 1').values();
		const before = totals();
		for (let i = 0; i < 3; i++) await sweep(store, 8);
		expect(totals()).toEqual(before);
		await store.add({ row: 1, scope: '1p2p', text: 'one' });
		await store.remove({ row: 1, scope: '1p2p', text: 'one' });
		await sweep(store, 8);
		await store.add({ row: 1, scope: '1p2p', text: 'one' });
		expect(store.find(['1p2p'], 'one')).toEqual([1]);
		store.check();
	});
});

describe('a search', () => {
	test('of one scope never gives rows of another', async () => {
		const scopes = ['1p2p', '11p2p', '1p2px', '2p2p', '1ticket', '1'];
		const { add, find } = connect(':memory:');
		await add(...scopes.map((scope, i) => ({ row: i + 1, scope, text: 'secret 1p2p:secret x:secret p2p' })));
		for (const [i, scope] of scopes.entries())
			for (const words of ['secret', 's', 'secret 1p2p', '1ticket:secret', 'p2p', 'x', ':'].filter((words) =>
				matchQuery([scope], words),
			))
				expect([words, find([scope], words)]).toEqual([words, words.includes('ticket') ? [] : [i + 1]]);
		expect(find(['2p2p', '1p2p', '9p2p'], 'secret')).toEqual([4, 1]);
	});

	test('wants every word, and the last at least in its beginning', async () => {
		const { find } = await inMemory('the printer is broken', 'the printed page', 'broken page', 'sprint');
		expect(find(['1p2p'], 'print')).toEqual([2, 1]);
		expect(find(['1p2p'], 'print page')).toEqual([]);
		expect(find(['1p2p'], 'page print')).toEqual([2]);
		expect(find(['1p2p'], 'broken the')).toEqual([1]);
		expect(find(['1p2p'], 'the the printer')).toEqual([1]);
		expect(find(['1p2p'], 'printers')).toEqual([]);
		expect(find(['1p2p'], 'broken printer missing')).toEqual([]);
	});

	test('gives the newest rows first, as many as asked for, with keys below zero last', async () => {
		const { add, find } = await inMemory('a word', 'a word', 'another', 'a word');
		await add({ row: -1, scope: '1p2p', text: 'a word' }, { row: -9, scope: '1p2p', text: 'a word' });
		expect(find(['1p2p'], 'word')).toEqual([4, 2, 1, -1, -9]);
		expect(find(['1p2p'], 'word', 2)).toEqual([4, 2]);
		expect(find(['1p2p'], 'word', 2, 2)).toEqual([1, -1]);
		expect(find(['1p2p', '2p2p'], 'wo', 3)).toEqual([4, 2, 1]);
	});

	test('looks past accents, case and the forms of a letter', async () => {
		const pairs: [string, string][] = [
			['Crème Brûlée', 'creme BRULEE'],
			['uber', 'Über'],
			['Straße', 'STRASSE'],
			['ΟΔΟΣ', 'οδος'],
			['παπάς', 'παπασ'],
			['ﬁne', 'fine'],
			['ＡＢＣ１２３', 'abc123'],
			['Ёлка', 'елка'],
			['İstanbul', 'istanbul'],
			['e\u0301te\u0301', '\u00e9t\u00e9'],
			['हिन्दी', 'हिन्दी'],
			['한국어', '한국'],
			['日本語', '日本'],
			['👍fine🎉', 'fine'],
		];
		for (const [text, typed] of pairs) {
			const { find, remove, check } = await inMemory(text, 'other');
			expect([text, find(['1p2p'], typed)]).toEqual([text, [1]]);
			expect(find(['1p2p'], text)).toEqual([1]);
			await remove({ row: 1, scope: '1p2p', text });
			expect(find(['1p2p'], typed)).toEqual([]);
			check();
		}
	});

	test('takes a word that is written with marks as one', async () => {
		const { find } = await inMemory('हिन्दी', "l'été");
		expect(find(['1p2p'], 'हिन्')).toEqual([1]);
		expect(find(['1p2p'], 'न')).toEqual([]);
		expect(find(['1p2p'], 'te')).toEqual([]);
	});

	test('is refused where nothing typed can be searched for', () => {
		for (const typed of ['', ' ', '"', '***', '!?…—«»', '\0', ':', '👍', '❤️', '\ud800', '\u0301'])
			expect([typed, matchQuery(['1p2p'], typed)]).toEqual([typed, null]);
		expect(matchQuery([], 'word')).toBeNull();
		expect(matchQuery(['1p2p'], 'word')).not.toBeNull();
	});

	test('is for ten words at most', async () => {
		const { find } = await inMemory('a b c d e f g h i j', 'a b c d e f g h i');
		expect(find(['1p2p'], 'a b c d e f g h i j never')).toEqual([1]);
		const long = String(matchQuery(['1p2p'], 'word '.repeat(10_000)));
		expect(long.length).toBeLessThan(10 * 80);
		expect(String(matchQuery(['1p2p'], 'x'.repeat(10_000))).length).toBeLessThan(10 * 80);
	});

	test('finds words of any length', async () => {
		const long = vocabulary(30).join('');
		const { find, remove } = await inMemory(long, long.slice(0, 100));
		expect(find(['1p2p'], long)).toEqual([1]);
		expect(find(['1p2p'], long.slice(0, 100))).toEqual([2, 1]);
		expect(find(['1p2p'], long.slice(0, 5))).toEqual([2, 1]);
		await remove({ row: 1, scope: '1p2p', text: long });
		expect(find(['1p2p'], long.slice(0, 100))).toEqual([2]);
	});
});

describe('what a person types is never read as search syntax', () => {
	const texts = ['and', 'or', 'not', 'near', 'a b', 'words', 'a', 'b c', 'near a b 10', 'rowid 1', 'a and b', 'd e f'];
	/** What a search means, for words of ASCII letters and digits. */
	const meaning = (typed: string): number[] => {
		const wanted = typed.toLowerCase().match(/[a-z0-9]+/g) ?? [];
		const last = wanted.pop() ?? '';
		return texts
			.map((text, i) => ({ row: i + 1, words: text.split(' ') }))
			.filter(
				({ words }) => wanted.every((word) => words.includes(word)) && words.some((word) => word.startsWith(last)),
			)
			.map(({ row }) => row)
			.reverse();
	};

	test('in the forms of FTS5', async () => {
		const { find } = await inMemory(...texts);
		for (const typed of [
			...['AND', 'OR', 'NOT', 'NEAR', 'a AND b', 'a OR b', 'a NOT b', 'NOT a', 'NEAR(a b)', 'NEAR(a b, 10)', 'AND AND'],
			...['"a b"', '"a', 'a"', '""a""', "'a'", "a' OR 1=1 --", 'a"*', '"a" OR "b"', 'a*', '*a', 'a* b*', '^a', 'a ^b'],
			...['words:a', 'words : a', '{words} : a', '- words : a', 'rowid:1', '-a', 'a-b', 'a+b', 'a + b', 'a . b'],
			...[
				'(a',
				'a)',
				'(a) (b)',
				'((((((a',
				'a,b',
				'a\\b',
				'a;b',
				'a/*b*/',
				'a\0b',
				'a\nb',
				'\ud800a',
				'a\udc00 b',
				'a%',
				'_a',
			],
			...['1p2p:a', '1p2p:a OR 1p2p:b', ':a', 'a:', '$query', '?1', 'a\u0000"b'],
		])
			expect([typed, find(['1p2p'], typed)]).toEqual([typed, meaning(typed)]);
	});

	test('in whatever comes', async () => {
		const { find } = await inMemory(...texts);
		const pieces = [
			'a',
			'b',
			'c',
			'AND',
			'OR',
			'NOT',
			'NEAR',
			'"',
			"'",
			'(',
			')',
			'*',
			'^',
			':',
			'-',
			'+',
			',',
			'{',
			'}',
			' ',
			'\0',
			'\\',
		];
		let seed = 1;
		const random = (n: number) => {
			seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
			return (seed >> 8) % n;
		};
		let searched = 0;
		for (let i = 0; i < 2_000; i++) {
			const typed = Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join('');
			if (matchQuery(['1p2p'], typed) === null) continue;
			expect([typed, find(['1p2p'], typed)]).toEqual([typed, meaning(typed)]);
			searched++;
		}
		expect(searched).toBeGreaterThan(1_000);
	});

	test('in a text that is added', async () => {
		const { find, remove, check } = await inMemory('"a" OR 1p2p:b', "delete'); drop table texts; --", '\0z"*');
		expect(find(['1p2p'], 'b')).toEqual([1]);
		expect(find(['1p2p'], 'drop table')).toEqual([2]);
		expect(find(['1p2p'], 'z')).toEqual([3]);
		await remove({ row: 3, scope: '1p2p', text: '\0z"*' });
		expect(find(['1p2p'], 'z')).toEqual([]);
		check();
	});

	test('a text without a word can be added and removed like any other', async () => {
		const { find, remove, check } = await inMemory('…', '', 'word');
		await remove({ row: 1, scope: '1p2p', text: '…' }, { row: 2, scope: '1p2p', text: '' });
		expect(find(['1p2p'], 'word')).toEqual([3]);
		check();
	});
});
