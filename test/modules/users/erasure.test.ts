import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { day, hour, minute } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { DeskConversationPage } from '../../../src/modules/admin/inbox.schema.ts';
import type { Stats } from '../../../src/modules/admin/stats.schema.ts';
import type { AuditPage } from '../../../src/modules/audit/audit.schema.ts';
import type { Message } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Ticket } from '../../../src/modules/support/tickets.schema.ts';
import type { ChatToken, User } from '../../../src/modules/users/users.schema.ts';
import { createServices } from '../../../src/services.ts';
import { tempFolder } from '../../support/db-support.ts';
import { seeded } from '../../support/random.ts';
import { createTestApp, type TestApp } from '../../support/test-app.ts';

setDefaultTimeout(60_000);

const letters = 'bcdfghjkmpqrstwxyz';
/** So many letters at the end of a word are enough to know it by: an index may keep the end of a word without its beginning. */
const known = 8;
/** Words that nothing else has: each begins as many others do, and only its end, of which it is known again, is its own. */
const canaries = (seed: number) => {
	const random = seeded(seed);
	const places = new Map<string, string>();
	const words = new Map<string, string>();
	return {
		/** Where each word was put, by what it is known by. */
		places,
		/** A new word for a place. */
		word: (place: string, start = 'magpie'): string => {
			const tail = Array.from({ length: 12 }, () => letters[random.below(letters.length)]).join('');
			places.set(tail.slice(-known), place);
			words.set(place, start + tail);
			return start + tail;
		},
		/** The word that was put in a place. */
		at: (place: string): string => words.get(place) ?? '',
	};
};
type Canaries = ReturnType<typeof canaries>;

/** The places whose word stands in some file of a folder, in whatever case, in the order in which they were made. */
const found = (folder: string, { places }: Canaries): string[] => {
	const seen = new Set<string>();
	for (const name of readdirSync(folder)) {
		const text = readFileSync(join(folder, name)).toString('latin1').toLowerCase();
		for (const [run] of text.matchAll(new RegExp(`[${letters}]{${known},}`, 'g')))
			for (let at = 0; at + known <= run.length; at++) {
				const place = places.get(run.slice(at, at + known));
				if (place !== undefined) seen.add(place);
			}
	}
	return [...places.values()].filter((place) => seen.has(place));
};

/** Whether letters stand in some file of a folder, in whatever case. */
const holds = (folder: string, text: string): boolean =>
	readdirSync(folder).some((name) => readFileSync(join(folder, name)).toString('latin1').toLowerCase().includes(text));

const post = <T = Record<string, unknown>>(t: TestApp, as: string, path: string, body: object = {}) =>
	t.ok<T>({ as, method: 'POST', path, body });
const patch = <T = Record<string, unknown>>(t: TestApp, as: string, path: string, body: object) =>
	t.ok<T>({ as, method: 'PATCH', path, body });
const vacuum = (t: TestApp) => {
	t.sqlite.run('VACUUM');
	t.services.store.writeBack();
};
const chainHolds = (t: TestApp) =>
	[t.home, t.other].map(({ pk }) => {
		const { broken, entries } = t.services.audit.verify(pk);
		return [broken, entries] as const;
	});

