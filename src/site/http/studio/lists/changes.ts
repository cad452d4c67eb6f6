/** What has changed in the studio since the last call of a page: it waits for a change, so that an open page costs almost nothing. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { HttpServer } from '../../../../kernel/http/server.ts';
import { type SiteChanges, siteChangesSchema } from '../../../../protocol/studio.ts';
import { readCounts } from '../../../database/studio/counts.ts';
import { listChanges, readChanged } from '../../../database/studio/list-changes.ts';
import { KEPT_CHANGES } from '../../../database/studio/refresh.ts';
import { videosOfVisibleJobs } from '../visible-videos.ts';
import { formatJobs } from './format-job.ts';
import { describeVideos, type ListDeps, requireList } from './list-videos.ts';

const MAX_WAIT_S = 30;
/** Videos, jobs and removals each in one response. */
const MAX_CHANGES = 50;
const MAX_CURSOR = 2 ** 52;

export function serveChanges(app: HttpServer, deps: ListDeps): void {
  const { db, watch } = deps;
  app.get(
    '/api/changes',
    {
      schema: {
        description:
          'Returns the videos and conversions that have changed since a cursor, and the next cursor. Without a cursor, returns the current one. With `waitS`, waits so many seconds for a change.',
        querystring: z.object({
          since: z.coerce.number().int().min(0).max(MAX_CURSOR).optional(),
          waitS: z.coerce.number().int().min(0).max(MAX_WAIT_S).default(0),
        }),
        response: { 200: siteChangesSchema },
      },
    },
    async ({ raw, query: { since, waitS } }, reply) => {
      await requireList(deps, raw);
      await watch.refresh();
      if (since === undefined) return { ...NOTHING, cursor: await readChanged(db) };
      const endMs = performance.now() + waitS * 1_000;
      const closed = new AbortController();
      reply.raw.once('close', () => closed.abort());
      for (let cursor = since; ; ) {
        const changes = await readChanges(deps, raw, cursor);
        const leftMs = endMs - performance.now();
        if (hasContent(changes) || leftMs <= 0 || closed.signal.aborted) return changes;
        cursor = changes.cursor;
        await watch.wait(cursor, leftMs, closed.signal);
        // The site stops.
        if (performance.now() < endMs && (await readChanged(db)) === cursor) return changes;
      }
    },
  );
}

const NOTHING: Omit<SiteChanges, 'cursor'> = { videos: [], jobs: [], removed: [] };
const hasContent = ({ videos, jobs, removed, reset }: SiteChanges): boolean =>
  reset === true || videos.length + jobs.length + removed.length > 0;

/** What the person may see is decided each time, because it can change while the call waits. */
async function readChanges(deps: ListDeps, request: IncomingMessage, since: number): Promise<SiteChanges> {
  const { db, siteId } = deps;
  const { authority, visible } = await requireList(deps, request);
  const last = await readChanged(db);
  // The database was restored from a backup, or the page has slept.
  if (since > last || since < last - KEPT_CHANGES) return { ...NOTHING, cursor: last, reset: true };
  const changes = await listChanges(db, {
    since,
    visible,
    visibleJobs: videosOfVisibleJobs(authority, siteId()),
    limit: MAX_CHANGES,
  });
  const videos = await describeVideos(deps, changes.videos, { authority, request });
  return {
    cursor: changes.until,
    videos,
    jobs: await formatJobs(db, changes.jobs),
    removed: [...changes.removed],
    ...(videos.length > 0 || changes.removed.length > 0 ? { counts: await readCounts(db, visible) } : {}),
  };
}
