/** What central does with a record (publication rules R4, R5 and R9). Pure. */
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';

export interface Held {
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: boolean;
  /** It is of the site's own video; else of a copy. */
  readonly isOwners: boolean;
  /** The video was given to another site. */
  readonly isSuperseded: boolean;
}

export type Decision =
  /** Newer than what is held, or new. */
  | 'apply'
  /** Held already: acknowledged again, since the first acknowledgement may have been lost. */
  | 'again'
  /** R4: older than what is held. */
  | 'stale'
  /** R9: the version is known with another content. */
  | 'conflict'
  /** R5: a withdrawn video does not come back. */
  | 'withdrawn'
  /** The id belongs to another site's video. */
  | 'taken'
  /** The video was given to another site when this one was lost. */
  | 'superseded';

export type RejectionCode = Exclude<Decision, 'apply' | 'again'>;

/** Only `apply` and `again` are acknowledged: exactly what the catalogue then holds. */
export function decide(
  held: Held | undefined,
  takenByOther: boolean,
  record: Pick<OfferedRecord, 'kind' | 'version' | 'hash'>,
): Decision {
  // Whoever holds a copy speaks of the copy, and never of the video.
  if (!held?.isOwners && takenByOther && isOfOwner(record)) return 'taken';
  if (!held) return 'apply';
  if (record.version < held.version) return 'stale';
  if (record.version === held.version) return record.hash === held.hash ? 'again' : 'conflict';
  if (held.isSuperseded && isOfOwner(record)) return 'superseded';
  return held.withdrawn && record.kind !== 'tombstone' ? 'withdrawn' : 'apply';
}
