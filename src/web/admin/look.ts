import { effect, signal } from '@preact/signals';

/** What this browser remembers of how one likes to work. */

const remembered = <T extends string>(name: string, known: readonly T[], fallback: T) => {
	const key = `parley-desk:${name}`;
	const read = (): T => {
		try {
			return known.find((value) => value === localStorage.getItem(key)) ?? fallback;
		} catch {
			return fallback;
		}
	};
	const kept = signal<T>(read());
	effect(() => {
		try {
			localStorage.setItem(key, kept.value);
		} catch {
			// without a store it holds until the page is closed
		}
	});
	return kept;
};

export const themes = ['auto', 'light', 'dark'] as const;
export const theme = remembered('theme', themes, 'auto');
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => {
	systemIsDark.value = matches;
});
effect(() => {
	const dark = theme.value === 'auto' ? systemIsDark.value : theme.value === 'dark';
	document.documentElement.dataset.theme = dark ? 'dark' : 'light';
});

/** Whether one is called by notification and sound. */
export const calls = remembered('calls', ['off', 'on'] as const, 'off');
