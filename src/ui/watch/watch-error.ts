/** Which of several errors the watch page shows. Pure. */
import type { Video } from '../../protocol/central.ts';
import { ApiError, isPermanent } from '../api/api-error.ts';

interface WatchErrors {
  readonly video: unknown;
  readonly info: unknown;
  readonly play: unknown;
}

/** A withdrawn video must not be played any further, even if the browser still holds a part of it. */
export const isWithdrawn = (errors: WatchErrors, state: Video['state'] | undefined): boolean =>
  state === 'withdrawn' ||
  [errors.play, errors.video].some(error => error instanceof ApiError && error.code === 'video-withdrawn');

/** A permanent error is always shown. Any other one is not worth disturbing a video that plays. */
export function chooseWatchError({ video, info, play }: WatchErrors, isPlaying: boolean): unknown {
  if (isPermanent(play)) return play;
  if (isPermanent(video)) return video;
  return isPlaying ? undefined : (play ?? info ?? video);
}
