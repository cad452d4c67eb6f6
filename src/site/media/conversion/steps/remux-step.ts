/**
 * Copies a source's frames into another container. The copy is published like a source; a copy of a stream without timestamps is
 * encoded instead.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { renameDurably, syncFile } from '../../../../kernel/files.ts';
import { insertJob, markJobDone, type NewJob } from '../../../database/jobs.ts';
import { changeVideo } from '../../../database/publication/records.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { type Args, convert, FfmpegFailed, WRAPPED_CONTAINER } from '../../ffmpeg/ffmpeg.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import { parsePrepared } from '../../record/record.ts';
import { SourceRejected } from '../../source-rejected.ts';
import { inspectJob } from '../plan/plan-encode.ts';
import { type RemuxPlan, remuxPlanSchema } from '../plan/plan-remux.ts';
import { publishRevision } from './publish-revision.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';

/** @returns true if a record was written */
export async function remux(deps: StepDeps, run: StepRun): Promise<boolean> {
  const { db, converter } = deps;
  const { job, step } = run.claimed;
  const plan = remuxPlanSchema.parse(JSON.parse(job.plan));
  if (plan.isWrapped) {
    await wrap(deps, run, plan);
    return false;
  }
  const video = videoOf(run.claimed);
  const name = `${job.id}.${step.attempts}.mp4`;
  const index = `${job.id}.${step.attempts}.index`;
  const row = await findVideo(db, video);
  if (!row || row.state === 'withdrawn') return false;
  const copy = await copySource(deps, run, { plan, name, index, fileName: row.file_name ?? undefined });
  if (!copy.prepared) {
    // A copy does not help, so the source is decoded and encoded.
    const found = await converter.inspect(video, parsePrepared(row));
    const next = found && (await converter.planPlayableVersion(video, found, { hasGaps: copy.hasGaps }));
    if (!next) throw copy.fault;
    await replaceJob(deps, run, next);
    return false;
  }
  const { container, sizeBytes, bitrateBps, notes, videoTrack } = parsePrepared(row) ?? copy.prepared;
  const isChanged = await publishRevision(deps, video, {
    indexes: [index],
    prepared: {
      ...copy.prepared,
      container,
      sizeBytes,
      bitrateBps,
      notes: [...notes, ...copy.prepared.notes],
      ...(videoTrack ? { videoTrack } : {}),
    },
    isComplete: true,
    next: inspectJob(video, name, index),
  });
  await markJobDone(db, job.id);
  return isChanged;
}

/** Copies a stream into a container with timestamps, so that chunks can start anywhere, and has the copy encoded. */
async function wrap(deps: StepDeps, run: StepRun, plan: RemuxPlan): Promise<void> {
  const { db, converter } = deps;
  const { job, step } = run.claimed;
  const video = videoOf(run.claimed);
  const row = await findVideo(db, video);
  const before = row && parsePrepared(row);
  if (!before || row.state === 'withdrawn') return;
  const wrapped = `${job.id}.${step.attempts}.mkv`;
  await copyFrames(deps, run, plan, wrapped);
  const probe = await converter.inspect(video, { source: wrapped });
  const found = probe && { ...probe, container: { ...probe.container, ...WRAPPED_CONTAINER } };
  const next = found && (await converter.planPlayableVersion(video, found, { wrapped }));
  const seconds = found?.probed.durationSeconds;
  if (!next || seconds === undefined) throw new Error('it contains no video');
  const durationMs = Math.max(1, Math.round(seconds * 1_000));
  const bitrateBps = Math.max(1, Math.round((before.sizeBytes * 8_000) / durationMs));
  const prepared = JSON.stringify({ ...before, durationMs, bitrateBps, fullDurationMs: durationMs });
  await replaceJob(deps, run, next, { prepared });
}

