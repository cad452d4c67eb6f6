/**
 * Changes one copy to the state that central has assigned: makes it, deletes it, or turns it into the site's own video if the
 * original site is lost. Every step can be repeated after a crash.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import type { Log } from '../../kernel/log.ts';
import { newRevisionId, type RevisionId, type SiteId, type VideoId } from '../../protocol/base/ids.ts';
import { parseRecordFile } from '../../protocol/media/media.ts';
import { type RecordDraft, type VideoRecord, videoRecordSchema } from '../../protocol/publication/record.ts';
import { findFileCheck, noteDamage } from '../database/file-checks.ts';
import {
  completeCopy,
  findCopy,
  forgetCopy,
  noteCopyProgress,
  releaseCopy,
  takeOverVideo,
} from '../database/publication/copies.ts';
import type { CopyRow, VideoRow } from '../database/tables/schema.ts';
import { findVideo, type SiteDatabase } from '../database/tables/videos.ts';
import type { VerifiedFetcher } from '../delivery/delivery.ts';
import type { CopyStore } from '../media/copy-store/copy-store.ts';
import type { PreparedSource } from '../media/index/source-index.ts';
import { type CompleteCopy, makeCopy } from './make-copy.ts';

export interface ReconcileCopyDeps {
  readonly db: SiteDatabase;
  readonly store: CopyStore;
  readonly fetcher: VerifiedFetcher;
  readonly siteId: () => SiteId | undefined;
  readonly key: () => KeyPair;
  readonly sourceAddress: string;
  /** The disk space that copies may still use. */
  readonly freeBytes: () => number;
  /** False at times of day at which this site fetches nothing in advance. */
  readonly mayFetch: () => boolean;
  /** Describes one of this site's own videos. */
  readonly describe: (video: VideoRow) => RecordDraft;
  /** Deletes all files of a video. */
  readonly deleteFiles: (video: VideoId) => Promise<void>;
  /** Closes the files of a video that are open. */
  readonly closeFiles: (video: VideoId) => Promise<void>;
  /** A record has changed. */
  readonly onRecord: () => void;
  /** The stored files of a video, or its record, have changed. */
  readonly onStored: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

/** The path of a copy's files within the data directory. */
const copyPath = (video: VideoId): string => `videos/${video}/copy/pack`;

export const isFetch = (row: CopyRow, siteId: string): boolean =>
  row.wanted === 1 && row.state !== 'claimed' && row.origin !== siteId;

/** @throws Error if the copy cannot be changed now */
export async function reconcileCopy(
  deps: ReconcileCopyDeps,
  row: CopyRow,
  abort: AbortSignal,
): Promise<void> {
  const video = row.video_id;
  if (row.wanted === 0) await dropCopy(deps, video, row.reason);
  else if (row.state === 'claimed') await verifyClaim(deps, row);
  else if (row.origin !== deps.siteId()) await makeAssignedCopy(deps, row, abort);
  else if ((await findVideo(deps.db, video))?.state === 'ready')
    await forgetCopy(deps.db, video, 'taken-over');
  else await takeOver(deps, row);
}

export async function dropCopy(
  deps: ReconcileCopyDeps,
  video: VideoId,
  because: string,
  isWithdrawn = false,
): Promise<void> {
  const { db, store } = deps;
  const own = await findVideo(db, video);
  // The record is changed before the files are deleted, so that no more viewers are sent here.
  await releaseCopy(db, video, because, isWithdrawn);
  failpoint('copy-released');
  deps.onRecord();
  await deps.closeFiles(video);
  if (own) {
    // The site owned this video before or owns it now, so only files of the copy may be deleted.
    if (own.state !== 'ready') await store.remove(video);
  } else {
    await deps.deleteFiles(video);
  }
  failpoint('copy-removed');
  await forgetCopy(db, video);
  await deps.onStored(video);
}

async function makeAssignedCopy(deps: ReconcileCopyDeps, row: CopyRow, abort: AbortSignal): Promise<void> {
  const { db, store, fetcher, log } = deps;
  const video = row.video_id;
  const revision = row.revision;
  const copy = await makeCopy(
    {
      store,
      fetcher,
      async onProgress(done, files) {
        const current = await findCopy(db, video);
        if (current?.wanted !== 1 || current.revision !== revision)
          throw new Error('the copy is no longer assigned');
        if (!deps.mayFetch()) throw new Error('the hours for fetching have ended');
        if (deps.freeBytes() <= 0) throw new Error('the disk has no space left for copies');
        await noteCopyProgress(db, video, done, files);
      },
    },
    { video, revision, version: Number(row.version), hash: row.hash, isDamaged: await isDamaged(db, video) },
    abort,
  );
  await complete(deps, row, copy);
  log.info({ video, revision, files: copy.files, bytes: copy.sizeBytes }, 'copy complete');
}

