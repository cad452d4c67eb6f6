/** The calls of the studio for videos: list, show, edit, withdraw. */
import * as z from 'zod';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type SiteId, type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { siteVideoEditSchema, siteVideoListSchema, siteVideoSchema } from '../../../protocol/site.ts';
import { deleteJobs } from '../../database/jobs.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { readSignal } from '../../database/publication/signal.ts';
import { deleteRevisions } from '../../database/revisions.ts';
import { markRemoved } from '../../database/tables/offloading.ts';
import {
  findVideo,
  listVideos,
  type SiteDatabase,
  SUPERSEDED,
  type VideoWithRecord,
} from '../../database/tables/videos.ts';
import type { DiskReserve } from '../../maintenance/disk-reserve.ts';
import { makeRecord } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import type { Uploads } from '../uploads/uploads.ts';
import { formatVideo } from './site-video.ts';

export interface StudioDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
  readonly rights: Pick<SiteRights, 'markOwn' | 'studioToken'>;
  readonly uploads: Uploads;
  readonly reserve: DiskReserve;
  readonly onRecord: () => void;
  /** Closes the files of a withdrawn video and deletes it from the buffer. */
  readonly onWithdrawn: (video: VideoId) => Promise<void>;
}

const params = z.object({ id: videoIdSchema });

export function serveStudio(app: HttpServer, deps: StudioDeps): void {
  serveVideos(app, deps);
  serveEdit(app, deps);
  serveWithdrawal(app, deps);
}

async function getVideo(db: SiteDatabase, id: VideoId): Promise<VideoWithRecord> {
  const row = await findVideo(db, id);
  if (!row) throw problem('video-unknown', 'This site has no such video.');
  return row;
}

function serveVideos(app: HttpServer, deps: StudioDeps): void {
  const { db } = deps;
  app.get(
    '/api/videos',
    {
      schema: {
        description: 'Lists the videos of this site, newest first.',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(200).default(100),
          cursor: videoIdSchema.optional(),
        }),
        response: { 200: siteVideoListSchema },
      },
    },
    async request => {
      await deps.guard.require(request.raw, 'edit', { site: deps.siteId() });
      const { limit, cursor } = request.query;
      const rows = await listVideos(db, limit + 1, cursor);
      const signal = await readSignal(db);
      const page = rows.slice(0, limit);
      const videos = await Promise.all(page.map(row => formatVideo(deps, row, signal)));
      const last = page.at(-1);
      return { videos, ...(rows.length > limit && last ? { next: last.id } : {}) };
    },
  );

  app.get(
    '/api/videos/:id',
    {
      schema: {
        description: 'Returns a video with the state of its publication.',
        params,
        response: { 200: siteVideoSchema },
      },
    },
    async request => {
      await deps.guard.require(request.raw, 'edit', { site: deps.siteId() });
      return formatVideo(deps, await getVideo(db, request.params.id), await readSignal(db));
    },
  );
}

function serveEdit(app: HttpServer, deps: StudioDeps): void {
  const { db } = deps;
  app.patch(
    '/api/videos/:id',
    {
      schema: {
        description:
          'Edits name, description, language or visibility. This makes a new version of the record.',
        params,
        body: siteVideoEditSchema,
        response: { 200: siteVideoSchema },
      },
    },
    async request => {
      await deps.guard.require(request.raw, 'edit', { site: deps.siteId() });
      const { id } = request.params;
      const before = await getVideo(db, id);
      const { name, description, language, visibility } = request.body;
      const changes = {
        ...(name !== undefined ? { name } : {}),
        ...(description !== undefined ? { description } : {}),
        ...(language !== undefined ? { language } : {}),
        ...(visibility !== undefined ? { private: visibility === 'private' ? 1 : 0 } : {}),
      };
      // This comes before the database, so that a private video is never served to everybody.
      if (visibility === 'private') deps.rights.markOwn(id, true);
      // A video in conversion also has a record, once its beginning was published.
      const recorded =
        before.version === null ? ['ready' as const] : ['ready' as const, 'preparing' as const];
      const published = await changeVideo(db, id, {
        onlyFrom: recorded,
        changes,
        record: video => makeRecord(video, deps),
      });
      if (published) deps.onRecord();
      else if (
        !(await changeVideo(db, id, { onlyFrom: ['uploading', 'checking', 'preparing', 'failed'], changes }))
      ) {
        throw problem('video-withdrawn', 'This video was withdrawn and can no longer be edited.');
      }
      const after = await getVideo(db, id);
      deps.rights.markOwn(id, after.private === 1);
      return formatVideo(deps, after, await readSignal(db));
    },
  );
}

function serveWithdrawal(app: HttpServer, deps: StudioDeps): void {
  const { db, reserve } = deps;
  app.delete(
    '/api/videos/:id',
    {
      schema: {
        description: 'Withdraws a video, or deletes it if it was never published.',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deps.guard.require(request.raw, 'withdraw', { site: deps.siteId() });
      const { id } = request.params;
      const row = await getVideo(db, id);
      // This frees space, so it must be possible on a full disk.
      if (row.state === 'uploading') await reserve.withReserveReleased(() => deps.uploads.discard(id));
      else if (row.state !== 'withdrawn') await reserve.withReserveReleased(() => withdraw(deps, id, row));
      return reply.code(204).send(null);
    },
  );
}

async function withdraw(deps: StudioDeps, id: VideoId, row: VideoWithRecord): Promise<void> {
  const { db, storage } = deps;
  const changed = await changeVideo(db, id, {
    onlyFrom: ['checking', 'preparing', 'ready', 'failed'],
    changes: { state: 'withdrawn' },
    // A video that another site has taken over can only be withdrawn there.
    record:
      row.version === null || row.error_code === SUPERSEDED
        ? undefined
        : () => ({
            kind: 'tombstone',
            video: id,
            withdrawnAt: new Date().toISOString(),
          }),
  });
  if (!changed) return;
  failpoint('withdrawal-written');
  deps.onRecord();
  await deps.onWithdrawn(id);
  await deleteJobs(db, id);
  failpoint('withdrawal-buffer-dropped');
  await deleteRevisions(db, id);
  await storage.remove(id);
  await markRemoved(db, id);
  failpoint('withdrawal-files-removed');
}
