/** `/status` for everybody, `/explain/{id}` for operators. */
import { z } from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http.ts';
import { type Explanation, explanationSchema, trackerStatusSchema } from '../../protocol/tracker.ts';
import type { TrackerConfig } from '../config.ts';
import type { Feed } from '../feed.ts';
import type { Probes } from '../probes.ts';
import type { Registry } from '../registry.ts';
import { rankSites } from '../viewing.ts';
import { getVideo } from './play.ts';
import { readAskingSite, readClient } from './requests.ts';

export interface StatusOptions {
  readonly config: Pick<TrackerConfig, 'operatorToken' | 'trustedProxies'>;
  readonly registry: Registry;
  readonly probes: Probes;
  readonly feed: Feed;
}

export function serveStatus(app: HttpServer, { config, registry, probes, feed }: StatusOptions): void {
  app.get(
    '/status',
    {
      schema: { summary: 'Videos, sites up and down, feed position', response: { 200: trackerStatusSchema } },
    },
    async () => ({
      videos: registry.videos,
      sites: [...registry.sites()]
        .filter(site => site.active)
        .map(({ site, name, baseUrl }) => {
          const health = probes.find(site);
          return {
            site,
            name,
            baseUrl,
            up: health?.up ?? false,
            ...(health?.roundTripMs === undefined ? {} : { probeMs: health.roundTripMs }),
            since: new Date(health?.sinceMs ?? Date.now()).toISOString(),
            ...(health?.lastError === undefined ? {} : { lastError: health.lastError }),
          };
        }),
      position: feed.position(),
      connected: feed.connected(),
    }),
  );

  app.get(
    '/explain/:video',
    {
      schema: {
        summary: 'The whole ranking for one client, with every reason (operator)',
        params: z.object({ video: z.string() }),
        response: { 200: explanationSchema },
      },
    },
    async (request): Promise<Explanation> => {
      requireToken(request, config.operatorToken);
      const { record, holders } = getVideo(registry, feed.primed(), request.params.video);
      // An operator may ask for any client, whoever else is believed.
      const { address } = readClient(request, { ...config, believeClientParameter: true });
      const view = { client: address, asking: readAskingSite(request), holders };
      const { viewer, ranking } = rankSites(registry, probes, view, Date.now());
      return {
        video: record.video,
        client: address,
        viewer: {
          ...(viewer.zone ? { zoneSite: viewer.zone.site, zonePrefix: viewer.zone.prefix } : {}),
          ...viewer.place,
        },
        ranking: ranking.map(ranked => ({
          site: ranked.state.site,
          name: ranked.state.name,
          offered: ranked.offered,
          score: ranked.score,
          holds: ranked.holds,
          up: ranked.state.up,
          ...(ranked.distanceKm === undefined ? {} : { distanceKm: Math.round(ranked.distanceKm * 10) / 10 }),
          load: ranked.load,
          reasons: [...ranked.reasons()],
        })),
      };
    },
  );
}
