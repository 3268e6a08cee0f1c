import { computed, signal } from '@preact/signals';

/** Where one is: the address of the page is the only place that knows it, so that every view can be linked to. */

export const boxes = ['all', 'mine', 'unassigned', 'p2p'] as const;
export type Box = (typeof boxes)[number];
export const settingsTabs = ['site', 'widget', 'replies', 'keys', 'you'] as const;
export type SettingsTab = (typeof settingsTabs)[number];

export type Place =
	| { view: 'inbox'; box: Box; id: string | null }
	| { view: 'dashboard' }
	| { view: 'users'; id: string | null }
	| { view: 'reports' }
	| { view: 'audit' }
	| { view: 'settings'; tab: SettingsTab }
	| { view: 'nowhere' };
export type View = Place['view'];

const root = '/admin';

/** The parts of a path behind the root; null for what is none. */
const partsOf = (path: string): string[] | null => {
	try {
		return path.slice(root.length).split('/').filter(Boolean).map(decodeURIComponent);
	} catch {
		return null;
	}
};

/** placeOf reads a path. */
export const placeOf = (path: string): Place => {
	const parts = partsOf(path);
	if (!parts) return { view: 'nowhere' };
	const [view = '', second = '', third = ''] = parts;
	switch (view) {
		case '':
			return { view: 'inbox', box: 'all', id: null };
		case 'inbox': {
			const box = boxes.find((known) => known === (second || 'all'));
			return box ? { view: 'inbox', box, id: third || null } : { view: 'nowhere' };
		}
		case 'users':
			return { view: 'users', id: second || null };
		case 'settings': {
			const tab = settingsTabs.find((known) => known === (second || 'site'));
			return tab ? { view: 'settings', tab } : { view: 'nowhere' };
		}
		case 'dashboard':
		case 'reports':
		case 'audit':
			return { view };
		default:
			return { view: 'nowhere' };
	}
};

export type Query = Record<string, string | undefined>;

/** pathTo is the address of a place; what is empty in the query is left out. */
export const pathTo = (parts: readonly (string | null)[], query: Query = {}): string => {
	const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
	const search = new URLSearchParams(given).toString();
	const path = [root, ...parts.filter((part) => part !== null).map(encodeURIComponent)].join('/');
	return search ? `${path}?${search}` : path;
};

/** createPlaces follows the address, and changes it. */
export const createPlaces = () => {
	const path = signal(location.pathname);
	const search = signal(location.search);
	const read = () => {
		path.value = location.pathname;
		search.value = location.search;
	};
	addEventListener('popstate', read);

	const go = (to: string, { replace = false } = {}): void => {
		if (to === location.pathname + location.search) return;
		if (replace) history.replaceState(null, '', to);
		else history.pushState(null, '', to);
		read();
	};
	/** A plain click on a link to one of our own places needs no new page. */
	document.addEventListener('click', (event) => {
		if (
			event.defaultPrevented ||
			event.button !== 0 ||
			event.metaKey ||
			event.ctrlKey ||
			event.shiftKey ||
			event.altKey
		)
			return;
		const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null;
		if (link?.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
		if (link.pathname !== root && !link.pathname.startsWith(`${root}/`)) return;
		event.preventDefault();
		go(link.pathname + link.search);
	});

	const query = computed<Query>(() => Object.fromEntries(new URLSearchParams(search.value)));
	return {
		place: computed(() => placeOf(path.value)),
		query,
		go,
		/** narrow changes the query of this place, and begins at its first page. */
		narrow: (changes: Query): void => {
			const next: Query = { ...query.value, page: undefined, ...changes };
			go(pathTo(partsOf(path.value) ?? [], next), { replace: true });
		},
	};
};
export type Places = ReturnType<typeof createPlaces>;
