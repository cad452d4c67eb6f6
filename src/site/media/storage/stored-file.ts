/** A file that is read by ranges, on a disk or in an object store. A `FileHandle` is one. */
export interface StoredFile {
  /** @returns `size` in bytes */
  stat(): Promise<{ readonly size: number }>;
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  readv(vectors: readonly Buffer[], position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** Opens a file of a video by its name in the video's directory. */
export type OpenFile = (name: string) => Promise<StoredFile>;
