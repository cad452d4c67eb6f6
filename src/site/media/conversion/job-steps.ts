/** What a worker does with one step of a job: encode a chunk, copy into another container, or publish what is done. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { renameDurably, syncDirectory, syncFile } from '../../../kernel/files.ts';
import { newRevisionId, type VideoId } from '../../../protocol/ids.ts';
import { type ClaimedStep, insertJob, listSteps, markJobDone, type NewJob } from '../../database/jobs.ts';
import { changeVideo } from '../../database/records.ts';
import { insertRevisionWithExtras } from '../../database/revisions.ts';
import { findVideo, type SiteDatabase } from '../../database/videos.ts';
import { Presentation } from '../cut/cut.ts';
import type { Args } from '../ffmpeg/allowed.ts';
import { WRAPPED_CONTAINER } from '../ffmpeg/demuxers.ts';
import { convert, type MediaTools } from '../ffmpeg/ffmpeg.ts';
import { FfmpegFailed, type FfmpegProgress } from '../ffmpeg/run.ts';
import type { PreparedSource } from '../index/source-index.ts';
import { makeRecord } from '../intake/intake.ts';
import { SourceRejected } from '../source-rejected.ts';
import type { Storage } from '../storage/storage.ts';
import { inspectJob, type RemuxPlan } from './conversion.ts';
import type { Converter } from './converter.ts';
import { chunkOf, encodeArgs, HEADROOM_SECONDS, hasVideo } from './encode-args.ts';
import { encodePlanSchema } from './encode-plan.ts';
import { boundariesOf, type ChunkFile, stitchChunks } from './stitch.ts';

export interface StepDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly converter: Converter;
  readonly sourceAddress: string;
  readonly prepare: (sourcePath: string, indexPath: string, fileName?: string) => Promise<PreparedSource>;
  /** This machine does not see the site's disks: files come and go through the store behind them. */
  readonly isRemote?: boolean;
  /** Threads of one encoder. */
  readonly threads: number;
}

export interface StepRun {
  readonly abort: AbortSignal;
  readonly onProgress: (progress: FfmpegProgress) => void;
}

/** The work's result, and what is to be done once it is recorded. */
export type StepResult = { readonly result: unknown; readonly isPublished: boolean };

/** @throws whatever went wrong; the step may be tried again */
export async function runStep(context: StepDeps, claimed: ClaimedStep, run: StepRun): Promise<StepResult> {
  switch (claimed.step.kind) {
    case 'encode':
      return { result: await encodeChunk(context, claimed, run), isPublished: false };
    case 'remux':
      return { result: null, isPublished: await remux(context, claimed, run) };
    case 'inspect':
      await look(context, claimed);
      return { result: null, isPublished: false };
    case 'publish':
      return { result: null, isPublished: await publish(context, claimed) };
    default:
      throw new Error(`this version knows no step "${claimed.step.kind}"`);
  }
}

const videoOf = ({ job }: ClaimedStep): VideoId => job.video_id as VideoId;

const chunkResultSchema = z.union([
  z.null(),
  z.strictObject({ name: z.string(), sizeBytes: z.int().positive() }),
]);

const lookPlanSchema = z.strictObject({ source: z.string(), index: z.string() });

/** Finds out what a published source is still missing. */
async function look({ db, converter }: StepDeps, claimed: ClaimedStep): Promise<void> {
  const video = videoOf(claimed);
  const { source, index } = lookPlanSchema.parse(JSON.parse(claimed.job.plan));
  const row = await findVideo(db, video);
  if (row?.state !== 'ready' || !row.prepared) return;
  const found = await converter.inspect(video, source);
  const prepared = JSON.parse(row.prepared) as PreparedSource;
  const ladder = found && (await converter.planLadder(video, found, { prepared, index, source }));
  await db.transaction().execute(async transaction => {
    if (ladder) await insertJob(transaction, ladder);
  });
  await markJobDone(db, claimed.job.id);
}

