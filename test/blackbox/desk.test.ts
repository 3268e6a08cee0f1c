/**
 * Support tickets and the admin panel, as the first page of documentation promises them. On the compiled program, or on any
 * server, with a site that nobody else uses meanwhile:
 *
 *     BASE_URL=https://chat.site.com BASE_SITE=site.com BASE_KEY=pk_... BASE_SECRET=sk_... bun test test/blackbox/desk.test.ts
 *
 * Whom it makes it erases at the end; their tickets stay, empty, and what it did stays in the audit.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { lacking, printed } from '../contract/first-documentation-support.ts';
import { BASE_URL, type Desk, nothing, openDesk, type Person, type TeamRole, teamRoles, time } from './desk-support.ts';
import { type Answer, command, type Json } from './program-support.ts';

setDefaultTimeout(30_000);

let desk: Desk;
beforeAll(async () => {
	desk = await openDesk();
});
afterAll(() => desk.stop());

const open = (who: Person, more: object = {}): Promise<Json> =>
	desk.ok(who, 'POST', '/support/tickets', { ...printed.createSupportTicket.request?.value, ...more }, 201);
const say = (who: Person, ticket: string, text: string, more: object = {}): Promise<Json> =>
	desk.ok(who, 'POST', `/support/tickets/${ticket}/messages`, { content: { text }, ...more }, 201);
const move = (who: Person, ticket: string, status: string): Promise<Json> =>
	desk.ok(who, 'PATCH', `/support/tickets/${ticket}`, { status });
const see = (who: Person, ticket: string): Promise<Json> => desk.ok(who, 'GET', `/support/tickets/${ticket}`);
const refused = ({ status, body }: Answer) => [status, body.code];
const chat = async (one: Person, two: Person, text: string): Promise<{ id: string; message: Json }> => {
	const { id } = await desk.ok(one, 'POST', '/p2p/conversations', { otherParticipantId: two.id }, 201);
	const message = await desk.ok(one, 'POST', `/p2p/conversations/${id}/messages`, { content: { text } }, 201);
	return { id, message };
};
const idsOf = (page: Json): string[] => page.data.map(({ id }: Json) => id);

test('a page of a website adds chat and tickets with nothing but its address: no server of its own, no secret', async () => {
	const origin = `https://${desk.resourceId}`;
	const page = (path: string, method: string, headers: Record<string, string>, body?: object) =>
		fetch(`${desk.url}/api/v1${path}`, {
			method,
			headers: { origin, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json', ...headers },
			...(body && { body: JSON.stringify(body) }),
		});
	const preflight = await page('/support/tickets', 'OPTIONS', {
		'access-control-request-method': 'POST',
		'access-control-request-headers': 'authorization,content-type,x-api-key',
	});
	expect(preflight.status).toBe(204);
	expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
	expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('x-api-key');

	const customer = await desk.visitor('page_visitor');
	const headers = { 'x-api-key': desk.key, authorization: `Bearer ${customer.token}` };
	for (const [path, body] of [
		['/p2p/conversations', { otherParticipantId: desk.team.staff.id }],
		['/support/tickets', printed.createSupportTicket.request?.value],
	] as const) {
		const response = await page(path, 'POST', headers, body);
		expect([path, response.status]).toEqual([path, 201]);
		expect(response.headers.get('access-control-allow-origin')).toBe(origin);
	}
});

test('the printed ticket opens: its answer has every printed field, those of the contract, and nothing of the desk’s', async () => {
	const customer = await desk.visitor('printed');
	const answer = await desk.as(customer, 'POST', '/support/tickets', printed.createSupportTicket.request?.value);
	expect(answer.status).toBe(201);
	expect(lacking(printed.createSupportTicket.answer, answer.body)).toEqual([]);
	const ticket = answer.body.data;
	const createdAt = expect.stringMatching(time);
	const shown = {
		id: expect.stringMatching(/^ticket_[0-9a-z]{26}$/),
		number: expect.any(Number),
		subject: 'My payment is not working',
		status: 'open',
		priority: 'high',
		category: 'billing',
		requesterId: customer.id,
		assigneeId: null,
		messageCount: 1,
		unreadCount: 0,
		lastMessage: expect.objectContaining({ content: { text: 'Need help...' }, senderId: customer.id, seq: 1 }),
		lastMessageAt: createdAt,
		firstResponseAt: null,
		resolvedAt: null,
		closedAt: null,
		rating: null,
		followsTicketId: null,
		metadata: null,
		createdAt,
		updatedAt: createdAt,
	};
	expect(ticket).toEqual(shown);
	expect(ticket.number).toBeGreaterThanOrEqual(1001);
	expect(await see(customer, ticket.id)).toEqual(ticket);
	expect(await see(desk.team.staff, ticket.id)).toEqual({
		...shown,
		unreadCount: 1,
		tags: [],
		version: expect.any(Number),
		waitingSince: createdAt,
		requester: expect.objectContaining({ id: customer.id, username: customer.username, role: 'user' }),
		assignee: null,
		sourceMessageId: null,
		sourceConversationId: null,
	});

	const next = await open(customer, { priority: undefined, category: undefined });
	expect(next).toMatchObject({ number: ticket.number + 1, priority: 'medium', category: null });
});

test('a customer sees the team’s reply, and by no call that a note was ever there', async () => {
	const { team, as, ok } = desk;
	const customer = await desk.visitor('noticing');
	const ticket = await open(customer);
	const at = `/support/tickets/${ticket.id}`;
	await say(team.staff, ticket.id, 'We are looking into it.');
	const known = (await ok(customer, 'GET', `${at}/messages`)).data.map(({ id }: Json) => id) as string[];

	/** Everything the customer can read, word for word. */
	const everything = async () => {
		const cursors = [...known, 'first_unread'].flatMap((id) =>
			(id === 'first_unread' ? ['around'] : ['before', 'after', 'around']).map((way) => `${at}/messages?${way}=${id}`),
		);
		const paths = [
			at,
			'/support/tickets',
			...['open', 'in_progress', 'waiting', 'resolved', 'closed'].map((status) => `/support/tickets?status=${status}`),
			'/support/unread-count',
			...['', '?limit=1', '?limit=1&page=2', '?limit=2&page=2', '?page=2'].map((query) => `${at}/messages${query}`),
			...cursors,
			...cursors.map((path) => `${path}&limit=1`),
			'/users/me',
			'/users/me/export',
			`/users/lookup?username=${team.staff.username}`,
			'/p2p/conversations?status=all',
			'/p2p/unread-count',
			`/p2p/conversations/${ticket.id}`,
			`${at}/history`,
		];
		const seen: Record<string, string> = {};
		for (const path of paths) {
			const { status, text } = await as(customer, 'GET', path);
			seen[path] = `${status} ${text.replace(/"requestId":"[^"]+"/, '')}`;
		}
		return seen;
	};
	const before = await everything();
	const note = await say(team.staff, ticket.id, 'xylophone: the card was stolen', { kind: 'note' });
	await say(team.admin, ticket.id, 'xylophone again', { kind: 'note', replyTo: note.id });
	await ok(team.moderator, 'PUT', `${at}/messages/${note.id}/reactions/${encodeURIComponent('👀')}`);
	await ok(team.staff, 'PATCH', `${at}/messages/${note.id}`, { content: { text: 'xylophone: stolen in May' } });
	await ok(team.staff, 'POST', `${at}/read`, {});
	const withRead = await everything();
	// reading is what a receipt tells of, and of nothing else
	const unRead = (seen: Record<string, string>) =>
		Object.fromEntries(
			Object.entries(seen).map(([path, text]) => [path, text.replaceAll('"isRead":true', '"isRead":false')]),
		);
	expect(unRead(withRead)).toEqual(unRead(before));
	await ok(team.staff, 'DELETE', `${at}/messages/${note.id}`);
	const last = await say(team.staff, ticket.id, 'xylophone, once more', { kind: 'note' });
	expect(await everything()).toEqual(withRead);
	expect(JSON.stringify(withRead)).not.toContain('xylophone');

	// its id is like one that never was, whatever is asked with it
	const acts: ((id: string) => Promise<Answer>)[] = [
		(id) => as(customer, 'PATCH', `${at}/messages/${id}`, { content: { text: 'x' } }),
		(id) => as(customer, 'DELETE', `${at}/messages/${id}`),
		(id) => as(customer, 'PUT', `${at}/messages/${id}/reactions/${encodeURIComponent('👍')}`),
		(id) => as(customer, 'DELETE', `${at}/messages/${id}/reactions/${encodeURIComponent('👍')}`),
		(id) => as(customer, 'POST', `${at}/messages/${id}/report`, { reason: 'I do not like it' }),
		(id) => as(customer, 'POST', `${at}/read`, { messageId: id }),
		(id) => as(customer, 'POST', `${at}/unread`, { messageId: id }),
		(id) => as(customer, 'POST', `${at}/messages`, { content: { text: 'x' }, replyTo: id }),
		(id) => as(customer, 'GET', `${at}/messages?before=${id}`),
		(id) => as(customer, 'GET', `${at}/messages?after=${id}`),
		(id) => as(customer, 'GET', `${at}/messages?around=${id}`),
	];
	const bare = ({ status, body }: Answer) => ({ status, ...body, requestId: '' });
	for (const act of acts) {
		const never = bare(await act(nothing.message));
		expect(never.status).toBeGreaterThanOrEqual(400);
		expect(bare(await act(last.id))).toEqual(never);
	}
	expect(refused(await as(customer, 'POST', `${at}/messages`, { content: { text: 'mine' }, kind: 'note' }))[0]).toBe(
		403,
	);

	// the desk has them, in their place, counted by themselves
	const shown = await ok(team.staff, 'GET', `${at}/messages`);
	const notes = shown.data.filter(({ kind }: Json) => kind === 'note');
	expect(notes.map(({ noteSeq, content }: Json) => [noteSeq, content.text])).toEqual([
		[1, undefined],
		[2, 'xylophone again'],
		[3, 'xylophone, once more'],
	]);
	expect((await see(team.staff, ticket.id)).messageCount).toBe(2);

	// and the reply that follows is what the customer sees next, with nothing missing before it
	const reply = await say(team.staff, ticket.id, 'Your money is on its way.');
	const page = await ok(customer, 'GET', `${at}/messages`);
	expect(page.data.at(-1)).toMatchObject({
		id: reply.id,
		kind: 'text',
		content: { text: 'Your money is on its way.' },
	});
	expect(page.data.map(({ seq }: Json) => seq)).toEqual(page.data.map((_: Json, i: number) => i + 1));
	expect(page.total).toBe(page.data.length);
	expect(await see(customer, ticket.id)).toMatchObject({
		messageCount: 3,
		unreadCount: 2,
		lastMessage: { id: reply.id },
	});
	expect(await ok(customer, 'GET', '/support/unread-count')).toMatchObject({
		total: 2,
		conversations: [{ id: ticket.id, unreadCount: 2 }],
	});
});

