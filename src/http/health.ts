import { Elysia } from 'elysia';
import type { Store } from '../db/open.ts';
import { AppError } from '../kernel/errors.ts';

/** `/healthz`: the process answers. `/readyz`: it can also read its data, and is not on its way out. */
export const health = ({ store, stopping }: { store: Store; stopping: () => boolean }) =>
	new Elysia({ name: 'health' })
		.get('/healthz', () => ({ status: 'ok' }), { detail: { hide: true, 'x-permission': 'public' } as object })
		.get(
			'/readyz',
			() => {
				if (stopping()) throw new AppError('shutting_down', { retryAfterSeconds: 2 });
				if (!store.probe()) throw new AppError('storage_unavailable', { retryAfterSeconds: 1 });
				return { status: 'ready' };
			},
			{ detail: { hide: true, 'x-permission': 'public' } as object },
		);
