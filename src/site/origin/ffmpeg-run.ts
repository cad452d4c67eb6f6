/**
 * The one place that runs ffmpeg and ffprobe. A caller states what the run reads and where it writes, so that a sandbox can
 * show it nothing else; arguments are made of typed values and of paths that we made, never of a user's text.
 */
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { messageOf } from '../../kernel/problem.ts';

export interface FfmpegRun {
  /** Path or name of the program. */
  readonly program: string;
  readonly args: readonly string[];
  /** Files that it opens. */
  readonly reads: readonly string[];
  /** Directories in which it makes files. */
  readonly writes: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** With neither progress nor output for so long it hangs, and is ended. */
  readonly stallMs?: number;
  /** Hears of progress where the arguments ask for it (`PROGRESS_ARGS`). */
  readonly onProgress?: ((progress: FfmpegProgress) => void) | undefined;
  /** Of standard output, kept; more is a fault. */
  readonly maxOutputBytes?: number;
}

export interface FfmpegProgress {
  /** Media time written so far. */
  readonly outMs: number;
  /** Media time per time on the clock. */
  readonly speed: number | undefined;
}

/** Makes ffmpeg tell how far it is, twice a second, on standard output. */
export const PROGRESS_ARGS = ['-progress', 'pipe:1', '-stats_period', '0.5'] as const;

const DEFAULT_STALL_MS = 120_000;
const DEFAULT_MAX_OUTPUT_BYTES = 4 * 2 ** 20;
const MAX_COMPLAINT_CHARACTERS = 2_000;
/** Viewers come first. */
const NICE = 10;

export class FfmpegFailed extends Error {
  /** The end of what it said on standard error. */
  readonly complaint: string;

  constructor(message: string, complaint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FfmpegFailed';
    this.complaint = complaint;
  }
}

/**
 * Runs to the end and answers standard output (progress left out).
 *
 * @throws FfmpegFailed if it cannot start, ends with anything but 0, hangs, or says too much
 * @throws the signal's reason when it is aborted; the whole process group is gone by then
 */
export async function runFfmpeg(run: FfmpegRun): Promise<string> {
  run.signal?.throwIfAborted();
  const child = spawn(run.program, run.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that whatever it starts ends with it.
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
  });
  let output = '';
  let complaint = '';
  let fault: FfmpegFailed | undefined;
  const end = (why?: FfmpegFailed): void => {
    fault ??= why;
    killGroup(child.pid);
  };
  const stallMs = run.stallMs ?? DEFAULT_STALL_MS;
  const hang = (): void => end(new FfmpegFailed(`It made no progress for ${stallMs / 1_000} s.`, complaint));
  let watchdog = setTimeout(hang, stallMs);
  const alive = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(hang, stallMs);
  };
  const progress = createProgressReader(report => {
    alive();
    run.onProgress?.(report);
  });
  const onAbort = (): void => end();
  run.signal?.addEventListener('abort', onAbort, { once: true });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (run.onProgress) return progress(text);
    alive();
    output += text;
    if (output.length > (run.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES)) {
      end(new FfmpegFailed('It says more than it should.', complaint));
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT_CHARACTERS);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('spawn', () => lowerPriority(child.pid));
      child.once('error', error => reject(new FfmpegFailed(messageOf(error), '', { cause: error })));
      child.once('close', resolve);
    });
    run.signal?.throwIfAborted();
    if (fault) throw fault;
    if (code !== 0) throw new FfmpegFailed(lastLine(complaint) || `It ended with ${code}.`, complaint);
    return output;
  } finally {
    clearTimeout(watchdog);
    run.signal?.removeEventListener('abort', onAbort);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // It has ended already, or the system does not allow it: it runs all the same.
  }
}

/** Lines of `key=value`; each report ends with `progress=`. */
function createProgressReader(report: (progress: FfmpegProgress) => void): (text: string) => void {
  let rest = '';
  let outMs = 0;
  let speed: number | undefined;
  return text => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()?.slice(-1_000) ?? '';
    for (const line of lines) {
      const [key, value = ''] = line.split('=', 2);
      // Both are microseconds, whatever the older name says; "N/A" before the first packet.
      if (key === 'out_time_us' && /^-?\d+$/.test(value)) outMs = Math.max(0, Number(value) / 1_000);
      else if (key === 'speed') speed = Number.parseFloat(value) || undefined;
      else if (key === 'progress') report({ outMs, speed });
    }
  };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';
