import { day, minute } from '../kernel/clock.ts';
import type { Caller, ServerPrincipal, UserPrincipal } from '../kernel/principal.ts';
import type { Services } from '../services.ts';
import {
	type Colleague,
	type Customer,
	demoAgent,
	demoCustomers,
	demoResourceId,
	demoTeam,
	keyLabelOf,
	otherCustomers,
} from './demo-people.ts';
import { type ChatStory, cannedReplies, chatStories, type TicketStory, ticketStories } from './demo-stories.ts';

/** The time of a demo that is being made. It only goes forward. */
export interface MovableClock {
	now: number;
}

/** Something that happened at a time. */
interface Happening {
	at: number;
	act: () => Promise<unknown>;
}

/** How long before their first word somebody came to the site. */
const joinedBefore = 40 * minute;
/** How many days before everything else the team began. */
const teamDays = 30;

/**
 * seedDemo fills an empty store with a site that has been at work for thirty days, as if every word of it had come by the
 * API: `clock` is what the services were made with, and stands at the present again in the end.
 */
export const seedDemo = async (services: Services, clock: MovableClock): Promise<void> => {
	const { sites, users, tokens, passwords, p2p, tickets, canned } = services;
	const present = clock.now;
	const ago = (days: number) => present - days * day;
	clock.now = ago(teamDays) - joinedBefore;

	const { secretKey } = await sites.add({
		resourceId: demoResourceId,
		settings: {
			widget: {
				title: 'Spoke',
				welcome: 'Bicycles from hand to hand. Ask a seller, or ask us.',
				accent: '#0f766e',
				theme: 'auto',
				position: 'right',
				askName: false,
				askEmail: false,
				sound: false,
				features: { p2p: true, support: true },
				away: null,
			},
		},
	});
	for (const { name } of demoCustomers)
		await sites.createKey(demoResourceId, { kind: 'publishable', label: keyLabelOf(name) });
	const key = sites.byKey(secretKey);
	if (!key) throw new Error('the key of a new site is not known');
	const { site } = key;
	const principal: ServerPrincipal = {
		kind: 'server',
		site: site.pk,
		resourceId: site.resourceId,
		key: key.pk,
		keyLabel: key.label,
	};
	const server: Caller = { site, principal, bearer: null, origin: null, device: null };

	const principals = new Map<string, UserPrincipal>();
	const join = async (name: string, body: Omit<Parameters<typeof users.create>[1], 'username'>): Promise<void> => {
		const { data } = await users.create(server, { username: name, ...body }, null);
		principals.set(name, await tokens.actAs(site, data.id));
	};
	/** Who does something, and so was here. */
	const as = (name: Customer | Colleague): UserPrincipal => {
		const found = principals.get(name);
		if (!found) throw new Error(`${name} is not in the demo yet`);
		tokens.noteSeen(found);
		return found;
	};

	const chat = ({ days, between: [first, second], talk }: ChatStory): Happening[] => {
		let at = ago(days);
		let id = '';
		const start = async () => {
			const other = principals.get(second)?.id ?? '';
			id = (await p2p.start(as(first), { otherParticipantId: other })).data.id;
		};
		return talk.map(([after, by, text], i) => {
			at += after * minute;
			return {
				at,
				act: async () => {
					if (i === 0) await start();
					await p2p.threads.send(as(by === 0 ? first : second), id, { content: { text } });
				},
			};
		});
	};

	const ticket = (story: TicketStory): Happening[] => {
		const { days, by, subject, category, priority, tags, to = null, text, talk = [], end, rating } = story;
		let at = ago(days);
		let id = '';
		const open = async () => {
			id = (await tickets.open(as(by), { subject, category, ...(priority && { priority }), initialMessage: text })).id;
		};
		const sort = async () => {
			const assigneeId = to && principals.get(to)?.id;
			if (!to) return;
			await tickets.update(as(to), id, { ...(assigneeId && { assigneeId }), ...(tags && { tags }) }, null);
		};
		const happenings: Happening[] = [
			{ at, act: open },
			{ at: at + 2 * minute, act: sort },
		];
		for (const [after, who, said] of talk) {
			at += after * minute;
			happenings.push({
				at,
				act: async () => {
					const speaker = who === 'customer' ? by : (to ?? demoAgent.username);
					const kind = who === 'note' ? 'note' : 'text';
					await tickets.threads.send(as(speaker), id, { content: { text: said }, kind });
				},
			});
		}
		if (end) {
			const [status, after] = end;
			at += after * minute;
			happenings.push({
				at,
				act: async () => {
					await tickets.threads.read(as(to ?? demoAgent.username), id, {});
					await tickets.update(as(to ?? demoAgent.username), id, { status }, null);
					await tickets.threads.read(as(by), id, {});
				},
			});
		}
		if (rating) {
			const [score, comment] = rating;
			at += 30 * minute;
			happenings.push({ at, act: () => tickets.rate(as(by), id, { score, ...(comment && { comment }) }) });
		}
		return happenings;
	};

	for (const { name, displayName, role } of demoTeam) await join(name, { displayName, role });
	const agent = as(demoAgent.username);
	await passwords.setByOperator(agent.id, demoAgent.password, demoAgent.email);
	for (const reply of cannedReplies) await canned.add(agent, reply);

	const happenings = [...chatStories.flatMap(chat), ...ticketStories.flatMap(ticket)];
	for (const { name, displayName } of [...demoCustomers, ...otherCustomers]) {
		const firsts = [
			...ticketStories.filter(({ by }) => by === name),
			...chatStories.filter(({ between }) => (between as string[]).includes(name)),
		].map(({ days }) => ago(days));
		const act = () => join(name, { displayName, externalId: name });
		happenings.push({ at: Math.min(...firsts) - joinedBefore, act });
	}
	// what the server does by itself: tickets that have been quiet for a week are closed
	for (let days = teamDays; days > 0; days--) happenings.push({ at: ago(days), act: tickets.closeQuiet });

	for (const { at, act } of happenings.sort((a, b) => a.at - b.at)) {
		if (at > present) throw new Error('a story of the demo goes beyond the present');
		clock.now = Math.max(clock.now, at);
		await act();
	}
	clock.now = present;
	// last: a demo that was cut off on its way is none
	await sites.markDemo(demoResourceId);
};
