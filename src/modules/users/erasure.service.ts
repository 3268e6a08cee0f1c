import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { AppError } from '../../kernel/errors.ts';
import { newSecret } from '../../kernel/ids.ts';
import { purgeRowsMax } from '../../kernel/limits.ts';
import type { UserPrincipal } from '../../kernel/principal.ts';
import type { Message } from '../messaging/messaging.schema.ts';
import type { MessagingSteps } from '../messaging/messaging.steps.ts';
import { messageView } from '../messaging/messaging.view.ts';
import type { UserExport } from './erasure.schema.ts';
import type { UserRow, UserSteps } from './users.steps.ts';
import { userView } from './users.view.ts';

/** createErasureService: a user's right to take their data along, and to have it gone (GDPR, articles 15, 17 and 20). */
export const createErasureService = ({
	store,
	users,
	messaging,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
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
			madeByServer: false,
			erasedAt: tx.now,
			erasurePending: true,
			ver: row.ver + 1,
		};
		yield* users.update(tx, row.site, row.pk, nothing, 'user.deleted');
		yield* users.removeBlocksOf(tx, row.pk);
	});

	/** Empties a user's texts conversation by conversation, in pieces, so that senders need not wait. May be run again. */
	const emptyTexts = async (site: number, pk: number): Promise<void> => {
		const conversations = store.read((tx) => messaging.ofUser(tx, site, pk));
		for (const row of conversations)
			for (let from = 0; from < row.lastSeq; from += purgeRowsMax)
				await store.atomic(function* (tx) {
					const now = yield* messaging.find(tx, site, row.id);
					if (now) yield* messaging.emptyOwn(tx, now, pk, from, from + purgeRowsMax);
				});
		await store.atomic(function* (tx) {
			yield* messaging.removeReactionsOf(tx, pk);
			yield* users.update(tx, site, pk, { erasurePending: false });
		});
	};

	return {
		/** eraseMe deletes the caller: profile, texts, reactions and blocks. Answers when all of it is gone. */
		eraseMe: async (p: UserPrincipal): Promise<{ done: true }> => {
			await store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'profile.delete');
				yield* forget(tx, yield* users.need(tx, p.site, p.id));
			});
			await emptyTexts(p.site, p.pk);
			store.writeBack();
			return { done: true };
		},

		/** resume goes on with erasures that a crash cut off; called at start. */
		resume: async (): Promise<void> => {
			for (const row of store.read((tx) => users.pendingErasures(tx))) await emptyTexts(row.site, row.pk);
		},

		/** exportMe is everything of the caller: the profile, and their conversations with their own messages. */
		exportMe: async (p: UserPrincipal): Promise<UserExport> => {
			const { user, rows } = store.read(function* (tx) {
				const row = yield* users.need(tx, p.site, p.id);
				return {
					user: userView(row, p.resourceId, tx.now),
					rows: yield* messaging.ofUser(tx, p.site, p.pk),
				};
			});
			const conversations: UserExport['conversations'] = [];
			for (const row of rows) {
				const messages: Message[] = [];
				for (let from = 0; from < row.lastSeq; from += purgeRowsMax) {
					const part = store.read((tx) => messaging.range(tx, row, from, from + purgeRowsMax));
					for (const message of part) if (message.sender === p.pk) messages.push(messageView(row, message, []));
					// a long history is read in pieces, with room for others between
					await new Promise((resolve) => setImmediate(resolve));
				}
				conversations.push({ id: row.id, type: row.type, createdAt: new Date(row.createdAt).toISOString(), messages });
			}
			return { user, conversations };
		},
	};
};
export type ErasureService = ReturnType<typeof createErasureService>;
