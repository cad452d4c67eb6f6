/** The headers of every response, as flat arrays of names and values, which node writes as they are. */
import type { IncomingHttpHeaders } from 'node:http';
import { isText } from '../../../kernel/http/coding/gzip.ts';
import { ANY_ORIGIN_HEADERS, formatPreflight, READ } from '../../../kernel/http/cross-origin.ts';
import { contentTypeOf, type MediaFile } from './media-file.ts';

/** Names the filling site. A site that receives it responds from its own files and asks no third site, which prevents loops. */
export const FILL_HEADER = 'tributary-fill';

/** Allows pages and players of any origin to read responses, and forbids browsers to guess another type. */
export const CORS_HEADERS: readonly string[] = [...ANY_ORIGIN_HEADERS, 'X-Content-Type-Options', 'nosniff'];

export const PREFLIGHT_HEADERS: readonly string[] = formatPreflight(READ);

/**
 * The headers that complete, partial and not-modified responses share (RFC 9110, sections 15.3.7 and 15.4.5). `etag` is
 * undefined if the upstream sent none and the bytes are still arriving.
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
  mayKeep ? (isPrivate ? PRIVATE_CACHING : 'public, max-age=31536000, immutable') : 'no-store',
  'Accept-Ranges',
  'bytes',
  ...(isText(contentTypeOf(file.file)) ? VARY : []),
  // The address of a private file contains a token.
  ...(isPrivate ? ['X-Robots-Tag', 'noindex', 'Referrer-Policy', 'no-referrer'] : []),
];

const VARY = ['Vary', 'Accept-Encoding'];

/** No shared cache may store it (RFC 9111, section 5.2.2.7), and a browser only for as long as a revocation takes. */
const PRIVATE_CACHING = 'private, max-age=60';

/**
 * False if a response forbids shared caches to store it, or to use it without revalidation (RFC 9111, sections 3 and 5.2.2).
 * For private videos (`isPrivate`), upstreams send `private` for the caches between two sites. The buffer ignores it, because it
 * has a token itself and demands one from every client.
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
  return (
    !isForbidden &&
    !isStale &&
    /^(?:accept-encoding)?$/i.test(headers.vary ?? '') &&
    headers['set-cookie'] === undefined
  );
}
