import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../../src/client/client.ts';
import type { Stats } from '../../src/modules/admin/stats.schema.ts';
import type { DeskLogin } from '../../src/modules/users/users.schema.ts';
import { appInMemory } from '../support/app-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { json, parley, saidLines } from './cli-support.ts';
import { type DemoFacts, startDemo } from './demo-support.ts';

setDefaultTimeout(60_000);
const source = [process.execPath, join(import.meta.dir, '../../src/main.ts')];
const resourceId = 'demo.localhost';

/** The agent, signed in with what the command printed. */
const agentOf = async ({ url, email, password }: Pick<DemoFacts, 'url' | 'email' | 'password'>) => {
	const made = await createClient({ url, apiKey: '' }).post<DeskLogin>('/auth/login', { resourceId, email, password });
	return createClient({ url, apiKey: made.publishableKey, token: made.chatToken });
};

test('a demo has a month of life, which the printed login shows, and leaves nothing when it is stopped', async () => {
	using folder = tempFolder();
	// settings of a server that is meant are not those of a demo
	const env = { PARLEY_DATA: join(folder.path, 'mine'), PARLEY_HOST: '0.0.0.0' };
	await using demo = await startDemo(source, { cwd: folder.path, env });
	const { facts } = demo;
	expect(facts).toMatchObject({ demo: `${facts.url}/demo`, admin: `${facts.url}/admin`, pid: demo.child.pid });
	const agent = await agentOf(facts);
	const stats = await agent.get<Stats>('/admin/stats');
	expect(stats.conversations).toMatchObject({ total: 30, p2p: 6, support: 24 });
	expect(stats.users.total).toBe(15);
	for (const status of ['open', 'inProgress', 'waiting', 'resolved', 'closed'] as const)
		expect([status, stats.tickets[status] > 0]).toEqual([status, true]);
	expect(stats.messages.total).toBeGreaterThan(90);
	expect(stats.tickets.unassigned).toBeGreaterThan(0);
	expect(stats.rating).toMatchObject({ count: 13 });
	expect(stats.medianFirstResponseSeconds).toBeGreaterThan(60);
	// most of the days had something
	expect(stats.series.filter(({ messages }) => messages > 0).length).toBeGreaterThan(20);
	const replies = await agent.get<{ total: number }>('/admin/canned-replies');
	expect(replies.total).toBe(5);
	const { data } = await agent.get<{ data: { tags: string[]; createdAt: string }[] }>('/admin/tickets', { limit: 100 });
	expect(new Set(data.flatMap(({ tags }) => tags)).size).toBeGreaterThan(5);
	const oldest = Math.min(...data.map(({ createdAt }) => Date.parse(createdAt)));
	expect(Date.now() - oldest).toBeGreaterThan(29 * 86_400_000);

	expect(existsSync(facts.data)).toBe(true);
	expect(await demo.end('SIGTERM')).toBe(0);
	expect(existsSync(facts.data)).toBe(false);
	expect(saidLines(await demo.stderr)).toEqual([]);
	expect([...new Bun.Glob('**').scanSync({ cwd: folder.path, onlyFiles: false })]).toEqual([]);
});

test('tokens of a demo are for its customers alone', async () => {
	using folder = tempFolder();
	await using demo = await startDemo(source, { cwd: folder.path });
	const { url } = demo.facts;
	const keys = new Set<string>();
	for (const name of ['leo', 'nina']) {
		const page = await (await fetch(`${url}/demo/customer?who=${name}`)).text();
		const apiKey = /data-key="(pk_[^"]+)"/.exec(page)?.[1] ?? '';
		keys.add(apiKey);
		const { identityToken } = (await (await fetch(`${url}/demo/identity?who=${name}`)).json()) as Record<
			string,
			string
		>;
		const { chatToken, user } = await createClient({ url, apiKey }).post<{
			chatToken: string;
			user: { username: string; role: string };
		}>('/users/chat-token', { identityToken });
		expect(user).toMatchObject({ username: name, role: 'user' });
		const chats = await createClient({ url, apiKey, token: chatToken }).chats({});
		expect(chats.data.length).toBeGreaterThan(0);
	}
	// one for each: their panes keep their tokens apart by it
	expect(keys.size).toBe(2);
	for (const path of ['identity', 'identity?who=sam', 'identity?who=amara', 'customer', 'customer?who=sam', 'nothing'])
		expect([path, (await fetch(`${url}/demo/${path}`)).status]).toEqual([path, 404]);
});

