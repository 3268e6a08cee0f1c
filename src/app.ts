import { Elysia } from 'elysia';
import type { Config } from './config.ts';
import { createAddress } from './http/address.ts';
import { answers } from './http/answers.ts';
import { body } from './http/body.ts';
import { docs } from './http/docs.ts';
import { errors } from './http/errors.ts';
import { createPeer, frame } from './http/frame.ts';
import { createGuard } from './http/guard.ts';
import { health } from './http/health.ts';
import { createLimits } from './http/limits.ts';
import { createMethodTable } from './http/methods.ts';
import { bodyBytesMax, queuedBytesNet, socketIdleSeconds } from './kernel/limits.ts';
import type { Logger } from './kernel/log.ts';
import { adminRoutes } from './modules/admin/admin.routes.ts';
import { auditDeskRoutes } from './modules/audit/audit.desk.routes.ts';
import { reportDeskRoutes } from './modules/moderation/reports.desk.routes.ts';
import { reportRoutes } from './modules/moderation/reports.routes.ts';
import { p2pRoutes } from './modules/p2p/p2p.routes.ts';
import { siteDeskRoutes } from './modules/sites/sites.desk.routes.ts';
import { siteRoutes } from './modules/sites/sites.routes.ts';
import { cannedDeskRoutes } from './modules/support/canned.desk.routes.ts';
import { ticketDeskRoutes } from './modules/support/tickets.desk.routes.ts';
import { ticketRoutes } from './modules/support/tickets.routes.ts';
import { authRoutes } from './modules/users/auth.routes.ts';
import { userDeskRoutes } from './modules/users/users.desk.routes.ts';
import { userRoutes } from './modules/users/users.routes.ts';
import { eventRoutes } from './realtime/events.routes.ts';
import { socketRoutes } from './realtime/socket.routes.ts';
import type { Services } from './services.ts';
import { pages } from './web/pages.ts';

/** How sockets are held, all of them: Bun knows no setting by path. */
const websocket = {
	maxPayloadLength: bodyBytesMax,
	idleTimeout: socketIdleSeconds,
	sendPings: true,
	perMessageDeflate: false,
	// note: the net beneath ours: without it Bun drops in silence what a slow reader does not take
	backpressureLimit: queuedBytesNet,
	closeOnBackpressureLimit: true,
};

/** createApp is the whole server on one page: every plugin and mount, in order. */
export const createApp = (
	services: Services,
	{ config, log, stopping = () => false }: { config: Config; log: Logger; stopping?: () => boolean },
) => {
	const { store, sites, users, tokens, passwords, blocks, erasure, p2p, tickets, reports } = services;
	const peer = createPeer(config);
	const address = createAddress({ config, peer });
	const guard = createGuard({ sites, tokens, peer });
	const limits = createLimits({ config, peer });
	const methods = createMethodTable();
	const { eventLog, feed, realtime } = services;

	const api = new Elysia({ prefix: '/api/v1' })
		.use(userRoutes({ guard, answers, limits, users, tokens, passwords, blocks, erasure }))
		.use(authRoutes({ guard, answers, limits, passwords }))
		.use(p2pRoutes({ guard, answers, limits: limits.plugin, p2p }))
		.use(ticketRoutes({ guard, answers, limits: limits.plugin, tickets }))
		.use(socketRoutes({ guard, answers, limits, peer, sites, tokens, eventLog, feed, realtime, log }))
		.use(eventRoutes({ guard, answers, peer, eventLog, feed, realtime }))
		.use(reportRoutes({ guard, answers, limits: limits.plugin, reports }))
		.use(adminRoutes({ guard, answers, inbox: services.inbox, stats: services.stats }))
		.use(ticketDeskRoutes({ guard, answers, tickets }))
		.use(userDeskRoutes({ guard, answers, users, passwords, erasure }))
		.use(reportDeskRoutes({ guard, answers, reports }))
		.use(auditDeskRoutes({ guard, answers, audit: services.audit }))
		.use(siteRoutes({ guard, answers, sites }))
		.use(siteDeskRoutes({ guard, answers, site: services.siteDesk }))
		.use(cannedDeskRoutes({ guard, answers, canned: services.canned }));

	const app = new Elysia({ normalize: true, websocket })
		.use(errors({ log, allowedMethods: methods.of }))
		.use(frame({ config, sites, peer, log, stopping }))
		.use(body)
		.use(health({ store, stopping }))
		.use(pages({ sites, users, address }))
		.use(docs({ sites, routes: () => api.routes, address }))
		.use(api);
	methods.learn(app.routes);
	return app;
};
