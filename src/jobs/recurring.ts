import { hour, minute, second } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import type { Services } from '../services.ts';

/** Work that comes round by itself. It may be cut off and run again at any time. */
export interface RecurringJob {
	name: string;
	everyMs: number;
	run(): Promise<unknown>;
}

/** recurringJobs is the list of them. What is due, each finds out from the rows and the clock. */
export const recurringJobs = ({ users, erasure, tickets, search, eventLog }: Services): RecurringJob[] => [
	{ name: 'users.purge', everyMs: minute, run: users.purge },
	{ name: 'users.erase', everyMs: minute, run: erasure.resume },
	{ name: 'events.purge', everyMs: minute, run: eventLog.purge },
	{ name: 'tickets.unassign', everyMs: hour, run: tickets.unassignLeavers },
	{ name: 'tickets.close', everyMs: minute, run: tickets.closeQuiet },
	{ name: 'search.index', everyMs: second, run: search.catchUp },
	{ name: 'search.sweep', everyMs: hour, run: search.sweep },
];

/** startJobs runs each job in its interval, never twice at once. Returns what stops them. */
export const startJobs = (jobs: RecurringJob[], log: Logger): (() => void) => {
	const timers = jobs.map(({ name, everyMs, run }) => {
		let running = false;
		return setInterval(async () => {
			if (running) return;
			running = true;
			try {
				await run();
			} catch (error) {
				log.error({ err: error, job: name }, 'a recurring job failed; it runs again');
			} finally {
				running = false;
			}
		}, everyMs);
	});
	return () => {
		for (const timer of timers) clearInterval(timer);
	};
};
