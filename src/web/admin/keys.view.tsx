import { useEffect, useState } from 'preact/hooks';
import type { Key, KeyList, NewKey } from '../../modules/sites/sites.schema.ts';
import { CopyText, Field, Trouble } from './parts.tsx';
import { explain, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

/** KeySettings are the keys by which pages and servers call. A secret one is shown once. */
export const KeySettings = ({ work }: { work: Work }) => {
	const { client } = work;
	const [keys, setKeys] = useState<Key[] | null>(null);
	const [label, setLabel] = useState('');
	const [kind, setKind] = useState<Key['kind']>('secret');
	const [made, setMade] = useState<NewKey | null>(null);
	const [problem, setProblem] = useState<string | null>(null);
	const load = async () => {
		try {
			setKeys((await client.get<KeyList>('/admin/keys')).data);
		} catch (error) {
			setProblem(explain(error));
		}
	};
	useEffect(() => {
		load();
	}, []);
	const revoke = (key: Key) =>
		work.confirm(
			`Revoke ${key.label}?`,
			key.kind === 'secret'
				? 'Every server that calls with it is turned away from now on.'
				: 'Every page that has it stops working from now on, and this desk too if it was signed in with it.',
			'Revoke',
			() => {
				client
					.call('DELETE', `/admin/keys/${encodeURIComponent(key.id)}`)
					.then(load)
					.catch(work.fail);
			},
		);
	return (
		<section class="card">
			<h2>Keys</h2>
			<p class="hint">
				A publishable key names your site and may stand in its pages. A secret key acts for your server, and must never
				stand in a page.
			</p>
			<Trouble text={problem} />
			{made && (
				<div class="notice" role="status">
					<p>
						<strong>{made.label}</strong>
						{made.kind === 'secret' ? ' – copy it now: it is not shown again.' : ' is made.'}
					</p>
					<CopyText text={made.key} label="The new key" />
					<button type="button" onClick={() => setMade(null)}>
						I have it
					</button>
				</div>
			)}
			<ul class="keys-list">
				{(keys ?? []).map((key) => (
					<li key={key.id} class={key.revokedAt ? 'gone' : undefined}>
						<div>
							<strong dir="auto">{key.label}</strong> <span class="pill">{key.kind}</span>
							<p>
								<code>{key.key}</code>
							</p>
							<p class="hint">
								{key.revokedAt
									? `Revoked ${wholeTime(key.revokedAt)}`
									: `Made ${wholeTime(key.createdAt)}${key.lastUsedAt ? `, last used ${wholeTime(key.lastUsedAt)}` : ''}`}
							</p>
						</div>
						{!key.revokedAt && (
							<button type="button" aria-label={`Revoke ${key.label}`} onClick={() => revoke(key)}>
								Revoke
							</button>
						)}
					</li>
				))}
			</ul>
			<form
				class="card inner"
				onSubmit={async (event) => {
					event.preventDefault();
					setProblem(null);
					try {
						setMade(await client.post<NewKey>('/admin/keys', { kind, label: label.trim() }));
						setLabel('');
						await load();
					} catch (error) {
						setProblem(explain(error));
					}
				}}
			>
				<h3>New key</h3>
				<Field label="Label" hint="What the audit calls it, like shop server.">
					{(ids) => (
						<input
							{...ids}
							required
							maxLength={64}
							value={label}
							onInput={(event) => setLabel(event.currentTarget.value)}
						/>
					)}
				</Field>
				<Field label="Kind">
					{(ids) => (
						<select {...ids} value={kind} onChange={(event) => setKind(event.currentTarget.value as Key['kind'])}>
							<option value="secret">Secret, for your server</option>
							<option value="publishable">Publishable, for your pages</option>
						</select>
					)}
				</Field>
				<div class="actions">
					<button type="submit" class="primary">
						Make the key
					</button>
				</div>
			</form>
		</section>
	);
};
