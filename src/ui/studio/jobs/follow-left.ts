/** How a shown remaining time follows a new estimate. Pure. */
export interface Left {
  readonly leftMs: number;
  readonly atMs: number;
}

/** Differences below this are noise: the shown time just counts down. */
const NOISE = 0.1;
/** The share of a larger difference that is shown at once. */
const STEP = 0.3;

export function followLeft(before: Left | undefined, estimateMs: number, nowMs: number): Left {
  if (!before) return { leftMs: estimateMs, atMs: nowMs };
  const counted = Math.max(0, before.leftMs - (nowMs - before.atMs));
  const difference = estimateMs - counted;
  if (Math.abs(difference) <= NOISE * estimateMs) return { leftMs: counted, atMs: nowMs };
  return { leftMs: counted + STEP * difference, atMs: nowMs };
}

/** Short times are shown in steps of five seconds. */
export const roundLeft = (leftMs: number): number =>
  leftMs < 60_000 ? Math.max(5_000, Math.ceil(leftMs / 5_000) * 5_000) : leftMs;
