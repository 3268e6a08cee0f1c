import type { Config } from '../config.ts';
import type { Peer, SocketContext } from './frame.ts';

/** Tells where this server is reached: as configured, else as the request has it. The Host header was checked before. */
export type Address = (context: SocketContext) => string;

export const createAddress = ({ config, peer }: { config: Config; peer: Peer }): Address => {
	const { publicUrl } = config;
	return (context) =>
		publicUrl ?? `${peer.secure(context) ? 'https' : 'http'}://${context.request.headers.get('host')}`;
};
