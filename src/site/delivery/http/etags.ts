/** Entity tags (RFC 9110, section 8.8.3). Whoever cuts the bytes names them; a buffer passes the name on. Pure. */
import { createHash } from 'node:crypto';

const STRONG = /^"[\x21\x23-\x7e]{1,500}"$/;

/** Undefined of a weak, malformed or absent tag: only a strong one says that bytes are equal (section 8.8.1). */
export const parseStrongEtag = (header: string | undefined): string | undefined =>
  header !== undefined && STRONG.test(header) ? header : undefined;

/** The validator of bytes that came without one. */
export const etagOfBody = (body: Buffer): string =>
  `"sha256-${createHash('sha256').update(body).digest('base64url')}"`;

/** If-None-Match compares weakly (section 13.1.2). `*` matches whatever there is. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string | undefined): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' ||
    // A list is split between tags only: a comma may stand inside one.
    (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some(tag => tag.replace(/^W\//, '') === etag));