/** One file with a track for each rung and each sound. Its name is of this attempt alone. */
async function encodeChunk(
  { storage, tools, threads, isRemote: isApart }: StepDeps,
  claimed: ClaimedStep,
  run: StepRun,
): Promise<z.infer<typeof chunkResultSchema>> {
  const { job, step } = claimed;
  const plan = encodePlanSchema.parse(JSON.parse(job.plan));
  const chunk = chunkOf(plan, step.number);
  if (!hasVideo(plan, chunk) && plan.audio.length === 0) return null;
  const video = videoOf(claimed);
  const directory = storage.directory(video);
  const home = join(directory, job.id);
  const name = `${step.number}-${step.attempts}.mp4`;
  const room = join(home, `${step.number}-${step.attempts}.part`);
  const words = encodeArgs(plan, chunk, {
    threads,
    boundaries: boundariesOf(plan, plan.durationSeconds),
  });
  await rm(room, { recursive: true, force: true });
  await mkdir(room, { recursive: true });
  try {
    await convert(tools, {
      inputs: [
        { path: await storage.fetch(video, plan.source), demuxer: plan.demuxer, options: words.input },
      ],
      options: words.common,
      directory: room,
      outputs: [{ name, options: words.output }],
      abort: run.abort,
      onProgress: progress =>
        run.onProgress({ ...progress, outMs: Math.max(0, progress.outMs - HEADROOM_SECONDS * 1_000) }),
    });
    const { size } = await stat(join(room, name));
    await syncFile(join(room, name));
    await renameDurably(join(room, name), join(home, name));
    await syncDirectory(directory);
    const file = { name: `${job.id}/${name}`, sizeBytes: size };
    if (isApart) {
      await storage.share(video, file.name);
      await storage.clear(video, file.name);
    }
    return file;
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** Publishes the chunks that are done from the first one on, if that is more than was published already. */
async function publish(context: StepDeps, claimed: ClaimedStep): Promise<boolean> {
  const { db, storage } = context;
  const { job } = claimed;
  const video = videoOf(claimed);
  const plan = encodePlanSchema.parse(JSON.parse(job.plan));
  const steps = (await listSteps(db, job.id)).filter(({ kind }) => kind === 'encode');
  const undone = steps.findIndex(({ state }) => state !== 'done');
  const count = undone === -1 ? steps.length : undone;
  const isWhole = count === plan.chunks.length;
  const index = `${job.id}.${claimed.step.number}.index`;
  const directory = storage.directory(video);
  const row = await findVideo(db, video);
  if (!row || row.state === 'withdrawn') return false;
  const chunks: ChunkFile[] = steps
    .slice(0, count)
    .map(({ result }) => chunkResultSchema.parse(JSON.parse(result ?? 'null')) ?? undefined);
  // Chunks that were made on another machine are in the store.
  for (const chunk of chunks) if (chunk) await storage.fetch(video, chunk.name);
  await stitchChunks(plan, directory, chunks, join(directory, index));
  const indexes = isWhole ? [...plan.before, index, ...plan.after] : [index];
  const { renditions, durationMs } = await describeRevision(directory, indexes);
  const before = row.prepared ? (JSON.parse(row.prepared) as PreparedSource) : undefined;
  if (!before) throw new Error('the video was never looked at');
  // A step that was tried again, or came after a later one, has nothing to add.
  if (
    row.state === 'preparing' &&
    !isWhole &&
    before.renditions.length > 0 &&
    before.durationMs >= durationMs
  ) {
    return false;
  }
  const { fullDurationMs, ...kept } = before;
  const prepared: PreparedSource = {
    ...kept,
    durationMs: row.state === 'preparing' || plan.isGrowing ? durationMs : kept.durationMs,
    renditions,
    ...(isWhole || fullDurationMs === undefined ? {} : { fullDurationMs }),
  };
  const next =
    isWhole && plan.isGrowing ? await context.converter.planUpperLadder(video, plan, index) : undefined;
  const isChanged = await publishRevision(context, video, indexes, prepared, isWhole, next);
  if (isWhole) {
    if (plan.isTemporary && !next) await storage.clear(video, plan.source);
    await markJobDone(db, job.id);
    await removeLeftovers(join(directory, job.id), chunks);
  }
  return isChanged;
}

async function publishRevision(
  context: StepDeps,
  video: VideoId,
  indexes: readonly string[],
  prepared: PreparedSource,
  isWhole: boolean,
  next: NewJob | undefined,
): Promise<boolean> {
  const { db } = context;
  const revision = newRevisionId();
  return changeVideo(
    db,
    video,
    ['preparing', 'ready'],
    {
      revision,
      prepared: JSON.stringify(prepared),
      error_code: null,
      error_detail: null,
      ...(isWhole ? { state: 'ready' as const } : {}),
    },
    fresh => makeRecord(fresh, context),
    Date.now(),
    async transaction => {
      await insertRevisionWithExtras(transaction, revision, video, indexes);
      if (next) await insertJob(transaction, next);
    },
  );
}

async function describeRevision(directory: string, indexes: readonly string[]) {
  const presentation = await Presentation.open({ directory, indexes });
  try {
    return { renditions: presentation.renditions, durationMs: presentation.timeline.durationMs };
  } finally {
    await presentation.close();
  }
}

/** What attempts that were not the last one left behind. */
async function removeLeftovers(directory: string, chunks: readonly ChunkFile[]): Promise<void> {
  const kept = new Set(chunks.map(chunk => chunk?.name.split('/').at(-1)));
  for (const name of await readdir(directory).catch(() => [])) {
    if (!kept.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** Copies frames into another container, below the video's directory. @returns the file's path */
async function copyFrames(
  { storage, tools }: StepDeps,
  claimed: ClaimedStep,
  run: StepRun,
  { plan, name }: { readonly plan: RemuxPlan; readonly name: string },
): Promise<string> {
  const video = videoOf(claimed);
  const directory = storage.directory(video);
  const room = join(directory, `${claimed.job.id}.${claimed.step.attempts}.part`);
  const options = plan.isWrapped && plan.demuxer === 'mpegvideo' ? ['-fflags', '+genpts'] : [];
  try {
    await rm(room, { recursive: true, force: true });
    await mkdir(room);
    await convert(tools, {
      inputs: [{ path: await storage.fetch(video, plan.source), demuxer: plan.demuxer, options }],
      directory: room,
      outputs: [{ name, options: plan.isWrapped ? wrapWords(plan) : remuxWords(plan) }],
      abort: run.abort,
      onProgress: run.onProgress,
    });
    await syncFile(join(room, name));
    await renameDurably(join(room, name), join(directory, name));
    return join(directory, name);
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** Frames without times get some, so that chunks can be begun anywhere: then it is encoded as any other source. */
async function wrap(context: StepDeps, claimed: ClaimedStep, run: StepRun, plan: RemuxPlan): Promise<void> {
  const { db, converter } = context;
  const { job, step } = claimed;
  const video = videoOf(claimed);
  const row = await findVideo(db, video);
  if (!row?.prepared || row.state === 'withdrawn') return;
  const wrapped = `${job.id}.${step.attempts}.mkv`;
  await copyFrames(context, claimed, run, { plan, name: wrapped });
  const found = await converter.inspect(video, wrapped);
  const look = found && { ...found, container: { ...found.container, ...WRAPPED_CONTAINER } };
  const next = look && (await converter.planPlayableVersion(video, look, { wrapped }));
  const seconds = look?.probed.durationSeconds;
  if (!next || seconds === undefined) throw new Error('there are no pictures in it');
  const durationMs = Math.max(1, Math.round(seconds * 1_000));
  const before = JSON.parse(row.prepared) as PreparedSource;
  const bitrateBps = Math.max(1, Math.round((before.sizeBytes * 8_000) / durationMs));
  const prepared = JSON.stringify({ ...before, durationMs, bitrateBps, fullDurationMs: durationMs });
  await changeVideo(db, video, ['preparing'], { prepared }, undefined, Date.now(), async transaction => {
    await insertJob(transaction, next);
  });
  await markJobDone(db, job.id);
}

/** What a copy is; or why it is none that can be served, and the source is to be decoded. */
type Copied =
  | { readonly prepared: PreparedSource }
  | { readonly prepared: undefined; readonly hasGaps: boolean; readonly fault: Error };

interface CopyNames {
  readonly plan: RemuxPlan;
  /** Below the video's directory. */
  readonly name: string;
  readonly index: string;
  /** As it was uploaded. */
  readonly fileName: string | undefined;
}

async function copySource(
  context: StepDeps,
  claimed: ClaimedStep,
  run: StepRun,
  { plan, name, index, fileName }: CopyNames,
): Promise<Copied> {
  const directory = context.storage.directory(videoOf(claimed));
  const output = join(directory, name);
  try {
    await copyFrames(context, claimed, run, { plan, name });
    const prepared = await context.prepare(output, join(directory, index), fileName);
    if (!prepared.hasGaps) return { prepared };
    await rm(output, { force: true });
    return { prepared: undefined, hasGaps: true, fault: new Error('frames are missing in the copy') };
  } catch (error) {
    await rm(output, { force: true });
    const isOfSource =
      error instanceof SourceRejected || (error instanceof FfmpegFailed && error.fault === 'failed');
    if (!isOfSource) throw error;
    return { prepared: undefined, hasGaps: false, fault: error };
  }
}

/** The source's own frames in a container that can be served: what comes out is published as the source is. */
async function remux(context: StepDeps, claimed: ClaimedStep, run: StepRun): Promise<boolean> {
  const plan = JSON.parse(claimed.job.plan) as RemuxPlan;
  if (plan.isWrapped) {
    await wrap(context, claimed, run, plan);
    return false;
  }
  const { converter, db } = context;
  const { job, step } = claimed;
  const video = videoOf(claimed);
  const name = `${job.id}.${step.attempts}.mp4`;
  const index = `${job.id}.${step.attempts}.index`;
  const row = await findVideo(db, video);
  if (!row || row.state === 'withdrawn') return false;
  const fileName = row.file_name ?? undefined;
  const copied = await copySource(context, claimed, run, { plan, name, index, fileName });
  if (!copied.prepared) {
    // A copy does not help: then it is decoded.
    const { hasGaps } = copied;
    const found = await converter.inspect(video);
    const rescue = found && (await converter.planPlayableVersion(video, found, { hasGaps }));
    if (!rescue) throw copied.fault;
    await changeVideo(db, video, ['preparing'], {}, undefined, Date.now(), async transaction => {
      await insertJob(transaction, rescue);
    });
    await markJobDone(db, job.id);
    return false;
  }
  const { prepared } = copied;
  const described = row.prepared ? (JSON.parse(row.prepared) as PreparedSource) : prepared;
  const { container, sizeBytes, bitrateBps, notes } = described;
  const isChanged = await publishRevision(
    context,
    video,
    [index],
    { ...prepared, container, sizeBytes, bitrateBps, notes: [...notes, ...prepared.notes] },
    true,
    inspectJob(video, name, index),
  );
  await markJobDone(db, job.id);
  return isChanged;
}

/** Of MPEG video the reader knows the times; of the others the order alone, and a decoder puts that right. */
const wrapWords = ({ demuxer }: RemuxPlan): Args => [
  ...['-map', '0:V:0', '-c:v', 'copy', ...(demuxer === 'mpegvideo' ? [] : ['-bsf:v', 'setts=pts=DTS'])],
  ...['-f', 'matroska'],
];

const remuxWords = (plan: RemuxPlan): Args => [
  ...(plan.hasVideo ? ['-map', '0:V:0', '-c:v', 'copy'] : []),
  ...plan.audio.flatMap(({ order, isCopied, kbps }, index) => [
    ...['-map', `0:a:${order}`, `-c:a:${index}`, isCopied ? 'copy' : 'aac'],
    ...(isCopied ? [] : [`-b:a:${index}`, `${kbps}k`, `-ac:a:${index}`, kbps > 64 ? 2 : 1]),
  ]),
  ...['-f', 'mp4'],
];
