import { useState } from 'preact/hooks';
import type { TicketRow } from './inbox.store.ts';
import { Avatar, Choice, DraftInput, Field, IconButton, Scroller, StatusPill } from './parts.tsx';
import { pathTo } from './place.store.ts';
import type { Talk } from './talk.store.ts';
import { nameOf, priorities, priorityNames, roleNames, shortTime, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

const Tags = ({ talk, tags }: { talk: Talk; tags: readonly string[] }) => {
	const [text, setText] = useState('');
	const add = () => {
		const tag = text.trim();
		setText('');
		if (tag !== '' && !tags.includes(tag)) talk.change({ tags: [...tags, tag] });
	};
	return (
		<div class="field">
			<span class="label" id="tags">
				Tags
			</span>
			{tags.length > 0 && (
				<ul class="tags" aria-labelledby="tags">
					{tags.map((tag) => (
						<li key={tag}>
							<span dir="auto">{tag}</span>
							<button
								type="button"
								aria-label={`Take the tag ${tag} away`}
								onClick={() => talk.change({ tags: tags.filter((other) => other !== tag) })}
							>
								×
							</button>
						</li>
					))}
				</ul>
			)}
			<input
				aria-label="Add a tag"
				placeholder="Add a tag, then Enter"
				maxLength={32}
				value={text}
				onInput={(event) => setText(event.currentTarget.value)}
				onBlur={add}
				onKeyDown={(event) => {
					if (event.key !== 'Enter') return;
					event.preventDefault();
					add();
				}}
			/>
		</div>
	);
};

/** A line of the history in words. */
const changeText = (work: Work, field: string, value: string | null): string => {
	if (value === null || value === '') return 'nothing';
	if (value.startsWith('user_')) return nameOf(work.person(value));
	return field === 'tags' ? value.replaceAll(/[[\]"]/g, '').replaceAll(',', ', ') : value.replaceAll('_', ' ');
};

const History = ({ work, talk }: { work: Work; talk: Talk }) => (
	<details
		class="fold"
		onToggle={(event) => {
			if (event.currentTarget.open) talk.openHistory();
		}}
	>
		<summary>History</summary>
		<ol class="history">
			{(talk.history.value ?? []).map(({ at, actor, field, before, after }, i) => (
				<li key={`${at}${field}${i}`}>
					<span dir="auto">
						{actor === 'system' ? 'By itself' : actor.startsWith('user_') ? nameOf(work.person(actor)) : actor}
					</span>
					: {field.replace('Id', '')} from {changeText(work, field, before)} to{' '}
					<strong>{changeText(work, field, after)}</strong>
					<time dateTime={at}>{wholeTime(at)}</time>
				</li>
			))}
			{talk.history.value?.length === 0 && <li class="faint">Nothing was changed yet.</li>}
		</ol>
	</details>
);

/** FactsView is the column beside a ticket: who asks, who takes care of it, and what else there is. */
export const FactsView = ({
	work,
	talk,
	row,
	shown,
	onClose,
}: {
	work: Work;
	talk: Talk;
	row: TicketRow;
	shown: boolean;
	onClose: () => void;
}) => {
	const requester = row.requester ?? work.person(row.requesterId);
	const team = work.team.value;
	const closed = row.status === 'closed';
	const moderation = row.category === 'moderation';
	const assignable = team.some(({ id }) => id === row.assigneeId) || row.assigneeId === null;
	return (
		<aside class={shown ? 'facts shown' : 'facts'} aria-label="Details">
			<header class="only-narrow">
				<h2>Details</h2>
				<IconButton name="close" label="Close details" onClick={onClose} />
			</header>
			<Scroller label="Details of the ticket">
				<a class="customer" href={pathTo(['users', row.requesterId])}>
					<Avatar name={nameOf(requester)} here={talk.online.value[row.requesterId] === true} />
					<span>
						<strong class="cut" dir="auto">
							{nameOf(requester)}
						</strong>
						<small class="faint">
							{requester?.verified
								? 'Verified by the site'
								: requester?.role === 'user'
									? 'Not verified'
									: requester && roleNames[requester.role]}
						</small>
					</span>
				</a>
				<Field label="Assigned to">
					{({ id }) => (
						<div class="beside">
							<select
								id={id}
								value={row.assigneeId ?? ''}
								disabled={closed}
								onChange={(event) => talk.change({ assigneeId: event.currentTarget.value || null })}
							>
								<option value="" selected={row.assigneeId === null}>
									Nobody
								</option>
								{!assignable && (
									<option value={row.assigneeId ?? ''} selected>
										{nameOf(row.assignee)}
									</option>
								)}
								{team.map((person) => (
									<option key={person.id} value={person.id} selected={row.assigneeId === person.id}>
										{nameOf(person)}
										{person.id === work.me.value.id ? ' (you)' : ''}
									</option>
								))}
							</select>
							{row.assigneeId !== work.me.value.id && !closed && (
								<button type="button" onClick={() => talk.change({ assigneeId: work.me.value.id })}>
									Take it
								</button>
							)}
						</div>
					)}
				</Field>
				<div class="field">
					<span class="label">Priority</span>
					<Choice
						label="Priority"
						value={row.priority}
						options={priorities.map((known) => [known, priorityNames[known]] as const)}
						onChange={(priority) => talk.change({ priority })}
					/>
				</div>
				<Field label="Category">
					{({ id }) => (
						<DraftInput
							id={id}
							maxLength={64}
							placeholder="None"
							disabled={moderation}
							value={row.category ?? ''}
							onDone={(category) => talk.change({ category: category || null })}
						/>
					)}
				</Field>
				<Tags talk={talk} tags={row.tags ?? []} />
				<dl class="plain">
					<dt>Opened</dt>
					<dd>{wholeTime(row.createdAt)}</dd>
					{row.firstResponseAt && (
						<>
							<dt>First answer</dt>
							<dd>{wholeTime(row.firstResponseAt)}</dd>
						</>
					)}
					{row.resolvedAt && (
						<>
							<dt>Resolved</dt>
							<dd>{wholeTime(row.resolvedAt)}</dd>
						</>
					)}
					{row.rating && (
						<>
							<dt>Rated</dt>
							<dd>
								{row.rating.score} of 5{row.rating.comment && <span dir="auto">: {row.rating.comment}</span>}
							</dd>
						</>
					)}
					{row.followsTicketId && (
						<>
							<dt>Follows</dt>
							<dd>
								<a href={pathTo(['inbox', 'all', row.followsTicketId])}>an earlier ticket</a>
							</dd>
						</>
					)}
					{row.sourceConversationId && (
						<>
							<dt>Made of</dt>
							<dd>
								<a
									href={pathTo([
										'inbox',
										row.sourceConversationId.startsWith('ticket_') ? 'all' : 'p2p',
										row.sourceConversationId,
									])}
								>
									a message elsewhere
								</a>
							</dd>
						</>
					)}
					{Object.entries(row.metadata ?? {}).map(([name, value]) => (
						<div class="pair" key={name}>
							<dt class="cut">{name}</dt>
							<dd dir="auto">{String(value)}</dd>
						</div>
					))}
				</dl>
				<details class="fold" open>
					<summary>Other tickets of this customer{talk.others.value ? ` (${talk.others.value.length})` : ''}</summary>
					<ul class="others">
						{(talk.others.value ?? []).map((other) => (
							<li key={other.id}>
								<a href={pathTo(['inbox', 'all', other.id], { status: 'any' })}>
									<span class="cut" dir="auto">
										{other.subject ?? 'Erased'}
									</span>
									<StatusPill status={other.status} />
									<time dateTime={other.lastMessageAt ?? other.createdAt}>
										{shortTime(other.lastMessageAt ?? other.createdAt)}
									</time>
								</a>
							</li>
						))}
						{talk.others.value?.length === 0 && <li class="faint">None.</li>}
					</ul>
					{work.can('desk.privacy') && (
						<a class="small" href={pathTo(['users', row.requesterId])}>
							All their conversations
						</a>
					)}
				</details>
				<History work={work} talk={talk} />
			</Scroller>
		</aside>
	);
};
