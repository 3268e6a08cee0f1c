import { Elysia } from 'elysia';
import type { Config } from '../config.ts';
import type { SiteService } from '../modules/sites/sites.service.ts';
export const pages = (_: { sites: SiteService; config: Config }) => new Elysia({ name: 'pages' });
