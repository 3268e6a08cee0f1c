import { useState } from 'preact/hooks';
import { Linked } from '../common/links.tsx';
import { Icon } from './icons.tsx';
import { Avatar } from './parts.tsx';
import { pathTo } from './place.store.ts';
import type { Shown, Talk } from './talk.store.ts';
import { clockTime, nameOf, statusNames, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

/** A system message in our words; its metadata says what it is. */
const systemText = ({ content, metadata }: Shown): string => {
	const { action, to, score } = metadata ?? {};
	if (action === 'status') return `Moved to ${statusNames[to as keyof typeof statusNames] ?? to}`;
	if (action === 'rating') return `Rated ${score} of 5`;
	return content.text ?? '';
};

const Menu = ({ work, talk, message, onEdit }: { work: Work; talk: Talk; message: Shown; onEdit: () => void }) => {
	const mine = message.senderId === work.me.value.id;
	const closed = talk.row.value?.status === 'closed';
	const customer = work.person(message.senderId)?.role === 'user';
	const isEvidence = message.isEvidence === true;
	const acts: { name: string; act: () => void; shown: boolean; bad?: boolean }[] = [
		{ name: 'Edit', act: onEdit, shown: talk.isTicket && mine && !closed && !isEvidence && work.can('message.edit') },
		{
			name: 'Mark as unread from here',
			act: () => talk.unread(message.id),
			shown: talk.isTicket && customer && message.kind === 'text',
		},
		{
			name: 'Make a ticket of it',
			act: async () => {
				const ticket = await talk.ticketOf(message.id);
				if (ticket) work.places.go(pathTo(['inbox', 'all', ticket.id]));
			},
			shown: !talk.isTicket && customer && work.can('ticket.make'),
		},
		{
			name: 'Copy text',
			act: () => navigator.clipboard?.writeText(message.content.text ?? '').catch(() => undefined),
			shown: navigator.clipboard !== undefined,
		},
		{
			name: 'Delete',
			bad: true,
			act: () =>
				work.confirm(
					'Delete this message?',
					'Its text is gone for everybody, and cannot be brought back.',
					'Delete',
					() => talk.remove(message.id),
				),
			shown: !closed && !isEvidence && work.can('message.delete') && (mine || work.can('report.decide')),
		},
	];
	const shown = acts.filter((entry) => entry.shown);
	if (shown.length === 0) return null;
	return (
		<details
			class="menu"
			onToggle={(event) => {
				if (event.currentTarget.open) event.currentTarget.querySelector('button')?.focus();
			}}
			onKeyDown={(event) => {
				if (event.key !== 'Escape' || !event.currentTarget.open) return;
				event.preventDefault();
				event.currentTarget.open = false;
				event.currentTarget.querySelector('summary')?.focus();
			}}
			onFocusOut={(event) => {
				if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget))
					event.currentTarget.open = false;
			}}
		>
			<summary aria-label="What can be done with this message">
				<Icon name="more" />
			</summary>
			<div>
				{shown.map(({ name, act, bad }) => (
					<button
						key={name}
						type="button"
						class={bad ? 'bad' : undefined}
						onClick={(event) => {
							const menu = event.currentTarget.closest('details');
							if (menu) menu.open = false;
							act();
						}}
					>
						{name}
					</button>
				))}
			</div>
		</details>
	);
};

const Editing = ({ message, talk, onDone }: { message: Shown; talk: Talk; onDone: () => void }) => {
	const [text, setText] = useState(message.content.text ?? '');
	return (
		<form
			class="editing"
			onSubmit={async (event) => {
				event.preventDefault();
				if (text.trim() === '' || (await talk.edit(message.id, text.trim()))) onDone();
			}}
		>
			<textarea
				aria-label="Edit message"
				rows={3}
				maxLength={10_000}
				dir="auto"
				value={text}
				onInput={(event) => setText(event.currentTarget.value)}
				onKeyDown={(event) => {
					if (event.key !== 'Escape') return;
					event.stopPropagation();
					onDone();
				}}
			/>
			<div class="actions">
				<button type="button" onClick={onDone}>
					Cancel
				</button>
				<button type="submit" class="primary">
					Save
				</button>
			</div>
		</form>
	);
};

/** MessageView is one message, note or change, as it stands in the log. */
export const MessageView = ({
	work,
	talk,
	message,
	goesOn,
	answered,
}: {
	work: Work;
	talk: Talk;
	message: Shown;
	goesOn: boolean;
	answered: Shown | undefined;
}) => {
	const [editing, setEditing] = useState(false);
	if (message.kind === 'system')
		return (
			<p class="system">
				{systemText(message)} · <time dateTime={message.createdAt}>{clockTime(message.createdAt)}</time>
			</p>
		);
	const requester = talk.row.value?.requesterId;
	const sender = message.senderId === work.me.value.id ? work.me.value : work.person(message.senderId);
	const first = talk.row.value?.type === 'p2p' ? talk.row.value.participants[0]?.id : requester;
	const theirs = message.senderId === first;
	const note = message.kind === 'note';
	const sending = message.outgoing;
	const kind = note ? 'note' : theirs ? 'theirs' : 'ours';
	return (
		<article class={`message ${kind}${goesOn ? ' goes-on' : ''}${sending ? ' sending' : ''}`}>
			{!goesOn && <Avatar name={nameOf(sender)} />}
			<div class="body">
				{!goesOn && (
					<p class="head">
						<strong dir="auto">{nameOf(sender)}</strong>
						{note && <span class="note-mark">{message.isEvidence ? 'Evidence' : 'Note · only the team sees it'}</span>}
						<time dateTime={message.createdAt} title={wholeTime(message.createdAt)}>
							{clockTime(message.createdAt)}
						</time>
					</p>
				)}
				<div class="bubble">
					{message.replyTo && (
						<p class="answered cut" dir="auto">
							{answered ? (answered.content.text ?? 'Message deleted') : 'An earlier message'}
						</p>
					)}
					{editing ? (
						<Editing message={message} talk={talk} onDone={() => setEditing(false)} />
					) : message.deletedAt ? (
						<p class="text faint">Message deleted</p>
					) : (
						<p class="text" dir="auto">
							<Linked text={message.content.text ?? ''} />
						</p>
					)}
					{message.editedAt && !message.deletedAt && (
						<details class="earlier">
							<summary>edited</summary>
							{(message.earlierTexts ?? []).map(({ text, replacedAt }) => (
								<p key={replacedAt} class="text" dir="auto">
									{text ?? 'Erased'} <span class="faint">– until {wholeTime(replacedAt)}</span>
								</p>
							))}
						</details>
					)}
				</div>
				{message.reactions.length > 0 && (
					<p class="reactions">
						{message.reactions.map(({ emoji, count }) => (
							<span key={emoji}>
								{emoji} {count}
							</span>
						))}
					</p>
				)}
				{sending?.refused ? (
					<div class="refused" role="alert">
						<p>Not sent. {sending.refused}</p>
						<button type="button" onClick={() => talk.retry(message)}>
							Send again
						</button>
						<button type="button" onClick={() => talk.drop(message)}>
							Discard
						</button>
					</div>
				) : sending ? (
					<p class="state">{sending.trouble ? 'Waiting for the line …' : 'Sending …'}</p>
				) : (
					kind === 'ours' && talk.isTicket && message.isRead && <p class="state">Seen</p>
				)}
			</div>
			{!sending && !message.deletedAt && !editing && (
				<Menu work={work} talk={talk} message={message} onEdit={() => setEditing(true)} />
			)}
		</article>
	);
};
