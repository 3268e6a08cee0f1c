import { batch, computed, signal } from '@preact/signals';
import {
	type Client,
	type Conversation,
	Failure,
	type OpenTicket,
	type ServerEvent,
	type Ticket,
	uuid7,
} from '../../client/client.ts';
import type { WidgetConfig } from '../../modules/sites/widget.schema.ts';
import { watchPage } from './page-watch.ts';
import { isTicket, nameOf, type Row } from './rows.ts';
import type { IdentitySource, Session } from './session.ts';
import { say, sayFailure } from './texts.ts';
import { createThread, type Shown, type Thread } from './thread.ts';

/** Everything the widget shows, and what it does. Views read signals and call functions; nothing else knows the client. */

export type View =
	| { name: 'home' }
	| { name: 'conversation'; id: string }
	| { name: 'newTicket'; follows?: Ticket }
	| { name: 'introduce'; next: () => Promise<void> };

/** Before the site's own are known. */
const plain: Omit<WidgetConfig, 'resourceId'> = {
	title: null,
	welcome: null,
	accent: null,
	theme: 'auto',
	position: 'right',
	askName: false,
	askEmail: false,
	away: null,
	sound: false,
	features: { p2p: true, support: true },
};

/** How long the first list waits for the connection; on a bad line it is shown before, and once more after. */
const liveSoonMs = 2_500;

/** How long somebody counts as typing after the last word of it. */
const typingMs = 6_000;
const rowsPage = 50;

const shownOf = (data: Extract<ServerEvent, { type: 'message.created' }>['data'], me: string): Shown => ({
	...data,
	reactions: data.reactions.map(({ emoji, count, userIds }) => ({ emoji, count, mine: userIds.includes(me) })),
});

