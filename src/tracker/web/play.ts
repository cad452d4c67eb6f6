/** The answers to players: JSON, steered playlist, redirect, steering manifest, explanation (contract: Tracker). */
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry as Metrics } from 'prom-client';
import { z } from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http.ts';
import { clientAddress, parseAddress } from '../../kernel/network.ts';
import { Problem } from '../../kernel/problem.ts';
import { newId, type SiteId, siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import {
  explanationSchema,
  playAnswerSchema,
  type Source,
  steeringManifestSchema,
} from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
import type { Viewer } from '../choice/choose.ts';
import type { TrackerConfig } from '../config.ts';
import { formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { formatSteeredPlaylist } from '../steering/playlist.ts';

/** A client that knows nothing is sent to the same site for a while: it opens the address more than once. */
const STICKY_MS = 60_000;
const STICKY_CLIENTS = 100_000;
const MAX_ADDRESS_CHARACTERS = 64;
const MAX_PATHWAYS = 32;
const PATHWAY_CHARACTERS = 36;
const SESSION = /^[A-Za-z0-9_-]{1,64}$/;

const clientQuery = z.object({ client: z.string().max(MAX_ADDRESS_CHARACTERS).optional() });

export function servePlay(app: HttpServer, config: TrackerConfig, answers: Answers, metrics: Metrics): void {
  const played = new Counter({
    name: 'tributary_play_answers_total',
    help: 'Answers to play requests.',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
  });
  /** Runs one call and counts how it ended: `ok`, or the code of its problem. */
  const counted = <T>(kind: 'json' | 'hls' | 'redirect' | 'steering', run: () => T): T => {
    let outcome = 'internal';
    try {
      const answer = run();
      outcome = 'ok';
      return answer;
    } catch (error) {
      if (error instanceof Problem) outcome = error.code;
      throw error;
    } finally {
      played.inc({ kind, outcome });
    }
  };
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

  const addressOf = (request: FastifyRequest, claimed: string | undefined): string => {
    if (claimed !== undefined && config.believeClientParameter) {
      if (parseAddress(claimed)) return claimed;
      throw new Problem(400, 'client-invalid', '"client" must be one IP address, e.g. 10.1.2.3.');
    }
    const forwarded = request.headers['x-forwarded-for'];
    return clientAddress(request.socket.remoteAddress ?? '', forwarded?.toString(), config.trustedProxies);
  };
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

  function playJson(id: VideoId, viewer: Viewer, claimed: string | undefined) {
    const { video, ranking } = answers.rank(id, viewer);
    const sources = answers.sources(video, ranking);
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

  function playPlaylist(id: VideoId, viewer: Viewer, claimed: string | undefined): string {
    const { video, ranking } = answers.rank(id, viewer);
    const sources = answers.sources(video, ranking);
    const pathways = sources.map(source => ({
      id: source.site,
      baseUri: source.baseUrl + mediaPath(id, video.revision, ''),
    }));
    return formatSteeredPlaylist(
      video.renditions,
      pathways,
      makeManifest(
        ranking,
        sources.map(({ site }) => site),
        steerUri(id, sources, claimed),
        { isFirst: true },
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
      const viewer = () =>
        fill ? answers.viewerFilling(fill) : answers.viewerAt(addressOf(request, client));
      if (extension === undefined) {
        return counted('json', () => playJson(parseVideoId(name), viewer(), client));
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
      const body = counted('hls', () => playPlaylist(parseVideoId(name), viewer(), client));
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
        const client = addressOf(request, request.query.client);
        const { video, ranking } = answers.rank(id, answers.viewerAt(client));
        const sources = answers.sources(video, ranking);
        const key = `${client} ${id}`;
        const before = sticky.get(key);
        const source = sources.find(each => each.site === before) ?? sources[0];
        sticky.set(key, source.site);
        return reply.redirect(source.hls, 302);
      }),
  );

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
      counted('steering', () => {
        const video = parseVideoId(request.params.id);
        const query = readSteeringQuery(request.query, MAX_PATHWAYS);
        const isClaimed =
          config.believeClientParameter && query.client !== undefined && parseAddress(query.client);
        const client = isClaimed ? query.client : undefined;
        const ranking = answers.steer(video, answers.viewerAt(addressOf(request, client)));
        const active = ranking.filter(({ site }) => site.active).map(({ site }) => site.id);
        const pathways = query.pathways.length > 0 ? query.pathways : active.slice(0, MAX_PATHWAYS);
        if (pathways.length === 0) {
          throw new Problem(503, 'no-source', 'No site is known here yet. Try again in a moment.', {
            headers: { 'retry-after': '2' },
          });
        }
        const reloadUri = formatSteerUri(config.baseUrl, {
          video,
          session: query.session ?? newId(),
          pathways,
          client,
        });
        return makeManifest(ranking, pathways, reloadUri, { current: query.current });
      }),
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
        throw new Problem(400, 'client-invalid', '"client" must be one IP address, e.g. 10.1.2.3.');
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

interface SteeringQuery {
  readonly session: string | undefined;
  readonly pathways: readonly SiteId[];
  readonly client: string | undefined;
  /** The pathway that the player says it is on. */
  readonly current: string | undefined;
}

/** Takes what is well-formed, once given and of sane length, and passes over the rest. */
function readSteeringQuery(query: unknown, maxPathways: number): SteeringQuery {
  const read = (name: string, maxCharacters: number): string | undefined => {
    const value = (query as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' && value.length <= maxCharacters ? value : undefined;
  };
  const session = read('session', 64);
  const pathways = (read('pathways', maxPathways * (PATHWAY_CHARACTERS + 1)) ?? '')
    .split('.')
    .map(id => siteIdSchema.safeParse(id))
    .flatMap(parsed => (parsed.success ? [parsed.data] : []));
  // `_DASH_pathway` is a list of all that were used: it does not say where the player is now.
  const current = read('_HLS_pathway', 256);
  return {
    session: session && SESSION.test(session) ? session : undefined,
    pathways: [...new Set(pathways)],
    client: read('client', MAX_ADDRESS_CHARACTERS),
    current: current?.replaceAll('"', ''),
  };
}
