import { useEffect, useRef } from 'preact/hooks';
import type { Row } from './inbox.store.ts';
import { Avatar, Choice, DraftInput, Empty, PriorityMark, Scroller, SearchBox, StatusPill } from './parts.tsx';
import { type Box, boxes, pathTo } from './place.store.ts';
import { TalkView } from './talk.view.tsx';
import { nameOf, priorities, priorityNames, shortTime, since, statuses, statusNames } from './words.ts';
import type { Work } from './work.store.ts';

const boxNames: Record<Box, string> = { all: 'All', mine: 'Mine', unassigned: 'Unassigned', p2p: 'P2P' };

const Item = ({ work, row, box }: { work: Work; row: Row; box: Box }) => {
	const { places } = work;
	const place = places.place.value;
	const open = place.view === 'inbox' && place.id === row.id;
	const link = useRef<HTMLAnchorElement>(null);
	useEffect(() => {
		if (open) link.current?.scrollIntoView({ block: 'nearest' });
	}, [open]);
	const ticket = row.type === 'support' ? row : null;
	const name = ticket
		? nameOf(ticket.requester ?? work.person(ticket.requesterId))
		: row.type === 'p2p'
			? row.participants.map(nameOf).join(' and ')
			: '';
	const last = ticket?.lastMessage;
	const fromTeam = last && last.senderId !== ticket?.requesterId && last.kind !== 'system';
	const text = last?.deletedAt ? 'Message deleted' : last?.content.text;
	const unread = row.unreadCount ?? 0;
	return (
		<li>
			<a
				class={unread > 0 ? 'item unread' : 'item'}
				href={pathTo(['inbox', box, row.id], places.query.value)}
				aria-current={open ? 'true' : undefined}
				ref={link}
			>
				<Avatar name={name} />
				<span class="about">
					<span class="line">
						<strong class="cut" dir="auto">
							{name}
						</strong>
						<time dateTime={row.lastMessageAt ?? row.createdAt}>{shortTime(row.lastMessageAt ?? row.createdAt)}</time>
					</span>
					{ticket && (
						<span class="line">
							<span class="cut subject" dir="auto">
								{ticket.subject ?? 'Erased'}
							</span>
							{unread > 0 && (
								<span class="badge">
									{unread > 99 ? '99+' : unread}
									<span class="unseen"> unread</span>
								</span>
							)}
						</span>
					)}
					<span class="line faint">
						<span class="cut" dir="auto">
							{ticket
								? `${fromTeam ? `${last.senderId === work.me.value.id ? 'You' : 'Team'}: ` : ''}${text ?? ''}`
								: `${row.messageCount} ${row.messageCount === 1 ? 'message' : 'messages'}`}
						</span>
					</span>
					{ticket && (
						<span class="line marks">
							<StatusPill status={ticket.status} />
							<PriorityMark priority={ticket.priority} />
							{ticket.waitingSince && ticket.status !== 'closed' && ticket.status !== 'resolved' && (
								<span class="faint">waits {since(ticket.waitingSince)}</span>
							)}
							{ticket.assigneeId && (
								<span class="faint cut">{nameOf(ticket.assignee ?? work.person(ticket.assigneeId))}</span>
							)}
						</span>
					)}
				</span>
			</a>
		</li>
	);
};

const sorts = [
	['', 'Newest activity'],
	['waitingSince', 'Longest waiting'],
	['-priority', 'Most urgent'],
	['-createdAt', 'Newest'],
	['createdAt', 'Oldest'],
] as const;

