/**
 * Plans which site must hold a copy of which video, and why. The plan is a pure function of the rules, the sites, the videos,
 * their copies and their plays. It prefers copies that exist already, so planning again with the same input changes nothing.
 */

import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { PlacementRule, SiteChoice } from '../../protocol/copies.ts';
import { groupBy } from './group-by.ts';
import { isCounted, type Presence } from './presence.ts';
import type { Why } from './why.ts';
import * as why from './why.ts';

export interface PlannedVideo {
  readonly id: VideoId;
  readonly name: string;
  readonly origin: SiteId;
  readonly revision: RevisionId;
  /** The size of a copy, as far as it is known. */
  readonly sizeBytes: number;
  readonly isPrivate?: true;
  /** The origin has found damage in its files that it cannot repair yet, so it does not count as a holder. */
  readonly isDamaged?: true;
}

export interface PlannedSite {
  readonly id: SiteId;
  readonly name: string;
  readonly region?: string | undefined;
  /** The site has joined and is neither revoked nor lost, so it may hold copies. */
  readonly isAvailable: boolean;
  readonly presence: Presence;
  /** False for a site that only takes uploads: it can store copies, but viewers cannot use them. */
  readonly servesViewers: boolean;
  /** The space that the site has left for copies, by its own report. Undefined: not reported. */
  readonly freeBytes?: number | undefined;
}

/** A complete copy that a site has published. */
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
  /** The sites to which the last plan assigned a copy of each video. They are preferred to others. */
  readonly assigned: ReadonlyMap<VideoId, ReadonlySet<SiteId>>;
  /** Plays per day. */
  readonly plays: ReadonlyMap<VideoId, number>;
}

export interface PlannedCopy {
  readonly video: VideoId;
  readonly site: SiteId;
  readonly why: Why;
}

export interface Plan {
  readonly copies: readonly PlannedCopy[];
  /** Copies that a rule requires but that are not possible. */
  readonly rejected: readonly PlannedCopy[];
  readonly unmet: readonly { readonly video: VideoId; readonly why: Why }[];
  /** Videos whose current revision is stored at one site or none. */
  readonly atRisk: ReadonlySet<VideoId>;
  /** The number of sites that hold the current revision, including the origin. */
  readonly holders: ReadonlyMap<VideoId, number>;
  /** For each site, its copies in the order in which they are evicted if space runs out. */
  readonly evictions: ReadonlyMap<SiteId, readonly PlannedCopy[]>;
  readonly limits: ReadonlyMap<SiteId, number>;
}

/** Copies are chosen in this order of importance and evicted in the reverse order. */
const IMPORTANCE = { 'by-hand': 3, 'at-least': 2, hot: 1 } as const;
type Cause = keyof typeof IMPORTANCE;

interface Chosen extends PlannedCopy {
  readonly cause: Cause;
  readonly plays: number;
  readonly sizeBytes: number;
}

export function plan(input: PlanInput): Plan {
  const { rules, videos, plays } = input;
  const draft = createDraft(input);
  const { sites, siteOf, tryAt } = draft;
  const videoOf = new Map(videos.map(video => [video.id, video]));

  for (const rule of rules) {
    if (rule.kind !== 'by-hand') continue;
    const video = videoOf.get(rule.video);
    const site = siteOf.get(rule.site);
    if (video && site) tryAt(video, site, 'by-hand', why.byHand());
  }

  const hot = listPopularTargets(rules, videos, sites, plays);
  for (const rule of rules) {
    if (rule.kind !== 'at-least') continue;
    for (const video of videos) planAtLeast(rule, video, draft, hot.get(video.id));
  }

  const byPopularity = [...hot].sort(
    ([a], [b]) => (plays.get(b) ?? 0) - (plays.get(a) ?? 0) || (a < b ? -1 : 1),
  );
  for (const [id, at] of byPopularity) {
    const video = videoOf.get(id);
    for (const site of sites) {
      if (video && at.has(site.id)) tryAt(video, site, 'hot', why.hot(plays.get(id) ?? 0));
    }
  }

  const copies = [...draft.chosen.values()].flatMap(at => [...at.values()]);
  const holders = countHolders(videos, siteOf, draft.stored);
  return {
    copies: copies.map(({ video, site, why: because }) => ({ video, site, why: because })),
    rejected: draft.rejected,
    unmet: draft.unmet,
    atRisk: new Set(videos.filter(({ id }) => (holders.get(id) ?? 0) < 2).map(({ id }) => id)),
    holders,
    evictions: listEvictions(copies),
    limits: draft.limits,
  };
}

