/**
 * The store of the tus library: one file per upload, with its length in the site database. The offset is the size of the file,
 * so no other state can contradict the bytes.
 */

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataStore, ERRORS, Upload } from '@tus/server';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStats, flush } from '../../../kernel/files.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { deleteUploading, findVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import type { Storage } from '../../media/storage/storage.ts';
import { recordFailure } from './exchange.ts';

/** Written data is synced to the disk at this interval, so that the last sync is short even for a large upload. */
const SYNC_EVERY_BYTES = 64 * 2 ** 20;
/** A sender that sends nothing for this time is disconnected. The received bytes are kept, and the upload can be resumed. */
const IDLE_MS = 30_000;

const FINISHED = { status_code: 403, body: 'This upload is complete.' };

interface RollingHash {
  readonly hash: Hash;
  position: number;
}

export class UploadStore extends DataStore {
  readonly #db: SiteDatabase;
  readonly #storage: Storage;
  readonly #idleMs: number;
  readonly #hashes = new Map<string, RollingHash>();

  constructor(db: SiteDatabase, storage: Storage, idleMs = IDLE_MS) {
    super();
    this.#idleMs = idleMs;
    this.#db = db;
    this.#storage = storage;
    this.extensions = ['creation', 'creation-with-upload', 'termination'];
  }

  /** Makes the file. The row was inserted before. */
  override async create(upload: Upload): Promise<Upload> {
    const path = this.#path(upload.id);
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'wx')).close();
    failpoint('upload-file-made');
    this.#hashes.set(upload.id, { hash: createHash('sha256'), position: 0 });
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    const video = videoIdSchema.safeParse(id);
    const row = video.success ? await findVideo(this.#db, video.data) : undefined;
    if (!row) throw ERRORS.FILE_NOT_FOUND;
    // All bytes were received and moved into place, even if the database does not know it yet.
    const isWhole = row.state !== 'uploading' || existsSync(this.#storage.source(row.id));
    const offset = isWhole ? row.size_bytes : await sizeOf(this.#path(id));
    if (offset === undefined && this.#storage.isUnavailable(row.id)) throw problem('disk-unavailable');
    if (offset === undefined) throw ERRORS.FILE_NOT_FOUND;
    return new Upload({ id, size: row.size_bytes, offset, metadata: {}, creation_date: row.created_at });
  }

  /**
   * @returns the new offset. All bytes below it survive a kill. The bytes of a sender that disconnects or becomes silent are kept.
   * @throws the error of the disk
   */
  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const file = await open(this.#path(id), 'r+');
    let position = offset;
    try {
      const rolling = this.#rollingHash(id, offset);
      let unsynced = 0;
      let sync: Promise<void> | undefined;
      for await (const chunk of this.#receive(readable)) {
        await writeFully(file, chunk, position);
        rolling?.hash.update(chunk);
        position += chunk.length;
        if (rolling) rolling.position = position;
        unsynced += chunk.length;
        if (unsynced >= SYNC_EVERY_BYTES) {
          await sync;
          sync = flush(file);
          unsynced = 0;
        }
      }
      await sync;
    } catch (error) {
      // The library reports that this stream was not read to its end, instead of the reason.
      recordFailure(error);
      throw error;
    } finally {
      await flush(file);
      await file.close();
    }
    failpoint('upload-part-written');
    return position;
  }

  /** The bytes of a request, until it ends, its sender disconnects, or no byte arrives for a while. */
  async *#receive(readable: Readable): AsyncGenerator<Buffer> {
    const idle = setTimeout(() => {
      recordFailure(problem('request-timeout', 'No byte arrived for a while. Resume the upload.'));
      readable.destroy();
    }, this.#idleMs);
    try {
      for await (const chunk of readable as AsyncIterable<Buffer>) {
        idle.refresh();
        yield chunk;
      }
    } catch {
      // The sender disconnected.
    } finally {
      clearTimeout(idle);
    }
  }

  /** Handles DELETE. A complete upload is a video, which must be withdrawn instead. */
  override async remove(id: string): Promise<void> {
    const video = videoIdSchema.safeParse(id);
    const row = video.success ? await findVideo(this.#db, video.data) : undefined;
    if (!row) throw ERRORS.FILE_NOT_FOUND;
    if (!(await this.discard(row.id))) throw FINISHED;
  }

  /** Cancels an upload. @returns false if it is no longer an upload; nothing is changed then */
  async discard(video: VideoId): Promise<boolean> {
    if ((await findVideo(this.#db, video))?.state !== 'uploading') return false;
    this.#hashes.delete(video);
    await rm(this.#path(video), { force: true });
    this.#storage.disks.forget(video);
    if (!(await deleteUploading(this.#db, video))) return false;
    // The upload was cancelled while it was moved into place.
    await this.#storage.remove(video);
    return true;
  }

  /** Returns the SHA-256 of a complete upload. It is read back from the disk if a part was received before this start. */
  async takeHash(id: string, sizeBytes: number): Promise<string> {
    const rolling = this.#hashes.get(id);
    this.#hashes.delete(id);
    return rolling?.position === sizeBytes ? rolling.hash.digest('hex') : hashFile(this.#path(id));
  }

  #rollingHash(id: string, offset: number): RollingHash | undefined {
    const rolling = this.#hashes.get(id);
    if (rolling && rolling.position !== offset) this.#hashes.delete(id);
    return this.#hashes.get(id);
  }

  #path(id: string): string {
    return this.#storage.upload(videoIdSchema.parse(id));
  }
}

async function writeFully(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

export const sizeOf = async (path: string): Promise<number | undefined> => (await findStats(path))?.size;

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
