import { Elysia } from 'elysia';
import { AppError, type FailureCode } from '../kernel/errors.ts';
import type { Logger } from '../kernel/log.ts';

/** The body of every failure. */
interface FailureBody {
	success: false;
	message: string;
	code: FailureCode;
	requestId: string;
	errors?: { path: string; message: string }[];
}

/** failureResponse writes a failure as the API shows it. `headers` are those of the request so far: id, CORS. */
export const failureResponse = (error: AppError, headers: Record<string, string>): Response => {
	const { errors, retryAfterSeconds, extra, headers: more } = error.details;
	const body: FailureBody = {
		success: false,
		message: error.message,
		code: error.code,
		requestId: headers['x-request-id'] ?? '',
		...(errors && { errors }),
		...extra,
	};
	return new Response(JSON.stringify(body), {
		status: error.status,
		headers: {
			...headers,
			...more,
			...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
			'content-type': 'application/json; charset=utf-8',
		},
	});
};

interface Issue {
	path?: string;
	message?: string;
	summary?: string;
	schema?: { pattern?: string; enum?: unknown[]; const?: unknown; anyOf?: { const?: unknown }[]; error?: unknown };
}

/** What is wrong with a field, in words, and never the value itself. */
const issueMessage = ({ message = 'is not as expected', schema }: Issue): string => {
	const choices = schema?.enum ?? schema?.anyOf?.map((option) => option.const).filter((option) => option !== undefined);
	if (choices && choices.length > 0) return `must be one of ${choices.join(', ')}`;
	if (schema?.pattern || message.startsWith('Expected kind')) return 'has not the form that is expected';
	return message.replace(/^Expected /, 'must be ');
};

/** note: of a number in a query that is out of bounds Elysia tells the value, and not where it stands. */
const fieldOfQuery = (value: unknown, url: string): string | undefined =>
	[...(URL.parse(url)?.searchParams ?? [])].find(
		([name, text]) => Number(text) === value && /^\w{1,64}$/.test(name),
	)?.[0];

/** Elysia's validation error as ours: 400 with a line for each field, or 500 when it was our own answer that was wrong. */
const validationError = (error: { type?: string; all?: unknown; value?: unknown }, url: string): AppError => {
	if (error.type === 'response') {
		// note: Elysia's error carries the whole answer, with people's texts in it: the log gets the place only
		const [first] = (Array.isArray(error.all) ? error.all : []) as Issue[];
		return new AppError('internal_error', { cause: new Error(`an answer breaks its schema at ${first?.path ?? '?'}`) });
	}
	const issues = (Array.isArray(error.all) ? error.all : []) as Issue[];
	const seen = new Map<string, string>();
	for (const issue of issues) {
		const path =
			(issue.path ?? '').replace(/^\//, '').replaceAll('/', '.') ||
			(error.type === 'property' ? (fieldOfQuery(error.value, url) ?? 'query') : String(error.type ?? 'body'));
		if (!seen.has(path)) seen.set(path, issueMessage(issue));
	}
	return new AppError('invalid_request', {
		errors: Array.from(seen, ([path, message]) => ({ path, message })).slice(0, 20),
	});
};

/** asAppError gives every failure its place in the registry. What is not ours is an internal error: the cause is for the log. */
const asAppError = (error: unknown, code: string | number, url: string, allowedMethods: () => string[]): AppError => {
	if (error instanceof AppError) return error;
	switch (code) {
		case 'VALIDATION':
			return validationError(error as { type?: string; all?: unknown }, url);
		case 'PARSE': {
			// note: Elysia wraps whatever reading the body throws, also what we said ourselves: too large, not JSON by its type
			const { cause } = error as { cause?: unknown };
			return cause instanceof AppError ? cause : new AppError('invalid_json');
		}
		case 'INVALID_COOKIE_SIGNATURE':
			return new AppError('invalid_cookie');
		case 'NOT_FOUND': {
			const methods = allowedMethods();
			return methods.length === 0
				? new AppError('route_not_found')
				: new AppError('method_not_allowed', { headers: { allow: methods.join(', ') } });
		}
		default:
			return new AppError('internal_error', { cause: error });
	}
};

/**
 * errors answers every failure with the envelope. First in the app, or it would not see what children throw.
 * `allowedMethods` tells which methods a path knows.
 */
export const errors = ({ log, allowedMethods }: { log: Logger; allowedMethods: (path: string) => string[] }) =>
	new Elysia({ name: 'errors' }).onError({ as: 'global' }, ({ error, code, set, path, request }) => {
		const failure = asAppError(error, code, request.url, () => allowedMethods(path));
		const headers = set.headers as Record<string, string>;
		// note: what is refused because there is too much, or because the server stops, is no fault
		if (failure.status >= 500 && failure.code !== 'overloaded' && failure.code !== 'shutting_down')
			log.error(
				{
					err: failure.details.cause ?? failure,
					code: failure.code,
					requestId: headers['x-request-id'],
					method: request.method,
					path,
				},
				failure.message,
			);
		set.status = failure.status;
		return failureResponse(failure, headers);
	});
