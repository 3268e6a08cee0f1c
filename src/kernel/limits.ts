/**
 * Every bound of the server that is not a setting, with its unit in the name and its reason beside it.
 * Rates that an operator may want to change are in config.ts.
 */

/**
 * A JSON body. The largest legal message fits as it is (10 000 characters of 4 bytes); one that escapes every character
 * outside ASCII may not.
 */
export const bodyBytesMax = 64 * 1024;
/** Objects in objects of a JSON body. Ours need three; validators and JSON itself fail on thousands. */
export const bodyDepthMax = 16;
/** Characters (code points) of a message's text after trimming. */
export const messageTextMax = 10_000;
export const clientMessageIdMax = 64;
export const nameMax = 64;
export const emailMax = 254; // RFC 5321: 256 octets of path, two of them angle brackets
export const externalIdMax = 128;
export const urlMax = 2_048;
/** A public id or cursor in a path or body: TypeIDs are at most 33 characters, the rest is courtesy. */
export const idMax = 64;
/** A JWT we accept; ours are about 350 bytes. */
export const tokenMax = 4_096;

/** metadata: a flat object for the integrator's own references, not a document store. */
export const metadataKeysMax = 20;
export const metadataBytesMax = 2_048;

export const pageLimitDefault = 20;
export const pageLimitMax = 100;
/** Pages are read by OFFSET; past this depth a cursor is the right way. */
export const pageMax = 100_000;

/** Characters of a ticket's subject, category and tags; tags of a ticket. */
export const subjectMax = 200;
export const categoryMax = 64;
export const tagMax = 64;
export const tagsMax = 20;
export const ratingCommentMax = 1_000;
/** Tickets that one bulk change may name: all are judged and changed in one transaction. */
export const bulkMax = 100;
export const cannedRepliesMax = 500;
/** Characters of what a site writes into its widget, and how many opening hours it may name: two a day. */
export const widgetTitleMax = 64;
export const widgetWelcomeMax = 280;
export const widgetAwayTextMax = 500;
export const widgetHoursMax = 14;
/** What a person types into a search box. */
export const searchMax = 128;
/** Matches of a text search that are looked at, newest first: a word that stands everywhere costs no more. */
export const searchMatchesMax = 1_000;
/** Users whose conversations a search by name looks at. */
export const searchUsersMax = 20;
/** Messages that one piece of indexing takes up. */
export const indexRowsMax = 500;
/** Characters that one piece of indexing takes up: about ten milliseconds. */
export const indexCharsMax = 100_000;
/** Pieces of indexing in one go: what is left comes a second later. */
export const indexPiecesMax = 10;
/** Pages of 4 KiB of the text index that one piece of a sweep writes: about two milliseconds. */
export const sweepPages = 16;
export const reportsPerDayMax = 10;
export const reportReasonMax = 2_000;
/** Messages on each side of a reported one that are kept with it. */
export const evidenceNeighbours = 5;
/** Tickets that one piece of work over many changes: closing them, or taking somebody off them. */
export const changeTicketsMax = 100;
/** Tickets that one piece of an erasure empties. */
export const forgetTicketsMax = 50;

/** How often a message may be edited: the desk is shown every earlier text of it. */
export const editsPerMessageMax = 20;
export const reactionsPerMessageMax = 20;
export const unreadListMax = 100;
export const blocksMax = 1_000;

/** Group commit: a batch ends at either, so that one slow batch does not hold up all answers. */
export const batchJobsMax = 256;
export const batchMsMax = 5;
/** Turns of the event loop that a batch may wait for more, while more keep coming. */
export const gatherTurnsMax = 4;
/** Waiting jobs beyond this are refused: each holds a request in memory. */
export const queueJobsMax = 10_000;
/** How long a write waits for another process's write lock before 503. */
export const busyMsMax = 2_000;
/** Rows that one purge job deletes: a longer one would hold up senders. */
export const purgeRowsMax = 500;

/** Messages that one piece of an erasure looks at: each emptied one leaves the text index too, which is the slow part. */
export const eraseRowsMax = 100;

/** Password hashing: each Argon2id run takes tens of milliseconds of a core and 64 MB. */
export const hashesAtOnceMax = 2;
export const hashQueueMax = 20;
export const passwordMin = 10;
export const passwordMax = 256;

export const tokenDays = 30;
export const unverifiedRenewalDays = 60;
export const verifiedProofDays = 90;
export const deskProofDays = 30;
export const claimMinutes = 60;
export const setupLinkMinutes = 30;
export const accessLinkHours = 72;
export const identityTokenMinutesMax = 60;
export const identityTokenSkewSeconds = 60;

/** Events that somebody who comes back may have missed, of all sites: more take longer to go through than to fetch anew. */
export const resumeEventsMax = 500_000;
/** Who has missed no more than this many is told before those who have missed more. */
export const nearEventsMax = 1_000;
/** Rows of the log that one user may have read to them from far behind: all their connections once, and some a minute lasting. */
export const resumeRowsBurst = 6_000_000;
export const resumeRowsPerMinute = 2_000_000;
/** Ids of the log that one poll goes through before it answers with where it has come to. */
export const pollScanMax = 50_000;
/** How long one stretch of reading may hold up everybody else, and events that it reads at a time. */
export const scanMsMax = 8;
export const scanRows = 200;
/** Rows that are kept while events are shown, to show others by them. */
export const keptRowsMax = 10_000;
/** How long what was read may wait for more before it is sent: a frame by itself costs more to send than to read. */
export const scanSendMs = 100;
/** Events that one poll may ask for. */
export const pollEventsMax = 500;
export const pollEventsDefault = 100;
/** Characters of events after which the answer to a poll ends: the rest comes with the next. */
export const pollCharactersMax = 256 * 1024;
/** How long a poll may wait for something to happen; shorter than what proxies take for a dead connection. */
export const pollWaitSecondsMax = 25;

/** Sockets, streams and waiting polls: of one user, of all, and of one address before they have said who they are. */
export const connectionsPerUserMax = 10;
export const connectionsMax = 50_000;
export const strangersPerAddressMax = 20;
/** The first frame of a socket: when it must be there, and how large it may be (a token and a key are well under 2 KB). */
export const firstFrameMs = 5_000;
export const firstFrameBytesMax = 4_096;
/** Frames of one socket: as many at once, and as many a second lasting. */
export const framesBurst = 100;
export const framesPerSecond = 20;
/** Frames that are sent together: as much as Bun holds before it asks the system to send. */
export const corkBytes = 15 * 1024;
/** What may wait for a slow reader: reading the log to them pauses at the first, and at the second they are closed. */
export const queuedBytesPause = 256 * 1024;
export const queuedBytesMax = 768 * 1024;
/** note: Bun ends a socket at this without a code of ours: the net under queuedBytesMax */
export const queuedBytesNet = 1024 * 1024;
/** Bytes told to all that may pass before queues are looked at: with queuedBytesMax less than the net. */
export const sweepBytes = 96 * 1024;
/** After this without a word from the other end a socket is given up; Bun asks by pings before. */
export const socketIdleSeconds = 60;
/** A stream says this often that it is still there. */
export const streamIdleMs = 15_000;
/** Typing in one conversation is told no oftener. */
export const typingEveryMs = 2_000;
