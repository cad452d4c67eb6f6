/**
 * The database's side of a handshake (publication rules R7 and R9): compares central's records with those of the site, page by
 * page, and then adopts the epoch and the highest version. Applying a page twice is harmless, so an interrupted handshake is
 * simply repeated.
 */

import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { RecordEntry } from '../../../protocol/publication/gateway.ts';
import type { HandshakeResponse, HeldPage } from '../../../protocol/publication/handshake.ts';
import {
  detailsOf,
  isOfOwner,
  type PublicationRecord,
  type VideoRecord,
  writtenAtOf,
} from '../../../protocol/publication/record.ts';
import { detailsColumns } from '../tables/details.ts';
import { columnsOfRecord } from '../tables/people-columns.ts';
import type { RecordRow, VideoRow } from '../tables/schema.ts';
import { type SiteDatabase, SUPERSEDED } from '../tables/videos.ts';
import { type Comparison, compare } from './compare.ts';
import { restoreCopy, restoreGone } from './copies.ts';
import { readRecord, type SiteTransaction, writeDraft } from './records.ts';
import { lockSignal } from './signal.ts';

/** A page of the records that central holds: all of this site's videos after `after`, up to the last one of the page. */
export interface HeldRange extends HeldPage {
  readonly after: VideoId | undefined;
}

interface Compared {
  readonly video: VideoId;
  readonly comparison: Comparison;
  readonly own: RecordRow | undefined;
  /** The site that has taken over the video. */
  readonly supersededBy: SiteId | undefined;
}

export interface RestoredRecord {
  readonly video: VideoId;
  readonly kind: PublicationRecord['kind'];
}

/** Decides the state of a video whose record was restored, by whether its source is still here. */
export type RecoverSource = (
  record: VideoRecord,
) => Promise<Pick<VideoRow, 'state' | 'error_code' | 'error_detail'>>;

async function compareRange(db: SiteDatabase, { after, held, more }: HeldRange): Promise<Compared[]> {
  let query = db.selectFrom('records').selectAll();
  if (after) query = query.where('video_id', '>', after);
  const last = held.at(-1);
  if (more && last) query = query.where('video_id', '<=', last.video);
  const rows = new Map((await query.execute()).map(row => [row.video_id, row]));
  const theirs = new Map(held.map(record => [record.video, record]));
  return [...new Set([...theirs.keys(), ...rows.keys()])].map(video => {
    const own = rows.get(video);
    const held = theirs.get(video);
    const comparison = compare(own && ownRecord(own), held);
    return { video, own, comparison, supersededBy: held?.supersededBy };
  });
}

const ownRecord = (row: RecordRow) => ({
  version: Number(row.version),
  hash: row.hash,
  withdrawn: row.withdrawn === 1,
  writtenAt: row.written_at,
});

/** Lists the records whose content must be fetched before this page can be applied. */
export const listMissing = async (db: SiteDatabase, range: HeldRange): Promise<VideoId[]> =>
  (await compareRange(db, range))
    .filter(({ comparison }) => comparison === 'restore')
    .map(({ video }) => video);

export interface RangeToApply {
  readonly range: HeldRange;
  /** The contents of the records that `listMissing` has named. */
  readonly contents: ReadonlyMap<VideoId, RecordEntry>;
  readonly recoverSource: RecoverSource;
  readonly nowMs?: number;
}

/** Applies one page. It compares again, because a record may have been edited meanwhile: a handshake never loses an edit. */
export async function applyRange(
  db: SiteDatabase,
  { range, contents, recoverSource, nowMs = Date.now() }: RangeToApply,
): Promise<readonly RestoredRecord[]> {
  const recovered = new Map<VideoId, Awaited<ReturnType<RecoverSource>>>();
  for (const [video, { record }] of contents) {
    if (record.kind === 'video') recovered.set(video, await recoverSource(record));
  }
  return db.transaction().execute(async transaction => {
    await lockSignal(transaction);
    const restored: RestoredRecord[] = [];
    for (const { video, comparison, own, supersededBy } of await compareRange(transaction, range)) {
      const update = transaction.updateTable('records').where('video_id', '=', video);
      const content = contents.get(video);
      if (comparison === 'same' && own?.published === 0) await update.set({ published: 1 }).execute();
      else if (comparison === 'publish' && own?.published === 1) {
        await update.set({ published: 0, registered_version: 0 }).execute();
      } else if (comparison === 'renumber' && own && own.version > 0) {
        await update.set(unnumber(own)).execute();
      } else if (comparison === 'restore' && content) {
        await restoreRecord(transaction, content, recovered.get(video));
        restored.push({ video, kind: content.record.kind });
      }
      if (supersededBy !== undefined) await cedeVideo(transaction, video, supersededBy, nowMs);
    }
    return restored;
  });
}

