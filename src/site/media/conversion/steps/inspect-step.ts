/** Finds out which renditions a published source lacks, and adds a job for them. */
import * as z from 'zod';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import { insertJob, markJobDone, type NewJob } from '../../../database/jobs.ts';
import { changeVideo } from '../../../database/publication/records.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { parsePrepared } from '../../record/record.ts';
import { SourceRejected } from '../../source-rejected.ts';
import type { Converter } from '../plan/converter.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';

const inspectPlanSchema = z.strictObject({ source: z.string(), index: z.string() });

async function findLadder(
  converter: Converter,
  video: VideoId,
  file: Parameters<Converter['planLadder']>[2],
): Promise<NewJob | undefined> {
  const { source, prepared } = file;
  const found = await converter.inspect(video, { source, videoTrack: prepared.videoTrack });
  return found && converter.planLadder(video, found, file);
}

export async function inspectSource(
  { db, converter }: StepDeps,
  { claimed }: Pick<StepRun, 'claimed'>,
): Promise<void> {
  const video = videoOf(claimed);
  const { source, index } = inspectPlanSchema.parse(JSON.parse(claimed.job.plan));
  const row = await findVideo(db, video);
  const prepared = row?.state === 'ready' ? parsePrepared(row) : undefined;
  if (!prepared) return;
  const ladder = await findLadder(converter, video, { prepared, source, index }).catch(async error => {
    if (!(error instanceof SourceRejected)) throw error;
    // The source stays published, because browsers may play more than this site converts.
    const notes = [...prepared.notes, `No further renditions were made. ${error.message}`];
    const changes = { prepared: JSON.stringify({ ...prepared, notes }) };
    await changeVideo(db, video, { onlyFrom: ['ready'], changes, nowMs: Date.now() });
    return undefined;
  });
  await db.transaction().execute(async transaction => {
    if (ladder) await insertJob(transaction, ladder);
  });
  await markJobDone(db, claimed.job.id);
}
