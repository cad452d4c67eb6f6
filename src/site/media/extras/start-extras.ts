/** Makes the extras of published videos, one video at a time, behind everything else. */
import { type Repeating, repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { countExtrasAttempt, listWithoutExtras } from '../../database/extras.ts';
import { type ExtrasDeps, makeExtras } from './make-extras.ts';

const EVERY_MS = 15_000;
export const MAX_EXTRAS_ATTEMPTS = 3;

export interface StartExtrasDeps extends ExtrasDeps {
  /** Called after the extras of a video were made. */
  readonly onMade?: ((video: VideoId) => Promise<void>) | undefined;
}

export function startExtras(deps: StartExtrasDeps): Repeating {
  const { db, log } = deps;
  return repeat(async abort => {
    try {
      for (;;) {
        const [video] = await listWithoutExtras(db, MAX_EXTRAS_ATTEMPTS, 1);
        if (!video || abort.aborted) return EVERY_MS;
        const id = video.id;
        await countExtrasAttempt(db, id);
        try {
          await makeExtras(deps, video, abort);
          await deps.onMade?.(id);
        } catch (error) {
          // An attempt that a stop interrupts does not count.
          if (abort.aborted) await countExtrasAttempt(db, id, -1);
          else log.warn({ err: error, video: id }, 'could not make poster, storyboard and captions');
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'could not look for videos without poster and storyboard; will retry');
      return EVERY_MS;
    }
  });
}
