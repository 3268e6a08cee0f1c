import { useEffect, useState } from 'preact/hooks';
import type { CannedReply, CannedReplyList } from '../../modules/support/canned.schema.ts';
import { Empty, Field, Trouble } from './parts.tsx';
import { explain } from './words.ts';
import type { Work } from './work.store.ts';

const Editor = ({
	reply,
	onSave,
	onCancel,
}: {
	reply: CannedReply | null;
	onSave: (reply: { shortcut: string; text: string }) => Promise<string | null>;
	onCancel: () => void;
}) => {
	const [shortcut, setShortcut] = useState(reply?.shortcut ?? '');
	const [text, setText] = useState(reply?.text ?? '');
	const [problem, setProblem] = useState<string | null>(null);
	return (
		<form
			class="card inner"
			onSubmit={async (event) => {
				event.preventDefault();
				setProblem(await onSave({ shortcut: shortcut.trim().replace(/^\//, ''), text: text.trim() }));
			}}
		>
			<Trouble text={problem} />
			<Field label="Shortcut" hint="What is typed behind the slash: one word.">
				{(ids) => (
					<input
						{...ids}
						required
						maxLength={40}
						autoCapitalize="none"
						spellcheck={false}
						value={shortcut}
						onInput={(event) => setShortcut(event.currentTarget.value)}
					/>
				)}
			</Field>
			<Field label="Text">
				{(ids) => (
					<textarea
						{...ids}
						rows={4}
						required
						maxLength={10_000}
						dir="auto"
						value={text}
						onInput={(event) => setText(event.currentTarget.value)}
					/>
				)}
			</Field>
			<div class="actions">
				<button type="button" onClick={onCancel}>
					Cancel
				</button>
				<button type="submit" class="primary">
					Save
				</button>
			</div>
		</form>
	);
};

/** CannedSettings are the replies that one opens by a slash. */
export const CannedSettings = ({ work }: { work: Work }) => {
	const { client } = work;
	const [replies, setReplies] = useState<CannedReply[] | null>(null);
	const [editing, setEditing] = useState<string | null>(null);
	const [problem, setProblem] = useState<string | null>(null);
	const writes = work.can('canned.write');
	const load = async () => {
		try {
			setReplies((await client.get<CannedReplyList>('/admin/canned-replies')).data);
			setProblem(null);
		} catch (error) {
			setProblem(explain(error));
		}
	};
	useEffect(() => {
		load();
	}, []);
	const save = async (id: string | null, reply: { shortcut: string; text: string }): Promise<string | null> => {
		try {
			await (id === null
				? client.post('/admin/canned-replies', reply)
				: client.call('PATCH', `/admin/canned-replies/${encodeURIComponent(id)}`, reply));
			setEditing(null);
			work.canned.value = null;
			await load();
			return null;
		} catch (error) {
			return explain(error);
		}
	};
	const remove = ({ id, shortcut }: CannedReply) =>
		work.confirm(`Delete /${shortcut}?`, 'Nobody of the team can use it any more.', 'Delete', () => {
			client
				.call('DELETE', `/admin/canned-replies/${encodeURIComponent(id)}`)
				.then(() => {
					work.canned.value = null;
					load();
				})
				.catch(work.fail);
		});
	return (
		<section class="card">
			<h2>Canned replies</h2>
			<p class="hint">Type / where you write a reply, then a part of the shortcut.</p>
			<Trouble text={problem} onAgain={load} />
			{replies?.length === 0 && editing === null && (
				<Empty title="None yet.">{writes ? 'Write down what you say every day.' : 'A moderator can add some.'}</Empty>
			)}
			<ul class="canned-list">
				{(replies ?? []).map((reply) => (
					<li key={reply.id}>
						{editing === reply.id ? (
							<Editor reply={reply} onSave={(next) => save(reply.id, next)} onCancel={() => setEditing(null)} />
						) : (
							<>
								<div>
									<strong dir="auto">/{reply.shortcut}</strong>
									<p class="text" dir="auto">
										{reply.text}
									</p>
								</div>
								{writes && (
									<div class="actions">
										<button type="button" aria-label={`Edit ${reply.shortcut}`} onClick={() => setEditing(reply.id)}>
											Edit
										</button>
										<button type="button" aria-label={`Delete ${reply.shortcut}`} onClick={() => remove(reply)}>
											Delete
										</button>
									</div>
								)}
							</>
						)}
					</li>
				))}
			</ul>
			{writes &&
				(editing === 'new' ? (
					<Editor reply={null} onSave={(next) => save(null, next)} onCancel={() => setEditing(null)} />
				) : (
					<button type="button" class="primary" onClick={() => setEditing('new')}>
						Add a canned reply
					</button>
				))}
		</section>
	);
};
