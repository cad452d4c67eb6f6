/**
 * The database's side of a greeting (publication rules R7 and R9): central's records are compared with our own, page by
 * page; then the epoch and the highest version are adopted. A page can be applied again without harm, so a greeting that
 * was cut short is simply begun anew.
 */

import type { SiteId, VideoId } from '../../../protocol/ids.ts';
import { canonicalJson } from '../../../protocol/publication/canonical.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { RecordEntry } from '../../../protocol/publication/gateway.ts';
import type { HandshakeResponse, HeldPage } from '../../../protocol/publication/handshake.ts';
import {
  isOfOwner,
  type PublicationRecord,
  type VideoRecord,
  writtenAtOf,
} from '../../../protocol/publication/record.ts';
import { restoreCopy, restoreGone } from '../copies.ts';
import type { RecordRow, VideoRow } from '../schema.ts';
import { type SiteDatabase, SUPERSEDED } from '../videos.ts';
import { type Comparison, compare } from './compare.ts';
import { type SiteTransaction, writeDraft } from './records.ts';
import { lockSignal } from './signal.ts';

/** A page of what central holds: all of this site's videos after `after`, up to the page's last one. */
export interface HeldRange extends HeldPage {
  readonly after: VideoId | undefined;
}

interface Compared {
  readonly video: VideoId;
  readonly comparison: Comparison;
  readonly own: RecordRow | undefined;
  /** The video is another site's now. */
  readonly supersededBy: SiteId | undefined;
}

export interface RestoredRecord {
  readonly video: VideoId;
  readonly kind: PublicationRecord['kind'];
}

/** What becomes of a video whose record was taken back: is its source still here? */
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

/** The records of this page whose content must be fetched before it can be applied. */
export const listMissing = async (db: SiteDatabase, range: HeldRange): Promise<VideoId[]> =>
  (await compareRange(db, range))
    .filter(({ comparison }) => comparison === 'take-back')
    .map(({ video }) => video);

/** Applies one page. What was written since it was compared is compared again: an edit is never lost to a greeting. */
export async function applyRange(
  db: SiteDatabase,
  range: HeldRange,
  contents: ReadonlyMap<VideoId, RecordEntry>,
  revive: RecoverSource,
  nowMs = Date.now(),
): Promise<readonly RestoredRecord[]> {
  const revived = new Map<VideoId, Awaited<ReturnType<RecoverSource>>>();
  for (const [video, { record }] of contents) {
    if (record.kind === 'video') revived.set(video, await revive(record));
  }
  return db.transaction().execute(async transaction => {
    await lockSignal(transaction);
    const takenBack: RestoredRecord[] = [];
    for (const { video, comparison, own, supersededBy } of await compareRange(transaction, range)) {
      const update = transaction.updateTable('records').where('video_id', '=', video);
      const content = contents.get(video);
      if (comparison === 'same' && own?.published === 0) await update.set({ published: 1 }).execute();
      else if (comparison === 'publish' && own?.published === 1) {
        await update.set({ published: 0, registered_version: 0 }).execute();
      } else if (comparison === 'renumber' && own && own.version > 0) {
        await update.set(unnumber(own)).execute();
      } else if (comparison === 'take-back' && content) {
        await restoreRecord(transaction, content, revived.get(video));
        takenBack.push({ video, kind: content.record.kind });
      }
      if (supersededBy !== undefined) await cedeVideo(transaction, video, supersededBy, nowMs);
    }
    return takenBack;
  });
}

/**
 * This site was taken for lost, and its video is another one's now. The files stay, for whoever is watching them and for
 * whoever wants something out of them; the site itself speaks of the video no more.
 */
async function cedeVideo(
  transaction: SiteTransaction,
  video: VideoId,
  heir: SiteId,
  nowMs: number,
): Promise<void> {
  const row = await transaction
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', video)
    .executeTakeFirst();
  if (!row || !isOfOwner(JSON.parse(row.body) as PublicationRecord)) return;
  const goneAt = new Date(nowMs).toISOString();
  const because = `The video is site ${heir}’s now: this one was taken for lost.`;
  await writeDraft(transaction, video, { kind: 'gone', video, because, goneAt }, nowMs);
  await transaction
    .updateTable('videos')
    .set({
      state: 'failed',
      error_code: SUPERSEDED,
      error_detail:
        'This site was taken for lost, and a copy at another site became the video. What is stored here is kept, and published no more.',
      updated_at: goneAt,
    })
    .where('id', '=', video)
    .where('state', '!=', 'withdrawn')
    .execute();
}

function unnumber(row: RecordRow): Partial<RecordRow> {
  const { version: _old, ...draft } = JSON.parse(row.body) as Record<string, unknown>;
  return { version: 0, hash: '', body: canonicalJson(draft), published: 0, registered_version: 0 };
}

async function restoreRecord(
  transaction: SiteTransaction,
  { record, hash }: RecordEntry,
  revived: Awaited<ReturnType<RecoverSource>> | undefined,
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
          private: record.visibility === 'private' ? 1 : 0,
          size_bytes: record.sizeBytes,
          sha256: record.sha256,
          // What stands here may go on if it is of the same revision; else its source is checked anew.
          ...(present?.state === 'ready' && present.revision === record.revision ? {} : revived),
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
 * The last step: from here on versions are numbered, above all that central holds. False where the answer is not to this
 * start (R8): another one has begun meanwhile.
 */
export function adoptEpoch(
  db: SiteDatabase,
  site: SiteId,
  { epoch, highestVersion }: HandshakeResponse,
): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const signal = await lockSignal(transaction);
    if (!answersStart(signal.start, epoch)) return false;
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
        // What waited is news in the new epoch, also where the old one had signalled it.
        ...(waiting ? { flag: 'not-sent' as const } : {}),
      })
      .where('id', '=', 1)
      .execute();
    return true;
  });
}

const answersStart = (start: string, epoch: Epoch): boolean => epoch.start === start;
