import { describe, expect, test } from 'bun:test';
import { hour, minute } from '../../../src/kernel/clock.ts';
import type { FailureCode } from '../../../src/kernel/errors.ts';
import { flags, type Role, roles } from '../../../src/kernel/roles.ts';
import type { SignupMode } from '../../../src/modules/sites/sites.schema.ts';
import type { User } from '../../../src/modules/users/users.schema.ts';
import { type As, createTestApp, type TestApp } from '../../support/test-app.ts';

const create = (t: TestApp, as: As, body: object, headers: Record<string, string> = {}) =>
	t.call<User>({ as, method: 'POST', path: '/users', body, headers });
/** A creation in short: its status, and the code of a refusal. */
const outcome = async (t: TestApp, as: As, body: object): Promise<[number, FailureCode | undefined]> => {
	const reply = await create(t, as, body);
	return [reply.status, reply.body.code];
};
/** What must be refused, and change nothing. */
const refuse = async (t: TestApp, as: As, body: object, status: number, code: FailureCode) => {
	const before = t.snapshot();
	expect([JSON.stringify(body), ...(await outcome(t, as, body))]).toEqual([JSON.stringify(body), status, code]);
	expect(t.snapshot()).toBe(before);
};

describe('1. the site of a creation', () => {
	test('is the one of the resourceId, and a user of it comes back with 201', async () => {
		using t = await createTestApp();
		const body = { resourceId: 'site.com', username: 'john_doe', email: 'john@example.com' };
		await t.scenario<User>({
			as: 'nobody',
			method: 'POST',
			path: '/users',
			body,
			expect: {
				status: 201,
				body: {
					success: true,
					data: {
						...body,
						role: 'user',
						verified: false,
						externalId: null,
						suspended: false,
						createdAt: '2026-03-01T12:00:00.000Z',
					},
				},
				events: [{ type: 'user.created', site: 'site.com', userA: 'john_doe', userB: null, detail: null }],
			},
		});
	});
	test('is the one of the key, with or without a resourceId that agrees', async () => {
		using t = await createTestApp();
		expect((await create(t, 'key', { username: 'ann' })).body.data.resourceId).toBe('site.com');
		expect((await create(t, 'key', { username: 'ben', resourceId: 'site.com' })).status).toBe(201);
		await refuse(t, 'key', { username: 'cem', resourceId: 'other.org' }, 400, 'invalid_request');
		await refuse(t, 'server', { username: 'cem', resourceId: 'nowhere.test' }, 400, 'invalid_request');
	});
	test('must be named without a key, and must exist', async () => {
		using t = await createTestApp();
		await refuse(t, 'nobody', { username: 'ann' }, 400, 'invalid_request');
		await refuse(t, 'nobody', { username: 'ann', resourceId: 'nowhere.test' }, 404, 'site_not_found');
		await refuse(t, 'nobody', { username: 'ann', resourceId: 'site.com.evil' }, 404, 'site_not_found');
	});
	test('the same username on another site is another user', async () => {
		using t = await createTestApp();
		const [a, b] = [
			await create(t, 'nobody', { username: 'ann', resourceId: 'site.com' }),
			await create(t, 'nobody', { username: 'ann', resourceId: 'other.org' }),
		];
		expect([a.status, b.status]).toEqual([201, 201]);
		expect(a.body.data.id).not.toBe(b.body.data.id);
	});
});