/** Everything a user leaves behind, each piece with a word of its own. */
const live = async (t: TestApp, name: string, c: Canaries) => {
	const { word } = c;
	const made = await post<User>(t, 'server', '/users', {
		username: word('username'),
		displayName: word('display name'),
		email: `${word('email')}@mail.test`,
		avatarUrl: `https://site.com/${word('avatar')}.png`,
		externalId: word('external id'),
		metadata: { [word('metadata key')]: word('metadata') },
	});
	const { chatToken } = await post<ChatToken>(t, 'server', '/users/chat-token', { userId: made.id });
	const [row] = t.rows<{ pk: number }>('select pk from users where id = ?', made.id);
	const pk = row?.pk ?? 0;
	t.people.set(name, { id: made.id, pk, username: made.username, role: 'user', token: chatToken, site: t.home });
	await patch(t, name, '/users/me', { settings: { theme: word('settings') } });

	const chat = await t.conversation(name, 'bob');
	const inChat = `/p2p/conversations/${chat}/messages`;
	await t.send('bob', chat, 'hello magpie');
	const first = await t.send(name, chat, `I am ${word('text')} here`, {
		metadata: { note: word('message metadata') },
		clientMessageId: word('client id'),
	});
	const edited = await t.send(name, chat, word('earlier text'));
	await patch(t, name, `${inChat}/${edited.id}`, { content: { text: word('second text') } });
	await patch(t, name, `${inChat}/${edited.id}`, { content: { text: word('edited text') } });
	const reported = await t.send(name, chat, word('reported, before an edit'));
	await patch(t, name, `${inChat}/${reported.id}`, { content: { text: word('reported, then deleted') } });
	const deleted = await t.send(name, chat, word('deleted text'), { clientMessageId: word('client id of a deleted') });
	const bobs = await t.send('bob', chat, 'well, magpie');
	await t.ok({ as: name, method: 'PUT', path: `${inChat}/${bobs.id}/reactions/👍` });
	await t.ok({ as: 'bob', method: 'PUT', path: `${inChat}/${first.id}/reactions/👍` });
	// what others do with these words
	await post(t, 'bob', `${inChat}/${reported.id}/report`, { reason: 'not nice' });
	await post(t, 'bob', `/users/${made.id}/report`, { reason: 'not nice either' });
	await t.ok({ as: name, method: 'DELETE', path: `${inChat}/${reported.id}` });
	await t.ok({ as: name, method: 'DELETE', path: `${inChat}/${deleted.id}` });
	await t.ok({ as: name, method: 'DELETE', path: `${inChat}/${deleted.id}` });
	await post(t, 'staff', `/admin/messages/${first.id}/ticket`);
	await post(t, 'staff', `/admin/messages/${edited.id}/ticket`, { subject: word('subject of a ticket made') });
	// what they say of others
	await post(t, name, `${inChat}/${bobs.id}/report`, { reason: word('reason of a message') });
	await post(t, name, `/users/${t.person('bob').id}/report`, { reason: word('reason of a user') });

	const { id: ticket } = await post<Ticket>(t, name, '/support/tickets', {
		subject: `Help ${word('subject')}`,
		category: word('category'),
		initialMessage: word('initial message'),
		metadata: { order: word('ticket metadata') },
	});
	const path = `/support/tickets/${ticket}`;
	await patch(t, 'staff', path, { subject: word('second subject'), category: word('second category') });
	await patch(t, 'staff', path, { subject: word('third subject'), category: null });
	const said = await post<Message>(t, name, `${path}/messages`, { content: { text: word('ticket text') } });
	await patch(t, name, `${path}/messages/${said.id}`, { content: { text: word('edited ticket text') } });
	await post(t, 'staff', `${path}/messages`, { content: { text: 'a magpie, I see' } });
	await post(t, 'staff', `${path}/messages`, { kind: 'note', content: { text: 'they like magpies' } });
	await patch(t, 'staff', path, { status: 'resolved' });
	await post(t, name, `${path}/rating`, { score: 4, comment: word('first comment') });
	await post(t, name, `${path}/rating`, { score: 2, comment: word('comment') });
	await t.services.search.catchUp();
	for (const query of ['text', 'username', 'subject']) {
		const q = word(`words of a search for the ${query}`);
		await t.ok({ as: 'admin', path: `/admin/conversations?q=${q}` });
	}
	await t.ok({ as: 'admin', path: `/admin/conversations?q=${c.at('text')}` });
	const suspend = (as: string, body: object) => patch(t, as, `/admin/users/${made.id}`, body);
	await suspend('moderator', { suspended: true, reason: word('reason of a suspension') });
	await suspend('moderator', { suspended: false });
	await suspend('moderator', { suspended: true, reason: word('reason of a second suspension') });
	return { id: made.id, pk, chat, ticket, first, unsuspend: () => suspend('moderator', { suspended: false }) };
};

/** All that must outlive an erasure: every row's place and number, and what others have written. */
const shape = (t: TestApp, user: number) => ({
	places: t.rows(
		`select id, conversation, seq, note_seq, sender, kind, created_at, case when sender = ?1 then null else text end as text
		from messages order by pk`,
		user,
	),
	conversations: t.rows(
		'select id, type, status, last_seq, last_note_seq, message_count, sent_one, sent_two, last_activity_at from conversations order by pk',
	),
	tickets: t.rows('select number, priority, rating, version from tickets order by number'),
	edits: t.rows(
		'select e.message, e.text from message_edits e join messages m on m.pk = e.message where m.sender <> ? order by e.pk',
		user,
	),
	others: t.rows('select * from users where pk <> ? order by pk', user).map((row) => ({ ...row, last_seen_at: 0 })),
	days: t.rows('select site, day, messages, p2p_conversations, tickets from site_days order by pk'),
});

