// Baseline of the fan-out on Node: `ws` with its usual loop over all clients. No keys, no rights, no log, nothing stored.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const option = { type: 'string' };
const { values: args } = parseArgs({ options: { port: option, event: option } });
const [before = '', after = ''] = args.event.split('$text');

const http = createServer((request, response) => {
	if (request.method === 'GET') {
		response.end('{"ok":true}');
		return;
	}
	const chunks = [];
	request.on('data', (chunk) => chunks.push(chunk));
	request.on('end', () => {
		const { content } = JSON.parse(Buffer.concat(chunks).toString());
		const event = Buffer.from(before + content.text + after);
		for (const client of sockets.clients) client.send(event, { binary: false });
		response.writeHead(201, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ success: true, data: { content } }));
	});
});
const sockets = new WebSocketServer({ server: http, path: '/live', perMessageDeflate: false });
sockets.on('connection', (client) => {
	client.on('message', () => client.send('{"type":"caught_up","cursor":"0"}'));
});
http.listen(Number(args.port), '127.0.0.1');
