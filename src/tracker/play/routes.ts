/** The calls of players that start a video or play one. */
import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Recipient, requireSigner } from '../../kernel/http/signed-requests.ts';
import { problem } from '../../kernel/problem.ts';
import { playResponseSchema, steeringManifestSchema } from '../../protocol/tracker.ts';
import { parseVideoId } from '../client/client.ts';
import type { Registry } from '../registry/registry.ts';
import { createSiteKeyFinder } from '../registry/site-keys.ts';
import type { Instrument } from './instrument.ts';
import { type PlayRequestDeps, playQuery, readPlayRequest } from './request.ts';
import type { PlayResponses } from './responses.ts';
import type { Steer } from './steer.ts';

export interface PlayRoutesDeps extends PlayRequestDeps {
  readonly instrument: Instrument;
  readonly responses: PlayResponses;
  readonly registry: Pick<Registry, 'findSite'>;
  readonly recipient: Recipient;
}

export function servePlay(app: HttpServer, deps: PlayRoutesDeps): void {
  const { instrument, responses } = deps;
  const findSiteKey = createSiteKeyFinder(deps.registry);
  app.get(
    '/play/:file',
    {
      schema: {
        description:
          'Where to play a video from, best site first: `{id}` returns JSON, `{id}.m3u8` a steered multivariant playlist (RFC 8216bis), `{id}.mpd` a steered DASH manifest.',
        params: z.object({ file: z.string().max(64) }),
        querystring: playQuery,
        response: { 200: z.union([playResponseSchema, z.string()]) },
      },
    },
    async (request, reply) => {
      const [name = '', extension] = splitName(request.params.file);
      const { fill } = request.query;
      // A site that signs its request has access to private videos: it serves them only to clients with access.
      const isMember =
        fill !== undefined &&
        request.headers.signature !== undefined &&
        (await requireSigner(request, findSiteKey, deps.recipient)) === fill;
      const read = () => readPlayRequest(request, parseVideoId(name), { ...request.query, isMember }, deps);
      switch (extension) {
        case undefined:
          return sendText(
            reply,
            'application/json; charset=utf-8',
            instrument.count('json', () => responses.json(read())),
          );
        case 'mpd':
          return sendText(
            reply,
            'application/dash+xml',
            await instrument.count('dash', async () => responses.dash(read())),
          );
        case 'm3u8':
          return sendText(
            reply,
            'application/vnd.apple.mpegurl',
            instrument.count('hls', () => responses.hls(read())),
          );
        default:
          throw problem(
            'format-unknown',
            `The format .${extension} is not available. Use .m3u8 (HLS) or .mpd (DASH).`,
          );
      }
    },
  );
}

/** RFC 8216bis, section 7.1. DASH players accept it too. */
export const STEERING_TYPE = 'application/vnd.apple.steering-list';

export interface SteerRoutesDeps {
  readonly instrument: Instrument;
  readonly steer: Steer;
}

export function serveSteer(app: HttpServer, { instrument, steer }: SteerRoutesDeps): void {
  app.get(
    '/steer/:id',
    {
      schema: {
        description:
          'The steering manifest for HLS (RFC 8216bis, section 7) and DASH players. Invalid parts of the query are ignored: with an error the player would lose its steering, and 429 would stop hls.js permanently.',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: steeringManifestSchema },
      },
    },
    async (request, reply) =>
      sendText(
        reply,
        STEERING_TYPE,
        instrument.count('steering', () =>
          JSON.stringify(steer(parseVideoId(request.params.id), request.query, request)),
        ),
      ),
  );
}

/** Sends a text that is rendered already. */
export const sendText = (reply: FastifyReply, type: string, text: string): FastifyReply =>
  reply
    .type(type)
    .serializer((body: unknown) => String(body))
    .send(text);

/** Splits `{id}` or `{id}.{extension}`. */
function splitName(file: string): readonly [string, string | undefined] {
  const dot = file.indexOf('.');
  return dot === -1 ? [file, undefined] : [file.slice(0, dot), file.slice(dot + 1)];
}
