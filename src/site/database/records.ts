/**
 * Records and the two flags (mission, requirements 7 and 8). Whatever changes a record writes, in one transaction, the
 * video's state, the record with published=no, and the signal flag "not sent".
 */
import type { Transaction } from 'kysely';
import { sha256Hex } from '../../kernel/keys.ts';
import type { Acknowledgement } from '../../protocol/gateway.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { canonicalJson, type PublicationRecord, recordSchema } from '../../protocol/record.ts';
import type { RecordRow, SignalRow, SiteSchema, VideoRow } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

/** Writes the next version of a record within a transaction that also changes the video. */
async function writeRecord(
  transaction: Transaction<SiteSchema>,
  video: VideoId,
  make: (version: number) => PublicationRecord,
): Promise<void> {
  const { version } = await transaction
    .updateTable('signal')
    .set(({ eb }) => ({ version: eb('version', '+', 1), flag: 'not-sent' as const }))
    .where('id', '=', 1)
    .returning('version')
    .executeTakeFirstOrThrow();
  const body = canonicalJson(recordSchema.parse(make(Number(version))));
  const row = {
    version,
    hash: sha256Hex(body),
    body,
    published: 0,
    written_at: new Date().toISOString(),
  };
  await transaction
    .insertInto('records')
    .values({ video_id: video, registered_version: 0, ...row })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
}

/**
 * Changes a video and its record together. `record` is undefined where the video has none yet and gets none.
 * `onlyFrom` guards against a change that came in between: the change is then not made, and the answer is false.
 */
export function changeVideo(
  db: SiteDatabase,
  id: VideoId,
  onlyFrom: readonly VideoRow['state'][],
  changes: Partial<Omit<VideoRow, 'id' | 'attempts'>>,
  record?: (video: VideoRow, version: number) => PublicationRecord,
): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const video = await transaction
      .updateTable('videos')
      .set({ ...changes, updated_at: new Date().toISOString() })
      .where('id', '=', id)
      .where('state', 'in', onlyFrom)
      .returningAll()
      .executeTakeFirst();
    if (!video) return false;
    if (record) await writeRecord(transaction, id, version => record(video, version));
    return true;
  });
}

export const readSignal = (db: SiteDatabase): Promise<SignalRow> =>
  db.selectFrom('signal').selectAll().executeTakeFirstOrThrow();

/**
 * The centre has stored our signal. The flag becomes "sent" only if nothing was written since: a record written
 * meanwhile leaves it "not sent".
 */
export async function markSignalled(db: SiteDatabase, version: number): Promise<void> {
  await db
    .updateTable('signal')
    .set(({ eb }) => ({
      signalled_version: version,
      flag: eb
        .case()
        .when('version', '=', version)
        .then('sent' as const)
        .else('not-sent' as const)
        .end(),
    }))
    .where('signalled_version', '<=', version)
    .execute();
}

/** The oldest unpublished records, at most `limit` of them and about `maxBytes` together (one at least). */
export async function listUnpublished(
  db: SiteDatabase,
  limit: number,
  maxBytes: number,
): Promise<{ readonly rows: readonly RecordRow[]; readonly more: boolean }> {
  const found = await db
    .selectFrom('records')
    .selectAll()
    .where('published', '=', 0)
    .orderBy('version')
    .limit(limit + 1)
    .execute();
  let bytes = 0;
  const fitting = found.findIndex((row, index) => {
    bytes += row.body.length * 3;
    return index > 0 && bytes > maxBytes;
  });
  const rows = found.slice(0, Math.min(limit, fitting === -1 ? found.length : fitting));
  return { rows, more: rows.length < found.length };
}

/**
 * R1: marks published exactly what the acknowledgement names. R6: "there is unpublished work" is not kept apart, it is
 * the published flags themselves, so nothing can be cleared too early.
 */
export function markPublished(
  db: SiteDatabase,
  acknowledgements: readonly Acknowledgement[],
): Promise<number> {
  return db.transaction().execute(async transaction => {
    let matched = 0;
    for (const { video, version, hash } of acknowledgements) {
      const { numUpdatedRows } = await transaction
        .updateTable('records')
        .set({ published: 1 })
        .where('video_id', '=', video)
        .where('version', '=', version)
        .where('hash', '=', hash)
        .executeTakeFirst();
      matched += Number(numUpdatedRows);
    }
    return matched;
  });
}

export async function countUnpublished(db: SiteDatabase): Promise<number> {
  const { count } = await db
    .selectFrom('records')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('published', '=', 0)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Published, not withdrawn, and no tracker has registered this version yet. */
export const listUnregistered = (
  db: SiteDatabase,
  limit: number,
): Promise<{ video_id: string; version: number; written_at: string }[]> =>
  db
    .selectFrom('records')
    .innerJoin('videos', 'videos.id', 'records.video_id')
    .select(['records.video_id', 'records.version', 'records.written_at'])
    .where('videos.state', '=', 'ready')
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
