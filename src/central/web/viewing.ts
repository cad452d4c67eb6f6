/** The call with which a viewer who may watch a video gets a grant, which trackers accept. */
import * as z from 'zod';
import { whoOf } from '../../kernel/access/authority.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import { videoIdSchema } from '../../protocol/base/ids.ts';
import { mayWatch } from '../../protocol/people/viewing.ts';
import { viewingSchema } from '../../protocol/rights.ts';
import { listMasters } from '../database/rights-keys.ts';
import { parseStoredRecord } from '../database/stored-record.ts';
import { signGrant } from '../rights/grants.ts';
import { issueViewingGrant } from '../rights/viewing.ts';
import { findWatchable, videoUnknown } from '../rights/watchable.ts';
import { authorityOf, type CentralContext } from './context/context.ts';

export function addViewingCall(app: HttpServer, context: CentralContext): void {
  const { db, secrets, config } = context;
  app.post(
    '/api/videos/:id/viewing',
    {
      schema: {
        description:
          'Returns a grant for a video that is not public, for everyone who may watch it: signed in, or in a house network.',
        params: z.object({ id: videoIdSchema }),
        response: { 200: viewingSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      const viewer = await authorityOf(request, context);
      const found = await findWatchable(db, id);
      if (!found || !mayWatch(viewer, found.watchable)) throw videoUnknown();
      const record = parseStoredRecord(found.row.body);
      if (record.kind !== 'video') throw problem('video-withdrawn', 'This video was withdrawn.');
      if (found.watchable.audience === 'public')
        throw problem('video-public', 'This video is public: everyone can watch it without a grant.');
      const nowMs = Date.now();
      const row = await issueViewingGrant(context, viewer, { id, durationMs: record.durationMs }, nowMs);
      if (!row) throw videoUnknown();
      const [master] = await listMasters(db, secrets, nowMs);
      context.audit.recordWatch({
        who: whoOf(viewer),
        from: requestAddress(request.raw, config.trustedProxies),
        action: 'video.watch',
        object: `video:${id}`,
      });
      return { grant: signGrant(row, master), expiresAt: new Date(Number(row.expires_at)).toISOString() };
    },
  );
}
