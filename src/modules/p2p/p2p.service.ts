import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { hour, second } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { unreadListMax } from '../../kernel/limits.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import type { Principal, UserPrincipal } from '../../kernel/principal.ts';
import { atLeast } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { Signals } from '../events/signals.ts';
import type {
	Conversation,
	ConversationPage,
	ConversationQuery,
	StartConversation,
	UnreadTotal,
} from '../messaging/messaging.schema.ts';
import { createThreadService, type Meeting, type ThreadPolicy } from '../messaging/messaging.service.ts';
import { otherSide, type Side, sideOf, sideState } from '../messaging/messaging.sides.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { conversationView } from '../messaging/messaging.view.ts';
import { canReceive, judgeUser } from '../users/users.access.ts';
import type { UserSteps } from '../users/users.steps.ts';
import type { Standing } from '../users/users.tables.ts';
import type { P2pSteps } from './p2p.steps.ts';

/** How much an unverified user may write before anybody answers. */
export interface UnverifiedLimits {
	messages: number;
	conversations: number;
}

/** createP2pService: conversations of two users. */
export const createP2pService = ({
	store,
	users,
	messaging,
	audit,
	signals,
	p2p,
	limits,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
	audit: AuditSteps;
	signals: Signals;
	p2p: P2pSteps;
	limits: UnverifiedLimits;
}) => {
	const isIn = (row: ConversationRow, user: number) =>
		row.type === 'p2p' && (row.participantOne === user || row.participantTwo === user);
	const see: ThreadPolicy['see'] = step(function* (tx, p: UserPrincipal, id: string) {
		const row = yield* messaging.find(tx, p.site, id);
		if (!row || !isIn(row, p.pk)) throw new AppError('not_found');
		return { row, side: sideOf(row, p.pk), desk: false };
	});

	/** Why two users may not begin or go on talking; null when they may. */
	const silence = (blocked: boolean, other: Standing): AppError | null =>
		blocked ? new AppError('blocked') : canReceive(other) ? null : new AppError('recipient_unavailable');

	const policy: ThreadPolicy = {
		see,
		meet: step(function* (tx, p, id, capability) {
			const found = yield* p2p.meeting(tx, p.site, id, p.pk);
			if (!found) {
				yield* users.allowed(tx, p, capability);
				throw new AppError('not_found');
			}
			const { row, me, other } = found;
			judgeUser(p, me, capability, tx.now);
			// a moderator may take a message out of any conversation, and nothing else
			const moderates = capability === 'message.delete' && atLeast(me.role, 'moderator') && row.type === 'p2p';
			if (!isIn(row, me.pk) && !moderates) throw new AppError('not_found');
			const side = sideOf(row, me.pk);
			const refusal: Meeting['refusal'] = (act) => {
				const refused = silence(found.blocked === 1, other);
				if (refused && (act === 'send' || refused.code === 'blocked')) return refused;
				const unheard = row[sideState[otherSide(side)].sent] === 0;
				if (act === 'send' && !me.verified && unheard && row[sideState[side].sent] >= limits.messages)
					return new AppError('reply_awaited', { retryAfterSeconds: hour / second });
				return null;
			};
			return { row, side, desk: false, me, silent: found.blocked === 1, refusal };
		}),
	};

	const view = step(function* (tx, rows: ConversationRow[], viewer: { pk: number } | null) {
		const people = yield* messaging.participants(tx, rows);
		const last = yield* messaging.lastMessages(tx, rows);
		const reactions = yield* messaging.reactionsOf(tx, [...last.values()], viewer?.pk ?? 0);
		const byMessage = Map.groupBy(reactions, (reaction) => reaction.message);
		return rows.map((row): Conversation => {
			const side: Side = viewer ? sideOf(row, viewer.pk) : 1;
			const message = last.get(row.pk);
			return conversationView(row, side, people, message, byMessage.get(message?.pk ?? 0) ?? []);
		});
	});
	const viewOne = step(function* (tx, row: ConversationRow, viewer: { pk: number } | null) {
		const [found] = yield* view(tx, [row], viewer);
		return found as Conversation;
	});

	/** The two users a new conversation is for. */
	const pair = step(function* (tx, p: Principal, me: Standing | undefined, body: StartConversation) {
		if (p.kind === 'server') {
			if (body.participantOne === undefined || body.participantTwo === undefined)
				throw new AppError('invalid_request', {
					errors: [
						{ path: 'participantOne', message: 'with a secret key alone, name participantOne and participantTwo' },
					],
				});
			return {
				one: yield* users.need(tx, p.site, body.participantOne),
				two: yield* users.need(tx, p.site, body.participantTwo),
			};
		}
		if (!me) throw new AppError('user_token_required');
		if ((body.otherParticipantId === undefined) === (body.otherExternalId === undefined))
			throw new AppError('invalid_request', {
				errors: [
					{ path: 'otherParticipantId', message: 'name the other user: either otherParticipantId or otherExternalId' },
				],
			});
		const two =
			body.otherParticipantId !== undefined
				? yield* users.need(tx, p.site, body.otherParticipantId)
				: yield* users.findByExternalId(tx, p.site, body.otherExternalId ?? '');
		if (!two) throw new AppError('not_found');
		return { one: me, two };
	});

	return {
		see,
		threads: createThreadService({ store, messaging, audit, signals, policy }),

		/** start gives the one conversation of two users, and makes it the first time. */
		start: (p: Principal, body: StartConversation): Promise<{ created: boolean; data: Conversation }> => {
			const id = newId('conv');
			return store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'conversation.start');
				const { one, two } = yield* pair(tx, p, me, body);
				if (one.pk === two.pk) throw new AppError('conversation_with_self');
				const viewer = me ?? null;
				const refused = silence(yield* users.isBlocked(tx, one.pk, two.pk), two);
				if (refused?.code === 'blocked') throw refused;
				const found = yield* messaging.findPair(tx, p.site, one.pk, two.pk);
				if (found) return { created: false, data: yield* viewOne(tx, found, viewer) };
				if (refused) throw refused;
				if (!me && !canReceive(one)) throw new AppError('recipient_unavailable');
				if (me && !me.verified && (yield* messaging.unanswered(tx, p.site, 'p2p', me.pk)) >= limits.conversations)
					throw new AppError('conversations_unanswered', { retryAfterSeconds: hour / second });
				const row = yield* messaging.start(tx, p.site, {
					id,
					type: 'p2p',
					status: 'active',
					participantOne: one.pk,
					participantTwo: two.pk,
				});
				return { created: true, data: yield* viewOne(tx, row, viewer) };
			});
		},

		list: (p: UserPrincipal, query: ConversationQuery): ConversationPage =>
			store.read(function* (tx) {
				const asked = paging(query);
				const { limit, offset } = asked;
				const status = query.status ?? 'active';
				const { rows, total } = yield* messaging.list(tx, p.site, {
					type: 'p2p',
					user: p.pk,
					archived: status === 'all' ? null : status === 'archived',
					unread: query.unread ?? false,
					limit,
					offset,
				});
				return pageOf(yield* view(tx, rows, p), total, asked);
			}),

		get: (p: UserPrincipal, id: string): Conversation =>
			store.read(function* (tx) {
				const { row } = yield* see(tx, p, id);
				return yield* viewOne(tx, row, p);
			}),

		archive: (p: UserPrincipal, id: string, archived: boolean): Promise<Conversation> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'conversation.archive');
				const { row, side } = yield* see(tx, p, id);
				return yield* viewOne(tx, yield* messaging.archive(tx, row, side, archived), p);
			}),

		unreadCount: (p: UserPrincipal): UnreadTotal =>
			store.read((tx) => messaging.unread(tx, p.site, 'p2p', p.pk, unreadListMax)),
	};
};
export type P2pService = ReturnType<typeof createP2pService>;
