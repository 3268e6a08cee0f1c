import { afterEach } from 'bun:test';

/** A block of a stream of server-sent events (HTML Living Standard, 9.2.6), as it came. */
export interface Block {
	event?: string;
	id?: string;
	retry?: string;
	/** What is for nobody: it keeps the line open. */
	comment?: string;
	/** The data, read as JSON. */
	// biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects
	data?: any;
}

export interface TestStream {
	status: number;
	headers: Headers;
	/** Everything heard so far, in order. */
	readonly heard: readonly Block[];
	/** All of the text so far. */
	readonly text: string;
	/** next waits for what comes after everything taken before; of an event, what is passed over on the way is gone. */
	next(event?: string): Promise<Block>;
	/** until waits for an event, and gives it with everything not taken before it. */
	until(event: string): Promise<Block[]>;
	/** over waits for the end of the stream. */
	over(): Promise<void>;
	close(): void;
}

const waitMs = 5_000;
const open = new Set<AbortController>();
afterEach(() => {
	for (const controller of open) controller.abort();
	open.clear();
});

const parse = (block: string): Block => {
	const made: Block = {};
	for (const line of block.split('\n')) {
		const [, field = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
		if (field === '') made.comment = value;
		else if (field === 'data') made.data = JSON.parse(value);
		else Object.assign(made, { [field]: value });
	}
	return made;
};

interface Reading {
	token: string;
	site: { publishableKey: string };
}
/** openStream asks a server for its events as a stream, as somebody; `headers` are added or replace. */
export const openStream = async (
	url: string,
	{ token, site }: Reading,
	{ headers = {}, query = '' }: { headers?: Record<string, string>; query?: string } = {},
): Promise<TestStream> => {
	const controller = new AbortController();
	open.add(controller);
	const response = await fetch(`${url}/api/v1/events${query}`, {
		headers: {
			accept: 'text/event-stream',
			'x-api-key': site.publishableKey,
			authorization: `Bearer ${token}`,
			...headers,
		},
		signal: controller.signal,
	});
	const heard: Block[] = [];
	let text = '';
	let rest = '';
	let ended = false;
	let taken = 0;
	let wake: (() => void)[] = [];
	const waken = () => {
		for (const resolve of wake) resolve();
		wake = [];
	};
	const read = async () => {
		const decoder = new TextDecoder();
		try {
			for await (const chunk of response.body ?? []) {
				const piece = decoder.decode(chunk, { stream: true });
				text += piece;
				rest += piece;
				const blocks = rest.split('\n\n');
				rest = blocks.pop() ?? '';
				heard.push(...blocks.map(parse));
				waken();
			}
		} catch {
			// gone away by itself
		}
		ended = true;
		waken();
	};
	read();
	const more = () =>
		new Promise<void>((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`nothing more was heard; so far: ${text.slice(-500)}`)), waitMs);
			wake.push(() => {
				clearTimeout(timer);
				resolve();
			});
		});
	const until = async (event: string | undefined): Promise<Block[]> => {
		const from = taken;
		for (;;) {
			while (taken < heard.length) {
				const block = heard[taken++] as Block;
				if (event === undefined || block.event === event) return heard.slice(from, taken);
			}
			if (ended) throw new Error(`the stream is over before ${event}`);
			await more();
		}
	};
	return {
		status: response.status,
		headers: response.headers,
		heard,
		get text() {
			return text;
		},
		next: async (event) => (await until(event)).at(-1) as Block,
		until,
		over: async () => {
			while (!ended) await more();
		},
		close: () => controller.abort(),
	};
};

/** streamOf opens a stream and waits until nothing is missing. */
export const streamOf = async (
	url: string,
	who: Reading,
	headers: Record<string, string> = {},
): Promise<TestStream> => {
	const stream = await openStream(url, who, { headers });
	await stream.until('caught_up');
	return stream;
};
