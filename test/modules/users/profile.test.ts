import { describe, expect, test } from 'bun:test';
import { minute } from '../../../src/kernel/clock.ts';
import type { FailureCode } from '../../../src/kernel/errors.ts';
import type { UserExport } from '../../../src/modules/users/erasure.schema.ts';
import type { BlockList, Profile, ProfileView, User } from '../../../src/modules/users/users.schema.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

const patch = (t: TestApp, as: As, body: object) => t.call<User>({ as, method: 'PATCH', path: '/users/me', body });
const refuse = async (t: TestApp, as: As, body: object, status: number, code: FailureCode) => {
	const before = t.snapshot();
	const reply = await patch(t, as, body);
	expect([JSON.stringify(body), reply.status, reply.body.code]).toEqual([JSON.stringify(body), status, code]);
	expect(t.snapshot()).toBe(before);
};

describe('one’s own profile', () => {
	test('changes by what is named; the rest stays, null empties', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		t.advance(minute);
		const all = {
			displayName: 'Vic Tor',
			avatarUrl: 'https://site.com/v.png',
			email: 'vic@mail.test',
			settings: { sound: false },
			metadata: { plan: 'free' },
		};
		const first = await t.scenario<User>({
			as: 'vic',
			method: 'PATCH',
			path: '/users/me',
			body: all,
			expect: {
				status: 200,
				body: { data: { ...all, updatedAt: '2026-03-01T12:01:00.000Z' } },
				events: [{ type: 'user.updated', userA: 'vic' }],
			},
		});
		expect((await patch(t, 'vic', { displayName: null })).body.data).toEqual({ ...first.data, displayName: null });
		expect((await patch(t, 'vic', { avatarUrl: null, email: null })).body.data).toMatchObject({
			avatarUrl: null,
			email: null,
			settings: all.settings,
		});
	});
	test('is kept by the same rules as at creation', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		await refuse(t, 'vic', { displayName: 'Support Team' }, 422, 'name_reserved');
		await refuse(t, 'vic', { displayName: 'sаra' }, 422, 'name_reserved');
		await refuse(t, 'vic', { displayName: 'a\u200bb' }, 422, 'name_invalid');
		await refuse(t, 'vic', { displayName: '' }, 400, 'invalid_request');
		await refuse(t, 'vic', { avatarUrl: 'https://evil.test/x.png' }, 422, 'avatar_not_allowed');
		await refuse(t, 'vic', { email: 'no address' }, 400, 'invalid_request');
		await refuse(
			t,
			'vic',
			{ settings: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, i])) },
			400,
			'invalid_request',
		);
		await refuse(t, 'vic', { metadata: { a: 'x'.repeat(2_100) } }, 400, 'invalid_request');
		// who is vouched for is free in their display name
		expect((await patch(t, 'alice', { displayName: 'Support Team' })).status).toBe(200);
	});
	test('metadata of a verified user is the site’s own', async () => {
		using t = await createTestApp();
		await refuse(t, 'alice', { metadata: { plan: 'pro' } }, 403, 'forbidden');
		expect((await patch(t, 'alice', { settings: { sound: true } })).status).toBe(200);
	});
});

describe('what others see', () => {
	const fields = ['id', 'username', 'displayName', 'avatarUrl', 'role', 'verified', 'presence'];
	test('is the public profile and nothing more', async () => {
		using t = await createTestApp();
		await patch(t, 'alice', { email: 'alice@mail.test', settings: { a: 1 } });
		for (const as of ['bob', 'server']) {
			const profile = await t.ok<Profile>({ as, path: `/users/${t.person('alice').id}` });
			expect(Object.keys(profile)).toEqual(fields);
			expect(profile).toMatchObject({ username: 'alice', role: 'user', verified: true });
		}
	});
	test('whether somebody is here: for those who share a conversation with them, without a block, and the desk', async () => {
		using t = await createTestApp();
		const presence = async (as: As, name: string) =>
			(await t.ok<ProfileView>({ as, path: `/users/${t.person(name).id}` })).presence;
		const here = { online: false, lastSeenAt: new Date(t.clock()).toISOString() };
		await t.conversation('alice', 'bob');
		for (const as of ['alice', 'bob', 'staff', 'server']) expect([as, await presence(as, 'alice')]).toEqual([as, here]);
		expect(await presence('carol', 'alice')).toBeNull();
		// a ticket tells nobody who of the team is here
		const open = { subject: 'A question', initialMessage: 'Need help' };
		const { id } = await t.ok<{ id: string }>({ as: 'alice', method: 'POST', path: '/support/tickets', body: open });
		const answer = { content: { text: 'Done' } };
		await t.ok({ as: 'staff', method: 'POST', path: `/support/tickets/${id}/messages`, body: answer });
		expect(await presence('alice', 'staff')).toBeNull();
		await t.ok({ as: 'bob', method: 'POST', path: `/users/me/blocks/${t.person('alice').id}` });
		expect([await presence('alice', 'bob'), await presence('bob', 'alice')]).toEqual([null, null]);
	});
	test('does not show a username that is an address', async () => {
		using t = await createTestApp();
		const { id } = await t.add('mail', { username: 'mail@site.com' });
		expect((await t.ok<Profile>({ as: 'bob', path: `/users/${id}` })).username).toBeNull();
	});
});

