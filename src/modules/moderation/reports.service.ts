import type { Store } from '../../db/open.ts';
import { step } from '../../db/step.ts';
import { day, iso, isoOrNull, second } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { evidenceNeighbours, reportsPerDayMax, subjectMax } from '../../kernel/limits.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import { actorOf, type Principal, type UserPrincipal } from '../../kernel/principal.ts';
import type { AuditSteps } from '../audit/audit.steps.ts';
import type { View } from '../events/feed.ts';
import type { ThreadPolicy } from '../messaging/messaging.service.ts';
import type { ConversationRow, MessageEntry, MessagingSteps } from '../messaging/messaging.steps.ts';
import { cleanLine, cleanText } from '../messaging/messaging.text.ts';
import { moderationCategory, type Ticket, type TicketStatus } from '../support/tickets.schema.ts';
import type { TicketService } from '../support/tickets.service.ts';
import type { TicketSteps } from '../support/tickets.steps.ts';
import { workflow } from '../support/tickets.workflow.ts';
import type { UserSteps } from '../users/users.steps.ts';
import { profileOf } from '../users/users.view.ts';
import type {
	DecideReport,
	MakeReport,
	MakeTicket,
	Report,
	ReportPage,
	ReportQuery,
	ReportReceipt,
} from './reports.schema.ts';
import type { ReportSteps, ShownReport } from './reports.steps.ts';

/** Where a message can be reported: the conversations of two users, and tickets. */
export type Reportable = 'p2p' | 'support';

/** How much of a message stands in the subject of a ticket made of it. */
const subjectOfMessageMax = 80;