export const createStore = ({
	session,
	features,
	onSound,
}: {
	session: Session;
	/** What the page wants of what the site offers. */
	features: { p2p: boolean; support: boolean };
	onSound: () => void;
}) => {
	const config = signal(plain);
	const isOpen = signal(false);
	const view = signal<View>({ name: 'home' });
	const client = signal<Client | null>(null);
	const me = signal<string | null>(null);
	const line = signal<'off' | 'live' | 'waiting' | 'ended'>('off');
	const hasNetwork = signal(true);
	/** What went wrong; `again`: whether to begin anew may help. */
	const problem = signal<{ text: string; again: boolean } | null>(null);
	const rows = signal<Row[]>([]);
	const pages = signal({ p2p: 1, support: 1, more: false });
	const loaded = signal(false);
	const typing = signal<string | null>(null);
	const online = signal<Record<string, boolean>>({});
	const thread = signal<Thread | null>(null);
	/** Whether the newest message is in sight. */
	const isAtEnd = signal(true);
	/** The newest message, for those who do not see it. */
	const said = signal('');
	const threads = new Map<string, Thread>();
	/** What is written and not sent yet, by conversation. */
	const drafts = new Map<string, string>();
	let identity: IdentitySource | null = null;
	let began: Promise<void> | null = null;
	/** Counts visits: what an earlier one still waits for is no longer wanted. */
	let visit = 0;
	let typingEnds: ReturnType<typeof setTimeout> | undefined;
	const onMessages = new Set<(message: Shown & { conversationId: string }) => void>();

	const isShown = (feature: 'p2p' | 'support') => features[feature] && config.value.features[feature];
	const timeOf = (row: Row) => row.lastMessageAt ?? row.createdAt;
	const putRows = (given: readonly Row[]) => {
		const more = given.filter((row) => isShown(isTicket(row) ? 'support' : 'p2p'));
		const ids = new Set(more.map(({ id }) => id));
		rows.value = [...more, ...rows.value.filter(({ id }) => !ids.has(id))].sort((a, b) =>
			timeOf(b).localeCompare(timeOf(a)),
		);
	};
	const putRow = (row: Row) => putRows([row]);
	const rowOf = (id: string) => rows.value.find((row) => row.id === id);
	/** What the visitor has not read, in all. */
	const unread = computed(() => rows.value.reduce((sum, row) => sum + row.unreadCount, 0));
	const explain = (error: unknown, again = false) => {
		problem.value = { text: sayFailure(error), again };
	};

	const loadRows = async (p2p = 1, support = 1) => {
		const now = client.value;
		if (!now) return;
		const none = { data: [], totalPages: 0 };
		const [chats, tickets] = await Promise.all([
			isShown('p2p') && p2p > 0 ? now.chats({ limit: rowsPage, page: p2p }) : none,
			isShown('support') && support > 0 ? now.tickets({ limit: rowsPage, page: support }) : none,
		]);
		if (client.value !== now) return;
		batch(() => {
			putRows([...chats.data, ...tickets.data]);
			// 0: there is no further page
			const next = {
				p2p: p2p < chats.totalPages ? p2p + 1 : 0,
				support: support < tickets.totalPages ? support + 1 : 0,
			};
			pages.value = { ...next, more: next.p2p + next.support > 0 };
			loaded.value = true;
		});
	};
	/** One row anew: its counts and last message. Whether it is there. */
	const reload = async (id: string): Promise<boolean> => {
		const now = client.value;
		const row = await now?.conversation<Row & Conversation>(id).catch(() => null);
		if (!row || client.value !== now) return false;
		putRow(row);
		return true;
	};

	/** Whether the visitor looks at the newest message of a conversation. */
	const isReading = (id: string) =>
		isOpen.value &&
		isAtEnd.value &&
		view.value.name === 'conversation' &&
		view.value.id === id &&
		document.visibilityState === 'visible';
	const markRead = (id: string) => {
		const row = rowOf(id);
		if (!row || row.unreadCount === 0 || !isReading(id)) return;
		putRow({ ...row, unreadCount: 0 });
		client.value?.read(id).catch(() => undefined);
	};

	const onMessage = (event: Extract<ServerEvent, { type: `message.${string}` }>, mine: string) => {
		const { data } = event;
		const id = data.conversationId;
		const shown = shownOf(data, mine);
		const found = threads.get(id);
		const isNew = event.type === 'message.created';
		const isTheirs = isNew && data.senderId !== mine && data.kind === 'text';
		if (isTheirs && found && found.unreadFrom.value === null && !isReading(id)) found.unreadFrom.value = data.seq;
		found?.apply(shown);
		const row = rowOf(id);
		if (!row) reload(id);
		else if (isNew) {
			const one = isTicket(row) || row.participantOne === mine;
			const unreadCount = (one ? data.unreadCountP1 : data.unreadCountP2) ?? row.unreadCount;
			const { messageCount, createdAt } = data;
			putRow({
				...row,
				messageCount,
				unreadCount,
				lastMessage: shown as Ticket['lastMessage'],
				lastMessageAt: createdAt,
			});
		} else if (row.lastMessage?.id === data.id) putRow({ ...row, lastMessage: shown as Ticket['lastMessage'] });
		if (!isNew) return;
		if (data.senderId !== mine && typing.value === id) typing.value = null;
		for (const listener of onMessages) listener({ ...shown, conversationId: id });
		if (!isTheirs) return;
		said.value = say('says', { name: nameOf(row, mine), text: data.content.text ?? '' });
		if (isReading(id)) markRead(id);
		else if (config.value.sound) onSound();
	};

	/** Listens to a client whose user is known. */
	const listen = (now: Client, mine: string) => {
		for (const type of ['message.created', 'message.updated', 'message.deleted', 'message.reaction'] as const)
			now.on(type, (event) => batch(() => onMessage(event, mine)));
		now.on('conversation.created', ({ data }) => reload(data.id));
		now.on('conversation.updated', ({ data }) => reload(data.id));
		now.on('conversation.read', ({ data }) => {
			const row = rowOf(data.id);
			if (!row) return;
			const one = isTicket(row) || row.participantOne === mine;
			threads.get(data.id)?.seen((one ? data.seenSeqP2 : data.seenSeqP1) ?? 0);
			const unreadCount = one ? data.unreadCountP1 : data.unreadCountP2;
			if (unreadCount !== undefined) putRow({ ...row, unreadCount });
		});
		for (const type of ['ticket.created', 'ticket.updated'] as const)
			now.on(type, ({ data }) => {
				const row = rowOf(data.id);
				if (row && isTicket(row)) putRow({ ...row, ...data });
				else reload(data.id);
			});
		now.on('typing', ({ conversationId, data }) => {
			if (data.userId === mine) return;
			clearTimeout(typingEnds);
			typing.value = data.typing ? conversationId : null;
			typingEnds = setTimeout(() => {
				typing.value = null;
			}, typingMs);
		});
		now.on('presence', ({ data }) => {
			online.value = { ...online.value, [data.userId]: data.online };
		});
		now.on('outgoing', (queue) => {
			for (const found of threads.values()) found.troubles(queue);
		});
		now.on('state', (state) => {
			if (client.value !== now) return;
			if (state === 'live') line.value = 'live';
			else if (state === 'waiting') line.value = 'waiting';
			else if (state === 'closed') line.value = 'ended';
		});
		now.on('reset', reloadAll);
		now.connect();
	};
	/** Everything that is shown anew: it may have a hole. */
	const reloadAll = () => {
		loadRows().catch(() => undefined);
		for (const found of threads.values()) found.refetch();
	};
	/** Whether events are told before long: only what is loaded from then on can have no hole. */
	const isLiveSoon = (now: Client): Promise<boolean> =>
		new Promise((resolve) => {
			const settle = (is: boolean) => {
				clearTimeout(timer);
				off();
				resolve(is);
			};
			const timer = setTimeout(() => settle(false), liveSoonMs);
			const off = now.on('state', (state) => {
				if (state === 'live' || state === 'closed') settle(state === 'live');
			});
		});
	const adopt = async (now: Client) => {
		const mine = session.userId;
		// note: two who ask at once for a guest are given the same one
		if (mine === null || client.value === now) return;
		batch(() => {
			client.value = now;
			me.value = mine;
		});
		const live = isLiveSoon(now);
		listen(now, mine);
		if (!(await live)) {
			const off = now.on('state', (state) => {
				if (state !== 'live') return;
				off();
				reloadAll();
			});
		}
		await loadRows();
	};
	/** Forgets who was here, and all that was theirs. */
	const leave = () => {
		const now = client.value;
		visit += 1;
		began = null;
		threads.clear();
		drafts.clear();
		session.rest();
		batch(() => {
			client.value = null;
			me.value = null;
			rows.value = [];
			online.value = {};
			typing.value = null;
			said.value = '';
			loaded.value = false;
			thread.value = null;
			problem.value = null;
			line.value = 'off';
			view.value = { name: 'home' };
		});
		now?.close();
	};

	let isWatching = false;

	const start = async (mine: number) => {
		if (!isWatching)
			watchPage({
				onNetwork: (has) => {
					hasNetwork.value = has;
				},
				onVisible: () => {
					if (view.value.name === 'conversation') markRead(view.value.id);
				},
				// a page that is kept for the way back holds nobody's conversations: somebody else may come back to it
				onKept: leave,
				onBack: () => {
					if (isOpen.value) begin();
				},
			});
		isWatching = true;
		problem.value = null;
		try {
			const [look, now] = await Promise.all([
				session.anonymous.get<WidgetConfig>('/widget-config'),
				session.begin(identity),
			]);
			if (mine !== visit) return;
			config.value = look;
			if (now) await adopt(now);
			else loaded.value = true;
		} catch (error) {
			if (mine !== visit) return;
			if (error instanceof Failure && error.status === 401 && client.value) session.forget();
			leave();
			explain(error, true);
		}
	};
	/** begin is the first thing that happens when a person touches the widget; again, it only waits for it. */
	const begin = (): Promise<void> => {
		began ??= start(visit);
		return began;
	};

	/** A request whose answer was lost, and the tickets there were before it: it may have been opened all the same. */
	let unanswered: { subject: string; before: Set<string> } | null = null;
	const openedBefore = async (now: Client, subject: string): Promise<Ticket | undefined> => {
		if (unanswered?.subject !== subject) return undefined;
		const { before } = unanswered;
		const { data } = await now.tickets({ limit: 20 });
		unanswered = null;
		return data.find((ticket) => ticket.subject === subject.trim() && !before.has(ticket.id));
	};
	const open = async (now: Client, ticket: OpenTicket): Promise<Ticket> => {
		const before = new Set(rows.value.map(({ id }) => id));
		try {
			return await now.openTicket(ticket);
		} catch (error) {
			if (error instanceof Failure && error.code === 'network') unanswered = { subject: ticket.subject, before };
			throw error;
		}
	};

	/** Whoever is not known yet introduces themselves first, where the site asks for that. */
	const asSomebody = async (act: () => Promise<void>): Promise<void> => {
		if (client.value) return act();
		if (config.value.askName || config.value.askEmail) view.value = { name: 'introduce', next: act };
		else {
			await adopt(await session.becomeGuest({}));
			await act();
		}
	};

	const show = async (id: string): Promise<void> => {
		const now = client.value;
		const mine = me.value;
		if (!now || !mine) return;
		const found = threads.get(id) ?? createThread({ client: now, id, me: mine });
		threads.set(id, found);
		batch(() => {
			thread.value = found;
			isAtEnd.value = true;
			view.value = { name: 'conversation', id };
		});
		now.watch(id);
		if (!rowOf(id) && !(await reload(id))) {
			found.failed.value = true;
			return;
		}
		await found.open(rowOf(id)?.unreadCount ?? 0);
		markRead(id);
	};
	// what is not on the screen is neither looked at nor read
	isOpen.subscribe((is) => {
		const shown = view.peek();
		if (shown.name !== 'conversation') return;
		if (is) show(shown.id);
		else client.peek()?.watch(null);
	});
	const home = () => {
		client.value?.watch(null);
		batch(() => {
			thread.value = null;
			problem.value = null;
			view.value = { name: 'home' };
		});
	};

	const send = (id: string, text: string, replyTo: string | null, clientMessageId = uuid7()) => {
		const found = threads.get(id);
		const now = client.value;
		if (!found || !now) return;
		found.put(clientMessageId, text, replyTo);
		now.send(id, { content: { text }, ...(replyTo !== null && { replyTo }) }, clientMessageId).then(
			(message) => found.apply(message),
			(error: unknown) => found.refuse(clientMessageId, sayFailure(error)),
		);
	};
	/** Does something with the client, and says what went wrong. Whether it went well. */
	const act = async (what: (now: Client) => Promise<unknown>): Promise<boolean> => {
		const now = client.value;
		if (!now) return false;
		try {
			await what(now);
			return true;
		} catch (error) {
			if (client.value === now) explain(error);
			return false;
		}
	};
	/** Changes a ticket, and shows it as it then is. */
	const changeTicket = (what: (now: Client) => Promise<Ticket>) => act(async (now) => putRow(await what(now)));
	const changeMessage = (what: (now: Client) => Promise<Shown>) =>
		act(async (now) => thread.value?.apply(await what(now)));

	return {
		config,
		isOpen,
		view,
		client,
		me,
		problem,
		rows,
		pages,
		loaded,
		typing,
		online,
		thread,
		isAtEnd,
		said,
		unread,
		drafts,
		/** What the line is like, as far as the visitor should know. */
		trouble: computed(() =>
			line.value === 'ended'
				? 'ended'
				: line.value === 'waiting' || (line.value === 'live' && !hasNetwork.value)
					? 'offline'
					: null,
		),
		rowOf,
		isShown,
		begin,
		show,
		send,
		home,
		markRead,
		asSomebody,
		explain,
		onMessages,
		moreRows: () => act(() => loadRows(pages.value.p2p, pages.value.support)),
		/** identify names who says who the visitor is; another one than before ends the visit. */
		identify: (next: IdentitySource | null): void => {
			identity = next;
			leave();
			if (isOpen.value) begin();
		},
		/** restart looks anew who the visitor is. */
		restart: (): Promise<void> => {
			leave();
			return begin();
		},
		/** other ends the visit, because somebody else may sit here now. */
		other: (): void => {
			leave();
			line.value = 'ended';
		},
		/** logout ends the visit for good: on this browser, and the token with it. */
		logout: (): void => {
			client.value?.post('/users/me/logout').catch(() => undefined);
			session.forget();
			identity = null;
			leave();
			if (isOpen.value) begin();
		},
		introduce: async (profile: { displayName?: string; email?: string }, next: () => Promise<void>): Promise<void> => {
			// who has introduced themselves is known, also where what they wanted then has failed
			if (!client.value) await adopt(await session.becomeGuest(profile));
			await next();
		},
		chatWith: async (other: { otherParticipantId: string } | { otherExternalId: string }): Promise<void> => {
			const row = await client.value?.startChat(other);
			if (!row) return;
			putRow(row);
			await show(row.id);
		},
		openTicket: async (subject: string, initialMessage: string, followsTicketId?: string): Promise<void> => {
			const now = client.value;
			if (!now) return;
			const row = (await openedBefore(now, subject)) ?? (await open(now, { subject, initialMessage, followsTicketId }));
			putRow(row);
			await show(row.id);
		},
		closeTicket: (id: string) => changeTicket((now) => now.updateTicket(id, { status: 'closed' })),
		reopenTicket: (id: string) => changeTicket((now) => now.updateTicket(id, { status: 'open' })),
		rate: (id: string, score: number, comment: string) =>
			changeTicket((now) => now.rateTicket(id, score, comment.trim() || undefined)),
		edit: (id: string, messageId: string, text: string) => changeMessage((now) => now.edit(id, messageId, text)),
		remove: (id: string, messageId: string) => changeMessage((now) => now.remove(id, messageId)),
		react: (id: string, messageId: string, emoji: string, set: boolean) =>
			changeMessage((now) => now.react(id, messageId, emoji, set)),
		retry: (id: string, message: Shown): void => {
			threads.get(id)?.drop(message.id);
			// under the same id: it may be stored although the answer was lost
			send(id, message.content.text ?? '', message.replyTo, message.clientMessageId ?? undefined);
		},
		discard: (id: string, message: Shown): void => threads.get(id)?.drop(message.id),
	};
};
export type Store = ReturnType<typeof createStore>;