describe('2. and 3. who may make which role', () => {
	const modes: SignupMode[] = ['open', 'signed', 'server'];
	const callers = ['key', 'identity', 'alice', 'staff', 'moderator', 'admin', 'superadmin', 'server'] as const;
	/** Written out, not worked out: which roles each caller may make. `-` none. */
	const table: Record<SignupMode, Record<(typeof callers)[number], string>> = {
		open: {
			key: 'user',
			identity: 'user',
			alice: 'user',
			staff: 'user',
			moderator: 'user',
			admin: 'user staff moderator',
			superadmin: 'user staff moderator admin superadmin',
			server: 'user staff moderator admin superadmin',
		},
		signed: {
			key: '-',
			identity: 'user',
			alice: '-',
			staff: '-',
			moderator: '-',
			admin: 'staff moderator',
			superadmin: 'staff moderator admin superadmin',
			server: 'user staff moderator admin superadmin',
		},
		server: {
			key: '-',
			identity: '-',
			alice: '-',
			staff: '-',
			moderator: '-',
			admin: 'staff moderator',
			superadmin: 'staff moderator admin superadmin',
			server: 'user staff moderator admin superadmin',
		},
	};
	const codes = (mode: SignupMode, role: Role, as: string): FailureCode[] =>
		role === 'user'
			? [mode === 'server' ? 'signup_closed' : 'signup_signed']
			: as === 'admin'
				? ['rank_too_low']
				: ['forbidden'];
	for (const mode of modes)
		test(`in mode ${mode} every caller makes exactly the roles below them, and nobody is made less than asked`, async () => {
			using t = await createTestApp({}, { site: { signup: mode } });
			for (const as of callers)
				for (const role of roles) {
					const username = `new ${as} ${role}`.replaceAll(
						/staff|moderator|admin|superadmin|server/g,
						(word) => `${word}x`,
					);
					const body = { username, role, ...(as === 'identity' && { identityToken: t.identityToken(`sub-${role}`) }) };
					const may = table[mode][as].split(' ').includes(role);
					const before = t.snapshot();
					const reply = await create(t, as === 'identity' ? 'key' : as, body);
					expect([mode, as, role, reply.status]).toEqual([mode, as, role, may ? 201 : 403]);
					if (may) {
						expect(reply.body.data.role).toBe(role);
						// the word of the site's server, or of the desk for its own, is what verifies
						expect(reply.body.data.verified).toBe(as === 'server' || as === 'identity' || role !== 'user');
					} else {
						await t.written();
						expect([mode, as, role, codes(mode, role, as).includes(reply.body.code)]).toEqual([mode, as, role, true]);
						expect(reply.body.data).toBeUndefined();
						if (as !== 'server') expect(t.snapshot()).toBe(before);
					}
				}
		});
	test('a desk user cannot grant a permission they lack, not even below their rank', async () => {
		using t = await createTestApp();
		await t.change('admin', { permissions: { canDeleteMessage: false } });
		const body = { username: 'newcomer', role: 'staff' };
		await refuse(t, 'admin', { ...body, permissions: { canDeleteMessage: true } }, 403, 'permission_missing');
		expect(await outcome(t, 'admin', { ...body, permissions: { canDeleteMessage: false } })).toEqual([201, undefined]);
	});
	test('a demotion acts on the next call, also inside the transaction', async () => {
		using t = await createTestApp();
		await t.change('admin', { role: 'staff' });
		await refuse(t, 'admin', { username: 'newcomer', role: 'staff' }, 403, 'forbidden');
		await t.change('superadmin', { suspendedAt: t.clock() });
		await refuse(t, 'superadmin', { username: 'newcomer', role: 'staff' }, 403, 'user_suspended');
	});
	test('a token of another site makes nobody here', async () => {
		using t = await createTestApp();
		const reply = await create(
			t,
			'key',
			{ username: 'newcomer', role: 'staff' },
			{
				authorization: `Bearer ${t.person('other.superadmin').token}`,
			},
		);
		expect([reply.status, reply.body.code]).toEqual([401, 'wrong_site']);
	});
});

