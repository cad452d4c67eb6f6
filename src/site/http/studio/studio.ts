/** The calls of the studio for videos: list, show, edit, withdraw. */
import * as z from 'zod';
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/ids.ts';
import {
  type SiteVideo,
  siteVideoEditSchema,
  siteVideoListSchema,
  siteVideoSchema,
} from '../../../protocol/site.ts';
import { parseExtras } from '../../database/extras.ts';
import { deleteJobs, listJobProgress } from '../../database/jobs.ts';
import { markRemoved } from '../../database/offloading.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { readSignal } from '../../database/publication/signal.ts';
import { deleteRevisions } from '../../database/revisions.ts';
import type { SignalRow } from '../../database/schema.ts';
import {
  findVideo,
  listVideos,
  type SiteDatabase,
  SUPERSEDED,
  type VideoWithRecord,
} from '../../database/videos.ts';
import type { DiskReserve } from '../../maintenance/disk-reserve.ts';
import type { PreparedSource } from '../../media/index/source-index.ts';
import { makeRecord } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import { type AccessRules, requireStudioAccess } from '../access.ts';
import { sizeOf } from '../uploads/upload-store.ts';
import type { Uploads } from '../uploads/uploads.ts';
import { progressOf } from './jobs.ts';

export interface StudioDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly access: AccessRules;
  readonly rights: Pick<SiteRights, 'markOwn' | 'studioToken'>;
  readonly uploads: Uploads;
  readonly reserve: DiskReserve;
  readonly onRecord: () => void;
  /** Closes the files of a withdrawn video and deletes it from the buffer. */
  readonly onWithdrawn: (video: VideoId) => Promise<void>;
}

const params = z.object({ id: videoIdSchema });

export function serveStudio(app: HttpServer, options: StudioDeps): void {
  const { db } = options;
  const getVideo = async (id: VideoId): Promise<VideoWithRecord> => {
    const row = await findVideo(db, id);
    if (!row) throw problem('video-unknown', 'This site has no such video.');
    return row;
  };
  /** Progress of the conversion, from 0 to 1. */
  const convertedPart = async ({ id, state }: VideoWithRecord): Promise<number> => {
    if (state !== 'preparing') return 0;
    const jobs = await listJobProgress(db, { video: id, limit: 1 });
    return jobs[0] ? progressOf(jobs[0]) : 0;
  };
  const show = async (row: VideoWithRecord, signal: SignalRow): Promise<SiteVideo> =>
    ({
      ...(await formatVideo(row, signal, options.storage, await convertedPart(row))),
      ...(row.private === 1 ? { visibility: 'private', token: options.rights.studioToken(row.id) } : {}),
    }) as SiteVideo;

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
      requireStudioAccess(request.raw, options.access);
      const { limit, cursor } = request.query;
      const rows = await listVideos(db, limit + 1, cursor);
      const signal = await readSignal(db);
      const page = rows.slice(0, limit);
      const videos = await Promise.all(page.map(row => show(row, signal)));
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
      requireStudioAccess(request.raw, options.access);
      return show(await getVideo(request.params.id), await readSignal(db));
    },
  );

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
      requireStudioAccess(request.raw, options.access);
      const { id } = request.params;
      const before = await getVideo(id);
      const { name, description, language, visibility } = request.body;
      const changes = {
        ...(name !== undefined ? { name } : {}),
        ...(description !== undefined ? { description } : {}),
        ...(language !== undefined ? { language } : {}),
        ...(visibility !== undefined ? { private: visibility === 'private' ? 1 : 0 } : {}),
      };
      // This comes before the database, so that a private video is never served to everybody.
      if (visibility === 'private') options.rights.markOwn(id, true);
      // A video in conversion also has a record, once its beginning was published.
      const recorded =
        before.version === null ? ['ready' as const] : ['ready' as const, 'preparing' as const];
      const published = await changeVideo(db, id, {
        onlyFrom: recorded,
        changes,
        record: video => makeRecord(video, options),
      });
      if (published) options.onRecord();
      else if (
        !(await changeVideo(db, id, { onlyFrom: ['uploading', 'checking', 'preparing', 'failed'], changes }))
      ) {
        throw problem('video-withdrawn', 'This video was withdrawn and can no longer be edited.');
      }
      const after = await getVideo(id);
      options.rights.markOwn(id, after.private === 1);
      return show(after, await readSignal(db));
    },
  );

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
      requireStudioAccess(request.raw, options.access);
      const { id } = request.params;
      const row = await getVideo(id);
      // This frees space, so it must be possible on a full disk.
      if (row.state === 'uploading')
        await options.reserve.withReserveReleased(() => options.uploads.discard(id));
      else if (row.state !== 'withdrawn') await options.reserve.withReserveReleased(() => withdraw(id, row));
      return reply.code(204).send(null);
    },
  );

  async function withdraw(id: VideoId, row: VideoWithRecord): Promise<void> {
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
    options.onRecord();
    await options.onWithdrawn(id);
    await deleteJobs(db, id);
    failpoint('withdrawal-buffer-dropped');
    await deleteRevisions(db, id);
    await options.storage.remove(id);
    await markRemoved(db, id);
    failpoint('withdrawal-files-removed');
  }
}

