/**
 * The files that hold the samples of one index. One file (a source) is kept open; of many (the pieces of an encoding) each is
 * opened when it is read, so that a long film does not hold hundreds of them.
 */

import type { IndexedFile } from '../index/source-index.ts';
import type { OpenFile, StoredFile } from '../storage/storage.ts';
import { type Piece, readScattered } from '../storage/storage.ts';

export interface PieceOfFile extends Piece {
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

  /** @throws Error if a single file is missing or is another than was indexed. */
  static async open(open: OpenFile, files: readonly IndexedFile[]): Promise<MediaFiles> {
    const [only] = files;
    const kept = files.length === 1 && only ? await openWhole(open, only) : undefined;
    return new MediaFiles(open, files, kept);
  }

  /** As `readScattered`; pieces stand in the order of their targets, those of one file together. */
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
  throw new Error(`${name} has ${size} bytes, its index is of a file of ${sizeBytes}`);
}
