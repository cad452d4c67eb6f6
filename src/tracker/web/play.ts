/** The answers to players that begin: JSON, steered playlist, steered MPD (contract: Tracker). */
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { formatDashManifest } from '../../protocol/dash.ts';
import { siteIdSchema, type VideoId } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import { playAnswerSchema } from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
import type { Begin, Beginning } from '../beginning.ts';
import type { TrackerConfig } from '../config.ts';
import { FIRST_TTL_S, formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { formatSteeredPlaylist } from '../steering/playlist.ts';
import type { Timelines } from '../timelines.ts';
import type { Asker, Viewers } from '../viewers.ts';
import { addressOf, clientQuery, parseVideoId } from './client.ts';
import type { Counted } from './counted.ts';

export interface PlayMeans {
  readonly config: TrackerConfig;
  readonly begin: Begin;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly answers: Answers;
  readonly timelines: Timelines;
}

export function servePlay(
  app: HttpServer,
  { config, begin, viewers, counted, answers, timelines }: PlayMeans,
): void {
  const isClaimed = (claimed: string | undefined): claimed is string =>
    claimed !== undefined && config.believeClientParameter;
  /** The same session all the way: what the player says later is then believed. */
  const playUri = (id: VideoId, extension: string, session: string, claimed: string | undefined): string => {
    const query = new URLSearchParams(isClaimed(claimed) ? { client: claimed } : {});
    query.set('session', session);
    return `${config.baseUrl}/play/${id}.${extension}?${query}`;
  };
  const steerUri = (id: VideoId, { session, sources }: Beginning, claimed: string | undefined): string =>
    formatSteerUri(config.baseUrl, {
      video: id,
      session: session.id,
      pathways: sources.map(({ site }) => site),
      client: isClaimed(claimed) ? claimed : undefined,
    });

  function playJson(id: VideoId, asker: Asker, claimed: string | undefined, sessionId: string | undefined) {
    const beginning = begin(id, asker, sessionId);
    const { video, sources, session, origin } = beginning;
    return {
      video: id,
      revision: video.revision,
      name: video.name,
      sources: [...sources],
      hls: playUri(id, 'm3u8', session.id, claimed),
      dash: playUri(id, 'mpd', session.id, claimed),
      steering: steerUri(id, beginning, claimed),
      session: session.id,
      origin,
    };
  }

  function playPlaylist(
    id: VideoId,
    asker: Asker,
    claimed: string | undefined,
    sessionId: string | undefined,
  ): string {
    const beginning = begin(id, asker, sessionId);
    const { video, sources } = beginning;
    const pathways = sources.map(source => ({
      id: source.site,
      baseUri: source.baseUrl + mediaPath(id, video.revision, ''),
    }));
    return formatSteeredPlaylist(
      video.renditions,
      pathways,
      makeManifest(
        sources.map(({ site }) => site),
        FIRST_TTL_S,
        steerUri(id, beginning, claimed),
      ),
    );
  }

  async function playManifest(
    id: VideoId,
    asker: Asker,
    claimed: string | undefined,
    sessionId: string | undefined,
  ): Promise<string> {
    const beginning = begin(id, asker, sessionId);
    const { video, sources, decision } = beginning;
    const timeline = await timelines.of(id, video.revision, answers.askOrder(video, decision));
    const locations = sources.map(({ site, baseUrl }) => ({
      id: site,
      baseUrl: baseUrl + mediaPath(id, video.revision, ''),
    }));
    const steering = {
      serverUrl: steerUri(id, beginning, claimed),
      defaultServiceLocation: sources[0].site,
    };
    return formatDashManifest(
      video.renditions,
      timeline,
      locations,
      sources.length > 1 ? steering : undefined,
    );
  }

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
      const asker = () => (fill ? viewers.filling(fill) : viewers.at(addressOf(request, client, config)));
      if (extension === undefined) {
        return counted('json', () => playJson(parseVideoId(name), asker(), client, session));
      }
      if (extension === 'mpd') {
        const body = await counted('dash', () => playManifest(parseVideoId(name), asker(), client, session));
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
      const body = counted('hls', () => playPlaylist(parseVideoId(name), asker(), client, session));
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
