/**
 * Which site is to hold a copy of which video, and why: a pure function of the rules, of what there is, and of what is played.
 * What stands already is preferred to what would have to be copied, so the same question twice moves nothing.
 */
import type { PlacementRule, SiteChoice } from '../../protocol/copies.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/ids.ts';
import { groupBy } from './group-by.ts';
import type { Why } from './why.ts';
import * as why from './why.ts';

export interface PlannedVideo {
  readonly id: VideoId;
  readonly name: string;
  readonly origin: SiteId;
  readonly revision: RevisionId;
  /** What a copy takes, as far as that is known. */
  readonly sizeBytes: number;
  readonly isPrivate?: true;
}

export interface PlannedSite {
  readonly id: SiteId;
  readonly name: string;
  readonly region?: string | undefined;
  /** It is neither revoked nor lost: copies may stand there. */
  readonly isAvailable: boolean;
}

/** A whole copy. */
export interface StoredCopy {
  readonly video: VideoId;
  readonly site: SiteId;
  readonly revision: RevisionId;
  readonly sizeBytes: number;
}

export interface PlanInput {
  readonly rules: readonly PlacementRule[];
  readonly videos: readonly PlannedVideo[];
  readonly sites: readonly PlannedSite[];
  readonly copies: readonly StoredCopy[];
  /** Plays a day. */
  readonly plays: ReadonlyMap<VideoId, number>;
}

export interface PlannedCopy {
  readonly video: VideoId;
  readonly site: SiteId;
  readonly why: Why;
}

export interface Plan {
  readonly copies: readonly PlannedCopy[];
  /** A rule would have had it there. */
  readonly rejected: readonly PlannedCopy[];
  readonly unmet: readonly { readonly video: VideoId; readonly why: Why }[];
  /** One site alone holds its present revision, or none does. */
  readonly atRisk: ReadonlySet<VideoId>;
  /** Sites that hold the present revision, the origin counted. */
  readonly holders: ReadonlyMap<VideoId, number>;
  /** Of each site, the copies that would go first if room were needed. */
  readonly evictions: ReadonlyMap<SiteId, readonly PlannedCopy[]>;
  readonly limits: ReadonlyMap<SiteId, number>;
}

/** What is to stand is decided in this order, and goes in the other one. */
const IMPORTANCE = { 'by-hand': 3, 'at-least': 2, hot: 1 } as const;
type Cause = keyof typeof IMPORTANCE;

interface Chosen extends PlannedCopy {
  readonly cause: Cause;
  readonly plays: number;
  readonly sizeBytes: number;
}

