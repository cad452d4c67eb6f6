/** What this site has whole and is private: its own videos, and copies of others'. */
import type { VideoId } from '../../protocol/ids.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import type { SiteDatabase } from './videos.ts';

const ownPrivate = (db: SiteDatabase) => db.selectFrom('videos').select('id').where('private', '=', 1);
const copiesThatMayBe = (db: SiteDatabase) =>
  db
    .selectFrom('copies')
    .select(['video_id', 'held_record'])
    .where('held_record', 'like', '%"visibility":"private"%');
/** A description may have those words, too. */
const isPrivate = ({ held_record }: { readonly held_record: string | null }): boolean =>
  (JSON.parse(held_record ?? '{}') as Partial<VideoRecord>).visibility === 'private';

export async function listPrivate(db: SiteDatabase): Promise<ReadonlySet<VideoId>> {
  const own = await ownPrivate(db).execute();
  const copies = await copiesThatMayBe(db).execute();
  return new Set([...own.map(({ id }) => id), ...copies.filter(isPrivate).map(({ video_id }) => video_id)]);
}

/** The same of one video. */
export async function isHeldPrivate(db: SiteDatabase, video: VideoId): Promise<boolean> {
  if (await ownPrivate(db).where('id', '=', video).executeTakeFirst()) return true;
  const copy = await copiesThatMayBe(db).where('video_id', '=', video).executeTakeFirst();
  return copy !== undefined && isPrivate(copy);
}
