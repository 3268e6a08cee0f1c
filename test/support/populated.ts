import type { Message, MessagePage } from '../../src/modules/messaging/messaging.schema.ts';
import { createTestApp, type TestApp } from './test-app.ts';

/** The rows that a call can name. */
export interface Ids {
	user: string;
	/** Somebody else, whatever the user is. */
	reader: string;
	username: string;
	externalId: string;
	conversation: string;
	message: string;
	ticket: string;
	ticketMessage: string;
	report: string;
	canned: string;
	key: string;
	/** A place in the log of events: before the first one. */
	cursor: string;
}

/**
 * What stands in a site before a call is tried on it. The owner is alice, the peer bob, the stranger carol; dora talks with
 * bob alone.
 */
export interface Settled {
	/** What alice has, and what the desk has made. The message is alice's. */
	own: Ids;
	/** What bob has beside her: his chat with dora, his ticket, his report of adam, the admin. */
	peers: Ids;
	/** bob's message in the chat of alice and bob; the answer of the desk in alice's ticket. */
	reply: Ids;
	/** The desk's note in alice's ticket. */
	note: Ids;
	/** The ticket of alice's report of bob, with her reason. */
	report: Ids;
	/** What that ticket keeps of bob's message. */
	evidence: Ids;
	/** The ticket of bob's report of adam. */
	accusation: Ids;
}

/** Words of the texts, by who is to see them; each text has the site's word in front. */
export const textWords = {
	chat: 'chat of two',
	earlier: 'before it was edited',
	aside: 'chat beside',
	ticket: 'ticket opened',
	answer: 'answer given',
	note: 'note kept',
	tag: 'tag set',
	petition: 'ticket beside',
	reason: 'reason told',
	accusation: 'accusation made',
	canned: 'canned text',
	email: 'address known',
	settings: 'setting chosen',
	key: 'key labelled',
	query: 'query searched',
} as const;
export type TextWord = keyof typeof textWords;
/** What every text of a site begins with. */
export const siteWords = { home: 'amber', other: 'basalt' } as const;

