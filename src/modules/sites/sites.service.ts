import { LRUCache } from 'lru-cache';
import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { type Clock, iso, isoOrNull, minute } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId, newSecret, sha256 } from '../../kernel/ids.ts';
import { setupLinkMinutes } from '../../kernel/limits.ts';
import { operatorActor } from '../../kernel/principal.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { EventLog } from '../events/events.service.ts';
import type { EventSteps } from '../events/events.steps.ts';
import { isOriginPattern, isResourceId, originMatches } from './origins.ts';
import { type KeptSettings, type SiteSettings, siteSettingsDefault, type UpdateSite } from './sites.schema.ts';
import type { NewKey, SiteSteps } from './sites.steps.ts';
import type { WidgetConfig, WidgetSettings } from './widget.schema.ts';
import { awayText, isTimezone } from './widget-hours.ts';

export interface Site {
	pk: number;
	id: string;
	resourceId: string;
	settings: SiteSettings;
	/** Whether `parley demo` made it: then anybody who reaches the server may act as its people. */
	isDemo: boolean;
	identitySecret: string;
	createdAt: number;
}

/** A live key as the guard sees it. */
export interface KnownKey {
	pk: number;
	kind: 'publishable' | 'secret';
	label: string;
	site: Site;
}

/** What is shown of a new site this once. */
export interface NewSite {
	id: string;
	resourceId: string;
	publishableKey: string;
	secretKey: string;
	identitySecret: string;
}

/** keyOf makes a key, and the row that stands for it. */
export const keyOf = (kind: NewKey['kind'], label: string): { key: string; row: NewKey } => {
	const key = newSecret(kind === 'publishable' ? 'pk_' : 'sk_');
	const shown = kind === 'publishable' ? key : null;
	return { key, row: { id: newId('key'), kind, label, hash: sha256(key), shown, hint: key.slice(-4) } };
};

type SiteRow = Omit<Site, 'settings' | 'isDemo'> & { settings: KeptSettings };
const withWidget = (before: WidgetSettings, changes: Partial<WidgetSettings> = {}): WidgetSettings => ({
	...before,
	...changes,
});
const siteOf = ({ settings: { demo, ...settings }, ...row }: SiteRow): Site => ({
	...row,
	isDemo: demo === true,
	settings: {
		...siteSettingsDefault,
		...settings,
		widget: withWidget(siteSettingsDefault.widget, settings.widget),
	},
});
/** What is written down of a site: its mark is its own, whatever the settings say. */
const keptOf = ({ isDemo }: Pick<Site, 'isDemo'>, { demo: _, ...settings }: KeptSettings): KeptSettings => ({
	...settings,
	...(isDemo && { demo: true }),
});

/** How often the last use of a secret key is written down. */
const touchEveryMs = minute;