test('a ticket walks from open to closed: replies move it, the desk moves it, and it is rated and followed up', async () => {
	const { team, as, ok } = desk;
	const customer = await desk.visitor('walking');
	const ticket = await open(customer);
	const at = `/support/tickets/${ticket.id}`;
	const words = async () =>
		(await ok(customer, 'GET', `${at}/messages?limit=100`)).data
			.filter(({ kind }: Json) => kind === 'system')
			.map(({ content }: Json) => content.text);

	await say(team.staff, ticket.id, 'We are looking into it.');
	const answered = await see(customer, ticket.id);
	expect(answered.status).toBe('in_progress');
	expect(answered.firstResponseAt).toMatch(time);
	expect(await move(team.staff, ticket.id, 'waiting')).toMatchObject({ status: 'waiting', waitingSince: null });
	await say(customer, ticket.id, 'Here is the number of the order.');
	expect(await see(team.staff, ticket.id)).toMatchObject({ status: 'open', waitingSince: expect.stringMatching(time) });
	expect(await move(team.staff, ticket.id, 'resolved')).toMatchObject({ resolvedAt: expect.stringMatching(time) });
	await say(customer, ticket.id, 'It still does not work.');
	expect(await see(customer, ticket.id)).toMatchObject({
		status: 'open',
		resolvedAt: null,
		firstResponseAt: answered.firstResponseAt,
	});
	expect(refused(await as(customer, 'POST', `${at}/rating`, { score: 5 }))).toEqual([409, 'ticket_unresolved']);
	expect(refused(await as(customer, 'PATCH', at, { status: 'resolved' }))).toEqual([409, 'invalid_transition']);
	expect((await as(customer, 'PATCH', at, { priority: 'low' })).status).toBe(403);
	await move(team.staff, ticket.id, 'resolved');
	expect(await move(customer, ticket.id, 'open')).toMatchObject({ status: 'open' });
	await move(team.staff, ticket.id, 'resolved');

	expect(refused(await as(team.staff, 'POST', `${at}/rating`, { score: 5 }))).toEqual([403, 'forbidden']);
	const rated = await ok(customer, 'POST', `${at}/rating`, { score: 5, comment: 'Quick and friendly.' });
	expect(rated.rating).toEqual({ score: 5, comment: 'Quick and friendly.', ratedAt: expect.stringMatching(time) });
	expect(await move(customer, ticket.id, 'closed')).toMatchObject({
		status: 'closed',
		closedAt: expect.stringMatching(time),
		rating: { score: 5 },
	});
	expect(await words()).toEqual([
		'The ticket is now in progress.',
		'The ticket is now waiting.',
		'The ticket is now open.',
		'The ticket is now resolved.',
		'The ticket is now open.',
		'The ticket is now resolved.',
		'The ticket is now open.',
		'The ticket is now resolved.',
		'The ticket was rated 5 of 5.',
		'The ticket is now closed.',
	]);

	const late = await as(customer, 'POST', `${at}/messages`, { content: { text: 'One more thing' } });
	expect(refused(late)).toEqual([409, 'ticket_closed']);
	expect(late.body.message).toContain('followsTicketId');
	const impossible = await as(team.admin, 'PATCH', at, { status: 'open' });
	expect(refused(impossible)).toEqual([409, 'invalid_transition']);
	expect(impossible.body.allowed).toEqual([]);
	const next = await open(customer, { subject: 'One more thing', followsTicketId: ticket.id });
	expect(next).toMatchObject({ status: 'open', followsTicketId: ticket.id });

	const history = await ok(team.staff, 'GET', `${at}/history`);
	expect(history.data[0]).toMatchObject({
		actor: team.staff.id,
		field: 'status',
		before: 'open',
		after: 'in_progress',
	});
	expect(history.data.map(({ field, after }: Json) => `${field} ${after}`).slice(-2)).toEqual([
		'rating 5',
		'status closed',
	]);
	expect((await as(customer, 'GET', `${at}/history`)).status).toBe(403);
});

