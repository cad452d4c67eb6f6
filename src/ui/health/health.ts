/**
 * The only module that decides which state a page shows of a site, a video or central. Every state comes from present knowledge; without
 * it, the page says since when the state is unknown. A page that cannot reach its server knows nothing about the present. Pure.
 */
import type { Site, Video } from '../../protocol/central.ts';
import type { SiteInfo } from '../../protocol/site.ts';

/** When the server last responded to the page, if the last request failed. Undefined: the page is current. */
export type StaleSince = string | undefined;

export interface SiteHealth {
  readonly state: Site['state'];
  /** For `down` and `unknown`, if it is known. */
  readonly since?: string | undefined;
}

export function siteHealth(
  { state, stateSince }: Pick<Site, 'state' | 'stateSince'>,
  stale: StaleSince,
): SiteHealth {
  if (state === 'revoked' || state === 'invited') return { state };
  if (stale !== undefined) return { state: 'unknown', since: state === 'unknown' ? stateSince : stale };
  return state === 'up' ? { state } : { state, since: stateSince };
}

/** How far central is behind a site, in milliseconds. Undefined: a site that cannot be reached may have any number of changes. */
export const lagOf = (
  site: Pick<Site, 'state' | 'stateSince' | 'lagMs'>,
  stale: StaleSince,
): number | undefined => (siteHealth(site, stale).state === 'up' || site.lagMs > 0 ? site.lagMs : undefined);

export type SyncState =
  | { readonly kind: 'no-handshake' | 'not-compared' }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'differs'; readonly since: string }
  | { readonly kind: 'complete'; readonly at: string; readonly records: number }
  /** The site cannot be asked now. */
  | { readonly kind: 'unknown'; readonly since: string | undefined; readonly completeAt: string | undefined };

/** How far a site and central agree. */
export function syncState(
  site: Pick<Site, 'state' | 'stateSince' | 'publication'>,
  stale: StaleSince,
): SyncState {
  const { publication } = site;
  if (!publication || publication.epoch === 0) return { kind: 'no-handshake' };
  const { completeAt, completeRecords = 0, differedAt, waitsBecause } = publication;
  const { state, since } = siteHealth(site, stale);
  if (state !== 'up') return { kind: 'unknown', since, completeAt };
  if (waitsBecause) return { kind: 'waiting', reason: waitsBecause };
  if (differedAt) return { kind: 'differs', since: differedAt };
  return completeAt
    ? { kind: 'complete', at: completeAt, records: completeRecords }
    : { kind: 'not-compared' };
}

export interface VideoHealth {
  /** `down`: every site that holds it is down. `unknown`: nobody knows whether one of them is up. */
  readonly state: 'ready' | 'registering' | 'withdrawn' | 'down' | 'unknown';
  readonly since?: string | undefined;
}

export function videoHealth(
  { state, holders }: Pick<Video, 'state' | 'holders'>,
  stale: StaleSince,
): VideoHealth {
  if (state === 'withdrawn') return { state };
  if (stale !== undefined) return { state: 'unknown', since: stale };
  if (state === 'published') return { state: 'registering' };
  if (!holders || holders.state === 'up') return { state: 'ready' };
  return { state: holders.state, since: holders.since };
}

export interface CentralHealth {
  readonly state: 'not-joined' | 'connected' | 'unreachable';
  readonly since?: string | undefined;
}

/** The connection of a site to central, as the site reports it. */
export function centralHealth({ joined, central }: Pick<SiteInfo, 'joined' | 'central'>): CentralHealth {
  if (!joined) return { state: 'not-joined' };
  return central?.connected === false
    ? { state: 'unreachable', since: central.since }
    : { state: 'connected' };
}

/** Colours of states. Only a state that is known to be good now is good. */
export const SITE_COLOURS = {
  up: 'good',
  down: 'bad',
  invited: 'warn',
  unknown: 'warn',
  revoked: 'quiet',
} as const satisfies Readonly<Record<Site['state'], string>>;
export const VIDEO_COLOURS = {
  ready: 'good',
  registering: 'warn',
  withdrawn: 'quiet',
  down: 'bad',
  unknown: 'warn',
} as const satisfies Readonly<Record<VideoHealth['state'], string>>;
