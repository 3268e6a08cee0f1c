import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { editsPerMessageMax } from '../../src/kernel/limits.ts';
import type { AuditPage } from '../../src/modules/audit/audit.schema.ts';
import type { Ticket, TicketPage } from '../../src/modules/support/tickets.schema.ts';
import type { AccessLink } from '../../src/modules/users/users.schema.ts';
import { tempFolder } from '../support/db-support.ts';
import { createTestApp, type TestApp } from '../support/test-app.ts';

/** What attacks on tickets and the desk once found, held here so that it does not come back. */

const linkFor = (t: TestApp, as: string, user: string) =>
	t.ok<AccessLink>({ as, method: 'POST', path: `/admin/users/${t.person(user).id}/access-link` });
const useLink = (t: TestApp, accessToken: string) =>
	t.refused({
		as: 'nobody',
		method: 'POST',
		path: '/auth/access',
		body: { accessToken, email: 'new@site.com', password: 'correct horse battery' },
	});
const patchUser = (t: TestApp, as: string, user: string, body: object) =>
	t.ok({ as, method: 'PATCH', path: `/admin/users/${t.person(user).id}`, body });
const openTicket = (t: TestApp, as: string) =>
	t.ok<Ticket>({ as, method: 'POST', path: '/support/tickets', body: { subject: 'Help', initialMessage: 'hi' } });

test('an access link ends with a promotion, a suspension and the revoking of tokens', async () => {
	using t = await createTestApp();
	const first = await linkFor(t, 'admin', 'staff');
	await patchUser(t, 'superadmin', 'staff', { role: 'superadmin' });
	expect(await useLink(t, first.accessToken)).toEqual([401, 'invalid_link']);
	const second = await linkFor(t, 'superadmin', 'staff');
	await t.ok({ as: 'superadmin', method: 'POST', path: `/admin/users/${t.person('staff').id}/revoke-tokens` });
	expect(await useLink(t, second.accessToken)).toEqual([401, 'invalid_link']);
	const third = await linkFor(t, 'superadmin', 'moderator');
	await patchUser(t, 'superadmin', 'moderator', { suspended: true });
	await patchUser(t, 'superadmin', 'moderator', { suspended: false });
	expect(await useLink(t, third.accessToken)).toEqual([401, 'invalid_link']);
});

test('an access link is worth no more than who made it still is', async () => {
	for (const change of [{ role: 'moderator' }, { suspended: true }]) {
		using t = await createTestApp();
		const link = await linkFor(t, 'admin', 'staff');
		await patchUser(t, 'superadmin', 'admin', change);
		expect(await useLink(t, link.accessToken)).toEqual([401, 'invalid_link']);
	}
	using t = await createTestApp();
	const { accessToken } = await linkFor(t, 'admin', 'staff');
	expect(await useLink(t, accessToken)).toEqual([200, undefined as never]);
});

test('one of the team does not find their own ticket by the words of its notes, or by its tags', async () => {
	using t = await createTestApp();
	const { id } = await openTicket(t, 'staff');
	const path = `/support/tickets/${id}`;
	const note = { content: { text: 'embezzlement suspected' }, kind: 'note' };
	await t.ok({ as: 'moderator', method: 'POST', path: `${path}/messages`, body: note });
	await t.ok({ as: 'moderator', method: 'PATCH', path, body: { tags: ['investigation'] } });
	for (const query of ['q=embezzlement', 'tag=investigation', 'tag=investigation&sort=createdAt']) {
		const found = (as: string) => t.ok<TicketPage>({ as, path: `/admin/tickets?${query}` });
		expect([query, (await found('staff')).total]).toEqual([query, 0]);
		expect([query, (await found('moderator')).total]).toEqual([query, 1]);
	}
	expect((await t.ok<TicketPage>({ as: 'staff', path: '/admin/conversations?q=embezzlement' })).total).toBe(0);
});

test('a message of a report cannot be reported: its evidence would show the report to whom it is about', async () => {
	using t = await createTestApp();
	const chat = await t.conversation('alice', 'moderator');
	const { id } = await t.send('moderator', chat);
	const report = (as: string, path: string) =>
		t.call<{ ticketId: string }>({ as, method: 'POST', path: `${path}/report`, body: { reason: 'an insult' } });
	const { ticketId } = (await report('alice', `/p2p/conversations/${chat}/messages/${id}`)).body.data;
	const [reason] = (
		await t.ok<{ data: { id: string }[] }>({ as: 'admin', path: `/support/tickets/${ticketId}/messages` })
	).data;
	const { status, body } = await report('admin', `/support/tickets/${ticketId}/messages/${reason?.id}`);
	expect([status, body.code]).toEqual([422, 'report_impossible']);
});

