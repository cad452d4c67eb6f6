/**
 * Approval: a video of somebody who may not publish gets no record, so nothing of it leaves this site, until somebody publishes it.
 */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { videoIdSchema } from '../../../protocol/base/ids.ts';
import { sendBackSchema, siteVideoSchema } from '../../../protocol/site.ts';
import { changeVideo } from '../../database/publication/records.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { makeRecord } from '../../media/record/record.ts';
import { decidedFrom, markServed } from './edit.ts';
import { readVideo } from './site-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { objectOf, requireVideo } from './video-access.ts';

const params = z.object({ id: videoIdSchema });
const WITH_APPROVAL: readonly VideoRow['state'][] = ['uploading', 'checking', 'preparing', 'ready', 'failed'];

export function serveApproval(app: HttpServer, deps: StudioDeps): void {
  const { db, note } = deps;

  app.post(
    '/api/videos/:id/publish',
    {
      schema: {
        description: 'Approves and publishes a video that awaits approval.',
        params,
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id } }) => {
      const { row } = await requireVideo(deps, raw, 'publish', id);
      if (row.state === 'withdrawn') throw problem('video-withdrawn', 'This video was withdrawn.');
      if (row.approval === null) throw problem('approval-unneeded', 'This video does not need approval.');
      if (row.revision === null)
        throw problem('video-not-ready', 'This video cannot be published before it can be played.');
      const isDone = await changeVideo(db, id, {
        onlyFrom: ['ready', 'preparing'],
        onlyIf: decidedFrom(row),
        changes: { approval: null, approval_comment: null },
        record: video => makeRecord(video, deps),
        also: transaction =>
          note(
            raw,
            { action: 'video.publish', object: objectOf(id), before: { approval: row.approval } },
            transaction,
          ),
      });
      if (!isDone) throw changed();
      deps.onRecord();
      await markServed(deps, id);
      return readVideo(deps, raw, id);
    },
  );

  app.post(
    '/api/videos/:id/send-back',
    {
      schema: {
        description: 'Returns a video that awaits approval to its owner, with a comment.',
        params,
        body: sendBackSchema,
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id }, body: { comment } }) => {
      const { row } = await requireVideo(deps, raw, 'publish', id);
      if (row.approval !== 'awaiting')
        throw problem('approval-unneeded', 'This video does not await approval.');
      const isDone = await changeVideo(db, id, {
        onlyFrom: WITH_APPROVAL,
        onlyIf: decidedFrom(row),
        changes: { approval: 'sent-back', approval_comment: comment },
        also: transaction =>
          note(raw, { action: 'video.send-back', object: objectOf(id), after: { comment } }, transaction),
      });
      if (!isDone) throw changed();
      return readVideo(deps, raw, id);
    },
  );

  app.post(
    '/api/videos/:id/submit',
    {
      schema: {
        description: 'Submits a video for approval again, after it was sent back.',
        params,
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id } }) => {
      const { row } = await requireVideo(deps, raw, 'edit', id);
      if (row.approval !== 'sent-back')
        throw problem('approval-unneeded', 'Only a video that was sent back can be submitted again.');
      const isDone = await changeVideo(db, id, {
        onlyFrom: WITH_APPROVAL,
        onlyIf: decidedFrom(row),
        changes: { approval: 'awaiting', approval_comment: null },
        also: transaction => note(raw, { action: 'video.submit', object: objectOf(id) }, transaction),
      });
      if (!isDone) throw changed();
      return readVideo(deps, raw, id);
    },
  );
}

const changed = () =>
  problem('approval-unneeded', 'This video was changed meanwhile. Reload the list of videos.');
