/** The five roles, lowest first: the index is the rank. The four above `user` are the desk. */
export const roles = ['user', 'staff', 'moderator', 'admin', 'superadmin'] as const;
export type Role = (typeof roles)[number];

export const deskRoles = roles.slice(1);

export const rank = (role: Role): number => roles.indexOf(role);
export const isDesk = (role: Role): boolean => role !== 'user';
export const atLeast = (role: Role, least: Role): boolean => rank(role) >= rank(least);

/** The five flags of the seed. Each is true unless it is switched off for one desk user. */
export const flags = [
	'canSendMessage',
	'canReceiveMessage',
	'canDeleteMessage',
	'canEditMessage',
	'canArchiveConversation',
] as const;
export type Flag = (typeof flags)[number];
export type Flags = Record<Flag, boolean>;

/** effectiveFlags: overrides count for the desk only; a `user` has all five. */
export const effectiveFlags = (role: Role, overrides: Partial<Flags> | null): Flags => {
	const all: Flags = {
		canSendMessage: true,
		canReceiveMessage: true,
		canDeleteMessage: true,
		canEditMessage: true,
		canArchiveConversation: true,
	};
	return isDesk(role) && overrides ? { ...all, ...overrides } : all;
};

/** namedFlags leaves the five flags of what a caller sent. */
export const namedFlags = (permissions: Partial<Flags>): Partial<Flags> =>
	Object.fromEntries(flags.filter((flag) => permissions[flag] !== undefined).map((flag) => [flag, permissions[flag]]));

interface Rule {
	/** The lowest role that may. */
	least: Role;
	/** Flags that must all be on. */
	flags?: readonly Flag[];
	/** Whether a secret key may make the call without naming a user. It then stands at the rank of a superadmin. */
	server?: true;
}

/**
 * What a principal can be allowed to do; a route names one of these. `can:` on a route is the first gate
 * (role and flag); whether this row may be touched is judged by the service.
 */
export const capabilities = {
	'profile.read': { least: 'user' },
	'profile.update': { least: 'user' },
	'profile.delete': { least: 'user' },
	'profile.export': { least: 'user' },
	'session.end': { least: 'user' },
	'password.change': { least: 'staff' },
	'user.view': { least: 'user', server: true },
	'user.lookup': { least: 'user', server: true },
	'block.manage': { least: 'user' },
	'conversation.start': { least: 'user', flags: ['canSendMessage'], server: true },
	'conversation.read': { least: 'user' },
	'conversation.archive': { least: 'user', flags: ['canArchiveConversation'] },
	'event.read': { least: 'user' },
	'message.send': { least: 'user', flags: ['canSendMessage'] },
	'message.edit': { least: 'user', flags: ['canSendMessage', 'canEditMessage'] },
	'message.delete': { least: 'user', flags: ['canDeleteMessage'] },
	'message.react': { least: 'user', flags: ['canSendMessage'] },
	'ticket.open': { least: 'user', flags: ['canSendMessage'] },
	'ticket.read': { least: 'user' },
	'ticket.update': { least: 'user' },
	'ticket.rate': { least: 'user', flags: ['canSendMessage'] },
	'ticket.history': { least: 'staff' },
	'report.make': { least: 'user', flags: ['canSendMessage'] },
	'desk.conversations': { least: 'staff', server: true },
	'desk.privacy': { least: 'admin', server: true },
	'desk.stats': { least: 'staff', server: true },
	'desk.tickets': { least: 'staff', server: true },
	'desk.users': { least: 'staff', server: true },
	'ticket.make': { least: 'staff', flags: ['canSendMessage'], server: true },
	'report.decide': { least: 'moderator', server: true },
	'audit.read': { least: 'admin', server: true },
	'site.manage': { least: 'admin', server: true },
	'canned.read': { least: 'staff', server: true },
	'canned.write': { least: 'moderator', server: true },
	'key.manage': { least: 'superadmin' },
	'token.mint': { least: 'superadmin', server: true },
	'user.create': { least: 'superadmin', server: true },
	'desk.create': { least: 'admin', server: true },
	'user.suspend': { least: 'moderator', server: true },
	'user.manage': { least: 'admin', server: true },
	'user.erase': { least: 'admin', server: true },
	'user.export': { least: 'admin', server: true },
	'user.revoke': { least: 'admin', server: true },
	'user.invite': { least: 'admin' },
} as const satisfies Record<string, Rule>;
export type Capability = keyof typeof capabilities;
/** The capabilities that a secret key alone has too. */
export type ServerCapability = {
	[C in Capability]: (typeof capabilities)[C] extends { server: true } ? C : never;
}[Capability];

/** ruleOf widens one entry of the table, so that its optional parts can be read. */
export const ruleOf = (capability: Capability): Rule => capabilities[capability];
