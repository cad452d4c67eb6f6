/** The calls of the studio for videos: list, show, edit, approve, withdraw. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { videoIdSchema } from '../../../protocol/base/ids.ts';
import { isAllowed } from '../../../protocol/people/permissions.ts';
import { siteVideoSchema } from '../../../protocol/site.ts';
import { targetOf } from '../../database/tables/people-columns.ts';
import { findVideo } from '../../database/tables/videos.ts';
import { serveApproval } from './approval.ts';
import { serveEdit } from './edit.ts';
import { serveEditsOfMany } from './edit-many.ts';
import { serveChanges } from './lists/changes.ts';
import { serveLists } from './lists/list-videos.ts';
import { readVideo } from './site-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { serveTrim } from './trim.ts';
import { requireVideo } from './video-access.ts';
import { serveWithdrawal } from './withdrawal.ts';

export function serveStudio(app: HttpServer, deps: StudioDeps): void {
  serveLists(app, deps);
  serveChanges(app, deps);
  serveVideo(app, deps);
  serveEdit(app, deps);
  serveEditsOfMany(app, deps);
  serveApproval(app, deps);
  serveTrim(app, deps);
  serveWithdrawal(app, deps);
}

function serveVideo(app: HttpServer, deps: StudioDeps): void {
  const { db, guard, siteId } = deps;
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
