/** The headers that let players and pages of any origin read responses (Fetch standard, CORS): one list for all parts. */
import type { FastifyReply } from 'fastify';
import type { HttpServer } from './server.ts';

/** Alternates names and values. */
export const ANY_ORIGIN_HEADERS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  'Content-Length, Content-Range, ETag, Accept-Ranges, Date, Retry-After',
  'Timing-Allow-Origin',
  '*',
  'Cross-Origin-Resource-Policy',
  'cross-origin',
];

/** The methods of an address that can only be read. */
export const READ = 'GET, HEAD, OPTIONS';

/**
 * The response to a preflight request. A player may send any header. `*` does not include Authorization, and some old browsers
 * take it literally, so the usual headers are named too. There is no Content-Length: a 204 must not have one (RFC 9110, 8.6).
 */
export const formatPreflight = (methods: string): readonly string[] => [
  ...ANY_ORIGIN_HEADERS,
  'Access-Control-Allow-Methods',
  methods,
  'Access-Control-Allow-Headers',
  '*, Authorization, Content-Type, Range, If-None-Match, If-Range, CMCD-Request, CMCD-Object, CMCD-Status, CMCD-Session',
  'Access-Control-Max-Age',
  '86400',
];

const setHeaders = (reply: FastifyReply, headers: readonly string[]): FastifyReply => {
  for (let index = 0; index < headers.length; index += 2)
    reply.header(headers[index] ?? '', headers[index + 1]);
  return reply;
};

/** Allows players and pages of other origins to read this response. */
export const allowAnyOrigin = (reply: FastifyReply): FastifyReply => setHeaders(reply, ANY_ORIGIN_HEADERS);

/** Responds to the preflight requests for `path`. */
export function servePreflight(app: HttpServer, path: string, methods: string): void {
  const headers = formatPreflight(methods);
  app.options(path, { schema: { hide: true } }, (_request, reply) =>
    setHeaders(reply, headers).code(204).send(),
  );
}
