/**
 * Forwards a request to another part and returns its response, for a part that serves as a front for others. The framing of the
 * body is written again for each hop (RFC 9112, section 6), so that both parts see the same end of every request.
 */
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
  request as send,
} from 'node:http';
import { problem } from '../problem.ts';
import { sendProblem } from './server.ts';

/** Headers of one connection only, which a proxy must not forward (RFC 9110, section 7.6.1). */
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // node:http has sent "100 Continue" already (RFC 9110, section 10.1.1).
  'expect',
];
/** Headers that a client must not be able to remove by naming them in Connection. */
const END_TO_END = new Set(['host', 'content-length', 'x-forwarded-for', 'x-forwarded-proto']);
const CONNECT_TIMEOUT_MS = 10_000;

/** Keeps the Host header of the client, which the other part compares with the names of the site. */
export function forward(target: URL, request: IncomingMessage, response: ServerResponse): void {
  const { socket, headers } = request;
  const hops = [headers['x-forwarded-for'], socket.remoteAddress].flat().filter(hop => hop !== undefined);
  const onward = send({
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port || 80,
    method: request.method,
    path: request.url,
    headers: {
      ...endToEnd(headers),
      ...framingOf(headers),
      'x-forwarded-for': hops.join(', '),
      'x-forwarded-proto': 'encrypted' in socket ? 'https' : 'http',
    },
  });
  const connecting = setTimeout(() => onward.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
  onward.on('socket', connection => {
    if (connection.connecting) connection.once('connect', () => clearTimeout(connecting));
    else clearTimeout(connecting);
  });
  onward.on('response', answer => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
    answer.pipe(response);
    // A truncated response must not look complete.
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
  });
  onward.on('error', () => {
    clearTimeout(connecting);
    sendProblem(response, problem('part-unreachable', 'This part of the site is not running.'));
  });
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? '')
    .split(',')
    .map(option => option.trim().toLowerCase())
    .filter(option => !END_TO_END.has(option));
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

/**
 * node:http frames a body without Content-Length only for some methods. For the others (GET, HEAD, DELETE, OPTIONS), it would
 * write the bytes as they are, and the next part would read them as another request.
 */
const framingOf = (headers: IncomingHttpHeaders): OutgoingHttpHeaders =>
  headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
