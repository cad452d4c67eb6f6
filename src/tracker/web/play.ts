/** The calls of players that begin (contract: Tracker). */
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { siteIdSchema } from '../../protocol/ids.ts';
import { playAnswerSchema } from '../../protocol/tracker.ts';
import type { TrackerConfig } from '../config.ts';
import type { Viewers } from '../viewers.ts';
import { callerOf, clientQuery, parseVideoId } from './client.ts';
import type { Counted } from './counted.ts';
import type { PlayAnswers } from './play-answers.ts';

export interface PlayMeans {
  readonly config: TrackerConfig;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly playAnswers: PlayAnswers;
}

export function servePlay(app: HttpServer, { config, viewers, counted, playAnswers }: PlayMeans): void {
  app.get(
    '/play/:file',
    {
      schema: {
        description:
          'Where to play a video from, best first: `{id}` answers JSON, `{id}.m3u8` a steered multivariant playlist (RFC 8216bis), `{id}.mpd` a steered DASH manifest.',
        params: z.object({ file: z.string().max(64) }),
        querystring: clientQuery.extend({
          fill: siteIdSchema.optional(),
          session: z.string().max(64).optional(),
        }),
        response: { 200: z.union([playAnswerSchema, z.string()]) },
      },
    },
    async (request, reply) => {
      const [name = '', extension] = splitName(request.params.file);
      const { client, fill, session } = request.query;
      const caller = callerOf(request, client, config);
      const asker = () => (fill ? viewers.filling(fill) : viewers.at(caller.address));
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
        throw new Problem(
          404,
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
