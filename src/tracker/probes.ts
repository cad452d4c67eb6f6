/**
 * Liveness: every active site is asked each second. Two failures in a row, and it is down; one answer, and it is up. A new
 * site is down until it has answered once.
 */
import { randomBytes } from 'node:crypto';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatAddress } from '../kernel/client.ts';
import { withinLimit } from '../kernel/limit.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { SiteId } from '../protocol/ids.ts';
import { type SiteProbe, siteProbeSchema } from '../protocol/site.ts';
import type { RegisteredSite } from './registry.ts';

/** Worst case until a dead or silent site is left out: interval + timeout + retry + timeout = 2.6 s. */
const TIMEOUT_MS = 700;
const RETRY_MS = 200;
const MAX_ANSWER_BYTES = 4_096;
const MEDIAN_OF = 9;

export interface Health {
  readonly up: boolean;
  /** Up, but its last probe failed. */
  readonly shaky: boolean;
  /** When it last changed (RFC 3339). */
  readonly since: string;
  /** Address and port that the last successful probe was connected to. */
  readonly address: string | undefined;
  /** Median round trip of the recent probes, milliseconds. */
  readonly probeMs: number | undefined;
  readonly activeResponses: number;
  readonly egressBps: number;
  readonly lastError: string | undefined;
}

const UNSEEN: Health = {
  up: false,
  shaky: false,
  since: new Date(0).toISOString(),
  address: undefined,
  probeMs: undefined,
  activeResponses: 0,
  egressBps: 0,
  lastError: undefined,
};

export interface Probes {
  of(site: SiteId): Health;
  /** Probes these sites from now on, and no others. */
  watch(sites: readonly RegisteredSite[]): void;
  stop(): Promise<void>;
}

export interface ProbeEvents {
  /** Something about this site is known anew. */
  readonly onUpdate: (site: SiteId) => void;
  /** A site went up or down. */
  readonly onTurn: () => void;
}

export function startProbes(intervalMs: number, events: ProbeEvents, log: Log): Probes {
  const healths = new Map<SiteId, Health>();
  const watched = new Map<
    SiteId,
    { readonly baseUrl: string; readonly abort: AbortController; readonly done: Promise<void> }
  >();

  const update = (site: RegisteredSite, change: Partial<Health>): void => {
    const before = healths.get(site.site) ?? UNSEEN;
    const up = change.up ?? before.up;
    const turned = up !== before.up;
    healths.set(site.site, { ...before, ...change, ...(turned ? { since: new Date().toISOString() } : {}) });
    if (turned) {
      log.info(
        { site: site.site, name: site.name, reason: change.lastError },
        up ? 'site is up' : 'site is down',
      );
      events.onTurn();
    }
    events.onUpdate(site.site);
  };

  async function watchOne(site: RegisteredSite, signal: AbortSignal): Promise<void> {
    let failures = 0;
    const recent: number[] = [];
    while (!signal.aborted) {
      try {
        const { probe, address, elapsedMs } = await ask(site, signal);
        // Ended while it asked: what it heard is of an address that is watched no more.
        if (signal.aborted) return;
        failures = 0;
        recent.push(elapsedMs);
        if (recent.length > MEDIAN_OF) recent.shift();
        const { activeResponses, egressBps } = probe;
        update(site, {
          up: true,
          shaky: false,
          address,
          probeMs: median(recent),
          activeResponses,
          egressBps,
          lastError: undefined,
        });
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        update(site, {
          ...(failures >= 2 ? { up: false, shaky: false } : { shaky: true }),
          lastError: reasonOf(error),
        });
      }
      const pauseMs = failures === 1 ? RETRY_MS : intervalMs;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  const unwatch = (id: SiteId): void => {
    watched.get(id)?.abort.abort();
    watched.delete(id);
    healths.delete(id);
  };

  return {
    of: site => healths.get(site) ?? UNSEEN,
    watch(sites) {
      const active = new Map(sites.filter(site => site.active).map(site => [site.site, site]));
      for (const [id, { baseUrl }] of [...watched]) if (active.get(id)?.baseUrl !== baseUrl) unwatch(id);
      for (const [id, site] of active) {
        if (watched.has(id)) continue;
        const abort = new AbortController();
        healths.set(id, { ...UNSEEN, since: new Date().toISOString() });
        watched.set(id, { baseUrl: site.baseUrl, abort, done: watchOne(site, abort.signal) });
      }
    },
    async stop() {
      const all = [...watched.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

interface Answer {
  readonly probe: SiteProbe;
  readonly address: string;
  readonly elapsedMs: number;
}

/** Each probe opens a connection of its own: a new viewer would have to, too. The limit holds for the whole answer. */
const ask = (site: RegisteredSite, signal: AbortSignal): Promise<Answer> =>
  withinLimit(TIMEOUT_MS, signal, async limit => {
    const nonce = randomBytes(12).toString('base64url');
    const started = performance.now();
    const response = await open(new URL(`/probe?nonce=${nonce}`, site.baseUrl), limit);
    const { remoteAddress = '', remotePort = 0 } = response.socket;
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    }
    if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
    const probe = siteProbeSchema.parse(JSON.parse(text));
    if (probe.nonce !== nonce) throw new Error('it did not answer this question');
    if (probe.site !== undefined && probe.site !== site.site) throw new Error('another site answers there');
    const address = formatAddress(remoteAddress, remotePort);
    return { probe, address, elapsedMs: performance.now() - started };
  });

const open = (url: URL, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    get(url, { agent: false, signal }, resolve).on('error', reject);
  });

/** A refused connection to a name with several addresses has no message, only a code. */
const reasonOf = (error: unknown): string => {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'what answers there is no site';
  return (messageOf(error) || (error as { code?: string }).code || 'unreachable').slice(0, 200);
};

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 10) / 10;
}
