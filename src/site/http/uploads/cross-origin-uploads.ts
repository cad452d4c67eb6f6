/** Uploads from pages of other origins (Fetch standard, CORS): only of the origins that a setting names. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const REQUEST_HEADERS = [
  ...['Authorization', 'Content-Type', 'Tus-Resumable', 'X-HTTP-Method-Override', 'X-Request-ID'],
  ...['X-Requested-With', 'Upload-Checksum', 'Upload-Concat', 'Upload-Defer-Length', 'Upload-Length'],
  ...['Upload-Metadata', 'Upload-Offset'],
].join(', ');
const RESPONSE_HEADERS = [
  ...['Location', 'Retry-After', 'Tus-Checksum-Algorithm', 'Tus-Extension', 'Tus-Max-Size', 'Tus-Resumable'],
  ...['Tus-Version', 'Upload-Concat', 'Upload-Defer-Length', 'Upload-Expires', 'Upload-Length'],
  ...['Upload-Metadata', 'Upload-Offset'],
].join(', ');

const isNamed = ({ headers }: IncomingMessage, origins: readonly string[]): boolean =>
  headers.origin !== undefined && origins.includes(headers.origin);

/** Lets a page of a named origin read the response. */
export function allowNamedOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): void {
  if (origins.length > 0) response.setHeader('vary', 'Origin');
  if (!isNamed(request, origins)) return;
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '');
  response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
  if (request.method !== 'OPTIONS') return;
  response.setHeader('access-control-allow-methods', 'POST, HEAD, PATCH, DELETE, OPTIONS');
  response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
  response.setHeader('access-control-max-age', '86400');
}