/** createSiteService: tenants, their settings and keys. Rows are cached, and dropped when any process changes them. */
export const createSiteService = ({
	store,
	sites,
	events,
	audit,
	eventLog,
	clock,
}: {
	store: Store;
	sites: SiteSteps;
	events: EventSteps;
	audit: AuditSteps;
	eventLog: EventLog;
	clock: Clock;
}) => {
	const keys = new LRUCache<string, KnownKey>({ max: 10_000 });
	const byResource = new LRUCache<string, Site>({ max: 10_000 });
	const byPk = new LRUCache<number, Site>({ max: 10_000 });
	const touched = new Map<number, number>();
	let all: Site[] | null = null;
	const forget = () => {
		keys.clear();
		byResource.clear();
		byPk.clear();
		all = null;
	};
	eventLog.onForeignCommit(forget);
	eventLog.onCommitted((batch) => {
		if (batch.some((event) => event.type === 'site.updated')) forget();
	});

	const list = (): Site[] => {
		all ??= store.read((tx) => sites.list(tx)).map(siteOf);
		return all;
	};

	/** need is the site of a resourceId inside a transaction; throws site_not_found. */
	const need = step(function* (tx, resourceId: string) {
		const row = yield* sites.byResource(tx, resourceId);
		if (!row) throw new AppError('site_not_found');
		return siteOf(row);
	});

	const checkResourceId = (resourceId: string): string => {
		const id = resourceId.trim().toLowerCase();
		if (!isResourceId(id))
			throw new AppError('invalid_request', { message: 'A resourceId is a host name, like site.com.' });
		return id;
	};
	const checkSettings = (settings: UpdateSite): void => {
		const wrong = settings.origins?.find((origin) => !isOriginPattern(origin));
		if (wrong !== undefined)
			throw new AppError('invalid_request', {
				message: 'An origin is a scheme and a host, like https://www.site.com or https://*.site.com.',
			});
		const away = settings.widget?.away;
		if (away && !isTimezone(away.timezone))
			throw new AppError('invalid_request', {
				errors: [{ path: 'widget.away.timezone', message: 'is a time zone’s IANA name, like Europe/Berlin' }],
			});
		const empty = away?.hours.findIndex(({ from, to }) => from === to) ?? -1;
		if (empty >= 0)
			throw new AppError('invalid_request', {
				errors: [{ path: `widget.away.hours.${empty}.to`, message: 'is another time than from' }],
			});
	};
	const changed = step(function* (tx, site: number) {
		yield* events.record(tx, { site, type: 'site.updated' }, { in: 'site' });
	});

	/** Makes a site with its first keys: what a transaction needs of it, made before. */
	const draft = (resourceId: string) => ({
		id: newId('site'),
		resourceId: checkResourceId(resourceId),
		identitySecret: newSecret('ids_'),
		publishable: keyOf('publishable', 'default'),
		secret: keyOf('secret', 'default'),
	});
	const insert = step(function* (tx, made: ReturnType<typeof draft>, settings?: Partial<SiteSettings>) {
		const { id, resourceId, identitySecret, publishable, secret } = made;
		const site = yield* sites.insert(tx, { id, resourceId, identitySecret });
		yield* sites.insertKey(tx, site, publishable.row);
		yield* sites.insertKey(tx, site, secret.row);
		if (settings) yield* sites.setSettings(tx, site, keptOf({ isDemo: false }, settings));
		yield* changed(tx, site);
		return { id, resourceId, publishableKey: publishable.key, secretKey: secret.key, identitySecret };
	});

	const find = step(function* (tx, site: number) {
		const row = yield* sites.byPk(tx, site);
		if (!row) throw new AppError('site_not_found');
		return siteOf(row);
	});
	/** The widget's settings by their names in the record. */
	const prefixed = (widget: Partial<WidgetSettings> = {}): Record<string, unknown> =>
		Object.fromEntries(Object.entries(widget).map(([field, value]) => [`widget.${field}`, value]));
	/** Changes settings inside a transaction; what is not named stays. Returns them as they then are. */
	const change = step(function* (tx, site: Site, { widget, ...settings }: UpdateSite, actor: string) {
		const next = { ...site.settings, ...settings, widget: withWidget(site.settings.widget, widget) };
		const before: Record<string, unknown> = { ...site.settings, ...prefixed(site.settings.widget) };
		const named = Object.entries({ ...settings, ...prefixed(widget) }).filter(([, value]) => value !== undefined);
		yield* sites.setSettings(tx, site.pk, keptOf(site, next));
		yield* changed(tx, site.pk);
		yield* audit.record(tx, site.pk, actor, 'site.update', '', {
			changes: Object.fromEntries(
				named.map(([field, value]) => [field, { before: JSON.stringify(before[field]), after: JSON.stringify(value) }]),
			),
		});
		return next;
	});
	const addKey = step(function* (tx, site: number, made: ReturnType<typeof keyOf>, actor: string) {
		yield* sites.insertKey(tx, site, made.row);
		yield* changed(tx, site);
		yield* audit.record(tx, site, actor, 'key.create', made.row.id, {
			changes: { kind: { after: made.row.kind }, label: { after: made.row.label } },
		});
	});
	/** Ends a key at once. Throws not_found when there is no such live key. */
	const endKey = step(function* (tx, site: number, id: string, actor: string) {
		if ((yield* sites.revokeKey(tx, site, id)) === 0) throw new AppError('not_found');
		yield* changed(tx, site);
		yield* audit.record(tx, site, actor, 'key.revoke', id);
	});
	const listKeys = step(function* (tx, site: number) {
		const rows = yield* sites.keys(tx, site);
		return rows.map((row) => ({
			id: row.id,
			kind: row.kind,
			label: row.label,
			key: row.shown ?? `${row.kind === 'secret' ? 'sk_' : 'pk_'}…${row.hint}`,
			createdAt: iso(row.createdAt),
			lastUsedAt: isoOrNull(row.lastUsedAt),
			revokedAt: isoOrNull(row.revokedAt),
		}));
	});

	const findByResource = (resourceId: string): Site | undefined => {
		const cached = byResource.get(resourceId);
		if (cached) return cached;
		const row = store.read((tx) => sites.byResource(tx, resourceId));
		if (!row) return undefined;
		const site = siteOf(row);
		byResource.set(resourceId, site);
		return site;
	};

	const siteByPk = (pk: number): Site => {
		const cached = byPk.get(pk);
		if (cached) return cached;
		const row = store.read((tx) => sites.byPk(tx, pk));
		if (!row) throw new AppError('site_not_found');
		const site = siteOf(row);
		byPk.set(pk, site);
		return site;
	};

	return {
		list,
		checkResourceId,
		checkSettings,
		fromRow: siteOf,
		steps: { find, change, addKey, endKey, listKeys },

		/** byKey finds the live key with its site; undefined when it is unknown or revoked. */
		byKey: (key: string): KnownKey | undefined => {
			const cached = keys.get(key);
			if (cached) return cached;
			const row = store.read((tx) => sites.byKey(tx, sha256(key)));
			if (!row) return undefined;
			const known = { pk: row.key.pk, kind: row.key.kind, label: row.key.label, site: siteOf(row.site) };
			keys.set(key, known);
			return known;
		},

		/** touch notes the use of a secret key, at most once a minute. */
		touch: (key: KnownKey): void => {
			const now = clock();
			if (now - (touched.get(key.pk) ?? 0) < touchEveryMs) return;
			touched.set(key.pk, now);
			// a missing note of last use is no reason to fail the call
			store.atomic((tx) => sites.touchKey(tx, key.site.pk, key.pk)).catch(() => touched.delete(key.pk));
		},

		byResource: findByResource,

		/** need is the site of a resourceId; throws site_not_found. */
		need: (resourceId: string): Site => {
			const site = findByResource(resourceId);
			if (!site) throw new AppError('site_not_found');
			return site;
		},

		/** isOrigin: whether a web origin is one of a site's. */
		isOrigin: (origin: string, site: Site): boolean => originMatches(origin, site.resourceId, site.settings.origins),

		/** requireOrigin throws origin_not_allowed for a page that is neither ours nor the site's. No origin is no browser. */
		requireOrigin: (origin: { value: string; own: boolean } | null, site: Site): void => {
			if (origin === null || origin.own || originMatches(origin.value, site.resourceId, site.settings.origins)) return;
			throw new AppError('origin_not_allowed');
		},

		/** byPk is the site of an integer key that came from a row. */
		byPk: siteByPk,

		/** widgetOf is what the pages of a site (its integer key) may know of its widget. */
		widgetOf: (pk: number): WidgetConfig => {
			const { resourceId, settings } = siteByPk(pk);
			return { ...settings.widget, resourceId, away: awayText(settings.widget.away, clock()) };
		},

		/** originOfAny: whether some site allows this origin (for a preflight, which carries no key). */
		originOfAny: (origin: string): boolean =>
			list().some((site) => originMatches(origin, site.resourceId, site.settings.origins)),

		/** add makes a site with its first keys. Throws site_exists. */
		add: (input: { resourceId: string; settings?: Partial<SiteSettings> }): Promise<NewSite> => {
			const made = draft(input.resourceId);
			checkSettings(input.settings ?? {});
			return store.atomic(function* (tx) {
				if (yield* sites.byResource(tx, made.resourceId)) throw new AppError('site_exists');
				return yield* insert(tx, made, input.settings);
			});
		},

		/** addFirst makes a site where there is none at all; null where there is one. */
		addFirst: (resourceId: string): Promise<NewSite | null> => {
			const made = draft(resourceId);
			return store.atomic(function* (tx) {
				if ((yield* sites.list(tx)).length > 0) return null;
				return yield* insert(tx, made);
			});
		},

		/** set changes settings; what is not named stays. */
		set: async (resourceId: string, settings: Partial<SiteSettings>): Promise<Site> => {
			checkSettings(settings);
			return store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				return { ...site, settings: yield* change(tx, site, settings, operatorActor) };
			});
		},

		/** demo is the site that `parley demo` made; undefined on every other server. */
		demo: (): Site | undefined => list().find(({ isDemo }) => isDemo),

		/** markDemo makes a site a demo for good. Only for a site that was made to be one. */
		markDemo: (resourceId: string): Promise<void> =>
			store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				yield* sites.setSettings(tx, site.pk, keptOf({ isDemo: true }, site.settings));
				yield* changed(tx, site.pk);
			}),

		/** rotateIdentitySecret makes a new identity secret: identity tokens signed with the old one end at once. */
		rotateIdentitySecret: (resourceId: string): Promise<{ resourceId: string; identitySecret: string }> => {
			const identitySecret = newSecret('ids_');
			return store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				yield* sites.setIdentitySecret(tx, site.pk, identitySecret);
				yield* changed(tx, site.pk);
				yield* audit.record(tx, site.pk, operatorActor, 'site.rotate_identity_secret', '');
				return { resourceId, identitySecret };
			});
		},

		/** remove takes away a site that has no users. */
		remove: (resourceId: string): Promise<{ resourceId: string }> =>
			store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				try {
					yield* sites.remove(tx, site.pk);
				} catch (cause) {
					throw new AppError('invalid_request', {
						message: 'This site has users; only an empty site can be removed.',
						cause,
					});
				}
				yield* changed(tx, site.pk);
				return { resourceId };
			}),

		keys: (resourceId: string) =>
			store.read(function* (tx) {
				const site = yield* need(tx, resourceId);
				return yield* listKeys(tx, site.pk);
			}),

		createKey: (resourceId: string, input: { kind: 'publishable' | 'secret'; label: string }) => {
			const made = keyOf(input.kind, input.label);
			return store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				yield* addKey(tx, site.pk, made, operatorActor);
				return { id: made.row.id, kind: input.kind, label: input.label, resourceId, key: made.key };
			});
		},

		/** revokeKey ends a key at once. Throws not_found when there is no such live key. */
		revokeKey: (resourceId: string, id: string) =>
			store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				yield* endKey(tx, site.pk, id, operatorActor);
				return { id, resourceId, revoked: true };
			}),

		/** setupLink makes a link that works once, for 30 minutes, to make the first superadmin. The secret is shown this once. */
		setupLink: (resourceId: string): Promise<{ resourceId: string; setupToken: string; expiresAt: string }> => {
			const setupToken = newSecret('setup_');
			return store.atomic(function* (tx) {
				const site = yield* need(tx, resourceId);
				const expiresAt = tx.now + setupLinkMinutes * minute;
				yield* sites.insertLink(tx, site.pk, {
					kind: 'setup',
					hash: sha256(setupToken),
					user: null,
					maker: null,
					expiresAt,
				});
				return { resourceId, setupToken, expiresAt: iso(expiresAt) };
			});
		},
	};
};
export type SiteService = ReturnType<typeof createSiteService>;
