/**
 * The true state of the simulation: sites whose uplinks fail, slow down and recover, and networks of viewers whose
 * paths to the sites drift and are sometimes congested. This module does not depend on the tracker's decisions.
 */
import type { Coordinates } from '../../../src/protocol/central.ts';
import { distanceKm } from '../../../src/tracker/choice/distance.ts';
import type { Random } from './random.ts';

export interface SimulatedSite {
  readonly coordinates: Coordinates;
  readonly uplinkBps: number;
  /** An administrator has configured the capacity of the uplink. */
  readonly isLimitKnown: boolean;
  isUp: boolean;
  /** 1, or less while the site is impaired. */
  health: number;
  nextEventS: number;
  viewers: number;
}

export interface SimulatedNetwork {
  readonly address: string;
  readonly coordinates: Coordinates;
  /** The site whose coverage zone contains this network. */
  readonly zoneSite: number | undefined;
  readonly accessLinkBps: number;
  readonly paths: Path[];
}

interface Path {
  /** Logarithm of the throughput without drift and congestion, bits per second. */
  readonly usual: number;
  drift: number;
  congestedUntilS: number;
  congestion: number;
  nextEventS: number;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const PATH_SPREAD = 0.7;
const DRIFT = 0.35;
const DRIFT_TIME_S = 2 * HOUR_S;

export interface Truth {
  readonly sites: readonly SimulatedSite[];
  readonly networks: readonly SimulatedNetwork[];
  advance(nowS: number): void;
  /** The throughput that a viewer on this network gets from this site, as an additional viewer or as one of its present ones. */
  throughput(network: number, site: number, accessLinkBps: number, isThere: boolean, nowS: number): number;
}

export function createTruth(random: Random, siteCount: number, networkCount: number): Truth {
  const place = (): Coordinates => ({ latitude: random.between(20, 45), longitude: random.between(95, 125) });
  const sites: SimulatedSite[] = Array.from({ length: siteCount }, () => ({
    coordinates: place(),
    uplinkBps: 10 ** random.between(7.5, 8.7),
    isLimitKnown: random.next() < 0.5,
    isUp: true,
    health: 1,
    nextEventS: random.exponential(10 * HOUR_S),
    viewers: 0,
  }));
  const networks = Array.from({ length: networkCount }, (_, index): SimulatedNetwork => {
    const coordinates = place();
    const km = sites.map(site => distanceKm(coordinates, site.coordinates));
    const nearest = km.indexOf(Math.min(...km));
    return {
      address: `10.${index}.0.7`,
      coordinates,
      zoneSite: random.next() < 0.8 ? nearest : undefined,
      accessLinkBps: Math.exp(Math.log(14e6) + 0.7 * random.normal()),
      paths: km.map(distance => ({
        usual: Math.log(50e6 / (1 + distance / 900)) + PATH_SPREAD * random.normal(),
        drift: DRIFT * random.normal(),
        congestedUntilS: 0,
        congestion: 0,
        nextEventS: random.exponential(12 * HOUR_S),
      })),
    };
  });

  let pathsAtS = 0;
  function advanceSite(site: SimulatedSite, nowS: number): void {
    if (nowS < site.nextEventS) return;
    if (!site.isUp || site.health < 1) {
      site.isUp = true;
      site.health = 1;
      site.nextEventS = nowS + random.exponential(10 * HOUR_S);
    } else {
      if (random.next() < 0.5) site.isUp = false;
      else site.health = random.between(0.02, 0.2);
      site.nextEventS = nowS + random.between(300, 2_400);
    }
  }
  function advancePath(path: Path, nowS: number, stepS: number): void {
    const keep = Math.exp(-stepS / DRIFT_TIME_S);
    path.drift = keep * path.drift + DRIFT * Math.sqrt(1 - keep * keep) * random.normal();
    if (nowS < path.nextEventS) return;
    path.congestion = random.between(1, 3);
    path.congestedUntilS = nowS + random.between(300, HOUR_S);
    path.nextEventS = path.congestedUntilS + random.exponential(12 * HOUR_S);
  }

  return {
    sites,
    networks,
    advance(nowS) {
      for (const site of sites) advanceSite(site, nowS);
      // Paths drift over hours, so updating them once per minute is enough.
      if (nowS - pathsAtS < MINUTE_S) return;
      for (const { paths } of networks) for (const path of paths) advancePath(path, nowS, nowS - pathsAtS);
      pathsAtS = nowS;
    },
    throughput(network, site, accessLinkBps, isThere, nowS) {
      const at = sites[site];
      const path = networks[network]?.paths[site];
      if (!at?.isUp || !path) return 0;
      const way = Math.exp(path.usual + path.drift - (nowS < path.congestedUntilS ? path.congestion : 0));
      // Only half of the viewers load at any moment.
      const share = (at.uplinkBps * at.health * 2) / Math.max(1, at.viewers + (isThere ? 0 : 1));
      return Math.min(accessLinkBps, way, share);
    },
  };
}