test('everybody views their own tickets, newest activity first, and nobody else’s', async () => {
	const { as, ok } = desk;
	const [one, two] = [await desk.visitor('lister'), await desk.visitor('onlooker')];
	const first = await open(one, { subject: 'First' });
	const second = await open(one, { subject: 'Second' });
	const foreign = await open(two);
	await say(one, first.id, 'And another thing');

	const all = await ok(one, 'GET', '/support/tickets');
	expect(idsOf(all)).toEqual([first.id, second.id]);
	expect(all).toMatchObject({ total: 2, page: 1, limit: 20, totalPages: 1 });
	expect(await ok(one, 'GET', '/support/tickets?limit=1&page=2')).toMatchObject({
		total: 2,
		totalPages: 2,
		data: [{ id: second.id }],
	});
	await move(one, second.id, 'closed');
	expect(idsOf(await ok(one, 'GET', '/support/tickets?status=closed'))).toEqual([second.id]);
	expect(idsOf(await ok(one, 'GET', '/support/tickets?status=open'))).toEqual([first.id]);

	const at = `/support/tickets/${foreign.id}`;
	for (const [method, path, body] of [
		['GET', at],
		['PATCH', at, { status: 'closed' }],
		['GET', `${at}/messages`],
		['POST', `${at}/messages`, { content: { text: 'let me in' } }],
		['POST', `${at}/read`, {}],
		['POST', `${at}/rating`, { score: 1 }],
	] as const)
		expect([method, path, (await as(one, method, path, body)).status]).toEqual([method, path, 404]);
	expect(idsOf(await ok(two, 'GET', '/support/tickets'))).toEqual([foreign.id]);
});

