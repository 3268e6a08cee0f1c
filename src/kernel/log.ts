import pino, { type Logger } from 'pino';

export type { Logger };

/**
 * createLog writes JSON lines to standard error, so that standard output stays for what a command prints.
 * Lines are gathered for up to a tenth of a second: a write per request would cost more than the request.
 */
export const createLog = (level: string): { log: Logger; flush: () => void } => {
	const destination = pino.destination({ dest: 2, sync: false, minLength: 4_096 });
	const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
	const timer = setInterval(() => destination.flush(), 100);
	timer.unref();
	return {
		log,
		flush: () => {
			try {
				destination.flushSync();
			} catch {
				// note: throws when nothing was written yet; there is then nothing to flush
			}
		},
	};
};

export const silentLog: Logger = pino({ level: 'silent' });
