import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { iso } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { blocksMax } from '../../kernel/limits.ts';
import type { UserPrincipal } from '../../kernel/principal.ts';
import type { EventSteps } from '../events/events.steps.ts';
import type { MessagingSteps } from '../messaging/messaging.steps.ts';
import type { Blocked, BlockList } from './users.schema.ts';
import type { UserSteps } from './users.steps.ts';
import { profileOf } from './users.view.ts';

/** createBlockService: who does not want to hear from whom. A block closes the pair's conversation for both; its history stays. */
export const createBlockService = ({
	store,
	users,
	messaging,
	events,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
	events: EventSteps;
}) => {
	/** Their own devices hear of it; the other is not told. */
	const tell = step(function* (tx, { site, pk }: UserPrincipal, other: number, blocked: boolean) {
		const detail = { user: other, blocked };
		yield* events.record(tx, { site, type: 'user.blocked', detail }, { in: 'profile', user: pk });
	});

	return {
		block: (p: UserPrincipal, userId: string): Promise<Blocked> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'block.manage');
				const other = yield* users.need(tx, p.site, userId);
				if (other.pk === p.pk) throw new AppError('block_impossible');
				if ((yield* users.blocksOf(tx, p.site, p.pk, blocksMax)).length >= blocksMax)
					throw new AppError('block_impossible', { message: `One user can block at most ${blocksMax} others.` });
				if (yield* users.block(tx, p.site, p.pk, other.pk)) {
					yield* messaging.clearBadges(tx, p.site, p.pk, other.pk);
					yield* tell(tx, p, other.pk, true);
				}
				return { userId, blocked: true };
			}),

		unblock: (p: UserPrincipal, userId: string): Promise<Blocked> =>
			store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'block.manage');
				const other = yield* users.need(tx, p.site, userId);
				if (yield* users.unblock(tx, p.site, p.pk, other.pk)) yield* tell(tx, p, other.pk, false);
				return { userId, blocked: false };
			}),

		list: (p: UserPrincipal): BlockList =>
			store.read(function* (tx) {
				const rows = yield* users.blocksOf(tx, p.site, p.pk, blocksMax);
				const data = rows.map((row) => ({ user: profileOf(row.user), createdAt: iso(row.createdAt) }));
				return { data, total: data.length };
			}),
	};
};
export type BlockService = ReturnType<typeof createBlockService>;
