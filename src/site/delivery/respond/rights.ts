/** What the buffer has to know of rights to private videos (docs/private-videos.md): asked before anything is looked up. */
import type { Problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/ids.ts';

export interface BufferRights {
  /** Only who has a right may have it. */
  isPrivate(video: VideoId): boolean;
  /** Why this token is no right to this video; undefined where it is one. */
  checkToken(token: string, video: VideoId): Problem | undefined;
  /** With what this site's own origin is asked for a private video. */
  originToken(video: VideoId): string;
  /** A tracker says that this video of another site is private. */
  notePrivate(video: VideoId): void;
  /** Hears of every video that has become private, or is no more. */
  onChange(listener: (video: VideoId) => void): void;
}

/** For a buffer of which nobody has said that anything is private. */
export const ALL_PUBLIC: BufferRights = {
  isPrivate: () => false,
  checkToken: () => undefined,
  originToken: () => '',
  notePrivate() {},
  onChange() {},
};
