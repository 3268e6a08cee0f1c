import { batch, computed, signal } from '@preact/signals';
import { type Client, Failure, type User } from '../../client/client.ts';
import { atLeast, type Capability, deskRoles, isDesk, type Role, rank, ruleOf } from '../../kernel/roles.ts';
import type { CannedReply } from '../../modules/support/canned.schema.ts';
import type { DeskUserPage, Profile } from '../../modules/users/users.schema.ts';
import { call } from './calling.ts';
import { createInbox } from './inbox.store.ts';
import { type Places, pathTo } from './place.store.ts';
import { type Begun, createTalk, nothingBegun, type Talk } from './talk.store.ts';
import { explain, nameOf } from './words.ts';

/** Everything that somebody of the team has before them once signed in. Views read its signals and call its functions. */

export interface Toast {
	id: number;
	text: string;
	bad: boolean;
	again?: () => void;
}
const toastMs = 6_000;
const unreadPauseMs = 400;

/** createWork begins the work of one person; `onEnd`: the server no longer knows them. */
export const createWork = ({
	client,
	me: first,
	places,
	onEnd,
}: {
	client: Client;
	me: User;
	places: Places;
	onEnd: (why: string) => void;
}) => {
	const me = signal(first);
	const line = signal<'live' | 'waiting' | 'connecting'>('connecting');
	const toasts = signal<Toast[]>([]);
	const unread = signal(0);
	const openReports = signal(0);
	const team = signal<Profile[]>([]);
	const people = signal<Record<string, Profile>>({ [first.id]: first });
	const helping = signal(false);
	const confirming = signal<{ title: string; text: string; act: string; then: () => void } | null>(null);

	let toastId = 0;
	const dismiss = (id: number) => {
		toasts.value = toasts.value.filter((toast) => toast.id !== id);
	};
	/** say tells of something for a moment; what is bad stays until it is dismissed. */
	const say = (text: string, { bad = false, again }: { bad?: boolean; again?: () => void } = {}) => {
		const id = ++toastId;
		toasts.value = [...toasts.value.filter((toast) => toast.text !== text), { id, text, bad, ...(again && { again }) }];
		if (!bad) setTimeout(() => dismiss(id), toastMs);
	};
	const fail = (error: unknown, again?: () => void) => {
		if (error instanceof Failure && ['invalid_token', 'token_expired', 'token_revoked'].includes(error.code))
			onEnd('You were signed out. Sign in again.');
		else say(explain(error), { bad: true, ...(again && { again }) });
	};

	/** can: whether one's own role and permissions allow an act at all. */
	const can = (capability: Capability): boolean => {
		const { least, flags = [] } = ruleOf(capability);
		return atLeast(me.value.role, least) && flags.every((flag) => me.value.permissions[flag]);
	};
	/** outranks: whether one may act on somebody of this role. */
	const outranks = (role: Role): boolean => rank(role) < rank(me.value.role) || me.value.role === 'superadmin';

	const asked = new Set<string>();
	const meet = (...more: readonly (Profile | null | undefined)[]) => {
		const fresh = more.filter(
			(person): person is Profile => Boolean(person) && person !== people.value[person?.id ?? ''],
		);
		if (fresh.length > 0)
			people.value = { ...people.value, ...Object.fromEntries(fresh.map((person) => [person.id, person])) };
	};
	/** person is somebody by id; whoever is not known yet is asked for, and shown once known. */
	const person = (id: string | null | undefined): Profile | undefined => {
		if (!id) return undefined;
		const known = people.value[id];
		if (!known && id.startsWith('user_') && !asked.has(id)) {
			asked.add(id);
			client
				.get<Profile>(`/users/${encodeURIComponent(id)}`)
				.then(meet)
				.catch(() => undefined);
		}
		return known;
	};

	const loadTeam = async () => {
		const pages = await Promise.all(
			deskRoles.map((role) => client.get<DeskUserPage>('/admin/users', { role, status: 'active', limit: 100 })),
		);
		batch(() => {
			team.value = pages.flatMap((page) => page.data).sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
			meet(...team.value);
		});
	};
	let counting: ReturnType<typeof setTimeout> | undefined;
	/** Counts anew what nobody has read: once, however much has happened. */
	const recount = () => {
		clearTimeout(counting);
		counting = setTimeout(async () => {
			const support = await client.unreadCount('support').catch(() => null);
			if (support) unread.value = support.total;
			if (!can('report.decide')) return;
			const reports = await client
				.get<{ total: number }>('/admin/reports', { status: 'open', limit: 1 })
				.catch(() => null);
			if (reports) openReports.value = reports.total;
		}, unreadPauseMs);
	};

	const inbox = createInbox({ client, me, places, meet, fail });
	const talk = signal<Talk | null>(null);
	/** What was begun and is not done, by conversation; it ends with the session, as everything here does. */
	const begun = new Map<string, Begun>();
	const begunIn = (id: string): Begun => {
		const found = begun.get(id) ?? nothingBegun();
		begun.set(id, found);
		return found;
	};
	/** The canned replies, once they were needed; null has them fetched anew. */
	const canned = signal<CannedReply[] | null>(null);
	/** The conversation that the address names is the one that is open. */
	const follow = (id: string | null) => {
		if (talk.value?.id === id) return;
		talk.value?.leave();
		talk.value =
			id === null ? null : createTalk({ client, id, begun: begunIn(id), me, inbox, meet, say, fail, recount });
	};

	for (const type of ['message.created', 'message.updated', 'message.deleted', 'message.reaction'] as const)
		client.on(type, (event) =>
			batch(() => {
				inbox.heard(event);
				talk.value?.heard(event);
				if (event.type !== 'message.created') return;
				recount();
				const { data } = event;
				const row = inbox.rowOf(data.conversationId);
				const mine = row?.type === 'support' && (row.assigneeId === null || row.assigneeId === me.value.id);
				const fromCustomer =
					data.kind === 'text' && data.senderId === (row?.requesterId ?? null) && data.senderId !== null;
				if (!mine || !fromCustomer || (talk.value?.id === data.conversationId && document.hasFocus())) return;
				call(nameOf(person(data.senderId)), data.content.text ?? '', data.conversationId, () =>
					places.go(pathTo(['inbox', 'all', data.conversationId])),
				);
			}),
		);
	client.on('conversation.read', ({ data }) =>
		batch(() => {
			inbox.read(data.id, data.unreadCountP2);
			talk.value?.seen(data.seenSeqP1 ?? 0);
			recount();
		}),
	);
	client.on('ticket.created', ({ data }) => {
		recount();
		inbox.arrived(data.id).then((row) => {
			if (row && row.requesterId !== me.value.id)
				call('New ticket', row.subject ?? '', row.id, () => places.go(pathTo(['inbox', 'all', row.id])));
		});
	});
	client.on('ticket.updated', ({ data }) =>
		batch(() => {
			meet(data.requester, data.assignee);
			inbox.changed(data);
			talk.value?.changed(data);
			recount();
		}),
	);
	client.on('report.updated', recount);
	client.on('user.updated', ({ data }) => {
		me.value = data;
		if (!isDesk(data.role)) onEnd('You are no longer of the team.');
	});
	client.on('typing', ({ conversationId, data }) => {
		if (talk.value?.id === conversationId) talk.value.typed(data);
	});
	client.on('presence', ({ conversationId, data }) => {
		if (talk.value?.id === conversationId) talk.value.present(data);
	});
	client.on('outgoing', (queue) => talk.value?.troubles(queue));
	client.on('state', (state) => {
		if (state === 'live') line.value = 'live';
		else if (state === 'waiting') {
			line.value = 'waiting';
			// who looks at it too is told again once the line is back
			if (talk.value) talk.value.watchers.value = [];
		}
	});
	client.on('failure', (failure) =>
		onEnd(failure.code === 'user_suspended' ? failure.message : 'You were signed out. Sign in again.'),
	);
	/** What is shown may have holes: all of it is fetched anew. */
	const refresh = () => {
		inbox.load();
		talk.value?.reload();
		recount();
		loadTeam().catch(() => undefined);
	};
	client.on('reset', refresh);
	client.connect();
	recount();
	loadTeam().catch(fail);

	return {
		client,
		canned,
		me,
		line,
		toasts,
		dismiss,
		say,
		fail,
		can,
		outranks,
		unread,
		openReports,
		team,
		loadTeam,
		person,
		meet,
		inbox,
		talk,
		follow,
		helping,
		confirming,
		places,
		/** confirm asks before an act that cannot be taken back. */
		confirm: (title: string, text: string, act: string, then: () => void): void => {
			confirming.value = { title, text, act, then };
		},
		/** end stops what goes on by itself. */
		end: (): void => {
			clearTimeout(counting);
			inbox.end();
			talk.value?.leave();
			client.close();
		},
		title: computed(() => (unread.value > 0 ? `(${unread.value}) ` : '')),
	};
};
export type Work = ReturnType<typeof createWork>;
