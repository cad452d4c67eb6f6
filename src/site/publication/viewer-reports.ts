/** Sends the trackers what viewers' players told this site, in batches, signed with the site's own key. */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import { type MemberIdentity, signerOf } from '../../kernel/identity/member.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { SiteReport } from '../../protocol/tracker.ts';

const EVERY_MS = 5_000;
const TIMEOUT_MS = 5_000;

export function startViewerReports(options: {
  /** What there is to tell: of this process's own buffer, or of the one that runs apart. */
  readonly take: (signal: AbortSignal) => SiteReport | Promise<SiteReport>;
  readonly identity: () => MemberIdentity;
  readonly trackerUrl: () => string | undefined;
  readonly log: Log;
}): Repeating {
  return repeat(async signal => {
    const { key, membership } = options.identity();
    const tracker = options.trackerUrl();
    if (!membership || !tracker) return EVERY_MS;
    try {
      const body = await options.take(signal);
      if (body.viewers.length === 0 && body.videos.length === 0) return EVERY_MS;
      await call(`${tracker}/reports`, {
        method: 'POST',
        body,
        signer: signerOf(key, membership),
        timeoutMs: TIMEOUT_MS,
        maxBytes: 65_536,
        abort: signal,
        response: z.unknown(),
      });
    } catch (error) {
      if (!signal.aborted)
        options.log.debug({ reason: messageOf(error) }, 'the tracker was not told of viewers');
    }
    return EVERY_MS;
  });
}