/** createReportService: what users report, and tickets that the desk makes of messages. */
export const createReportService = ({
	store,
	users,
	messaging,
	tickets,
	ticketRows,
	reports,
	audit,
	see,
}: {
	store: Store;
	users: UserSteps;
	messaging: MessagingSteps;
	tickets: TicketService;
	ticketRows: TicketSteps;
	reports: ReportSteps;
	audit: AuditSteps;
	/** Who sees which conversation, as p2p and support have it. */
	see: Record<Reportable, ThreadPolicy['see']>;
}) => {
	/** The newest messages of a conversation up to one, and as many after it, without notes. */
	const around = step(function* (tx, row: ConversationRow, seq: number) {
		const from = Math.max(0, seq - 1 - evidenceNeighbours);
		return yield* messaging.range(tx, row, from, Math.min(row.lastSeq, seq + evidenceNeighbours));
	});

	/**
	 * Makes a report: a ticket with the reason, which the reporter sees, and the evidence as notes, which only moderators do.
	 * Throws report_impossible, report_exists, reports_exhausted.
	 */
	const make = step(function* (
		tx,
		p: UserPrincipal,
		reported: { pk: number },
		what: {
			message: MessageEntry | null;
			/** Where the evidence stands. */
			row: ConversationRow;
			reason: string;
			ids: { report: string; ticket: string; message: string };
		},
	) {
		const { message, row, reason, ids } = what;
		if (reported.pk === p.pk) throw new AppError('report_impossible');
		if (yield* reports.hasOpen(tx, p.pk, reported.pk, message?.pk ?? null)) throw new AppError('report_exists');
		if ((yield* reports.madeSince(tx, p.pk, tx.now - day)) >= reportsPerDayMax)
			throw new AppError('reports_exhausted', { retryAfterSeconds: day / second });
		const opened = yield* tickets.steps.open(tx, p.site, p, {
			id: ids.ticket,
			subject: message ? 'Report of a message' : 'Report of a user',
			category: moderationCategory,
			reported: reported.pk,
			message: { id: ids.message, text: reason },
		});
		const kept = yield* around(tx, row, message?.seq ?? row.lastSeq);
		yield* messaging.keep(
			tx,
			opened.row,
			kept.map((entry) => ({
				id: newId('msg'),
				message: entry,
				metadata: {
					conversationId: row.id,
					messageId: entry.id,
					messageSeq: entry.seq,
					sentAt: iso(entry.createdAt),
					reported: entry.pk === message?.pk,
				},
			})),
		);
		yield* reports.insert(tx, p.site, {
			id: ids.report,
			ticket: opened.row.pk,
			reporter: p.pk,
			reported: reported.pk,
			message: message?.pk ?? null,
		});
		return { id: ids.report, ticketId: ids.ticket, status: 'open' as const, createdAt: iso(tx.now) };
	});
	const newIds = () => ({ report: newId('report'), ticket: newId('ticket'), message: newId('msg') });

	const view = (found: ShownReport): Report => ({
		id: found.report.id,
		status: found.report.status,
		ticketId: found.ticket.id,
		reporter: profileOf(found.reporter),
		reported: profileOf(found.reported),
		messageId: found.message?.id ?? null,
		reason: found.reason.text,
		decidedBy: found.report.decidedBy,
		decidedAt: isoOrNull(found.report.decidedAt),
		createdAt: iso(found.report.createdAt),
	});
	const pkOf = (p: Principal): number => (p.kind === 'user' ? p.pk : 0);

	/** shown shows the events of reports: to moderators and up, never to whom a report is about. */
	const shown: View = function* (tx, { site, conversation = 0 }) {
		const found = yield* reports.ofTicket(tx, site, conversation);
		if (!found) return null;
		const desk = { data: view(found), least: 'moderator' as const, except: [found.report.reported] };
		return { conversationId: found.ticket.id, own: null, desk };
	};

	return {
		shown,
		/** reportMessage is for whoever takes part in its conversation. */
		reportMessage: (
			p: UserPrincipal,
			where: Reportable,
			id: string,
			messageId: string,
			body: MakeReport,
		): Promise<ReportReceipt> => {
			const reason = cleanText(body.reason);
			const ids = newIds();
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'report.make');
				const { row, desk } = yield* see[where](tx, p, id);
				const message = yield* messaging.findMessage(tx, row, messageId, desk);
				if (!message) throw new AppError('not_found');
				// the evidence of a report on a report would show the first one to whom it is about
				const ticket = where === 'support' ? yield* ticketRows.find(tx, p.site, id) : undefined;
				if (ticket?.ticket.category === moderationCategory) throw new AppError('report_impossible');
				if (message.sender === null || message.deletedAt !== null || message.noteSeq > 0)
					throw new AppError('report_impossible');
				return yield* make(tx, p, { pk: message.sender }, { message, row, reason, ids });
			});
		},

		/** reportUser is for whoever has a conversation with them. The evidence is the end of it. */
		reportUser: (p: UserPrincipal, id: string, body: MakeReport): Promise<ReportReceipt> => {
			const reason = cleanText(body.reason);
			const ids = newIds();
			return store.atomic(function* (tx) {
				yield* users.allowed(tx, p, 'report.make');
				const user = yield* users.need(tx, p.site, id);
				const row =
					(yield* messaging.findPair(tx, p.site, p.pk, user.pk)) ??
					(yield* messaging.ticketOf(tx, p.site, p.pk, user.pk));
				if (!row) throw new AppError('report_impossible');
				return yield* make(tx, p, user, { message: null, row, reason, ids });
			});
		},

		/** list is a page of the site's reports, without those about the caller. */
		list: (p: Principal, query: ReportQuery): ReportPage => {
			const asked = paging(query);
			const { limit, offset } = asked;
			return store.read(function* (tx) {
				const { rows, total } = yield* reports.list(tx, p.site, pkOf(p), {
					status: query.status,
					limit,
					offset,
				});
				return pageOf(rows.map(view), total, asked);
			});
		},

		/** decide ends a report, and resolves its ticket. */
		decide: (p: Principal, id: string, body: DecideReport): Promise<Report> =>
			store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'report.decide');
				const found = yield* reports.find(tx, p.site, id, pkOf(p));
				if (!found || (me && found.report.reporter === me.pk)) throw new AppError('not_found');
				if (found.report.status !== 'open') throw new AppError('report_decided');
				yield* reports.decide(tx, found.report, body.status, actorOf(p));
				const entry = yield* ticketRows.find(tx, p.site, found.ticket.id);
				if (entry && workflow[entry.row.status as TicketStatus].desk.includes('resolved'))
					yield* ticketRows.change(tx, entry, actorOf(p), 'desk', { status: 'resolved' });
				yield* audit.record(tx, p.site, actorOf(p), 'report.decide', id, {
					changes: { status: { before: 'open', after: body.status } },
				});
				const now = yield* reports.find(tx, p.site, id, pkOf(p));
				return view(now ?? found);
			}),

		/** ticketOf makes a ticket of a user's message, in that user's name, with a link back. Made once; then it is found. */
		ticketOf: (p: Principal, messageId: string, body: MakeTicket): Promise<{ created: boolean; data: Ticket }> => {
			const ids = { ticket: newId('ticket'), message: newId('msg') };
			const subject = body.subject === undefined ? null : cleanLine(body.subject, 'subject', subjectMax);
			return store.atomic(function* (tx) {
				const me = yield* users.allowed(tx, p, 'ticket.make');
				const who = me ?? { pk: null, role: 'superadmin' as const };
				const found = yield* messaging.findAnywhere(tx, p.site, messageId);
				if (!found) throw new AppError('not_found');
				const { row, message } = found;
				// what the desk may not see by its own way, it does not find by this one
				if (row.type === 'support') {
					const { part, ticket } = yield* tickets.steps.need(tx, p.site, row.id, who);
					if (message.noteSeq > 0 && part !== 'desk') throw new AppError('not_found');
					// a ticket made of a report would show it to the whole team, and to whom it is about
					if (ticket.category === moderationCategory) throw new AppError('message_not_usable');
				}
				const known = yield* ticketRows.findBySource(tx, message.pk);
				if (known) {
					const entry = yield* tickets.steps.need(tx, p.site, known.row.id, who);
					return { created: false, data: yield* tickets.steps.viewOne(tx, entry, who) };
				}
				const author = message.sender === null ? undefined : yield* users.findByPk(tx, p.site, message.sender);
				if (
					!author ||
					author.erasedAt !== null ||
					author.role !== 'user' ||
					message.kind !== 'text' ||
					message.text === null
				)
					throw new AppError('message_not_usable');
				const start = [...message.text.replaceAll(/[\s\p{Cc}]+/gu, ' ')];
				const beginning =
					start.slice(0, subjectOfMessageMax).join('') + (start.length > subjectOfMessageMax ? '…' : '');
				const entry = yield* tickets.steps.open(tx, p.site, author, {
					id: ids.ticket,
					subject: subject ?? beginning,
					category: null,
					source: message.pk,
					message: { id: ids.message, text: message.text },
				});
				yield* audit.record(tx, p.site, actorOf(p), 'message.ticket', message.id, {
					changes: { ticketId: { after: ids.ticket } },
				});
				return { created: true, data: yield* tickets.steps.viewOne(tx, entry, who) };
			});
		},
	};
};
export type ReportService = ReturnType<typeof createReportService>;
