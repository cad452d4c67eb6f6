/** How far a site and central agree, and how far a withdrawal has got. Pure. */
import type { Site } from '../../../protocol/central.ts';
import type { Withdrawal } from '../../../protocol/publication/withdrawals.ts';

type SyncState =
  | { readonly kind: 'no-handshake' | 'not-compared' }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'differs'; readonly since: string }
  | { readonly kind: 'complete'; readonly at: string; readonly records: number };

export function chooseSyncState(publication: Site['publication']): SyncState {
  if (!publication || publication.epoch === 0) return { kind: 'no-handshake' };
  const { completeAt, completeRecords = 0, differedAt, waitsBecause } = publication;
  if (waitsBecause) return { kind: 'waiting', reason: waitsBecause };
  if (differedAt) return { kind: 'differs', since: differedAt };
  return completeAt
    ? { kind: 'complete', at: completeAt, records: completeRecords }
    : { kind: 'not-compared' };
}

/** A working site sends a request at least every 25 s, the longest time that it waits at central. */
const UNREACHABLE_AFTER_MS = 60_000;

type Confirmation =
  | { readonly kind: 'not-seen' }
  | { readonly kind: 'unreachable'; readonly since: string }
  | { readonly kind: 'in-progress' };

/** The state of a site that has not confirmed a withdrawal yet. */
export function chooseConfirmation(
  { lastSeenAt }: Pick<Withdrawal['waitingFor'][number], 'lastSeenAt'>,
  nowMs: number,
): Confirmation {
  if (!lastSeenAt) return { kind: 'not-seen' };
  return nowMs - Date.parse(lastSeenAt) > UNREACHABLE_AFTER_MS
    ? { kind: 'unreachable', since: lastSeenAt }
    : { kind: 'in-progress' };
}
