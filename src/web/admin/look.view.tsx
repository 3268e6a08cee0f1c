import { useState } from 'preact/hooks';
import type { SiteView, UpdateSite } from '../../modules/sites/sites.schema.ts';
import type { OpeningHours, Weekday, WidgetSettings } from '../../modules/sites/widget.schema.ts';
import { writingOn } from '../common/contrast.ts';
import { CopyText, Field, Trouble } from './parts.tsx';
import { tagOf } from './site.view.tsx';

const accentDefault = '#3451b2';
const weekdays: readonly (readonly [Weekday, string])[] = [
	['mon', 'Mon'],
	['tue', 'Tue'],
	['wed', 'Wed'],
	['thu', 'Thu'],
	['fri', 'Fri'],
	['sat', 'Sat'],
	['sun', 'Sun'],
];
const workdays: OpeningHours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00' };

/** Preview is the widget as it will look: drawn here, so that it follows every key that is typed. */
const Preview = ({ look, resourceId }: { look: WidgetSettings; resourceId: string }) => {
	const accent = look.accent ?? accentDefault;
	return (
		<figure class={`preview at-${look.position} in-${look.theme}`}>
			<figcaption class="hint">So it will look on {resourceId}.</figcaption>
			<div class="preview-page" aria-hidden="true">
				<div class="preview-panel">
					<p class="preview-head" style={{ background: accent, color: writingOn(accent) }}>
						{look.title ?? 'Messages'}
					</p>
					<p class="preview-welcome">{look.welcome ?? 'How can we help?'}</p>
					{look.away && <p class="preview-away">{look.away.text}</p>}
					{look.features.support && (
						<p class="preview-button" style={{ background: accent, color: writingOn(accent) }}>
							New request
						</p>
					)}
				</div>
				<span class="preview-launcher" style={{ background: accent, color: writingOn(accent) }}>
					<svg viewBox="0 0 24 24" class="icon" aria-hidden="true">
						<path d="M4 5h16v11H9l-5 4z" />
					</svg>
				</span>
			</div>
		</figure>
	);
};

const Hours = ({
	hours,
	onChange,
	onRemove,
}: {
	hours: OpeningHours;
	onChange: (next: OpeningHours) => void;
	onRemove: () => void;
}) => (
	<fieldset class="hours">
		<legend class="unseen">Hours</legend>
		<div class="weekdays">
			{weekdays.map(([day, name]) => (
				<label key={day}>
					<input
						type="checkbox"
						checked={hours.days.includes(day)}
						onChange={(event) => {
							const days = weekdays
								.map(([known]) => known)
								.filter((known) => (known === day ? event.currentTarget.checked : hours.days.includes(known)));
							if (days.length > 0) onChange({ ...hours, days });
							else event.currentTarget.checked = true;
						}}
					/>
					<span>{name}</span>
				</label>
			))}
		</div>
		<div class="beside">
			<input
				type="time"
				aria-label="From"
				required
				value={hours.from}
				onInput={(event) => onChange({ ...hours, from: event.currentTarget.value })}
			/>
			<span>to</span>
			<input
				type="time"
				aria-label="To"
				required
				value={hours.to}
				onInput={(event) => onChange({ ...hours, to: event.currentTarget.value })}
			/>
			<button type="button" onClick={onRemove}>
				Remove
			</button>
		</div>
	</fieldset>
);

