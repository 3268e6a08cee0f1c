import type { ComponentChildren } from 'preact';

const address = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]}]/gi;

/** Linked is a text whose web addresses can be clicked. Its parts are nodes, never markup: what people write stays text. */
export const Linked = ({ text }: { text: string }) => {
	const parts: ComponentChildren[] = [];
	let from = 0;
	for (const match of text.matchAll(address)) {
		const [href] = match;
		if (!URL.canParse(href)) continue;
		parts.push(text.slice(from, match.index));
		parts.push(
			<a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
				{href}
			</a>,
		);
		from = match.index + href.length;
	}
	parts.push(text.slice(from));
	return <>{parts}</>;
};
