/** Runs ffprobe, and reads the first bytes of a file to choose its demuxer. */
import { open } from 'node:fs/promises';
import { SNIFF_BYTES, sniffFile } from '../containers/containers.ts';
import type { MediaInput } from './convert.ts';
import { findDecoders } from './decoders.ts';
import { type Container, findContainer } from './demuxers.ts';
import { FfmpegFailed } from './failure.ts';
import { type Args, inputArgs } from './input-args.ts';
import type { MediaTools } from './media-tools.ts';
import { type RunLimits, runFfmpeg } from './run.ts';

const PROBE_LIMITS: Partial<RunLimits> = {
  cpuSeconds: 60,
  wallMs: 60_000,
  stallMs: 60_000,
  memoryBytes: 4 * 2 ** 30,
};

/**
 * Only the first bytes of the file decide; its name does not.
 *
 * @returns undefined for a file that is neither video nor audio
 */
export async function detectContainer(path: string): Promise<Container | undefined> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const search = sniffFile();
    let step = search.next();
    while (!step.done) {
      const { bytesRead } = await file.read(head, 0, head.length, step.value);
      step = search.next(head.subarray(0, bytesRead));
    }
    return findContainer(step.value);
  } finally {
    await file.close();
  }
}

/** Streams of every kind: video, audio, subtitles, data, attachments. */
const STREAM_KINDS = ['v', 'a', 's', 'd', 't'];

/**
 * ffprobe opens a decoder for each stream, and fails if it may not. Here it may open all of them, but it feeds them nothing: what is
 * decoded in search of a stream's properties still obeys the whitelist of the input.
 */
const openingArgs = (decoders: readonly string[]): Args =>
  STREAM_KINDS.flatMap(kind => [`-codec_whitelist:${kind}`, decoders.join(',')]);

/**
 * The JSON output of ffprobe, parsed but not validated.
 *
 * @param show what to print: `-show_streams`, `-show_packets` …
 * @throws FfmpegFailed
 */
export async function probe(tools: MediaTools, input: MediaInput, show: Args): Promise<unknown> {
  const output = await runProbe(tools, {
    input,
    show: ['-of', 'json=compact=1', ...show],
    limits: PROBE_LIMITS,
  });
  // runFfmpeg has checked the exit code: a failing ffprobe may print half a document.
  return JSON.parse(output);
}

interface ProbeRun {
  readonly input: MediaInput;
  /** What to print, and in which format. */
  readonly show: Args;
  readonly limits?: Partial<RunLimits>;
  /** Gets standard output piece by piece; it is then not returned. */
  readonly onOutput?: (text: string) => void;
}

/** @throws FfmpegFailed */
export async function runProbe(
  tools: MediaTools,
  { input: { path, demuxer, options = [] }, show, limits, onOutput }: ProbeRun,
): Promise<string> {
  if (!tools.ffprobe) throw new FfmpegFailed('unavailable', 'ffprobe is not installed');
  const { all } = await findDecoders(tools.ffmpeg);
  const read = inputArgs(path, demuxer, [...openingArgs(all), ...options]);
  const args = ['-hide_banner', '-loglevel', 'error', ...show, ...read];
  return runFfmpeg({
    program: tools.ffprobe,
    args: args.map(String),
    reads: [path],
    writes: [],
    limits,
    confinement: tools.confinement,
    onOutput,
  });
}
