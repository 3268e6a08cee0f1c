import { useState } from 'preact/hooks';
import { startCalling, stopCalling } from './calling.ts';
import { calls, theme, themes } from './look.ts';
import { Field, Trouble } from './parts.tsx';
import { explain, roleNames } from './words.ts';
import type { Work } from './work.store.ts';

const themeNames = { auto: 'As the system', light: 'Light', dark: 'Dark' } as const;

const Password = ({ work }: { work: Work }) => {
	const [current, setCurrent] = useState('');
	const [next, setNext] = useState('');
	const [problem, setProblem] = useState<string | null>(null);
	return (
		<form
			class="card"
			onSubmit={async (event) => {
				event.preventDefault();
				try {
					await work.client.post('/users/me/password', { currentPassword: current, newPassword: next });
					setProblem(null);
					setCurrent('');
					setNext('');
					work.say('Your password is changed.');
				} catch (error) {
					setProblem(explain(error));
				}
			}}
		>
			<h2>Password</h2>
			<p class="hint">A new one signs you out everywhere, here too.</p>
			<Trouble text={problem} />
			<input hidden readOnly autocomplete="username" value={work.me.value.email ?? ''} />
			<Field label="Password now">
				{(ids) => (
					<input
						{...ids}
						type="password"
						required
						maxLength={256}
						autocomplete="current-password"
						value={current}
						onInput={(event) => setCurrent(event.currentTarget.value)}
					/>
				)}
			</Field>
			<Field label="New password" hint="At least 10 characters.">
				{(ids) => (
					<input
						{...ids}
						type="password"
						required
						minLength={10}
						maxLength={256}
						autocomplete="new-password"
						value={next}
						onInput={(event) => setNext(event.currentTarget.value)}
					/>
				)}
			</Field>
			<div class="actions">
				<button type="submit" class="primary">
					Change password
				</button>
			</div>
		</form>
	);
};

/** YouSettings are one's own name, password, colours and calls. */
export const YouSettings = ({ work, onSignOut }: { work: Work; onSignOut: () => void }) => {
	const me = work.me.value;
	const [name, setName] = useState(me.displayName ?? '');
	return (
		<>
			<form
				class="card"
				onSubmit={async (event) => {
					event.preventDefault();
					try {
						work.me.value = await work.client.call('PATCH', '/users/me', { displayName: name.trim() || null });
						work.meet(work.me.value);
						work.say('Saved.');
					} catch (error) {
						work.fail(error);
					}
				}}
			>
				<h2>You</h2>
				<p class="hint">
					{me.username}, {roleNames[me.role]} of {me.resourceId}
				</p>
				<Field label="Name that is shown" hint="Customers see it too. Left empty: your username.">
					{(ids) => (
						<input
							{...ids}
							maxLength={64}
							dir="auto"
							value={name}
							onInput={(event) => setName(event.currentTarget.value)}
						/>
					)}
				</Field>
				<div class="actions">
					<button type="submit" class="primary">
						Save
					</button>
				</div>
			</form>
			<section class="card">
				<h2>This browser</h2>
				<fieldset>
					<legend>Colours</legend>
					{themes.map((known) => (
						<label key={known} class="check">
							<input
								type="radio"
								name="theme"
								checked={theme.value === known}
								onChange={() => {
									theme.value = known;
								}}
							/>
							{themeNames[known]}
						</label>
					))}
				</fieldset>
				<label class="check">
					<input
						type="checkbox"
						checked={calls.value === 'on'}
						onChange={async (event) => {
							if (!event.currentTarget.checked) return stopCalling();
							const told = await startCalling();
							work.say(told ?? 'You will be called when a customer writes.');
						}}
					/>
					Notification and sound when a customer writes
				</label>
			</section>
			<Password work={work} />
			<p class="card">
				<button type="button" onClick={onSignOut}>
					Sign out
				</button>
			</p>
		</>
	);
};
