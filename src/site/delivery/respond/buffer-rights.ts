/** The access to private videos that a buffer depends on (docs/private-videos.md). It is checked before anything is looked up. */
import type { Problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';

export interface BufferRights {
  /** True if only requests with a valid token may have this video. */
  isPrivate(video: VideoId): boolean;
  /** Why this token is not valid for this video; undefined if it is. */
  checkToken(token: string, video: VideoId): Problem | undefined;
  /** The token with which this site's own origin is asked for a private video. */
  originToken(video: VideoId): string;
  /** A tracker says that this video of another site is private. */
  notePrivate(video: VideoId): void;
  /** Calls `listener` for every video that has become private or public. */
  onChange(listener: (video: VideoId) => void): void;
}

/** The rights of a buffer without private videos. */
export const ALL_PUBLIC: BufferRights = {
  isPrivate: () => false,
  checkToken: () => undefined,
  originToken: () => '',
  notePrivate() {},
  onChange() {},
};