async function complete(deps: ReconcileCopyDeps, row: CopyRow, copy: CompleteCopy): Promise<void> {
  const video = row.video_id;
  await completeCopy(deps.db, {
    video,
    revision: row.revision,
    origin: row.origin,
    record: copy.recordText,
    recordVersion: copy.record.version,
    name: copy.record.name,
    description: copy.record.description,
    path: copyPath(video),
    sourceAddress: deps.sourceAddress,
    sizeBytes: copy.sizeBytes,
    files: copy.files,
  });
  failpoint('copy-completed');
  await deps.onStored(video);
  deps.onRecord();
}

/** After a restore of the database: central has a record of a copy that the database does not have. */
async function verifyClaim(deps: ReconcileCopyDeps, row: CopyRow): Promise<void> {
  const video = row.video_id;
  const found = await findCompleteCopy(deps.store, video, row.revision);
  const damaged = found && (await deps.store.check(video, row.revision, async () => {}));
  if (found && damaged?.length === 0) await complete(deps, row, found);
  else await releaseCopy(deps.db, video, 'This site was restored without the files of the copy.');
  if (found && damaged?.length !== 0) await noteDamagedCopy(deps, video, damaged ?? []);
  deps.onRecord();
}

const isDamaged = async (db: SiteDatabase, video: VideoId): Promise<boolean> =>
  ((await findFileCheck(db, video))?.damaged_at ?? null) !== null;

/**
 * The disk has altered files of a copy. It does not count as a copy until they have been fetched again, so no viewers are sent here;
 * its other files are still served.
 */
export async function noteDamagedCopy(
  { db, onRecord }: Pick<ReconcileCopyDeps, 'db' | 'onRecord'>,
  video: VideoId,
  files: readonly string[],
): Promise<void> {
  const detail = `The disk has altered ${files.length} files of the copy.`;
  await noteDamage(db, { video, holding: 'copy', detail }, Date.now());
  if ((await findCopy(db, video))?.state !== 'complete') return;
  await releaseCopy(db, video, detail);
  onRecord();
}

async function takeOver(deps: ReconcileCopyDeps, row: CopyRow): Promise<void> {
  const { db, store, describe, log } = deps;
  const video = row.video_id;
  const { held_revision, held_record } = row;
  if (held_revision === null || held_record === null)
    throw new Error('there is no complete copy to take over');
  const record = videoRecordSchema.parse(JSON.parse(held_record));
  const revision = newRevisionId();
  await store.reSign(video, held_revision, revision, deps.key());
  failpoint('copy-re-signed');
  const prepared = JSON.stringify(preparedOf(record, copyPath(video)));
  await takeOverVideo(db, { record, revision, prepared, describe });
  failpoint('copy-taken-over');
  await deps.onStored(video);
  deps.onRecord();
  log.warn({ video, revision }, 'the site of a video is lost; its copy has become the original');
}

/** Undefined if this site has no complete copy of the revision. */
async function findCompleteCopy(
  store: CopyStore,
  video: VideoId,
  revision: RevisionId,
): Promise<CompleteCopy | undefined> {
  const files = await store.findFiles(video, revision);
  const name = [...(files?.keys() ?? [])].filter(file => parseRecordFile(file) !== undefined).at(-1);
  if (!files || name === undefined) return undefined;
  const found = await store.read(video, revision, name).catch(() => undefined);
  if (!found || found === 'no-file') return undefined;
  const recordText = found.body.toString('utf8');
  return {
    record: videoRecordSchema.parse(JSON.parse(recordText)),
    recordText,
    sizeBytes: Math.max(...[...files.values()].map(({ offset, sizeBytes }) => offset + sizeBytes)),
    files: files.size,
  };
}

const preparedOf = (record: VideoRecord, path: string): PreparedSource => ({
  container: record.container,
  durationMs: record.durationMs,
  sizeBytes: record.sizeBytes,
  bitrateBps: record.bitrateBps,
  ...(record.width && record.height ? { width: record.width, height: record.height } : {}),
  renditions: record.renditions,
  notes: [],
  takenOver: { path, ...(record.pictures ? { pictures: record.pictures } : {}) },
});