describe('4. permissions', () => {
	test('are accepted without effect for a user: the sample body of the first page runs, all five are on', async () => {
		using t = await createTestApp();
		const permissions = {
			canSendMessage: false,
			canReceiveMessage: false,
			canDeleteMessage: false,
			canEditMessage: false,
			canArchiveConversation: false,
		};
		const { status, body } = await create(t, 'nobody', {
			resourceId: 'site.com',
			username: 'john_doe',
			role: 'user',
			permissions,
		});
		expect(status).toBe(201);
		expect(Object.values(body.data.permissions)).toEqual([true, true, true, true, true]);
		expect(t.rows('select permissions from users where id = ?', body.data.id)).toEqual([{ permissions: null }]);
	});
	test('are the five, by name: others are left out', async () => {
		using t = await createTestApp();
		const permissions = { canEditMessage: false, canFly: true, __proto: 'x', toString2: [1] };
		for (const as of ['server', 'superadmin']) {
			const made = (await create(t, as, { username: `by ${as}x`, role: 'staff', permissions })).body.data;
			expect(t.rows('select permissions from users where id = ?', made.id)).toEqual([
				{ permissions: '{"canEditMessage":false}' },
			]);
		}
		for (const wrong of ['text', 1, [], { canEditMessage: 'no' }, { canEditMessage: null }, null])
			await refuse(t, 'server', { username: 'x', role: 'staff', permissions: wrong }, 400, 'invalid_request');
	});
	test('count for the desk: what is not named is on, and the answer shows all five', async () => {
		using t = await createTestApp();
		const body = { username: 'newcomer', role: 'staff', permissions: { canEditMessage: false } };
		const made = (await create(t, 'server', body)).body.data;
		expect(made.permissions).toEqual({
			...Object.fromEntries(flags.map((flag) => [flag, true])),
			canEditMessage: false,
		} as User['permissions']);
	});
});

describe('5. externalId', () => {
	test('needs a secret key, or the sub of an identity token', async () => {
		using t = await createTestApp();
		await refuse(t, 'key', { username: 'ann', externalId: 'u-1' }, 403, 'proof_required');
		await refuse(t, 'superadmin', { username: 'ann', externalId: 'u-1' }, 403, 'proof_required');
		const identityToken = t.identityToken('u-1');
		await refuse(t, 'key', { username: 'ann', externalId: 'u-2', identityToken }, 403, 'proof_required');
		expect((await create(t, 'key', { username: 'ann', externalId: 'u-1', identityToken })).body.data).toMatchObject({
			externalId: 'u-1',
			verified: true,
		});
		expect((await create(t, 'server', { username: 'ben', externalId: 'u-2' })).body.data).toMatchObject({
			externalId: 'u-2',
			verified: true,
		});
		// an identity token alone gives its sub
		expect(
			(await create(t, 'key', { username: 'cem', identityToken: t.identityToken('u-3') })).body.data.externalId,
		).toBe('u-3');
	});
	test('the same again gives 200 and the same user, with profile fields updated, never role, permissions or suspension', async () => {
		using t = await createTestApp();
		const first = (
			await create(t, 'server', {
				username: 'ann',
				externalId: 'u-1',
				role: 'staff',
				permissions: { canEditMessage: false },
			})
		).body.data;
		t.people.set('ann', {
			...t.person('alice'),
			id: first.id,
			pk: t.rows<{ pk: number }>('select pk from users where id = ?', first.id)[0]?.pk ?? 0,
		});
		await t.change('ann', { suspendedAt: t.clock() });
		t.advance(minute);
		const again = await t.scenario<User>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: {
				username: 'anna',
				externalId: 'u-1',
				role: 'admin',
				permissions: { canEditMessage: true },
				displayName: 'Anna',
				email: 'anna@site.com',
				metadata: { plan: 'pro' },
				avatarUrl: 'https://site.com/anna.png',
			},
			expect: { status: 200, events: [{ type: 'user.updated', userA: 'anna' }] },
		});
		expect(again.data).toEqual({
			...first,
			username: 'anna',
			displayName: 'Anna',
			email: 'anna@site.com',
			metadata: { plan: 'pro' },
			avatarUrl: 'https://site.com/anna.png',
			suspended: true,
			updatedAt: '2026-03-01T12:01:00.000Z',
		});
		// nothing new in it: nothing is written
		const before = t.snapshot();
		expect(await outcome(t, 'server', { username: 'anna', externalId: 'u-1' })).toEqual([200, undefined]);
		expect(t.snapshot()).toBe(before);
	});
	test('an identity token for a known sub gives 200 and no other role', async () => {
		using t = await createTestApp();
		const made = (await create(t, 'server', { username: 'ann', externalId: 'u-1' })).body.data;
		const again = await create(t, 'key', { username: 'ann', identityToken: t.identityToken('u-1', { role: 'admin' }) });
		expect([again.status, again.body.data.id, again.body.data.role]).toEqual([200, made.id, 'user']);
		await refuse(t, 'key', { username: 'x', role: 'staff', identityToken: t.identityToken('u-9') }, 403, 'forbidden');
	});
	test('is the site’s own: another site has its own users by it', async () => {
		using t = await createTestApp();
		const here = await create(t, 'server', { username: 'ann', externalId: 'u-1' });
		const there = await create(t, 'nobody', { username: 'ann', externalId: 'u-1' }, { 'x-api-key': t.other.secretKey });
		expect([here.status, there.status]).toEqual([201, 201]);
		const reply = await create(t, 'key', { username: 'x', identityToken: t.identityToken('u-1', {}, t.other) });
		expect([reply.status, reply.body.code]).toEqual([401, 'wrong_site']);
	});
	test('a secret key without externalId finds again whom it made by the username, and nobody else', async () => {
		using t = await createTestApp();
		const made = await create(t, 'server', { username: 'ann' });
		const again = await create(t, 'server', { username: 'ANN', displayName: 'Ann' });
		expect([made.status, again.status, again.body.data.id]).toEqual([201, 200, made.body.data.id]);
		// alice was made by somebody else, and is verified
		await refuse(t, 'server', { username: 'alice' }, 409, 'username_taken');
		await create(t, 'server', { username: 'ext', externalId: 'u-1' });
		await refuse(t, 'server', { username: 'ext' }, 409, 'username_taken');
	});
	test('50 creations at once with one externalId make one user', async () => {
		using t = await createTestApp();
		const replies = await Promise.all(
			Array.from({ length: 50 }, () => create(t, 'server', { username: 'ann', externalId: 'u-1' })),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ status }) => status === 200).length).toBe(49);
		expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
	});
});

