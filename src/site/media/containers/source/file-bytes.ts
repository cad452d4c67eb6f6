/**
 * Bounded reads of a source file during indexing. They are synchronous because indexing runs in a worker thread, where
 * hundreds of thousands of small reads through promises would cost more than the reads themselves.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Small enough to skip payloads cheaply, and large enough that neighbouring headers share one read. */
const WINDOW_BYTES = 4 * 1024;

export class FileBytes {
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #windowStart = 0;
  #windowLength = 0;

  private constructor(fd: number) {
    this.#fd = fd;
    this.sizeBytes = fstatSync(fd).size;
  }

  /** Opens the file for the duration of `use`. */
  static async with<T>(path: string, use: (file: FileBytes) => Promise<T>): Promise<T> {
    const fd = openSync(path, 'r');
    try {
      return await use(new FileBytes(fd));
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Returns up to `length` (≤ 4 KiB) bytes at `position`, fewer only at the end of the file. The view is valid until
   * the next `peek`.
   */
  peek(position: number, length: number): Buffer {
    const end = Math.min(position + length, this.sizeBytes);
    if (position >= end) return this.#window.subarray(0, 0);
    if (position < this.#windowStart || end > this.#windowStart + this.#windowLength) {
      this.#windowStart = position;
      this.#windowLength = this.#readInto(this.#window, position, WINDOW_BYTES);
    }
    const from = position - this.#windowStart;
    return this.#window.subarray(from, Math.min(from + end - position, this.#windowLength));
  }

  /** Returns exactly the bytes `[position, position + length)`, or undefined if the file ends before. */
  read(position: number, length: number): Buffer | undefined {
    if (position + length > this.sizeBytes) return undefined;
    const bytes = Buffer.allocUnsafeSlow(length);
    return this.#readInto(bytes, position, length) === length ? bytes : undefined;
  }

  #readInto(into: Buffer, position: number, length: number): number {
    let filled = 0;
    while (filled < length) {
      const read = readSync(this.#fd, into, filled, length - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }
}
