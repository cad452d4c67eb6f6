/** Follows the feed of rights at central by long poll, so that a revocation takes effect here within a second. */
import { rightsPageSchema } from '../../protocol/rights.ts';
import { call } from '../http/client.ts';
import { type MemberIdentity, signerOf } from '../identity/member.ts';
import { type Repeating, repeat } from '../lifecycle/repeat.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { RightsState } from './rights-state.ts';

const WAIT_S = 25;
const TIMEOUT_MS = (WAIT_S + 10) * 1_000;
/** A page holds up to 1,000 videos and 1,000 grants of about 80 bytes. */
const MAX_PAGE_BYTES = 2 ** 18;
const RETRY_MS = 2_000;
/** Delay if central returns an empty page without waiting, so that this loop does not spin. */
const IDLE_MS = 500;

export interface FollowRightsDeps {
  readonly state: RightsState;
  readonly identity: () => MemberIdentity;
  readonly centralUrl: () => string | undefined;
  readonly log: Log;
}

export function followRights({ state: book, identity, centralUrl, log }: FollowRightsDeps): Repeating {
  let hasSynced = false;
  return repeat(async signal => {
    const { key, membership } = identity();
    const central = centralUrl();
    if (!membership || central === undefined) return RETRY_MS;
    const askedMs = performance.now();
    try {
      const { position: after } = book;
      // The first request after a start does not wait: it reads the changes that this part missed.
      const query = `after=${after}&generation=${book.newest?.generation ?? 0}&wait=${hasSynced ? WAIT_S : 0}`;
      const page = await call(`${central}/api/rights?${query}`, {
        signer: signerOf(key, membership),
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_PAGE_BYTES,
        abort: signal,
        response: rightsPageSchema,
      });
      const isNews = page.position !== after || page.keys[0]?.generation !== book.newest?.generation;
      book.apply(page);
      if (isNews) await book.save();
      const isFirst = !hasSynced;
      hasSynced = true;
      return isNews || isFirst || performance.now() - askedMs > IDLE_MS ? 0 : IDLE_MS;
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'rights were not heard of');
      return RETRY_MS;
    }
  });
}
