import type { StoredEvent } from '../../kernel/events.ts';

/** What passes: it is told to whoever is connected now, and never stored. */
export interface TypingSignal {
	site: number;
	/** The conversation, by integer key and public id. */
	conversation: number;
	conversationId: string;
	/** Who types. */
	from: { pk: number; id: string };
	/** For whom: the other user of a chat, or a ticket's requester; null where it is for the desk alone. */
	to: number | null;
	/** Whether the desk hears of it: those who are looking at the ticket. */
	desk: boolean;
	/** Whether it is a note that is being written. */
	note: boolean;
	/** false: they have stopped. */
	typing: boolean;
	createdAt: StoredEvent['createdAt'];
}

/** createSignals carries what passes from the services to the connections above them. */
export const createSignals = () => {
	const listeners: ((signal: TypingSignal) => void)[] = [];
	return {
		typing: (signal: TypingSignal): void => {
			for (const listener of listeners) listener(signal);
		},
		onTyping: (listener: (signal: TypingSignal) => void): void => {
			listeners.push(listener);
		},
	};
};
export type Signals = ReturnType<typeof createSignals>;
