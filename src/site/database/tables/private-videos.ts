/** The videos that this site holds in full and serves only with a token: its own, private or not yet approved, and private copies. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import type { SiteDatabase } from './videos.ts';

const ownPrivate = (db: SiteDatabase) =>
  db
    .selectFrom('videos')
    .select('id')
    .where(({ eb, or }) => or([eb('private', '=', 1), eb('approval', 'is not', null)]));
const findCandidates = (db: SiteDatabase) =>
  db
    .selectFrom('copies')
    .select(['video_id', 'held_record'])
    .where('held_record', 'like', '%"visibility":"private"%');
/** The text that `like` has found may also be part of a description. */
const isPrivate = ({ held_record }: { readonly held_record: string | null }): boolean =>
  (JSON.parse(held_record ?? '{}') as Partial<VideoRecord>).visibility === 'private';

export async function listPrivate(db: SiteDatabase): Promise<ReadonlySet<VideoId>> {
  const own = await ownPrivate(db).execute();
  const copies = await findCandidates(db).execute();
  return new Set([...own.map(({ id }) => id), ...copies.filter(isPrivate).map(({ video_id }) => video_id)]);
}

/** True if this site holds this video in full and it is private. */
export async function isHeldPrivate(db: SiteDatabase, video: VideoId): Promise<boolean> {
  if (await ownPrivate(db).where('id', '=', video).executeTakeFirst()) return true;
  const copy = await findCandidates(db).where('video_id', '=', video).executeTakeFirst();
  return copy !== undefined && isPrivate(copy);
}
