/**
 * Records and their published flag. Every change of a record writes in one transaction the state of the video, the record as
 * unpublished, and the signal flag "not sent". A record is written as a draft without a version. It gets its version after the
 * handshake of this start (publication rule R7), so a site without a connection to central continues to work.
 */
import type { Transaction } from 'kysely';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { SetDigest } from '../../../kernel/identity/set-digest.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { RevisionId, VideoId } from '../../../protocol/base/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import { isSameEpoch } from '../../../protocol/publication/epoch.ts';
import type { Acknowledgement } from '../../../protocol/publication/gateway.ts';
import {
  type PublicationRecord,
  type RecordDraft,
  recordSchema,
} from '../../../protocol/publication/record.ts';
import { cutPage, epochOf } from '../../../protocol/publication/site-tables.ts';
import type { RecordRow, SignalRow, SiteSchema, VideoRow } from '../tables/schema.ts';
import type { SiteDatabase } from '../tables/videos.ts';
import { lockSignal, readSignal } from './signal.ts';

export type SiteTransaction = Transaction<SiteSchema>;

/** Placeholder for the version, because a draft is checked against the schema of records. */
const ANY_VERSION = 1;
const DIGEST_PAGE_ROWS = 2_000;
const NUMBERED_AT_ONCE = 500;

/** Writes a record as a draft, in the transaction that also changes the video. */
export async function writeDraft(
  transaction: SiteTransaction,
  video: VideoId,
  draft: RecordDraft,
  nowMs: number,
): Promise<void> {
  const { change, written_ms } = await transaction
    .updateTable('signal')
    .set(({ eb }) => ({
      change: eb('change', '+', 1),
      // Later than all records of this site, even if its clock was set back.
      written_ms: sql<number>`case when written_ms >= ${nowMs} then written_ms + 1 else ${nowMs} end`,
      flag: 'not-sent' as const,
    }))
    .where('id', '=', 1)
    .returning(['change', 'written_ms'])
    .executeTakeFirstOrThrow();
  const writtenAt = new Date(Number(written_ms)).toISOString();
  const { version: _none, ...record } = recordSchema.parse({ ...draft, version: ANY_VERSION, writtenAt });
  const row = {
    version: 0,
    hash: '',
    body: canonicalJson(record),
    withdrawn: draft.kind === 'tombstone' ? 1 : 0,
    published: 0,
    written_at: writtenAt,
    change,
  };
  await transaction
    .insertInto('records')
    .values({ video_id: video, registered_version: 0, ...row })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
}

/** Replaces the record of a video by that of its withdrawal. A video that was never published has none, and gets none. */
export async function writeTombstone(transaction: SiteTransaction, video: VideoId): Promise<void> {
  const record = await transaction
    .selectFrom('records')
    .select('video_id')
    .where('video_id', '=', video)
    .executeTakeFirst();
  if (!record) return;
  const nowMs = Date.now();
  const withdrawnAt = new Date(nowMs).toISOString();
  await writeDraft(transaction, video, { kind: 'tombstone', video, withdrawnAt }, nowMs);
}

/** Marks an offloaded video as incomplete, because it has new files (offloading.ts). */
export async function reopenOffload(transaction: SiteTransaction, id: VideoId): Promise<void> {
  await transaction
    .updateTable('videos')
    .set({ offloaded: 1 })
    .where('id', '=', id)
    .where('offloaded', '>', 1)
    .execute();
}

type DecidingColumn =
  | 'revision'
  | 'approval'
  | 'private'
  | 'audience'
  | 'groups'
  | 'series_id'
  | 'owner_id'
  | 'name'
  | 'description'
  | 'language'
  | 'details';

export interface VideoChange {
  /** States in which the change is allowed. It guards against another change in between. */
  readonly onlyFrom: readonly VideoRow['state'][];
  readonly changes: Partial<Omit<VideoRow, 'id' | 'attempts'>>;
  /** What the change was decided from. If it is different now, nothing is changed. */
  readonly onlyIf?: Partial<Pick<VideoRow, DecidingColumn>>;
  /** Makes the new record; undefined if the video has none yet and gets none. A video that needs approval gets none. */
  readonly record?: ((video: VideoRow) => RecordDraft | undefined) | undefined;
  readonly nowMs?: number;
  /** Other writes that belong to the change. */
  readonly also?: (transaction: SiteTransaction) => Promise<void>;
}

/** Changes a video and its record in one transaction. @returns false if it is in another state, or no longer as `onlyIf` says; nothing is changed then */
export function changeVideo(
  db: SiteDatabase,
  id: VideoId,
  { onlyFrom, onlyIf = {}, changes, record, nowMs = Date.now(), also }: VideoChange,
): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const video = await transaction
      .updateTable('videos')
      .set({ ...changes, updated_at: new Date(nowMs).toISOString() })
      .where('id', '=', id)
      .where('state', 'in', onlyFrom)
      .where(({ and, eb }) =>
        and(
          Object.entries(onlyIf).map(([column, value]) =>
            eb(column as DecidingColumn, value === null ? 'is' : '=', value),
          ),
        ),
      )
      .returningAll()
      .executeTakeFirst();
    if (!video) return false;
    // A revision that becomes current gets the current extras (extras.ts).
    if (changes.revision) {
      const { extras } = video;
      await transaction.updateTable('revisions').set({ extras }).where('id', '=', changes.revision).execute();
      await reopenOffload(transaction, id);
    }
    const draft = video.approval === null ? record?.(video) : undefined;
    if (draft) await writeDraft(transaction, id, draft, nowMs);
    await also?.(transaction);
    return true;
  });
}

