import { useEffect, useRef, useState } from 'preact/hooks';
import { FactsView } from './facts.view.tsx';
import { Icon } from './icons.tsx';
import { MessageView } from './message.view.tsx';
import { Choice, IconButton, StatusPill, Trouble } from './parts.tsx';
import { type Box, pathTo } from './place.store.ts';
import { ReplyBox } from './reply.view.tsx';
import type { Shown, Talk } from './talk.store.ts';
import { dayKey, dayName, moves, nameOf, type Status, statusNames } from './words.ts';
import type { Work } from './work.store.ts';

const groupMs = 5 * 60_000;
/** Whether a message goes on where the one before ended: then it needs no new head. */
const goesOn = (before: Shown | undefined, message: Shown): boolean =>
	before !== undefined &&
	before.senderId === message.senderId &&
	before.kind === message.kind &&
	message.kind !== 'system' &&
	Date.parse(message.createdAt) - Date.parse(before.createdAt) < groupMs;

const Log = ({ work, talk }: { work: Work; talk: Talk }) => {
	const box = useRef<HTMLDivElement>(null);
	const atEnd = useRef(true);
	/** How far the end was away before older messages came in above. */
	const fromEnd = useRef<number | null>(null);
	const messages = talk.messages.value;
	useEffect(() => {
		const node = box.current;
		if (!node) return;
		if (fromEnd.current !== null) {
			node.scrollTop = node.scrollHeight - fromEnd.current;
			fromEnd.current = null;
		} else if (atEnd.current) node.scrollTop = node.scrollHeight;
	}, [messages]);
	// the newest stays in sight when the screen turns, or a keyboard comes up on it
	useEffect(() => {
		const node = box.current;
		if (!node) return;
		const seen = new ResizeObserver(() => {
			if (atEnd.current) node.scrollTop = node.scrollHeight;
		});
		seen.observe(node);
		return () => seen.disconnect();
	}, []);
	const older = () => {
		const node = box.current;
		if (!node || !talk.hasBefore.value || talk.loading.value) return;
		fromEnd.current = node.scrollHeight - node.scrollTop;
		talk.older();
	};
	const byId = new Map(messages.map((message) => [message.id, message]));
	return (
		<div
			class="scroll log"
			ref={box}
			role="log"
			aria-label="Messages"
			// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
			tabIndex={0}
			onScroll={(event) => {
				const node = event.currentTarget;
				atEnd.current = node.scrollHeight - node.scrollTop - node.clientHeight < 40;
				if (node.scrollTop < 200) older();
			}}
		>
			{talk.hasBefore.value && (
				<button type="button" class="more" disabled={talk.loading.value} onClick={older}>
					Show earlier messages
				</button>
			)}
			{messages.map((message, i) => {
				const before = messages[i - 1];
				const newDay = !before || dayKey(before.createdAt) !== dayKey(message.createdAt);
				return (
					<div key={message.clientMessageId ?? message.id} class="entry">
						{newDay && <p class="day">{dayName(message.createdAt)}</p>}
						<MessageView
							work={work}
							talk={talk}
							message={message}
							goesOn={!newDay && goesOn(before, message)}
							answered={message.replyTo ? byId.get(message.replyTo) : undefined}
						/>
					</div>
				);
			})}
		</div>
	);
};

const Who = ({ work, talk }: { work: Work; talk: Talk }) => {
	const watchers = talk.watchers.value;
	const typing = talk.typing.value;
	const names = watchers.map((id) => nameOf(work.person(id)));
	return (
		<div class="who-line" aria-live="polite">
			{watchers.length > 0 && (
				<p class="watching">
					<Icon name="eye" />
					{names.join(', ')} {watchers.length === 1 ? 'is' : 'are'} looking at this too
				</p>
			)}
			{typing && (
				<p class="typing">
					{nameOf(work.person(typing.userId))} {typing.note ? 'is writing a note' : 'is writing'} …
				</p>
			)}
		</div>
	);
};

/** TalkView is one conversation: its head, its messages, where one writes, and beside it what is known. */
export const TalkView = ({ work, talk, box }: { work: Work; talk: Talk; box: Box }) => {
	const row = talk.row.value;
	const [details, setDetails] = useState(false);
	const back = pathTo(['inbox', box], work.places.query.value);
	const requester = row?.type === 'support' ? (row.requester ?? work.person(row.requesterId)) : undefined;
	return (
		<>
			<section class={details ? 'talk with-facts' : 'talk'} aria-label="Conversation">
				<header class="talk-head">
					<a class="quiet-button square back" href={back} aria-label="Back to the list">
						<Icon name="back" />
					</a>
					<div class="talk-title">
						<h2 class="cut" dir="auto">
							{row ? talk.titleOf(row) : 'Conversation'}
						</h2>
						{row?.type === 'support' && (
							<p class="cut faint">
								#{row.number} · <span dir="auto">{nameOf(requester)}</span>
								{talk.online.value[row.requesterId] && ' · here now'}
							</p>
						)}
					</div>
					{row?.type === 'support' &&
						(row.status === 'closed' ? (
							<StatusPill status="closed" />
						) : (
							<Choice<Status>
								label="Status"
								value={row.status}
								options={[row.status, ...moves[row.status]].map((status) => [status, statusNames[status]] as const)}
								onChange={(status) => talk.change({ status })}
							/>
						))}
					{row?.type === 'support' && (
						<span class="only-narrow">
							<IconButton
								name="details"
								label={details ? 'Hide details' : 'Show details'}
								pressed={details}
								onClick={() => setDetails(!details)}
							/>
						</span>
					)}
				</header>
				<Trouble text={talk.problem.value} onAgain={talk.reload} />
				{!talk.loaded.value && talk.problem.value === null && (
					<p class="empty" role="status">
						Loading …
					</p>
				)}
				{talk.loaded.value && <Log work={work} talk={talk} />}
				{talk.loaded.value && <Who work={work} talk={talk} />}
				{talk.loaded.value &&
					(row?.type === 'p2p' ? (
						<p class="read-only">
							A chat of two users: the team can read it, and not write in it. That you opened it is noted in the audit.
						</p>
					) : row?.status === 'closed' ? (
						<p class="read-only">This ticket is closed. The customer can open a new one that follows it.</p>
					) : (
						<ReplyBox work={work} talk={talk} />
					))}
			</section>
			{row?.type === 'support' && (
				<FactsView work={work} talk={talk} row={row} shown={details} onClose={() => setDetails(false)} />
			)}
		</>
	);
};
