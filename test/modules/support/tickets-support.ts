import type { Message, MessagePage } from '../../../src/modules/messaging/messaging.schema.ts';
import type { Ticket, TicketHistory, TicketStatus } from '../../../src/modules/support/tickets.schema.ts';
import type { As, TestApp } from '../../support/test-app.ts';

/** The steps of tickets, by which tests get to what they are about. Those named `try…` give the whole reply, the others must go well. */

export const statuses = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const satisfies TicketStatus[];
export const words = (text: string) => ({ content: { text } });
export const pathOf = (id: string, rest = ''): string => `/support/tickets/${id}${rest}`;

const asked = (more: object) => ({ subject: 'A question', initialMessage: 'hello', ...more });
export const tryOpen = (t: TestApp, as: As, more: object = {}, headers: Record<string, string> = {}) =>
	t.call<Ticket>({ as, method: 'POST', path: '/support/tickets', body: asked(more), headers });
export const openTicket = (t: TestApp, as: As, more: object = {}): Promise<Ticket> =>
	t.ok<Ticket>({ as, method: 'POST', path: '/support/tickets', body: asked(more) });
export const seeTicket = (t: TestApp, as: As, id: string): Promise<Ticket> => t.ok<Ticket>({ as, path: pathOf(id) });

export const tryChange = (t: TestApp, as: As, id: string, body: object, headers: Record<string, string> = {}) =>
	t.call<Ticket>({ as, method: 'PATCH', path: pathOf(id), body, headers });
export const change = (t: TestApp, as: As, id: string, body: object): Promise<Ticket> =>
	t.ok<Ticket>({ as, method: 'PATCH', path: pathOf(id), body });

export const trySay = (t: TestApp, as: As, id: string, text = 'x', more: object = {}) =>
	t.call<Message>({ as, method: 'POST', path: pathOf(id, '/messages'), body: { ...words(text), ...more } });
export const say = (t: TestApp, as: As, id: string, text = 'x', more: object = {}): Promise<Message> =>
	t.ok<Message>({ as, method: 'POST', path: pathOf(id, '/messages'), body: { ...words(text), ...more } });
export const note = (t: TestApp, as: As, id: string, text = 'among us', more: object = {}): Promise<Message> =>
	say(t, as, id, text, { kind: 'note', ...more });
export const page = (t: TestApp, as: As, id: string, query = '?limit=100'): Promise<MessagePage> =>
	t.ok<MessagePage>({ as, path: pathOf(id, `/messages${query}`) });

export const tryRate = (t: TestApp, as: As, id: string, body: object) =>
	t.call<Ticket>({ as, method: 'POST', path: pathOf(id, '/rating'), body });
export const history = async (t: TestApp, id: string, as: As = 'superadmin'): Promise<TicketHistory['data']> =>
	(await t.ok<TicketHistory>({ as, path: pathOf(id, '/history') })).data;

/** ticketIn opens a ticket and moves it to where it is wanted. */
export const ticketIn = async (t: TestApp, status: TicketStatus, as: As = 'alice', more: object = {}) => {
	const made = await openTicket(t, as, more);
	return status === 'open' ? made : change(t, 'superadmin', made.id, { status });
};
