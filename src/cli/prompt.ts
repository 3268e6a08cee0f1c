import { CommandError } from './failure.ts';

const enter = ['\r', '\n'];
const erase = ['\b', '\x7f'];
const interrupt = '\x03';
const end = '\x04';

/** ask reads a line from the terminal without showing it. */
const ask = (question: string): Promise<string> =>
	new Promise((resolve, reject) => {
		const { stdin, stderr } = process;
		const decoder = new TextDecoder();
		let typed: string[] = [];
		const finish = (settle: () => void) => {
			stdin.off('data', onData);
			stdin.setRawMode(false);
			stdin.pause();
			stderr.write('\n');
			settle();
		};
		const onData = (chunk: Uint8Array) => {
			for (const key of decoder.decode(chunk, { stream: true })) {
				if (enter.includes(key)) return finish(() => resolve(typed.join('')));
				if (key === interrupt || key === end) return finish(() => reject(new CommandError('no password was given.')));
				if (erase.includes(key)) typed = typed.slice(0, -1);
				else if (key >= ' ') typed.push(key);
			}
		};
		// note: raw before the question is seen, so that nothing typed in answer to it is shown
		stdin.setRawMode(true);
		stdin.on('data', onData);
		stdin.resume();
		stderr.write(question);
	});

/**
 * readPassword asks for a new password twice, without showing it, or takes the first line of a standard input that is
 * no terminal. It never comes from the command line, which every user of the machine can see.
 */
export const readPassword = async (): Promise<string> => {
	if (!process.stdin.isTTY) {
		const [line = ''] = (await Bun.stdin.text()).split(/\r?\n/);
		if (line === '') throw new CommandError('no password came from standard input.');
		return line;
	}
	const password = await ask('New password: ');
	if (password !== (await ask('Again: '))) throw new CommandError('the two passwords differ.');
	return password;
};
