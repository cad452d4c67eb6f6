/**
 * For clients without content steering. `/go` redirects to the best site. `/relay` returns the tracker's own playlists, in which
 * each segment is a redirect to the best site at that moment, so playback survives the failure of a site.
 */
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { type RevisionId, revisionIdSchema, type SiteId, type VideoId } from '../../protocol/base/ids.ts';
import {
  MEDIA_PLAYLIST,
  MULTIVARIANT_PLAYLIST,
  mediaPath,
  POSTER,
  STORYBOARD,
} from '../../protocol/media/media.ts';
import { formatMediaPlaylist } from '../../protocol/media/media-playlist.ts';
import type { TrackerAudit } from '../audit/audit.ts';
import { isWorthSwitching } from '../choice/choose.ts';
import {
  addressOf,
  clientQuery,
  formatClientQuery,
  parseVideoId,
  type RawRequest,
  trackerUrlFor,
} from '../client/client.ts';
import { type CredentialsDeps, credentialsOf } from '../client/house-networks.ts';
import { isElement, readPlayer } from '../client/player.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { RegisteredVideo } from '../registry/registry.ts';
import type { Plays } from '../sync/plays.ts';
import type { Decider, OfferedSite, PlayDecision } from './decide.ts';
import type { Instrument } from './instrument.ts';
import { createGrowingPace } from './render/growing-pace.ts';
import { GROWING, renderOnePathway, renderRelayPlaylist } from './render/hls.ts';
import { selectOneCodec } from './render/one-codec.ts';
import { sendText } from './routes.ts';
import { listDurations, type Timelines } from './timelines.ts';

/** A client stays at its site for this time after its last request, because it opens the address more than once. */
const STICKY_MS = 60_000;
const STICKY_CLIENTS = 100_000;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

export interface RedirectAndRelayDeps extends CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustClientParameter' | 'trustedProxies'>;
  readonly decider: Decider;
  readonly audit: Pick<TrackerAudit, 'recordWatch'>;
  readonly plays: Pick<Plays, 'recordRelayed'>;
  readonly viewers: Viewers;
  readonly instrument: Instrument;
  readonly timelines: Timelines;
}

type ClientQuery = z.infer<typeof clientQuery>;
/** The parts of a request to these calls that identify the client. */
type ClientCall = RawRequest & { readonly query: ClientQuery };

/** Decides for a request, and redirects it to a site. */
interface Redirector {
  decide(request: ClientCall, video: VideoId): PlayDecision;
  recordPlaying(request: ClientCall, video: VideoId): void;
  /** `isStart`: the client starts to play and is recorded as assigned to the site. */
  siteFor(
    request: ClientCall,
    video: VideoId,
    isStart: boolean,
  ): { readonly video: RegisteredVideo; readonly mediaUrl: string };
}

const videoParameters = z.object({ id: z.string().max(64) });

export function serveRedirectAndRelay(app: HttpServer, deps: RedirectAndRelayDeps): void {
  const redirector = createRedirector(deps);
  serveRedirects(app, deps, redirector);
  serveRelay(app, deps, redirector);
}

function createRedirector(deps: RedirectAndRelayDeps): Redirector {
  const { config, decider, viewers, audit, plays } = deps;
  const sticky = new LRUCache<string, SiteId>({ max: STICKY_CLIENTS, ttl: STICKY_MS });

  function decide(request: ClientCall, video: VideoId): PlayDecision {
    const { grant } = request.query;
    const address = addressOf(request, request.query.client, config);
    const credentials = credentialsOf(request, address, grant, deps);
    const decision = decider.play(video, { client: viewers.at(address), credentials });
    decider.recordPlayed(decision);
    return decision;
  }

  return {
    decide,
    recordPlaying(request, video) {
      const address = addressOf(request, request.query.client, config);
      const playing = {
        video,
        prefix: viewers.at(address).network?.prefix,
        userAgent: request.headers['user-agent'],
      };
      plays.recordRelayed(playing, address, Date.now());
    },
    siteFor(request, video, isStart) {
      const decision = decide(request, video);
      const sites = decider.sites(decision);
      const address = addressOf(request, request.query.client, config);
      const key = `${address} ${video}`;
      if (isStart && decision.access && !sticky.has(key)) {
        audit.recordWatch({ video, address, credentials: { grant: request.query.grant } });
      }
      const chosen = sites[choosePick(decision, sites, sticky.get(key))] ?? sites[0];
      sticky.set(key, chosen.site);
      if (isStart) decider.recordAssignment(decision, chosen.site);
      return { video: decision.video, mediaUrl: chosen.mediaUrl };
    },
  };
}

/**
 * The index of the site for a client that was at the site `before`. It stays there unless another one is much better, for example
 * because its site is drained.
 */
function choosePick(
  { picks }: PlayDecision,
  sites: readonly OfferedSite[],
  before: SiteId | undefined,
): number {
  const at = sites.findIndex(({ site }) => site === before);
  const [best] = picks;
  const stay = picks[at];
  return best && stay && !isWorthSwitching(best, stay, 1, 0) ? at : 0;
}

