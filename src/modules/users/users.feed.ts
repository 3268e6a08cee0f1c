import type { View } from '../events/feed.ts';
import type { SiteSteps } from '../sites/sites.steps.ts';
import type { UserSteps } from './users.steps.ts';
import { userView } from './users.view.ts';

/** accountView shows users what happens to their own account, on their other devices. */
export const accountView = (users: UserSteps, sites: SiteSteps): View =>
	function* (tx, { type, site, userA = 0, detail }) {
		if (type === 'user.blocked') {
			const other = yield* users.findByPk(tx, site, Number(detail?.user));
			return other ? { own: { userId: other.id, blocked: detail?.blocked === true }, desk: null } : null;
		}
		const row = yield* users.findByPk(tx, site, userA);
		const home = row && (yield* sites.byPk(tx, site));
		return home ? { own: userView(row, home.resourceId, tx.now), desk: null } : null;
	};
