/**
 * `/steer/{id}`: the order of now, for a player that is playing. It fails as little as can be: 429 would stop hls.js for
 * good, and any error costs a player its steering until the next time.
 */
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { newId } from '../../protocol/ids.ts';
import { steeringManifestSchema } from '../../protocol/tracker.ts';
import { formatSteeringManifest, formatSteerUrl } from '../steering/manifest.ts';
import { MAX_OFFERED_SITES, rankSites } from '../viewing.ts';
import type { PlayOptions } from './play.ts';
import { parameter, parseVideoId, readClientLeniently, readPathways } from './requests.ts';

const STEERING_TYPE = 'application/vnd.apple.steering-list';
const SESSION = /^[A-Za-z0-9_-]{1,64}$/;

export function serveSteering(app: HttpServer, options: Omit<PlayOptions, 'primed'>): void {
  const { config, registry, probes, outcomes } = options;
  app.get(
    '/steer/:video',
    {
      schema: {
        summary: 'Steering manifest',
        description:
          'HLS (`_HLS_pathway`, `_HLS_throughput`) and DASH (`_DASH_pathway`, `_DASH_throughput`) players ask here again and again while they play.',
        params: z.object({ video: z.string() }),
        response: { 200: steeringManifestSchema },
      },
    },
    async (request, reply) =>
      outcomes.count('steer', () => {
        const video = parseVideoId(request.params.video);
        if (!video) throw new Problem(404, 'video-unknown', 'No video with this id is registered here.');
        const found = registry.find(video);
        if (found.state === 'withdrawn') {
          throw new Problem(
            410,
            'video-withdrawn',
            'This video was withdrawn by the site that published it.',
          );
        }
        // A video that is not known here plays on: another tracker may have sent the player, or this one is still reading.
        const holders = found.state === 'known' ? found.holders : [];
        const client = readClientLeniently(request, config);
        const { ranking } = rankSites(registry, probes, { client: client.address, holders }, Date.now());
        const asked = [...new Set(readPathways(request))];
        const pathways =
          asked.length > 0
            ? asked
            : ranking
                .filter(({ state }) => state.active)
                .slice(0, MAX_OFFERED_SITES)
                .map(({ state }) => state.site);
        if (pathways.length === 0) {
          throw new Problem(503, 'no-source', 'No site is known here yet. Try again soon.', {
            headers: { 'retry-after': '2' },
          });
        }
        const session = parameter(request, 'session') ?? '';
        const reloadUri = formatSteerUrl({
          trackerUrl: options.baseUrl(),
          video,
          session: SESSION.test(session) ? session : newId(),
          pathways,
          client: client.said,
        });
        return reply
          .type(STEERING_TYPE)
          .serializer(JSON.stringify)
          .send(formatSteeringManifest(pathways, ranking, reloadUri));
      }),
  );
}
