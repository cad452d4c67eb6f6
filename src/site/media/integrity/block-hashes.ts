/**
 * The hashes of the blocks of one media file, in a file of their own next to it (`NAME.hashes`), so that every part of the media
 * file can be checked when it is read.
 *
 *     magic "TRIBHSH1" | u64 size of the media file | per block of 256 KiB: SHA-256 | SHA-256 of everything before
 *
 * A file of hashes that does not match its own last hash counts as absent.
 */
import { createHash, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '../../../kernel/error-code.ts';
import { writeDurably } from '../../../kernel/files.ts';

export const BLOCK_BYTES = 256 * 1024;
const HASH_BYTES = 32;
const MAGIC = Buffer.from('TRIBHSH1');
const HEAD_BYTES = MAGIC.length + 8;

export interface BlockHashes {
  /** Size of the media file. */
  readonly sizeBytes: number;
  /** The hashes of all blocks, one after another. */
  readonly hashes: Buffer;
}

export const hashBlock = async (block: Uint8Array<ArrayBuffer>): Promise<Buffer> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', block));

/** True if these are the bytes of block `number`. */
export const matchesBlock = async (
  { hashes }: BlockHashes,
  number: number,
  block: Uint8Array<ArrayBuffer>,
): Promise<boolean> =>
  (await hashBlock(block)).equals(hashes.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES));

const pathOf = (directory: string, name: string): string => join(directory, `${name}.hashes`);

function formatBlockHashes({ sizeBytes, hashes }: BlockHashes): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeBigUInt64LE(BigInt(sizeBytes), MAGIC.length);
  const body = Buffer.concat([head, hashes]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** @returns undefined if these bytes are not a complete file of hashes */
function parseBlockHashes(bytes: Buffer): BlockHashes | undefined {
  if (bytes.length < HEAD_BYTES + HASH_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  const body = bytes.subarray(0, -HASH_BYTES);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(-HASH_BYTES))) return undefined;
  const sizeBytes = Number(bytes.readBigUInt64LE(MAGIC.length));
  const hashes = body.subarray(HEAD_BYTES);
  return hashes.length === Math.ceil(sizeBytes / BLOCK_BYTES) * HASH_BYTES
    ? { sizeBytes, hashes }
    : undefined;
}

/** @returns undefined if there are no valid hashes of this file yet */
export async function readBlockHashes(directory: string, name: string): Promise<BlockHashes | undefined> {
  try {
    return parseBlockHashes(await readFile(pathOf(directory, name)));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export const writeBlockHashes = (directory: string, name: string, hashes: BlockHashes): Promise<void> =>
  writeDurably(pathOf(directory, name), formatBlockHashes(hashes));
