/** The answers to players: JSON, steered playlist, redirect, steering manifest, explanation (contract: Tracker). */
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry as Metrics } from 'prom-client';
import { z } from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http.ts';
import { clientAddress, parseAddress } from '../../kernel/network.ts';
import { Problem } from '../../kernel/problem.ts';
import { type SiteId, siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import { explanationSchema, playAnswerSchema, steeringManifestSchema } from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
import type { Viewer } from '../choice/choose.ts';
import type { TrackerConfig } from '../config.ts';
import { makeManifest } from '../steering/manifest.ts';
import { formatSteeredPlaylist } from '../steering/playlist.ts';

/** A client that knows nothing is sent to the same site for a while: it opens the address more than once. */
const STICKY_MS = 60_000;
const STICKY_CLIENTS = 100_000;
const MAX_ADDRESS_CHARACTERS = 64;

const clientQuery = z.object({ client: z.string().max(MAX_ADDRESS_CHARACTERS).optional() });

export function servePlay(app: HttpServer, config: TrackerConfig, answers: Answers, metrics: Metrics): void {
  const played = new Counter({
    name: 'tributary_play_answers_total',
    help: 'Answers to play requests.',
    labelNames: ['kind'],
    registers: [metrics],
  });
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

  const addressOf = (request: FastifyRequest, claimed: string | undefined): string => {
    if (claimed !== undefined && config.believeClientParameter) {
      if (parseAddress(claimed)) return claimed;
      throw new Problem(400, 'client-invalid', `"client" is no IP address: ${claimed}`);
    }
    const forwarded = request.headers['x-forwarded-for'];
    return clientAddress(request.socket.remoteAddress ?? '', forwarded?.toString(), config.trustedProxies);
  };
  const withClient = (url: string, claimed: string | undefined): string =>
    claimed !== undefined && config.believeClientParameter
      ? `${url}?client=${encodeURIComponent(claimed)}`
      : url;
  const steerUri = (id: VideoId, claimed: string | undefined): string =>
    withClient(`${config.baseUrl}/steer/${id}`, claimed);

  function playJson(id: VideoId, viewer: Viewer, claimed: string | undefined) {
    const { video, ranking } = answers.rank(id, viewer);
    return {
      video: id,
      revision: video.revision,
      name: video.name,
      sources: [...answers.sources(video, ranking)],
      hls: withClient(`${config.baseUrl}/play/${id}.m3u8`, claimed),
      dash: null,
      steering: steerUri(id, claimed),
    };
  }

  function playPlaylist(id: VideoId, viewer: Viewer, claimed: string | undefined): string {
    const { video, ranking } = answers.rank(id, viewer);
    const pathways = answers.sources(video, ranking).map(source => ({
      id: source.site,
      baseUri: source.baseUrl + mediaPath(id, video.revision, ''),
    }));
    return formatSteeredPlaylist(
      video.renditions,
      pathways,
      makeManifest(ranking, steerUri(id, claimed), { isFirst: true }),
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
      const id = parseVideoId(name);
      const { client, fill } = request.query;
      const viewer = fill ? answers.viewerFilling(fill) : answers.viewerAt(addressOf(request, client));
      if (extension === undefined) {
        played.inc({ kind: 'json' });
        return playJson(id, viewer, client);
      }
      if (extension !== 'm3u8') {
        throw new Problem(
          404,
          'format-unknown',
          `Videos are not offered as .${extension} here. Ask for .m3u8 (HLS).`,
        );
      }
      played.inc({ kind: 'hls' });
      const body = playPlaylist(id, viewer, client);
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
    async (request, reply) => {
      const id = parseVideoId(request.params.id);
      const client = addressOf(request, request.query.client);
      const { video, ranking } = answers.rank(id, answers.viewerAt(client));
      const sources = answers.sources(video, ranking);
      const key = `${client} ${id}`;
      const before = sticky.get(key);
      const source = sources.find(each => each.site === before) ?? sources[0];
      sticky.set(key, source.site);
      played.inc({ kind: 'redirect' });
      return reply.redirect(source.hls, 302);
    },
  );

  app.get(
    '/steer/:id',
    {
      schema: {
        description: 'The steering manifest for HLS (RFC 8216bis, section 7).',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery.extend({
          _HLS_pathway: z.string().max(64).optional(),
          _HLS_throughput: z.string().max(32).optional(),
        }),
        response: { 200: steeringManifestSchema },
      },
    },
    async request => {
      const id = parseVideoId(request.params.id);
      const { client, _HLS_pathway: pathway } = request.query;
      const { ranking } = answers.rank(id, answers.viewerAt(addressOf(request, client)));
      played.inc({ kind: 'steering' });
      return makeManifest(ranking, steerUri(id, client), { current: pathway?.replaceAll('"', '') });
    },
  );

  app.get(
    '/explain/:id',
    {
      schema: {
        description: 'The whole ranking for a client, those left out too (operator).',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery,
        response: { 200: explanationSchema },
      },
    },
    async request => {
      requireToken(request, config.operatorToken);
      const id = parseVideoId(request.params.id);
      const client = request.query.client ?? addressOf(request, undefined);
      if (!parseAddress(client))
        throw new Problem(400, 'client-invalid', `"client" is no IP address: ${client}`);
      const viewer = answers.viewerAt(client);
      const { ranking } = answers.rank(id, viewer);
      return {
        video: id,
        client,
        viewer: {
          ...(viewer.zone ? { zoneSite: viewer.zone.site, zonePrefix: viewer.zone.prefix } : {}),
          ...(viewer.coordinates ?? {}),
        },
        ranking: ranking.map(({ site, offered, score, holds, distanceKm, reasons }) => ({
          site: site.id,
          name: site.name,
          offered,
          score,
          holds,
          up: site.up,
          ...(distanceKm === undefined ? {} : { distanceKm }),
          load: site.activeResponses,
          reasons: [...reasons],
        })),
      };
    },
  );
}

/** `{id}` or `{id}.{extension}` */
function splitName(file: string): readonly [string, string | undefined] {
  const dot = file.indexOf('.');
  return dot === -1 ? [file, undefined] : [file.slice(0, dot), file.slice(dot + 1)];
}

function parseVideoId(text: string): VideoId {
  const parsed = videoIdSchema.safeParse(text);
  if (!parsed.success) throw new Problem(404, 'video-unknown', 'No video of this id is registered here.');
  return parsed.data;
}
