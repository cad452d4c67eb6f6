/**
 * A site is lost for good, and the video goes to a site that holds a copy (docs/copies.md). Decided here, carried out by the
 * successor, and in force in the transaction that takes in the successor's own record of it: at no moment has the video no owner, or two.
 */
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/ids.ts';
import { promoted } from '../../placement/why.ts';
import { claimPositions } from '../feed.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { writePlacements } from './assignments.ts';

export interface Promotion {
  readonly video: VideoId;
  readonly from: SiteId;
  readonly to: SiteId;
}

/** A later decision replaces an earlier one that the successor has not carried out yet. */
export async function insertPromotions(
  tx: CentralTransaction,
  promotions: readonly Promotion[],
  nowMs: number,
): Promise<void> {
  for (const { video, from, to } of promotions) {
    await tx
      .insertInto('promotions')
      .values({ video_id: video, from_site: from, to_site: to, promoted_at: nowMs })
      .onConflict(conflict =>
        conflict.column('video_id').doUpdateSet({ from_site: from, to_site: to, promoted_at: nowMs }),
      )
      .execute();
  }
  await writePlacements(
    tx,
    promotions.map(({ video, to }) => ({ site: to, video, wanted: true, reason: promoted() })),
  );
}

/** Of these videos, to which site each was given that was. */
export async function listSuccessors(
  tx: CentralDatabase,
  videos: readonly string[],
): Promise<ReadonlyMap<VideoId, SiteId>> {
  const rows = await tx
    .selectFrom('promotions')
    .select(['video_id', 'to_site'])
    .where(isAmong(tx, 'video_id', videos))
    .execute();
  return new Map(rows.map(row => [row.video_id, row.to_site]));
}

/** The successor has published its own record: it now owns the video. The former site learns it at its next handshake. */
export async function completePromotions(
  tx: CentralTransaction,
  successor: SiteId,
  videos: readonly VideoId[],
): Promise<void> {
  const former = await tx
    .selectFrom('videos')
    .select(['site_id', 'video_id', 'published_at'])
    .where('video_id', 'in', videos)
    .where('kind', '=', sql.lit('video'))
    .where('site_id', '!=', successor)
    .where('superseded_by', 'is', null)
    .execute();
  for (const { site_id, video_id, published_at } of former) {
    // After the successor's own change: a tracker that follows the feed is never without the video.
    const position = await claimPositions(tx, 1);
    await tx
      .updateTable('videos')
      .set({ superseded_by: successor, position })
      .where('site_id', '=', site_id)
      .where('video_id', '=', video_id)
      .execute();
    await tx
      .updateTable('videos')
      .set({ promoted: 1, published_at })
      .where('site_id', '=', successor)
      .where('video_id', '=', video_id)
      .execute();
    await tx
      .updateTable('publications')
      .set({
        epoch_start: null,
        invalidated_because:
          'superseded: another site took over videos of this site when it was declared lost.',
      })
      .where('site_id', '=', site_id)
      .execute();
  }
}
