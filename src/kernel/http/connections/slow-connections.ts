/**
 * Ends connections that make no progress: a request body that arrives more slowly than 1 KB/s, a response that the client does
 * not read, and an idle connection. A response that this part has not sent yet (a long poll) may take any time.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';

/** The time over which the rate of a body is measured, which also covers a short outage of a network. */
const BODY_WINDOW_MS = 30_000;
const MIN_BODY_BYTES_PER_S = 1_000;
const STALLED_MS = 60_000;

export interface SlowConnectionOptions {
  readonly bodyWindowMs?: number;
  readonly stalledMs?: number;
}

/** Calls `onSlow` if the body of this request arrives too slowly. */
export function watchBody(
  request: IncomingMessage,
  onSlow: () => void,
  { bodyWindowMs = BODY_WINDOW_MS }: SlowConnectionOptions = {},
): void {
  const { socket, headers } = request;
  if (headers['transfer-encoding'] === undefined && headers['content-length'] === undefined) return;
  const leastBytes = (MIN_BODY_BYTES_PER_S * bodyWindowMs) / 1_000;
  let before = socket.bytesRead;
  const timer = setInterval(() => {
    if (request.complete || socket.destroyed) return void clearInterval(timer);
    // Bytes that this part has not taken yet hold up those behind them.
    const isWaiting = request.readableLength > 0;
    if (!isWaiting && socket.bytesRead - before < leastBytes) {
      clearInterval(timer);
      onSlow();
    }
    before = socket.bytesRead;
  }, bodyWindowMs).unref();
  request.once('close', () => clearInterval(timer));
}

/** Ends the connections of this server that are idle, or whose client does not read. */
export function endStalledConnections(
  server: Server | TlsServer,
  responseOf: (socket: Socket) => ServerResponse | undefined,
  { stalledMs = STALLED_MS }: SlowConnectionOptions = {},
): void {
  (server as Server).setTimeout(stalledMs, socket => {
    const response = responseOf(socket);
    const isBusy = response !== undefined && !response.writableFinished && !response.destroyed;
    if (!isBusy || socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(stalledMs);
  });
}
