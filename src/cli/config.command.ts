import type { Command } from 'commander';
import { readSettings, type SettingState, unknownVariables } from '../config.ts';
import { CommandError } from './failure.ts';
import { type CommonOptions, leaf } from './options.ts';
import { answer } from './output.ts';

const shown = ({ given, secret, source, value, problem }: SettingState): string => {
	if (given === '') return '(not set)';
	if (secret) return '(set, not shown)';
	if (problem) return `${given}   cannot be used`;
	return `${Array.isArray(value) ? value.join(', ') : value}${source === 'default' ? '' : `   from the ${source}`}`;
};

export const configCommand = (program: Command): void => {
	leaf(program, 'config', 'list every setting: what it means, its default and its value here', [
		'parley config',
		'PARLEY_PORT=8080 parley config --json',
	]).action(async (options: CommonOptions) => {
		const states = readSettings({ data: options.data });
		await answer(
			options,
			states.map(({ name, env, meaning, source, default: standard, secret, value, problem }) => ({
				name,
				env,
				meaning,
				default: standard,
				value: secret || value === undefined ? null : value,
				secret,
				source,
				problem,
			})),
			() =>
				states
					.map((state) => {
						const standard = state.default === '' ? '(not set)' : state.default;
						return `${state.env}\n    ${state.meaning}\n    default: ${standard}   here: ${shown(state)}`;
					})
					.join('\n\n'),
		);
		const problems = [
			...unknownVariables().map((name) => `unknown setting ${name}.`),
			...states.flatMap(({ problem }) => problem ?? []),
		];
		if (problems.length > 0) throw new CommandError(problems.join(' '));
	});
};