/** A plan in the making: the copies chosen so far, and the bytes that they use. */
interface Draft {
  /** The sites that may hold copies. */
  readonly sites: readonly PlannedSite[];
  readonly siteOf: ReadonlyMap<SiteId, PlannedSite>;
  readonly stored: ReadonlyMap<VideoId, readonly StoredCopy[]>;
  readonly limits: ReadonlyMap<SiteId, number>;
  readonly used: ReadonlyMap<SiteId, number>;
  readonly chosen: ReadonlyMap<VideoId, ReadonlyMap<SiteId, Chosen>>;
  readonly rejected: readonly PlannedCopy[];
  readonly unmet: Plan['unmet'][number][];
  /** False if a rule keeps the videos of the origin there. */
  mayLeave(video: PlannedVideo): boolean;
  /** True if the site has the copy already, completely or in part. */
  isThere(video: PlannedVideo, site: PlannedSite): boolean;
  /** True if no rule limits the site to fewer bytes. */
  fits(video: PlannedVideo, site: SiteId): boolean;
  /** Why the site cannot take a new copy now, if so. */
  obstacle(video: PlannedVideo, site: PlannedSite): Why | undefined;
  choose(video: PlannedVideo, site: SiteId, cause: Cause, because: Why): void;
  /** Chooses the copy, or records why it is not possible. */
  tryAt(video: PlannedVideo, site: PlannedSite, cause: Cause, because: Why): void;
}

function createDraft({ rules, sites: allSites, copies, assigned, plays }: PlanInput): Draft {
  const sites = allSites.filter(site => site.isAvailable);
  const siteOf = new Map(allSites.map(site => [site.id, site]));
  const stored = groupBy(copies, copy => copy.video);
  const limits = listLimits(rules, sites);
  const used = new Map<SiteId, number>();
  /** Bytes of chosen copies that are still to be fetched. */
  const expected = new Map<SiteId, number>();
  const chosen = new Map<VideoId, Map<SiteId, Chosen>>();
  const rejected: PlannedCopy[] = [];

  const staying = rules.filter(rule => rule.kind === 'stays');
  const mayLeave = (video: PlannedVideo): boolean => {
    const origin = siteOf.get(video.origin);
    return origin !== undefined && !staying.some(rule => isOf(rule.of, origin));
  };
  const sizeAt = (video: PlannedVideo, site: SiteId): number =>
    stored.get(video.id)?.find(copy => copy.site === site)?.sizeBytes ?? video.sizeBytes;
  const fits = (video: PlannedVideo, site: SiteId): boolean =>
    (used.get(site) ?? 0) + sizeAt(video, site) <= (limits.get(site) ?? Number.POSITIVE_INFINITY);
  const isStored = (video: PlannedVideo, site: SiteId): boolean =>
    stored.get(video.id)?.some(copy => copy.site === site) ?? false;
  const isThere: Draft['isThere'] = (video, { id, freeBytes }) =>
    isStored(video, id) || (freeBytes !== 0 && assigned.get(video.id)?.has(id) === true);
  const obstacle: Draft['obstacle'] = (video, site) => {
    if (isThere(video, site)) return undefined;
    if (site.presence !== 'steady') return why.siteDown();
    if ((expected.get(site.id) ?? 0) + video.sizeBytes > (site.freeBytes ?? Number.POSITIVE_INFINITY))
      return why.noSpace(site.freeBytes ?? 0);
    return undefined;
  };
  const choose: Draft['choose'] = (video, site, cause, because) => {
    const at = chosen.get(video.id) ?? new Map<SiteId, Chosen>();
    chosen.set(video.id, at);
    if (at.has(site)) return;
    const sizeBytes = sizeAt(video, site);
    used.set(site, (used.get(site) ?? 0) + sizeBytes);
    if (!isStored(video, site)) expected.set(site, (expected.get(site) ?? 0) + sizeBytes);
    at.set(site, { video: video.id, site, why: because, cause, plays: plays.get(video.id) ?? 0, sizeBytes });
  };
  const tryAt: Draft['tryAt'] = (video, site, cause, because) => {
    if (site.id === video.origin || chosen.get(video.id)?.has(site.id)) return;
    const reject = (reason: Why): void => void rejected.push({ video: video.id, site: site.id, why: reason });
    if (!mayLeave(video)) reject(why.stays(siteOf.get(video.origin)?.name ?? video.origin));
    else if (!site.isAvailable) reject(why.siteUnavailable());
    else if (!fits(video, site.id)) reject(why.overLimit(limits.get(site.id) ?? 0));
    else if (cause === 'hot' && !site.servesViewers) reject(why.uploadsOnly());
    else {
      const reason = obstacle(video, site);
      if (reason) reject(reason);
      else choose(video, site.id, cause, because);
    }
  };
  return {
    ...{ sites, siteOf, stored, limits, used, chosen, rejected },
    unmet: [],
    ...{ mayLeave, isThere, fits, obstacle, choose, tryAt },
  };
}

