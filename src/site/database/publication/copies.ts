/**
 * Copies of other sites' videos: the assigned set, the copies that are here, and their records. A change of a copy writes its
 * record in the same transaction, by the same rules as for a video (publication/records.ts).
 */

import type { RevisionId, SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { Assignment } from '../../../protocol/copies.ts';
import {
  type CopyRecord,
  detailsOf,
  type PublicationRecord,
  type RecordDraft,
  type VideoRecord,
} from '../../../protocol/publication/record.ts';
import { forgetDamage } from '../file-checks.ts';
import { detailsColumns, scheduleColumns } from '../tables/details.ts';
import { OFFLOAD } from '../tables/offloading.ts';
import { columnsOfRecord } from '../tables/people-columns.ts';
import type { CopyRow, VideoRow } from '../tables/schema.ts';
import type { SiteDatabase, VideoWithRecord } from '../tables/videos.ts';
import { readRecord, type SiteTransaction, writeDraft } from './records.ts';

const now = (): string => new Date().toISOString();

/** Stores assignments, and the position in the feed up to which they were read. */
export function writeAssignments(
  db: SiteDatabase,
  assignments: readonly Assignment[],
  position: number,
): Promise<void> {
  return db.transaction().execute(async transaction => {
    for (const assignment of assignments) await writeAssignment(transaction, assignment);
    await transaction.updateTable('signal').set({ assignments: position }).where('id', '=', 1).execute();
  });
}

async function writeAssignment(transaction: SiteTransaction, assignment: Assignment): Promise<void> {
  const { video, reason } = assignment;
  if (!assignment.wanted) {
    await transaction
      .updateTable('copies')
      .set({ wanted: 0, reason, not_before_ms: 0, updated_at: now() })
      .where('video_id', '=', video)
      .execute();
    return;
  }
  const { origin, revision, version, hash } = assignment;
  const wish = { wanted: 1, origin, revision, version, hash, reason, attempts: 0, not_before_ms: 0 };
  await transaction
    .insertInto('copies')
    .values({ video_id: video, state: 'wanted', ...wish, ...NOTHING_HELD, updated_at: now() })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet({ ...wish, updated_at: now() }))
    .execute();
}

const NOTHING_HELD = {
  held_revision: null,
  held_version: null,
  held_record: null,
  publish_at: null,
  withdraw_at: null,
  name: '',
  description: '',
  size_bytes: 0,
  files: 0,
  files_done: 0,
  error: null,
} as const;

/** Lists copies that differ from their assignment and may be tried now: deletions first, then those with the fewest attempts. */
export const listCopyWork = (
  db: SiteDatabase,
  self: SiteId,
  nowMs: number,
  limit: number,
): Promise<CopyRow[]> =>
  db
    .selectFrom('copies')
    .selectAll()
    .where('not_before_ms', '<=', nowMs)
    .where(({ eb, or, and, ref }) =>
      or([
        eb('wanted', '=', 0),
        eb('state', '=', 'claimed'),
        // This site has taken over the video, so it is no longer a copy.
        eb('origin', '=', self),
        and([
          eb('wanted', '=', 1),
          or([
            eb('held_version', 'is', null),
            eb('held_version', '!=', ref('version')),
            eb('held_revision', '!=', ref('revision')),
          ]),
        ]),
      ]),
    )
    .orderBy('wanted')
    .orderBy('attempts')
    .orderBy('video_id')
    .limit(limit)
    .execute();

export const findCopy = (db: SiteDatabase, video: VideoId): Promise<CopyRow | undefined> =>
  db.selectFrom('copies').selectAll().where('video_id', '=', video).executeTakeFirst();

export interface CompleteCopy {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly origin: SiteId;
  /** The origin's record of this revision as canonical JSON, and its version. */
  readonly record: string;
  readonly recordVersion: number;
  readonly name: string;
  readonly description: string;
  readonly path: string;
  readonly sourceAddress: string;
  readonly sizeBytes: number;
  readonly files: number;
}

/** Publishes a copy whose files are all durable and checked. @returns false if it is no longer wanted */
export function completeCopy(db: SiteDatabase, copy: CompleteCopy, nowMs = Date.now()): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const row = await transaction
      .updateTable('copies')
      .set({
        state: 'complete',
        held_revision: copy.revision,
        held_version: copy.recordVersion,
        held_record: copy.record,
        ...scheduleColumns(JSON.parse(copy.record) as VideoRecord),
        name: copy.name,
        description: copy.description,
        size_bytes: copy.sizeBytes,
        files: copy.files,
        files_done: copy.files,
        attempts: 0,
        not_before_ms: 0,
        error: null,
        updated_at: new Date(nowMs).toISOString(),
      })
      .where('video_id', '=', copy.video)
      .where('wanted', '=', 1)
      .returning('video_id')
      .executeTakeFirst();
    if (!row) return false;
    await forgetDamage(transaction, copy.video);
    const { record: _, recordVersion: __, name: ___, description: ____, ...published } = copy;
    if (isPublishedAs(await findOwnRecord(transaction, copy.video), published)) return true;
    await writeDraft(
      transaction,
      copy.video,
      { kind: 'copy', ...published, copiedAt: new Date(nowMs).toISOString() },
      nowMs,
    );
    return true;
  });
}

/** Finds this site's current record of the video. */
async function findOwnRecord(
  transaction: SiteTransaction,
  video: VideoId,
): Promise<PublicationRecord | undefined> {
  const row = await transaction
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', video)
    .executeTakeFirst();
  return row && readRecord(row);
}

