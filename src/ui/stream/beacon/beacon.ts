/**
 * Reports to the tracker how well sites deliver, and measures the sites that the tracker selects. It never disturbs playback:
 * its failures are ignored. It has no DOM; use-beacon.ts connects it to the page.
 */
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { BeaconResponse, BeaconResult, PlayResponse } from '../../../protocol/tracker.ts';
import type { SegmentReport } from '../../player/hls/segment-report.ts';
import { formatQuery } from '../play-response.ts';
import { type Sample, SiteBusy } from './sample.ts';

const MIN_INTERVAL_MS = 1_000;
const RETRY_AFTER_FAILURE_S = 10;
const MAX_RESULTS = 32;

/** Identifies the viewer in every request to a tracker. */
export interface ViewerQuery {
  readonly client: string | undefined;
  readonly grant: string | undefined;
}

export interface BeaconDeps {
  readonly readPlay: () => PlayResponse | undefined;
  readonly viewer: ViewerQuery;
  readonly send: (url: string, body: BeaconBody) => Promise<BeaconResponse>;
  readonly measureSample: (url: string) => Promise<Sample>;
  /** True if the browser does not let this page connect to the site. */
  readonly isBlocked: (site: SiteId) => boolean;
  /** The tracker's order of pathways has changed. */
  readonly onPriority: (pathways: readonly string[]) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export interface BeaconBody {
  /** The site that served the last segment. */
  readonly current?: SiteId;
  readonly results: readonly BeaconResult[];
}

export interface Beacon {
  record(report: SegmentReport): void;
  /** Reports sites that the browser blocks, before anything is loaded from them. */
  recordBlocked(sites: readonly SiteId[]): void;
  stop(): void;
}

export function startBeacon(deps: BeaconDeps): Beacon {
  const { readPlay, viewer, send, measureSample, isBlocked, onPriority, now } = deps;
  const failure = (site: SiteId): Pick<BeaconResult, 'failed' | 'blocked'> => ({
    failed: true,
    ...(isBlocked(site) ? { blocked: true } : {}),
  });
  let results: BeaconResult[] = [];
  let current: SiteId | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let isBusy = false;
  let lastSentMs = 0;
  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(() => void report(), delayMs);
  };
  function add(more: readonly BeaconResult[]): void {
    results = [...results, ...more].slice(-MAX_RESULTS);
    if (!isBusy) schedule(Math.max(0, lastSentMs + MIN_INTERVAL_MS - now()));
  }
  async function measure(site: SiteId, url: string): Promise<BeaconResult | undefined> {
    try {
      const { rttMs, bps } = await measureSample(url);
      return { site, kind: 'sample', rttMs, ...(bps > 0 ? { bps } : {}) };
    } catch (error) {
      return error instanceof SiteBusy ? undefined : { site, kind: 'sample', ...failure(site) };
    }
  }
  /** @returns seconds until the next report */
  async function exchange(play: PlayResponse): Promise<number> {
    const sent = results.splice(0, MAX_RESULTS);
    const response = await send(formatBeaconUrl(play, viewer), {
      ...(current ? { current } : {}),
      results: sent,
    });
    if (!isStopped && response.priority.length > 1) onPriority(response.priority);
    // Samples are small, and playback waits for their results: they are taken at the same time and reported at once.
    const samples = await Promise.all(response.measure.map(({ site, url }) => measure(site, url)));
    results.push(...samples.filter(sample => sample !== undefined));
    return response.measure.length > 0 ? 0 : response.nextInS;
  }
  async function report(): Promise<void> {
    const play = readPlay();
    if (!play || isBusy) return;
    isBusy = true;
    lastSentMs = now();
    // A tracker that is unavailable or busy does not concern playback.
    const nextS = await exchange(play).catch(() => RETRY_AFTER_FAILURE_S);
    isBusy = false;
    schedule(nextS === 0 ? 0 : Math.max(MIN_INTERVAL_MS, nextS * 1_000));
  }
  schedule(0);

  return {
    record({ host, bps }) {
      const site = readPlay()?.sources.find(source => new URL(source.baseUrl).host === host)?.site;
      if (!site) return;
      if (bps !== undefined) current = site;
      add([{ site, kind: 'segment', ...(bps === undefined ? failure(site) : { bps }) }]);
    },
    recordBlocked(sites) {
      add(sites.map(site => ({ site, kind: 'sample', failed: true, blocked: true })));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Steering names the pathways with the viewer's primary site first; the beacon passes them on unchanged. */
export function formatBeaconUrl({ steering, session, video }: PlayResponse, viewer: ViewerQuery): string {
  const url = new URL(steering);
  const pathways = url.searchParams.get('pathways') ?? '';
  const { client, grant } = viewer;
  return `${url.origin}/beacon/${session}${formatQuery({ video, pathways, client, grant })}`;
}
