import { type Static, Type as t } from '@sinclair/typebox';
import { messageTextMax } from '../../kernel/limits.ts';
import { exampleIds, Id, Time } from '../users/users.schema.ts';

const Shortcut = t.String({
	pattern: '^[^\\s/]{1,40}$',
	description: 'What is typed behind a slash to find it: 1-40 characters without spaces and slashes.',
});
const Text = t.String({ minLength: 1, maxLength: messageTextMax * 2, description: `1-${messageTextMax} characters.` });

export const SaveCannedReply = t.Object(
	{ shortcut: Shortcut, text: Text },
	{ examples: [{ shortcut: 'thanks', text: 'Thank you for writing to us.' }] },
);
export type SaveCannedReply = Static<typeof SaveCannedReply>;

export const UpdateCannedReply = t.Object(
	{ shortcut: t.Optional(Shortcut), text: t.Optional(Text) },
	{ examples: [{ text: 'Thank you for your message.' }] },
);
export type UpdateCannedReply = Static<typeof UpdateCannedReply>;

const example = {
	id: exampleIds.canned,
	shortcut: 'thanks',
	text: 'Thank you for writing to us.',
	createdAt: '2026-02-22T10:00:00.000Z',
	updatedAt: '2026-02-22T10:00:00.000Z',
};
export const CannedReply = t.Object(
	{
		id: Id('The canned reply’s id.'),
		shortcut: t.String(),
		text: t.String(),
		createdAt: Time('When it was made.'),
		updatedAt: Time('When it was last changed.'),
	},
	{ examples: [example] },
);
export type CannedReply = Static<typeof CannedReply>;

export const CannedReplyList = t.Object(
	{ data: t.Array(CannedReply, { description: 'By shortcut.' }), total: t.Integer() },
	{ examples: [{ data: [example], total: 1 }] },
);
export type CannedReplyList = Static<typeof CannedReplyList>;
