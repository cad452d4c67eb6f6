/** Where the origin keeps things below the site's data directory. Every path is made here, from ids alone. */
import { join } from 'node:path';
import type { VideoId } from '../../protocol/ids.ts';

export interface Storage {
  readonly root: string;
  /** One directory below it for each video. */
  readonly videos: string;
  /** Bytes of an upload under way. */
  readonly upload: (video: VideoId) => string;
  readonly directory: (video: VideoId) => string;
  readonly source: (video: VideoId) => string;
  readonly index: (video: VideoId) => string;
  /** Names below the video's directory: of the source, and of its index. */
  readonly sourceName: string;
  readonly indexName: string;
  /** What the record names: the source's path relative to the data directory. */
  readonly recordPath: (video: VideoId) => string;
}

const SOURCE = 'source';
const SOURCE_INDEX = 'source.index';

export const createStorage = (root: string): Storage => {
  const recordPath = (video: VideoId): string => `videos/${video}/${SOURCE}`;
  return {
    root,
    videos: join(root, 'videos'),
    upload: video => join(root, 'uploads', video),
    directory: video => join(root, 'videos', video),
    source: video => join(root, recordPath(video)),
    index: video => join(root, 'videos', video, SOURCE_INDEX),
    sourceName: SOURCE,
    indexName: SOURCE_INDEX,
    recordPath,
  };
};
