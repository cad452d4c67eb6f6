/** The call of players that are playing (contract: Tracker). */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { steeringManifestSchema } from '../../protocol/tracker.ts';
import { parseVideoId } from '../client/client.ts';
import type { Counted } from './instrument.ts';
import type { Steer } from './steer.ts';

export interface SteerMeans {
  readonly counted: Counted;
  readonly steer: Steer;
}

export function serveSteer(app: HttpServer, { counted, steer }: SteerMeans): void {
  app.get(
    '/steer/:id',
    {
      schema: {
        description:
          'The steering manifest for HLS (RFC 8216bis, section 7) and DASH players. What cannot be read in the query is passed over: an error would cost the player its steering, and 429 would stop hls.js for good.',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: steeringManifestSchema },
      },
    },
    async request =>
      counted('steering', () => steer(parseVideoId(request.params.id), request.query, request)),
  );
}
