import type { Limits } from '../http/limits.ts';
import { AppError } from '../kernel/errors.ts';
import type { Capability } from '../kernel/roles.ts';
import type { EventLog } from '../modules/events/events.service.ts';
import { judgeCapability } from '../modules/users/users.access.ts';
import { frameText } from './frames.ts';
import type { ClientFrame } from './realtime.schema.ts';
import type { Realtime } from './realtime.ts';
import type { SocketConnection } from './socket.connection.ts';

/** createActs: what somebody who has signed in can do by a frame: the same services, gates and rates as by a call. */
export const createActs = ({
	limits,
	eventLog,
	realtime: { connections, watching, threadsOf },
}: {
	limits: Limits;
	eventLog: EventLog;
	realtime: Realtime;
}) => {
	/** Does what a frame asks for; resolves with the data of its ack, or nothing where none is given. Throws as a call would. */
	return async (frame: ClientFrame, { connection, send }: SocketConnection): Promise<object | undefined> => {
		const { principal } = connection;
		const may = (capability: Capability) => judgeCapability(principal, capability);
		switch (frame.type) {
			case 'message': {
				const { conversationId, content, replyTo, clientMessageId, metadata, kind } = frame;
				may('message.send');
				await limits.spend('message', principal);
				const sent = { content, replyTo, clientMessageId, metadata, kind };
				return (await threadsOf(conversationId).send(principal, conversationId, sent)).data;
			}
			case 'read': {
				const { conversationId, messageId } = frame;
				may('conversation.read');
				await limits.spend('write', principal);
				return threadsOf(conversationId).read(principal, conversationId, { messageId });
			}
			case 'typing': {
				const { conversationId, typing, note } = frame;
				may('message.send');
				threadsOf(conversationId).typing(principal, conversationId, { typing, note });
				return undefined;
			}
			case 'watch':
				may('conversation.read');
				watching.watch(connection, frame.conversationId);
				return {};
			case 'ping': {
				const cursor = eventLog.cursor(
					connections.liveOfUser(connection.pk).has(connection) ? undefined : connection.position,
				);
				send(frameText({ type: 'pong', ...(frame.ref !== undefined && { ref: frame.ref }), cursor }));
				return undefined;
			}
			case 'auth':
				throw new AppError('invalid_frame', { errors: [{ path: 'type', message: 'auth is the first frame only' }] });
		}
	};
};
export type Acts = ReturnType<typeof createActs>;
