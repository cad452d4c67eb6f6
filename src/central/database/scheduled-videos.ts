/**
 * Videos that become visible or end at a time in their record. Until `publishAt` the catalogue keeps them as private; after
 * `withdrawAt` it lists them no longer, although their sites have not sent the record of the withdrawal yet.
 */
import { sql } from '../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import { audienceOf } from '../../protocol/people/audience.ts';
import { claimPositions } from './feed.ts';
import { hideCopies } from './publication/hide-copies.ts';
import type { CentralDatabase, CentralTransaction } from './schema.ts';
import { indexAsNew, indexVideos } from './search/index-videos.ts';
import { keepSeriesCounts } from './series/counts.ts';
import { parseStoredRecord } from './stored-record.ts';
import { copyPublishedAt, writeVideoGroups } from './video-groups.ts';

/** Videos in one transaction. */
const MAX_VIDEOS = 100;
/** `videos.withdrawn` of a video whose `withdrawAt` has passed. */
export const EXPIRED = 2;

interface DueVideo {
  readonly site_id: SiteId;
  readonly video_id: VideoId;
  readonly body: string;
  readonly publish_at: number;
}

/** Applies everything due at `nowMs`. @returns how many videos have changed. Call it again until there are none. */
export async function applySchedule(db: CentralDatabase, nowMs: number): Promise<number> {
  // This runs every second and usually finds nothing. The lock of the feed writes, and wakes everyone who follows the feed.
  const columns = ['withdraw_at', 'publish_at'] as const;
  const due = await Promise.all(columns.map(column => listDue(db, column, nowMs)));
  if (due.every(rows => rows.length === 0)) return 0;
  return db.transaction().execute(async tx => {
    // Several centrals may do this at the same time. The lock of the feed makes one wait for the other.
    await claimPositions(tx, 0);
    const expired = await listDue(tx, 'withdraw_at', nowMs);
    const published = await listDue(tx, 'publish_at', nowMs);
    const videos = [...expired, ...published].map(({ video_id }) => video_id);
    if (videos.length === 0) return 0;
    await keepSeriesCounts(tx, { videos }, async () => {
      for (const row of published) await publish(tx, row);
      for (const row of expired) await expire(tx, row);
      await indexAsNew(
        tx,
        published.map(({ video_id }) => video_id),
      );
      await indexVideos(
        tx,
        expired.map(({ video_id }) => video_id),
      );
    });
    return videos.length;
  });
}

const listDue = (
  db: CentralDatabase,
  column: 'publish_at' | 'withdraw_at',
  nowMs: number,
): Promise<DueVideo[]> =>
  db
    .selectFrom('videos')
    .select(['site_id', 'video_id', 'body', 'publish_at'])
    .where(column, '>', sql.lit(0))
    .where(column, '<=', nowMs)
    .orderBy(column)
    .limit(MAX_VIDEOS)
    .execute();

/** The video appears with its own audience, as of its `publishAt`. */
async function publish(
  tx: CentralTransaction,
  { site_id: site, video_id: video, body, publish_at }: DueVideo,
): Promise<void> {
  const record = parseStoredRecord(body);
  if (record.kind !== 'video') return;
  const audience = audienceOf(record);
  await tx
    .updateTable('videos')
    .set({
      publish_at: 0,
      // 2: sites learn that the video is not private any more.
      private: audience === 'public' ? 2 : 1,
      audience: audience === 'internal' || audience === 'groups' ? audience : null,
      published_at: Number(publish_at),
      position: await claimPositions(tx, 1),
    })
    .where('site_id', '=', site)
    .where('video_id', '=', video)
    .execute();
  const groups = audience === 'groups' ? [...new Set(record.groups)] : [];
  await writeVideoGroups(tx, [{ site, record: { video, groups } }]);
  await copyPublishedAt(tx, [video]);
  await hideCopies(tx, [video]);
}

async function expire(tx: CentralTransaction, { site_id, video_id }: DueVideo): Promise<void> {
  await tx
    .updateTable('videos')
    .set({ withdrawn: EXPIRED, withdraw_at: 0, publish_at: 0, position: await claimPositions(tx, 1) })
    .where('site_id', '=', site_id)
    .where('video_id', '=', video_id)
    .where('withdrawn', '=', sql.lit(0))
    .execute();
}
