import { Database } from 'bun:sqlite';
import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { tempFolder } from '../support/db-support.ts';
import { json, live, parley } from './cli-support.ts';

setDefaultTimeout(30_000);

interface Verdict {
	resourceId: string;
	entries: number;
	head: string;
	broken: { id: number; reason: string } | null;
}
const file = (folder: string) => join(folder, 'data', 'parley.db');
/** Two sites with some acts of the operator each. */
const twoSites = async (folder: string) => {
	const at = { cwd: folder };
	for (const [i, site] of ['one.com', 'two.com'].entries()) {
		await json(['site', 'add', site, '--data', 'data'], at);
		for (let days = 1; days <= 2 + i; days++)
			await json(['site', 'set', site, '--auto-close-days', String(days), '--data', 'data'], at);
	}
	return at;
};
const change = (folder: string, sql: string) => {
	const db = new Database(file(folder));
	db.run(sql);
	db.close();
};

test('parley doctor audit tells of every site that its audit is whole, and ends with 0', async () => {
	using folder = tempFolder();
	const at = await twoSites(folder.path);
	const told = await json<Verdict[]>(['doctor', 'audit', '--data', 'data'], at);
	const sites = told.filter(({ entries }) => entries > 0);
	expect(sites).toEqual([
		{ resourceId: 'one.com', entries: 2, head: expect.stringMatching(/^[0-9a-f]{64}$/), broken: null },
		{ resourceId: 'two.com', entries: 3, head: expect.stringMatching(/^[0-9a-f]{64}$/), broken: null },
	]);
	const { exitCode, stdout, stderr } = await parley(['doctor', 'audit', '--data', 'data'], at);
	expect([exitCode, stderr]).toEqual([0, '']);
	for (const { resourceId, head } of sites)
		expect(stdout).toMatch(new RegExp(`${resourceId}.*whole.*${head.slice(0, 16)}`));
});

test('parley doctor audit ends with 1 and says where, whichever site was tampered with and how', async () => {
	using folder = tempFolder();
	const at = await twoSites(folder.path);
	for (const [sql, broken] of [
		// a value that is gone may have gone with a user
		['delete from audit_values where entry = (select pk from audit_log where seq = 3 and site = 2)', null],
		["update audit_log set actor = 'key:shop' where seq = 2 and site = 2", { id: 2, reason: 'was changed' }],
		["update audit_values set after = '99'", { id: 1, reason: 'has another value of autoCloseDays than was noted' }],
	] as const) {
		change(folder.path, sql);
		const [human, machine] = await Promise.all([
			parley(['doctor', 'audit', '--data', 'data'], at),
			parley(['doctor', 'audit', '--data', 'data', '--json'], at),
		]);
		const told = (JSON.parse(machine.stdout) as Verdict[]).find((row) => row.resourceId === 'two.com');
		expect([sql, told?.broken]).toEqual([sql, broken]);
		expect([sql, human.exitCode, machine.exitCode]).toEqual([sql, broken ? 1 : 0, broken ? 1 : 0]);
		if (!broken) continue;
		expect(human.stdout).toContain(`BROKEN: entry ${broken.id} ${broken.reason}`);
		expect(human.stderr).toContain(`does not hold from entry ${broken.id} on`);
	}
});

test('parley doctor audit makes no folder, and says that there is none', async () => {
	using folder = tempFolder();
	const { exitCode, stderr } = await parley(['doctor', 'audit', '--data', 'nowhere'], { cwd: folder.path });
	expect([exitCode, stderr.includes('there is no data in')]).toEqual([1, true]);
	expect(await Bun.file(join(folder.path, 'nowhere', 'parley.db')).exists()).toBe(false);
});

test('parley doctor audit reads beside a server at work, and after an erasure', async () => {
	await using server = await live();
	const { secretKey = '' } = await json(['site', 'add', 'shop.com'], server.in);
	const call = async (path: string, method: string, body?: object) => {
		for (let i = 0; i < 50; i++) {
			const reply = await server.api(path, { method, 'x-api-key': secretKey, body });
			// the site is known to the server within a second
			if (reply.status !== 401) return ((await reply.json()) as { data: { id: string } }).data;
			await Bun.sleep(50);
		}
		throw new Error(`${path} is refused`);
	};
	const { id } = await call('/users', 'POST', { username: 'ursula' });
	const whole = async () =>
		(await json<Verdict[]>(['doctor', 'audit'], server.in)).find(({ resourceId }) => resourceId === 'shop.com');
	await call(`/admin/users/${id}`, 'PATCH', { suspended: true, reason: 'spam' });
	const before = await whole();
	expect(before).toMatchObject({ entries: 1, broken: null });
	await call(`/admin/users/${id}`, 'DELETE');
	expect(await whole()).toMatchObject({ entries: 2, broken: null });
	const many = Array.from({ length: 30 }, (_, i) => call('/admin/site', 'PATCH', { autoCloseDays: i + 1 }));
	const meanwhile = await whole();
	await Promise.all(many);
	expect(meanwhile?.broken).toBeNull();
	expect(await whole()).toMatchObject({ entries: 32, broken: null });
});
