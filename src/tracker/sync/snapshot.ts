/**
 * The registry on disk, so that a restart has all videos at once, also while central is away:
 *
 *     head · the videos as they lie in memory · tables (JSON) · their length · SHA-256 of all before
 *
 * What is read of it is the memory itself: nothing is copied or made of each video. A file whose seal is broken counts as none.
 * Numbers are little-endian, as is every machine that Node runs on.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod';
import { renameDurably } from '../../kernel/files.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { CHUNK_BYTES } from '../registry/arena.ts';
import { Registry, type RegistryTables } from '../registry/registry.ts';

/** The last version knows private videos. What was written before has none; who knows none must not read what has. */
const MAGIC = Buffer.from('TRIBREG5');
const READABLE = [MAGIC, Buffer.from('TRIBREG4')];
const HEAD_BYTES = MAGIC.length + 4;
const SEAL_BYTES = 32;
const MIN_VIDEO_BYTES = 48;
/** Hashed and written at once: requests are answered in between. */
const WRITE_BYTES = 2 ** 18;

const tailSchema = z.object({ central: z.string(), position: z.int().nonnegative() });
type Tail = z.infer<typeof tailSchema> & RegistryTables;
/** … and how many bytes there are of the videos. */
type ReadTail = Tail & { readonly videosBytes: number };

/** @returns the change-feed position that `registry` now stands at; 0 where there is no snapshot, or none of this central. */
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
    log.warn({ path, reason: messageOf(error) }, 'the snapshot is unreadable; all is asked of central again');
    return 0;
  } finally {
    await file.close();
  }
}

async function readInto(file: FileHandle, bytes: Buffer, length: number, at: number): Promise<Buffer> {
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead !== length) throw new Error('it is cut off');
  return bytes.subarray(0, length);
}
const readExactly = (file: FileHandle, length: number, at: number): Promise<Buffer> =>
  readInto(file, Buffer.allocUnsafe(length), length, at);

/** What stands under the seal was parsed when it came; `readVideos` sees whether the seal is whole. */
async function readTail(file: FileHandle): Promise<ReadTail> {
  const { size } = await file.stat();
  if (size < HEAD_BYTES + 4 + SEAL_BYTES) throw new Error('it is cut off');
  const lengthAt = size - SEAL_BYTES - 4;
  const length = (await readExactly(file, 4, lengthAt)).readUInt32LE();
  if (length > lengthAt - HEAD_BYTES) throw new Error('it is damaged');
  const json = JSON.parse((await readExactly(file, length, lengthAt - length)).toString()) as Tail;
  return { ...json, ...tailSchema.parse(json), videosBytes: lengthAt - length - HEAD_BYTES };
}

async function readVideos(file: FileHandle, tables: RegistryTables, videosBytes: number): Promise<Registry> {
  const hash = createHash('sha256');
  const { size } = await file.stat();
  const head = await readExactly(file, HEAD_BYTES, 0);
  if (!READABLE.some(magic => magic.equals(head.subarray(0, MAGIC.length))))
    throw new Error('it is no snapshot of this version');
  hash.update(head);
  const registry = new Registry(
    head.readUInt32LE(MAGIC.length),
    Math.min(tables.videos, size / MIN_VIDEO_BYTES),
  );
  const end = HEAD_BYTES + videosBytes;
  const readChunk = (at: number): Promise<Buffer> =>
    readInto(file, Buffer.allocUnsafeSlow(CHUNK_BYTES), Math.min(CHUNK_BYTES, end - at), at);
  let next = readChunk(HEAD_BYTES);
  for (let at = HEAD_BYTES; at < end; ) {
    const used = await next;
    at += used.length;
    // Read while this one is taken in.
    if (at < end) {
      next = readChunk(at);
      next.catch(() => {});
    }
    hash.update(used);
    registry.adopt(Buffer.from(used.buffer), used.length);
  }
  const tail = await readExactly(file, size - end, end);
  const seal = tail.subarray(tail.length - SEAL_BYTES);
  hash.update(tail.subarray(0, tail.length - SEAL_BYTES));
  if (!hash.digest().equals(seal)) throw new Error('it is damaged');
  registry.restoreTables(tables);
  return registry;
}

/**
 * Changes that come in while it writes may be in the file or not: they follow `position`, so they will be read again, and
 * then change nothing.
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
    const head = Buffer.alloc(HEAD_BYTES);
    MAGIC.copy(head);
    head.writeUInt32LE(registry.seed, MAGIC.length);
    let parts: Buffer[] = [head];
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
