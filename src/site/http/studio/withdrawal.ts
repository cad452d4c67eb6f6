/** Withdraws a video, or deletes one that was never published. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { videoIdSchema } from '../../../protocol/base/ids.ts';
import type { VideoWithRecord } from '../../database/tables/videos.ts';
import { describeWithdrawal, withdrawVideo } from '../withdraw-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { requireVideo } from './video-access.ts';

export function serveWithdrawal(app: HttpServer, deps: StudioDeps): void {
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
      await withdrawFor(deps, raw, row);
      return reply.code(204).send(null);
    },
  );
}

/** Withdraws a video for a person who may do so. Does nothing if it is withdrawn. */
export async function withdrawFor(
  deps: StudioDeps,
  request: IncomingMessage,
  row: VideoWithRecord,
): Promise<void> {
  const { reserve } = deps;
  // This frees space, so it must be possible on a full disk.
  if (row.state === 'uploading') {
    await reserve.withReserveReleased(() => deps.uploads.discard(row.id));
    await deps.note(request, describeWithdrawal(row));
  } else if (row.state !== 'withdrawn')
    await reserve.withReserveReleased(() =>
      withdrawVideo(deps, row, transaction => deps.note(request, describeWithdrawal(row), transaction)),
    );
}
