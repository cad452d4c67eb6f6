/**
 * Probes every active site once per second, immediately when a viewer failed there, and sooner after a failure. A new site is
 * down until its first successful probe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../kernel/log.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import type { ProbeFiles } from './probe-files.ts';
import { isUnreachable, probeSite, reasonOf } from './probe-site.ts';
import {
  afterFailure,
  afterSuccess,
  isSelfIsolated,
  recoveryMs,
  UNKNOWN_VERDICT,
  type Verdict,
  withoutLastFlap,
} from './verdict.ts';

const RETRY_MS = 200;
const MEDIAN_OF = 9;

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

export interface Probes {
  of(site: SiteId): Health;
  /** Time since the site came up; 0 while it is down. */
  upMsOf(site: string, nowMs: number): number;
  /** Probes these sites from now on, and no others. */
  watch(sites: readonly RegisteredSite[]): void;
  /** Probes this site now, because a viewer failed there. */
  probeNow(site: SiteId): void;
  subscribe(listener: ProbeListener): void;
  stop(): Promise<void>;
}

export interface ProbeListener {
  /** The health of this site may have changed. */
  readonly onUpdate?: (site: SiteId) => void;
  /** A site went up or down. */
  readonly onUpOrDown?: () => void;
}

interface Watched {
  readonly baseUrl: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  /** Ends the pause before the next probe. */
  probeNow(): void;
}

export function startProbes(intervalMs: number, files: ProbeFiles, log: Log): Probes {
  const healths = new Map<SiteId, Health>();
  const verdicts = new Map<SiteId, Verdict>();
  const watched = new Map<SiteId, Watched>();
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
    isIsolated = isSelfIsolated([...watched.keys()].map(verdictOf), nowMs);
    if (isIsolated === before) return;
    log.warn(
      {},
      isIsolated
        ? 'no site can be reached: this tracker seems to be isolated and keeps its last site states'
        : 'sites can be reached again',
    );
    if (!isIsolated) return;
    for (const site of watched.keys()) {
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

  async function watchSite(site: RegisteredSite, abort: AbortSignal, pause: Pause): Promise<void> {
    const recent: number[] = [];
    while (!abort.aborted) {
      try {
        const { probe, address, elapsedMs } = await probeSite(site, files, abort);
        // The site is no longer watched at this address.
        if (abort.aborted) return;
        recent.push(elapsedMs);
        if (recent.length > MEDIAN_OF) recent.shift();
        const { activeResponses, egressBps, egressLimitBps, servesViewers = true } = probe;
        const facts = {
          address,
          probeMs: median(recent),
          activeResponses,
          egressBps,
          egressLimitBps,
          servesViewers,
          lastError: undefined,
        };
        update(site.site, site.name, afterSuccess(verdictOf(site.site), Date.now()), facts);
        if (isIsolated) detectIsolation();
      } catch (error) {
        if (abort.aborted) return;
        fail(site, error);
      }
      await pause.wait(verdictOf(site.site).failures === 1 ? RETRY_MS : intervalMs, abort);
    }
  }

  const unwatch = (id: SiteId): void => {
    watched.get(id)?.abort.abort();
    watched.delete(id);
    healths.delete(id);
    verdicts.delete(id);
  };

  return {
    of,
    upMsOf(site, nowMs) {
      const { up, since } = of(site as SiteId);
      return up ? nowMs - Date.parse(since) : 0;
    },
    watch(sites) {
      const active = new Map(sites.filter(site => site.active).map(site => [site.site, site]));
      for (const [id, { baseUrl }] of [...watched]) if (active.get(id)?.baseUrl !== baseUrl) unwatch(id);
      for (const [id, site] of active) {
        if (watched.has(id)) continue;
        const abort = new AbortController();
        const pause = createPause();
        healths.set(id, { ...UNSEEN, since: new Date().toISOString() });
        watched.set(id, {
          baseUrl: site.baseUrl,
          abort,
          done: watchSite(site, abort.signal, pause),
          probeNow: pause.end,
        });
      }
    },
    probeNow: site => watched.get(site)?.probeNow(),
    subscribe: listener => void listeners.push(listener),
    async stop() {
      const all = [...watched.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

interface Pause {
  wait(ms: number, abort: AbortSignal): Promise<void>;
  end(): void;
}

/** A pause that can be cut short, but not below `RETRY_MS`: failures of viewers come in bursts. */
function createPause(): Pause {
  let cut = new AbortController();
  return {
    async wait(ms, abort) {
      cut = new AbortController();
      const stop = (): void => cut.abort();
      abort.addEventListener('abort', stop, { once: true });
      if (abort.aborted) stop();
      const least = Math.min(ms, RETRY_MS);
      await sleep(least, undefined, { signal: abort }).catch(() => {});
      await sleep(ms - least, undefined, { signal: cut.signal }).catch(() => {});
      abort.removeEventListener('abort', stop);
    },
    end: () => cut.abort(),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 10) / 10;
}
