/** Finds out which renditions a published source lacks, and adds a job for them. */
import * as z from 'zod';
import { insertJob, markJobDone } from '../../../database/jobs.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { parsePrepared } from '../../record/record.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';

const inspectPlanSchema = z.strictObject({ source: z.string(), index: z.string() });

export async function inspectSource(
  { db, converter }: StepDeps,
  { claimed }: Pick<StepRun, 'claimed'>,
): Promise<void> {
  const video = videoOf(claimed);
  const { source, index } = inspectPlanSchema.parse(JSON.parse(claimed.job.plan));
  const row = await findVideo(db, video);
  const prepared = row?.state === 'ready' ? parsePrepared(row) : undefined;
  if (!prepared) return;
  const found = await converter.inspect(video, { source, videoTrack: prepared.videoTrack });
  const ladder = found && (await converter.planLadder(video, found, { prepared, index, source }));
  await db.transaction().execute(async transaction => {
    if (ladder) await insertJob(transaction, ladder);
  });
  await markJobDone(db, claimed.job.id);
}
