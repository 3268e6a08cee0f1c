// A data folder with many people who want to be connected at once, and one in which they have missed something. Made by the
// services themselves, in process, so that every row and event is one that the server would have written.
import { cpSync } from 'node:fs';
import { loadConfig } from '../../src/config.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createServices, type Services } from '../../src/services.ts';
import { numberedText } from './listeners.ts';
import { addSite } from './servers.ts';

export interface CrowdSize {
	/** Conversations of two; each of their users is in one. */
	pairs: number;
	/** Of the desk. */
	staff: number;
}
interface Person {
	id: string;
	token: string;
}
export interface Crowd {
	folder: string;
	key: string;
	/** Two neighbours are a pair. */
	users: Person[];
	staff: Person[];
	/** Who asks for help, and their ticket. */
	requester: Person;
	ticket: string;
	/** Of each pair. */
	conversations: string[];
}

const site = 'bench.local';
/** How many writes are asked for at once: fewer than the queue takes, enough to share a sync. */
const atOnce = 500;

const openServices = (folder: string): Services =>
	createServices({
		config: { ...loadConfig({}, {}), data: folder },
		clock: Date.now,
		log: silentLog,
		publicUrl: () => `http://${site}`,
		busyMs: 2_000,
	});
const closing = async <R>(services: Services, job: () => Promise<R>): Promise<R> => {
	try {
		return await job();
	} finally {
		await services.store.drain();
		services.store.close();
	}
};
/** inPieces runs a job for each number below n, some at a time. */
const inPieces = async <R>(n: number, job: (i: number) => Promise<R>): Promise<R[]> => {
	const results: R[] = [];
	for (let from = 0; from < n; from += atOnce) {
		const piece = Array.from({ length: Math.min(atOnce, n - from) }, (_, i) => job(from + i));
		results.push(...(await Promise.all(piece)));
	}
	return results;
};

const principalOf = ({ sites, tokens }: Services, { token }: Person) => tokens.authenticate(sites.need(site), token);

/** makeCrowd fills a folder with people, their conversations and a ticket; nobody has said anything but the ticket's first words. */
export const makeCrowd = async (binary: string, folder: string, size: CrowdSize): Promise<Crowd> => {
	const { publishableKey: key } = addSite(binary, folder);
	const services = openServices(folder);
	const { users, tokens, p2p, tickets } = services;
	return closing(services, async () => {
		const people = (n: number, role: 'user' | 'staff') =>
			inPieces(n, async (i): Promise<Person> => {
				const input = { username: `${role}-${i + 1}`, role, email: null, externalId: null };
				const { id } = await users.createByOperator(site, input);
				return { id, token: (await tokens.mintByOperator(id)).chatToken };
			});
		const everybody = await people(size.pairs * 2 + 1, 'user');
		const requester = everybody.pop() as Person;
		const staff = await people(size.staff, 'staff');
		const conversations = await inPieces(size.pairs, async (i) => {
			const [one, two] = [everybody[i * 2] as Person, everybody[i * 2 + 1] as Person];
			return (await p2p.start(await principalOf(services, one), { otherParticipantId: two.id })).data.id;
		});
		const words = { subject: 'Where is my parcel?', initialMessage: 'It has not come.' };
		const { id: ticket } = await tickets.open(await principalOf(services, requester), words);
		return { folder, key, users: everybody, staff, requester, ticket, conversations };
	});
};

/** numberOf is the number of a pair's message, all counted from 0; those of the ticket come before any of a pair. */
export const numberOf = (pair: number, message: number, each: number): number => (pair + 1) * each + message;

export interface Missed {
	crowd: Crowd;
	/** Where the log stood before: what the ticket's came after, and what the pairs' came after. */
	beforeTicket: string;
	beforePairs: string;
}
/** makeMissed copies a crowd's folder and adds messages: as many to the ticket, then as many to each pair, all pairs in turn. */
export const makeMissed = async (crowd: Crowd, folder: string, each: number): Promise<Missed> => {
	cpSync(crowd.folder, folder, { recursive: true });
	const services = openServices(folder);
	const { eventLog, p2p, tickets } = services;
	return closing(services, async () => {
		const cursors = [eventLog.cursor()];
		const body = (number: number) => ({
			content: { text: numberedText(number) },
			clientMessageId: Bun.randomUUIDv7(),
		});
		// note: one after another, because they are of one conversation and must keep their order
		const requester = await principalOf(services, crowd.requester);
		await inPieces(each, (i) => tickets.threads.send(requester, crowd.ticket, body(i)));
		cursors.push(eventLog.cursor());
		const writers = await Promise.all(crowd.users.map((user) => principalOf(services, user)));
		const { length: pairs } = crowd.conversations;
		await inPieces(each * pairs, (i) => {
			const [pair, message] = [i % pairs, Math.floor(i / pairs)];
			const writer = writers[pair * 2 + (message % 2)] as (typeof writers)[number];
			return p2p.threads.send(writer, crowd.conversations[pair] as string, body(numberOf(pair, message, each)));
		});
		const [beforeTicket = '', beforePairs = ''] = cursors;
		return { crowd: { ...crowd, folder }, beforeTicket, beforePairs };
	});
};
