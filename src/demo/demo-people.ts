import type { Role } from '../kernel/roles.ts';

/** Who is in a demo: the customers of a market for second-hand bicycles, and the team that helps them. */

export const demoResourceId = 'demo.localhost';

/** The one who is shown at work, and whom everybody may sign in as. */
export const demoAgent = {
	username: 'sam',
	email: 'sam@demo.localhost',
	/** note: no secret: it is printed, and stands in the page */
	password: 'show-me-parley',
} as const;

export interface DemoPerson {
	/** Customers: the site's own id of them. */
	name: string;
	displayName: string;
}
/** The customers who have a pane of their own. */
export const demoCustomers = [
	{ name: 'leo', displayName: 'Leo Marsh' },
	{ name: 'nina', displayName: 'Nina Park' },
] as const satisfies DemoPerson[];
export type DemoCustomer = (typeof demoCustomers)[number]['name'];

export const otherCustomers = [
	{ name: 'amara', displayName: 'Amara Diallo' },
	{ name: 'tom', displayName: 'Tom Becker' },
	{ name: 'yuki', displayName: 'Yuki Tanaka' },
	{ name: 'priya', displayName: 'Priya Nair' },
	{ name: 'carlos', displayName: 'Carlos Méndez' },
	{ name: 'freya', displayName: 'Freya Lind' },
	{ name: 'omar', displayName: 'Omar Haddad' },
	{ name: 'grace', displayName: 'Grace Kim' },
	{ name: 'ines', displayName: 'Inês Rocha' },
	{ name: 'marek', displayName: 'Marek Novák' },
] as const satisfies DemoPerson[];

export const demoTeam = [
	{ name: 'sam', displayName: 'Sam Rivera', role: 'superadmin' },
	{ name: 'ada', displayName: 'Ada Brandt', role: 'moderator' },
	{ name: 'jonas', displayName: 'Jonas Weber', role: 'staff' },
] as const satisfies (DemoPerson & { role: Role })[];

export type Customer = DemoCustomer | (typeof otherCustomers)[number]['name'];
export type Colleague = (typeof demoTeam)[number]['name'];

/** keyLabelOf names the publishable key of a customer's pane. */
// note: the widget keeps its token by key, so that panes of one page with keys of their own do not sign each other out
export const keyLabelOf = (name: DemoCustomer): string => `demo pane: ${name}`;
