/**
 * The browser that the tests drive. `bun test/browser/chromium.ts`, which `bun run check` calls, installs one where it can,
 * says in one line where it cannot, and never fails: the tests in a browser are then skipped, and say so too.
 */

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** note: Ubuntu puts a script in its place that asks for snap; only what tells its version is a browser. */
const works = (path: string): boolean =>
	Bun.spawnSync([path, '--version'], { stdout: 'ignore', stderr: 'ignore' }).exitCode === 0;
const find = (): string | null =>
	names.map((name) => Bun.which(name)).find((path) => path !== null && works(path)) ?? null;

/** The path of a Chromium on this machine; null without one. */
export const chromiumPath: string | null = find();
/** What to do where there is none. */
export const withoutChromium = 'there is no Chromium on this machine. Debian has it: apt-get install chromium';
/** sayWithout says once that tests are skipped, and why. */
export const sayWithout = (what: string): void => {
	if (chromiumPath === null) console.warn(`${what} was NOT tried in a browser: ${withoutChromium}`);
};

/** How long asking for what there is, and installing, may take: the check as a whole has a quarter of an hour. */
const updateMsMax = 60_000;
const installMsMax = 240_000;
/** Returns why it cannot be installed, or null once it is. */
const install = (): string | null => {
	const apt = Bun.which('apt-get');
	if (apt === null) return 'there is no apt-get here';
	if (process.getuid?.() !== 0) return 'only root may install it';
	console.log('Installing Chromium for the tests in a browser: apt-get install -y chromium');
	const run = (timeout: number, ...args: string[]) =>
		Bun.spawnSync([apt, ...args], {
			env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
			stdin: 'ignore',
			stdout: 'ignore',
			stderr: 'pipe',
			timeout,
		});
	// what apt knows may be old, or nothing at all in a new container; with what it knows it may still do
	run(updateMsMax, 'update');
	const { exitCode, stderr } = run(installMsMax, 'install', '-y', 'chromium');
	if (exitCode === 0) return find() === null ? 'what was installed does not start' : null;
	return stderr.toString().trim().split('\n').at(-1) || 'apt-get took too long';
};

if (import.meta.main && chromiumPath === null) {
	const problem = install();
	if (problem !== null) console.warn(`The tests in a browser will be skipped: ${withoutChromium} (${problem})`);
}
