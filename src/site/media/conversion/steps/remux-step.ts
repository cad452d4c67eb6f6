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
import {
  type Args,
  type ClockPeriod,
  convert,
  FfmpegFailed,
  GENERATE_TIMES,
  WRAPPED_CONTAINER,
} from '../../ffmpeg/ffmpeg.ts';
import { isServable, type PreparedSource } from '../../index/source-index.ts';
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
    const wrapped = plan.isTemporary ? plan.source : undefined;
    const found = await converter.inspect(video, { ...parsePrepared(row), source: plan.source });
    const next =
      found && (await converter.planPlayableVersion(video, found, { hasGaps: copy.hasGaps, wrapped }));
    if (!next) throw copy.fault;
    await replaceJob(deps, run, next.job);
    return false;
  }
  const before = parsePrepared(row) ?? copy.prepared;
  const { container, sizeBytes, bitrateBps, notes, videoTrack } = before;
  const { originSeconds = 0 } = copy.prepared;
  const isChanged = await publishRevision(deps, video, {
    indexes: [index],
    prepared: {
      ...copy.prepared,
      uploadOriginSeconds: (before.originSeconds ?? 0) + originSeconds,
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
  if (plan.isTemporary) await deps.storage.clear(video, plan.source);
  return isChanged;
}

/** Copies a stream into a container with continuous timestamps, so that chunks can start anywhere, and has the copy encoded. */
async function wrap(deps: StepDeps, run: StepRun, plan: RemuxPlan): Promise<void> {
  const { db, converter } = deps;
  const { job, step } = run.claimed;
  const video = videoOf(run.claimed);
  const row = await findVideo(db, video);
  const before = row && parsePrepared(row);
  if (!before || row.state === 'withdrawn') return;
  const wrapped = `${job.id}.${step.attempts}.${plan.join?.container === 'mpegts' ? 'ts' : 'mkv'}`;
  await copyFrames(deps, run, plan, wrapped);
  const probe = await converter.inspect(video, { source: wrapped });
  const found = plan.join
    ? probe
    : probe && { ...probe, container: { ...probe.container, ...WRAPPED_CONTAINER } };
  // The frames of a recording may be playable, once they have continuous timestamps.
  const code = plan.join ? 'container-unsupported' : undefined;
  const next = found && (await converter.planPlayableVersion(video, found, { code, wrapped }));
  if (next?.durationMs === undefined) throw new Error('it contains neither video nor audio');
  const { job: encoding, durationMs } = next;
  const bitrateBps = Math.max(1, Math.round((before.sizeBytes * 8_000) / durationMs));
  const prepared = JSON.stringify({ ...before, durationMs, bitrateBps, fullDurationMs: durationMs });
  await replaceJob(deps, run, encoding, { prepared });
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
    if (isServable(prepared)) return { prepared };
    await rm(output, { force: true });
    const fault = new Error('players would not play the copy as it is');
    return { prepared: undefined, hasGaps: prepared.hasGaps ?? false, fault };
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
  const options = plan.join || (plan.isWrapped && plan.demuxer === 'mpegvideo') ? GENERATE_TIMES : [];
  try {
    await rm(workDirectory, { recursive: true, force: true });
    await mkdir(workDirectory);
    await convert(tools, {
      inputs: [{ path: await storage.fetch(video, plan.source), demuxer: plan.demuxer, options }],
      // The times of the container are kept. Without this, ffmpeg changes them where a track has a gap.
      options: plan.join || plan.startSeconds !== undefined ? ['-copyts'] : [],
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

/** A copy for the encoder. */
function wrapArgs({ demuxer, hasVideo, videoOrder = 0, join, audio }: RemuxPlan): Args {
  if (join) {
    return [
      // Packets are counted, so frames before the first key frame are copied too.
      ...(hasVideo ? ['-map', `0:V:${videoOrder}`, '-c:v', 'copy', '-copyinkf:v'] : []),
      ...(hasVideo ? periodArgs('v', join.video) : []),
      ...audio.flatMap(({ order }, index) => [
        ...['-map', `0:a:${order}`, `-c:a:${index}`, 'copy', ...periodArgs(`a:${index}`, join.audio[index])],
        ...[`-map_metadata:s:a:${index}`, `0:s:a:${order}`],
      ]),
      ...(join.container === 'mpegts' ? ['-muxdelay', 0, '-muxpreload', 0] : []),
      ...['-f', join.container],
    ];
  }
  // MPEG video has presentation times. Of other streams only the order of the frames is known; the decoder corrects that.
  return [
    ...['-map', '0:V:0', '-c:v', 'copy', ...(demuxer === 'mpegvideo' ? [] : ['-bsf:v', 'setts=pts=DTS'])],
    ...['-f', 'matroska'],
  ];
}

const remuxArgs = ({ hasVideo, videoOrder = 0, audio, startSeconds }: RemuxPlan): Args => [
  ...(hasVideo ? ['-map', `0:V:${videoOrder}`, '-c:v', 'copy'] : []),
  ...audio.flatMap(({ order, isCopied, kbps }, index) => [
    ...['-map', `0:a:${order}`, `-c:a:${index}`, isCopied ? 'copy' : 'aac'],
    // The language and the name of the track. They are validated when the copy is described.
    ...[`-map_metadata:s:a:${index}`, `0:s:a:${order}`],
    ...(isCopied ? [] : [`-b:a:${index}`, `${kbps}k`, `-ac:a:${index}`, kbps > 64 ? 2 : 1]),
  ]),
  ...(startSeconds === undefined ? [] : ['-output_ts_offset', (-startSeconds).toFixed(6)]),
  ...['-f', 'mp4'],
];

/** Moves the packets of each period of the clock to the time at which they are shown. */
function periodArgs(stream: string, periods: readonly ClockPeriod[] = []): Args {
  let before = 0;
  const shift = periods.map(({ firstPacket, addSeconds }) => {
    const change = addSeconds - before;
    before = addSeconds;
    return `gte(N,${firstPacket})*round(${change.toFixed(6)}/TB)`;
  });
  if (shift.length === 0) return [];
  // Where two periods meet, ffmpeg delays the decoding of the first frames until after the last ones of the period before.
  const options = [
    `pts='if(eq(PTS,NOPTS),NOPTS,PTS+${shift.join('+')})'`,
    `dts='if(eq(DTS,NOPTS),NOPTS,DTS+${shift.join('+')})'`,
  ];
  return [`-bsf:${stream}`, `setts=${options.join(':')}`];
}
