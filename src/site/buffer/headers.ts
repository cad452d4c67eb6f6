/** The headers of every answer, as flat arrays that node writes without further work. */
import { contentTypeOf, type MediaFile } from './media-file.ts';

/** Pages and players of any origin may read (Fetch standard, CORS). */
export const OPEN_TO_ALL: readonly string[] = [
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
export const PREFLIGHT: readonly string[] = [
  ...OPEN_TO_ALL,
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
export const commonHeaders = (file: MediaFile, etag: string | undefined): string[] => [
  ...OPEN_TO_ALL,
  'Content-Type',
  contentTypeOf(file.file),
  ...(etag === undefined ? [] : ['ETag', etag]),
  'Cache-Control',
  'public, max-age=31536000, immutable',
  'Accept-Ranges',
  'bytes',
];
