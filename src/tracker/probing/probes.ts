/**
 * Probes every active site once per second, immediately when a viewer failed there, and sooner after a failure. A new site is
 * down until its first successful probe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../kernel/log.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import type { ProbeFiles } from './probe-files.ts';
import { probeSite } from './probe-site.ts';
import { createSiteHealth, type Health, type ProbeListener } from './site-health.ts';

const RETRY_MS = 200;
const MEDIAN_OF = 9;

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

interface Watched {
  readonly baseUrl: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  /** Ends the pause before the next probe. */
  probeNow(): void;
}

export function startProbes(intervalMs: number, files: ProbeFiles, log: Log): Probes {
  const health = createSiteHealth(log);
  const watched = new Map<SiteId, Watched>();

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
        health.succeed(site, {
          address,
          probeMs: median(recent),
          activeResponses,
          egressBps,
          egressLimitBps,
          servesViewers,
        });
      } catch (error) {
        if (abort.aborted) return;
        health.fail(site, error);
      }
      await pause.wait(health.failuresOf(site.site) === 1 ? RETRY_MS : intervalMs, abort);
    }
  }

  const unwatch = (id: SiteId): void => {
    watched.get(id)?.abort.abort();
    watched.delete(id);
    health.remove(id);
  };

  return {
    of: health.of,
    upMsOf(site, nowMs) {
      const { up, since } = health.of(site as SiteId);
      return up ? nowMs - Date.parse(since) : 0;
    },
    watch(sites) {
      const active = new Map(sites.filter(site => site.active).map(site => [site.site, site]));
      for (const [id, { baseUrl }] of [...watched]) if (active.get(id)?.baseUrl !== baseUrl) unwatch(id);
      for (const [id, site] of active) {
        if (watched.has(id)) continue;
        const abort = new AbortController();
        const pause = createPause();
        health.add(id);
        watched.set(id, {
          baseUrl: site.baseUrl,
          abort,
          done: watchSite(site, abort.signal, pause),
          probeNow: pause.end,
        });
      }
    },
    probeNow: site => watched.get(site)?.probeNow(),
    subscribe: health.subscribe,
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