/** True if the files here have not changed, for example because the video was only renamed. */
const isPublishedAs = (record: PublicationRecord | undefined, copy: Partial<CopyRecord>): boolean =>
  record?.kind === 'copy' &&
  (['revision', 'origin', 'path', 'sourceAddress'] as const).every(name => record[name] === copy[name]);

/** Publishes that this site no longer holds the copy. Its files may be deleted after that, and its row last (`forgetCopy`). */
export function releaseCopy(
  db: SiteDatabase,
  video: VideoId,
  because: string,
  isForEver = false,
): Promise<void> {
  const nowMs = Date.now();
  return db.transaction().execute(async transaction => {
    await transaction
      .updateTable('copies')
      .set({
        state: 'wanted',
        ...NOTHING_HELD,
        ...(isForEver ? { wanted: 0 } : {}),
        updated_at: new Date(nowMs).toISOString(),
      })
      .where('video_id', '=', video)
      .execute();
    if ((await findOwnRecord(transaction, video))?.kind !== 'copy') return;
    const goneAt = new Date(nowMs).toISOString();
    await writeDraft(
      transaction,
      video,
      { kind: 'gone', video, because: because.slice(0, 200), goneAt },
      nowMs,
    );
  });
}

/** Deletes the row of a deleted copy, unless it is wanted again. With `taken-over`, deletes it in any case. */
export async function forgetCopy(db: SiteDatabase, video: VideoId, because?: 'taken-over'): Promise<void> {
  await db
    .deleteFrom('copies')
    .where('video_id', '=', video)
    .$if(because === undefined, query => query.where('wanted', '=', 0))
    .execute();
}

export async function noteCopyProgress(db: SiteDatabase, video: VideoId, filesDone: number, files: number) {
  await db
    .updateTable('copies')
    .set({ files_done: filesDone, files })
    .where('video_id', '=', video)
    .execute();
}

export async function noteCopyFailure(
  db: SiteDatabase,
  video: VideoId,
  error: string,
  notBeforeMs: number,
): Promise<void> {
  await db
    .updateTable('copies')
    .set(({ eb }) => ({
      attempts: eb('attempts', '+', 1),
      error,
      not_before_ms: notBeforeMs,
      updated_at: now(),
    }))
    .where('video_id', '=', video)
    .execute();
}

/** Restores a copy that central knows and this database has lost. Whether its files are here must be checked. */
export async function restoreCopy(transaction: SiteTransaction, record: CopyRecord): Promise<void> {
  const { video, origin, revision } = record;
  const row = {
    state: 'claimed' as const,
    ...NOTHING_HELD,
    not_before_ms: 0,
    updated_at: now(),
  };
  await transaction
    .insertInto('copies')
    .values({
      video_id: video,
      wanted: 1,
      origin,
      revision,
      version: 0,
      hash: '',
      reason: '',
      attempts: 0,
      ...row,
    })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
}

/** Central knows that the copy was deleted. If it is wanted, it will be made again. */
export async function restoreGone(transaction: SiteTransaction, video: VideoId): Promise<void> {
  await transaction
    .updateTable('copies')
    .set({ state: 'wanted', ...NOTHING_HELD, not_before_ms: 0, updated_at: now() })
    .where('video_id', '=', video)
    .execute();
}

/** This site takes over the video of a lost site, because it holds a copy of it. */
export interface Takeover {
  readonly record: VideoRecord;
  /** A revision of the same bytes, signed by this site. */
  readonly revision: RevisionId;
  /** PreparedSource as JSON. */
  readonly prepared: string;
  readonly describe: (video: VideoRow) => RecordDraft;
}

export function takeOverVideo(
  db: SiteDatabase,
  { record, revision, prepared, describe }: Takeover,
  nowMs = Date.now(),
): Promise<void> {
  return db.transaction().execute(async transaction => {
    const row = {
      name: record.name,
      description: record.description,
      language: record.language ?? null,
      ...columnsOfRecord(record),
      ...detailsColumns(detailsOf(record)),
      state: 'ready' as const,
      error_code: null,
      error_detail: null,
      size_bytes: record.sizeBytes,
      sha256: record.sha256,
      revision,
      prepared,
      // Pictures and captions came with the copy. No others can be made.
      extras_made: 1,
      updated_at: new Date(nowMs).toISOString(),
    };
    const video = await transaction
      .insertInto('videos')
      .values({
        id: record.video,
        file_name: null,
        extras: null,
        extras_attempts: 0,
        offloaded: OFFLOAD.done,
        attempts: 0,
        created_at: record.createdAt,
        ...row,
      })
      .onConflict(conflict => conflict.column('id').doUpdateSet(row))
      .returningAll()
      .executeTakeFirstOrThrow();
    await transaction.deleteFrom('copies').where('video_id', '=', record.video).execute();
    await writeDraft(transaction, record.video, describe(video), nowMs);
  });
}

/** True if this site has taken over the video and not published it yet. If its former site withdraws it now, the takeover is cancelled. */
export const isUnpublishedTakeover = (row: VideoWithRecord): boolean =>
  row.published === 0 &&
  row.prepared !== null &&
  (JSON.parse(row.prepared) as { takenOver?: unknown }).takenOver !== undefined &&
  Number(row.registered_version) === 0;

export function cancelTakeover(db: SiteDatabase, video: VideoId, nowMs = Date.now()): Promise<void> {
  return db.transaction().execute(async transaction => {
    const goneAt = new Date(nowMs).toISOString();
    const because = 'The video was withdrawn before this site had taken it over.';
    await writeDraft(transaction, video, { kind: 'gone', video, because, goneAt }, nowMs);
    await transaction.deleteFrom('videos').where('id', '=', video).execute();
  });
}
