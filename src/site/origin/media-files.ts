/**
 * The files that hold the samples of one index. One file (a source) is kept open; of many (the pieces of an encoding) each is
 * opened when it is read, so that a long film does not hold hundreds of them.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Piece, readScattered } from './scattered-read.ts';
import type { IndexedFile } from './source-index.ts';

export interface PieceOfFile extends Piece {
  readonly file: number;
}

export class MediaFiles {
  readonly #directory: string;
  readonly #files: readonly IndexedFile[];
  readonly #kept: FileHandle | undefined;

  private constructor(directory: string, files: readonly IndexedFile[], kept: FileHandle | undefined) {
    this.#directory = directory;
    this.#files = files;
    this.#kept = kept;
  }

  /** @throws Error if a single file is missing or is another than was indexed. */
  static async open(directory: string, files: readonly IndexedFile[]): Promise<MediaFiles> {
    const [only] = files;
    const kept = files.length === 1 && only ? await openWhole(directory, only) : undefined;
    return new MediaFiles(directory, files, kept);
  }

  /** As `readScattered`; pieces stand in the order of their targets, those of one file together. */
  async read(into: Buffer, pieces: readonly PieceOfFile[]): Promise<void> {
    if (this.#kept) return readScattered(this.#kept, into, pieces);
    for (let from = 0; from < pieces.length; ) {
      const { file } = pieces[from]!;
      let to = from + 1;
      while (to < pieces.length && pieces[to]!.file === file) to++;
      const handle = await openWhole(this.#directory, this.#files[file]!);
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

async function openWhole(directory: string, { name, sizeBytes }: IndexedFile): Promise<FileHandle> {
  const path = resolve(directory, name);
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  if (size === sizeBytes) return handle;
  await handle.close();
  throw new Error(`${path} has ${size} bytes, its index is of a file of ${sizeBytes}`);
}
