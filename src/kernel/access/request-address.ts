/** The IP address of the client that makes a request, for limits and for the audit log. */
import type { IncomingMessage } from 'node:http';
import { clientAddress, type Prefix } from '../network.ts';

/** An IPv4 address has its usual form, also on a socket that accepts both versions (RFC 4291, section 2.5.5.2). */
export const requestAddress = (
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  trustedProxies: readonly Prefix[],
): string =>
  clientAddress(socket.remoteAddress ?? '', headers['x-forwarded-for']?.toString(), trustedProxies).replace(
    /^::ffff:(?=\d+\.)/i,
    '',
  );
