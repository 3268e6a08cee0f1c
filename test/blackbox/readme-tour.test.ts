import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

const binary = join(import.meta.dir, '../../dist/parley');
const readme = await Bun.file(join(import.meta.dir, '../../README.md')).text();
const section = (heading: string): string => readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
const blocksOf = (text: string, language: string): string[] =>
	Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')), ([, block]) => block ?? '');
const tour = blocksOf(section('A tour in five minutes'), 'sh');
const live = blocksOf(section('Real time'), 'sh');
const [chat = ''] = blocksOf(section('Real time'), 'js');

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
/** Programs that wait for input: ended even where their test is not. */
const terminals: Bun.Subprocess[] = [];
afterAll(async () => {
	for (const program of terminals) program.kill();
	server.kill('SIGTERM');
	await server.exited;
	rmSync(folder, { recursive: true, force: true });
});

describe('the README’s tour works when it is pasted', () => {
	test('block by block, with nothing but curl and a shell', async () => {
		expect(tour.length).toBe(13);
		expect(live.length).toBe(4);
		writeFileSync(join(folder, 'chat.js'), chat.replaceAll('http://127.0.0.1:4777', url));
		// what differs from a reader's machine: the port, programs by their paths instead of npx, and for Ctrl-C a clock
		const script = [...tour, ...live]
			.join('\necho "--- block"\n')
			.replaceAll('http://127.0.0.1:4777', url)
			.replace(/^parley\(\) \{.*$/m, `parley() { '${binary}' "$@" --data '${folder}/data'; }`)
			.replace('npx -y bun@1.4.5 chat.js', `'${process.execPath}' chat.js`)
			.replace(/^curl -sSN .*$/m, (line) => `timeout 3 ${line} || [ $? = 124 ]`);
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

		expect(parts[6]).toMatch(/^user_\w+\n$/);
		const stan = (parts[6] ?? '').trim();
		expect(parts[7]).toMatch(/^ticket_\w+\n$/);
		const ticket = (parts[7] ?? '').trim();
		const [unsolved, taken, note, reply] = answers(8);
		expect(unsolved.data).toMatchObject({ total: 1, data: [{ id: ticket, status: 'open', priority: 'high' }] });
		expect(taken.data).toMatchObject({ assigneeId: stan, tags: ['card'] });
		expect(note.data).toMatchObject({ kind: 'note', noteSeq: 1, content: { text: 'Her card has expired.' } });
		expect(reply.data).toMatchObject({ kind: 'text', content: { text: 'Please try it with another card.' } });
		const [toRead, seen, thanks] = answers(9);
		expect(toRead.data).toMatchObject({ total: 1, conversations: [{ id: ticket, unreadCount: 1 }] });
		expect(seen.data.data.map((message: { content: object }) => message.content)).toEqual([
			{ text: 'Need help...' },
			{ text: 'Please try it with another card.' },
			{ text: 'The ticket is now in progress.' },
		]);
		expect(parts[9]).not.toContain('expired');
		expect(thanks.data.content.text).toBe('That works!');
		const [resolved, rated, own] = answers(10);
		expect(resolved.data).toMatchObject({ status: 'resolved', firstResponseAt: reply.data.createdAt });
		expect(rated.data.rating).toMatchObject({ score: 5, comment: 'Quick and friendly.' });
		expect(own.data).toMatchObject({ total: 1, data: [{ id: ticket, status: 'resolved' }] });
		const checked = parts[11] ?? '';
		const [all, annas, stats, audit] = checked
			.trim()
			.split('\n')
			.slice(0, 4)
			.map((line) => JSON.parse(line));
		expect(all.data.data.map(({ type }: { type: string }) => type)).toEqual(['support', 'p2p']);
		expect(annas.data.total).toBe(2);
		expect(stats.data).toMatchObject({ totalConversations: 2, unreadCount: 1, rating: { average: 5, count: 1 } });
		expect(audit.data.data.map(({ action }: { action: string }) => action)).toEqual([
			'user.conversations',
			'ticket.update',
			'ticket.update',
			'token.mint',
			'user.create',
		]);
		expect(checked).toMatch(/\nlocalhost +5 +whole /);
		expect(answers(12)[0]).toMatchObject({ success: false, code: 'invalid_token' });

		// Ben has the end of the input at once: he sees what was said, and goes
		expect(parts[13]).toBe('they: (deleted)\nme: Fine, thanks!\n');
		const cursor = (parts[14] ?? '').trim();
		expect(cursor).toMatch(/^\w+\.\d+\.\w+$/);
		const [asked, polled] = answers(15);
		const { id } = asked.data;
		expect(polled.data).toMatchObject({ hasMore: false, reset: false });
		expect(polled.data.data[0]).toMatchObject({ type: 'message.created', data: { id } });
		const streamed = (parts[16] ?? '').split('\n\n').map((chunk) => /^event: (\S+)$/m.exec(chunk)?.[1]);
		expect(streamed).toContain('ready');
		expect(streamed.slice(streamed.indexOf('ready') + 1)).toEqual([
			...polled.data.data.map(({ type }: { type: string }) => type),
			'caught_up',
			undefined,
		]);
		expect(parts[16]).toContain(`id: ${polled.data.data[0].id}\nevent: message.created\ndata: {`);
	}, 30_000);
});

/** A call of the API; its data. */
const call = async <T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> => {
	const response = await fetch(`${url}/api/v1${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify(body),
	});
	return ((await response.json()) as { data: T }).data;
};
/** The lines that a program says, one after the other. */
const linesOf = (program: Bun.Subprocess<'pipe', 'pipe', 'pipe'>) => {
	const lines = createInterface({ input: Readable.fromWeb(program.stdout as never) })[Symbol.asyncIterator]();
	return async () => (await lines.next()).value as string | undefined;
};

describe('the README’s chat works as it is written', () => {
	test('two people at two terminals read each other’s lines as they are sent', async () => {
		const key = JSON.parse(
			await new Response(
				Bun.spawn([binary, 'key', 'list', 'localhost', '--json', '--data', join(folder, 'data')], { stdout: 'pipe' })
					.stdout,
			).text(),
		).find(({ kind }: { kind: string }) => kind === 'publishable').key as string;
		const [cleo, dan] = await Promise.all(
			['cleo', 'dan'].map(async (username) => {
				const { id } = await call<{ id: string }>('/users', { resourceId: 'localhost', username });
				return { id, token: (await call<{ chatToken: string }>('/users/chat-token', { userId: id })).chatToken };
			}),
		);
		if (!cleo || !dan) throw new Error('there is nobody to chat');
		const conversation = await call<{ id: string }>(
			'/p2p/conversations',
			{ otherParticipantId: dan.id },
			{ 'x-api-key': key, authorization: `Bearer ${cleo.token}` },
		);
		await Bun.write(join(folder, 'client.js'), await fetch(`${url}/client.js`));
		writeFileSync(join(folder, 'chat.js'), chat.replaceAll('http://127.0.0.1:4777', url));
		const sit = ({ token }: { token: string }) => {
			const program = Bun.spawn([process.execPath, 'chat.js'], {
				cwd: folder,
				env: { ...process.env, KEY: key, TOKEN: token, CHAT: conversation.id },
				stdin: 'pipe',
				stdout: 'pipe',
				stderr: 'pipe',
			});
			terminals.push(program);
			return program;
		};
		const one = sit(cleo);
		const two = sit(dan);
		const [heardByOne, heardByTwo] = [linesOf(one), linesOf(two)];
		for (const [speaker, text] of [
			[one, 'Hello?'],
			[two, 'Here I am.'],
			[one, 'Good.'],
		] as const) {
			speaker.stdin.write(`${text}\n`);
			speaker.stdin.flush();
			const [first, second] = await Promise.all([heardByOne(), heardByTwo()]);
			expect([first, second]).toEqual(
				speaker === one ? [`me: ${text}`, `they: ${text}`] : [`they: ${text}`, `me: ${text}`],
			);
		}
		one.stdin.end();
		two.stdin.end();
		expect(await Promise.all([one, two].map(({ exited }) => exited))).toEqual([0, 0]);
		expect(await Promise.all([one, two].map(({ stderr }) => new Response(stderr).text()))).toEqual(['', '']);
	}, 30_000);
});

const help = async (...command: string[]): Promise<string> => {
	const child = Bun.spawn([binary, ...command, '--help'], { stdout: 'pipe', stderr: 'ignore' });
	return await child.stdout.text();
};
/** What a help text lists under a heading. */
const listed = (text: string, heading: 'Commands' | 'Options'): string[] =>
	Array.from(
		(text.split(`${heading}:\n`)[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}(?:-\w, )?([\w-]+)/gm),
		([, name]) => name ?? '',
	);

test('the README names every command, and every setting of a site', async () => {
	const block = readme.split('## The command line\n\n```\n')[1]?.split('```')[0] ?? '';
	const named = [...block.matchAll(/^parley (.+?)(?: {2,}|$)/gm)].flatMap(([, command = '']) => {
		if (command.includes(' | ')) return command.split(' | ');
		const [group = '', parts] = command.split(' ');
		return parts ? parts.split('|').map((part) => `${group} ${part}`) : [group];
	});
	const known: string[] = [];
	for (const command of listed(await help(), 'Commands').filter((name) => name !== 'help')) {
		const parts = listed(await help(command), 'Commands').filter((name) => name !== 'help');
		known.push(...(parts.length > 0 ? parts.map((part) => `${command} ${part}`) : [command]));
	}
	expect(named.sort()).toEqual(known.sort());

	const settings = listed(await help('site', 'add'), 'Options').filter(
		(name) => !['--data', '--json', '--help'].includes(name),
	);
	expect(settings.length).toBeGreaterThan(3);
	expect(settings.filter((name) => !section('Configuration').includes(`\`${name}\``))).toEqual([]);
});
