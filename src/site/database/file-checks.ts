/**
 * The background checks of media files: when each video was last checked, and the damage that was found. A damaged copy stops
 * being a copy in the same transaction, so that no viewer is sent to it, and is made again.
 */
import type { VideoId } from '../../protocol/base/ids.ts';
import type { Damage } from '../../protocol/copies.ts';
import { OFFLOAD } from './tables/offloading.ts';
import type { FileCheckRow } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

/** After so many failed attempts, the damage is reported as one that cannot be repaired. Attempts continue. */
const HOPEFUL_ATTEMPTS = 3;

export interface DueCheck {
  readonly video: VideoId;
  /** A copy of another site's video. */
  readonly isCopy: boolean;
  /** SHA-256 of the source. Undefined if this site never had the uploaded file. */
  readonly sha256: string | undefined;
  /** True if files may be in the object store. */
  readonly isOffloaded: boolean;
}

/** Finds the video whose last check is the oldest and before `beforeMs`. Videos that were never checked come first. */
export async function findDueCheck(db: SiteDatabase, beforeMs: number): Promise<DueCheck | undefined> {
  const own = await db
    .selectFrom('videos')
    .leftJoin('file_checks', 'file_checks.video_id', 'videos.id')
    .select(['videos.id', 'videos.sha256', 'videos.offloaded', 'videos.prepared', 'file_checks.checked_ms'])
    .where('videos.state', '=', 'ready')
    .where(({ eb, or }) =>
      or([eb('file_checks.checked_ms', 'is', null), eb('file_checks.checked_ms', '<', beforeMs)]),
    )
    .orderBy(({ fn, val }) => fn.coalesce('file_checks.checked_ms', val(0)))
    .limit(1)
    .executeTakeFirst();
  const copy = await db
    .selectFrom('copies')
    .leftJoin('file_checks', 'file_checks.video_id', 'copies.video_id')
    .select(['copies.video_id', 'file_checks.checked_ms'])
    .where('copies.state', '=', 'complete')
    .where(({ eb, or }) =>
      or([eb('file_checks.checked_ms', 'is', null), eb('file_checks.checked_ms', '<', beforeMs)]),
    )
    .orderBy(({ fn, val }) => fn.coalesce('file_checks.checked_ms', val(0)))
    .limit(1)
    .executeTakeFirst();
  if (copy && (!own || Number(copy.checked_ms ?? 0) < Number(own.checked_ms ?? 0))) {
    return { video: copy.video_id, isCopy: true, sha256: undefined, isOffloaded: false };
  }
  if (!own) return undefined;
  const isTakenOver = (JSON.parse(own.prepared ?? '{}') as { takenOver?: unknown }).takenOver !== undefined;
  return {
    video: own.id,
    isCopy: false,
    sha256: isTakenOver ? undefined : (own.sha256 ?? undefined),
    isOffloaded: own.offloaded > OFFLOAD.no,
  };
}

/** Before all others, also those that were never checked. */
const NEXT_MS = -1;
const UNDAMAGED = {
  damaged_at: null,
  detail: null,
  attempts: 0,
  repair_error: null,
  not_before_ms: 0,
  repaired: 0,
} as const;

export async function noteChecked(db: SiteDatabase, video: VideoId, nowMs: number): Promise<void> {
  await db
    .insertInto('file_checks')
    .values({ video_id: video, holding: 'own', ...UNDAMAGED, checked_ms: nowMs })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet({ checked_ms: nowMs }))
    .execute();
}

/** A request for bytes that the disk has altered: the whole video is checked next. */
export async function requestCheck(db: SiteDatabase, video: VideoId): Promise<void> {
  const row = { checked_ms: NEXT_MS, repaired: 0 };
  await db
    .insertInto('file_checks')
    .values({ video_id: video, holding: 'own', ...UNDAMAGED, ...row })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
}

/** @returns false if the damage of this video was known already */
export async function noteDamage(
  db: SiteDatabase,
  { video, holding, detail }: Pick<Damage, 'video' | 'holding' | 'detail'>,
  nowMs: number,
): Promise<boolean> {
  const known = await findFileCheck(db, video);
  if (known && known.damaged_at !== null && known.detail === detail && known.holding === holding)
    return false;
  const row = {
    ...UNDAMAGED,
    holding,
    detail: detail.slice(0, 500),
    damaged_at: known?.damaged_at ?? new Date(nowMs).toISOString(),
  };
  await db
    .insertInto('file_checks')
    .values({ video_id: video, checked_ms: 0, ...row })
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
  return true;
}

