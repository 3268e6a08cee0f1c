import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = join(import.meta.dir, '../../dist/parley');
const readme = await Bun.file(join(import.meta.dir, '../../README.md')).text();
const tour = readme.split('## A tour in five minutes')[1]?.split('\n## ')[0] ?? '';
const blocks = Array.from(tour.matchAll(/```sh\n([\s\S]*?)```/g), (match) => match[1] ?? '');

let folder: string;
let server: Bun.Subprocess<'ignore', 'pipe', 'ignore'>;
let url: string;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'parley-readme-'));
	server = Bun.spawn([binary, 'serve', '--json', '--port', '0', '--data', join(folder, 'data')], {
		cwd: folder,
		stdin: 'ignore',
		stdout: 'pipe',
		stderr: 'ignore',
	});
	for await (const chunk of server.stdout) {
		url = JSON.parse(new TextDecoder().decode(chunk)).url;
		break;
	}
});
afterAll(async () => {
	server.kill('SIGTERM');
	await server.exited;
	rmSync(folder, { recursive: true, force: true });
});

describe('the README’s tour works when it is pasted', () => {
	test('block by block, with nothing but curl and a shell', async () => {
		expect(blocks.length).toBe(7);
		// what differs from a reader's machine: the port, and the program by its path instead of npx
		const script = blocks
			.join('\necho "--- block"\n')
			.replaceAll('http://127.0.0.1:4777', url)
			.replace(/^parley\(\) \{.*$/m, `parley() { '${binary}' "$@" --data '${folder}/data'; }`);
		const shell = Bun.spawn(['bash', '-eu', '-c', script], {
			cwd: folder,
			stdin: 'ignore',
			stdout: 'pipe',
			stderr: 'pipe',
		});
		const [said, complained, code] = await Promise.all([
			new Response(shell.stdout).text(),
			new Response(shell.stderr).text(),
			shell.exited,
		]);
		expect({ code, complained }).toEqual({ code: 0, complained: '' });
		const parts = said.split('--- block\n');
		expect(parts[1]).toMatch(/^pk_\S+\n$/);
		expect(parts[2]).toMatch(/^user_\w+ user_\w+\n$/);
		expect(parts[3]).toMatch(/^conv_\w+\nmsg_\w+\n$/);
		const answers = (part: number) =>
			(parts[part] ?? '')
				.trim()
				.split('\n')
				.map((line) => JSON.parse(line));
		const [unread, , read, reacted, answered] = answers(4);
		expect(unread.data.total).toBe(1);
		expect(read.data.unreadCount).toBe(0);
		expect(reacted.data.reactions).toEqual([{ emoji: '👍', count: 1, mine: true }]);
		expect(answered.data.content.text).toBe('Fine, thanks!');
		const [edited, listed, deleted, archived, found] = answers(5);
		expect(edited.data).toMatchObject({ content: { text: 'How are you, Ben?' }, isRead: true });
		expect(listed.data.total).toBe(2);
		expect(deleted.data.content).toEqual({});
		expect(archived.data.status).toBe('archived');
		expect(found.data.total).toBe(1);
		expect(answers(6)[0]).toMatchObject({ success: false, code: 'invalid_token' });
	}, 30_000);
});
