/** Plays a video from the sites that the trackers rank, for the watch page and for the player in other pages. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PlayResponse } from '../../protocol/tracker.ts';
import { call } from '../api/call.ts';
import type { CentralInfo } from '../api/central-info.ts';
import { usePoll } from '../api/use-poll.ts';
import type { PlaybackStats } from '../player/hls/playback.ts';
import { useBeacon } from './beacon/use-beacon.ts';
import { fetchPlayResponse } from './play-response.ts';
import { addSources, findServingSite, listSwitches, NOT_SERVING, recordServed } from './site-switches.ts';
import { useBlockedSites } from './use-blocked-sites.ts';
import { usePlayback } from './use-playback.ts';

const REFRESH_RANKING_MS = 5_000;
const REFRESH_INFO_MS = 60_000;
const REFRESH_WITHOUT_TRACKER_MS = 3_000;

export interface StreamViewer {
  /** The address of a simulated viewer, in a demo. */
  readonly client: string | undefined;
  readonly grant: string | undefined;
}

/** @param isWaiting the trackers are not asked yet */
export function useStream(video: string, viewer: StreamViewer, isWaiting: boolean) {
  const info = usePoll(
    'info',
    abort => call<CentralInfo>('/api/info', { abort }),
    found => (found.trackers.length > 0 ? REFRESH_INFO_MS : REFRESH_WITHOUT_TRACKER_MS),
  );
  const play = usePlayResponse(video, info.value?.trackers, viewer, isWaiting);
  const playback = usePlayback(play.value?.hls);
  const [priority, setPriority] = useState<readonly string[]>();
  const sources = play.value?.sources;
  const blocked = useBlockedSites(sources);
  const onSegment = useBeacon(play.value, viewer, blocked, setPriority);
  const [serving, setServing] = useState(NOT_SERVING);
  const [stats, setStats] = useState<PlaybackStats>();
  useEffect(() => {
    if (sources) setServing(before => addSources(before, sources));
  }, [sources]);
  const onServed = useCallback((host: string) => {
    setServing(before => recordServed(before, host, Date.now()));
  }, []);
  const servingSite = findServingSite(serving);
  const revisionUrl = useRevisionUrl(play.value);
  const siteName = sources?.find(({ site }) => site === servingSite)?.name;
  return {
    info,
    play,
    playback,
    sources,
    blocked,
    servingSite,
    stats: playback.url ? stats : undefined,
    switches: useMemo(() => listSwitches(serving), [serving]),
    revisionUrl,
    /** What the player needs. */
    player: {
      url: playback.url,
      attempt: playback.attempt,
      sourceCount: sources?.length ?? 1,
      siteId: servingSite,
      siteName,
      revisionUrl,
      priority,
      onServed,
      onSegment,
      onNative: playback.onNative,
      onFatal: playback.onFatal,
      onStats: setStats,
    },
  };
}
export type Stream = ReturnType<typeof useStream>;

function usePlayResponse(
  video: string,
  trackers: readonly string[] | undefined,
  viewer: StreamViewer,
  isWaiting: boolean,
) {
  /** One viewing is one session, however often the ranking is refreshed. */
  const session = useRef<string | undefined>(undefined);
  return usePoll(
    trackers && !isWaiting ? `${trackers.join(' ')} ${viewer.grant ?? ''}` : '',
    async abort => {
      if (!trackers || isWaiting) return undefined;
      const query = { client: viewer.client, grant: viewer.grant, session: session.current };
      const found = await fetchPlayResponse(trackers, video, query, abort);
      session.current = found.session;
      return found;
    },
    () => REFRESH_RANKING_MS,
  );
}

/** The base URL of a revision's images. It is kept while the revision is the same: a new order of sites does not reload them. */
function useRevisionUrl(play: PlayResponse | undefined): string | undefined {
  const kept = useRef<{ readonly revision: string; readonly url: string } | undefined>(undefined);
  const [best] = play?.sources ?? [];
  if (play && best && kept.current?.revision !== play.revision)
    kept.current = { revision: play.revision, url: new URL('.', best.hls).href };
  return kept.current?.url;
}
