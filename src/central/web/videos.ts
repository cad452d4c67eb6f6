/** The public calls of the catalogue: list, search and single videos. */
import * as z from 'zod';
import { allowAnyOrigin, READ, servePreflight } from '../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { Problem, problem } from '../../kernel/problem.ts';
import type { PageOf } from '../../kernel/search/database/page.ts';
import { type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { type VideoQuery, videoQuerySchema } from '../../protocol/catalogue/search.ts';
import { type Video, videoListSchema, videoSchema } from '../../protocol/central.ts';
import { audienceOf } from '../../protocol/people/audience.ts';
import { mayWatch, type Viewer } from '../../protocol/people/viewing.ts';
import { pickDetails } from '../../protocol/publication/details.ts';
import { type ListedVideo, listCopies, listVideos } from '../database/catalogue.ts';
import { formatCursor, parseCursor } from '../database/cursor.ts';
import { listWeekPlays } from '../database/plays/count.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { type FoundVideo, findVideos, listFound } from '../database/search/find-videos.ts';
import { listSiteStatus, type ReportedStatus } from '../database/site-status-reports.ts';
import { parseStoredRecord } from '../database/stored-record.ts';
import { hasGrant } from '../rights/grants.ts';
import { findWatchable, videoUnknown } from '../rights/watchable.ts';
import { authorityOf, type CentralContext, formatTime, optionalTime } from './context/context.ts';

const parameters = z.object({ id: videoIdSchema });

export function addVideoCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  /** Returns why a grant is not valid any more, if it is genuine. */
  const verify = (video: VideoId, grant: string | undefined): Promise<boolean | Problem> =>
    grant === undefined
      ? Promise.resolve(false)
      : hasGrant(context, video, grant, Date.now()).catch((error: unknown) => {
          if (error instanceof Problem) return error;
          throw error;
        });
  for (const path of ['/api/videos', '/api/videos/:id']) servePreflight(app, path, READ);
  app.get(
    '/api/videos',
    {
      schema: {
        description:
          'Finds videos by their texts and captions, narrowed by filters, in one of several orders.',
        querystring: videoQuerySchema,
        response: { 200: videoListSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      const { items, next } = await listCatalogue(
        context.reads,
        request.query,
        await authorityOf(request, context),
      );
      const hits = new Map(items.map(({ row, hits: found }) => [row.video_id, found]));
      const videos = await withCopies(
        context.reads,
        items.flatMap(({ row }) => formatVideo(row) ?? []),
      );
      return {
        videos: videos.map(video => {
          const found = hits.get(video.id);
          return found ? { ...video, hits: [...found] } : video;
        }),
        ...(next === undefined ? {} : { next }),
      };
    },
  );

  app.get(
    '/api/videos/:id',
    {
      schema: {
        description:
          'Returns one video. A video that is not public is shown only to those who may watch it, and with a grant for it.',
        params: parameters,
        querystring: z.object({ grant: z.string().max(64).optional() }),
        response: { 200: videoSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      // The header is the same for all videos, and a grant is verified for all of them, so that neither reveals that one is private.
      reply.header('cache-control', 'no-store');
      const viewer = await authorityOf(request, context);
      const { grant } = request.query;
      const granted = await verify(request.params.id, grant);
      const found = await findWatchable(db, request.params.id);
      // A hidden video is reported as unknown, so that the response does not reveal that it exists.
      if (!found) throw videoUnknown();
      const { row, watchable } = found;
      if (!mayWatch(viewer, watchable)) {
        // No link shows a video before its publishAt.
        if (row.publish_at > 0) throw videoUnknown();
        if (granted instanceof Problem) throw granted;
        if (!granted) throw videoUnknown();
      }
      const video = row.revoked_at === null && row.withdrawn === 0 ? formatVideo(row) : undefined;
      if (!video) throw problem('video-withdrawn', 'This video was withdrawn.');
      const [complete = video] = await withCopies(db, [video]);
      return complete;
    },
  );
}

/** The newest videos, of one site or of all, need no search index. */
export async function listCatalogue(
  db: CentralDatabase,
  { ids, q, site, limit, cursor, order, ...filter }: VideoQuery,
  viewer: Viewer,
): Promise<PageOf<FoundVideo>> {
  if (ids) return { items: await listFound(db, ids, viewer) };
  const isPlain =
    !q?.trim() &&
    (order ?? 'newest') === 'newest' &&
    Object.values(filter).every(value => value === undefined);
  if (!isPlain) return findVideos(db, { q, site, limit, cursor, order, ...filter }, viewer);
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const rows = await listVideos(db, { site, limit, before, viewer });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(row => ({ row })),
    next: last && formatCursor({ at: last.published_at, id: last.video_id }),
  };
}

/** Adds the copies, the plays of the week, and whether any site that holds the video is up. */
async function withCopies(db: CentralDatabase, videos: readonly Video[]): Promise<Video[]> {
  const found = await listCopies(db, new Map(videos.map(({ id, revision }) => [id, revision])));
  const statuses = await listSiteStatus(db, Date.now());
  const plays = await listWeekPlays(
    db,
    // How often a video is played that is not public must not be public.
    videos.filter(video => video.audience === 'public').map(({ id }) => id),
  );
  return videos.map(video => {
    const copies = [
      ...video.copies,
      ...(found.get(video.id) ?? []).map(copy => ({ ...copy, state: 'complete' as const })),
    ];
    const playsThisWeek = plays.get(video.id);
    return {
      ...video,
      ...(playsThisWeek ? { playsThisWeek } : {}),
      copies,
      holders: formatHolders(copies.map(({ site }) => statuses.get(site))),
    };
  });
}

function formatHolders(statuses: readonly (ReportedStatus | undefined)[]): NonNullable<Video['holders']> {
  if (statuses.some(status => status?.state === 'up')) return { state: 'up' };
  const isUnknown = statuses.some(status => status?.state !== 'down');
  // The video is down since its last holder went down, and unknown since the last report on one of them.
  const sinceMs = Math.max(
    0,
    ...statuses.map(status => (isUnknown ? status?.reportedAtMs : status?.downSinceMs) ?? 0),
  );
  return { state: isUnknown ? 'unknown' : 'down', ...optionalTime('since', sinceMs === 0 ? null : sinceMs) };
}

/** Returns undefined for a tombstone. */
function formatVideo(row: ListedVideo): Video | undefined {
  const record = parseStoredRecord(row.body);
  if (record.kind !== 'video') return undefined;
  const site = row.site_id;
  const audience = audienceOf(record);
  return {
    id: record.video,
    revision: record.revision,
    version: record.version,
    name: record.name,
    description: record.description,
    ...(record.language === undefined ? {} : { language: record.language }),
    sizeBytes: record.sizeBytes,
    bitrateBps: record.bitrateBps,
    durationMs: record.durationMs,
    ...(record.width === undefined ? {} : { width: record.width }),
    ...(record.height === undefined ? {} : { height: record.height }),
    codecs: [...new Set(record.renditions.map(rendition => rendition.codec))],
    renditions: record.renditions,
    ...(record.pictures === undefined ? {} : { pictures: record.pictures }),
    path: record.path,
    sourceAddress: record.sourceAddress,
    site: { id: site, name: row.site_name },
    copies: [{ site, address: record.sourceAddress, state: 'origin' }],
    state: row.registered_at === null ? 'published' : 'registered',
    ...(audience === 'public' ? {} : { visibility: 'private' }),
    audience,
    ...(audience === 'groups' && record.groups ? { groups: record.groups } : {}),
    ...(record.owner ? { owner: record.owner } : {}),
    ...(record.series ? { series: record.series } : {}),
    ...pickDetails(record),
    createdAt: record.createdAt,
    publishedAt: formatTime(row.published_at),
    ...optionalTime('registeredAt', row.registered_at),
  };
}
