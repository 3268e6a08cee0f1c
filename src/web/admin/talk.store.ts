import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import {
	type Client,
	Failure,
	type Message,
	type MessagePage,
	type Outgoing,
	type ServerEvent,
	type Ticket,
	type TransientEvent,
	type UpdateTicket,
	type User,
	uuid7,
} from '../../client/client.ts';
import type { DeskConversation } from '../../modules/admin/inbox.schema.ts';
import type { EventTicket, TicketHistory } from '../../modules/support/tickets.schema.ts';
import type { Profile } from '../../modules/users/users.schema.ts';
import { asChat, asTicket, type Inbox, type Row } from './inbox.store.ts';
import { explain, nameOf } from './words.ts';

/** One open conversation: its messages and notes in order, what is on its way, who else is here, and what can be done to it. */

/** A message, or one of our own that the server does not have yet. */
export interface Shown extends Omit<Message, 'reactions'> {
	reactions: { emoji: string; count: number }[];
	/** Of one on its way: whether it has met trouble, or why it was refused. */
	outgoing?: { trouble: boolean; refused: string | null };
}
type MessageEvent = Extract<ServerEvent, { type: `message.${string}` }>;
type Typed = Extract<TransientEvent, { type: 'typing' }>['data'];
type Present = Extract<TransientEvent, { type: 'presence' }>['data'];

const pageSize = 50;
const typingMs = 6_000;

const inOrder = (a: Shown, b: Shown) => a.seq - b.seq || (a.noteSeq ?? 0) - (b.noteSeq ?? 0);

/** createTalk opens a conversation. What two users write to each other is read only, and opening it is audited. */
/** What was begun in a conversation and is not done: kept while one looks at something else. */
export interface Begun {
	/** What stands in the composer. */
	text: string;
	/** Whether that is a note. */
	noting: Signal<boolean>;
	/** What is on its way, or was refused. */
	own: Signal<Shown[]>;
}
export const nothingBegun = (): Begun => ({ text: '', noting: signal(false), own: signal<Shown[]>([]) });

