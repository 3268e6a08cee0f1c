import { useState } from 'preact/hooks';
import { Field, Trouble } from './parts.tsx';
import type { SignIn } from './signin.store.ts';
import { explain } from './words.ts';

/** SignInPage asks who one is. */
export const SignInPage = ({ signIn }: { signIn: SignIn }) => {
	const [resourceId, setResourceId] = useState(signIn.resourceId.value);
	const [email, setEmail] = useState('');
	const [password, setPassword] = useState('');
	const [stay, setStay] = useState(false);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<string | null>(null);
	return (
		<main class="sign-in">
			<img src="/assets/favicon.svg" width="36" height="36" alt="" />
			<h1>Sign in</h1>
			{signIn.notice.value && problem === null && (
				<p class="notice" role="status">
					{signIn.notice.value}
				</p>
			)}
			<Trouble text={problem} />
			<form
				onSubmit={async (event) => {
					event.preventDefault();
					setBusy(true);
					setProblem(null);
					try {
						await signIn.signIn({ resourceId: resourceId.trim(), email: email.trim(), password }, stay);
					} catch (error) {
						setProblem(explain(error));
						setBusy(false);
					}
				}}
			>
				<Field label="Site" hint="The address of your website, like site.com.">
					{(ids) => (
						<input
							{...ids}
							name="resourceId"
							required
							maxLength={253}
							autoCapitalize="none"
							spellcheck={false}
							autocomplete="url"
							value={resourceId}
							onInput={(event) => setResourceId(event.currentTarget.value)}
						/>
					)}
				</Field>
				<Field label="Email">
					{(ids) => (
						<input
							{...ids}
							name="email"
							type="email"
							required
							maxLength={254}
							autocomplete="username"
							value={email}
							onInput={(event) => setEmail(event.currentTarget.value)}
						/>
					)}
				</Field>
				<Field label="Password">
					{(ids) => (
						<input
							{...ids}
							name="password"
							type="password"
							required
							maxLength={256}
							autocomplete="current-password"
							value={password}
							onInput={(event) => setPassword(event.currentTarget.value)}
						/>
					)}
				</Field>
				<label class="check">
					<input type="checkbox" checked={stay} onChange={(event) => setStay(event.currentTarget.checked)} />
					Stay signed in on this browser
				</label>
				<button type="submit" class="primary" disabled={busy}>
					{busy ? 'Signing in …' : 'Sign in'}
				</button>
			</form>
			<p class="hint">No password yet, or lost it? An admin of your site can give you an access link.</p>
		</main>
	);
};
