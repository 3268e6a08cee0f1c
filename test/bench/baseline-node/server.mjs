// Baseline (c): the stack a developer would write by hand for the same promise, on Node. A message is answered after a
// synced commit of the message row, the conversation's counter and the idempotency key. It leaves out what Parley does
// beside that (events, unread counters, roles, membership), so the comparison is in its favour.
import { createSecretKey, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import Fastify from 'fastify';
import jwt from 'jsonwebtoken';

const option = { type: 'string' };
const { values: args } = parseArgs({
	options: { port: option, data: option, secret: option, key: option, conversations: option },
});

const db = new Database(`${args.data}/chat.db`);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
	CREATE TABLE conversations (
		id TEXT PRIMARY KEY,
		message_count INTEGER NOT NULL DEFAULT 0,
		last_message_at INTEGER
	) WITHOUT ROWID;
	CREATE TABLE messages (
		id INTEGER PRIMARY KEY,
		conversation_id TEXT NOT NULL,
		sender_id TEXT NOT NULL,
		client_message_id TEXT UNIQUE,
		text TEXT NOT NULL,
		created_at INTEGER NOT NULL
	);
	CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
`);
const addConversation = db.prepare('INSERT INTO conversations (id) VALUES (?)');
db.transaction(() => {
	for (const id of readFileSync(args.conversations, 'utf8').split('\n')) if (id) addConversation.run(id);
})();

const count = db.prepare('SELECT count(*) AS count FROM messages');
const touch = db.prepare(
	'UPDATE conversations SET message_count = message_count + 1, last_message_at = ? WHERE id = ?',
);
const insert = db.prepare(
	`INSERT INTO messages (conversation_id, sender_id, client_message_id, text, created_at) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (client_message_id) DO NOTHING`,
);
const stored = db.prepare('SELECT * FROM messages WHERE client_message_id = ?');

const noConversation = Object.assign(new Error('No such conversation'), { statusCode: 404 });

/** append stores one message and counts it; a repeated clientMessageId stores nothing and gives what is stored. */
const append = db.transaction((conversation, sender, clientMessageId, text, now) => {
	const added = insert.run(conversation, sender, clientMessageId, text, now);
	if (added.changes === 0) return { fresh: false, row: stored.get(clientMessageId) };
	if (touch.run(now, conversation).changes === 0) throw noConversation;
	const row = { id: added.lastInsertRowid, conversation_id: conversation, sender_id: sender, text, created_at: now };
	return { fresh: true, row };
});

const shape = (row) => ({
	success: true,
	data: {
		id: `msg_${row.id}`,
		conversationId: row.conversation_id,
		senderId: row.sender_id,
		content: { text: row.text },
		isRead: false,
		createdAt: new Date(row.created_at).toISOString(),
	},
});

const text = { type: 'string', minLength: 1, maxLength: 10_000 };
const body = {
	type: 'object',
	required: ['content'],
	properties: {
		content: { type: 'object', required: ['text'], properties: { text } },
		clientMessageId: { type: 'string', minLength: 8, maxLength: 64 },
	},
};
const string = { type: 'string' };
const message = {
	type: 'object',
	properties: {
		id: string,
		conversationId: string,
		senderId: string,
		content: { type: 'object', properties: { text: string } },
		isRead: { type: 'boolean' },
		createdAt: string,
	},
};
const answer = { type: 'object', properties: { success: { type: 'boolean' }, data: message } };

const secret = createSecretKey(Buffer.from(args.secret, 'hex'));
const verifying = { algorithms: ['HS256'], issuer: 'bench.local', audience: 'bench.local' };
const key = Buffer.from(args.key);
const refusal = { success: false, message: 'Get Token again' };

const authenticate = async (request, reply) => {
	const given = Buffer.from(request.headers['x-api-key'] ?? '');
	if (given.length !== key.length || !timingSafeEqual(given, key)) return reply.code(401).send(refusal);
	try {
		request.user = jwt.verify((request.headers.authorization ?? '').slice('Bearer '.length), secret, verifying);
	} catch {
		return reply.code(401).send(refusal);
	}
};

const app = Fastify({ logger: false });
app.decorateRequest('user', null);
app.get('/readyz', () => ({ ok: true }));
app.get('/count', () => count.get());
app.post(
	'/api/v1/p2p/conversations/:id/messages',
	{ onRequest: authenticate, schema: { body, response: { 200: answer, 201: answer } } },
	(request, reply) => {
		const { content, clientMessageId } = request.body;
		const done = append.immediate(
			request.params.id,
			request.user.sub,
			clientMessageId ?? null,
			content.text,
			Date.now(),
		);
		reply.code(done.fresh ? 201 : 200).send(shape(done.row));
	},
);
await app.listen({ host: '127.0.0.1', port: Number(args.port) });
