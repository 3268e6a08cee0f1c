import { pathTo } from './place.store.ts';
import type { Work } from './work.store.ts';

/** The keys of the desk, and what the help says of them. */
export const keys: readonly (readonly [key: string, meaning: string])[] = [
	['j', 'Next conversation'],
	['k', 'Previous conversation'],
	['r', 'Write a reply'],
	['n', 'Write a note for the team'],
	['a', 'Assign to yourself'],
	['/', 'Search; in a reply: canned replies'],
	['Esc', 'Leave what you write, or the conversation'],
	['?', 'This help'],
];

const isWriting = (target: EventTarget | null) =>
	target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** listenToKeys acts on single keys, unless somebody writes or a dialog is open. What it returns ends that. */
export const listenToKeys = (work: Work): (() => void) => {
	const { places, inbox, talk } = work;
	const step = (steps: 1 | -1) => {
		const place = places.place.value;
		if (place.view !== 'inbox') return;
		const next = inbox.beside(place.id, steps);
		if (next) places.go(pathTo(['inbox', place.box, next.id], places.query.value));
		else if (steps === 1 && inbox.hasMore.value) inbox.more();
	};
	const compose = (note: boolean) => {
		const now = talk.value;
		if (!now?.isTicket) return;
		now.noting.value = note;
		document.querySelector<HTMLElement>('[data-compose]')?.focus();
	};
	const acts: Record<string, () => void> = {
		j: () => step(1),
		k: () => step(-1),
		r: () => compose(false),
		n: () => compose(true),
		a: () => talk.value?.change({ assigneeId: work.me.value.id }),
		'/': () => document.querySelector<HTMLElement>('[data-search]')?.focus(),
		'?': () => {
			work.helping.value = true;
		},
		Escape: () => {
			const place = places.place.value;
			if (place.view === 'inbox' && place.id !== null) places.go(pathTo(['inbox', place.box], places.query.value));
		},
	};
	const onKey = (event: KeyboardEvent) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		if (isWriting(event.target) || document.querySelector('dialog[open]')) return;
		const act = acts[event.key];
		if (!act) return;
		event.preventDefault();
		act();
	};
	addEventListener('keydown', onKey);
	return () => removeEventListener('keydown', onKey);
};