/** Fills one of the two sites; `prefix` is that of its people's names. */
const settle = async (t: TestApp, prefix: '' | 'other.', dora: string): Promise<Settled> => {
	const word = prefix === '' ? siteWords.home : siteWords.other;
	const say = (text: TextWord) => `${word} ${textWords[text]}`;
	const site = prefix === '' ? t.home : t.other;
	await t.add(`${prefix}dora`, { username: dora, site });
	const who = (name: string) => `${prefix}${name}`;
	const person = (name: string) => t.person(who(name));
	const call = <T = { id: string }>(method: string, as: string, path: string, body?: object) =>
		t.ok<T>({ as: who(as), method, path, body });
	const post = <T = { id: string }>(as: string, path: string, body: object) => call<T>('POST', as, path, body);
	const text = (of: TextWord, more: object = {}) => ({ content: { text: say(of) }, ...more });

	await t.change(who('alice'), {
		externalId: `${word}-alice`,
		email: `${say('email').replaceAll(' ', '.')}@${site.resourceId}`,
		settings: { theme: say('settings') },
	});
	await t.change(who('bob'), { externalId: `${word}-bob` });
	await t.change(who('dora'), { externalId: `${word}-dora` });

	const chat = await t.conversation(who('alice'), who('bob'));
	const inChat = `/p2p/conversations/${chat}/messages`;
	const message = await post('alice', inChat, text('earlier'));
	await call('PATCH', 'alice', `${inChat}/${message.id}`, text('chat'));
	const reply = await post('bob', inChat, text('chat'));
	const insult = await post('bob', inChat, text('chat'));
	const beside = await t.conversation(who('bob'), who('dora'));
	const aside = await post('bob', `/p2p/conversations/${beside}/messages`, text('aside'));

	const open = (as: string, of: TextWord) =>
		post(as, '/support/tickets', { subject: say(of), category: 'billing', initialMessage: say(of) });
	const messagesOf = async (as: string, ticket: string): Promise<Message[]> =>
		(await call<MessagePage>('GET', as, `/support/tickets/${ticket}/messages`)).data;
	const firstOf = async (as: string, ticket: string): Promise<string> => (await messagesOf(as, ticket))[0]?.id ?? '';
	const ticket = await open('alice', 'ticket');
	const inTicket = `/support/tickets/${ticket.id}`;
	const answer = await post('staff', `${inTicket}/messages`, text('answer'));
	const note = await post('staff', `${inTicket}/messages`, text('note', { kind: 'note' }));
	await call('PATCH', 'staff', inTicket, { tags: [say('tag')] });
	const petition = await open('bob', 'petition');
	await post('admin', `/support/tickets/${petition.id}/messages`, text('petition'));

	interface Receipt {
		id: string;
		ticketId: string;
	}
	const report = await post<Receipt>('alice', `${inChat}/${insult.id}/report`, { reason: say('reason') });
	const accused = `/users/${person('admin').id}/report`;
	const accusation = await post<Receipt>('bob', accused, { reason: say('accusation') });
	const kept = (await messagesOf('moderator', report.ticketId)).find(({ kind }) => kind === 'note');

	const canned = await post('moderator', '/admin/canned-replies', { shortcut: `${word}-thanks`, text: say('canned') });
	const key = await post('superadmin', '/admin/keys', { kind: 'secret', label: say('key') });

	const own: Ids = {
		user: person('alice').id,
		reader: person('carol').id,
		username: person('alice').username,
		externalId: `${word}-alice`,
		conversation: chat,
		message: message.id,
		ticket: ticket.id,
		ticketMessage: await firstOf('alice', ticket.id),
		report: report.id,
		canned: canned.id,
		key: key.id,
		cursor: t.services.eventLog.cursor(0),
	};
	/** A row of a ticket, to be tried as a message of a chat too. */
	const within = (id: string, ticketMessage: string): Partial<Ids> => ({
		conversation: id,
		ticket: id,
		message: ticketMessage,
		ticketMessage,
	});
	return {
		own,
		peers: {
			...own,
			user: person('bob').id,
			username: person('bob').username,
			externalId: `${word}-bob`,
			conversation: beside,
			message: aside.id,
			ticket: petition.id,
			ticketMessage: await firstOf('bob', petition.id),
			report: accusation.id,
		},
		reply: { ...own, user: person('staff').id, message: reply.id, ticketMessage: answer.id },
		note: { ...own, ...within(ticket.id, note.id) },
		report: { ...own, ...within(report.ticketId, await firstOf('alice', report.ticketId)), user: person('staff').id },
		evidence: { ...own, ...within(report.ticketId, kept?.id ?? '') },
		accusation: {
			...own,
			...within(accusation.ticketId, await firstOf('bob', accusation.ticketId)),
			user: person('admin').id,
			report: accusation.id,
		},
	};
};

/** populated is createTestApp with both its sites filled alike: at home every text begins with `amber`, abroad with `basalt`. */
export const populated = async () => {
	const t = await createTestApp({}, { site: { directory: 'search' } });
	// first of all, while there is nothing to index: a search puts every text into the index
	for (const [as, word] of [
		['superadmin', siteWords.home],
		['other.superadmin', siteWords.other],
	] as const)
		await t.ok({ as, path: `/admin/conversations?q=${encodeURIComponent(`${word} ${textWords.query}`)}` });
	const home = await settle(t, '', 'dora');
	const abroad = await settle(t, 'other.', 'olga');
	await t.written();
	return Object.assign(t, { settled: home, abroad });
};
export type Populated = Awaited<ReturnType<typeof populated>>;

/** Well-formed ids of nothing. */
export const nothing: Ids = {
	user: 'user_01kj3zq0x5e6s8r1n6a2c4v700',
	reader: 'user_01kj3zq0x5e6s8r1n6a2c4v701',
	username: 'nobody at all',
	externalId: 'of nobody',
	conversation: 'conv_01kj3zqm2d7h4n8r0s6t3v9w00',
	message: 'msg_01kj3zr4c8f2t9v5m1q7w3y600',
	ticket: 'ticket_01kj3zs8a1b2c3d4e5f6g7h800',
	ticketMessage: 'msg_01kj3zr4c8f2t9v5m1q7w3y601',
	report: 'report_01kj3zt9b2c3d4e5f6g7h8jk00',
	canned: 'canned_01kj3zta1b2c3d4e5f6g7h8j00',
	key: 'key_01kj3ztb1b2c3d4e5f6g7h8j00',
	cursor: 'anotherlife.1.1',
};
