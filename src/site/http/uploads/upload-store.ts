/**
 * The store of the tus library: one file per upload, with its length in the site database. The offset is the size of the file,
 * so no other state can contradict the bytes.
 */

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataStore, ERRORS, Upload } from '@tus/server';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStats, flush } from '../../../kernel/files.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import {
  declareLength,
  deleteEndedUploads,
  deleteUpload,
  findUpload,
  listUploading,
  PARTIAL,
} from '../../database/tables/uploads.ts';
import { deleteUploading, findVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import type { Storage } from '../../media/storage/storage.ts';
import { requireChecksum } from './checksum.ts';
import { findExchange, recordFailure } from './exchange.ts';

/** Written data is synced to the disk at this interval, so that the last sync is short even for a large upload. */
const SYNC_EVERY_BYTES = 64 * 2 ** 20;
/** A sender that sends nothing for this time is disconnected. The received bytes are kept, and the upload can be resumed. */
const IDLE_MS = 30_000;

/** An unfinished upload expires this long after its last byte. */
const KEEP_UNFINISHED_MS = 7 * 24 * 3_600_000;

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
    this.extensions = [
      ...['creation', 'creation-with-upload', 'creation-defer-length', 'expiration', 'checksum'],
      ...['checksum-trailer', 'termination', 'concatenation'],
    ];
  }

  /** Makes the file. The row was inserted before. */
  override async create(upload: Upload): Promise<Upload> {
    await this.makeFile(videoIdSchema.parse(upload.id));
    return upload;
  }

  async makeFile(id: VideoId): Promise<void> {
    const path = this.#path(id);
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'wx')).close();
    failpoint('upload-file-made');
    this.#hashes.set(id, { hash: createHash('sha256'), position: 0 });
  }

  /** `creation_date` is the time of the last byte, from which the library counts the time until the upload expires. */
  override async getUpload(text: string): Promise<Upload> {
    const id = videoIdSchema.safeParse(text).data;
    const video = id && (await findVideo(this.#db, id));
    const upload = id && (await findUpload(this.#db, id));
    if (!id || (!video && upload?.concat !== PARTIAL)) throw ERRORS.FILE_NOT_FOUND;
    // All bytes were received and moved into place, even if the database does not know it yet.
    if (video && (video.state !== 'uploading' || existsSync(this.#storage.source(id)))) {
      const size = Number(video.size_bytes);
      return new Upload({ id, size, offset: size });
    }
    const stats = await findStats(this.#path(id));
    if (!stats) throw this.#storage.isUnavailable(id) ? problem('disk-unavailable') : ERRORS.FILE_NOT_FOUND;
    const isDeferred = upload !== undefined && upload.length_bytes === null;
    const size = isDeferred ? undefined : Number(video?.size_bytes ?? upload?.length_bytes);
    return new Upload({
      id,
      offset: stats.size,
      creation_date: stats.mtime.toISOString(),
      ...(size === undefined ? {} : { size }),
    });
  }

  override async declareUploadLength(id: string, sizeBytes: number): Promise<void> {
    if (sizeBytes === 0) throw problem('file-empty', 'The file is empty. Choose another file.');
    await declareLength(this.#db, videoIdSchema.parse(id), sizeBytes);
  }

  override getExpiration(): number {
    return KEEP_UNFINISHED_MS;
  }

  /**
   * @returns the new offset. All bytes below it survive a kill. The bytes of a sender that disconnects or becomes silent are kept,
   * unless they have a checksum, which needs all of them.
   * @throws Problem 460; the error of the disk
   */
  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const { request, hasChecksum } = findExchange() ?? {};
    if (!request || !hasChecksum) return this.#append(this.#receive(readable), id, offset);
    return this.#appendChecked(request, readable, id, offset);
  }

  /** Bytes with a checksum become part of the upload only after they were compared with it, even if the process is killed. */
  async #appendChecked(
    request: IncomingMessage,
    readable: Readable,
    id: string,
    offset: number,
  ): Promise<number> {
    const chunk = this.#chunkPath(id);
    try {
      await pipeline(this.#receive(readable), createWriteStream(chunk));
      if (!request.complete) return offset;
      await requireChecksum(request, chunk);
      return await this.#append(createReadStream(chunk, { highWaterMark: 2 ** 20 }), id, offset);
    } catch (error) {
      recordFailure(error);
      throw error;
    } finally {
      await rm(chunk, { force: true });
    }
  }

  async #append(chunks: AsyncIterable<Buffer>, id: string, offset: number): Promise<number> {
    const file = await open(this.#path(id), 'r+');
    let position = offset;
    try {
      const rolling = this.#rollingHash(id, offset);
      let unsynced = 0;
      let sync: Promise<void> | undefined;
      for await (const chunk of chunks) {
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
      // At once: the library will report that this stream was not read to its end.
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
  override async remove(text: string): Promise<void> {
    const id = videoIdSchema.safeParse(text).data;
    const row = id && ((await findVideo(this.#db, id)) ?? (await findUpload(this.#db, id)));
    if (!row) throw ERRORS.FILE_NOT_FOUND;
    if (!(await this.discard(row.id))) throw FINISHED;
  }

  /** Cancels an upload. @returns false if it is no longer an upload; nothing is changed then */
  async discard(id: VideoId): Promise<boolean> {
    const video = await findVideo(this.#db, id);
    if (video && video.state !== 'uploading') return false;
    this.#hashes.delete(id);
    for (const path of [this.#path(id), this.#chunkPath(id)]) await rm(path, { force: true });
    this.#storage.disks.forget(id);
    await deleteUpload(this.#db, id);
    if (!video || !(await deleteUploading(this.#db, id))) return video === undefined;
    // The upload was cancelled while it was moved into place.
    await this.#storage.remove(id);
    return true;
  }

  /** Deletes the uploads that nobody has continued for `KEEP_UNFINISHED_MS`. */
  async discardExpired(): Promise<void> {
    const oldest = Date.now() - KEEP_UNFINISHED_MS;
    for (const { video, createdMs } of await listUploading(this.#db)) {
      const changedMs = (await findStats(this.#storage.upload(video)))?.mtimeMs;
      if ((changedMs ?? createdMs) < oldest) await this.discard(video);
    }
    await deleteEndedUploads(this.#db, new Date(oldest).toISOString());
  }

  /** Returns the SHA-256 of a complete upload. It is read back from the disk if a part was received before this start. */
  async takeHash(id: string, sizeBytes: number): Promise<string> {
    const rolling = this.#hashes.get(id);
    this.#hashes.delete(id);
    await rm(this.#chunkPath(id), { force: true });
    return rolling?.position === sizeBytes ? rolling.hash.digest('hex') : hashFile(this.#path(id));
  }

  #rollingHash(id: string, offset: number): RollingHash | undefined {
    const rolling = this.#hashes.get(id);
    if (rolling && rolling.position !== offset) this.#hashes.delete(id);
    return this.#hashes.get(id);
  }

  #chunkPath(id: string): string {
    return `${this.#path(id)}.chunk`;
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

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
