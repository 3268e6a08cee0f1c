import { describe, expect, test } from 'bun:test';
import type { StoredEvent } from '../../../src/kernel/events.ts';
import { roles } from '../../../src/kernel/roles.ts';
import { audienceOf, partIn } from '../../../src/modules/events/audience.ts';
import { dataFor, type Shown, viewOf } from '../../../src/modules/events/feed.ts';

const [one, two, moderator, requester] = [11, 12, 13, 14];

describe('for whom an event is', () => {
	test('what happens between two users is for both of them', () => {
		for (const by of [one, two, moderator, null])
			expect(audienceOf({ in: 'chat', one, two, by, blocked: false })).toEqual({ userA: one, userB: two });
	});
	test('in a blocked pair whoever acts is told alone, and what is nobody’s act of the two both are told', () => {
		expect(audienceOf({ in: 'chat', one, two, by: one, blocked: true })).toEqual({ userA: one });
		expect(audienceOf({ in: 'chat', one, two, by: two, blocked: true })).toEqual({ userA: two });
		expect(audienceOf({ in: 'chat', one, two, by: null, blocked: true })).toEqual({ userA: one, userB: two });
	});
	test('what one side does for itself is for that side alone', () => {
		expect(audienceOf({ in: 'side', user: one, ofTicket: false })).toEqual({ userA: one });
		expect(audienceOf({ in: 'side', user: requester, ofTicket: true })).toEqual({ userA: requester, desk: false });
		expect(audienceOf({ in: 'desk' })).toEqual({ desk: true });
	});
	test('what happens in a ticket is for its requester and the desk, and what is hidden for the desk alone', () => {
		expect(audienceOf({ in: 'ticket', requester, hidden: false })).toEqual({ userA: requester, desk: true });
		expect(audienceOf({ in: 'ticket', requester, hidden: true })).toEqual({ desk: true });
	});
	test('what happens to an account is for its user, and to a site for nobody', () => {
		expect(audienceOf({ in: 'profile', user: one })).toEqual({ userA: one });
		expect(audienceOf({ in: 'site' })).toEqual({});
	});
});

const event = (more: Partial<StoredEvent> = {}): StoredEvent => ({
	id: 1,
	site: 1,
	type: 'message.created',
	createdAt: 1_000,
	...more,
});

describe('who of them is shown it', () => {
	test('nobody of another site, whatever their key or role', () => {
		for (const role of roles)
			expect(partIn(event({ userA: one, userB: two, desk: true }), { site: 2, pk: one, role })).toBeNull();
	});
	test('whoever is named sees it as that, also when they are of the desk', () => {
		for (const role of roles) expect(partIn(event({ userA: one, desk: true }), { site: 1, pk: one, role })).toBe('own');
	});
	test('the desk by its role, users not', () => {
		const parts = roles.map((role) => partIn(event({ userA: one, desk: true }), { site: 1, pk: two, role }));
		expect(parts).toEqual([null, 'desk', 'desk', 'desk', 'desk']);
		for (const desk of [false, undefined])
			expect(partIn(event({ desk }), { site: 1, pk: two, role: 'superadmin' })).toBeNull();
	});
	test('of the desk from the least role on, and never whom it is kept from', () => {
		const shown: Shown = { own: null, desk: { data: {}, least: 'moderator', except: [two] } };
		const seen = (pk: number) =>
			roles.filter((role) => dataFor(event({ desk: true }), shown, { site: 1, pk, role }) !== null);
		expect(seen(moderator)).toEqual(['moderator', 'admin', 'superadmin']);
		expect(seen(two)).toEqual([]);
	});
	test('what is not for those whom it names is not shown to them as the desk either', () => {
		const shown: Shown = { own: null, desk: { data: {}, least: 'staff', except: [] } };
		expect(dataFor(event({ userA: one, desk: true }), shown, { site: 1, pk: one, role: 'admin' })).toBeNull();
	});
	test('an event of a conversation is shown as one of a ticket where it says whether the desk hears of it', () => {
		expect(viewOf({ type: 'message.created', desk: undefined })).toBe('chat');
		expect(viewOf({ type: 'message.created', desk: true })).toBe('ticket');
		expect(viewOf({ type: 'conversation.read', desk: false })).toBe('ticket');
		for (const type of ['user.created', 'user.revoked', 'user.deleted', 'site.updated'] as const)
			expect(viewOf({ type, desk: undefined })).toBeNull();
	});
});
