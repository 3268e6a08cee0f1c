import { Elysia } from 'elysia';
import type { SiteService } from '../modules/sites/sites.service.ts';
import type { PeerReader } from './frame.ts';
export const docs = (_: { sites: SiteService; routes: () => unknown; peer: PeerReader }) =>
	new Elysia({ name: 'docs' });
