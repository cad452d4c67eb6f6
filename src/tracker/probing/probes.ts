/**
 * Liveness: every active site is asked each second, at once where a viewer failed there, and soon again after a failure. A
 * new site is down until it has answered once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../kernel/log.ts';
import type { SiteId } from '../../protocol/ids.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import { ask, isUnreachable, reasonOf } from './probe-site.ts';
import type { Samples } from './probe-files.ts';
import {
  afterFailure,
  afterGood,
  proofMs,
  restored,
  suspectsItself,
  UNKNOWN_VERDICT,
  type Verdict,
} from './verdict.ts';

const RETRY_MS = 200;
const MEDIAN_OF = 9;

export interface Health {
  readonly up: boolean;
  /** Up, but its last probe failed. */
  readonly degraded: boolean;
  /** When it last changed (RFC 3339). */
  readonly since: string;
  /** Address and port that the last successful probe was connected to. */
  readonly address: string | undefined;
  /** Median round trip of the recent probes, milliseconds. */
  readonly probeMs: number | undefined;
  readonly activeResponses: number;
  readonly egressBps: number;
  /** As the site itself is configured. Undefined: no limit. */
  readonly egressLimitBps: number | undefined;
  readonly servesViewers: boolean;
  readonly lastError: string | undefined;
  /** It answers, and must go on doing so for this much longer, because it has gone up and down. */
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
  /** Probes these sites from now on, and no others. */
  watch(sites: readonly RegisteredSite[]): void;
  /** Asks this one now: somebody has failed there. */
  hurry(site: SiteId): void;
  /** No site can be reached at all: the tracker itself is cut off, and what it last knew stands. */
  suspectsItself(): boolean;
  stop(): Promise<void>;
}

export interface ProbeEvents {
  /** Something about this site is known anew. */
  readonly onUpdate: (site: SiteId) => void;
  /** A site went up or down. */
  readonly onTurn: () => void;
}

interface Watched {
  readonly baseUrl: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  /** Ends the pause before the next probe. */
  hurry(): void;
}

export function startProbes(intervalMs: number, samples: Samples, events: ProbeEvents, log: Log): Probes {
  const healths = new Map<SiteId, Health>();
  const verdicts = new Map<SiteId, Verdict>();
  const watched = new Map<SiteId, Watched>();
  let isSuspect = false;

  const verdictOf = (site: SiteId): Verdict => verdicts.get(site) ?? UNKNOWN_VERDICT;

  function update(site: SiteId, name: string, verdict: Verdict, change: Partial<Health>): void {
    verdicts.set(site, verdict);
    const nowMs = Date.now();
    const before = healths.get(site) ?? UNSEEN;
    const { up, failures, wellSinceMs, falls } = verdict;
    const turned = up !== before.up;
    const recoveryLeftMs =
      up || wellSinceMs === undefined ? 0 : Math.max(0, proofMs(falls, nowMs) - (nowMs - wellSinceMs));
    healths.set(site, {
      ...before,
      ...change,
      up,
      degraded: up && failures > 0,
      recoveryLeftMs,
      ...(turned ? { since: new Date(nowMs).toISOString() } : {}),
    });
    if (turned) {
      log.info({ site, name, reason: change.lastError }, up ? 'site is up' : 'site is down');
      events.onTurn();
    }
    events.onUpdate(site);
  }

  /** Judges all together, because only all together show that it is the tracker that is cut off. */
  function judgeItself(): void {
    const nowMs = Date.now();
    const before = isSuspect;
    isSuspect = suspectsItself([...watched.keys()].map(verdictOf), nowMs);
    if (isSuspect === before) return;
    log.warn(
      {},
      isSuspect
        ? 'no site can be reached: this tracker seems to be cut off, and keeps what it knew'
        : 'sites can be reached again',
    );
    if (!isSuspect) return;
    for (const site of watched.keys()) {
      const verdict = verdictOf(site);
      const back = restored(verdict, nowMs);
      if (back !== verdict) update(site, '', back, {});
    }
  }

  function fail(site: RegisteredSite, error: unknown): void {
    const before = verdictOf(site.site);
    const after = afterFailure(before, isUnreachable(error), Date.now());
    verdicts.set(site.site, after);
    judgeItself();
    // A tracker that is cut off learns nothing of the sites.
    const kept = isSuspect
      ? { ...after, up: before.up || verdictOf(site.site).up, falls: before.falls }
      : after;
    update(site.site, site.name, kept, { lastError: reasonOf(error) });
  }

  async function watchOne(site: RegisteredSite, signal: AbortSignal, pause: Pause): Promise<void> {
    const recent: number[] = [];
    while (!signal.aborted) {
      try {
        const { probe, address, elapsedMs } = await ask(site, samples, signal);
        // Ended while it asked: what it heard is of an address that is watched no more.
        if (signal.aborted) return;
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
        update(site.site, site.name, afterGood(verdictOf(site.site), Date.now()), facts);
        if (isSuspect) judgeItself();
      } catch (error) {
        if (signal.aborted) return;
        fail(site, error);
      }
      await pause.wait(verdictOf(site.site).failures === 1 ? RETRY_MS : intervalMs, signal);
    }
  }

  const unwatch = (id: SiteId): void => {
    watched.get(id)?.abort.abort();
    watched.delete(id);
    healths.delete(id);
    verdicts.delete(id);
  };

  return {
    of: site => healths.get(site) ?? UNSEEN,
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
          done: watchOne(site, abort.signal, pause),
          hurry: pause.end,
        });
      }
    },
    hurry: site => watched.get(site)?.hurry(),
    suspectsItself: () => isSuspect,
    async stop() {
      const all = [...watched.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

interface Pause {
  wait(ms: number, signal: AbortSignal): Promise<void>;
  end(): void;
}

/** A pause that can be cut short, but not to nothing: viewers' failures come in flocks. */
function createPause(): Pause {
  let cut = new AbortController();
  return {
    async wait(ms, signal) {
      cut = new AbortController();
      const stop = (): void => cut.abort();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const least = Math.min(ms, RETRY_MS);
      await sleep(least, undefined, { signal }).catch(() => {});
      await sleep(ms - least, undefined, { signal: cut.signal }).catch(() => {});
      signal.removeEventListener('abort', stop);
    },
    end: () => cut.abort(),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 10) / 10;
}
