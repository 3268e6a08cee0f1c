/** A demo that runs, from source or as the compiled program. */

const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));

/** What `parley demo --json` prints. */
export interface DemoFacts {
	url: string;
	pid: number;
	demo: string;
	admin: string;
	email: string;
	password: string;
	data: string;
}

/** startDemo waits until the demo listens on a free port. It ends with its block. */
export const startDemo = async (
	program: string[],
	{ cwd, args = ['--json'], until = '\n', env = {} }: { cwd: string; args?: string[]; until?: string; env?: object },
) => {
	const child = Bun.spawn([...program, 'demo', '--port', '0', ...args], {
		cwd,
		env: { ...plainEnv, ...env },
		stdin: 'ignore',
		stdout: 'pipe',
		stderr: 'pipe',
	});
	const stderr = new Response(child.stderr).text();
	const decoder = new TextDecoder();
	let printed = '';
	for await (const chunk of child.stdout) {
		printed += decoder.decode(chunk, { stream: true });
		if (printed.includes(until)) break;
	}
	if (!printed.includes(until)) throw new Error(`the demo did not start: ${await stderr}`);
	const end = async (signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number> => {
		child.kill(signal);
		return child.exited;
	};
	return {
		child,
		printed,
		/** Only after it has ended. */
		stderr,
		end,
		/** What it printed with --json. */
		get facts(): DemoFacts {
			return JSON.parse(printed);
		},
		[Symbol.asyncDispose]: async () => {
			// note: not by force, after which its folder would stay
			await end('SIGTERM');
		},
	};
};
