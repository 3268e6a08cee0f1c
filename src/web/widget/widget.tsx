import { signal } from '@preact/signals';
import { render } from 'preact';
import { isColour } from '../common/contrast.ts';
import { beep } from './beep.ts';
import { countInTitle } from './page-title.ts';
import { type Look, Panel } from './panel.tsx';
import { createSession, type IdentitySource } from './session.ts';
import { createStore } from './store.ts';
import { setLocale } from './texts.ts';

/**
 * The widget: one script tag puts a button into a page. Everything is drawn in a shadow root, so that the page's style and
 * ours do not meet, and nothing is asked or stored before a person touches it.
 */

const script = document.currentScript as HTMLScriptElement | null;
const options = script?.dataset ?? {};
const url = script ? new URL(script.src).origin : location.origin;

/** A place in the page that is less high than this has no height of its own. */
const inlinePxMin = 200;

const oneOf = <T extends string>(value: string | undefined, values: readonly T[]): T | null =>
	values.find((known) => known === value) ?? null;

/** A page on the same origin gives the identity token as text, or as JSON with `identityToken`; a refusal is nobody. */
const identityFrom =
	(address: string): IdentitySource =>
	async () => {
		const target = new URL(address, location.href);
		if (target.origin !== location.origin) throw new Error('data-identity-url must be of the page’s own origin.');
		const answer = await fetch(target, { cache: 'no-store', credentials: 'same-origin' });
		// the page's server is in trouble: that says nothing about who is here
		if (answer.status >= 500) throw new Error(`data-identity-url answered ${answer.status}.`);
		if (!answer.ok || answer.redirected) return null;
		const text = (await answer.text()).trim();
		if (text === '' || text === 'null') return null;
		return /^["{]/.test(text) ? (JSON.parse(text).identityToken ?? null) : text;
	};

/** Somebody to chat with, by one of the names they have. */
interface Other {
	userId?: string;
	externalId?: string;
	username?: string;
}
type Listener = (payload: unknown) => void;

const start = () => {
	const apiKey = options.key;
	if (!apiKey) {
		console.error('Parley: the script tag needs data-key="pk_…".');
		return;
	}
	const place = options.inline ? document.querySelector(options.inline) : document.body;
	if (!place) {
		console.error(`Parley: there is no ${options.inline} in this page.`);
		return;
	}
	const look: Look = {
		isInline: Boolean(options.inline),
		position: oneOf(options.position, ['left', 'right']),
		theme: oneOf(options.theme, ['auto', 'light', 'dark']),
		accent: isColour(options.accent) ? options.accent : null,
	};
	const features = (options.features ?? 'p2p,support').split(',').map((name) => name.trim());
	setLocale(options.locale ?? (document.documentElement.lang || navigator.language));
	const session = createSession({ url, apiKey, onOther: () => store.other() });
	const store = createStore({
		session,
		features: { p2p: features.includes('p2p'), support: features.includes('support') },
		onSound: beep,
	});
	if (options.identityUrl) store.identify(identityFrom(options.identityUrl));

	const host = document.createElement('parley-widget');
	if (look.isInline) host.setAttribute('inline', place.clientHeight < inlinePxMin ? 'own' : '');
	const root = host.attachShadow({ mode: 'closed' });
	// note: a sheet made by script is no inline style, so the page's content policy does not forbid it
	const sheet = new CSSStyleSheet();
	sheet.replaceSync(widgetStyle);
	root.adoptedStyleSheets = [sheet];
	const system = matchMedia('(prefers-color-scheme: dark)');
	const isDarkSystem = signal(system.matches);
	system.addEventListener('change', () => {
		isDarkSystem.value = system.matches;
	});
	place.append(host);
	render(<Panel store={store} look={look} isDarkSystem={isDarkSystem} />, root);

	const listeners = new Map<string, Set<Listener>>();
	const tell = (type: string, payload?: unknown) => {
		for (const listener of listeners.get(type) ?? []) listener(payload);
	};
	store.unread.subscribe((count) => {
		countInTitle(store.config.value.sound ? count : 0);
		tell('unread', count);
	});
	let wasOpen = false;
	store.isOpen.subscribe((is) => {
		if (is !== wasOpen) tell(is ? 'open' : 'close');
		wasOpen = is;
	});
	store.onMessages.add((message) => tell('message', message));

	const open = () => {
		store.isOpen.value = true;
		return store.begin();
	};
	const chatWith = async ({ userId, externalId, username }: Other) => {
		await open();
		// what went wrong is on the screen
		if (store.problem.value) return;
		await store
			.asSomebody(async () => {
				if (externalId !== undefined) return store.chatWith({ otherExternalId: externalId });
				const id = userId ?? (await store.client.value?.get<{ id: string }>('/users/lookup', { username }))?.id;
				if (id !== undefined) await store.chatWith({ otherParticipantId: id });
			})
			.catch(store.explain);
	};
	const parley = {
		open,
		close: () => {
			store.isOpen.value = false;
		},
		show: async (conversationId: string) => {
			await open();
			await store.show(conversationId);
		},
		chatWith,
		newTicket: async () => {
			await open();
			if (!store.problem.value) store.view.value = { name: 'newTicket' };
		},
		identify: (source: IdentitySource | null) => store.identify(source),
		logout: () => store.logout(),
		/** Listens to `open`, `close`, `unread` (a number) and `message`; what it returns ends that. */
		on: (type: string, listener: Listener) => {
			listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
			return () => {
				listeners.get(type)?.delete(listener);
			};
		},
		/** As of the array that stands in its place until the script is there: `Parley.push(['open'])`. */
		push: (...calls: [name: string, ...values: unknown[]][]) => {
			for (const [name, ...values] of calls) {
				const call = (parley as unknown as Record<string, ((...values: unknown[]) => unknown) | undefined>)[name];
				if (call) call(...values);
				else console.error(`Parley: there is no ${name}.`);
			}
		},
	};
	const early = window.Parley;
	window.Parley = parley;
	if (Array.isArray(early)) parley.push(...early);
	document.addEventListener('click', (event) => {
		const button = event.target instanceof Element && event.target.closest<HTMLElement>('[data-parley-chat]');
		if (button) chatWith({ externalId: button.dataset.parleyChat ?? '' });
	});
	if (look.isInline) open();
	dispatchEvent(new Event('parley:ready'));
};

declare global {
	/** style.css, which the bundle puts in. */
	const widgetStyle: string;
	interface Window {
		/** The widget's calls; before the script has come, a page may put an array of calls here. */
		Parley: unknown;
	}
}

// a page that has the tag twice has one widget
if (window.Parley === undefined || Array.isArray(window.Parley)) {
	if (document.body) start();
	else document.addEventListener('DOMContentLoaded', start);
}
