/** A stored file that checks the blocks it reads against their hashes, so that no altered byte leaves it. */
import { errorCodeOf } from '../../../kernel/error-code.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { BLOCK_BYTES, type BlockHashes, matchesBlock, readBlockHashes } from './block-hashes.ts';

/** The disk returns other bytes than were written. */
export class DamagedFile extends Error {
  readonly file: string;

  constructor(file: string, cause?: unknown) {
    super(`the disk has altered or lost bytes of ${file}`, { cause });
    this.file = file;
  }
}

/**
 * Opens a file of a video. Until its hashes exist, it is read unchecked.
 *
 * @throws Error (`ENOENT`) if there is no such file; DamagedFile, as reads do, if it is not the file that was hashed
 */
export async function openChecked(
  storage: Pick<Storage, 'open' | 'directory'>,
  video: VideoId,
  name: string,
): Promise<StoredFile> {
  const file = await storage.open(video, name);
  try {
    const hashes = await readBlockHashes(storage.directory(video), name);
    if (hashes && (await file.stat()).size !== hashes.sizeBytes) throw new DamagedFile(name);
    return hashes ? checked(file, name, hashes) : file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checked(file: StoredFile, name: string, hashes: BlockHashes): StoredFile {
  /** Reads these bytes as part of whole blocks. The result is shorter at the end of the file. */
  async function readBlocks(position: number, length: number): Promise<Buffer> {
    const first = Math.floor(position / BLOCK_BYTES);
    const end = Math.min(hashes.sizeBytes, Math.ceil((position + length) / BLOCK_BYTES) * BLOCK_BYTES);
    const start = first * BLOCK_BYTES;
    if (start >= end) return Buffer.alloc(0);
    const bytes = Buffer.allocUnsafe(end - start);
    await readFully(file, bytes, start, name);
    const blocks = Array.from({ length: Math.ceil(bytes.length / BLOCK_BYTES) }, (_, n) =>
      matchesBlock(hashes, first + n, bytes.subarray(n * BLOCK_BYTES, (n + 1) * BLOCK_BYTES)),
    );
    if ((await Promise.all(blocks)).includes(false)) throw new DamagedFile(name);
    return bytes.subarray(position - start, position - start + length);
  }

  return {
    stat: () => file.stat(),
    async read(into, offset, length, position) {
      const bytes = await readBlocks(position, length);
      return { bytesRead: bytes.copy(into, offset) };
    },
    async readv(vectors, position) {
      const length = vectors.reduce((sum, vector) => sum + vector.length, 0);
      const bytes = await readBlocks(position, length);
      let at = 0;
      for (const vector of vectors)
        at += bytes.copy(vector, 0, at, Math.min(bytes.length, at + vector.length));
      return { bytesRead: bytes.length };
    },
    close: () => file.close(),
  };
}

/** @throws DamagedFile if the file ends before */
export async function readFully(
  file: StoredFile,
  into: Buffer,
  position: number,
  name: string,
): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const { bytesRead } = await file
      .read(into, filled, into.length - filled, position + filled)
      .catch((error: unknown) => {
        // The disk itself reports that it cannot read the bytes.
        throw errorCodeOf(error) === 'EIO' ? new DamagedFile(name, error) : error;
      });
    if (bytesRead === 0) throw new DamagedFile(name);
    filled += bytesRead;
  }
}
