import { Command } from 'commander';
import { configCommand } from './config.command.ts';
import { demoCommand } from './demo.command.ts';
import { doctorCommand } from './doctor.command.ts';
import { CommandError, explain, oneLine } from './failure.ts';
import { keyCommand } from './key.command.ts';
import { openapiCommand } from './openapi.command.ts';
import { withExamples } from './options.ts';
import { note } from './output.ts';
import { serveCommand } from './serve.command.ts';
import { setupLinkCommand } from './setup-link.command.ts';
import { siteCommand } from './site.command.ts';
import { userCommand } from './user.command.ts';
import { programVersion, versionCommand } from './version.command.ts';

/** needsMore is what to say where only the name of a group of commands was given; null for any other command line. */
const needsMore = (program: Command, argv: string[]): string | null => {
	const group = argv.length === 1 && program.commands.find((command) => command.name() === argv[0]);
	if (!group || group.commands.length === 0) return null;
	return `${group.name()} needs one of: ${group.commands.map((command) => command.name()).join(', ')}. See: parley ${group.name()} --help`;
};

/** createProgram is every command of parley. Each loads what it needs when it runs, so that a short one starts fast. */
export const createProgram = (): Command => {
	const program = new Command('parley')
		.description('Chat between users and support tickets for any website: one program, one data folder.')
		.version(programVersion, '-V, --version', 'print the version')
		.exitOverride()
		.configureOutput({ outputError: (text) => note(`parley: ${oneLine(text).replace(/^error: /, '')}`) });
	withExamples(program, [
		'parley serve',
		'parley site add site.com',
		'parley user create --site site.com --username root --role superadmin',
	]);
	serveCommand(program);
	demoCommand(program);
	siteCommand(program);
	keyCommand(program);
	userCommand(program);
	setupLinkCommand(program);
	doctorCommand(program);
	configCommand(program);
	openapiCommand(program);
	versionCommand(program);
	return program;
};

/** run does what a command line says, and resolves with the exit code: 0, 1 for a failure, 2 for a wrong command line. */
export const run = async (argv: string[]): Promise<number> => {
	try {
		const program = createProgram();
		const missing = needsMore(program, argv);
		if (missing) throw new CommandError(missing, 2);
		await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
		return 0;
	} catch (error) {
		const failure = await explain(error);
		if (!failure) {
			// a fault of ours: whoever reports it needs all of it
			note(`parley: unexpected failure. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
			return 1;
		}
		if (failure.line !== null) note(`parley: ${oneLine(failure.line)}`);
		return failure.exitCode;
	}
};
