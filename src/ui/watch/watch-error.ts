/** Which of several errors the watch page shows. Pure. */
import { isPermanent } from '../api/api-error.ts';

interface WatchErrors {
  readonly video: unknown;
  readonly info: unknown;
  readonly play: unknown;
}

/** A permanent error is always shown. Any other one is not worth disturbing a video that plays. */
export function chooseWatchError({ video, info, play }: WatchErrors, isPlaying: boolean): unknown {
  if (isPermanent(play)) return play;
  if (isPermanent(video)) return video;
  return isPlaying ? undefined : (play ?? info ?? video);
}
