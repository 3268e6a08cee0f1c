import { TypeCompiler } from '@sinclair/typebox/compiler';
import { AppError } from '../kernel/errors.ts';
import { isClean, isPlain } from '../kernel/json.ts';
import { type ClientFrame, clientFrames, type ServerFrame } from './realtime.schema.ts';

/** Pure: text to frames and back. */

const checks = Object.fromEntries(
	Object.entries(clientFrames).map(([type, schema]) => [type, TypeCompiler.Compile(schema)]),
);

/** refOf is the name by which a client knows its frame, as far as it can be told. */
export const refOf = (value: unknown): string | undefined => {
	if (typeof value !== 'object' || value === null) return undefined;
	const { ref, clientMessageId } = value as { ref?: unknown; clientMessageId?: unknown };
	return [ref, clientMessageId].find((name): name is string => typeof name === 'string' && name.length <= 64);
};

/** parseFrame reads a frame. Throws invalid_json and invalid_frame; `extra.ref` then is its name, if it has one. */
export const parseFrame = (text: string): ClientFrame => {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new AppError('invalid_json', { message: 'A frame is a JSON object.' });
	}
	const ref = refOf(value);
	const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
	const check = typeof type === 'string' && Object.hasOwn(checks, type) ? checks[type] : undefined;
	if (!check) {
		const names = Object.keys(clientFrames).join(', ');
		throw new AppError('invalid_frame', { errors: [{ path: 'type', message: `is one of ${names}` }], extra: { ref } });
	}
	if (!check.Check(value)) {
		const wrong = [...check.Errors(value)].slice(0, 5);
		const errors = wrong.map(({ path, message }) => ({ path: path.slice(1).replaceAll('/', '.'), message }));
		throw new AppError('invalid_frame', { errors, extra: { ref } });
	}
	if (!isPlain(value) || !isClean(text, value))
		throw new AppError('invalid_frame', {
			errors: [{ path: '', message: 'text must be well-formed Unicode without NUL, and nothing nested deep' }],
			extra: { ref },
		});
	return value as ClientFrame;
};

export const frameText = (frame: ServerFrame): string => JSON.stringify(frame);

/** errorFrame says a failure as the API would. */
export const errorFrame = (error: AppError, ref?: string): string =>
	frameText({
		type: 'error',
		...(ref !== undefined && { ref }),
		code: error.code,
		message: error.message,
		...(error.details.retryAfterSeconds !== undefined && { retryAfterSeconds: error.details.retryAfterSeconds }),
		...(error.details.errors && { errors: error.details.errors }),
	});