/** WidgetLook is how the widget looks and what it asks for, beside what will come of it. */
export const WidgetLook = ({
	site,
	onSave,
}: {
	site: SiteView;
	onSave: (changes: UpdateSite) => Promise<string | null>;
}) => {
	const [look, setLook] = useState<WidgetSettings>(site.widget);
	const [problem, setProblem] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	const set = (changes: Partial<WidgetSettings>) => setLook((now) => ({ ...now, ...changes }));
	const { away } = look;
	const check = (name: 'askName' | 'askEmail' | 'sound', label: string) => (
		<label class="check">
			<input type="checkbox" checked={look[name]} onChange={(event) => set({ [name]: event.currentTarget.checked })} />
			{label}
		</label>
	);
	const feature = (name: 'p2p' | 'support', label: string) => (
		<label class="check">
			<input
				type="checkbox"
				checked={look.features[name]}
				onChange={(event) => set({ features: { ...look.features, [name]: event.currentTarget.checked } })}
			/>
			{label}
		</label>
	);
	return (
		<div class="look">
			<form
				class="card"
				onSubmit={async (event) => {
					event.preventDefault();
					setBusy(true);
					setProblem(await onSave({ widget: look }));
					setBusy(false);
				}}
			>
				<h2>The look</h2>
				<Trouble text={problem} />
				<Field label="Title" hint="Left empty: “Messages”, in the visitor’s language.">
					{(ids) => (
						<input
							{...ids}
							maxLength={60}
							value={look.title ?? ''}
							onInput={(event) => set({ title: event.currentTarget.value || null })}
						/>
					)}
				</Field>
				<Field label="Welcome" hint="Left empty: “How can we help?”, in the visitor’s language.">
					{(ids) => (
						<textarea
							{...ids}
							rows={2}
							maxLength={300}
							value={look.welcome ?? ''}
							onInput={(event) => set({ welcome: event.currentTarget.value || null })}
						/>
					)}
				</Field>
				<Field label="Colour">
					{(ids) => (
						<div class="beside">
							<input
								{...ids}
								type="color"
								value={look.accent ?? accentDefault}
								onInput={(event) => set({ accent: event.currentTarget.value })}
							/>
							<button type="button" disabled={look.accent === null} onClick={() => set({ accent: null })}>
								Back to ours
							</button>
						</div>
					)}
				</Field>
				<Field label="Light or dark">
					{(ids) => (
						<select
							{...ids}
							value={look.theme}
							onChange={(event) => set({ theme: event.currentTarget.value as WidgetSettings['theme'] })}
						>
							<option value="auto">As the visitor’s system</option>
							<option value="light">Light</option>
							<option value="dark">Dark</option>
						</select>
					)}
				</Field>
				<Field label="Corner">
					{(ids) => (
						<select
							{...ids}
							value={look.position}
							onChange={(event) => set({ position: event.currentTarget.value as WidgetSettings['position'] })}
						>
							<option value="right">Right</option>
							<option value="left">Left</option>
						</select>
					)}
				</Field>
				<fieldset>
					<legend>What it offers</legend>
					{feature('support', 'Requests to your team')}
					{feature('p2p', 'Chats between users')}
				</fieldset>
				<fieldset>
					<legend>Of guests</legend>
					{check('askName', 'Ask their name before the first message')}
					{check('askEmail', 'Ask their email address before the first message')}
					{check('sound', 'A short sound for new messages')}
				</fieldset>
				<fieldset>
					<legend>Away</legend>
					<label class="check">
						<input
							type="checkbox"
							checked={away !== null}
							onChange={(event) =>
								set({
									away: event.currentTarget.checked
										? {
												text: 'We are away now, and answer as soon as we are back.',
												timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
												hours: [workdays],
											}
										: null,
								})
							}
						/>
						Say something while nobody is there
					</label>
					{away && (
						<div class="card inner">
							<Field label="What is said">
								{(ids) => (
									<textarea
										{...ids}
										rows={2}
										required
										maxLength={300}
										value={away.text}
										onInput={(event) => set({ away: { ...away, text: event.currentTarget.value } })}
									/>
								)}
							</Field>
							<Field label="Time zone">
								{(ids) => (
									<input
										{...ids}
										required
										maxLength={64}
										placeholder="Europe/Berlin"
										value={away.timezone}
										onInput={(event) => set({ away: { ...away, timezone: event.currentTarget.value } })}
									/>
								)}
							</Field>
							<p class="label">Somebody is there</p>
							{away.hours.map((hours, i) => (
								<Hours
									key={String(i)}
									hours={hours}
									onChange={(next) =>
										set({ away: { ...away, hours: away.hours.map((other, at) => (at === i ? next : other)) } })
									}
									onRemove={() => set({ away: { ...away, hours: away.hours.filter((_, at) => at !== i) } })}
								/>
							))}
							{away.hours.length === 0 && <p class="hint">Never: this is always said.</p>}
							<button type="button" onClick={() => set({ away: { ...away, hours: [...away.hours, workdays] } })}>
								Add hours
							</button>
						</div>
					)}
				</fieldset>
				<div class="actions">
					<button type="submit" class="primary" disabled={busy}>
						Save
					</button>
				</div>
			</form>
			<div class="beside-form">
				<Preview look={look} resourceId={site.resourceId} />
				<CopyText text={tagOf(site)} label="The widget's tag" />
			</div>
		</div>
	);
};
