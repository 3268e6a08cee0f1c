import { computed, signal } from '@preact/signals';
import type { Client, Message, Outgoing } from '../../client/client.ts';

/** One conversation as it is shown: its messages in order, what is on its way, and how far it is loaded. */

/** A message, or one of our own that the server does not have yet. */
export interface Shown extends Pick<Message, 'id' | 'senderId' | 'seq' | 'kind' | 'content' | 'isRead' | 'createdAt'> {
	replyTo: string | null;
	editedAt: string | null;
	deletedAt: string | null;
	clientMessageId: string | null;
	reactions: { emoji: string; count: number; mine: boolean }[];
	metadata?: Message['metadata'];
	/** Of one that is on its way: whether it has met trouble, or why it was refused. */
	outgoing?: { trouble: boolean; refused: string | null };
}

const firstPage = 50;
const olderPage = 100;

/** createThread loads and keeps the messages of a conversation; `me`: the visitor's id. */
export const createThread = ({ client, id, me }: { client: Client; id: string; me: string }) => {
	/** By seq, in order. */
	const stored = signal<Shown[]>([]);
	const own = signal<Shown[]>([]);
	const hasBefore = signal(false);
	const loaded = signal(false);
	const failed = signal(false);
	/** The first message that was unread when one began to look; null: all were read. */
	const unreadFrom = signal<number | null>(null);
	let loading: Promise<boolean> | null = null;
	/** What events brought before the first page was there. */
	let early: Shown[] = [];

	/** merge puts messages in by their seq; one that is there is replaced. */
	const merge = (more: readonly Shown[]) => {
		const now = stored.value;
		const last = now.at(-1)?.seq ?? 0;
		if (more.length === 1 && more[0] && more[0].seq > last) stored.value = [...now, more[0]];
		else {
			const bySeq = new Map(now.map((message) => [message.seq, message]));
			for (const message of more) bySeq.set(message.seq, message);
			stored.value = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
		}
		if (own.value.length === 0) return;
		const known = new Set(more.map(({ clientMessageId }) => clientMessageId));
		own.value = own.value.filter(({ clientMessageId }) => !known.has(clientMessageId));
	};
	/** Loads a page; one at a time. Whether it came. */
	const load = (query: Record<string, string | number>, isAnew = false): Promise<boolean> => {
		loading ??= client
			.messages(id, query)
			.then(
				(page) => {
					const last = page.data.at(-1)?.seq ?? 0;
					// note: what came while the page was on its way may not be on it
					if (isAnew) stored.value = stored.value.filter(({ seq }) => seq > last);
					merge(page.data);
					merge(early.filter(({ seq }) => seq > last));
					early = [];
					hasBefore.value = page.hasMoreBefore;
					failed.value = false;
					loaded.value = true;
					return true;
				},
				() => {
					failed.value = true;
					return false;
				},
			)
			.finally(() => {
				loading = null;
			});
		return loading;
	};
	const older = (): Promise<boolean> => {
		const first = stored.value[0];
		return first && hasBefore.value ? load({ before: first.id, limit: olderPage }) : Promise.resolve(false);
	};
	/** The message with which the last `count` that others wrote begin. */
	const firstOfLast = (count: number): number | null => {
		let left = count;
		for (const message of [...stored.value].reverse())
			if (message.kind === 'text' && message.senderId !== me && !message.deletedAt && --left === 0) return message.seq;
		// further back than what is loaded
		return count > 0 ? Math.max(1, (stored.value[0]?.seq ?? 1) - left) : null;
	};

	return {
		id,
		loaded,
		failed,
		unreadFrom,
		older,
		messages: computed(() => (own.value.length > 0 ? [...stored.value, ...own.value] : stored.value)),
		byId: computed(() => new Map(stored.value.map((message) => [message.id, message]))),
		/** open loads the newest page. `unread`: how many are. */
		open: async (unread: number): Promise<void> => {
			if (!loaded.value) await load({ limit: firstPage });
			unreadFrom.value = firstOfLast(unread);
		},
		/** reach loads back to a message: by its seq, or by its id. Whether it is there now. */
		reach: async (wanted: number | string): Promise<boolean> => {
			const isThere = () =>
				stored.value.some(({ id, seq }) => (typeof wanted === 'number' ? seq <= wanted : id === wanted));
			while (!isThere()) if (!(await older())) return false;
			return true;
		},
		/** refetch begins anew: what is shown may have a hole. */
		refetch: (): Promise<boolean> => load({ limit: firstPage }, true),
		/** apply takes a message that an event brought. */
		apply: (message: Shown): void => {
			if (!loaded.value) {
				early.push(message);
				return;
			}
			const first = stored.value[0]?.seq ?? message.seq;
			// what is older than what is loaded comes with its page
			if (message.seq >= first || !hasBefore.value) merge([message]);
		},
		/** seen marks own messages as read by the other side. */
		seen: (upTo: number): void => {
			const isNew = (message: Shown) => !message.isRead && message.seq <= upTo && message.senderId === me;
			if (!stored.value.some(isNew)) return;
			stored.value = stored.value.map((message) => (isNew(message) ? { ...message, isRead: true } : message));
		},
		/** put shows a message before the server has it. */
		put: (clientMessageId: string, text: string, replyTo: string | null): void => {
			unreadFrom.value = null;
			own.value = [
				...own.value,
				{
					id: clientMessageId,
					clientMessageId,
					senderId: me,
					seq: Number.POSITIVE_INFINITY,
					kind: 'text',
					content: { text },
					isRead: false,
					createdAt: new Date().toISOString(),
					replyTo,
					editedAt: null,
					deletedAt: null,
					reactions: [],
					outgoing: { trouble: false, refused: null },
				},
			];
		},
		/** refuse says why a message will not be stored. */
		refuse: (clientMessageId: string, refused: string): void => {
			own.value = own.value.map((message) =>
				message.clientMessageId === clientMessageId ? { ...message, outgoing: { trouble: true, refused } } : message,
			);
		},
		drop: (clientMessageId: string): void => {
			own.value = own.value.filter((message) => message.clientMessageId !== clientMessageId);
		},
		/** troubles are what of the client's queue has not gone through. */
		troubles: (queue: readonly Outgoing[]): void => {
			if (own.value.length === 0) return;
			const waiting = new Map(queue.map((entry) => [entry.clientMessageId, entry.trouble !== undefined]));
			own.value = own.value.map((message) => {
				const trouble = waiting.get(message.clientMessageId ?? '');
				return trouble === undefined || !message.outgoing || message.outgoing.trouble === trouble
					? message
					: { ...message, outgoing: { ...message.outgoing, trouble } };
			});
		},
	};
};
export type Thread = ReturnType<typeof createThread>;
