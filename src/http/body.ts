import { isUtf8 } from 'node:buffer';
import { Elysia } from 'elysia';
import { AppError } from '../kernel/errors.ts';
import { isClean, isPlain } from '../kernel/json.ts';
import { bodyBytesMax, bodyDepthMax } from '../kernel/limits.ts';

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const tooLarge = () =>
	new AppError('body_too_large', { message: `The request body is larger than ${bodyBytesMax / 1024} KB. Send less.` });

/** Reads a body of unknown length, and stops at the limit. */
const readChunks = async (request: Request): Promise<Buffer> => {
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of request.body ?? []) {
		bytes += chunk.byteLength;
		if (bytes > bodyBytesMax) throw tooLarge();
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
};

/** readJson reads a request's JSON body; an empty one is `{}`. Throws unsupported_media_type, body_too_large, invalid_json, invalid_request. */
export const readJson = async (request: Request): Promise<unknown> => {
	const length = request.headers.get('content-length');
	if (length !== null && Number(length) > bodyBytesMax) throw tooLarge();
	const type = request.headers.get('content-type');
	if (type !== null && !jsonType.test(type)) throw new AppError('unsupported_media_type');
	const bytes = length === null ? await readChunks(request) : Buffer.from(await request.arrayBuffer());
	if (bytes.byteLength === 0) return {};
	if (type === null) throw new AppError('unsupported_media_type');
	if (!isUtf8(bytes)) throw new AppError('invalid_json');
	const text = bytes.toString('utf8');
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new AppError('invalid_json');
	}
	if (!isPlain(value))
		throw new AppError('invalid_request', {
			errors: [{ path: 'body', message: `is nested deeper than ${bodyDepthMax}, or has a field called toString` }],
		});
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new AppError('invalid_request', { errors: [{ path: 'body', message: 'must be a JSON object' }] });
	if (!isClean(text, value))
		throw new AppError('invalid_request', {
			errors: [{ path: 'body', message: 'text must be well-formed Unicode without NUL' }],
		});
	return value;
};

/** body reads every route's body the same way: JSON only, at most 64 KB, well-formed. */
export const body = new Elysia({ name: 'body' }).onParse({ as: 'global' }, ({ request }) => readJson(request));
