import { type Static, Type as t } from '@sinclair/typebox';
import { Message } from '../messaging/messaging.schema.ts';
import { Id, Nullable, Time, User } from './users.schema.ts';

/** Everything the server holds of one user. */
export const UserExport = t.Object(
	{
		user: User,
		conversations: t.Array(
			t.Object({
				id: Id('The conversation’s public id.'),
				type: t.Union([t.Literal('p2p'), t.Literal('support')]),
				createdAt: Time('When it was started.'),
				ticket: Nullable(
					t.Object(
						{
							number: t.Integer(),
							subject: Nullable(t.String()),
							category: Nullable(t.String()),
							rating: Nullable(t.Integer()),
							ratingComment: Nullable(t.String()),
						},
						{ description: 'Of a ticket that the user opened.' },
					),
				),
				messages: t.Array(Message, { description: 'The user’s own, in order.' }),
			}),
		),
	},
	{ examples: [{ user: User.examples?.[0], conversations: [] }] },
);
export type UserExport = Static<typeof UserExport>;
