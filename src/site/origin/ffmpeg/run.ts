/**
 * Runs one ffmpeg or ffprobe under every defence there is: in a room of its own, with limits, watched for progress, and
 * killed with all it started. Says in one word why it ended.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import {
  type Command,
  type Confinement,
  confine,
  type ProcessLimits,
  ROOM_ENVIRONMENT,
  type Room,
} from './isolation.ts';

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
  stallMs: 60_000,
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

export class MediaRunFailed extends Error {
  override readonly name = 'MediaRunFailed';
  readonly fault: RunFault;
  /** The end of what the program said, for the log; it may hold anything. */
  readonly complaint: string;

  constructor(fault: RunFault, complaint: string, options?: ErrorOptions) {
    super(`the media program ${SENTENCES[fault]}`, options);
    this.fault = fault;
    this.complaint = complaint;
  }
}

const SENTENCES: Readonly<Record<RunFault, string>> = {
  stalled: 'made no progress and was stopped',
  'time-exceeded': 'took too long and was stopped',
  'work-exceeded': 'needed more work or memory than a film may and was stopped',
  'output-exceeded': 'wrote more than a film may have and was stopped',
  crashed: 'crashed on this file',
  failed: 'could not read this file',
  unavailable: 'could not be started',
};

export interface Progress {
  /** Of the media written so far. */
  readonly outTimeMs: number;
  readonly frames: number;
  /** Media seconds a second; undefined before ffmpeg knows. */
  readonly speed: number | undefined;
}

export interface RunOptions {
  readonly limits: RunLimits;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Collect standard output (up to this many bytes) instead of reading it as progress. */
  readonly captureBytes?: number;
}

const MAX_COMPLAINT_CHARACTERS = 8_192;
const MAX_LINE_CHARACTERS = 1_024;
const WATCH_EVERY_MS = 250;

/**
 * @returns what was captured, else an empty buffer
 * @throws MediaRunFailed; the signal's reason when it is aborted
 */
export async function runConfined(
  confinement: Confinement,
  room: Room,
  inner: Command,
  options: RunOptions,
): Promise<Buffer> {
  const { limits, signal } = options;
  signal?.throwIfAborted();
  const { program, args } = confine(confinement, room, limits, inner);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ROOM_ENVIRONMENT,
    cwd: '/',
    // A process group of its own, so that all of it can be killed at once.
    detached: true,
  });
  let verdict: RunFault | 'aborted' | undefined;
  const end = (why: RunFault | 'aborted'): void => {
    verdict ??= why;
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const onAbort = (): void => end('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });

  const startedMs = Date.now();
  let movedMs = startedMs;
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - startedMs > limits.wallMs) end('time-exceeded');
    else if (nowMs - movedMs > limits.stallMs) end('stalled');
  }, WATCH_EVERY_MS);

  const chunks: Buffer[] = [];
  if (options.captureBytes === undefined) {
    readProgress(child.stdout, progress => {
      movedMs = Date.now();
      if (progress.outTimeMs > limits.outTimeMs) end('output-exceeded');
      options.onProgress?.(progress);
    });
  } else {
    let room = options.captureBytes;
    child.stdout.on('data', (chunk: Buffer) => {
      movedMs = Date.now();
      room -= chunk.length;
      if (room < 0) end('output-exceeded');
      else chunks.push(chunk);
    });
  }
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT_CHARACTERS);
  });

  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', cause => reject(new MediaRunFailed('unavailable', complaint, { cause })));
      child.once('close', (status, name) => resolve(status ?? 128 + (name ? constants.signals[name] : 0)));
    });
    if (verdict === 'aborted') throw signal?.reason;
    const fault = verdict ?? faultOf(code, complaint);
    if (fault) throw new MediaRunFailed(fault, complaint.trim());
    return Buffer.concat(chunks);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', onAbort);
    // Whatever outlived the program that was asked.
    if (child.pid !== undefined) killGroup(child.pid);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
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
function readProgress(stream: NodeJS.ReadableStream, onMoved: (progress: Progress) => void): void {
  let block: Record<string, string> = {};
  let before = '';
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line => {
    if (line.length > MAX_LINE_CHARACTERS) return;
    const [name = '', value = ''] = line.split('=', 2);
    block[name.trim()] = value.trim();
    if (name !== 'progress') return;
    const state = [block.out_time_us, block.frame, block.total_size].join();
    const { out_time_us: time, frame, speed } = block;
    block = {};
    if (state === before && value !== 'end') return;
    before = state;
    onMoved({
      outTimeMs: Math.max(0, Number(time) / 1_000) || 0,
      frames: Number(frame) || 0,
      speed: Number.parseFloat(speed ?? '') || undefined,
    });
  });
}
