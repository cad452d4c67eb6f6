/**
 * Estimates when conversions end, from their own speed and that of earlier ones at this site. Pure.
 *
 * The speed of a job is its average since it began, with the usual speed of its kind as the first half minute of it, so the estimate of a
 * job that has just begun is that of its kind, and no single measurement moves it far.
 */

/** An open job. Media times count every step, so all of them are in the same unit. */
export interface QueuedJob {
  readonly id: string;
  readonly kind: string;
  readonly mediaMs: number;
  readonly doneMs: number;
  /** The number of workers that work on it now. */
  readonly workers: number;
  /** Media time per time, as its workers report it. 0: not known. */
  readonly speed: number;
  /** Absent: no worker has begun. */
  readonly started?: { readonly atMs: number; readonly doneMs: number };
}

export interface Estimate {
  /** 1 for the first job that waits. Absent while it runs. */
  readonly position?: number;
  /** Until its end. Absent while nothing is known of the speed. */
  readonly leftMs?: number;
}

/** The time for which the usual speed counts. */
const USUAL_MS = 30_000;
/** Beyond this, an estimate says nothing. */
const MAX_LEFT_MS = 30 * 24 * 3_600_000;

/** @param jobs all open jobs in the order in which they are done, or the first ones */
export function estimateJobs(
  jobs: readonly QueuedJob[],
  usualSpeeds: ReadonlyMap<string, number>,
  nowMs: number,
): ReadonlyMap<string, Estimate> {
  const estimates = new Map<string, Estimate>();
  const running = jobs.filter(({ workers }) => workers > 0);
  const parallel = Math.max(1, running.length);
  let isKnown = true;
  // Work of the site before a job can begin, as if one job ran at a time.
  let aheadMs = 0;
  for (const job of running) {
    const leftMs = leftOf(job, speedOf(job, usualSpeeds, nowMs));
    estimates.set(job.id, leftMs === undefined ? {} : { leftMs: bounded(leftMs) });
    if (leftMs === undefined) isKnown = false;
    else aheadMs += leftMs;
  }
  let position = 0;
  for (const job of jobs) {
    if (job.workers > 0) continue;
    const leftMs = leftOf(job, usualSpeeds.get(job.kind) ?? speedOf(job, usualSpeeds, nowMs));
    if (leftMs === undefined) isKnown = false;
    position += 1;
    estimates.set(job.id, {
      position,
      ...(isKnown && leftMs !== undefined ? { leftMs: bounded(aheadMs / parallel + leftMs) } : {}),
    });
    aheadMs += leftMs ?? 0;
  }
  return estimates;
}

const bounded = (leftMs: number): number => Math.round(Math.min(MAX_LEFT_MS, Math.max(0, leftMs)));

const leftOf = ({ mediaMs, doneMs }: QueuedJob, speed: number | undefined): number | undefined =>
  speed === undefined ? undefined : (mediaMs - doneMs) / speed;

/** Undefined if nothing is known. */
function speedOf(
  { kind, speed, doneMs, started }: QueuedJob,
  usualSpeeds: ReadonlyMap<string, number>,
  nowMs: number,
): number | undefined {
  const usual = usualSpeeds.get(kind) ?? (speed > 0 ? speed : undefined);
  if (!started) return usual;
  const workMs = Math.max(0, nowMs - started.atMs);
  const mediaMs = Math.max(0, doneMs - started.doneMs);
  if (usual === undefined) return workMs > 0 && mediaMs > 0 ? mediaMs / workMs : undefined;
  return (mediaMs + usual * USUAL_MS) / (workMs + USUAL_MS);
}
