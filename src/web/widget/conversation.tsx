import { useRef, useState } from 'preact/hooks';
import { Composer, type Intent } from './composer.tsx';
import { type ListHandle, Windowed } from './list.tsx';
import { Bubble } from './message.tsx';
import { isTicket, nameOf, systemText } from './rows.ts';
import type { Store } from './store.ts';
import { dayName, say } from './texts.ts';
import type { Shown, Thread } from './thread.ts';
import { TicketEnd } from './ticket.tsx';
import { Icon } from './widget-icons.tsx';

/** Messages of one person within this time stand together. */
const groupMs = 5 * 60_000;

const isSameDay = (a: Shown | undefined, b: Shown) =>
	a !== undefined && new Date(a.createdAt).toDateString() === new Date(b.createdAt).toDateString();
const standTogether = (a: Shown | undefined, b: Shown | undefined): boolean =>
	a !== undefined &&
	b !== undefined &&
	a.kind === b.kind &&
	a.senderId === b.senderId &&
	Date.parse(b.createdAt) - Date.parse(a.createdAt) < groupMs &&
	isSameDay(a, b);
const keyOf = (message: Shown) => message.clientMessageId ?? message.id;

/** Above and below the list: what is new and out of sight. */
const Jumps = ({
	store,
	thread,
	unread,
	onLine,
	onEnd,
}: {
	store: Store;
	thread: Thread;
	unread: number;
	/** Goes to where the unread messages begin. */
	onLine: () => void;
	onEnd: () => void;
}) => {
	// how many there were when one came: while all of them are in sight, nothing has to be said
	const first = thread.unreadFrom.value;
	const newest = thread.messages.value.at(-1)?.seq ?? 0;
	const [isDone, setDone] = useState(false);
	return (
		<>
			{first !== null && !isDone && store.isAtEnd.value && newest - first >= 8 && (
				<button
					type="button"
					class="jump upper"
					onClick={() => {
						setDone(true);
						onLine();
					}}
				>
					<Icon name="up" />
					{say('unread', { count: newest - first + 1 })}
				</button>
			)}
			{!store.isAtEnd.value && (
				<button type="button" class="jump lower" aria-label={say('toNewest')} onClick={onEnd}>
					<Icon name="down" />
					{unread > 0 && say('unread', { count: unread })}
				</button>
			)}
		</>
	);
};

const Missing = ({ store, id, thread }: { store: Store; id: string; thread: Thread }) => (
	<div class="scroll empty quiet">
		{thread.failed.value && (
			<p role="alert">
				{say('failed')}{' '}
				<button type="button" class="link" onClick={() => store.show(id)}>
					{say('retry')}
				</button>
			</p>
		)}
	</div>
);

/** ConversationView is a chat or a ticket: its messages, what its status asks for, and the composer. */
export const ConversationView = ({ store, id }: { store: Store; id: string }) => {
	const thread = store.thread.value;
	const row = store.rowOf(id);
	const me = store.me.value;
	const [intent, setIntent] = useState<Intent | null>(null);
	const list = useRef<ListHandle>(null);
	if (!thread) return null;
	if (!thread.loaded.value) return <Missing store={store} id={id} thread={thread} />;
	const name = nameOf(row, me);
	const ticket = row && isTicket(row) ? row : null;
	const isFixed = ticket?.status === 'closed';
	const unreadFrom = thread.unreadFrom.value;
	/** Goes to a message, however far back. */
	const jump = async (wanted: number | string) => {
		if (!(await thread.reach(wanted))) return;
		const found = thread.messages.value.find(({ id, seq }) => id === wanted || seq === wanted);
		// the list has to know of it first
		if (found) requestAnimationFrame(() => list.current?.to(keyOf(found)));
	};
	const draw = (message: Shown, before: Shown | undefined, after: Shown | undefined) => (
		<>
			{!isSameDay(before, message) && (
				<p class="day">
					<span>{dayName(message.createdAt)}</span>
				</p>
			)}
			{unreadFrom === message.seq && (
				<p class="unread">
					<span>{say('newMessages')}</span>
				</p>
			)}
			{message.kind === 'system' ? (
				<p class="system quiet">{systemText(message)}</p>
			) : (
				<Bubble
					store={store}
					thread={thread}
					message={message}
					isFirst={!standTogether(before, message)}
					isLast={!standTogether(message, after)}
					isFixed={isFixed}
					name={name}
					onIntent={setIntent}
					onJump={jump}
				/>
			)}
		</>
	);
	return (
		<>
			<div class="messages">
				<Windowed
					items={thread.messages.value}
					keyOf={keyOf}
					draw={draw}
					version={`${unreadFrom} ${isFixed} ${name}`}
					label={say('log')}
					handle={list}
					onTop={thread.older}
					onEnd={(is) => {
						store.isAtEnd.value = is;
						if (is) store.markRead(id);
					}}
				>
					<p class="typing quiet">{store.typing.value === id && say('typing', { name })}</p>
				</Windowed>
				<Jumps
					store={store}
					thread={thread}
					unread={row?.unreadCount ?? 0}
					onLine={() => {
						if (unreadFrom !== null) jump(unreadFrom);
					}}
					onEnd={() => list.current?.toEnd()}
				/>
			</div>
			{ticket && <TicketEnd store={store} ticket={ticket} />}
			{!isFixed && (
				<Composer
					intent={intent}
					draft={store.drafts.get(id) ?? ''}
					onDraft={(text) => store.drafts.set(id, text)}
					onCancel={() => setIntent(null)}
					onTyping={(is) => store.client.value?.typing(id, is)}
					onSend={(text) => {
						if (intent?.kind === 'edit') store.edit(id, intent.message.id, text);
						else {
							store.send(id, text, intent?.message.id ?? null);
							list.current?.toEnd();
						}
						setIntent(null);
					}}
				/>
			)}
		</>
	);
};