/**
 * Numbers the oldest drafts in the order in which they were written. R7: this requires the epoch of the current start.
 *
 * @returns how many were numbered. Call it again until there are none.
 */
export function numberDrafts(db: SiteDatabase, limit = NUMBERED_AT_ONCE): Promise<number> {
  return db.transaction().execute(async transaction => {
    const signal = await lockSignal(transaction);
    if (!epochOf(signal)) return 0;
    const drafts = await transaction
      .selectFrom('records')
      .select(['video_id', 'body', 'change'])
      .where('version', '=', 0)
      .orderBy('change')
      .limit(limit)
      .execute();
    let version = Number(signal.version);
    for (const { video_id, body, change } of drafts) {
      const numbered = canonicalJson({ ...readRecord({ body }), version: ++version });
      await transaction
        .updateTable('records')
        .set({ version, hash: sha256Hex(numbered), body: numbered })
        .where('video_id', '=', video_id)
        .where('change', '=', change)
        .execute();
    }
    if (drafts.length > 0) {
      await transaction.updateTable('signal').set({ version }).where('id', '=', 1).execute();
    }
    return drafts.length;
  });
}

export interface UnpublishedPage {
  readonly signal: SignalRow;
  readonly rows: readonly RecordRow[];
  readonly more: boolean;
}

/** Lists the oldest unpublished records: at most `limit`, of about `maxBytes` in total, and at least one. */
export async function listUnpublished(
  db: SiteDatabase,
  limit: number,
  maxBytes: number,
): Promise<UnpublishedPage> {
  // The epoch is read first. If it ends before the rows are read, central rejects the page, which is harmless.
  const signal = await readSignal(db);
  const found = await db
    .selectFrom('records')
    .selectAll()
    .where('published', '=', 0)
    .where('version', '>', 0)
    .orderBy('version')
    .limit(limit + 1)
    .execute();
  return { signal, ...cutPage(found, limit, maxBytes) };
}

/**
 * Marks records as published. R1: exactly those that the acknowledgement names. R6: there is no separate flag for unpublished
 * work that could be cleared too early; the published flags themselves say so.
 *
 * @returns how many were marked, or undefined if the acknowledgement is of another epoch (R8)
 */
export function markPublished(
  db: SiteDatabase,
  epoch: Epoch,
  acknowledgements: readonly Acknowledgement[],
): Promise<number | undefined> {
  return db.transaction().execute(async transaction => {
    if (!isSameEpoch(epochOf(await lockSignal(transaction)), epoch)) return undefined;
    const named = acknowledgements.map(
      ({ video, version, hash }) => sql`(${video}, cast(${version} as bigint), ${hash})`,
    );
    const { numUpdatedRows } = await transaction
      .updateTable('records')
      .set({ published: 1 })
      .where(sql<boolean>`(video_id, version, hash) in (values ${sql.join(named)})`)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  });
}

/** Parses the record of a row, which was checked when it was written. */
export const readRecord = ({ body }: Pick<RecordRow, 'body'>): PublicationRecord =>
  JSON.parse(body) as PublicationRecord;

/** Finds the record of a video of this site in this version, if it names this revision. Returns canonical JSON. */
export async function findPublishedRecord(
  db: SiteDatabase,
  video: VideoId,
  revision: RevisionId,
  version: number,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', video)
    .where('version', '=', version)
    .executeTakeFirst();
  if (!row) return undefined;
  const record = readRecord(row);
  return record.kind === 'video' && record.revision === revision ? row.body : undefined;
}

export async function countUnpublished(db: SiteDatabase): Promise<number> {
  const { count } = await db
    .selectFrom('records')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('published', '=', 0)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export interface PublishedSum {
  readonly signal: SignalRow;
  readonly unpublished: number;
  readonly records: number;
  readonly digest: string;
}

/** Sums up all published records in one digest. Returns undefined if a record was written meanwhile. */
export async function sumPublished(db: SiteDatabase): Promise<PublishedSum | undefined> {
  const signal = await readSignal(db);
  const unpublished = await countUnpublished(db);
  const digest = new SetDigest();
  let records = 0;
  for (let after: VideoId | undefined; ; ) {
    let query = db.selectFrom('records').select(['video_id', 'version', 'hash']);
    if (after !== undefined) query = query.where('video_id', '>', after);
    const rows = await query.where('published', '=', 1).orderBy('video_id').limit(DIGEST_PAGE_ROWS).execute();
    for (const row of rows) digest.add(row.video_id, Number(row.version), row.hash);
    records += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < DIGEST_PAGE_ROWS) break;
    after = last.video_id;
  }
  const { change } = await readSignal(db);
  if (Number(change) !== Number(signal.change)) return undefined;
  return { signal, unpublished, records, digest: digest.toString() };
}

/** Lists published records of videos, not withdrawn, whose version no tracker has registered yet. */
export const listUnregistered = (
  db: SiteDatabase,
  limit: number,
): Promise<Pick<RecordRow, 'video_id' | 'version' | 'written_at'>[]> =>
  db
    .selectFrom('records')
    .innerJoin('videos', 'videos.id', 'records.video_id')
    .select(['records.video_id', 'records.version', 'records.written_at'])
    .where('videos.state', 'in', ['ready', 'preparing'])
    .where('records.published', '=', 1)
    .whereRef('records.registered_version', '<', 'records.version')
    .orderBy('records.version')
    .limit(limit)
    .execute();

export async function markRegistered(db: SiteDatabase, video: VideoId, version: number): Promise<void> {
  await db
    .updateTable('records')
    .set({ registered_version: version })
    .where('video_id', '=', video)
    .where('registered_version', '<', version)
    .execute();
}