function serveRedirects(
  app: HttpServer,
  { config, instrument }: RedirectAndRelayDeps,
  redirector: Redirector,
): void {
  app.get(
    '/go/:id',
    {
      schema: {
        description: 'Redirects to the best site. A client is redirected to the same site for a while.',
        params: videoParameters,
        querystring: clientQuery,
      },
    },
    async (request, reply) =>
      instrument.count('redirect', () => {
        const id = parseVideoId(request.params.id);
        const { video, mediaUrl } = redirector.siteFor(request, id, true);
        // The playlist of a site lists all codecs. The built-in player of a browser can play only one of them.
        const isMixed = selectOneCodec(video.renditions).length < video.renditions.length;
        const target =
          isMixed && isElement(readPlayer(request))
            ? `${trackerUrlFor(request, config)}/relay/${id}.m3u8${formatQuery(config, request.query)}`
            : mediaUrl + mediaPath(id, video.revision, MULTIVARIANT_PLAYLIST);
        return reply.redirect(target, 302);
      }),
  );

  for (const file of [POSTER, STORYBOARD]) {
    app.get(
      `/go/:id/${file}`,
      {
        schema: {
          description: `Redirects to ${file} at the best site.`,
          params: videoParameters,
          querystring: clientQuery,
        },
      },
      async (request, reply) =>
        instrument.count('redirect', () => {
          const id = parseVideoId(request.params.id);
          const { video, mediaUrl } = redirector.siteFor(request, id, false);
          // A catalogue requests the poster of each card. The same page need not request it again within a minute.
          reply.header('cache-control', 'private, max-age=60');
          return reply.redirect(mediaUrl + mediaPath(id, video.revision, file), 302);
        }),
    );
  }
}

function serveRelay(app: HttpServer, deps: RedirectAndRelayDeps, redirector: Redirector): void {
  const { config, decider, instrument, timelines } = deps;
  const pace = createGrowingPace();
  app.get(
    '/relay/:file',
    {
      schema: {
        description:
          '`{id}.m3u8`: a multivariant playlist whose media playlists come from this tracker. Each of their segments is a redirect that is decided per request.',
        params: z.object({ file: z.string().max(64) }),
        querystring: clientQuery,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const playlist = instrument.count('relay', () => {
        const id = parseVideoId(request.params.file.replace(/\.m3u8$/, ''));
        const player = readPlayer(request);
        if (player === 'opaque-element') {
          const { video, mediaUrl } = redirector.siteFor(request, id, true);
          return renderOnePathway(video, mediaUrl);
        }
        const { video } = redirector.decide(request, id);
        return renderRelayPlaylist(video.renditions, player, {
          baseUri: `${id}/${video.revision}/`,
          query: formatQuery(config, request.query),
        });
      });
      return sendText(reply, PLAYLIST_TYPE, playlist);
    },
  );

  async function renderMediaPlaylist(
    request: ClientCall,
    id: VideoId,
    { revision: requested, rendition }: { readonly revision: string; readonly rendition: string },
  ): Promise<string> {
    const decision = redirector.decide(request, id);
    const { video } = decision;
    const revision = requested === GROWING ? video.revision : parseRevision(requested);
    const { renditions, durationMs } = await timelines.get(id, revision, decider.urlsByAuthority(decision));
    const timeline = Object.hasOwn(renditions, rendition) ? renditions[rendition] : undefined;
    if (!timeline) throw fileUnknown();
    const isGrowing = requested === GROWING && video.isGrowing === true;
    return formatMediaPlaylist(listDurations(timeline), {
      query: formatQuery(config, request.query),
      ...(isGrowing
        ? { isGrowing, untilSeconds: pace.list(id, revision, durationMs / 1_000, Date.now()) }
        : {}),
    });
  }

  app.get(
    '/relay/:id/:revision/:rendition/:file',
    {
      schema: {
        description:
          'A media playlist of `/relay/{id}.m3u8`, or a redirect to one of its segments. The revision `growing` is the newest one of a video that is still being converted: its playlists have no end until the video is complete.',
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
      const { rendition, file, revision } = request.params;
      const id = parseVideoId(request.params.id);
      if (file === MEDIA_PLAYLIST) {
        const playlist = await instrument.count('relay', async () =>
          renderMediaPlaylist(request, id, request.params),
        );
        return sendText(reply, PLAYLIST_TYPE, playlist);
      }
      if (!RENDITION.test(rendition) || !SEGMENT.test(file)) throw fileUnknown();
      return instrument.count('redirect', () => {
        const { video, mediaUrl } = redirector.siteFor(request, id, false);
        const target = revision === GROWING ? video.revision : parseRevision(revision);
        if (file !== 'init.mp4') redirector.recordPlaying(request, id);
        return reply.redirect(mediaUrl + mediaPath(id, target, `${rendition}/${file}`), 302);
      });
    },
  );
}

const formatQuery = (
  { trustClientParameter }: RedirectAndRelayDeps['config'],
  { client, grant }: ClientQuery,
): string => formatClientQuery(trustClientParameter ? client : undefined, grant);

const RENDITION = /^[a-z0-9][a-z0-9-]{0,39}$/;
const SEGMENT = /^(init\.mp4|(0|[1-9]\d{0,8})\.m4s)$/;

function parseRevision(text: string): RevisionId {
  const parsed = revisionIdSchema.safeParse(text);
  if (!parsed.success) throw fileUnknown();
  return parsed.data;
}

const fileUnknown = (): Problem =>
  problem('file-unknown', 'This video has no such file. Request /relay/{id}.m3u8 again.');