describe('the directory', () => {
	const lookup = (t: TestApp, as: As, username: string) =>
		t.call<Profile>({ as, path: `/users/lookup?username=${encodeURIComponent(username)}` });
	const search = (t: TestApp, as: As, q: string) =>
		t.call<{ data: Profile[] }>({ as, path: `/users/search?q=${encodeURIComponent(q)}` });
	test('finds one by the exact name, whatever its case, of this site only', async () => {
		using t = await createTestApp();
		await t.add('olga', { site: t.other });
		expect((await lookup(t, 'bob', ' ALICE ')).body.data.id).toBe(t.person('alice').id);
		for (const username of ['alic', 'alice2', 'olga', '%', '*', 'al_ce', "' or 1=1 --"])
			expect([username, (await lookup(t, 'bob', username)).status]).toEqual([username, 404]);
	});
	test('searches only where the site has it so', async () => {
		using t = await createTestApp();
		for (const [directory, exact, start] of [
			['off', 403, 403],
			['exact', 200, 403],
			['search', 200, 200],
		] as const) {
			await t.services.sites.set('site.com', { directory });
			expect([directory, (await lookup(t, 'bob', 'alice')).status, (await search(t, 'bob', 'ali')).status]).toEqual([
				directory,
				exact,
				start,
			]);
			if (exact === 403) expect((await lookup(t, 'bob', 'alice')).body.code).toBe('directory_off');
			// for the desk and the site's server it is always open
			for (const as of ['staff', 'server'])
				expect([(await lookup(t, as, 'alice')).status, (await search(t, as, 'ali')).status]).toEqual([200, 200]);
		}
	});
	test('a search takes its text as it is, shows at most 20, and no addresses or other sites', async () => {
		using t = await createTestApp({}, { site: { directory: 'search' } });
		for (let i = 0; i < 25; i++) await t.add(`zed${i}`);
		await t.add('zed%percent', { username: 'ze_under' });
		await t.add('mail', { username: 'zed@site.com' });
		await t.add('abroad', { username: 'zedabroad', site: t.other });
		const names = async (q: string) => (await search(t, 'bob', q)).body.data.data.map(({ username }) => username);
		expect(await names('ZED1')).toEqual(['zed1', ...Array.from({ length: 10 }, (_, i) => `zed1${i}`)]);
		expect((await names('zed')).length).toBeLessThanOrEqual(20);
		expect(await names('zed@')).toEqual([]);
		expect(await names('zeda')).toEqual([]);
		expect(await names('ze_')).toEqual(['ze_under']);
		for (const q of ['%', '_', '\\', 'z%1', "'"]) expect([q, await names(q)]).toEqual([q, []]);
	});
	test('does not find the erased', async () => {
		using t = await createTestApp({}, { site: { directory: 'search' } });
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect((await lookup(t, 'bob', 'alice')).status).toBe(404);
		expect((await search(t, 'bob', 'ali')).body.data.data).toEqual([]);
		expect((await search(t, 'bob', 'deleted')).body.data.data).toEqual([]);
		expect((await t.call({ as: 'bob', path: `/users/${t.person('alice').id}` })).status).toBe(404);
	});
});

