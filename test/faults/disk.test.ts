import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { tempFolder } from '../support/db-support.ts';

/** Whether this machine lets us make a file system of our own (Linux with user namespaces). */
const canMount =
	process.platform === 'linux' &&
	Bun.which('unshare') !== null &&
	Bun.spawnSync(['unshare', '-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).exitCode === 0;

/** Runs a program inside a file system of its own, mounted on `folder` with these options. */
const runOn = (folder: string, options: string, ...command: string[]) => {
	const script = `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`;
	const child = Bun.spawnSync(['unshare', '-rm', 'sh', '-c', script, folder, process.execPath, ...command]);
	return { exitCode: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
};

describe.skipIf(!canMount)('a disk', () => {
	test('that is full answers 507, loses nothing acknowledged, and is written again without a restart when there is room', () => {
		using folder = tempFolder();
		const { stdout, stderr } = runOn(folder.path, 'size=2m', join(import.meta.dir, 'disk.child.ts'), folder.path);
		expect(stderr).toBe('');
		expect(JSON.parse(stdout)).toEqual({
			failures: [
				['storage_full', 507],
				['storage_full', 507],
			],
			readable: true,
			lost: 0,
			invented: 0,
			check: 'ok',
			some: true,
		});
	});

	for (const [name, options, says] of [
		['that is read-only is refused at the start in one line', 'ro', /^DataError: the data folder .* \(EROFS\)\. .*$/m],
		[
			'that is full at the start is refused in one line',
			'size=64k',
			/^DataError: cannot open .* full \(SQLITE_FULL\)\.$/m,
		],
	] as const)
		test(name, () => {
			using folder = tempFolder();
			const code = `
				import { openStore } from ${JSON.stringify(join(import.meta.dir, '../../src/db/open.ts'))};
				import { silentLog } from ${JSON.stringify(join(import.meta.dir, '../../src/kernel/log.ts'))};
				try {
					openStore({ folder: ${JSON.stringify(folder.path)}, clock: Date.now, log: silentLog });
				} catch (error) {
					console.log(error.constructor.name + ': ' + error.message);
				}
			`;
			const { stdout } = runOn(folder.path, options, '-e', code);
			expect(stdout).toMatch(says);
			expect(stdout.trim()).not.toContain('\n');
		});
});
