/** The access to private videos that a buffer depends on (docs/private-videos.md). It is checked before anything is looked up. */
import type { Problem } from '../../../kernel/problem.ts';
import { createDecoys } from '../../../kernel/rights/decoys.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { decoyFile, type MediaFile } from '../http/media-file.ts';

export interface BufferRights {
  /** True if only requests with a valid token may have this video. */
  isPrivate(video: VideoId): boolean;
  /**
   * Why this token is not valid for this video; undefined if it is.
   *
   * @param path of the file that is requested with it
   */
  checkToken(token: string, video: VideoId, path?: string): Problem | undefined;
  /** The token with which this site's own origin is asked for a private video. */
  originToken(video: VideoId): string;
  /** A tracker says that this video of another site is private. */
  notePrivate(video: VideoId): void;
  /** Calls `listener` for every video that has become private or public. */
  onChange(listener: (video: VideoId) => void): void;
}

export type HidePrivate = (file: MediaFile, hasToken: boolean) => MediaFile;

/**
 * Returns a function that replaces a file that the request may not have by the same file of a video that does not exist. Both are
 * then handled alike.
 */
export function hidePrivate(rights: Pick<BufferRights, 'isPrivate'>): HidePrivate {
  const decoyOf = createDecoys();
  return (file, hasToken) =>
    !hasToken && rights.isPrivate(file.video) ? decoyFile(file, decoyOf(file.video)) : file;
}

/** The rights of a buffer without private videos. */
export const ALL_PUBLIC: BufferRights = {
  isPrivate: () => false,
  checkToken: () => undefined,
  originToken: () => '',
  notePrivate() {},
  onChange() {},
};