describe('blocks', () => {
	const path = (t: TestApp, name: string) => `/users/me/blocks/${t.person(name).id}`;
	const block = (t: TestApp, as: As, name: string) => t.call({ as, method: 'POST', path: path(t, name) });
	const unblock = (t: TestApp, as: As, name: string) => t.call({ as, method: 'DELETE', path: path(t, name) });

	test('are set, listed and taken back; again changes nothing', async () => {
		using t = await createTestApp();
		const set = { as: 'alice', method: 'POST', path: path(t, 'bob') };
		// who is blocked is not told
		const event = { type: 'user.blocked', userA: 'alice', userB: null } as const;
		const user = t.person('bob').pk;
		await t.scenario({
			...set,
			expect: {
				status: 200,
				body: { data: { userId: t.person('bob').id, blocked: true } },
				events: [{ ...event, detail: { user, blocked: true } }],
			},
		});
		await t.scenario({ ...set, expect: { status: 200, events: [] } });
		const list = await t.ok<BlockList>({ as: 'alice', path: '/users/me/blocks' });
		expect(list).toMatchObject({
			total: 1,
			data: [{ user: { username: 'bob' }, createdAt: '2026-03-01T12:00:00.000Z' }],
		});
		expect(await t.ok<BlockList>({ as: 'bob', path: '/users/me/blocks' })).toEqual({ data: [], total: 0 });
		await t.scenario({
			...set,
			method: 'DELETE',
			expect: {
				status: 200,
				body: { data: { blocked: false } },
				events: [{ ...event, detail: { user, blocked: false } }],
			},
		});
		await t.scenario({ ...set, method: 'DELETE', expect: { status: 200, events: [] } });
	});
	test('nobody blocks themselves', async () => {
		using t = await createTestApp();
		expect(await t.refused({ as: 'alice', method: 'POST', path: path(t, 'alice') })).toEqual([422, 'block_impossible']);
	});
	test('keep both from starting, writing, editing and reacting, whoever has blocked; the history stays', async () => {
		for (const [blocker, blocked] of [
			['alice', 'bob'],
			['bob', 'alice'],
		] as const) {
			using t = await createTestApp();
			const id = await t.conversation('alice', 'bob');
			const messages = { alice: await t.send('alice', id), bob: await t.send('bob', id) };
			await block(t, blocker, blocked);
			for (const as of ['alice', 'bob'] as const) {
				const own = `/p2p/conversations/${id}/messages/${messages[as].id}`;
				const other = `/p2p/conversations/${id}/messages/${messages[as === 'alice' ? 'bob' : 'alice'].id}`;
				const body = { content: { text: 'still here?' } };
				const before = t.snapshot();
				expect(await t.refused({ as, method: 'POST', path: `/p2p/conversations/${id}/messages`, body })).toEqual([
					403,
					'blocked',
				]);
				expect(await t.refused({ as, method: 'PATCH', path: own, body })).toEqual([403, 'blocked']);
				expect(await t.refused({ as, method: 'PUT', path: `${other}/reactions/👍` })).toEqual([403, 'blocked']);
				expect(t.snapshot()).toBe(before);
				expect((await t.messages(as, id)).data.length).toBe(2);
			}
			// what one has said one may take back
			for (const as of ['alice', 'bob'] as const) {
				const own = `/p2p/conversations/${id}/messages/${messages[as].id}`;
				expect((await t.call({ as, method: 'DELETE', path: own })).status).toBe(200);
			}
			await unblock(t, blocker, blocked);
			await t.send('alice', id, 'again');
		}
	});
	test('keep both from starting a conversation that is not there yet', async () => {
		for (const [blocker, blocked] of [
			['alice', 'bob'],
			['bob', 'alice'],
		] as const) {
			using t = await createTestApp();
			await block(t, blocker, blocked);
			const before = t.snapshot();
			for (const [as, name] of [
				['alice', 'bob'],
				['bob', 'alice'],
			] as const)
				expect(
					await t.refused({
						as,
						method: 'POST',
						path: '/p2p/conversations',
						body: { otherParticipantId: t.person(name).id },
					}),
				).toEqual([403, 'blocked']);
			const both = { participantOne: t.person('alice').id, participantTwo: t.person('bob').id };
			expect(await t.refused({ as: 'server', method: 'POST', path: '/p2p/conversations', body: both })).toEqual([
				403,
				'blocked',
			]);
			expect(t.snapshot()).toBe(before);
		}
	});
	test('leave nothing unread between the two, and every receipt as it was', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.send('alice', id);
		await t.send('bob', id);
		await t.send('bob', id);
		await block(t, 'bob', 'alice');
		for (const as of ['alice', 'bob']) {
			expect((await t.see(as, id)).unreadCount).toBe(0);
			expect(await t.ok<object>({ as, path: '/p2p/unread-count' })).toMatchObject({ total: 0, conversations: [] });
		}
		expect((await t.messages('bob', id)).data.map(({ isRead }) => isRead)).toEqual([true, false, false]);
	});
	test('of one are not undone by the other’s unblocking', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await block(t, 'alice', 'bob');
		await block(t, 'bob', 'alice');
		await unblock(t, 'bob', 'alice');
		expect(
			await t.refused({
				as: 'bob',
				method: 'POST',
				path: `/p2p/conversations/${id}/messages`,
				body: { content: { text: 'x' } },
			}),
		).toEqual([403, 'blocked']);
	});
});