test('support messages are sent just like P2P ones: the same calls, bodies, answers and refusals', async () => {
	const { as, team } = desk;
	const [a, b] = [await desk.visitor('talker'), await desk.visitor('listener')];
	/** What `a` does in a conversation with `b`, and what comes of it: each call, its status, and what its answer holds. */
	const talk = async (place: string, id: string, other: Person, prefix: string) => {
		const at = `${place}/${id}`;
		const done: [string, number, string[], string?][] = [];
		const call = async (what: string, method: string, path: string, body?: unknown): Promise<Json> => {
			const answer = await as(a, method, path, body);
			done.push([what, answer.status, Object.keys(answer.body.data ?? answer.body).sort(), answer.body.code]);
			return answer.body.data;
		};
		const thumb = encodeURIComponent('👍');
		const sent = await call('send', 'POST', `${at}/messages`, printed.sendMessage.request?.value);
		expect(lacking(printed.sendMessage.answer.data, sent)).toEqual([]);
		expect(sent).toMatchObject({
			conversationId: id,
			senderId: a.id,
			content: { text: 'How are you?' },
			isRead: false,
		});
		const once = { content: { text: 'once' }, clientMessageId: `${prefix}-1` };
		const first = await call('send once', 'POST', `${at}/messages`, once);
		expect((await call('send again', 'POST', `${at}/messages`, once)).id).toBe(first.id);
		await call('reuse an id', 'POST', `${at}/messages`, { ...once, content: { text: 'other' } });
		await call('answer', 'POST', `${at}/messages`, { content: { text: 'yes' }, replyTo: first.id, metadata: { a: 1 } });
		await call('answer nothing', 'POST', `${at}/messages`, { content: { text: 'yes' }, replyTo: nothing.message });
		await call('say nothing', 'POST', `${at}/messages`, { content: { text: '  ' } });
		await call('no content', 'POST', `${at}/messages`, {});
		const reply = (await as(other, 'POST', `${at}/messages`, { content: { text: 'Fine.' } })).body.data;
		await call('unread', 'GET', `/${prefix}/unread-count`);
		await call('list', 'GET', `${at}/messages?limit=2`);
		await call('list before', 'GET', `${at}/messages?before=${reply.id}&limit=2`);
		await call('read', 'POST', `${at}/read`, { messageId: reply.id });
		await call('keep unread', 'POST', `${at}/unread`, { messageId: reply.id });
		await call('react', 'PUT', `${at}/messages/${reply.id}/reactions/${thumb}`);
		await call('take back', 'DELETE', `${at}/messages/${reply.id}/reactions/${thumb}`);
		await call('edit', 'PATCH', `${at}/messages/${sent.id}`, { content: { text: 'How are you all?' } });
		await call('edit another’s', 'PATCH', `${at}/messages/${reply.id}`, { content: { text: 'mine' } });
		await call('delete', 'DELETE', `${at}/messages/${sent.id}`);
		await call('delete another’s', 'DELETE', `${at}/messages/${reply.id}`);
		await call('report', 'POST', `${at}/messages/${reply.id}/report`, { reason: 'Not nice.' });
		return done;
	};
	const { id } = await desk.ok(a, 'POST', '/p2p/conversations', { otherParticipantId: b.id }, 201);
	const ticket = await open(a);
	const inChat = await talk('/p2p/conversations', id, b, 'p2p');
	expect(await talk('/support/tickets', ticket.id, team.staff, 'support')).toEqual(inChat);
	expect(inChat.map(([, status]) => status)).toEqual([
		201, 201, 200, 409, 201, 422, 422, 400, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, 403, 201,
	]);
});

