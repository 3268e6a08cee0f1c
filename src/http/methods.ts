/** createMethodTable tells which methods a path knows, for 405 and its Allow header. */
export const createMethodTable = () => {
	const table: { method: string; pattern: RegExp }[] = [];
	return {
		/** learn takes in the app's routes, once they are all there. */
		learn: (routes: readonly { method: string; path: string }[]): void => {
			for (const { method, path } of routes) {
				const escaped = path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+');
				table.push({ method, pattern: new RegExp(path === '/' ? '^/$' : `^${escaped}/?$`) });
			}
		},
		of: (path: string): string[] => {
			const found = new Set(table.filter((route) => route.pattern.test(path)).map((route) => route.method));
			if (found.has('GET')) found.add('HEAD');
			return [...found].sort();
		},
	};
};
