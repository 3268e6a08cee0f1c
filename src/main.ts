import { run } from './cli/program.ts';

// note: no await at the top level, which bytecode refuses
const main = async (): Promise<void> => {
	process.exitCode = await run(process.argv.slice(2));
};

void main();
