import { signal } from '@preact/signals';
import { Linked } from '../common/links.tsx';
import type { Intent } from './composer.tsx';
import type { Store } from './store.ts';
import { clockTime, say } from './texts.ts';
import type { Shown, Thread } from './thread.ts';
import { Icon } from './widget-icons.tsx';

/** One message: its bubble, what others made of it, and what can be done with it. */

const emojis = ['👍', '❤️', '😂', '😮', '😢', '🎉'];
/** The message whose options are shown. */
const opened = signal<string | null>(null);

const Reactions = ({ message, onReact }: { message: Shown; onReact: (emoji: string, set: boolean) => void }) =>
	message.reactions.length === 0 ? null : (
		<span class="reactions">
			{message.reactions.map(({ emoji, count, mine }) => (
				<button
					type="button"
					key={emoji}
					aria-pressed={mine}
					aria-label={say('reacted', { emoji, count })}
					onClick={() => onReact(emoji, !mine)}
				>
					{emoji} {count}
				</button>
			))}
		</span>
	);

const Options = ({
	isOwn,
	onReact,
	onIntent,
	onRemove,
}: {
	isOwn: boolean;
	onReact: (emoji: string, set: boolean) => void;
	onIntent: (kind: Intent['kind']) => void;
	onRemove: () => void;
}) => {
	const done = (act: () => void) => () => {
		opened.value = null;
		act();
	};
	return (
		<div class="options">
			{emojis.map((emoji) => (
				<button
					type="button"
					key={emoji}
					aria-label={say('reactTo', { emoji })}
					onClick={done(() => onReact(emoji, true))}
				>
					{emoji}
				</button>
			))}
			<button type="button" onClick={done(() => onIntent('reply'))}>
				{say('reply')}
			</button>
			{isOwn && (
				<>
					<button type="button" onClick={done(() => onIntent('edit'))}>
						{say('edit')}
					</button>
					<button type="button" onClick={done(onRemove)}>
						{say('remove')}
					</button>
				</>
			)}
		</div>
	);
};

const Quote = ({ thread, id, onJump }: { thread: Thread; id: string; onJump: (id: string) => void }) => {
	const message = thread.byId.value.get(id);
	const text = message?.deletedAt ? say('deleted') : (message?.content.text ?? say('quoted'));
	return (
		<button type="button" class="quote cut" dir="auto" title={say('toQuoted')} onClick={() => onJump(id)}>
			{text}
		</button>
	);
};

const Fate = ({ store, thread, message }: { store: Store; thread: Thread; message: Shown }) => (
	<span class="refused" role="alert">
		{say('notSent')} {message.outgoing?.refused}
		<button type="button" onClick={() => store.retry(thread.id, message)}>
			{say('retry')}
		</button>
		<button type="button" onClick={() => store.discard(thread.id, message)}>
			{say('discard')}
		</button>
	</span>
);

export const Bubble = ({
	store,
	thread,
	message,
	isFirst,
	isLast,
	isFixed,
	name,
	onIntent,
	onJump,
}: {
	store: Store;
	thread: Thread;
	message: Shown;
	/** Of those that stand together. */
	isFirst: boolean;
	isLast: boolean;
	/** Whether nothing can be done here any more. */
	isFixed: boolean;
	name: string;
	onIntent: (intent: Intent) => void;
	onJump: (id: string) => void;
}) => {
	const isOwn = message.senderId === store.me.value;
	const { outgoing, deletedAt } = message;
	const isOpen = opened.value === message.id;
	const react = (emoji: string, set: boolean) => {
		store.react(thread.id, message.id, emoji, set);
	};
	return (
		<div class={`message${isOwn ? ' own' : ''}${isLast ? ' last' : ''}`}>
			{isFirst && !isOwn && (
				<span class="by quiet cut" dir="auto">
					{name}
				</span>
			)}
			<div class={deletedAt ? 'bubble gone' : 'bubble'}>
				{message.replyTo && !deletedAt && <Quote thread={thread} id={message.replyTo} onJump={onJump} />}
				{deletedAt ? (
					<em>{say('deleted')}</em>
				) : (
					<span class="text" dir="auto">
						<Linked text={message.content.text ?? ''} />
					</span>
				)}
				{!deletedAt && !outgoing && !isFixed && (
					<button
						type="button"
						class="more"
						aria-expanded={isOpen}
						aria-label={say('messageOptions')}
						onClick={() => {
							opened.value = isOpen ? null : message.id;
						}}
					>
						<Icon name="more" />
					</button>
				)}
			</div>
			<Reactions message={message} onReact={isFixed ? () => undefined : react} />
			{isOpen && !isFixed && (
				<Options
					isOwn={isOwn}
					onReact={react}
					onIntent={(kind) => onIntent({ kind, message })}
					onRemove={() => store.remove(thread.id, message.id)}
				/>
			)}
			{outgoing?.refused ? (
				<Fate store={store} thread={thread} message={message} />
			) : (
				(isLast || outgoing || message.editedAt) && (
					<span class="when quiet">
						{message.editedAt && !deletedAt && `${say('edited')} · `}
						{outgoing ? say('sending') : clockTime(message.createdAt)}
						{isOwn && !outgoing && (
							<span
								class={message.isRead ? 'ticks seen' : 'ticks'}
								role="img"
								aria-label={say(message.isRead ? 'seen' : 'sent')}
							>
								{message.isRead ? '✓✓' : '✓'}
							</span>
						)}
					</span>
				)
			)}
		</div>
	);
};
