import { loadConfig } from './config.ts';
import { startServer } from './serve.ts';

const r = await startServer(loadConfig());
try {
	console.log(JSON.stringify(await r.services.sites.add({ resourceId: 'bench.local' })));
} catch {}
process.on('SIGTERM', () => void r.stop().then(() => process.exit(0)));