/** Chooses copies of one video until it has as many holders as the rule requires, or no further site is possible. */
function planAtLeast(
  rule: Extract<PlacementRule, { kind: 'at-least' }>,
  video: PlannedVideo,
  draft: Draft,
  hot: ReadonlySet<SiteId> | undefined,
): void {
  const { sites, siteOf, stored, used, chosen, unmet, mayLeave, isThere, fits, obstacle, choose } = draft;
  const origin = siteOf.get(video.origin);
  if (!origin || !isOf(rule.of, origin)) return;
  if (!mayLeave(video)) {
    if (rule.copies > 1) unmet.push({ video: video.id, why: why.stays(origin.name) });
    return;
  }
  const because = why.atLeast(rule.copies, rule.inDifferentRegions);
  // A site that is down for long does not count. It keeps its copy until it is back and the rule is fulfilled without it.
  for (const site of sites) {
    if (isCounted(site.presence) || site.id === video.origin) continue;
    if (isThere(video, site) && fits(video, site.id)) choose(video, site.id, 'at-least', because);
  }
  const here = new Set([...(chosen.get(video.id)?.keys() ?? [])].filter(id => isHolding(siteOf.get(id))));
  if (isHolding(origin) && !video.isDamaged) here.add(origin.id);
  const regions = new Set([...here].map(id => regionOf(siteOf.get(id))));
  const counted = (): number => (rule.inDifferentRegions ? regions.size : here.size);
  const isPossible = (site: PlannedSite): boolean =>
    !here.has(site.id) &&
    site.id !== video.origin &&
    isCounted(site.presence) &&
    !(rule.inDifferentRegions && regions.has(regionOf(site))) &&
    fits(video, site.id) &&
    obstacle(video, site) === undefined;
  while (counted() < rule.copies) {
    const site = findBest(sites, isPossible, {
      ...{ video, hot, used },
      stored: stored.get(video.id) ?? [],
      isAssigned: each => isThere(video, each),
    });
    if (!site) break;
    choose(video, site.id, 'at-least', because);
    here.add(site.id);
    regions.add(regionOf(site));
  }
  if (counted() < rule.copies) {
    unmet.push({ video: video.id, why: why.tooFew(counted(), rule.copies, rule.inDifferentRegions) });
  }
}

interface Preference {
  readonly video: PlannedVideo;
  readonly stored: readonly StoredCopy[];
  readonly hot: ReadonlySet<SiteId> | undefined;
  readonly used: ReadonlyMap<SiteId, number>;
  isAssigned(site: PlannedSite): boolean;
}

/**
 * Prefers a site that holds the video already or is fetching it, then one that serves viewers, then one where another rule requires
 * it anyway, then the one with the fewest bytes. Ties are broken by a hash, so that the choice is the same each time.
 */
function findBest(
  sites: readonly PlannedSite[],
  isPossible: (site: PlannedSite) => boolean,
  { video, stored, hot, used, isAssigned }: Preference,
): PlannedSite | undefined {
  const holding = (site: PlannedSite): number => {
    const copy = stored.length === 0 ? undefined : stored.find(each => each.site === site.id);
    if (!copy) return Number(isAssigned(site));
    return copy.revision === video.revision ? 3 : 2;
  };
  const compare = (a: PlannedSite, b: PlannedSite): number =>
    holding(b) - holding(a) ||
    Number(b.servesViewers) - Number(a.servesViewers) ||
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

function listPopularTargets(
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

function listLimits(
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
  stored: ReadonlyMap<VideoId, readonly StoredCopy[]>,
): ReadonlyMap<VideoId, number> {
  return new Map(
    videos.map(({ id, origin, revision, isDamaged }) => {
      const whole = (stored.get(id) ?? []).filter(
        copy => copy.revision === revision && isHolding(siteOf.get(copy.site)),
      );
      return [id, whole.length + Number(isHolding(siteOf.get(origin)) && !isDamaged)];
    }),
  );
}

/** True if what the site stores counts: it may hold copies, and is not down for long. */
const isHolding = (site: PlannedSite | undefined): boolean =>
  site?.isAvailable === true && isCounted(site.presence);

function listEvictions(copies: readonly Chosen[]): ReadonlyMap<SiteId, readonly PlannedCopy[]> {
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

/** A site without a region counts as a separate region. */
const regionOf = (site: PlannedSite | undefined): string =>
  site?.region === undefined ? `site ${site?.id}` : `region ${site.region}`;
