/** The headers of every answer, as flat arrays that node writes without further work. */
import { contentTypeOf, etagOf, type MediaFile } from './media-file.ts';

/** Pages and players of any origin may read (Fetch standard, CORS). */
export const OPEN_TO_ALL: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  'Content-Length, Content-Range, ETag, Age',
  'Timing-Allow-Origin',
  '*',
  'Cross-Origin-Resource-Policy',
  'cross-origin',
  'X-Content-Type-Options',
  'nosniff',
];

export const PREFLIGHT: readonly string[] = [
  ...OPEN_TO_ALL,
  'Access-Control-Allow-Methods',
  'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers',
  'Range, If-None-Match, If-Range, CMCD-Request, CMCD-Object, CMCD-Status, CMCD-Session',
  'Access-Control-Max-Age',
  '86400',
  'Content-Length',
  '0',
];

/** What is the same for whole, partial and not-modified answers (RFC 9110, sections 15.3.7 and 15.4.5). */
export const commonHeaders = (file: MediaFile): string[] => [
  ...OPEN_TO_ALL,
  'Content-Type',
  contentTypeOf(file.file),
  'ETag',
  etagOf(file),
  'Cache-Control',
  'public, max-age=31536000, immutable',
  'Accept-Ranges',
  'bytes',
];
