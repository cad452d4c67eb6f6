/**
 * While the centre can be reached, asks what the videos are called of which the buffer has something, so that they are found
 * when it cannot (island mode).
 */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, Problem } from '../../kernel/problem.ts';
import { revisionIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { picturesSchema } from '../../protocol/media/media.ts';
import { deleteTitle, listUnsynced, writeTitle } from '../database/library.ts';
import type { SiteDatabase } from '../database/videos.ts';

const EVERY_MS = 10_000;
/** Names and revisions change. */
const STALE_MS = 3_600_000;
const AT_ONCE = 20;
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** Only what is needed, so that a newer centre's additions do no harm. */
const answerSchema = z.object({
  id: videoIdSchema,
  revision: revisionIdSchema,
  name: z.string().max(1_000),
  description: z.string().max(20_000),
  durationMs: z.int().positive(),
  pictures: picturesSchema.optional(),
});

export function startCatalogueSync(options: {
  readonly db: SiteDatabase;
  readonly centralUrl: () => string | undefined;
  readonly buffered: () => ReadonlySet<VideoId>;
  readonly log: Log;
}): Repeating {
  const { db, log } = options;
  async function ask(central: string, video: VideoId, signal: AbortSignal): Promise<void> {
    try {
      const answer = await call(`${central}/api/videos/${video}`, {
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        abort: signal,
        response: answerSchema,
      });
      await writeTitle(db, {
        video_id: video,
        revision: answer.revision,
        name: answer.name,
        description: answer.description,
        duration_ms: answer.durationMs,
        pictures: answer.pictures ? JSON.stringify(answer.pictures) : null,
        heard_ms: Date.now(),
      });
    } catch (error) {
      const status = error instanceof Problem ? error.peerStatus : undefined;
      if (status !== 404 && status !== 410) throw error;
      await deleteTitle(db, video);
    }
  }
  return repeat(async signal => {
    const central = options.centralUrl();
    if (central === undefined) return EVERY_MS;
    try {
      const unheard = await listUnsynced(db, [...options.buffered()].slice(0, 500), Date.now() - STALE_MS);
      for (const video of unheard.slice(0, AT_ONCE)) await ask(central, video, signal);
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'names of buffered videos were not heard');
    }
    return EVERY_MS;
  });
}
