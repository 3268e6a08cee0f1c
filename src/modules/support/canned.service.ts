import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { cannedRepliesMax } from '../../kernel/limits.ts';
import { actorOf, type Principal } from '../../kernel/principal.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import { cleanText } from '../messaging/messaging.text.ts';
import type { UserSteps } from '../users/users.steps.ts';
import type { CannedReply, CannedReplyList, SaveCannedReply, UpdateCannedReply } from './canned.schema.ts';
import type { CannedRow, CannedSteps } from './canned.steps.ts';

const view = ({ id, shortcut, text, createdAt, updatedAt }: CannedRow): CannedReply => ({
	id,
	shortcut,
	text,
	createdAt: iso(createdAt),
	updatedAt: iso(updatedAt),
});

/** createCannedService: the desk's canned replies. */
export const createCannedService = ({
	store,
	users,
	canned,
	audit,
}: {
	store: Store;
	users: UserSteps;
	canned: CannedSteps;
	audit: AuditSteps;
}) => {
	const need = step(function* (tx, site: number, id: string) {
		const row = yield* canned.find(tx, site, id);
		if (!row) throw new AppError('not_found');
		return row;
	});
	const checkFree = step(function* (tx, site: number, shortcut: string, self?: CannedRow) {
		const holder = yield* canned.byShortcut(tx, site, shortcut);
		if (holder && holder.pk !== self?.pk) throw new AppError('shortcut_taken');
	});

	return {
		list: (p: Principal): CannedReplyList =>
			store.read(function* (tx) {
				const data = (yield* canned.list(tx, p.site)).map(view);
				return { data, total: data.length };
			}),

		add: (p: Principal, body: SaveCannedReply): Promise<CannedReply> => {
			const row = { id: newId('canned'), shortcut: body.shortcut, text: cleanText(body.text) };
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'canned.write');
				yield* checkFree(tx, p.site, row.shortcut);
				if ((yield* canned.list(tx, p.site)).length >= cannedRepliesMax)
					throw new AppError('invalid_request', { message: `A site has at most ${cannedRepliesMax} canned replies.` });
				yield* audit.record(tx, p.site, actorOf(p), 'canned.add', row.id, {
					changes: { shortcut: { after: row.shortcut } },
				});
				return view(yield* canned.insert(tx, p.site, row));
			});
		},

		update: (p: Principal, id: string, body: UpdateCannedReply): Promise<CannedReply> => {
			if (body.shortcut === undefined && body.text === undefined) throw new AppError('nothing_to_change');
			const changes = {
				...(body.shortcut !== undefined && { shortcut: body.shortcut }),
				...(body.text !== undefined && { text: cleanText(body.text) }),
			};
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'canned.write');
				const row = yield* need(tx, p.site, id);
				if (changes.shortcut !== undefined) yield* checkFree(tx, p.site, changes.shortcut, row);
				yield* audit.record(tx, p.site, actorOf(p), 'canned.update', row.id);
				return view(yield* canned.update(tx, row, changes));
			});
		},

		remove: (p: Principal, id: string): Promise<{ done: true }> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'canned.write');
				const row = yield* need(tx, p.site, id);
				yield* canned.remove(tx, row);
				yield* audit.record(tx, p.site, actorOf(p), 'canned.remove', row.id);
				return { done: true } as const;
			}),
	};
};
export type CannedService = ReturnType<typeof createCannedService>;
