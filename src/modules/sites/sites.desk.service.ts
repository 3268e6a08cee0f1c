import type { Store } from '../../db/open.ts';
import { iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { actorOf, type Principal, type UserPrincipal } from '../../kernel/principal.ts';
import type { UserSteps } from '../users/users.steps.ts';
import type { CreateKey, Key, KeyList, NewKey, SiteSettings, SiteView, UpdateSite } from './sites.schema.ts';
import { keyOf, type Site, type SiteService } from './sites.service.ts';

/** createSiteDeskService: what the desk may do with the site itself. */
export const createSiteDeskService = ({
	store,
	sites,
	users,
}: {
	store: Store;
	sites: SiteService;
	users: UserSteps;
}) => {
	const view = ({ pk, id, resourceId, createdAt }: Site, settings: SiteSettings): SiteView => {
		const keys = store.read((tx) => sites.steps.listKeys(tx, pk));
		const live = keys.find((key) => key.kind === 'publishable' && key.revokedAt === null);
		return { id, resourceId, ...settings, publishableKey: live?.key ?? null, createdAt: iso(createdAt) };
	};
	/** Keys and passwords are a person's own doing: not a secret key's, in whosever name it acts. */
	const judgePerson = (p: UserPrincipal): void => {
		if (!p.session)
			throw new AppError('forbidden', {
				message: 'A secret key may not do this: it needs a person of the team, signed in.',
			});
	};

	return {
		get: (p: Principal): SiteView => {
			const site = sites.byPk(p.site);
			return view(site, site.settings);
		},

		/** update changes settings; what is not named stays. */
		update: async (p: Principal, body: UpdateSite): Promise<SiteView> => {
			if (Object.values(body).every((value) => value === undefined)) throw new AppError('nothing_to_change');
			sites.checkSettings(body);
			const site = sites.byPk(p.site);
			const settings = await store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'site.manage');
				const now = yield* sites.steps.find(tx, p.site);
				return yield* sites.steps.change(tx, now, body, actorOf(p));
			});
			return view(site, settings);
		},

		keys: (p: UserPrincipal): KeyList => {
			judgePerson(p);
			const data = store.read((tx) => sites.steps.listKeys(tx, p.site));
			return { data, total: data.length };
		},

		createKey: (p: UserPrincipal, body: CreateKey): Promise<NewKey> => {
			judgePerson(p);
			const label = body.label.trim();
			if (label === '' || /\p{Cc}/u.test(label))
				throw new AppError('invalid_request', { errors: [{ path: 'label', message: 'is 1-64 visible characters' }] });
			const made = keyOf(body.kind, label);
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'key.manage');
				yield* sites.steps.addKey(tx, p.site, made, actorOf(p));
				return { id: made.row.id, kind: body.kind, label, key: made.key };
			});
		},

		revokeKey: (p: UserPrincipal, id: string): Promise<Key> => {
			judgePerson(p);
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'key.manage');
				yield* sites.steps.endKey(tx, p.site, id, actorOf(p));
				const key = (yield* sites.steps.listKeys(tx, p.site)).find((row) => row.id === id);
				return key as Key;
			});
		},
	};
};
export type SiteDeskService = ReturnType<typeof createSiteDeskService>;
