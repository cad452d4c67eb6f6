/**
 * From answers to a verdict on one site: two failures in a row, and it is down; one good answer, and it is up. One that
 * goes up and down again and again has to stay well for longer each time. Pure; time is an argument.
 */

/** A turn for the worse is remembered so long. */
const FLAP_MEMORY_MS = 300_000;
const LONGEST_PROOF_MS = 60_000;
const FAILURES_TO_FALL = 2;

export interface Verdict {
  readonly up: boolean;
  /** In a row. */
  readonly failures: number;
  /** Since when every answer was good; undefined while they are not. */
  readonly wellSinceMs: number | undefined;
  /** When it went down, of late. */
  readonly falls: readonly number[];
  /** The failures in a row were all of the kind that the tracker's own network makes. */
  readonly isUnreachable: boolean;
}
export const UNKNOWN_VERDICT: Verdict = {
  up: false,
  failures: 0,
  wellSinceMs: undefined,
  falls: [],
  isUnreachable: false,
};

/** How long a site has to answer well before it counts as up again: at once after a first fall, then 2, 4, 8 … 60 s. */
export function proofMs(falls: readonly number[], nowMs: number): number {
  const recent = falls.filter(atMs => nowMs - atMs < FLAP_MEMORY_MS).length;
  return recent < 2 ? 0 : Math.min(LONGEST_PROOF_MS, 1_000 * 2 ** (recent - 1));
}

export function afterGood(verdict: Verdict, nowMs: number): Verdict {
  const wellSinceMs = verdict.wellSinceMs ?? nowMs;
  return {
    ...verdict,
    failures: 0,
    wellSinceMs,
    isUnreachable: false,
    up: verdict.up || nowMs - wellSinceMs >= proofMs(verdict.falls, nowMs),
  };
}

export function afterFailure(verdict: Verdict, isUnreachable: boolean, nowMs: number): Verdict {
  const failures = verdict.failures + 1;
  const falls = verdict.up && failures >= FAILURES_TO_FALL;
  return {
    up: verdict.up && !falls,
    failures,
    wellSinceMs: undefined,
    isUnreachable: isUnreachable && (verdict.failures === 0 || verdict.isUnreachable),
    falls: falls ? [...verdict.falls.filter(atMs => nowMs - atMs < FLAP_MEMORY_MS), nowMs] : verdict.falls,
  };
}

/** Sites that fell within this time fell together. */
const TOGETHER_MS = 5_000;

/**
 * When all sites become unreachable at once, it is the tracker that is cut off: it keeps what it knew. Sites that refuse, or
 * answer wrongly, are there to do so, and are no sign of that.
 */
export function suspectsItself(verdicts: readonly Verdict[], nowMs: number): boolean {
  const concerned = verdicts.filter(({ up, falls }) => up || nowMs - (falls.at(-1) ?? 0) < TOGETHER_MS);
  return (
    concerned.length >= 2 && concerned.every(({ failures, isUnreachable }) => failures > 0 && isUnreachable)
  );
}

/** Takes back the fall of a site that fell because the tracker was cut off. */
export const restored = (verdict: Verdict, nowMs: number): Verdict =>
  !verdict.up && nowMs - (verdict.falls.at(-1) ?? 0) < TOGETHER_MS
    ? { ...verdict, up: true, falls: verdict.falls.slice(0, -1) }
    : verdict;
