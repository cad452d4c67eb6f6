/** Why a run of ffmpeg or ffprobe failed, derived from its exit code and its standard error. */
import { constants } from 'node:os';

/** Stable. The message for the uploader is derived from it. */
export type RunFault =
  /** No progress for `stallMs`. */
  | 'stalled'
  | 'time-exceeded'
  /** CPU time or address space was exhausted. */
  | 'work-exceeded'
  | 'output-exceeded'
  /** A signal that nobody sent: a decoder crashed. */
  | 'crashed'
  /** It exited by itself with an error. */
  | 'failed'
  /** The process could not be started. */
  | 'unavailable';

const MESSAGES: Readonly<Record<RunFault, string>> = {
  stalled: 'the conversion made no progress and was stopped',
  'time-exceeded': 'the conversion took too long and was stopped',
  'work-exceeded': 'the conversion needed more CPU time or memory than allowed and was stopped',
  'output-exceeded': 'the conversion produced more than allowed and was stopped',
  crashed: 'the decoder crashed on this file',
  failed: 'a part of the file cannot be read',
  unavailable: 'the site could not start the conversion',
};

export class FfmpegFailed extends Error {
  override readonly name = 'FfmpegFailed';
  readonly fault: RunFault;
  /** The end of standard error, for the log. It is untrusted text. */
  readonly stderr: string;

  constructor(fault: RunFault, stderr: string, options?: ErrorOptions) {
    super(MESSAGES[fault], options);
    this.fault = fault;
    this.stderr = stderr;
  }
}

/** True if ffmpeg could not use the file. Failures of the machine and all other errors are not the file's fault. */
export const isFaultOfFile = (error: unknown): error is FfmpegFailed =>
  error instanceof FfmpegFailed && error.fault !== 'unavailable';

/** The result of a run, or `otherwise` if ffmpeg could not use the file. */
export async function unlessFileFails<Result>(run: Promise<Result>, otherwise: Result): Promise<Result> {
  try {
    return await run;
  } catch (error) {
    if (isFaultOfFile(error)) return otherwise;
    throw error;
  }
}

const { SIGXCPU, SIGXFSZ, SIGKILL } = constants.signals;
/** Sandboxes and shells report a signal as 128 plus its number. */
const fromSignal = (signal: number): number => 128 + signal;
const CRASHES = (['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'] as const).map(name =>
  fromSignal(constants.signals[name]),
);
/** ffmpeg exits with this after a signal that it caught. The CPU limit's is the only one that it receives and can catch. */
const CAUGHT_SIGNAL = 255;
const OUT_OF_MEMORY = /Cannot allocate memory|bad_alloc|malloc of size \d+ failed|failed to map segment/;

/**
 * The fault behind an exit code, or undefined for 0. Newer versions of ffmpeg exit with the low byte of a negative error code, so
 * codes above 128 are not always signals.
 */
export function findFault(exitCode: number, stderr: string): RunFault | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === fromSignal(SIGXFSZ) || /File too large/.test(stderr)) return 'output-exceeded';
  // The soft or the hard limit of CPU time, or the kernel when memory runs out.
  if (exitCode === fromSignal(SIGXCPU) || exitCode === fromSignal(SIGKILL)) return 'work-exceeded';
  if (exitCode === CAUGHT_SIGNAL && !/not permitted/.test(stderr)) return 'work-exceeded';
  if (OUT_OF_MEMORY.test(stderr)) return 'work-exceeded';
  return CRASHES.includes(exitCode) ? 'crashed' : 'failed';
}
