import type { Store } from '../../db/open.ts';
import { type Steps, step, type Tx } from '../../db/step.ts';
import { type Clock, iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newSecret } from '../../kernel/ids.ts';
import { eraseRowsMax, purgeRowsMax } from '../../kernel/limits.ts';
import { actorOf, type Principal, type UserPrincipal } from '../../kernel/principal.ts';
import { isDesk } from '../../kernel/roles.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { Message } from '../messaging/messaging.schema.ts';
import type { ConversationRow, MessagingSteps } from '../messaging/messaging.steps.ts';
import { messageView } from '../messaging/messaging.view.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import type { UserExport } from './erasure.schema.ts';
import { judgeRank } from './rank.ts';
import { asNow } from './users.access.ts';
import type { UserRow, UserSteps } from './users.steps.ts';
import { userView } from './users.view.ts';

/** What other modules keep of a user beside messages. */
export interface Belongings {
	/** Deletes a piece of it, so that others need not wait, and returns how much that was: 0 when nothing is left. */
	forget(tx: Tx, site: number, user: number): Steps<number>;
	/** Whether somebody must not see a conversation of another's export: whom it is about. */
	hides?(tx: Tx, row: ConversationRow, viewer: number): Steps<boolean>;
	/** What of a conversation belongs in its owner's export. */
	describe?(tx: Tx, row: ConversationRow): Steps<UserExport['conversations'][number]['ticket']>;
}

