/**
 * Typed jobs for ffmpeg and questions for ffprobe: which files, read by which demuxer, what is done to them, which files
 * come out. No word of an upload ever becomes a word of the command line, file names included.
 */
import { access, constants, lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import { SNIFF_BYTES, sniff } from '../containers/containers.ts';
import { type Args, type Demuxer, demuxerOf, inputArgs } from './allowed.ts';
import {
  DEFAULT_LIMITS,
  FfmpegFailed,
  type FfmpegProgress,
  PROGRESS_ARGS,
  type RunLimits,
  runFfmpeg,
} from './run.ts';
import { type Confinement, findConfinement, type Isolation, resolveProgram } from './sandbox.ts';

export interface MediaInput {
  readonly path: string;
  readonly demuxer: Demuxer;
  /** Before its `-i`: `-ss`, `-t`, `-threads` … */
  readonly options?: Args;
}

export interface MediaOutput {
  /** Within the job's directory. */
  readonly name: string;
  /** Maps, encoders, and `-f`: the muxer is always said. */
  readonly options: Args;
}

export interface FfmpegJob {
  readonly inputs: readonly MediaInput[];
  /** Before the outputs: `-filter_complex` … */
  readonly options?: Args;
  /** An empty directory that nothing else uses. */
  readonly directory: string;
  readonly outputs: readonly MediaOutput[];
  readonly limits?: Partial<RunLimits>;
  readonly abort?: AbortSignal;
  readonly onProgress?: (progress: FfmpegProgress) => void;
}

export interface MediaTools {
  readonly ffmpeg: string;
  /** Beside ffmpeg, or on the PATH; the packaged ffmpeg comes without. */
  readonly ffprobe: string | undefined;
  readonly confinement: Confinement;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const PROBE_LIMITS: Partial<RunLimits> = {
  cpuSeconds: 60,
  wallMs: 60_000,
  stallMs: 60_000,
  memoryBytes: 4 * 2 ** 30,
};

/** @returns undefined where there is no ffmpeg that can do what we ask of it */
export async function findMediaTools(
  options: { readonly env?: NodeJS.ProcessEnv; readonly isolation?: Isolation } = {},
): Promise<MediaTools | undefined> {
  const found = findFfmpeg(options.env);
  if (!found) return undefined;
  const ffmpeg = resolveProgram(found);
  const [ffprobe, confinement] = await Promise.all([findFfprobe(ffmpeg), findConfinement(options.isolation)]);
  return { ffmpeg, ffprobe, confinement };
}

async function findFfprobe(ffmpeg: string): Promise<string | undefined> {
  for (const path of [join(dirname(ffmpeg), 'ffprobe'), resolveProgram('ffprobe')]) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/**
 * How to read a file, by its first bytes alone.
 *
 * @returns undefined of what is no film
 */
export async function chooseDemuxer(path: string): Promise<Demuxer | undefined> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return demuxerOf(sniff(head.subarray(0, bytesRead)));
  } finally {
    await file.close();
  }
}

/**
 * Runs a conversion. What it has written is a plain file under each output's name, or nothing is left at all.
 *
 * @throws FfmpegFailed; the signal's reason when it is aborted
 */
export async function convert(tools: MediaTools, job: FfmpegJob): Promise<void> {
  for (const { name } of job.outputs) if (!NAME.test(name)) throw new RangeError(`no output name: ${name}`);
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

/**
 * What ffprobe says of a file, as JSON that is still to be parsed.
 *
 * @param words what to show: `-show_streams`, `-show_packets` …
 * @throws FfmpegFailed
 */
export async function probe(
  tools: MediaTools,
  { path, demuxer, options = [] }: MediaInput,
  words: Args,
  run: { readonly limits?: Partial<RunLimits>; readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  if (!tools.ffprobe) throw new FfmpegFailed('unavailable', 'there is no ffprobe');
  const args = ['-hide_banner', '-loglevel', 'error', '-of', 'json=compact=1', ...words];
  const output = await runFfmpeg({
    program: tools.ffprobe,
    args: [...args, ...inputArgs(path, demuxer, options)].map(String),
    reads: [path],
    writes: [],
    limits: { ...PROBE_LIMITS, ...run.limits },
    abort: run.signal,
    confinement: tools.confinement,
  });
  // The exit code was looked at first: ffprobe may fail and leave half a document.
  return JSON.parse(output);
}

async function requireOutputs(job: FfmpegJob, maxBytes: number): Promise<void> {
  const expected = new Set(job.outputs.map(({ name }) => name));
  for (const entry of await readdir(job.directory)) {
    const stats = await lstat(join(job.directory, entry));
    if (!stats.isFile() || !expected.delete(entry)) {
      throw new FfmpegFailed('failed', `it left ${entry}, which nobody asked for`);
    }
    if (stats.nlink !== 1) throw new FfmpegFailed('failed', `${entry} is another file's name`);
    if (stats.size >= maxBytes) throw new FfmpegFailed('output-exceeded', `${entry} has ${stats.size} bytes`);
  }
  const [missing] = expected;
  if (missing !== undefined) throw new FfmpegFailed('failed', `${missing} was not written`);
}