test('the team sees all chats and tickets together; what two users wrote only who opens it, and that is in the audit', async () => {
	const { team, as, ok } = desk;
	const [a, b] = [await desk.visitor('chatting'), await desk.visitor('chatted')];
	const secret = 'The treasure is buried under the zwetschgenbaum.';
	const talk = await chat(a, b, secret);
	const ticket = await open(a);

	const all = await as(team.staff, 'GET', '/admin/conversations');
	expect(idsOf(all.body.data).slice(0, 2)).toEqual([ticket.id, talk.id]);
	const [support, p2p] = all.body.data.data;
	expect(support).toMatchObject({
		type: 'support',
		status: 'open',
		number: ticket.number,
		subject: 'My payment is not working',
		unreadCount: 1,
		lastMessage: { content: { text: 'Need help...' } },
	});
	expect(p2p).toMatchObject({ type: 'p2p', status: 'active', messageCount: 1 });
	expect(p2p.participants.map(({ id }: Json) => id)).toEqual([a.id, b.id]);
	expect(all.text).not.toContain('zwetschgenbaum');
	expect(all.body.data).toMatchObject({
		page: 1,
		limit: 20,
		total: expect.any(Number),
		totalPages: expect.any(Number),
	});
	const only = async (query: string) => idsOf(await ok(team.staff, 'GET', `/admin/conversations?${query}`));
	expect(await only('type=p2p')).not.toContain(ticket.id);
	expect(await only('type=support')).not.toContain(talk.id);
	expect(await only('type=support&status=open')).toContain(ticket.id);

	// what users write to each other is searched by admins only
	expect(await only('q=zwetschgenbaum')).toEqual([]);
	expect(idsOf(await ok(team.admin, 'GET', '/admin/conversations?q=zwetschgenbaum'))).toEqual([talk.id]);

	// it can be opened, not joined
	const messages = await ok(team.staff, 'GET', `/admin/conversations/${talk.id}/messages`);
	expect(messages.data).toMatchObject([{ content: { text: secret }, senderId: a.id }]);
	expect((await ok(b, 'GET', `/p2p/conversations/${talk.id}/messages`)).data[0].isRead).toBe(false);
	for (const [method, path, body] of [
		['POST', `/p2p/conversations/${talk.id}/messages`, { content: { text: 'May I?' } }],
		['PUT', `/p2p/conversations/${talk.id}/messages/${talk.message.id}/reactions/${encodeURIComponent('👍')}`],
		['POST', `/p2p/conversations/${talk.id}/read`, {}],
	] as const)
		expect([method, (await as(team.staff, method, path, body)).status]).toEqual([method, 404]);

	const acts = async (query: string) => (await ok(team.admin, 'GET', `/admin/audit?${query}`)).data;
	expect(await acts(`action=conversation.read&target=${talk.id}`)).toMatchObject([
		{ actor: team.staff.id, target: talk.id },
	]);
	expect((await acts('action=conversations.search'))[0]).toMatchObject({
		actor: team.admin.id,
		changes: [{ field: 'q', after: 'zwetschgenbaum' }],
	});
});

test('the dashboard’s numbers follow what happens: conversations, unread, messages, users, tickets, ratings', async () => {
	const { team, ok } = desk;
	const stats = (): Promise<Json> => ok(team.staff, 'GET', '/admin/stats');
	const before = await stats();
	expect(before.series).toHaveLength(30);
	const [a, b] = [await desk.visitor('counted'), await desk.visitor('counting')];
	await chat(a, b, 'One');
	const ticket = await open(a);
	await say(a, ticket.id, 'Hello?');
	const during = await stats();
	const today = (of: Json) => of.series.at(-1);
	const grown = {
		total: during.totalConversations - before.totalConversations,
		unread: during.unreadCount - before.unreadCount,
		kinds: ['total', 'p2p', 'support', 'active'].map((of) => during.conversations[of] - before.conversations[of]),
		messages: ['total', 'today', 'last7Days'].map((of) => during.messages[of] - before.messages[of]),
		users: during.users.total - before.users.total,
		open: during.tickets.open - before.tickets.open,
		unassigned: during.tickets.unassigned - before.tickets.unassigned,
		high: during.tickets.byPriority.high - before.tickets.byPriority.high,
		today: ['messages', 'conversations', 'tickets', 'users'].map((of) => today(during)[of] - today(before)[of]),
	};
	expect(grown).toEqual({
		total: 2,
		unread: 2,
		kinds: [2, 1, 1, 2],
		messages: [3, 3, 3],
		users: 2,
		open: 1,
		unassigned: 1,
		high: 1,
		today: [3, 1, 1, 2],
	});

	await ok(team.staff, 'POST', `/support/tickets/${ticket.id}/read`, {});
	await ok(team.staff, 'PATCH', `/support/tickets/${ticket.id}`, { assigneeId: team.staff.id, priority: 'low' });
	await say(team.staff, ticket.id, 'Done.');
	await move(team.staff, ticket.id, 'resolved');
	await ok(a, 'POST', `/support/tickets/${ticket.id}/rating`, { score: 3 });
	const after = await stats();
	expect(after.unreadCount).toBe(before.unreadCount);
	expect(after.tickets).toEqual({ ...before.tickets, resolved: before.tickets.resolved + 1 });
	expect(after.rating.count).toBe(before.rating.count + 1);
	expect(after.medianFirstResponseSeconds).toBeNumber();
	expect(after.medianResolutionSeconds).toBeNumber();
});

