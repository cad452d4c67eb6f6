/** The parts of a tracker, filled with the data of a large operator, for the benchmark of the choice. */

import { createHash } from 'node:crypto';
import type { RevisionId, SiteId, VideoId } from '../../src/protocol/base/ids.ts';
import type { Rendition } from '../../src/protocol/media/media.ts';
import { prefixOf } from '../../src/tracker/client/network-prefix.ts';
import type { PrivateAccess } from '../../src/tracker/client/private-access.ts';
import { createSessions } from '../../src/tracker/client/sessions.ts';
import { createViewers, NO_ZONES } from '../../src/tracker/client/viewers.ts';
import { NetworkMemory } from '../../src/tracker/memory/network-memory.ts';
import { createDecider } from '../../src/tracker/play/decide.ts';
import { createRankingState } from '../../src/tracker/play/ranking-state.ts';
import { createRenderSources } from '../../src/tracker/play/render/sources.ts';
import { createStartPlayback } from '../../src/tracker/play/start-playback.ts';
import type { Health } from '../../src/tracker/probing/site-health.ts';
import { Registry } from '../../src/tracker/registry/registry.ts';
import { createReportIngestion } from '../../src/tracker/reports/report-ingestion.ts';
import { SiteEvidence } from '../../src/tracker/reports/site-evidence.ts';

export const SITES = 1_000;
export const COPIES = 4;
const ZONE_PREFIXES = 50;
const PREFIXES = SITES * ZONE_PREFIXES;
/** Number of sites that each prefix has measured. */
const MEASURED_SITES = 3;

/** The load generator derives the same ids from the same numbers. */
const idOf = (n: number, kind: number): string =>
  `${n.toString(16).padStart(8, '0')}-${kind.toString().padStart(4, '0')}-7000-8000-${n.toString(16).padStart(12, '0')}`;
export const videoOf = (n: number): VideoId => idOf(n, 1) as VideoId;
const revisionOf = (n: number): RevisionId => idOf(n, 2) as RevisionId;
export const siteOf = (n: number): SiteId => idOf(n, 3) as SiteId;
/** An address in the zone of site `n % SITES`. */
export const clientOf = (n: number): string => {
  const zone = n % SITES;
  const rest = Math.floor(n / SITES);
  return `10.${zone >> 2}.${((zone & 3) << 6) + (rest % ZONE_PREFIXES)}.${1 + (Math.floor(rest / ZONE_PREFIXES) % 200)}`;
};

/** Evenly distributed numbers, the same in every run. */
const spread = (n: number): number => createHash('md5').update(String(n)).digest().readUInt32LE();

const rendition = (height: number, bps: number, n: number): Rendition => ({
  kind: 'video',
  id: `v${height}`,
  codec: 'avc1.64001f',
  bandwidthBps: bps + (n % 100_000),
  averageBandwidthBps: Math.round(bps * 0.7) + (n % 50_000),
  width: Math.round((height * 16) / 9),
  height,
  frameRate: 25,
});
const ladder = (n: number): Rendition[] => [
  rendition(1_080, 5_000_000, n),
  rendition(720, 2_500_000, n),
  rendition(480, 1_200_000, n),
  rendition(360, 600_000, n),
  {
    kind: 'audio',
    id: 'a1',
    codec: 'mp4a.40.2',
    bandwidthBps: 128_000 + (n % 1_000),
    averageBandwidthBps: 127_000,
    channels: 2,
    sampleRateHz: 48_000,
  },
];

/** Registers all videos before their copies, which is the order that moves most records. */
export const fillVideos = (registry: Registry, videos: number): void => register(registry, 0, videos, {});
/** Registers as many private videos, whose numbers follow. */
export const hideVideos = (registry: Registry, videos: number): void =>
  register(registry, videos, 2 * videos, { isPrivate: true });

function register(registry: Registry, from: number, to: number, more: { readonly isPrivate?: true }): void {
  for (let copy = 0; copy < COPIES; copy++) {
    for (let n = from; n < to; n++) {
      registry.apply([
        {
          kind: 'video',
          position: 1,
          site: siteOf((n * 7 + copy * 131) % SITES),
          video: videoOf(n),
          version: 1,
          revision: revisionOf(n),
          name: `Lecture ${n} of the winter term`,
          bitrateBps: 5_200_000,
          durationMs: 5_400_000,
          renditions: copy === 0 ? ladder(n) : [],
          ...more,
        },
      ]);
    }
  }
}

export function fillSites(registry: Registry): void {
  for (let n = 0; n < SITES; n++) {
    registry.apply([
      {
        kind: 'site',
        position: 1,
        site: siteOf(n),
        name: `Campus ${n}`,
        baseUrl: `https://site-${n}.video.example.edu`,
        coordinates: {
          latitude: 20 + (spread(n) % 2_500) / 100,
          longitude: 85 + (spread(n + SITES) % 4_500) / 100,
        },
        zone: [`10.${n >> 2}.${(n & 3) << 6}.0/18`, `2001:db8:${n.toString(16)}::/48`],
        active: true,
      },
    ]);
  }
}

export function makeFilledTracker(videos: number, privateAccess: PrivateAccess = { open: () => undefined }) {
  const registry = new Registry();
  fillSites(registry);
  fillVideos(registry, videos);
  const memory = new NetworkMemory();
  const healths = new Map<SiteId, Health>();
  for (let n = 0; n < SITES; n++) {
    healths.set(siteOf(n), {
      up: n % 50 !== 7,
      degraded: false,
      since: new Date(0).toISOString(),
      address: `192.0.${n >> 8}.${n & 255}:443`,
      probeMs: 4,
      activeResponses: spread(n) % 400,
      egressBps: (spread(n) % 4_000) * 1e6,
      lastError: undefined,
      recoveryLeftMs: 0,
      egressLimitBps: undefined,
      servesViewers: true,
    });
  }
  const probes = { of: (site: SiteId): Health => healths.get(site) as Health };
  const evidence = new SiteEvidence();
  const rankingState = createRankingState({
    registry,
    policy: 'auto',
    healthOf: probes.of,
    failureShareOf: site => evidence.failureShare(site, false, Date.now()),
  });
  const viewers = createViewers(registry, () => NO_ZONES, undefined);
  const nowMs = Date.now();
  for (let n = 0; n < PREFIXES; n++) {
    const client = clientOf(n);
    const { network } = viewers.at(client);
    if (!network) throw new Error(`${client} has no network (${prefixOf(client)})`);
    for (let each = 0; each < MEASURED_SITES; each++) {
      const site = siteOf((n + each * 17) % SITES);
      for (const reporter of [1, 2, 3]) {
        memory.record(
          network,
          reporter,
          { site, bps: 2e6 + (spread(n + each) % 4e7), rttMs: 12, weight: 1 },
          nowMs - 1_000,
        );
      }
    }
  }
  const decider = createDecider({
    registry,
    rankingState,
    memory,
    partialHolders: () => [],
    privateAccess,
    onPlayed: () => {},
    notReadyReason: () => undefined,
  });
  const sessions = createSessions(Buffer.alloc(32, 7));
  const ingestion = createReportIngestion({
    memory,
    evidence,
    isSite: () => true,
    siteAt: () => undefined,
    isUp: () => true,
    onEvidence: rankingState.refresh,
  });
  return {
    registry,
    memory,
    viewers,
    decider,
    sessions,
    ingestion,
    renderSources: createRenderSources(registry, probes),
    startPlayback: createStartPlayback({
      decider,
      sessions,
      memory,
      ingestion,
      audit: { recordWatch() {} },
    }),
  };
}
