import { connect } from 'node:net';

/** What came back over a bare connection. */
export interface RawReply {
	status: number;
	headers: Record<string, string>;
	body: string;
}

const parse = (text: string): RawReply => {
	const [head = '', ...rest] = text.split('\r\n\r\n');
	const [line = '', ...fields] = head.split('\r\n');
	return {
		status: Number(line.split(' ')[1] ?? 0),
		headers: Object.fromEntries(
			fields.map((field) => [
				field.slice(0, field.indexOf(':')).toLowerCase(),
				field.slice(field.indexOf(':') + 1).trim(),
			]),
		),
		body: rest.join('\r\n\r\n'),
	};
};

/**
 * raw writes bytes to a server and reads until it hangs up: for requests that no client library would send. Ask for
 * `connection: close`. A server that only hangs up gives status 0.
 */
export const raw = (port: number, lines: string[], body = ''): Promise<RawReply> =>
	new Promise((resolve) => {
		let text = '';
		const socket = connect({ port, host: '127.0.0.1' }, () => {
			socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
		});
		socket.setEncoding('utf8');
		socket.on('data', (chunk) => {
			text += chunk;
		});
		socket.on('error', () => resolve(parse(text)));
		socket.on('close', () => resolve(parse(text)));
	});
