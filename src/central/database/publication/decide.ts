/** Decides what central does with a record (publication rules R4, R5 and R9). Pure. */
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';

export interface Held {
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: boolean;
  /** True for the record of the site's own video, false for that of a copy. */
  readonly isOwners: boolean;
  /** Another site took over the video. */
  readonly isSuperseded: boolean;
}

export type Decision =
  /** The record is new, or newer than the held one. */
  | 'apply'
  /** The record is held already. It is acknowledged again, because the first acknowledgement may have been lost. */
  | 'repeat'
  /** R4: the record is older than the held one. */
  | 'stale'
  /** R9: the same version is held with other content. */
  | 'conflict'
  /** R5: a withdrawn video cannot be published again. */
  | 'withdrawn'
  /** The id belongs to another site's video. */
  | 'taken'
  /** Another site took over the video when this site was declared lost. */
  | 'superseded';

export type RejectionCode = Exclude<Decision, 'apply' | 'repeat'>;

/** Only `apply` and `repeat` are acknowledged: exactly the records that the catalogue then holds. */
export function decide(
  held: Held | undefined,
  takenByOther: boolean,
  record: Pick<OfferedRecord, 'kind' | 'version' | 'hash'>,
): Decision {
  // A site that holds a copy may publish records of the copy, but never of the video.
  if (!held?.isOwners && takenByOther && isOfOwner(record)) return 'taken';
  if (!held) return 'apply';
  if (record.version < held.version) return 'stale';
  if (record.version === held.version) return record.hash === held.hash ? 'repeat' : 'conflict';
  if (held.isSuperseded && isOfOwner(record)) return 'superseded';
  return held.withdrawn && record.kind !== 'tombstone' ? 'withdrawn' : 'apply';
}
