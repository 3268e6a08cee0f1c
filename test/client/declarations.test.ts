import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { typesOfClient } from '../../src/declarations.ts';
import { tempFolder } from '../support/db-support.ts';

const root = join(import.meta.dir, '../..');
const sample = (wrong: string) => `
import { createClient, Failure } from './client.js';
const client = createClient({ url: 'https://chat.site.com', apiKey: 'pk_', token: async (refused?: string) => refused ?? '' });
client.on('message.created', ({ data }) => {
	const text: string | undefined = data.content.text;
	const by: string | null = data.senderId;
	console.log(text, by, data.reactions.map(({ userIds }) => userIds.length));
});
client.on('presence', ({ data }) => console.log(data.userId, data.online));
try {
	const { seq }: { seq: number } = await client.send('conv_1', 'hello');
	console.log(seq);
} catch (error) {
	if (error instanceof Failure && error.code === 'blocked') console.log(error.status);
}
for await (const event of client.events()) if (event.type === 'ticket.updated') console.log(event.data.number);
${wrong}
`;

test('the types beside the client stand alone: a strict program compiles with them, and a wrong one does not', () => {
	using folder = tempFolder();
	const types = typesOfClient(root, join(folder.path, 'scratch'));
	writeFileSync(join(folder.path, 'client.d.ts'), types);
	writeFileSync(join(folder.path, 'client.js'), '');
	const compile = (wrong: string) => {
		const file = join(folder.path, 'sample.ts');
		writeFileSync(file, sample(wrong));
		const options = '--noEmit --ignoreConfig --strict --target esnext --module esnext --moduleResolution bundler';
		const { exitCode, stdout } = Bun.spawnSync(
			[join(root, 'node_modules/.bin/tsc'), ...options.split(' '), '--lib', 'esnext,dom', '--types', '', file],
			{ cwd: folder.path },
		);
		return { exitCode, said: stdout.toString() };
	};
	expect(types).not.toMatch(/\bfrom '|typebox/i);
	expect(compile('')).toEqual({ exitCode: 0, said: '' });
	expect(compile("client.on('message.forged', () => undefined);").said).toContain('TS2345');
	expect(compile('client.me().then((me) => me.password);').said).toContain('TS2339');
}, 30_000);