/** createErasureService: a user's right to take their data along, and to have it gone (GDPR, articles 15, 17 and 20). */
export const createErasureService = ({
	store,
	users,
	messaging,
	sites,
	audit,
	belongings,
	sweep,
	clock,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
	sites: SiteSteps;
	audit: AuditSteps;
	belongings: Belongings[];
	/** Takes the last traces of erased words out of the text index. */
	sweep: () => Promise<void>;
	clock: Clock;
}) => {
	/** Takes the profile away: the row and its numbers stay, so that others' conversations keep their shape. */
	const forget = step(function* (tx, row: UserRow) {
		if (row.role === 'superadmin' && (yield* users.otherSuperadmins(tx, row.site, row.pk)) === 0)
			throw new AppError('last_superadmin');
		const nothing = {
			username: `deleted-${newSecret('').slice(0, 12).toLowerCase()}`,
			displayName: null,
			email: null,
			avatarUrl: null,
			externalId: null,
			metadata: null,
			settings: null,
			permissions: null,
			passwordHash: null,
			deviceHash: null,
			suspendedReason: null,
			lastSeenAt: null,
			madeByServer: false,
			// note: or the purge of visitors who never came would take the row, and count it off once more
			firstCallAt: row.firstCallAt ?? tx.now,
			erasedAt: tx.now,
			erasurePending: true,
			ver: row.ver + 1,
		};
		yield* users.update(tx, row.site, row.pk, nothing, 'user.deleted');
		yield* users.removeBlocksOf(tx, row.pk);
		yield* sites.endLinks(tx, row.site, row.pk);
		yield* sites.uncountUser(tx, row.site, row.createdAt);
	});

	/** Empties a user's texts conversation by conversation, in pieces, so that senders need not wait. May be run again. */
	const emptyTexts = async (site: number, pk: number): Promise<void> => {
		const emptied = new Set<number>();
		const left = () => store.read((tx) => messaging.ofUser(tx, site, pk)).filter((row) => !emptied.has(row.pk));
		// note: looked for until there are none: a report made meanwhile has copied words into a ticket of its own
		for (let rows = left(); rows.length > 0; rows = left())
			for (const row of rows) {
				emptied.add(row.pk);
				for (let from = 0; from < row.lastSeq; from += eraseRowsMax)
					await store.atomic(function* (tx) {
						const now = yield* messaging.find(tx, site, row.id);
						if (now) yield* messaging.emptyOwn(tx, now, pk, from, from + eraseRowsMax);
					});
			}
		for (const { forget } of belongings) while ((await store.atomic((tx) => forget(tx, site, pk))) > 0);
		await store.atomic(function* (tx) {
			yield* messaging.removeReactionsOf(tx, pk);
			yield* users.update(tx, site, pk, { erasurePending: false });
		});
	};

	/** The erasures at work in this process. */
	const running = new Set<number>();
	/** Whether what was overwritten may still stand in the log: at the start nobody knows. */
	let traces = true;
	const finish = async (site: number, pk: number): Promise<void> => {
		running.add(pk);
		try {
			await emptyTexts(site, pk);
			traces = true;
		} finally {
			running.delete(pk);
		}
	};
	const cleanUp = async (): Promise<void> => {
		await sweep();
		if (store.writeBack()) traces = false;
	};

	/** Erases whom `judge` lets be erased. Resolves when all of it is gone; what fails on the way, `resume` goes on with. */
	const erase = async (judge: (tx: Tx) => Steps<UserRow>): Promise<{ done: true }> => {
		const { site, pk } = await store.atomic(function* (tx) {
			const row = yield* judge(tx);
			yield* forget(tx, row);
			return row;
		});
		await finish(site, pk);
		await cleanUp();
		return { done: true };
	};

	return {
		/** eraseMe deletes the caller: profile, texts, reactions and blocks. */
		eraseMe: (p: UserPrincipal): Promise<{ done: true }> =>
			erase(function* (tx) {
				const me = yield* users.allowed(tx, p, 'profile.delete');
				if (me && isDesk(me.role)) yield* audit.record(tx, p.site, actorOf(p), 'user.erase', p.id);
				return yield* users.need(tx, p.site, p.id);
			}),
		/** erase deletes another user, by the desk. */
		erase: (p: Principal, id: string): Promise<{ done: true }> =>
			erase(function* (tx) {
				const judge = yield* users.allowed(tx, p, 'user.erase');
				const row = yield* users.need(tx, p.site, id);
				judgeRank(judge ? asNow(p, judge) : p, { target: row });
				yield* audit.record(tx, p.site, actorOf(p), 'user.erase', row.id);
				return row;
			}),

		/** resume goes on with erasures that a crash, a full disk or another process cut off; called at the start, and then again and again. */
		resume: async (): Promise<void> => {
			for (const row of store.read((tx) => users.pendingErasures(tx)))
				if (!running.has(row.pk)) await finish(row.site, row.pk);
			if (traces) await cleanUp();
		},

		/** exportMe is everything of the caller: the profile, and their conversations with their own messages. */
		exportMe: (p: UserPrincipal): Promise<UserExport> =>
			collect(
				store.read((tx) => users.need(tx, p.site, p.id)),
				p,
			),
		/** export is everything of another user, by the desk. */
		export: async (p: Principal, id: string): Promise<UserExport> => {
			const row = await store.atomic(function* (tx) {
				const judge = yield* users.allowed(tx, p, 'user.export');
				const row = yield* users.need(tx, p.site, id);
				judgeRank(judge ? asNow(p, judge) : p, { target: row });
				yield* audit.record(tx, p.site, actorOf(p), 'user.export', row.id);
				return row;
			});
			return collect(row, p);
		},
	};

	async function collect(user: UserRow, p: Principal): Promise<UserExport> {
		const { pk } = user;
		const rows = store.read((tx) => ofUser(tx, user, p));
		const conversations: UserExport['conversations'] = [];
		for (const row of rows) {
			const messages: Message[] = [];
			for (let from = 0; from < row.lastSeq; from += purgeRowsMax) {
				const part = store.read((tx) => messaging.range(tx, row, from, from + purgeRowsMax));
				for (const message of part) if (message.sender === pk) messages.push(messageView(row, message, []));
				// a long history is read in pieces, with room for others between
				await new Promise((resolve) => setImmediate(resolve));
			}
			const takesPart = row.participantOne === pk || row.participantTwo === pk;
			// note: what a report keeps of a user would tell them of the report
			if (!takesPart && messages.length === 0) continue;
			const ticket = row.participantOne === pk ? store.read((tx) => described(tx, row)) : null;
			conversations.push({ id: row.id, type: row.type, createdAt: iso(row.createdAt), ticket, messages });
		}
		return { user: userView(user, p.resourceId, clock()), conversations };
	}
	/** The conversations of a user that somebody may see in an export. */
	function* ofUser(tx: Tx, { site, pk }: UserRow, p: Principal): Steps<ConversationRow[]> {
		const shown: ConversationRow[] = [];
		for (const row of yield* messaging.ofUser(tx, site, pk)) {
			let hidden = false;
			if (p.kind === 'user') for (const { hides } of belongings) hidden ||= hides ? yield* hides(tx, row, p.pk) : false;
			if (!hidden) shown.push(row);
		}
		return shown;
	}
	function* described(tx: Tx, row: ConversationRow): Steps<UserExport['conversations'][number]['ticket']> {
		for (const { describe } of belongings) {
			const found = describe && (yield* describe(tx, row));
			if (found) return found;
		}
		return null;
	}
};
export type ErasureService = ReturnType<typeof createErasureService>;
