/** The progress that ffmpeg reports on standard output. */
import { createInterface } from 'node:readline';

export interface FfmpegProgress {
  /** Duration of the media written so far, milliseconds. */
  readonly outMs: number;
  /** Multiple of real time: 2 encodes a minute of media in half a minute. Undefined before ffmpeg knows. */
  readonly speed: number | undefined;
}

/** Makes ffmpeg report its progress twice a second on standard output. */
export const PROGRESS_ARGS = ['-nostats', '-progress', 'pipe:1', '-stats_period', '0.5'] as const;

const MAX_LINE_CHARACTERS = 1_024;

/**
 * Reads the blocks of `name=value` that `-progress pipe:1` writes; each ends with `progress=…`. Calls back only if something has
 * changed since the last block.
 */
export function readProgress(
  stream: NodeJS.ReadableStream,
  onProgress: (progress: FfmpegProgress) => void,
): void {
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
    onProgress({
      outMs: Math.max(0, Number(time) / 1_000) || 0,
      speed: Number.parseFloat(speed ?? '') || undefined,
    });
  });
}