export function plan(input: PlanInput): Plan {
  const { rules, videos, plays } = input;
  const sites = input.sites.filter(site => site.isAvailable);
  const siteOf = new Map(input.sites.map(site => [site.id, site]));
  const videoOf = new Map(videos.map(video => [video.id, video]));
  const standing = groupBy(input.copies, copy => copy.video);
  const limits = limitsOf(rules, sites);
  const used = new Map<SiteId, number>();
  const chosen = new Map<VideoId, Map<SiteId, Chosen>>();
  const refused: PlannedCopy[] = [];
  const unmet: { video: VideoId; why: Why }[] = [];

  const kept = rules.filter(rule => rule.kind === 'stays');
  const mayLeave = (video: PlannedVideo): boolean => {
    const origin = siteOf.get(video.origin);
    return origin !== undefined && !kept.some(rule => isOf(rule.of, origin));
  };
  const sizeAt = (video: PlannedVideo, site: SiteId): number =>
    standing.get(video.id)?.find(copy => copy.site === site)?.sizeBytes ?? video.sizeBytes;
  const fits = (video: PlannedVideo, site: SiteId): boolean =>
    (used.get(site) ?? 0) + sizeAt(video, site) <= (limits.get(site) ?? Number.POSITIVE_INFINITY);
  const choose = (video: PlannedVideo, site: SiteId, cause: Cause, because: Why): void => {
    const at = chosen.get(video.id) ?? new Map<SiteId, Chosen>();
    chosen.set(video.id, at);
    if (at.has(site)) return;
    const sizeBytes = sizeAt(video, site);
    used.set(site, (used.get(site) ?? 0) + sizeBytes);
    at.set(site, { video: video.id, site, why: because, cause, plays: plays.get(video.id) ?? 0, sizeBytes });
  };
  const tryAt = (video: PlannedVideo, site: PlannedSite, cause: Cause, because: Why): void => {
    if (site.id === video.origin || chosen.get(video.id)?.has(site.id)) return;
    const refuse = (reason: Why): void => void refused.push({ video: video.id, site: site.id, why: reason });
    if (!mayLeave(video)) refuse(why.stays(siteOf.get(video.origin)?.name ?? video.origin));
    else if (!site.isAvailable) refuse(why.siteUnavailable());
    else if (!fits(video, site.id)) refuse(why.overLimit(limits.get(site.id) ?? 0));
    else choose(video, site.id, cause, because);
  };

  for (const rule of rules) {
    if (rule.kind !== 'by-hand') continue;
    const video = videoOf.get(rule.video);
    const site = siteOf.get(rule.site);
    if (video && site) tryAt(video, site, 'by-hand', why.byHand());
  }

  const hot = wantedByHeat(rules, videos, sites, plays);
  for (const rule of rules) {
    if (rule.kind !== 'at-least') continue;
    for (const video of videos) {
      const origin = siteOf.get(video.origin);
      if (!origin || !isOf(rule.of, origin)) continue;
      if (!mayLeave(video)) {
        if (rule.copies > 1) unmet.push({ video: video.id, why: why.stays(origin.name) });
        continue;
      }
      const here = new Set(chosen.get(video.id)?.keys());
      if (origin.isAvailable) here.add(origin.id);
      const regions = new Set([...here].map(id => regionOf(siteOf.get(id))));
      const counted = (): number => (rule.inDifferentRegions ? regions.size : here.size);
      const isPossible = (site: PlannedSite): boolean =>
        !here.has(site.id) &&
        site.id !== video.origin &&
        !(rule.inDifferentRegions && regions.has(regionOf(site))) &&
        fits(video, site.id);
      while (counted() < rule.copies) {
        const site = findBest(sites, isPossible, {
          video,
          standing: standing.get(video.id) ?? [],
          hot: hot.get(video.id),
          used,
        });
        if (!site) break;
        choose(video, site.id, 'at-least', why.atLeast(rule.copies, rule.inDifferentRegions));
        here.add(site.id);
        regions.add(regionOf(site));
      }
      if (counted() < rule.copies) {
        unmet.push({ video: video.id, why: why.tooFew(counted(), rule.copies, rule.inDifferentRegions) });
      }
    }
  }

  const byHeat = [...hot].sort(([a], [b]) => (plays.get(b) ?? 0) - (plays.get(a) ?? 0) || (a < b ? -1 : 1));
  for (const [id, at] of byHeat) {
    const video = videoOf.get(id);
    for (const site of sites) {
      if (video && at.has(site.id)) tryAt(video, site, 'hot', why.hot(plays.get(id) ?? 0));
    }
  }

  const copies = [...chosen.values()].flatMap(at => [...at.values()]);
  const holders = countHolders(videos, siteOf, standing);
  return {
    copies: copies.map(({ video, site, why: because }) => ({ video, site, why: because })),
    rejected: refused,
    unmet,
    atRisk: new Set(videos.filter(({ id }) => (holders.get(id) ?? 0) < 2).map(({ id }) => id)),
    holders,
    evictions: evictionsOf(copies),
    limits,
  };
}

interface Preference {
  readonly video: PlannedVideo;
  readonly standing: readonly StoredCopy[];
  readonly hot: ReadonlySet<SiteId> | undefined;
  readonly used: ReadonlyMap<SiteId, number>;
}

