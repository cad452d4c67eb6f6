/**
 * Copies of other sites' videos: what is to be here, what is, and the record that says so. Whatever changes what this site
 * says of a copy writes it in the transaction that changes the row, by the same rules as of a video (records.ts).
 */
import type { Assignment } from '../../protocol/copies.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/ids.ts';
import type { CopyRecord, RecordDraft, VideoRecord } from '../../protocol/publication/record.ts';
import { OFFLOAD } from './offloading.ts';
import { type SiteTransaction, writeDraft } from './publication/records.ts';
import type { CopyRow, CopyState, VideoRow } from './schema.ts';
import type { SiteDatabase, VideoWithRecord } from './videos.ts';

const now = (): string => new Date().toISOString();

/** Takes down what this site is to hold, and up to where it has heard. */
export function writeAssignments(
  db: SiteDatabase,
  assignments: readonly Assignment[],
  position: number,
): Promise<void> {
  return db.transaction().execute(async transaction => {
    for (const assignment of assignments) await noteAssignment(transaction, assignment);
    await transaction.updateTable('signal').set({ assignments: position }).where('id', '=', 1).execute();
  });
}

async function noteAssignment(transaction: SiteTransaction, assignment: Assignment): Promise<void> {
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
  name: '',
  description: '',
  size_bytes: 0,
  files: 0,
  files_done: 0,
  error: null,
} as const;

/** Rows whose copy is not what it is to be, and that may be tried now: those to go first, then those tried least. */
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
  /** The origin's own record of this revision, as canonical JSON, and its version. */
  readonly record: string;
  readonly recordVersion: number;
  readonly name: string;
  readonly description: string;
  readonly path: string;
  readonly sourceAddress: string;
  readonly sizeBytes: number;
  readonly files: number;
}

/** Every file is durable and checked: from here on this site says that it holds the copy. */
export function completeCopy(db: SiteDatabase, copy: CompleteCopy, nowMs = Date.now()): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const row = await transaction
      .updateTable('copies')
      .set({
        state: 'complete',
        held_revision: copy.revision,
        held_version: copy.recordVersion,
        held_record: copy.record,
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
    const { record: _, recordVersion: __, name: ___, description: ____, ...said } = copy;
    if (isPublishedAs(await findOwnRecord(transaction, copy.video), said)) return true;
    await writeDraft(
      transaction,
      copy.video,
      { kind: 'copy', ...said, copiedAt: new Date(nowMs).toISOString() },
      nowMs,
    );
    return true;
  });
}

/** What this site says of it now. */
async function findOwnRecord(
  transaction: SiteTransaction,
  video: VideoId,
): Promise<Partial<CopyRecord> | undefined> {
  const row = await transaction
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', video)
    .executeTakeFirst();
  return row && (JSON.parse(row.body) as Partial<CopyRecord>);
}

/** The origin was renamed, say: nothing has changed of what is here. */
const isPublishedAs = (said: Partial<CopyRecord> | undefined, copy: Partial<CopyRecord>): boolean =>
  said?.kind === 'copy' &&
  (['revision', 'origin', 'path', 'sourceAddress'] as const).every(name => said[name] === copy[name]);

/** This site says that it holds it no more. After that its files may go; the row is deleted last (`forgetCopy`). */
export function releaseCopy(
  db: SiteDatabase,
  video: VideoId,
  because: string,
  isForEver = false,
  nowMs = Date.now(),
): Promise<void> {
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

/** Nothing of it is left here; a copy that is wanted again meanwhile stays in the table, unless it is the site's own video now. */
export async function forgetCopy(db: SiteDatabase, video: VideoId, because?: 'inherited'): Promise<void> {
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

/** What central knows of a copy that this database has forgotten: whether it is here has to be seen. */
export async function restoreCopy(transaction: SiteTransaction, record: CopyRecord): Promise<void> {
  const { video, origin, revision } = record;
  const row = { state: 'claimed' as CopyState, ...NOTHING_HELD, not_before_ms: 0, updated_at: now() };
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

/** Central knows that it is gone from here: if it is wanted, it is made anew. */
export async function restoreGone(transaction: SiteTransaction, video: VideoId): Promise<void> {
  await transaction
    .updateTable('copies')
    .set({ state: 'wanted', ...NOTHING_HELD, not_before_ms: 0, updated_at: now() })
    .where('video_id', '=', video)
    .execute();
}

/** Another site is lost, and its video, of which this site holds a copy, is this one's from now on. */
export interface Takeover {
  readonly record: VideoRecord;
  /** The same bytes, signed by this site. */
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
      private: record.visibility === 'private' ? 1 : 0,
      state: 'ready' as const,
      error_code: null,
      error_detail: null,
      size_bytes: record.sizeBytes,
      sha256: record.sha256,
      revision,
      prepared,
      // Pictures and captions came with the copy; nothing else can be made of it.
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

/** It was given this video, has not published it yet, and its former site has withdrawn it meanwhile: then there is nothing to inherit. */
export const isUnpublishedTakeover = (row: VideoWithRecord): boolean =>
  row.published === 0 &&
  row.prepared !== null &&
  (JSON.parse(row.prepared) as { takenOver?: unknown }).takenOver !== undefined &&
  Number(row.registered_version) === 0;

export function cancelTakeover(db: SiteDatabase, video: VideoId, nowMs = Date.now()): Promise<void> {
  return db.transaction().execute(async transaction => {
    const goneAt = new Date(nowMs).toISOString();
    const because = 'The video was withdrawn before this site had it.';
    await writeDraft(transaction, video, { kind: 'gone', video, because, goneAt }, nowMs);
    await transaction.deleteFrom('videos').where('id', '=', video).execute();
  });
}
