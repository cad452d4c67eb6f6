/** The buffer as web sees it where it runs apart: web tells it of withdrawals, and takes what viewers told it. */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { type SiteReport, siteReportSchema } from '../../protocol/tracker.ts';

export const DROP_PATH = '/parts/drop';
export const REPORTS_PATH = '/parts/reports';
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const RETRY_MS = 2_000;

export interface RemoteBuffer {
  /** @throws Problem where the buffer could not be told; it is told again until it was. */
  drop(video: VideoId): Promise<void>;
  /** What viewers told since it was last taken. @throws Problem where the buffer does not answer. */
  takeReports(signal: AbortSignal): Promise<SiteReport>;
  stop(): Promise<void>;
}

export function createRemoteBuffer(bufferUrl: string, operatorToken: string, log: Log): RemoteBuffer {
  const untold = new Set<VideoId>();
  const ask = <T>(path: string, body: unknown, answer: z.ZodType<T>, signal?: AbortSignal): Promise<T> =>
    call(`${bufferUrl}${path}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${operatorToken}` },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      response: answer,
      ...(signal ? { abort: signal } : {}),
    });
  const tell = async (video: VideoId): Promise<void> => {
    await ask(DROP_PATH, { video }, z.unknown());
    untold.delete(video);
  };
  const again: Repeating = repeat(async () => {
    for (const video of untold) {
      await tell(video).catch(error =>
        log.warn({ video, reason: messageOf(error) }, 'the buffer was not told of a withdrawal'),
      );
    }
    return RETRY_MS;
  });
  return {
    drop(video) {
      untold.add(video);
      return tell(video);
    },
    takeReports: signal => ask(REPORTS_PATH, {}, siteReportSchema, signal),
    stop: again.stop,
  };
}
