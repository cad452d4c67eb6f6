/**
 * Files on disk, within a limit; S3-FIFO decides which ones stay. Each file begins with the SHA-256 of the rest of it (key,
 * validator, proof and bytes), so a torn, altered or misplaced file is a miss. Nothing is synced: a file that a power loss
 * tears is fetched again. If the disk fails, files are only not cached.
 */
import { createHash, webcrypto } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Proof } from '../../../kernel/identity/proofs.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../../protocol/base/limits.ts';
import type { MediaFile } from '../http/media-file.ts';
import { allocateBody, tailOf } from './body.ts';
import type { CachedBody } from './memory-tier.ts';
import { S3Fifo } from './s3-fifo.ts';

const DIGEST_BYTES = 32;
const MAX_HEAD_BYTES = 2_048;
const MAX_FILE_BYTES = MAX_SEGMENT_BYTES + 2 ** 20 + MAX_HEAD_BYTES;
/** A write is skipped while this many bytes wait to be written: a file that is not cached costs less than the memory. */
const MAX_WAITING_BYTES = 64 * 2 ** 20;
const STATS_AT_ONCE = 64;

/** Runs off the main thread: 2 MB take 1–2 ms. */
const digestOf = async (bytes: Buffer): Promise<Buffer> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes));

/** Part of every file name, so that files in another format are never found. Increase it when the format changes. */
const FORMAT = 2;
/** A path that is valid on every file system, whatever its rules for case and length. */
const pathOf = ({ video, key }: MediaFile): string =>
  join(video, createHash('sha256').update(`${FORMAT} ${key}`).digest('hex').slice(0, 40));

/** A file is: digest (32 bytes) | key, validator, SHA-256, signer and signature, each followed by a NUL | body. */
const formatFileHead = (file: MediaFile, { etag, proof }: CachedBody): Buffer =>
  Buffer.from(
    [file.key, etag, proof?.sha256, proof?.key, proof?.signature].map(field => `${field ?? ''}\0`).join(''),
    'latin1',
  );

/** Undefined if the content is not that of `file`. */
function parseContent(file: MediaFile, content: Buffer): CachedBody | undefined {
  let at = 0;
  const next = (): string => {
    const end = content.indexOf(0, at);
    if (end === -1) return '';
    const field = content.toString('latin1', at, end);
    at = end + 1;
    return field;
  };
  const [key, etag, sha256, signer, signature] = [next(), next(), next(), next(), next()] as const;
  if (key !== file.key || etag === '') return undefined;
  const proof: Proof | undefined = sha256 === '' ? undefined : { sha256, key: signer, signature };
  return { body: tailOf(content, at), etag, proof };
}

export class DiskTier {
  readonly #directory: string;
  readonly #log: Log;
  /** `{video}/{name}` → bytes on disk. */
  readonly #index: S3Fifo<number>;
  /** Paths that are waiting to be written. */
  readonly #waiting = new Set<string>();
  #waitingBytes = 0;
  /** Changes run one after another, so that limits hold and a drop comes after the writes before it. */
  #last: Promise<void> = Promise.resolve();
  #evicted: string[] = [];