describe('6. names', () => {
	test('50 visitors at once who want one name: one has it', async () => {
		using t = await createTestApp();
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) => create(t, 'key', { username: i % 2 ? 'Zoe' : 'zoe' })),
		);
		expect(replies.filter(({ status }) => status === 201).length).toBe(1);
		expect(replies.filter(({ body }) => body.code === 'username_taken').length).toBe(49);
		expect(t.rows("select count(*) as n from users where username_key = 'zoe'")).toEqual([{ n: 1 }]);
	});
	test('are stored as NFKC, trimmed, and unique by casefold', async () => {
		using t = await createTestApp();
		expect((await create(t, 'key', { username: '  ＪＯＨＮ ' })).body.data.username).toBe('JOHN');
		for (const username of ['john', 'John', 'ｊｏｈｎ', ' john'])
			await refuse(t, 'key', { username }, 409, 'username_taken');
		expect((await create(t, 'key', { username: 'Straße' })).status).toBe(201);
		await refuse(t, 'key', { username: 'STRASSE' }, 409, 'username_taken');
		const { body } = await create(t, 'key', { username: 'alice' });
		expect(body.message).toContain('come back');
	});
	test('a proven creation moves an unverified holder aside, who keeps everything else', async () => {
		using t = await createTestApp();
		const visitor = await t.visitor('ann');
		const reply = await t.scenario<User>({
			as: 'server',
			method: 'POST',
			path: '/users',
			body: { username: 'Ann', externalId: 'u-1' },
			expect: { status: 201, body: { data: { username: 'Ann' } }, events: ['user.updated', 'user.created'] },
		});
		expect(reply.data.id).not.toBe(visitor.id);
		const moved = await t.ok<User>({ as: 'ann', path: '/users/me' });
		expect(moved.username).toMatch(/^ann-[23456789a-z]{4}$/);
		expect(moved.id).toBe(visitor.id);
	});
	test('a verified holder keeps the name', async () => {
		using t = await createTestApp();
		await refuse(t, 'server', { username: 'alice', externalId: 'u-1' }, 409, 'username_taken');
		await refuse(t, 'superadmin', { username: 'alice', role: 'staff' }, 409, 'username_taken');
		await t.visitor('vic');
		expect(await outcome(t, 'superadmin', { username: 'vic', role: 'staff' })).toEqual([201, undefined]);
	});
	test('an unverified user takes neither a reserved name nor one that looks like the desk’s', async () => {
		using t = await createTestApp();
		await t.change('moderator', { displayName: 'Mona Lisa' });
		const names = [
			'admin',
			'Admin',
			'ADMIN',
			'аdmin'.replace('а', 'ａ'),
			'adm1n',
			'4dm1n',
			'a.d.m.i.n',
			'support',
			'Support Team',
			'site.com',
			'site',
			'www.site.com',
			'site.com-support',
			'system',
			'moderator',
			'team',
			'sara',
			'SARA',
			's a r a',
			's.a.r.a',
			'5ara',
			'sará',
			'sära',
			'mona',
			'rnona',
			'Mona Lisa',
			'mona-lisa',
			'M0NA.L1SA',
			'adarn',
		];
		for (const username of names) await refuse(t, 'key', { username }, 422, 'name_reserved');
		for (const [i, displayName] of names.entries())
			await refuse(t, 'key', { username: `visitor${i}`, displayName }, 422, 'name_reserved');
		for (const username of ['saraswati', 'monalisa2x', 'administrate me', 'bobby', 'sitecore'])
			expect([username, ...(await outcome(t, 'key', { username }))]).toEqual([username, 201, undefined]);
		// the site's own server may name whom it likes
		expect(await outcome(t, 'server', { username: 'support' })).toEqual([201, undefined]);
	});
	test('look-alikes in another script are seen through', async () => {
		using t = await createTestApp();
		await t.add('desk', { role: 'staff', username: 'coco' });
		for (const username of ['сосо', 'СОСО', 'СоСо'])
			expect([username, ...(await outcome(t, 'key', { username }))]).toEqual([username, 422, 'name_reserved']);
		for (const displayName of ['сoco', 'Ѕara', 'ѕаrа', 'аdmin', 'Supроrt', 'ᴀdmin'.replace('ᴀ', 'а')])
			await refuse(t, 'key', { username: 'visitor', displayName }, 422, 'name_reserved');
	});
	test('characters that cannot be seen, or do not belong together, are refused', async () => {
		using t = await createTestApp();
		const names = [
			'a\u200bb',
			'a\u200db',
			'a\u202eb',
			'\u2066ab',
			'a\u00adb',
			'a\tb',
			'a\nb',
			'\u3164',
			'a\u034fb',
			'\u2800',
			'   ',
			'a\ufeffb',
			'a\u0085b',
			'a\ue000b',
			'a😀',
			'a/b',
			'a<b>',
			"a'b",
			'a"b',
			'a,b',
			'a#b',
			'a:b',
			'pаypal',
			'Αlice',
			'x'.repeat(65),
		];
		for (const username of names) {
			const [status, code] = await outcome(t, 'key', { username });
			expect([encodeURIComponent(username), status, code]).toEqual([encodeURIComponent(username), 422, 'name_invalid']);
		}
		for (const displayName of ['a\u200bb', 'a\u202eb', '\u3164', 'a\nb', ' \u2800 '])
			expect(await outcome(t, 'key', { username: 'ok', displayName })).toEqual([422, 'name_invalid']);
		const good = ['x'.repeat(64), 'Ünïcode', '田中 太郎', 'রহিম', 'Мария', 'Ελένη', 'a_b-c.d@e+f', 'Ann 2', 'हिन्दी'];
		for (const username of good)
			expect([username, ...(await outcome(t, 'key', { username }))]).toEqual([username, 201, undefined]);
		expect(await outcome(t, 'key', { username: 'emoji', displayName: 'Ann 😀 ❤️' })).toEqual([201, undefined]);
	});
	test('an email is no identity: many may give the same, and nobody comes in by it', async () => {
		using t = await createTestApp();
		for (const username of ['ann', 'ben'])
			expect(await outcome(t, 'key', { username, email: 'x@site.com' })).toEqual([201, undefined]);
		const login = { resourceId: 'site.com', email: 'x@site.com', password: 'whatever it is' };
		expect(await t.refused({ as: 'nobody', method: 'POST', path: '/auth/login', body: login })).toEqual([
			401,
			'invalid_credentials',
		]);
	});
	test('an avatar is an https address on the site’s own origins', async () => {
		using t = await createTestApp();
		for (const avatarUrl of [
			'http://site.com/a.png',
			'https://evil.test/a.png',
			'https://site.com.evil.test/a',
			'javascript:alert(1)',
			'data:image/png;base64,x',
			'//site.com/a',
			'https://me@site.com/a',
			'https://site.com:444/a',
			'',
		])
			await refuse(t, 'key', { username: 'ann', avatarUrl }, 422, 'avatar_not_allowed');
		expect(
			(await create(t, 'key', { username: 'ann', avatarUrl: 'https://cdn.site.com/a.png?x=1' })).body.data.avatarUrl,
		).toBe('https://cdn.site.com/a.png?x=1');
	});
	test('metadata is a flat object of at most 20 keys and 2 KB', async () => {
		using t = await createTestApp();
		const keys = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]));
		for (const metadata of [
			keys(21),
			{ a: 'x'.repeat(2_048) },
			{ a: 'é'.repeat(1_024) },
			{ a: { b: 1 } },
			{ a: [1] },
			{ a: null },
			[],
			[1],
			'text',
			1,
			true,
			null,
		])
			await refuse(t, 'key', { username: 'ann', metadata }, 400, 'invalid_request');
		const edge = { a: 'x'.repeat(2_048 - '{"a":""}'.length) };
		for (const [i, metadata] of [keys(20), edge, { s: 'x', n: 1.5, b: false }, {}].entries())
			expect((await create(t, 'key', { username: `m${i}`, metadata })).body.data.metadata).toEqual(metadata);
	});
});

