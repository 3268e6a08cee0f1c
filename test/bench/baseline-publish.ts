// Baseline of the fan-out: the least a Bun server can do to tell a message to all who are connected, by `server.publish`.
// No keys, no rights, no log. `insert`: each message is stored first, in a synced commit of its own.

import { Database } from 'bun:sqlite';
import { parseArgs } from 'node:util';
import type { Server } from 'bun';

const { values: args } = parseArgs({
	options: {
		mode: { type: 'string', default: 'publish' },
		port: { type: 'string', default: '0' },
		data: { type: 'string', default: '.' },
		/** An event as Parley sends it, with `$text` where the text stands. */
		event: { type: 'string', default: '$text' },
	},
});

const db = new Database(`${args.data}/publish.db`);
db.run('PRAGMA journal_mode = WAL');
db.run('PRAGMA synchronous = FULL');
db.run('CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT NOT NULL, created_at INTEGER NOT NULL)');
const insert = db.query('INSERT INTO messages (text, created_at) VALUES (?, ?)');
const [before = '', after = ''] = args.event.split('$text');
const everybody = 'everybody';

const server: Server<undefined> = Bun.serve({
	hostname: '127.0.0.1',
	port: Number(args.port),
	reusePort: false,
	development: false,
	routes: {
		'/readyz': () => Response.json({ ok: true }),
		'/live': (request: Request) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
		'/messages': {
			POST: async (request: Request) => {
				const { content } = (await request.json()) as { content: { text: string } };
				if (args.mode === 'insert') insert.run(content.text, Date.now());
				server.publish(everybody, before + content.text + after);
				return Response.json({ success: true, data: { content } }, { status: 201 });
			},
		},
	},
	websocket: {
		idleTimeout: 60,
		message: (ws) => {
			ws.subscribe(everybody);
			ws.send('{"type":"caught_up","cursor":"0"}');
		},
	},
});
