import { type TSchema, Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { FailureCode } from '../kernel/errors.ts';

/** The envelope of every success. */
export const envelope = (schema: TSchema) => t.Object({ success: t.Literal(true), data: schema });

/** Where the documents find what a route answers; see docs.ts. */
export const answersKey = 'x-answers';
/** And what it refuses, beyond what guard, limits and schema refuse. */
export const failsKey = 'x-fails';

interface Answer {
	responseValue: unknown;
	set: { status?: number | string };
}
const ok = ({ responseValue }: Answer) =>
	// an answer that is whole already, like a stream, is left as it is
	responseValue instanceof Response ? responseValue : { success: true, data: responseValue };
const created = ({ responseValue, set }: Answer) => {
	set.status = 201;
	return { success: true, data: responseValue };
};
const createdOrFound = ({ responseValue, set }: Answer) => {
	const outcome = responseValue as { created: boolean; data: unknown };
	set.status = outcome.created ? 201 : 200;
	return { success: true, data: outcome.data };
};

/**
 * answers: what a route returns is plain data; `ok: T`, `created: T` or `createdOrFound: T` (for `{ created, data }`) set
 * the status, wrap the data in the envelope, and bind the schema that checks and strips it. `fails:` lists the failures of
 * the act itself; for the documents only.
 */
export const answers = new Elysia({ name: 'answers' })
	.macro('ok', (schema: TSchema) => ({
		response: { 200: envelope(schema) },
		detail: { [answersKey]: { 200: schema } } as object,
		afterHandle: ok,
	}))
	.macro('created', (schema: TSchema) => ({
		response: { 201: envelope(schema) },
		detail: { [answersKey]: { 201: schema } } as object,
		afterHandle: created,
	}))
	.macro('createdOrFound', (schema: TSchema) => ({
		response: { 200: envelope(schema), 201: envelope(schema) },
		detail: { [answersKey]: { 200: schema, 201: schema } } as object,
		afterHandle: createdOrFound,
	}))
	.macro('fails', (codes: FailureCode[]) => ({ detail: { [failsKey]: codes } as object }));
export type Answers = typeof answers;