/** The error of a failed video, or of a published one whose disk is unavailable. */
function describeError(
  { id, state, error_code, error_detail }: VideoWithRecord,
  storage: Storage,
): Pick<SiteVideo, 'error'> {
  if (error_code) return { error: { code: error_code, detail: error_detail ?? '' } };
  if (state !== 'withdrawn' && storage.isUnavailable(id)) {
    return {
      error: {
        code: 'disk-unavailable',
        detail:
          'The disk of this video is unavailable. The video can be played from this site again when the disk is back.',
      },
    };
  }
  return {};
}

async function formatVideo(
  row: VideoWithRecord,
  signal: SignalRow,
  storage: Storage,
  converted: number,
): Promise<SiteVideo> {
  const prepared = row.prepared ? (JSON.parse(row.prepared) as PreparedSource) : undefined;
  const extras = parseExtras(row.extras);
  const received =
    row.state === 'uploading' ? ((await sizeOf(storage.upload(row.id))) ?? 0) : Number(row.size_bytes);
  const finished = row.state === 'ready' || row.state === 'withdrawn' || row.state === 'failed';
  // A record has no version before the handshake of this start.
  const version = row.version === null || Number(row.version) === 0 ? undefined : Number(row.version);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    ...(row.language ? { language: row.language } : {}),
    ...(row.file_name ? { fileName: row.file_name } : {}),
    state: row.state,
    progress: row.state === 'uploading' ? received / Number(row.size_bytes) : finished ? 1 : converted,
    ...describeError(row, storage),
    sizeBytes: Number(row.size_bytes),
    receivedBytes: received,
    ...(prepared
      ? {
          durationMs: prepared.durationMs,
          bitrateBps: prepared.bitrateBps,
          ...(prepared.width && prepared.height ? { width: prepared.width, height: prepared.height } : {}),
        }
      : {}),
    codecs: prepared ? prepared.renditions.map(rendition => rendition.codec) : [],
    ...(row.revision ? { revision: row.revision } : {}),
    hasPoster: extras.poster !== undefined,
    hasStoryboard: extras.storyboard !== undefined,
    captions: extras.captions.map(({ rendition, from }) => ({
      id: rendition.id,
      ...(rendition.language ? { language: rendition.language } : {}),
      ...(rendition.name ? { name: rendition.name } : {}),
      from,
    })),
    ...(version !== undefined ? { version } : {}),
    signalSent: row.change !== null && Number(signal.signalled_change) >= Number(row.change),
    published: row.published === 1,
    registered: version !== undefined && Number(row.registered_version) >= version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  } as SiteVideo;
}
