import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Client, ServerEvent, Ticket, TicketPage, User } from '../../client/client.ts';
import type { DeskConversation, DeskConversationPage } from '../../modules/admin/inbox.schema.ts';
import type { EventTicket } from '../../modules/support/tickets.schema.ts';
import type { Profile } from '../../modules/users/users.schema.ts';
import type { Places, Query } from './place.store.ts';

/** The list of the inbox: what the address asks for, kept as it is by what happens. */

export type TicketRow = Ticket & { type: 'support' };
export type ChatRow = DeskConversation & {
	type: 'p2p';
	requesterId?: undefined;
	unreadCount: 0;
	lastMessage?: undefined;
};
export type Row = TicketRow | ChatRow;

export const asTicket = (ticket: Ticket): TicketRow => ({ ...ticket, type: 'support' });
export const asChat = (row: DeskConversation): ChatRow => ({
	...row,
	type: 'p2p',
	requesterId: undefined,
	unreadCount: 0,
	lastMessage: undefined,
});

const pageSize = 40;
/** Chats of two users make no event for the team, so their list is asked for again now and then. */
const chatsEveryMs = 30_000;

type MessageEvent = Extract<ServerEvent, { type: `message.${string}` }>;

/** createInbox keeps the list that the address names. */
export const createInbox = ({
	client,
	me,
	places,
	meet,
	fail,
}: {
	client: Client;
	me: ReadonlySignal<User>;
	places: Places;
	meet: (...people: (Profile | null | undefined)[]) => void;
	fail: (error: unknown) => void;
}) => {
	const rows = signal<Row[]>([]);
	const total = signal(0);
	const loaded = signal(false);
	const loading = signal(false);
	/** What is shown, as asked for: the box and the filters of the address. */
	const wanted = computed(() => {
		const place = places.place.value;
		if (place.view !== 'inbox') return null;
		const { status, priority, tag, q, sort } = places.query.value;
		return { box: place.box, status, priority, tag, q, sort };
	});
	type Wanted = NonNullable<typeof wanted.value>;
	let shown: Wanted = {
		box: 'all',
		status: undefined,
		priority: undefined,
		tag: undefined,
		q: undefined,
		sort: undefined,
	};
	/** Only the newest answer counts. */
	let asked = 0;

	const fetchPage = async ({ box, status, priority, tag, q, sort }: Wanted, page: number) => {
		if (box === 'p2p') {
			const found = await client.get<DeskConversationPage>('/admin/conversations', {
				type: 'p2p',
				q,
				page,
				limit: pageSize,
			});
			for (const row of found.data) meet(...row.participants);
			return { rows: found.data.map(asChat), total: found.total };
		}
		const query: Query = {
			status: status === 'any' ? undefined : (status ?? 'unsolved'),
			priority,
			tag,
			q,
			sort,
			...(box === 'mine' && { assignee: 'me' }),
			...(box === 'unassigned' && { unassigned: 'true' }),
		};
		const found = await client.get<TicketPage>('/admin/tickets', { ...query, page, limit: pageSize });
		for (const row of found.data) meet(row.requester, row.assignee);
		return { rows: found.data.map(asTicket), total: found.total };
	};
	const load = async () => {
		const turn = ++asked;
		loading.value = true;
		try {
			const found = await fetchPage(shown, 1);
			if (turn !== asked) return;
			rows.value = found.rows;
			total.value = found.total;
			loaded.value = true;
		} catch (error) {
			if (turn === asked) fail(error);
		} finally {
			if (turn === asked) loading.value = false;
		}
	};
	const again = setInterval(() => {
		if (shown.box === 'p2p' && wanted.value?.box === 'p2p' && document.visibilityState === 'visible') load();
	}, chatsEveryMs);

	const rowOf = (id: string) => rows.value.find((row) => row.id === id);
	/** Whether a ticket belongs into what is shown. note: what a search finds only the server knows */
	const fits = (ticket: Pick<Ticket, 'status' | 'priority' | 'assigneeId' | 'tags'>): boolean => {
		const { box, status, priority, tag, q } = shown;
		if (box === 'p2p' || q) return false;
		if (box === 'mine' && ticket.assigneeId !== me.value.id) return false;
		if (box === 'unassigned' && ticket.assigneeId !== null) return false;
		if (!status && (ticket.status === 'resolved' || ticket.status === 'closed')) return false;
		if (status && status !== 'any' && ticket.status !== status) return false;
		if (priority && ticket.priority !== priority) return false;
		return !tag || (ticket.tags ?? []).includes(tag);
	};
	const put = (row: Row) => {
		const others = rows.value.filter(({ id }) => id !== row.id);
		if (others.length === rows.value.length) total.value++;
		// with another order than by activity each row stays where it is
		if (!shown.sort || others.length === rows.value.length) rows.value = [row, ...others];
		else rows.value = rows.value.map((other) => (other.id === row.id ? row : other));
	};
	const replace = (row: Row) => {
		rows.value = rows.value.map((other) => (other.id === row.id ? row : other));
	};
	/** A ticket that is not in the list yet: fetched, and shown where it belongs. */
	const arrived = async (id: string): Promise<TicketRow | null> => {
		const ticket = await client.conversation<Ticket>(id).catch(() => null);
		if (!ticket) return null;
		meet(ticket.requester, ticket.assignee);
		const row = asTicket(ticket);
		if (fits(ticket)) put(row);
		return row;
	};

	return {
		end: () => clearInterval(again),
		rows,
		total,
		loaded,
		loading,
		wanted,
		hasMore: computed(() => rows.value.length < total.value),
		rowOf,
		load,
		/** show loads what the address asks for, unless it is there. */
		show: (next: Wanted): void => {
			const same = JSON.stringify(next) === JSON.stringify(shown);
			if (same && loaded.value) return;
			if (next.box !== shown.box) {
				rows.value = [];
				loaded.value = false;
			}
			shown = next;
			load();
		},
		more: async (): Promise<void> => {
			if (loading.value) return;
			const turn = ++asked;
			loading.value = true;
			try {
				const found = await fetchPage(shown, Math.floor(rows.value.length / pageSize) + 1);
				if (turn !== asked) return;
				const known = new Set(rows.value.map(({ id }) => id));
				rows.value = [...rows.value, ...found.rows.filter(({ id }) => !known.has(id))];
				total.value = found.total;
			} catch (error) {
				fail(error);
			} finally {
				if (turn === asked) loading.value = false;
			}
		},
		arrived,
		/** changed takes what an event says of a ticket. One that no longer belongs here goes; the open one stays until it is left. */
		changed: (ticket: EventTicket | Ticket): void => {
			const row = rowOf(ticket.id);
			const place = places.place.value;
			const isOpen = place.view === 'inbox' && place.id === ticket.id;
			if (row?.type === 'support') {
				if (fits(ticket) || isOpen || shown.q) replace({ ...row, ...ticket });
				else {
					rows.value = rows.value.filter(({ id }) => id !== ticket.id);
					total.value = Math.max(0, total.value - 1);
				}
			} else if (fits(ticket)) arrived(ticket.id);
		},
		/** heard takes a message: its ticket comes to the top. */
		heard: ({ type, data }: MessageEvent): void => {
			const row = rowOf(data.conversationId);
			if (!row) {
				if (type === 'message.created' && data.conversationId.startsWith('ticket_') && data.kind !== 'note')
					arrived(data.conversationId);
				return;
			}
			if (row.type !== 'support' || data.kind === 'note') return;
			const lastMessage = { ...data, reactions: [] };
			if (type === 'message.created')
				put({
					...row,
					lastMessage,
					lastMessageAt: data.createdAt,
					messageCount: data.messageCount,
					unreadCount: data.unreadCountP2 ?? row.unreadCount,
				});
			else if (row.lastMessage?.id === data.id) replace({ ...row, lastMessage });
		},
		read: (id: string, unreadCount: number | undefined): void => {
			const row = rowOf(id);
			if (row?.type === 'support' && unreadCount !== undefined) replace({ ...row, unreadCount });
		},
		/** beside is the row before or after one; the first where none is open. */
		beside: (id: string | null, steps: 1 | -1): Row | undefined => {
			const at = rows.value.findIndex((row) => row.id === id);
			return at < 0 ? rows.value[0] : rows.value[at + steps];
		},
	};
};
export type Inbox = ReturnType<typeof createInbox>;
