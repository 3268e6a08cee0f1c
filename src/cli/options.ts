import { type Command, InvalidArgumentError, Option } from 'commander';
import { type SettingName, settings } from '../config.ts';

/** What every command takes. */
export interface CommonOptions {
	data?: string;
	json?: boolean;
}

/** settingOption is a flag for a setting: its meaning, its default and its check are those of the setting. */
export const settingOption = (flags: string, name: SettingName): Option => {
	const { meaning, default: fallback, env, parse } = settings[name];
	const standard = fallback === '' ? env : `${env}; default ${fallback}`;
	return new Option(flags, `${meaning} (${standard})`).argParser((text: string) => {
		try {
			parse(text);
		} catch (error) {
			throw new InvalidArgumentError(`It must be ${(error as Error).message}.`);
		}
		return text;
	});
};

/** wholeNumber checks a flag that is a whole number. */
export const wholeNumber =
	(min: number, max: number) =>
	(text: string): number => {
		const number = Number(text);
		if (!/^\d+$/.test(text) || number < min || number > max)
			throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
		return number;
	};

/** emailAddress checks a flag that is an email address, as the API does. */
export const emailAddress = (text: string): string => {
	if (!/^[^\s@]+@[^\s@]+$/.test(text) || text.length > 254)
		throw new InvalidArgumentError('It must be an address like root@site.com.');
	return text;
};

/** withExamples adds examples under a command's help. */
export const withExamples = (command: Command, examples: string[]): Command =>
	command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);

/** leaf adds a command that does something: with --json, --data and examples. */
export const leaf = (parent: Command, usage: string, summary: string, examples: string[]): Command =>
	withExamples(parent.command(usage).description(summary), examples)
		.option('--json', 'print one line of JSON, for programs')
		.addOption(settingOption('--data <folder>', 'data'));
