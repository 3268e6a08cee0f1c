import { useState } from 'preact/hooks';
import { deskRoles, type Role } from '../../kernel/roles.ts';
import type { AccessLink, User } from '../../modules/users/users.schema.ts';
import { CopyText, Dialog, Field, Trouble } from './parts.tsx';
import { explain, roleNames, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

/** AccessLinkText is a link that one person uses once, to set their password. */
export const AccessLinkText = ({ link }: { link: AccessLink }) => (
	<>
		<p>
			Give this link to them, by a way that only they read. It works once, until {wholeTime(link.expiresAt)}, and sets
			their password.
		</p>
		<CopyText text={link.url} label="Access link" />
	</>
);

/** InviteDialog makes somebody of the team, and the link by which they come in. */
export const InviteDialog = ({ work, onClose, onDone }: { work: Work; onClose: () => void; onDone: () => void }) => {
	const [username, setUsername] = useState('');
	const [email, setEmail] = useState('');
	const [role, setRole] = useState<Role>('staff');
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<string | null>(null);
	const [link, setLink] = useState<AccessLink | null>(null);
	const [made, setMade] = useState<User | null>(null);
	const invite = async () => {
		setBusy(true);
		setProblem(null);
		try {
			// note: where only the link failed, the person is there already
			const user = made ?? (await work.client.createUser({ username: username.trim(), email: email.trim(), role }));
			setMade(user);
			setLink(await work.client.post<AccessLink>(`/admin/users/${encodeURIComponent(user.id)}/access-link`));
			onDone();
			work.loadTeam().catch(work.fail);
		} catch (error) {
			setProblem(explain(error));
		} finally {
			setBusy(false);
		}
	};
	return (
		<Dialog title={link ? `${username} is invited` : 'Invite to the team'} onClose={onClose}>
			{link ? (
				<>
					<AccessLinkText link={link} />
					<div class="actions">
						<button type="button" class="primary" onClick={onClose}>
							Done
						</button>
					</div>
				</>
			) : (
				<form
					onSubmit={(event) => {
						event.preventDefault();
						invite();
					}}
				>
					<Trouble text={problem} />
					<Field label="Username" hint="What customers and colleagues see.">
						{(ids) => (
							<input
								{...ids}
								name="username"
								required
								maxLength={64}
								autocomplete="off"
								value={username}
								disabled={made !== null}
								onInput={(event) => setUsername(event.currentTarget.value)}
							/>
						)}
					</Field>
					<Field label="Email" hint="They sign in with it. No mail is sent.">
						{(ids) => (
							<input
								{...ids}
								name="email"
								type="email"
								required
								maxLength={254}
								autocomplete="off"
								value={email}
								disabled={made !== null}
								onInput={(event) => setEmail(event.currentTarget.value)}
							/>
						)}
					</Field>
					<Field
						label="Role"
						hint="Staff answer tickets. Moderators also decide reports and suspend users. Admins also manage the site, its users and the audit."
					>
						{(ids) => (
							<select
								{...ids}
								value={role}
								disabled={made !== null}
								onChange={(event) => setRole(event.currentTarget.value as Role)}
							>
								{deskRoles
									.filter((known) => work.outranks(known))
									.map((known) => (
										<option key={known} value={known} selected={known === role}>
											{roleNames[known]}
										</option>
									))}
							</select>
						)}
					</Field>
					<div class="actions">
						<button type="button" onClick={onClose}>
							Cancel
						</button>
						<button type="submit" class="primary" disabled={busy}>
							Make the link
						</button>
					</div>
				</form>
			)}
		</Dialog>
	);
};
