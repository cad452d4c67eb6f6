/** The client of web for a buffer in its own process: it passes on withdrawals and takes the reports of viewers. */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { type SiteReport, siteReportSchema } from '../../protocol/tracker.ts';

export const DROP_PATH = '/parts/drop';
export const REPORTS_PATH = '/parts/reports';
const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 64 * 1024;
const RETRY_MS = 2_000;

export interface RemoteBuffer {
  /** @throws Problem if the buffer cannot be reached. The withdrawal is retried until it succeeds. */
  drop(video: VideoId): Promise<void>;
  /** Takes the reports collected since the last call. @throws Problem if the buffer does not respond */
  takeReports(abort: AbortSignal): Promise<SiteReport>;
  stop(): Promise<void>;
}

export function createRemoteBuffer(bufferUrl: string, operatorToken: string, log: Log): RemoteBuffer {
  const pending = new Set<VideoId>();
  const post = <T>(path: string, body: unknown, response: z.ZodType<T>, abort?: AbortSignal): Promise<T> =>
    call(`${bufferUrl}${path}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${operatorToken}` },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_RESPONSE_BYTES,
      response,
      abort,
    });
  const sendDrop = async (video: VideoId, abort?: AbortSignal): Promise<void> => {
    await post(DROP_PATH, { video }, z.unknown(), abort);
    pending.delete(video);
  };
  const retrying: Repeating = repeat(async abort => {
    for (const video of pending) {
      await sendDrop(video, abort).catch(error => {
        if (abort.aborted) return;
        log.warn({ video, reason: messageOf(error) }, 'the buffer did not accept a withdrawal; will retry');
      });
    }
    return RETRY_MS;
  });
  return {
    drop(video) {
      pending.add(video);
      return sendDrop(video);
    },
    takeReports: abort => post(REPORTS_PATH, {}, siteReportSchema, abort),
    stop: retrying.stop,
  };
}
