import type { Command } from 'commander';
import { version } from '../../package.json';
import { withExamples } from './options.ts';
import { answer } from './output.ts';

/** The version this program was made as: package.json becomes part of the binary. */
export const programVersion: string = version;

export const versionCommand = (program: Command): void => {
	withExamples(program.command('version').description('print the version'), ['parley version --json'])
		.option('--json', 'print one line of JSON, for programs')
		.action(async (options: { json?: boolean }) => {
			const { platform, arch, versions } = process;
			const value = { version, bun: versions.bun, platform, arch };
			await answer(options, value, () => `parley ${version} (bun ${versions.bun}, ${platform} ${arch})`);
		});
};
