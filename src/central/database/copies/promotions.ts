/**
 * Promotions: a video of a lost site passes to a site that holds a copy (docs/copies.md). Central decides, the successor takes
 * over, and the change takes effect in the transaction that applies the successor's own record. The video therefore always has
 * exactly one owner.
 */
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { promoted } from '../../placement/why.ts';
import { claimPositions } from '../feed.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { copyPublishedAt } from '../video-groups.ts';
import { writePlacements } from './assignments.ts';

export interface Promotion {
  readonly video: VideoId;
  readonly from: SiteId;
  readonly to: SiteId;
}

/** Stores promotions. A later decision replaces an earlier one that the successor has not carried out yet. */
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

/** Lists the successor of each of these videos that has one. */
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

/** Makes the successor the owner of videos that it has published itself. The former site learns of it at its next handshake. */
export const completePromotions = (
  tx: CentralTransaction,
  successor: SiteId,
  videos: readonly VideoId[],
): Promise<void> =>
  supersede(tx, successor, videos, {
    because: 'superseded: another site took over videos of this site when it was declared lost.',
    keepsPublishedAt: true,
  });

/** Makes the site that made these ids their owner, although another site has published them before. */
export const supersedeImpostors = (
  tx: CentralTransaction,
  owner: SiteId,
  videos: readonly VideoId[],
): Promise<void> =>
  supersede(tx, owner, videos, {
    because: 'superseded: this site published video ids that another site made.',
    keepsPublishedAt: false,
  });

interface Supersession {
  /** Shown to the operator as the reason why the former site must repeat its handshake. */
  readonly because: string;
  /** The video keeps the time at which the former site published it. */
  readonly keepsPublishedAt: boolean;
}

async function supersede(
  tx: CentralTransaction,
  owner: SiteId,
  videos: readonly VideoId[],
  { because, keepsPublishedAt }: Supersession,
): Promise<void> {
  const former = await tx
    .selectFrom('videos')
    .select(['site_id', 'video_id', 'published_at'])
    .where('video_id', 'in', videos)
    .where('kind', '=', sql.lit('video'))
    .where('site_id', '!=', owner)
    .where('superseded_by', 'is', null)
    .execute();
  for (const { site_id, video_id, published_at } of former) {
    // This position is after that of the owner's record, so a tracker that follows the feed always knows a source.
    const position = await claimPositions(tx, 1);
    await tx
      .updateTable('videos')
      .set({ superseded_by: owner, position })
      .where('site_id', '=', site_id)
      .where('video_id', '=', video_id)
      .execute();
    await tx
      .updateTable('videos')
      .set({ promoted: 1, ...(keepsPublishedAt ? { published_at } : {}) })
      .where('site_id', '=', owner)
      .where('video_id', '=', video_id)
      .execute();
    await copyPublishedAt(tx, [video_id]);
    await tx
      .updateTable('publications')
      .set({ epoch_start: null, invalidated_because: because })
      .where('site_id', '=', site_id)
      .execute();
  }
}