export const findFileCheck = (db: SiteDatabase, video: VideoId): Promise<FileCheckRow | undefined> =>
  db.selectFrom('file_checks').selectAll().where('video_id', '=', video).executeTakeFirst();

/** The damage of the video is gone, or the video is. */
export async function forgetDamage(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.updateTable('file_checks').set(UNDAMAGED).where('video_id', '=', video).execute();
}

/** Finds an own video with damage that may be repaired now. */
export const findRepair = (db: SiteDatabase, nowMs: number): Promise<FileCheckRow | undefined> =>
  db
    .selectFrom('file_checks')
    .selectAll()
    .where('damaged_at', 'is not', null)
    .where('holding', '=', 'own')
    .where('repaired', '=', 0)
    .where('not_before_ms', '<=', nowMs)
    .orderBy('attempts')
    .limit(1)
    .executeTakeFirst();

/** The bytes that were damaged are here again, in addition to the damaged file. */
export async function noteRepaired(db: SiteDatabase, video: VideoId): Promise<void> {
  await db
    .updateTable('file_checks')
    .set({ repaired: 1, attempts: 0, repair_error: null })
    .where('video_id', '=', video)
    .execute();
}

export async function noteRepairFailed(
  db: SiteDatabase,
  video: VideoId,
  { error, notBeforeMs }: { readonly error: string; readonly notBeforeMs: number },
): Promise<void> {
  await db
    .updateTable('file_checks')
    .set(({ eb }) => ({
      attempts: eb('attempts', '+', 1),
      not_before_ms: notBeforeMs,
      repair_error: error.slice(0, 500),
    }))
    .where('video_id', '=', video)
    .execute();
}

/** Lists the damage that is not repaired, the oldest first. */
export async function listDamage(db: SiteDatabase, limit: number): Promise<Damage[]> {
  const rows = await db
    .selectFrom('file_checks')
    .leftJoin('copies', 'copies.video_id', 'file_checks.video_id')
    .leftJoin('videos', join =>
      join.onRef('videos.id', '=', 'file_checks.video_id').on('videos.state', '=', 'ready'),
    )
    .select(['file_checks.video_id', 'file_checks.holding', 'damaged_at', 'detail', 'repaired'])
    .select(['file_checks.attempts', 'repair_error', 'copies.attempts as copy_attempts', 'copies.error'])
    .select('videos.id as own')
    .where('damaged_at', 'is not', null)
    .where('repaired', '=', 0)
    .orderBy('damaged_at')
    .limit(limit)
    .execute();
  return rows.flatMap(row => {
    const isCopy = row.holding === 'copy' && row.own === null;
    // The video was withdrawn, or the copy is not assigned any more.
    if (isCopy ? row.copy_attempts === null : row.own === null) return [];
    const attempts = (isCopy ? row.copy_attempts : row.attempts) ?? 0;
    const detail = [row.detail, isCopy ? row.error : row.repair_error].filter(Boolean).join('; ');
    return {
      video: row.video_id,
      holding: isCopy ? 'copy' : 'own',
      foundAt: row.damaged_at ?? '',
      repair: attempts >= HOPEFUL_ATTEMPTS ? 'impossible' : 'pending',
      detail: detail.slice(0, 500),
    } as const;
  });
}

export interface CheckCounts {
  /** Videos and copies whose files were checked at least once. */
  readonly checked: number;
  readonly damaged: number;
  readonly repaired: number;
  /** When the oldest of the last checks was, in milliseconds since 1970; undefined if nothing was checked yet. */
  readonly oldestCheckMs: number | undefined;
}

export async function countChecks(db: SiteDatabase): Promise<CheckCounts> {
  const rows = await db.selectFrom('file_checks').select(['checked_ms', 'damaged_at', 'repaired']).execute();
  const times = rows.map(row => Number(row.checked_ms)).filter(ms => ms > 0);
  return {
    checked: times.length,
    damaged: rows.filter(row => row.damaged_at !== null && row.repaired === 0).length,
    repaired: rows.filter(row => row.damaged_at !== null && row.repaired === 1).length,
    oldestCheckMs: times.length === 0 ? undefined : Math.min(...times),
  };
}
