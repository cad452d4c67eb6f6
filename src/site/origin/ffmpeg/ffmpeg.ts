/**
 * The one way to ffmpeg and ffprobe. A job is typed: which files, read by which demuxer, what is done to them, which
 * files come out. No word of an upload ever becomes a word of the command line, file names included.
 */
import { spawnSync } from 'node:child_process';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import { SNIFF_BYTES, sniff } from '../sniff.ts';
import { CODEC_WHITELIST, type Demuxer, demuxerOf, MAX_PIXELS, MAX_STREAMS } from './allowed.ts';
import {
  type Confinement,
  findConfinement,
  type Isolation,
  nameInRoom,
  type Room,
  resolveProgram,
} from './isolation.ts';
import { DEFAULT_LIMITS, MediaRunFailed, type Progress, type RunLimits, runConfined } from './run.ts';

/** Words that our own code wrote, and numbers. */
export type Words = readonly (string | number)[];

export interface MediaInput {
  readonly path: string;
  readonly demuxer: Demuxer;
  /** Before its `-i`: `-ss`, `-t`, `-threads` … */
  readonly options?: Words;
}

export interface MediaOutput {
  /** Within the job's directory. */
  readonly name: string;
  /** Maps, encoders, and `-f`: the muxer is always said. */
  readonly options: Words;
}

export interface FfmpegJob {
  readonly inputs: readonly MediaInput[];
  /** Before the outputs: `-filter_complex` … */
  readonly options?: Words;
  /** An empty directory that nothing else uses. */
  readonly directory: string;
  readonly outputs: readonly MediaOutput[];
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
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
const MAX_PROBE_BYTES = 4 * 2 ** 20;

/** @returns undefined where there is no ffmpeg that can do what we ask of it */
export async function findMediaTools(
  options: { readonly env?: NodeJS.ProcessEnv; readonly isolation?: Isolation } = {},
): Promise<MediaTools | undefined> {
  const found = findFfmpeg(options.env);
  if (!found) return undefined;
  const ffmpeg = resolveProgram(found);
  return { ffmpeg, ffprobe: findFfprobe(ffmpeg), confinement: await findConfinement(options.isolation) };
}

function findFfprobe(ffmpeg: string): string | undefined {
  const candidates = [join(dirname(ffmpeg), 'ffprobe'), resolveProgram('ffprobe')];
  return candidates.find(path => spawnSync(path, ['-version'], { timeout: 10_000 }).status === 0);
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
 * Runs a job. What it has written is a plain file under each output's name, or nothing is left at all.
 *
 * @throws MediaRunFailed; the signal's reason when it is aborted
 */
export async function runFfmpeg(tools: MediaTools, job: FfmpegJob): Promise<void> {
  for (const { name } of job.outputs) if (!NAME.test(name)) throw new RangeError(`no output name: ${name}`);
  for (const { path } of job.inputs) await requirePlainFile(path);
  const room: Room = { inputs: job.inputs.map(({ path }) => path), output: job.directory };
  const name = nameInRoom(tools.confinement.isolation, room);
  const args: Words = [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-progress', 'pipe:1', '-y'],
    ...job.inputs.flatMap((input, index) => inputWords(input, name.input(index))),
    ...(job.options ?? []),
    ...job.outputs.flatMap(output => [
      ...['-map_metadata', '-1', '-map_chapters', '-1', '-protocol_whitelist', 'file'],
      ...output.options,
      `file:${name.output(output.name)}`,
    ]),
  ];
  try {
    await runConfined(
      tools.confinement,
      room,
      { program: tools.ffmpeg, args: args.map(String) },
      { limits: { ...DEFAULT_LIMITS, ...job.limits }, signal: job.signal, onProgress: job.onProgress },
    );
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
 * @throws MediaRunFailed
 */
export async function runFfprobe(
  tools: MediaTools,
  input: MediaInput,
  words: Words,
  options: { readonly limits?: Partial<RunLimits>; readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  if (!tools.ffprobe) throw new MediaRunFailed('unavailable', 'there is no ffprobe');
  await requirePlainFile(input.path);
  const room: Room = { inputs: [input.path] };
  const path = nameInRoom(tools.confinement.isolation, room).input(0);
  const args = [
    '-hide_banner',
    '-loglevel',
    'error',
    '-of',
    'json=compact=1',
    ...words,
    ...inputWords(input, path),
  ];
  const output = await runConfined(
    tools.confinement,
    room,
    { program: tools.ffprobe, args: args.map(String) },
    {
      limits: { ...DEFAULT_LIMITS, ...PROBE_LIMITS, ...options.limits },
      signal: options.signal,
      captureBytes: MAX_PROBE_BYTES,
    },
  );
  // The exit code was looked at first: ffprobe may fail and leave half a document.
  return JSON.parse(output.toString('utf8'));
}

const inputWords = ({ demuxer, options = [] }: MediaInput, path: string): Words => [
  ...['-protocol_whitelist', 'file', '-codec_whitelist', CODEC_WHITELIST],
  ...['-max_pixels', MAX_PIXELS, '-max_streams', MAX_STREAMS],
  // Never what the file says it is, and of MP4 never what lies in other files.
  ...['-f', demuxer, ...(demuxer === 'mov' ? ['-enable_drefs', 0, '-use_absolute_path', 0] : [])],
  ...options,
  ...['-i', `file:${path}`],
];

/** A link would be followed out of where it stands. */
async function requirePlainFile(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isFile()) throw new MediaRunFailed('failed', `${path} is no plain file`);
}

async function requireOutputs(job: FfmpegJob, maxBytes: number): Promise<void> {
  const expected = new Set(job.outputs.map(({ name }) => name));
  for (const entry of await readdir(job.directory)) {
    const { size, nlink } = await lstat(join(job.directory, entry)).then(stats => {
      if (!stats.isFile() || !expected.delete(entry)) {
        throw new MediaRunFailed('failed', `it left ${entry}, which nobody asked for`);
      }
      return stats;
    });
    if (nlink !== 1) throw new MediaRunFailed('failed', `${entry} is another file's name`);
    if (size >= maxBytes) throw new MediaRunFailed('output-exceeded', `${entry} has ${size} bytes`);
  }
  const [missing] = expected;
  if (missing !== undefined) throw new MediaRunFailed('failed', `${missing} was not written`);
}
