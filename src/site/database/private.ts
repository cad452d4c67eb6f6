/** What this site has whole and is private: its own videos, and copies of others'. */
import type { VideoId } from '../../protocol/ids.ts';
import type { VideoRecord } from '../../protocol/record.ts';
import type { SiteDatabase } from './videos.ts';

export async function listPrivate(db: SiteDatabase): Promise<ReadonlySet<VideoId>> {
  const own = await db.selectFrom('videos').select('id').where('private', '=', 1).execute();
  const copies = await db
    .selectFrom('copies')
    .select(['video_id', 'held_record'])
    .where('held_record', 'like', '%"visibility":"private"%')
    .execute();
  return new Set([
    ...own.map(({ id }) => id as VideoId),
    // A description may have those words, too.
    ...copies
      .filter(({ held_record }) => (JSON.parse(held_record ?? '{}') as VideoRecord).visibility === 'private')
      .map(({ video_id }) => video_id as VideoId),
  ]);
}