describe('export', () => {
	test('has the profile, every conversation, and one’s own messages only', async () => {
		using t = await createTestApp();
		const one = await t.conversation('alice', 'bob');
		const two = await t.conversation('carol', 'alice');
		await t.send('alice', one, 'mine one');
		await t.send('bob', one, 'theirs one');
		await t.send('carol', two, 'theirs two');
		await t.send('alice', two, 'mine two');
		await t.send('alice', one, 'mine three');
		const before = t.snapshot();
		const found = await t.ok<UserExport>({ as: 'alice', path: '/users/me/export' });
		expect(found.user).toEqual(await t.ok<User>({ as: 'alice', path: '/users/me' }));
		expect(found.conversations.map(({ id, messages }) => [id, messages.map(({ content }) => content.text)])).toEqual([
			[one, ['mine one', 'mine three']],
			[two, ['mine two']],
		]);
		expect(JSON.stringify(found)).not.toContain('theirs');
		expect(t.snapshot()).toBe(before);
	});
	test('reads a long history in pieces, whole', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await Promise.all(Array.from({ length: 1_100 }, (_, i) => t.send(i % 11 === 0 ? 'alice' : 'bob', id, `${i}`)));
		const found = await t.ok<UserExport>({ as: 'alice', path: '/users/me/export' });
		expect(found.conversations[0]?.messages.length).toBe(100);
		const seqs = found.conversations[0]?.messages.map(({ seq }) => seq) ?? [];
		expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
	});
});

