// Baselines (a) and (b): the least a Bun server can do to store a chat message, and its listing. No schema, no roles,
// no idempotency, no sync: `each` commits every insert by itself, `turn` commits all inserts of one turn of the event
// loop together (the ceiling). `list` is `each` with the one index that listing needs, which `each` must not pay for.
import { Database } from 'bun:sqlite';
import { parseArgs } from 'node:util';

const { values: args } = parseArgs({
	options: {
		mode: { type: 'string', default: 'each' },
		port: { type: 'string', default: '0' },
		data: { type: 'string', default: '.' },
		token: { type: 'string', default: '' },
	},
});

interface Row {
	id: number;
	conversation: string;
	sender: string;
	text: string;
	createdAt: number;
}

const db = new Database(`${args.data}/raw.db`);
db.run('PRAGMA journal_mode = WAL');
db.run('PRAGMA synchronous = NORMAL');
db.run(`CREATE TABLE messages (
	id INTEGER PRIMARY KEY, conversation TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, created_at INTEGER NOT NULL
)`);
if (args.mode === 'list') db.run('CREATE INDEX messages_by_conversation ON messages (conversation, id)');

const insert = db.query('INSERT INTO messages (conversation, sender, text, created_at) VALUES (?, ?, ?, ?)');
const newest = db.query<Row, [string, number]>(
	`SELECT id, conversation, sender, text, created_at AS createdAt FROM messages
	WHERE conversation = ? ORDER BY id DESC LIMIT ?`,
);
const counted = db.query<{ count: number }, []>('SELECT count(*) AS count FROM messages');

const sender = 'user_01h455vb4pex5vsknk084sn02q';
const expected = `Bearer ${args.token}`;
const refused = () => Response.json({ success: false, message: 'Get Token again' }, { status: 401 });

const shape = (row: Row) => ({
	id: `msg_${row.id}`,
	conversationId: row.conversation,
	senderId: row.sender,
	content: { text: row.text },
	isRead: false,
	createdAt: new Date(row.createdAt).toISOString(),
});

type Job = Omit<Row, 'id'> & { stored: (id: number) => void };
let waiting: Job[] = [];
let commits = 0;

const store = (job: Omit<Row, 'id'>) =>
	Number(insert.run(job.conversation, job.sender, job.text, job.createdAt).lastInsertRowid);

/** commitTurn stores everything that was asked for in this turn of the event loop, then answers it. */
const commitTurn = () => {
	const jobs = waiting;
	waiting = [];
	db.run('BEGIN IMMEDIATE');
	const ids = jobs.map(store);
	db.run('COMMIT');
	commits++;
	jobs.forEach((job, i) => {
		job.stored(ids[i] ?? 0);
	});
};

const storeInTurn = (job: Omit<Row, 'id'>) =>
	new Promise<number>((stored) => {
		if (waiting.push({ ...job, stored }) === 1) setImmediate(commitTurn);
	});

const storeAlone = (job: Omit<Row, 'id'>) => {
	commits++;
	return store(job);
};

const add = args.mode === 'turn' ? storeInTurn : storeAlone;

Bun.serve({
	hostname: '127.0.0.1',
	port: Number(args.port),
	reusePort: false,
	development: false,
	routes: {
		'/readyz': () => Response.json({ ok: true }),
		'/count': () => Response.json({ count: counted.get()?.count ?? 0, commits }),
		'/api/v1/p2p/conversations/:id/messages': {
			POST: async (request) => {
				if (request.headers.get('authorization') !== expected) return refused();
				const body = (await request.json()) as { content: { text: string } };
				const job = { conversation: request.params.id, sender, text: body.content.text, createdAt: Date.now() };
				const id = await add(job);
				return Response.json({ success: true, data: shape({ id, ...job }) }, { status: 201 });
			},
			GET: (request) => {
				if (request.headers.get('authorization') !== expected) return refused();
				const limit = Number(new URL(request.url).searchParams.get('limit') ?? 20);
				const data = newest.all(request.params.id, limit).reverse().map(shape);
				return Response.json({ success: true, data: { data } });
			},
		},
	},
});
