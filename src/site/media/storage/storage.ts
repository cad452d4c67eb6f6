/**
 * Where the origin keeps things, through one interface: local disks, or local disks with an object store behind them. Files
 * are made in a directory of the video's own on a local disk; once all of them stand they are settled where they are to stay.
 * Every path is made here, from ids alone.
 */
import { existsSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoId } from '../../../protocol/ids.ts';
import { videoIdSchema } from '../../../protocol/ids.ts';
import { type Disks, openDisks } from './disks.ts';

/** A file that is read by ranges, wherever it is; a file handle is one. */
export interface StoredFile {
  stat(): Promise<{ readonly size: number }>;
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  readv(vectors: readonly Buffer[], position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** Opens a file of a video by its name, which is relative to the video's directory. */
export type OpenFile = (name: string) => Promise<StoredFile>;

export interface Storage {
  /** Of the database and the site's own key. */
  readonly root: string;
  readonly disks: Disks;
  /** Bytes of an upload under way. */
  readonly upload: (video: VideoId) => string;
  /** A local directory in which a video's files are made. */
  readonly directory: (video: VideoId) => string;
  readonly source: (video: VideoId) => string;
  readonly index: (video: VideoId) => string;
  /** Names below the video's directory: of the source, and of its index. */
  readonly sourceName: string;
  readonly indexName: string;
  /** What the record names: the source's path relative to the data directory. */
  readonly recordPath: (video: VideoId) => string;

  /** @throws Error (`ENOENT`) where there is no such file */
  readonly open: (video: VideoId, name: string) => Promise<StoredFile>;
  /** The local path of a file, brought here first if it is kept elsewhere. @throws Error (`ENOENT`) */
  readonly fetch: (video: VideoId, name: string) => Promise<string>;
  /** A file that can be had: here, or in the store behind. */
  readonly has: (video: VideoId, name: string) => Promise<boolean>;
  /** Puts a copy of a local file where all machines of the site find it. Safe to repeat. */
  readonly share: (video: VideoId, name: string) => Promise<void>;
  /** Drops what is here of a video, or of one of its files, and leaves what is in the store. */
  readonly clear: (video: VideoId, name?: string) => Promise<void>;
  /** All files of a video stand: they go where they are to stay. Safe to repeat. */
  readonly offload: (video: VideoId) => Promise<void>;
  /** Everything of a video, wherever it is. */
  readonly remove: (video: VideoId) => Promise<void>;
  /** Videos of which something is on a disk. */
  readonly list: () => Promise<readonly VideoId[]>;
  /** Nothing of a video is here, and a disk is not there: it may be on that one. */
  readonly isUnavailable: (video: VideoId) => boolean;
  /** There is an object store behind the disks. */
  readonly hasObjectStore: boolean;
}

/** A place behind the local disks: whole files, by video and name. */
export interface ObjectStore {
  /** Durable when it returns. */
  put(video: VideoId, name: string, path: string): Promise<void>;
  find(video: VideoId, name: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** @param sizeBytes as `find` said */
  open(video: VideoId, name: string, sizeBytes: number): StoredFile;
  /** Writes the whole file to a local path, durably. */
  fetch(video: VideoId, name: string, path: string): Promise<void>;
  remove(video: VideoId): Promise<void>;
}

/** Below a video's directory: what is copied from another site (copy-store.ts), which stays on the disk. */
export const COPY_FOLDER = 'copy';

const SOURCE = 'source';
const SOURCE_INDEX = 'source.index';

export interface StorageOptions {
  /** Directories on several disks; the first is the data directory itself where none are named. */
  readonly disks?: readonly string[];
  readonly objectStore?: ObjectStore;
}

export function createStorage(root: string, options: StorageOptions = {}): Storage {
  const disks = openDisks(root, options.disks ?? [root]);
  const { objectStore: behind } = options;
  const directory = (video: VideoId): string => join(disks.diskOf(video), 'videos', video);
  const upload = (video: VideoId): string => join(disks.diskOf(video), 'uploads', video);

  /** By local path: who wants the same file at the same time waits for the same. */
  const fetching = new Map<string, Promise<string>>();

  async function fetch(video: VideoId, name: string): Promise<string> {
    const path = join(directory(video), name);
    if (existsSync(path) || !behind) return path;
    const underWay = fetching.get(path);
    if (underWay) return underWay;
    const bring = async (): Promise<string> => {
      if (await behind.find(video, name)) await behind.fetch(video, name, path);
      return path;
    };
    const brought = bring().finally(() => fetching.delete(path));
    fetching.set(path, brought);
    return brought;
  }

  async function share(video: VideoId, name: string): Promise<void> {
    if (behind && (await behind.find(video, name)) === undefined) {
      await behind.put(video, name, join(directory(video), name));
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
        const found = isMissing(error) ? await behind?.find(video, name) : undefined;
        if (!behind || !found) throw error;
        return behind.open(video, name, found.sizeBytes);
      }
    },
    fetch,
    has: async (video, name) =>
      existsSync(join(directory(video), name)) || (await behind?.find(video, name)) !== undefined,
    share,
    async clear(video, name = '') {
      await rm(join(directory(video), name), { recursive: true, force: true });
      if (name === '') disks.forget(video);
    },
    async offload(video) {
      if (!behind) return;
      for (const name of await listFiles(directory(video))) {
        await share(video, name);
        if (!staysHere(name)) await rm(join(directory(video), name));
      }
    },
    async remove(video) {
      for (const disk of disks.present()) {
        await rm(join(disk, 'videos', video), { recursive: true, force: true });
      }
      await behind?.remove(video);
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
    hasObjectStore: behind !== undefined,
  };
}

/** Indexes are small and needed for every segment: a copy of each stays on the local disk. */
const staysHere = (name: string): boolean => name.endsWith('.index');

/** Names of all files below a directory; what is being written ends in `.new` and is none yet. */
async function listFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(error => {
    if (isMissing(error)) return [];
    throw error;
  });
  return entries
    .filter(entry => entry.isFile() && !entry.name.endsWith('.new'))
    .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter(name => !name.startsWith(`${COPY_FOLDER}/`));
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException)?.code === 'ENOENT';