/** One that holds it already, then one that a rule wants it at anyway, then the emptiest; then any, as long as it is the same each time. */
function findBest(
  sites: readonly PlannedSite[],
  isPossible: (site: PlannedSite) => boolean,
  { video, standing, hot, used }: Preference,
): PlannedSite | undefined {
  const holding = ({ id }: PlannedSite): number => {
    const copy = standing.length === 0 ? undefined : standing.find(({ site }) => site === id);
    return !copy ? 0 : copy.revision === video.revision ? 2 : 1;
  };
  const compare = (a: PlannedSite, b: PlannedSite): number =>
    holding(b) - holding(a) ||
    Number(hot?.has(b.id) ?? false) - Number(hot?.has(a.id) ?? false) ||
    (used.get(a.id) ?? 0) - (used.get(b.id) ?? 0) ||
    mix(video.id, a.id) - mix(video.id, b.id);
  let best: PlannedSite | undefined;
  for (const site of sites) if (isPossible(site) && (!best || compare(site, best) < 0)) best = site;
  return best;
}

/** FNV-1a over both ids. */
function mix(video: string, site: string): number {
  let hash = 0x811c9dc5;
  for (const text of [video, site]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

function wantedByHeat(
  rules: readonly PlacementRule[],
  videos: readonly PlannedVideo[],
  sites: readonly PlannedSite[],
  plays: ReadonlyMap<VideoId, number>,
): ReadonlyMap<VideoId, Set<SiteId>> {
  const wanted = new Map<VideoId, Set<SiteId>>();
  const ranked = videos
    .filter(({ id }) => plays.has(id))
    .sort((a, b) => (plays.get(b.id) ?? 0) - (plays.get(a.id) ?? 0) || (a.id < b.id ? -1 : 1));
  for (const rule of rules) {
    if (rule.kind !== 'hot') continue;
    const there = sites.filter(site => isOf(rule.at, site));
    for (const { id } of ranked.slice(0, rule.top)) {
      if ((plays.get(id) ?? 0) < rule.minPlaysADay) break;
      const at = wanted.get(id) ?? new Set<SiteId>();
      wanted.set(id, at);
      for (const site of there) at.add(site.id);
    }
  }
  return wanted;
}

function limitsOf(
  rules: readonly PlacementRule[],
  sites: readonly PlannedSite[],
): ReadonlyMap<SiteId, number> {
  const limits = new Map<SiteId, number>();
  for (const rule of rules) {
    if (rule.kind !== 'at-most') continue;
    for (const site of sites) {
      if (isOf(rule.at, site)) limits.set(site.id, Math.min(rule.bytes, limits.get(site.id) ?? rule.bytes));
    }
  }
  return limits;
}

function countHolders(
  videos: readonly PlannedVideo[],
  siteOf: ReadonlyMap<SiteId, PlannedSite>,
  standing: ReadonlyMap<VideoId, readonly StoredCopy[]>,
): ReadonlyMap<VideoId, number> {
  const isAvailable = (site: SiteId): boolean => siteOf.get(site)?.isAvailable ?? false;
  return new Map(
    videos.map(({ id, origin, revision }) => {
      const whole = (standing.get(id) ?? []).filter(
        copy => copy.revision === revision && isAvailable(copy.site),
      );
      return [id, whole.length + Number(isAvailable(origin))];
    }),
  );
}

function evictionsOf(copies: readonly Chosen[]): ReadonlyMap<SiteId, readonly PlannedCopy[]> {
  const bySite = groupBy(copies, copy => copy.site);
  return new Map(
    [...bySite].map(([site, at]) => [
      site,
      [...at]
        .sort(
          (a, b) =>
            IMPORTANCE[a.cause] - IMPORTANCE[b.cause] || a.plays - b.plays || b.sizeBytes - a.sizeBytes,
        )
        .map(({ video, cause, plays }) => ({ video, site, why: why.evictedNext(cause, plays) })),
    ]),
  );
}

const isOf = (choice: SiteChoice, { id, region }: Pick<PlannedSite, 'id' | 'region'>): boolean =>
  choice === 'all' || ('sites' in choice ? choice.sites.includes(id) : choice.region === region);

/** A site of which no region is known is one of its own. */
const regionOf = (site: PlannedSite | undefined): string =>
  site?.region === undefined ? `site ${site?.id}` : `region ${site.region}`;
