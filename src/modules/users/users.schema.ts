import {
	Kind,
	type NumberOptions,
	type Static,
	type TSchema,
	type TUnsafe,
	TypeRegistry,
	Type as t,
} from '@sinclair/typebox';
import {
	emailMax,
	externalIdMax,
	idMax,
	metadataBytesMax,
	metadataKeysMax,
	nameMax,
	pageLimitDefault,
	pageLimitMax,
	pageMax,
	passwordMax,
	passwordMin,
	searchMax,
	tokenMax,
	urlMax,
} from '../../kernel/limits.ts';
import { type Flags, flags, roles } from '../../kernel/roles.ts';

/** The ids of the documents' examples: the same people everywhere, so that the calls can be read as one story. */
export const exampleIds = {
	john: 'user_01kj3zq0x5e6s8r1n6a2c4v7wd',
	jane: 'user_01kj3zq0x5e6s8r1n6a2c4v7we',
	conversation: 'conv_01kj3zqm2d7h4n8r0s6t3v9wce',
	message: 'msg_01kj3zr4c8f2t9v5m1q7w3y6xb',
	stan: 'user_01kj3zq0x5e6s8r1n6a2c4v7wf',
	ticket: 'ticket_01kj3zs8a1b2c3d4e5f6g7h8jk',
	report: 'report_01kj3zt9b2c3d4e5f6g7h8jkmn',
	canned: 'canned_01kj3zta1b2c3d4e5f6g7h8jkm',
	key: 'key_01kj3ztb1b2c3d4e5f6g7h8jkm',
} as const;

/** The keyword under which a schema names a format that is documented and not checked. */
export const documentedFormat = 'x-format';

export const Id = (description: string, example?: string) =>
	t.String({ minLength: 1, maxLength: idMax, description, ...(example && { examples: [example] }) });
/**
 * A time that we answer with. note: `documentedFormat` instead of `format`, which would have every time that we wrote
 * ourselves parsed again on its way out: a tenth of a list's price.
 */
export const Time = (description: string) => t.String({ [documentedFormat]: 'date-time', description });
/** A time that a caller sends. */
export const TimeInput = (description: string) => t.String({ format: 'date-time', description });
export const Nullable = <T extends Parameters<typeof t.Union>[0][number]>(schema: T) => t.Union([schema, t.Null()]);

/** A whole number in a query. note: Elysia reads a query's text as Number and not as Integer */
const Whole = (options: NumberOptions) => t.Number({ ...options, multipleOf: 1 });

export const PageQuery = {
	page: t.Optional(Whole({ minimum: 1, maximum: pageMax, default: 1, description: 'Which page, from 1.' })),
	limit: t.Optional(
		Whole({
			minimum: 1,
			maximum: pageLimitMax,
			default: pageLimitDefault,
			description: `How many, 1-${pageLimitMax}.`,
		}),
	),
};

/** PageOf is the list shape of the API: rows of one kind, how many there are in all, and where this page stands. */
export const PageOf = <T extends TSchema>(Row: T) =>
	t.Object(
		{ data: t.Array(Row), total: t.Integer(), page: t.Integer(), limit: t.Integer(), totalPages: t.Integer() },
		{ examples: [{ data: [Row.examples?.[0]], total: 1, page: 1, limit: 20, totalPages: 1 }] },
	);

export const Role = t.Union(
	roles.map((role) => t.Literal(role)),
	{ description: 'Rank, lowest first: user, staff, moderator, admin, superadmin. The four above `user` are the desk.' },
);
export const Permissions = t.Object(
	{
		canSendMessage: t.Boolean(),
		canReceiveMessage: t.Boolean(),
		canDeleteMessage: t.Boolean(),
		canEditMessage: t.Boolean(),
		canArchiveConversation: t.Boolean(),
	},
	{ description: `The five permissions, as they are in effect: ${flags.join(', ')}.` },
);

/** The keyword under which a schema that is checked by a function of ours says how it is documented. */
export const documentedSchema = 'x-schema';

/**
 * own makes a schema whose check is a function of ours. note: Elysia strips unknown fields before it checks, and makes an
 * object of whatever stands where a record or a wholly optional object should: "text" became { 0: "t", … }. A kind that it
 * does not know it leaves alone, but only as long as it has no `type`: with one, nothing around it is stripped any more.
 */
