/**
 * Ballast: a file that can be let go when the disk is full. Without it a full disk could not be mended from the studio:
 * a withdrawal writes before it frees anything. It is taken up again when there is space.
 */
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findStats, isDiskFull } from '../../kernel/files.ts';

const RESERVE_BYTES = 8 * 2 ** 20;
const CHUNK = Buffer.alloc(2 ** 20);

export interface DiskReserve {
  /** Does `work`; where the disk is too full for it, lets the ballast go and does it again. */
  withReserveReleased<T>(work: () => Promise<T>): Promise<T>;
  /** Takes the ballast up again, if so much is free beside what is to be kept free. */
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
        // Written out: a hole would hold no space.
        for (let at = 0; at < RESERVE_BYTES; at += CHUNK.length) await file.write(CHUNK, 0, CHUNK.length, at);
      } finally {
        await file?.close();
      }
    },
  };
}
