/**
 * What a kill left on the disk or in the database that stands for nothing: removed at the start, before anybody can add to
 * it. A directory of a video that the database does not know stays: it may have been restored from an older backup, and
 * central still has the record.
 */
import { existsSync } from 'node:fs';
import { markRemoved, OFFLOAD } from '../database/offloading.ts';
import {
  deleteUploading,
  listVideosInState,
  RETRIABLE,
  type SiteDatabase,
  SUPERSEDED,
} from '../database/videos.ts';
import type { Storage } from '../media/storage/storage.ts';

export async function removeOrphans(db: SiteDatabase, storage: Storage): Promise<void> {
  const present = new Set<string>(await storage.list());
  // Refused or withdrawn, and killed before its files were gone. What can be tried again keeps them.
  for (const { id, offloaded, error_code } of await listVideosInState(db, ['failed', 'withdrawn'])) {
    if (RETRIABLE.has(error_code ?? '') || error_code === SUPERSEDED) continue;
    if (!present.has(id) && !(storage.hasObjectStore && offloaded > OFFLOAD.no)) continue;
    await storage.remove(id);
    await markRemoved(db, id);
  }
  // Announced, and killed before the answer: nobody knows its address, and its promise of space would stand for a week.
  // With a disk gone nobody can say that.
  if (storage.disks.present().length < storage.disks.all.length) return;
  for (const row of await listVideosInState(db, ['uploading'])) {
    const id = row.id;
    if (!existsSync(storage.upload(id)) && !existsSync(storage.source(id))) await deleteUploading(db, id);
  }
}
