/**
 * What central may read of a site's database where it connects to it by SQL, and how it reads it: the tables below and no
 * other column, the published flag its only write. The gateway reads by the same rules, so both ways behave alike. Pure.
 */
import type { Epoch } from './epoch.ts';

/** One row: where the site's database stands with central. */
export interface SignalColumns {
  readonly id: number;
  readonly site: string | null;
  /** Nonce of the present start. */
  readonly start: string;
  /** Number of the last epoch that was adopted; 0 for none. */
  readonly epoch: number;
  /** Nonce of the start that adopted it. */
  readonly epoch_start: string | null;
  /** Counts what was written. */
  readonly change: number;
}

export interface RecordColumns {
  readonly video_id: string;
  /** 0: written, not numbered yet. */
  readonly version: number;
  readonly hash: string;
  /** The record as canonical JSON. */
  readonly body: string;
  /** The patent's published flag: 0 or 1. */
  readonly published: number;
}

/** The epoch that this start was given; undefined until it has greeted. */
export const epochOf = ({
  epoch,
  epoch_start,
  start,
}: Pick<SignalColumns, 'epoch' | 'epoch_start' | 'start'>): Epoch | undefined =>
  epoch_start !== null && epoch_start === start ? { number: Number(epoch), start } : undefined;

/**
 * Cuts a page out of the rows found (one more than `limit` where there are more): at most `limit` of them and about
 * `maxBytes` together, one at least.
 */
export function cutPage<Row extends Pick<RecordColumns, 'body'>>(
  found: readonly Row[],
  limit: number,
  maxBytes: number,
): { readonly rows: readonly Row[]; readonly more: boolean } {
  let bytes = 0;
  const fitting = found.findIndex((row, index) => {
    // In UTF-8 a character of a JavaScript string takes three bytes at most.
    bytes += row.body.length * 3;
    return index > 0 && bytes > maxBytes;
  });
  const rows = found.slice(0, Math.min(limit, fitting === -1 ? found.length : fitting));
  return { rows, more: rows.length < found.length };
}
