/** The headers of every answer, as flat arrays that node writes without further work. */
import type { IncomingHttpHeaders } from 'node:http';
import { contentTypeOf, type MediaFile } from './media-file.ts';

/** Pages and players of any origin may read (Fetch standard, CORS). */
export const CORS_HEADERS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  'Content-Length, Content-Range, ETag, Accept-Ranges, Date',
  'Timing-Allow-Origin',
  '*',
  'Cross-Origin-Resource-Policy',
  'cross-origin',
  'X-Content-Type-Options',
  'nosniff',
];

/** No Content-Length: a 204 MUST NOT have one (RFC 9110, section 8.6). */
export const PREFLIGHT_HEADERS: readonly string[] = [
  ...CORS_HEADERS,
  'Access-Control-Allow-Methods',
  'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers',
  'Range, If-None-Match, If-Range, CMCD-Request, CMCD-Object, CMCD-Status, CMCD-Session',
  'Access-Control-Max-Age',
  '86400',
];

/**
 * What is the same for whole, partial and not-modified answers (RFC 9110, sections 15.3.7 and 15.4.5). Without `etag`
 * where the upstream gave none and the bytes are still arriving.
 */
export const commonHeaders = (
  file: MediaFile,
  etag: string | undefined,
  mayKeep = true,
  isPrivate = false,
): string[] => [
  ...CORS_HEADERS,
  'Content-Type',
  contentTypeOf(file.file),
  ...(etag === undefined ? [] : ['ETag', etag]),
  'Cache-Control',
  mayKeep ? (isPrivate ? OF_PRIVATE : 'public, max-age=31536000, immutable') : 'no-store',
  'Accept-Ranges',
  'bytes',
];

/** No shared cache keeps it (RFC 9111, section 5.2.2.7), and a browser no longer than a revocation takes. */
const OF_PRIVATE = 'private, max-age=60';

/**
 * False where who made an answer forbids a shared cache to keep it, or to give it without asking again (RFC 9111, sections 3
 * and 5.2.2). What our own origin makes may always be kept. Of a private video (`isPrivate`) holders say that no cache between
 * may keep it: a buffer that has a right to it, and asks everybody else for theirs, is none.
 */
export function mayBeKept(headers: IncomingHttpHeaders, isPrivate = false): boolean {
  const directives = (headers['cache-control'] ?? '')
    .toLowerCase()
    .split(',')
    .map(directive => directive.trim().replaceAll('"', ''))
    .filter(directive => !isPrivate || directive !== 'private');
  const isForbidden = directives.some(directive =>
    /^(?:no-store|no-cache|private|s-maxage=0+)(?:$|=)/.test(directive),
  );
  const hasShared = directives.some(directive => directive.startsWith('s-maxage='));
  const isStale = !hasShared && directives.some(directive => /^max-age=(?:0+$|-)/.test(directive));
  return !isForbidden && !isStale && headers.vary === undefined && headers['set-cookie'] === undefined;
}
