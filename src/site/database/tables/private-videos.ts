/**
 * The videos that this site holds in full and serves only with a token: its own, private, not yet approved or not yet published, and
 * copies that are private, not yet published or expired.
 */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import { phaseAt } from '../../../protocol/publication/schedule.ts';
import type { SiteDatabase } from './videos.ts';

const isoNow = (): string => new Date().toISOString();

const ownPrivate = (db: SiteDatabase) =>
  db
    .selectFrom('videos')
    .select('id')
    .where(({ eb, or }) =>
      or([eb('private', '=', 1), eb('approval', 'is not', null), eb('publish_at', '>', isoNow())]),
    );
const findCandidates = (db: SiteDatabase) =>
  db
    .selectFrom('copies')
    .select(['video_id', 'held_record'])
    .where(({ eb, or }) =>
      or([
        eb('held_record', 'like', '%"visibility":"private"%'),
        eb('publish_at', '>', isoNow()),
        eb('withdraw_at', '<=', isoNow()),
      ]),
    );
/** The text that `like` has found may also be part of a description. */
function isPrivate({ held_record }: { readonly held_record: string | null }): boolean {
  const record = JSON.parse(held_record ?? '{}') as Partial<VideoRecord>;
  return record.visibility === 'private' || phaseAt(record, Date.now()) !== 'current';
}

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
