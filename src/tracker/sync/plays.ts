/** Reports to central how often videos are played, so that copies follow demand. Bounded; failed reports are repeated. */

import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { hashText } from '../choice/sites.ts';
import { RollingCounter } from '../reports/rolling-counter.ts';
import type { TrackerCentral } from './central-client.ts';

const EVERY_MS = 10_000;
/** Plays of one video from one network in one to two hours: one viewer must not make a video popular by reloading it. */
const MAX_PER_NETWORK = 20;
const NETWORK_MS = 3_600_000;
const MAX_REMEMBERED = 50_000;
/** Further videos are only counted after these have been reported: the most played ones are among the first. */
const MAX_VIDEOS = 1_000;

export interface Plays {
  /** A viewer in the network with this prefix starts this video. */
  record(video: VideoId, prefix: string): void;
  readonly reporting: Repeating;
}

export interface PlayCounts {
  record: Plays['record'];
  /** The plays that have not been reported. */
  readonly counts: Map<VideoId, number>;
}

export function countPlays(): PlayCounts {
  const counts = new Map<VideoId, number>();
  const networks = new RollingCounter(MAX_REMEMBERED, NETWORK_MS);
  return {
    counts,
    record(video, prefix) {
      if (networks.add(hashText(prefix, hashText(video)), Date.now()) > MAX_PER_NETWORK) return;
      const count = counts.get(video);
      if (count !== undefined || counts.size < MAX_VIDEOS) counts.set(video, (count ?? 0) + 1);
    },
  };
}

export function startPlays(central: () => TrackerCentral | undefined, log: Log): Plays {
  const { record, counts } = countPlays();
  const reporting = memberLoop(
    { name: 'reporting plays', peer: central, everyMs: EVERY_MS, log, level: 'debug' },
    async (peer, abort) => {
      if (counts.size === 0) return undefined;
      const reported = new Map(counts);
      await peer.reportPlays(
        [...reported].map(([video, count]) => ({ video, count })),
        abort,
      );
      for (const [video, count] of reported) {
        const more = (counts.get(video) ?? 0) - count;
        if (more > 0) counts.set(video, more);
        else counts.delete(video);
      }
      return undefined;
    },
  );
  return { record, reporting };
}