const own = <T>(kind: string, shown: object, check: (value: unknown) => boolean): TUnsafe<T> => {
	TypeRegistry.Set(kind, (_, value) => check(value));
	return t.Unsafe<T>({ [documentedSchema]: shown, [Kind]: kind });
};
const isPlainObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const isMetadata = (value: unknown): boolean =>
	isPlainObject(value) &&
	Object.keys(value).length <= metadataKeysMax &&
	// note: JSON reads 1e999 as a number without an end, and writes it as null
	Object.values(value).every((item) => ['string', 'boolean'].includes(typeof item) || Number.isFinite(item)) &&
	// note: not by Buffer: browsers read the types of this file
	new TextEncoder().encode(JSON.stringify(value)).byteLength <= metadataBytesMax;
export const Metadata = own<Record<string, string | number | boolean>>(
	'Metadata',
	{
		type: 'object',
		additionalProperties: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
		maxProperties: metadataKeysMax,
		description: `Your own references: a flat object of strings, numbers and booleans, at most ${metadataKeysMax} keys and ${metadataBytesMax} bytes.`,
	},
	isMetadata,
);
export type Metadata = Static<typeof Metadata>;

const isPermissions = (value: unknown): boolean =>
	isPlainObject(value) && flags.every((flag) => value[flag] === undefined || typeof value[flag] === 'boolean');
/** Permissions as they are set: those that are not named stay on. */
const PermissionsInput = own<Partial<Flags>>(
	'Permissions',
	{
		type: 'object',
		properties: Permissions.properties,
		description: 'For roles above `user`. What is not named is on.',
	},
	isPermissions,
);

const Username = t.String({
	minLength: 1,
	maxLength: nameMax * 4,
	description: 'Unique on the site, whatever its case. 1-64 characters.',
});
const DisplayName = t.String({
	minLength: 1,
	maxLength: nameMax * 4,
	description: 'The name that is shown. 1-64 characters.',
});
const Email = t.String({
	minLength: 3,
	maxLength: emailMax,
	pattern: '^[^\\s@]+@[^\\s@]+$',
	description: 'No identity until proven, and not unique.',
});
const AvatarUrl = t.String({ maxLength: urlMax, description: 'An https address on one of the site’s origins.' });
const ExternalId = t.String({ minLength: 1, maxLength: externalIdMax, description: 'The site’s own id of the user.' });
const Password = t.String({
	minLength: passwordMin,
	maxLength: passwordMax,
	description: 'At least 10 characters, not a common one.',
});
const ResourceId = t.String({ minLength: 1, maxLength: 253, description: 'The site’s public name.' });

export const CreateUser = t.Object(
	{
		resourceId: t.Optional(ResourceId),
		username: Username,
		email: t.Optional(Email),
		role: t.Optional(Role),
		permissions: t.Optional(PermissionsInput),
		externalId: t.Optional(ExternalId),
		displayName: t.Optional(DisplayName),
		avatarUrl: t.Optional(AvatarUrl),
		metadata: t.Optional(Metadata),
		identityToken: t.Optional(
			t.String({ maxLength: tokenMax, description: 'A JWT by the site’s server that vouches for the user.' }),
		),
	},
	{
		examples: [
			{
				resourceId: 'site.com',
				username: 'john_doe',
				email: 'john@example.com',
				role: 'user',
				permissions: {
					canSendMessage: true,
					canReceiveMessage: true,
					canDeleteMessage: true,
					canEditMessage: false,
					canArchiveConversation: true,
				},
			},
		],
	},
);
export type CreateUser = Static<typeof CreateUser>;

const userExample = {
	id: exampleIds.john,
	username: 'john_doe',
	displayName: null,
	email: 'john@example.com',
	avatarUrl: null,
	role: 'user' as const,
	resourceId: 'site.com',
	permissions: {
		canSendMessage: true,
		canReceiveMessage: true,
		canDeleteMessage: true,
		canEditMessage: true,
		canArchiveConversation: true,
	},
	externalId: null,
	verified: false,
	metadata: null,
	settings: null,
	suspended: false,
	suspendedUntil: null,
	createdAt: '2026-02-22T10:00:00.000Z',
	updatedAt: '2026-02-22T10:00:00.000Z',
};

