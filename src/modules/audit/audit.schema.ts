import { type Static, Type as t } from '@sinclair/typebox';
import { exampleIds, Id, Nullable, PageOf, PageQuery, Time, TimeInput } from '../users/users.schema.ts';

const example = {
	id: 12,
	at: '2026-02-22T10:00:00.000Z',
	actor: exampleIds.stan,
	action: 'ticket.update',
	target: exampleIds.ticket,
	changes: [{ field: 'status', before: 'open', after: 'resolved', erased: false }],
	hash: '9f2c4e…',
};

export const AuditEntry = t.Object(
	{
		id: t.Integer({ description: '1, 2, 3 … on this site without a gap.' }),
		at: Time('When it was done.'),
		actor: t.String({ description: 'A user’s id, `key:<label>` of a secret key, or `operator` at the command line.' }),
		action: t.String({ description: 'What was done, as `ticket.update`, `user.erase`, `conversation.read`.' }),
		target: t.String({ description: 'The id of what it was done to; empty for the site itself.' }),
		changes: t.Array(
			t.Object({
				field: t.String(),
				before: Nullable(t.String()),
				after: Nullable(t.String()),
				erased: t.Boolean({ description: 'The values are gone with the user whose data they were.' }),
			}),
		),
		hash: t.String({ description: 'SHA-256 over this entry and the hash of the one before.' }),
	},
	{ examples: [example] },
);
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditPage = PageOf(AuditEntry);
export type AuditPage = Static<typeof AuditPage>;

export const AuditQuery = t.Object({
	...PageQuery,
	actor: t.Optional(t.String({ minLength: 1, maxLength: 128, description: 'Who: a user’s id, or `key:<label>`.' })),
	action: t.Optional(t.String({ minLength: 1, maxLength: 64, description: 'What, as `user.update`.' })),
	target: t.Optional(Id('The id of what it was done to.')),
	from: t.Optional(TimeInput('From this time on.')),
	to: t.Optional(TimeInput('Up to this time.')),
});
export type AuditQuery = Static<typeof AuditQuery>;
