/**
 * Brings what this site holds of other sites' videos to what it is to hold: makes copies, drops them, and where a site is lost
 * for good, makes its own video of one. One at a time: the line is thin, and copies are in no hurry.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { newRevisionId, type RevisionId, type SiteId, type VideoId } from '../../protocol/ids.ts';
import { parseRecordFile } from '../../protocol/media/media.ts';
import { type RecordDraft, type VideoRecord, videoRecordSchema } from '../../protocol/publication/record.ts';
import {
  completeCopy,
  findCopy,
  forgetCopy,
  listCopyWork,
  noteCopyFailure,
  noteCopyProgress,
  releaseCopy,
  takeOverVideo,
} from '../database/copies.ts';
import type { CopyRow, VideoRow } from '../database/schema.ts';
import { findVideo, type SiteDatabase } from '../database/videos.ts';
import type { VerifiedFetcher } from '../delivery/fill/verified-fetcher.ts';
import type { CopyStore } from '../media/copy-store/copy-store.ts';
import type { PreparedSource } from '../media/index/source-index.ts';
import { type MadeCopy, makeCopy } from './make-copy.ts';

const IDLE_MS = 5_000;
/** Outside of the hours in which this site fetches what nobody waits for. */
const CLOSED_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 300_000;

export interface CopyReconcilerDeps {
  readonly db: SiteDatabase;
  readonly store: CopyStore;
  readonly fetcher: VerifiedFetcher;
  readonly siteId: () => string | undefined;
  readonly key: () => KeyPair;
  readonly sourceAddress: string;
  /** Room for one more byte of a copy. */
  readonly freeBytes: () => number;
  readonly mayFetch: () => boolean;
  /** The record of a video of this site's own. */
  readonly describe: (video: VideoRow) => RecordDraft;
  /** Everything of a video, off the disk. */
  readonly removeVideo: (video: VideoId) => Promise<void>;
  /** What is open of it is closed. */
  readonly forgetOpen: (video: VideoId) => Promise<void>;
  readonly onRecord: () => void;
  /** What is here of a video, or what is said of it, has changed. */
  readonly onHeld: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export interface CopyReconciler extends Repeating {
  /** A video was withdrawn: what is here of it goes, now. */
  dropWithdrawn(video: VideoId): Promise<void>;
}

/** Where a copy's files lie, below the data directory. */
export const copyPath = (video: VideoId): string => `videos/${video}/copy/pack`;

export function startCopyReconciler(options: CopyReconcilerDeps): CopyReconciler {
  const { db, store, fetcher, log, onRecord } = options;

  async function drop(video: VideoId, because: string, isWithdrawn = false): Promise<void> {
    const own = await findVideo(db, video);
    // Nobody is sent here for it any more before its files go.
    await releaseCopy(db, video, because, isWithdrawn);
    failpoint('copy-released');
    onRecord();
    await options.forgetOpen(video);
    if (own) {
      // Its own, before or after: what it was copied from another site is all that goes.
      if (own.state !== 'ready') await store.remove(video);
    } else {
      await options.removeVideo(video);
    }
    failpoint('copy-removed');
    await forgetCopy(db, video);
    await options.onHeld(video);
  }

  async function make(row: CopyRow, signal: AbortSignal): Promise<void> {
    const video = row.video_id as VideoId;
    const revision = row.revision as RevisionId;
    const { hash } = row;
    const version = Number(row.version);
    const made = await makeCopy(
      {
        store,
        fetcher,
        async onProgress(done, files) {
          const present = await findCopy(db, video);
          if (present?.wanted !== 1 || present.revision !== revision)
            throw new Error('it is not wanted any more');
          if (!options.mayFetch()) throw new Error('the hours for fetching are over');
          if (options.freeBytes() <= 0) throw new Error('there is no room left on the disk');
          await noteCopyProgress(db, video, done, files);
        },
      },
      { video, revision, version, hash },
      signal,
    );
    await complete(row, revision, made);
    log.info({ video, revision, files: made.files, bytes: made.sizeBytes }, 'a copy is whole');
  }

  async function complete(row: CopyRow, revision: RevisionId, made: MadeCopy): Promise<void> {
    const video = row.video_id as VideoId;
    await completeCopy(db, {
      video,
      revision,
      origin: row.origin as SiteId,
      record: made.recordText,
      recordVersion: made.record.version,
      name: made.record.name,
      description: made.record.description,
      path: copyPath(video),
      sourceAddress: options.sourceAddress,
      sizeBytes: made.sizeBytes,
      files: made.files,
    });
    failpoint('copy-completed');
    await options.onHeld(video);
    onRecord();
  }

  /** After a restore: central knows of a copy that this database had forgotten. */
  async function verifyClaim(row: CopyRow): Promise<void> {
    const video = row.video_id as VideoId;
    const found = await inspect(store, video, row.revision as RevisionId);
    if (found) await complete(row, row.revision as RevisionId, found);
    else await releaseCopy(db, video, 'Its files are not here: this site was restored without them.');
    onRecord();
  }

  async function inherit(row: CopyRow): Promise<void> {
    const video = row.video_id as VideoId;
    const { held_revision, held_record } = row;
    if (held_revision === null || held_record === null)
      throw new Error('there is no whole copy to go on with');
    const record = videoRecordSchema.parse(JSON.parse(held_record));
    const revision = newRevisionId();
    await store.reSign(video, held_revision as RevisionId, revision, options.key());
    failpoint('copy-re-signed');
    const prepared = JSON.stringify(preparedOf(record, copyPath(video)));
    await takeOverVideo(db, { record, revision, prepared, describe: options.describe });
    failpoint('copy-taken-over');
    await options.onHeld(video);
    onRecord();
    log.warn({ video, revision }, 'a copy has become the video: its site is lost');
  }

  async function work(row: CopyRow, signal: AbortSignal): Promise<void> {
    const video = row.video_id as VideoId;
    if (row.wanted === 0) await drop(video, row.reason);
    else if (row.state === 'claimed') await verifyClaim(row);
    else if (row.origin !== options.siteId()) await make(row, signal);
    else if ((await findVideo(db, video))?.state === 'ready') await forgetCopy(db, video, 'inherited');
    else await inherit(row);
  }

  const repeating = repeat(async signal => {
    try {
      const [row] = await listCopyWork(db, options.siteId() ?? '', Date.now(), 1);
      if (!row) return IDLE_MS;
      const isFetch = row.wanted === 1 && row.state !== 'claimed' && row.origin !== options.siteId();
      if (isFetch && !options.mayFetch()) return CLOSED_MS;
      try {
        await work(row, signal);
      } catch (error) {
        if (signal.aborted) return 0;
        if (isFetch && !options.mayFetch()) return CLOSED_MS;
        const reason = messageOf(error);
        const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(row.attempts, 10));
        log.warn({ video: row.video_id, reason }, 'a copy could not be brought to what it is to be');
        await noteCopyFailure(db, row.video_id as VideoId, reason, Date.now() + waitMs);
      }
      return 0;
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'copies are not looked after');
      return IDLE_MS;
    }
  });
  return { ...repeating, dropWithdrawn: video => drop(video, 'The video was withdrawn.', true) };
}

/** What is here whole of this revision; undefined where it is not. */
async function inspect(
  store: CopyStore,
  video: VideoId,
  revision: RevisionId,
): Promise<MadeCopy | undefined> {
  const files = await store.findFiles(video, revision);
  const name = [...(files?.keys() ?? [])].filter(file => parseRecordFile(file) !== undefined).at(-1);
  if (!files || name === undefined) return undefined;
  const found = await store.read(video, revision, name).catch(() => undefined);
  if (!found || found === 'no-file') return undefined;
  const recordText = found.body.toString('utf8');
  const sizeBytes = Math.max(...[...files.values()].map(entry => entry.offset + entry.sizeBytes));
  return {
    record: videoRecordSchema.parse(JSON.parse(recordText)),
    recordText,
    sizeBytes,
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
