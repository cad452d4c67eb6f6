/** Lists the videos of a site by pages: searched, filtered and sorted, with the number that each filter finds. */

import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { Authority } from '../../../../kernel/access/authority.ts';
import type { HttpServer } from '../../../../kernel/http/server.ts';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { SiteVideo } from '../../../../protocol/site.ts';
import {
  siteVideoFilterSchema,
  siteVideoIdsSchema,
  siteVideoOrderSchema,
  siteVideoPageSchema,
} from '../../../../protocol/studio.ts';
import { readSignal } from '../../../database/publication/signal.ts';
import { readCounts } from '../../../database/studio/counts.ts';
import { listStudioJobs } from '../../../database/studio/list-jobs.ts';
import { listNewest, listStudioVideos } from '../../../database/studio/list-videos.ts';
import { listVideosWithRecords, type VisibleVideos } from '../../../database/tables/videos.ts';
import { type FormatVideoDeps, formatVideo } from '../site-video.ts';
import type { VideoAccessDeps } from '../video-access.ts';
import { videosOfVisibleJobs, visibleVideos } from '../visible-videos.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { formatJobs } from './format-job.ts';
import type { StudioWatch } from './watch-changes.ts';

export interface ListDeps extends VideoAccessDeps, Omit<FormatVideoDeps, 'guard'> {
  readonly watch: StudioWatch;
}

const MAX_PAGE = 200;
const MAX_IDS = 2_000;
const MAX_JOBS = 1_000;

const querySchema = siteVideoFilterSchema.extend({
  order: siteVideoOrderSchema.default('newest'),
  cursor: z.string().max(600).optional(),
});

export function serveLists(app: HttpServer, deps: ListDeps): void {
  const { db, watch } = deps;
  const listPage = async (
    { order, cursor, limit, ...filter }: z.infer<typeof querySchema> & { readonly limit: number },
    visible: VisibleVideos,
  ) => {
    const after = cursor === undefined ? undefined : parseCursor(cursor, order);
    // With a full disk, the studio shows the newest videos.
    if (!(await watch.refresh())) return { ids: await listNewest(db, visible, limit) };
    const { ids, next } = await listStudioVideos(db, { filter, order, limit, after, visible });
    return { ids, ...(next ? { next: formatCursor(next, order) } : {}) };
  };

  app.get(
    '/api/videos',
    {
      schema: {
        description:
          'Lists the videos of this site that this person may edit or publish, with their conversions and the number of videos of each filter.',
        querystring: querySchema.extend({ limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100) }),
        response: { 200: siteVideoPageSchema },
      },
    },
    async ({ raw, query }) => {
      const { authority, visible } = await requireList(deps, raw);
      const { ids, next } = await listPage(query, visible);
      return {
        videos: await describeVideos(deps, ids, { authority, request: raw }),
        jobs: await listJobsOf(deps, ids, authority),
        counts: await readCounts(db, visible),
        ...(next === undefined ? {} : { next }),
      };
    },
  );

  app.get(
    '/api/video-ids',
    {
      schema: {
        description: 'Lists the ids of the videos that `GET /api/videos` lists with the same filters.',
        querystring: querySchema.extend({
          limit: z.coerce.number().int().min(1).max(MAX_IDS).default(MAX_IDS),
        }),
        response: { 200: siteVideoIdsSchema },
      },
    },
    async ({ raw, query }) => {
      const { visible } = await requireList(deps, raw);
      const { ids, next } = await listPage(query, visible);
      return { ids: [...ids], ...(next === undefined ? {} : { next }) };
    },
  );
}

/** @throws Problem 401, 403 for somebody who may edit and publish nothing here */
export async function requireList({ guard, siteId }: VideoAccessDeps, request: IncomingMessage) {
  const authority = await guard.authorityOf(request);
  const visible = visibleVideos(authority, siteId());
  if (visible.length === 0) await guard.require(request, 'edit', { site: siteId() });
  return { authority, visible };
}

interface Reader {
  readonly authority: Authority;
  readonly request: IncomingMessage;
}

/** In the order of the ids. One that was deleted meanwhile is left out. */
export async function describeVideos(
  deps: FormatVideoDeps,
  ids: readonly VideoId[],
  holder: Reader,
): Promise<SiteVideo[]> {
  if (ids.length === 0) return [];
  const rows = new Map((await listVideosWithRecords(deps.db, ids)).map(row => [row.id, row]));
  const context = { signal: await readSignal(deps.db), holder };
  const found = ids.flatMap(id => rows.get(id) ?? []);
  return Promise.all(found.map(row => formatVideo(deps, row, context)));
}

/** Their conversions that are not done, as far as the person may see them. */
async function listJobsOf(
  { db, siteId }: Pick<ListDeps, 'db' | 'siteId'>,
  videos: readonly VideoId[],
  authority: Authority,
) {
  const visible = videosOfVisibleJobs(authority, siteId());
  if (videos.length === 0 || visible.length === 0) return [];
  return formatJobs(db, await listStudioJobs(db, { visible, videos, limit: MAX_JOBS }));
}