export const createTalk = ({
	client,
	id,
	begun,
	me,
	inbox,
	meet,
	say,
	fail,
	recount,
}: {
	client: Client;
	id: string;
	begun: Begun;
	me: ReadonlySignal<User>;
	inbox: Inbox;
	meet: (...people: (Profile | null | undefined)[]) => void;
	say: (text: string) => void;
	fail: (error: unknown, again?: () => void) => void;
	recount: () => void;
}) => {
	const isTicket = id.startsWith('ticket_');
	const row = signal<Row | null>(inbox.rowOf(id) ?? null);
	const stored = signal<Shown[]>([]);
	const hasBefore = signal(false);
	const loading = signal(false);
	const loaded = signal(false);
	/** Why it cannot be shown. */
	const problem = signal<string | null>(null);
	/** Who of the team looks at it too. */
	const watchers = signal<string[]>([]);
	/** Who is here now, as far as it is told. */
	const online = signal<Record<string, boolean>>({});
	const typing = signal<{ userId: string; note: boolean; until: number } | null>(null);
	const history = signal<TicketHistory['data'] | null>(null);
	const others = signal<Ticket[] | null>(null);
	const { own, noting } = begun;
	let ended = false;
	/** Changes that the server has not answered yet, in order: they stand above what it says. */
	let waiting: UpdateTicket[] = [];

	const merge = (more: readonly Shown[]) => {
		const byId = new Map(stored.value.map((message) => [message.id, message]));
		for (const message of more) byId.set(message.id, { ...byId.get(message.id), ...message });
		const sent = new Set(more.map(({ clientMessageId }) => clientMessageId));
		batch(() => {
			stored.value = [...byId.values()].sort(inOrder);
			own.value = own.value.filter(({ clientMessageId }) => !sent.has(clientMessageId));
		});
	};
	const fetchPage = (query: Record<string, string | number>) =>
		client.get<MessagePage>(`/admin/conversations/${encodeURIComponent(id)}/messages`, { limit: pageSize, ...query });
	const loadRow = async () => {
		if (isTicket) {
			const ticket = await client.conversation<Ticket>(id);
			meet(ticket.requester, ticket.assignee);
			row.value = asTicket(Object.assign(ticket, ...waiting));
		} else {
			const chat = await client.get<DeskConversation>(`/admin/conversations/${encodeURIComponent(id)}`);
			meet(...chat.participants);
			row.value = asChat(chat);
		}
	};
	const markRead = () => {
		if (!isTicket || document.visibilityState !== 'visible') return;
		if ((row.value?.unreadCount ?? 0) === 0 && (inbox.rowOf(id)?.unreadCount ?? 0) === 0) return;
		if (row.value?.type === 'support') row.value = { ...row.value, unreadCount: 0 };
		inbox.read(id, 0);
		client
			.read(id)
			.then(recount)
			.catch(() => undefined);
	};
	const loadOthers = async () => {
		const now = row.value;
		if (now?.type !== 'support') return;
		const name = now.requester?.username ?? now.requester?.displayName;
		if (!name) return;
		const found = await client
			.get<{ data: Ticket[] }>('/admin/tickets', { q: name, limit: 50 })
			.catch(() => ({ data: [] as Ticket[] }));
		others.value = found.data.filter((ticket) => ticket.requesterId === now.requesterId && ticket.id !== id);
	};
	const loadHistory = async () => {
		if (!isTicket || history.value === null) return;
		const found = await client
			.get<TicketHistory>(`/support/tickets/${encodeURIComponent(id)}/history`)
			.catch(() => null);
		if (found) history.value = found.data;
	};
	const open = async () => {
		loading.value = true;
		try {
			const [, page] = await Promise.all([loadRow(), fetchPage({})]);
			if (ended) return;
			batch(() => {
				// what was there before is let go of where this page does not reach back to it: there would be a hole
				const last = stored.value.at(-1)?.seq ?? 0;
				if ((page.data[0]?.seq ?? 0) > last + 1) stored.value = [];
				merge(page.data);
				hasBefore.value = page.hasMoreBefore;
				loaded.value = true;
				problem.value = null;
			});
			markRead();
			loadOthers();
		} catch (error) {
			if (ended) return;
			if (error instanceof Failure && error.status === 404)
				problem.value = 'There is no such conversation, or it is not for you to see.';
			else {
				problem.value = explain(error);
				fail(error);
			}
		} finally {
			loading.value = false;
		}
	};
	client.watch(id);
	open();
	const onVisible = () => markRead();
	document.addEventListener('visibilitychange', onVisible);

	const deliver = (clientMessageId: string, text: string, note: boolean) => {
		own.value = [
			...own.value,
			{
				id: clientMessageId,
				clientMessageId,
				conversationId: id,
				senderId: me.value.id,
				seq: Number.MAX_SAFE_INTEGER,
				kind: note ? 'note' : 'text',
				content: { text },
				isRead: false,
				replyTo: null,
				reactions: [],
				metadata: null,
				editedAt: null,
				deletedAt: null,
				createdAt: new Date().toISOString(),
				outgoing: { trouble: false, refused: null },
			},
		];
		client
			.send(id, { content: { text }, ...(note && { kind: 'note' as const }) }, clientMessageId)
			.then((message) => merge([message]))
			.catch((error: unknown) => {
				if (ended) fail(error);
				own.value = own.value.map((message) =>
					message.id === clientMessageId
						? { ...message, outgoing: { trouble: true, refused: explain(error) } }
						: message,
				);
			});
	};
	let before: Promise<unknown> = Promise.resolve();
	/** What the server says of a ticket, with what is on its way to it. */
	const putTicket = (ticket: EventTicket | Ticket) => {
		if (row.value && row.value.type !== 'support') return;
		const kept = { unreadCount: 0, lastMessage: null, ...row.value, ...ticket };
		row.value = asTicket(Object.assign(kept, ...waiting));
	};
	/** change shows a change at once, and takes it back where the server refuses it. One goes after the other. */
	const change = (changes: UpdateTicket): Promise<void> => {
		const now = row.value;
		if (now?.type !== 'support') return Promise.resolve();
		waiting = [...waiting, changes];
		putTicket(now);
		const answered = before.then(async () => {
			try {
				const ticket = await client.updateTicket(id, changes);
				waiting = waiting.filter((other) => other !== changes);
				meet(ticket.requester, ticket.assignee);
				putTicket(ticket);
				inbox.changed(ticket);
				loadHistory();
			} catch (error) {
				waiting = waiting.filter((other) => other !== changes);
				fail(error);
				await loadRow().catch(() => undefined);
			}
		});
		before = answered;
		return answered;
	};

	return {
		id,
		isTicket,
		row,
		messages: computed(() => [...stored.value, ...own.value]),
		hasBefore,
		loading,
		loaded,
		problem,
		watchers,
		online,
		typing,
		history,
		others,
		begun,
		noting,
		change,
		reload: () => open(),
		older: async (): Promise<void> => {
			const first = stored.value[0];
			if (!first || !hasBefore.value || loading.value) return;
			loading.value = true;
			try {
				const page = await fetchPage({ before: first.id });
				merge(page.data);
				hasBefore.value = page.hasMoreBefore;
			} catch (error) {
				fail(error);
			} finally {
				loading.value = false;
			}
		},
		openHistory: (): void => {
			history.value ??= [];
			loadHistory();
		},
		send: (text: string): void => deliver(uuid7(), text, noting.value),
		retry: (message: Shown): void => {
			own.value = own.value.filter(({ id }) => id !== message.id);
			// under the same id: it may be stored although the answer was lost
			deliver(message.clientMessageId ?? uuid7(), message.content.text ?? '', message.kind === 'note');
		},
		drop: (message: Shown): void => {
			own.value = own.value.filter(({ id }) => id !== message.id);
		},
		edit: async (messageId: string, text: string): Promise<boolean> => {
			try {
				merge([await client.edit(id, messageId, text)]);
				return true;
			} catch (error) {
				fail(error);
				return false;
			}
		},
		remove: (messageId: string): void => {
			client
				.remove(id, messageId)
				.then((message) => merge([message]))
				.catch(fail);
		},
		/** ticketOf makes a ticket of what somebody wrote to somebody else. */
		ticketOf: async (messageId: string): Promise<Ticket | null> => {
			try {
				return await client.post<Ticket>(`/admin/messages/${encodeURIComponent(messageId)}/ticket`);
			} catch (error) {
				fail(error);
				return null;
			}
		},
		write: (is: boolean): void => client.typing(id, is, noting.value),
		unread: (messageId: string): void => {
			client
				.unread(id, messageId)
				.then(({ unreadCount }) => {
					inbox.read(id, unreadCount);
					recount();
					say('Marked as unread.');
				})
				.catch(fail);
		},

		heard: ({ type, data }: MessageEvent): void => {
			if (data.conversationId !== id) return;
			const first = stored.value[0]?.seq ?? data.seq;
			if (data.seq >= first || !hasBefore.value) merge([data]);
			if (type !== 'message.created') return;
			if (typing.value?.userId === data.senderId) typing.value = null;
			if (row.value?.type === 'support' && data.kind !== 'note')
				row.value = { ...row.value, unreadCount: data.unreadCountP2 ?? 0, lastMessageAt: data.createdAt };
			markRead();
		},
		changed: (ticket: EventTicket): void => {
			if (ticket.id !== id || row.value?.type !== 'support') return;
			putTicket(ticket);
			loadHistory();
		},
		/** seen marks what the team wrote as read by the customer. */
		seen: (upTo: number): void => {
			const requester = row.value?.requesterId;
			const is = (message: Shown) => !message.isRead && message.seq <= upTo && message.senderId !== requester;
			if (isTicket && stored.value.some(is))
				stored.value = stored.value.map((message) => (is(message) ? { ...message, isRead: true } : message));
		},
		typed: ({ userId, typing: is, note }: Typed): void => {
			const until = Date.now() + typingMs;
			typing.value = is ? { userId, note, until } : null;
			if (is)
				setTimeout(() => {
					if (typing.value && typing.value.until <= Date.now()) typing.value = null;
				}, typingMs + 50);
		},
		present: ({ userId, watching, online: here }: Present): void => {
			if (userId === me.value.id) return;
			const rest = watchers.value.filter((other) => other !== userId);
			online.value = { ...online.value, [userId]: here };
			watchers.value = watching ? [...rest, userId] : rest;
		},
		troubles: (queue: readonly Outgoing[]): void => {
			const waiting = new Map(queue.map((entry) => [entry.clientMessageId, entry.trouble !== undefined]));
			if (own.value.length === 0) return;
			own.value = own.value.map((message) => {
				const trouble = waiting.get(message.id);
				return trouble === undefined || !message.outgoing
					? message
					: { ...message, outgoing: { ...message.outgoing, trouble } };
			});
		},
		titleOf: (now: Row): string =>
			now.type === 'support' ? (now.subject ?? 'Erased ticket') : now.participants.map(nameOf).join(' and '),
		leave: (): void => {
			ended = true;
			document.removeEventListener('visibilitychange', onVisible);
			client.watch(null);
		},
	};
};
export type Talk = ReturnType<typeof createTalk>;
