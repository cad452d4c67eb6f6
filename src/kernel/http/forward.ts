/** Forwards a request unchanged to another part and returns its response, for a part that serves as a front for others. */
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { problem } from '../problem.ts';
import { sendProblem } from './server.ts';

/** Headers of one connection only, which a proxy must not forward (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const CONNECT_TIMEOUT_MS = 10_000;

/** Keeps the Host header of the client, because signatures cover it. */
export function forward(target: URL, request: IncomingMessage, response: ServerResponse): void {
  const { socket, headers } = request;
  const hops = [headers['x-forwarded-for'], socket.remoteAddress].flat().filter(hop => hop !== undefined);
  const passed = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  const onward = send({
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port || 80,
    method: request.method,
    path: request.url,
    headers: {
      ...Object.fromEntries(passed),
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
    const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
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
