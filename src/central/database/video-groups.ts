/** The groups that may watch a video whose audience is `groups`, as its record names them. */
import { isAmong, selectRows } from '../../kernel/sql/rows.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { CentralDatabase, CentralSchema, CentralTransaction } from './schema.ts';

interface GroupsWrite {
  readonly site: SiteId;
  readonly record: { readonly video: VideoId; readonly groups: readonly string[] };
}

/** Replaces the groups of these videos. */
export async function writeVideoGroups(
  tx: CentralTransaction,
  writes: readonly GroupsWrite[],
): Promise<void> {
  const videos = [...new Set(writes.map(({ record }) => record.video))];
  const known = await tx
    .selectFrom('video_groups')
    .select(['site_id', 'video_id'])
    .distinct()
    .where(isAmong(tx, 'video_id', videos))
    .execute();
  for (const { site, record } of writes) {
    if (!known.some(row => row.site_id === site && row.video_id === record.video)) continue;
    await tx
      .deleteFrom('video_groups')
      .where('site_id', '=', site)
      .where('video_id', '=', record.video)
      .execute();
  }
  const rows = writes.flatMap(({ site, record: { video, groups } }) =>
    groups.map(group => ({ site, video, group })),
  );
  if (rows.length === 0) return;
  const columns = {
    site_id: rows.map(({ site }) => site),
    video_id: rows.map(({ video }) => video),
    group_id: rows.map(({ group }) => group),
    published_at: rows.map(() => 0),
  };
  await tx
    .insertInto('video_groups')
    .columns(Object.keys(columns) as (keyof typeof columns)[])
    .expression(selectRows<CentralSchema, CentralSchema['video_groups']>(tx, columns))
    .execute();
  await copyPublishedAt(tx, videos);
}

/** Repeats the times of these videos in the rows of their groups, whose index is sorted by them. */
export async function copyPublishedAt(tx: CentralTransaction, videos: readonly VideoId[]): Promise<void> {
  await tx
    .updateTable('video_groups')
    .set({
      published_at: sql<number>`(select published_at from videos
        where videos.site_id = video_groups.site_id and videos.video_id = video_groups.video_id)`,
    })
    .where(isAmong(tx, 'video_id', videos))
    .execute();
}

/** The groups that may watch the video with this id, according to the record of each site that published it. */
export async function listVideoGroups(
  db: CentralDatabase,
  video: VideoId,
): Promise<{ readonly site: SiteId; readonly group: string }[]> {
  const rows = await db
    .selectFrom('video_groups')
    .select(['site_id', 'group_id'])
    .where('video_id', '=', video)
    .execute();
  return rows.map(({ site_id, group_id }) => ({ site: site_id, group: group_id }));
}
