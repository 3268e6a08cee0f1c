import { type Client, createClient, Failure, uuid7 } from '../../client/client.ts';

/** Who the visitor is: a user of the site, if its page says so, else a guest who is made when they first write. */

/** What the page knows about its visitor: an identity token of the site's server, or null for nobody. */
export type IdentitySource = () => string | null | undefined | Promise<string | null | undefined>;

/** What is kept in the browser, one for a site: whose it is, and the token. */
interface Kept {
	identity: string;
	userId: string;
	token: string;
}

const guest = 'guest';
/** The `sub` of an identity token: whose it is. It is the server that checks it. */
const subjectOf = (token: string): string => {
	const [, claims = ''] = token.split('.');
	try {
		return `user:${JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).sub}`;
	} catch {
		return `user:${claims}`;
	}
};

/** The browser's store, or nothing where a page may not have one. */
const storage = (): Storage | null => {
	try {
		return globalThis.localStorage;
	} catch {
		return null;
	}
};

/**
 * createSession signs the visitor in. Nothing is stored or asked before `begin`. `onOther` is told when somebody else, or
 * nobody, stands where the visitor stood.
 */
export const createSession = ({ url, apiKey, onOther }: { url: string; apiKey: string; onOther: () => void }) => {
	const name = `parley:${apiKey}`;
	const open = createClient({ url, apiKey });
	let source: IdentitySource | null = null;
	let kept: Kept | null = null;
	let joining: Promise<Client> | null = null;
	/** Grows with each visit: what was asked for in an earlier one is stored by nobody any more. */
	let visit = 0;
	const still = (mine: number): void => {
		if (mine !== visit) throw new Failure('token_revoked', 'This visit has ended.', 401);
	};

	const read = (text?: string | null): Kept | null => {
		try {
			return JSON.parse((text === undefined ? storage()?.getItem(name) : text) ?? 'null');
		} catch {
			return null;
		}
	};
	const keep = (next: Kept | null) => {
		kept = next;
		try {
			if (next) storage()?.setItem(name, JSON.stringify(next));
			else storage()?.removeItem(name);
		} catch {
			// a full or forbidden store: the visit works, the next one begins anew
		}
	};

	/** A token for whom the page says its visitor is; null: for a guest, who may not be there yet. */
	const tokenOf = async (refused?: string): Promise<string | null> => {
		const mine = visit;
		const identityToken = (source && (await source())) || null;
		still(mine);
		const identity = identityToken === null ? guest : subjectOf(identityToken);
		kept ??= read();
		// note: dropped before anything is shown: another person may sit here now, or the page came from a cache
		if (kept && kept.identity !== identity) keep(null);
		if (kept && kept.token !== refused) return kept.token;
		if (identityToken !== null) {
			const made = await open.post<{ chatToken: string; user: { id: string } }>('/users/chat-token', { identityToken });
			still(mine);
			keep({ identity, userId: made.user.id, token: made.chatToken });
			return made.chatToken;
		}
		if (!kept) return null;
		// a guest's own token renews itself, also some time after its end
		const renewed = await open.renew(kept.userId, kept.token).catch((error: unknown) => {
			if (error instanceof Failure && error.status === 401) return null;
			throw error;
		});
		still(mine);
		keep(renewed && kept && { ...kept, token: renewed.chatToken });
		return renewed?.chatToken ?? null;
	};
	/** A client for who is kept now, and for nobody else: not even where the page names another one later. */
	const clientOf = (): Client => {
		const mine = kept?.userId;
		return createClient({
			url,
			apiKey,
			token: async (refused) => {
				const token = await tokenOf(refused);
				if (token !== null && kept?.userId === mine) return token;
				queueMicrotask(onOther);
				throw new Failure('token_revoked', 'Somebody else is signed in.', 401);
			},
		});
	};
	const join = async (profile: { displayName?: string; email?: string }): Promise<Client> => {
		// note: the end of it is random; randomUUID is not there on a page without https
		const username = `guest-${uuid7().slice(-12)}`;
		const mine = visit;
		const { id } = await open.createUser({ username, ...profile });
		const { chatToken } = await open.chatToken(id);
		still(mine);
		keep({ identity: guest, userId: id, token: chatToken });
		return clientOf();
	};
	let watching = false;
	/** Another tab has signed out, or somebody else in. */
	const watch = () => {
		if (watching) return;
		watching = true;
		addEventListener('storage', (event) => {
			if ((event.key !== name && event.key !== null) || !kept) return;
			if (read(event.newValue)?.userId === kept.userId) kept = read(event.newValue);
			else {
				kept = null;
				onOther();
			}
		});
	};

	return {
		/** begin finds out who the visitor is: resolves with their client, or null for a guest who has not written yet. */
		begin: async (identity: IdentitySource | null): Promise<Client | null> => {
			visit += 1;
			source = identity;
			watch();
			return (await tokenOf()) === null ? null : clientOf();
		},
		/** becomeGuest makes a user of a visitor who writes for the first time; once, however often it is asked for. */
		becomeGuest: (profile: { displayName?: string; email?: string }): Promise<Client> => {
			joining ??= join(profile).finally(() => {
				joining = null;
			});
			return joining;
		},
		get userId(): string | null {
			return kept?.userId ?? null;
		},
		/** forget ends the visit on this browser. */
		forget: (): void => {
			visit += 1;
			source = null;
			keep(null);
		},
		/** rest lets go of what is in memory: the next `begin` looks anew who is there. */
		rest: (): void => {
			visit += 1;
			kept = null;
		},
		anonymous: open,
	};
};
export type Session = ReturnType<typeof createSession>;