/** Adds a job that continues this one, which is then done. */
async function replaceJob(
  { db }: StepDeps,
  { claimed }: StepRun,
  next: NewJob,
  changes: { readonly prepared?: string } = {},
): Promise<void> {
  const video = videoOf(claimed);
  await changeVideo(db, video, {
    onlyFrom: ['preparing'],
    changes,
    nowMs: Date.now(),
    also: async transaction => {
      await insertJob(transaction, next);
    },
  });
  await markJobDone(db, claimed.job.id);
}

/** A copy that can be published; or the reason why it cannot, and the source must be decoded. */
type Copy =
  | { readonly prepared: PreparedSource }
  | { readonly prepared: undefined; readonly hasGaps: boolean; readonly fault: Error };

interface CopyTarget {
  readonly plan: RemuxPlan;
  /** Names in the video's directory. */
  readonly name: string;
  readonly index: string;
  /** The name under which the source was uploaded. */
  readonly fileName: string | undefined;
}

async function copySource(
  deps: StepDeps,
  run: StepRun,
  { plan, name, index, fileName }: CopyTarget,
): Promise<Copy> {
  const directory = deps.storage.directory(videoOf(run.claimed));
  const output = join(directory, name);
  try {
    await copyFrames(deps, run, plan, name);
    const prepared = await deps.prepare(output, join(directory, index), fileName);
    if (!prepared.hasGaps) return { prepared };
    await rm(output, { force: true });
    return { prepared: undefined, hasGaps: true, fault: new Error('frames are missing in the copy') };
  } catch (error) {
    await rm(output, { force: true });
    const isCausedBySource =
      error instanceof SourceRejected || (error instanceof FfmpegFailed && error.fault === 'failed');
    if (!isCausedBySource) throw error;
    return { prepared: undefined, hasGaps: false, fault: error };
  }
}

/** @param name of the copy, in the video's directory */
async function copyFrames(
  { storage, tools }: StepDeps,
  { claimed, abort, onProgress }: StepRun,
  plan: RemuxPlan,
  name: string,
): Promise<void> {
  const video = videoOf(claimed);
  const directory = storage.directory(video);
  const workDirectory = join(directory, `${claimed.job.id}.${claimed.step.attempts}.part`);
  const options = plan.isWrapped && plan.demuxer === 'mpegvideo' ? ['-fflags', '+genpts'] : [];
  try {
    await rm(workDirectory, { recursive: true, force: true });
    await mkdir(workDirectory);
    await convert(tools, {
      inputs: [{ path: await storage.fetch(video, plan.source), demuxer: plan.demuxer, options }],
      directory: workDirectory,
      outputs: [{ name, options: plan.isWrapped ? wrapArgs(plan) : remuxArgs(plan) }],
      abort,
      onProgress,
    });
    await syncFile(join(workDirectory, name));
    await renameDurably(join(workDirectory, name), join(directory, name));
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

/** MPEG video has presentation times. Of other streams only the order of the frames is known; the decoder corrects that. */
const wrapArgs = ({ demuxer }: RemuxPlan): Args => [
  ...['-map', '0:V:0', '-c:v', 'copy', ...(demuxer === 'mpegvideo' ? [] : ['-bsf:v', 'setts=pts=DTS'])],
  ...['-f', 'matroska'],
];

const remuxArgs = (plan: RemuxPlan): Args => [
  ...(plan.hasVideo ? ['-map', `0:V:${plan.videoOrder ?? 0}`, '-c:v', 'copy'] : []),
  ...plan.audio.flatMap(({ order, isCopied, kbps }, index) => [
    ...['-map', `0:a:${order}`, `-c:a:${index}`, isCopied ? 'copy' : 'aac'],
    // The language and the name of the track. They are validated when the copy is described.
    ...[`-map_metadata:s:a:${index}`, `0:s:a:${order}`],
    ...(isCopied ? [] : [`-b:a:${index}`, `${kbps}k`, `-ac:a:${index}`, kbps > 64 ? 2 : 1]),
  ]),
  ...['-f', 'mp4'],
];
