/** The answers to players that begin: JSON, steered playlist, redirect (contract: Tracker). */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { type SiteId, siteIdSchema, type VideoId } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import { playAnswerSchema } from '../../protocol/tracker.ts';
import type { Begin, Beginning } from '../beginning.ts';
import type { TrackerConfig } from '../config.ts';
import { FIRST_TTL_S, formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { formatSteeredPlaylist } from '../steering/playlist.ts';
import type { Asker, Viewers } from '../viewers.ts';
import { addressOf, clientQuery, parseVideoId } from './client.ts';
import type { Counted } from './counted.ts';

/** A client that knows nothing is sent to the same site for a while: it opens the address more than once. */
const STICKY_MS = 60_000;
const STICKY_CLIENTS = 100_000;
export interface PlayMeans {
  readonly config: TrackerConfig;
  readonly begin: Begin;
  readonly viewers: Viewers;
  readonly counted: Counted;
}

export function servePlay(app: HttpServer, { config, begin, viewers, counted }: PlayMeans): void {
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

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
    const { video, sources, session } = beginning;
    return {
      video: id,
      revision: video.revision,
      name: video.name,
      sources: [...sources],
      hls: playUri(id, 'm3u8', session.id, claimed),
      dash: null,
      steering: steerUri(id, beginning, claimed),
      session: session.id,
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

  app.get(
    '/play/:file',
    {
      schema: {
        description:
          'Where to play a video from, best first: `{id}` answers JSON, `{id}.m3u8` a steered multivariant playlist (RFC 8216bis).',
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
        throw new Problem(404, 'dash-not-yet', 'DASH comes with a later version. Ask for .m3u8 (HLS).');
      }
      if (extension !== 'm3u8') {
        throw new Problem(
          404,
          'format-unknown',
          `Videos are not offered as .${extension} here. Ask for .m3u8 (HLS).`,
        );
      }
      const body = counted('hls', () => playPlaylist(parseVideoId(name), asker(), client, session));
      reply.type('application/vnd.apple.mpegurl').serializer((text: unknown) => String(text));
      return body;
    },
  );

  app.get(
    '/go/:id',
    {
      schema: {
        description: 'Redirects to the best site, the same one for the same client for a while.',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery,
      },
    },
    async (request, reply) =>
      counted('redirect', () => {
        const id = parseVideoId(request.params.id);
        const client = addressOf(request, request.query.client, config);
        const { sources } = begin(id, viewers.at(client), undefined);
        const key = `${client} ${id}`;
        const before = sticky.get(key);
        const source = sources.find(each => each.site === before) ?? sources[0];
        sticky.set(key, source.site);
        return reply.redirect(source.hls, 302);
      }),
  );
}

/** `{id}` or `{id}.{extension}` */
function splitName(file: string): readonly [string, string | undefined] {
  const dot = file.indexOf('.');
  return dot === -1 ? [file, undefined] : [file.slice(0, dot), file.slice(dot + 1)];
}
