/**
 * Tells central how often videos are begun, so that copies can follow what is played. Bounded; what central could not be told
 * is told with the next.
 */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import { type MemberIdentity, signerOf } from '../../kernel/identity/member.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { hashText } from '../choice/sites.ts';
import { Tally } from '../reports/rolling-counter.ts';

const EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** Of one video in an hour or two, from one network: a single viewer must not make a title hot by asking again and again. */
const MAX_A_NETWORK = 20;
const NETWORK_MS = 3_600_000;
const MAX_REMEMBERED = 50_000;
/** Further videos are not counted until these were told: the most played ones are among the first. */
const MAX_VIDEOS = 1_000;

export interface Plays {
  /** A viewer in the network of this prefix begins. */
  note(video: VideoId, prefix: string): void;
  readonly telling: Repeating;
}

/** What was counted and is not told yet. */
export interface PlayCounts {
  note: Plays['note'];
  readonly counts: Map<VideoId, number>;
}

export function countPlays(): PlayCounts {
  const counts = new Map<VideoId, number>();
  const networks = new Tally(MAX_REMEMBERED, NETWORK_MS);
  return {
    counts,
    note(video, prefix) {
      if (networks.add(hashText(prefix, hashText(video)), Date.now()) > MAX_A_NETWORK) return;
      const count = counts.get(video);
      if (count !== undefined || counts.size < MAX_VIDEOS) counts.set(video, (count ?? 0) + 1);
    },
  };
}

export function startPlays(options: {
  readonly central: string;
  readonly identity: () => MemberIdentity;
  readonly log: Log;
}): Plays {
  const { note, counts } = countPlays();
  const telling = repeat(async signal => {
    const { key, membership } = options.identity();
    if (!membership || counts.size === 0) return EVERY_MS;
    const told = new Map(counts);
    try {
      await call(`${options.central}/api/plays`, {
        method: 'POST',
        body: { plays: [...told].map(([video, count]) => ({ video, count })) },
        signer: signerOf(key, membership),
        timeoutMs: TIMEOUT_MS,
        maxBytes: 2 ** 16,
        abort: signal,
        response: z.unknown(),
      });
      for (const [video, count] of told) {
        const more = (counts.get(video) ?? 0) - count;
        if (more > 0) counts.set(video, more);
        else counts.delete(video);
      }
    } catch (error) {
      if (!signal.aborted)
        options.log.debug({ reason: messageOf(error) }, 'central was not told what is played');
    }
    return EVERY_MS;
  });
  return { note, telling };
}
