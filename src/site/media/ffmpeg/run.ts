/**
 * Runs one ffmpeg or ffprobe process with every defence: in a sandbox, with limits, watched for progress, and killed together with
 * all its children. It knows nothing about what the arguments mean.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { FfmpegFailed, findFault, type RunFault } from './failure.ts';
import { type FfmpegProgress, readProgress } from './progress.ts';
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
  /** Without any progress or output. */
  readonly stallMs: number;
  /** Duration of the written media. Without this limit, a gap in a file's timestamps could be filled with days of frames. */
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

interface FfmpegRun {
  /** Absolute path of the program. */
  readonly program: string;
  /** Only constants, numbers and paths that this code made; never a user's text. */
  readonly args: readonly string[];
  /** Files that the program may open. */
  readonly reads: readonly string[];
  /** Further files and directories to read, which the operator has named. */
  readonly shows?: readonly string[] | undefined;
  /** Directories in which it may create files. */
  readonly writes: readonly string[];
  readonly abort?: AbortSignal | undefined;
  readonly limits?: Partial<RunLimits> | undefined;
  /** Called if the arguments include `PROGRESS_ARGS`. Standard output is then not returned. */
  readonly onProgress?: ((progress: FfmpegProgress) => void) | undefined;
  /** Gets standard output piece by piece, in whatever amount. It is then not returned. */
  readonly onOutput?: ((text: string) => void) | undefined;
  /** Gets standard error piece by piece, in whatever amount. */
  readonly onErrorText?: ((text: string) => void) | undefined;
  /** More standard output than this is a fault. */
  readonly maxOutputBytes?: number;
  /** Default: the strongest one that this host permits. */
  readonly confinement?: Confinement;
}

const DEFAULT_MAX_OUTPUT_BYTES = 4 * 2 ** 20;
/** Serving viewers takes precedence. */
const NICE = 10;
const MAX_STDERR_CHARACTERS = 8_192;
const WATCH_EVERY_MS = 250;

/**
 * Runs to the end and returns standard output (empty if `onProgress` or `onOutput` is given).
 *
 * @throws FfmpegFailed if the process cannot start, exits with anything but 0, stalls or exceeds a limit
 * @throws the reason of `abort` when it is aborted; by then the whole process group has been killed
 */
export async function runFfmpeg(run: FfmpegRun): Promise<string> {
  run.abort?.throwIfAborted();
  const limits = { ...DEFAULT_LIMITS, ...run.limits };
  for (const path of run.reads) await requireRegularFile(path);
  const inner = { program: run.program, args: run.args };
  const sandbox = { reads: [...run.reads, ...(run.shows ?? [])], writes: run.writes };
  const { program, args } = confine(run.confinement ?? (await defaultConfinement()), sandbox, limits, inner);
  run.abort?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: SANDBOX_ENVIRONMENT,
    cwd: '/',
    // A separate process group, so that all of it can be killed at once.
    detached: true,
  });
  // Subscribed at once: a process without free file descriptors (EMFILE) gets a child without streams, and the error follows.
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
  const watchdog = startWatchdog(limits, end);
  let output = '';
  if (run.onProgress) {
    readProgress(child.stdout, progress => {
      watchdog.reset();
      if (progress.outMs > limits.outTimeMs) end('output-exceeded');
      run.onProgress?.(progress);
    });
  } else {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      watchdog.reset();
      if (run.onOutput) return run.onOutput(text);
      output += text;
      if (output.length > (run.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES)) end('output-exceeded');
    });
  }
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR_CHARACTERS);
    run.onErrorText?.(text);
  });
  try {
    const exitCode = await Promise.race([exitOf(child), failing]);
    if (verdict === 'aborted') throw run.abort?.reason;
    const fault = verdict ?? findFault(exitCode, stderr);
    if (fault) throw new FfmpegFailed(fault, stderr.trim());
    return output;
  } finally {
    watchdog.stop();
    run.abort?.removeEventListener('abort', onAbort);
    // Children may have outlived the program.
    killGroup(child.pid);
  }
}

let confinementOfHost: Promise<Confinement> | undefined;
const defaultConfinement = (): Promise<Confinement> => {
  confinementOfHost ??= findConfinement();
  return confinementOfHost;
};

/** A symbolic link could lead out of the directory that it lies in. */
async function requireRegularFile(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isFile()) throw new FfmpegFailed('failed', `${path} is not a regular file`);
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    child.once('spawn', () => lowerPriority(child.pid));
    child.once('close', (status, signal) =>
      resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)),
    );
  });
}

function startWatchdog(limits: RunLimits, end: (why: RunFault) => void): { reset(): void; stop(): void } {
  const startedMs = performance.now();
  let progressedMs = startedMs;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - startedMs > limits.wallMs) end('time-exceeded');
    else if (nowMs - progressedMs > limits.stallMs) end('stalled');
  }, WATCH_EVERY_MS);
  return {
    reset() {
      progressedMs = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // It has already ended, or the system does not permit it. The process runs anyway.
  }
}
