/** The site nearest to a viewer, for pages that offer recordings from there. It does not say where a video plays best. */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { nearestSiteSchema } from '../../protocol/tracker.ts';
import { distanceKm } from '../choice/distance.ts';
import { addressOf, MAX_ADDRESS_CHARACTERS } from '../client/client.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { Registry } from '../registry/registry.ts';

/** A site that is farther away is not near. */
const MAX_KM = 500;

export interface NearestDeps {
  readonly config: Pick<TrackerConfig, 'trustClientParameter' | 'trustedProxies'>;
  readonly viewers: Pick<Viewers, 'at'>;
  readonly registry: Pick<Registry, 'sites' | 'findSite'>;
}

export function serveNearest(app: HttpServer, { config, viewers, registry }: NearestDeps): void {
  app.get(
    '/nearest',
    {
      schema: {
        description:
          'The site that covers the network of the client, or else the nearest one within 500 km. Empty if the client cannot be located.',
        querystring: z.object({ client: z.string().max(MAX_ADDRESS_CHARACTERS).optional() }),
        response: { 200: nearestSiteSchema },
      },
    },
    (request, reply) => {
      reply.header('cache-control', 'private, max-age=300');
      const { zone, coordinates } = viewers.at(addressOf(request, request.query.client, config));
      const covering = zone && registry.findSite(zone.site);
      if (covering?.active) return { site: { id: covering.site, name: covering.name } };
      if (!coordinates) return {};
      let [nearest, km]: [(typeof registry.sites)[number] | undefined, number] = [undefined, MAX_KM];
      for (const site of registry.sites) {
        const distance =
          site.active && site.coordinates ? distanceKm(coordinates, site.coordinates) : Infinity;
        if (distance <= km) [nearest, km] = [site, distance];
      }
      return nearest ? { site: { id: nearest.site, name: nearest.name, km: Math.round(km) } } : {};
    },
  );
}
