import { signal } from '@preact/signals';
import { type Client, createClient, Failure } from '../../client/client.ts';
import { isDesk } from '../../kernel/roles.ts';
import type { DeskLogin } from '../../modules/users/users.schema.ts';

/** Who is signed in, and where that is kept: in this tab, or with "stay signed in" in this browser. */

interface Kept {
	token: string;
	publishableKey: string;
	resourceId: string;
}

const name = 'parley-desk';
/** The browser's stores; a page may be denied both. */
const stores = (): Storage[] => {
	try {
		return [sessionStorage, localStorage];
	} catch {
		return [];
	}
};
const readKept = (): Kept | null => {
	for (const store of stores())
		try {
			const found = JSON.parse(store.getItem(name) ?? 'null');
			if (found) return found;
		} catch {
			// what somebody else has left there is as good as nothing
		}
	return null;
};
const forget = () => {
	for (const store of stores()) store.removeItem(name);
};

/** createSignIn keeps the client of whoever is signed in; null: nobody. `only`: the one site of this server, if it has one. */
export const createSignIn = ({ only }: { only: string }) => {
	const url = location.origin;
	const client = signal<Client | null>(null);
	const resourceId = signal(readKept()?.resourceId ?? only);
	/** Why one has to sign in again. */
	const notice = signal<string | null>(null);

	let current: Kept | null = null;
	const clientOf = ({ token, publishableKey }: Kept, since?: string) =>
		createClient({ url, apiKey: publishableKey, token, ...(since !== undefined && { since }) });
	const begin = (kept: Kept) => {
		current = kept;
		client.value = clientOf(kept);
	};
	const kept = readKept();
	if (kept) begin(kept);
	const end = (why: string | null) => {
		current = null;
		forget();
		client.value = null;
		notice.value = why;
	};
	// note: signing out in one tab signs out all of them
	addEventListener('storage', ({ key, newValue }) => {
		if (key === name && newValue === null && !sessionStorage.getItem(name) && client.value) end(null);
	});

	return {
		client,
		resourceId,
		notice,
		/** listening is a client whose events go on behind a cursor, so that nothing is missed between loading and listening. */
		listening: (since: string): Client | null => current && clientOf(current, since),
		/** signIn proves who one is by a password. Throws Failure. */
		signIn: async (of: { resourceId: string; email: string; password: string }, stay: boolean): Promise<void> => {
			const open = createClient({ url, apiKey: '' });
			const { chatToken, publishableKey, user } = await open.post<DeskLogin>('/auth/login', of);
			if (!isDesk(user.role)) throw new Failure('forbidden', 'This page is for the team of the site.', 403);
			const next: Kept = { token: chatToken, publishableKey, resourceId: of.resourceId };
			const [tab, browser] = stores();
			(stay ? browser : tab)?.setItem(name, JSON.stringify(next));
			notice.value = null;
			resourceId.value = of.resourceId;
			begin(next);
		},
		/** signOut ends this session here and on the server. */
		signOut: (): void => {
			client.value?.post('/users/me/logout').catch(() => undefined);
			end(null);
		},
		/** turnedAway ends a session that the server no longer knows. */
		turnedAway: (why: string): void => end(why),
	};
};
export type SignIn = ReturnType<typeof createSignIn>;
