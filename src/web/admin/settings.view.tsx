import { useEffect, useState } from 'preact/hooks';
import type { SiteView, UpdateSite } from '../../modules/sites/sites.schema.ts';
import { CannedSettings } from './canned.view.tsx';
import { KeySettings } from './keys.view.tsx';
import { WidgetLook } from './look.view.tsx';
import { PageHead, Trouble } from './parts.tsx';
import { pathTo, type SettingsTab } from './place.store.ts';
import { SiteForm } from './site.view.tsx';
import { explain } from './words.ts';
import type { Work } from './work.store.ts';
import { YouSettings } from './you.view.tsx';

const OfSite = ({ work, tab }: { work: Work; tab: 'site' | 'widget' }) => {
	const [site, setSite] = useState<SiteView | null>(null);
	const [problem, setProblem] = useState<string | null>(null);
	const load = () =>
		work.client
			.get<SiteView>('/admin/site')
			.then((found) => {
				setSite(found);
				setProblem(null);
			})
			.catch((error: unknown) => setProblem(explain(error)));
	useEffect(() => {
		load();
	}, []);
	const save = async (changes: UpdateSite): Promise<string | null> => {
		try {
			setSite(await work.client.call<SiteView>('PATCH', '/admin/site', changes));
			work.say('Saved.');
			return null;
		} catch (error) {
			return explain(error);
		}
	};
	if (!site) return problem ? <Trouble text={problem} onAgain={load} /> : <p role="status">Loading …</p>;
	return tab === 'site' ? <SiteForm site={site} onSave={save} /> : <WidgetLook site={site} onSave={save} />;
};

/** SettingsView is what can be set: of the site, by its admins, and for oneself. */
export const SettingsView = ({ work, onSignOut }: { work: Work; onSignOut: () => void }) => {
	const place = work.places.place.value;
	const tabs = (
		[
			['site', 'Site', work.can('site.manage')],
			['widget', 'Widget', work.can('site.manage')],
			['replies', 'Canned replies', work.can('canned.read')],
			['keys', 'Keys', work.can('key.manage')],
			['you', 'You', true],
		] as const satisfies readonly (readonly [SettingsTab, string, boolean])[]
	).filter(([, , shown]) => shown);
	const asked = place.view === 'settings' ? place.tab : 'you';
	const tab = tabs.some(([known]) => known === asked) ? asked : tabs[0]?.[0];
	return (
		<div class="page narrow">
			<PageHead title="Settings" />
			<nav class="tabs" aria-label="Settings">
				{tabs.map(([known, name]) => (
					<a key={known} href={pathTo(['settings', known])} aria-current={known === tab ? 'page' : undefined}>
						{name}
					</a>
				))}
			</nav>
			{(tab === 'site' || tab === 'widget') && <OfSite work={work} tab={tab} />}
			{tab === 'replies' && <CannedSettings work={work} />}
			{tab === 'keys' && <KeySettings work={work} />}
			{tab === 'you' && <YouSettings work={work} onSignOut={onSignOut} />}
		</div>
	);
};
