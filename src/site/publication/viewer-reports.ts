/** Sends the reports of viewers' players to the tracker in batches, signed with the key of this site. */
import * as z from 'zod';
import { call, type Signer } from '../../kernel/http/client.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { SiteReport } from '../../protocol/tracker.ts';

const EVERY_MS = 5_000;
const TIMEOUT_MS = 5_000;
const MAX_RESPONSE_BYTES = 65_536;

export interface ViewerReportsDeps {
  /** Takes the reports collected since the last call, from the buffer in this process or in its own. */
  readonly take: (abort: AbortSignal) => SiteReport | Promise<SiteReport>;
  /** Undefined until this site has joined and knows a tracker. */
  readonly tracker: () => { readonly url: string; readonly signer: Signer } | undefined;
  readonly log: Log;
}

export function startViewerReports({ take, tracker, log }: ViewerReportsDeps): Repeating {
  return memberLoop(
    { name: 'reporting viewers to the tracker', peer: tracker, everyMs: EVERY_MS, log, level: 'debug' },
    async ({ url, signer }, abort) => {
      const body = await take(abort);
      if (body.viewers.length === 0 && body.videos.length === 0) return EVERY_MS;
      await call(`${url}/reports`, {
        method: 'POST',
        body,
        signer,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_RESPONSE_BYTES,
        abort,
        response: z.unknown(),
      });
      return EVERY_MS;
    },
  );
}
