/** The state of the tracker for operators: `GET /status` and the gauges. */
import type { Registry as Metrics } from 'prom-client';
import type { HttpServer } from '../../kernel/http/server.ts';
import { addGauge } from '../../kernel/metrics/gauge.ts';
import { trackerStatusSchema } from '../../protocol/tracker.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { Probes } from '../probing/probes.ts';
import type { Registry } from '../registry/registry.ts';
import type { Feed } from '../sync/feed.ts';

export interface StatusDeps {
  readonly registry: Pick<Registry, 'sites' | 'videoCount'>;
  readonly probes: Pick<Probes, 'of'>;
  readonly memory: Pick<NetworkMemory, 'prefixCount'>;
  readonly feed: Pick<Feed, 'position' | 'connected'>;
}

export function serveStatus(app: HttpServer, metrics: Metrics, deps: StatusDeps): void {
  const { registry, probes, memory, feed } = deps;
  app.get(
    '/status',
    {
      schema: {
        description: 'Registered videos, sites up and down, and the position in the change feed.',
        response: { 200: trackerStatusSchema },
      },
    },
    () => ({
      videos: registry.videoCount,
      sites: registry.sites
        .filter(site => site.active)
        .map(({ site, name, baseUrl }) => {
          const { up, since, probeMs, lastError } = probes.of(site);
          return {
            site,
            name,
            baseUrl,
            up,
            since,
            ...(probeMs ? { probeMs } : {}),
            ...(lastError ? { lastError } : {}),
          };
        }),
      position: feed.position(),
      connected: feed.connected(),
    }),
  );

  const gauges: Readonly<Record<string, readonly [help: string, read: () => number]>> = {
    tributary_tracker_videos: ['Registered videos.', () => registry.videoCount],
    tributary_tracker_position: ['Position in the change feed.', feed.position],
    tributary_tracker_networks: ['Network prefixes in memory.', () => memory.prefixCount],
    tributary_tracker_sites_up: [
      'Sites that respond to their probes.',
      () => registry.sites.filter(({ site }) => probes.of(site).up).length,
    ],
  };
  for (const [name, [help, read]] of Object.entries(gauges)) {
    addGauge(metrics, name, help, async () => read());
  }
}
