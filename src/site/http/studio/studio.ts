/** The calls of the studio for videos: list, show, edit, approve, withdraw. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { videoIdSchema } from '../../../protocol/base/ids.ts';
import { isAllowed } from '../../../protocol/people/permissions.ts';
import { siteVideoListSchema, siteVideoSchema, videoApprovalSchema } from '../../../protocol/site.ts';
import { readSignal } from '../../database/publication/signal.ts';
import { targetOf } from '../../database/tables/people-columns.ts';
import { findVideo, listVideos } from '../../database/tables/videos.ts';
import { serveApproval } from './approval.ts';
import { serveEdit } from './edit.ts';
import { formatVideo, readVideo } from './site-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { requireVideo } from './video-access.ts';
import { visibleVideos } from './visible-videos.ts';
import { serveWithdrawal } from './withdrawal.ts';

export function serveStudio(app: HttpServer, deps: StudioDeps): void {
  serveVideos(app, deps);
  serveEdit(app, deps);
  serveApproval(app, deps);
  serveWithdrawal(app, deps);
}

function serveVideos(app: HttpServer, deps: StudioDeps): void {
  const { db, guard, siteId } = deps;
  app.get(
    '/api/videos',
    {
      schema: {
        description: 'Lists the videos of this site that this person may edit or publish, newest first.',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(200).default(100),
          cursor: videoIdSchema.optional(),
          approval: videoApprovalSchema.optional(),
        }),
        response: { 200: siteVideoListSchema },
      },
    },
    async request => {
      const authority = await guard.authorityOf(request.raw);
      const visible = visibleVideos(authority, siteId());
      if (visible.length === 0) await guard.require(request.raw, 'edit', { site: siteId() });
      const { limit, cursor, approval } = request.query;
      const rows = await listVideos(db, { limit: limit + 1, before: cursor, approval, visible });
      const context = { signal: await readSignal(db), holder: { authority, request: request.raw } };
      const page = rows.slice(0, limit);
      const videos = await Promise.all(page.map(row => formatVideo(deps, row, context)));
      const last = page.at(-1);
      return { videos, ...(rows.length > limit && last ? { next: last.id } : {}) };
    },
  );

  app.get(
    '/api/videos/:id',
    {
      schema: {
        description: 'Returns a video with the state of its publication.',
        params: z.object({ id: videoIdSchema }),
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id } }) => {
      const row = await findVideo(db, id);
      const authority = await guard.authorityOf(raw);
      const mayPublish = row && isAllowed(authority, 'publish', targetOf(siteId(), row));
      if (!mayPublish) await requireVideo(deps, raw, 'edit', id);
      return readVideo(deps, raw, id);
    },
  );
}
