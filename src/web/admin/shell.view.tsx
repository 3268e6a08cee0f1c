import type { ComponentChildren } from 'preact';
import { startCalling, stopCalling } from './calling.ts';
import { Icon, type IconName } from './icons.tsx';
import { keys } from './keyboard.ts';
import { calls, theme, themes } from './look.ts';
import { Avatar, Dialog, IconButton } from './parts.tsx';
import { pathTo, type View } from './place.store.ts';
import { nameOf } from './words.ts';
import type { Work } from './work.store.ts';

const Toasts = ({ work }: { work: Work }) => (
	<div class="toasts">
		{work.toasts.value.map(({ id, text, bad, again }) => (
			<div key={id} class={bad ? 'toast bad' : 'toast'} role={bad ? 'alert' : 'status'}>
				<p>{text}</p>
				{again && (
					<button
						type="button"
						onClick={() => {
							work.dismiss(id);
							again();
						}}
					>
						Try again
					</button>
				)}
				<IconButton name="close" label="Dismiss" onClick={() => work.dismiss(id)} />
			</div>
		))}
	</div>
);

const Help = ({ onClose }: { onClose: () => void }) => (
	<Dialog title="Keyboard" onClose={onClose}>
		<dl class="keys">
			{keys.map(([key, meaning]) => (
				<div key={key}>
					<dt>
						<kbd>{key}</kbd>
					</dt>
					<dd>{meaning}</dd>
				</div>
			))}
		</dl>
		<p>
			<a href="/docs" target="_blank" rel="noopener">
				Documentation
			</a>
		</p>
	</Dialog>
);

const Confirming = ({ work }: { work: Work }) => {
	const asked = work.confirming.value;
	if (!asked) return null;
	const close = () => {
		work.confirming.value = null;
	};
	return (
		<Dialog title={asked.title} onClose={close}>
			<p>{asked.text}</p>
			<div class="actions">
				<button type="button" onClick={close}>
					Cancel
				</button>
				<button
					type="button"
					class="danger"
					onClick={() => {
						close();
						asked.then();
					}}
				>
					{asked.act}
				</button>
			</div>
		</Dialog>
	);
};

const themeIcons = { auto: 'auto', light: 'sun', dark: 'moon' } as const;
const themeNames = { auto: 'as the system', light: 'light', dark: 'dark' } as const;

/** Shell is what stands around every view: where one can go, who one is, and what has to be told. */
export const Shell = ({
	work,
	onSignOut,
	children,
}: {
	work: Work;
	onSignOut: () => void;
	children: ComponentChildren;
}) => {
	const place = work.places.place.value;
	const me = work.me.value;
	const links: { view: View; name: string; icon: IconName; to: string; badge?: number; shown: boolean }[] = [
		{
			view: 'inbox',
			name: 'Inbox',
			icon: 'inbox',
			to: pathTo(['inbox', 'all']),
			badge: work.unread.value,
			shown: true,
		},
		{
			view: 'dashboard',
			name: 'Dashboard',
			icon: 'dashboard',
			to: pathTo(['dashboard']),
			shown: work.can('desk.stats'),
		},
		{ view: 'users', name: 'Users', icon: 'users', to: pathTo(['users']), shown: work.can('desk.users') },
		{
			view: 'reports',
			name: 'Reports',
			icon: 'reports',
			to: pathTo(['reports']),
			badge: work.openReports.value,
			shown: work.can('report.decide'),
		},
		{ view: 'audit', name: 'Audit', icon: 'audit', to: pathTo(['audit']), shown: work.can('audit.read') },
		{ view: 'settings', name: 'Settings', icon: 'settings', to: pathTo(['settings']), shown: true },
	];
	const nextTheme = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto';
	const calling = calls.value === 'on';
	const inTalk = place.view === 'inbox' && place.id !== null;
	return (
		<div class={inTalk ? 'shell in-talk' : 'shell'}>
			<a class="skip" href="#main">
				Skip to content
			</a>
			<header class="side">
				<a class="brand" href={pathTo(['inbox', 'all'])}>
					<img src="/assets/favicon.svg" width="24" height="24" alt="" />
					<span>
						Parley<small>{me.resourceId}</small>
					</span>
				</a>
				<nav class="main-nav" aria-label="Main">
					{links
						.filter(({ shown }) => shown)
						.map(({ view, name, icon, to, badge = 0 }) => (
							<a key={view} href={to} title={name} aria-current={place.view === view ? 'page' : undefined}>
								<Icon name={icon} />
								<span class="name">{name}</span>
								{badge > 0 && (
									<span class="badge">
										{badge > 99 ? '99+' : badge}
										<span class="unseen"> {view === 'inbox' ? 'unread' : 'open'}</span>
									</span>
								)}
							</a>
						))}
				</nav>
				<div class="self">
					<div class="self-tools">
						<IconButton
							name={calling ? 'bell' : 'bellOff'}
							label={calling ? 'Notifications and sound are on. Switch off' : 'Switch notifications and sound on'}
							pressed={calling}
							onClick={async () => {
								if (calling) return stopCalling();
								const told = await startCalling();
								work.say(told ?? 'You will be called when a customer writes.');
							}}
						/>
						<IconButton
							name={themeIcons[theme.value]}
							label={`Colours: ${themeNames[theme.value]}. Change to ${themeNames[nextTheme]}`}
							onClick={() => {
								theme.value = nextTheme;
							}}
						/>
						<IconButton
							name="help"
							label="Keyboard help"
							onClick={() => {
								work.helping.value = true;
							}}
						/>
						<IconButton name="signOut" label="Sign out" onClick={onSignOut} />
					</div>
					<a class="who" href={pathTo(['settings', 'you'])}>
						<Avatar name={nameOf(me)} here={work.line.value === 'live'} />
						<span class="cut">{nameOf(me)}</span>
					</a>
				</div>
			</header>
			<main id="main" tabIndex={-1}>
				{work.line.value === 'waiting' && (
					<p class="banner" role="status">
						The line is cut. What you write is kept and sent as soon as it is back.
					</p>
				)}
				{children}
			</main>
			<Toasts work={work} />
			{work.helping.value && (
				<Help
					onClose={() => {
						work.helping.value = false;
					}}
				/>
			)}
			<Confirming work={work} />
		</div>
	);
};
