/**
 * Tells the tracker what this player sees of the sites, and takes the small samples that the tracker asks for. It never
 * disturbs the picture: whatever fails here is left.
 */
import { useCallback, useEffect, useRef } from 'preact/hooks';
import type { SiteId } from '../../../protocol/ids.ts';
import type { BeaconResponse, BeaconResult, PlayResponse } from '../../../protocol/tracker.ts';
import { call } from '../../api/call.ts';
import type { SegmentReport } from '../../player/playback.ts';
import { takeSample } from './sample.ts';

const LEAST_PAUSE_MS = 1_000;
const AFTER_FAILURE_S = 10;
const MOST_RESULTS = 32;

/** What is said of the viewer in every address. */
export interface Viewer {
  readonly client: string | undefined;
  readonly grant: string | undefined;
}

/** @returns what to call for every segment. */
export function useBeacon(
  answer: PlayResponse | undefined,
  viewer: Viewer,
  onPriority: (pathways: readonly string[]) => void,
): (report: SegmentReport) => void {
  const beacon = useRef<Beacon | undefined>(undefined);
  const latest = useRef(answer);
  latest.current = answer;
  const session = answer?.session;
  useEffect(() => {
    if (!session) return;
    const started = startBeacon(() => latest.current, viewer, onPriority);
    beacon.current = started;
    return () => {
      started.stop();
      beacon.current = undefined;
    };
  }, [session, viewer, onPriority]);
  return useCallback((report: SegmentReport) => beacon.current?.note(report), []);
}

interface Beacon {
  note(report: SegmentReport): void;
  stop(): void;
}

function startBeacon(
  read: () => PlayResponse | undefined,
  viewer: Viewer,
  onPriority: (pathways: readonly string[]) => void,
): Beacon {
  let results: BeaconResult[] = [];
  let current: SiteId | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let isBusy = false;
  let lastMs = 0;
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(() => void turn(), ms);
  };

  async function turn(): Promise<void> {
    const answer = read();
    if (!answer || isBusy) return;
    isBusy = true;
    lastMs = performance.now();
    const told = results.splice(0, MOST_RESULTS);
    let nextInS = AFTER_FAILURE_S;
    try {
      const wanted = await call<BeaconResponse>(addressOf(answer, viewer), {
        method: 'POST',
        body: { ...(current ? { current } : {}), results: told },
      });
      nextInS = wanted.nextInS;
      if (!isStopped && wanted.priority.length > 1) onPriority(wanted.priority);
      // All at once: they are small, and the picture waits for what they say.
      results.push(...(await Promise.all(wanted.measure.map(({ site, url }) => measure(site, url)))));
      // What was measured is wanted now.
      if (wanted.measure.length > 0) nextInS = 0;
    } catch {
      // The tracker is away, or busy: the picture goes on without it.
    } finally {
      isBusy = false;
      schedule(nextInS === 0 ? 0 : Math.max(LEAST_PAUSE_MS, nextInS * 1_000));
    }
  }
  schedule(0);

  return {
    note({ host, bps }) {
      const site = read()?.sources.find(source => new URL(source.baseUrl).host === host)?.site;
      if (!site) return;
      if (bps !== undefined) current = site;
      results.push({ site, kind: 'segment', ...(bps === undefined ? { failed: true } : { bps }) });
      results = results.slice(-MOST_RESULTS);
      if (!isBusy) schedule(Math.max(0, lastMs + LEAST_PAUSE_MS - performance.now()));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

async function measure(site: SiteId, url: string): Promise<BeaconResult> {
  try {
    const { rttMs, bps } = await takeSample(url);
    return { site, kind: 'sample', rttMs, ...(bps > 0 ? { bps } : {}) };
  } catch {
    return { site, kind: 'sample', failed: true };
  }
}

function addressOf({ steering, session, video }: PlayResponse, { client, grant }: Viewer): string {
  // The sites as steering knows them, the viewer's home first.
  const pathways = new URL(steering).searchParams.get('pathways') ?? '';
  const query = new URLSearchParams({ video, pathways });
  if (client !== undefined) query.set('client', client);
  if (grant !== undefined) query.set('grant', grant);
  return `${new URL(steering).origin}/beacon/${session}?${query}`;
}
