/**
 * Runs one ffmpeg or ffprobe under every defence there is: in a room of its own, with limits, watched for progress, and
 * killed with all it started. Says in one word why it ended.
 */
import { spawn } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import {
  type Confinement,
  confine,
  findConfinement,
  type ProcessLimits,
  SANDBOX_ENVIRONMENT,
} from './sandbox.ts';

export interface RunLimits extends ProcessLimits {
  /** From start to end. */
  readonly wallMs: number;
  /** Without any progress. */
  readonly stallMs: number;
  /** Of the written media; a file with a gap in its times would otherwise be filled up for days. */
  readonly outTimeMs: number;
}

export const DEFAULT_LIMITS: RunLimits = {
  memoryBytes: 8 * 2 ** 30,
  cpuSeconds: 3_600,
  fileBytes: 16 * 2 ** 30,
  wallMs: 6 * 3_600_000,
  stallMs: 120_000,
  outTimeMs: 24 * 3_600_000,
};

/** Stable; the sentence for the uploader is made from it. */
export type RunFault =
  /** Nothing moved for `stallMs`. */
  | 'stalled'
  | 'time-exceeded'
  /** CPU seconds or address space ran out. */
  | 'work-exceeded'
  | 'output-exceeded'
  /** A signal that nobody sent: a crash in a decoder. */
  | 'crashed'
  /** It ended by itself and said that it could not. */
  | 'failed'
  /** ffmpeg could not be started at all. */
  | 'unavailable';

export class FfmpegFailed extends Error {
  override readonly name = 'FfmpegFailed';
  readonly fault: RunFault;
  /** The end of what the program said on standard error, for the log: it may hold anything. */
  readonly complaint: string;

  constructor(fault: RunFault, complaint: string, options?: ErrorOptions) {
    super(SENTENCES[fault], options);
    this.fault = fault;
    this.complaint = complaint;
  }
}

const SENTENCES: Readonly<Record<RunFault, string>> = {
  stalled: 'ffmpeg made no progress with this file and was stopped',
  'time-exceeded': 'ffmpeg took too long with this file and was stopped',
  'work-exceeded': 'ffmpeg needed more work or memory for this file than a film may, and was stopped',
  'output-exceeded': 'ffmpeg made more of this file than a film may have, and was stopped',
  crashed: 'ffmpeg crashed on this file',
  failed: 'ffmpeg could not read this file',
  unavailable: 'ffmpeg could not be started',
};

export interface FfmpegRun {
  /** Absolute path of the program. */
  readonly program: string;
  /** Made of our own words, of numbers, and of paths that we made; never of a user's text. */
  readonly args: readonly string[];
  /** Files that it opens. */
  readonly reads: readonly string[];
  /** Directories in which it makes files. */
  readonly writes: readonly string[];
  readonly abort?: AbortSignal | undefined;
  readonly limits?: Partial<RunLimits> | undefined;
  /** With neither progress nor output for so long it hangs, and is ended. */
  readonly stallMs?: number;
  /** Hears of progress where the arguments ask for it (`PROGRESS_ARGS`). */
  readonly onProgress?: ((progress: FfmpegProgress) => void) | undefined;
  /** Of standard output, kept; more is a fault. */
  readonly maxOutputBytes?: number;
  /** Found by trying, where it is not said. */
  readonly confinement?: Confinement;
}

export interface FfmpegProgress {
  /** Media time written so far. */
  readonly outMs: number;
  /** Media time per time on the clock; undefined before ffmpeg knows. */
  readonly speed: number | undefined;
}

/** Makes ffmpeg tell how far it is, twice a second, on standard output. */
export const PROGRESS_ARGS = ['-nostats', '-progress', 'pipe:1', '-stats_period', '0.5'] as const;

const DEFAULT_MAX_OUTPUT_BYTES = 4 * 2 ** 20;
/** Viewers come first. */
const NICE = 10;
const MAX_COMPLAINT_CHARACTERS = 8_192;
const MAX_LINE_CHARACTERS = 1_024;
const WATCH_EVERY_MS = 250;

/**
 * Runs to the end and answers standard output (progress left out).
 *
 * @throws FfmpegFailed if it cannot start, ends with anything but 0, hangs, or takes more than a film may
 * @throws the signal's reason when it is aborted; the whole process group is gone by then
 */
