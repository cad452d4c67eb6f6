/** Runs a beacon while a video plays. */
import { useCallback, useEffect, useRef } from 'preact/hooks';
import type { PlayResponse, Source } from '../../../protocol/tracker.ts';
import { call } from '../../api/call.ts';
import type { SegmentReport } from '../../player/hls/segment-report.ts';
import { type Beacon, startBeacon, type ViewerQuery } from './beacon.ts';
import { measureSample } from './sample.ts';

/** @returns the function to call for every segment */
export function useBeacon(
  play: PlayResponse | undefined,
  viewer: ViewerQuery,
  blocked: readonly Source[],
  onPriority: (pathways: readonly string[]) => void,
): (report: SegmentReport) => void {
  const beacon = useRef<Beacon | undefined>(undefined);
  const latest = useRef(play);
  latest.current = play;
  const latestBlocked = useRef(blocked);
  latestBlocked.current = blocked;
  const session = play?.session;
  useEffect(() => {
    if (!session) return;
    const started = startBeacon({
      readPlay: () => latest.current,
      viewer,
      send: (url, body) => call(url, { method: 'POST', body }),
      measureSample,
      isBlocked: site => latestBlocked.current.some(source => source.site === site),
      onPriority,
      now: () => performance.now(),
    });
    beacon.current = started;
    return () => {
      started.stop();
      beacon.current = undefined;
    };
  }, [session, viewer, onPriority]);
  useEffect(() => {
    if (session && blocked.length > 0) beacon.current?.recordBlocked(blocked.map(({ site }) => site));
  }, [session, blocked]);
  return useCallback((report: SegmentReport) => beacon.current?.record(report), []);
}
