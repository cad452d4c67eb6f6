/** Entity tags (RFC 9110, section 8.8.3). The origin that cuts the bytes sets them, and buffers pass them on. Pure. */
import { createHash } from 'node:crypto';

const STRONG = /^"[\x21\x23-\x7e]{1,500}"$/;

/** Undefined for a weak, malformed or absent tag: only a strong one guarantees equal bytes (section 8.8.1). */
export const parseStrongEtag = (header: string | undefined): string | undefined =>
  header !== undefined && STRONG.test(header) ? header : undefined;

/** A validator for bytes that arrived without one. */
export const etagOfBody = (body: Buffer): string =>
  `"sha256-${createHash('sha256').update(body).digest('base64url')}"`;

/** If-None-Match compares weakly (section 13.1.2). `*` matches every existing file. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string | undefined): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' ||
    // The list is split between tags only, because a tag may contain a comma.
    (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some(tag => tag.replace(/^W\//, '') === etag));