export async function runFfmpeg(run: FfmpegRun): Promise<string> {
  run.abort?.throwIfAborted();
  const limits = { ...DEFAULT_LIMITS, ...run.limits, ...(run.stallMs ? { stallMs: run.stallMs } : {}) };
  for (const path of run.reads) await requirePlainFile(path);
  const inner = { program: run.program, args: run.args };
  const { program, args } = confine(run.confinement ?? (await ownConfinement()), run, limits, inner);
  run.abort?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: SANDBOX_ENVIRONMENT,
    cwd: '/',
    // A process group of its own, so that all of it can be killed at once.
    detached: true,
  });
  // Heard from the start: where a process may open nothing more (EMFILE), the child has no streams, and its error follows.
  const failing = new Promise<never>((_, reject) => {
    child.once('error', cause => reject(new FfmpegFailed('unavailable', '', { cause })));
  });
  if (!child.stdout) return failing;
  let verdict: RunFault | 'aborted' | undefined;
  const end = (why: RunFault | 'aborted'): void => {
    verdict ??= why;
    killGroup(child.pid);
  };
  const onAbort = (): void => end('aborted');
  run.abort?.addEventListener('abort', onAbort, { once: true });
  const watch = watchdog(limits, end);
  let output = '';
  if (run.onProgress) {
    readProgress(child.stdout, progress => {
      watch.moved();
      if (progress.outMs > limits.outTimeMs) end('output-exceeded');
      run.onProgress?.(progress);
    });
  } else {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      watch.moved();
      output += text;
      if (output.length > (run.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES)) end('output-exceeded');
    });
  }
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT_CHARACTERS);
  });
  try {
    const ended = new Promise<number>(resolve => {
      child.once('spawn', () => lowerPriority(child.pid));
      child.once('close', (status, name) => resolve(status ?? 128 + (name ? constants.signals[name] : 0)));
    });
    const code = await Promise.race([ended, failing]);
    if (verdict === 'aborted') throw run.abort?.reason;
    const fault = verdict ?? faultOf(code, complaint);
    if (fault) throw new FfmpegFailed(fault, complaint.trim());
    return output;
  } finally {
    watch.stop();
    run.abort?.removeEventListener('abort', onAbort);
    // Whatever outlived the program that was asked.
    killGroup(child.pid);
  }
}

let found: Promise<Confinement> | undefined;
const ownConfinement = (): Promise<Confinement> => {
  found ??= findConfinement();
  return found;
};

/** A link would be followed out of where it stands. */
async function requirePlainFile(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isFile()) throw new FfmpegFailed('failed', `${path} is no plain file`);
}

function watchdog(limits: RunLimits, end: (why: RunFault) => void): { moved(): void; stop(): void } {
  const startedMs = performance.now();
  let movedMs = startedMs;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - startedMs > limits.wallMs) end('time-exceeded');
    else if (nowMs - movedMs > limits.stallMs) end('stalled');
  }, WATCH_EVERY_MS);
  return {
    moved() {
      movedMs = performance.now();
    },
    stop: () => clearInterval(timer),
  };
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

const CRASHES = (['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'] as const).map(
  name => 128 + constants.signals[name],
);
/** ffmpeg's own answer to a signal that it caught; the only one that it is sent and can catch is the CPU limit's. */
const CAUGHT_SIGNAL = 255;

/** Rooms and shells tell a signal as 128 + its number; newer ffmpegs tell an error as the low byte of its negative. */
function faultOf(code: number, complaint: string): RunFault | undefined {
  const { SIGXCPU, SIGXFSZ, SIGKILL } = constants.signals;
  if (code === 0) return undefined;
  if (code === 128 + SIGXFSZ || /File too large/.test(complaint)) return 'output-exceeded';
  // Stopped by the soft limit of CPU time or the hard one, or by the system for want of memory.
  if (code === 128 + SIGXCPU || code === 128 + SIGKILL) return 'work-exceeded';
  if (code === CAUGHT_SIGNAL && !/not permitted/.test(complaint)) return 'work-exceeded';
  if (/Cannot allocate memory|bad_alloc|malloc of size \d+ failed|failed to map segment/.test(complaint))
    return 'work-exceeded';
  return CRASHES.includes(code) ? 'crashed' : 'failed';
}

/** `-progress pipe:1` writes blocks of `name=value` that end with `progress=…`. Calls back only when something moved. */
function readProgress(stream: NodeJS.ReadableStream, onMoved: (progress: FfmpegProgress) => void): void {
  let block: Record<string, string> = {};
  let before = '';
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line => {
    if (line.length > MAX_LINE_CHARACTERS) return;
    const [name = '', value = ''] = line.split('=', 2);
    block[name.trim()] = value.trim();
    if (name !== 'progress') return;
    const state = [block.out_time_us, block.frame, block.total_size].join();
    const { out_time_us: time, speed } = block;
    block = {};
    if (state === before && value !== 'end') return;
    before = state;
    // Microseconds; "N/A" before the first packet.
    onMoved({
      outMs: Math.max(0, Number(time) / 1_000) || 0,
      speed: Number.parseFloat(speed ?? '') || undefined,
    });
  });
}
