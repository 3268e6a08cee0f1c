import { isTicket, otherOf, previewOf, type Row, statusName, titleOf } from './rows.ts';
import type { Store } from './store.ts';
import { numeral, say, shortTime } from './texts.ts';

/** The letter and colour by which somebody is known at a glance. */
const Avatar = ({ name, isOnline }: { name: string; isOnline: boolean }) => {
	const hue = [...name].reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 360, 7);
	return (
		<span class="avatar" style={{ '--hue': String(hue) }} aria-hidden="true">
			{[...name.replace('#', '')][0]?.toUpperCase()}
			{isOnline && <i />}
		</span>
	);
};

const Item = ({ store, row }: { store: Store; row: Row }) => {
	const me = store.me.value;
	const title = titleOf(row, me);
	const time = row.lastMessageAt ?? row.createdAt;
	return (
		<li>
			<button type="button" class="row" onClick={() => store.show(row.id)}>
				<Avatar name={title} isOnline={store.online.value[otherOf(row, me)?.id ?? ''] === true} />
				<span class="about">
					<span class="line">
						<strong class="cut" dir="auto">
							{title}
						</strong>
						<time dateTime={time}>{shortTime(time)}</time>
					</span>
					<span class="line quiet">
						<span class="cut" dir="auto">
							{previewOf(row, me)}
						</span>
						{row.unreadCount > 0 && (
							<span class="badge">
								<span aria-hidden="true">{numeral(row.unreadCount)}</span>
								<span class="unseen">{say('unread', { count: row.unreadCount })}</span>
							</span>
						)}
					</span>
					{isTicket(row) && <span class={`status ${row.status}`}>{statusName(row.status)}</span>}
				</span>
			</button>
		</li>
	);
};

/** What stands where the list will be. */
const Waiting = () => (
	<ul class="rows waiting" aria-hidden="true">
		{[1, 2, 3].map((n) => (
			<li class="row" key={n}>
				<span class="avatar" />
				<span class="about" />
			</li>
		))}
	</ul>
);

/** Home lists the visitor's conversations, and begins new ones. */
export const Home = ({ store }: { store: Store }) => {
	const { config, rows, loaded, pages } = store;
	return (
		<div class="scroll">
			<div class="hello">
				<h2 dir="auto">{config.value.welcome ?? say('welcome')}</h2>
				{config.value.away && (
					<p class="quiet" dir="auto">
						{config.value.away}
					</p>
				)}
				{store.isShown('support') && (
					<button
						type="button"
						class="primary"
						disabled={!loaded.value}
						onClick={() => {
							store.view.value = { name: 'newTicket' };
						}}
					>
						{say('newTicket')}
					</button>
				)}
			</div>
			{rows.value.length > 0 ? (
				<ul class="rows">
					{rows.value.map((row) => (
						<Item key={row.id} store={store} row={row} />
					))}
				</ul>
			) : loaded.value ? (
				<p class="empty quiet">{say(store.isShown('p2p') ? 'noChats' : 'noConversations')}</p>
			) : (
				!store.problem.value && store.trouble.value !== 'ended' && <Waiting />
			)}
			{pages.value.more && (
				<p class="empty">
					<button type="button" class="link" onClick={store.moreRows}>
						{say('more')}
					</button>
				</p>
			)}
		</div>
	);
};
