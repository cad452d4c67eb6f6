/** Encodes one chunk into one file with a track for each rendition and each audio track. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { renameDurably, syncDirectory, syncFile } from '../../../../kernel/files.ts';
import { convert } from '../../ffmpeg/ffmpeg.ts';
import { encodePlanSchema, listBoundaries } from '../plan/encode-plan.ts';
import { encodeArgs, findVideoTrack, getChunk, HEADROOM_SECONDS } from './encode-args.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';

/** Null for a chunk in which no track has anything. */
export const chunkResultSchema = z.union([
  z.null(),
  z.strictObject({
    /** A name in the video's directory. */
    name: z.string(),
    sizeBytes: z.int().positive(),
  }),
]);

/** The file's name is unique to this attempt. */
export async function encodeChunk(
  { storage, tools, threads, isRemote }: StepDeps,
  { claimed, abort, onProgress }: StepRun,
): Promise<z.infer<typeof chunkResultSchema>> {
  const { job, step } = claimed;
  const plan = encodePlanSchema.parse(JSON.parse(job.plan));
  const chunk = getChunk(plan, step.number);
  if (!findVideoTrack(plan, chunk) && plan.audio.length === 0) return null;
  const video = videoOf(claimed);
  const directory = storage.directory(video);
  const jobDirectory = join(directory, job.id);
  const name = `${step.number}-${step.attempts}.mp4`;
  const workDirectory = join(jobDirectory, `${step.number}-${step.attempts}.part`);
  const boundaries = listBoundaries(plan, plan.durationSeconds);
  const args = encodeArgs(plan, chunk, { threads, boundaries });
  await rm(workDirectory, { recursive: true, force: true });
  await mkdir(workDirectory, { recursive: true });
  try {
    await convert(tools, {
      inputs: [{ path: await storage.fetch(video, plan.source), demuxer: plan.demuxer, options: args.input }],
      options: args.common,
      directory: workDirectory,
      outputs: [{ name, options: args.output }],
      abort,
      onProgress: progress =>
        onProgress({ ...progress, outMs: Math.max(0, progress.outMs - HEADROOM_SECONDS * 1_000) }),
    });
    const { size } = await stat(join(workDirectory, name));
    await syncFile(join(workDirectory, name));
    await renameDurably(join(workDirectory, name), join(jobDirectory, name));
    await syncDirectory(directory);
    const file = { name: `${job.id}/${name}`, sizeBytes: size };
    if (isRemote) {
      await storage.share(video, file.name);
      await storage.clear(video, file.name);
    }
    return file;
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}
