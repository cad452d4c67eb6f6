/**
 * For clients that know nothing of steering (contract: Tracker): `/go` redirects to the best site; `/relay` gives playlists of
 * the tracker's own, each of whose segments is a redirect made when it is asked for, so that playback outlives a site.
 */
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { type RevisionId, revisionIdSchema, type SiteId, type VideoId } from '../../protocol/ids.ts';
import { formatMultivariantPlaylist } from '../../protocol/media/hls.ts';
import { MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, mediaPath, POSTER } from '../../protocol/media/media.ts';
import { formatMediaPlaylist } from '../../protocol/media/media-playlist.ts';
import { addressOf, clientQuery, formatClaim, parseVideoId } from '../client/client.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { Answers } from './decide.ts';
import type { Counted } from './instrument.ts';
import { listDurations, type Timelines } from './timelines.ts';

/** A client that knows nothing is sent to the same site for a while: it opens the address more than once. */
const STICKY_MS = 60_000;
const STICKY_CLIENTS = 100_000;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

export interface PlainMeans {
  readonly config: TrackerConfig;
  readonly answers: Answers;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly timelines: Timelines;
}

export function servePlain(app: HttpServer, means: PlainMeans): void {
  const { config, answers, viewers, counted, timelines } = means;
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

  /** The site for this client now: the one before, as long as it is offered. */
  function pickSite(id: VideoId, client: string, grant: string | undefined, isFirst: boolean) {
    const decision = answers.play(id, { ...viewers.at(client), shown: { grant } });
    const places = answers.places(decision);
    const key = `${client} ${id}`;
    const before = sticky.get(key);
    const place = places.find(({ site }) => site === before) ?? places[0];
    sticky.set(key, place.site);
    if (isFirst) answers.noteSent(decision, place.site);
    return { video: decision.video, mediaUrl: place.mediaUrl };
  }
  const queryOf = (claimed: string | undefined, grant: string | undefined): string =>
    formatClaim(config.trustClientParameter ? claimed : undefined, grant);

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
        const { client, grant } = request.query;
        const { video, mediaUrl } = pickSite(id, addressOf(request, client, config), grant, true);
        return reply.redirect(mediaUrl + mediaPath(id, video.revision, MULTIVARIANT_PLAYLIST), 302);
      }),
  );

  app.get(
    `/go/:id/${POSTER}`,
    {
      schema: {
        description: 'Redirects to the poster at the best site.',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery,
      },
    },
    async (request, reply) =>
      counted('redirect', () => {
        const id = parseVideoId(request.params.id);
        const { client, grant } = request.query;
        const { video, mediaUrl } = pickSite(id, addressOf(request, client, config), grant, false);
        // A catalogue asks once for each of its cards; the same page a minute later need not.
        reply.header('cache-control', 'private, max-age=60');
        return reply.redirect(mediaUrl + mediaPath(id, video.revision, POSTER), 302);
      }),
  );

  app.get(
    '/relay/:file',
    {
      schema: {
        description:
          '`{id}.m3u8`: a multivariant playlist whose media playlists come from here, and each of whose segments is a redirect made when it is asked for.',
        params: z.object({ file: z.string().max(64) }),
        querystring: clientQuery,
        response: { 200: z.string() },
      },
    },
    async (request, reply) =>
      counted('relay', () => {
        const id = parseVideoId(request.params.file.replace(/\.m3u8$/, ''));
        const { client, grant } = request.query;
        const address = addressOf(request, client, config);
        const { video } = answers.play(id, { ...viewers.at(address), shown: { grant } });
        // Captions are files of the sites alone; these clients do without.
        const media = video.renditions.filter(({ kind }) => kind !== 'captions');
        const playlist = formatMultivariantPlaylist(media, [
          { id: '.', baseUri: `${id}/${video.revision}/` },
        ]);
        reply.type(PLAYLIST_TYPE).serializer((text: unknown) => String(text));
        return addQuery(playlist, queryOf(client, grant));
      }),
  );

  app.get(
    '/relay/:id/:revision/:rendition/:file',
    {
      schema: {
        description:
          'A media playlist of `/relay/{id}.m3u8`, or a redirect to one of its segments. The revision `growing` is the newest of a video that is still being converted: its playlists have no end before the video has.',
        params: z.object({
          id: z.string().max(64),
          revision: z.string().max(64),
          rendition: z.string().max(40),
          file: z.string().max(40),
        }),
        querystring: clientQuery,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const { rendition, file } = request.params;
      const { client, grant } = request.query;
      const id = parseVideoId(request.params.id);
      const asked = request.params.revision;
      const address = addressOf(request, client, config);
      if (file === MEDIA_PLAYLIST) {
        const playlist = await counted('relay', async () => {
          const decision = answers.play(id, { ...viewers.at(address), shown: { grant } });
          const revision = asked === GROWING ? decision.video.revision : parseRevision(asked);
          const { renditions } = await timelines.of(id, revision, answers.askOrder(decision.video, decision));
          const timeline = Object.hasOwn(renditions, rendition) ? renditions[rendition] : undefined;
          if (!timeline) throw notHere();
          return formatMediaPlaylist(listDurations(timeline), {
            query: queryOf(client, grant),
            isGrowing: asked === GROWING && decision.video.isGrowing === true,
          });
        });
        return reply
          .type(PLAYLIST_TYPE)
          .serializer((text: unknown) => String(text))
          .send(playlist);
      }
      if (!RENDITION.test(rendition) || !SEGMENT.test(file)) throw notHere();
      return counted('redirect', () => {
        const { video, mediaUrl } = pickSite(id, address, grant, false);
        const revision = asked === GROWING ? video.revision : parseRevision(asked);
        return reply.redirect(mediaUrl + mediaPath(id, revision, `${rendition}/${file}`), 302);
      });
    },
  );
}

/** Relative addresses do not inherit the query, so it goes onto each. */
export const addQuery = (playlist: string, query: string): string =>
  playlist.replaceAll(`/${MEDIA_PLAYLIST}`, `/${MEDIA_PLAYLIST}${query}`);

/** Stands for the newest revision of a video that is being converted: each holds what those before it hold, and more. */
export const GROWING = 'growing';

const RENDITION = /^[a-z0-9][a-z0-9-]{0,39}$/;
const SEGMENT = /^(init\.mp4|(0|[1-9]\d{0,8})\.m4s)$/;

function parseRevision(text: string): RevisionId {
  const parsed = revisionIdSchema.safeParse(text);
  if (!parsed.success) throw notHere();
  return parsed.data;
}

const notHere = (): Problem =>
  problem('file-unknown', 'This video has no such file. Ask for /relay/{id}.m3u8 again.');
