/**
 * Typed jobs for ffmpeg: the input files with the demuxer that reads each, the options, and the output files. No text of
 * an upload, not even its file name, becomes part of the command line.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Demuxer } from './demuxers.ts';
import { FfmpegFailed } from './failure.ts';
import { type Args, inputArgs } from './input-args.ts';
import type { MediaTools } from './media-tools.ts';
import { type FfmpegProgress, PROGRESS_ARGS } from './progress.ts';
import { DEFAULT_LIMITS, type RunLimits, runFfmpeg } from './run.ts';

export interface MediaInput {
  readonly path: string;
  readonly demuxer: Demuxer;
  /** Before its `-i`: `-ss`, `-t`, `-threads` … */
  readonly options?: Args;
}

interface MediaOutput {
  /** A name in the job's directory. */
  readonly name: string;
  /** Maps, encoders and `-f`, which is always given. */
  readonly options: Args;
}

export interface FfmpegJob {
  readonly inputs: readonly MediaInput[];
  /** Before the outputs: `-filter_complex` … */
  readonly options?: Args;
  /** An empty directory that nothing else uses. */
  readonly directory: string;
  readonly outputs: readonly MediaOutput[];
  readonly limits?: Partial<RunLimits> | undefined;
  readonly abort?: AbortSignal | undefined;
  readonly onProgress?: (progress: FfmpegProgress) => void;
}

const OUTPUT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Runs a job. Afterwards its directory contains one regular file for each output, or nothing if the job failed.
 *
 * @throws FfmpegFailed
 * @throws the reason of `abort` when it is aborted
 */
export async function convert(tools: MediaTools, job: FfmpegJob): Promise<void> {
  for (const { name } of job.outputs) {
    if (!OUTPUT_NAME.test(name)) throw new RangeError(`invalid output name: ${name}`);
  }
  const args: Args = [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...PROGRESS_ARGS, '-y'],
    ...job.inputs.flatMap(({ path, demuxer, options = [] }) => inputArgs(path, demuxer, options)),
    ...(job.options ?? []),
    ...job.outputs.flatMap(({ name, options }) => [
      ...['-map_metadata', '-1', '-map_chapters', '-1', '-protocol_whitelist', 'file'],
      ...options,
      `file:${join(job.directory, name)}`,
    ]),
  ];
  try {
    await runFfmpeg({
      program: tools.ffmpeg,
      args: args.map(String),
      reads: job.inputs.map(({ path }) => path),
      writes: [job.directory],
      limits: job.limits,
      abort: job.abort,
      onProgress: progress => job.onProgress?.(progress),
      confinement: tools.confinement,
    });
    await requireOutputs(job, { ...DEFAULT_LIMITS, ...job.limits }.fileBytes);
  } catch (error) {
    for (const entry of await readdir(job.directory)) {
      await rm(join(job.directory, entry), { recursive: true, force: true });
    }
    throw error;
  }
}

/** A decoder that was taken over could leave links or further files: only the expected regular files are accepted. */
async function requireOutputs(job: FfmpegJob, maxBytes: number): Promise<void> {
  const expected = new Set(job.outputs.map(({ name }) => name));
  for (const entry of await readdir(job.directory)) {
    const stats = await lstat(join(job.directory, entry));
    if (!stats.isFile() || !expected.delete(entry)) {
      throw new FfmpegFailed('failed', `unexpected output: ${entry}`);
    }
    if (stats.nlink !== 1) throw new FfmpegFailed('failed', `${entry} is a hard link to another file`);
    if (stats.size >= maxBytes) throw new FfmpegFailed('output-exceeded', `${entry} has ${stats.size} bytes`);
  }
  const [missing] = expected;
  if (missing !== undefined) throw new FfmpegFailed('failed', `${missing} was not written`);
}
