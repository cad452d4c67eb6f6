/**
 * The disk reserve is a file that can be deleted when the disk is full. Without it, a full disk could not be freed from the
 * studio, because a withdrawal writes to the database before it frees space. The file is written again when there is space.
 */
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findStats, isDiskFull } from '../../kernel/files.ts';

const RESERVE_BYTES = 8 * 2 ** 20;
const CHUNK = Buffer.alloc(2 ** 20);

export interface DiskReserve {
  /** Runs `work`. If the disk is too full for it, deletes the reserve and runs `work` again. */
  withReserveReleased<T>(work: () => Promise<T>): Promise<T>;
  /** Writes the reserve again, if `keepFreeBytes` stay free after that. */
  restore(keepFreeBytes: number): Promise<void>;
}

export function createDiskReserve(path: string): DiskReserve {
  return {
    async withReserveReleased(work) {
      try {
        return await work();
      } catch (error) {
        if (!isDiskFull(error) || !(await findStats(path))) throw error;
        await rm(path, { force: true });
        return work();
      }
    },
    async restore(keepFreeBytes) {
      const { bavail, bsize } = await statfs(dirname(path));
      const freeBytes = bavail * bsize;
      if (freeBytes < keepFreeBytes + RESERVE_BYTES || (await findStats(path))?.size === RESERVE_BYTES)
        return;
      let file: FileHandle | undefined;
      try {
        file = await open(path, 'w');
        // The file is written in full, because a sparse file would not occupy the space.
        for (let at = 0; at < RESERVE_BYTES; at += CHUNK.length) await file.write(CHUNK, 0, CHUNK.length, at);
      } finally {
        await file?.close();
      }
    },
  };
}
