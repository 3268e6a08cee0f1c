/** Pure rules about the two sides of a conversation. */

/** 1: who started it, or the requester. 2: the other user, or the desk as a whole. */
export type Side = 1 | 2;
export const otherSide = (side: Side): Side => (side === 1 ? 2 : 1);

/** sideOf: whoever is not side 1 stands on side 2. */
export const sideOf = (row: { participantOne: number }, user: number): Side => (row.participantOne === user ? 1 : 2);

/** The columns that hold a side's state. */
export const sideState = {
	1: { sent: 'sentOne', seenSeq: 'seenSeqOne', readSeq: 'readSeqOne', unread: 'unreadOne', archived: 'archivedOne' },
	2: { sent: 'sentTwo', seenSeq: 'seenSeqTwo', readSeq: 'readSeqTwo', unread: 'unreadTwo', archived: 'archivedTwo' },
} as const;
