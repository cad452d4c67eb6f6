/** Runs a beacon while a video plays. */
import { useCallback, useEffect, useRef } from 'preact/hooks';
import type { PlayResponse } from '../../../protocol/tracker.ts';
import { call } from '../../api/call.ts';
import type { SegmentReport } from '../../player/hls/segment-report.ts';
import { type Beacon, startBeacon, type ViewerQuery } from './beacon.ts';
import { measureSample } from './sample.ts';

/** @returns the function to call for every segment */
export function useBeacon(
  play: PlayResponse | undefined,
  viewer: ViewerQuery,
  onPriority: (pathways: readonly string[]) => void,
): (report: SegmentReport) => void {
  const beacon = useRef<Beacon | undefined>(undefined);
  const latest = useRef(play);
  latest.current = play;
  const session = play?.session;
  useEffect(() => {
    if (!session) return;
    const started = startBeacon({
      readPlay: () => latest.current,
      viewer,
      send: (url, body) => call(url, { method: 'POST', body }),
      measureSample,
      onPriority,
      now: () => performance.now(),
    });
    beacon.current = started;
    return () => {
      started.stop();
      beacon.current = undefined;
    };
  }, [session, viewer, onPriority]);
  return useCallback((report: SegmentReport) => beacon.current?.record(report), []);
}