export const User = t.Object(
	{
		id: Id('The user’s public id.'),
		username: t.String(),
		displayName: Nullable(t.String()),
		email: Nullable(t.String()),
		avatarUrl: Nullable(t.String()),
		role: Role,
		resourceId: t.String(),
		permissions: Permissions,
		externalId: Nullable(t.String()),
		verified: t.Boolean({ description: 'Whether the site vouched for this user.' }),
		metadata: Nullable(Metadata),
		settings: Nullable(Metadata),
		suspended: t.Boolean(),
		suspendedUntil: Nullable(Time('The end of the suspension; null without one.')),
		createdAt: Time('When the user was made.'),
		updatedAt: Time('When the profile last changed.'),
	},
	{
		examples: [userExample],
	},
);
export type User = Static<typeof User>;

/** The people of the examples, as others see them. */
export const profileExamples = {
	john: {
		id: exampleIds.john,
		username: 'john_doe',
		displayName: null,
		avatarUrl: null,
		role: 'user' as const,
		verified: false,
	},
	jane: {
		id: exampleIds.jane,
		username: 'jane_doe',
		displayName: 'Jane',
		avatarUrl: null,
		role: 'user' as const,
		verified: false,
	},
};

/** What any user of the site may know of another. */
export const Profile = t.Object(
	{
		id: Id('The user’s public id.'),
		username: Nullable(t.String({ description: 'null where it holds an @, since it then is an address.' })),
		displayName: Nullable(t.String()),
		avatarUrl: Nullable(t.String()),
		role: Role,
		verified: t.Boolean(),
	},
	{
		examples: [profileExamples.jane],
	},
);
export type Profile = Static<typeof Profile>;

export const PresenceState = t.Object(
	{
		online: t.Boolean({ description: 'Whether they are connected now.' }),
		lastSeenAt: Nullable(Time('Their newest call, to the minute; null when it is not known.')),
	},
	{ examples: [{ online: true, lastSeenAt: '2026-02-22T10:00:00.000Z' }] },
);
export type PresenceState = Static<typeof PresenceState>;

/** A user as one other user looks at them. */
export const ProfileView = t.Object(
	{
		...Profile.properties,
		presence: Nullable(PresenceState),
	},
	{ examples: [{ ...profileExamples.jane, presence: PresenceState.examples?.[0] }] },
);
export type ProfileView = Static<typeof ProfileView>;

export const UpdateMe = t.Partial(
	t.Object({
		displayName: Nullable(DisplayName),
		avatarUrl: Nullable(AvatarUrl),
		email: Nullable(Email),
		settings: Metadata,
		metadata: Metadata,
	}),
	{ examples: [{ displayName: 'John' }] },
);
export type UpdateMe = Static<typeof UpdateMe>;

export const ChatTokenRequest = t.Object(
	{
		userId: t.Optional(Id('The user’s public id; may be left out with an identityToken.')),
		identityToken: t.Optional(
			t.String({ maxLength: tokenMax, description: 'A JWT by the site’s server that vouches for the user.' }),
		),
	},
	{ examples: [{ userId: exampleIds.john }] },
);
export type ChatTokenRequest = Static<typeof ChatTokenRequest>;

const tokenExample = {
	chatToken: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
	expiresAt: '2026-03-24T10:00:00.000Z',
	user: { id: exampleIds.john, username: 'john_doe', role: 'user' as const },
};
const chatToken = {
	chatToken: t.String({ description: 'Send it as Authorization: Bearer {chatToken}.' }),
	expiresAt: Time('The end of the token: 30 days.'),
	user: t.Object({ id: t.String(), username: t.String(), role: Role }),
};
export const ChatToken = t.Object(chatToken, { examples: [tokenExample] });
export type ChatToken = Static<typeof ChatToken>;

export const DeskLogin = t.Object(
	{ ...chatToken, publishableKey: t.String({ description: 'The site’s key for x-api-key.' }) },
	{ examples: [{ ...tokenExample, publishableKey: 'pk_...' }] },
);
export type DeskLogin = Static<typeof DeskLogin>;

