/**
 * Reads and discards the rest of a request body. A connection that is closed while its client is still sending is reset, and the
 * client then loses the response that it has not read yet.
 */
import type { IncomingMessage } from 'node:http';

const DRAIN_BYTES = 64 * 2 ** 20;
const DRAIN_MS = 10_000;

/**
 * Call before the response to a request whose body was not read to its end; the response must not close the connection. Closes
 * it when the client has sent more than `DRAIN_BYTES` or has taken longer than `DRAIN_MS`.
 */
export function drainWithin(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const limit = socket.bytesRead + DRAIN_BYTES;
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS);
  // Earlier readers of the body get no more of it.
  request.removeAllListeners('data');
  request.on('data', () => {
    if (socket.bytesRead > limit) socket.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.resume();
}