test('pages of a demo are shown in pages of its own server, and in no other', async () => {
	using folder = tempFolder();
	await using demo = await startDemo(source, { cwd: folder.path });
	for (const [path, ancestors, frames] of [
		['/demo', "'none'", 'DENY'],
		['/demo/customer?who=nina', "'self'", 'SAMEORIGIN'],
		['/demo/agent', "'self'", 'SAMEORIGIN'],
		['/admin', "'self'", 'SAMEORIGIN'],
		['/', "'none'", 'DENY'],
	] as const) {
		const { headers } = await fetch(demo.facts.url + path);
		expect([path, headers.get('x-frame-options')]).toEqual([path, frames]);
		expect(headers.get('content-security-policy')).toContain(`frame-ancestors ${ancestors}`);
		expect(headers.get('content-security-policy')).not.toContain('unsafe');
	}
});

test('a folder keeps its demo, and lets nobody lock others out of it', async () => {
	using folder = tempFolder();
	const args = ['--data', 'kept', '--json'];
	{
		await using first = await startDemo(source, { cwd: folder.path, args });
		const agent = await agentOf(first.facts);
		await agent.post('/users/me/password', {
			currentPassword: first.facts.password,
			newPassword: 'mine and mine alone',
		});
		expect(await first.end('SIGINT')).toBe(0);
	}
	await using second = await startDemo(source, { cwd: folder.path, args });
	const agent = await agentOf(second.facts);
	expect((await agent.get<Stats>('/admin/stats')).conversations.total).toBe(30);
	expect(existsSync(join(folder.path, 'kept'))).toBe(true);
});

test('a demo is not made beside a real site, nor by a setting', async () => {
	using folder = tempFolder();
	const cwd = folder.path;
	await json(['site', 'add', 'site.com'], { cwd });
	const { exitCode, stderr } = await parley(['demo', '--data', 'data', '--port', '0'], { cwd });
	expect(exitCode).toBe(1);
	expect(stderr).toMatch(/holds site\.com: a demo is made in a folder of its own/);

	using server = appInMemory();
	const { sites } = server.services;
	await sites.add({ resourceId, settings: { demo: true } as object });
	expect(sites.demo()).toBeUndefined();
	await sites.set(resourceId, { demo: true } as object);
	expect(sites.demo()).toBeUndefined();
	await sites.markDemo(resourceId);
	await sites.set(resourceId, { demo: false, autoCloseDays: 9 } as object);
	expect(sites.demo()).toMatchObject({ resourceId, settings: { autoCloseDays: 9 } });
	expect(sites.demo()?.settings).not.toHaveProperty('demo');
});

test('a server without a demo has no path of one', async () => {
	using server = appInMemory();
	await server.services.sites.add({ resourceId: 'site.com' });
	const told = async (path: string) => ({ ...((await (await server.get(path)).json()) as object), requestId: '' });
	const unknown = await told('/nothing');
	for (const path of [
		'/demo',
		'/demo/customer?who=nina',
		'/demo/identity?who=nina',
		'/demo/agent',
		'/assets/demo.css',
	]) {
		expect([path, (await server.get(path)).status]).toEqual([path, 404]);
		expect(await told(path)).toEqual(unknown);
	}
	expect((await server.get('/admin')).headers.get('x-frame-options')).toBe('DENY');
});

test('its text says where to look, how to sign in, and that everybody may act as its people', async () => {
	using folder = tempFolder();
	const args = ['--host', '0.0.0.0'];
	await using demo = await startDemo(source, { cwd: folder.path, args, until: 'Stop with Ctrl-C.' });
	expect(demo.printed).toMatch(/Demo +http:\/\/127\.0\.0\.1:\d+\/demo /);
	expect(demo.printed).toMatch(/Admin panel +http\S+\/admin\n/);
	expect(demo.printed).toMatch(/Email +sam@demo\.localhost\n +Password +show-me-parley\n/);
	expect(demo.printed).toContain('whoever reaches this address may act as any of its people');
	await demo.end('SIGTERM');
	expect(saidLines(await demo.stderr)).toEqual([expect.stringContaining('can act as everybody in this demo')]);
	const help = await parley(['demo', '--help'], { cwd: folder.path });
	for (const flag of ['--json', '--data', '--port', '--host']) expect(help.stdout).toContain(flag);
});