describe('7. a visitor who never came', () => {
	const there = (t: TestApp, id: string) => t.rows('select 1 from users where id = ?', id).length === 1;
	test('is deleted after an hour, by the purge', async () => {
		using t = await createTestApp();
		const { id } = await t.visitor('vic', { used: false });
		t.advance(hour);
		expect(await t.services.users.purge()).toBe(0);
		expect(there(t, id)).toBe(true);
		t.advance(1);
		expect(await t.services.users.purge()).toBe(1);
		expect(there(t, id)).toBe(false);
		expect(await t.services.users.purge()).toBe(0);
	});
	test('gives the name free at once, before any purge', async () => {
		using t = await createTestApp();
		const { id } = await t.visitor('vic', { used: false });
		await refuse(t, 'key', { username: 'vic' }, 409, 'username_taken');
		t.advance(hour + 1);
		expect(await outcome(t, 'key', { username: 'vic' })).toEqual([201, undefined]);
		expect(there(t, id)).toBe(false);
	});
	test('stays when they have called, were written to, or are vouched for', async () => {
		using t = await createTestApp();
		const used = await t.visitor('ursula');
		const met = await t.visitor('mete', { used: false });
		await t.conversation('alice', 'mete');
		const vouched = (await create(t, 'server', { username: 'vera' })).body.data;
		t.advance(10 * hour);
		expect(await t.services.users.purge()).toBe(0);
		for (const { id } of [used, met, vouched]) expect(there(t, id)).toBe(true);
	});
	test('takes the blocks against them along', async () => {
		using t = await createTestApp();
		const { id } = await t.visitor('vic', { used: false });
		await t.ok({ as: 'alice', method: 'POST', path: `/users/me/blocks/${id}` });
		t.advance(hour + 1);
		expect(await t.services.users.purge()).toBe(1);
		expect(await t.ok<{ total: number }>({ as: 'alice', path: '/users/me/blocks' })).toMatchObject({ total: 0 });
	});
	test('purges at most 500 at a time', async () => {
		using t = await createTestApp();
		await Promise.all(Array.from({ length: 501 }, (_, i) => create(t, 'key', { username: `v${i}` })));
		t.advance(hour + 1);
		expect(await t.services.users.purge()).toBe(500);
		expect(await t.services.users.purge()).toBe(1);
	});
});
