/** What an object store behind the local disks must do: it stores whole files by video and name. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { StoredFile } from './stored-file.ts';

export interface ObjectStore {
  /** The file is durable when this returns. */
  put(video: VideoId, name: string, path: string): Promise<void>;
  find(video: VideoId, name: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** @param sizeBytes as returned by `find` */
  open(video: VideoId, name: string, sizeBytes: number): StoredFile;
  /** Writes the whole file durably to a local path. A failure leaves nothing there. */
  fetch(video: VideoId, name: string, path: string): Promise<void>;
  /** Deletes all files of a video. */
  remove(video: VideoId): Promise<void>;
}
