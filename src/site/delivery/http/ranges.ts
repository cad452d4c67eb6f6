/** Range requests (RFC 9110, section 14): selects the part of a file to send. Pure. */

/** The bytes from `start` up to, but not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

type Selection =
  | { readonly kind: 'whole' }
  | ({ readonly kind: 'part' } & Span)
  | { readonly kind: 'unsatisfiable' };

const WHOLE: Selection = { kind: 'whole' };
const UNSATISFIABLE: Selection = { kind: 'unsatisfiable' };

/**
 * "A server MAY ignore the Range header field" (section 14.2). This one ignores several ranges, other units, malformed ranges,
 * and ranges whose If-Range is not the file's entity tag by strong comparison (section 13.1.5).
 */
export function selectRange(
  range: string | undefined,
  ifRange: string | undefined,
  etag: string | undefined,
  length: number,
): Selection {
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return WHOLE;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(range.trim());
  if (!match) return WHOLE;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return WHOLE;
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 || length === 0
      ? UNSATISFIABLE
      : { kind: 'part', start: Math.max(0, length - suffix), end: length };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return WHOLE;
  if (start >= length) return UNSATISFIABLE;
  return { kind: 'part', start, end: last === '' ? length : Math.min(length, Number(last) + 1) };
}
