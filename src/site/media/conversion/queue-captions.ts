/** Queues the creation of captions for a video. */
import { listDrafts } from '../../database/caption-drafts.ts';
import { parseExtras } from '../../database/extras.ts';
import { insertJob, listJobProgress } from '../../database/jobs.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { findVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { parsePrepared } from '../record/record.ts';
import type { Storage } from '../storage/storage.ts';
import { planCaptions } from './plan/plan-captions.ts';

const MAX_JOBS = 50;

export const hasAudio = (row: Pick<VideoRow, 'prepared'>): boolean =>
  parsePrepared(row)?.renditions.some(({ kind }) => kind === 'audio') ?? false;

/** The newest job of this kind. */
export async function findCaptionsJob(db: SiteDatabase, row: Pick<VideoRow, 'id'>) {
  const jobs = await listJobProgress(db, { video: row.id, limit: MAX_JOBS });
  return jobs
    .filter(({ kind }) => kind === 'captions')
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .at(0);
}

/** @returns the id of the job */
export function queueCaptions(
  db: SiteDatabase,
  { sourceName }: Pick<Storage, 'sourceName'>,
  row: Pick<VideoRow, 'id' | 'prepared'>,
  language: string | undefined,
): Promise<string> {
  const { durationMs = 0 } = parsePrepared(row) ?? {};
  const plan = planCaptions({ video: row.id, source: sourceName, durationMs, language });
  return db.transaction().execute(transaction => insertJob(transaction, plan));
}

/** For a new video: unless it has captions or drafts, or had such a job. @returns true if a job was added */
export async function queueCaptionsIfNone(
  db: SiteDatabase,
  storage: Pick<Storage, 'sourceName'>,
  id: VideoRow['id'],
): Promise<boolean> {
  const row = await findVideo(db, id);
  if (row?.state !== 'ready' || !hasAudio(row) || parseExtras(row.extras).captions.length > 0) return false;
  if ((await listDrafts(db, id)).length > 0 || (await findCaptionsJob(db, row))) return false;
  await queueCaptions(db, storage, row, row.language ?? undefined);
  return true;
}
