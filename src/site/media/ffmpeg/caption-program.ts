/**
 * Runs the operator's speech program on audio, in the same sandbox as ffmpeg. The audio comes from an upload, so the program gets only
 * that file, the files that the operator names, and an empty directory for its output.
 */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_CAPTIONS_BYTES } from '../../../protocol/base/limits.ts';
import { FfmpegFailed, type RunFault } from './failure.ts';
import type { MediaTools } from './media-tools.ts';
import { type RunLimits, runFfmpeg } from './run.ts';

export interface CaptionProgram {
  /** The program and its arguments, with the placeholders `{audio}`, `{language}` and `{output}`. */
  readonly command: readonly string[];
  /** Files and directories that it may read: its models and libraries. */
  readonly files: readonly string[];
}

interface CaptionRun {
  /** WAV: 16 kHz, mono, 16 bits. */
  readonly audio: string;
  readonly durationMs: number;
  readonly language: string | undefined;
  /** An empty directory that nothing else uses. */
  readonly directory: string;
  readonly abort: AbortSignal;
  /** From 0 to 1, as the program reports it. */
  readonly onProgress: (share: number) => void;
}

const OUTPUT = 'captions.vtt';
/** Stands for a language that nobody has said. */
const DETECT = 'auto';
const MIN_WALL_MS = 10 * 60_000;
const WALL_PER_MEDIA = 10;
const CORES = 16;
/** Programs map their models, and reserve addresses generously. */
const MEMORY_BYTES = 64 * 2 ** 30;
const PERCENT = /(\d{1,3}(?:\.\d+)?)\s?%/g;
const MAX_SHOWN_CHARACTERS = 400;

const REASONS: Readonly<Record<RunFault, string>> = {
  stalled: 'The speech program took too long and was stopped.',
  'time-exceeded': 'The speech program took too long and was stopped.',
  'work-exceeded': 'The speech program needed more CPU time or memory than allowed and was stopped.',
  'output-exceeded': 'The speech program wrote more than 1 MB of captions, or too much else.',
  crashed: 'The speech program crashed.',
  failed: 'The speech program failed.',
  unavailable: 'The speech program could not be started. Check captionCommand.',
};

/** The message ends with the end of what the program wrote to standard error. */
export class CaptionProgramFailed extends Error {
  override readonly name = 'CaptionProgramFailed';

  constructor(reason: string, stderr = '', options?: ErrorOptions) {
    const shown = stderr
      .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
      .trim()
      .slice(-MAX_SHOWN_CHARACTERS);
    super(shown === '' ? reason : `${reason} Its last output: ${shown}`, options);
  }
}

/**
 * @returns what the program wrote: the file `{output}` if the command has this placeholder, otherwise its standard output
 * @throws CaptionProgramFailed
 * @throws the reason of `abort` when it is aborted
 */
export async function runCaptionProgram(
  { confinement }: Pick<MediaTools, 'confinement'>,
  { command, files }: CaptionProgram,
  { audio, durationMs, language, directory, abort, onProgress }: CaptionRun,
): Promise<Buffer> {
  const output = join(directory, OUTPUT);
  const values: Readonly<Record<string, string>> = {
    '{audio}': audio,
    '{language}': language ?? DETECT,
    '{output}': output,
  };
  const [program = '', ...args] = command.map(each =>
    each.replaceAll(/\{(?:audio|language|output)\}/g, name => values[name] ?? name),
  );
  const wallMs = MIN_WALL_MS + WALL_PER_MEDIA * durationMs;
  const limits: Partial<RunLimits> = {
    wallMs,
    // Many programs write nothing until they have finished.
    stallMs: wallMs,
    cpuSeconds: Math.ceil((CORES * wallMs) / 1_000),
    memoryBytes: MEMORY_BYTES,
    fileBytes: 16 * MAX_CAPTIONS_BYTES,
  };
  try {
    const written = await runFfmpeg({
      ...{ program, args, confinement, limits, abort },
      reads: [audio],
      shows: files,
      writes: [directory],
      maxOutputBytes: MAX_CAPTIONS_BYTES,
      onErrorText(text) {
        const share = Number([...text.matchAll(PERCENT)].at(-1)?.[1]) / 100;
        if (share >= 0 && share <= 1) onProgress(share);
      },
    });
    return command.some(each => each.includes('{output}')) ? await readOutput(output) : Buffer.from(written);
  } catch (error) {
    if (!(error instanceof FfmpegFailed)) throw error;
    throw new CaptionProgramFailed(REASONS[error.fault], error.stderr, { cause: error });
  }
}

/** The program could leave a link to another file. */
async function readOutput(path: string): Promise<Buffer> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isFile() || stats.nlink !== 1)
    throw new CaptionProgramFailed('The speech program wrote no file.');
  if (stats.size > MAX_CAPTIONS_BYTES) throw new CaptionProgramFailed(REASONS['output-exceeded']);
  return readFile(path);
}
