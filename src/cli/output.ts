/** print writes to standard output, and waits until all of it is written. A reader that goes away early is no failure. */
// note: not Bun.write(Bun.stdout): to a slow pipe it writes the first 64 KB twice
export const print = (text: string): Promise<void> =>
	new Promise((resolve, reject) => {
		process.stdout.write(`${text}\n`, (error) => {
			if (error && (error as { code?: unknown }).code !== 'EPIPE') reject(error);
			else resolve();
		});
	});

/** note writes a line for the person at the terminal, apart from what a command answers. */
export const note = (line: string): void => {
	process.stderr.write(`${line}\n`);
};

/** answer prints a result: as one line of JSON for programs, or as text for a person. */
export const answer = (options: { json?: boolean }, value: unknown, text: () => string): Promise<void> =>
	print(options.json ? JSON.stringify(value) : text());

/** fields lays out names and values in two columns. */
export const fields = (rows: [name: string, value: string][], indent = ''): string => {
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows.map(([name, value]) => `${indent}${name.padEnd(width)}  ${value}`.trimEnd()).join('\n');
};

/** table lays out rows under a head, each column as wide as its longest value; `empty` stands for no rows. */
export const table = (head: string[], rows: string[][], empty: string): string => {
	if (rows.length === 0) return empty;
	const lines = [head, ...rows];
	const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
	return lines
		.map((line) =>
			line
				.map((cell, i) => cell.padEnd(widths[i] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
};
