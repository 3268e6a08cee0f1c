import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { say } from './texts.ts';
import type { Shown } from './thread.ts';
import { Icon } from './widget-icons.tsx';

/** What the next text is: an answer to a message, or another wording of one's own. */
export interface Intent {
	kind: 'reply' | 'edit';
	message: Shown;
}

const typingEveryMs = 2_500;
const textMax = 10_000;
const heightMaxPx = 160;

/** Composer is where one writes. Enter sends, shift and Enter begins a new line. */
export const Composer = ({
	intent,
	draft,
	onDraft,
	onCancel,
	onTyping,
	onSend,
}: {
	intent: Intent | null;
	/** What was written here before and not sent. */
	draft: string;
	onDraft: (text: string) => void;
	onCancel: () => void;
	onTyping: (typing: boolean) => void;
	onSend: (text: string) => void;
}) => {
	const [text, setText] = useState(draft);
	const area = useRef<HTMLTextAreaElement>(null);
	const toldAt = useRef(0);
	const isEditing = intent?.kind === 'edit';
	const wasEditing = useRef(false);
	useLayoutEffect(() => {
		if (isEditing) setText(intent.message.content.text ?? '');
		else if (wasEditing.current) setText(draft);
		wasEditing.current = isEditing;
		if (intent) area.current?.focus();
	}, [intent]);
	useLayoutEffect(() => {
		const node = area.current;
		if (!node) return;
		node.style.height = 'auto';
		// note: with its borders, which scrollHeight leaves out
		node.style.height = `${Math.min(node.scrollHeight + 2, heightMaxPx)}px`;
	}, [text]);
	const write = (next: string) => {
		setText(next);
		if (isEditing) return;
		onDraft(next);
		if (next === '') {
			if (toldAt.current > 0) onTyping(false);
			toldAt.current = 0;
		} else if (Date.now() - toldAt.current > typingEveryMs) {
			toldAt.current = Date.now();
			onTyping(true);
		}
	};
	const send = () => {
		const trimmed = text.trim();
		if (trimmed === '') return;
		if (!isEditing) {
			onDraft('');
			setText('');
			toldAt.current = 0;
		}
		onSend(trimmed);
		area.current?.focus();
	};
	return (
		<form
			class="composer"
			onSubmit={(event) => {
				event.preventDefault();
				send();
			}}
		>
			{intent && (
				<p class="intent quiet">
					<span class="cut" dir="auto">
						{isEditing ? say('editing') : say('replyingTo', { text: intent.message.content.text ?? '' })}
					</span>
					<button type="button" class="small" aria-label={say('cancel')} onClick={onCancel}>
						<Icon name="close" />
					</button>
				</p>
			)}
			<div class="write">
				<textarea
					ref={area}
					rows={1}
					dir="auto"
					maxLength={textMax}
					value={text}
					aria-label={say('write')}
					placeholder={say('write')}
					onInput={(event) => write(event.currentTarget.value)}
					onKeyDown={(event) => {
						// note: Enter that ends the choice of a word, in Japanese or Chinese, sends nothing
						if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
							event.preventDefault();
							send();
						}
						if (event.key === 'Escape' && intent) {
							event.stopPropagation();
							onCancel();
						}
					}}
				/>
				<button type="submit" class="send" aria-label={say('send')} disabled={text.trim() === ''}>
					<Icon name="send" />
				</button>
			</div>
		</form>
	);
};
