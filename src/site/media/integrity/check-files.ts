/**
 * Checks the media files of one video block by block, and makes the hashes of files that have none. The source must match the
 * SHA-256 of its upload before its hashes are made; a rendition has no older hash, so its first check is trusted.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '../../../kernel/error-code.ts';
import { messageOf } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { SourceIndex } from '../index/source-index.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { BLOCK_BYTES, hashBlock, matchesBlock, readBlockHashes, writeBlockHashes } from './block-hashes.ts';
import { DamagedFile, openChecked, readFully } from './checked-file.ts';

interface FileDamage {
  readonly file: string;
  readonly detail: string;
}

interface CheckOptions {
  readonly storage: Pick<Storage, 'open' | 'directory' | 'sourceName'>;
  readonly video: VideoId;
  /** SHA-256 of the uploaded file, hexadecimal. Undefined if this site does not have that file. */
  readonly sha256: string | undefined;
  /** The index files of all revisions. */
  readonly indexes: readonly string[];
  /** True if files may be in the object store, which checks its own data. */
  readonly isOffloaded: boolean;
  /** Called after each block; waits as long as the permitted rate requires. @throws to stop the check */
  readonly afterBytes: (bytes: number) => Promise<void>;
}

export async function checkFiles(options: CheckOptions): Promise<readonly FileDamage[]> {
  const { storage, video, sha256, indexes } = options;
  const names = new Set(sha256 === undefined ? [] : [storage.sourceName]);
  const damage: FileDamage[] = [];
  for (const index of indexes) {
    names.add(index);
    try {
      const read = await SourceIndex.read(await openChecked(storage, video, index), index);
      for (const { name } of read.files) names.add(name);
      await read.close();
    } catch (error) {
      damage.push({ file: index, detail: messageOf(error) });
    }
  }
  for (const name of names) {
    const expected = name === storage.sourceName ? sha256 : undefined;
    const detail = await checkFile(options, name, expected);
    if (detail !== undefined && !damage.some(({ file }) => file === name))
      damage.push({ file: name, detail });
  }
  return damage;
}

/** @returns what is wrong with the file, if anything */
async function checkFile(
  { storage, video, isOffloaded, afterBytes }: CheckOptions,
  name: string,
  sha256: string | undefined,
): Promise<string | undefined> {
  const directory = storage.directory(video);
  const file = await open(join(directory, name), 'r').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return isOffloaded ? undefined : `${name} is missing`;
  try {
    const { size } = await file.stat();
    const known = await readBlockHashes(directory, name);
    if (known && known.sizeBytes !== size) return `${name} has ${size} bytes instead of ${known.sizeBytes}`;
    const blocks: Buffer[] = [];
    const whole = createHash('sha256');
    for await (const block of readBlocks(file, size, name)) {
      if (known && !(await matchesBlock(known, blocks.length, block))) throw new DamagedFile(name);
      if (!known && sha256 !== undefined) whole.update(block);
      blocks.push(known ? EMPTY : await hashBlock(block));
      await afterBytes(block.length);
    }
    if (known) return undefined;
    if (sha256 !== undefined && whole.digest('hex') !== sha256) throw new DamagedFile(name);
    await writeBlockHashes(directory, name, { sizeBytes: size, hashes: Buffer.concat(blocks) });
    return undefined;
  } catch (error) {
    if (error instanceof DamagedFile) return messageOf(error);
    throw error;
  } finally {
    await file.close();
  }
}

const EMPTY = Buffer.alloc(0);

async function* readBlocks(
  file: StoredFile,
  sizeBytes: number,
  name: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, sizeBytes - at));
    await readFully(file, block, at, name);
    yield block;
  }
}