/**
 * This site was marked as lost, and another one has taken over its video. The files are kept for current viewers and for people
 * who need something from them, but the site no longer publishes the video.
 */
async function cedeVideo(
  transaction: SiteTransaction,
  video: VideoId,
  successor: SiteId,
  nowMs: number,
): Promise<void> {
  const row = await transaction
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', video)
    .executeTakeFirst();
  if (!row || !isOfOwner(readRecord(row))) return;
  const goneAt = new Date(nowMs).toISOString();
  const because = `Site ${successor} has taken over the video, because this site was marked as lost.`;
  await writeDraft(transaction, video, { kind: 'gone', video, because, goneAt }, nowMs);
  await transaction
    .updateTable('videos')
    .set({
      state: 'failed',
      error_code: SUPERSEDED,
      error_detail:
        'This site was marked as lost, and a copy at another site became the video. The files here are kept, but no longer published.',
      updated_at: goneAt,
    })
    .where('id', '=', video)
    .where('state', '!=', 'withdrawn')
    .execute();
}

function unnumber(row: RecordRow): Partial<RecordRow> {
  const { version: _old, ...draft } = readRecord(row);
  return { version: 0, hash: '', body: canonicalJson(draft), published: 0, registered_version: 0 };
}

async function restoreRecord(
  transaction: SiteTransaction,
  { record, hash }: RecordEntry,
  recovered: Awaited<ReturnType<RecoverSource>> | undefined,
): Promise<void> {
  const writtenAt = writtenAtOf(record);
  const row = {
    version: record.version,
    hash,
    body: canonicalJson(record),
    withdrawn: record.kind === 'tombstone' ? 1 : 0,
    published: 1,
    registered_version: 0,
    written_at: writtenAt,
    change: 0,
  };
  await transaction
    .insertInto('records')
    .values({ video_id: record.video, ...row })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
  const writtenMs = Date.parse(writtenAt);
  await transaction
    .updateTable('signal')
    .set({ written_ms: writtenMs })
    .where('id', '=', 1)
    .where('written_ms', '<', writtenMs)
    .execute();
  if (record.kind === 'copy') return restoreCopy(transaction, record);
  if (record.kind === 'gone') return restoreGone(transaction, record.video);
  const present = await transaction
    .selectFrom('videos')
    .select(['state', 'revision'])
    .where('id', '=', record.video)
    .executeTakeFirst();
  const changes: Partial<VideoRow> =
    record.kind === 'tombstone'
      ? { state: 'withdrawn' }
      : {
          name: record.name,
          description: record.description,
          language: record.language ?? null,
          ...columnsOfRecord(record),
          ...detailsColumns(detailsOf(record)),
          size_bytes: record.sizeBytes,
          sha256: record.sha256,
          // The files here remain valid if they are of the same revision. Otherwise the source is checked again.
          ...(present?.state === 'ready' && present.revision === record.revision ? {} : recovered),
          attempts: 0,
        };
  if (present) {
    await transaction
      .updateTable('videos')
      .set({ ...changes, updated_at: writtenAt })
      .where('id', '=', record.video)
      .execute();
    return;
  }
  await transaction
    .insertInto('videos')
    .values({
      id: record.video,
      name: '',
      description: '',
      language: null,
      file_name: null,
      private: 0,
      state: 'failed',
      error_code: null,
      error_detail: null,
      size_bytes: 0,
      extras: null,
      extras_made: 0,
      extras_attempts: 0,
      offloaded: 0,
      sha256: null,
      revision: null,
      prepared: null,
      attempts: 0,
      created_at: record.kind === 'video' ? record.createdAt : writtenAt,
      ...changes,
      updated_at: writtenAt,
    })
    .execute();
}

/**
 * The last step: from now on records are numbered, above all versions that central holds.
 *
 * @returns false if the response is for another start (R8), because the site was started again meanwhile
 */
export function adoptEpoch(
  db: SiteDatabase,
  site: SiteId,
  { epoch, highestVersion }: HandshakeResponse,
): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const signal = await lockSignal(transaction);
    if (!isForStart(signal.start, epoch)) return false;
    const waiting = await transaction
      .selectFrom('records')
      .select('video_id')
      .where('published', '=', 0)
      .limit(1)
      .executeTakeFirst();
    await transaction
      .updateTable('signal')
      .set({
        site,
        epoch: epoch.number,
        epoch_start: epoch.start,
        version: Math.max(Number(signal.version), highestVersion),
        // Unpublished records must be signalled in the new epoch, even if they were in the old one.
        ...(waiting ? { flag: 'not-sent' as const } : {}),
      })
      .where('id', '=', 1)
      .execute();
    return true;
  });
}

const isForStart = (start: string, epoch: Epoch): boolean => epoch.start === start;
