/**
 * The cache of a buffer: memory in front of disk. Concurrent requests for a file on disk share one read. It fetches nothing;
 * fills add what they have fetched.
 */

import { Semaphore } from '../../../kernel/lifecycle/semaphore.ts';
import type { Log } from '../../../kernel/log.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { MediaFile } from '../http/media-file.ts';
import { DiskTier } from './disk-tier.ts';
import { type CachedBody, type CacheEntry, MemoryTier, makeCacheEntry } from './memory-tier.ts';

const MAX_DISK_READS = 16;

interface CacheOptions {
  readonly directory: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly isPrivate: (video: VideoId) => boolean;
  readonly log: Log;
}

export class Cache {
  readonly #memory: MemoryTier;
  readonly #disk: DiskTier;
  readonly #isPrivate: (video: VideoId) => boolean;
  readonly #withdrawn = new Set<VideoId>();
  readonly #diskReads = new Semaphore(MAX_DISK_READS, Number.POSITIVE_INFINITY);
  /** Disk reads in progress, by key. */
  readonly #reads = new Map<string, Promise<CacheEntry | undefined>>();
  #diskReadCount = 0;

  private constructor(disk: DiskTier, { memoryBytes, isPrivate }: CacheOptions) {
    this.#disk = disk;
    this.#isPrivate = isPrivate;
    this.#memory = new MemoryTier(memoryBytes, entry => {
      // While it was in demand in memory, it was not read from disk, which may have evicted it.
      disk.touch(entry.file);
      if (!this.isWithdrawn(entry.file.video)) disk.add(entry.file, entry);
    });
  }

  /** Continues with the files that an earlier run left on disk. */
  static async open(options: CacheOptions): Promise<Cache> {
    return new Cache(await DiskTier.open(options.directory, options.diskBytes, options.log), options);
  }

  /** Finds a file in memory. */
  find(key: string): CacheEntry | undefined {
    return this.#memory.find(key);
  }

  has(file: MediaFile): boolean {
    return this.#memory.has(file.key) || this.hasOnDisk(file);
  }

  hasOnDisk(file: MediaFile): boolean {
    return this.#disk.has(file);
  }

  /** Reads a file from disk into memory. Returns undefined at once if it is not on disk. */
  read(file: MediaFile): Promise<CacheEntry | undefined> | undefined {
    if (!this.#disk.has(file)) return undefined;
    let reading = this.#reads.get(file.key);
    if (!reading) {
      reading = this.#read(file).finally(() => this.#reads.delete(file.key));
      this.#reads.set(file.key, reading);
    }
    return reading;
  }

  async #read(file: MediaFile): Promise<CacheEntry | undefined> {
    this.#diskReadCount++;
    const found = await this.#diskReads.run(() => this.#disk.read(file));
    if (!found || this.isWithdrawn(file.video)) return undefined;
    const entry = makeCacheEntry(file, found, { isPrivate: this.#isPrivate(file.video) });
    this.#memory.add(entry);
    return entry;
  }

  /** Adds a file to both tiers, unless its video was withdrawn. */
  add(file: MediaFile, body: CachedBody, isPrefetched: boolean): void {
    if (this.isWithdrawn(file.video)) return;
    const entry = makeCacheEntry(file, body, { isPrivate: this.#isPrivate(file.video), isPrefetched });
    this.#memory.add(entry);
    this.#disk.add(file, entry);
  }

  /** Deletes all files of a video. @throws Error if they cannot be deleted from disk. */
  delete(video: VideoId): Promise<void> {
    this.#memory.drop(video);
    return this.#disk.drop(video);
  }

  /** Entries say whether their video is private, so they are made again, from disk, when that has changed. */
  deleteFromMemory(video: VideoId): void {
    this.#memory.drop(video);
  }

  /** Deletes a video, and stores nothing of it from now on. @throws Error if it cannot be deleted from disk. */
  withdraw(video: VideoId): Promise<void> {
    this.#withdrawn.add(video);
    return this.delete(video);
  }

  isWithdrawn(video: VideoId): boolean {
    return this.#withdrawn.has(video);
  }

  /** Undoes `withdraw`. */
  allow(video: VideoId): void {
    this.#withdrawn.delete(video);
  }

  /** Videos with at least one file on disk, without withdrawn ones. */
  videos(): ReadonlySet<VideoId> {
    return new Set([...this.#disk.videos].filter(video => !this.isWithdrawn(video)));
  }

  stats(): { readonly memoryBytes: number; readonly diskBytes: number; readonly diskReads: number } {
    return {
      memoryBytes: this.#memory.bytes,
      diskBytes: this.#disk.bytes,
      diskReads: this.#diskReadCount,
    };
  }

  /** Waits for the writes in progress. */
  stop(): Promise<void> {
    return this.#disk.idle();
  }
}