/** Users with words so like those of the one who is erased that they stand on the same pages of every index. */
const addDecoys = async (t: TestApp, first: number, count: number) => {
	const names = Array.from(
		{ length: count },
		(_, i) => `magpie${letters[(first + i) % letters.length]}${first + i}decoy`,
	);
	for (let from = 0; from < names.length; from += 50)
		await Promise.all(
			names.slice(from, from + 50).map(async (name) => {
				await t.add(name);
				const id = await t.conversation(name, 'carol');
				await t.send(name, id, `${name} has something to say`);
			}),
		);
	return names;
};
const findable = async (t: TestApp, names: string[]) => {
	const lost: string[] = [];
	for (const name of names) {
		const page = await t.ok<DeskConversationPage>({ as: 'admin', path: `/admin/conversations?q=${name}+something` });
		if (page.total !== 1) lost.push(name);
	}
	return lost;
};

describe('an erasure leaves no trace of a user’s words in any file', () => {
	for (const by of ['the user', 'an admin'] as const)
		test(`when ${by} asks for it, and takes nothing from others`, async () => {
			using folder = tempFolder();
			using t = await createTestApp({ data: folder.path });
			const decoys = await addDecoys(t, 0, 250);
			const c = canaries(by.length);
			const life = await live(t, 'magpie', c);
			decoys.push(...(await addDecoys(t, 250, 250)));
			await t.services.search.catchUp();
			// every word is somewhere now, or its absence later would mean nothing
			expect(found(folder.path, c)).toEqual([...c.places.values()]);
			if (by === 'the user') await life.unsuspend();
			const before = shape(t, life.pk);
			const [[, entries]] = chainHolds(t) as [[null, number], unknown];
			const path = by === 'the user' ? '/users/me' : `/admin/users/${life.id}`;
			expect(await t.ok({ as: by === 'the user' ? 'magpie' : 'admin', method: 'DELETE', path })).toEqual({
				done: true,
			});

			expect(found(folder.path, c)).toEqual([]);
			vacuum(t);
			expect(found(folder.path, c)).toEqual([]);
			expect(chainHolds(t)[0]).toEqual([null, by === 'the user' ? entries : entries + 1]);
			expect(shape(t, life.pk)).toEqual(before);
			expect(t.rows('select count(*) as n from reactions where user = ?', life.pk)).toEqual([{ n: 0 }]);
			expect(t.rows('select count(*) as n from messages where sender = ? and text is not null', life.pk)).toEqual([
				{ n: 0 },
			]);
			expect(await findable(t, decoys)).toEqual([]);
			t.sqlite.run("insert into texts(texts) values ('integrity-check')");
		});

	test('however long their history is', async () => {
		using folder = tempFolder();
		using t = await createTestApp({ data: folder.path });
		const c = canaries(3);
		const { pk, chat } = await live(t, 'magpie', c);
		await patch(t, 'moderator', `/admin/users/${t.person('magpie').id}`, { suspended: false });
		for (let i = 0; i < 30; i++)
			await Promise.all(
				Array.from({ length: 50 }, (_, j) => t.send(j % 7 === 0 ? 'bob' : 'magpie', chat, c.word(`${i}/${j}`))),
			);
		await t.services.search.catchUp();
		const bobs = [...c.places.values()].filter((place) => Number(place.split('/')[1]) % 7 === 0);
		await t.ok({ as: 'magpie', method: 'DELETE', path: '/users/me' });
		expect(found(folder.path, c)).toEqual(bobs);
		expect(t.rows('select count(*) as n from messages where sender = ? and text is not null', pk)).toEqual([{ n: 0 }]);
		const page = await t.ok<DeskConversationPage>({
			as: 'admin',
			path: `/admin/conversations?q=${c.at('29/0')}`,
		});
		expect(page.data.map(({ id }) => id)).toEqual([chat]);
	});

	test('also what somebody reports, or makes a ticket of, while it is going on', async () => {
		using folder = tempFolder();
		using t = await createTestApp({ data: folder.path });
		const c = canaries(4);
		await t.add('magpie');
		const early = await t.conversation('magpie', 'carol');
		const late = await t.conversation('magpie', 'bob');
		for (const chat of [early, late]) {
			const word = c.word(chat);
			for (let i = 0; i < 12; i++) await t.send('magpie', chat, `${word} and more`);
		}
		const target = (await t.messages('bob', late)).data[5]?.id ?? '';
		// the first piece is behind us, the conversation with bob is not
		const { store } = t.services;
		const original = store.atomic;
		let calls = 0;
		let report: Promise<unknown> = Promise.resolve();
		store.atomic = (async (job: Parameters<typeof original>[0]) => {
			const result = await original(job);
			calls++;
			if (calls === 2) {
				store.atomic = original;
				report = post(t, 'bob', `/p2p/conversations/${late}/messages/${target}/report`, { reason: 'rude' });
				await report;
			}
			return result;
		}) as typeof original;
		await t.ok({ as: 'magpie', method: 'DELETE', path: '/users/me' });
		await report;
		expect(t.rows('select count(*) as n from reports')).toEqual([{ n: 1 }]);
		expect(t.rows("select count(*) as n from messages where kind = 'note'")).toEqual([{ n: 11 }]);
		expect(t.rows('select count(*) as n from messages where text like ?', 'magpie%')).toEqual([{ n: 0 }]);
		await t.services.search.catchUp();
		await t.services.search.sweep();
		store.writeBack();
		expect(found(folder.path, c)).toEqual([]);
	});

	test('and goes on after a crash at any moment of it', async () => {
		using folder = tempFolder();
		using copies = tempFolder();
		using t = await createTestApp({ data: folder.path });
		await addDecoys(t, 0, 60);
		const c = canaries(5);
		const { id, chat, unsuspend } = await live(t, 'magpie', c);
		await unsuspend();
		// among so many words some stand first on a page of the index, which keeps how they begin until it is swept, in pieces
		const start = 'qzxqzx';
		const others = canaries(50);
		for (let i = 0; i < 60; i++) {
			const words = Array.from({ length: 30 }, (_, j) => c.word(`${i}/${j}`, start));
			await t.send('magpie', chat, words.join(' '));
			await t.send('bob', chat, Array.from({ length: 400 }, (_, j) => others.word(`${i}/${j}`, '')).join(' '));
		}
		await t.services.search.catchUp();
		// what a crash leaves behind is what the files hold between two commits
		expect(holds(folder.path, start)).toBe(true);
		const crashes: { at: number; path: string }[] = [];
		const { store } = t.services;
		const original = store.atomic;
		store.atomic = (async (job: Parameters<typeof original>[0]) => {
			const result = await original(job);
			const path = join(copies.path, `${crashes.length}`);
			mkdirSync(path, { mode: 0o700 });
			for (const name of ['parley.db', 'parley.db-wal']) copyFileSync(join(folder.path, name), join(path, name));
			crashes.push({ at: crashes.length, path });
			return result;
		}) as typeof original;
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${id}` });
		store.atomic = original;
		// the profile, a piece for each conversation, what belongs to tickets, and the sweep of the index
		expect(crashes.length).toBeGreaterThan(8);
		expect([found(folder.path, c), holds(folder.path, start)]).toEqual([[], false]);
		const left: Record<string, string[]> = {};
		for (const { at, path } of crashes) {
			const services = createServices({
				config: { ...t.config, data: path },
				clock: t.clock,
				log: silentLog,
				publicUrl: () => 'http://chat.test',
			});
			await services.erasure.resume();
			const words = [...found(path, c), ...(holds(path, start) ? [start] : [])];
			if (words.length > 0) left[`after ${at + 1} of ${crashes.length} commits`] = words;
			expect(services.audit.verify(t.home.pk).broken).toBeNull();
			services.store.close();
		}
		expect(left).toEqual({});
	});

	test('of one of the team: replies, notes, and what they did stay as rows without words', async () => {
		using folder = tempFolder();
		using t = await createTestApp({ data: folder.path });
		const c = canaries(6);
		await t.add('sam', { role: 'staff', username: c.word('username') });
		const { id: ticket } = await post<Ticket>(t, 'alice', '/support/tickets', {
			subject: 'Help',
			initialMessage: 'hi',
		});
		const path = `/support/tickets/${ticket}`;
		const reply = await post<Message>(t, 'sam', `${path}/messages`, { content: { text: c.word('reply') } });
		await patch(t, 'sam', `${path}/messages/${reply.id}`, { content: { text: c.word('edited reply') } });
		const note = await post<Message>(t, 'sam', `${path}/messages`, {
			kind: 'note',
			content: { text: c.word('note') },
		});
		await patch(t, 'sam', `${path}/messages/${note.id}`, { content: { text: c.word('edited note') } });
		await patch(t, 'sam', path, { assigneeId: t.person('sam').id });
		await post(t, 'alice', `${path}/messages/${reply.id}/report`, { reason: 'rude' });
		const chat = await t.conversation('bob', 'sam');
		await t.send('sam', chat, c.word('chat'));
		await t.services.search.catchUp();
		expect(found(folder.path, c)).toEqual([...c.places.values()]);
		const before = shape(t, t.person('sam').pk);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('sam').id}` });
		await t.written();
		t.services.store.writeBack();
		expect(found(folder.path, c)).toEqual([]);
		const after = shape(t, t.person('sam').pk);
		expect(after.places).toEqual(before.places);
		expect(after.others).toEqual(before.others);
		// nobody takes care of it any more, and the desk sees by whom the rows were
		expect(await t.ok<Ticket>({ as: 'staff', path })).toMatchObject({ assigneeId: null, messageCount: 2 });
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `${path}/messages` });
		expect(data.map(({ senderId, content, kind }) => [senderId, content, kind])).toEqual([
			[t.person('alice').id, { text: 'hi' }, 'text'],
			[t.person('sam').id, {}, 'text'],
			[null, { text: 'The ticket is now in progress.' }, 'system'],
			[t.person('sam').id, {}, 'note'],
		]);
		const { data: acts } = await t.ok<AuditPage>({ as: 'admin', path: `/admin/audit?actor=${t.person('sam').id}` });
		expect(acts.map(({ action, target }) => [action, target])).toEqual([['ticket.update', ticket]]);
		expect(chainHolds(t)[0]?.[0]).toBeNull();
	});
});

