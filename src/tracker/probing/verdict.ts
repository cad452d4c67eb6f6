/**
 * Turns the results of probes into a verdict on one site: two failures in a row take it down, one success brings it up. After
 * repeated outages a site must respond for longer each time before it is up again. Pure; time is an argument.
 */

/** An outage is remembered for this time. */
const FLAP_MEMORY_MS = 300_000;
const MAX_RECOVERY_MS = 60_000;
const FAILURES_TO_GO_DOWN = 2;

export interface Verdict {
  readonly up: boolean;
  /** Number of failures in a row. */
  readonly failures: number;
  /** Start of the current series of successes, epoch milliseconds; undefined after a failure. */
  readonly healthySinceMs: number | undefined;
  /** Times at which the site recently went down. */
  readonly flaps: readonly number[];
  /** All failures in a row may have been caused by the tracker's own network. */
  readonly isUnreachable: boolean;
}
export const UNKNOWN_VERDICT: Verdict = {
  up: false,
  failures: 0,
  healthySinceMs: undefined,
  flaps: [],
  isUnreachable: false,
};

/** For how long a site must respond before it is up again: not at all after its first outage, then 2, 4, 8 … 60 s. */
export function recoveryMs(flaps: readonly number[], nowMs: number): number {
  const recent = flaps.filter(atMs => nowMs - atMs < FLAP_MEMORY_MS).length;
  return recent < 2 ? 0 : Math.min(MAX_RECOVERY_MS, 1_000 * 2 ** (recent - 1));
}

export function afterSuccess(verdict: Verdict, nowMs: number): Verdict {
  const healthySinceMs = verdict.healthySinceMs ?? nowMs;
  return {
    ...verdict,
    failures: 0,
    healthySinceMs,
    isUnreachable: false,
    up: verdict.up || nowMs - healthySinceMs >= recoveryMs(verdict.flaps, nowMs),
  };
}

export function afterFailure(verdict: Verdict, isUnreachable: boolean, nowMs: number): Verdict {
  const failures = verdict.failures + 1;
  const goesDown = verdict.up && failures >= FAILURES_TO_GO_DOWN;
  return {
    up: verdict.up && !goesDown,
    failures,
    healthySinceMs: undefined,
    isUnreachable: isUnreachable && (verdict.failures === 0 || verdict.isUnreachable),
    flaps: goesDown ? [...verdict.flaps.filter(atMs => nowMs - atMs < FLAP_MEMORY_MS), nowMs] : verdict.flaps,
  };
}

/** Sites that go down within this time went down together. */
const TOGETHER_MS = 5_000;

/**
 * If all sites become unreachable at once, the tracker itself is isolated and keeps its previous verdicts. Sites that refuse or
 * respond incorrectly are reachable, so they are no sign of isolation.
 */
export function isSelfIsolated(verdicts: readonly Verdict[], nowMs: number): boolean {
  const concerned = verdicts.filter(({ up, flaps }) => up || nowMs - (flaps.at(-1) ?? 0) < TOGETHER_MS);
  return (
    concerned.length >= 2 && concerned.every(({ failures, isUnreachable }) => failures > 0 && isUnreachable)
  );
}

/** Reverts the outage of a site that went down because the tracker was isolated. */
export const withoutLastFlap = (verdict: Verdict, nowMs: number): Verdict =>
  !verdict.up && nowMs - (verdict.flaps.at(-1) ?? 0) < TOGETHER_MS
    ? { ...verdict, up: true, flaps: verdict.flaps.slice(0, -1) }
    : verdict;
