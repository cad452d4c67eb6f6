/**
 * Decoys for private videos. A request that may not have a private video is handled as one for an id that does not exist, with every
 * step and lookup that this takes. So the response and its time are those of an unknown video. Pure.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { VideoId } from '../../protocol/base/ids.ts';

/** Returns a function that maps each video to an id that does not exist. A video has one decoy, because failures are remembered. */
export function createDecoys(): (video: VideoId) => VideoId {
  const key = randomBytes(32);
  return video => {
    const digits = createHmac('sha256', key).update(video).digest('hex');
    return [8, 12, 16, 20, 32]
      .map((end, at, ends) => digits.slice(ends[at - 1] ?? 0, end))
      .join('-') as VideoId;
  };
}
