/** The report of copies for the operator: where videos are stored, why, and which copies are evicted first. Pure. */

import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { CopyReport, Placement, StorageReport } from '../../protocol/copies.ts';
import type { StoredAssignment } from './changes.ts';
import { groupBy } from './group-by.ts';
import { type Plan, type PlanInput, type PlannedVideo, plan } from './plan.ts';
import { notWanted, type Why } from './why.ts';

const EVICTIONS_SHOWN = 10;

export interface ReportQuery {
  /** How many videos of the list to skip. */
  readonly after: number;
  readonly limit: number;
  /** Restricts the list to videos at risk. */
  readonly only?: 'at-risk' | undefined;
  readonly video?: VideoId | undefined;
}

export interface ReportInput extends PlanInput {
  readonly stored: readonly StoredAssignment[];
  /** What each site reports of its files. */
  readonly reports: ReadonlyMap<SiteId, Pick<StorageReport, 'damage'>>;
}

export function makeCopyReport(input: ReportInput, query: ReportQuery): CopyReport {
  const planned = plan(input);
  const names = new Map(input.sites.map(site => [site.id, site.name]));
  const nameOf = (id: SiteId) => ({ id, name: names.get(id) ?? id });
  const videoNames = new Map(input.videos.map(video => [video.id, video.name]));
  const listed = input.videos
    .filter(({ id }) => (query.video === undefined ? true : id === query.video))
    .filter(({ id }) => query.only === undefined || planned.atRisk.has(id))
    // Videos at risk come first, then the newest (UUIDv7 sorts by time).
    .sort(
      (a, b) => Number(planned.atRisk.has(b.id)) - Number(planned.atRisk.has(a.id)) || (a.id < b.id ? 1 : -1),
    );
  const shown = listed.slice(query.after, query.after + query.limit);
  const describe = createDescriber(input, planned, nameOf);
  return {
    videos: input.videos.length,
    copies: input.copies.length,
    atRisk: planned.atRisk.size,
    placements: shown.map(describe),
    more: listed.length > query.after + query.limit,
    sites: input.sites
      .filter(site => site.isAvailable)
      .map(site => {
        const here = input.copies.filter(copy => copy.site === site.id);
        const limit = planned.limits.get(site.id);
        return {
          id: site.id,
          name: site.name,
          ...(site.region === undefined ? {} : { region: site.region }),
          copies: here.length,
          bytes: here.reduce((sum, copy) => sum + copy.sizeBytes, 0),
          ...(limit === undefined ? {} : { limitBytes: limit }),
          nextEvictions: (planned.evictions.get(site.id) ?? [])
            .slice(0, EVICTIONS_SHOWN)
            .map(({ video, why }) => ({ video, name: videoNames.get(video) ?? video, ...why })),
        };
      }),
  };
}

function createDescriber(
  input: ReportInput,
  planned: Plan,
  nameOf: (id: SiteId) => { readonly id: SiteId; readonly name: string },
): (video: PlannedVideo) => Placement {
  const stored = groupBy(input.copies, copy => copy.video);
  const wanted = groupBy(planned.copies, copy => copy.video);
  const rejected = groupBy(planned.rejected, copy => copy.video);
  const unmet = groupBy(planned.unmet, each => each.video);
  const ends = groupBy(
    input.stored.filter(({ isWanted, endsAtMs }) => isWanted && endsAtMs !== undefined),
    each => each.video,
  );
  const damage = groupBy(
    [...input.reports].flatMap(([site, report]) => report.damage.map(each => ({ site, ...each }))),
    each => each.video,
  );
  return video => {
    const copies = new Map((stored.get(video.id) ?? []).map(copy => [copy.site, copy]));
    const reasons = new Map<SiteId, Why>((wanted.get(video.id) ?? []).map(({ site, why }) => [site, why]));
    const leaving = new Map((ends.get(video.id) ?? []).map(each => [each.site, each.endsAtMs]));
    const sites = [...new Set([...copies.keys(), ...reasons.keys()])];
    const damaged = (damage.get(video.id) ?? []).map(({ site, video: _, ...each }) => ({
      site: nameOf(site),
      ...each,
    }));
    return {
      video: video.id,
      name: video.name,
      sizeBytes: video.sizeBytes,
      ...(video.isPrivate ? { isPrivate: true } : {}),
      ...(damaged.length > 0 ? { damage: damaged } : {}),
      origin: nameOf(video.origin),
      holders: planned.holders.get(video.id) ?? 0,
      copies: sites.map(site => {
        const copy = copies.get(site);
        const why = reasons.get(site);
        const state = !why
          ? 'leaving'
          : !copy
            ? 'copying'
            : copy.revision === video.revision
              ? 'complete'
              : 'outdated';
        const endsAtMs = leaving.get(site);
        return {
          site: nameOf(site),
          state,
          ...(state === 'leaving' && endsAtMs !== undefined
            ? { endsAt: new Date(endsAtMs).toISOString() }
            : {}),
          ...(why ?? notWanted()),
        } as const;
      }),
      refused: (rejected.get(video.id) ?? []).map(({ site, why }) => ({ site: nameOf(site), ...why })),
      unmet: (unmet.get(video.id) ?? []).map(({ why }) => ({ ...why })),
    };
  };
}
