/**
 * What was cut, on disk, within a limit, least recently used out first. Each file holds the SHA-256 of its body, so a torn
 * or altered one is a miss. A disk that fails only means "not kept".
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { MediaFile } from './media-file.ts';

const DIGEST_BYTES = 32;
/** Writes behind this many waiting ones are left out: keeping is a favour, memory is not unlimited. */
const MAX_WAITING_WRITES = 32;

const digestOf = (body: Buffer): Buffer => createHash('sha256').update(body).digest();
const nameOf = (file: MediaFile): string => createHash('sha256').update(file.key).digest('hex').slice(0, 40);

export class DiskTier {
  readonly #directory: string;
  readonly #log: Log;
  /** `{video}/{name}` → bytes on disk. */
  readonly #index: LRUCache<string, number>;
  readonly #writing = new Map<string, Promise<void>>();

  private constructor(directory: string, limitBytes: number, log: Log) {
    this.#directory = directory;
    this.#log = log;
    this.#index = new LRUCache({
      maxSize: Math.max(1, limitBytes),
      sizeCalculation: bytes => bytes,
      dispose: (_bytes, path, reason) => {
        if (reason === 'evict') void rm(join(directory, path), { force: true }).catch(() => {});
      },
    });
  }

  /** Finds again what an earlier run kept. */
  static async open(directory: string, limitBytes: number, log: Log): Promise<DiskTier> {
    const tier = new DiskTier(directory, limitBytes, log);
    await mkdir(directory, { recursive: true });
    const found: { path: string; bytes: number; usedMs: number }[] = [];
    for (const video of await readdir(directory)) {
      for (const name of await readdir(join(directory, video)).catch(() => [])) {
        const path = join(video, name);
        if (name.endsWith('.part')) await rm(join(directory, path), { force: true });
        else {
          const { size, mtimeMs } = await stat(join(directory, path));
          found.push({ path, bytes: size, usedMs: mtimeMs });
        }
      }
    }
    for (const { path, bytes } of found.sort((a, b) => a.usedMs - b.usedMs)) tier.#index.set(path, bytes);
    return tier;
  }

  get bytes(): number {
    return this.#index.calculatedSize;
  }

  async read(file: MediaFile): Promise<Buffer | undefined> {
    const path = join(file.video, nameOf(file));
    if (this.#index.get(path) === undefined) return undefined;
    try {
      const content = await readFile(join(this.#directory, path));
      const body = content.subarray(DIGEST_BYTES);
      if (digestOf(body).equals(content.subarray(0, DIGEST_BYTES))) {
        const now = new Date();
        void utimes(join(this.#directory, path), now, now).catch(() => {});
        return body;
      }
      this.#log.warn({ key: file.key }, 'a kept file was altered on disk; it is cut anew');
    } catch (error) {
      this.#log.warn({ key: file.key, reason: messageOf(error) }, 'a kept file could not be read');
    }
    await this.#forget(path);
    return undefined;
  }

  /** Keeps in the background. */
  keep(file: MediaFile, body: Buffer): void {
    const path = join(file.video, nameOf(file));
    const bytes = body.length + DIGEST_BYTES;
    if (this.#index.has(path) || this.#writing.has(path)) return;
    if (this.#writing.size >= MAX_WAITING_WRITES || bytes > this.#index.maxSize / 4) return;
    const write = this.#write(path, body)
      .then(() => void this.#index.set(path, bytes))
      .catch(error => this.#log.warn({ key: file.key, reason: messageOf(error) }, 'not kept on disk'))
      .finally(() => this.#writing.delete(path));
    this.#writing.set(path, write);
  }

  async #write(path: string, body: Buffer): Promise<void> {
    const whole = join(this.#directory, path);
    const part = `${whole}.part`;
    await mkdir(join(whole, '..'), { recursive: true });
    try {
      await writeFile(part, [digestOf(body), body]);
      await rename(part, whole);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {});
      throw error;
    }
  }

  async #forget(path: string): Promise<void> {
    this.#index.delete(path);
    await rm(join(this.#directory, path), { force: true }).catch(() => {});
  }

  /** Forgets all of a video. */
  async drop(video: VideoId): Promise<void> {
    await this.settle();
    for (const path of [...this.#index.keys()]) if (path.startsWith(`${video}/`)) this.#index.delete(path);
    await rm(join(this.#directory, video), { recursive: true, force: true });
  }

  /** Waits for the writes under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#writing.values());
  }
}
