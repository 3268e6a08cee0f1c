import { join } from 'node:path';
import type { Config } from './config.ts';
import { openStore } from './db/open.ts';
import { createChatTokenCodec, createJwtReader } from './http/jwt.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/log.ts';
import { createEventLog, type EventLog } from './modules/events/events.service.ts';
import { eventSteps } from './modules/events/events.steps.ts';
import { messagingSteps } from './modules/messaging/messaging.steps.ts';
import { createP2pService } from './modules/p2p/p2p.service.ts';
import { p2pSteps } from './modules/p2p/p2p.steps.ts';
import { createSiteService } from './modules/sites/sites.service.ts';
import { siteSteps } from './modules/sites/sites.steps.ts';
import { createBlockService } from './modules/users/blocks.service.ts';
import { createErasureService } from './modules/users/erasure.service.ts';
import { createPasswordService } from './modules/users/passwords.service.ts';
import { createTokenService } from './modules/users/tokens.service.ts';
import { createUserService } from './modules/users/users.service.ts';
import { userSteps } from './modules/users/users.steps.ts';
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
	const siteRows = siteSteps(db);
	const users = userSteps(db, { events });
	const messaging = messagingSteps(db, { events, sites: siteRows });

	const eventLog: EventLog = createEventLog({ store, events, log });
	const sites = createSiteService({ store, sites: siteRows, events, eventLog, clock });
	const userService = createUserService({ store, sites, siteSteps: siteRows, users, events });
	const secrets: [string, ...string[]] = [config.tokenSecret ?? signingSecret(join(config.data, 'token.secret'))];
	if (config.tokenSecretPrevious) secrets.push(config.tokenSecretPrevious);
	const tokens = createTokenService({
		store,
		sites,
		users,
		userService,
		eventLog,
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
		clock,
		publicUrl,
	});
	const blocks = createBlockService({ store, users, messaging, events });
	const erasure = createErasureService({ store, users, messaging });
	const p2p = createP2pService({
		store,
		users,
		messaging,
		p2p: p2pSteps(db),
		limits: { messages: config.unverifiedMessages, conversations: config.unverifiedConversations },
	});

	return { store, eventLog, sites, users: userService, tokens, passwords, blocks, erasure, p2p };
};
export type Services = ReturnType<typeof createServices>;
