/**
 * Decides how far the plan may rely on a site, from what the trackers and the site itself last reported. Short outages move no
 * copies, and a site that was down for long must stay up for a while before copies elsewhere are deleted. Pure; time is an argument.
 */

/** A site that is down for longer than this is no longer counted as a holder. */
export const OUTAGE_MS = 15 * 60_000;
/** After such an outage, the site counts as a holder again once it has been up for this time. */
export const STABLE_MS = 10 * 60_000;
/** Sites report their storage every minute. Without a report for this time, a site does not read its assignments either. */
export const SILENCE_MS = 5 * 60_000;

/**
 * `steady`: up, or nothing contradicts it. `interrupted`: down for a short time, or out of contact with central; it counts as a
 * holder, and gets no new copies. `absent`: down for long. `returning`: up again after that. The last two do not count as
 * holders, get no new copies, and keep those that they have.
 */
export type Presence = 'steady' | 'interrupted' | 'absent' | 'returning';

export interface PresenceReports {
  /** What the trackers reported last; `unknown` without a recent report. */
  readonly state: 'up' | 'down' | 'unknown';
  /** Since when no tracker reaches the site. */
  readonly downSinceMs: number | undefined;
  /** When the site came back after its last long outage. */
  readonly returnedAtMs: number | undefined;
  /** When the site last reported its storage. Undefined: never, because it is new or an older version. */
  readonly contactAtMs: number | undefined;
}

export function presenceOf(reports: PresenceReports, nowMs: number): Presence {
  const { state, downSinceMs = nowMs, returnedAtMs, contactAtMs } = reports;
  if (state === 'down') return nowMs - downSinceMs >= OUTAGE_MS ? 'absent' : 'interrupted';
  if (state === 'up' && returnedAtMs !== undefined && nowMs - returnedAtMs < STABLE_MS) return 'returning';
  return contactAtMs !== undefined && nowMs - contactAtMs >= SILENCE_MS ? 'interrupted' : 'steady';
}

export const isCounted = (presence: Presence): boolean => presence === 'steady' || presence === 'interrupted';
