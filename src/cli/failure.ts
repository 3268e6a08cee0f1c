import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { AppError, failures } from '../kernel/errors.ts';

/** CommandError is a command that cannot do what it was asked: one line for the operator. */
export class CommandError extends Error {
	constructor(
		message: string,
		/** 2 where the command line itself is wrong, 1 otherwise. */
		readonly exitCode: 1 | 2 = 1,
	) {
		super(message);
	}
}

/** oneLine puts text of several lines on one. */
export const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');

/** What an AppError says to somebody at a command line: which value is wrong, where its own sentence only points there. */
const appErrorLine = ({ code, message, details }: AppError): string =>
	code === 'invalid_request' && details.errors && message === failures[code][1]
		? details.errors.map((error) => `${error.path} ${error.message}`).join('; ')
		: message;

/** A failure as the operator sees it: one line, and the exit code. null: an error of ours, which is shown whole. */
export const explain = async (error: unknown): Promise<{ line: string | null; exitCode: number } | null> => {
	if (error instanceof CommanderError) {
		// note: commander has written its line, or the help that was asked for
		const asked = error.exitCode === 0;
		return { line: null, exitCode: asked ? 0 : 2 };
	}
	if (error instanceof CommandError) return { line: error.message, exitCode: error.exitCode };
	if (error instanceof ConfigError) return { line: error.message, exitCode: 1 };
	if (error instanceof AppError) return { line: appErrorLine(error), exitCode: 1 };
	// note: only here, because it brings the database along, which most wrong command lines do not need
	const { DataError } = await import('../db/open.ts');
	if (error instanceof DataError) return { line: error.message, exitCode: 1 };
	const code = (error as { code?: unknown }).code;
	// the operating system refuses something: a full disk, a missing right
	if (error instanceof Error && typeof code === 'string' && /^E[A-Z]+$/.test(code))
		return { line: error.message, exitCode: 1 };
	return null;
};
