/** The two marks of a trim. They stay in order, at least one frame apart, and on frames. Pure. */

export interface Marks {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Limits {
  readonly durationMs: number;
  /** Duration of one frame. */
  readonly frameMs: number;
}

/** The frame that begins nearest to a time, in whole milliseconds as the site expects it. */
const toFrame = (ms: number, frameMs: number): number => Math.round(Math.round(ms / frameMs) * frameMs);
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

export const moveStart = (marks: Marks, ms: number, { frameMs }: Limits): Marks => ({
  ...marks,
  startMs: clamp(toFrame(ms, frameMs), 0, Math.max(0, Math.round(marks.endMs - frameMs))),
});

/** The end of the video may lie between two frames. */
export const moveEnd = (marks: Marks, ms: number, { durationMs, frameMs }: Limits): Marks => ({
  ...marks,
  endMs: clamp(
    ms >= durationMs - frameMs / 2 ? durationMs : toFrame(ms, frameMs),
    Math.round(marks.startMs + frameMs),
    durationMs,
  ),
});

const DEFAULT_FRAME_MS = 40;

/** The duration of a frame, by the highest frame rate of a multivariant playlist. */
export function readFrameMs(playlist: string): number {
  const rates = [...playlist.matchAll(/FRAME-RATE=([\d.]+)/g)].map(([, rate]) => Number(rate));
  const rate = Math.max(0, ...rates);
  return rate > 0 ? 1_000 / rate : DEFAULT_FRAME_MS;
}
