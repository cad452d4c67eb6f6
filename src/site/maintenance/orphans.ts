/**
 * Removes orphans at the start: files and rows that a kill has left behind. The directory of a video that the database does not
 * know is kept, because the database may have been restored from an older backup, and central still has the record.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { markRemoved, OFFLOAD } from '../database/tables/offloading.ts';
import { findUpload } from '../database/tables/uploads.ts';
import {
  deleteUploading,
  listVideosInState,
  RETRIABLE,
  type SiteDatabase,
  SUPERSEDED,
} from '../database/tables/videos.ts';
import type { Storage } from '../media/storage/storage.ts';

export async function removeOrphans(db: SiteDatabase, storage: Storage): Promise<void> {
  const present = new Set<string>(await storage.list());
  // The process was killed before it had deleted the files of a rejected or withdrawn video. A video that can be retried keeps them.
  for (const { id, offloaded, error_code } of await listVideosInState(db, ['failed', 'withdrawn'])) {
    if (RETRIABLE.has(error_code ?? '') || error_code === SUPERSEDED) continue;
    if (!present.has(id) && !(storage.hasObjectStore && offloaded > OFFLOAD.no)) continue;
    await storage.remove(id);
    await markRemoved(db, id);
  }
  // The process was killed before it had responded to a new upload. No client knows its address, and it would reserve space for
  // a week. If a disk is unavailable, the upload may be there.
  if (storage.disks.present().length < storage.disks.all.length) return;
  for (const row of await listVideosInState(db, ['uploading'])) {
    const id = row.id;
    if (existsSync(storage.source(id))) continue;
    // A concatenation that was interrupted: its client sends it again, and the partial uploads still exist.
    const isFinal = (await findUpload(db, id))?.concat?.startsWith('final;') === true;
    if (isFinal) await rm(storage.upload(id), { force: true });
    if (isFinal || !existsSync(storage.upload(id))) await deleteUploading(db, id);
  }
}