test('all conversations of one user are for admins: staff and moderators are refused, and the look is in the audit', async () => {
	const { team, as, ok } = desk;
	const [a, b] = [await desk.visitor('watched'), await desk.visitor('unwatched')];
	const talk = await chat(a, b, 'Hello');
	const ticket = await open(a);
	const own = await open(b);
	for (const path of [`/admin/users/${a.id}/conversations`, `/admin/conversations?userId=${a.id}`]) {
		for (const role of ['staff', 'moderator'] as const)
			expect([path, ...refused(await as(team[role], 'GET', path))]).toEqual([path, 403, 'forbidden']);
		for (const role of ['admin', 'superadmin'] as const) {
			const page = await ok(team[role], 'GET', path);
			expect(idsOf(page)).toEqual([ticket.id, talk.id]);
			expect(page.total).toBe(2);
		}
	}
	expect(idsOf(await ok(team.admin, 'GET', `/admin/users/${a.id}/conversations?type=support`))).toEqual([ticket.id]);
	expect(idsOf(await ok(team.admin, 'GET', `/admin/users/${b.id}/conversations`))).toEqual([own.id, talk.id]);
	const looks = await ok(team.admin, 'GET', `/admin/audit?action=user.conversations&target=${a.id}`);
	expect(new Set(looks.data.map(({ actor }: Json) => actor))).toEqual(new Set([team.admin.id, team.superadmin.id]));
});

/** Who may, at least, what the admin panel offers; written out from the contract. */
const least: Record<string, TeamRole> = {
	'GET /conversations': 'staff',
	'GET /conversations/{id}': 'staff',
	'GET /conversations/{id}/messages': 'staff',
	'GET /stats': 'staff',
	'GET /tickets': 'staff',
	'POST /tickets/bulk': 'staff',
	'GET /users': 'staff',
	'GET /users/{id}': 'staff',
	'GET /users/{id}/conversations': 'admin',
	'PATCH /users/{id}': 'moderator',
	'DELETE /users/{id}': 'admin',
	'GET /users/{id}/export': 'admin',
	'POST /users/{id}/revoke-tokens': 'admin',
	'POST /users/{id}/access-link': 'admin',
	'GET /reports': 'moderator',
	'POST /reports/{id}': 'moderator',
	'POST /messages/{id}/ticket': 'staff',
	'GET /audit': 'admin',
	'GET /site': 'admin',
	'PATCH /site': 'admin',
	'GET /canned-replies': 'staff',
	'POST /canned-replies': 'moderator',
	'PATCH /canned-replies/{id}': 'moderator',
	'DELETE /canned-replies/{id}': 'moderator',
	'GET /keys': 'superadmin',
	'POST /keys': 'superadmin',
	'DELETE /keys/{id}': 'superadmin',
};
const base = '/api/v1/admin';
/** Every call of the admin panel that the server's own document names, ready to be made without a change. */
const panel = async () => {
	const document = (await (await fetch(`${desk.url}/swagger/json`)).json()) as Json;
	return Object.entries<Json>(document.paths)
		.filter(([path]) => path.startsWith(`${base}/`))
		.flatMap(([path, operations]) =>
			Object.entries<Json>(operations).map(([method, { requestBody }]) => ({
				name: `${method.toUpperCase()} ${path.slice(base.length)}`,
				path: path.slice('/api/v1'.length).replaceAll(/\{(\w+)\}/g, 'nothing_01kj3zqm2d7h4n8r0s6t3v9wce'),
				method: method.toUpperCase(),
				// with nothing in it: whoever is let in is told so, and nothing is done
				body: requestBody ? {} : undefined,
			})),
		);
};

