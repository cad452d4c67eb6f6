/** The answers to players that begin: JSON, steered playlist, redirect (contract: Tracker). */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { newId, type SiteId, siteIdSchema, type VideoId } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import { playAnswerSchema, type Source } from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
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
  readonly answers: Answers;
  readonly viewers: Viewers;
  readonly counted: Counted;
}

export function servePlay(app: HttpServer, { config, answers, viewers, counted }: PlayMeans): void {
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

  const withClient = (url: string, claimed: string | undefined): string =>
    claimed !== undefined && config.believeClientParameter
      ? `${url}?client=${encodeURIComponent(claimed)}`
      : url;
  const steerUri = (video: VideoId, sources: readonly Source[], claimed: string | undefined): string =>
    formatSteerUri(config.baseUrl, {
      video,
      session: newId(),
      pathways: sources.map(({ site }) => site),
      client: config.believeClientParameter ? claimed : undefined,
    });

  function playJson(id: VideoId, asker: Asker, claimed: string | undefined) {
    const decision = answers.play(id, asker);
    const { video } = decision;
    const sources = answers.sources(video, decision);
    answers.noteSent(decision, sources[0].site);
    return {
      video: id,
      revision: video.revision,
      name: video.name,
      sources: [...sources],
      hls: withClient(`${config.baseUrl}/play/${id}.m3u8`, claimed),
      dash: null,
      steering: steerUri(id, sources, claimed),
    };
  }

  function playPlaylist(id: VideoId, asker: Asker, claimed: string | undefined): string {
    const decision = answers.play(id, asker);
    const { video } = decision;
    const sources = answers.sources(video, decision);
    answers.noteSent(decision, sources[0].site);
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
        steerUri(id, sources, claimed),
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
        querystring: clientQuery.extend({ fill: siteIdSchema.optional() }),
        response: { 200: z.union([playAnswerSchema, z.string()]) },
      },
    },
    async (request, reply) => {
      const [name = '', extension] = splitName(request.params.file);
      const { client, fill } = request.query;
      const asker = () => (fill ? viewers.filling(fill) : viewers.at(addressOf(request, client, config)));
      if (extension === undefined) {
        return counted('json', () => playJson(parseVideoId(name), asker(), client));
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
      const body = counted('hls', () => playPlaylist(parseVideoId(name), asker(), client));
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
        const decision = answers.play(id, viewers.at(client));
        const sources = answers.sources(decision.video, decision);
        const key = `${client} ${id}`;
        const before = sticky.get(key);
        const source = sources.find(each => each.site === before) ?? sources[0];
        sticky.set(key, source.site);
        answers.noteSent(decision, source.site);
        return reply.redirect(source.hls, 302);
      }),
  );
}

/** `{id}` or `{id}.{extension}` */
function splitName(file: string): readonly [string, string | undefined] {
  const dot = file.indexOf('.');
  return dot === -1 ? [file, undefined] : [file.slice(0, dot), file.slice(dot + 1)];
}
