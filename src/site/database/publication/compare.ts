/**
 * Compares the site's record of one video with the one that central holds, in a handshake. This module is pure. Two rules
 * decide between different histories, whichever side was restored from a backup: a withdrawal wins, and then the later record.
 */
import type { HeldRecord } from '../../../protocol/publication/handshake.ts';

export interface OwnRecord {
  /** 0 for a draft. */
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: boolean;
  readonly writtenAt: string;
}

export type Comparison =
  /** Both hold the same record, so it is published, whatever the flag says. */
  | 'same'
  /** Central has a record that this site has lost, or a later one, and the site adopts it. */
  | 'restore'
  /** Central does not have the site's record, and its version is free: it must be published (again). */
  | 'publish'
  /** R9: the site's record is the later one, but its version is used: it becomes a draft and gets a new version. */
  | 'renumber';

export function compare(own: OwnRecord | undefined, held: Omit<HeldRecord, 'video'> | undefined): Comparison {
  if (!own) return 'restore';
  if (!held) return 'publish';
  if (own.version === held.version && own.hash === held.hash) return 'same';
  if (!isLater(own, held)) return 'restore';
  return own.version > held.version ? 'publish' : 'renumber';
}

function isLater(own: OwnRecord, held: Omit<HeldRecord, 'video'>): boolean {
  if (own.withdrawn !== held.withdrawn) return own.withdrawn;
  if (own.writtenAt !== held.writtenAt) return own.writtenAt > held.writtenAt;
  // Both were written in the same millisecond. Any order is good if both sides use the same one.
  return own.version !== held.version ? own.version > held.version : own.hash > held.hash;
}
