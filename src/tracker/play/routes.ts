/** The calls of players that begin (contract: Tracker). */
import * as z from 'zod';
import { type HttpServer, requireSigner } from '../../kernel/http/server.ts';
import { NonceMemory } from '../../kernel/identity/signatures.ts';
import { problem } from '../../kernel/problem.ts';
import { playResponseSchema } from '../../protocol/tracker.ts';
import { callerOf, parseVideoId, playQuery } from '../client/client.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { Registry } from '../registry/registry.ts';
import { keysOfSites } from '../registry/site-keys.ts';
import type { Counted } from './instrument.ts';
import type { PlayAnswers } from './render/json.ts';

export interface PlayMeans {
  readonly config: TrackerConfig;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly playAnswers: PlayAnswers;
  readonly registry: { readonly findSite: Registry['findSite'] };
}

export function servePlay(
  app: HttpServer,
  { config, viewers, counted, playAnswers, registry }: PlayMeans,
): void {
  const nonces = new NonceMemory();
  const findSiteKey = keysOfSites(registry);
  app.get(
    '/play/:file',
    {
      schema: {
        description:
          'Where to play a video from, best first: `{id}` answers JSON, `{id}.m3u8` a steered multivariant playlist (RFC 8216bis), `{id}.mpd` a steered DASH manifest.',
        params: z.object({ file: z.string().max(64) }),
        querystring: playQuery,
        response: { 200: z.union([playResponseSchema, z.string()]) },
      },
    },
    async (request, reply) => {
      const [name = '', extension] = splitName(request.params.file);
      const { client, fill, session, grant } = request.query;
      const caller = callerOf(request, client, config, grant);
      // A site that signs may have private videos: it gives them to nobody who has no right either.
      const isMember =
        fill !== undefined &&
        request.headers.signature !== undefined &&
        (await requireSigner(request, findSiteKey, nonces)) === fill;
      const asker = () => ({
        ...(fill ? viewers.filling(fill) : viewers.at(caller.address)),
        shown: { grant, isMember },
      });
      if (extension === undefined) {
        const body = counted('json', () => playAnswers.json(parseVideoId(name), asker(), caller, session));
        return reply
          .type('application/json; charset=utf-8')
          .serializer((text: unknown) => String(text))
          .send(body);
      }
      if (extension === 'mpd') {
        const body = await counted('dash', () =>
          playAnswers.manifest(parseVideoId(name), asker(), caller, session),
        );
        return reply
          .type('application/dash+xml')
          .serializer((text: unknown) => String(text))
          .send(body);
      }
      if (extension !== 'm3u8') {
        throw problem(
          'format-unknown',
          `Videos are not offered as .${extension} here. Ask for .m3u8 (HLS) or .mpd (DASH).`,
        );
      }
      const body = counted('hls', () => playAnswers.playlist(parseVideoId(name), asker(), caller, session));
      reply.type('application/vnd.apple.mpegurl').serializer((text: unknown) => String(text));
      return body;
    },
  );
}

/** `{id}` or `{id}.{extension}` */
function splitName(file: string): readonly [string, string | undefined] {
  const dot = file.indexOf('.');
  return dot === -1 ? [file, undefined] : [file.slice(0, dot), file.slice(dot + 1)];
}