export const Login = t.Object(
	{ resourceId: ResourceId, email: Email, password: t.String({ minLength: 1, maxLength: passwordMax }) },
	{ examples: [{ resourceId: 'site.com', email: 'root@site.com', password: 'correct horse battery' }] },
);
export type Login = Static<typeof Login>;

export const Setup = t.Object(
	{
		setupToken: t.String({ maxLength: 128, description: 'From the setup link, behind its #.' }),
		resourceId: ResourceId,
		username: Username,
		email: Email,
		password: Password,
	},
	{
		examples: [
			{
				setupToken: 'setup_...',
				resourceId: 'site.com',
				username: 'root',
				email: 'root@site.com',
				password: 'correct horse battery',
			},
		],
	},
);
export type Setup = Static<typeof Setup>;

export const Access = t.Object(
	{
		accessToken: t.String({ maxLength: 128, description: 'From the access link, behind its #.' }),
		email: t.Optional(Email),
		password: Password,
	},
	{ examples: [{ accessToken: 'access_...', password: 'correct horse battery' }] },
);
export type Access = Static<typeof Access>;

export const ChangePassword = t.Object(
	{ currentPassword: t.String({ minLength: 1, maxLength: passwordMax }), newPassword: Password },
	{ examples: [{ currentPassword: 'correct horse battery', newPassword: 'staple battery horse' }] },
);
export type ChangePassword = Static<typeof ChangePassword>;

export const AccessLink = t.Object(
	{
		url: t.String({ description: 'Give it to the user: it works once.' }),
		accessToken: t.String(),
		expiresAt: Time('72 hours from now.'),
	},
	{
		examples: [
			{
				url: 'https://chat.site.com/access#access_...',
				accessToken: 'access_...',
				expiresAt: '2026-02-25T10:00:00.000Z',
			},
		],
	},
);
export type AccessLink = Static<typeof AccessLink>;

/** What the desk sees of a user beyond what the user sees. */
export const DeskUser = t.Object(
	{
		...User.properties,
		suspendedReason: Nullable(t.String({ description: 'For the desk.' })),
		lastSeenAt: Nullable(Time('The newest authenticated call, to the minute.')),
	},
	{ examples: [{ ...userExample, suspendedReason: null, lastSeenAt: '2026-02-22T10:00:00.000Z' }] },
);
export type DeskUser = Static<typeof DeskUser>;

export const DeskUserPage = PageOf(DeskUser);
export type DeskUserPage = Static<typeof DeskUserPage>;

export const DeskUserQuery = t.Object({
	...PageQuery,
	q: t.Optional(
		t.String({
			minLength: 1,
			maxLength: searchMax,
			description: 'The start of the username, the display name or the email address; or the whole id.',
		}),
	),
	role: t.Optional(Role),
	status: t.Optional(
		t.Union([t.Literal('active'), t.Literal('suspended')], { description: 'Whether they are let in.' }),
	),
	externalId: t.Optional(ExternalId),
});
export type DeskUserQuery = Static<typeof DeskUserQuery>;

export const UpdateUser = t.Object(
	{
		role: t.Optional(Role),
		permissions: t.Optional(PermissionsInput),
		suspended: t.Optional(t.Boolean()),
		reason: t.Optional(t.String({ maxLength: 500, description: 'Of the suspension, for the desk.' })),
		until: t.Optional(TimeInput('When the suspension ends by itself.')),
	},
	{
		description: 'What is not named stays. `permissions` are set as a whole: those that are not named are on.',
		examples: [{ suspended: true, reason: 'spam', until: '2026-03-01T00:00:00.000Z' }],
	},
);
export type UpdateUser = Static<typeof UpdateUser>;

export const Done = t.Object({ done: t.Literal(true) }, { examples: [{ done: true }] });
export type Done = Static<typeof Done>;

export const Blocked = t.Object(
	{ userId: Id('The other user.'), blocked: t.Boolean() },
	{ examples: [{ userId: exampleIds.jane, blocked: true }] },
);
export type Blocked = Static<typeof Blocked>;

export const BlockList = t.Object(
	{ data: t.Array(t.Object({ user: Profile, createdAt: Time('When the block was set.') })), total: t.Integer() },
	{ examples: [{ data: [{ user: profileExamples.jane, createdAt: '2026-02-22T10:00:00.000Z' }], total: 1 }] },
);
export type BlockList = Static<typeof BlockList>;
