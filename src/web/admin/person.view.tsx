import { useEffect, useState } from 'preact/hooks';
import { type Flag, flags, isDesk, type Role, roles } from '../../kernel/roles.ts';
import type { DeskConversation, DeskConversationPage } from '../../modules/admin/inbox.schema.ts';
import type { AccessLink, DeskUser, UpdateUser } from '../../modules/users/users.schema.ts';
import { Icon } from './icons.tsx';
import { AccessLinkText } from './invite.view.tsx';
import { Avatar, Dialog, Field, IconButton, StatusPill, Trouble } from './parts.tsx';
import { pathTo } from './place.store.ts';
import { explain, flagNames, nameOf, roleNames, shortTime, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

/** save hands a file to the browser. */
const save = (name: string, data: unknown) => {
	const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, '\t')], { type: 'application/json' }));
	const link = Object.assign(document.createElement('a'), { href: url, download: name });
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

const Suspend = ({ user, onChange }: { user: DeskUser; onChange: (changes: UpdateUser) => Promise<boolean> }) => {
	const [open, setOpen] = useState(false);
	const [reason, setReason] = useState('');
	const [until, setUntil] = useState('');
	if (user.suspended)
		return (
			<div class="notice">
				<p>
					<strong>Suspended</strong>
					{user.suspendedUntil ? ` until ${wholeTime(user.suspendedUntil)}` : ' until somebody lifts it'}
					{user.suspendedReason && <span dir="auto">: {user.suspendedReason}</span>}
				</p>
				<button type="button" onClick={() => onChange({ suspended: false })}>
					Let in again
				</button>
			</div>
		);
	if (!open)
		return (
			<button type="button" onClick={() => setOpen(true)}>
				Suspend …
			</button>
		);
	return (
		<form
			class="card inner"
			onSubmit={async (event) => {
				event.preventDefault();
				const done = await onChange({
					suspended: true,
					...(reason.trim() && { reason: reason.trim() }),
					...(until && { until: new Date(until).toISOString() }),
				});
				if (done) setOpen(false);
			}}
		>
			<Field label="Reason" hint="Only the team sees it.">
				{(ids) => (
					<input {...ids} maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
				)}
			</Field>
			<Field label="Until" hint="Left empty: until somebody lifts it.">
				{(ids) => (
					<input
						{...ids}
						type="datetime-local"
						value={until}
						onInput={(event) => setUntil(event.currentTarget.value)}
					/>
				)}
			</Field>
			<div class="actions">
				<button type="button" onClick={() => setOpen(false)}>
					Cancel
				</button>
				<button type="submit" class="danger">
					Suspend
				</button>
			</div>
		</form>
	);
};

const EraseDialog = ({ user, onErase, onClose }: { user: DeskUser; onErase: () => void; onClose: () => void }) => {
	const [typed, setTyped] = useState('');
	return (
		<Dialog title={`Erase ${nameOf(user)}?`} onClose={onClose}>
			<p>
				Their profile, and all they ever wrote, is gone at once and for ever. Numbers stay. Nobody can bring it back. If
				they have asked for their data, export it first.
			</p>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					if (typed === user.username) onErase();
				}}
			>
				<Field label={`Type ${user.username} to go on`}>
					{(ids) => (
						<input
							{...ids}
							autocomplete="off"
							spellcheck={false}
							value={typed}
							onInput={(event) => setTyped(event.currentTarget.value)}
						/>
					)}
				</Field>
				<div class="actions">
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" class="danger" disabled={typed !== user.username}>
						Erase for ever
					</button>
				</div>
			</form>
		</Dialog>
	);
};

const Conversations = ({ work, id }: { work: Work; id: string }) => {
	const [found, setFound] = useState<DeskConversation[] | null>(null);
	if (found === null)
		return (
			<p>
				<button
					type="button"
					onClick={() =>
						work.client
							.get<DeskConversationPage>(`/admin/users/${encodeURIComponent(id)}/conversations`, { limit: 50 })
							.then(({ data }) => setFound(data))
							.catch(work.fail)
					}
				>
					Show all conversations
				</button>{' '}
				<span class="hint">That you looked is noted in the audit.</span>
			</p>
		);
	return (
		<ul class="others">
			{found.map((row) => (
				<li key={row.id}>
					<a href={pathTo(['inbox', row.type === 'p2p' ? 'p2p' : 'all', row.id])}>
						<span class="cut" dir="auto">
							{row.type === 'p2p' ? row.participants.map(nameOf).join(' and ') : (row.subject ?? 'Erased')}
						</span>
						{row.type === 'support' ? <StatusPill status={row.status} /> : <span class="pill">Chat</span>}
						<time dateTime={row.lastMessageAt ?? row.createdAt}>{shortTime(row.lastMessageAt ?? row.createdAt)}</time>
					</a>
				</li>
			))}
			{found.length === 0 && <li class="faint">None.</li>}
		</ul>
	);
};

