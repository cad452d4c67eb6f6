/** Declares a site lost: chooses a successor for each of its videos that another site holds a copy of. */
import { sql } from '../../../kernel/sql/sql.ts';
import { inTransaction } from '../../../kernel/sql/transaction.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { CentralDatabase } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';
import { insertPromotions, type Promotion } from './promotions.ts';

export interface Loss {
  readonly promotions: readonly (Promotion & { readonly name: string })[];
  readonly lost: readonly { readonly video: VideoId; readonly name: string }[];
}

/**
 * @param isUp whether the trackers reach a site; among several possible successors, one that is up is preferred
 * @returns undefined if there is no such site
 */
export function declareLost(
  db: CentralDatabase,
  site: SiteId,
  isUp: (site: SiteId) => boolean,
  nowMs: number,
): Promise<Loss | undefined> {
  return inTransaction(db, async tx => {
    const { numUpdatedRows } = await tx
      .updateTable('members')
      .set({ lost_at: nowMs })
      .where('id', '=', site)
      .where('role', '=', 'site')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return undefined;
    const videos = await tx
      .selectFrom('videos')
      .select(['video_id', 'title', 'body'])
      .where('site_id', '=', site)
      .where('kind', '=', sql.lit('video'))
      .where('withdrawn', '=', sql.lit(0))
      .where('superseded_by', 'is', null)
      .execute();
    const promotions: (Promotion & { name: string })[] = [];
    const lost: { video: VideoId; name: string }[] = [];
    for (const { video_id, title, body } of videos) {
      const video = video_id;
      const record = parseStoredRecord(body);
      const copies = await tx
        .selectFrom('videos')
        .innerJoin('members', 'members.id', 'videos.site_id')
        .select(['videos.site_id', 'videos.body'])
        .where('videos.video_id', '=', video_id)
        .where('videos.kind', '=', sql.lit('copy'))
        .where('members.joined_at', 'is not', null)
        .where('members.revoked_at', 'is', null)
        .where('members.lost_at', 'is', null)
        .orderBy('videos.site_id')
        .execute();
      const score = (row: (typeof copies)[number]): number => {
        const copy = parseStoredRecord(row.body);
        const isCurrent =
          record.kind === 'video' && copy.kind === 'copy' && copy.revision === record.revision;
        return Number(isCurrent) * 2 + Number(isUp(row.site_id));
      };
      // A successor that was chosen before and has not taken over yet stays the successor while it still holds a copy.
      const previous = await tx
        .selectFrom('promotions')
        .select('to_site')
        .where('video_id', '=', video_id)
        .where('from_site', '=', site)
        .executeTakeFirst();
      const [best] = copies.toSorted((a, b) => score(b) - score(a));
      const to = copies.find(({ site_id }) => site_id === previous?.to_site) ?? best;
      if (to) promotions.push({ video, from: site, to: to.site_id, name: title });
      else lost.push({ video, name: title });
    }
    await insertPromotions(tx, promotions, nowMs);
    return { promotions, lost };
  });
}
