import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import type { EventPage, User } from '../../client/client.ts';
import { isDesk } from '../../kernel/roles.ts';
import { AuditView } from './audit.view.tsx';
import { DashboardView } from './dashboard.view.tsx';
import { InboxView } from './inbox.view.tsx';
import { listenToKeys } from './keyboard.ts';
import { PageHead, Trouble } from './parts.tsx';
import { PeopleView } from './people.view.tsx';
import { createPlaces, pathTo } from './place.store.ts';
import { ReportsView } from './reports.view.tsx';
import { SettingsView } from './settings.view.tsx';
import { Shell } from './shell.view.tsx';
import { createSignIn } from './signin.store.ts';
import { SignInPage } from './signin.view.tsx';
import { explain } from './words.ts';
import { createWork, type Work } from './work.store.ts';

/** The admin page: who is signed in, and the view that the address names. */

const root = document.getElementById('desk') as HTMLElement;
const places = createPlaces();
const signIn = createSignIn({ only: root.dataset.resourceId ?? '' });
const work = signal<Work | null>(null);
const problem = signal<string | null>(null);

const begin = async () => {
	const client = signIn.client.value;
	if (!client) return;
	problem.value = null;
	try {
		const [me, { cursor }]: [User, EventPage] = await Promise.all([
			client.me(),
			client.get<EventPage>('/events', { limit: 1 }),
		]);
		if (signIn.client.value !== client) return;
		if (!isDesk(me.role)) return signIn.turnedAway('This page is for the team of the site.');
		const listening = signIn.listening(cursor);
		if (listening) work.value = createWork({ client: listening, me, places, onEnd: signIn.turnedAway });
	} catch (error) {
		if (signIn.client.value !== client) return;
		const { status } = error as { status?: number };
		if (status === 401) signIn.turnedAway('You were signed out. Sign in again.');
		else if (status === 403) signIn.turnedAway(explain(error));
		else problem.value = explain(error);
	}
};
effect(() => {
	if (signIn.client.value === null) {
		work.peek()?.end();
		work.value = null;
	} else begin();
});

const titles = {
	inbox: 'Inbox',
	dashboard: 'Dashboard',
	users: 'Users',
	reports: 'Reports',
	audit: 'Audit',
	settings: 'Settings',
	nowhere: 'Not found',
} as const;
effect(() => {
	const now = work.value;
	document.title = now ? `${now.title.value}${titles[places.place.value.view]} · Parley` : 'Sign in · Parley';
});

const Here = ({ now }: { now: Work }) => {
	const place = places.place.value;
	switch (place.view) {
		case 'inbox':
			return <InboxView work={now} />;
		case 'dashboard':
			return <DashboardView work={now} />;
		case 'users':
			return <PeopleView work={now} />;
		case 'reports':
			return <ReportsView work={now} />;
		case 'audit':
			return <AuditView work={now} />;
		case 'settings':
			return <SettingsView work={now} onSignOut={signIn.signOut} />;
		case 'nowhere':
			return (
				<div class="page narrow">
					<PageHead title="There is nothing here" />
					<a href={pathTo(['inbox', 'all'])}>To the inbox</a>
				</div>
			);
	}
};
const Desk = ({ now }: { now: Work }) => {
	useEffect(() => listenToKeys(now), [now]);
	return (
		<Shell work={now} onSignOut={signIn.signOut}>
			<Here now={now} />
		</Shell>
	);
};
const Page = () => {
	const now = work.value;
	if (now) return <Desk now={now} />;
	if (signIn.client.value === null) return <SignInPage signIn={signIn} />;
	return (
		<main class="sign-in">
			<h1 class="unseen">Parley</h1>
			{problem.value ? <Trouble text={problem.value} onAgain={begin} /> : <p role="status">Loading …</p>}
		</main>
	);
};
render(<Page />, root);