/** PersonView is one user, and all that can be done to them by whoever is signed in. */
export const PersonView = ({ work, id, onChange }: { work: Work; id: string; onChange: () => void }) => {
	const { client } = work;
	const path = `/admin/users/${encodeURIComponent(id)}`;
	const [user, setUser] = useState<DeskUser | null>(null);
	const [problem, setProblem] = useState<string | null>(null);
	const [link, setLink] = useState<AccessLink | null>(null);
	const [erasing, setErasing] = useState(false);
	const load = () =>
		client
			.get<DeskUser>(path)
			.then((found) => {
				setUser(found);
				setProblem(null);
				work.meet(found);
			})
			.catch((error: unknown) => setProblem(explain(error)));
	useEffect(() => {
		load();
	}, [id]);
	const change = async (changes: UpdateUser): Promise<boolean> => {
		try {
			const next = await client.call<DeskUser>('PATCH', path, changes);
			setUser(next);
			work.meet(next);
			work.say('Saved.');
			onChange();
			return true;
		} catch (error) {
			work.fail(error);
			setUser((now) => now && { ...now });
			return false;
		}
	};
	const back = pathTo(['users'], work.places.query.value);
	const isMe = id === work.me.value.id;
	const below = user !== null && !isMe && work.outranks(user.role);
	const manages = below && work.can('user.manage');
	return (
		<section class="person" aria-label="User">
			<header class="talk-head">
				<a class="quiet-button square back" href={back} aria-label="Back to all users">
					<Icon name="back" />
				</a>
				<div class="talk-title">
					<h2 class="cut" dir="auto">
						{user ? nameOf(user) : 'User'}
					</h2>
				</div>
				<span class="only-wide">
					<IconButton name="close" label="Close" onClick={() => work.places.go(back)} />
				</span>
			</header>
			<Trouble text={problem} onAgain={load} />
			{user && (
				<div class="person-body">
					<p class="customer">
						<Avatar name={nameOf(user)} />
						<span>
							<strong class="cut" dir="auto">
								{user.username}
							</strong>
							<small class="faint">
								{roleNames[user.role]}
								{user.verified ? ' · verified by the site' : ' · not verified'}
							</small>
						</span>
					</p>
					<dl class="plain">
						<dt>Email</dt>
						<dd>{user.email ?? '–'}</dd>
						<dt>Id</dt>
						<dd>
							<code>{user.id}</code>
						</dd>
						{user.externalId && (
							<>
								<dt>Your id</dt>
								<dd>
									<code>{user.externalId}</code>
								</dd>
							</>
						)}
						<dt>Since</dt>
						<dd>{wholeTime(user.createdAt)}</dd>
						<dt>Last here</dt>
						<dd>{user.lastSeenAt ? wholeTime(user.lastSeenAt) : '–'}</dd>
					</dl>
					{isMe && <p class="notice">This is you. Nobody changes their own role, permissions or suspension.</p>}
					{!isMe && !below && <p class="notice">You can only act on users below your own rank.</p>}
					{below && work.can('user.suspend') && (
						<section>
							<h3>Suspension</h3>
							<Suspend user={user} onChange={change} />
						</section>
					)}
					{manages && (
						<section>
							<h3>Role and permissions</h3>
							<Field label="Role">
								{(ids) => (
									<select
										{...ids}
										value={user.role}
										onChange={async (event) => {
											const select = event.currentTarget;
											if (!(await change({ role: select.value as Role }))) select.value = user.role;
										}}
									>
										{roles
											.filter((role) => role === user.role || work.outranks(role))
											.map((role) => (
												<option key={role} value={role} selected={role === user.role}>
													{roleNames[role]}
												</option>
											))}
									</select>
								)}
							</Field>
							{isDesk(user.role) && (
								<fieldset>
									<legend>Permissions</legend>
									{flags.map((flag: Flag) => (
										<label key={flag} class="check">
											<input
												type="checkbox"
												checked={user.permissions[flag]}
												onChange={async (event) => {
													const box = event.currentTarget;
													const done = await change({ permissions: { ...user.permissions, [flag]: box.checked } });
													if (!done) box.checked = user.permissions[flag];
												}}
											/>
											{flagNames[flag]}
										</label>
									))}
								</fieldset>
							)}
						</section>
					)}
					{below && isDesk(user.role) && work.can('user.invite') && (
						<section>
							<h3>Password</h3>
							{link ? (
								<AccessLinkText link={link} />
							) : (
								<p>
									<button
										type="button"
										onClick={() => client.post<AccessLink>(`${path}/access-link`).then(setLink).catch(work.fail)}
									>
										Make an access link
									</button>{' '}
									<span class="hint">To set a first or a new password.</span>
								</p>
							)}
						</section>
					)}
					{work.can('desk.privacy') && (
						<section>
							<h3>Conversations</h3>
							<Conversations work={work} id={id} />
						</section>
					)}
					{(work.can('user.export') || (below && work.can('user.revoke'))) && (
						<section>
							<h3>Data and access</h3>
							<div class="stack">
								{below && work.can('user.revoke') && (
									<button
										type="button"
										onClick={() =>
											work.confirm(
												`Sign ${nameOf(user)} out everywhere?`,
												'Every token they have ends now. They can come back as they came before.',
												'Sign out everywhere',
												() => {
													client
														.post(`${path}/revoke-tokens`)
														.then(() => work.say('Signed out everywhere.'))
														.catch(work.fail);
												},
											)
										}
									>
										Sign out everywhere
									</button>
								)}
								{below && work.can('user.export') && (
									<button
										type="button"
										onClick={() =>
											client
												.get(`${path}/export`)
												.then((data) => save(`${user.username}.json`, data))
												.catch(work.fail)
										}
									>
										<Icon name="download" /> Export data
									</button>
								)}
								{below && work.can('user.erase') && (
									<button type="button" class="danger" onClick={() => setErasing(true)}>
										Erase …
									</button>
								)}
							</div>
						</section>
					)}
				</div>
			)}
			{erasing && user && (
				<EraseDialog
					user={user}
					onClose={() => setErasing(false)}
					onErase={() => {
						setErasing(false);
						client
							.call('DELETE', path)
							.then(() => {
								work.say(`${nameOf(user)} was erased.`);
								work.places.go(back);
								onChange();
							})
							.catch(work.fail);
					}}
				/>
			)}
		</section>
	);
};
