import { join } from 'node:path';
import type { Config } from './config.ts';
import { openStore } from './db/open.ts';
import { createChatTokenCodec, createJwtReader } from './http/jwt.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/log.ts';
import { createInboxService } from './modules/admin/inbox.service.ts';
import { createStatsService } from './modules/admin/stats.service.ts';
import { statsSteps } from './modules/admin/stats.steps.ts';
import { createAuditService } from './modules/audit/audit.service.ts';
import { auditSteps } from './modules/audit/audit.steps.ts';
import { createEventLog, type EventLog } from './modules/events/events.service.ts';
import { eventSteps } from './modules/events/events.steps.ts';
import { createFeed } from './modules/events/feed.service.ts';
import { createSignals } from './modules/events/signals.ts';
import { messagingSteps } from './modules/messaging/messaging.steps.ts';
import { createSearchService } from './modules/messaging/search.service.ts';
import { searchSteps } from './modules/messaging/search.steps.ts';
import { createReportService } from './modules/moderation/reports.service.ts';
import { reportSteps } from './modules/moderation/reports.steps.ts';
import { chatView } from './modules/p2p/p2p.feed.ts';
import { createP2pService } from './modules/p2p/p2p.service.ts';
import { p2pSteps } from './modules/p2p/p2p.steps.ts';
import { createSiteDeskService } from './modules/sites/sites.desk.service.ts';
import { createSiteService } from './modules/sites/sites.service.ts';
import { siteSteps } from './modules/sites/sites.steps.ts';
import { createCannedService } from './modules/support/canned.service.ts';
import { cannedSteps } from './modules/support/canned.steps.ts';
import { createTicketService } from './modules/support/tickets.service.ts';
import { ticketSteps } from './modules/support/tickets.steps.ts';
import { createBlockService } from './modules/users/blocks.service.ts';
import { createErasureService } from './modules/users/erasure.service.ts';
import { createPasswordService } from './modules/users/passwords.service.ts';
import { createPresence } from './modules/users/presence.ts';
import { createTokenService } from './modules/users/tokens.service.ts';
import { accountView } from './modules/users/users.feed.ts';
import { createUserService } from './modules/users/users.service.ts';
import { userSteps } from './modules/users/users.steps.ts';
import { createRealtime } from './realtime/realtime.ts';
import { signingSecret } from './secret.ts';

/**
 * createServices is the composition root: opens the store and makes every service, in the order in which they need each
 * other. `busyMs`: how long a write waits for another process; commands wait, the server must not.
 */
export const createServices = ({
	config,
	clock,
	log,
	publicUrl,
	busyMs = 0,
	locked = false,
}: {
	config: Config;
	clock: Clock;
	log: Logger;
	/** Where links point to; known to a server only once it listens. */
	publicUrl: () => string;
	busyMs?: number;
	/** Whether the caller holds the folder's lock. */
	locked?: boolean;
}) => {
	const store = openStore({
		folder: config.data,
		clock,
		log,
		busyMs,
		locked,
		committed: (batch) => eventLog.committed(batch),
	});
	const { db } = store;

	const events = eventSteps(db);
	const audit = auditSteps(db);
	const siteRows = siteSteps(db);
	const users = userSteps(db, { events, sites: siteRows });
	const search = searchSteps(db);
	const messaging = messagingSteps(db, { events, sites: siteRows, search });
	const ticketRows = ticketSteps(db, { events, users, messaging, search });

	const eventLog: EventLog = createEventLog({ store, events, log, clock, keepDays: config.eventDays });
	const signals = createSignals();
	const presence = createPresence(log);
	const sites = createSiteService({ store, sites: siteRows, events, audit, eventLog, clock });
	const userService = createUserService({
		store,
		sites,
		siteSteps: siteRows,
		users,
		messaging,
		presence,
		events,
		audit,
	});
	const secrets: [string, ...string[]] = [config.tokenSecret ?? signingSecret(join(config.data, 'token.secret'))];
	if (config.tokenSecretPrevious) secrets.push(config.tokenSecretPrevious);
	const tokens = createTokenService({
		store,
		sites,
		users,
		userService,
		eventLog,
		audit,
		codec: createChatTokenCodec(secrets),
		jwt: createJwtReader(),
		clock,
	});
	const passwords = createPasswordService({
		store,
		sites,
		siteSteps: siteRows,
		users,
		userService,
		tokens,
		events,
		audit,
		clock,
		publicUrl,
	});
	const searching = createSearchService({ store, search });
	const blocks = createBlockService({ store, users, messaging, events });
	const erasure = createErasureService({
		store,
		users,
		messaging,
		sites: siteRows,
		audit,
		belongings: [ticketRows, audit],
		sweep: searching.sweep,
		clock,
	});
	const p2p = createP2pService({
		store,
		users,
		messaging,
		audit,
		signals,
		p2p: p2pSteps(db),
		limits: { messages: config.unverifiedMessages, conversations: config.unverifiedConversations },
	});

	const tickets = createTicketService({
		store,
		sites,
		users,
		messaging,
		catchUp: searching.catchUp,
		tickets: ticketRows,
		eventLog,
		signals,
		log,
		audit,
		openUnanswered: config.unverifiedConversations,
	});
	const canned = createCannedService({ store, users, canned: cannedSteps(db), audit });
	const reportRows = reportSteps(db, { events });
	const reports = createReportService({
		store,
		users,
		messaging,
		tickets,
		ticketRows,
		reports: reportRows,
		audit,
		see: { p2p: p2p.see, support: tickets.see },
	});
	const inbox = createInboxService({
		store,
		users,
		messaging,
		catchUp: searching.catchUp,
		tickets: ticketRows,
		audit,
		threads: tickets.threads,
	});
	const stats = createStatsService({
		store,
		sites: siteRows,
		users,
		tickets: ticketRows,
		presence,
		stats: statsSteps(db),
	});
	const feed = createFeed({
		store,
		events,
		eventLog,
		log,
		views: {
			chat: chatView(messaging),
			ticket: tickets.shown,
			user: accountView(users, siteRows),
			report: reports.shown,
		},
	});

	const realtime = createRealtime({
		eventLog,
		feed,
		signals,
		presence,
		sites,
		tokens,
		users: userService,
		threads: { p2p: p2p.threads, support: tickets.threads },
		clock,
		log,
	});

	return {
		store,
		eventLog,
		feed,
		realtime,
		sites,
		siteDesk: createSiteDeskService({ store, sites, users }),
		users: userService,
		tokens,
		passwords,
		blocks,
		erasure,
		p2p,
		tickets,
		canned,
		reports,
		inbox,
		stats,
		search: searching,
		audit: createAuditService({ store, audit, hiddenFrom: reportRows.about }),
	};
};
export type Services = ReturnType<typeof createServices>;
