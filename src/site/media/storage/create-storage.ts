/**
 * The storage of a site behind one interface: local disks, or local disks with an object store. Files are created in the video's
 * directory on a local disk; when a video is finished, they are offloaded to the object store, if there is one. All paths are made
 * here, from ids only.
 */

import { existsSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '../../../kernel/error-code.ts';
import { deleteTree } from '../../../kernel/files.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { type Disks, openDisks } from './disks.ts';
import type { ObjectStore } from './object-store.ts';
import type { StoredFile } from './stored-file.ts';

/** File names are relative to the video's directory. */
export interface Storage {
  /** Directory of the database and the site's key. */
  readonly root: string;
  readonly disks: Disks;
  /** Path of the bytes of an upload in progress. */
  readonly upload: (video: VideoId) => string;
  /** The local directory in which a video's files are created. */
  readonly directory: (video: VideoId) => string;
  /** Path of the source. */
  readonly source: (video: VideoId) => string;
  /** Path of the source's index. */
  readonly index: (video: VideoId) => string;
  readonly sourceName: string;
  readonly indexName: string;
  /** The source's path relative to the data directory, for the record. */
  readonly recordPath: (video: VideoId) => string;

  /** @throws Error (`ENOENT`) if there is no such file */
  readonly open: (video: VideoId, name: string) => Promise<StoredFile>;
  /** Returns the local path of a file, which is first fetched from the object store if necessary. */
  readonly fetch: (video: VideoId, name: string) => Promise<string>;
  /** True if the file is on a disk or in the object store. */
  readonly has: (video: VideoId, name: string) => Promise<boolean>;
  /** Copies a local file to the object store, where all machines of the site find it. Idempotent. */
  readonly share: (video: VideoId, name: string) => Promise<void>;
  /** Deletes the local files of a video, or one of them. The object store keeps its own. */
  readonly clear: (video: VideoId, name?: string) => Promise<void>;
  /** Moves all files of a finished video to the object store. Idempotent; does nothing without an object store. */
  readonly offload: (video: VideoId) => Promise<void>;
  /** Deletes everything of a video, on the disks and in the object store. */
  readonly remove: (video: VideoId) => Promise<void>;
  /** Videos with files on a disk. */
  readonly list: () => Promise<readonly VideoId[]>;
  /** True if no file of a video is here and a disk is missing, which may hold it. */
  readonly isUnavailable: (video: VideoId) => boolean;
  readonly hasObjectStore: boolean;
}

/** Directory for copies of another site's video (`copy-store`). It is never offloaded. */
export const COPY_FOLDER = 'copy';

const SOURCE = 'source';
const SOURCE_INDEX = 'source.index';

interface StorageOptions {
  /** Directories on several disks. Default: the data directory only. */
  readonly disks?: readonly string[];
  readonly objectStore?: ObjectStore;
}

export function createStorage(root: string, options: StorageOptions = {}): Storage {
  const disks = openDisks(root, options.disks ?? [root]);
  const { objectStore } = options;
  const directory = (video: VideoId): string => join(disks.diskOf(video), 'videos', video);
  const upload = (video: VideoId): string => join(disks.diskOf(video), 'uploads', video);

  /** Fetches in progress, by local path. A second request for the same file waits for the first. */
  const fetching = new Map<string, Promise<string>>();

  async function fetch(video: VideoId, name: string): Promise<string> {
    const path = join(directory(video), name);
    if (existsSync(path) || !objectStore) return path;
    const inProgress = fetching.get(path);
    if (inProgress) return inProgress;
    const fetchFile = async (): Promise<string> => {
      if (await objectStore.find(video, name)) await objectStore.fetch(video, name, path);
      return path;
    };
    const fetched = fetchFile().finally(() => fetching.delete(path));
    fetching.set(path, fetched);
    return fetched;
  }

  async function share(video: VideoId, name: string): Promise<void> {
    if (objectStore && (await objectStore.find(video, name)) === undefined) {
      await objectStore.put(video, name, join(directory(video), name));
    }
  }

  return {
    root,
    disks,
    upload,
    directory,
    source: video => join(directory(video), SOURCE),
    index: video => join(directory(video), SOURCE_INDEX),
    sourceName: SOURCE,
    indexName: SOURCE_INDEX,
    recordPath: video => `videos/${video}/${SOURCE}`,
    async open(video, name) {
      try {
        return await open(join(directory(video), name), 'r');
      } catch (error) {
        const found = isMissing(error) ? await objectStore?.find(video, name) : undefined;
        if (!objectStore || !found) throw error;
        return objectStore.open(video, name, found.sizeBytes);
      }
    },
    fetch,
    has: async (video, name) =>
      existsSync(join(directory(video), name)) || (await objectStore?.find(video, name)) !== undefined,
    share,
    async clear(video, name = '') {
      await deleteTree(join(directory(video), name));
      if (name === '') disks.forget(video);
    },
    async offload(video) {
      if (!objectStore) return;
      for (const name of await listFiles(directory(video))) {
        await share(video, name);
        if (!staysOnDisk(name)) await rm(join(directory(video), name));
      }
    },
    async remove(video) {
      for (const disk of disks.present()) await deleteTree(join(disk, 'videos', video));
      await objectStore?.remove(video);
      disks.forget(video);
    },
    async list() {
      const found = await Promise.all(disks.present().map(disk => readdir(join(disk, 'videos'))));
      return found.flat().filter(name => videoIdSchema.safeParse(name).success) as VideoId[];
    },
    isUnavailable: video =>
      disks.present().length < disks.all.length &&
      !existsSync(directory(video)) &&
      !existsSync(upload(video)),
    hasObjectStore: objectStore !== undefined,
  };
}

/** Indexes are small and are read for every segment, so a copy of each stays on the disk. */
const staysOnDisk = (name: string): boolean => name.endsWith('.index');
/** Hashes of blocks (`integrity`) protect the files of these disks. The object store checks its own. */
const isLocalOnly = (name: string): boolean => name.startsWith(`${COPY_FOLDER}/`) || name.endsWith('.hashes');

/** Names of all files below a directory. Files that are still being written end in `.new` and are left out. */
async function listFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(error => {
    if (isMissing(error)) return [];
    throw error;
  });
  return entries
    .filter(entry => entry.isFile() && !entry.name.endsWith('.new'))
    .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter(name => !isLocalOnly(name));
}

const isMissing = (error: unknown): boolean => errorCodeOf(error) === 'ENOENT';
