/**
 * What a greeting makes of one video: the site's record beside what central holds of it. Pure. Two rules decide between
 * histories that differ, whichever side was restored: a withdrawal wins over all, and then what was written later.
 */
import type { HeldRecord } from '../../../protocol/publication/handshake.ts';

export interface OwnRecord {
  /** 0: a draft. */
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: boolean;
  readonly writtenAt: string;
}

export type Comparison =
  /** Both hold the same: it is published, whatever the flag says. */
  | 'same'
  /** Central has what this site forgot, or what was written later: the site adopts it. */
  | 'take-back'
  /** Central does not have ours, and our number is good: it is to be published (again). */
  | 'publish'
  /** R9: ours is the later one, but its number is used up: it becomes a draft and is numbered anew. */
  | 'renumber';

export function compare(own: OwnRecord | undefined, held: Omit<HeldRecord, 'video'> | undefined): Comparison {
  if (!own) return 'take-back';
  if (!held) return 'publish';
  if (own.version === held.version && own.hash === held.hash) return 'same';
  if (!isLater(own, held)) return 'take-back';
  return own.version > held.version ? 'publish' : 'renumber';
}

function isLater(own: OwnRecord, held: Omit<HeldRecord, 'video'>): boolean {
  if (own.withdrawn !== held.withdrawn) return own.withdrawn;
  if (own.writtenAt !== held.writtenAt) return own.writtenAt > held.writtenAt;
  // Written at the same moment: any order will do as long as it is one.
  return own.version !== held.version ? own.version > held.version : own.hash > held.hash;
}
