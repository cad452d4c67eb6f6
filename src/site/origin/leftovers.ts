/**
 * What a kill left on the disk or in the database that stands for nothing: removed at the start, before anybody can add to
 * it. A directory of a video that the database does not know stays: it may have been restored from an older backup, and
 * central still has the record.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import type { VideoId } from '../../protocol/ids.ts';
import { deleteVideo, listVideosInState, RETRIABLE, type SiteDatabase } from '../database/videos.ts';
import type { Storage } from './storage.ts';

export async function removeLeftovers(db: SiteDatabase, storage: Storage): Promise<void> {
  const present = new Set(await readdir(storage.videos));
  // Refused or withdrawn, and killed before its files were gone. What can be tried again keeps them.
  for (const { id, error_code } of await listVideosInState(db, ['failed', 'withdrawn'])) {
    if (present.has(id) && !RETRIABLE.has(error_code ?? ''))
      await rm(storage.directory(id as VideoId), { recursive: true, force: true });
  }
  // Announced, and killed before the answer: nobody knows its address, and its promise of space would stand for a week.
  for (const row of await listVideosInState(db, ['uploading'])) {
    const id = row.id as VideoId;
    if (!existsSync(storage.upload(id)) && !existsSync(storage.source(id))) await deleteVideo(db, id);
  }
}
