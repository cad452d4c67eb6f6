/** Withdraws a video, or deletes one that was never published. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { deleteDrafts } from '../../database/caption-drafts.ts';
import { deleteJobs } from '../../database/jobs.ts';
import { changeVideo, writeTombstone } from '../../database/publication/records.ts';
import { deleteRevisions } from '../../database/revisions.ts';
import { markRemoved } from '../../database/tables/offloading.ts';
import { SUPERSEDED, type VideoWithRecord } from '../../database/tables/videos.ts';
import type { StudioDeps } from './studio-deps.ts';
import { objectOf, requireVideo } from './video-access.ts';

export function serveWithdrawal(app: HttpServer, deps: StudioDeps): void {
  const { reserve } = deps;
  app.delete(
    '/api/videos/:id',
    {
      schema: {
        description: 'Withdraws a video, or deletes it if it was never published.',
        params: z.object({ id: videoIdSchema }),
        response: { 204: z.null() },
      },
    },
    async ({ raw, params: { id } }, reply) => {
      const { row } = await requireVideo(deps, raw, 'withdraw', id);
      // This frees space, so it must be possible on a full disk.
      if (row.state === 'uploading') {
        await reserve.withReserveReleased(() => deps.uploads.discard(id));
        await deps.note(raw, describeWithdrawal(row));
      } else if (row.state !== 'withdrawn')
        await reserve.withReserveReleased(() => withdraw(deps, raw, id, row));
      return reply.code(204).send(null);
    },
  );
}

const describeWithdrawal = ({ id, name, state }: VideoWithRecord) =>
  ({ action: 'video.withdraw', object: objectOf(id), before: { name, state } }) as const;

async function withdraw(
  deps: StudioDeps,
  request: IncomingMessage,
  id: VideoId,
  row: VideoWithRecord,
): Promise<void> {
  const { db, storage } = deps;
  const changed = await changeVideo(db, id, {
    onlyFrom: ['checking', 'preparing', 'ready', 'failed'],
    changes: { state: 'withdrawn', approval: null, approval_comment: null },
    also: async transaction => {
      // A video that another site has taken over can only be withdrawn there.
      if (row.error_code !== SUPERSEDED) await writeTombstone(transaction, id);
      await deps.note(request, describeWithdrawal(row), transaction);
    },
  });
  if (!changed) return;
  failpoint('withdrawal-written');
  deps.onRecord();
  await deps.onWithdrawn(id);
  await deleteJobs(db, id);
  failpoint('withdrawal-buffer-dropped');
  await deleteRevisions(db, id);
  await deleteDrafts(db, id);
  await storage.remove(id);
  await markRemoved(db, id);
  failpoint('withdrawal-files-removed');
}
