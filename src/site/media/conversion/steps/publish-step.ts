/** Joins the finished chunks of a job and publishes them as a revision. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listSteps, markJobDone } from '../../../database/jobs.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { Presentation } from '../../cut/cut.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import { parsePrepared } from '../../record/record.ts';
import { encodePlanSchema } from '../plan/encode-plan.ts';
import { chunkResultSchema } from './encode-step.ts';
import { publishRevision } from './publish-revision.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';
import { type ChunkFile, stitchChunks } from './stitch.ts';

/**
 * Publishes the finished chunks from the first one on, if they are more than was published before.
 *
 * @returns true if a record was written
 */
export async function publishChunks(deps: StepDeps, { claimed }: Pick<StepRun, 'claimed'>): Promise<boolean> {
  const { db, storage, converter } = deps;
  const { job, step } = claimed;
  const video = videoOf(claimed);
  const plan = encodePlanSchema.parse(JSON.parse(job.plan));
  const steps = (await listSteps(db, job.id)).filter(({ kind }) => kind === 'encode');
  const firstUnfinished = steps.findIndex(({ state }) => state !== 'done');
  const count = firstUnfinished === -1 ? steps.length : firstUnfinished;
  const isComplete = count === plan.chunks.length;
  const index = `${job.id}.${step.number}.index`;
  const directory = storage.directory(video);
  const row = await findVideo(db, video);
  if (!row || row.state === 'withdrawn') return false;
  const chunks: ChunkFile[] = steps
    .slice(0, count)
    .map(({ result }) => chunkResultSchema.parse(JSON.parse(result ?? 'null')) ?? undefined);
  // Chunks that another machine encoded are in the object store.
  for (const chunk of chunks) if (chunk) await storage.fetch(video, chunk.name);
  await stitchChunks(plan, directory, chunks, join(directory, index));
  const indexes = isComplete ? [...plan.before, index, ...plan.after] : [index];
  const { renditions, durationMs } = await describeRevision(directory, indexes);
  const before = parsePrepared(row);
  if (!before) throw new Error('the source of this video was never described');
  // A step that was repeated, or that ran after a later one, has nothing to add.
  const isPublished = before.renditions.length > 0 && before.durationMs >= durationMs;
  if (row.state === 'preparing' && !isComplete && isPublished) return false;
  const { fullDurationMs, ...kept } = before;
  const prepared: PreparedSource = {
    ...kept,
    durationMs: row.state === 'preparing' || plan.isGrowing ? durationMs : kept.durationMs,
    renditions,
    ...(isComplete || fullDurationMs === undefined ? {} : { fullDurationMs }),
  };
  const next =
    isComplete && plan.isGrowing
      ? await converter.planUpperLadder(video, plan, { prepared, index })
      : undefined;
  const isChanged = await publishRevision(deps, video, { indexes, prepared, isComplete, next });
  if (isComplete) {
    if (plan.isTemporary && !next) await storage.clear(video, plan.source);
    await markJobDone(db, job.id);
    await removeFailedAttempts(join(directory, job.id), chunks);
  }
  return isChanged;
}

async function describeRevision(directory: string, indexes: readonly string[]) {
  const presentation = await Presentation.open({ directory, indexes });
  try {
    return { renditions: presentation.renditions, durationMs: presentation.timeline.durationMs };
  } finally {
    await presentation.close();
  }
}

async function removeFailedAttempts(jobDirectory: string, chunks: readonly ChunkFile[]): Promise<void> {
  const kept = new Set(chunks.map(chunk => chunk?.name.split('/').at(-1)));
  for (const name of await readdir(jobDirectory).catch(() => [])) {
    if (!kept.has(name)) await rm(join(jobDirectory, name), { recursive: true, force: true });
  }
}
