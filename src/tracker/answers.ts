/** From a question about a video to a ranking: where the pure choice meets what the tracker knows. */
import { Problem } from '../kernel/problem.ts';
import type { SiteId, VideoId } from '../protocol/ids.ts';
import { MULTIVARIANT_PLAYLIST, mediaPath } from '../protocol/media.ts';
import type { Source } from '../protocol/tracker.ts';
import { type Candidate, choose, type Ranked, shortlist, type Viewer } from './choice/choose.ts';
import { findZone, makeZoneTable, type ZoneTable } from './choice/zones.ts';
import type { Probes } from './probes.ts';
import type { RegisteredVideo, Registry } from './registry.ts';

/** Sites offered to one viewer: enough to fail over, few enough for a playlist. */
const MAX_OFFERED_SITES = 8;

export interface Answers {
  viewerAt(client: string): Viewer;
  viewerFilling(site: SiteId): Viewer;
  /** @throws Problem 404 `video-unknown`, 410 `video-withdrawn`. */
  rank(id: VideoId, viewer: Viewer): { readonly video: RegisteredVideo; readonly ranking: readonly Ranked[] };
  /**
   * For a player that is playing: a video that is not known here is ranked as one that nobody holds, because an error would
   * cost the player its steering. @throws Problem 410 `video-withdrawn`.
   */
  steer(id: VideoId, viewer: Viewer): readonly Ranked[];
  /** The sites offered, best first. @throws Problem 503 `no-source` if there is none. */
  sources(video: RegisteredVideo, ranking: readonly Ranked[]): readonly [Source, ...Source[]];
}

/** `missing` says why nothing can be told of a video yet: before the feed was read, "unknown" would be said of all. */
export function createAnswers(
  registry: Registry,
  probes: Probes,
  missing: () => string | undefined,
): Answers {
  let zones: { readonly version: number; readonly table: ZoneTable } | undefined;
  const zoneTable = (): ZoneTable => {
    if (zones?.version !== registry.sitesVersion) {
      zones = {
        version: registry.sitesVersion,
        table: makeZoneTable(registry.sites.filter(site => site.active)),
      };
    }
    return zones.table;
  };
  const holdersOf = (places: readonly number[]): ReadonlySet<SiteId> =>
    new Set(places.map(place => registry.siteAt(place)));
  const rankSites = (holders: ReadonlySet<SiteId>, viewer: Viewer): readonly Ranked[] =>
    choose(
      viewer,
      holders,
      registry.sites.map(({ site: id, name, coordinates, active }): Candidate => {
        const { up, activeResponses, egressBps } = probes.of(id);
        return { id, name, coordinates, active, up, activeResponses, egressBps };
      }),
    );

  return {
    viewerAt(client) {
      const zone = findZone(zoneTable(), client);
      // Who is in a site's zone is where that site is, also while the site itself is down.
      return zone ? { zone, coordinates: registry.findSite(zone.site)?.coordinates } : {};
    },
    viewerFilling: site => ({ fillingSite: site, coordinates: registry.findSite(site)?.coordinates }),
    rank(id, viewer) {
      const found = registry.find(id);
      if (found.kind === 'unknown') {
        const reason = missing();
        if (reason !== undefined) throw noSource(reason);
        throw new Problem(404, 'video-unknown', 'No video of this id is registered here.');
      }
      if (found.kind === 'withdrawn') throw withdrawn();
      return { video: found.video, ranking: rankSites(holdersOf(found.holders), viewer) };
    },
    steer(id, viewer) {
      const found = registry.find(id);
      if (found.kind === 'withdrawn') throw withdrawn();
      return rankSites(holdersOf(found.kind === 'known' ? found.holders : []), viewer);
    },
    sources(video, ranking) {
      const [first, ...others] = shortlist(ranking, MAX_OFFERED_SITES).map(entry => toSource(video, entry));
      if (first) return [first, ...others];
      throw noSource('No site can serve this video now. Try again in a moment.');
    },
  };

  function toSource(video: RegisteredVideo, { site, reasons, score }: Ranked): Source {
    const baseUrl = registry.findSite(site.id)?.baseUrl ?? '';
    return {
      site: site.id,
      name: site.name,
      address: probes.of(site.id).address ?? '',
      baseUrl,
      hls: baseUrl + mediaPath(video.video, video.revision, MULTIVARIANT_PLAYLIST),
      dash: null,
      reason: reasons[0]?.text ?? '',
      reasons: [...reasons],
      score,
    };
  }
}

const withdrawn = (): Problem => new Problem(410, 'video-withdrawn', 'This video was withdrawn.');
const noSource = (detail: string): Problem =>
  new Problem(503, 'no-source', detail, { headers: { 'retry-after': '2' } });
