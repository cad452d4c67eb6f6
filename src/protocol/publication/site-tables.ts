/**
 * The columns of a site's database that central may read over SQL. Central reads no other column and writes only the
 * published flag. The gateway reads by the same rules, so both ways behave alike. This module is pure.
 */
import type { Epoch } from './epoch.ts';

/** One row: the state of the site's database towards central. */
export interface SignalColumns {
  readonly id: number;
  readonly site: string | null;
  /** Nonce of the current start. */
  readonly start: string;
  /** Number of the last adopted epoch; 0 for none. */
  readonly epoch: number;
  /** Nonce of the start that adopted it. */
  readonly epoch_start: string | null;
  /** Counter of record writes. */
  readonly change: number;
}

export interface RecordColumns {
  readonly video_id: string;
  /** 0 for a draft, which has no version yet. */
  readonly version: number;
  readonly hash: string;
  /** The record as canonical JSON. */
  readonly body: string;
  /** The published flag: 0 or 1. */
  readonly published: number;
}

/** The epoch of the current start; undefined before its handshake. */
export const epochOf = ({
  epoch,
  epoch_start,
  start,
}: Pick<SignalColumns, 'epoch' | 'epoch_start' | 'start'>): Epoch | undefined =>
  epoch_start !== null && epoch_start === start ? { number: Number(epoch), start } : undefined;

/**
 * Cuts a page from the found rows, which are one more than `limit` if there are more. The page has at most `limit` rows of
 * about `maxBytes` in total, and at least one row.
 */
export function cutPage<Row extends Pick<RecordColumns, 'body'>>(
  found: readonly Row[],
  limit: number,
  maxBytes: number,
): { readonly rows: readonly Row[]; readonly more: boolean } {
  let bytes = 0;
  const fitting = found.findIndex((row, index) => {
    // A UTF-16 code unit takes at most three bytes in UTF-8.
    bytes += row.body.length * 3;
    return index > 0 && bytes > maxBytes;
  });
  const rows = found.slice(0, Math.min(limit, fitting === -1 ? found.length : fitting));
  return { rows, more: rows.length < found.length };
}