const Filters = ({ work, box }: { work: Work; box: Box }) => {
	const { places } = work;
	const { status = '', priority = '', tag = '', q = '', sort = '' } = places.query.value;
	const narrowed = [status, priority, tag, sort].filter(Boolean).length;
	const search = (box !== 'p2p' || work.can('desk.privacy')) && (
		<SearchBox
			label={box === 'p2p' ? 'Search chats (noted in the audit)' : 'Search tickets'}
			value={q}
			onSearch={(next) => places.narrow({ q: next })}
		/>
	);
	if (box === 'p2p') return <div class="filters">{search}</div>;
	return (
		<div class="filters">
			{search}
			<details open={narrowed > 0}>
				<summary>{narrowed > 0 ? `Filters (${narrowed})` : 'Filters'}</summary>
				<div class="choices">
					<Choice
						label="Status"
						value={status as string}
						options={[
							['', 'Not solved'],
							['any', 'Any status'],
							...statuses.map((known) => [known, statusNames[known]] as const),
						]}
						onChange={(next) => places.narrow({ status: next })}
					/>
					<Choice
						label="Priority"
						value={priority as string}
						options={[['', 'Any priority'], ...priorities.map((known) => [known, priorityNames[known]] as const)]}
						onChange={(next) => places.narrow({ priority: next })}
					/>
					<DraftInput
						label="Tag"
						placeholder="Any tag"
						maxLength={64}
						value={tag}
						onDone={(next) => places.narrow({ tag: next })}
					/>
					<Choice
						label="Order"
						value={sort as string}
						options={sorts}
						onChange={(next) => places.narrow({ sort: next })}
					/>
				</div>
				{narrowed > 0 && (
					<button
						type="button"
						class="link"
						onClick={() => places.narrow({ status: undefined, priority: undefined, tag: undefined, sort: undefined })}
					>
						Clear filters
					</button>
				)}
			</details>
		</div>
	);
};

const emptyTexts: Record<Box, [string, string]> = {
	all: ['No tickets.', 'What customers write to you stands here, as it comes.'],
	mine: ['Nothing is assigned to you.', 'Open a ticket and press a to take it.'],
	unassigned: ['Every ticket is taken care of.', 'New ones stand here until somebody takes them.'],
	p2p: ['No chats.', 'Chats of your users with each other stand here. Opening one is noted in the audit.'],
};

/** InboxView is the list, the open conversation, and what is known about it: side by side, or one at a time. */
export const InboxView = ({ work }: { work: Work }) => {
	const { inbox, places } = work;
	const wanted = inbox.wanted.value;
	const place = places.place.value;
	const id = place.view === 'inbox' ? place.id : null;
	useEffect(() => {
		if (wanted) inbox.show(wanted);
	}, [wanted]);
	useEffect(() => {
		work.follow(id);
		return () => undefined;
	}, [id]);
	useEffect(() => () => work.follow(null), []);
	if (!wanted) return null;
	const { box } = wanted;
	const talk = work.talk.value;
	const filtered = Boolean(wanted.q || wanted.status || wanted.priority || wanted.tag);
	const [emptyTitle, emptyText] = emptyTexts[box];
	return (
		<div class="inbox">
			<h1 class="unseen">Inbox</h1>
			<section class="list" aria-label="Conversations">
				<header>
					<nav class="tabs" aria-label="Boxes">
						{boxes.map((known) => (
							<a key={known} href={pathTo(['inbox', known])} aria-current={known === box ? 'page' : undefined}>
								{boxNames[known]}
							</a>
						))}
					</nav>
					<Filters work={work} box={box} />
				</header>
				<Scroller label="List" busy={inbox.loading.value}>
					{inbox.rows.value.length > 0 ? (
						<ul class="items">
							{inbox.rows.value.map((row) => (
								<Item key={row.id} work={work} row={row} box={box} />
							))}
						</ul>
					) : inbox.loaded.value ? (
						<Empty title={filtered ? 'Nothing fits what you look for.' : emptyTitle}>
							{filtered ? 'Take a filter away, or look in another box.' : emptyText}
						</Empty>
					) : (
						<p class="empty" role="status">
							Loading …
						</p>
					)}
					{inbox.hasMore.value && inbox.rows.value.length > 0 && (
						<button type="button" class="more" disabled={inbox.loading.value} onClick={inbox.more}>
							Show more ({inbox.total.value - inbox.rows.value.length})
						</button>
					)}
				</Scroller>
			</section>
			{talk ? (
				<TalkView key={talk.id} work={work} talk={talk} box={box} />
			) : (
				<section class="nothing" aria-label="Conversation">
					<Empty title="No conversation is open.">
						Choose one, or press <kbd>j</kbd>. All keys: <kbd>?</kbd>
					</Empty>
				</section>
			)}
		</div>
	);
};
