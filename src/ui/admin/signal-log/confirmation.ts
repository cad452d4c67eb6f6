/** How far a withdrawal has got at a site. Pure. */
import type { Withdrawal } from '../../../protocol/publication/withdrawals.ts';

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
