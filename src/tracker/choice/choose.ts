/**
 * The tracker's decision: which sites serve this viewer, in which order, and why. A pure function of the viewer, the
 * video's holders and the sites as they are now.
 */
import type { Coordinates } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import type { Reason } from '../../protocol/tracker.ts';
import { distanceKm } from './distance.ts';

export interface Candidate {
  readonly id: SiteId;
  readonly name: string;
  readonly coordinates?: Coordinates | undefined;
  /** Joined, and not revoked by an administrator. */
  readonly active: boolean;
  /** Answers its probes. */
  readonly up: boolean;
  readonly activeResponses: number;
  readonly egressBps: number;
}

export interface Viewer {
  /** The site whose coverage zone holds the viewer's address, and by which prefix. */
  readonly zone?: { readonly site: SiteId; readonly prefix: string } | undefined;
  readonly coordinates?: Coordinates | undefined;
  /** A site's buffer that wants to fill: holders come first for it, and it is never sent to itself. */
  readonly fillingSite?: SiteId | undefined;
}

export interface Ranked {
  readonly site: Candidate;
  readonly offered: boolean;
  readonly holds: boolean;
  /** 0 in the viewer's zone, else by distance; equal places are told apart by load alone. */
  readonly place: number;
  readonly distanceKm: number | undefined;
  /** 0–1, consistent with the order. */
  readonly score: number;
  /** The decisive one first. */
  readonly reasons: readonly Reason[];
}

/** Distances that differ by less than this are no reason to prefer one site. */
const DISTANCE_STEP_KM = 25;
const UNKNOWN_PLACE = Number.MAX_SAFE_INTEGER;

/** Every site once: those offered first, best first, then those left out, each with its reasons. */
export function choose(
  viewer: Viewer,
  holders: ReadonlySet<SiteId>,
  candidates: readonly Candidate[],
): readonly Ranked[] {
  const holderIsUp = candidates.some(site => holders.has(site.id) && site.active && site.up);
  const ranked = candidates.map(site => judge(viewer, site, holders.has(site.id), holderIsUp));
  ranked.sort((a, b) => compare(viewer, a, b));
  return ranked.map((entry, index) => ({
    ...entry,
    score: entry.offered ? (ranked.length - index) / ranked.length : 0,
  }));
}

type Judged = Omit<Ranked, 'score'>;

function compare(viewer: Viewer, a: Judged, b: Judged): number {
  const holderFirst = Number(b.holds) - Number(a.holds);
  const anywhere = viewer.fillingSite !== undefined || viewer.coordinates === undefined;
  return (
    Number(b.offered) - Number(a.offered) ||
    (viewer.fillingSite ? holderFirst : 0) ||
    a.place - b.place ||
    (anywhere ? holderFirst : 0) ||
    a.site.activeResponses - b.site.activeResponses ||
    a.site.egressBps - b.site.egressBps ||
    holderFirst ||
    (a.site.id < b.site.id ? -1 : Number(a.site.id > b.site.id))
  );
}

function judge(viewer: Viewer, site: Candidate, holds: boolean, holderIsUp: boolean): Judged {
  const inZone = viewer.zone?.site === site.id;
  const distance =
    viewer.coordinates && site.coordinates ? distanceKm(viewer.coordinates, site.coordinates) : undefined;
  const place = inZone
    ? 0
    : distance === undefined
      ? UNKNOWN_PLACE
      : 1 + Math.round(distance / DISTANCE_STEP_KM);
  const out = leftOut(viewer, site);
  return {
    site,
    offered: out === undefined,
    holds,
    place,
    distanceKm: distance,
    reasons: [
      ...(out ? [out] : []),
      placeReason(viewer, inZone, distance),
      holdingReason(holds, holderIsUp),
      {
        code: 'load',
        text: `${formatCount(site.activeResponses)} responses under way, ${formatCount(Math.round(site.egressBps / 1e6))} Mbit/s going out.`,
      },
    ],
  };
}

function leftOut(viewer: Viewer, site: Candidate): Reason | undefined {
  if (!site.active) return { code: 'site-inactive', text: 'This site has not joined, or was revoked.' };
  if (viewer.fillingSite === site.id) return { code: 'asking-site', text: 'This is the site that asks.' };
  if (!site.up) return { code: 'site-down', text: 'This site does not answer the probes of the tracker.' };
  return undefined;
}

function placeReason(viewer: Viewer, inZone: boolean, distance: number | undefined): Reason {
  if (inZone)
    return {
      code: 'coverage-zone',
      text: `Your network ${viewer.zone?.prefix} is in the zone of this site.`,
    };
  if (distance !== undefined)
    return { code: 'distance', text: `About ${formatCount(Math.round(distance))} km from you.` };
  return { code: 'distance-unknown', text: 'How far it is from you is not known.' };
}

function holdingReason(holds: boolean, holderIsUp: boolean): Reason {
  if (holds) return { code: 'holds-original', text: 'Keeps the original.' };
  return {
    code: 'fills-from-holder',
    text: holderIsUp
      ? 'Fetches the video from the site that keeps it, as you watch.'
      : 'The site that keeps the video is down: this one plays what it has buffered.',
  };
}

/** Made once: `toLocaleString` would look its locale up for each number. */
const counts = new Intl.NumberFormat('en-US');
const formatCount = (count: number): string => counts.format(count);

/**
 * The first `count` of those offered. At least one that holds the video is among them where one is offered: the others fill
 * from it.
 */
export function shortlist(ranking: readonly Ranked[], count: number): readonly Ranked[] {
  const offered = ranking.filter(entry => entry.offered);
  const first = offered.slice(0, count);
  const holder = offered.find(entry => entry.holds);
  return !holder || first.includes(holder) ? first : [...first.slice(0, -1), holder];
}
