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
import type { Logger } from './kernel/log.ts';
import { p2pRoutes } from './modules/p2p/p2p.routes.ts';
import { authRoutes } from './modules/users/auth.routes.ts';
import { userDeskRoutes } from './modules/users/users.desk.routes.ts';
import { userRoutes } from './modules/users/users.routes.ts';
import type { Services } from './services.ts';
import { pages } from './web/pages.ts';

/** createApp is the whole server on one page: every plugin and mount, in order. */
export const createApp = (
	{ store, sites, users, tokens, passwords, blocks, erasure, p2p }: Services,
	{ config, log, stopping = () => false }: { config: Config; log: Logger; stopping?: () => boolean },
) => {
	const peer = createPeer(config);
	const address = createAddress({ config, peer });
	const guard = createGuard({ sites, tokens, peer });
	const limits = createLimits({ config, peer });
	const methods = createMethodTable();

	const api = new Elysia({ prefix: '/api/v1' })
		.use(userRoutes({ guard, answers, limits, users, tokens, passwords, blocks, erasure }))
		.use(authRoutes({ guard, answers, limits, passwords }))
		.use(p2pRoutes({ guard, answers, limits: limits.plugin, p2p }))
		.use(userDeskRoutes({ guard, answers, users, passwords }));

	const app = new Elysia({ normalize: true })
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
