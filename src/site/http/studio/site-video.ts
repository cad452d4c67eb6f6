/** The form in which the studio shows a video: its row, its record and the progress of its conversion. */

import type { IncomingMessage } from 'node:http';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import { findStats } from '../../../kernel/files.ts';
import { problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { pickDetails } from '../../../protocol/publication/details.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { parseExtras } from '../../database/extras.ts';
import { listJobProgress } from '../../database/jobs.ts';
import { readSignal } from '../../database/publication/signal.ts';
import { parseDetails } from '../../database/tables/details.ts';
import { audienceOfRow, isServedPrivately, peopleFieldsOf } from '../../database/tables/people-columns.ts';
import type { SignalRow } from '../../database/tables/schema.ts';
import { findVideo, type SiteDatabase, type VideoWithRecord } from '../../database/tables/videos.ts';
import { parseTrim } from '../../database/trimming.ts';
import { parsePrepared } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { TokenHolder, ViewerTokens } from '../../rights/viewer-tokens.ts';
import { editionOf } from './edited-values.ts';
import { progressOf } from './lists/format-job.ts';

export interface FormatVideoDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly guard: Pick<AccessGuard, 'authorityOf'>;
  readonly tokens: Pick<ViewerTokens, 'forStudio'>;
}

/** For the person who makes `request`. @throws Problem 404 `video-unknown` */
export async function readVideo(
  deps: FormatVideoDeps,
  request: IncomingMessage,
  id: VideoId,
): Promise<SiteVideo> {
  const row = await findVideo(deps.db, id);
  if (!row) throw problem('video-unknown', 'This site has no such video.');
  const holder = { authority: await deps.guard.authorityOf(request), request };
  return formatVideo(deps, row, { signal: await readSignal(deps.db), holder });
}

export async function formatVideo(
  { db, storage, tokens }: FormatVideoDeps,
  row: VideoWithRecord,
  { signal, holder }: { readonly signal: SignalRow; readonly holder: TokenHolder },
): Promise<SiteVideo> {
  const prepared = parsePrepared(row);
  const extras = parseExtras(row.extras);
  const received =
    row.state === 'uploading'
      ? ((await findStats(storage.upload(row.id)))?.size ?? 0)
      : Number(row.size_bytes);
  // A record has no version before the handshake of this start.
  const version = row.version === null || Number(row.version) === 0 ? undefined : Number(row.version);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    ...(row.language ? { language: row.language } : {}),
    ...(row.file_name ? { fileName: row.file_name } : {}),
    state: row.state,
    progress: await readProgress(db, row, received),
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
    edition: editionOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...peopleFieldsOf(row),
    ...pickDetails(parseDetails(row)),
    audience: audienceOfRow(row).audience,
    ...describeTrim(row),
    ...(row.approval === null ? {} : { approval: row.approval }),
    ...(row.approval_comment === null ? {} : { approvalComment: row.approval_comment }),
    ...(isServedPrivately(row) ? { token: tokens.forStudio(row.id, holder) } : {}),
  };
}

function describeTrim(row: VideoWithRecord): Pick<SiteVideo, 'trim'> {
  const trim = parseTrim(row);
  if (!trim) return {};
  return { trim: { startMs: Math.round(trim.startSeconds * 1_000), fullDurationMs: trim.durationMs } };
}

/** Progress of the upload, and then of the conversion, from 0 to 1. */
async function readProgress(db: SiteDatabase, row: VideoWithRecord, received: number): Promise<number> {
  switch (row.state) {
    case 'uploading':
      return received / Number(row.size_bytes);
    case 'checking':
      return 0;
    case 'preparing': {
      const [job] = await listJobProgress(db, { video: row.id, limit: 1 });
      return job ? progressOf(job) : 0;
    }
    default:
      return 1;
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