test('a message is edited so often and no more, since the desk is shown all it ever said', async () => {
	using t = await createTestApp();
	const chat = await t.conversation('alice', 'bob');
	const { id } = await t.send('alice', chat, 'first');
	const edit = (text: string) =>
		t.refused({
			as: 'alice',
			method: 'PATCH',
			path: `/p2p/conversations/${chat}/messages/${id}`,
			body: { content: { text } },
		});
	for (let i = 0; i < editsPerMessageMax; i++) await edit(`text ${i}`);
	const before = t.snapshot();
	expect(await edit('once more')).toEqual([422, 'edits_exhausted']);
	expect(t.snapshot()).toBe(before);
	// the same text again is no edit
	expect(await edit(`text ${editsPerMessageMax - 1}`)).toEqual([200, undefined as never]);
});

test('what a secret key changes on one of the team, and who of the team leaves, is on the record', async () => {
	using t = await createTestApp();
	const body = { username: 'tina', externalId: '77', role: 'staff' };
	const { id } = await t.ok<{ id: string }>({ as: 'server', method: 'POST', path: '/users', body });
	const again = { username: 'tina', externalId: '77', email: 'evil@site.com' };
	await t.ok({ as: 'server', method: 'POST', path: '/users', body: again });
	await t.ok({ as: 'staff', method: 'DELETE', path: '/users/me' });
	const { data } = await t.ok<AuditPage>({ as: 'admin', path: '/admin/audit' });
	expect(data.slice(0, 2).map(({ actor, action, target }) => [actor, action, target])).toEqual([
		[t.person('staff').id, 'user.erase', t.person('staff').id],
		['key:default', 'user.update', id],
	]);
	expect(data[1]?.changes).toEqual([{ field: 'email', before: null, after: 'evil@site.com', erased: false }]);
});

test('a requester learns nothing of hidden changes by If-Match', async () => {
	using t = await createTestApp();
	const { id } = await openTicket(t, 'alice');
	const path = `/support/tickets/${id}`;
	const close = (version: string) =>
		t.refused({ as: 'alice', method: 'PATCH', path, body: { status: 'open' }, headers: { 'if-match': version } });
	const before = await close('1');
	await t.ok({ as: 'staff', method: 'PATCH', path, body: { tags: ['vip'] } });
	expect(await close('1')).toEqual(before);
});

test('who was demoted while nobody could take them off their tickets is taken off by the recurring job', async () => {
	using t = await createTestApp();
	const { id } = await openTicket(t, 'alice');
	const body = { assigneeId: t.person('staff').id };
	await t.ok({ as: 'admin', method: 'PATCH', path: `/support/tickets/${id}`, body });
	// as a crash leaves it: the role has changed, and nothing has followed
	t.sqlite.run("update users set role = 'user' where pk = ?", [t.person('staff').pk]);
	await t.services.tickets.unassignLeavers();
	expect((await t.ok<Ticket>({ as: 'admin', path: `/support/tickets/${id}` })).assigneeId).toBeNull();
});

test('words erased while another process reads the file are out of its log as soon as that has ended', async () => {
	using folder = tempFolder();
	using t = await createTestApp({ data: folder.path });
	const chat = await t.conversation('alice', 'bob');
	await t.send('alice', chat, 'pelican-canary-word');
	const bytes = () =>
		['parley.db', 'parley.db-wal'].map((name) => readFileSync(join(folder.path, name)).includes('pelican-canary'));
	const reader = new Database(join(folder.path, 'parley.db'), { readonly: true });
	reader.run('BEGIN');
	reader.query('select count(*) from messages').get();
	await t.ok({ as: 'alice', method: 'DELETE', path: '/users/me' });
	expect(bytes()).toContain(true);
	reader.run('COMMIT');
	reader.close();
	await t.services.erasure.resume();
	expect(bytes()).toEqual([false, false]);
});

test('an erasure that a storage error cut off goes on with the recurring job', async () => {
	using t = await createTestApp();
	const chat = await t.conversation('alice', 'bob');
	await t.send('alice', chat, 'pelican');
	t.sqlite.run(
		"create temp trigger broken before update of text on messages begin select raise(abort, 'the disk is gone'); end",
	);
	expect((await t.call({ as: 'alice', method: 'DELETE', path: '/users/me' })).status).toBe(500);
	t.sqlite.run('drop trigger broken');
	expect(t.rows("select 1 from messages where text = 'pelican'")).toHaveLength(1);
	await t.services.erasure.resume();
	expect(t.rows("select 1 from messages where text = 'pelican'")).toHaveLength(0);
	expect(t.rows('select 1 from users where erasure_pending = 1')).toHaveLength(0);
});