test('no user of role "user" gets into the admin panel: every call that the document names answers 403, and 401 to nobody', async () => {
	const user = await desk.visitor('curious');
	const calls = await panel();
	expect(calls.length).toBeGreaterThan(20);
	for (const { name, method, path, body } of calls) {
		const answer = await desk.as(user, method, path, body);
		expect([name, ...refused(answer)]).toEqual([name, 403, 'forbidden']);
		expect(answer.body.data).toBeUndefined();
		for (const [credentials, code] of [
			[{}, 'key_required'],
			[{ key: desk.key }, 'token_required'],
			[{ key: desk.key, token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...' }, 'invalid_token'],
		] as const)
			expect([name, ...refused(await desk.send(path, { method, body, ...credentials }))]).toEqual([name, 401, code]);
	}
});

test('each role of the team gets into what is for it, and no further', async () => {
	const calls = await panel();
	expect(calls.map(({ name }) => name).sort()).toEqual(Object.keys(least).sort());
	for (const { name, method, path, body } of calls)
		for (const role of teamRoles) {
			const answer = await desk.as(desk.team[role], method, path, body);
			const may = teamRoles.indexOf(role) >= teamRoles.indexOf(least[name] as TeamRole);
			const outcome = answer.body.code === 'forbidden' ? 'forbidden' : [200, 400, 404, 422].includes(answer.status);
			expect([name, role, outcome]).toEqual([name, role, may ? true : 'forbidden']);
		}
});

test('a report reaches moderators with its evidence; the reporter sees the reason alone, the reported and staff nothing', async () => {
	const { team, as, ok } = desk;
	const [a, b] = [await desk.visitor('insulted'), await desk.visitor('insulting')];
	const talk = await chat(b, a, 'You are a nuisance.');
	const path = `/p2p/conversations/${talk.id}/messages/${talk.message.id}`;
	const report = await ok(a, 'POST', `${path}/report`, { reason: 'This is an insult.' }, 201);
	expect(refused(await as(a, 'POST', `${path}/report`, { reason: 'Again.' }))).toEqual([409, 'report_exists']);
	expect(refused(await as(b, 'POST', `${path}/report`, { reason: 'My own.' }))).toEqual([422, 'report_impossible']);
	await ok(b, 'PATCH', path, { content: { text: 'You are a treasure.' } });

	const listed = await ok(team.moderator, 'GET', '/admin/reports?status=open');
	expect(listed.data[0]).toMatchObject({
		id: report.id,
		ticketId: report.ticketId,
		reporter: { id: a.id },
		reported: { id: b.id },
		messageId: talk.message.id,
		reason: 'This is an insult.',
	});
	const at = `/support/tickets/${report.ticketId}`;
	const evidence = (await ok(team.moderator, 'GET', `${at}/messages`)).data.filter(({ kind }: Json) => kind === 'note');
	expect(evidence).toMatchObject([{ content: { text: 'You are a nuisance.' }, senderId: b.id, isEvidence: true }]);
	expect((await ok(a, 'GET', `${at}/messages`)).data).toMatchObject([{ content: { text: 'This is an insult.' } }]);
	for (const who of [b, team.staff]) expect((await as(who, 'GET', at)).status).toBe(404);
	expect(await ok(b, 'GET', '/support/tickets')).toMatchObject({ total: 0 });

	const decided = await ok(team.moderator, 'POST', `/admin/reports/${report.id}`, { status: 'upheld' });
	expect(decided).toMatchObject({ status: 'upheld', decidedBy: team.moderator.id });
	expect(await see(a, report.ticketId)).toMatchObject({ status: 'resolved' });
	await ok(team.moderator, 'PATCH', `/admin/users/${b.id}`, { suspended: true, reason: 'insults' });
	expect(refused(await as(b, 'GET', '/p2p/conversations'))).toEqual([403, 'user_suspended']);
});

test('a message becomes a ticket of whoever wrote it, once, with a link back', async () => {
	const { team, ok } = desk;
	const [a, b] = [await desk.visitor('writing'), await desk.visitor('reading')];
	const talk = await chat(a, b, 'Where is my parcel?');
	const path = `/admin/messages/${talk.message.id}/ticket`;
	const ticket = await ok(team.staff, 'POST', path, {}, 201);
	expect(ticket).toMatchObject({
		subject: 'Where is my parcel?',
		requesterId: a.id,
		sourceMessageId: talk.message.id,
		sourceConversationId: talk.id,
	});
	expect((await ok(team.admin, 'POST', path, {})).id).toBe(ticket.id);
	expect(idsOf(await ok(a, 'GET', '/support/tickets'))).toEqual([ticket.id]);
});

test('the desk changes many tickets at once: each that can be, and the others say why not', async () => {
	const { team, ok } = desk;
	const customer = await desk.visitor('many');
	const [one, two, closed] = [await open(customer), await open(customer), await open(customer)];
	await move(customer, closed.id, 'closed');
	const outcome = await ok(team.staff, 'POST', '/admin/tickets/bulk', {
		ids: [one.id, closed.id, nothing.conversation, two.id],
		changes: { status: 'in_progress', assigneeId: team.staff.id, tags: ['card'] },
	});
	expect(outcome.changed).toBe(2);
	expect(outcome.results.map(({ id, ok, code }: Json) => [id, ok, code])).toEqual([
		[one.id, true, undefined],
		[closed.id, false, 'invalid_transition'],
		[nothing.conversation, false, 'not_found'],
		[two.id, true, undefined],
	]);
	const mine = await ok(team.staff, 'GET', '/admin/tickets?assignee=me&tag=card&status=unsolved&sort=createdAt');
	expect(idsOf(mine)).toEqual([one.id, two.id]);
	expect(idsOf(await ok(team.staff, 'GET', '/support/tickets?mine=assigned'))).toContain(one.id);
	expect((await see(customer, one.id)).tags).toBeUndefined();
});

test('the team finds a ticket by its words, its requester and its number, and by no word of another site', async () => {
	const { team, ok } = desk;
	const customer = await desk.visitor('searched_for');
	const ticket = await open(customer, { subject: 'Quokka delivery', initialMessage: 'The wombat never came.' });
	await say(team.staff, ticket.id, 'A platypus went instead.', { kind: 'note' });
	for (const q of ['quokka', 'wombat', 'platypus', customer.username, String(ticket.number), `#${ticket.number}`])
		expect([q, idsOf(await ok(team.staff, 'GET', `/admin/tickets?q=${encodeURIComponent(q)}`))]).toEqual([
			q,
			[ticket.id],
		]);
	expect(idsOf(await ok(team.staff, 'GET', '/admin/tickets?q=echidna'))).toEqual([]);
});

test('canned replies, site settings and keys are changed through the panel, and take effect', async () => {
	const { team, as, ok } = desk;
	const reply = { shortcut: `thanks${Date.now()}`, text: 'Thank you for writing to us.' };
	const canned = await ok(team.moderator, 'POST', '/admin/canned-replies', reply, 201);
	expect(refused(await as(team.moderator, 'POST', '/admin/canned-replies', reply))).toEqual([409, 'shortcut_taken']);
	expect((await ok(team.staff, 'GET', '/admin/canned-replies')).data).toContainEqual(canned);
	await ok(team.moderator, 'DELETE', `/admin/canned-replies/${canned.id}`);

	const { autoCloseDays, directory } = await ok(team.admin, 'GET', '/admin/site');
	await ok(team.admin, 'PATCH', '/admin/site', { directory: 'off', autoCloseDays: 14 });
	const lookup = `/users/lookup?username=${team.staff.username}`;
	const customer = await desk.visitor('looking_up');
	expect(refused(await as(customer, 'GET', lookup))).toEqual([403, 'directory_off']);
	expect(await ok(team.admin, 'PATCH', '/admin/site', { directory, autoCloseDays })).toMatchObject({
		autoCloseDays,
		directory,
	});
	expect((await ok(customer, 'GET', lookup)).id).toBe(team.staff.id);

	const made = await ok(team.superadmin, 'POST', '/admin/keys', { kind: 'secret', label: 'shop server' }, 201);
	expect((await desk.send('/admin/stats', { key: made.key })).status).toBe(200);
	const { text } = await as(team.superadmin, 'GET', '/admin/keys');
	expect(text).toContain(made.id);
	expect(text).not.toContain(made.key);
	await ok(team.superadmin, 'DELETE', `/admin/keys/${made.id}`);
	expect(refused(await desk.send('/admin/stats', { key: made.key }))).toEqual([401, 'invalid_key']);
	expect(refused(await desk.send('/admin/keys', { key: desk.secret }))).toEqual([403, 'forbidden']);
});

test('an erased customer leaves an empty ticket under its number, and no word of theirs anywhere', async () => {
	const { team, as, ok } = desk;
	const customer = await desk.visitor('leaving');
	const ticket = await open(customer, { subject: 'Marzipan', initialMessage: 'Marzipan, please.' });
	await say(team.staff, ticket.id, 'Certainly.');
	await ok(team.staff, 'PATCH', `/support/tickets/${ticket.id}`, { subject: 'Marzipan for Ms Leaving' });
	await ok(team.admin, 'DELETE', `/admin/users/${customer.id}`);
	expect((await as(customer, 'GET', '/support/tickets')).status).toBe(401);
	expect(await see(team.staff, ticket.id)).toMatchObject({ number: ticket.number, subject: null, messageCount: 2 });
	const paths = ['/admin/conversations', '/admin/tickets', '/admin/users', '/admin/audit'].map(
		(path) => `${path}?limit=100`,
	);
	for (const path of [...paths, `/support/tickets/${ticket.id}/messages`, `/support/tickets/${ticket.id}/history`]) {
		const { status, text } = await as(team.admin, 'GET', path);
		expect([path, status, /marzipan/i.test(text) || text.includes(customer.username)]).toEqual([path, 200, false]);
	}
	expect(idsOf(await ok(team.staff, 'GET', '/admin/tickets?q=marzipan'))).toEqual([]);
	const change = await ok(team.admin, 'GET', `/admin/audit?target=${ticket.id}`);
	expect(change.data).toMatchObject([
		{ action: 'ticket.update', changes: [{ field: 'subject', before: null, after: null, erased: true }] },
	]);
});

test('the audit tells every act of the team in order, as it happens, and the operator’s check finds it whole', async () => {
	const { team, ok } = desk;
	const customer = await desk.visitor('noted_down');
	const ticket = await open(customer);
	const { total } = await ok(team.admin, 'GET', '/admin/audit?limit=1');
	await ok(team.staff, 'PATCH', `/support/tickets/${ticket.id}`, { priority: 'low' });
	await ok(team.moderator, 'PATCH', `/admin/users/${customer.id}`, { suspended: true, reason: 'spam' });
	await ok(team.admin, 'POST', `/admin/users/${customer.id}/revoke-tokens`);
	await desk.server('GET', `/admin/users/${customer.id}/export`);
	const page = await ok(team.admin, 'GET', '/admin/audit?limit=4');
	expect(page.total).toBe(total + 4);
	expect(page.data.map(({ id, actor, action, target }: Json) => [id, actor, action, target])).toEqual([
		[total + 4, expect.stringMatching(/^key:/), 'user.export', customer.id],
		[total + 3, team.admin.id, 'user.revoke', customer.id],
		[total + 2, team.moderator.id, 'user.update', customer.id],
		[total + 1, team.staff.id, 'ticket.update', ticket.id],
	]);
	expect(page.data[3].changes).toEqual([{ field: 'priority', before: 'high', after: 'low', erased: false }]);
	if (BASE_URL || !desk.folder) return;
	const checked = await command<Json>(desk.folder, 'doctor', 'audit');
	expect(checked).toEqual([{ resourceId: desk.resourceId, entries: total + 4, head: page.data[0].hash, broken: null }]);
});
