import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { CentralTransaction } from '../schema.ts';

/** Copies of videos that are not public are marked, so that only those who may manage sites count them. */
export async function hideCopies(tx: CentralTransaction, videos: readonly VideoId[]): Promise<void> {
  const hidden = sql<number>`case when exists (
    select 1 from videos as original
    where original.video_id = videos.video_id and original.kind = 'video' and original.private = 1
      and original.superseded_by is null
  ) then 1 else 0 end`;
  await tx
    .updateTable('videos')
    .set({ private: hidden })
    .where(isAmong(tx, 'video_id', videos))
    .where('kind', '=', sql.lit('copy'))
    .where('private', '!=', hidden)
    .execute();
}
