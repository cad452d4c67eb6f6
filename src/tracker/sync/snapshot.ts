/**
 * Stores the registry on disk, so that a restarted tracker has all videos at once, even if central is unavailable:
 *
 *     header · the videos with their memory layout · tables (JSON) · length of the tables · SHA-256 of everything before
 *
 * The bytes that are read become the registry's memory, without copying or creating an object per video. A file with a
 * wrong checksum is ignored. Numbers are little-endian, like all machines on which Node runs.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod';
import { renameDurably } from '../../kernel/files.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { CHUNK_BYTES, Registry, type RegistryTables } from '../registry/registry.ts';

/**
 * The latest version supports private videos. The version before has none. A version without that support must not read
 * a file that has private videos.
 */
const MAGIC = Buffer.from('TRIBREG5');
const READABLE = [MAGIC, Buffer.from('TRIBREG4')];
const HEADER_BYTES = MAGIC.length + 4;
const CHECKSUM_BYTES = 32;
const MIN_VIDEO_BYTES = 48;
/** Bytes that are hashed and written at a time. Requests are served in between. */
const WRITE_BYTES = 2 ** 18;

const tailSchema = z.object({ central: z.string(), position: z.int().nonnegative() });
type Tail = z.infer<typeof tailSchema> & RegistryTables;
/** The tables, and the size of the videos in bytes. */
type ReadTail = Tail & { readonly videosBytes: number };

/** @returns the change-feed position of `registry` after reading; 0 without a valid snapshot of this central. */
export async function readSnapshot(
  path: string,
  central: string,
  registry: Registry,
  log: Log,
): Promise<number> {
  if (!existsSync(path)) return 0;
  const file = await open(path, 'r');
  try {
    const tail = await readTail(file);
    if (tail.central !== central) return 0;
    const restored = await readVideos(file, tail, tail.videosBytes);
    registry.replaceWith(restored);
    return tail.position;
  } catch (error) {
    log.warn(
      { path, reason: messageOf(error) },
      'the snapshot is unreadable; reading everything from central',
    );
    return 0;
  } finally {
    await file.close();
  }
}

async function readInto(file: FileHandle, bytes: Buffer, length: number, at: number): Promise<Buffer> {
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead !== length) throw new Error('the file is truncated');
  return bytes.subarray(0, length);
}
const readExactly = (file: FileHandle, length: number, at: number): Promise<Buffer> =>
  readInto(file, Buffer.allocUnsafe(length), length, at);

/** The content was validated before it was written; `readVideos` verifies the checksum. */
async function readTail(file: FileHandle): Promise<ReadTail> {
  const { size } = await file.stat();
  if (size < HEADER_BYTES + 4 + CHECKSUM_BYTES) throw new Error('the file is truncated');
  const lengthAt = size - CHECKSUM_BYTES - 4;
  const length = (await readExactly(file, 4, lengthAt)).readUInt32LE();
  if (length > lengthAt - HEADER_BYTES) throw new Error('the file is damaged');
  const json = JSON.parse((await readExactly(file, length, lengthAt - length)).toString()) as Tail;
  return { ...json, ...tailSchema.parse(json), videosBytes: lengthAt - length - HEADER_BYTES };
}

async function readVideos(file: FileHandle, tables: RegistryTables, videosBytes: number): Promise<Registry> {
  const hash = createHash('sha256');
  const { size } = await file.stat();
  const header = await readExactly(file, HEADER_BYTES, 0);
  if (!READABLE.some(magic => magic.equals(header.subarray(0, MAGIC.length))))
    throw new Error('the file is not a snapshot of this version');
  hash.update(header);
  const registry = new Registry(
    header.readUInt32LE(MAGIC.length),
    Math.min(tables.videos, size / MIN_VIDEO_BYTES),
  );
  const end = HEADER_BYTES + videosBytes;
  const readChunk = (at: number): Promise<Buffer> =>
    readInto(file, Buffer.allocUnsafeSlow(CHUNK_BYTES), Math.min(CHUNK_BYTES, end - at), at);
  let next = readChunk(HEADER_BYTES);
  for (let at = HEADER_BYTES; at < end; ) {
    const used = await next;
    at += used.length;
    // The next chunk is read while this one is adopted.
    if (at < end) {
      next = readChunk(at);
      next.catch(() => {});
    }
    hash.update(used);
    registry.adopt(Buffer.from(used.buffer), used.length);
  }
  const tail = await readExactly(file, size - end, end);
  const checksum = tail.subarray(tail.length - CHECKSUM_BYTES);
  hash.update(tail.subarray(0, tail.length - CHECKSUM_BYTES));
  if (!hash.digest().equals(checksum)) throw new Error('the file is damaged');
  registry.restoreTables(tables);
  return registry;
}

/**
 * Changes during the write may be in the file or not: their positions are after `position`, so they are read again and
 * then have no effect.
 */
export async function writeSnapshot(
  path: string,
  central: string,
  position: number,
  registry: Registry,
): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w');
  try {
    const hash = createHash('sha256');
    const write = async (bytes: Buffer): Promise<void> => {
      hash.update(bytes);
      await file.writeFile(bytes);
    };
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt32LE(registry.seed, MAGIC.length);
    let parts: Buffer[] = [header];
    let bytes = 0;
    for (const slice of registry.slices()) {
      parts.push(slice);
      bytes += slice.length;
      if (bytes < WRITE_BYTES) continue;
      await write(Buffer.concat(parts));
      await nextTurn();
      parts = [];
      bytes = 0;
    }
    const tail: Tail = { central, position, ...registry.tables() };
    const json = Buffer.from(JSON.stringify(tail));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    await write(Buffer.concat([...parts, json, length]));
    await file.writeFile(hash.digest());
    await file.sync();
  } finally {
    await file.close();
  }
  await renameDurably(temporary, path);
}
