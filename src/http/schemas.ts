import { type TSchema, Type as t } from '@sinclair/typebox';
import * as inbox from '../modules/admin/inbox.schema.ts';
import * as stats from '../modules/admin/stats.schema.ts';
import * as audit from '../modules/audit/audit.schema.ts';
import * as messaging from '../modules/messaging/messaging.schema.ts';
import * as reports from '../modules/moderation/reports.schema.ts';
import * as sites from '../modules/sites/sites.schema.ts';
import * as canned from '../modules/support/canned.schema.ts';
import * as tickets from '../modules/support/tickets.schema.ts';
import * as erasure from '../modules/users/erasure.schema.ts';
import * as users from '../modules/users/users.schema.ts';
import {
	clientFrames,
	EventPage,
	events,
	ServerEvent,
	serverFrames,
	transientEvents,
} from '../realtime/realtime.schema.ts';

/** The names that schemas have in the documents; each one without stands where it is used. */

/** What a client says on the live connection, and what it is told. */
export const ClientFrame = t.Union(Object.values(clientFrames) as TSchema[], { description: 'What a client says.' });
export const ServerMessage = t.Union(
	[serverFrames, events, transientEvents].flatMap((record) => Object.values(record) as TSchema[]),
	{ description: 'What the server says. Pass over a `type` that you do not know: new ones may come.' },
);

/** Frames and events are named by their types: `caught_up` is CaughtUpFrame, `message.created` MessageCreatedEvent. */
const named = (record: Record<string, TSchema>, kind: 'Frame' | 'Event'): Record<string, TSchema> =>
	Object.fromEntries(
		Object.entries(record).map(([type, schema]) => [
			type
				.split(/[._]/)
				.map((word) => word.charAt(0).toUpperCase() + word.slice(1))
				.join('') + kind,
			schema,
		]),
	);

const schemas: Record<string, unknown> = {
	...users,
	...erasure,
	...messaging,
	...tickets,
	...canned,
	...reports,
	...inbox,
	...stats,
	...audit,
	...sites,
	...named(clientFrames, 'Frame'),
	...named(serverFrames, 'Frame'),
	...named(events, 'Event'),
	...named(transientEvents, 'Event'),
	ClientFrame,
	ServerMessage,
	ServerEvent,
	EventPage,
};

const names = new Map<string, string>();
for (const [name, schema] of Object.entries(schemas))
	if (
		typeof schema === 'object' &&
		schema !== null &&
		['type', 'anyOf', users.documentedSchema].some((key) => key in schema)
	)
		names.set(JSON.stringify(schema), name);

/** nameOf is the name of a schema in the documents. */
export const nameOf = (schema: object): string | undefined => names.get(JSON.stringify(schema));
