import { STATUS_CODES } from 'node:http';
import { type FailureCode, failures } from '../kernel/errors.ts';
import { escapeHtml } from './reference.ts';

/** What the documentation page takes out of the program and out of itself: the table of codes, its contents, its script. */

const entries = Object.entries(failures) as [FailureCode, readonly [status: number, message: string]][];

/** codesTable is every failure there is, under its status. */
export const codesTable = (): string => {
	const groups = [...Map.groupBy(entries, ([, [status]]) => status)].sort(([a], [b]) => a - b);
	const bodies = groups.map(([status, group]) => {
		const rows = group.map(
			([code, [, message]]) =>
				`<tr><th scope="row"><code>${code.replaceAll('_', '_<wbr>')}</code></th><td>${escapeHtml(message).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</td></tr>`,
		);
		const head = `<tr><th colspan="2" scope="rowgroup">${status} ${escapeHtml(STATUS_CODES[status] ?? '')}</th></tr>`;
		return `<tbody>${head}${rows.join('')}</tbody>`;
	});
	return `<table class="codes"><thead><tr><th scope="col">Code</th><th scope="col">What to do</th></tr></thead>${bodies.join('')}</table>`;
};

/** contentsOf is a list of a page's sections, with what is in each of them. */
export const contentsOf = (page: string): string => {
	const sections: { link: string; parts: string[] }[] = [];
	for (const [, level, id, title] of page.matchAll(/<h([23]) id="([^"]+)">([^<]+)<\/h\1>/g)) {
		const link = `<a href="#${id}">${title}</a>`;
		if (level === '2') sections.push({ link, parts: [] });
		else sections.at(-1)?.parts.push(link);
	}
	return `<ol>${sections
		.map(({ link, parts }) => {
			const below = parts.length > 0 ? `<ul>${parts.map((part) => `<li>${part}</li>`).join('')}</ul>` : '';
			return `<li>${link}${below}</li>`;
		})
		.join('')}</ol>`;
};

/** What an example takes for granted of the ones before it. */
const known: Record<string, string[]> = { getChatToken: ['userId'] };

/**
 * scriptOf is the page's script with its examples as functions, made of the text that is printed: what a reader runs is what
 * a reader sees. note: the text is the program's own, before a site's values are filled in
 */
export const scriptOf = (page: string, script: string): string => {
	const examples = [...page.matchAll(/<pre data-example="(\w+)">([^<]+)<\/pre>/g)].map(
		([, name = '', text]) => `${name}: async (${['fetch', ...(known[name] ?? [])].join(', ')}) => {\n${text}\n}`,
	);
	return `const examples = {\n${examples.join(',\n')}\n};\n${script}`;
};
