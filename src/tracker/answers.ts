/** From a question about a video to a ranking: where the pure choice meets what the tracker knows. */
import { Problem } from '../kernel/problem.ts';
import type { SiteId, VideoId } from '../protocol/ids.ts';
import { MULTIVARIANT_PLAYLIST, mediaPath } from '../protocol/media.ts';
import type { Source } from '../protocol/tracker.ts';
import { type Candidate, choose, type Ranked, type Viewer } from './choice/choose.ts';
import { findZone, makeZoneTable, type ZoneTable } from './choice/zones.ts';
import type { Probes } from './probes.ts';
import type { RegisteredVideo, Registry } from './registry.ts';

export interface Answers {
  viewerAt(client: string): Viewer;
  viewerFilling(site: SiteId): Viewer;
  /** @throws Problem 404 `video-unknown`, 410 `video-withdrawn`. */
  rank(id: VideoId, viewer: Viewer): { readonly video: RegisteredVideo; readonly ranking: readonly Ranked[] };
  /** The sites offered, best first. @throws Problem 503 `no-source` if there is none. */
  sources(video: RegisteredVideo, ranking: readonly Ranked[]): readonly [Source, ...Source[]];
}

export function createAnswers(registry: Registry, probes: Probes): Answers {
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
  const findSite = (id: SiteId) => registry.sites.find(site => site.site === id);

  return {
    viewerAt(client) {
      const zone = findZone(zoneTable(), client);
      // Who is in a site's zone is where that site is, also while the site itself is down.
      return zone ? { zone, coordinates: findSite(zone.site)?.coordinates } : {};
    },
    viewerFilling: site => ({ fillingSite: site, coordinates: findSite(site)?.coordinates }),
    rank(id, viewer) {
      const found = registry.find(id);
      if (found.kind === 'unknown') {
        throw new Problem(404, 'video-unknown', 'No video of this id is registered here.');
      }
      if (found.kind === 'withdrawn') throw new Problem(410, 'video-withdrawn', 'This video was withdrawn.');
      const candidates = registry.sites.map((site): Candidate => {
        const { up, activeResponses, egressBps } = probes.of(site.site);
        const { site: id, name, coordinates, active } = site;
        return { id, name, coordinates, active, up, activeResponses, egressBps };
      });
      return { video: found.video, ranking: choose(viewer, found.holders, candidates) };
    },
    sources(video, ranking) {
      const [first, ...others] = ranking.filter(entry => entry.offered).map(entry => toSource(video, entry));
      if (first) return [first, ...others];
      throw new Problem(503, 'no-source', 'No site can serve this video now. Try again in a moment.', {
        headers: { 'retry-after': '2' },
      });
    },
  };

  function toSource(video: RegisteredVideo, { site, reasons, score }: Ranked): Source {
    const baseUrl = findSite(site.id)?.baseUrl ?? '';
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
