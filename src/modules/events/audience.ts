import type { Audience, StoredEvent } from '../../kernel/events.ts';
import { isDesk, type Role } from '../../kernel/roles.ts';

/** Pure: who is told of what. Decided when an event is written; the right to what it shows is judged again when it is delivered. */

/** What happened, as far as it decides who is told. Users are integer keys. */
export type Occasion =
	/** In a conversation of two users. `by`: whose act it is, null for nobody of the two. */
	| { in: 'chat'; one: number; two: number; by: number | null; blocked: boolean }
	/** Something that one side of a conversation does for itself: it archives, it marks as unread. */
	| { in: 'side'; user: number; ofTicket: boolean }
	/** In a ticket. `hidden`: what its requester must not notice, like a note or a tag. */
	| { in: 'ticket'; requester: number; hidden: boolean }
	/** Something that the desk as one side of a ticket does for itself. */
	| { in: 'desk' }
	/** To a user: for them alone. */
	| { in: 'profile'; user: number }
	/** To the site: for the server itself. */
	| { in: 'site' };

/** audienceOf decides for whom an event is. In a blocked pair whoever acts is told alone: the other hears nothing. */
export const audienceOf = (occasion: Occasion): Audience => {
	switch (occasion.in) {
		case 'chat': {
			const { one, two, by, blocked } = occasion;
			return blocked && by !== null ? { userA: by } : { userA: one, userB: two };
		}
		case 'side':
			// what is of a ticket says of the desk that it is not for it
			return occasion.ofTicket ? { userA: occasion.user, desk: false } : { userA: occasion.user };
		case 'profile':
			return { userA: occasion.user };
		case 'ticket':
			return occasion.hidden ? { desk: true } : { userA: occasion.requester, desk: true };
		case 'desk':
			return { desk: true };
		case 'site':
			return {};
	}
};

/** Whoever reads events. */
export interface Viewer {
	site: number;
	pk: number;
	role: Role;
}

/** partIn: as what an event is for somebody: as one whom it names, or as one of the desk; null: it is not. */
export const partIn = (event: StoredEvent, { site, pk, role }: Viewer): 'own' | 'desk' | null => {
	if (event.site !== site) return null;
	if (event.userA === pk || event.userB === pk) return 'own';
	return event.desk && isDesk(role) ? 'desk' : null;
};
