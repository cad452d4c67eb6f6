/**
 * The health of every watched site, derived from the verdicts on its probes. It also recognises that the tracker itself is isolated:
 * then it keeps the last states of the sites.
 */
import type { Log } from '../../kernel/log.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import { isUnreachable, reasonOf } from './probe-site.ts';
import {
  afterFailure,
  afterSuccess,
  isSelfIsolated,
  recoveryMs,
  UNKNOWN_VERDICT,
  type Verdict,
  withoutLastFlap,
} from './verdict.ts';

export interface Health {
  readonly up: boolean;
  /** The site is up, but its last probe failed. */
  readonly degraded: boolean;
  /** Time of the last change of `up` (RFC 3339). */
  readonly since: string;
  /** Address and port to which the last successful probe was connected. */
  readonly address: string | undefined;
  /** Median round trip of the recent probes, milliseconds. */
  readonly probeMs: number | undefined;
  readonly activeResponses: number;
  readonly egressBps: number;
  /** The limit in the site's own configuration. Undefined: no limit. */
  readonly egressLimitBps: number | undefined;
  readonly servesViewers: boolean;
  readonly lastError: string | undefined;
  /** The site responds again, and must continue to do so for this time before it is up. */
  readonly recoveryLeftMs: number;
}

const UNSEEN: Health = {
  up: false,
  degraded: false,
  since: new Date(0).toISOString(),
  address: undefined,
  probeMs: undefined,
  activeResponses: 0,
  egressBps: 0,
  egressLimitBps: undefined,
  servesViewers: true,
  lastError: undefined,
  recoveryLeftMs: 0,
};

export interface ProbeListener {
  /** The health of this site may have changed. */
  readonly onUpdate?: (site: SiteId) => void;
  /** A site went up or down. */
  readonly onUpOrDown?: () => void;
}

/** The facts that a successful probe reports. */
export type ProbeFacts = Pick<
  Health,
  'address' | 'probeMs' | 'activeResponses' | 'egressBps' | 'egressLimitBps' | 'servesViewers'
>;

export interface SiteHealth {
  of(site: SiteId): Health;
  /** The number of consecutive failed probes. */
  failuresOf(site: SiteId): number;
  add(site: SiteId): void;
  remove(site: SiteId): void;
  succeed(site: RegisteredSite, facts: ProbeFacts): void;
  fail(site: RegisteredSite, error: unknown): void;
  subscribe(listener: ProbeListener): void;
}

export function createSiteHealth(log: Log): SiteHealth {
  const healths = new Map<SiteId, Health>();
  const verdicts = new Map<SiteId, Verdict>();
  const listeners: ProbeListener[] = [];
  let isIsolated = false;

  const verdictOf = (site: SiteId): Verdict => verdicts.get(site) ?? UNKNOWN_VERDICT;
  const of = (site: SiteId): Health => healths.get(site) ?? UNSEEN;

  function update(site: SiteId, name: string, verdict: Verdict, change: Partial<Health>): void {
    verdicts.set(site, verdict);
    const nowMs = Date.now();
    const before = of(site);
    const { up, failures, healthySinceMs, flaps } = verdict;
    const hasChanged = up !== before.up;
    const recoveryLeftMs =
      up || healthySinceMs === undefined
        ? 0
        : Math.max(0, recoveryMs(flaps, nowMs) - (nowMs - healthySinceMs));
    healths.set(site, {
      ...before,
      ...change,
      up,
      degraded: up && failures > 0,
      recoveryLeftMs,
      ...(hasChanged ? { since: new Date(nowMs).toISOString() } : {}),
    });
    if (hasChanged) {
      log.info({ site, name, reason: change.lastError }, up ? 'site is up' : 'site is down');
      for (const { onUpOrDown } of listeners) onUpOrDown?.();
    }
    for (const { onUpdate } of listeners) onUpdate?.(site);
  }

  /** Compares all sites, because only all of them together show that the tracker itself is isolated. */
  function detectIsolation(): void {
    const nowMs = Date.now();
    const before = isIsolated;
    isIsolated = isSelfIsolated([...healths.keys()].map(verdictOf), nowMs);
    if (isIsolated === before) return;
    log.warn(
      {},
      isIsolated
        ? 'no site can be reached: this tracker seems to be isolated and keeps its last site states'
        : 'sites can be reached again',
    );
    if (!isIsolated) return;
    for (const site of healths.keys()) {
      const verdict = verdictOf(site);
      const restored = withoutLastFlap(verdict, nowMs);
      if (restored !== verdict) update(site, '', restored, {});
    }
  }

  function fail(site: RegisteredSite, error: unknown): void {
    const before = verdictOf(site.site);
    const after = afterFailure(before, isUnreachable(error), Date.now());
    verdicts.set(site.site, after);
    detectIsolation();
    // An isolated tracker learns nothing about the sites.
    const verdict = isIsolated
      ? { ...after, up: before.up || verdictOf(site.site).up, flaps: before.flaps }
      : after;
    update(site.site, site.name, verdict, { lastError: reasonOf(error) });
  }

  return {
    of,
    failuresOf: site => verdictOf(site).failures,
    add(site) {
      healths.set(site, { ...UNSEEN, since: new Date().toISOString() });
    },
    remove(site) {
      healths.delete(site);
      verdicts.delete(site);
    },
    succeed(site, facts) {
      const verdict = afterSuccess(verdictOf(site.site), Date.now());
      update(site.site, site.name, verdict, { ...facts, lastError: undefined });
      if (isIsolated) detectIsolation();
    },
    fail,
    subscribe: listener => void listeners.push(listener),
  };
}
