import { useState } from 'preact/hooks';
import type { SiteView, UpdateSite } from '../../modules/sites/sites.schema.ts';
import { CopyText, Field, Trouble } from './parts.tsx';

const signups = [
	['open', 'Anyone', 'Visitors become users by themselves, as guests.'],
	['signed', 'Whoever the site vouches for', 'A user needs an identity token signed by your server.'],
	['server', 'Only your server', 'Users are made with a secret key, by your server alone.'],
] as const;
const directories = [
	['off', 'Nobody can be looked up'],
	['exact', 'By the whole username'],
	['search', 'By a part of the username'],
] as const;

/** tagOf is what puts the widget into a page. */
export const tagOf = (site: SiteView): string =>
	`<script src="${location.origin}/widget.js" data-key="${site.publishableKey ?? 'pk_…'}" async></script>`;

/** SiteForm is who may come, from which pages, and how the site behaves. */
export const SiteForm = ({
	site,
	onSave,
}: {
	site: SiteView;
	onSave: (changes: UpdateSite) => Promise<string | null>;
}) => {
	const [signup, setSignup] = useState(site.signup);
	const [directory, setDirectory] = useState(site.directory);
	const [days, setDays] = useState(String(site.autoCloseDays));
	const [origins, setOrigins] = useState((site.origins ?? []).join('\n'));
	const [problem, setProblem] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	return (
		<>
			<section class="card">
				<h2>Add the widget to {site.resourceId}</h2>
				<p>Paste this into your pages, before the end of the body. That is all.</p>
				<CopyText text={tagOf(site)} label="The widget's tag" />
			</section>
			<form
				class="card"
				onSubmit={async (event) => {
					event.preventDefault();
					setBusy(true);
					const named = origins.split(/[\s,]+/).filter(Boolean);
					setProblem(
						await onSave({
							signup,
							directory,
							autoCloseDays: Number(days),
							origins: named.length > 0 ? named : null,
						}),
					);
					setBusy(false);
				}}
			>
				<h2>Site</h2>
				<Trouble text={problem} />
				<fieldset>
					<legend>Who becomes a user</legend>
					{signups.map(([value, name, meaning]) => (
						<label key={value} class="check">
							<input
								type="radio"
								name="signup"
								value={value}
								checked={signup === value}
								onChange={() => setSignup(value)}
							/>
							<span>
								{name}
								<small class="hint">{meaning}</small>
							</span>
						</label>
					))}
				</fieldset>
				<Field
					label="Web origins"
					hint={`Pages that may use this server, one a line, like https://www.${site.resourceId}; https://*.${site.resourceId} for every subdomain. Empty: ${site.resourceId} and its subdomains.`}
				>
					{(ids) => (
						<textarea
							{...ids}
							rows={3}
							spellcheck={false}
							value={origins}
							onInput={(event) => setOrigins(event.currentTarget.value)}
						/>
					)}
				</Field>
				<Field label="Looking each other up" hint="Whether users find each other by name.">
					{(ids) => (
						<select
							{...ids}
							value={directory}
							onChange={(event) => {
								const chosen = directories.find(([value]) => value === event.currentTarget.value);
								if (chosen) setDirectory(chosen[0]);
							}}
						>
							{directories.map(([value, name]) => (
								<option key={value} value={value} selected={value === directory}>
									{name}
								</option>
							))}
						</select>
					)}
				</Field>
				<Field label="Days until a resolved ticket closes by itself">
					{(ids) => (
						<input
							{...ids}
							type="number"
							min={1}
							max={365}
							required
							value={days}
							onInput={(event) => setDays(event.currentTarget.value)}
						/>
					)}
				</Field>
				<div class="actions">
					<button type="submit" class="primary" disabled={busy}>
						Save
					</button>
				</div>
			</form>
		</>
	);
};
