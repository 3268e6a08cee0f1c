import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { CannedReply, CannedReplyList } from '../../modules/support/canned.schema.ts';
import { Icon } from './icons.tsx';
import type { Talk } from './talk.store.ts';
import type { Work } from './work.store.ts';

const typingEveryMs = 2_500;
const shownMax = 8;

/** A word behind a slash, where the cursor stands: what canned replies are looked up by. */
const wordAt = (text: string, at: number): { from: number; word: string } | null => {
	const found = /(?:^|\s)\/([^\s/]{0,40})$/.exec(text.slice(0, at));
	return found ? { from: at - (found[1]?.length ?? 0) - 1, word: (found[1] ?? '').toLowerCase() } : null;
};

/** ReplyBox is where one writes to the customer, or a note to the team. Enter sends, shift and Enter begins a new line. */
export const ReplyBox = ({ work, talk }: { work: Work; talk: Talk }) => {
	const { canned } = work;
	const note = talk.noting.value;
	const [text, setText] = useState(talk.begun.text);
	const [slash, setSlash] = useState<{ from: number; word: string } | null>(null);
	const [chosen, setChosen] = useState(0);
	const area = useRef<HTMLTextAreaElement>(null);
	const told = useRef(0);
	const listId = useId();
	useEffect(() => {
		const node = area.current;
		if (!node) return;
		node.style.height = 'auto';
		node.style.height = `${Math.min(node.scrollHeight + 2, 240)}px`;
	}, [text]);
	useEffect(() => {
		if (!slash || canned.value !== null) return;
		work.client
			.get<CannedReplyList>('/admin/canned-replies')
			.then(({ data }) => {
				canned.value = data;
			})
			.catch(work.fail);
	}, [slash]);

	const found = slash
		? (canned.value ?? [])
				.filter(({ shortcut, text: body }) =>
					[shortcut, body].some((where) => where.toLowerCase().includes(slash.word)),
				)
				.sort((a, b) => Number(b.shortcut.startsWith(slash.word)) - Number(a.shortcut.startsWith(slash.word)))
				.slice(0, shownMax)
		: [];
	const at = Math.min(chosen, Math.max(0, found.length - 1));
	const write = (next: string) => {
		setText(next);
		talk.begun.text = next;
		if (next === '' && told.current > 0) {
			told.current = 0;
			talk.write(false);
		} else if (next !== '' && Date.now() - told.current > typingEveryMs) {
			told.current = Date.now();
			talk.write(true);
		}
	};
	const look = () => {
		const node = area.current;
		setSlash(node ? wordAt(node.value, node.selectionStart) : null);
		setChosen(0);
	};
	const put = (reply: CannedReply) => {
		const node = area.current;
		if (!slash || !node) return;
		const next = text.slice(0, slash.from) + reply.text + text.slice(node.selectionStart);
		const end = slash.from + reply.text.length;
		write(next);
		setSlash(null);
		node.focus();
		requestAnimationFrame(() => node.setSelectionRange(end, end));
	};
	const send = () => {
		const trimmed = text.trim();
		if (trimmed === '') return;
		talk.send(trimmed);
		setText('');
		talk.begun.text = '';
		told.current = 0;
		setSlash(null);
		area.current?.focus();
	};
	const open = slash !== null && found.length > 0;
	return (
		<form
			class={note ? 'reply is-note' : 'reply'}
			onSubmit={(event) => {
				event.preventDefault();
				send();
			}}
		>
			<fieldset class="kinds">
				<legend class="unseen">What to write</legend>
				{[false, true].map((is) => (
					<label key={String(is)}>
						<input
							type="radio"
							name={`kind-${talk.id}`}
							checked={note === is}
							onChange={() => {
								talk.noting.value = is;
								area.current?.focus();
							}}
						/>
						<span>{is ? 'Note' : 'Reply'}</span>
					</label>
				))}
			</fieldset>
			{open && (
				<div class="canned" id={listId} role="listbox" aria-label="Canned replies">
					{found.map((reply, i) => (
						// biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the text area has the focus, and its keys choose
						<div
							key={reply.id}
							id={`${listId}-${i}`}
							role="option"
							aria-selected={i === at}
							onMouseDown={(event) => event.preventDefault()}
							onClick={() => put(reply)}
						>
							<strong>/{reply.shortcut}</strong> <span class="cut">{reply.text}</span>
						</div>
					))}
				</div>
			)}
			{slash && canned.value !== null && found.length === 0 && slash.word === '' && (
				<p class="canned-none faint">No canned replies yet. They are written under Settings.</p>
			)}
			<div class="write">
				<textarea
					ref={area}
					data-compose
					rows={2}
					dir="auto"
					maxLength={10_000}
					value={text}
					aria-label={note ? 'Note for the team' : 'Reply to the customer'}
					aria-haspopup="listbox"
					aria-controls={open ? listId : undefined}
					aria-activedescendant={open ? `${listId}-${at}` : undefined}
					aria-autocomplete="list"
					placeholder={note ? 'Only the team will see this.' : 'Write a reply, or / for a canned one.'}
					onInput={(event) => {
						write(event.currentTarget.value);
						look();
					}}
					onBlur={() => setSlash(null)}
					onKeyDown={(event) => {
						if (event.isComposing) return;
						const { key } = event;
						if (open && (key === 'ArrowDown' || key === 'ArrowUp')) {
							event.preventDefault();
							setChosen((at + (key === 'ArrowDown' ? 1 : found.length - 1)) % found.length);
						} else if (open && (key === 'Enter' || key === 'Tab')) {
							event.preventDefault();
							const reply = found[at];
							if (reply) put(reply);
						} else if (key === 'Enter' && !event.shiftKey) {
							event.preventDefault();
							send();
						} else if (key === 'Escape') {
							event.preventDefault();
							if (slash) setSlash(null);
							else area.current?.blur();
						}
					}}
				/>
				<button
					type="submit"
					class="primary"
					disabled={text.trim() === ''}
					aria-label={note ? 'Save note' : 'Send reply'}
				>
					<Icon name="send" />
				</button>
			</div>
		</form>
	);
};
