import pino, { type Logger } from 'pino';

export type { Logger };

const bufferBytes = 64 * 1024;
const flushMs = 100;

/**
 * createLog writes JSON lines to standard error, so that standard output stays for what a command prints.
 * Lines are gathered for up to a tenth of a second: a write per request would cost more than the request.
 */
export const createLog = (level: string): { log: Logger; flush: () => void } => {
	const sink = Bun.stderr.writer({ highWaterMark: bufferBytes });
	const log = pino(
		{ level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
		{ write: (line: string) => void sink.write(line) },
	);
	const timer = setInterval(() => void sink.flush(), flushMs);
	timer.unref();
	return { log, flush: () => void sink.flush() };
};

export const silentLog: Logger = pino({ level: 'silent' });