describe('erasure', () => {
	/** Everything the database holds, as text. */
	const everything = (t: TestApp) => {
		const tables = t.rows<{ name: string }>(
			"select name from sqlite_master where type = 'table' and sql not like 'create virtual%'",
		);
		return JSON.stringify(tables.map(({ name }) => t.rows(`select * from "${name}"`)));
	};
	test('leaves no word of the user anywhere: profile, texts, earlier texts, metadata, digests', async () => {
		using t = await createTestApp();
		const made = await t.ok<User>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: {
				username: 'Xusername',
				displayName: 'Xdisplay',
				email: 'Xmail@site.com',
				externalId: 'Xexternal',
				metadata: { k: 'Xmeta' },
				avatarUrl: 'https://site.com/Xavatar',
			},
		});
		const { pk } = t.rows<{ pk: number }>('select pk from users where id = ?', made.id)[0] ?? { pk: 0 };
		t.people.set('x', { ...t.person('alice'), id: made.id, pk, username: 'Xusername' });
		await t.renew('x');
		await patch(t, 'x', { settings: { k: 'Xsetting' } });
		await t.change('x', { suspendedReason: 'Xreason' });
		const id = await t.conversation('x', 'bob');
		const first = await t.send('x', id, 'Xtext one', { metadata: { k: 'Xmessagemeta' }, clientMessageId: 'c-1' });
		await t.ok({
			as: 'x',
			method: 'PATCH',
			path: `/p2p/conversations/${id}/messages/${first.id}`,
			body: { content: { text: 'Xtext two' } },
		});
		const reply = await t.send('bob', id, 'kept', { replyTo: first.id });
		await t.ok({ as: 'x', method: 'PUT', path: `/p2p/conversations/${id}/messages/${reply.id}/reactions/👍` });
		await t.ok({ as: 'bob', method: 'PUT', path: `/p2p/conversations/${id}/messages/${first.id}/reactions/🎉` });
		await t.ok({ as: 'x', method: 'POST', path: `/users/me/blocks/${t.person('carol').id}` });
		await t.ok({ as: 'carol', method: 'POST', path: `/users/me/blocks/${made.id}` });
		expect(everything(t)).toMatch(/Xusername|Xtext one/);
		const digest =
			t.rows<{ client_digest: string }>('select client_digest from messages where id = ?', first.id)[0]
				?.client_digest ?? '?';

		await t.scenario({
			as: 'x',
			method: 'DELETE',
			path: '/users/me',
			expect: { status: 200, body: { data: { done: true } } },
		});
		const left = everything(t);
		expect(left.match(/X(username|display|mail|external|meta|avatar|setting|reason|text|message)\w*/gi)).toBeNull();
		expect(left).not.toContain(digest);
		expect(t.rows('select * from reactions')).toEqual([]);
		expect(t.rows('select * from blocks')).toEqual([]);
		expect(t.rows('select erased_at, erase.erasure_pending from users as erase where pk = ?', pk)).toEqual([
			{ erased_at: t.clock(), erasure_pending: 0 },
		]);
		// rows and numbers stay
		const { data } = await t.messages('bob', id);
		expect(data.map(({ seq, content }) => [seq, content])).toEqual([
			[1, {}],
			[2, { text: 'kept' }],
		]);
		expect(data[1]?.replyTo).toBe(first.id);
		expect((await t.see('bob', id)).messageCount).toBe(2);
	});
	test('ends every token, key of login and way back in', async () => {
		using t = await createTestApp();
		await t.visitor('vic');
		const { id } = t.person('vic');
		await t.ok({ as: 'vic', method: 'DELETE', path: '/users/me' });
		expect(await t.refused({ as: 'vic', path: '/users/me' })).toEqual([401, 'invalid_token']);
		const mint = { method: 'POST', path: '/users/chat-token', body: { userId: id } };
		for (const as of ['nobody', 'server'])
			expect(await t.refused({ as, ...mint })).toEqual([401, 'identity_proof_required']);
		const again = await t.visitor('vic');
		expect(again.id).not.toBe(id);
	});
	test('nobody can write to who is gone, or start with them', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.send('alice', id);
		await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect(
			await t.refused({
				as: 'bob',
				method: 'POST',
				path: `/p2p/conversations/${id}/messages`,
				body: { content: { text: 'x' } },
			}),
		).toEqual([403, 'recipient_unavailable']);
		expect((await t.see('bob', id)).participants.map(({ username }) => username)).toContainEqual(
			expect.stringMatching(/^deleted-/),
		);
		expect(
			await t.refused({
				as: 'carol',
				method: 'POST',
				path: '/p2p/conversations',
				body: { otherParticipantId: t.person('alice').id },
			}),
		).toEqual([404, 'not_found']);
	});
	test('counts no longer as unread for the others, over many pieces', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await Promise.all(Array.from({ length: 1_050 }, (_, i) => t.send('alice', id, `${i}`)));
		expect((await t.see('bob', id)).unreadCount).toBe(1_050);
		const { body } = await t.call({ as: 'alice', method: 'DELETE', path: '/users/me' });
		expect(body.success).toBe(true);
		expect((await t.see('bob', id)).unreadCount).toBe(0);
		expect(t.rows('select count(*) as n from messages where text is not null')).toEqual([{ n: 0 }]);
	});
	test('that a crash cut off is taken up again at the next start', async () => {
		using t = await createTestApp();
		const id = await t.conversation('alice', 'bob');
		await t.send('alice', id, 'secret');
		await t.change('alice', { erasedAt: t.clock(), erasurePending: true });
		await t.services.erasure.resume();
		expect(t.rows('select text from messages')).toEqual([{ text: null }]);
		const before = t.snapshot();
		await t.services.erasure.resume();
		expect(t.snapshot()).toBe(before);
	});
	test('is refused to the last superadmin', async () => {
		using t = await createTestApp();
		const before = t.snapshot();
		expect(await t.refused({ as: 'superadmin', method: 'DELETE', path: '/users/me' })).toEqual([
			409,
			'last_superadmin',
		]);
		expect(t.snapshot()).toBe(before);
	});
	test('twice at once is once', async () => {
		using t = await createTestApp();
		const replies = await Promise.all(
			Array.from({ length: 50 }, () => t.call({ as: 'alice', method: 'DELETE', path: '/users/me' })),
		);
		expect(replies.filter(({ status }) => status === 200).length).toBe(1);
		expect(replies.every(({ status }) => status === 200 || status === 401)).toBe(true);
		expect(t.rows('select ver from users where pk = ?', t.person('alice').pk)).toEqual([{ ver: 2 }]);
	});
});
