import { serve } from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';

/** liveProgram is the compiled program in a folder of its own, on its first start. Rates are tested elsewhere. */
export const liveProgram = async () => {
	const folder = tempFolder();
	const running = await serve(folder.path, { PARLEY_LIMITS: 'off', PARLEY_ACCESS_LOG: 'off' });
	if (running.firstStart === null) throw new Error('this was not the first start');
	return {
		...running,
		first: running.firstStart,
		folder: folder.path,
		[Symbol.asyncDispose]: async () => {
			await running[Symbol.asyncDispose]();
			folder[Symbol.dispose]();
		},
	};
};