  private constructor(directory: string, limitBytes: number, log: Log) {
    this.#directory = directory;
    this.#log = log;
    this.#index = new S3Fifo({
      limit: limitBytes,
      sizeOf: bytes => bytes,
      onEvicted: path => void this.#evicted.push(path),
    });
  }

  /** Continues with the files of an earlier run. A directory that cannot be read counts as empty. */
  static async open(directory: string, limitBytes: number, log: Log): Promise<DiskTier> {
    const tier = new DiskTier(directory, limitBytes, log);
    try {
      await mkdir(directory, { recursive: true });
      await tier.#scan();
      await tier.#removeEvicted();
    } catch (error) {
      log.warn({ directory, reason: messageOf(error) }, 'could not read the disk cache; starting empty');
    }
    return tier;
  }

  async #scan(): Promise<void> {
    const paths: string[] = [];
    for (const video of await readdir(this.#directory)) {
      for (const name of await readdir(join(this.#directory, video)).catch(() => [])) {
        const path = join(video, name);
        if (/^[0-9a-f]{40}$/.test(name)) paths.push(path);
        else if (name.endsWith('.part')) await this.#remove(path);
      }
    }
    const found: { readonly path: string; readonly bytes: number; readonly usedMs: number }[] = [];
    for (let first = 0; first < paths.length; first += STATS_AT_ONCE) {
      const batch = paths.slice(first, first + STATS_AT_ONCE).map(async path => {
        const { size, mtimeMs } = await stat(join(this.#directory, path));
        found.push({ path, bytes: Math.max(1, size), usedMs: mtimeMs });
      });
      await Promise.allSettled(batch);
    }
    for (const { path, bytes } of found.sort((a, b) => a.usedMs - b.usedMs)) this.#index.set(path, bytes);
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#index.size;
  }

  /** Videos with at least one file. */
  get videos(): ReadonlySet<VideoId> {
    const ids = new Set<VideoId>();
    for (const path of this.#index.keys()) ids.add(path.slice(0, path.indexOf('/')) as VideoId);
    return ids;
  }

  has(file: MediaFile): boolean {
    return this.#index.has(pathOf(file));
  }

  /** Counts as a use: until now the file was in demand in memory. */
  touch(file: MediaFile): void {
    this.#index.get(pathOf(file));
  }

  async read(file: MediaFile): Promise<CachedBody | undefined> {
    const path = pathOf(file);
    if (this.#index.get(path) === undefined) return undefined;
    try {
      const found = await this.#readChecked(path, file);
      if (found) return found;
      this.#log.warn({ key: file.key }, 'a cached file was altered on disk; it will be fetched again');
    } catch (error) {
      this.#log.warn({ key: file.key, reason: messageOf(error) }, 'could not read a cached file');
    }
    this.#index.delete(path);
    await this.#remove(path);
    return undefined;
  }

  async #readChecked(path: string, file: MediaFile): Promise<CachedBody | undefined> {
    const fullPath = join(this.#directory, path);
    const handle = await open(fullPath, 'r');
    let content: Buffer;
    try {
      const { size } = await handle.stat();
      if (size <= DIGEST_BYTES || size > MAX_FILE_BYTES) return undefined;
      content = allocateBody(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await handle.read(content, at, size - at, at);
        if (bytesRead === 0) return undefined;
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
    const rest = tailOf(content, DIGEST_BYTES);
    if (!(await digestOf(rest)).equals(content.subarray(0, DIGEST_BYTES))) return undefined;
    const found = parseContent(file, rest);
    if (!found) return undefined;
    // The modification time keeps the order of use across a restart. A failure to set it costs little.
    const now = new Date();
    void utimes(fullPath, now, now).catch(() => {});
    return found;
  }

  /** Writes the file in the background. */
  add(file: MediaFile, content: CachedBody): void {
    const { body } = content;
    const path = pathOf(file);
    const head = formatFileHead(file, content);
    const bytes = DIGEST_BYTES + head.length + body.length;
    if (this.#index.has(path) || this.#waiting.has(path)) return;
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES || bytes > this.#index.limit / 2) return;
    this.#waiting.add(path);
    this.#waitingBytes += bytes;
    this.#enqueue(async () => {
      try {
        await this.#write(path, head, body, bytes);
      } catch (error) {
        this.#index.delete(path);
        this.#log.warn({ key: file.key, reason: messageOf(error) }, 'could not cache a file on disk');
      } finally {
        this.#waiting.delete(path);
        this.#waitingBytes -= bytes;
      }
    });
  }

  async #write(path: string, head: Buffer, body: Buffer, bytes: number): Promise<void> {
    const rest = Buffer.concat([head, body]);
    const digest = await digestOf(rest);
    const fullPath = join(this.#directory, path);
    const part = `${fullPath}.part`;
    // Space is made before the bytes are written, so that the limit always holds.
    this.#index.makeSpace(bytes);
    await this.#removeEvicted();
    await mkdir(join(fullPath, '..'), { recursive: true });
    try {
      await writeFile(part, [digest, rest]);
      await rename(part, fullPath);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {});
      throw error;
    }
    this.#index.set(path, bytes);
  }

  async #removeEvicted(): Promise<void> {
    for (const path of this.#evicted.splice(0)) await this.#remove(path);
  }

  async #remove(path: string): Promise<void> {
    await rm(join(this.#directory, path), { force: true }).catch(error =>
      this.#log.warn({ path, reason: messageOf(error) }, 'could not delete a file of the disk cache'),
    );
  }

  /** Deletes all files of a video, including those that wait to be written. @throws Error if the disk fails. */
  async drop(video: VideoId): Promise<void> {
    await this.#enqueue(async () => {
      for (const path of [...this.#index.keys()]) if (path.startsWith(video)) this.#index.delete(path);
      await rm(join(this.#directory, video), { recursive: true, force: true });
    });
  }

  /** Waits for the writes in progress. */
  idle(): Promise<void> {
    return this.#last;
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }
}
