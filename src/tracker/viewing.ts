/** Gathers what the decision needs (registry, probes, viewer) and asks for it. Everything that ranks goes through here. */
import { parseAddress } from '../kernel/network.ts';
import type { SiteId } from '../protocol/ids.ts';
import type { Reason, Source } from '../protocol/tracker.ts';
import { choose, placeViewer, type Ranked, type SiteState, type Viewer } from './choice/choose.ts';
import type { Probes } from './probes.ts';
import type { RegisteredSite, Registry } from './registry.ts';

/** Sites offered to one viewer: enough to fail over, few enough for a playlist. */
export const MAX_OFFERED_SITES = 8;

export interface Viewing {
  readonly viewer: Viewer;
  readonly ranking: readonly Ranked[];
}

export interface View {
  /** The client's IP address; anything else is a viewer whose place is not known. */
  readonly client: string;
  /** The site whose buffer asks in order to fill. */
  readonly asking?: SiteId | undefined;
  readonly holders: readonly SiteId[];
}

export function rankSites(registry: Registry, probes: Probes, view: View, nowMs: number): Viewing {
  const sites = [...registry.sites()].map(site => stateOf(site, probes, nowMs));
  const viewer = view.asking
    ? { asking: view.asking, place: registry.findSite(view.asking)?.coordinates }
    : viewerAt(view.client, registry, sites);
  return { viewer, ranking: choose({ viewer, holders: view.holders, sites, nowMs }) };
}

function viewerAt(client: string, registry: Registry, sites: readonly SiteState[]): Viewer {
  const address = parseAddress(client);
  const zone = address && registry.zones().find(address);
  return placeViewer(
    zone,
    sites.find(({ site }) => site === zone?.site),
  );
}

function stateOf(site: RegisteredSite, probes: Probes, nowMs: number): SiteState {
  const health = probes.find(site.site);
  return {
    site: site.site,
    name: site.name,
    coordinates: site.coordinates,
    active: site.active,
    up: health?.up ?? false,
    sinceMs: health?.sinceMs ?? nowMs,
    lastError: health?.lastError,
    activeResponses: health?.activeResponses ?? 0,
  };
}

export interface Place {
  readonly baseUrl: string;
  readonly address: string;
}

/** Where an offered site is. Undefined where it went down or away in between. */
export function findPlace(registry: Registry, probes: Probes, site: SiteId): Place | undefined {
  const address = probes.find(site)?.address;
  const baseUrl = registry.findSite(site)?.baseUrl;
  return address && baseUrl ? { address, baseUrl } : undefined;
}

export function formatSource(ranked: Ranked, { address, baseUrl }: Place, path: string): Source {
  const reasons = ranked.reasons();
  return {
    site: ranked.state.site,
    name: ranked.state.name,
    address,
    baseUrl,
    hls: `${baseUrl}${path}`,
    dash: null,
    reason: reasons[0].text,
    reasons: reasons as readonly Reason[] as Reason[],
    score: ranked.score,
  };
}