describe('an erased user', () => {
	test('counts nowhere, and the numbers of others stay', async () => {
		using t = await createTestApp();
		const stats = () => t.ok<Stats>({ as: 'staff', path: '/admin/stats' });
		const chat = await t.conversation('alice', 'bob');
		await t.send('alice', chat);
		await t.send('alice', chat);
		await t.send('bob', chat);
		await t.send('alice', chat);
		const before = await stats();
		expect((await t.see('bob', chat)).unreadCount).toBe(1);
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		const after = await stats();
		expect(after.users.total).toBe(before.users.total - 1);
		expect([after.messages, after.conversations]).toEqual([before.messages, before.conversations]);
		expect(await t.see('bob', chat)).toMatchObject({ messageCount: 4, unreadCount: 0 });
		const { data } = await t.messages('bob', chat);
		expect(data.map(({ seq, content }) => [seq, content.text])).toEqual([
			[1, undefined],
			[2, undefined],
			[3, 'hello'],
			[4, undefined],
		]);
	});
	test('who never came is not counted off twice when visitors are purged', async () => {
		using t = await createTestApp();
		const total = async () => (await t.ok<Stats>({ as: 'staff', path: '/admin/stats' })).users.total;
		const before = await total();
		await t.visitor('vic', { used: false });
		expect(await total()).toBe(before + 1);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('vic').id}` });
		expect(await total()).toBe(before);
		t.advance(2 * hour);
		await t.services.users.purge();
		expect(await total()).toBe(before);
	});
	test('is gone at once: token, profile, lists and search; a second erasure finds nobody', async () => {
		using t = await createTestApp();
		const { id } = t.person('alice');
		const chat = await t.conversation('alice', 'bob');
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${id}` });
		expect(await t.refused({ as: 'alice', path: '/users/me' })).toEqual([401, 'invalid_token']);
		for (const as of ['staff', 'admin', 'server'])
			for (const path of [`/admin/users/${id}`, `/users/${id}`])
				expect([as, path, (await t.call({ as, path })).status]).toEqual([as, path, 404]);
		expect((await t.ok<{ total: number }>({ as: 'staff', path: `/admin/users?q=${id}` })).total).toBe(0);
		expect(await t.refused({ as: 'admin', method: 'DELETE', path: `/admin/users/${id}` })).toEqual([404, 'not_found']);
		expect(await t.refused({ as: 'admin', path: `/admin/users/${id}/export` })).toEqual([404, 'not_found']);
		const { participants } = await t.see('bob', chat);
		expect(participants.map(({ username, displayName }) => [username?.startsWith('deleted-'), displayName])).toEqual([
			[true, null],
			[false, null],
		]);
		// the name is free again
		await t.add('second', { username: 'alice' });
	});
	test('keeps the desk’s words about their tickets, and the ticket’s number and rating', async () => {
		using t = await createTestApp();
		const { id } = await post<Ticket>(t, 'alice', '/support/tickets', { subject: 'Help', initialMessage: 'hi' });
		const path = `/support/tickets/${id}`;
		await post(t, 'staff', `${path}/messages`, { content: { text: 'how can I help?' } });
		await patch(t, 'staff', path, { status: 'resolved', tags: ['card'] });
		await post(t, 'alice', `${path}/rating`, { score: 5, comment: 'thanks' });
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect(await t.ok<Ticket>({ as: 'staff', path })).toMatchObject({
			number: 1001,
			subject: null,
			status: 'resolved',
			rating: { score: 5, comment: null },
			tags: ['card'],
			metadata: null,
		});
		const { data } = await t.ok<{ data: Message[] }>({ as: 'staff', path: `${path}/messages` });
		expect(data.filter(({ kind }) => kind === 'text').map(({ content }) => content.text)).toEqual([
			undefined,
			'how can I help?',
		]);
	});
	test('is not erased by whom rank forbids, nor when the last superadmin', async () => {
		using t = await createTestApp();
		const erase = (as: string, name: string) =>
			t.refused({ as, method: 'DELETE', path: `/admin/users/${t.person(name).id}` });
		const before = t.snapshot();
		for (const as of ['alice', 'staff', 'moderator']) expect(await erase(as, 'bob')).toEqual([403, 'forbidden']);
		expect(await erase('admin', 'admin')).toEqual([403, 'rank_too_low']);
		expect(await erase('admin', 'superadmin')).toEqual([403, 'rank_too_low']);
		expect(await erase('server', 'superadmin')).toEqual([409, 'last_superadmin']);
		expect(await t.refused({ as: 'superadmin', method: 'DELETE', path: '/users/me' })).toEqual([
			409,
			'last_superadmin',
		]);
		expect(await erase('admin', 'other.bob')).toEqual([404, 'not_found']);
		expect(t.snapshot()).toBe(before);
		await t.add('second', { role: 'superadmin' });
		await t.ok({ as: 'superadmin', method: 'DELETE', path: '/users/me' });
	});
	test('is erased once when asked for many times at once', async () => {
		using t = await createTestApp();
		const path = `/admin/users/${t.person('alice').id}`;
		const total = async () => (await t.ok<Stats>({ as: 'staff', path: '/admin/stats' })).users.total;
		const before = await total();
		const replies = await Promise.all(
			Array.from({ length: 20 }, () => t.call({ as: 'admin', method: 'DELETE', path })),
		);
		expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(404)]);
		expect(await total()).toBe(before - 1);
		expect(t.rows("select count(*) as n from audit_log where action = 'user.erase'")).toEqual([{ n: 1 }]);
	});
	test('loses the values that the audit kept of them; those of others stay', async () => {
		using t = await createTestApp();
		for (const name of ['alice', 'bob'])
			await patch(t, 'admin', `/admin/users/${t.person(name).id}`, { suspended: true, reason: `spam by ${name}` });
		t.advance(minute);
		await t.ok({ as: 'admin', method: 'DELETE', path: `/admin/users/${t.person('alice').id}` });
		const acts = async (name: string) =>
			(await t.ok<AuditPage>({ as: 'admin', path: `/admin/audit?action=user.update&target=${t.person(name).id}` }))
				.data[0]?.changes;
		expect(await acts('alice')).toEqual(
			['suspended', 'reason', 'until'].map((field) => ({ field, before: null, after: null, erased: true })),
		);
		expect(await acts('bob')).toContainEqual({ field: 'reason', before: null, after: 'spam by bob', erased: false });
		expect(chainHolds(t).map(([broken]) => broken)).toEqual([null, null]);
	});
	test('leaves the other site as it was', async () => {
		using t = await createTestApp();
		const rowsOfOther = () =>
			['users', 'conversations', 'messages', 'audit_log'].map((table) =>
				t.rows(`select * from ${table} where site = ? order by pk`, t.other.pk),
			);
		const body = { otherParticipantId: t.person('other.bob').id };
		const { id } = await post<{ id: string }>(t, 'other.alice', '/p2p/conversations', body);
		await t.send('other.alice', id, 'hello');
		await t.written();
		const before = rowsOfOther();
		t.advance(day);
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect(rowsOfOther()).toEqual(before);
	});
});
