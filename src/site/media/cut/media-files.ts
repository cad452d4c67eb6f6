/**
 * The files that hold the samples of one index. A single file (a source) stays open. Several files (the chunks of an encoding) are
 * opened for each read, so a long video does not keep hundreds of files open.
 */

import type { IndexedFile } from '../index/source-index.ts';
import type { OpenFile, StoredFile } from '../storage/storage.ts';
import { type Piece, readScattered } from '../storage/storage.ts';

interface PieceOfFile extends Piece {
  readonly file: number;
}

export class MediaFiles {
  readonly #open: OpenFile;
  readonly #files: readonly IndexedFile[];
  readonly #kept: StoredFile | undefined;

  private constructor(open: OpenFile, files: readonly IndexedFile[], kept: StoredFile | undefined) {
    this.#open = open;
    this.#files = files;
    this.#kept = kept;
  }

  /** @throws Error if a single file is missing, or is not the file that was indexed */
  static async open(open: OpenFile, files: readonly IndexedFile[]): Promise<MediaFiles> {
    const [only] = files;
    const kept = files.length === 1 && only ? await openWhole(open, only) : undefined;
    return new MediaFiles(open, files, kept);
  }

  /** Does what `readScattered` does, for pieces of several files. The pieces of one file follow each other. */
  async read(into: Buffer, pieces: readonly PieceOfFile[]): Promise<void> {
    if (this.#kept) return readScattered(this.#kept, into, pieces);
    for (let from = 0; from < pieces.length; ) {
      const { file } = pieces[from]!;
      let to = from + 1;
      while (to < pieces.length && pieces[to]!.file === file) to++;
      const handle = await openWhole(this.#open, this.#files[file]!);
      try {
        await readScattered(handle, into, pieces.slice(from, to));
      } finally {
        await handle.close();
      }
      from = to;
    }
  }

  async close(): Promise<void> {
    await this.#kept?.close();
  }
}

async function openWhole(open: OpenFile, { name, sizeBytes }: IndexedFile): Promise<StoredFile> {
  const file = await open(name);
  const { size } = await file.stat();
  if (size === sizeBytes) return file;
  await file.close();
  throw new Error(`${name} has ${size} bytes, but its index was made from a file of ${sizeBytes} bytes`);
}
